//! What an outage leaves over for the days after it.

use chrono::Weekday;

use super::middle::{median, sorted};
use super::spread::is_weekend;
use super::{Measure, Subject};

/// An instance is down on a day on which one in so many of the usual is sent, or less; mail of so many days waits for
/// its end, as Postfix gives up after five.
const DOWN: f64 = 10.0;
const LEFT_OVER: usize = 5;

/// How many deliveries the days right before left over, at most: those on which the instance was down. What was put off
/// and sent on the same day is not left over.
pub(super) fn backlog(subject: &Subject) -> f64 {
    let before = subject.days.split_last();
    let before = before.map_or(&[][..], |(_, before)| before);
    let mut left = 0.0;
    for (at, (day, measure)) in before.iter().enumerate().rev().take(LEFT_OVER) {
        let Some(measure) = measure else { break };
        // Beside others like it: the same day of the week, else working days, or days of the weekend.
        let usual = |of: &dyn Fn(&Measure) -> u64| {
            let others = before.iter().enumerate().filter(|(other, _)| *other != at);
            let of_days = |is_alike: &dyn Fn(Weekday) -> bool| {
                let days = others
                    .clone()
                    .filter(|(_, (day, _))| is_alike(day.weekday()));
                sorted(days.filter_map(|(_, (_, measure))| Some(of(measure.as_ref()?) as f64)))
            };
            let same = of_days(&|on| on == day.weekday());
            let of_kind = || of_days(&|on| is_weekend(on) == is_weekend(day.weekday()));
            median(&same).or_else(|| median(&of_kind())).unwrap_or(0.0)
        };
        let sent = usual(&|of| of.counts.sent);
        // A weekend on which nothing ever is done may come before the end.
        if sent == 0.0 && measure.total() == 0 {
            continue;
        }
        if sent == 0.0 || measure.counts.sent as f64 * DOWN > sent {
            break;
        }
        let done = measure.counts.sent.saturating_add(measure.counts.bounced);
        left += usual(&Measure::total).max(measure.total() as f64) - done as f64;
    }
    left
}

/// Was it down on the day before, so that what waited then came today?
pub(super) fn is_after_outage(subject: &Subject) -> bool {
    backlog(subject) > 0.0
}
