//! Days of the calendar, which are other hours on the clock of each zone.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike as _, Days, NaiveDate, NaiveTime, Weekday};

use crate::{Fold, Time, Window, Zone, instant};

/// A day of the calendar. What lies out of bounds is the nearest bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Day(NaiveDate);

/// A text that is not a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a day such as 2026-11-23")]
pub struct DayError;

impl Day {
    /// The day that it is on the zone's clock at `time`.
    pub fn at(time: Time, zone: Zone) -> Self {
        match zone.at(time) {
            Some(local) => Self(local.date_naive()),
            None if time < Time::EPOCH => Self(NaiveDate::MIN),
            None => Self(NaiveDate::MAX),
        }
    }

    /// The day this many days later.
    #[must_use]
    pub fn plus(self, days: u64) -> Self {
        let later = self.0.checked_add_days(Days::new(days));
        Self(later.unwrap_or(NaiveDate::MAX))
    }

    /// The day this many days earlier.
    #[must_use]
    pub fn minus(self, days: u64) -> Self {
        let earlier = self.0.checked_sub_days(Days::new(days));
        Self(earlier.unwrap_or(NaiveDate::MIN))
    }

    /// How many days later it is than `earlier`; 0 if it is not.
    pub fn since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.signed_duration_since(earlier.0).num_days()).unwrap_or(0)
    }

    /// This day and those behind it up to `last`, both among them.
    pub fn up_to(self, last: Self) -> impl Iterator<Item = Self> {
        let next = |day: &Self| day.0.succ_opt().map(Self);
        std::iter::successors(Some(self), next).take_while(move |day| *day <= last)
    }

    /// The same for chrono, which knows the names of days.
    pub fn date(self) -> NaiveDate {
        self.0
    }

    /// Which day of the week it is.
    pub fn weekday(self) -> Weekday {
        self.0.weekday()
    }

    /// The day on the zone's clock, be it 23, 24 or 25 hours: from its first instant to that of the next day.
    pub fn window(self, zone: Zone) -> Window {
        Window {
            since: Some(self.beginning(zone)),
            until: Some(self.plus(1).beginning(zone)),
        }
    }

    /// The first instant of the day: not always 00:00, where clocks change at midnight.
    pub fn beginning(self, zone: Zone) -> Time {
        let midnight = self.0.and_time(NaiveTime::MIN);
        let bound = || Time::from_seconds(midnight.and_utc().timestamp());
        self.time(NaiveTime::MIN, zone, Fold::First)
            .unwrap_or_else(bound)
    }

    /// The instant of the day at which the zone's clocks show `clock`; nothing for a day out of all bounds.
    pub fn time(self, clock: NaiveTime, zone: Zone, fold: Fold) -> Option<Time> {
        instant(self.0.and_time(clock), zone, fold)
    }
}

impl fmt::Display for Day {
    /// `2026-11-23`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Day {
    type Err = DayError;

    /// `2026-11-23`, in just this form.
    fn from_str(text: &str) -> Result<Self, DayError> {
        let shape = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d");
        date.ok().filter(|_| shape).map(Self).ok_or(DayError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn a_text_is_a_day_in_one_form() {
        for good in ["2026-11-23", "2028-02-29", "0001-01-01", "9999-12-31"] {
            assert_eq!(day(good).to_string(), good);
        }
        for bad in [
            "",
            "2026-02-29",
            "2026-1-02",
            "2026-001-2",
            "+2026-1-02",
            " 2026-1-02",
            "2026-11-23 ",
            "yesterday",
        ] {
            assert_eq!(bad.parse::<Day>(), Err(DayError), "{bad}");
        }
    }

    #[test]
    fn days_are_counted_by_the_calendar() {
        assert_eq!(day("2028-02-28").plus(2), day("2028-03-01"));
        assert_eq!(day("2027-01-01").minus(1), day("2026-12-31"));
        assert_eq!(day("2026-11-23").since(day("2026-11-20")), 3);
        assert_eq!(day("2026-11-20").since(day("2026-11-23")), 0);
        let days: Vec<String> = day("2026-12-30")
            .up_to(day("2027-01-01"))
            .map(|day| day.to_string())
            .collect();
        assert_eq!(days, ["2026-12-30", "2026-12-31", "2027-01-01"]);
        assert_eq!(day("2026-11-23").up_to(day("2026-11-22")).count(), 0);
        assert_eq!(day("2026-11-23").weekday(), Weekday::Mon);
    }

    #[test]
    fn a_day_out_of_bounds_is_the_nearest_bound() {
        let utc = Zone::named("UTC").unwrap();
        let (first, last) = (Day::at(Time::MIN, utc), Day::at(Time::MAX, utc));
        assert!(first < day("0001-01-01") && last > day("9999-12-31"));
        assert_eq!((first.minus(1), last.plus(u64::MAX)), (first, last));
        assert_eq!(last.up_to(last).count(), 1);
        for zone in ["UTC", "America/New_York", "Pacific/Apia"] {
            let zone = Zone::named(zone).unwrap();
            for day in [first, last] {
                let window = day.window(zone);
                assert!(window.since <= window.until, "{day} {window:?}");
            }
        }
    }
}
