//! Where the message's files are, who has them in hand, what the journal knows; and what this tool would see of it.

use crate::protocol::{BackCopy, Decoy, Goal, Observation, Own, Step, Target};

/// A place in one of the two spools. TO's maildrop has two names, since a withdrawn file goes back under another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum At {
    Deferred,
    Hold,
    Active,
    FromMaildrop,
    /// FROM's hold directory, covered.
    FromCover,
    Name(bool),
    /// TO's hold directory, covered.
    ToCover,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct File {
    pub(super) at: At,
    pub(super) open: bool,
    pub(super) whole: bool,
    /// It says that its recipients have the message: whoever takes it, delivers nothing.
    pub(super) done: bool,
}

/// TO's pickup(8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Pickup {
    Idle,
    /// It has seen a ready file of this name, and opens it next.
    Saw(bool),
    /// It has opened the message's own file or (`true`) the copy by this name, and looks at the name once more next.
    Opened(bool, bool),
    /// It reads: the message's own file or (`true`) the copy; and will remove this name.
    Reads(bool, bool),
    /// cleanup(8) has the message, or the file was not there or not the same any more: it removes this name next.
    Removes(bool),
}

/// An admin's postsuper(1), which looks at a file before it acts on its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Admin {
    Idle,
    Saw(At),
}

/// A check that the tool makes before it takes what is on hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum LeavesOut {
    Nothing,
    /// To lock it.
    Lock,
    /// To look whether it has the mark still.
    Mark,
}

/// The tool, in the middle of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Run {
    pub(super) goal: Goal,
    /// What it believes.
    pub(super) seen: Observation,
    /// What it is doing, and how many changes of it are done.
    pub(super) doing: Option<(Step, u8)>,
    /// How often it has looked anew.
    pub(super) looks: u8,
    /// Has it locked the message's own file?
    pub(super) locked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) cross_device: bool,
    pub(super) own: Option<File>,
    pub(super) copy: Option<File>,
    pub(super) back: Option<File>,
    pub(super) decoy: Option<Result<bool, Decoy>>,
    pub(super) marked: bool,
    pub(super) retried: bool,
    /// The journal: the copy is complete; the one on its way back is; the source was covered.
    pub(super) copied: bool,
    pub(super) returned: bool,
    pub(super) sealed: bool,
    /// FROM's postsuper(1) has renamed the own file since the run last looked: what it does by name misses it.
    pub(super) renamed: bool,
    /// FROM's queue manager has seen the file ready in deferred; FROM's pickup has in maildrop.
    pub(super) qmgr_saw: bool,
    /// A delivery agent of FROM's has the own file open and locked, wherever it is by now.
    pub(super) agent: bool,
    /// What the tool leaves out, to see that the model finds it.
    pub(super) leaves_out: LeavesOut,
    pub(super) from_pickup_saw: bool,
    pub(super) pickup: Pickup,
    pub(super) admin: Admin,
    /// So many times has it been taken over for good, by FROM's delivery or by TO's cleanup(8).
    pub(super) taken: u8,
    /// An admin has deleted a file of it.
    pub(super) deleted: bool,
    pub(super) run: Option<Run>,
}

impl World {
    pub(super) fn new(cross_device: bool) -> Self {
        let own = File {
            at: At::Deferred,
            open: true,
            whole: true,
            done: false,
        };
        Self {
            cross_device,
            own: Some(own),
            copy: None,
            back: None,
            decoy: None,
            marked: false,
            retried: false,
            copied: false,
            returned: false,
            sealed: false,
            renamed: false,
            qmgr_saw: false,
            agent: false,
            leaves_out: LeavesOut::Nothing,
            from_pickup_saw: false,
            pickup: Pickup::Idle,
            admin: Admin::Idle,
            taken: 0,
            deleted: false,
            run: None,
        }
    }

    /// The file that TO gets: the copy, or the message's own.
    pub(super) fn target(&mut self) -> &mut Option<File> {
        if self.cross_device {
            &mut self.copy
        } else {
            &mut self.own
        }
    }

    pub(super) fn own_at(&self) -> Option<At> {
        self.own.map(|own| own.at)
    }

    /// Where a run finds it by the name that it knows: in FROM, none of its places after a renaming.
    pub(super) fn named_at(&self) -> Option<At> {
        self.own_at().filter(|_| !self.renamed)
    }

    /// The run looks anew, for the inode: the name is known again.
    pub(super) fn look(&mut self, settled: bool) -> Observation {
        self.renamed = false;
        self.seen(settled)
    }

    /// Can somebody deliver from this file, or get at it so as to?
    fn is_deliverable(&self, file: File) -> bool {
        match file.at {
            _ if file.done => false,
            // The one that was copied is going to be removed.
            At::Name(name) if self.pickup == Pickup::Removes(name) => false,
            At::Name(name) => file.open || self.pickup == Pickup::Saw(name),
            At::FromCover | At::ToCover => false,
            At::Deferred | At::Hold | At::Active | At::FromMaildrop => true,
        }
    }

    /// Copies that somebody could deliver from, and deliveries.
    pub(super) fn deliverable(&self) -> u8 {
        let reads = |is_copy| {
            let file = if is_copy { self.copy } else { self.own };
            let is_done = file.is_some_and(|file| file.done);
            !is_done && matches!(self.pickup, Pickup::Reads(what, _) if what == is_copy)
        };
        let counts = [
            self.own
                .is_some_and(|own| self.is_deliverable(own) || reads(false)),
            self.copy
                .is_some_and(|copy| self.is_deliverable(copy) || reads(true)),
        ];
        self.taken + counts.into_iter().map(u8::from).sum::<u8>()
    }

    /// Is a complete copy anywhere, or has the message been taken over?
    pub(super) fn exists(&self) -> bool {
        let files = [self.own, self.copy, self.back];
        self.deliverable() > 0 || files.into_iter().flatten().any(|file| file.whole)
    }

    /// Does the tool see that a delivery agent has locked the message's own file?
    pub(super) fn is_locked_by_agent(&self) -> bool {
        self.agent && self.leaves_out != LeavesOut::Lock
    }

    /// What `observe.rs` would see.
    pub(super) fn seen(&self, settled: bool) -> Observation {
        let target = match if self.cross_device {
            self.copy
        } else {
            self.own
        } {
            Some(file) if file.at == At::ToCover => Target::Withdrawn,
            Some(File {
                at: At::Name(_),
                open,
                whole,
                ..
            }) => match (open, whole && (self.copied || !self.cross_device)) {
                (true, _) => Target::Open,
                (false, true) => Target::Closed,
                (false, false) => Target::Partial,
            },
            _ => Target::No,
        };
        let own = match self.own_at() {
            None | Some(At::Name(_) | At::ToCover) => Own::No,
            Some(At::Deferred) if self.retried => Own::Retried,
            Some(At::Deferred) => Own::AsPlanned,
            Some(At::Hold) if self.marked && !self.is_locked_by_agent() => Own::Held,
            Some(At::Hold) => Own::HeldByOthers,
            Some(At::FromCover) => Own::Covered,
            Some(At::Active | At::FromMaildrop) => Own::Busy,
        };
        let back = match self.back {
            None => BackCopy::No,
            Some(back) if back.whole && self.returned => BackCopy::Complete,
            Some(_) => BackCopy::Partial,
        };
        let decoy = match self.decoy {
            None => Decoy::No,
            Some(Ok(_)) => Decoy::InPlace,
            Some(Err(decoy)) => decoy,
        };
        Observation {
            own,
            target,
            back,
            decoy,
            sealed: self.sealed,
            settled,
            cross_device: self.cross_device,
        }
    }
}
