//! The power is cut before and after every change that a move makes, and again while it recovers; every change fails.

use std::sync::atomic::Ordering::SeqCst;

use crate::common::*;
use transfer::protocol::Goal;
use transfer::{Ended, Fate, MoveError, Workers};

const GOALS: [Goal; 2] = [Goal::Finish, Goal::Back];

/// Nothing is lost, and nothing can be delivered twice.
fn sound(spools: &Spools, when: &str) {
    let (deliverable, complete) = (spools.deliverable(), spools.complete());
    for sender in expected().keys() {
        let taken = 0;
        let times = deliverable.get(sender).copied().unwrap_or(taken);
        assert!(times <= 1, "{when}: {sender} is there {times} times");
        assert!(complete.contains_key(sender), "{when}: {sender} is lost");
    }
}

/// All mail of the move is at its goal, once, and nothing else has changed.
fn at_goal(spools: &Spools, goal: Goal, ends: &[Ended], when: &str) {
    let listing = || std::fs::read_to_string(spools.moves.join("test.jsonl")).unwrap_or_default();
    assert_eq!(
        spools.deliverable(),
        expected(),
        "{when}: {ends:?} {:?} {}",
        spools.files(),
        listing()
    );
    assert_eq!(spools.complete(), expected(), "{when}: copies left behind");
    let begun = spools.journal().is_some_and(|journal| journal.planned);
    for (id, _, log) in MAIL {
        let moved = begun && goal == Goal::Finish;
        let in_to = spools.in_to(id).is_some();
        assert_eq!(in_to, moved, "{when}: {id} in TO: {in_to}");
        let has_log = spools.log_path(&spools.now_called(id)).exists();
        assert_eq!(has_log, log && !moved, "{when}: {id} has a log: {has_log}");
    }
    if begun {
        let fate = match goal {
            Goal::Finish => Fate::Moved,
            Goal::Back => Fate::Restored,
        };
        let wrong: Vec<&Ended> = ends.iter().filter(|end| end.fate != fate).collect();
        assert!(
            wrong.is_empty() && ends.len() == MAIL.len(),
            "{when}: {ends:?}"
        );
    }
}

/// How many changes a move makes when nothing comes between.
fn changes(spools: &Spools) -> usize {
    let count = Cut::new(usize::MAX, false);
    let done = spools.execute(&spools.plan(), &count).unwrap();
    assert!(done.is_complete, "{done:?}");
    at_goal(spools, Goal::Finish, &done.ended, "without a crash");
    let count = count.count.load(SeqCst);
    assert!(count > 25, "{count}");
    count
}

/// A move that was cut off at a change.
fn cut_off(spools: Spools, at: usize, after: bool) -> Spools {
    let plan = spools.plan();
    let cut = until_cut(|| spools.execute(&plan, &Cut::new(at, after)));
    assert!(cut.is_none(), "there is a change {at}");
    spools
}

fn crashed(cross_device: bool, at: usize, after: bool) -> Spools {
    cut_off(Spools::new(cross_device), at, after)
}

/// FROM is as it was, to the last byte of a defer log.
fn as_before(spools: &Spools, before: &Spools, when: &str) {
    let (now, then) = (spools.state(), before.state());
    let differs = now.iter().zip(&then).find(|(now, then)| now != then);
    let paths = differs.map(|d| (&d.0.0, &d.1.0));
    assert!(
        differs.is_none() && now.len() == then.len(),
        "{when}: {paths:?}"
    );
}

fn check_crashes(cross_device: bool) {
    let before = Spools::new(cross_device);
    for at in 0..changes(&Spools::new(cross_device)) {
        for after in [false, true] {
            for goal in GOALS {
                let when = format!("cut at {at}, after: {after}, then {goal:?}");
                let spools = crashed(cross_device, at, after);
                sound(&spools, &when);
                let ends = spools.recover(goal, &NO_HOOK).unwrap();
                at_goal(&spools, goal, &ends, &when);
                if goal == Goal::Back {
                    as_before(&spools, &before, &when);
                }
                let ends = spools.recover(goal, &NO_HOOK).unwrap();
                at_goal(&spools, goal, &ends, &format!("{when}, and again"));
                let other = GOALS[usize::from(goal == Goal::Finish)];
                let ends = spools.recover(other, &NO_HOOK).unwrap();
                at_goal(&spools, other, &ends, &format!("{when}, then {other:?}"));
            }
        }
    }
}

#[test]
fn a_cut_at_any_change_then_resume_or_undo() {
    check_crashes(false);
}

#[test]
fn a_cut_at_any_change_between_file_systems() {
    check_crashes(true);
}

/// Each message in a thread of its own, so that each is somewhere else when the power is cut: and every time elsewhere.
fn check_crashes_of_threads(cross_device: bool) {
    let before = Spools::new(cross_device);
    let all = changes(&Spools::with_threads(cross_device));
    assert_eq!(
        all,
        changes(&{
            let mut alone = Spools::with_threads(cross_device);
            alone.pace.workers = Workers::ALONE;
            alone
        }),
        "threads change nothing else"
    );
    for round in 0..4 {
        for at in 0..all {
            let goal = GOALS[(round + at) % 2];
            let when = format!("threads, cut at {at}, then {goal:?}");
            let spools = cut_off(Spools::with_threads(cross_device), at, round < 2);
            sound(&spools, &when);
            let ends = spools.recover(goal, &NO_HOOK).unwrap();
            at_goal(&spools, goal, &ends, &when);
            if goal == Goal::Back {
                as_before(&spools, &before, &when);
            }
        }
    }
}

#[test]
fn threads_are_cut_at_any_change() {
    check_crashes_of_threads(false);
}

#[test]
fn threads_are_cut_at_any_change_between_file_systems() {
    check_crashes_of_threads(true);
}

fn check_crashes_of_recovery(cross_device: bool) {
    let before = Spools::new(cross_device);
    // Every third change of the move, and every change of the recovery.
    for at in (0..changes(&Spools::new(cross_device))).step_by(3) {
        for goal in GOALS {
            for again in 0.. {
                let spools = crashed(cross_device, at, again % 2 == 1);
                // After a change is before the next.
                let hook = Cut::new(again, false);
                let cut = until_cut(|| spools.recover(goal, &hook)).is_none();
                let mut lasts = GOALS;
                lasts.rotate_left((at / 3 + again) % 2);
                for last in lasts {
                    let when = format!("cut at {at}, {goal:?} cut at {again}, then {last:?}");
                    sound(&spools, &when);
                    let ends = spools.recover(last, &NO_HOOK).unwrap();
                    at_goal(&spools, last, &ends, &when);
                    if last == Goal::Back {
                        as_before(&spools, &before, &when);
                    }
                }
                if !cut {
                    break;
                }
            }
        }
    }
}

#[test]
fn recovery_is_cut_at_any_change_too() {
    check_crashes_of_recovery(false);
}

#[test]
fn recovery_is_cut_at_any_change_between_file_systems() {
    check_crashes_of_recovery(true);
}

fn check_pickup_after_a_crash(cross_device: bool) {
    for at in 0..changes(&Spools::new(cross_device)) {
        for goal in GOALS {
            let when = format!("cut at {at}, pickup, then {goal:?}");
            let spools = crashed(cross_device, at, true);
            let mut taken = spools.pickup();
            spools.recover(goal, &NO_HOOK).unwrap();
            for (sender, times) in spools.pickup() {
                *taken.entry(sender).or_insert(0) += times;
            }
            for (sender, times) in spools.deliverable() {
                *taken.entry(sender).or_insert(0) += times;
            }
            assert_eq!(taken, expected(), "{when}");
        }
    }
}

#[test]
fn what_pickup_took_before_recovery_is_not_sent_again() {
    check_pickup_after_a_crash(false);
    check_pickup_after_a_crash(true);
}

/// Every change fails, once or from there on; and then the disk is well again.
fn check_faults(cross_device: bool, errno: i32) {
    for (lasting, threads) in [(false, false), (true, false), (false, true), (true, true)] {
        for at in 0.. {
            let spools = match threads {
                true => Spools::with_threads(cross_device),
                false => Spools::new(cross_device),
            };
            let plan = spools.plan();
            let fault = Fault {
                at,
                lasting,
                errno,
                count: 0.into(),
                hit: false.into(),
            };
            let ended = spools.execute(&plan, &fault);
            if !fault.hit.load(SeqCst) {
                break;
            }
            let when = format!("error {errno} at {at}, {lasting}, {threads}");
            sound(&spools, &when);
            if matches!(ended, Err(MoveError::NotBegun(..))) && !lasting {
                assert!(!spools.moves.join("test.jsonl").exists(), "{when}");
            }
            if let Ok(done) = &ended {
                let told = done.ended.iter().filter(|end| end.fate != Fate::Moved);
                for end in told {
                    assert!(
                        end.why.as_ref().is_some_and(|why| !why.is_empty()),
                        "{when}"
                    );
                }
            }
            for goal in GOALS {
                let ends = spools.recover(goal, &NO_HOOK).unwrap();
                let which = format!("{when}, then {goal:?}, after {ended:?}");
                at_goal(&spools, goal, &ends, &which);
            }
        }
    }
}

#[test]
fn a_full_disk_at_any_change() {
    const ENOSPC: i32 = 28;
    check_faults(false, ENOSPC);
    check_faults(true, ENOSPC);
}

#[test]
fn an_io_error_at_any_change() {
    const EIO: i32 = 5;
    check_faults(false, EIO);
    check_faults(true, EIO);
}

#[test]
fn a_torn_last_line_counts_as_not_written() {
    for at in [20, 25] {
        let spools = crashed(false, at, true);
        let path = spools.moves.join("test.jsonl");
        let text = std::fs::read(&path).unwrap();
        let mut torn = text.clone();
        torn.extend_from_slice(b"{\"ended\":[{\"n\":0,\"fa");
        std::fs::write(&path, torn).unwrap();
        assert!(spools.journal().unwrap().torn);
        let ends = spools.recover(Goal::Finish, &NO_HOOK).unwrap();
        at_goal(&spools, Goal::Finish, &ends, "a torn line");
        assert!(!spools.journal().unwrap().torn);
    }
}

/// A block that was lost on the disk, with whole lines behind it, is no torn end: what they say must not be cut off.
#[test]
fn a_lost_block_before_good_lines_is_damage() {
    let spools = crashed(false, 20, true);
    let path = spools.moves.join("test.jsonl");
    let text = std::fs::read(&path).unwrap();
    let whole = text.iter().rposition(|&b| b == b'\n').unwrap() + 1;
    let last = text[..whole - 1].iter().rposition(|&b| b == b'\n').unwrap() + 1;
    let check = |damaged: Vec<u8>, is_torn: bool| {
        std::fs::write(&path, &damaged).unwrap();
        match transfer::Journal::read(&path) {
            Ok(journal) => assert!(is_torn && journal.torn),
            Err(e) => assert!(!is_torn && e.to_string().contains("damaged"), "{e}"),
        }
        if is_torn {
            let ends = spools.recover(Goal::Finish, &NO_HOOK).unwrap();
            at_goal(&spools, Goal::Finish, &ends, "a torn block");
        }
    };
    let zeros = [0; 512];
    // On a line of their own, glued to the next one, and over the end of one.
    check(
        [&text[..last], &zeros, b"\n", &text[last..whole]].concat(),
        false,
    );
    check([&text[..last], &zeros, &text[last..whole]].concat(), false);
    let mut over = [&text[..whole], &text[last..whole]].concat();
    over[last..whole - 1].fill(0);
    check(over, false);
    // Nothing whole behind them: that is how a crash leaves a file.
    check([&text[..whole], &zeros, b"\nrubbish\n"].concat(), true);
}

#[test]
fn a_journal_cut_anywhere_is_read_or_refused() {
    let spools = Spools::new(true);
    spools.execute(&spools.plan(), &NO_HOOK).unwrap();
    let path = spools.moves.join("test.jsonl");
    let text = std::fs::read(&path).unwrap();
    for length in 0..text.len() {
        std::fs::write(&path, &text[..length]).unwrap();
        drop(transfer::Journal::read(&path));
    }
    let first = text.iter().position(|&b| b == b'\n').unwrap();
    let mut damaged = text.clone();
    damaged[first + 5] = b'\x01';
    std::fs::write(&path, damaged).unwrap();
    let refused = transfer::Journal::read(&path).unwrap_err();
    assert!(refused.to_string().contains("line 2: damaged"), "{refused}");
}
