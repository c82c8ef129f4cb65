//! In which order messages are listed.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::listed::ListedMessage;

/// By what messages are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// The oldest first, by arrival time.
    #[default]
    Arrival,
    /// The same: the greatest age first.
    Age,
    /// The biggest first.
    Size,
    /// Those that are tried next first; those that are not deferred last.
    Next,
    /// Those that are given up next first.
    Expires,
    /// Those with the most recipients first.
    Recipients,
    /// By sender.
    Sender,
    /// In the order in which mail passes through the queues.
    Queue,
    /// By queue id.
    Id,
}

impl Sort {
    /// Every one.
    pub const ALL: &[Self] = &[
        Self::Arrival,
        Self::Age,
        Self::Size,
        Self::Next,
        Self::Expires,
        Self::Recipients,
        Self::Sender,
        Self::Queue,
        Self::Id,
    ];

    /// Its name, as in the option.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Arrival => "arrival",
            Self::Age => "age",
            Self::Size => "size",
            Self::Next => "next",
            Self::Expires => "expires",
            Self::Recipients => "recipients",
            Self::Sender => "sender",
            Self::Queue => "queue",
            Self::Id => "id",
        }
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no [`Sort`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot sort by this; use {}", Sort::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(", "))]
pub struct UnknownSort;

impl FromStr for Sort {
    type Err = UnknownSort;

    fn from_str(word: &str) -> Result<Self, UnknownSort> {
        let known = Self::ALL.iter().find(|s| s.as_str() == word);
        known.copied().ok_or(UnknownSort)
    }
}

/// An order of messages: total, so that a list does not depend on the order in which files are met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Order {
    /// By what, first; then by arrival, instance and queue id.
    pub sort: Sort,
    /// The other way round.
    pub reverse: bool,
}

impl Order {
    /// Which of two is listed first: the lesser one.
    pub fn compare(self, a: &ListedMessage, b: &ListedMessage) -> Ordering {
        let queue = |entry: &ListedMessage| {
            crate::distribution::QUEUES
                .iter()
                .position(|q| *q == entry.queue)
        };
        let first = match self.sort {
            Sort::Arrival | Sort::Age => Ordering::Equal,
            Sort::Size => b.size.cmp(&a.size),
            Sort::Next => {
                let key =
                    |entry: &ListedMessage| (entry.next_attempt.is_none(), entry.next_attempt);
                key(a).cmp(&key(b))
            }
            Sort::Expires => a.expires.cmp(&b.expires),
            Sort::Recipients => b.recipient_count.cmp(&a.recipient_count),
            Sort::Sender => a.sender.cmp(&b.sender),
            Sort::Queue => queue(a).cmp(&queue(b)),
            Sort::Id => a.id.cmp(&b.id),
        };
        let key = |entry: &'_ ListedMessage| (entry.arrival, entry.instance);
        let order = first
            .then_with(|| key(a).cmp(&key(b)))
            .then_with(|| a.id.cmp(&b.id))
            .then_with(|| queue(a).cmp(&queue(b)));
        if self.reverse { order.reverse() } else { order }
    }
}
