//! The queue-move that is shipped, killed by SIGKILL before every system call that changes something, and with every
//! such call failing; then its own resume or undo. What can be sent, and to whom, stays the same.

use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::TOOL;
use crate::image::{Image, Original, with_a_bind_mount, with_another_file_system};
use crate::spool::same;
use testkit::Host;
use testkit::traced::{Call, calls, injected, killed, plain};

const MOVE: [&str; 3] = ["aol-a", "aol-b", "--yes"];
const VERBS: [&str; 2] = ["resume", "undo"];

/// What the tests start from, or their end where no host can be made.
macro_rules! original_or_skip {
    () => {
        match Original::shared(|| Host::start().map_err(|why| testkit::skip(module_path!(), &why)))
        {
            Some(original) => original,
            None => return,
        }
    };
}

/// Does the work for each of the cases, some at a time.
fn each<T: Sync>(cases: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().unwrap().get() * 2;
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Relaxed)) {
                    work(case);
                }
            });
        }
    });
}

/// Every combination.
fn pairs<A: Clone, B: Clone>(a: &[A], b: &[B]) -> Vec<(A, B)> {
    a.iter()
        .flat_map(|a| b.iter().map(move |b| (a.clone(), b.clone())))
        .collect()
}

/// The calls of a whole move that change something, and its end.
fn all_calls(original: &Original, other: Option<&Path>) -> Vec<Call> {
    let image = Image::of(original, other);
    let mut found = calls(TOOL, image.root(), &MOVE);
    image.is_moved(true, "without a crash");
    // What the protocol cannot do without: two messages, one of which finds its name taken in TO's maildrop.
    let count = |name: &str| found.iter().filter(|call| call.name == name).count();
    let expected = if other.is_some() {
        (2 + 2 + 2, 2 + 2, 2 + 2 + 2, 2)
    } else {
        (2 + 2 + 1, 2, 2 + 2 + 1, 0)
    };
    let counted = (
        count("renameat2"),
        count("unlinkat"),
        count("utimensat"),
        count("fchmod"),
    );
    assert_eq!(counted, expected, "{found:#?}");
    assert!(count("fsync") >= 5 && count("write") >= 6, "{found:#?}");
    found.push(Call {
        name: "exit_group".to_owned(),
        nth: 1,
        shown: "the end".to_owned(),
    });
    found
}

/// It ended by itself, and told what was wrong if it could (`says`).
#[track_caller]
fn ended(ran: &Output, codes: &[i32], says: bool, when: &str) {
    let code = ran.status.code();
    assert!(
        code.is_some_and(|code| codes.contains(&code)),
        "{when}: {ran:?}"
    );
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(!told.contains("panicked"), "{when}: {told}");
    assert!(
        code == Some(0) || !told.is_empty() || !says,
        "{when}: nothing said: {ran:?}"
    );
}

/// `resume` or `undo` comes to its end, and once more changes nothing.
fn recovers(image: &Image<'_>, verb: &str, when: &str) {
    recovers_by(image, verb, &[], when);
}

/// The same with more flags, where the move is known to be planned.
fn recovers_by(image: &Image<'_>, verb: &str, flags: &[&str], when: &str) {
    let when = format!("{when}, then {verb}");
    let Some(name) = image.planned() else {
        ended(
            &plain(TOOL, image.root(), &[verb, "--yes"]),
            &[2],
            true,
            &when,
        );
        image.is_moved(false, &when);
        return;
    };
    let args = [&[verb, &name, "--yes"], flags].concat();
    ended(&plain(TOOL, image.root(), &args), &[0], true, &when);
    image.is_moved(verb == "resume", &when);
    let [from, to] = image.both();
    ended(&plain(TOOL, image.root(), &args), &[0], true, &when);
    let [from_then, to_then] = image.both();
    let when = format!("{when}, twice");
    same(&from_then, &from, &when);
    same(&to_then, &to, &when);
}

fn check_kills(other: Option<&Path>) {
    let original = original_or_skip!();
    let found = all_calls(&original, other);
    each(&pairs(&found, &VERBS), |(call, verb)| {
        let when = format!("killed at {} (number {})", call.shown, call.nth);
        let image = Image::of(&original, other);
        killed(TOOL, image.root(), &MOVE, call);
        image.sound(&when);
        recovers(&image, verb, &when);
    });
}

#[test]
fn killed_at_every_call() {
    check_kills(None);
}

#[test]
fn killed_at_every_call_between_file_systems() {
    with_another_file_system(|other| check_kills(Some(other)));
}

/// Containers and chroots bind-mount spools: between two mounts of one file system, files are copied.
#[test]
fn a_spool_that_is_bind_mounted_from_the_same_file_system() {
    let original = original_or_skip!();
    with_a_bind_mount(|other| {
        let found = all_calls(&original, Some(other));
        let image = Image::of(&original, Some(other));
        let plan = plain(TOOL, image.root(), &["aol-a", "aol-b", "--dry-run"]);
        let told = String::from_utf8_lossy(&plan.stdout);
        assert!(told.contains("the files are copied"), "{plan:?}");
        image.is_moved(false, "a dry run");
        // Killed when the sources are gone and nothing is open yet.
        let publish = found.iter().find(|call| call.name == "fchmod");
        for verb in VERBS {
            let image = Image::of(&original, Some(other));
            killed(TOOL, image.root(), &MOVE, publish.unwrap());
            image.sound("killed");
            recovers(&image, verb, "killed");
        }
    });
}

/// The call fails, once or from there on.
fn faults(found: &[Call], at: usize, error: &str, lasting: bool) -> Vec<String> {
    let call = &found[at];
    let mut faults = vec![format!("{}:error={error}:when={}", call.name, call.nth)];
    if lasting {
        let mut names: Vec<&str> = found.iter().map(|call| call.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        // Of these, most only read.
        names.retain(|name| !name.starts_with("open") && *name != "exit_group");
        let from = |name: &str| {
            let before = found[..at].iter().filter(|call| call.name == name).count();
            format!("{name}:error={error}:when={}+", before + 1)
        };
        faults.retain(|_| call.name.starts_with("open"));
        faults.extend(names.into_iter().map(from));
    }
    faults
}

fn check_faults(other: Option<&Path>) {
    let original = original_or_skip!();
    let mut found = all_calls(&original, other);
    found.pop();
    let cases: Vec<usize> = (0..found.len()).collect();
    each(&pairs(&cases, &["ENOSPC", "EIO"]), |&(at, error)| {
        let full = error == "ENOSPC";
        // A quota that is used up is as lasting as a full disk.
        let error = if full && at % 2 == 1 { "EDQUOT" } else { error };
        let when = format!("{error} at {} (number {})", found[at].shown, found[at].nth);
        let image = Image::of(&original, other);
        let ran = injected(TOOL, image.root(), &MOVE, &faults(&found, at, error, full));
        ended(&ran, &[0, 1, 2], !full, &when);
        image.sound(&when);
        // The disk is well again.
        let [first, then] = if full { VERBS } else { ["undo", "resume"] };
        recovers(&image, first, &when);
        recovers(&image, then, &format!("{when}, {first}"));
    });
}

#[test]
fn every_call_fails() {
    check_faults(None);
}

#[test]
fn every_call_fails_between_file_systems() {
    with_another_file_system(|other| check_faults(Some(other)));
}

/// Killed in the middle, and then again while it recovers.
fn check_kills_of_recovery(other: Option<&Path>) {
    let original = original_or_skip!();
    let found = all_calls(&original, other);
    // The first message is there, the second is not.
    let name = if other.is_some() {
        "fchmod"
    } else {
        "renameat2"
    };
    let middle = found.iter().rposition(|call| call.name == name).unwrap();
    let halfway = || {
        let image = Image::of(&original, other);
        killed(TOOL, image.root(), &MOVE, &found[middle]);
        image
    };
    for verb in VERBS {
        let image = halfway();
        let name = image.planned().unwrap();
        let again = calls(TOOL, image.root(), &[verb, &name, "--yes"]);
        assert!(again.len() > 10, "{again:#?}");
        let numbered: Vec<(usize, Call)> = again.into_iter().enumerate().collect();
        each(&numbered, |(number, call)| {
            let when = format!("{verb} killed at {} (number {})", call.shown, call.nth);
            let image = halfway();
            let name = image.planned().unwrap();
            killed(TOOL, image.root(), &[verb, &name, "--yes"], call);
            image.sound(&when);
            // An undo that was interrupted is kept by resume, unless it is told otherwise.
            for verb in [VERBS[number % 2], VERBS[(number + 1) % 2]] {
                let flags: &[&str] = if verb == "resume" {
                    &["--forward"]
                } else {
                    &[]
                };
                recovers_by(&image, verb, flags, &when);
            }
        });
    }
}

#[test]
fn recovery_is_killed_at_every_call() {
    check_kills_of_recovery(None);
}

#[test]
fn recovery_is_killed_at_every_call_between_file_systems() {
    with_another_file_system(|other| check_kills_of_recovery(Some(other)));
}

#[test]
fn an_undo_that_was_interrupted_is_finished_by_resume() {
    let original = original_or_skip!();
    let image = Image::of(&original, None);
    plain(TOOL, image.root(), &MOVE);
    let name = image.planned().unwrap();
    let trial = Image::of(&original, None);
    plain(TOOL, trial.root(), &MOVE);
    let undo = |image: &Image<'_>| [image.planned().unwrap(), "--yes".to_owned()];
    let args = undo(&trial);
    let found = calls(TOOL, trial.root(), &["undo", &args[0], &args[1]]);
    let last = found.iter().rfind(|call| call.name == "renameat2");
    killed(TOOL, image.root(), &["undo", &name, "--yes"], last.unwrap());
    let plan = plain(TOOL, image.root(), &["resume", &name, "--dry-run"]);
    let told = String::from_utf8_lossy(&plan.stdout);
    assert!(told.starts_with("undo "), "{told}");
    let refused = plain(TOOL, image.root(), &["undo", &name, "--yes", "--forward"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    ended(
        &plain(TOOL, image.root(), &["resume", "--yes"]),
        &[0],
        true,
        "resume",
    );
    image.is_moved(false, "an undo, interrupted, then resume");
}

#[test]
fn an_unfinished_move_is_reported_by_all_who_show_the_queues() {
    let original = original_or_skip!();
    let image = Image::of(&original, None);
    let trial = Image::of(&original, None);
    let found = calls(TOOL, trial.root(), &MOVE);
    let last = found.iter().rfind(|call| call.name == "renameat2");
    killed(TOOL, image.root(), &MOVE, last.unwrap());
    let name = image.planned().unwrap();
    let says = |tool: &str, args: &[&str]| {
        let ran = plain(tool, image.root(), args);
        let told = [ran.stdout, ran.stderr].concat();
        String::from_utf8_lossy(&told).contains(&format!("the move {name} from"))
    };
    let report = env!("CARGO_BIN_EXE_queue-report");
    let distribution = env!("CARGO_BIN_EXE_mailq-distribution");
    let check = ["--check", "--warn-count", "1000", "aol-b"];
    assert!(says(report, &["aol-a"]) && says(distribution, &check));
    assert!(says(TOOL, &["clean", "aol-a", "--dry-run"]));
    plain(TOOL, image.root(), &["resume", "--yes"]);
    assert!(!says(report, &["aol-a"]) && !says(distribution, &check));
}
