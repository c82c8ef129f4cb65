//! Waiting for what other processes do.

use std::fmt::Display;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::or_fail::OrFail as _;

/// How long a test waits for what must come before it gives up. No test is to be judged by how fast a machine is: this
/// is many times what a slow and busy one takes.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// How often a condition is looked at. Postfix works in milliseconds, and a look costs far less than this.
const INTERVAL: Duration = Duration::from_millis(10);

/// Looks at `condition` until it holds; panics after `timeout`, naming `what` was waited for.
///
/// [`Host::wait_until`](crate::Host::wait_until) does the same and adds the tail of mail.log to the message.
#[track_caller]
pub fn wait_until(timeout: Duration, what: impl Display, condition: impl FnMut() -> bool) {
    assert!(
        holds_within(timeout, condition),
        "testkit: waited {timeout:?} in vain for: {what}"
    );
}

/// Whether `condition` holds at some time within `timeout`. It is looked at once more at the very end.
pub(crate) fn holds_within(timeout: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if start.elapsed() >= timeout {
            return condition();
        }
        std::thread::sleep(INTERVAL);
    }
}

/// Waits until a process waits for a lock on `path`, be it by flock(2) or fcntl(2).
#[track_caller]
pub fn wait_for_lock(path: &Path) {
    let inode = std::fs::metadata(path).or_fail(path.display()).ino();
    let inode = format!(":{inode}");
    // proc_locks(5): `1: -> FLOCK  ADVISORY  WRITE 1234 08:01:99 0 EOF` waits for the one above it.
    let waits = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        words.next() == Some("->") && words.nth(4).is_some_and(|file| file.ends_with(&inode))
    };
    wait_until(
        PATIENCE,
        format_args!("a process to wait for a lock on {}", path.display()),
        || std::fs::read_to_string("/proc/locks").is_ok_and(|locks| locks.lines().any(waits)),
    );
}

/// What `work` makes on a thread of its own; panics if it has not ended after [`PATIENCE`], for it may hang for ever.
#[track_caller]
pub fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, wait) = mpsc::channel();
    let thread = std::thread::spawn(move || drop(done.send(work())));
    match wait.recv_timeout(PATIENCE) {
        Ok(made) => made,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("testkit: still at it after {PATIENCE:?}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => panic!("testkit: ended without a word"),
        },
    }
}
