//! A host's last days, from its logs and from its day records: what [`figures::history`] makes of them.
//!
//! ```no_run
//! # fn example(site: &host::Site, names: &[String]) -> anyhow::Result<()> {
//! use host::history;
//! use host::logs::Selection;
//! use knowledge::reasons::Class;
//! use std::sync::Arc;
//!
//! let host = host::instances::discover(site);
//! let selection = Selection::new(site, &host, names, false)?;
//! // Thirty whole days and today, which is not over.
//! let today = history::today(site);
//! let days = history::days(site, today.minus(30), today);
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
//!         let (name, whole) = (day.day.day(), of.complete);
//!         site.note(format!("{name}: {} attempts, {blocked} blocked, {:?}, {whole}", counts.total(), of.source));
//!     }
//! }
//! site.problems(&history.problems);
//! # Ok(())
//! # }
//! ```

mod counting;
mod logs;

use std::path::{Path, PathBuf};

use figures::days::{self, DayRecord, Period};
use figures::history::History;
use postfix::config::Host;
use postfix::{Day, Parsed, Problem, escape};

use crate::logs::{Hosts, Preference, Selection, log_sets};
use crate::site::Site;
use crate::tables::Tables;

pub use counting::{DayCounts, DaySettings};
pub use logs::{DayLogs, begins_late};

/// Where records are kept.
pub const DIRECTORY: &str = "/var/lib/relay-tools/days";
/// The most bytes of the records of a day.
pub const MOST_RECORDS: u64 = 64 << 20;

/// The day that it is on the host's clock.
pub fn today(site: &Site) -> Day {
    Day::at(site.now(), site.zone())
}

/// The days of the host's clock from `first` to `last`, both among them, from midnight to midnight.
pub fn days(site: &Site, first: Day, last: Day) -> Vec<Period> {
    let of_day = |day| Period::of_day(site.host(), site.zone(), day);
    first.up_to(last).map(of_day).collect()
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
    days: &[Period],
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
    Ok(combined(site, days, counted, logs, is_asked))
}

/// Puts what was `counted` in the `logs` together with the records of this host's `days`. Records are read of those
/// days only of which the logs do not hold all.
pub fn combined(
    site: &Site,
    days: &[Period],
    counted: Vec<DayRecord>,
    logs: DayLogs,
    wants: impl Fn(&str) -> bool,
) -> History {
    let mut unread: Vec<_> = days.iter().map(|day| logs.unread(day)).collect();
    let mut problems = logs.problems;
    let mut stored = Vec::new();
    for (period, unread) in days.iter().zip(&mut unread) {
        let day = period.day();
        let mut of_day = counted.iter().filter(|r| r.day == day);
        if of_day.clone().next().is_some() && of_day.all(|record| record.complete) {
            continue;
        }
        let path = record_file(site, period);
        let (records, damaged) = match guarded::read(&path, MOST_RECORDS) {
            Ok(text) => days::stored(&path, &text),
            Err(e) if guarded::is_absent(&e) => continue,
            Err(e) => {
                let what = format!("cannot read the records of this day: {e}");
                let problem = Problem::new(&path, what);
                unread.push(problem.to_string());
                problems.push(problem);
                continue;
            }
        };
        unread.extend(damaged.iter().map(ToString::to_string));
        problems.extend(damaged);
        let records = records.into_iter().map(|(_, record)| record);
        let of_it = |r: &DayRecord| r.host == period.host && r.day == day && wants(&r.instance);
        stored.extend(records.filter(of_it));
    }
    let mut history = History::new(days.to_vec(), counted, stored, problems);
    for (day, unread) in history.days.iter_mut().zip(unread) {
        day.unread = unread;
    }
    for day in history.days.iter().filter(|day| !day.lost.is_empty()) {
        let names: Vec<String> = day
            .lost
            .iter()
            .map(|name| escape(name).to_string())
            .collect();
        let what = format!(
            "no record of {}, though there is one of days before and after",
            names.join(", ")
        );
        let path = record_file(site, &day.day);
        history.problems.push(Problem::new(&path, what));
    }
    history
}

/// The file of a day's records.
pub fn record_file(site: &Site, period: &Period) -> PathBuf {
    let directory = site.root().under(Path::new(DIRECTORY));
    let (day, host) = (period.day(), period.host.replace('/', "_"));
    directory.join(format!("{day}.{host}.jsonl"))
}
