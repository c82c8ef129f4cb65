//! Others work on the same files meanwhile: before every change that a move makes, each of them acts once.

use std::cell::Cell;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use crate::common::*;
use postfix::queue::Queue;
use transfer::protocol::Goal;
use transfer::{Ended, Fate, Hook, Op};

/// The message that the others act upon.
const ID: &str = "4A2A51C04C";

/// Acts before the change number `at`, if it can.
struct Other<'a> {
    at: usize,
    count: AtomicUsize,
    acted: AtomicBool,
    act: &'a (dyn Fn() -> bool + Sync),
}

impl Hook for Other<'_> {
    fn before(&self, _: Op, _: &Path) -> io::Result<()> {
        let number = self.count.fetch_add(1, SeqCst);
        if number == self.at {
            self.acted.store((self.act)(), SeqCst);
        }
        Ok(())
    }
    fn after(&self, _: Op, _: &Path) {}
    fn is_durable(&self) -> bool {
        false
    }
}

fn rename(from: &Path, to: &Path) -> bool {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::rename(from, to).is_ok()
}

/// For every change of a move, on one file system and between two: the move with `act` before it, then `check`.
fn before_every_change(
    act: impl Fn(&Spools) -> bool + Sync,
    check: impl Fn(&Spools, &[Ended], bool, &str),
) {
    for cross_device in [false, true] {
        let mut acted = 0;
        for at in 0.. {
            let spools = Spools::new(cross_device);
            let plan = spools.plan();
            let hook = Other {
                at,
                count: AtomicUsize::new(0),
                acted: AtomicBool::new(false),
                act: &|| act(&spools),
            };
            let done = spools.execute(&plan, &hook).unwrap();
            let when = format!(
                "at {at}, between file systems: {cross_device}: {:?}",
                done.ended
            );
            assert_eq!(done.ended.len(), MAIL.len(), "{when}");
            check(&spools, &done.ended, hook.acted.load(SeqCst), &when);
            acted += usize::from(hook.acted.load(SeqCst));
            // The journal is no wiser than the run was: nothing changes.
            let before = spools.deliverable();
            spools.recover(Goal::Finish, &NO_HOOK).unwrap();
            assert_eq!(spools.deliverable().len(), before.len(), "{when}");
            if hook.count.load(SeqCst) <= at {
                break;
            }
        }
        assert!(acted > 3, "{acted}");
    }
}

fn fate(ends: &[Ended]) -> (Fate, &str) {
    let end = ends.iter().find(|end| end.n == 1).unwrap();
    (end.fate, end.why.as_deref().unwrap_or_default())
}

#[test]
fn the_queue_manager_takes_it() {
    before_every_change(
        |spools| {
            rename(
                &spools.path(Queue::Deferred, ID),
                &spools.path(Queue::Active, ID),
            )
        },
        |spools, ends, acted, when| {
            assert_eq!(spools.deliverable(), expected(), "{when}");
            assert_eq!(spools.complete(), expected(), "{when}");
            if acted {
                assert_eq!(
                    fate(ends),
                    (Fate::Skipped, "the queue manager took it"),
                    "{when}"
                );
                assert!(spools.log_path(ID).exists(), "{when}: its log is gone");
            }
        },
    );
}

#[test]
fn the_queue_manager_tries_it_and_puts_it_back() {
    let skipped = Cell::new(0);
    before_every_change(
        |spools| {
            let path = spools.path(Queue::Deferred, ID);
            let there = path.exists();
            if there {
                set_mtime(&path, NOW + 4000);
            }
            there
        },
        |spools, ends, acted, when| {
            assert_eq!(spools.deliverable(), expected(), "{when}");
            // Between the look at its time and the mark, it cannot be seen; it is moved as it is then, whole.
            if acted && fate(ends).0 != Fate::Moved {
                let why = "it was tried again after the plan was made";
                assert_eq!(fate(ends), (Fate::Skipped, why), "{when}");
                assert!(spools.path(Queue::Deferred, ID).exists(), "{when}");
                assert!(spools.log_path(ID).exists(), "{when}: its log is gone");
                skipped.set(skipped.get() + 1);
            }
        },
    );
    assert!(skipped.get() > 3, "{}", skipped.get());
}

#[test]
fn another_file_comes_under_its_name() {
    before_every_change(
        |spools| {
            let path = spools.path(Queue::Deferred, ID);
            if !path.exists() {
                return false;
            }
            let new = spools.path(Queue::Incoming, "NEW");
            write_mail(&new, "new@example.org", &["new@example.com"], NOW + 900);
            rename(&new, &path)
        },
        |spools, ends, acted, when| {
            if acted {
                assert_eq!(
                    fate(ends),
                    (Fate::Skipped, "another file has taken its name"),
                    "{when}"
                );
                let path = spools.path(Queue::Deferred, ID);
                assert!(
                    fs::read(path)
                        .unwrap()
                        .windows(15)
                        .any(|w| w == b"new@example.org"),
                    "{when}"
                );
            }
        },
    );
}

#[test]
fn an_admin_puts_it_on_hold() {
    before_every_change(
        |spools| {
            rename(
                &spools.path(Queue::Deferred, ID),
                &spools.path(Queue::Hold, ID),
            )
        },
        |spools, ends, acted, when| {
            assert_eq!(spools.deliverable(), expected(), "{when}");
            if acted {
                assert_eq!(fate(ends).0, Fate::Skipped, "{when}");
                assert!(
                    spools.path(Queue::Hold, ID).exists(),
                    "{when}: no longer on hold"
                );
            }
        },
    );
}

#[test]
fn an_admin_releases_it() {
    before_every_change(
        |spools| {
            rename(
                &spools.path(Queue::Hold, ID),
                &spools.path(Queue::Deferred, ID),
            )
        },
        |spools, ends, acted, when| {
            assert_eq!(spools.deliverable(), expected(), "{when}");
            assert_eq!(spools.complete(), expected(), "{when}");
            if acted {
                assert_eq!(fate(ends).0, Fate::Skipped, "{when}");
            }
        },
    );
}

#[test]
fn an_admin_expires_it() {
    use std::os::unix::fs::PermissionsExt as _;
    before_every_change(
        |spools| {
            let path = spools.path(Queue::Deferred, ID);
            path.exists() && fs::set_permissions(path, fs::Permissions::from_mode(0o710)).is_ok()
        },
        |spools, ends, acted, when| {
            assert_eq!(spools.deliverable(), expected(), "{when}");
            if acted {
                assert_eq!(fate(ends).0, Fate::Skipped, "{when}");
                assert!(fate(ends).1.contains("returned to the sender"), "{when}");
                assert!(spools.path(Queue::Deferred, ID).exists(), "{when}");
            }
        },
    );
}

#[test]
fn a_bounce_becomes_pending() {
    before_every_change(
        |spools| {
            let log = spools.from.queue_directory.join("bounce").join(ID);
            spools.path(Queue::Deferred, ID).exists()
                && fs::write(log, "\nrecipient=a@b\n\n").is_ok()
        },
        |spools, ends, acted, when| {
            assert_eq!(spools.deliverable(), expected(), "{when}");
            if acted {
                assert_eq!(fate(ends).0, Fate::Skipped, "{when}");
                assert!(
                    fate(ends).1.contains("a bounce to its sender is pending"),
                    "{when}"
                );
                assert!(spools.path(Queue::Deferred, ID).exists(), "{when}");
            }
        },
    );
}

#[test]
fn a_file_appears_in_to_under_its_name() {
    before_every_change(
        |spools| {
            let target = spools.target(ID);
            if target.exists() {
                return false;
            }
            write_mail(&target, "theirs@example.org", &["theirs@example.com"], NOW);
            true
        },
        |spools, ends, acted, when| {
            let mut all = expected();
            if acted {
                all.insert("theirs@example.org".to_owned(), 1);
                let text = fs::read(spools.target(ID)).unwrap();
                let theirs = text.windows(18).any(|w| w == b"theirs@example.org");
                let moved_before = fate(ends).0 == Fate::Moved && !theirs;
                assert!(theirs && !moved_before, "{when}: overwritten");
            }
            assert_eq!(spools.deliverable(), all, "{when}");
        },
    );
}

/// What others have done to a message on hold while the move was interrupted.
#[track_caller]
fn on_hold_meanwhile(cross_device: bool, says: &str, act: impl Fn(&Path) -> Option<fs::File>) {
    let mut tried = 0;
    for at in 0.. {
        for goal in [Goal::Finish, Goal::Back] {
            let spools = Spools::new(cross_device);
            let cut = Cut::new(at, false);
            if until_cut(|| spools.execute(&spools.plan(), &cut)).is_some() {
                assert!(tried > 4, "{tried}");
                return;
            }
            let hold = spools.path(Queue::Hold, ID);
            if !hold.exists() {
                continue;
            }
            let locked = act(&hold);
            let ends = spools.recover(goal, &NO_HOOK).unwrap();
            drop(locked);
            let when = format!("between file systems: {cross_device}, cut at {at}: {ends:?}");
            let fates = ends.iter().filter(|end| end.fate == Fate::Skipped);
            let whys: Vec<_> = fates.filter_map(|end| end.why.as_deref()).collect();
            assert!(whys.len() == 1 && whys[0].contains(says), "{when}");
            assert!(hold.exists(), "{when}");
            assert_eq!(spools.deliverable(), expected(), "{when}");
            tried += 1;
        }
    }
}

/// An admin has released it, FROM has begun to deliver it, and it was put on hold again.
#[test]
fn what_is_being_delivered_on_hold_is_not_taken() {
    for cross_device in [false, true] {
        on_hold_meanwhile(cross_device, "it is being delivered, and on hold", |path| {
            let file = fs::File::open(path).unwrap();
            // As delivery agents lock it (deliver_request.c).
            file.lock_shared().unwrap();
            Some(file)
        });
    }
}

/// The same, and FROM has delivered to a recipient meanwhile, which it notes in the file: a copy that was made before
/// still names that recipient.
#[test]
fn what_was_delivered_in_part_and_put_on_hold_again_is_not_taken() {
    for cross_device in [false, true] {
        on_hold_meanwhile(cross_device, "on hold, but not by this move", |path| {
            set_mtime(path, NOW);
            None
        });
    }
}
