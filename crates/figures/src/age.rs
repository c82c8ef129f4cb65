//! How old mail is.

use postfix::{Span, Time};

/// Between a queue's clock and ours: a queue may be on another machine's file system.
const CLOCKS_DIFFER: Span = Span::from_seconds(300);

/// The age at `now` of what arrived at `arrival`; nothing for what arrived later, by more than clocks differ: the clock
/// is or was wrong, and the age not known.
pub(crate) fn age(arrival: Time, now: Time) -> Option<Span> {
    (arrival <= now.plus(CLOCKS_DIFFER)).then(|| now.since(arrival))
}
