//! TO's pickup(8) is slow: it has looked at a file, or reads it, or is about to remove it, while undo takes mail back.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use crate::common::*;
use transfer::protocol::Goal;
use transfer::{Fate, Hook, Op};

/// What pickup does with one file, a system call at a time (pickup.c, pickup_service and pickup_file).
#[derive(Debug, Clone, Default)]
enum Stage {
    #[default]
    Nothing,
    /// lstat(2) said that it is ready.
    Looked,
    /// The file of this inode number is open; safe_open(3) looks at its name once more.
    Opened(u64, String),
    /// It is the same: cleanup(8) is given it.
    Reads(String),
    /// cleanup(8) has it, or it is not there or not the same: the name is removed next, whatever it shows.
    Removes,
    Done,
}

#[derive(Debug)]
struct Pickup {
    path: PathBuf,
    stage: Stage,
    taken: BTreeMap<String, usize>,
}

impl Pickup {
    fn step(&mut self) {
        self.stage = match std::mem::take(&mut self.stage) {
            Stage::Nothing => match fs::symlink_metadata(&self.path) {
                Ok(meta) if meta.permissions().mode() & 0o700 == 0o700 => Stage::Looked,
                _ => Stage::Done,
            },
            Stage::Looked => match fs::metadata(&self.path) {
                // Not for the mail owner to open: it keeps the file.
                Ok(meta) if meta.permissions().mode() & 0o400 == 0 => Stage::Done,
                Ok(meta) => Stage::Opened(meta.ino(), sender_of(&self.path).unwrap()),
                Err(_) => Stage::Removes,
            },
            Stage::Opened(inode, sender) => match fs::symlink_metadata(&self.path) {
                Ok(meta) if meta.ino() == inode => Stage::Reads(sender),
                _ => Stage::Removes,
            },
            Stage::Reads(sender) => {
                *self.taken.entry(sender).or_insert(0) += 1;
                Stage::Removes
            }
            Stage::Removes => {
                drop(fs::remove_file(&self.path));
                Stage::Done
            }
            Stage::Done => Stage::Done,
        };
    }

    fn finish(&mut self) {
        while !matches!(self.stage, Stage::Nothing | Stage::Done) {
            self.step();
        }
    }
}

/// Pickup makes its five system calls before these changes of the tool.
struct At<'a> {
    when: [usize; 5],
    count: AtomicUsize,
    pickup: &'a Mutex<Pickup>,
}

impl Hook for At<'_> {
    fn before(&self, _: Op, _: &Path) -> io::Result<()> {
        let number = self.count.fetch_add(1, SeqCst);
        for _ in self.when.iter().filter(|&&when| when == number) {
            self.pickup.lock().unwrap().step();
        }
        Ok(())
    }
    fn after(&self, _: Op, _: &Path) {}
    fn is_durable(&self) -> bool {
        false
    }
}

/// A move that is complete, and its undo meanwhile; how many changes that made.
fn undo(cross_device: bool, id: &str, when: [usize; 5], cut: Option<usize>) -> usize {
    let mut spools = Spools::new(cross_device);
    spools.execute(&spools.plan(), &NO_HOOK).unwrap();
    let pickup = Arc::new(Mutex::new(Pickup {
        path: spools.in_to(id).unwrap(),
        stage: Stage::Nothing,
        taken: BTreeMap::new(),
    }));
    let theirs = Arc::clone(&pickup);
    spools.pickup = Some(Box::new(move || {
        theirs.lock().unwrap().finish();
        true
    }));
    let hook = At {
        when,
        count: AtomicUsize::new(0),
        pickup: &pickup,
    };
    let told = format!("{cross_device} {id} {when:?} {cut:?}");
    let ends = match cut {
        None => spools.recover(Goal::Back, &hook).unwrap(),
        Some(at) => {
            let both = Both(&hook, Cut::new(at, false));
            drop(until_cut(|| spools.recover(Goal::Back, &both)));
            spools.recover(Goal::Back, &NO_HOOK).unwrap()
        }
    };
    pickup.lock().unwrap().finish();
    let mut all = pickup.lock().unwrap().taken.clone();
    let taken = all.len();
    for (sender, times) in spools.deliverable() {
        *all.entry(sender).or_insert(0) += times;
    }
    let count = |fate| ends.iter().filter(|end| end.fate == fate).count();
    let unclear = count(Fate::Failed) + count(Fate::Doubt);
    // What pickup had in hand as it was withdrawn is kept and reported, whether pickup has taken it or not.
    let mut kept = 0;
    for sender in expected().into_keys() {
        if all.contains_key(&sender) {
            continue;
        }
        assert_eq!(spools.complete().get(&sender), Some(&1), "{told}: {ends:?}");
        kept += 1;
        all.insert(sender, 1);
    }
    assert_eq!(all, expected(), "{told}: {ends:?}");
    assert_eq!(
        count(Fate::Restored),
        MAIL.len() - taken - kept,
        "{told}: {ends:?}"
    );
    assert!((kept..=1).contains(&unclear), "{told}: {ends:?}");
    if kept > 0 {
        // Every later run says so again, and leaves it where it is.
        for goal in [Goal::Back, Goal::Finish] {
            let ends = spools.recover(goal, &NO_HOOK).unwrap();
            let doubts = ends.iter().filter(|end| end.fate == Fate::Doubt);
            assert_eq!(doubts.count(), 1, "{told}: {ends:?}");
        }
        assert_eq!(spools.complete().len(), expected().len() - taken, "{told}");
    }
    hook.count.load(SeqCst)
}

struct Both<'a>(&'a At<'a>, Cut);

impl Hook for Both<'_> {
    fn before(&self, op: Op, path: &Path) -> io::Result<()> {
        self.1.before(op, path)?;
        self.0.before(op, path)
    }
    fn after(&self, op: Op, path: &Path) {
        self.1.after(op, path);
    }
    fn is_durable(&self) -> bool {
        false
    }
}

fn check(cross_device: bool) {
    const NEVER: usize = usize::MAX;
    let all = undo(cross_device, MAIL[0].0, [NEVER; 5], None);
    assert!(all > 20, "{all}");
    // On two file systems one of them is a disk.
    let step = if cross_device { 9 } else { 2 };
    let mut tried = 0;
    for (n, (id, ..)) in MAIL.into_iter().enumerate() {
        for looks in (n..all).step_by(step) {
            for opens in (looks..all).step_by(1 + all / 12) {
                for (checks, takes, removes) in [
                    (opens, opens, opens),
                    (opens, opens, NEVER),
                    (opens, opens + 3, NEVER),
                    (opens, NEVER, NEVER),
                    (opens + 1, NEVER, NEVER),
                    (NEVER, NEVER, NEVER),
                ] {
                    undo(
                        cross_device,
                        id,
                        [looks, opens, checks, takes, removes],
                        None,
                    );
                    tried += 1;
                }
            }
            // Killed while pickup has it in hand.
            for cut in (looks..all).step_by(1 + all / 12) {
                undo(
                    cross_device,
                    id,
                    [looks, looks + 1, looks + 1, looks + 2, NEVER],
                    Some(cut),
                );
                let opened = [looks, looks, NEVER, NEVER, NEVER];
                undo(cross_device, id, opened, Some(cut));
                let looked = [looks, NEVER, NEVER, NEVER, NEVER];
                undo(cross_device, id, looked, Some(cut));
                tried += 3;
            }
        }
    }
    println!("between file systems: {cross_device}: {tried} orders");
}

#[test]
fn what_pickup_takes_is_not_taken_back() {
    check(false);
}

#[test]
fn what_pickup_takes_is_not_taken_back_between_file_systems() {
    check(true);
}
