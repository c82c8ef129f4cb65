//! Recipients that were put off, each once, however often it was tried.
//!
//! Postfix tries again for five days, some twenty times a day (qmgr(8): at most `maximal_backoff_time`, 4000 s, later).
//! So one message to a domain that is gone makes most of the attempts of an instance that has few, and says no more on
//! its twentieth attempt than on its first.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::{AddAssign, Range};

use hashbrown::{HashMap, HashSet};
use knowledge::reasons::Class;
use postfix::log::{Delivery, Status};
use postfix::{Day, Span, Time, Zone};

use super::keys::REASON_SEPARATOR;
use super::{Dimension, Figures, Instance};
use crate::bounds::OTHER_INSTANCES;

/// As many of an instance and provider are counted one by one, some 1 MB. Where there are more, every second is, every
/// fourth, and so on, and stands for the others: the number is off by half a percent or so.
const MOST: usize = 1 << 15;

/// Names of instances: anybody may log under any. What comes under more is put together.
const MOST_NAMES: usize = 1 << 12;

/// Recipients of messages, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PutOff {
    /// Those that were put off at least once, but for what was paused.
    pub recipients: u64,
    /// Those of them that were put off at least once because of the sending address's reputation.
    pub blocked: u64,
    /// Those of them whose message had come before the day on which they were put off, as far as that is known: what
    /// is left of an earlier day.
    pub earlier: u64,
}

/// Attempts that were made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Repeated {
    /// Put off.
    pub deferred: u64,
    /// Those of them that were put off because of the sending address's reputation.
    pub blocked: u64,
}

/// By provider.
pub(crate) type PutOffs = BTreeMap<Vec<u8>, PutOff>;

/// Those of an instance, by provider. Each has numbers of its own, however many others have: what is logged under one
/// name says nothing of another, and few blocks are not lost among many recipients.
#[derive(Debug, Clone, Default)]
struct Recipients(Vec<Provider>);

#[derive(Debug, Clone, Default)]
struct Provider {
    name: Vec<u8>,
    tried: Repeated,
    put_off: Sample,
    blocked: Sample,
    earlier: Sample,
}

/// Different ones, by a hash of queue id and address.
#[derive(Debug, Clone, Default)]
struct Sample {
    seen: HashSet<u64>,
    /// Those with so many zero bits at their end are kept: one in 1, 2, 4 …
    thinned: u32,
}

/// Those of a log.
#[derive(Debug, Clone, Default)]
pub(super) struct Again {
    /// By instance.
    all: HashMap<Vec<u8>, Recipients>,
    /// Of the delivery at hand: its provider, and its class of reasons.
    provider: Vec<u8>,
    class: Vec<u8>,
    /// The day of the delivery before.
    day: Option<Range<Time>>,
}

impl Sample {
    fn add(&mut self, hash: u64) {
        if hash.trailing_zeros() < self.thinned {
            return;
        }
        self.seen.insert(hash);
        while self.seen.len() > MOST {
            self.thin(self.thinned + 1);
        }
    }

    fn thin(&mut self, thinned: u32) {
        self.thinned = thinned;
        self.seen.retain(|hash| hash.trailing_zeros() >= thinned);
    }

    fn merge(&mut self, later: &Self) {
        self.thin(self.thinned.max(later.thinned));
        later.seen.iter().for_each(|hash| self.add(*hash));
    }

    /// How many there are, of so many attempts: where each stands for several, they may come to more than these.
    fn of(&self, tried: u64) -> u64 {
        ((self.seen.len() as u64) << self.thinned).min(tried)
    }
}

impl Recipients {
    fn of(&mut self, provider: &[u8]) -> &mut Provider {
        let known = self.0.iter().position(|of| of.name == provider);
        let at = known.unwrap_or_else(|| {
            self.0.push(Provider {
                name: provider.to_vec(),
                ..Provider::default()
            });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    fn merge(&mut self, later: &Self) {
        for theirs in &later.0 {
            let mine = self.of(&theirs.name);
            mine.tried += theirs.tried;
            mine.put_off.merge(&theirs.put_off);
            mine.blocked.merge(&theirs.blocked);
            mine.earlier.merge(&theirs.earlier);
        }
    }

    fn by_provider(&self) -> PutOffs {
        let all = self.0.iter().map(|of| {
            let recipients = of.put_off.of(of.tried.deferred);
            let put_off = PutOff {
                recipients,
                blocked: of.blocked.of(of.tried.blocked),
                earlier: of.earlier.of(recipients),
            };
            (of.name.clone(), put_off)
        });
        all.collect()
    }
}

impl AddAssign for Repeated {
    fn add_assign(&mut self, other: Self) {
        self.deferred = self.deferred.saturating_add(other.deferred);
        self.blocked = self.blocked.saturating_add(other.blocked);
    }
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

    /// Counts the delivery at hand, of a host of this zone.
    pub(super) fn add(&mut self, instance: &[u8], delivery: &Delivery<'_>, zone: Zone) {
        if delivery.status != Status::Deferred {
            return;
        }
        let is_paused = self.class == Class::Paused.as_str().as_bytes();
        let is_blocked = self.class == Class::Blocked.as_str().as_bytes();
        let is_earlier = self.is_earlier(delivery, zone);
        let provider = std::mem::take(&mut self.provider);
        // Of an instance all of whose mail is paused it is known that none was put off.
        let of = self.of(instance);
        if !is_paused {
            // Of a log's parts that are counted at the same time, one's hashes are another's.
            let mut hasher = DefaultHasher::new();
            (delivery.queue_id, delivery.recipient).hash(&mut hasher);
            let hash = hasher.finish();
            let of = of.of(&provider);
            of.put_off.add(hash);
            if is_blocked {
                of.blocked.add(hash);
            }
            if is_earlier {
                of.earlier.add(hash);
            }
            of.tried += Repeated {
                deferred: delivery.repeat,
                blocked: if is_blocked { delivery.repeat } else { 0 },
            };
        }
        self.provider = provider;
    }

    /// Is it seen that the message came before the day of this attempt? A log's time may lack the fraction of a second.
    fn is_earlier(&mut self, delivery: &Delivery<'_>, zone: Zone) -> bool {
        let (Some(time), Some(delay)) = (delivery.time, delivery.delay) else {
            return false;
        };
        let is_it = |day: &Range<Time>| day.contains(&time);
        let day = match self.day.take().filter(is_it) {
            Some(day) => day,
            None => {
                let day = Day::at(time, zone);
                day.beginning(zone)..day.plus(1).beginning(zone)
            }
        };
        let age = Span::from_micros((delay * 1e6) as u64);
        let is_earlier = time.plus(Span::from_seconds(1)).minus(age) < day.start;
        self.day = Some(day);
        is_earlier
    }

    fn of(&mut self, instance: &[u8]) -> &mut Recipients {
        let is_full = self.all.len() >= MOST_NAMES && !self.all.contains_key(instance);
        let name = match is_full {
            true => OTHER_INSTANCES.as_bytes(),
            false => instance,
        };
        self.all.entry_ref(name).or_default()
    }

    /// Adds those of the part of the log that follows.
    pub(super) fn merge(&mut self, later: Self) {
        for (instance, theirs) in later.all {
            self.of(&instance).merge(&theirs);
        }
    }

    /// Tells the instances of the log how many of them they have: one may well have none. What is of no instance is of
    /// those that are counted together.
    pub(super) fn tell(mut self, instances: &mut [Instance]) {
        let other = OTHER_INSTANCES.as_bytes();
        for instance in instances.iter_mut().filter(|of| *of.name != *other) {
            let of = self.all.remove(&*instance.name);
            let of = of.map(|of| of.by_provider());
            let has_none = instance.counts.deferred == 0;
            instance.put_off = of.or_else(|| has_none.then(PutOffs::new));
        }
        let mut rest = PutOffs::new();
        self.all
            .values()
            .for_each(|of| add(&mut rest, &of.by_provider()));
        if let Some(others) = instances.iter_mut().find(|of| *of.name == *other) {
            others.put_off = Some(rest);
        }
    }
}

/// Adds those of other recipients.
fn add(all: &mut PutOffs, more: &PutOffs) {
    for (provider, of) in more {
        let sum = all.entry(provider.clone()).or_default();
        sum.recipients = sum.recipients.saturating_add(of.recipients);
        sum.blocked = sum.blocked.saturating_add(of.blocked);
        sum.earlier = sum.earlier.saturating_add(of.earlier);
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
            sum.earlier = sum.earlier.saturating_add(of.earlier);
        }
        Some(sum)
    }

    /// Of one provider, as far as they are known.
    pub(crate) fn put_off_by(&self, provider: &[u8]) -> PutOff {
        let of = self.put_off.as_ref().and_then(|all| all.get(provider));
        of.copied().unwrap_or_default()
    }

    /// Attempts for recipients that had been put off before, and those of them that were blocked; nothing if that is
    /// not known. Needs what [`recipients_put_off`](Self::recipients_put_off) does.
    pub fn again(&self) -> Option<Repeated> {
        let once = self.recipients_put_off()?;
        let blocked = self.reason(Class::Blocked);
        let blocked = blocked.map_or(0, |row| row.counts.deferred);
        Some(Repeated {
            deferred: self.tried().deferred.saturating_sub(once.recipients),
            blocked: blocked.saturating_sub(once.blocked),
        })
    }
}
