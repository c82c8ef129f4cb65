//! Waiting for what other processes do.

use std::fmt::Display;
use std::time::{Duration, Instant};

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
