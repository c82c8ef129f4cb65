//! A host's last days, from its logs and from its day records: what [`figures::history`] makes of them.
//!
//! ```no_run
//! # fn example(site: &host::Site, names: &[String]) -> anyhow::Result<()> {
//! use chrono::Days;
//! use host::history;
//! use host::logs::Selection;
//! use knowledge::reasons::Class;
//! use std::sync::Arc;
//!
//! let host = host::instances::discover(site);
//! let selection = Selection::new(site, &host, names, false)?;
//! // Thirty whole days and today, which is not over.
//! let today = history::today(site).unwrap_or_default();
//! let days = history::days(site, today - Days::new(30), today);
//! let tables = host::tables::Tables {
//!     providers: Arc::new(host::tables::providers(site)?),
//!     reasons: Some(Arc::new(host::tables::reasons(site)?)),
//! };
//! let history = history::read(site, &host, &selection, None, &days, &tables)?;
//! for day in &history.days {
//!     // A day of which nothing is known is absent: that is not the same as one without a delivery.
//!     if let Some(of) = day.instance("postfix-aol-a") {
//!         let counts = of.figures.counts;
//!         let blocked = of.figures.reason(Class::Blocked).map_or(0, |row| row.counts.total());
//!         let (name, whole) = (day.day.name().unwrap_or_default(), of.complete);
//!         site.note(format!("{name}: {} attempts, {blocked} blocked, {:?}, {whole}", counts.total(), of.source));
//!     }
//! }
//! site.problems(&history.problems);
//! # Ok(())
//! # }
//! ```

mod counting;
mod logs;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use figures::days::{self, Day, DayRecord};
use figures::history::History;
use postfix::config::Host;
use postfix::{Parsed, Problem};

use crate::logs::{Hosts, Preference, Selection, log_sets};
use crate::site::Site;
use crate::tables::Tables;
use postfix::day_of;

pub use counting::{DayCounts, DaySettings};
pub use logs::{DayLogs, begins_late};

/// Where records are kept.
pub const DIRECTORY: &str = "/var/lib/relay-tools/days";
/// The most bytes of the records of a day.
pub const MOST_RECORDS: u64 = 64 << 20;

/// The day that it is on the host's clock.
pub fn today(site: &Site) -> Option<NaiveDate> {
    postfix::today(site.now(), site.zone())
}

/// The days of the host's clock from `first` to `last`, both among them, from midnight to midnight.
pub fn days(site: &Site, first: NaiveDate, last: NaiveDate) -> Vec<Day> {
    let dates = first.iter_days().take_while(|date| *date <= last);
    let day = |date| {
        let window = day_of(date, site.zone())?;
        Some(Day {
            host: site.host().to_owned(),
            zone: site.zone(),
            since: window.since?,
            until: window.until?,
        })
    };
    dates.filter_map(day).collect()
}

/// The figures of the instances that are selected, on each of the `days`, which must be in order: of one pass over
/// those parts of the host's logs that hold them, and of the records of the days that the logs no longer hold whole.
///
/// What cannot be read is among [`History::problems`]; what nothing is known of is missing in [`History::days`].
///
/// # Errors
/// As [`log_sets`].
pub fn read(
    site: &Site,
    host: &Parsed<Host>,
    selection: &Selection<'_>,
    asked: Option<Preference>,
    days: &[Day],
    tables: &Tables,
) -> anyhow::Result<History> {
    let sets = log_sets(site, host, selection, asked)?;
    let settings = DaySettings {
        zone: site.zone(),
        instances: selection.syslog_names().map(str::to_owned).collect(),
        tables: tables.clone(),
        whole: false,
        hosts: Hosts::of_own(site, &sets),
    };
    let mut counts = DayCounts::new(selection, days, &settings);
    let wanted = counts.wanted();
    let logs = DayLogs::read(site, &sets, days, wanted, &mut counts);
    let counted = counts.records(|day, instance| logs.of(site, day, instance));
    let is_asked = |name: &str| selection.wants(name.as_bytes());
    Ok(combined(site, days, counted, logs.problems, is_asked))
}

/// Puts what was `counted` in the logs together with the records of this host's `days`. Records are read of those days
/// only of which the logs do not hold all.
pub fn combined(
    site: &Site,
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
        let Some(path) = record_file(site, day) else {
            continue;
        };
        let (records, told) = match guarded::read(&path, MOST_RECORDS) {
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
pub fn record_file(site: &Site, day: &Day) -> Option<PathBuf> {
    let directory = site.root().under(Path::new(DIRECTORY));
    let (name, host) = (day.name()?, day.host.replace('/', "_"));
    Some(directory.join(format!("{name}.{host}.jsonl")))
}
