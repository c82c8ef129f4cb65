//! Recipients, each with its last attempt: what `--count recipients` has to remember.
//!
//! Memory grows with the recipients of the window: their queue ids and addresses, and some 12 bytes beside, 4 more a
//! breakdown, 20 more for delays; with what growing vectors hold in reserve, some 170 bytes each in a day's record.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use postfix::log::{Delivery, Status};

/// Numbers for texts that come again and again.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    ids: hashbrown::HashMap<Vec<u8>, u32>,
    texts: Vec<Box<[u8]>>,
}

impl Names {
    pub(super) fn id(&mut self, text: &[u8]) -> u32 {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = self.texts.len() as u32;
        self.ids.insert(text.into(), id);
        self.texts.push(text.into());
        id
    }

    pub(super) fn knows(&self, text: &[u8]) -> bool {
        self.ids.contains_key(text)
    }

    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(super) fn get(&self, id: u32) -> &[u8] {
        self.texts
            .get(id as usize)
            .map(AsRef::as_ref)
            .unwrap_or_default()
    }
}

/// The last attempt of one recipient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Attempt {
    pub(super) status: Status,
    /// delay, a, b, c, d in seconds; NaN where the line has none.
    pub(super) delays: [f64; 5],
}

impl Attempt {
    pub(super) fn of(delivery: &Delivery<'_>) -> Self {
        let parts = delivery.delays.map(|d| [d.a, d.b, d.c, d.d]);
        let [a, b, c, d] = parts.unwrap_or([f64::NAN; 4]);
        let delays = [delivery.delay.unwrap_or(f64::NAN), a, b, c, d];
        Self {
            status: delivery.status,
            delays,
        }
    }
}

/// All recipients.
#[derive(Debug, Clone)]
pub(super) struct Recipients {
    /// How many keys a recipient has: one a breakdown.
    dimensions: usize,
    with_delays: bool,
    hasher: DefaultHashBuilder,
    places: HashTable<u32>,
    /// instance, NUL, queue id, NUL, recipient, one after the other.
    names: Vec<u8>,
    /// Where each name ends.
    ends: Vec<usize>,
    statuses: Vec<Status>,
    delays: Vec<[f64; 5]>,
    keys: Vec<u32>,
    texts: Names,
    name: Vec<u8>,
}

impl Recipients {
    pub(super) fn new(dimensions: usize, with_delays: bool) -> Self {
        Self {
            dimensions,
            with_delays,
            hasher: DefaultHashBuilder::default(),
            places: HashTable::new(),
            names: Vec::new(),
            ends: Vec::new(),
            statuses: Vec::new(),
            delays: Vec::new(),
            keys: Vec::new(),
            texts: Names::default(),
            name: Vec::new(),
        }
    }

    /// The number of a breakdown's key.
    pub(super) fn key(&mut self, text: &[u8]) -> u32 {
        self.texts.id(text)
    }

    /// Enters an attempt, over an earlier one of the same recipient. `keys` holds one key a breakdown.
    pub(super) fn enter(
        &mut self,
        instance: &[u8],
        delivery: &Delivery<'_>,
        attempt: Attempt,
        keys: &[u32],
    ) {
        let mut name = std::mem::take(&mut self.name);
        name.clear();
        for part in [instance, delivery.queue_id] {
            name.extend_from_slice(part);
            name.push(0);
        }
        name.extend_from_slice(delivery.recipient);
        self.enter_named(&name, attempt, keys);
        self.name = name;
    }

    fn enter_named(&mut self, name: &[u8], attempt: Attempt, keys: &[u32]) {
        let hash = self.hasher.hash_one(name);
        let found = self
            .places
            .find(hash, |&at| self.name_at(at as usize) == name);
        if let Some(&at) = found {
            let at = at as usize;
            self.statuses[at] = attempt.status;
            if self.with_delays {
                self.delays[at] = attempt.delays;
            }
            self.keys[at * self.dimensions..][..self.dimensions].copy_from_slice(keys);
            return;
        }
        let at = self.ends.len() as u32;
        self.names.extend_from_slice(name);
        self.ends.push(self.names.len());
        self.statuses.push(attempt.status);
        if self.with_delays {
            self.delays.push(attempt.delays);
        }
        self.keys.extend_from_slice(keys);
        let (names, ends, hasher) = (&self.names, &self.ends, &self.hasher);
        self.places.insert_unique(hash, at, |&at| {
            hasher.hash_one(name_at(names, ends, at as usize))
        });
    }

    fn name_at(&self, at: usize) -> &[u8] {
        name_at(&self.names, &self.ends, at)
    }

    /// Takes over a later part of the log.
    pub(super) fn merge(&mut self, later: &Self) {
        let mut keys = Vec::with_capacity(self.dimensions);
        for at in 0..later.ends.len() {
            keys.clear();
            for &key in later.keys_at(at) {
                keys.push(self.texts.id(later.texts.get(key)));
            }
            self.enter_named(later.name_at(at), later.attempt_at(at), &keys);
        }
    }

    /// Every recipient: instance, last attempt, keys.
    pub(super) fn all(&self) -> impl Iterator<Item = (&[u8], Attempt, &[u32])> {
        (0..self.ends.len()).map(|at| {
            let message = message_of(self.name_at(at));
            let instance = memchr::memchr(0, message).map_or(message, |end| &message[..end]);
            (instance, self.attempt_at(at), self.keys_at(at))
        })
    }

    /// A key's text.
    pub(super) fn text(&self, key: u32) -> &[u8] {
        self.texts.get(key)
    }

    fn attempt_at(&self, at: usize) -> Attempt {
        Attempt {
            status: self.statuses[at],
            delays: self.delays.get(at).copied().unwrap_or([f64::NAN; 5]),
        }
    }

    fn keys_at(&self, at: usize) -> &[u32] {
        &self.keys[at * self.dimensions..][..self.dimensions]
    }
}

fn name_at<'a>(names: &'a [u8], ends: &[usize], at: usize) -> &'a [u8] {
    let begin = if at == 0 { 0 } else { ends[at - 1] };
    &names[begin..ends[at]]
}

/// The instance, the NUL and the queue id of a recipient's name. Neither of them holds a NUL; a recipient may.
fn message_of(name: &[u8]) -> &[u8] {
    let mut nuls = memchr::memchr_iter(0, name).skip(1);
    let end = nuls.next().unwrap_or(name.len());
    &name[..end]
}
