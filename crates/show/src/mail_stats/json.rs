//! `--format json`: schema `relay-tools/mail-stats/1`, one object.
//!
//! The structs are the wire format; within version 1, fields are added and never changed.

use std::borrow::Cow;
use std::io::{self, Write};
use std::net::IpAddr;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::filtered::{FilteredObject, ScoresObject};
use figures::complaints::ComplaintRow;
use figures::mail_stats::{
    Breakdown, Counts, DelayStats, Dimension, Figures, InstanceStats, MailStats, Quantiles, Row,
    Source,
};
use legible::wire::{time, write_json};

/// The schema's name.
pub const SCHEMA: &str = "relay-tools/mail-stats/1";

/// Writes the figures, and a newline.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, stats: &MailStats) -> io::Result<()> {
    write_json(out, &Document::new(stats))?;
    writeln!(out)
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    host: &'a str,
    since: Option<String>,
    until: Option<String>,
    count: &'static str,
    instances: Vec<InstanceObject<'a>>,
    total: FiguresObject<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unmatched_scores: Option<ScoresObject<'a>>,
    /// Is all that was asked for in the figures?
    complete: bool,
    /// If not, why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
    /// The first delivery lines that could not be read: path, line, why, text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unread: Vec<String>,
    /// Lines that were counted as one delivery and may hold another: path, line, text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    doubtful: Vec<String>,
    /// Messages that syslog daemons threw away, as far as they say so.
    #[serde(skip_serializing_if = "is_none")]
    lost_messages: u64,
    sources: Vec<SourceObject<'a>>,
    /// Some of the names that the instance `(other)` stands for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_names: Vec<Cow<'a, str>>,
    problems: Vec<String>,
}

/// A log that was read.
#[derive(Serialize)]
struct SourceObject<'a> {
    kind: &'static str,
    path: Cow<'a, str>,
    why: &'a str,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(n: &u64) -> bool {
    *n == 0
}

impl<'a> Document<'a> {
    fn new(stats: &'a MailStats) -> Self {
        Self {
            schema: SCHEMA,
            host: &stats.host,
            since: stats.since.and_then(time),
            until: stats.until.and_then(time),
            count: stats.count.as_str(),
            instances: stats.instances.iter().map(InstanceObject::new).collect(),
            total: FiguresObject::new(&stats.total),
            unmatched_scores: stats.unmatched.as_deref().and_then(ScoresObject::new),
            sources: stats.sources.iter().map(SourceObject::new).collect(),
            other_names: stats
                .strays
                .iter()
                .map(|name| String::from_utf8_lossy(name))
                .collect(),
            complete: stats.missing().is_empty(),
            missing: stats.missing(),
            unread: stats.gaps.unread.iter().map(ToString::to_string).collect(),
            doubtful: stats
                .gaps
                .doubtful
                .iter()
                .map(ToString::to_string)
                .collect(),
            lost_messages: stats.gaps.lost,
            problems: stats.problems.iter().map(ToString::to_string).collect(),
        }
    }
}

impl<'a> SourceObject<'a> {
    fn new(source: &'a Source) -> Self {
        Self {
            kind: source.kind,
            path: source.path.to_string_lossy(),
            why: &source.why,
        }
    }
}

/// One instance.
#[derive(Serialize)]
pub(super) struct InstanceObject<'a> {
    instance: Cow<'a, str>,
    #[serde(flatten)]
    figures: FiguresObject<'a>,
}

impl<'a> InstanceObject<'a> {
    fn new(stats: &'a InstanceStats) -> Self {
        Self {
            instance: String::from_utf8_lossy(&stats.instance),
            figures: FiguresObject::new(&stats.figures),
        }
    }

    /// The same without breakdowns.
    pub(super) fn without_rows(stats: &'a InstanceStats) -> Self {
        let mut object = Self::new(stats);
        object.figures.by = ByObject(&[]);
        object
    }
}

#[derive(Serialize)]
struct FiguresObject<'a> {
    #[serde(flatten)]
    counts: CountsObject,
    expired: u64,
    unparsed: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    complaints: Vec<ComplaintObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delays: Option<DelaysObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_deferred_seconds: Option<f64>,
    #[serde(skip_serializing_if = "ByObject::is_empty")]
    by: ByObject<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filtered: Option<FilteredObject<'a>>,
}

impl<'a> FiguresObject<'a> {
    fn new(figures: &'a Figures) -> Self {
        Self {
            counts: CountsObject::new(figures.counts),
            expired: figures.expired,
            unparsed: figures.unparsed,
            complaints: figures
                .complaints
                .iter()
                .map(ComplaintObject::new)
                .collect(),
            delays: figures.delays.as_ref().map(DelaysObject::new),
            oldest_deferred_seconds: figures.waiting,
            by: ByObject(&figures.by),
            filtered: figures.filtered.as_deref().map(FilteredObject::new),
        }
    }
}

/// What one of Postfix's programs says of itself.
#[derive(Serialize)]
struct ComplaintObject<'a> {
    service: &'a str,
    severity: &'static str,
    text: &'a str,
    count: u64,
}

impl<'a> ComplaintObject<'a> {
    fn new(row: &'a ComplaintRow) -> Self {
        Self {
            service: &row.service,
            severity: row.severity.as_str(),
            text: &row.text,
            count: row.count,
        }
    }
}

#[derive(Serialize)]
struct CountsObject {
    total: u64,
    sent: u64,
    bounced: u64,
    deferred: u64,
}

impl CountsObject {
    fn new(counts: Counts) -> Self {
        Self {
            total: counts.total(),
            sent: counts.sent,
            bounced: counts.bounced,
            deferred: counts.deferred,
        }
    }
}

/// Seconds.
#[derive(Serialize)]
struct DelaysObject {
    delay: QuantilesObject,
    #[serde(flatten)]
    parts: Option<PartsObject>,
}

#[derive(Serialize)]
struct PartsObject {
    a: QuantilesObject,
    b: QuantilesObject,
    c: QuantilesObject,
    d: QuantilesObject,
}

#[derive(Serialize)]
struct QuantilesObject {
    median: f64,
    p95: f64,
    max: f64,
}

impl DelaysObject {
    fn new(delays: &DelayStats) -> Self {
        Self {
            delay: QuantilesObject::new(delays.delay),
            parts: delays.parts.map(|parts| {
                let [a, b, c, d] = parts.map(QuantilesObject::new);
                PartsObject { a, b, c, d }
            }),
        }
    }
}

impl QuantilesObject {
    fn new(quantiles: Quantiles) -> Self {
        Self {
            median: quantiles.median,
            p95: quantiles.p95,
            max: quantiles.max,
        }
    }
}

/// `{"domain": [row, …], …}`, in the order of the breakdowns.
struct ByObject<'a>(&'a [Breakdown]);

impl ByObject<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for ByObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for breakdown in self.0 {
            let rows: Vec<RowObject<'_>> = breakdown
                .rows
                .iter()
                .map(|row| RowObject::new(breakdown.dimension, row))
                .collect();
            map.serialize_entry(breakdown.dimension.as_str(), &rows)?;
        }
        map.end()
    }
}

/// One row of a breakdown.
#[derive(Serialize)]
pub(super) struct RowObject<'a> {
    key: Cow<'a, str>,
    /// Of the row `(other)`: how many keys it stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<usize>,
    #[serde(flatten)]
    counts: CountsObject,
    #[serde(skip_serializing_if = "Option::is_none")]
    codes: Option<Vec<CodeObject<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ips: Option<Vec<IpObject>>,
}

#[derive(Serialize)]
struct CodeObject<'a> {
    code: &'a str,
    count: u64,
}

#[derive(Serialize)]
struct IpObject {
    ip: IpAddr,
    count: u64,
}

impl<'a> RowObject<'a> {
    pub(super) fn new(dimension: Dimension, row: &'a Row) -> Self {
        let is_reason = dimension == Dimension::Reason;
        let codes = row.codes.iter().map(|(code, count)| CodeObject {
            code,
            count: *count,
        });
        let ips = row.ips.iter().map(|(ip, count)| IpObject {
            ip: *ip,
            count: *count,
        });
        Self {
            key: String::from_utf8_lossy(row.key.as_bytes()),
            keys: row.key.others(),
            counts: CountsObject::new(row.counts),
            codes: is_reason.then(|| codes.collect()),
            ips: is_reason.then(|| ips.collect()),
        }
    }
}
