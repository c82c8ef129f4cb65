//! Windows of time, and the instants of a host's own clock that bound them.

use std::ops::Range;

use chrono::{LocalResult, NaiveDateTime};

use crate::{Span, Time, Zone};

/// A window of time: from `since` on, before `until`. None is no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Window {
    /// The first instant in it.
    pub since: Option<Time>,
    /// The first instant after it.
    pub until: Option<Time>,
}

impl Window {
    /// Is there no bound at all?
    pub fn is_unbounded(&self) -> bool {
        *self == Self::default()
    }

    /// The window as a half-open range, where a missing bound is as far off as can be; None if there is no bound at
    /// all.
    pub fn range(&self) -> Option<Range<Time>> {
        let range = self.since.unwrap_or(Time::MIN)..self.until.unwrap_or(Time::MAX);
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

/// The instant at which the zone's clocks show `local`. A time that a change of clocks skips stands for the
/// instant of the change.
pub fn instant(local: NaiveDateTime, zone: Zone, fold: Fold) -> Option<Time> {
    Some(match (zone.instants(local), fold) {
        (LocalResult::Single(at), _)
        | (LocalResult::Ambiguous(at, _), Fold::First)
        | (LocalResult::Ambiguous(_, at), Fold::Second) => at,
        (LocalResult::None, _) => return change_over(local, zone),
    })
}

/// The instant at which clocks jump over `local`.
fn change_over(local: NaiveDateTime, zone: Zone) -> Option<Time> {
    // Clocks are at most 14 hours off UTC, and a jump is at most a day (Samoa's, in 2011).
    const BOUND: Span = Span::from_hours(40);
    let as_utc = Time::from_seconds(local.and_utc().timestamp());
    let (mut before, mut after) = (as_utc.minus(BOUND).seconds(), as_utc.plus(BOUND).seconds());
    while after.saturating_sub(before) > 1 {
        let middle = before.midpoint(after);
        if zone.at(Time::from_seconds(middle))?.naive_local() < local {
            before = middle;
        } else {
            after = middle;
        }
    }
    Some(Time::from_seconds(after))
}
