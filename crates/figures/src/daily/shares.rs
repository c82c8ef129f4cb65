//! Shares of a day's attempts, held against the limits and against the days before.
//!
//! A day before is a measure only if it was itself well: an outage that goes on must not become what is usual.

use super::{Measure, Rate, Subject};
use crate::judge::{Limits, Rules, Sample};
use crate::mail_stats::check::Watched;
use crate::verdict::Level;

/// How many days of a trend must be known; older ones than these are not part of it.
const RISING: usize = 6;
const TREND: usize = 8;

/// How many times its error the slope of a trend must be.
const STEEP: f64 = 3.0;

/// From this many good days it is known what is usual. What is less rare than this, by the share they had and
/// by what they differ, is usual too: a host has some dozens of shares a day, and three hundred days a year.
const WELL: usize = 5;
const RARE: f64 = 0.0001;
/// The same as a quantile of the normal distribution.
const RARE_Z: f64 = 3.72;

/// Days differ by at least so much, whatever a few of them show; and by no more, however rare what is counted is.
const DIFFER: (f64, f64) = (0.2, 0.5);

/// Of fewer than these, a share says little: a limit for a warning may be passed on days that are usual.
const MANY: u64 = 10;

/// From this many good days on, a day is compared with the older half of them too: what rises slowly takes the mean
/// with it.
const LONG: usize = 10;

/// Of days with fewer attempts than these, several are judged together, and at most so many.
const FEW: u64 = 20;
const TOGETHER: usize = 7;

/// A day is unlike the others if it is this many standard deviations above them, and this much above the worst.
const FAR: f64 = 5.0;
const BEYOND: f64 = 1.5;

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
}

/// What is wrong with a share.
pub(super) struct Judged {
    pub(super) level: Level,
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
    let rate = Rate::Watched(by.watched);
    let today = sample(subject.today, rate);
    let before: Vec<Sample> = before(subject).map(|day| sample(day, rate)).collect();
    let (mut wells, mut streak) = (Vec::new(), 0);
    let known = before.len();
    for &day in &before {
        if level(day, &wells, by) == Level::Ok {
            wells.push(day);
            streak = 0;
        } else {
            streak += 1;
        }
    }
    let rose_from = rising(subject, by);
    let mut together = None;
    let level = match level(today, &wells, by) {
        Level::Ok if rose_from.is_some() => Level::Warning,
        Level::Ok => {
            together = few(today, &before, by.rules.of(by.watched));
            together.map(|_| Level::Critical)?
        }
        level => level,
    };
    Some(Judged {
        level,
        days: streak + 1,
        ever_since: streak > 0 && streak == known,
        usual: (!wells.is_empty()).then(|| (sum(&wells), wells.len())),
        rose_from,
        together,
    })
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

/// The days before that are known and had any attempt, the oldest first.
fn before(subject: &Subject) -> impl DoubleEndedIterator<Item = Measure> {
    let before = subject
        .days
        .split_last()
        .map_or(&[][..], |(_, before)| before);
    let known = before.iter().filter_map(|(_, measure)| *measure);
    known.filter(|measure| measure.total() > 0)
}

fn sample(measure: Measure, rate: Rate) -> Sample {
    Sample::new(measure.count(rate), measure.whole(rate))
}

/// All of them together.
pub(super) fn sum(days: &[Sample]) -> Sample {
    let add = |a: Sample, b: &Sample| Sample::new(a.part() + b.part(), a.whole() + b.whole());
    days.iter().fold(Sample::new(0, 0), add)
}

/// How bad a day's share is, beside those of days that were well.
fn level(day: Sample, wells: &[Sample], by: By<'_>) -> Level {
    let is_jump = |wells: &[Sample]| is_jump(day, wells, by);
    match by.rules.of(by.watched).judge(day).level {
        Level::Ok if is_jump(wells) || is_jump(older(wells)) => Level::Warning,
        // As on days that were well: once, by chance, above what none of them passed.
        Level::Warning if day.part() < MANY && is_usual(day, wells, by) => Level::Ok,
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

/// Is such a share to be expected now and then, by those of days that were well?
fn is_usual(day: Sample, wells: &[Sample], by: By<'_>) -> bool {
    let usual = sum(wells);
    let share = (usual.part() + 1) as f64 / (usual.whole() + 2) as f64;
    let spread = 2.0 * differ(wells).max(by.differs).clamp(DIFFER.0, DIFFER.1);
    wells.len() >= WELL && is_expected(day, share * spread.exp())
}

/// By how much such a share differs from day to day on a host's instances that have enough of them to say so: the one
/// in the middle.
pub(super) fn differs<'a>(subjects: impl Iterator<Item = &'a Subject>, watched: Watched) -> f64 {
    let of = subjects.filter_map(|subject| {
        let days: Vec<Sample> = before(subject)
            .map(|day| sample(day, Rate::Watched(watched)))
            .collect();
        let is_enough =
            days.len() >= WELL && sum(&days).part() >= A_DAY.saturating_mul(days.len() as u64);
        is_enough.then(|| differ(&days))
    });
    let mut of: Vec<f64> = of.collect();
    of.sort_by(f64::total_cmp);
    // Of one or two, a rise that goes on would be what is usual.
    match of.len() {
        0..=2 => 0.0,
        n => of.get(n / 2).map_or(0.0, |of| of.min(DIFFER.1)),
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

/// Is that part of the whole no rarer than [`RARE`], where each is such with this probability? The upper tail of the
/// binomial distribution, which is about normal where there are many.
fn is_expected(day: Sample, probability: f64) -> bool {
    let (n, p) = (day.whole() as f64, probability.min(0.99));
    let mean = n * p;
    if mean > 200.0 {
        return day.part() as f64 - 0.5 - mean <= RARE_Z * (mean * (1.0 - p)).sqrt();
    }
    let mut one = (1.0 - p).powf(n);
    let mut below = 0.0;
    for k in 0..day.part() {
        below += one;
        one *= (n - k as f64) / (k as f64 + 1.0) * p / (1.0 - p);
    }
    1.0 - below >= RARE
}

/// Is it far enough above what it was, in ratio and in points, beyond chance and beyond what days usually differ?
pub(super) fn is_jump(day: Sample, wells: &[Sample], by: By<'_>) -> bool {
    let change = &by.rules.change;
    let usual = sum(wells);
    let (Some(now), Some(then)) = (day.share(), usual.share()) else {
        return false;
    };
    let shares = wells.iter().filter(|day| day.whole() >= MEASURED);
    let shares: Vec<f64> = shares.filter_map(|day| day.share()).collect();
    let squares = shares.iter().map(|share| (share - then).powi(2));
    let deviation = match shares.len() {
        0 | 1 => 0.0,
        n => (squares.sum::<f64>() / (n - 1) as f64).sqrt(),
    };
    let deviation = deviation.max(by.differs * then);
    let worst = shares.iter().copied().fold(then, f64::max);
    day.part() >= change.from
        && now >= then * change.times
        && now - then >= change.points_of(by.watched)
        && now >= then + FAR * deviation
        && now >= worst * BEYOND
        && day.is_above(usual, BEYOND)
        && !is_usual(day, wells, by)
}

/// A share that rises over the days that are known, by about as much as it is on average, and by three quarters of what
/// a jump takes, and beyond chance: where it began.
fn rising(subject: &Subject, by: By<'_>) -> Option<Sample> {
    let rate = Rate::Watched(by.watched);
    let days = before(subject).chain([subject.today]);
    let days: Vec<Sample> = days.map(|day| sample(day, rate)).collect();
    let (older, days) = days.split_at(days.len().saturating_sub(TREND));
    let shares: Vec<f64> = days.iter().filter_map(|day| day.share()).collect();
    let n = shares.len();
    if n < RISING || n != days.len() {
        return None;
    }
    let middle = (n - 1) as f64 / 2.0;
    let mean = shares.iter().sum::<f64>() / n as f64;
    let at = |(i, share): (usize, &f64)| (i as f64 - middle, share - mean);
    let points: Vec<(f64, f64)> = shares.iter().enumerate().map(at).collect();
    let square: f64 = points.iter().map(|(x, _)| x * x).sum();
    let slope = points.iter().map(|(x, y)| x * y).sum::<f64>() / square;
    let rest: f64 = points.iter().map(|(x, y)| (y - slope * x).powi(2)).sum();
    let error = (rest / (n - 2) as f64 / square).sqrt();
    let rise = slope * (n - 1) as f64;
    let (first, _) = days.split_at_checked(3)?;
    let (_, last) = days.split_at_checked(n - 2)?;
    let most = shares.iter().copied().fold(0.0, f64::max);
    // It has not begun to fall again.
    let is_trend = shares.last().is_some_and(|today| *today >= most * 0.75)
        && slope >= STEEP * error
        && rise >= mean * 0.8
        && rise >= by.rules.change.points_of(by.watched) * 0.75
        && days.last()?.part() >= by.rules.change.from
        && sum(last).is_above(sum(first), 1.25)
        && !is_usual(
            *days.last()?,
            &[older, days.split_at_checked(n / 2)?.0].concat(),
            // The days of a rise are unlike each other anyway.
            By { differs: 0.0, ..by },
        );
    is_trend.then(|| sum(first))
}
