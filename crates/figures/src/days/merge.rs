//! Records added up.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use postfix::{Position, Problem, Time};

use super::lacking::{Key, missing};
use super::wire::ComplaintEntry;
use super::{DIMENSIONS, DayRecord, replaces, stored};
use crate::bounds::MOST_TIMES;
use crate::complaints::Complaints;
use crate::mail_stats::{
    self, Count, Counts, Dimension, Frame, Instance, MailStats, Settings, Table, Tally,
};

/// Records of many days and hosts: one of each host, instance and day.
#[derive(Debug, Clone, Default)]
pub struct Days {
    records: BTreeMap<Key, StoredRecord>,
    problems: Vec<Problem>,
    /// What was read, with records or without.
    files: Vec<PathBuf>,
}

#[derive(Debug, Clone)]
struct StoredRecord {
    record: DayRecord,
    path: PathBuf,
    line: u64,
}

impl StoredRecord {
    fn problem(&self, what: String) -> Problem {
        Problem::new(&self.path, what).at(Position::Line(self.line))
    }

    /// Its hours, if it counts in `window`. What it lacks, and that it is only partly in it, are problems.
    fn counts_in(&self, window: &Range<Time>, problems: &mut Vec<Problem>) -> Option<Range<Time>> {
        let record = &self.record;
        let (since, until) = record.span()?;
        if until <= window.start || since >= window.end {
            return None;
        }
        let name = format!("{} on {}, {}", record.instance, record.host, record.day);
        if since < window.start || until > window.end {
            let what = format!("{name} is only partly in the window and is left out");
            problems.push(self.problem(what));
            return None;
        }
        if !record.complete {
            let why = record.incomplete.join("; ");
            problems.push(self.problem(format!("{name} is incomplete: {why}")));
        }
        Some(since..until)
    }
}

/// Records added up.
#[derive(Debug, Clone)]
pub struct Merged {
    /// The figures, with the problems. Its host names all hosts.
    pub stats: MailStats,
    /// How many records they are from.
    pub records: usize,
}

impl Days {
    /// Adds the records of a file.
    ///
    /// A record that was met before counts once. Of two that differ, the one counts that [`replaces`] the other; where
    /// both claim to be complete that is the later one, and a problem reports it.
    pub fn read(&mut self, path: &Path, text: &[u8]) {
        let (records, problems) = stored(path, text);
        self.files.push(path.to_owned());
        self.problems.extend(problems);
        for (line, record) in records {
            let (host, instance, day) = record.key();
            let key = (host.to_owned(), instance.to_owned(), day.to_owned());
            let new = StoredRecord {
                record,
                path: path.to_owned(),
                line,
            };
            let Some(old) = self.records.get(&key) else {
                self.records.insert(key, new);
                continue;
            };
            if !replaces(&new.record, &old.record) {
                continue;
            }
            if old.record.complete && new.record.complete {
                let (host, instance, day) = &key;
                let what = format!(
                    "a second, different record of {instance} on {host}, {day}; this one counts, not that in {}",
                    old.path.display()
                );
                self.problems.push(new.problem(what));
            }
            self.records.insert(key, new);
        }
    }

    /// The instances that there are records of.
    pub fn instances(&self) -> BTreeSet<Vec<u8>> {
        let records = self.records.values();
        records
            .map(|f| f.record.instance.clone().into_bytes())
            .collect()
    }

    /// Adds up the records of the days in `window` and of the instances that `wants` names. An instance's figures are
    /// those of all hosts that have one of its name.
    ///
    /// What [`Settings::by`] asks for must be among [`DIMENSIONS`], instance and day. A day that is partly in the
    /// window, a record of a part of a day, and days that a host or one of its instances has no record of, are
    /// problems.
    pub fn add_up(
        self,
        settings: &Arc<Settings>,
        window: Option<Range<Time>>,
        top: Option<usize>,
        wants: impl Fn(&[u8]) -> bool,
    ) -> Merged {
        let mut tally = Tally::new(Arc::clone(settings));
        let mut problems = self.problems;
        let (mut hosts, mut records) = (BTreeSet::new(), 0);
        let mut span: Option<Range<Time>> = None;
        problems.extend(self.files.first().and_then(|file| {
            let keys = self.records.keys().filter(|key| wants(key.1.as_bytes()));
            let what = missing(keys, window.as_ref(), settings.zone)?;
            Some(Problem::new(file, what))
        }));
        let window = window.unwrap_or(Time::MIN..Time::MAX);
        for found in self.records.into_values() {
            let record = &found.record;
            let is_wanted = wants(record.instance.as_bytes());
            let of = is_wanted.then(|| found.counts_in(&window, &mut problems));
            let Some(Range {
                start: since,
                end: until,
            }) = of.flatten()
            else {
                continue;
            };
            hosts.insert(record.host.clone());
            records += 1;
            span = Some(span.map_or(since..until, |s| s.start.min(since)..s.end.max(until)));
            tally.enter(counted(record, settings));
        }
        let hosts: Vec<String> = hosts.into_iter().collect();
        let stats = tally.finish(Frame {
            host: hosts.join(","),
            since: span.as_ref().map(|s| s.start),
            until: span.as_ref().map(|s| s.end),
            top,
            sources: Vec::new(),
            problems,
            ..Frame::default()
        });
        Merged { stats, records }
    }
}

impl DayRecord {
    fn complained(&self) -> Complaints {
        ComplaintEntry::complaints(self.complaints.as_deref().unwrap_or_default())
    }

    /// The figures of all attempts, with the breakdowns of [`DIMENSIONS`].
    pub fn stats(&self) -> mail_stats::Figures {
        let figures = self.figures(Count::Attempts);
        let tables = DIMENSIONS.map(|dimension| figures.table(dimension).unwrap_or_default());
        let counted = Instance {
            waiting: figures.waiting(),
            name: self.instance.as_bytes().into(),
            counts: figures.counts(),
            expired: self.expired,
            unparsed: self.unparsed,
            put_off: self.put_off(),
            complaints: self.complained(),
            delays: figures.histograms(),
            tables: tables.into(),
        };
        mail_stats::figures(counted, &DIMENSIONS, (None, MOST_TIMES))
    }
}

/// The record's counts, with a table a breakdown.
pub(crate) fn counted(record: &DayRecord, settings: &Settings) -> Instance {
    let figures = record.figures(settings.count);
    let mut tables: Vec<(Dimension, Table)> = Vec::new();
    for &dimension in &settings.by {
        if tables.iter().any(|(known, _)| *known == dimension) {
            continue;
        }
        tables.push((
            dimension,
            table(record, figures.counts(), dimension, settings),
        ));
    }
    Instance {
        waiting: match settings.delays {
            true => figures.waiting(),
            false => 0.0,
        },
        name: record.instance.as_bytes().into(),
        counts: figures.counts(),
        expired: record.expired,
        unparsed: record.unparsed,
        put_off: match settings.count {
            Count::Attempts => record.put_off(),
            Count::Recipients => None,
        },
        complaints: record.complained(),
        delays: match settings.delays {
            true => figures.histograms(),
            false => Default::default(),
        },
        tables: tables.into_iter().map(|(_, table)| table).collect(),
    }
}

fn table(record: &DayRecord, counts: Counts, dimension: Dimension, settings: &Settings) -> Table {
    let whole = |key: &str| {
        // As in a log: what has no deliveries has no row.
        let rows = (counts.total() > 0).then(|| (key.as_bytes().to_vec(), counts));
        rows.into_iter().collect()
    };
    match dimension {
        Dimension::Instance => whole(&record.instance),
        Dimension::Day => whole(&record.day.to_string()),
        other => {
            let held = DIMENSIONS.contains(&other);
            let table = record.figures(settings.count).table(other);
            debug_assert_eq!(held, table.is_some());
            table.unwrap_or_default()
        }
    }
}
