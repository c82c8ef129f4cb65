//! How much mail there is in a mailq, or in several.

use postfix::queue::{Message, Queue};
use postfix::{Span, Time};

use super::Settings;
use crate::distribution::Counts;

/// How much mail there is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Messages.
    pub counts: Counts,
    /// Recipients to do.
    pub recipients: u64,
    /// Bytes of the messages' content, as showq(8) counts them.
    pub bytes: u64,
    /// When the oldest arrived.
    pub oldest: Option<Time>,
    /// When the first deferred message is tried again.
    pub next_attempt: Option<Time>,
    /// When the first message expires.
    pub next_expiry: Option<Time>,
    /// Messages that expire until [`Settings::expires_by`], but for those that are not tried (maildrop, hold).
    pub expiring: u64,
    /// Recipients to do of messages that are tried (not those in maildrop or on hold).
    pub trying: u64,
    /// Those of them whose message arrived within the last hour ([`Settings::recently`]).
    pub came: u64,
    /// Recipients who waited when that hour began, and were delivered or returned in it: what the log says, to be added
    /// by who has read it.
    pub done: Option<u64>,
    /// Messages whose return to the sender an admin has asked for.
    pub forced_expire: u64,
}

impl Summary {
    pub(super) fn add(&mut self, message: &Message, settings: &Settings, recipients: u64) {
        let (file, arrival) = (&message.file, message.file.arrival_time());
        self.next_expiry = earliest(self.next_expiry, Some(message.expires));
        let is_tried = file.queue.is_tried();
        self.expiring += u64::from(is_tried && message.expires <= settings.expires_by);
        if is_tried {
            self.trying += recipients;
            self.came += recipients * u64::from(arrival >= settings.recently);
        }
        self.counts.add(file.queue, 1);
        self.recipients += recipients;
        self.bytes = self.bytes.saturating_add(file.message_size());
        self.oldest = earliest(self.oldest, Some(arrival));
        self.next_attempt = earliest(self.next_attempt, file.next_attempt());
        self.forced_expire += u64::from(file.info.is_forced_expire());
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.counts += other.counts;
        self.recipients += other.recipients;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.oldest = earliest(self.oldest, other.oldest);
        self.next_attempt = earliest(self.next_attempt, other.next_attempt);
        self.next_expiry = earliest(self.next_expiry, other.next_expiry);
        self.expiring += other.expiring;
        self.trying += other.trying;
        self.came += other.came;
        self.forced_expire += other.forced_expire;
    }

    /// In how long the mailq is empty if it goes on as in the last hour. `None`: that is not known, or it does not
    /// become less.
    pub fn drains_in(&self) -> Option<Span> {
        let less = self.done?.checked_sub(self.came).filter(|&less| less > 0)?;
        (self.trying > 0)
            .then(|| Span::from_seconds((self.trying.saturating_mul(3600) / less).max(1)))
    }

    /// Messages that can be listed: those that are not corrupt.
    pub fn messages(&self) -> u64 {
        self.counts.total() - self.counts[Queue::Corrupt]
    }
}

/// The earlier of two times, where there are any.
pub(super) fn earliest(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
