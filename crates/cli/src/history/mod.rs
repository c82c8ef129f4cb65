//! A host's last days, from its logs and from its day records: what [`report::history`] makes of them.
//!
//! ```no_run
//! # fn example(cx: &cli::Context, names: &[String]) -> anyhow::Result<()> {
//! use chrono::Days;
//! use cli::history;
//! use cli::logs::Selection;
//! use report::reasons::Class;
//! use std::sync::Arc;
//!
//! let host = cli::instances::discover(cx);
//! let selection = Selection::new(cx, &host, names, false)?;
//! // Thirty whole days and today, which is not over.
//! let today = history::today(cx).unwrap_or_default();
//! let days = history::days(cx, today - Days::new(30), today);
//! let tables = cli::tables::Tables {
//!     providers: Arc::new(cli::tables::providers(cx)?),
//!     reasons: Some(Arc::new(cli::tables::reasons(cx)?)),
//! };
//! let history = history::read(cx, &host, &selection, &days, &tables);
//! for day in &history.days {
//!     // A day of which nothing is known is not there: it is not the same as one without a delivery.
//!     if let Some(of) = day.instance("postfix-aol-a") {
//!         let counts = of.figures.counts;
//!         let blocked = of.figures.reason(Class::Blocked).map_or(0, |row| row.counts.total());
//!         let (name, whole) = (day.day.name().unwrap_or_default(), of.complete);
//!         cx.note(format!("{name}: {} attempts, {blocked} blocked, {:?}, {whole}", counts.total(), of.source));
//!     }
//! }
//! cx.problems(&history.problems);
//! # Ok(())
//! # }
//! ```

mod counting;
mod logs;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use postfix::config::Host;
use postfix::{Parsed, Problem};
use report::days::{self, Day, DayRecord};
use report::history::History;

use crate::context::Context;
use crate::logs::{Selection, log_sets};
use crate::tables::Tables;
use crate::window::day_of;

pub use counting::{DayCounts, DaySettings};
pub use logs::{DayLogs, begins_late};

/// Where records are kept.
pub const DIRECTORY: &str = "/var/lib/relay-tools/days";

/// The day that it is on the host's clock.
pub fn today(cx: &Context) -> Option<NaiveDate> {
    let now = cx.zone().at(cx.now().div_euclid(1_000_000))?;
    Some(now.date_naive())
}

/// The days of the host's clock from `first` to `last`, both among them, from midnight to midnight.
pub fn days(cx: &Context, first: NaiveDate, last: NaiveDate) -> Vec<Day> {
    let dates = first.iter_days().take_while(|date| *date <= last);
    let day = |date| {
        let window = day_of(date, cx.zone())?;
        Some(Day {
            host: cx.host().to_owned(),
            zone: cx.zone(),
            since: window.since?,
            until: window.until?,
        })
    };
    dates.filter_map(day).collect()
}

/// The figures of the instances that are selected, on each of the `days`, which must be in order: of one pass over those
/// parts of the host's logs that hold them, and of the records of the days that the logs no longer hold whole.
///
/// What cannot be read is among [`History::problems`]; what nothing is known of is missing in [`History::days`].
pub fn read(
    cx: &Context,
    host: &Parsed<Host>,
    selection: &Selection<'_>,
    days: &[Day],
    tables: &Tables,
) -> History {
    let settings = DaySettings {
        zone: cx.zone(),
        instances: selection.syslog_names().map(str::to_owned).collect(),
        tables: tables.clone(),
        whole: false,
    };
    let mut counts = DayCounts::new(selection, days, &settings);
    let (sets, wanted) = (log_sets(cx, host, selection), counts.wanted());
    let logs = DayLogs::read(cx, &sets, days, wanted, &mut counts);
    let counted = counts.records(|day, instance| logs.of(cx, day, instance));
    let is_asked = |name: &str| selection.wants(name.as_bytes());
    combined(cx, days, counted, logs.problems, is_asked)
}

/// Puts what was `counted` in the logs together with the records of this host's `days`. Records are read of those days only
/// of which the logs do not hold all.
pub fn combined(
    cx: &Context,
    days: &[Day],
    counted: Vec<DayRecord>,
    mut problems: Vec<Problem>,
    wants: impl Fn(&str) -> bool,
) -> History {
    let mut stored = Vec::new();
    for day in days {
        let name = day.name();
        let mut of_day = counted.iter().filter(|r| Some(&r.day) == name.as_ref());
        if of_day.clone().next().is_some() && of_day.all(|record| record.complete) {
            continue;
        }
        let Some(path) = record_file(cx, day) else {
            continue;
        };
        let (records, told) = match std::fs::read(&path) {
            Ok(text) => days::stored(&path, &text),
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            Err(e) => {
                let what = format!("cannot read the records of this day: {e}");
                problems.push(Problem::new(&path, what));
                continue;
            }
        };
        problems.extend(told);
        let records = records.into_iter().map(|(_, record)| record);
        let of_it = |r: &DayRecord| {
            r.host == day.host && Some(&r.day) == name.as_ref() && wants(&r.instance)
        };
        stored.extend(records.filter(of_it));
    }
    History::new(days.to_vec(), counted, stored, problems)
}

/// The file of a day's records; nothing for a day out of all bounds.
pub fn record_file(cx: &Context, day: &Day) -> Option<PathBuf> {
    let directory = cx.root().under(Path::new(DIRECTORY));
    let (name, host) = (day.name()?, day.host.replace('/', "_"));
    Some(directory.join(format!("{name}.{host}.jsonl")))
}
