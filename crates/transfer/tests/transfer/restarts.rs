//! A move is killed, the machine comes up again and Postfix's own postsuper(1) renames queue files; then resume or
//! undo. Message by message: none lost, none doubled, none in doubt without being reported.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::*;
use transfer::protocol::Goal;
use transfer::{Fate, Hook, Op, State};

/// What was tried, and what came of it.
#[derive(Debug, Default)]
struct Tried {
    points: AtomicUsize,
    renamed: AtomicUsize,
    lost: AtomicUsize,
    doubled: AtomicUsize,
    in_doubt: AtomicUsize,
    unreported: AtomicUsize,
}

impl Tried {
    /// Each message, once.
    fn messages(&self, spools: &Spools, ends: &[transfer::Ended], begun: bool) {
        let (deliverable, complete) = (spools.deliverable(), spools.complete());
        for (n, sender) in (0..).zip(senders()) {
            self.points.fetch_add(1, SeqCst);
            let times = deliverable.get(&sender).copied().unwrap_or(0);
            let doubt = ends.iter().any(|end| end.n == n && end.fate == Fate::Doubt);
            let add = |count: &AtomicUsize, is: bool| count.fetch_add(usize::from(is), SeqCst);
            add(&self.lost, !complete.contains_key(&sender));
            add(&self.doubled, times > 1);
            add(&self.in_doubt, doubt);
            let told = !begun || ends.iter().any(|end| end.n == n);
            add(&self.unreported, !told || (times == 0 && !doubt));
        }
    }
}

fn senders() -> Vec<String> {
    MAIL.iter()
        .map(|(id, ..)| format!("{id}@example.org"))
        .collect()
}

const GOALS: [Goal; 2] = [Goal::Finish, Goal::Back];

/// Which instances are started again after the crash.
const RESTARTS: [(bool, bool); 4] = [(false, false), (true, false), (false, true), (true, true)];

fn restart(spools: &Spools, (from, to): (bool, bool), tried: &Tried) {
    for (side, is) in [(&spools.from, from), (&spools.to, to)] {
        if is {
            tried.renamed.fetch_add(postsuper(side, NOW + 60), SeqCst);
        }
    }
}

fn changes(ids: Ids, cross_device: bool) -> usize {
    let spools = Spools::named(ids, cross_device);
    let count = Cut::new(usize::MAX, false);
    spools.execute(&spools.plan(), &count).unwrap();
    count.count.load(SeqCst)
}

/// Every crash of a move, every restart, both ways on; and once more the other way after another restart.
fn check(ids: Ids, cross_device: bool, tried: &Tried) {
    for at in 0..changes(ids, cross_device) {
        for restarted in RESTARTS {
            for goal in GOALS {
                let when = format!("{ids:?}, cut at {at}, restarted: {restarted:?}, then {goal:?}");
                let spools = Spools::named(ids, cross_device);
                let plan = spools.plan();
                let cut = until_cut(|| spools.execute(&plan, &Cut::new(at, at % 2 == 0)));
                assert!(cut.is_none(), "{when}");
                restart(&spools, restarted, tried);
                let begun = spools.journal().is_some_and(|journal| journal.planned);
                let ends = spools.recover(goal, &NO_HOOK).unwrap();
                tried.messages(&spools, &ends, begun);
                let fate = match goal {
                    Goal::Finish => Fate::Moved,
                    Goal::Back => Fate::Restored,
                };
                let wrong = ends.iter().find(|end| end.fate != fate);
                assert_eq!(wrong, None, "{when}");
                restart(&spools, restarted, tried);
                let other = GOALS[usize::from(goal == Goal::Finish)];
                let ends = spools.recover(other, &NO_HOOK).unwrap();
                tried.messages(&spools, &ends, begun);
                assert_eq!(spools.deliverable(), expected(), "{when}, then {other:?}");
            }
        }
    }
}

#[test]
fn no_message_is_lost_or_doubled_by_a_crash_and_a_restart() {
    let tried = Tried::default();
    std::thread::scope(|scope| {
        for cross_device in [false, true] {
            for ids in [Ids::Short, Ids::Long, Ids::Misfit] {
                let tried = &tried;
                scope.spawn(move || check(ids, cross_device, tried));
            }
        }
    });
    report(&format!(
        "crash points x restarts x resume or undo, message by message: {tried:?}"
    ));
    assert!(tried.points.load(SeqCst) >= 10_000, "{tried:?}");
    assert!(tried.renamed.load(SeqCst) >= 1000, "{tried:?}");
    let none = [
        &tried.lost,
        &tried.doubled,
        &tried.in_doubt,
        &tried.unreported,
    ];
    assert!(
        none.iter().all(|count| count.load(SeqCst) == 0),
        "{tried:?}"
    );
}

/// An instance is started again while a move is at work, before or after any change of it: what it was called by is
/// another's name, or nobody's.
struct Restart<'s> {
    at: usize,
    after: bool,
    count: AtomicUsize,
    sides: (bool, bool),
    spools: &'s Spools,
    tried: &'s Tried,
}

impl Restart<'_> {
    /// By the clock of the file system: what is just being made is no week old.
    fn act(&self) {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let now = i64::try_from(now).unwrap();
        for (side, is) in [
            (&self.spools.from, self.sides.0),
            (&self.spools.to, self.sides.1),
        ] {
            let renamed = if is { postsuper(side, now) } else { 0 };
            self.tried.renamed.fetch_add(renamed, SeqCst);
        }
    }
}

impl Hook for Restart<'_> {
    fn before(&self, _: Op, _: &Path) -> std::io::Result<()> {
        if self.count.fetch_add(1, SeqCst) == self.at && !self.after {
            self.act();
        }
        Ok(())
    }
    fn after(&self, _: Op, _: &Path) {
        if self.count.load(SeqCst) == self.at + 1 && self.after {
            self.act();
        }
    }
    fn is_durable(&self) -> bool {
        false
    }
}

#[test]
fn a_restart_in_the_middle_of_a_move_leaves_nothing_unreported() {
    let tried = Tried::default();
    let ids = Ids::Misfit;
    for cross_device in [false, true] {
        let all = 0..changes(ids, cross_device);
        for (at, sides) in all.flat_map(|at| RESTARTS[1..].iter().map(move |sides| (at, *sides))) {
            let after = at % 2 == 0;
            let when = format!("{ids:?}, {cross_device}, restarted at {at}: {sides:?}, {after}");
            let spools = Spools::named(ids, cross_device);
            let hook = Restart {
                at,
                after,
                count: AtomicUsize::new(0),
                sides,
                spools: &spools,
                tried: &tried,
            };
            let done = spools.execute(&spools.plan(), &hook).unwrap();
            let when = format!("{when}: {:?}", done.ended);
            let (deliverable, complete) = (spools.deliverable(), spools.complete());
            assert!(deliverable.values().all(|times| *times == 1), "{when}");
            assert_eq!(complete.len(), expected().len(), "{when}");
            // What the move has left on hold, or closed, it says.
            let open = spools.journal().unwrap().state() == State::Unfinished;
            let held = spools.files().into_iter().filter(|path| {
                let is_on_hold = path.components().any(|part| part.as_os_str() == "hold");
                is_on_hold && sender_of(path).as_deref() != Some("held@example.org")
            });
            assert!(open || held.count() == 0, "{when}");
            assert!(open || deliverable == expected(), "{when}");
            spools.recover(Goal::Back, &NO_HOOK).unwrap();
            assert_eq!(spools.deliverable(), expected(), "{when}, then undo");
            tried.points.fetch_add(MAIL.len(), SeqCst);
        }
    }
    report(&format!("restarts in the middle of a move: {tried:?}"));
}

/// What TO's postsuper would have to rename in maildrop is never there: a copy's name fits its inode from the start.
#[test]
fn copies_have_names_that_fit_from_the_start() {
    for ids in [Ids::Short, Ids::Long] {
        for at in 0..changes(ids, true) {
            let spools = Spools::named(ids, true);
            let plan = spools.plan();
            drop(until_cut(|| spools.execute(&plan, &Cut::new(at, true))));
            assert_eq!(postsuper(&spools.to, NOW + 60), 0, "{ids:?}, cut at {at}");
        }
    }
}

/// The postsuper of these tests renames as the real one does.
#[test]
fn the_postsuper_of_these_tests_is_like_the_real_one() {
    use std::process::Command;
    let owner = Command::new("id").args(["-u", "postfix"]).output().unwrap();
    if !Path::new("/usr/sbin/postsuper").exists() || !owner.status.success() {
        println!("SKIPPED: no postsuper");
        return;
    }
    for ids in [Ids::Short, Ids::Long, Ids::Misfit] {
        for long in [false, true] {
            let mut spools = Spools::named(ids, false);
            spools.from.long_queue_ids = long;
            let root = spools.from.queue_directory.clone();
            let copy = tempfile::tempdir_in("/dev/shm").unwrap();
            let run = |command: &mut Command| {
                let ran = command.output().unwrap();
                assert!(ran.status.success(), "{ids:?} {long} {ran:?}");
            };
            run(Command::new("mkdir")
                .args(["-p", "pid", "corrupt", "flush"])
                .current_dir(&root));
            let config = copy.path().join("postfix-real");
            fs::create_dir(&config).unwrap();
            let main_cf = format!(
                "compatibility_level = 3.6\nqueue_directory = {}\ndata_directory = {}\nenable_long_queue_ids = {}\n\
                 multi_instance_name = postfix-real\nalternate_config_directories = {}\nhash_queue_names = deferred \
                 defer\n",
                root.display(),
                copy.path().display(),
                if long { "yes" } else { "no" },
                config.display()
            );
            fs::write(config.join("main.cf"), main_cf).unwrap();
            fs::write(config.join("master.cf"), "").unwrap();
            run(Command::new("chown").arg("-R").arg("postfix").arg(&root));
            run(Command::new("chmod")
                .arg("a+x")
                .arg(root.parent().unwrap())
                .arg(&root));
            // A closed file and a covered one, beside the messages.
            let closed = root.join("maildrop/0ABCDE1");
            fs::write(&closed, "x").unwrap();
            let covered = root.join("hold/0ABCDE2.1a2b");
            fs::write(&covered, "x").unwrap();
            set_mtime(&covered, 2_100_000_000);
            run(Command::new("chown").arg("postfix").arg(&closed));
            set_mtime(&closed, 2_100_000_000);
            let real = Command::new("postsuper")
                .arg("-c")
                .arg(&config)
                .env("MAIL_CONFIG", &config)
                .output()
                .unwrap();
            assert!(real.status.success(), "{real:?}");
            let told = String::from_utf8_lossy(&real.stderr).into_owned();
            let renamed = told
                .lines()
                .find_map(|line| {
                    line.split_once("Renamed to match inode number: ")?
                        .1
                        .split(' ')
                        .next()
                })
                .map_or(0, |count| count.parse().unwrap());
            // Nothing is left for ours to do: the names are those that it would have given.
            assert_eq!(postsuper(&spools.from, NOW), 0, "{ids:?} {long}: {told}");
            let misfit =
                usize::from(ids == Ids::Misfit || (ids == Ids::Long && !long)) * MAIL.len();
            // The closed one, and the one on hold.
            assert_eq!(renamed, misfit + 2, "{ids:?} {long}: {told}");
            assert!(covered.exists(), "{told}");
        }
    }
}

/// postsuper renames the decoys then, whose names do not fit their inodes: pickup has taken nothing for that.
#[test]
fn an_undo_that_is_cut_and_a_restart_of_to_leave_nothing_in_doubt() {
    let tried = Tried::default();
    for (cross_device, goal) in [(false, 0), (false, 1), (true, 0), (true, 1)] {
        let goal = GOALS[goal];
        let mut at = 0;
        loop {
            let when = format!("between file systems: {cross_device}, cut at {at}, then {goal:?}");
            let spools = Spools::named(Ids::Short, cross_device);
            spools.execute(&spools.plan(), &NO_HOOK).unwrap();
            let cut = Cut::new(at, at % 2 == 0);
            if until_cut(|| spools.recover(Goal::Back, &cut)).is_some() {
                break;
            }
            restart(&spools, (false, true), &tried);
            let ends = spools.recover(goal, &NO_HOOK).unwrap();
            let fate = match goal {
                Goal::Finish => Fate::Moved,
                Goal::Back => Fate::Restored,
            };
            assert_eq!(ends.iter().find(|end| end.fate != fate), None, "{when}");
            assert_eq!(spools.deliverable(), expected(), "{when}");
            let is_left = |path: &PathBuf| fs::metadata(path).is_ok_and(|meta| meta.len() == 0);
            let files = spools.files();
            assert_eq!(files.iter().find(|path| is_left(path)), None, "{when}");
            at += 1;
        }
        assert!(at > 10, "{at}");
    }
    assert!(tried.renamed.load(SeqCst) > 100, "{tried:?}");
}
