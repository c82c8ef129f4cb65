//! queue-move with more mail than one thread or one batch takes: killed while its threads work, and short of open
//! files.

use std::os::unix::process::ExitStatusExt as _;
use std::sync::Arc;

use crate::TOOL;
use crate::image::{Image, Original, with_another_file_system};
use testkit::Host;
use testkit::traced::{injected, plain, with_open_files};

const MOVE: [&str; 4] = ["aol-a", "aol-b", "--yes", "--quiet"];

fn original() -> Option<Arc<Original>> {
    Original::shared(|| Host::start().map_err(|why| testkit::skip(module_path!(), &why)))
}

/// Killed when one of its threads makes a call for the `nth` time: the others are anywhere then.
fn check_kill(image: &Image<'_>, call: &str, nth: usize, verb: &str) {
    image.crowd(100);
    let (before, files) = image.census();
    let when = format!("killed at {call} number {nth} of a thread");
    let ran = injected(
        TOOL,
        image.root(),
        &MOVE,
        &[format!("{call}:signal=KILL:when={nth}")],
    );
    assert_eq!(ran.status.signal(), Some(9), "{when}: {ran:?}");
    let (now, there) = image.census();
    assert!(there >= files, "{when}: lost: {there} of {files}");
    for (pair, times) in now {
        assert!(times <= before[&pair], "{when}: {pair:?} {times} times");
    }
    let name = image.planned_for(102).unwrap();
    let when = format!("{when}, then {verb}");
    let ran = plain(TOOL, image.root(), &[verb, &name, "--yes"]);
    assert_eq!(ran.status.code(), Some(0), "{when}: {ran:?}");
    assert_eq!(image.census(), (before, files), "{when}");
    // One was on hold before, and one in TO's maildrop.
    assert_eq!(image.counts("hold").0, 1, "{when}");
    let expected = if verb == "resume" { (0, 103) } else { (102, 1) };
    assert_eq!(image.counts("deferred"), expected, "{when}");
    assert_eq!(image.counts("defer").0, expected.0 + 1, "{when}");
}

#[test]
fn killed_while_threads_work() {
    let Some(original) = original() else { return };
    // Six threads for 102 messages, so that one of them has 17 at least.
    for (call, times) in [("renameat2", 17), ("unlinkat", 17), ("utimensat", 17)] {
        for nth in (1..=times).step_by(4) {
            for verb in ["resume", "undo"] {
                check_kill(&Image::of(&original, None), call, nth, verb);
            }
        }
    }
}

#[test]
fn killed_while_threads_copy() {
    let Some(original) = original() else { return };
    with_another_file_system(|other| {
        for (call, times) in [
            ("unlinkat", 17),
            ("fchown", 17),
            ("fchmod", 17),
            ("fsync", 17),
        ] {
            for nth in (1..=times).step_by(6) {
                for verb in ["resume", "undo"] {
                    check_kill(&Image::of(&original, Some(other)), call, nth, verb);
                }
            }
        }
    });
}

#[test]
fn a_low_limit_of_open_files_is_no_failure() {
    let Some(original) = original() else { return };
    with_another_file_system(|other| {
        for image in [
            Image::of(&original, None),
            Image::of(&original, Some(other)),
        ] {
            image.crowd(600);
            let ran = with_open_files(TOOL, image.root(), &MOVE, 700);
            assert_eq!(ran.status.code(), Some(0), "{ran:?}");
            assert_eq!(image.counts("deferred"), (0, 603));
        }
    });
}
