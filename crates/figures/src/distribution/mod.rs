//! How much mail waits, where: queue files in, figures out.
//!
//! A [`Tally`] counts the files of one instance; several threads may each fill one of their own, to be merged in any
//! order. [`Distribution::new`] makes the figures of them, which `show::distribution` shows.

mod dimension;
mod figures;
mod tally;

use postfix::Time;
use std::ops::{AddAssign, Index};
use std::sync::Arc;

use postfix::queue::Queue;

pub use dimension::{Dimension, UnknownDimension};
pub use figures::{
    Breakdown, Change, Distribution, Figures, Frame, InstanceFigures, InstanceTally, QueueRow,
};
pub use tally::{AGE_LIMITS, AGES, Tally};

use knowledge::providers::Providers;

/// The queues in the order in which mail passes through them: that of all columns.
pub const QUEUES: [Queue; 6] = [
    Queue::Maildrop,
    Queue::Incoming,
    Queue::Active,
    Queue::Deferred,
    Queue::Hold,
    Queue::Corrupt,
];

/// The place of a queue in [`QUEUES`].
fn place(queue: Queue) -> usize {
    match queue {
        Queue::Maildrop => 0,
        Queue::Incoming => 1,
        Queue::Active => 2,
        Queue::Deferred => 3,
        Queue::Hold => 4,
        Queue::Corrupt => 5,
    }
}

/// What is to be counted, and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The breakdowns that are wanted. One that is named twice is made once.
    pub by: Vec<Dimension>,
    /// The time that ages are counted to.
    pub now: Time,
    /// Keys of a breakdown that are kept distinct.
    pub most_keys: usize,
    /// The table for [`Dimension::Provider`].
    pub providers: Arc<Providers>,
}

/// Messages, or recipients, by the queue that they are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts([u64; QUEUES.len()]);

impl Counts {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// Counts `n` more in `queue`.
    pub fn add(&mut self, queue: Queue, n: u64) {
        let count = &mut self.0[place(queue)];
        *count = count.saturating_add(n);
    }

    /// The queues with their counts, in the order of [`QUEUES`].
    pub fn iter(&self) -> impl Iterator<Item = (Queue, u64)> {
        QUEUES.into_iter().zip(self.0)
    }
}

impl Index<Queue> for Counts {
    type Output = u64;

    fn index(&self, queue: Queue) -> &u64 {
        &self.0[place(queue)]
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        for (queue, n) in other.iter() {
            self.add(queue, n);
        }
    }
}

#[cfg(any(test, feature = "specimens"))]
#[allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "for tests alone"
)]
pub mod specimen;
#[cfg(test)]
mod tests;
