//! The time at the head of a log line, in the forms that syslog daemons, journalctl and container runtimes write.

use crate::Time;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use super::cursor::Cursor;
use super::month;

mod pass;

pub(super) use pass::Minute;

/// A time as written: some forms say when exactly, others leave the year or the zone to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// Microseconds since 1970 (UTC): the line gives its offset.
    Instant(Time),
    /// The host's own clock, date and time.
    Local(NaiveDateTime),
    /// The host's own clock without the year (RFC 3164): month, day, time of day.
    Yearless(u32, u32, NaiveTime),
}

/// Reads a time at the front of `at` and takes it off.
///
/// Understood: RFC 3339 (`T` or a blank between date and time, any or no fraction, `Z`, `+02:00`, `+0200` or no
/// offset), also without its signs (`20260919T122257Z`); the traditional form (`Sep 19 12:22:57`), also with a weekday
/// before it, with a fraction, with the year before the month, after the day or after the time, with the month in
/// another language, with the day before it (`15 avril 12:22:57`); `journalctl -o short-full` (`Tue 2026-09-19 12:22:57
/// CEST`) and `short-unix` (`1695119777.123456`), with any or no fraction.
pub(super) fn take(at: &mut Cursor<'_>) -> Option<Stamp> {
    let mut c = *at;
    let stamp = match c.peek()? {
        b'0'..=b'9' => numeric(&mut c),
        b'A'..=b'Z' | b'a'..=b'z' | 0x80.. => named(&mut c),
        _ => None,
    }?;
    // A time is a word of its own.
    if !matches!(c.peek(), None | Some(b' ' | b'\t')) {
        return None;
    }
    *at = c;
    Some(stamp)
}

fn numeric(c: &mut Cursor<'_>) -> Option<Stamp> {
    let start = *c;
    let Some(year) = c.number(4, 4) else {
        return counted(c);
    };
    if c.eat(b"-") {
        return iso(year, c, false);
    }
    if let Some(stamp) = compact(year, c) {
        return Some(stamp);
    }
    if c.eat(b" ") {
        let month = month::take(c)?;
        c.blanks();
        let day = c.number(1, 2)?;
        c.blanks();
        let time = time(c)?;
        return local(year, month, day, time);
    }
    *c = start;
    unix(c)
}

/// `15 avril 12:22:57`, `15. April 2026 12:22:57`, `4月 15 12:22:57`: one or two digits in front of the month or of its
/// sign.
fn counted(c: &mut Cursor<'_>) -> Option<Stamp> {
    let number = c.number(1, 2)?;
    if month::eat_counter(c) {
        c.blanks();
        let day = c.number(1, 2)?;
        return behind_day(u32::try_from(number).ok()?, day, c);
    }
    c.eat(b".");
    if !c.eat(b" ") {
        return None;
    }
    behind_day(month::take(c)?, number, c)
}

/// Seconds since 1970, with or without a fraction (journalctl(1), `short-unix`; rsyslog's `date-unixtimestamp`,
/// syslog-ng's `UNIXTIME`).
fn unix(c: &mut Cursor<'_>) -> Option<Stamp> {
    let seconds = c.number(9, 11)?;
    let micros = u64::from(fraction(c));
    let total = seconds.checked_mul(1_000_000)?.checked_add(micros)?;
    let micros = i64::try_from(total).ok()?;
    Some(Stamp::Instant(Time::from_micros(micros)))
}

/// What follows `YYYY` in `20261124T130000Z`.
fn compact(year: u64, c: &mut Cursor<'_>) -> Option<Stamp> {
    let mut probe = *c;
    let pair = |c: &mut Cursor<'_>| u32::try_from(c.number(2, 2)?).ok();
    let (month, day) = (pair(&mut probe)?, pair(&mut probe)?);
    if !probe.eat(b"T") {
        return None;
    }
    let (hour, minute) = (pair(&mut probe)?, pair(&mut probe)?);
    let second = pair(&mut probe).filter(|s| *s <= 60)?.min(59);
    let micros = fraction(&mut probe);
    let time = NaiveTime::from_hms_micro_opt(hour, minute, second, micros)?;
    let Stamp::Local(local) = local(year, month, u64::from(day), time)? else {
        return None;
    };
    *c = probe;
    zoned(local, c)
}

/// What follows `YYYY-`. With `zone_name`, a word such as `CEST` stands for the host's zone.
fn iso(year: u64, c: &mut Cursor<'_>, zone_name: bool) -> Option<Stamp> {
    let month = u32::try_from(c.number(2, 2)?).ok()?;
    if !c.eat(b"-") {
        return None;
    }
    let day = c.number(2, 2)?;
    if !(c.eat(b"T") || c.eat(b"t") || c.eat(b" ")) {
        return None;
    }
    let time = time(c)?;
    let Stamp::Local(local) = local(year, month, day, time)? else {
        return None;
    };
    if zone_name {
        let mut zone = *c;
        zone.blanks();
        let word = zone.word();
        if (3..=5).contains(&word.len()) && word.iter().all(u8::is_ascii_uppercase) {
            *c = zone;
            if word == b"UTC" {
                return Some(Stamp::Instant(local.and_utc().into()));
            }
        }
        return Some(Stamp::Local(local));
    }
    zoned(local, c)
}

/// A time, and the offset after it: `Z`, `+02:00`, `+0200` or none.
fn zoned(local: NaiveDateTime, c: &mut Cursor<'_>) -> Option<Stamp> {
    let offset = match c.peek() {
        Some(b'Z' | b'z') => {
            c.until(|b| b != b'Z' && b != b'z');
            0
        }
        Some(sign @ (b'+' | b'-')) => {
            c.eat(&[sign]);
            let hours = i64::try_from(c.number(2, 2)?).ok()?;
            c.eat(b":");
            let minutes = match c.peek() {
                Some(b'0'..=b'9') => i64::try_from(c.number(2, 2)?).ok()?,
                _ => 0,
            };
            let seconds = hours
                .saturating_mul(3600)
                .saturating_add(minutes.saturating_mul(60));
            if sign == b'-' {
                seconds.saturating_neg()
            } else {
                seconds
            }
        }
        _ => return Some(Stamp::Local(local)),
    };
    let utc = local.and_utc().timestamp_micros();
    let micros = utc.saturating_sub(offset.saturating_mul(1_000_000));
    Some(Stamp::Instant(Time::from_micros(micros)))
}

/// `[Tue ]Sep 19 [2026 ]12:22:57[.123456][ 2026]`, or a weekday and an ISO date.
fn named(c: &mut Cursor<'_>) -> Option<Stamp> {
    if weekday(c) {
        c.blanks();
        if c.peek()?.is_ascii_digit() {
            let year = c.number(4, 4)?;
            return if c.eat(b"-") {
                iso(year, c, true)
            } else {
                None
            };
        }
    }
    let month = month::take(c)?;
    if !c.eat(b" ") {
        return None;
    }
    c.blanks();
    let day = c.number(1, 2)?;
    behind_day(month, day, c)
}

/// What follows month and day: a year perhaps, and the time.
fn behind_day(month: u32, day: u64, c: &mut Cursor<'_>) -> Option<Stamp> {
    if !c.eat(b" ") {
        return None;
    }
    c.blanks();
    let mut year = year(c);
    if year.is_some() {
        c.blanks();
    }
    let time = time(c)?;
    if year.is_none() {
        let mut tail = *c;
        tail.blanks();
        year = self::year(&mut tail);
        if year.is_some() {
            *c = tail;
        }
    }
    match year {
        Some(year) => local(year, month, day, time),
        None => {
            let day = u32::try_from(day).ok()?;
            // Feb 29 must be taken in: only a leap year knows all days.
            NaiveDate::from_ymd_opt(2000, month, day)?;
            Some(Stamp::Yearless(month, day, time))
        }
    }
}

/// A year of four digits, on its own (a host may be called `2026`, but no log has been seen to do so).
fn year(c: &mut Cursor<'_>) -> Option<u64> {
    let mut probe = *c;
    let year = probe.number(4, 4).filter(|y| (1970..=2200).contains(y))?;
    if !matches!(probe.peek(), None | Some(b' ' | b'\t')) {
        return None;
    }
    *c = probe;
    Some(year)
}

fn weekday(c: &mut Cursor<'_>) -> bool {
    [
        b"Mon ", b"Tue ", b"Wed ", b"Thu ", b"Fri ", b"Sat ", b"Sun ",
    ]
    .into_iter()
    .any(|d| c.eat(d))
}

/// `HH:MM:SS`, a leap second too, with `.fraction` or `,fraction` (what is finer than a microsecond is dropped).
fn time(c: &mut Cursor<'_>) -> Option<NaiveTime> {
    let hour = c.number(1, 2)?;
    if !c.eat(b":") {
        return None;
    }
    let minute = c.number(2, 2)?;
    if !c.eat(b":") {
        return None;
    }
    // A leap second is counted with the second before it.
    let second = c.number(2, 2).filter(|s| *s <= 60)?.min(59);
    let micros = fraction(c);
    NaiveTime::from_hms_micro_opt(
        u32::try_from(hour).ok()?,
        u32::try_from(minute).ok()?,
        u32::try_from(second).ok()?,
        micros,
    )
}

/// `.123`, `,123456789` or nothing, in microseconds; what is finer is dropped.
fn fraction(c: &mut Cursor<'_>) -> u32 {
    let mut probe = *c;
    if !(probe.eat(b".") || probe.eat(b",")) {
        return 0;
    }
    let digits = probe.until(|b| !b.is_ascii_digit());
    if digits.is_empty() {
        return 0;
    }
    *c = probe;
    let digit = |at| {
        digits
            .get(at)
            .map_or(0, |d: &u8| u32::from(d.wrapping_sub(b'0')))
    };
    (0..6).fold(0, |micros: u32, at| {
        micros.wrapping_mul(10).wrapping_add(digit(at))
    })
}

fn local(year: u64, month: u32, day: u64, time: NaiveTime) -> Option<Stamp> {
    let year = i32::try_from(year).ok()?;
    let date = NaiveDate::from_ymd_opt(year, month, u32::try_from(day).ok()?)?;
    Some(Stamp::Local(date.and_time(time)))
}

#[cfg(test)]
mod tests;
