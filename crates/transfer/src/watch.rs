//! Who hears of a move, and is asked, on its way.

use std::time::Duration;

use postfix::Time;

use crate::journal::Ended;

/// What a move reports, and asks, on its way.
pub trait Watch {
    /// What time it is.
    fn now(&self) -> Time;
    /// Is the work to be ended? Asked between messages that are independent of each other.
    fn interrupted(&self) -> bool;
    /// These messages have ended; what is moved is in TO's maildrop, and its pickup may be woken.
    fn ended(&self, ended: &[Ended]);
    /// Waits. Returns early when interrupted.
    fn pause(&self, span: Duration);
}

/// Is TO's pickup past what it was doing?
pub type Past<'a> = &'a dyn Fn() -> bool;
