//! What is in an instance's mailq, and why is it stuck: messages in, figures out.
//!
//! A [`Tally`] takes in messages as showq(8) shows them; several threads may each fill one of their own, to be merged
//! in any order. [`Report::new`] makes the figures of them, which `show::queue` shows.

mod dimension;
mod kept;
mod known;
mod listed;
mod order;
mod reports;
mod summary;
mod tally;

use std::sync::Arc;

pub use dimension::{Dimension, UnknownDimension};
pub use known::Why;
pub use listed::{ListedMessage, ListedRecipient};
pub use order::{Order, Sort, UnknownSort};
pub use reports::{Frame, Group, InstanceSummary, Report, Rows, Sender};
pub use summary::Summary;
pub use tally::Tally;

use knowledge::providers::Providers;
use knowledge::reasons::Reasons;
use postfix::Time;

/// What is to be counted, and what is to be kept.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The instances, by name: a tally's figures are in this order.
    pub instances: Vec<String>,
    /// What recipients are grouped by; nothing, and there are no groups.
    pub group_by: Vec<Dimension>,
    /// Groups, and senders, that are kept distinct.
    pub most_keys: usize,
    /// Are senders to be counted?
    pub senders: bool,
    /// The messages that are kept, the first in this order.
    pub order: Order,
    /// At most this many of them.
    pub limit: usize,
    /// At most this many recipients of each.
    pub recipients: usize,
    /// Messages that expire until then are counted.
    pub expires_by: Time,
    /// Recipients of what arrived since then count as [`Summary::came`].
    pub recently: Time,
    /// The table for [`Dimension::Provider`].
    pub providers: Arc<Providers>,
    /// The rules for [`Why::class`].
    pub reasons: Arc<Reasons>,
}

#[cfg(test)]
mod tests;
