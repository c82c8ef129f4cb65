//! Shares of a day's attempts, held against the limits and against the days before.
//!
//! A day before is a measure only if it was itself well: an outage that goes on must not become what is usual.

use super::Subject;
use super::trends::{lasting, rising};
use super::usual::{By, Usual, WELL, own, samples, sum};
use crate::judge::{Limits, Sample};
use crate::mail_stats::check::Watched;
use crate::verdict::Level;

/// What is no rarer than this by the days before is usual: a host has some dozens of shares a day, and three hundred
/// days a year.
const RARE: f64 = 0.0003;

/// So many times what it can have been on fewer days than these, by chance.
const BEYOND: f64 = 1.5;

/// What was so often too much, and well again by itself, is usual.
const AGAIN: usize = 2;

/// How many jumps there may be in a month on the whole host by chance. Few of them are as far above what was usual as
/// the rules ask, too.
const JUMPS: f64 = 0.03;

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
