//! Shares that rise from day to day, or stay far above what they were: no day alone may be beyond chance.

use super::Subject;
use super::spread::quantile;
use super::usual::{By, DIFFER, Usual, WELL, samples, sum};
use crate::judge::Sample;
use crate::mail_stats::check::Watched;
use crate::verdict::Level;

/// How many days of a trend must be known; older ones than these are not part of it.
const RISING: usize = 6;
const TREND: usize = 8;

/// So many days in a row are no chance, where one may be.
const LASTING: usize = 3;

/// And on each of them there are so many times as much.
const MORE: f64 = 1.25;

/// How many rises there may be in a month on the whole host by chance.
const RISES: f64 = 0.2;

/// A share that rises over the days that are known, by about as much as it is on average, to several times as much as
/// it was and by the points that a jump takes, and beyond chance: where it began.
pub(super) fn rising(subject: &Subject, by: By<'_>) -> Option<Sample> {
    let days = samples(subject, by.watched);
    let (older, days) = days.split_at(days.len().saturating_sub(TREND));
    let today = *days.last()?;
    if days.len() < RISING || today.whole() == 0 {
        return None;
    }
    let mean = Usual::of(days, by).share;
    let (rise, errors) = slope(days, mean, by);
    let begun = sum(days.get(..3)?);
    let share = |from: usize, to: usize| sum(days.get(from..to).unwrap_or_default()).share();
    let n = days.len();
    let (middle, ended) = (share(n / 2, n - 1)?, share(n - 2, n)?);
    let most = days
        .iter()
        .filter_map(|day| day.share())
        .fold(0.0, f64::max);
    let change = &by.rules.change;
    // It has not begun to fall again, and is not the jump of one day.
    let is_trend = today.share()? >= most * 0.75
        && middle > begun.share()? * 1.25
        && ended >= begun.share()? * change.times
        && errors >= quantile(by.rare(RISES))
        && rise >= mean * 0.8
        && rise * 100.0 >= change.points_of(by.watched)
        && today.part() >= change.from
        && (older.is_empty() || Usual::of(older, by).chance(today) < 0.05);
    is_trend.then_some(begun)
}

/// A share that is far above what it was more than a week ago, for some days and on each of them: what it was.
pub(super) fn lasting(subject: &Subject, by: By<'_>) -> Option<Sample> {
    let days = samples(subject, by.watched);
    let (older, days) = days.split_at(days.len().saturating_sub(TREND));
    let is_well = |day: &Sample| by.rules.of(by.watched).judge(*day).level == Level::Ok;
    let older: Vec<Sample> = older.iter().copied().filter(is_well).collect();
    let lasting = days.split_at(days.len().saturating_sub(LASTING)).1;
    // The same recipients may have been put off on each of the days.
    let now = match by.watched {
        Watched::Deferred => *days.last()?,
        _ => sum(lasting),
    };
    let then = sum(&older);
    let change = &by.rules.change;
    let is_far = |day: &Sample| {
        let shares = day.share().zip(then.share());
        shares.is_some_and(|(now, then)| {
            now >= then * change.times && now - then >= change.points_of(by.watched)
        })
    };
    // What was not put off on all of them comes together: no day alone must be far above it.
    let is_more = |day: &Sample| match by.watched {
        Watched::Deferred => is_far(day),
        _ => day.share() >= then.share().map(|share| share * MORE),
    };
    let is_lasting = older.len() >= WELL
        && lasting.len() == LASTING
        && lasting.iter().all(is_more)
        && is_far(&now)
        && days.last()?.part() >= change.from
        && Usual::of(&older, by).chance_of(now, LASTING) < by.rare(RISES);
    is_lasting.then_some(then)
}

/// By how much a line through the shares rises from the first day to the last, and how many of its errors that is. Each
/// day counts as much as it is certain.
fn slope(days: &[Sample], mean: f64, by: By<'_>) -> (f64, f64) {
    let differs = by.differs.clamp(DIFFER.1, DIFFER.2) * mean;
    let weight = |day: &Sample| {
        let n = day.whole() as f64;
        n / (mean * (1.0 - mean) + n * differs.powi(2))
    };
    let point =
        |(at, day): (usize, &Sample)| (at as f64, day.share().unwrap_or(0.0) / 100.0, weight(day));
    let points: Vec<(f64, f64, f64)> = days.iter().enumerate().map(point).collect();
    let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        points
            .iter()
            .map(|(x, y, weight)| of(*x, *y) * weight)
            .sum()
    };
    let middle = sum(&|x, _| x) / sum(&|_, _| 1.0);
    let square = sum(&|x, _| (x - middle).powi(2));
    let slope = sum(&|x, y| (x - middle) * y) / square;
    (slope * (days.len() - 1) as f64, slope * square.sqrt())
}
