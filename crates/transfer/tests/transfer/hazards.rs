//! What the hand-typed runbook got wrong, each with its guard.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use crate::common::*;
use postfix::Time;
use postfix::queue::{Queue, QueueId};
use transfer::hold::{ItemResult, clean, orphans, requeue, shift};
use transfer::plan::{Action, Facts, judge, snapshot};
use transfer::protocol::Goal;
use transfer::{Fate, Fs};

const ID: &str = "3F2A51C04B";

/// What the plan makes of a message after `change`: the reason for which it is skipped, if it is.
fn planned(change: impl FnOnce(&Spools)) -> Option<String> {
    let spools = Spools::new(false);
    change(&spools);
    let plan = spools.plan();
    let item = plan
        .items
        .iter()
        .find(|item| item.message.queue_id.as_str() == ID)?;
    match &item.action {
        Action::Move => None,
        Action::Skip(why) => Some(why.clone()),
    }
}

#[track_caller]
fn check(change: impl FnOnce(&Spools), expected: Option<&str>) {
    let found = planned(change);
    let fits = match (&found, expected) {
        (Some(found), Some(expected)) => found.contains(expected),
        (found, expected) => found.is_none() == expected.is_none(),
    };
    assert!(fits, "{found:?}, not {expected:?}");
}

#[test]
fn what_the_plan_skips() {
    let deferred = |spools: &Spools| spools.path(Queue::Deferred, ID);
    let log = |spools: &Spools, kind: &str| {
        fs::write(spools.from.queue_directory.join(kind).join(ID), "x").unwrap();
    };
    check(|_| {}, None);
    check(
        |s| fs::set_permissions(deferred(s), fs::Permissions::from_mode(0o710)).unwrap(),
        Some("returned to the sender"),
    );
    check(
        |s| log(s, "bounce"),
        Some("a bounce to its sender is pending"),
    );
    check(|s| log(s, "trace"), Some("a success notice"));
    check(
        |s| fs::hard_link(deferred(s), s.from.queue_directory.join("second")).unwrap(),
        Some("a second name"),
    );
    check(
        |s| {
            let wrong = s.from.queue_directory.join("deferred").join(ID);
            fs::rename(deferred(s), wrong).unwrap();
        },
        Some("postsuper -s"),
    );
    check(
        |s| {
            let path = deferred(s);
            let text = fs::read(&path).unwrap();
            // R for "to do" becomes D for "done", as delivery agents do it.
            let at = text.windows(3).position(|w| w == b"R\x0fo").unwrap();
            let mut done = text;
            done[at] = b'D';
            fs::write(&path, done).unwrap();
        },
        Some("nothing is left to deliver"),
    );
}

#[test]
fn mail_that_is_too_big_for_to_is_skipped() {
    let spools = Spools::new(false);
    let size = fs::metadata(spools.path(Queue::Deferred, ID))
        .unwrap()
        .len();
    let check = |size_limit: u64, moves: usize| {
        let spool = spools.from.spool();
        let found = snapshot(
            &spool,
            &[Queue::Deferred],
            &Default::default(),
            &Default::default(),
        );
        let facts = Facts {
            from: &spools.from,
            size_limit,
            taken: &Default::default(),
        };
        let items = judge(found.unwrap().messages, facts, None);
        let moved = items.iter().filter(|item| item.action == Action::Move);
        assert_eq!(moved.count(), moves, "{size_limit}");
    };
    check(0, 3);
    check(1_000_000, 3);
    check(size, 0);
}

#[test]
fn a_limit_takes_the_oldest() {
    let spools = Spools::new(false);
    let spool = spools.from.spool();
    let found = snapshot(
        &spool,
        &[Queue::Deferred],
        &Default::default(),
        &Default::default(),
    );
    let facts = Facts {
        from: &spools.from,
        size_limit: 0,
        taken: &Default::default(),
    };
    let items = judge(found.unwrap().messages, facts, Some(1));
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].message.queue_id.as_str(), MAIL[0].0);
}

#[test]
fn mail_that_was_on_hold_is_not_touched_and_times_are_now() {
    let spools = Spools::new(false);
    let held = spools.path(Queue::Hold, "5B5B51C04D");
    let before = fs::metadata(&held).unwrap();
    spools.execute(&spools.plan(), &NO_HOOK).unwrap();
    let after = fs::metadata(&held).unwrap();
    assert_eq!((before.ino(), before.mtime()), (after.ino(), after.mtime()));
    for (id, ..) in MAIL {
        let meta = fs::metadata(spools.target(id)).unwrap();
        assert_eq!((meta.mtime(), meta.mode() & 0o777), (NOW, 0o700), "{id}");
    }
}

#[test]
fn mail_on_hold_moves_when_it_is_named_and_goes_back_on_hold() {
    let spools = Spools::new(false);
    let before = spools.state();
    let done = spools
        .execute(&spools.plan_of(&[Queue::Hold]), &NO_HOOK)
        .unwrap();
    assert_eq!(done.all, 1);
    assert!(spools.target("5B5B51C04D").exists());
    spools.recover(Goal::Back, &NO_HOOK).unwrap();
    assert!(before == spools.state());
}

#[test]
fn a_name_that_is_taken_in_maildrop_stays_the_other_s() {
    for cross_device in [false, true] {
        let spools = Spools::new(cross_device);
        write_mail(
            &spools.target(ID),
            "theirs@example.org",
            &["x@example.com"],
            NOW,
        );
        let theirs = fs::read(spools.target(ID)).unwrap();
        let done = spools.execute(&spools.plan(), &NO_HOOK).unwrap();
        let first = done.ended.iter().find(|end| end.n == 0).unwrap();
        let name = first.name.clone().unwrap();
        assert_ne!(name.as_str(), ID);
        assert!(QueueId::new(name.as_str()).is_some());
        assert_eq!(fs::read(spools.target(ID)).unwrap(), theirs);
        let mut all = expected();
        all.insert("theirs@example.org".to_owned(), 1);
        assert_eq!(spools.deliverable(), all);
        // The journal knows both names.
        spools.recover(Goal::Back, &NO_HOOK).unwrap();
        let now = spools.now_called(ID);
        assert_eq!(now == ID, !cross_device);
        assert!(spools.path(Queue::Deferred, &now).exists());
        assert_eq!(fs::read(spools.target(ID)).unwrap(), theirs);
    }
}

#[test]
fn hash_depths_may_differ() {
    for (from, to) in [
        (("deferred defer", 1), ("deferred defer hold", 3)),
        (("deferred defer hold incoming", 2), ("", 1)),
        (("", 1), ("deferred defer", 1)),
    ] {
        let spools = Spools::laid_out(false, from, to);
        let done = spools.execute(&spools.plan(), &NO_HOOK).unwrap();
        assert!(done.is_complete, "{done:?}");
        assert_eq!(spools.deliverable(), expected());
        spools.recover(Goal::Back, &NO_HOOK).unwrap();
        for (id, ..) in MAIL {
            assert!(spools.path(Queue::Deferred, id).exists(), "{id}");
        }
    }
}

#[test]
fn a_hash_directory_that_a_crash_left_to_root_gets_its_owner() {
    let mut spools = Spools::laid_out(false, ("deferred defer hold", 1), ("", 1));
    // Killed between making it and giving it away. (Who is not root makes his own, and there is nothing to give.)
    let left = spools.path(Queue::Hold, ID).parent().unwrap().to_owned();
    fs::create_dir(&left).unwrap();
    let root = fs::metadata(&left).unwrap().uid() == 0;
    let owner = if root { 4242 } else { spools.from.owner.0 };
    spools.from.owner.0 = owner;
    for (id, ..) in MAIL {
        std::os::unix::fs::chown(spools.path(Queue::Deferred, id), Some(owner), None).unwrap();
    }
    let done = spools.execute(&spools.plan(), &NO_HOOK).unwrap();
    assert!(done.is_complete, "{done:?}");
    assert_eq!(done.ended.len(), MAIL.len());
    assert_eq!(fs::metadata(&left).unwrap().uid(), owner);
}

#[test]
fn a_message_that_is_being_delivered_is_skipped() {
    let spools = Spools::new(false);
    let file = fs::File::open(spools.path(Queue::Deferred, ID)).unwrap();
    // As delivery agents lock it (deliver_request.c).
    file.lock_shared().unwrap();
    let done = spools.execute(&spools.plan(), &NO_HOOK).unwrap();
    assert_eq!(done.ended[0].why.as_deref(), Some("it is being delivered"));
    assert!(spools.path(Queue::Deferred, ID).exists());
    assert!(spools.log_path(ID).exists());
}

#[test]
fn an_interrupt_leaves_the_rest_and_resume_goes_on() {
    let mut spools = Spools::new(false);
    spools.pace.batch = 1;
    let plan = spools.plan();
    struct AfterOne(std::cell::Cell<usize>);
    impl transfer::Watch for AfterOne {
        fn now(&self) -> Time {
            Time::from_seconds(NOW)
        }
        fn interrupted(&self) -> bool {
            self.0.get() > 0
        }
        fn ended(&self, ended: &[transfer::Ended]) {
            self.0.set(self.0.get() + ended.len());
        }
        fn pause(&self, _: std::time::Duration) {}
    }
    let watch = AfterOne(0.into());
    let done = spools.execute_with(&plan, &NO_HOOK, &watch, |one| one.run());
    let done = done.unwrap();
    assert_eq!((done.ended.len(), done.is_complete), (1, false));
    assert!(!spools.journal().unwrap().finished);
    assert_eq!(spools.deliverable(), expected());
    let ends = spools.recover(Goal::Finish, &NO_HOOK).unwrap();
    assert!(ends.iter().all(|end| end.fate == Fate::Moved), "{ends:?}");
    assert!(spools.journal().unwrap().finished);
}

/// A journal that has lost its end, from the plan's on, as after a damage of its file system.
#[test]
fn a_plan_that_is_cut_short_is_damage_once_something_was_done() {
    for (cross_device, held, begun) in [
        (false, false, false),
        (false, true, true),
        (false, false, true),
        (true, true, true),
    ] {
        let spools = Spools::new(cross_device);
        let watch = Idle::default();
        let done = spools.execute_with(&spools.plan(), &NO_HOOK, &watch, |one| {
            match (begun, held) {
                (false, _) => Ok(()),
                (true, true) => one.hold(),
                (true, false) => one.run(),
            }
        });
        done.unwrap();
        let path = spools.moves.join("test.jsonl");
        let text = fs::read_to_string(&path).unwrap();
        let (cut, _) = text.split_once("{\"planned\":").unwrap();
        fs::write(&path, cut).unwrap();
        for goal in [Goal::Back, Goal::Finish] {
            let ran = spools.recover(goal, &NO_HOOK);
            assert_eq!(ran.is_err(), begun, "{ran:?}");
            if let Err(e) = ran {
                assert!(
                    e.to_string().contains("it ends before its plan does"),
                    "{e}"
                );
                assert_eq!(fs::read_to_string(&path).unwrap(), cut);
            }
        }
        assert_eq!(spools.complete(), expected());
    }
}

#[test]
fn clean_removes_only_logs_without_a_message() {
    let spools = Spools::new(false);
    let log = |id: &str| {
        let path = spools.log_path(id);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "\nrecipient=a@b\nreason=x\n\n").unwrap();
        path
    };
    let mut kept: Vec<_> = [Queue::Incoming, Queue::Active, Queue::Deferred, Queue::Hold]
        .into_iter()
        .zip(["A0001AA", "A0002AA", "A0003AA", "A0004AA"])
        .map(|(queue, id)| {
            write_mail(
                &spools.path(queue, id),
                "x@example.org",
                &["y@example.com"],
                NOW,
            );
            log(id)
        })
        .collect();
    kept.extend(["3F2A51C04B", "4A2A51C04C"].map(|id| spools.log_path(id)));
    let orphan = log("B0001AA");
    let found = orphans(&spools.from, &|_| true).unwrap();
    assert_eq!(found, [QueueId::new("B0001AA").unwrap()]);
    let fs = Fs::new(&NO_HOOK);
    assert_eq!(clean(fs, &spools.from, &found).unwrap(), [ItemResult::Done]);
    assert!(!orphan.exists());
    assert!(kept.iter().all(|path| path.exists()));
    // One whose message has come back since it was looked for.
    let id = QueueId::new("A0002AA").unwrap();
    let outcome = clean(fs, &spools.from, &[id]).unwrap();
    assert_eq!(
        outcome,
        [ItemResult::Skipped("its message has come back".to_owned())]
    );
    assert!(kept[1].exists());
}

#[test]
fn hold_and_release_never_replace() {
    let spools = Spools::new(false);
    let id = QueueId::new(ID).unwrap();
    let other = spools.path(Queue::Hold, ID);
    write_mail(&other, "theirs@example.org", &["x@example.com"], NOW);
    let there = |path: &Path| fs::read(path).unwrap();
    let before = there(&other);
    let fs = Fs::new(&NO_HOOK);
    let inode = |queue: Queue, id: &str| fs::metadata(spools.path(queue, id)).unwrap().ino();
    let hold = |id: &QueueId| {
        let seen = (id, inode(Queue::Deferred, id.as_str()));
        shift(fs, &spools.from, &[seen], (Queue::Deferred, Queue::Hold))
    };
    let ItemResult::Skipped(why) = &hold(&id).unwrap()[0] else {
        panic!("replaced");
    };
    assert!(why.contains("another message"), "{why}");
    assert_eq!(there(&other), before);
    let id = QueueId::new(MAIL[1].0).unwrap();
    assert_eq!(hold(&id).unwrap(), [ItemResult::Done]);
    assert!(spools.path(Queue::Hold, MAIL[1].0).exists());
    assert!(spools.log_path(MAIL[1].0).exists());
    let seen = [(&id, inode(Queue::Hold, MAIL[1].0))];
    let back = || shift(fs, &spools.from, &seen, (Queue::Hold, Queue::Deferred));
    assert_eq!(back().unwrap(), [ItemResult::Done]);
    let again = back();
    assert!(matches!(again.unwrap()[0], ItemResult::Skipped(_)));
}

/// It was put on hold, or on hold again, while a delivery agent had it open.
#[test]
fn what_is_being_delivered_is_not_requeued() {
    let spools = Spools::new(false);
    let id = QueueId::new(ID).unwrap();
    let hold = spools.path(Queue::Hold, ID);
    fs::rename(spools.path(Queue::Deferred, ID), &hold).unwrap();
    let seen = [(&id, fs::metadata(&hold).unwrap().ino())];
    let requeue = || {
        requeue(
            Fs::new(&NO_HOOK),
            &spools.from,
            &seen,
            Time::from_seconds(NOW),
        )
        .unwrap()
    };
    let agent = fs::File::open(&hold).unwrap();
    agent.lock_shared().unwrap();
    let why = "it is being delivered".to_owned();
    assert_eq!(requeue(), [ItemResult::Skipped(why)]);
    assert!(hold.exists() && spools.log_path(ID).exists());
    drop(agent);
    assert_eq!(requeue(), [ItemResult::Done]);
}
