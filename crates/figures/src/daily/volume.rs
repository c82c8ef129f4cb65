//! How much there was to deliver, beside the days before.

use super::{Finding, Subject};
use crate::judge::Rules;
use crate::verdict::Level;

/// As many days must be known for a day to be unlike them.
const KNOWN: usize = 3;

/// Far more or less than on any of the days before. `is_known`: is all of the day in its figures?
pub(super) fn finding(subject: &Subject, rules: &Rules, is_known: bool) -> Option<Finding> {
    let before = subject
        .days
        .split_last()
        .map_or(&[][..], |(_, before)| before);
    let known = before.iter().filter_map(|(_, measure)| *measure);
    let mut totals: Vec<u64> = known.map(|measure| measure.total()).collect();
    totals.sort_unstable();
    let usual = *totals.get(totals.len() / 2)?;
    let (least, most) = (*totals.first()?, *totals.last()?);
    if totals.len() < KNOWN || usual < rules.volume.from {
        return None;
    }
    let (today, usual) = (subject.today.total() as f64, usual as f64);
    let times = rules.volume.times;
    let is_more = today >= usual * times && today > most as f64 * times / 2.0;
    // A part of a day says nothing of how little there was; that there is none at all is a finding of its own.
    let is_less =
        is_known && today > 0.0 && today * times <= usual && today < least as f64 * 2.0 / times;
    let what = match (is_more, is_less) {
        (true, _) => format!("{:.1} times as many deliveries", today / usual),
        (_, true) => format!("only {today} deliveries"),
        _ => return None,
    };
    Some(Finding {
        severity: Level::Warning,
        instance: subject.name.clone(),
        what,
        details: format!("{today}, where {usual} are usual, and {least} to {most} were a day"),
    })
}
