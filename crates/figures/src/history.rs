//! A host's last days: the figures of each instance on each day, from the logs where they still hold the day, else from
//! the day's record.
//!
//! [`History::new`] picks for each instance and day the better of what the logs and what the records say. Reading both
//! is the `cli` crate's (`host::history::read`).

use std::collections::BTreeMap;

use postfix::{Day, Problem};

use crate::days::{DayRecord, Period, is_daily, replaces};
use crate::mail_stats::Figures;

/// The days of a span, of one host.
#[derive(Debug, Clone)]
pub struct History {
    /// Every day of the span, the oldest first, whether anything is known of it or not.
    pub days: Vec<HistoryDay>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// A day of a host.
#[derive(Debug, Clone)]
pub struct HistoryDay {
    /// Which.
    pub day: Period,
    /// Every instance of which something is known, by name: without any delivery, too, if the logs or a record hold the
    /// day.
    pub instances: Vec<InstanceDay>,
    /// Instances that should be among them: records are all that is known of the day, and there is one of it neither
    /// there nor in the logs, though there is of days before and after.
    pub lost: Vec<String>,
    /// Which of its logs and records could not be read, a line each; to be added by who reads them.
    pub unread: Vec<String>,
}

/// An instance's day.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceDay {
    /// Its syslog_name.
    pub instance: String,
    /// Where the figures are from.
    pub source: Source,
    /// Is all of the day in them?
    pub complete: bool,
    /// If not, why.
    pub incomplete: Vec<String>,
    /// Delivery attempts, broken down by [`crate::days::DIMENSIONS`].
    pub figures: Figures,
    pub(crate) record: DayRecord,
}

/// Where the figures of a day are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The logs.
    Logs,
    /// A record of the day.
    Record,
}

impl History {
    /// Picks, for each instance and day, one of what was counted in the `logs` and what is `stored`: the logs where
    /// they hold the whole day, else what [`replaces`] the other. A record of a day of another time zone is not all of
    /// the day. From the logs, an incomplete record without any delivery says that nothing is known, and that is not an
    /// answer.
    pub fn new(
        days: Vec<Period>,
        logs: Vec<DayRecord>,
        stored: Vec<DayRecord>,
        problems: Vec<Problem>,
    ) -> Self {
        let mut best: BTreeMap<(Day, String), (Source, DayRecord)> = BTreeMap::new();
        let key = |record: &DayRecord| (record.day, record.instance.clone());
        for record in stored
            .into_iter()
            .map(|record| of_these_hours(record, &days))
        {
            match best.get(&key(&record)) {
                Some((_, old)) if !replaces(&record, old) => {}
                _ => {
                    best.insert(key(&record), (Source::Record, record));
                }
            }
        }
        for record in logs {
            let is_better = match best.get(&key(&record)) {
                Some((_, old)) => record.complete || replaces(&record, old),
                None => record.complete || !record.is_empty(),
            };
            if is_better {
                best.insert(key(&record), (Source::Logs, record));
            }
        }
        let of_day = |period: &Period| {
            let day = period.day();
            let found = best.iter().filter(|((of, _), _)| *of == day);
            let found = found.map(|(_, (source, record))| InstanceDay::new(*source, record));
            found.collect()
        };
        let days = days.into_iter().map(|day| HistoryDay {
            instances: of_day(&day),
            lost: Vec::new(),
            unread: Vec::new(),
            day,
        });
        let mut days: Vec<HistoryDay> = days.collect();
        find_lost(&mut days);
        Self { days, problems }
    }

    /// The last day of the span, if it has any.
    pub fn last(&self) -> Option<&HistoryDay> {
        self.days.last()
    }
}

/// Finds the instances that days lack, between two days on which something is known of them.
fn find_lost(days: &mut [HistoryDay]) {
    let mut spans: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (at, day) in days.iter().enumerate() {
        for of in day.instances.iter().filter(|of| is_daily(&of.instance)) {
            let new = (at, at);
            spans.entry(of.instance.clone()).or_insert(new).1 = at;
        }
    }
    for (at, day) in days.iter_mut().enumerate() {
        // Logs that hold the day say that what is not in them had nothing.
        let is_recorded = |of: &InstanceDay| of.source == Source::Record;
        if day.instances.is_empty() || !day.instances.iter().all(is_recorded) {
            continue;
        }
        let lost = spans.iter().filter(|(name, (first, last))| {
            (first..last).contains(&&at) && day.instance(name).is_none()
        });
        day.lost = lost.map(|(name, _)| name.clone()).collect();
    }
}

/// A host's clock may have been another one when the record was made: then its day had other hours.
fn of_these_hours(mut record: DayRecord, days: &[Period]) -> DayRecord {
    let mut days = days.iter();
    let day = days.find(|day| day.day() == record.day);
    if day.is_some_and(|day| record.span() != Some((day.since, day.until))) {
        let why = format!("the record covers different hours, {}", record.hours());
        record.complete = false;
        record.incomplete.push(why);
    }
    record
}

impl HistoryDay {
    /// What is known of `instance` (its syslog_name) on this day.
    pub fn instance(&self, instance: &str) -> Option<&InstanceDay> {
        self.instances.iter().find(|i| i.instance == instance)
    }
}

impl InstanceDay {
    fn new(source: Source, record: &DayRecord) -> Self {
        Self {
            instance: record.instance.clone(),
            source,
            complete: record.complete,
            incomplete: record.incomplete.clone(),
            figures: record.stats(),
            record: record.clone(),
        }
    }
}
