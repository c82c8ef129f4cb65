//! `--format json`: schema `relay-tools/queue-report/1`, one object.
//!
//! The structs are the wire format; within version 1, fields are added and never changed.

use std::io::{self, Write};

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::message::MessageObject;
use crate::held::{self, HeldObject};
use crate::troubles::{self, TroubleObject};
use figures::distribution::{Counts, QUEUES};
use figures::queue::{Dimension, Group, Report, Rows, Sender, Summary};
use legible::wire::time;
use legible::wire::write_json;
use postfix::Span;

/// The schema's name.
pub const SCHEMA: &str = "relay-tools/queue-report/1";

/// Writes the figures, and a newline.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, report: &Report) -> io::Result<()> {
    write_json(out, &Document::new(report))?;
    writeln!(out)
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    host: &'a str,
    time: Option<String>,
    instances: Vec<InstanceObject<'a>>,
    total: SummaryObject,
    groups: GroupsObject<'a>,
    senders: SendersObject<'a>,
    messages: MessagesObject<'a>,
    /// What to do about refusals, a line each.
    advice: &'a [String],
    /// Is all in the figures that was asked for, and if not, why not.
    complete: bool,
    missing: Vec<String>,
    problems: Vec<String>,
}

impl<'a> Document<'a> {
    fn new(report: &'a Report) -> Self {
        let instances = report.instances.iter().map(|i| InstanceObject {
            instance: &i.instance,
            limits: held::of(&report.limits, &i.instance),
            troubles: troubles::of(&report.troubles, &i.instance),
            summary: SummaryObject::new(report, &i.summary),
        });
        Self {
            schema: SCHEMA,
            host: &report.host,
            time: time(report.time),
            instances: instances.collect(),
            total: SummaryObject::new(report, &report.total),
            groups: GroupsObject::new(report),
            senders: SendersObject::new(&report.senders),
            messages: MessagesObject(report),
            advice: &report.advice,
            complete: report.missing().is_empty(),
            missing: report.missing(),
            problems: report.problems.iter().map(ToString::to_string).collect(),
        }
    }
}

#[derive(Serialize)]
struct InstanceObject<'a> {
    instance: &'a str,
    limits: Vec<HeldObject<'a>>,
    troubles: Vec<TroubleObject<'a>>,
    #[serde(flatten)]
    summary: SummaryObject,
}

#[derive(Serialize)]
struct SummaryObject {
    #[serde(flatten)]
    counts: CountsObject,
    recipients: u64,
    forced_expire: u64,
    bytes: u64,
    oldest_arrival: Option<String>,
    oldest_age_seconds: Option<u64>,
    next_attempt: Option<String>,
    next_expiry: Option<String>,
    expiring: u64,
    expiring_by: Option<String>,
    /// Of the last hour; null where the log does not say it, or not all mail was asked for.
    last_hour: Option<LastHour>,
    drains_in_seconds: Option<u64>,
}

/// Recipients who had waited and were delivered or returned; and those who came to wait.
#[derive(Serialize)]
struct LastHour {
    done: u64,
    came: u64,
}

impl SummaryObject {
    fn new(report: &Report, summary: &Summary) -> Self {
        let age = summary.oldest.and_then(|time| report.age(time));
        Self {
            counts: CountsObject(summary.counts),
            recipients: summary.recipients,
            forced_expire: summary.forced_expire,
            bytes: summary.bytes,
            oldest_arrival: summary.oldest.and_then(time),
            oldest_age_seconds: age.map(Span::seconds),
            next_attempt: summary.next_attempt.and_then(time),
            next_expiry: summary.next_expiry.and_then(time),
            expiring: summary.expiring,
            expiring_by: time(report.expires_by),
            last_hour: summary.done.map(|done| LastHour {
                done,
                came: summary.came,
            }),
            drains_in_seconds: summary.drains_in().map(Span::seconds),
        }
    }
}

/// `"maildrop":0, …, "total":0`.
struct CountsObject(Counts);

impl Serialize for CountsObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(QUEUES.len() + 1))?;
        for (queue, n) in self.0.iter() {
            map.serialize_entry(queue.name(), &n)?;
        }
        map.serialize_entry("total", &self.0.total())?;
        map.end()
    }
}

/// The groups that are shown, and what the others come to.
#[derive(Serialize)]
struct GroupsObject<'a> {
    by: Vec<&'static str>,
    rows: Vec<GroupObject<'a>>,
    others: usize,
    others_recipients: u64,
}

impl<'a> GroupsObject<'a> {
    fn new(report: &'a Report) -> Self {
        let groups = &report.groups;
        let rows = groups.rows.iter();
        Self {
            by: report.by.iter().map(|by| by.as_str()).collect(),
            rows: rows.map(|group| GroupObject::new(report, group)).collect(),
            others: groups.others,
            others_recipients: groups.others_count,
        }
    }
}

#[derive(Serialize)]
struct GroupObject<'a> {
    key: KeyObject<'a>,
    recipients: u64,
    messages: u64,
    oldest_arrival: Option<String>,
}

impl<'a> GroupObject<'a> {
    fn new(report: &'a Report, group: &'a Group) -> Self {
        Self {
            key: KeyObject(&report.by, &group.key),
            recipients: group.recipients,
            messages: group.messages,
            oldest_arrival: group.oldest.and_then(time),
        }
    }
}

/// `{"domain":"aol.com","reason":"…"}`, in the order of the dimensions.
struct KeyObject<'a>(&'a [Dimension], &'a [String]);

impl Serialize for KeyObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|by| by.as_str()).zip(self.1))
    }
}

/// The senders that are shown, and what the others come to.
#[derive(Serialize)]
struct SendersObject<'a> {
    rows: Vec<SenderObject<'a>>,
    others: usize,
    others_messages: u64,
}

#[derive(Serialize)]
struct SenderObject<'a> {
    sender: &'a str,
    messages: u64,
    recipients: u64,
    bytes: u64,
    oldest_arrival: Option<String>,
}

impl<'a> SendersObject<'a> {
    fn new(senders: &'a Rows<Sender>) -> Self {
        let rows = senders.rows.iter().map(|sender| SenderObject {
            sender: &sender.sender,
            messages: sender.messages,
            recipients: sender.recipients,
            bytes: sender.bytes,
            oldest_arrival: sender.oldest.and_then(time),
        });
        Self {
            rows: rows.collect(),
            others: senders.others,
            others_messages: senders.others_count,
        }
    }
}

/// The list of messages, each made when its turn comes.
struct MessagesObject<'a>(&'a Report);

impl Serialize for MessagesObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.messages.len()))?;
        for entry in &self.0.messages {
            seq.serialize_element(&MessageObject::of_entry(self.0.instance(entry), entry))?;
        }
        seq.end()
    }
}
