//! The record of an instance's day.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset, SecondsFormat};
use postfix::{Day, Time, Zone};
use serde::{Deserialize, Serialize};

use super::wire::{ComplaintEntry, Figures, PutOffRow};
use super::{DIMENSIONS, SCHEMA};
use crate::bounds::{MOST_IN_DAY, MOST_IN_RECORD};
use crate::mail_stats::{Count, Dimension, Instance, PutOffs, Tally, cut_table};

/// An instance's day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DayRecord {
    pub(super) schema: String,
    /// The host that wrote the logs.
    pub host: String,
    /// The instance's syslog_name.
    pub instance: String,
    /// The day on the host's clock, `2026-09-19`.
    #[serde(with = "super::wire::day")]
    pub day: Day,
    /// The host's time zone: its IANA name, or where that is not known what it was ahead of UTC when the day began.
    pub zone: String,
    /// When the day began, in RFC 3339.
    pub(super) since: String,
    /// When it ended: the first instant after it.
    pub(super) until: String,
    /// Is all of the day in it?
    pub complete: bool,
    /// If not, why.
    #[serde(default)]
    pub incomplete: Vec<String>,
    /// Messages that expired in the queue.
    pub expired: u64,
    /// Delivery lines that could not be read.
    pub unparsed: u64,
    /// What Postfix's programs complained about; absent in a record of a version that did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) complaints: Option<Vec<ComplaintEntry>>,
    /// Recipients that were put off, each once however often it was tried; absent in a record of a version that did not
    /// keep it, and where there were too many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) put_off: Option<Vec<PutOffRow>>,
    /// Every delivery attempt.
    pub(super) attempts: Figures,
    /// Every recipient of a message once, by its last status, by the last status of the day.
    pub(super) recipients: Figures,
    /// What was read.
    #[serde(default)]
    pub inputs: Vec<Input>,
}

/// A log that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The file, as the host names it.
    pub path: String,
    /// The first byte that was looked at, and the first one that was not; absent for a compressed log.
    pub bytes: Option<(u64, u64)>,
}

/// The hours of a host that are looked at: a day of its clock, where records are made of it.
#[derive(Debug, Clone)]
pub struct Period {
    /// The host.
    pub host: String,
    /// Its zone.
    pub zone: Zone,
    /// When it began.
    pub since: Time,
    /// When it ended.
    pub until: Time,
}

impl Period {
    /// A day on the host's clock.
    pub fn of_day(host: &str, zone: Zone, day: Day) -> Self {
        Self {
            host: host.to_owned(),
            zone,
            since: day.beginning(zone),
            until: day.plus(1).beginning(zone),
        }
    }

    /// The day on which it began.
    pub fn day(&self) -> Day {
        Day::at(self.since, self.zone)
    }

    fn local(&self, time: Time) -> Option<DateTime<FixedOffset>> {
        self.zone.at(time)
    }

    fn zone_name(&self) -> Option<String> {
        Some(match self.zone {
            Zone::Named(tz) => tz.name().to_owned(),
            Zone::Process => self.local(self.since)?.offset().to_string(),
        })
    }
}

impl DayRecord {
    /// When the day began and ended; nothing if the record does not say so.
    pub(crate) fn span(&self) -> Option<(Time, Time)> {
        let time = |text: &str| text.parse::<Time>().ok();
        Some((time(&self.since)?, time(&self.until)?))
    }

    /// Its hours in words: `2026-09-19T00:00:00Z to 2026-09-20T00:00:00Z (Etc/UTC)`. Raw, as the record has them.
    pub(crate) fn hours(&self) -> String {
        format!("{} to {} ({})", self.since, self.until, self.zone)
    }

    /// Are there any deliveries, or messages that expired?
    pub fn is_empty(&self) -> bool {
        self.attempts.counts().total() == 0 && self.expired == 0
    }

    /// Does it say what Postfix's programs complained about?
    pub fn has_complaints(&self) -> bool {
        self.complaints.is_some()
    }

    /// Recipients that were put off, by provider, if it says so.
    pub(super) fn put_off(&self) -> Option<PutOffs> {
        self.put_off.as_deref().map(PutOffRow::put_offs)
    }

    /// What a record is of: host, instance, day. There is one record of each.
    pub fn key(&self) -> (&str, &str, Day) {
        (&self.host, &self.instance, self.day)
    }

    pub(super) fn figures(&self, count: Count) -> &Figures {
        match count {
            Count::Attempts => &self.attempts,
            Count::Recipients => &self.recipients,
        }
    }
}

/// The records of a day, by instance, of what was counted of it: attempts, and recipients of the same lines. Both
/// tallies must distinguish [`DIMENSIONS`]. `read` says of an instance what was read, and why that is not all.
///
/// Nothing is returned for a day out of all bounds.
pub fn records(
    period: &Period,
    attempts: Tally,
    recipients: Tally,
    read: impl Fn(&[u8]) -> (Vec<Input>, Vec<String>),
) -> Vec<DayRecord> {
    let (attempts, recipients) = (counted(attempts), counted(recipients));
    let names: BTreeSet<&[u8]> = attempts
        .iter()
        .chain(&recipients)
        .map(|i| &*i.name)
        .collect();
    let none = Instance {
        tables: vec![Default::default(); DIMENSIONS.len()],
        ..Instance::default()
    };
    let of = |all: &'_ [Instance], name: &[u8]| -> Instance {
        let found = all.iter().find(|i| *i.name == *name);
        found.unwrap_or(&none).clone()
    };
    // A day's file is bounded, however many instances share it.
    let most = (MOST_IN_DAY / names.len().max(1)).clamp(1, MOST_IN_RECORD);
    let record = |name: &[u8]| {
        let (attempts, recipients) = (of(&attempts, name), of(&recipients, name));
        let (attempts, recipients) = (bounded(attempts, most), bounded(recipients, most));
        let (inputs, incomplete) = read(name);
        let time = |micros| {
            let local = period.local(micros)?;
            Some(local.to_rfc3339_opts(SecondsFormat::Secs, true))
        };
        Some(DayRecord {
            schema: SCHEMA.to_owned(),
            host: period.host.clone(),
            instance: String::from_utf8_lossy(name).into_owned(),
            day: period.day(),
            zone: period.zone_name()?,
            since: time(period.since)?,
            until: time(period.until)?,
            complete: incomplete.is_empty(),
            incomplete,
            expired: attempts.expired,
            unparsed: attempts.unparsed,
            complaints: Some(ComplaintEntry::all(&attempts.complaints, most.div_ceil(4))),
            put_off: PutOffRow::all(&attempts),
            attempts: Figures::of(&attempts),
            recipients: Figures::of(&recipients),
            inputs,
        })
    };
    names.into_iter().filter_map(record).collect()
}

fn counted(tally: Tally) -> Vec<Instance> {
    let (_, by, instances) = tally.into_counts();
    debug_assert_eq!(by, DIMENSIONS);
    instances
}

/// With at most so many rows of what strangers choose; others are of the providers' table and of the clock.
fn bounded(mut counted: Instance, most: usize) -> Instance {
    let tables = DIMENSIONS.iter().zip(&mut counted.tables);
    let is_chosen = |of: &Dimension| matches!(of, Dimension::Reason | Dimension::Dsn);
    for (_, table) in tables.filter(|(dimension, _)| is_chosen(dimension)) {
        cut_table(table, most);
    }
    counted
}
