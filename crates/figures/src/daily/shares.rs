//! Shares of a day's attempts, held against the limits and against the days before.
//!
//! A day before is a measure only if it was itself well: an outage that goes on must not become what is usual.

use super::{Measure, Rate, Subject};
use crate::judge::{Rules, Sample};
use crate::mail_stats::check::Watched;
use crate::verdict::Level;

/// So many days in a row on which a share rises are a trend.
const RISING: usize = 5;

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
}

/// Holds a share of the subject's day against the rules; nothing where it is well.
pub(super) fn judge(subject: &Subject, watched: Watched, rules: &Rules) -> Option<Judged> {
    let rate = Rate::Watched(watched);
    let today = sample(subject.today, rate);
    let before = before(subject).map(|day| sample(day, rate));
    let (mut usual, mut wells, mut streak) = (Sample::new(0, 0), 0, 0);
    let mut known = 0;
    for day in before {
        known += 1;
        if level(day, usual, watched, rules) == Level::Ok {
            usual = Sample::new(usual.part() + day.part(), usual.whole() + day.whole());
            wells += 1;
            streak = 0;
        } else {
            streak += 1;
        }
    }
    let rose_from = rising(subject, watched, rules);
    let level = match level(today, usual, watched, rules) {
        Level::Ok if rose_from.is_some() => Level::Warning,
        Level::Ok => return None,
        level => level,
    };
    Some(Judged {
        level,
        days: streak + 1,
        ever_since: streak > 0 && streak == known,
        usual: (wells > 0).then_some((usual, wells)),
        rose_from,
    })
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
    Sample::new(measure.count(rate), measure.total())
}

/// How bad a day's share is, beside what is usual (of no attempts, if nothing is known).
fn level(day: Sample, usual: Sample, watched: Watched, rules: &Rules) -> Level {
    let level = rules.of(watched).judge(day).level;
    match level == Level::Ok && is_jump(day, usual, watched, rules) {
        true => Level::Warning,
        false => level,
    }
}

/// Is it so many times what it was, by so many points, and not by chance?
pub(super) fn is_jump(day: Sample, usual: Sample, watched: Watched, rules: &Rules) -> bool {
    let change = &rules.change;
    let (Some(now), Some(then)) = (day.share(), usual.share()) else {
        return false;
    };
    day.part() >= change.from
        && now >= then * change.times
        && now - then >= change.points_of(watched)
        && day.is_above(usual, 1.0)
}

/// A share that rose on each of the last days, by half of what a jump takes: where it began.
fn rising(subject: &Subject, watched: Watched, rules: &Rules) -> Option<Sample> {
    let rate = Rate::Watched(watched);
    let days = before(subject).chain([subject.today]);
    let days: Vec<Sample> = days.map(|day| sample(day, rate)).collect();
    let last = days.get(days.len().checked_sub(RISING)?..)?;
    let shares: Vec<f64> = last.iter().filter_map(|day| day.share()).collect();
    let rises = shares.len() == RISING && shares.is_sorted_by(|a, b| a < b);
    let (first, today) = (*last.first()?, *last.last()?);
    let points = today.share()? - first.share()?;
    let is_much =
        points * 2.0 >= rules.change.points_of(watched) && today.part() >= rules.change.from;
    (rises && is_much && today.is_above(first, 1.25)).then_some(first)
}
