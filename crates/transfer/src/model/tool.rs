//! This tool: a run is `protocol.rs`, and its steps are made of the single changes and checks of `steps/`. It may be
//! killed after each, and others may act after each.

use super::world::{At, File, LeavesOut, Pickup, Run, World};
use crate::protocol::{BackCopy, Decoy, Goal, Observation, Step, Target, after};

/// Looks anew before a run gives a message up.
const LOOKS: u8 = 2;

/// What a run obeys: [`crate::protocol::next`], or a wrong one, to see that the model finds it.
pub(super) type Rule = fn(Observation, Goal) -> Step;

/// What became of a change.
enum Did {
    /// More of this step is to be done.
    More,
    /// The step is done.
    Done,
    /// A race was lost: look anew.
    Raced,
    /// Nothing can be done now.
    Stuck,
}

impl World {
    /// The worlds that this tool makes next: it begins a run, goes on with it, or is killed.
    pub(super) fn tool(self, rule: Rule) -> Vec<Self> {
        let mut worlds = Vec::new();
        let Some(run) = self.run else {
            for goal in [Goal::Finish, Goal::Back] {
                let mut world = self;
                world.run = Some(Run {
                    goal,
                    seen: world.look(false),
                    doing: None,
                    looks: 0,
                    locked: false,
                });
                worlds.push(world);
            }
            return worlds;
        };
        let mut killed = self;
        killed.run = None;
        worlds.push(killed);
        // Its batch is over, and it has closed its files; it goes on from what it has seen.
        if run.locked && run.doing.is_none() {
            let mut world = self;
            world.run = Some(Run {
                locked: false,
                ..run
            });
            worlds.push(world);
        }
        worlds.extend(self.goes_on(run, rule));
        worlds
    }

    /// The next change of a run; `None`: it is at its end.
    pub(super) fn goes_on(self, mut run: Run, rule: Rule) -> Option<Self> {
        let mut world = self;
        let (step, number) = run.doing.unwrap_or((rule(run.seen, run.goal), 0));
        if let Step::End(_) = step {
            return None;
        }
        let did = match step {
            Step::Begin | Step::Fill | Step::Cover | Step::Send | Step::Release
                if number == 0 && !world.secure(&mut run) =>
            {
                Did::Raced
            }
            _ => world.change(step, number, run.seen),
        };
        match did {
            Did::More => run.doing = Some((step, number + 1)),
            Did::Done => {
                run.doing = None;
                run.locked = match step {
                    // Its check at the end of the hold has locked it.
                    Step::Hold => self.leaves_out != LeavesOut::Lock,
                    // It is another file, was opened anew, or is out of FROM's reach.
                    Step::OpenBack | Step::Return | Step::Cover | Step::Send => false,
                    _ => run.locked,
                };
                run.seen = match step {
                    // What pickup has removed shows now.
                    Step::Settle => world.look(true),
                    step => after(run.seen, step),
                };
            }
            Did::Raced if run.looks < LOOKS => {
                run.doing = None;
                run.looks += 1;
                run.locked = false;
                run.seen = world.look(false);
            }
            Did::Raced | Did::Stuck => {
                world.run = None;
                return Some(world);
            }
        }
        world.run = Some(run);
        Some(world)
    }

    /// Locks what is on hold, if nobody else has it locked, and looks whether it is still this move's.
    fn secure(&self, run: &mut Run) -> bool {
        if self.is_locked_by_agent() {
            return false;
        }
        run.locked = self.leaves_out != LeavesOut::Lock;
        let is_marked = self.marked || self.leaves_out == LeavesOut::Mark;
        self.named_at() == Some(At::Hold) && is_marked
    }

    /// One change or check of a step.
    fn change(&mut self, step: Step, number: u8, seen: Observation) -> Did {
        let (own_at, cross) = (self.named_at(), self.cross_device);
        let done = |did: bool| if did { Did::Done } else { Did::Raced };
        match (step, number) {
            (Step::Hold, 0) => more(own_at == Some(At::Deferred) && !self.retried),
            (Step::Hold, 1) => {
                self.marked = self.own.is_some() || self.marked;
                Did::More
            }
            (Step::Hold, 2) if own_at != Some(At::Deferred) => {
                self.marked = false;
                Did::Raced
            }
            (Step::Hold, 2) => self.own_to(At::Hold, Did::More),
            (Step::Hold, 3) if own_at == Some(At::Hold) && (self.retried || self.agent) => {
                self.move_own(At::Deferred);
                Did::More
            }
            // It is on hold under another name, with the mark: reported, and found by the next run.
            (Step::Hold, 3) if self.renamed && self.own_at() == Some(At::Hold) => Did::Stuck,
            (Step::Hold, 3) => done(own_at == Some(At::Hold)),
            (Step::Hold, _) => {
                self.marked = false;
                Did::Raced
            }
            (Step::Begin, _) => {
                self.copy = Some(closed(At::Name(false)));
                self.copied = false;
                Did::Done
            }
            (Step::Fill, 0) => match &mut self.copy {
                Some(copy) => {
                    copy.whole = true;
                    copy.done = self.own.is_some_and(|own| own.done);
                    Did::More
                }
                None => Did::Raced,
            },
            (Step::Fill, _) => {
                self.copied = true;
                Did::Done
            }
            (Step::Cover, _) if own_at == Some(At::Hold) => self.own_to(At::FromCover, Did::Done),
            (Step::Cover, _) => Did::Raced,
            (Step::NoteCovered, _) => {
                self.sealed = true;
                Did::Done
            }
            (Step::DropSource, _) if own_at == Some(At::FromCover) => {
                self.own = None;
                Did::Done
            }
            (Step::DropSource, _) => Did::Raced,
            (Step::Withdraw, 0) => {
                self.decoy = Some(Err(Decoy::Ready));
                Did::More
            }
            (Step::Withdraw, _) => self.exchange(),
            (Step::Settle, _) if self.pickup == Pickup::Idle => Did::Done,
            (Step::Settle, _) => Did::Stuck,
            (Step::PutBack, _) => self.put_back(),
            (Step::Return, _) => {
                let done = done(own_at == Some(At::ToCover));
                self.move_own(At::Hold);
                self.marked = true;
                done
            }
            (Step::BeginBack, _) => {
                self.back = Some(closed(At::FromCover));
                self.returned = false;
                Did::Done
            }
            (Step::FillBack, 0) => match (&mut self.back, self.copy) {
                (Some(back), Some(copy)) => {
                    (back.whole, back.done) = (true, copy.done);
                    Did::More
                }
                _ => Did::Raced,
            },
            (Step::FillBack, _) => {
                self.returned = true;
                Did::Done
            }
            (Step::DropBack, _) => {
                self.back = None;
                Did::Done
            }
            // The other complete one is still in sight.
            (Step::DropTarget, 0) if seen.target == Target::Withdrawn => {
                // Without one on its way back only a wrong rule comes here.
                more(seen.back == BackCopy::No || self.back.is_some_and(|back| back.whole))
            }
            (Step::DropTarget, 0) => more(!cross || self.own.is_some()),
            (Step::DropTarget, 1) => {
                self.sealed &= self.own.is_none();
                Did::More
            }
            (Step::DropTarget, _) => {
                *self.target() = None;
                Did::Done
            }
            (Step::DropDecoy, _) => {
                self.decoy = None;
                Did::Done
            }
            (Step::OpenBack, 0) => {
                self.sealed = false;
                Did::More
            }
            (Step::OpenBack, _) => match self.back.take() {
                Some(back) => {
                    (self.own, self.marked) = (Some(back), true);
                    self.own_to(At::Hold, Did::Done)
                }
                None => Did::Raced,
            },
            (Step::Uncover, _) if own_at == Some(At::FromCover) => self.own_to(At::Hold, Did::Done),
            (Step::Uncover, _) => Did::Raced,
            (Step::Publish, _) => match self.target() {
                Some(file) if matches!(file.at, At::Name(_)) => {
                    file.open = true;
                    Did::Done
                }
                _ => Did::Raced,
            },
            (Step::Send, 0) => more(own_at == Some(At::Hold)),
            (Step::Send, _) if own_at == Some(At::Hold) => {
                self.move_own(At::Name(false));
                Did::Done
            }
            (Step::Send, _) => Did::Raced,
            (Step::Release, 0) if own_at == Some(At::Hold) => {
                self.move_own(At::Deferred);
                Did::More
            }
            (Step::Release, 0) => Did::Raced,
            (Step::Release, _) => {
                self.marked = false;
                Did::Done
            }
            (Step::End(_), _) => Did::Stuck,
        }
    }

    fn move_own(&mut self, at: At) {
        if let Some(own) = &mut self.own {
            own.at = at;
        }
    }

    fn own_to(&mut self, at: At, did: Did) -> Did {
        self.move_own(at);
        did
    }

    fn exchange(&mut self) -> Did {
        let Some(Err(Decoy::Ready)) = self.decoy else {
            return Did::Raced;
        };
        match *self.target() {
            Some(File {
                at: At::Name(name), ..
            }) => {
                if let Some(file) = self.target() {
                    file.at = At::ToCover;
                }
                self.decoy = Some(Ok(name));
                Did::Done
            }
            _ => Did::Raced,
        }
    }

    fn put_back(&mut self) -> Did {
        let taken = match self.decoy {
            Some(Ok(taken)) => taken,
            Some(Err(Decoy::Astray)) => true,
            _ => return Did::Raced,
        };
        match self.target() {
            Some(file) if file.at == At::ToCover => {
                (file.at, file.open) = (At::Name(!taken), true);
                Did::Done
            }
            _ => Did::Raced,
        }
    }
}

fn more(fits: bool) -> Did {
    if fits { Did::More } else { Did::Raced }
}

fn closed(at: At) -> File {
    File {
        at,
        open: false,
        whole: false,
        done: false,
    }
}
