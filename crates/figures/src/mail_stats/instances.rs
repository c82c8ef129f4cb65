//! The counts of each instance, and of each key: as many as are kept distinct.
//!
//! Names and keys are in logs, and whoever may write there makes them up. Where there are too many, the busiest half
//! goes on, and what the others count is put together: under [`OTHER_INSTANCES`], a reason under its class, any other
//! key under [`OTHER_INSTANCES`] too. As long as no more are met than are kept distinct, all figures are exact. Sums
//! are exact always. Beyond that, a name may lack what was counted for it before it was among the busiest.

use std::cmp::Reverse;

use hashbrown::HashMap;

use super::histogram::Histogram;
use super::keys::REASON_SEPARATOR;
use super::recipients::Attempt;
use super::{Counts, PutOffs, Settings};
use crate::bounds::{MOST_KEYS_IN_ALL, OTHER_INSTANCES};
use crate::complaints::Complaints;
use postfix::log::Status;

/// Where a tally keeps an instance, and after how many cuts; another tally must not be given it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot(usize, usize);

/// The counts of one instance.
#[derive(Debug, Clone, Default)]
pub(crate) struct Instance {
    pub(crate) name: Box<[u8]>,
    pub(crate) counts: Counts,
    pub(crate) expired: u64,
    pub(crate) unparsed: u64,
    /// Recipients that were put off, by provider, if that is known.
    pub(crate) put_off: Option<PutOffs>,
    pub(crate) complaints: Complaints,
    /// delay, a, b, c, d of what was sent: of what was tried in vain, an attempt's delay is its age.
    pub(crate) delays: [Histogram; 5],
    /// How old the oldest message was that was put off, in seconds; 0 if none was.
    pub(crate) waiting: f64,
    /// One a breakdown.
    pub(crate) tables: Vec<Table>,
}

/// Counts by key.
pub(crate) type Table = HashMap<Vec<u8>, Counts>;

/// Counts under a key. A table that has more than `most` of them then is cut to half of that.
pub(super) fn count(table: &mut Table, key: &[u8], counts: Counts, most: usize) {
    *table.entry_ref(key).or_default() += counts;
    if table.len() > most {
        cut(table, most / 2);
    }
}

/// Leaves the `most` biggest keys of a table, and puts what the others count under their class or [`OTHER_INSTANCES`].
pub(crate) fn cut(table: &mut Table, most: usize) {
    if table.len() <= most {
        return;
    }
    let mut rows: Vec<(Vec<u8>, Counts)> = table.drain().collect();
    rows.sort_unstable_by(|a, b| {
        let by_total = b.1.total().cmp(&a.1.total());
        by_total.then_with(|| a.0.cmp(&b.0))
    });
    let rest = rows.split_off(most);
    table.extend(rows);
    for (key, counts) in rest {
        let class = key.iter().position(|&b| b == REASON_SEPARATOR);
        let under = match class {
            Some(end) => key.get(..end).unwrap_or_default(),
            None => OTHER_INSTANCES.as_bytes(),
        };
        *table.entry_ref(under).or_default() += counts;
    }
}

/// The instances of a log.
#[derive(Debug, Clone)]
pub(super) struct Instances {
    all: Vec<Instance>,
    places: HashMap<Vec<u8>, usize>,
    /// How many, the first ones, are kept distinct however little they do.
    kept: usize,
    /// Breakdowns of each.
    tables: usize,
    /// How many others are.
    most: usize,
    most_keys: usize,
    /// Keys of all of them, or some that are no more.
    keys: usize,
    /// How many times the busiest were left: they are elsewhere since.
    cuts: usize,
}

impl Instances {
    pub(super) fn new(tables: usize, settings: &Settings) -> Self {
        Self {
            all: Vec::new(),
            places: HashMap::new(),
            kept: 0,
            tables,
            most: settings.most_instances,
            most_keys: settings.most_keys,
            keys: 0,
            cuts: 0,
        }
    }

    /// So many keys are new.
    pub(super) fn grown(&mut self, keys: usize) {
        self.keys = self.keys.saturating_add(keys);
        if self.keys > MOST_KEYS_IN_ALL {
            self.bound(MOST_KEYS_IN_ALL);
        }
    }

    /// Leaves at most so many keys of all instances, where there are more half of that: the longest tables are cut.
    pub(super) fn bound(&mut self, most: usize) {
        let tables = || self.all.iter().flat_map(|instance| &instance.tables);
        self.keys = tables().map(Table::len).sum();
        if self.keys <= most {
            return;
        }
        let mut longest = tables().map(Table::len).max().unwrap_or(0);
        while self.keys > most / 2 && longest > 1 {
            longest /= 2;
            let tables = self
                .all
                .iter_mut()
                .flat_map(|instance| &mut instance.tables);
            self.keys = 0;
            for table in tables {
                cut(table, longest);
                self.keys += table.len();
            }
        }
    }

    /// How many are kept distinct in the end, with what stands for the others.
    pub(super) fn len(&self) -> usize {
        self.all.len().min(self.kept + self.most + 1)
    }

    /// Tells an instance apart whatever others there are. To be called before anything is counted.
    pub(super) fn keep(&mut self, name: &[u8]) {
        self.place(name);
        self.kept = self.all.len();
    }

    /// Where an instance is kept. Others may be elsewhere afterwards.
    pub(super) fn place(&mut self, name: &[u8]) -> Slot {
        if let Some(&at) = self.places.get(name) {
            return Slot(at, self.cuts);
        }
        if self.all.len() >= self.kept + 2 * self.most {
            self.cut();
        }
        let at = self.all.len();
        self.all.push(self.empty(name));
        self.places.insert(name.to_vec(), at);
        Slot(at, self.cuts)
    }

    fn empty(&self, name: &[u8]) -> Instance {
        Instance {
            name: name.into(),
            tables: vec![Table::new(); self.tables],
            ..Instance::default()
        }
    }

    /// The instance at `place`, if none was moved since.
    #[inline]
    pub(super) fn there(&mut self, place: Slot) -> Option<&mut Instance> {
        let is_there = place.1 == self.cuts;
        self.all.get_mut(place.0).filter(|_| is_there)
    }

    /// The instance at `place`, if it is `name` still; else where that is now.
    pub(super) fn at(&mut self, place: Slot, name: &[u8]) -> &mut Instance {
        let place = if place.1 == self.cuts {
            place
        } else {
            self.place(name)
        };
        &mut self.all[place.0]
    }

    pub(super) fn of(&mut self, name: &[u8]) -> &mut Instance {
        let place = self.place(name);
        &mut self.all[place.0]
    }

    /// Leaves the busiest.
    fn cut(&mut self) {
        self.cuts += 1;
        let mut rest = self.all.split_off(self.kept);
        let other = OTHER_INSTANCES.as_bytes();
        let others = rest.iter().position(|instance| *instance.name == *other);
        let mut others = match others {
            Some(at) => rest.swap_remove(at),
            None => self.empty(other),
        };
        rest.sort_by(|a, b| (Reverse(a.events()), &a.name).cmp(&(Reverse(b.events()), &b.name)));
        for instance in rest.split_off(self.most.min(rest.len())) {
            others.merge(&instance, self.most_keys);
        }
        self.all.append(&mut rest);
        self.all.push(others);
        let names = self.all.iter().map(|instance| instance.name.to_vec());
        self.places = names.zip(0..).collect();
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.all.iter().map(|instance| &*instance.name)
    }

    pub(super) fn into_all(self) -> Vec<Instance> {
        self.all
    }

    /// All of them, or the busiest.
    pub(super) fn into_bounded(mut self) -> Vec<Instance> {
        if self.all.len() > self.kept + self.most + 1 {
            self.cut();
        }
        self.all
    }
}

impl Instance {
    fn events(&self) -> u64 {
        let lines = self.expired.saturating_add(self.unparsed);
        self.counts.total().saturating_add(lines)
    }

    pub(super) fn add_delays(&mut self, attempt: Attempt, n: u64) {
        match attempt.status {
            Status::Sent => {}
            Status::Deferred => {
                let [delay, ..] = attempt.delays;
                self.waiting = self.waiting.max(delay);
                return;
            }
            _ => return,
        }
        for (histogram, seconds) in self.delays.iter_mut().zip(attempt.delays) {
            histogram.add(seconds, n);
        }
    }

    /// Adds the counts of another, of the same instance or as a part of a total.
    pub(super) fn merge(&mut self, other: &Self, most_keys: usize) {
        self.merge_put_off(other);
        self.counts += other.counts;
        self.expired = self.expired.saturating_add(other.expired);
        self.unparsed = self.unparsed.saturating_add(other.unparsed);
        self.complaints.merge(&other.complaints);
        self.waiting = self.waiting.max(other.waiting);
        for (mine, theirs) in self.delays.iter_mut().zip(&other.delays) {
            mine.merge(theirs);
        }
        for (mine, theirs) in self.tables.iter_mut().zip(&other.tables) {
            for (key, counts) in theirs {
                *mine.entry_ref(key.as_slice()).or_default() += *counts;
            }
            if mine.len() > most_keys {
                cut(mine, most_keys / 2);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One instance with many keys, and others with few: the many are cut, the few stay, and nothing is lost.
    #[test]
    fn the_longest_tables_are_cut_until_all_keys_of_all_instances_fit() {
        let mut instances = Instances {
            all: Vec::new(),
            places: HashMap::new(),
            kept: 0,
            tables: 2,
            most: 200,
            most_keys: 1 << 20,
            keys: 0,
            cuts: 0,
        };
        let once = Counts {
            sent: 1,
            ..Counts::default()
        };
        for (name, keys) in [("a", 10_000), ("b", 4_000), ("c", 30)] {
            for key in 0..keys {
                let instance = instances.of(name.as_bytes());
                for table in &mut instance.tables {
                    // The first keys have more than the others.
                    for _ in 0..=usize::from(key < 20) {
                        count(table, format!("{key}").as_bytes(), once, 1 << 20);
                    }
                }
            }
        }
        instances.bound(28_060);
        let lens = |instances: &Instances| -> Vec<usize> {
            let all = instances.all.iter().flat_map(|one| &one.tables);
            all.map(Table::len).collect()
        };
        assert_eq!(lens(&instances), [10_000, 10_000, 4_000, 4_000, 30, 30]);
        instances.bound(10_000);
        // Half of that at most; the row of the others is one of a table's.
        assert_eq!(lens(&instances), [625, 625, 625, 625, 30, 30]);
        assert_eq!(instances.keys, 2_560);
        for (one, sent) in instances.all.iter().zip([10_020, 4_020, 50]) {
            for table in &one.tables {
                assert_eq!(table.values().map(|counts| counts.sent).sum::<u64>(), sent);
                assert!((0..20).all(|key| table[format!("{key}").as_bytes()].sent == 2));
            }
        }
    }
}
