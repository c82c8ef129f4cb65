//! When a line was written: years for the forms that lack them, the zone for those that lack it.

use chrono::{Datelike, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use super::stamp::Stamp;
use crate::{Span, Time, Zone};

/// How far behind its file's own time a line may claim to be: a clock that is off, a zone that was misread.
const FUTURE: Span = Span::from_days(1);

/// By so much more where a line's year is known from the lines above: they may be out of order.
pub(super) const DISORDER: Span = Span::from_hours(1);

/// How far apart two lines may be to confirm each other's year.
const STEP: Span = Span::from_days(30);

/// Places the times of one file's lines, in their order.
///
/// A year-less time gets the first year that does not put it before the line above, and in the first line the latest
/// year that does not lie after the file's own time. In the hour that is repeated when summer time ends, the order of
/// lines says which of the two is meant; in the hour that is skipped, the clock was not yet put forward.
#[derive(Debug, Clone)]
pub struct Clock {
    zone: Zone,
    /// No line is later than this, more or less: the file's mtime, or now.
    latest: Time,
    /// The last time placed.
    previous: Option<Time>,
    /// The last time that was in step with those before it: a single line with a wrong clock does not move it.
    anchor: Option<Time>,
    /// Was the last line in the second run of a repeated hour?
    second_run: bool,
    /// The last minute of local time that was looked up, and its instant: neighbours share it.
    minute: Option<(NaiveDateTime, Time)>,
}

impl Clock {
    /// A clock for a file that was last written at `latest`.
    pub fn new(zone: Zone, latest: Time) -> Self {
        Self {
            zone,
            latest,
            previous: None,
            anchor: None,
            second_run: false,
            minute: None,
        }
    }

    /// What stands for the file's own time where that says nothing: its first line is older than the one that was
    /// written at `next`, the first of a newer file.
    pub(super) fn ended_before(next: Time) -> Time {
        next.minus(FUTURE).minus(Span::from_micros(1))
    }

    /// The same, for reading on after a line whose time is known.
    #[must_use]
    pub fn after(mut self, previous: Time) -> Self {
        self.previous = Some(previous);
        self.anchor = Some(previous);
        self
    }

    /// When the next line was written. `None` for a day that no near year has.
    pub fn place(&mut self, stamp: Stamp) -> Option<Time> {
        let time = match stamp {
            Stamp::Instant(time) => time,
            Stamp::Local(local) => self.local(local)?,
            Stamp::Yearless(month, day, time) => self.yearless(month, day, time)?,
        };
        let in_step = |with: Option<Time>| with.is_none_or(|w| time.distance(w) <= STEP);
        if in_step(self.anchor) || in_step(self.previous) {
            self.anchor = Some(time);
        }
        self.previous = Some(time);
        Some(time)
    }

    fn yearless(&mut self, month: u32, day: u32, time: NaiveTime) -> Option<Time> {
        let around = self.anchor.unwrap_or(self.latest);
        let year = self.zone.at(around)?.year();
        let disorder = self.anchor.map_or(Span::ZERO, |_| DISORDER);
        let limit = self.latest.plus(FUTURE).plus(disorder);
        // A leap day may be up to eight years away.
        let candidates = (-8..=8_i32).filter_map(|step| {
            let date = NaiveDate::from_ymd_opt(year.checked_add(step)?, month, day)?;
            let local = date.and_time(time);
            let instant = self.zone.instants(local).earliest();
            Some((
                instant.unwrap_or_else(|| Time::from_seconds(local.and_utc().timestamp())),
                local,
            ))
        });
        let fits: Vec<_> = candidates.filter(|(t, _)| *t <= limit).collect();
        let local = match self.anchor {
            None => fits.iter().max_by_key(|(t, _)| *t),
            Some(anchor) => {
                let onward = fits.iter().find(|(t, _)| *t >= anchor.minus(STEP));
                onward.or_else(|| fits.iter().min_by_key(|(t, _)| t.distance(anchor)))
            }
        };
        self.local(local?.1)
    }

    fn local(&mut self, local: NaiveDateTime) -> Option<Time> {
        let micros = u64::from(local.nanosecond()).div_euclid(1000);
        let within = u64::from(local.second()).saturating_mul(1_000_000);
        let within = Span::from_micros(within.saturating_add(micros));
        let minute = local.with_second(0)?.with_nanosecond(0)?;
        if let Some((known, instant)) = self.minute
            && known == minute
        {
            return Some(instant.plus(within));
        }
        let instant = match self.zone.instants(minute) {
            LocalResult::Single(t) => {
                self.minute = Some((minute, t));
                self.second_run = false;
                t
            }
            LocalResult::Ambiguous(first, second) => {
                // Neighbouring lines may be out of order by moments.
                let back = first.plus(within).plus(Span::from_seconds(10));
                self.second_run |= self.previous.is_some_and(|p| back < p);
                if self.second_run { second } else { first }
            }
            LocalResult::None => {
                let hour = chrono::TimeDelta::hours(1);
                let before = self
                    .zone
                    .instants(minute.checked_sub_signed(hour)?)
                    .earliest()?;
                before.plus(Span::from_hours(1))
            }
        };
        Some(instant.plus(within))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::cursor::Cursor;
    use chrono::DateTime;

    /// Lines in order, each `AS LOGGED = WHEN IN UTC`.
    fn check(zone: &str, mtime: &str, lines: &[(&str, &str)]) {
        let mut clock = Clock::new(Zone::named(zone).unwrap(), mtime.parse().unwrap());
        for (line, expected) in lines {
            let stamp = super::super::stamp::take(&mut Cursor(line.as_bytes())).unwrap();
            let found = clock.place(stamp).map(|t| {
                DateTime::from_timestamp_micros(t.micros())
                    .unwrap()
                    .format("%FT%TZ")
                    .to_string()
            });
            assert_eq!(found.as_deref(), Some(*expected), "{line} in {zone}");
        }
    }

    #[test]
    fn the_year_comes_from_the_files_time_and_the_order_of_lines() {
        check(
            "UTC",
            "2026-01-02T06:25:01Z",
            &[
                ("Dec 30 10:00:00", "2025-12-30T10:00:00Z"),
                ("Dec 31 23:59:59", "2025-12-31T23:59:59Z"),
                ("Jan  1 00:00:01", "2026-01-01T00:00:01Z"),
                ("Dec 31 23:59:59", "2025-12-31T23:59:59Z"),
                ("Jan  1 00:00:02", "2026-01-01T00:00:02Z"),
            ],
        );
        check(
            "UTC",
            "2026-09-19T12:00:00Z",
            &[("Sep 19 11:00:00", "2026-09-19T11:00:00Z")],
        );
        check(
            "UTC",
            "2026-09-19T12:00:00Z",
            &[("Sep 25 11:00:00", "2025-09-25T11:00:00Z")],
        );
        check(
            "UTC",
            "2026-03-10T12:00:00Z",
            &[("Feb 29 11:00:00", "2024-02-29T11:00:00Z")],
        );
        check(
            "UTC",
            "2026-01-01T00:00:30Z",
            &[
                ("Dec 31 23:59:58", "2025-12-31T23:59:58Z"),
                ("Jan  1 00:00:10", "2026-01-01T00:00:10Z"),
            ],
        );
    }

    #[test]
    fn one_line_with_a_wrong_clock_does_not_move_the_others() {
        check(
            "UTC",
            "2026-09-19T12:00:00Z",
            &[
                ("Sep 19 11:00:00", "2026-09-19T11:00:00Z"),
                ("Dec 25 11:00:00", "2025-12-25T11:00:00Z"),
                ("Sep 19 11:00:01", "2026-09-19T11:00:01Z"),
                ("Apr  1 11:00:00", "2026-04-01T11:00:00Z"),
                ("Sep 19 11:00:02", "2026-09-19T11:00:02Z"),
            ],
        );
    }

    #[test]
    fn the_hour_that_comes_twice_and_the_one_that_never_comes() {
        check(
            "America/New_York",
            "2026-11-02T00:00:00Z",
            &[
                ("Nov  1 00:59:59", "2026-11-01T04:59:59Z"),
                ("Nov  1 01:00:00", "2026-11-01T05:00:00Z"),
                ("Nov  1 01:59:59", "2026-11-01T05:59:59Z"),
                ("Nov  1 01:00:00", "2026-11-01T06:00:00Z"),
                ("Nov  1 01:59:59", "2026-11-01T06:59:59Z"),
                ("Nov  1 02:00:00", "2026-11-01T07:00:00Z"),
            ],
        );
        check(
            "Europe/Berlin",
            "2026-03-29T12:00:00Z",
            &[
                ("Mar 29 01:59:59", "2026-03-29T00:59:59Z"),
                ("Mar 29 02:30:00", "2026-03-29T01:30:00Z"),
                ("Mar 29 03:00:00", "2026-03-29T01:00:00Z"),
            ],
        );
    }
}
