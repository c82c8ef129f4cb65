//! A deletion is killed at any change, FROM is started again, and all is put back; ids that were given again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use crate::common::*;
use postfix::queue::Queue;
use transfer::plan::Plan;
use transfer::protocol::Goal;
use transfer::{Done, Fate, Fs, Hook, MoveError, Op, State};

/// Spools in which what is run is a deletion.
fn spools(ids: Ids) -> Spools {
    let mut spools = Spools::named(ids, false);
    spools.keep_until = Some(NOW + 7 * 86400);
    spools
}

/// From an instance to itself.
fn plan(spools: &Spools) -> Plan {
    let mut plan = spools.plan();
    plan.to = plan.from.clone();
    plan.cross_device = false;
    plan
}

fn delete(spools: &Spools, hook: &dyn Hook) -> Result<Done, MoveError> {
    spools.execute_with(&plan(spools), hook, &Idle::default(), |one| one.delete())
}

/// What is kept.
fn kept(spools: &Spools) -> BTreeMap<String, usize> {
    let mut files = Vec::new();
    walk(&spools.from.queue_directory.join("deleted"), &mut files);
    let mut senders = BTreeMap::new();
    for sender in files.iter().filter_map(|path| whole(path)) {
        *senders.entry(sender).or_insert(0) += 1;
    }
    senders
}

/// Each message is there once: in FROM's queues, or kept.
fn sound(spools: &Spools, when: &str) {
    let mut all = kept(spools);
    for (sender, times) in spools.complete() {
        *all.entry(sender).or_insert(0) += times;
    }
    assert_eq!(all, expected(), "{when}");
}

fn is_back(spools: &Spools, begun: bool, ends: &[transfer::Ended], when: &str) {
    assert_eq!(spools.deliverable(), expected(), "{when}: {ends:?}");
    assert_eq!(kept(spools), BTreeMap::new(), "{when}");
    let all = ends.iter().all(|end| end.fate == Fate::Restored);
    assert!(
        all && ends.len() == MAIL.len() * usize::from(begun),
        "{when}: {ends:?}"
    );
    for (id, _, log) in MAIL {
        assert_eq!(
            spools.log_path(&spools.now_called(id)).exists(),
            log,
            "{when}: {id}"
        );
    }
}

#[test]
fn a_deletion_that_is_cut_at_any_change_is_put_back() {
    let mut points = 0;
    for ids in [Ids::Short, Ids::Long, Ids::Misfit] {
        let first = spools(ids);
        let count = Cut::new(usize::MAX, false);
        let done = delete(&first, &count).unwrap();
        assert!(
            done.ended.iter().all(|end| end.fate == Fate::Moved),
            "{done:?}"
        );
        sound(&first, "without a crash");
        // What an admin had put on hold is not among them.
        assert_eq!(
            (kept(&first).len(), first.deliverable().len()),
            (MAIL.len(), 1)
        );
        // Where it has come to its end, an undo and a restart lead back as well.
        for at in 0..=count.count.load(SeqCst) {
            for (after, restarted) in [(false, false), (false, true), (true, false), (true, true)] {
                let when = format!("{ids:?}, cut at {at}, after: {after}, restarted: {restarted}");
                let spools = spools(ids);
                drop(until_cut(|| delete(&spools, &Cut::new(at, after))));
                sound(&spools, &when);
                if restarted {
                    postsuper(&spools.from, NOW + 60);
                }
                sound(&spools, &when);
                let begun = spools.journal().is_some_and(|journal| journal.planned);
                let ends = spools.recover(Goal::Back, &NO_HOOK).unwrap();
                is_back(&spools, begun, &ends, &when);
                let ends = spools.recover(Goal::Back, &NO_HOOK).unwrap();
                is_back(&spools, begun, &ends, &format!("{when}, and again"));
                points += MAIL.len();
            }
        }
    }
    report(&format!(
        "deletions: {points} points: 0 lost, 0 doubled, 0 in doubt"
    ));
    assert!(points > 500, "{points}");
}

#[test]
fn the_undo_of_a_deletion_is_cut_at_any_change_too() {
    for ids in [Ids::Short, Ids::Long, Ids::Misfit] {
        for at in 0.. {
            let when = format!("{ids:?}, cut at {at}");
            let spools = spools(ids);
            delete(&spools, &NO_HOOK).unwrap();
            let cut = Cut::new(at, at % 2 == 0);
            let is_whole = until_cut(|| spools.recover(Goal::Back, &cut)).is_some();
            sound(&spools, &when);
            postsuper(&spools.from, NOW + 60);
            let ends = spools.recover(Goal::Back, &NO_HOOK).unwrap();
            is_back(&spools, true, &ends, &when);
            if is_whole {
                break;
            }
        }
    }
}

/// FROM is started again in the middle of a deletion, before any change of it: its names change under the tool's hands.
struct Restart<'s> {
    at: usize,
    count: AtomicUsize,
    spools: &'s Spools,
}

impl Hook for Restart<'_> {
    fn before(&self, _: Op, _: &Path) -> std::io::Result<()> {
        if self.count.fetch_add(1, SeqCst) == self.at {
            postsuper(&self.spools.from, NOW + 60);
        }
        Ok(())
    }
    fn after(&self, _: Op, _: &Path) {}
    fn is_durable(&self) -> bool {
        false
    }
}

#[test]
fn a_restart_in_the_middle_of_a_deletion_leaves_nothing_on_hold_unreported() {
    for at in 0.. {
        let spools = spools(Ids::Misfit);
        let hook = Restart {
            at,
            count: AtomicUsize::new(0),
            spools: &spools,
        };
        let done = delete(&spools, &hook).unwrap();
        let when = format!("restarted at {at}: {done:?} {:?}", spools.files());
        sound(&spools, &when);
        let unfinished = spools.journal().unwrap().state() == State::Unfinished;
        let mut on_hold = Vec::new();
        walk(&spools.from.queue_directory.join("hold"), &mut on_hold);
        // The one of an admin's is there before.
        assert!(on_hold.len() == 1 || unfinished, "{when}");
        let ends = spools.recover(Goal::Back, &NO_HOOK).unwrap();
        assert_eq!(spools.deliverable(), expected(), "{when}, then {ends:?}");
        assert_eq!(kept(&spools), BTreeMap::new(), "{when}, then {ends:?}");
        if hook.count.load(SeqCst) <= at {
            break;
        }
    }
}

/// Short queue ids are given again. What has one now is another message: an undo does not replace it, and what is
/// purged is what was deleted.
#[test]
fn a_queue_id_that_was_given_again_is_another_message_s() {
    let other = |spools: &Spools, queue: Queue, id: &str| -> PathBuf {
        let path = spools.path(queue, id);
        write_mail(
            &path,
            "other@example.org",
            &["other@example.com"],
            NOW + 900,
        );
        path
    };
    for queue in [Queue::Deferred, Queue::Hold, Queue::Active, Queue::Incoming] {
        let mut spools = Spools::new(false);
        spools.keep_until = Some(NOW);
        delete(&spools, &NO_HOOK).unwrap();
        let id = MAIL[0].0;
        let there = other(&spools, queue, id);
        let before = fs::read(&there).unwrap();
        let ends = spools.recover(Goal::Back, &NO_HOOK).unwrap();
        assert_eq!(fs::read(&there).unwrap(), before, "{queue:?}: {ends:?}");
        sound_with(&spools, &format!("{queue:?}: {ends:?}"));
        // What is in its way goes, and the message comes back.
        fs::remove_file(&there).unwrap();
        let ends = spools.recover(Goal::Back, &NO_HOOK).unwrap();
        is_back(&spools, true, &ends, &format!("{queue:?}"));
    }
    let mut spools = Spools::new(false);
    spools.keep_until = Some(NOW);
    delete(&spools, &NO_HOOK).unwrap();
    let there = other(&spools, Queue::Deferred, MAIL[0].0);
    let journal = spools.journal().unwrap();
    let purge = || {
        let purged = transfer::purge(Fs::new(&NO_HOOK), &journal).unwrap();
        (purged.removed, purged.others)
    };
    assert_eq!(purge(), (MAIL.len(), 0));
    assert!(there.exists());
    assert_eq!(kept(&spools), BTreeMap::new());
}

/// A queue directory that was copied to another disk has other inodes.
#[test]
fn what_is_not_as_it_was_left_is_not_taken_for_gone() {
    let mut spools = Spools::new(false);
    spools.keep_until = Some(NOW);
    delete(&spools, &NO_HOOK).unwrap();
    let mut files = Vec::new();
    walk(&spools.from.queue_directory.join("deleted"), &mut files);
    let copied = &files[0];
    let beside = copied.with_extension("new");
    fs::copy(copied, &beside).unwrap();
    fs::rename(&beside, copied).unwrap();

    let journal = spools.journal().unwrap();
    let purged = transfer::purge(Fs::new(&NO_HOOK), &journal).unwrap();
    assert_eq!((purged.removed, purged.others), (MAIL.len() - 1, 1));
    assert!(copied.exists());
    let (dir, pattern) = (copied.parent(), purged.pattern.parent());
    assert_eq!(dir, pattern);
    let mark = purged.pattern.extension().unwrap();
    assert_eq!(copied.extension(), Some(mark));
}

/// As [`sound`], beside another message.
fn sound_with(spools: &Spools, when: &str) {
    let mut all = kept(spools);
    for (sender, times) in spools.complete() {
        *all.entry(sender).or_insert(0) += times;
    }
    assert_eq!(all.remove("other@example.org"), Some(1), "{when}");
    assert_eq!(all, expected(), "{when}");
}

/// Since hold became one of hash_queue_names, or where its hash directories were removed.
#[test]
fn an_undo_makes_the_hash_directory_that_is_missing() {
    let mut spools = Spools::laid_out(false, ("deferred defer hold", 1), ("deferred defer", 1));
    spools.keep_until = Some(NOW + 7 * 86_400);
    delete(&spools, &NO_HOOK).unwrap();
    for entry in fs::read_dir(spools.from.queue_directory.join("hold")).unwrap() {
        // Where something else is on hold it stays.
        drop(fs::remove_dir(entry.unwrap().path()));
    }
    let ends = spools.recover(Goal::Back, &NO_HOOK).unwrap();
    assert!(
        ends.iter().all(|end| end.fate == Fate::Restored),
        "{ends:?}"
    );
    assert_eq!(spools.deliverable(), expected());
}
