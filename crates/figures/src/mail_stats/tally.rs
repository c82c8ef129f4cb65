//! The counting.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use knowledge::providers::Providers;
use postfix::log::{Complaint, Delivery};

use super::again::Again;
use super::instances::{Instance, Instances, Slot, count};
use super::keys::Keys;
use super::recipients::{Attempt, Recipients};
use super::senders::Senders;
use super::stats::Disputed;
use super::{Count, Counts, Dimension, Settings};
use crate::bounds::MOST_KEYS_IN_ALL;

/// The counts of a log, or of a part of one.
///
/// Parts can be counted at the same time and put together with [`Tally::merge`], but for senders
/// ([`Tally::wants_senders`]): who sent a message is said in an earlier line.
#[derive(Debug, Clone)]
pub struct Tally {
    settings: Arc<Settings>,
    by: Vec<Dimension>,
    instances: Instances,
    keys: Keys,
    senders: Senders,
    recipients: Option<Recipients>,
    /// Where attempts are counted, and their reasons: whose mail was put off.
    again: Option<Again>,
    /// The keys of the delivery at hand, for `recipients`.
    key_ids: Vec<u32>,
    /// Is no key of a delivery made of the instance's name?
    is_nameless: bool,
    /// What instances are called at the end.
    renamed: HashMap<Vec<u8>, Vec<u8>>,
}

impl Tally {
    /// Nothing counted yet.
    pub fn new(settings: Arc<Settings>) -> Self {
        let mut by = Vec::new();
        for dimension in &settings.by {
            if !by.contains(dimension) {
                by.push(*dimension);
            }
        }
        let recipients = match settings.count {
            Count::Attempts => None,
            Count::Recipients => Some(Recipients::new(by.len(), settings.delays)),
        };
        let is_attempts = recipients.is_none() && by.contains(&Dimension::Reason);
        let named = [Dimension::Instance, Dimension::SenderDomain];
        let is_named = is_attempts || by.iter().any(|dimension| named.contains(dimension));
        let mut tally = Self {
            keys: Keys::new(Arc::clone(&settings)),
            senders: Senders::new(MOST_KEYS_IN_ALL),
            instances: Instances::new(by.len(), &settings),
            key_ids: Vec::with_capacity(by.len()),
            is_nameless: recipients.is_none() && !is_named,
            recipients,
            again: is_attempts.then(Again::default),
            by,
            settings,
            renamed: HashMap::new(),
        };
        for name in &Arc::clone(&tally.settings).instances {
            tally.instances.keep(name.as_bytes());
        }
        tally
    }

    /// Counts a delivery of `instance`, `delivery.repeat` times.
    pub fn add(&mut self, instance: &[u8], delivery: &Delivery<'_>) {
        let place = self.place(instance);
        self.add_at(place, instance, delivery);
    }

    /// The same for a caller that has asked for the [`Tally::place`] of `instance` before.
    pub fn add_at(&mut self, place: Slot, instance: &[u8], delivery: &Delivery<'_>) {
        if self.recipients.is_some() {
            self.add_recipient(instance, delivery);
            return;
        }
        let mut counts = Counts::default();
        counts.add(delivery.status, delivery.repeat);
        let most = self.settings.most_keys;
        let counted = self.instances.at(place, instance);
        counted.counts += counts;
        if self.settings.delays {
            counted.add_delays(Attempt::of(delivery), delivery.repeat);
        }
        let mut grown = 0;
        for (dimension, table) in self.by.iter().zip(&mut counted.tables) {
            let key = match dimension {
                Dimension::SenderDomain => self.senders.find(instance, delivery.queue_id),
                _ => self.keys.key(*dimension, instance, delivery),
            };
            if let Some(again) = &mut self.again {
                again.key(*dimension, key);
            }
            let before = table.len();
            count(table, key, counts, most);
            grown += table.len().saturating_sub(before);
        }
        if grown > 0 {
            self.instances.grown(grown);
        }
        if let Some(again) = &mut self.again {
            again.add(instance, delivery, self.settings.zone);
        }
    }

    /// Are deliveries counted without looking at the instance's name?
    #[inline]
    pub fn is_nameless(&self) -> bool {
        self.is_nameless
    }

    /// As [`Tally::add_at`] for a tally that [`is_nameless`](Self::is_nameless): false if the instance is elsewhere by
    /// now, and nothing is counted.
    #[inline]
    pub fn add_nameless(&mut self, place: Slot, delivery: &Delivery<'_>) -> bool {
        let Some(instance) = self.instances.there(place) else {
            return false;
        };
        match self.by.is_empty() && !self.settings.delays {
            true => instance.counts.add(delivery.status, delivery.repeat),
            false => self.add_at(place, b"", delivery),
        }
        true
    }

    /// How many instances there will be.
    pub fn instances(&self) -> usize {
        self.instances.len()
    }

    fn add_recipient(&mut self, instance: &[u8], delivery: &Delivery<'_>) {
        let Some(recipients) = &mut self.recipients else {
            return;
        };
        self.key_ids.clear();
        for dimension in &self.by {
            let key = match dimension {
                Dimension::SenderDomain => self.senders.find(instance, delivery.queue_id),
                _ => self.keys.key(*dimension, instance, delivery),
            };
            self.key_ids.push(recipients.key(key));
        }
        recipients.enter(instance, delivery, Attempt::of(delivery), &self.key_ids);
    }

    /// Counts a message that expired in the queue (`status=expired`, `force-expired`).
    pub fn expired(&mut self, instance: &[u8], n: u64) {
        let expired = &mut self.instances.of(instance).expired;
        *expired = expired.saturating_add(n);
    }

    /// Counts `n` delivery lines that could not be read.
    pub fn unparsed(&mut self, instance: &[u8], n: u64) {
        let unparsed = &mut self.instances.of(instance).unparsed;
        *unparsed = unparsed.saturating_add(n);
    }

    /// Counts a complaint of one of Postfix's programs.
    pub fn complaint(&mut self, instance: &[u8], complaint: &Complaint<'_>) {
        self.instances.of(instance).complaints.add(complaint);
    }

    /// Does a breakdown need [`Tally::sender`] and [`Tally::removed`]?
    pub fn wants_senders(&self) -> bool {
        self.by.contains(&Dimension::SenderDomain)
    }

    /// The queue manager's `from=<sender>`: what it delivers of this message from here on has this sender. An empty
    /// `sender` is the null sender's.
    pub fn sender(&mut self, instance: &[u8], queue_id: &[u8], sender: &[u8]) {
        if self.wants_senders() {
            let key = self.keys.sender(sender);
            self.senders.enter(instance, queue_id, key);
        }
    }

    /// The queue manager's `removed`: the message has left the queue.
    pub fn removed(&mut self, instance: &[u8], queue_id: &[u8]) {
        if self.wants_senders() {
            self.senders.remove(instance, queue_id);
        }
    }

    /// Adds counts that were made before, with a table a breakdown of the settings. What a log says must not be added
    /// to the same tally: who was put off in both is not known.
    pub(crate) fn enter(&mut self, counted: Instance) {
        self.again = None;
        let most = self.settings.most_keys;
        self.instances.of(&counted.name).merge(&counted, most);
    }

    /// Adds the counts of the part of the log that follows. It must have been made with the same settings.
    pub fn merge(&mut self, later: Self) {
        if let (Some(mine), Some(theirs)) = (&mut self.recipients, &later.recipients) {
            mine.merge(theirs);
        }
        if let (Some(mine), Some(theirs)) = (&mut self.again, later.again) {
            mine.merge(theirs);
        }
        for (classes, n) in later.keys.disputed {
            *self.keys.disputed.entry(classes).or_default() += n;
        }
        let most = self.settings.most_keys;
        for theirs in later.instances.into_all() {
            self.instances.of(&theirs.name).merge(&theirs, most);
        }
        self.instances.bound(MOST_KEYS_IN_ALL);
    }

    /// Of which classes reasons are by their words and by their enhanced status codes, where those differ.
    pub(super) fn disputed(&self) -> Vec<Disputed> {
        let disputed = self.keys.disputed.iter();
        let mut disputed: Vec<Disputed> = disputed
            .map(|(&(class, code_says), &attempts)| Disputed {
                class,
                code_says,
                attempts,
            })
            .collect();
        disputed.sort_by_key(|d| (Reverse(d.attempts), d.class, d.code_says));
        disputed
    }

    /// Whose a domain is.
    pub(crate) fn providers(&self) -> Arc<Providers> {
        Arc::clone(&self.settings.providers)
    }

    /// The breakdowns, and every instance with all that is known of it.
    pub(crate) fn into_counts(mut self) -> (Arc<Settings>, Vec<Dimension>, Vec<Instance>) {
        let most = self.settings.most_keys;
        if let Some(recipients) = self.recipients.take() {
            for (instance, attempt, keys) in recipients.all() {
                let counted = self.instances.of(instance);
                let mut counts = Counts::default();
                counts.add(attempt.status, 1);
                counted.counts += counts;
                counted.add_delays(attempt, 1);
                for (key, table) in keys.iter().zip(&mut counted.tables) {
                    count(table, recipients.text(*key), counts, most);
                }
            }
        }
        let mut all = self.instances.into_bounded();
        if let Some(again) = self.again {
            again.tell(&mut all);
        }
        for instance in &mut all {
            if let Some(name) = self.renamed.get(&*instance.name) {
                instance.name = name.as_slice().into();
            }
        }
        (self.settings, self.by, all)
    }

    /// Gives each instance another name in the figures. No two of them must have the same.
    pub fn rename(&mut self, name: impl Fn(&[u8]) -> Vec<u8>) {
        for old in self.instances.names() {
            let new = name(old);
            if new != old {
                self.renamed.insert(old.to_vec(), new);
            }
        }
    }

    /// Where this tally keeps `instance`.
    pub fn place(&mut self, instance: &[u8]) -> Slot {
        self.instances.place(instance)
    }
}
