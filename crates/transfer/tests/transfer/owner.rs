//! The mail owner, who owns the queues and may be taken over: whatever he lays in root's way, a move changes nothing
//! that is not his, shows him nothing, and ends.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use crate::common::*;
use transfer::protocol::Goal;
use transfer::{Hook, Op, Side};

/// The user and group id of who owns the mail.
fn owner() -> (u32, u32) {
    let owner = nix::unistd::User::from_name("postfix").unwrap();
    let owner = owner.unwrap_or_else(|| panic!("there is no user postfix: tests/run --install"));
    (owner.uid.as_raw(), owner.gid.as_raw())
}

/// Names as the queues have them, and what root's files of that name say.
const ID: &str = "4A2A51C04C";
const SECRET: &str = "root's alone";

pub(crate) fn is_root() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root {
        println!("SKIPPED: only root can be another user");
    }
    is_root
}

/// A script of the mail owner's in `directory`, where $V is what it would like to change.
pub(crate) fn theirs(directory: &Path, victim: &Path, script: &str) -> Command {
    let (uid, gid) = owner();
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={uid}"))
        .arg(format!("--regid={gid}"));
    command.args(["--clear-groups", "sh", "-c", script]);
    command.current_dir(directory).env("V", victim);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// A directory of root's that is laid out as a queue directory, with a file wherever a move could look for one.
pub(crate) struct Victim(pub(crate) tempfile::TempDir);

impl Victim {
    pub(crate) fn new(beside: &Path) -> Self {
        let dir = tempfile::tempdir_in(beside).unwrap();
        for queue in ["deferred", "hold", "maildrop", "defer", "bounce", "trace"] {
            for (id, ..) in MAIL {
                let flat = dir.path().join(queue).join(id);
                let hashed = dir.path().join(queue).join(&id[..1]).join(id);
                for path in [flat, hashed] {
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(&path, SECRET).unwrap();
                    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
                }
            }
        }
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        Self(dir)
    }

    /// All that is to stay as it is.
    pub(crate) fn state(&self) -> BTreeMap<String, (String, Vec<u8>)> {
        let state = files(self.0.path()).into_iter().map(|path| {
            let meta = fs::symlink_metadata(&path).unwrap();
            let (owner, mode) = ((meta.uid(), meta.gid()), meta.mode());
            let what = format!("{owner:?} {mode:o} {:?}", meta.modified().unwrap());
            let what = (what, fs::read(&path).unwrap());
            (path.display().to_string(), what)
        });
        state.collect()
    }
}

/// The regular files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(directory)
        .into_iter()
        .map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file());
    files.map(walkdir::DirEntry::into_path).collect()
}

/// Gives all of a queue directory to the mail owner.
pub(crate) fn give(side: &mut Side) {
    let (uid, gid) = owner();
    let paths = walkdir::WalkDir::new(&side.queue_directory);
    for entry in paths {
        chown(entry.unwrap().path(), Some(uid), Some(gid)).unwrap();
    }
    side.owner = (uid, gid);
}

/// Does something before the change number `at`.
struct Before<'a> {
    at: usize,
    count: AtomicUsize,
    act: &'a (dyn Fn() + Sync),
}

/// Nothing is done, and the disk is not waited for.
static NOTHING: Before<'_> = Before {
    at: usize::MAX,
    count: AtomicUsize::new(0),
    act: &|| {},
};

impl Hook for Before<'_> {
    fn before(&self, _: Op, _: &Path) -> io::Result<()> {
        if self.count.fetch_add(1, SeqCst) == self.at {
            (self.act)();
        }
        Ok(())
    }
    fn after(&self, _: Op, _: &Path) {}
    fn is_durable(&self) -> bool {
        false
    }
}

/// What he does, in FROM's (F) or in TO's (T) queue directory.
const TRAPS: [(char, &str); 11] = [
    ('F', "mv deferred x; ln -s $V/deferred deferred"),
    ('F', "mv hold x; ln -s $V/hold hold"),
    ('F', "mv defer x; ln -s $V/defer defer"),
    ('T', "mv maildrop x; ln -s $V/maildrop maildrop"),
    ('F', "mv deferred/4 x; ln -s $V/deferred/4 deferred/4"),
    ('F', "mv defer/4 x; ln -s $V/defer/4 defer/4"),
    (
        'F',
        "f=$(find . -path './d*' -prune -o -name 4A2A51C04C -print); rm -f $f; ln -s $V/hold/4A2A51C04C \
         ${f:-hold/4A2A51C04C}",
    ),
    (
        'F',
        "f=$(find . -name 4A2A51C04C); rm -f $f; for x in ${f:-hold/4A2A51C04C}; do mkfifo $x; done",
    ),
    (
        'F',
        "f=$(find . -name 4A2A51C04C); rm -f $f; for x in ${f:-hold/4A2A51C04C}; do mkdir $x; done",
    ),
    (
        'T',
        "for f in $(find maildrop -type f) maildrop/4A2A51C04C; do rm -f $f; ln -s $V/maildrop/4A2A51C04C $f; done",
    ),
    (
        'T',
        "for f in $(find maildrop -type f) maildrop/4A2A51C04C; do rm -f $f; mkfifo $f; done",
    ),
];

#[test]
fn whatever_he_lays_in_the_way_before_any_change_he_gains_nothing() {
    if !is_root() {
        return;
    }
    for cross_device in [false, true] {
        for (number, (where_, script)) in TRAPS.into_iter().enumerate() {
            // Each at every fourth change, each kind at others.
            for at in (number % 4..).step_by(4) {
                let mut spools = Spools::new(cross_device);
                give(&mut spools.from);
                give(&mut spools.to);
                let plan = spools.plan();
                let side = if where_ == 'F' {
                    &spools.from
                } else {
                    &spools.to
                };
                let victim = Victim::new(side.queue_directory.parent().unwrap());
                let before = victim.state();
                let act = || {
                    let mut attack = theirs(&side.queue_directory, victim.0.path(), script);
                    assert!(attack.status().unwrap().code().is_some());
                };
                let hook = Before {
                    at,
                    count: AtomicUsize::new(0),
                    act: &act,
                };
                // How it ends is the spool's to say: he may lose the mail that is his.
                drop(spools.execute(&plan, &hook));
                drop(spools.recover(Goal::Back, &NOTHING));
                let when = format!("{script}, at {at}, between file systems: {cross_device}");
                assert_eq!(victim.state(), before, "{when}");
                for side in [&spools.from, &spools.to] {
                    let found = Command::new("grep")
                        .args(["-rlsD", "skip", SECRET])
                        .arg(&side.queue_directory)
                        .output()
                        .unwrap();
                    assert!(found.stdout.is_empty(), "{when}: {found:?}");
                }
                if hook.count.load(SeqCst) <= at {
                    break;
                }
            }
        }
    }
}

/// Runs a script of the mail owner's in a loop until it is dropped.
pub(crate) struct Loop(Child);

impl Loop {
    pub(crate) fn new(directory: &Path, victim: &Path, script: &str) -> Self {
        let script = format!("echo; while :; do {script}; done");
        let mut attack = theirs(directory, victim, &script);
        let mut child = attack.stdout(Stdio::piped()).spawn().unwrap();
        let ready = child.stdout.take().unwrap().read_exact(&mut [0]);
        ready.unwrap();
        Self(child)
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn directories_that_are_exchanged_for_links_in_a_loop_lead_nowhere() {
    if !is_root() {
        return;
    }
    let exchange =
        |what: &str| format!("mv -T {what} x; ln -s $V/{what} {what}; rm {what}; mv -T x {what}");
    for (where_, what) in [
        ('F', "deferred/4"),
        ('F', "hold"),
        ('F', "defer/4"),
        ('T', "maildrop"),
    ] {
        for cross_device in [false, true] {
            for goal in [Goal::Finish, Goal::Back] {
                let mut spools = Spools::new(cross_device);
                give(&mut spools.from);
                give(&mut spools.to);
                let plan = spools.plan();
                let side = if where_ == 'F' {
                    &spools.from
                } else {
                    &spools.to
                };
                let victim = Victim::new(side.queue_directory.parent().unwrap());
                let before = victim.state();
                let attack = Loop::new(&side.queue_directory, victim.0.path(), &exchange(what));
                drop(spools.execute(&plan, &NOTHING));
                for _ in 0..5 {
                    drop(spools.recover(goal, &NOTHING));
                }
                drop(attack);
                assert_eq!(
                    victim.state(),
                    before,
                    "{what}, between file systems: {cross_device}"
                );
            }
        }
    }
}

/// `protected_hardlinks` may be off: a second name of a file that he may not even read.
#[test]
fn a_second_name_of_a_file_of_roots_is_neither_read_nor_changed() {
    if !is_root() {
        return;
    }
    for cross_device in [false, true] {
        for at in 0.. {
            let mut spools = Spools::new(cross_device);
            give(&mut spools.from);
            give(&mut spools.to);
            let plan = spools.plan();
            let victim = Victim::new(spools.from.queue_directory.parent().unwrap());
            let other = Victim::new(spools.to.queue_directory.parent().unwrap());
            let before = (victim.state(), other.state());
            let act = || {
                for (side, victim) in [(&spools.from, &victim), (&spools.to, &other)] {
                    let mut names = files(&side.queue_directory);
                    names.retain(|path| !path.starts_with(&spools.moves));
                    for file in names {
                        fs::remove_file(&file).unwrap();
                        fs::hard_link(victim.0.path().join("hold").join(ID), &file).unwrap();
                    }
                }
            };
            let hook = Before {
                at,
                count: AtomicUsize::new(0),
                act: &act,
            };
            drop(spools.execute(&plan, &hook));
            drop(spools.recover(Goal::Back, &NOTHING));
            assert_eq!(
                (victim.state(), other.state()),
                before,
                "at {at}, {cross_device}"
            );
            if hook.count.load(SeqCst) <= at {
                break;
            }
        }
    }
}
