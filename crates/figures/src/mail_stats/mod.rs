//! How well mail is delivered: delivery events in, figures out.
//!
//! A [`Tally`] counts; it may be split over the parts of a log and merged in their order. [`Tally::finish`] makes
//! [`MailStats`] of it, which the renderers show.

mod again;
pub mod check;
mod dimension;
mod histogram;
mod instances;
mod key;
mod keys;
mod recipients;
mod senders;
mod stats;
mod tally;
mod tried;

use std::ops::AddAssign;
use std::sync::Arc;

use postfix::Zone;
use postfix::log::Status;

pub use again::{PutOff, Repeated};
pub use dimension::{Dimension, UnknownDimension};
pub use histogram::{Histogram, Quantiles};
pub use instances::Slot;
pub use key::Key;
pub(crate) use key::make_distinct;
pub use stats::{
    Breakdown, DETAILS_MAX, DelayStats, Disputed, Figures, Frame, InstanceStats, MailStats, Row,
    Source,
};
pub use tally::Tally;

pub(crate) use again::PutOffs;
pub(crate) use instances::{Instance, Table, cut as cut_table};
pub use keys::DISCARDED;
pub(crate) use keys::REASON_SEPARATOR;
pub(crate) use stats::figures;

use knowledge::providers::Providers;
use knowledge::reasons::Reasons;

/// What is to be counted, and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The breakdowns that are wanted. One that is named twice is made once.
    pub by: Vec<Dimension>,
    /// What to count.
    pub count: Count,
    /// Are figures of delays wanted?
    pub delays: bool,
    /// The zone whose clock [`Dimension::Hour`] and [`Dimension::Day`] go by.
    pub zone: Zone,
    /// Instances that appear even if nothing is counted for them.
    pub instances: Vec<String>,
    /// How many instances beside those are kept distinct: see [`crate::bounds`].
    pub most_instances: usize,
    /// How many keys of a breakdown are kept distinct: see [`crate::bounds`].
    pub most_keys: usize,
    /// The table for [`Dimension::Provider`].
    pub providers: Arc<Providers>,
    /// The rules for [`Dimension::Reason`]; without them, every reason is `other`.
    pub reasons: Option<Arc<Reasons>>,
}

/// What to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Count {
    /// Every delivery attempt.
    #[default]
    Attempts,
    /// Each recipient of each message (instance, queue id, address), by its last attempt.
    Recipients,
}

impl Count {
    /// Its name, as in the option and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attempts => "attempts",
            Self::Recipients => "recipients",
        }
    }
}

/// Deliveries by result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Handed on.
    pub sent: u64,
    /// Refused for good.
    pub bounced: u64,
    /// To be tried again.
    pub deferred: u64,
}

impl Counts {
    /// Without a part of them.
    #[must_use]
    pub fn minus(self, part: Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(part.sent),
            bounced: self.bounced.saturating_sub(part.bounced),
            deferred: self.deferred.saturating_sub(part.deferred),
        }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.sent
            .saturating_add(self.bounced)
            .saturating_add(self.deferred)
    }

    /// Counts `n` more that ended so.
    pub fn add(&mut self, status: Status, n: u64) {
        let count = match status {
            Status::Sent => &mut self.sent,
            Status::Bounced => &mut self.bounced,
            Status::Deferred => &mut self.deferred,
        };
        *count = count.saturating_add(n);
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.add(Status::Sent, other.sent);
        self.add(Status::Bounced, other.bounced);
        self.add(Status::Deferred, other.deferred);
    }
}

#[cfg(test)]
pub(crate) mod tests;
