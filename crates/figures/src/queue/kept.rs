//! The first N messages in an order, whatever the order they come in.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::listed::ListedMessage;
use super::order::Order;

/// Keeps the first `limit` messages.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    order: Order,
    limit: usize,
    /// All, where there is no limit: in no order yet.
    all: Vec<ListedMessage>,
    /// Else the last of those kept is at the top, to be thrown out first.
    heap: BinaryHeap<Ranked>,
}

#[derive(Debug, Clone)]
struct Ranked(ListedMessage, Order);

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
            all: Vec::new(),
            heap: BinaryHeap::new(),
        }
    }

    /// Are any kept at all?
    pub(super) fn is_wanted(&self) -> bool {
        self.limit > 0
    }

    pub(super) fn add(&mut self, entry: ListedMessage) {
        if self.limit == usize::MAX {
            self.all.push(entry);
            return;
        }
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
        // Just as many as there are: doubling a big list would need twice the memory.
        self.all.reserve_exact(other.all.len());
        self.all.extend(other.all);
        for entry in other.heap {
            self.add(entry.0);
        }
    }

    pub(super) fn sorted(mut self) -> Vec<ListedMessage> {
        if self.limit == usize::MAX {
            let order = self.order;
            self.all.sort_unstable_by(|a, b| order.compare(a, b));
            return self.all;
        }
        let sorted = self.heap.into_sorted_vec();
        sorted.into_iter().map(|ranked| ranked.0).collect()
    }
}
