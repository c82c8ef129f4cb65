//! How much there was to deliver, beside the days before.

use super::{Notice, Subject};
use crate::judge::{Rules, Volume};
use crate::verdict::Level;

/// As many days must be known for a day to be unlike them.
const KNOWN: usize = 3;

/// The greatest day may be passed by so much.
const BEYOND: f64 = 1.35;

/// Far more or less than on the days before. `is_known`: is all of the day in its figures?
pub(super) fn finding(subject: &Subject, rules: &Rules, is_known: bool) -> Option<Notice> {
    let before = subject
        .days
        .split_last()
        .map_or(&[][..], |(_, before)| before);
    let a_week_ago = before
        .len()
        .checked_sub(7)
        .and_then(|at| before.get(at)?.1)
        .map(|measure| measure.total() as f64);
    let known = before.iter().filter_map(|(_, measure)| *measure);
    let mut totals: Vec<u64> = known.map(|measure| measure.total()).collect();
    totals.sort_unstable();
    let usual = *totals.get(totals.len() / 2)?;
    let (least, most) = (*totals.first()?, *totals.last()?);
    if totals.len() < KNOWN || usual < rules.volume.from {
        return None;
    }
    let (today, median) = (subject.today.total() as f64, usual as f64);
    let Volume { more, less, from } = rules.volume;
    let from = from as f64;
    // On a day of the week that has less than others, the days like it are the measure.
    let alike = a_week_ago
        .filter(|that| that * 1.5 <= median)
        .and_then(|that| {
            let alike = totals.iter().map(|n| *n as f64);
            let alike: Vec<f64> = alike.filter(|n| *n <= that * 1.5).collect();
            (alike.len() > 1).then(|| alike.into_iter().fold(that, f64::max))
        });
    let is_most = today > most as f64 * BEYOND;
    let is_more = is_most && today >= median * more
        || is_most && today >= median * 1.5 && a_week_ago.is_some_and(|that| today >= that * more)
        || alike.is_some_and(|most| today >= most * more * 1.1 && today - most >= from);
    // A part of a day says nothing of how little there was; that there is none at all is a finding of its own.
    let is_little = match (a_week_ago, alike) {
        (Some(that), None) => today * more <= that,
        (Some(_), Some(_)) => today * more <= least as f64,
        (None, _) => today * 1.5 <= least as f64,
    };
    let is_less = is_known && today > 0.0 && today * less <= median && is_little;
    let what = match (is_more, is_less) {
        (true, _) => format!(
            "{:.1} times as many deliveries",
            today / alike.unwrap_or(median)
        ),
        (_, true) => format!("only {today} deliveries"),
        _ => return None,
    };
    Some(Notice {
        level: Level::Warning,
        instance: subject.name.clone(),
        what,
        details: format!("{today}, compared with a usual {usual} ({least} to {most} a day)"),
    })
}
