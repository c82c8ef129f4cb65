//! A model of a move: one message, every place it can be in, every order of what this tool, Postfix and its admins do.
//!
//! The actors are this tool (which may be killed after any single change, and started again with either goal), FROM's
//! queue manager and pickup(8), TO's pickup between any two of its system calls, postsuper(1) in both instances at a
//! restart and by an admin's hand. From every world that can be reached:
//! - the message is there, unless an admin has deleted it: a complete copy is somewhere, or it was taken over once;
//! - it is there once: never can two deliver it;
//! - the tool, left alone, comes to an end, and leaves nothing closed behind that it does not report.

mod others;
mod tool;
mod world;

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use crate::protocol::{Decoy, End, Goal, Observation, Own, Step, Target, next};
use tool::Rule;
use world::{At, LeavesOut, Pickup, Run, World};

/// Every world that can be reached, each with the one it was reached from; or how a message is lost or doubled.
fn explore(cross_device: bool, rule: Rule) -> Result<HashMap<World, Option<World>>, String> {
    explore_from(World::new(cross_device), rule)
}

fn explore_from(first: World, rule: Rule) -> Result<HashMap<World, Option<World>>, String> {
    let mut known = HashMap::new();
    known.insert(first, None);
    let mut open = vec![first];
    while let Some(world) = open.pop() {
        let doubled = world.deliverable() > 1;
        if doubled || (!world.exists() && !world.deleted) {
            let what = if doubled { "doubled" } else { "lost" };
            return Err(format!("{what}:\n{}", trail(&known, world)));
        }
        let mut worlds = world.tool(rule);
        worlds.extend(world.others());
        for after in worlds {
            known.entry(after).or_insert_with(|| {
                open.push(after);
                Some(world)
            });
        }
    }
    Ok(known)
}

/// What the protocol as it is can come to.
fn as_it_is(cross_device: bool) -> &'static HashMap<World, Option<World>> {
    static KNOWN: [OnceLock<HashMap<World, Option<World>>>; 2] = [OnceLock::new(), OnceLock::new()];
    KNOWN[usize::from(cross_device)].get_or_init(|| explore(cross_device, next).unwrap())
}

fn trail(known: &HashMap<World, Option<World>>, last: World) -> String {
    let mut at = Some(last);
    let mut lines = Vec::new();
    while let Some(world) = at {
        lines.push(format!("{world:?}\n"));
        at = known.get(&world).copied().flatten();
    }
    lines.reverse();
    lines.concat()
}

/// The end of a run with nobody else at work.
fn end_of(start: World, goal: Goal) -> (World, End) {
    let mut world = start;
    (world.pickup, world.agent) = (Pickup::Idle, false);
    let mut run = Run {
        goal,
        seen: world.seen(false),
        doing: None,
        looks: 0,
        locked: false,
    };
    for _ in 0..100 {
        if let Step::End(end) = next(run.seen, run.goal) {
            return (world, end);
        }
        world = world.goes_on(run, next).unwrap();
        run = world.run.expect("alone, nothing comes between");
    }
    panic!("no end: {start:?} {goal:?}");
}

#[test]
fn no_order_of_events_loses_or_doubles_a_message() {
    for cross_device in [false, true] {
        let known = as_it_is(cross_device);
        println!(
            "between file systems: {cross_device}: {} worlds",
            known.len()
        );
        let ends: HashSet<End> = known
            .keys()
            .filter(|world| world.run.is_none())
            .flat_map(|&world| [Goal::Finish, Goal::Back].map(|goal| comes_to_an_end(world, goal)))
            .collect();
        // The model is no tautology: it has seen the states that matter.
        for end in [
            End::Moved,
            End::Home,
            End::Retried,
            End::Busy,
            End::HeldByOthers,
            End::Gone,
        ] {
            assert!(ends.contains(&end), "{end:?}");
        }
        let has = |wanted: fn(&World) -> bool| known.keys().any(wanted);
        assert!(has(|w| w.taken == 1));
        assert!(has(|w| w.renamed));
        assert!(has(
            |w| matches!(w.decoy, Some(Ok(_))) && w.pickup == Pickup::Removes(false)
        ));
        assert!(has(|w| w.decoy == Some(Err(Decoy::Astray))));
        // On hold with the mark, and being delivered; and delivered there.
        assert!(has(|w| w.agent && w.marked && w.own_at() == Some(At::Hold)));
        assert!(has(
            |w| w.own_at() == Some(At::Hold) && w.own.is_some_and(|own| own.done)
        ));
        // What pickup has removed without having taken it: only what is kept is left of it.
        assert!(has(|w| {
            let seen = w.seen(false);
            seen.target == Target::Withdrawn && seen.decoy == Decoy::No && w.taken == 0
        }));
        assert_eq!(has(|w| w.back.is_some()), cross_device);
        assert!(known.len() > 1000, "{}", known.len());
    }
}

/// Left alone, a run ends at its goal, or where the message is not its own, or says that it is in doubt.
fn comes_to_an_end(start: World, goal: Goal) -> End {
    let (world, end) = end_of(start, goal);
    assert!(world.exists() || world.deleted, "{start:?} {world:?}");
    let seen = world.seen(false);
    let is_settled = matches!(seen.target, Target::No | Target::Open)
        && seen.own != Own::Covered
        && world.back.is_none()
        && world.decoy.is_none();
    assert!(
        is_settled || end == End::InDoubt,
        "left behind: {start:?} {goal:?} {end:?} {world:?}"
    );
    end
}

/// A deletion holds a message and renames it to where it is kept, which is as good as covered; an undo leads back.
fn deletion(seen: Observation, goal: Goal) -> Step {
    match (goal, seen.own) {
        (Goal::Finish, Own::Held) => Step::Cover,
        (Goal::Finish, Own::Covered) => Step::End(End::Moved),
        _ => next(seen, goal),
    }
}

#[test]
fn no_order_of_events_loses_or_doubles_what_is_deleted() {
    let known = explore(false, deletion).unwrap();
    println!("deletion: {} worlds", known.len());
    let at_rest = known.keys().filter(|world| world.run.is_none());
    let kept = at_rest
        .clone()
        .filter(|world| world.seen(false).own == Own::Covered);
    assert!(kept.count() > 0);
    for world in at_rest {
        assert_ne!(
            comes_to_an_end(*world, Goal::Back),
            End::InDoubt,
            "{world:?}"
        );
    }
}

/// Without an admin who deletes, and without a restart of TO in the middle of an undo, only that is ever in doubt which
/// pickup had open in the moment in which it was withdrawn.
#[test]
fn only_what_admins_and_pickup_do_makes_a_doubt() {
    for cross_device in [false, true] {
        for (world, from) in as_it_is(cross_device) {
            let Some(from) = from else { continue };
            if world.run.is_some() || world.deleted || world.taken > 0 {
                continue;
            }
            let seen = world.seen(false);
            let is_removed = seen.target == Target::Withdrawn && seen.decoy == Decoy::No;
            if world.decoy == Some(Err(Decoy::Astray)) || is_removed {
                continue;
            }
            for goal in [Goal::Finish, Goal::Back] {
                let (_, end) = end_of(*world, goal);
                assert_ne!(end, End::InDoubt, "{from:?}\n{world:?}");
            }
        }
    }
}

/// Mail that FROM takes while it is held, and that is on hold again: it is being delivered, or has been.
#[test]
fn the_model_finds_what_goes_on_without_lock_or_mark() {
    let check = |cross_device, leaves_out, rule: Rule| {
        let mut first = World::new(cross_device);
        first.leaves_out = leaves_out;
        let told = explore_from(first, rule).expect_err("not found");
        assert!(told.starts_with("doubled"), "{leaves_out:?}: {told}");
    };
    check(false, LeavesOut::Lock, next);
    check(true, LeavesOut::Lock, next);
    check(true, LeavesOut::Mark, next);
}

/// A protocol that differs in one place must show as doubled or lost, or the check above is worth nothing.
#[test]
fn the_model_finds_wrong_orders() {
    let check = |cross_device, what: &str, expected: &str, rule: Rule| {
        let found = explore(cross_device, rule).map(|known| known.len());
        let told = found.expect_err(what);
        assert!(told.starts_with(expected), "{what}: {told}");
    };
    check(
        true,
        "the copy is opened before the source is gone",
        "doubled",
        |seen, goal| match next(seen, goal) {
            Step::Cover => Step::Publish,
            step => step,
        },
    );
    check(
        true,
        "the copy is opened although the source was released",
        "doubled",
        |seen, goal| match (next(seen, goal), seen.own) {
            (Step::DropTarget, Own::AsPlanned | Own::Retried | Own::Busy) => Step::Publish,
            (step, _) => step,
        },
    );
    check(
        true,
        "a source that is gone is taken for removed",
        "doubled",
        |seen, goal| {
            let gone = seen.own == Own::No && seen.target == Target::Closed;
            next(
                Observation {
                    sealed: seen.sealed || gone,
                    ..seen
                },
                goal,
            )
        },
    );
    check(
        true,
        "the source goes before the copy is complete",
        // Or FROM has delivered it, and what there is of a copy is delivered too.
        "",
        |seen, goal| {
            let target = match seen.target {
                Target::Begun => Target::Closed,
                target => target,
            };
            next(Observation { target, ..seen }, goal)
        },
    );
    for cross_device in [false, true] {
        check(
            cross_device,
            "nobody asks what pickup does",
            "doubled",
            |seen, goal| {
                next(
                    Observation {
                        settled: true,
                        ..seen
                    },
                    goal,
                )
            },
        );
        check(
            cross_device,
            "a decoy that is gone is taken for one that is there",
            "doubled",
            |seen, goal| {
                let decoy = match (seen.target, seen.decoy) {
                    (Target::Withdrawn, Decoy::No) => Decoy::InPlace,
                    (_, decoy) => decoy,
                };
                next(Observation { decoy, ..seen }, goal)
            },
        );
        check(
            cross_device,
            "a decoy that is gone is taken for a message that is taken",
            "lost",
            |seen, goal| match (seen.target, seen.decoy, seen.own) {
                (Target::Withdrawn, Decoy::No, Own::No) => Step::DropTarget,
                _ => next(seen, goal),
            },
        );
        check(
            cross_device,
            "what pickup may have is put back",
            "doubled",
            |seen, goal| match next(seen, goal) {
                Step::Settle => Step::PutBack,
                step => step,
            },
        );
    }
}
