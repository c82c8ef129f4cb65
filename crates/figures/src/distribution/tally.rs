//! Counting, a file at a time.

use postfix::{Span, Time};
use std::sync::Arc;

use postfix::queue::{Queue, QueueFile};

use super::{Counts, Dimension, QUEUES, Settings};
use crate::age::age;
use crate::keyed::{self, Keyed};
use crate::mail_stats::make_distinct;
use knowledge::providers::domain_of;

/// The ages at which qshape(1) draws its lines, in minutes: each column counts what is younger than its name says, and
/// no younger than the one before it; the last counts the rest.
pub const AGE_LIMITS: [u64; 9] = [5, 10, 20, 40, 80, 160, 320, 640, 1280];

/// The names of the ages, as qshape(1) has them; in the last, the arrival time is not known.
pub const AGES: [&str; AGE_LIMITS.len() + 2] = [
    "5", "10", "20", "40", "80", "160", "320", "640", "1280", "1280+", "unknown",
];

/// The key of an address without a domain.
const NO_DOMAIN: &[u8] = b"-";

/// The key of the null sender.
const NULL_SENDER: &[u8] = b"<>";

/// The counts of one instance's mail, or of a part of it.
#[derive(Debug, Clone)]
pub struct Tally {
    settings: Arc<Settings>,
    pub(super) counts: Counts,
    pub(super) bytes: u64,
    pub(super) oldest: Option<Time>,
    pub(super) unknown_ages: u64,
    pub(super) next_expiry: Option<Time>,
    /// One for each of the settings' breakdowns.
    pub(super) tables: Vec<(Dimension, Table)>,
    key: Vec<u8>,
}

/// One breakdown. A mailq may have as many domains as messages, so a row must be small.
pub(super) type Table = Keyed<Vec<u8>, Cell>;

/// One row of a breakdown.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cell {
    pub(super) queues: [u32; QUEUES.len()],
    pub(super) ages: [u32; AGES.len()],
}

impl Cell {
    fn add(&mut self, queue: Queue, age: usize) {
        let (queues, ages) = (&mut self.queues, &mut self.ages);
        for count in [queues.get_mut(super::place(queue)), ages.get_mut(age)]
            .into_iter()
            .flatten()
        {
            *count = count.saturating_add(1);
        }
    }
}

impl keyed::Cell for Cell {
    fn weight(&self) -> u64 {
        self.queues.iter().map(|n| u64::from(*n)).sum()
    }

    fn merge(&mut self, other: &Self) {
        let ours = self.queues.iter_mut().chain(&mut self.ages);
        for (count, more) in ours.zip(other.queues.iter().chain(&other.ages)) {
            *count = count.saturating_add(*more);
        }
    }
}

impl Tally {
    /// Nothing counted yet.
    pub fn new(settings: Arc<Settings>) -> Self {
        let mut tables: Vec<(Dimension, Table)> = Vec::new();
        for &dimension in &settings.by {
            if tables.iter().all(|(d, _)| *d != dimension) {
                tables.push((dimension, Table::new(settings.most_keys)));
            }
        }
        Self {
            settings,
            counts: Counts::default(),
            bytes: 0,
            oldest: None,
            unknown_ages: 0,
            next_expiry: None,
            tables,
            key: Vec::new(),
        }
    }

    /// Counts `messages` in `queue` of which nothing more is known.
    pub fn add_count(&mut self, queue: Queue, messages: u64) {
        self.counts.add(queue, messages);
    }

    /// Counts a message.
    ///
    /// Of one in the corrupt queue, only its size is known: it is in no breakdown and has no age.
    pub fn add(&mut self, file: &QueueFile) {
        self.counts.add(file.queue, 1);
        self.bytes = self.bytes.saturating_add(file.message_size());
        if file.queue == Queue::Corrupt {
            return;
        }
        let arrival = arrival(file);
        self.oldest = earlier(self.oldest, arrival);
        let is_unknown = match arrival {
            Some(time) => age(time, self.settings.now).is_none(),
            None => file.envelope.arrival.is_some(),
        };
        self.unknown_ages = self.unknown_ages.saturating_add(is_unknown.into());
        let age = arrival.map_or(AGES.len() - 1, |time| {
            age_step(self.settings.now.since(time))
        });
        for (dimension, table) in &mut self.tables {
            let mut count = |key: &[u8]| table.of(key).add(file.queue, age);
            match dimension {
                Dimension::Domain => {
                    for recipient in file.envelope.to_do() {
                        let domain = domain_of(&recipient.address).unwrap_or(NO_DOMAIN);
                        count(lower(&mut self.key, domain));
                    }
                }
                Dimension::Provider => {
                    let providers = &self.settings.providers;
                    for recipient in file.envelope.to_do() {
                        let domain = domain_of(&recipient.address).unwrap_or_default();
                        count(providers.get(providers.of(domain, None)).name.as_bytes());
                    }
                }
                Dimension::SenderDomain => match file.envelope.sender.as_deref() {
                    Some(b"") => count(NULL_SENDER),
                    sender => {
                        let domain = sender.and_then(domain_of).unwrap_or(NO_DOMAIN);
                        count(lower(&mut self.key, domain));
                    }
                },
                Dimension::Age => count(AGES[age].as_bytes()),
            }
        }
    }

    /// Leaves at most so many keys of all these tallies together: see [`keyed::bound`].
    pub fn bound<'a>(all: impl IntoIterator<Item = &'a mut Self>, most: usize) {
        let tables = all.into_iter().flat_map(|tally| &mut tally.tables);
        let mut tables: Vec<&mut Table> = tables.map(|(_, table)| table).collect();
        keyed::bound(&mut tables, most);
    }

    /// Counts when a message expires, unless it is in a queue in which Postfix does not try it.
    pub fn add_expiry(&mut self, queue: Queue, expires: Time) {
        if queue.is_tried() {
            self.next_expiry = earlier(self.next_expiry, Some(expires));
        }
    }

    /// Adds what another tally with the same settings has counted.
    pub fn merge(&mut self, other: Self) {
        self.counts += other.counts;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.oldest = earlier(self.oldest, other.oldest);
        self.unknown_ages = self.unknown_ages.saturating_add(other.unknown_ages);
        self.next_expiry = earlier(self.next_expiry, other.next_expiry);
        for ((_, ours), (_, theirs)) in self.tables.iter_mut().zip(other.tables) {
            ours.merge(theirs);
        }
    }
}

fn lower<'a>(buffer: &'a mut Vec<u8>, text: &[u8]) -> &'a [u8] {
    buffer.clear();
    buffer.extend_from_slice(text);
    buffer.make_ascii_lowercase();
    make_distinct(buffer);
    buffer
}

fn earlier(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    [one, other].into_iter().flatten().min()
}

/// When the message arrived, by its own record. The file's time will do only in maildrop: that of a deferred file is
/// its next attempt.
fn arrival(file: &QueueFile) -> Option<Time> {
    let recorded = file.envelope.arrival.filter(|&time| time > Time::EPOCH);
    recorded.or((file.queue == Queue::Maildrop).then_some(file.info.mtime))
}

/// The place in [`AGES`] of an age. What arrived in the future, by a clock that is wrong, is new.
fn age_step(age: Span) -> usize {
    AGE_LIMITS
        .iter()
        .position(|limit| age < Span::from_minutes(*limit))
        .unwrap_or(AGE_LIMITS.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_fall_between_qshapes_lines() {
        let check =
            |seconds, expected| assert_eq!(AGES[age_step(Span::from_seconds(seconds))], expected);
        check(0, "5");
        check(299, "5");
        check(300, "10");
        check(599, "10");
        check(600, "20");
        check(76_799, "1280");
        check(76_800, "1280+");
        check(u64::MAX, "1280+");
    }
}
