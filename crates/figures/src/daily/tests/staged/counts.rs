//! The attempts of a made-up day: by provider and hour, with those that are made again.

use super::hosts::{Chance, Host, PROVIDERS};

/// How much of a working day's mail comes in each hour, of all of it.
const HOURS: [f64; 24] = [
    0.35, 0.25, 0.2, 0.18, 0.2, 0.3, 0.5, 0.9, 1.4, 1.7, 1.8, 1.7, 1.5, 1.5, 1.6, 1.5, 1.5, 1.3,
    1.1, 1.0, 1.0, 0.9, 0.7, 0.5,
];

/// Of recipients that are put off, one in so many is for days: a mailbox is full, a host does not answer.
const STUCK: f64 = 0.08;

/// For so many days it is tried again after the first one, and so many times on each.
const LIFETIME: u64 = 4;
const A_DAY: f64 = 21.0;

/// The seconds until the next attempts, as Postfix makes them: they double, up to 4000.
const WAITS: [f64; 5] = [300.0, 600.0, 1200.0, 2400.0, 4000.0];

/// Recipients of a provider: sent, bounced, put off, blocked.
pub(super) type Recipients = [u64; 4];

/// Sent, bounced (blocked ones among them), put off.
pub(super) type Attempts = [u64; 3];

/// A day of an instance.
#[derive(Debug, Clone, Default)]
pub(super) struct OfDay {
    /// Attempts by provider.
    pub(super) providers: [Attempts; 3],
    /// What of them was blocked, of all providers.
    pub(super) blocked: u64,
    /// Recipients that were put off, each once.
    pub(super) put_off: [u64; 3],
    /// Those of them that came on days before.
    pub(super) earlier: [u64; 3],
    /// Attempts by hour.
    pub(super) hours: [Attempts; 24],
}

/// What part of a day's mail comes in the hours from one to another.
pub(super) fn part_of_day(from: usize, to: usize) -> f64 {
    HOURS[from..to].iter().sum::<f64>() / HOURS.iter().sum::<f64>()
}

impl OfDay {
    fn add(&mut self, provider: usize, hour: usize, kind: usize, n: u64) {
        self.providers[provider][kind] += n;
        self.hours[hour.min(23)][kind] += n;
    }

    /// What came in the hours from one to another, each of them tried once.
    pub(super) fn tried(
        &mut self,
        provider: usize,
        (from, to): (usize, usize),
        recipients: Recipients,
        chance: &mut Chance,
    ) {
        let [sent, bounced, put_off, blocked] = recipients;
        for (kind, n) in [(0, sent), (1, bounced + blocked)] {
            for (hour, n) in by_hour(n, from, to, chance) {
                self.add(provider, hour, kind, n);
            }
        }
        self.blocked += blocked;
        // Most of what is put off is taken after an hour: a greylisting.
        for (hour, n) in by_hour(put_off, from, to, chance) {
            self.put_off[provider] += n;
            for _ in 0..n {
                let stuck = chance.is(STUCK);
                let tries = if stuck { 9 } else { 1 + chance.one_of(3) };
                self.again(provider, hour, tries, !stuck, chance);
            }
        }
    }

    /// What came from one hour to another and was put off in all of that time; is it sent then, if the day is not over?
    pub(super) fn put_off(
        &mut self,
        provider: usize,
        (from, to): (usize, usize),
        n: u64,
        is_sent: bool,
        chance: &mut Chance,
    ) {
        self.put_off[provider] += n;
        for (hour, n) in by_hour(n, from, to, chance) {
            for _ in 0..n {
                let mut at = hour as f64 + chance.between(0.0, 1.0);
                let mut tries = 0;
                while at < to as f64 {
                    self.add(provider, at as usize, 2, 1);
                    at += WAITS[tries.min(4)] / 3600.0;
                    tries += 1;
                }
                if is_sent && at < 24.0 {
                    self.add(provider, at as usize, 0, 1);
                }
            }
        }
    }

    /// One recipient that is tried so many times, and then sent perhaps.
    fn again(
        &mut self,
        provider: usize,
        hour: usize,
        tries: usize,
        is_sent: bool,
        chance: &mut Chance,
    ) {
        let mut at = hour as f64 + chance.between(0.0, 1.0);
        for tried in 0..tries {
            if at >= 24.0 {
                return;
            }
            self.add(provider, at as usize, 2, 1);
            at += WAITS[tried.min(4)] / 3600.0;
        }
        if is_sent && at < 24.0 {
            self.add(provider, at as usize, 0, 1);
        }
    }

    /// Recipients that have been put off since days before: some twenty attempts each.
    pub(super) fn stuck(&mut self, host: &Host, at: usize, day: u64, chance: &mut Chance) {
        for ago in 1..=LIFETIME.min(day) {
            let n = host.stuck(at, day - ago, STUCK);
            for _ in 0..n {
                let provider = chance.pick(&host.instances[at].parts);
                self.put_off[provider] += 1;
                self.earlier[provider] += 1;
                for tried in 0..A_DAY as usize {
                    let hour = (tried as f64 + chance.between(0.0, 1.0)) * 24.0 / A_DAY;
                    self.add(provider, hour as usize, 2, 1);
                }
            }
        }
    }
}

/// So many, spread over the hours from one to another as mail comes.
fn by_hour(n: u64, from: usize, to: usize, chance: &mut Chance) -> Vec<(usize, u64)> {
    let mut left = n;
    let hours = from..to;
    let all = hours.map(|hour| {
        let part = HOURS[hour] / HOURS[hour..to].iter().sum::<f64>();
        let of = match hour + 1 == to {
            true => left,
            false => chance.about(left, part),
        };
        left -= of;
        (hour, of)
    });
    all.collect()
}

/// The names of the providers beside what is of them.
pub(super) fn named<T: Copy>(of: [T; 3]) -> impl Iterator<Item = (&'static str, T)> {
    PROVIDERS.into_iter().zip(of)
}
