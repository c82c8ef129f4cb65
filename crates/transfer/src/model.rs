//! A model of the protocol: one message, every place it can be in, every interruption, checked exhaustively.
//!
//! The world is where copies of the message are; the actors are this tool (which may crash between any two changes
//! and be started again with either goal), FROM's queue manager, TO's pickup(8), and an admin with postsuper(1).
//! From every world that can be reached, by any order of their acts:
//! - the message is there: a complete copy is somewhere, or one delivery has taken it over;
//! - it is there once: never can two of FROM's queue manager, an admin's release and TO's pickup get at a copy;
//! - the tool, left alone, comes to an end.

use std::collections::HashSet;

use crate::protocol::{Copy, Goal, Held, Seen, Step, Waiting, next};

/// Where the message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct World {
    seen: Seen,
    /// FROM's queue manager has it.
    active: bool,
    /// pickup(8) has opened it, and will remove the file from maildrop when cleanup(8) has its copy.
    reading: bool,
    /// So many times has it been taken over for good, by FROM's delivery or by TO's cleanup(8).
    taken: u8,
}

impl World {
    fn new(cross_device: bool) -> Self {
        Self {
            seen: Seen {
                deferred: Waiting::AsPlanned,
                hold: Held::No,
                target: Copy::No,
                back: Copy::No,
                cross_device,
            },
            active: false,
            reading: false,
            taken: 0,
        }
    }

    /// Copies that somebody could deliver from, and deliveries.
    fn deliverable(self) -> u8 {
        let seen = self.seen;
        let places = [
            seen.deferred != Waiting::No,
            seen.hold != Held::No,
            seen.target == Copy::Open || (self.reading && seen.target != Copy::No),
            seen.back == Copy::Open,
            self.active,
        ];
        let count: usize = places.into_iter().filter(|&there| there).count();
        self.taken + u8::try_from(count).unwrap_or(u8::MAX)
    }

    /// Is a complete copy anywhere, or has it been taken over?
    fn exists(self) -> bool {
        let whole = |copy| matches!(copy, Copy::Closed | Copy::Open);
        self.deliverable() > 0 || whole(self.seen.target) || whole(self.seen.back)
    }

    /// The worlds one act of the others away.
    fn others(self) -> Vec<Self> {
        let mut worlds = Vec::new();
        let mut act = |change: &dyn Fn(&mut Self)| {
            let mut world = self;
            change(&mut world);
            worlds.push(world);
        };
        if self.seen.deferred != Waiting::No {
            // The queue manager takes it; an admin puts it on hold.
            act(&|w| {
                w.seen.deferred = Waiting::No;
                w.active = true;
            });
            act(&|w| {
                w.seen.deferred = Waiting::No;
                w.seen.hold = Held::ByOthers;
            });
        }
        if self.active {
            act(&|w| {
                w.active = false;
                w.seen.deferred = Waiting::Retried;
            });
            act(&|w| {
                w.active = false;
                w.taken += 1;
            });
        }
        if self.seen.hold == Held::ByOthers {
            act(&|w| {
                w.seen.hold = Held::No;
                w.seen.deferred = Waiting::Retried;
            });
        }
        if self.seen.target == Copy::Open && !self.reading {
            act(&|w| w.reading = true);
        }
        if self.reading {
            // cleanup has it and pickup removes the name, whatever its mode by now; or cleanup refuses.
            act(&|w| {
                w.reading = false;
                w.taken += 1;
                w.seen.target = Copy::No;
            });
            act(&|w| w.reading = false);
        }
        worlds
    }

    /// The worlds that this tool may leave behind when it does `step`: each single change of it, the last one done.
    fn doing(self, step: Step) -> Vec<Self> {
        let mut world = self;
        let seen = &mut world.seen;
        match step {
            Step::Hold => {
                seen.deferred = Waiting::No;
                seen.hold = Held::ByUs;
            }
            Step::Send if seen.cross_device => {
                seen.target = Copy::Partial;
                let begun = world;
                world.seen.target = Copy::Closed;
                return vec![begun, world];
            }
            Step::Send => {
                seen.hold = Held::No;
                seen.target = Copy::Open;
            }
            Step::DropSource => seen.hold = Held::No,
            Step::Publish => seen.target = Copy::Open,
            Step::Close => seen.target = Copy::Closed,
            Step::DropTarget => seen.target = Copy::No,
            Step::Return if seen.cross_device => {
                seen.back = Copy::Partial;
                let begun = world;
                world.seen.back = Copy::Closed;
                return vec![begun, world];
            }
            Step::Return => {
                seen.target = Copy::No;
                seen.hold = Held::ByUs;
            }
            Step::DropBack => seen.back = Copy::No,
            Step::OpenBack => {
                seen.back = Copy::No;
                seen.hold = Held::ByUs;
            }
            Step::Release => {
                seen.hold = Held::No;
                seen.deferred = Waiting::AsPlanned;
            }
            Step::End(_) => return Vec::new(),
        }
        vec![world]
    }

    /// Those, in one of this tool's runs. While pickup(8) has a closed file in hand, `undo` waits.
    fn ours(self, goal: Goal) -> Vec<Self> {
        if goal == Goal::Back && self.reading && self.seen.target != Copy::Open {
            return Vec::new();
        }
        self.doing(next(self.seen, goal))
    }
}

#[test]
fn no_interruption_loses_or_doubles_a_message() {
    for cross_device in [false, true] {
        let mut known = HashSet::new();
        let mut open = vec![World::new(cross_device)];
        while let Some(world) = open.pop() {
            if !known.insert(world) {
                continue;
            }
            assert!(world.exists(), "lost: {world:?}");
            // While its source is on hold, a complete copy may lie open for nobody: closed.
            assert!(world.deliverable() <= 1, "doubled: {world:?}");
            for goal in [Goal::Finish, Goal::Back] {
                open.extend(world.ours(goal));
                comes_to_an_end(world, goal);
            }
            open.extend(world.others());
        }
        // The model is no tautology: it has seen the states that matter.
        let has = |wanted: fn(&World) -> bool| known.iter().any(wanted);
        assert!(has(|w| w.taken == 1));
        assert!(has(|w| w.seen.target == Copy::Closed && !w.reading));
        assert_eq!(has(|w| w.seen.back == Copy::Closed), cross_device);
        assert!(known.len() >= 10, "{}", known.len());
    }
}

/// With nobody else at work, a run of the tool ends, at its goal or where the message is not its own.
fn comes_to_an_end(start: World, goal: Goal) {
    let mut world = start;
    world.reading = false;
    for _ in 0..20 {
        let step = next(world.seen, goal);
        let Some(&after) = world.doing(step).last() else {
            assert!(world.exists(), "{start:?} {world:?}");
            let is_settled = |copy| matches!(copy, Copy::No | Copy::Open);
            assert!(
                is_settled(world.seen.target) && is_settled(world.seen.back),
                "left behind: {start:?} {goal:?} {world:?}"
            );
            return;
        };
        world = after;
    }
    panic!("no end: {start:?} {goal:?} {world:?}");
}

#[test]
fn the_model_finds_a_wrong_order() {
    // Opening the copy before the source is gone must show as doubled, or the check above is worth nothing.
    let mut world = World::new(true);
    world.seen.deferred = Waiting::No;
    world.seen.hold = Held::ByUs;
    world.seen.target = Copy::Closed;
    assert_eq!(world.deliverable(), 1);
    let wrong = world.doing(Step::Publish)[0];
    assert_eq!(wrong.deliverable(), 2);
}
