//! Instants and spans of time, each with its unit inside.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, TimeZone};

const MICROS: i64 = 1_000_000;

/// An instant: whole microseconds since 1970 (UTC). What lies out of bounds is the nearest bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

impl Time {
    /// Before everything.
    pub const MIN: Self = Self(i64::MIN);

    /// The beginning of 1970 (UTC).
    pub const EPOCH: Self = Self(0);

    /// Behind everything.
    pub const MAX: Self = Self(i64::MAX);

    /// The instant `micros` microseconds after 1970 began (UTC).
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The instant `seconds` seconds after 1970 began (UTC).
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(MICROS))
    }

    /// Microseconds since 1970 (UTC).
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970 (UTC), a part of one left out.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(MICROS)
    }

    /// The instant that is `span` later.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add_unsigned(span.0))
    }

    /// The instant that is `span` earlier.
    #[must_use]
    pub const fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub_unsigned(span.0))
    }

    /// How much later it is than `earlier`; must be more than zero, if it is not.
    pub fn since(self, earlier: Self) -> Span {
        match self > earlier {
            true => self.distance(earlier),
            false => Span::ZERO,
        }
    }

    /// How far it is from another one, earlier or later.
    pub const fn distance(self, other: Self) -> Span {
        Span(self.0.abs_diff(other.0))
    }
}

impl<Z: TimeZone> From<DateTime<Z>> for Time {
    fn from(time: DateTime<Z>) -> Self {
        Self(time.timestamp_micros())
    }
}

impl FromStr for Time {
    type Err = chrono::ParseError;

    /// RFC 3339: `2026-09-19T12:22:57Z`, `2026-09-19T12:22:57.250-04:00`.
    fn from_str(text: &str) -> Result<Self, chrono::ParseError> {
        DateTime::parse_from_rfc3339(text).map(Self::from)
    }
}

/// A span of time: whole microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of this many microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// A span of this many seconds.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(MICROS.unsigned_abs()))
    }

    /// A span of this many minutes.
    pub const fn from_minutes(minutes: u64) -> Self {
        Self::from_seconds(minutes.saturating_mul(60))
    }

    /// A span of this many hours.
    pub const fn from_hours(hours: u64) -> Self {
        Self::from_seconds(hours.saturating_mul(3600))
    }

    /// A span of this many days of 24 hours.
    pub const fn from_days(days: u64) -> Self {
        Self::from_seconds(days.saturating_mul(86_400))
    }

    /// Microseconds.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Whole seconds, a part of one left out.
    pub const fn seconds(self) -> u64 {
        self.0.div_euclid(1_000_000)
    }

    /// The same for the standard library.
    pub const fn duration(self) -> Duration {
        Duration::from_micros(self.0)
    }
}

/// A text that is not a span of time; says what would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanError;

impl fmt::Display for SpanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a span of time such as 90s, 30m, 2h, 3d, 1w or 1d12h")
    }
}

impl std::error::Error for SpanError {}

impl FromStr for Span {
    type Err = SpanError;

    /// Numbers with the units of postconf(5) (s, m, h, d, w), as `90s`, `2h`, `1d12h`. No number without a unit.
    fn from_str(text: &str) -> Result<Self, SpanError> {
        if text.is_empty() {
            return Err(SpanError);
        }
        let (mut seconds, mut rest) = (0_u64, text);
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or(SpanError)?;
            let (digits, after) = rest.split_at_checked(end).ok_or(SpanError)?;
            let number: u64 = digits.parse().map_err(|_| SpanError)?;
            let mut letters = after.chars();
            let unit = match letters.next() {
                Some('s') => 1,
                Some('m') => 60,
                Some('h') => 3600,
                Some('d') => 86_400,
                Some('w') => 604_800,
                _ => return Err(SpanError),
            };
            rest = letters.as_str();
            let more = number.checked_mul(unit);
            seconds = more
                .and_then(|more| seconds.checked_add(more))
                .ok_or(SpanError)?;
        }
        let micros = seconds.checked_mul(MICROS.unsigned_abs());
        micros.map(Self).ok_or(SpanError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read() {
        let check = |text: &str, seconds: Option<u64>| {
            assert_eq!(text.parse().ok(), seconds.map(Span::from_seconds), "{text}");
        };
        check("90s", Some(90));
        check("30m", Some(1800));
        check("2h", Some(7200));
        check("3d", Some(259_200));
        check("1w", Some(604_800));
        check("1d12h", Some(129_600));
        check("0s", Some(0));
        for junk in [
            "", "5", "h", "-2h", "2 h", "2H", "2y", "1.5h", "2h3", "+2h", "2\u{e9}",
        ] {
            check(junk, None);
        }
        check("99999999999999999999s", None);
        check("9999999999999999w", None);
    }

    #[test]
    fn instants_end_at_their_bounds() {
        let (early, late) = (Time::from_seconds(-1), Time::from_seconds(2));
        assert_eq!(late.since(early), Span::from_seconds(3));
        assert_eq!(early.since(late), Span::ZERO);
        assert_eq!(early.distance(late), Span::from_seconds(3));
        assert_eq!(Time::from_micros(-1).seconds(), -1);
        assert_eq!(Time::MAX.plus(Span::from_days(1)), Time::MAX);
        assert_eq!(Time::from_seconds(i64::MIN), Time::MIN);
        assert_eq!(Time::MIN.distance(Time::MAX), Span::from_micros(u64::MAX));
    }
}
