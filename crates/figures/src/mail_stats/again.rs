//! Recipients that were put off, each once, however often it was tried.
//!
//! Postfix tries again for five days, some twenty times a day (qmgr(8): at most `maximal_backoff_time`, 4000 s, later).
//! So one message to a domain that is gone makes most of the attempts of an instance that has few, and says no more on
//! its twentieth attempt than on its first.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use hashbrown::HashMap;
use knowledge::reasons::Class;
use postfix::log::{Delivery, Status};

use super::keys::REASON_SEPARATOR;
use super::{Dimension, Figures, Instance};

/// As many are told apart in a tally, some 10 MB; where there are more, it is not known how many there are.
const MOST: usize = 1 << 18;

/// Recipients of messages, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PutOff {
    /// Those that were put off at least once, but for what was paused.
    pub recipients: u64,
    /// Those of them that were put off at least once because of the sending address's reputation.
    pub blocked: u64,
}

/// By provider.
pub(crate) type PutOffs = BTreeMap<Vec<u8>, PutOff>;

/// A recipient that was put off.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// Of which instance and provider: a place in `whose`.
    whose: u32,
    is_blocked: bool,
}

/// Those of a log.
#[derive(Debug, Clone, Default)]
pub(super) struct Again {
    /// By a hash of instance, queue id and address.
    seen: HashMap<u64, Seen>,
    whose: Vec<(Vec<u8>, Vec<u8>)>,
    places: HashMap<Vec<u8>, u32>,
    is_full: bool,
    /// Of the delivery at hand: its provider, and its class of reasons.
    provider: Vec<u8>,
    class: Vec<u8>,
}

impl Again {
    /// The delivery at hand has this key.
    pub(super) fn key(&mut self, dimension: Dimension, key: &[u8]) {
        let (to, key) = match dimension {
            Dimension::Provider => (&mut self.provider, key),
            Dimension::Reason => {
                let end = key.iter().position(|&b| b == REASON_SEPARATOR);
                let class = key.get(..end.unwrap_or(key.len()));
                (&mut self.class, class.unwrap_or_default())
            }
            _ => return,
        };
        to.clear();
        to.extend_from_slice(key);
    }

    /// Counts the delivery at hand.
    pub(super) fn add(&mut self, instance: &[u8], delivery: &Delivery<'_>) {
        let is_paused = self.class == Class::Paused.as_str().as_bytes();
        if delivery.status != Status::Deferred || self.is_full || is_paused {
            return;
        }
        // Of a log's parts that are counted at the same time, one's hashes are another's.
        let mut hasher = DefaultHasher::new();
        (instance, delivery.queue_id, delivery.recipient).hash(&mut hasher);
        let provider = std::mem::take(&mut self.provider);
        let new = Seen {
            whose: self.whose(instance, &provider),
            is_blocked: self.class == Class::Blocked.as_str().as_bytes(),
        };
        self.provider = provider;
        self.enter(hasher.finish(), new);
    }

    fn enter(&mut self, hash: u64, new: Seen) {
        let seen = self.seen.entry(hash).or_insert(new);
        seen.is_blocked |= new.is_blocked;
        if self.seen.len() > MOST {
            self.seen = HashMap::new();
            self.is_full = true;
        }
    }

    fn whose(&mut self, instance: &[u8], provider: &[u8]) -> u32 {
        let key = [instance, b"\n", provider].concat();
        let next = self.whose.len() as u32;
        *self.places.entry(key).or_insert_with(|| {
            self.whose.push((instance.to_vec(), provider.to_vec()));
            next
        })
    }

    /// Adds those of the part of the log that follows.
    pub(super) fn merge(&mut self, later: Self) {
        self.is_full |= later.is_full;
        if self.is_full {
            self.seen = HashMap::new();
            return;
        }
        for (hash, seen) in later.seen {
            let Some((instance, provider)) = later.whose.get(seen.whose as usize) else {
                continue;
            };
            let whose = self.whose(instance, provider);
            self.enter(hash, Seen { whose, ..seen });
        }
    }

    /// Tells the instances of the log how many of them they have, if that is known: one may well have none.
    pub(super) fn tell(self, instances: &mut [Instance]) {
        if self.is_full {
            return;
        }
        let mut all: HashMap<&[u8], PutOffs> = HashMap::new();
        for seen in self.seen.values() {
            if let Some((instance, provider)) = self.whose.get(seen.whose as usize) {
                let of = all.entry(instance).or_default();
                let of = of.entry(provider.clone()).or_default();
                of.recipients += 1;
                of.blocked += u64::from(seen.is_blocked);
            }
        }
        for instance in instances {
            instance.put_off = Some(all.remove(&*instance.name).unwrap_or_default());
        }
    }
}

/// Adds those of other recipients.
fn add(all: &mut PutOffs, more: &PutOffs) {
    for (provider, of) in more {
        let sum = all.entry(provider.clone()).or_default();
        sum.recipients = sum.recipients.saturating_add(of.recipients);
        sum.blocked = sum.blocked.saturating_add(of.blocked);
    }
}

impl Instance {
    /// Those of both; nothing if it is not known of one that has any. To be called before their attempts are added up.
    pub(super) fn merge_put_off(&mut self, other: &Self) {
        match (&mut self.put_off, &other.put_off) {
            (_, None) if other.counts.deferred == 0 => {}
            (mine @ None, theirs) if self.counts.deferred == 0 => mine.clone_from(theirs),
            (Some(mine), Some(theirs)) => add(mine, theirs),
            (mine, _) => *mine = None,
        }
    }
}

impl Figures {
    /// The recipients that were put off, each once; nothing if that is not known. Needs the breakdown by
    /// `Dimension::Reason`, and for who put them off that by `Dimension::Provider`.
    pub fn recipients_put_off(&self) -> Option<PutOff> {
        if self.counts.deferred == 0 {
            return Some(PutOff::default());
        }
        let mut sum = PutOff::default();
        for of in self.put_off.as_ref()?.values() {
            sum.recipients = sum.recipients.saturating_add(of.recipients);
            sum.blocked = sum.blocked.saturating_add(of.blocked);
        }
        Some(sum)
    }

    /// Attempts for recipients that had been put off before, and those of them that were blocked; nothing if that is
    /// not known. Needs what [`recipients_put_off`](Self::recipients_put_off) does.
    pub fn again(&self) -> Option<PutOff> {
        let once = self.recipients_put_off()?;
        let blocked = self.reason(Class::Blocked);
        let blocked = blocked.map_or(0, |row| row.counts.deferred);
        Some(PutOff {
            recipients: self.tried().deferred.saturating_sub(once.recipients),
            blocked: blocked.saturating_sub(once.blocked),
        })
    }
}
