//! What share is usual: by the days before, how much they differ, and chance.

use super::spread::upper_tail;
use super::{Measure, Rate, Subject};
use crate::judge::{Rules, Sample};
use crate::mail_stats::check::Watched;

/// From this many good days on it is known what is usual.
pub(super) const WELL: usize = 5;

/// By how much days are taken to differ where that is not known, at least, and at most, however rare what is counted
/// is.
pub(super) const DIFFER: (f64, f64, f64) = (0.25, 0.15, 0.5);

/// By how many days it is known how much the days of a host differ, beside those of one instance.
const HOST: f64 = 10.0;

/// Shares of fewer attempts than these say nothing of how much days differ, nor does an instance that has fewer such
/// attempts a day for how much they do on the host.
const MEASURED: u64 = 20;
const A_DAY: u64 = 5;

/// What a share is held against.
#[derive(Clone, Copy)]
pub(super) struct By<'a> {
    /// Which share.
    pub(super) watched: Watched,
    /// The limits.
    pub(super) rules: &'a Rules,
    /// By how much such a share differs from day to day on instances of this host, apart from chance, as a part of its
    /// mean: a week of one instance may show less by chance.
    pub(super) differs: f64,
    /// How many shares of the host are judged.
    pub(super) shares: usize,
}

impl By<'_> {
    /// What is so rare that it is met on the whole host so many times a month.
    pub(super) fn rare(self, a_month: f64) -> f64 {
        a_month / 30.0 / self.shares.max(1) as f64
    }
}

/// The days before that are known and had any attempt, the oldest first, and the day itself.
pub(super) fn samples(subject: &Subject, watched: Watched) -> Vec<Sample> {
    let rate = Rate::Watched(watched);
    let before = subject.days.len().saturating_sub(1);
    let known = subject.days.iter().take(before).enumerate();
    let known = known.filter_map(|(at, (_, measure))| Some((at, (*measure)?)));
    let known = known.filter(|(_, measure)| measure.total() > 0);
    let all = known.chain([(before, subject.today)]);
    let sample = |(at, of): (usize, Measure)| {
        // What expired is a part of what came when it did.
        let came = match watched {
            Watched::Expired => subject.came(at),
            _ => 0,
        };
        let part = of.count(rate);
        Sample::new(part, of.whole(rate).max(came.saturating_add(part)))
    };
    all.map(sample).collect()
}

/// The same days, beside their [`samples`], without the recipients that are known to be left of earlier days.
pub(super) fn own(subject: &Subject, samples: &[Sample]) -> Vec<Sample> {
    let before = subject
        .days
        .split_last()
        .map_or(&[][..], |(_, before)| before);
    let known = before.iter().filter_map(|(_, measure)| *measure);
    let known = known.filter(|measure| measure.total() > 0);
    let all = known.chain([subject.today]).zip(samples);
    all.map(|(of, sample)| without(*sample, of.earlier))
        .collect()
}

/// Without so many recipients that were put off.
pub(super) fn without(sample: Sample, earlier: u64) -> Sample {
    let part = sample.part().saturating_sub(earlier);
    Sample::new(part, sample.whole() - (sample.part() - part))
}

/// All of them together.
pub(super) fn sum(days: &[Sample]) -> Sample {
    let add = |a: Sample, b: &Sample| Sample::new(a.part() + b.part(), a.whole() + b.whole());
    days.iter().fold(Sample::new(0, 0), add)
}

/// What share is to be expected on a day.
pub(super) struct Usual {
    /// From 0 to 1.
    pub(super) share: f64,
    /// The variance of its logarithm: by how much days differ, and by how much the days that are known may be wrong.
    differs: f64,
    wrong: f64,
}

impl Usual {
    /// By these days.
    pub(super) fn of(days: &[Sample], by: By<'_>) -> Self {
        let all = sum(days);
        let known = days.iter().filter(|day| day.whole() >= MEASURED).count() as f64;
        let host = by.differs.clamp(DIFFER.1, DIFFER.2);
        let own = differ(days).min(DIFFER.2);
        let known_by = (known - 1.0).max(0.0);
        let differs = (own.powi(2) * known_by + host.powi(2) * HOST) / (known_by + HOST);
        let of_mean = differs / known.max(1.0) + 1.0 / (all.part() as f64 + 1.0);
        Self {
            share: (all.part() as f64 + 0.5) / (all.whole() as f64 + 1.0),
            differs,
            wrong: of_mean,
        }
    }

    /// How likely it is that there are as many on a day, or more: binomial, where the logarithm of the share is normal.
    pub(super) fn chance(&self, day: Sample) -> f64 {
        self.chance_of(day, 1)
    }

    /// The same of several days together.
    pub(super) fn chance_of(&self, all: Sample, days: usize) -> f64 {
        let spread = (self.differs / days as f64 + self.wrong).sqrt();
        let (mut sum, mut weights) = (0.0, 0.0);
        for step in -6..=12 {
            let z = f64::from(step) / 2.0;
            let weight = (-z * z / 2.0).exp();
            sum += weight * at_least(all, self.share * (spread * z).exp());
            weights += weight;
        }
        sum / weights
    }
}

/// By how much such a share differs from day to day on a host's instances that have enough of them to say so: the one
/// in the middle.
pub(super) fn differs<'a>(subjects: impl Iterator<Item = &'a Subject>, watched: Watched) -> f64 {
    let of = subjects.filter_map(|subject| {
        let mut days = samples(subject, watched);
        days.pop();
        let is_enough =
            days.len() >= WELL && sum(&days).part() >= A_DAY.saturating_mul(days.len() as u64);
        is_enough.then(|| differ(&days))
    });
    let mut of: Vec<f64> = of.collect();
    of.sort_by(f64::total_cmp);
    // Of one or two, a rise that goes on would be what is usual.
    match of.len() {
        0..=2 => DIFFER.0,
        n => of.get(n / 2).copied().unwrap_or(DIFFER.0),
    }
}

/// By how much days differ from each other, apart from chance, as a part of their mean.
fn differ(days: &[Sample]) -> f64 {
    let days: Vec<Sample> = days
        .iter()
        .copied()
        .filter(|day| day.whole() >= MEASURED)
        .collect();
    let mean = sum(&days).share().unwrap_or(0.0);
    if days.len() < 2 || mean <= 0.0 {
        return 0.0;
    }
    let by_chance = |day: &Sample| mean * (100.0 - mean) / day.whole() as f64;
    let square = |day: &Sample| (day.share().unwrap_or(mean) - mean).powi(2) - by_chance(day);
    let variance = days.iter().map(square).sum::<f64>() / (days.len() - 1) as f64;
    variance.max(0.0).sqrt() / mean
}

/// How likely it is that so much of the whole or more is such, each with this probability: the upper tail of the
/// binomial distribution, which is about normal where there are many.
fn at_least(day: Sample, probability: f64) -> f64 {
    let (n, p) = (day.whole() as f64, probability.min(0.99));
    let mean = n * p;
    if mean > 200.0 {
        let z = (day.part() as f64 - 0.5 - mean) / (mean * (1.0 - p)).sqrt();
        return upper_tail(z);
    }
    let mut one = (1.0 - p).powf(n);
    let mut below = 0.0;
    for k in 0..day.part() {
        below += one;
        one *= (n - k as f64) / (k as f64 + 1.0) * p / (1.0 - p);
    }
    (1.0 - below).max(0.0)
}
