//! What Postfix and its admins do meanwhile, one system call at a time where it matters.

use super::world::{Admin, At, File, Pickup, World};
use crate::protocol::Decoy;

impl World {
    /// The worlds one act of the others away.
    pub(super) fn others(self) -> Vec<Self> {
        let mut worlds = Vec::new();
        self.queue_manager(&mut worlds);
        self.restart_of_from(&mut worlds);
        self.pickup_acts(&mut worlds);
        self.admin_of_from(&mut worlds);
        self.admin_of_to(&mut worlds);
        worlds
    }

    fn with(self, change: impl FnOnce(&mut Self)) -> Self {
        let mut world = self;
        change(&mut world);
        world
    }

    fn own_at_place(self, at: At) -> Self {
        self.with(|w| {
            if let Some(own) = &mut w.own {
                own.at = at;
            }
        })
    }

    /// FROM's queue manager: it looks at a file in deferred, takes it to active by its name, delivers or defers it.
    /// FROM's pickup(8), for what an admin has requeued.
    fn queue_manager(self, worlds: &mut Vec<Self>) {
        let at = self.own_at();
        if at == Some(At::Deferred) && !self.qmgr_saw {
            worlds.push(self.with(|w| w.qmgr_saw = true));
        }
        if self.qmgr_saw {
            let missed = self.with(|w| w.qmgr_saw = false);
            worlds.push(match at {
                Some(At::Deferred) => missed.own_at_place(At::Active),
                _ => missed,
            });
        }
        let deferred = |world: Self| {
            // With another time.
            let world = world.with(|w| (w.retried, w.marked) = (true, false));
            world.own_at_place(At::Deferred)
        };
        if at == Some(At::Active) && !self.agent {
            worlds.push(deferred(self));
            if self.own.is_some_and(|own| own.done) {
                // Nobody is left to deliver it to.
                worlds.push(self.with(|w| w.own = None));
            } else if !self.run.is_some_and(|run| run.locked) {
                worlds.push(self.with(|w| w.agent = true));
            }
        }
        if self.agent {
            let ended = self.with(|w| w.agent = false);
            worlds.push(match at {
                Some(At::Active) => deferred(ended),
                // The queue manager does not find it where it was.
                _ => ended,
            });
            worlds.push(ended.with(|w| {
                w.taken += u8::from(!w.own.is_some_and(|own| own.done));
                // It writes to what it has open.
                (w.retried, w.marked) = (true, false);
                match &mut w.own {
                    own if at == Some(At::Active) => *own = None,
                    Some(own) => own.done = true,
                    None => {}
                }
            }));
            // It lives on while its queue manager is started again.
            if at == Some(At::Active) {
                worlds.push(self.own_at_place(At::Deferred));
            }
        }
        if at == Some(At::FromMaildrop) && !self.from_pickup_saw {
            worlds.push(self.with(|w| w.from_pickup_saw = true));
        }
        if self.from_pickup_saw {
            worlds.push(self.with(|w| {
                w.from_pickup_saw = false;
                if at == Some(At::FromMaildrop) {
                    w.taken += u8::from(!w.own.is_some_and(|own| own.done));
                    w.own = None;
                }
            }));
        }
    }

    /// What is at a name in TO's maildrop: the own file, the copy (`true`), or nothing.
    fn at_name(self, name: bool) -> Option<(File, bool)> {
        let is_there = |file: &File| file.at == At::Name(name);
        let own = self.own.filter(is_there).map(|file| (file, false));
        own.or(self.copy.filter(is_there).map(|file| (file, true)))
    }

    /// FROM is started again, and its postsuper(1) renames the file, whose name did not fit its inode. It keeps its
    /// place.
    fn restart_of_from(self, worlds: &mut Vec<Self>) {
        let is_named = |at: &At| !matches!(at, At::Name(_) | At::ToCover | At::FromCover);
        if self.run.is_some() && !self.renamed && self.own_at().filter(is_named).is_some() {
            worlds.push(self.with(|w| {
                (w.renamed, w.qmgr_saw, w.from_pickup_saw) = (true, false, false);
                w.admin = Admin::Idle;
            }));
        }
    }

    /// TO's pickup(8), and its end when TO stops. (When that comes between cleanup's answer and pickup's removal of the
    /// file, Postfix itself doubles the message.)
    fn pickup_acts(self, worlds: &mut Vec<Self>) {
        let now = |pickup| self.with(|w| w.pickup = pickup);
        match self.pickup {
            Pickup::Idle => {
                for name in [false, true] {
                    if self.at_name(name).is_some_and(|(file, _)| file.open) {
                        worlds.push(now(Pickup::Saw(name)));
                    }
                }
            }
            Pickup::Saw(name) => {
                worlds.push(now(Pickup::Idle));
                worlds.push(match (self.at_name(name), self.decoy) {
                    (Some((_, is_copy)), _) => now(Pickup::Opened(is_copy, name)),
                    // Permission denied: it keeps the file.
                    (None, Some(Ok(decoy))) if decoy == name => now(Pickup::Idle),
                    (None, _) => now(Pickup::Removes(name)),
                });
            }
            // safe_open(3) compares what it opened with what the name shows now. If that is another file, or none,
            // pickup_file removes the name, whatever it shows, and cleanup(8) hears nothing of it.
            Pickup::Opened(is_copy, name) => {
                worlds.push(now(Pickup::Idle));
                let is_same = self.at_name(name).is_some_and(|(_, it)| it == is_copy);
                worlds.push(now(match is_same {
                    true => Pickup::Reads(is_copy, name),
                    false => Pickup::Removes(name),
                }));
            }
            Pickup::Reads(is_copy, name) => {
                worlds.push(now(Pickup::Idle));
                let file = if is_copy { self.copy } else { self.own };
                // Had it been taken, and this one is gone now and was not done, two could have been delivered before.
                let is_done = file.map_or(self.taken > 0, |file| file.done);
                let takes = u8::from(!is_done);
                worlds.push(now(Pickup::Removes(name)).with(|w| w.taken += takes));
            }
            Pickup::Removes(name) => {
                let removed = now(Pickup::Idle).with(|w| match (w.at_name(name), w.decoy) {
                    (Some((_, false)), _) => w.own = None,
                    (Some((_, true)), _) => w.copy = None,
                    (None, Some(Ok(decoy))) if decoy == name => w.decoy = None,
                    _ => {}
                });
                worlds.push(removed);
            }
        }
    }

    /// postsuper(1) in FROM: `-h`, `-H`, `-r`, `-d` look first, and then act on a name. What is covered only `-d ALL`
    /// removes.
    fn admin_of_from(self, worlds: &mut Vec<Self>) {
        let in_from = |at: &At| !matches!(at, At::Name(_) | At::ToCover | At::FromCover);
        let at = self.own_at().filter(in_from);
        match (self.admin, at) {
            (Admin::Idle, Some(at)) => worlds.push(self.with(|w| w.admin = Admin::Saw(at))),
            (Admin::Idle, None) => {}
            (Admin::Saw(saw), _) => {
                let done = self.with(|w| w.admin = Admin::Idle);
                worlds.push(done);
                if at == Some(saw) {
                    worlds.extend([At::Deferred, At::Hold].map(|to| done.own_at_place(to)));
                    // What is requeued while it is being delivered Postfix itself doubles.
                    if !self.agent {
                        let requeued = done.with(|w| w.marked = false);
                        worlds.push(requeued.own_at_place(At::FromMaildrop));
                    }
                    worlds.push(done.with(|w| (w.own, w.deleted) = (None, true)));
                }
            }
        }
        if self.own_at() == Some(At::FromCover) {
            worlds.push(self.with(|w| (w.own, w.deleted) = (None, true)));
        }
        if self.back.is_some() {
            worlds.push(self.with(|w| (w.back, w.deleted) = (None, true)));
        }
    }

    /// postsuper(1) in TO: what it renames at a start, and `-d`.
    fn admin_of_to(self, worlds: &mut Vec<Self>) {
        // pickup(8) has ended then. (When that was between cleanup's answer and its removal, see above.)
        if let (Some(Ok(_)), false) = (self.decoy, matches!(self.pickup, Pickup::Removes(_))) {
            worlds.push(self.with(|w| {
                (w.decoy, w.pickup) = (Some(Err(Decoy::Astray)), Pickup::Idle);
            }));
        }
        if self.decoy.is_some() {
            worlds.push(self.with(|w| (w.decoy, w.deleted) = (None, true)));
        }
        if self.copy.is_some() {
            worlds.push(self.with(|w| (w.copy, w.deleted) = (None, true)));
        }
        if matches!(self.own_at(), Some(At::Name(_) | At::ToCover)) {
            worlds.push(self.with(|w| (w.own, w.deleted) = (None, true)));
        }
    }
}
