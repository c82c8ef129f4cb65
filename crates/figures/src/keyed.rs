//! Counts by a key that strangers choose: as many keys as are kept distinct, and what the others come to.
//!
//! As long as no more keys are met than are kept distinct, all counts are exact. Beyond that the busiest half goes on:
//! sums are exact still, each key that has more than its share is there, and may lack what it had before it was among
//! them.

use std::cmp::Reverse;
use std::hash::Hash;

use hashbrown::{Equivalent, HashMap};

/// What is counted under a key.
pub trait Cell: Default {
    /// How much of it there is.
    fn weight(&self) -> u64;

    /// Adds what another has.
    fn merge(&mut self, other: &Self);
}

/// Counts by key.
#[derive(Debug, Clone)]
pub struct Keyed<K, C> {
    cells: HashMap<K, C>,
    /// More than so many are cut to half of that.
    most: usize,
    /// How many were cut off: a key that is met again is one more.
    pub cut: usize,
    /// What those come to.
    pub rest: C,
}

impl<K: Hash + Eq + Ord, C: Cell> Keyed<K, C> {
    /// None yet. So many are kept distinct.
    pub fn new(most: usize) -> Self {
        Self {
            cells: HashMap::new(),
            most,
            cut: 0,
            rest: C::default(),
        }
    }

    /// The count under a key.
    pub fn of<Q>(&mut self, key: &Q) -> &mut C
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        self.bound();
        self.cells.entry_ref(key).or_default()
    }

    /// Has nothing been counted?
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Adds what another has counted.
    pub fn merge(&mut self, other: Self) {
        self.cut = self.cut.saturating_add(other.cut);
        self.rest.merge(&other.rest);
        for (key, cell) in other.cells {
            self.bound();
            self.cells.entry(key).or_default().merge(&cell);
        }
    }

    /// How many keys are told apart now.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Makes room for another.
    fn bound(&mut self) {
        if self.cells.len() > self.most {
            self.cut(self.most / 2);
        }
    }

    /// Leaves the `most` busiest keys, and what the others come to.
    fn cut(&mut self, most: usize) {
        if self.cells.len() <= most {
            return;
        }
        let mut cells: Vec<(K, C)> = self.cells.drain().collect();
        cells.sort_unstable_by(|(a, one), (b, other)| {
            let busiest = Reverse(one.weight()).cmp(&Reverse(other.weight()));
            busiest.then_with(|| a.cmp(b))
        });
        for (_, cell) in cells.drain(most..) {
            self.cut = self.cut.saturating_add(1);
            self.rest.merge(&cell);
        }
        self.cells.extend(cells);
    }

    /// Those that are kept distinct.
    pub fn into_cells(self) -> HashMap<K, C> {
        self.cells
    }
}

/// Leaves at most half as many keys as `most` of all these together, where there are more than `most`: the longest are
/// cut. An instance of few keys keeps its own, however many others have.
pub fn bound<K: Hash + Eq + Ord, C: Cell>(all: &mut [&mut Keyed<K, C>], most: usize) {
    let keys = |all: &[&mut Keyed<K, C>]| all.iter().map(|one| one.len()).sum::<usize>();
    if keys(all) <= most {
        return;
    }
    let mut longest = all.iter().map(|one| one.len()).max().unwrap_or(0);
    while keys(all) > most / 2 && longest > 1 {
        longest /= 2;
        for one in all.iter_mut() {
            one.cut(longest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Cell for u64 {
        fn weight(&self) -> u64 {
            *self
        }

        fn merge(&mut self, other: &Self) {
            *self += other;
        }
    }

    /// A thousand keys met once, and one at every fourth: all together, and in two parts that are merged.
    #[test]
    fn sums_are_exact_and_the_busiest_key_is_there() {
        let fill = |numbers: std::ops::Range<u64>| {
            let mut keyed: Keyed<String, u64> = Keyed::new(100);
            for n in numbers {
                let key = if n % 4 == 0 {
                    "busy".to_owned()
                } else {
                    n.to_string()
                };
                *keyed.of(key.as_str()) += 1;
            }
            keyed
        };
        let mut merged = fill(0..500);
        merged.merge(fill(500..1000));
        for keyed in [fill(0..1000), merged] {
            assert_eq!(keyed.cut as u64, keyed.rest);
            let rest = keyed.rest;
            let cells = keyed.into_cells();
            assert!(cells.len() <= 101, "{}", cells.len());
            assert_eq!(cells["busy"], 250);
            assert_eq!(cells.values().sum::<u64>() + rest, 1000);
        }
        let keyed = fill(0..100);
        assert_eq!((keyed.cut, keyed.into_cells().len()), (0, 76));
    }
    /// One has many keys, others few: the many are cut, the few stay, and nothing is lost.
    #[test]
    fn the_longest_are_cut_until_all_keys_of_all_fit() {
        let fill = |keys: u64| {
            let mut keyed: Keyed<String, u64> = Keyed::new(1 << 20);
            for n in 0..keys {
                // The first ones have more.
                *keyed.of(n.to_string().as_str()) += if n < 20 { 2 } else { 1 };
            }
            keyed
        };
        let (mut many, mut some, mut few) = (fill(10_000), fill(4_000), fill(30));
        bound(&mut [&mut many, &mut some, &mut few], 14_030);
        assert_eq!((many.len(), some.len(), few.len()), (10_000, 4_000, 30));
        bound(&mut [&mut many, &mut some, &mut few], 5_000);
        assert_eq!((many.len(), some.len(), few.len()), (625, 625, 30));
        for (keyed, sum) in [(many, 10_020), (some, 4_020), (few, 50)] {
            let rest = keyed.rest;
            let cells = keyed.into_cells();
            assert_eq!(cells.values().sum::<u64>() + rest, sum);
            assert!((0..20).all(|key| cells[&key.to_string()] == 2));
        }
    }
}
