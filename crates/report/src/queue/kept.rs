//! The first N messages in an order, whatever the order they come in.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::entry::Entry;
use super::order::Order;

/// Keeps the first `limit` messages.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    order: Order,
    limit: usize,
    /// The last of those kept is at the top, to be thrown out first.
    heap: BinaryHeap<Ranked>,
}

#[derive(Debug, Clone)]
struct Ranked(Entry, Order);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.1.compare(&self.0, &other.0)
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}

impl Kept {
    pub(super) fn new(order: Order, limit: usize) -> Self {
        Self {
            order,
            limit,
            heap: BinaryHeap::new(),
        }
    }

    /// Are any kept at all?
    pub(super) fn is_wanted(&self) -> bool {
        self.limit > 0
    }

    pub(super) fn add(&mut self, entry: Entry) {
        let entry = Ranked(entry, self.order);
        if self.heap.len() < self.limit {
            self.heap.push(entry);
        } else if let Some(mut last) = self.heap.peek_mut()
            && entry < *last
        {
            *last = entry;
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        for entry in other.heap {
            self.add(entry.0);
        }
    }

    pub(super) fn sorted(self) -> Vec<Entry> {
        let sorted = self.heap.into_sorted_vec();
        sorted.into_iter().map(|ranked| ranked.0).collect()
    }
}
