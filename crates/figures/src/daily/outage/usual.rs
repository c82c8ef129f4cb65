//! What hours of the day usually have, and which in a row have next to nothing of it.

use chrono::Timelike;
use postfix::{Span, Time};

use super::super::failed;
use super::super::spread::is_weekend;
use crate::days::Period;
use crate::history::HistoryDay;
use crate::mail_stats::Counts;

/// An hour is out if on three of four days alike, so many known at least, this many were sent in it, and now at most
/// one in so many of them.
const USUALLY: u64 = 10;
const KNOWN: usize = 4;
pub(super) const SENT: u64 = 20;

/// Or if so many attempts failed, beyond twice what usually fails, and at most one in [`SENT`] was sent: there was
/// something to send.
pub(super) const FAILED: u64 = 10;

/// Of so many days, one may have been an outage.
const MANY: usize = 14;

/// The attempts of the hours of a day.
pub(super) type Hours = [Counts; 24];

/// Which hours of the clock a day has, that are over at a time: one is missing when summer time begins.
pub(in super::super) fn hours_of(day: &Period, at: Time) -> [bool; 24] {
    let mut has = [false; 24];
    let mut begins = day.since;
    let until = day.until.min(at);
    while begins.plus(Span::from_hours(1)) <= until {
        let hour = day.zone.at(begins).map(|local| local.hour() as usize);
        if let Some(has) = hour.and_then(|hour| has.get_mut(hour)) {
            *has = true;
        }
        begins = begins.plus(Span::from_hours(1));
    }
    has
}

/// What hours usually have.
pub(super) struct Usual {
    /// How many are sent on three of four days, at least.
    pub(super) sent: [u64; 24],
    /// How many fail on three of four days, at most.
    failed: [u64; 24],
    /// How many hours in a row had next to nothing, on a day that was no outage.
    pub(super) longest: usize,
}

impl Usual {
    /// By the days that are known; by working days, or those of the weekend, if enough of them are.
    pub(super) fn of(known: &[Option<Hours>], days: &[HistoryDay], like: &Period) -> Option<Self> {
        let is_weekend = |day: &Period| is_weekend(day.day().weekday());
        let known = days.iter().zip(known);
        let known: Vec<(bool, &Hours)> = known
            .filter_map(|(day, hours)| Some((is_weekend(&day.day), hours.as_ref()?)))
            .collect();
        let of = |is_alike: &dyn Fn(bool) -> bool| -> Vec<&Hours> {
            let of = known.iter().filter(|(kind, _)| is_alike(*kind));
            of.map(|(_, hours)| *hours).collect()
        };
        let alike = of(&|kind| kind == is_weekend(like));
        let days = if alike.len() >= KNOWN {
            alike
        } else {
            of(&|_| true)
        };
        if days.len() < KNOWN {
            return None;
        }
        let quarter = |of: fn(&Counts) -> u64, at: usize| {
            let mut quarters = [0; 24];
            for (hour, quarter) in quarters.iter_mut().enumerate() {
                let mut all: Vec<u64> = days.iter().map(|day| of(&day[hour])).collect();
                all.sort_unstable();
                *quarter = all.get(at).copied().unwrap_or(0);
            }
            quarters
        };
        let mut usual = Self {
            sent: quarter(|of| of.sent, days.len() / 4),
            failed: quarter(failed, days.len() * 3 / 4),
            longest: 0,
        };
        let longest = |day: &&Hours| {
            let slots: Vec<Slot> = usual.slots(day, [true; 24], 0, true).collect();
            let runs = in_a_row(&slots).into_iter();
            runs.map(|run| run.hours).max().unwrap_or(0)
        };
        let mut longest: Vec<usize> = days.iter().map(longest).collect();
        longest.sort_unstable();
        let outages = usize::from(days.len() >= MANY);
        usual.longest = longest.iter().rev().nth(outages).copied().unwrap_or(0);
        Some(usual)
    }

    /// The hours of a day that it `has`, the first of which has the number `first`. `is_known`: is all known that was
    /// sent in them?
    pub(super) fn slots<'u>(
        &'u self,
        day: &'u Hours,
        has: [bool; 24],
        first: usize,
        is_known: bool,
    ) -> impl Iterator<Item = Slot> + 'u {
        let hours = day.iter().enumerate().filter(move |(hour, _)| has[*hour]);
        hours.map(move |(hour, counts)| {
            let usual = self.sent[hour];
            let is_failing = failed(counts)
                >= FAILED.saturating_add(self.failed[hour].saturating_mul(2))
                && counts.sent.saturating_mul(SENT) <= counts.total();
            let is_little = is_known && counts.sent.saturating_mul(SENT) <= usual;
            let state = match usual >= USUALLY {
                true if is_failing => State::Failing,
                true if is_little => State::Little,
                // So few say nothing.
                false if is_little => State::Unknown,
                _ => State::Well,
            };
            Slot {
                at: first + hour,
                state,
                counts: *counts,
                usual,
            }
        })
    }
}

/// How an hour was.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Well,
    /// There was something to send, and next to nothing was.
    Failing,
    /// Next to nothing was sent.
    Little,
    /// Nothing was, and little ever is.
    Unknown,
}

/// An hour: of the day before from 0 on, of the day from 24 on.
pub(super) struct Slot {
    pub(super) at: usize,
    pub(super) state: State,
    pub(super) counts: Counts,
    pub(super) usual: u64,
}

/// Hours in a row, numbered as in [`Slot`].
#[derive(Default)]
pub(super) struct Run {
    /// The first, and the first after them.
    pub(super) from: usize,
    pub(super) to: usize,
    /// How many they are, without those that say nothing.
    pub(super) hours: usize,
    /// In how many of them attempts failed.
    pub(super) failing: usize,
    pub(super) tried: Counts,
    /// How many are usually sent in that time, at least.
    pub(super) usual: u64,
}

/// All hours that are out, those together that are in a row.
pub(super) fn in_a_row(slots: &[Slot]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut is_on = false;
    for slot in slots {
        match slot.state {
            State::Well => is_on = false,
            State::Unknown => {}
            State::Failing | State::Little => {
                if !is_on {
                    runs.push(Run {
                        from: slot.at,
                        ..Run::default()
                    });
                    is_on = true;
                }
                let Some(run) = runs.last_mut() else { continue };
                run.to = slot.at + 1;
                run.hours += 1;
                run.failing += usize::from(slot.state == State::Failing);
                run.tried += slot.counts;
                run.usual = run.usual.saturating_add(slot.usual);
            }
        }
    }
    runs
}
