//! Windows of time, and the days and instants of a host's own clock that bound them.

use std::ops::Range;

use chrono::{Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime};

use crate::Zone;

const MICROS: i64 = 1_000_000;

/// A window of time: from `since` on, before `until`, in microseconds since 1970 (UTC). None is no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Window {
    /// The first instant in it.
    pub since: Option<i64>,
    /// The first instant behind it.
    pub until: Option<i64>,
}

impl Window {
    /// Is there no bound at all?
    pub fn is_unbounded(&self) -> bool {
        *self == Self::default()
    }

    /// The window as a half-open range, where a missing bound is as far off as can be; None if there is no bound at
    /// all.
    pub fn range(&self) -> Option<Range<i64>> {
        let range = self.since.unwrap_or(i64::MIN)..self.until.unwrap_or(i64::MAX);
        (!self.is_unbounded()).then_some(range)
    }
}

/// Which of two instants a local time means that comes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// The earlier one.
    First,
    /// The later one.
    Second,
}

/// The day that it is on the zone's clock at `now` (microseconds since 1970, UTC); nothing for a time out of all bounds.
pub fn today(now: i64, zone: Zone) -> Option<NaiveDate> {
    Some(zone.at(now.div_euclid(MICROS))?.date_naive())
}

/// The window that is this day on the zone's clock, be it 23, 24 or 25 hours; nothing for a day out of all bounds.
pub fn day_of(date: NaiveDate, zone: Zone) -> Option<Window> {
    Some(Window {
        since: Some(beginning(date, zone)?),
        until: Some(beginning(date.checked_add_days(Days::new(1))?, zone)?),
    })
}

/// The first instant of a day, in microseconds: not always 00:00, where clocks change at midnight.
pub fn beginning(day: NaiveDate, zone: Zone) -> Option<i64> {
    instant(day.and_time(NaiveTime::MIN), zone, Fold::First)
}

/// The instant at which the zone's clocks show `local`, in microseconds. A time that a change of clocks skips stands for the
/// instant of the change.
pub fn instant(local: NaiveDateTime, zone: Zone, fold: Fold) -> Option<i64> {
    let seconds = match (zone.instants(local), fold) {
        (LocalResult::Single(at), _)
        | (LocalResult::Ambiguous(at, _), Fold::First)
        | (LocalResult::Ambiguous(_, at), Fold::Second) => at,
        (LocalResult::None, _) => return change_over(local, zone),
    };
    let micros = i64::from(local.and_utc().timestamp_subsec_micros());
    seconds.checked_mul(MICROS)?.checked_add(micros)
}

/// The instant at which clocks jump over `local`, in microseconds.
fn change_over(local: NaiveDateTime, zone: Zone) -> Option<i64> {
    // Clocks are at most 14 hours off UTC, and a jump is at most a day (Samoa's, in 2011).
    const BOUND: i64 = 40 * 3600;
    let as_utc = local.and_utc().timestamp();
    let (mut before, mut after) = (as_utc.checked_sub(BOUND)?, as_utc.checked_add(BOUND)?);
    while after.saturating_sub(before) > 1 {
        let middle = before.midpoint(after);
        if zone.at(middle)?.naive_local() < local {
            before = middle;
        } else {
            after = middle;
        }
    }
    after.checked_mul(MICROS)
}
