//! Who hears of a move, and is asked, on its way.

use std::time::Duration;

use crate::journal::Ended;

/// What a move reports, and asks, on its way.
pub trait Watch {
    /// Seconds since 1970 (UTC), now.
    fn now(&self) -> i64;
    /// Is the work to be ended? Asked between messages that are independent of each other.
    fn interrupted(&self) -> bool;
    /// These messages have ended; what is moved is in TO's maildrop, and its pickup may be woken.
    fn ended(&self, ended: &[Ended]);
    /// Waits. Returns early when interrupted.
    fn pause(&self, span: Duration);
}

/// Is TO's pickup past what it was doing?
pub type Past<'a> = &'a dyn Fn() -> bool;
