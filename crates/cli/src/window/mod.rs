//! `--date`, `--since`, `--until`: a window of time, as an admin means it on the clock of the host looked at.

use chrono::{DateTime, NaiveTime};
use clap::Args;
use postfix::{Day, Fold, Span, Time, Window, Zone};

/// The forms of a point in time, for messages and help.
pub const TIME_FORMS: &str = "14:30, today, yesterday, 2026-11-23, \"2026-11-23 14:30[:SS]\", \
2026-11-23T14:30:00+01:00, or a span before now: 90s, 30m, 2h, 3d, 1w";

/// The flags that choose a window, to be flattened into a tool's arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Window")]
pub struct WindowArgs {
    /// One day: today, yesterday or YYYY-MM-DD
    ///
    /// From midnight to midnight on the host's clock, whether that is 23, 24 or 25 hours.
    #[arg(long, value_name = "DAY", conflicts_with_all = ["since", "until"])]
    pub date: Option<String>,

    /// Begin at this time: 14:30, yesterday, 2026-11-23, "2026-11-23 14:30", 2h, 3d
    ///
    /// A time today (14:30, 14:30:05), the beginning of a day (today, yesterday, 2026-11-23), a day and a time
    /// ("2026-11-23 14:30"), RFC 3339 (2026-11-23T14:30:00+01:00), or a span before now (90s, 30m, 2h, 3d, 1w). By the
    /// host's clock, unless an offset is given.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,

    /// End before this time; same forms as --since
    ///
    /// A date means the beginning of that day: --until 2026-11-23 ends with the 22nd.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

/// Why flags make no window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WindowError {
    /// The text after this flag is not one of its forms.
    Junk(&'static str, String),
    /// The time of day after `--since` is still to come today.
    ToCome(String),
    /// `--since` and `--until`, the wrong way round or the same.
    Empty(String, String),
}

impl std::fmt::Display for WindowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Junk("--date", text) => {
                write!(
                    f,
                    "--date: not a day: '{text}'; use today, yesterday or YYYY-MM-DD"
                )
            }
            Self::Junk(flag, text) => {
                write!(f, "{flag}: not a time: '{text}'; use {TIME_FORMS}")
            }
            Self::ToCome(text) => write!(
                f,
                "--since: {text} is later than now; for another day, give the date: \"YYYY-MM-DD {text}\""
            ),
            Self::Empty(since, until) => {
                write!(
                    f,
                    "--since {since} is not before --until {until}: the window is empty"
                )
            }
        }
    }
}

impl std::error::Error for WindowError {}

impl WindowArgs {
    /// The day that `--date` names, when it is `now` in `zone`.
    ///
    /// # Errors
    /// It names none.
    pub fn day(&self, now: Time, zone: Zone) -> Result<Option<Day>, WindowError> {
        let Some(text) = &self.date else {
            return Ok(None);
        };
        let day = Clock { now, zone }.day(text);
        let junk = || WindowError::Junk("--date", text.clone());
        day.map(Some).ok_or_else(junk)
    }

    /// The window that the flags name, when it is `now` in `zone`. A local time that
    /// a clock change skips stands for the instant of the change; of one that occurs twice, `--since` means the first
    /// and `--until` the second.
    ///
    /// # Errors
    /// A flag's text is not in one of its forms, or nothing lies between `--since` and `--until`.
    pub fn window(&self, now: Time, zone: Zone) -> Result<Window, WindowError> {
        let clock = Clock { now, zone };
        if let Some(day) = self.day(now, zone)? {
            return Ok(day.window(zone));
        }
        let bound = |flag, text: &Option<String>, fold| match text {
            Some(text) => match clock.point(text, fold) {
                Some(at) => Ok(Some(at)),
                None => Err(WindowError::Junk(flag, text.clone())),
            },
            None => Ok(None),
        };
        let since = bound("--since", &self.since, Fold::First)?;
        let until = bound("--until", &self.until, Fold::Second)?;
        if let (Some(text), Some(at)) = (&self.since, since)
            && at > now
            && time(text).is_some()
        {
            return Err(WindowError::ToCome(text.clone()));
        }
        match (&self.since, &self.until, since >= until) {
            (Some(since), Some(until), true) => {
                Err(WindowError::Empty(since.clone(), until.clone()))
            }
            _ => Ok(Window { since, until }),
        }
    }
}

/// A time to come: `14:00` is today's, or tomorrow's if that is over; a date is its
/// beginning; a date and a time; RFC 3339.
///
/// # Errors
/// None of these, or over already.
pub fn to_come(text: &str, now: Time, zone: Zone) -> Result<Time, String> {
    let clock = Clock { now, zone };
    let tomorrow = || {
        let day = clock.today().plus(1);
        day.time(time(text.trim())?, zone, Fold::First)
    };
    let is_to_come = |at: &Time| *at > now;
    // How long ago something was is no time to come.
    let found = match text.trim().parse::<Span>() {
        Ok(_) => None,
        Err(_) => clock.point(text, Fold::First),
    };
    let found = found.map(|at| {
        // At the end of summer time an hour comes twice.
        let again = || clock.point(text, Fold::Second).filter(is_to_come);
        let first = Some(at).filter(is_to_come);
        first.or_else(again).or_else(tomorrow).unwrap_or(at)
    });
    match found {
        Some(at) if at > now => Ok(at),
        Some(_) => Err(format!("{text} is over already")),
        None => Err(format!(
            "not a time: '{text}'; use 14:30, 2026-11-23, \"2026-11-23 14:30\" or 2026-11-23T14:30:00+01:00"
        )),
    }
}

/// What time it is, and where.
#[derive(Debug, Clone, Copy)]
struct Clock {
    now: Time,
    zone: Zone,
}

impl Clock {
    /// A point in time, in any of the forms.
    fn point(self, text: &str, fold: Fold) -> Option<Time> {
        let text = text.trim();
        if text == "now" {
            return Some(self.now);
        }
        if let Some(day) = self.day(text) {
            return Some(day.beginning(self.zone));
        }
        if let Some(time) = time(text) {
            return self.today().time(time, self.zone, fold);
        }
        if let Ok(span) = text.parse() {
            return Some(self.now.minus(span));
        }
        let (day, rest) = text.split_once([' ', 'T', 't'])?;
        let day: Day = day.parse().ok()?;
        match time(rest) {
            Some(time) => day.time(time, self.zone, fold),
            None => Some(DateTime::parse_from_rfc3339(text).ok()?.into()),
        }
    }

    /// `today`, `yesterday` or a date.
    fn day(self, text: &str) -> Option<Day> {
        match text {
            "today" => Some(self.today()),
            "yesterday" => Some(self.today().minus(1)),
            _ => text.parse().ok(),
        }
    }

    fn today(self) -> Day {
        Day::at(self.now, self.zone)
    }
}

/// `14:30`, `14:30:05`, `14:30:05.25`, in just these forms.
fn time(text: &str) -> Option<NaiveTime> {
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    let (clock, fraction) = match text.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (text, None),
    };
    if !clock.split(':').all(digits) {
        return None;
    }
    match (clock.len(), fraction) {
        (5, None) => NaiveTime::parse_from_str(clock, "%H:%M").ok(),
        (8, None) => NaiveTime::parse_from_str(clock, "%H:%M:%S").ok(),
        (8, Some(f)) if !f.is_empty() && f.bytes().all(|b| b.is_ascii_digit()) => {
            NaiveTime::parse_from_str(text, "%H:%M:%S%.f").ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
