//! Shares of a day's attempts, held against the limits and against the days before.
//!
//! A day before is a measure only if it was itself well: an outage that goes on must not become what is usual.

use super::spread::upper_tail;
use super::trends::{lasting, rising};
use super::{Measure, Rate, Subject};
use crate::judge::{Limits, Rules, Sample};
use crate::mail_stats::check::Watched;
use crate::verdict::Level;

/// From this many good days on it is known what is usual, and what is no rarer than this by them is usual too: a host
/// has some dozens of shares a day, and three hundred days a year.
pub(super) const WELL: usize = 5;
const RARE: f64 = 0.0003;

/// So many times what it can have been on fewer days than these, by chance.
const BEYOND: f64 = 1.5;

/// What was so often too much, and well again by itself, is usual.
const AGAIN: usize = 2;

/// How many jumps there may be in a month on the whole host by chance. Few of them are as far above what was usual as
/// the rules ask, too.
const JUMPS: f64 = 0.03;

/// By how much days are taken to differ where that is not known, at least, and at most, however rare what is counted
/// is.
pub(super) const DIFFER: (f64, f64, f64) = (0.25, 0.15, 0.5);

/// By how many days it is known how much the days of a host differ, beside those of one instance.
const HOST: f64 = 10.0;

/// Fewer than these may be usual, and but for blocks up to so many times the limit: more are a warning even where there
/// are always about as many.
const MANY: u64 = 10;
const NEAR: f64 = 2.0;

/// From this many good days on, a day is compared with the older half of them too: what rises slowly takes the mean
/// with it.
const LONG: usize = 10;

/// Of days with fewer attempts than these, several are judged together, and at most so many.
const FEW: u64 = 20;
const TOGETHER: usize = 7;

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

/// What is wrong with a share.
pub(super) struct Judged {
    pub(super) level: Level,
    /// The day's share.
    pub(super) today: Sample,
    /// For how many days in a row, today among them: 1 where it is new.
    pub(super) days: usize,
    /// Was it so on every day that is known?
    pub(super) ever_since: bool,
    /// How it was on the days before that were well, and how many those are.
    pub(super) usual: Option<(Sample, usize)>,
    /// Where it has risen for days: the share it had then.
    pub(super) rose_from: Option<Sample>,
    /// Where the day alone has too few: the days that were judged together, and how many those are.
    pub(super) together: Option<(Sample, usize)>,
}

/// Holds a share of the subject's day against the rules; nothing where it is well.
pub(super) fn judge(subject: &Subject, by: By<'_>) -> Option<Judged> {
    let mut before = samples(subject, by.watched);
    let mut own = own(subject, &before);
    let (today, own_today) = (before.pop()?, own.pop()?);
    let mut past = Past::default();
    for (&day, &own) in before.iter().zip(&own) {
        past.add(day, own, by);
    }
    let rose_from = rising(subject, by).or_else(|| lasting(subject, by));
    let rose_from = rose_from.filter(|_| !past.is_left(today, own_today, by));
    let mut together = None;
    let level = match past.level(today, own_today, by) {
        Level::Ok if rose_from.is_some() => Level::Warning,
        Level::Ok => {
            together = few(today, &before, by.rules.of(by.watched));
            together.map(|_| Level::Critical)?
        }
        level => level,
    };
    // What is twice as much as the day before came at once.
    let yesterday = before.last().and_then(|day| day.share());
    let at_once = today.share() >= yesterday.map(|share| share * 2.0);
    let rose_from = rose_from.filter(|_| !at_once);
    Some(Judged {
        level,
        today,
        days: past.streak + 1,
        ever_since: past.streak > 0 && past.streak == before.len(),
        usual: (!past.wells.is_empty()).then(|| (sum(&past.wells), past.wells.len())),
        rose_from,
        together,
    })
}

/// How a share was on the days before a day.
#[derive(Default)]
struct Past {
    all: Vec<Sample>,
    /// The days that were well.
    wells: Vec<Sample>,
    /// For how many days it has not been so.
    streak: usize,
    /// The same, where it ended by itself: what comes and goes.
    ended: Vec<usize>,
}

impl Past {
    /// `own`: what of the day is known to have come on it.
    fn add(&mut self, day: Sample, own: Sample, by: By<'_>) {
        let is_well = match level(day, &self.wells, by) {
            Level::Ok => true,
            Level::Warning => self.is_left(day, own, by),
            _ => false,
        };
        if is_well {
            self.wells.push(day);
            self.ended.extend((self.streak > 0).then_some(self.streak));
            self.streak = 0;
        } else {
            self.streak += 1;
        }
        self.all.push(day);
    }

    /// How bad a day's share is: a warning is none where it comes and goes.
    fn level(&self, day: Sample, own: Sample, by: By<'_>) -> Level {
        match level(day, &self.wells, by) {
            Level::Warning if self.is_left(day, own, by) => Level::Ok,
            Level::Warning if self.comes_and_goes(day) => Level::Ok,
            level => level,
        }
    }

    /// Is it what is left of the day before, which was well? What is known to have come on the day itself is well.
    fn is_left(&self, day: Sample, own: Sample, by: By<'_>) -> bool {
        let before = self.all.last().filter(|_| self.streak == 0);
        before.is_some_and(|before| is_left(day, *before, by.watched))
            && level(own, &self.wells, by) == Level::Ok
    }

    /// Was it as bad as this again and again, on a third of the days at most, and for as long, before it was well by
    /// itself?
    fn comes_and_goes(&self, day: Sample) -> bool {
        let bad = self.all.len() - self.wells.len();
        let longest = self.ended.iter().copied().max().unwrap_or(0);
        self.ended.len() >= AGAIN
            && self.streak < longest
            && bad * 2 <= self.wells.len()
            && self.all.iter().any(|one| !day.is_above(*one, 1.0))
    }
}

/// Are no more recipients put off than on the day before? There is only less beside them. Whether they are the same is
/// for [`own`] to say.
pub(super) fn is_left(day: Sample, before: Sample, watched: Watched) -> bool {
    watched == Watched::Deferred && day.part() <= before.part() && day.whole() < before.whole()
}

/// A day of too few attempts to be judged alone, most of which were such, with the days before it: what is then beyond
/// the critical limit.
fn few(today: Sample, before: &[Sample], limits: &Limits) -> Option<(Sample, usize)> {
    if today.whole() >= FEW || today.share()? <= limits.critical {
        return None;
    }
    let (mut all, mut days) = (today, 1);
    for day in before.iter().rev().take(TOGETHER - 1) {
        if all.whole() >= FEW {
            break;
        }
        all = sum(&[all, *day]);
        days += 1;
    }
    let least = limits.from.max(4);
    (all.part() >= least && all.at_least() > limits.critical).then_some((all, days))
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
fn own(subject: &Subject, samples: &[Sample]) -> Vec<Sample> {
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

/// How bad a day's share is, beside those of days that were well.
fn level(day: Sample, wells: &[Sample], by: By<'_>) -> Level {
    let is_jump = |wells: &[Sample]| is_jump(day, wells, by);
    let limits = by.rules.of(by.watched);
    // A few may be chance. Many blocks are not, however usual.
    let is_near = day.part() < MANY
        || by.watched != Watched::Blocked && day.share() <= Some(limits.warning * NEAR);
    let is_usual =
        |wells: &[Sample], rare| wells.len() >= WELL && Usual::of(wells, by).chance(day) >= rare;
    match limits.judge(day).level {
        Level::Ok if is_jump(wells) || is_jump(older(wells)) => Level::Warning,
        // As on days that were well: a limit that an instance has always stood near says nothing new.
        Level::Warning
            if is_near
                && is_usual(wells, RARE)
                && (wells.len() < LONG || is_usual(older(wells), RARE * 10.0)) =>
        {
            Level::Ok
        }
        level => level,
    }
}

/// The older half of days that were well; none where there are too few of them.
fn older(wells: &[Sample]) -> &[Sample] {
    match wells.len() {
        LONG.. => wells.split_at(wells.len() / 2).0,
        _ => &[],
    }
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

/// Is it far enough above what it was, in ratio and in points, beyond chance and beyond what days usually differ?
pub(super) fn is_jump(day: Sample, wells: &[Sample], by: By<'_>) -> bool {
    let change = &by.rules.change;
    let (Some(now), Some(then)) = (day.share(), sum(wells).share()) else {
        return false;
    };
    day.part() >= change.from
        && now >= then * change.times
        && now - then >= change.points_of(by.watched)
        && match wells.len() {
            // By so few days it is not known how much they differ.
            ..WELL => day.is_above(sum(wells), BEYOND),
            _ => Usual::of(wells, by).chance(day) < by.rare(JUMPS),
        }
}

impl By<'_> {
    /// What is so rare that it is met on the whole host so many times a month.
    pub(super) fn rare(self, a_month: f64) -> f64 {
        a_month / 30.0 / self.shares.max(1) as f64
    }
}
