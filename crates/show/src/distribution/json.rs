//! `--format json`: schema `relay-tools/mailq-distribution/1`, one object.
//!
//! The structs are the wire format; within version 1, fields are added and never changed.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::held::{self, HeldObject};
use crate::troubles::{self, TroubleObject};
use figures::distribution::{
    AGES, Breakdown, Counts, Dimension, Distribution, Figures, QUEUES, QueueRow,
};
use legible::wire::time;
use legible::wire::write_json;
use postfix::Span;

/// The schema's name.
pub const SCHEMA: &str = "relay-tools/mailq-distribution/1";

/// Writes the figures, and a newline.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, distribution: &Distribution) -> io::Result<()> {
    write_json(out, &Document::new(distribution))?;
    writeln!(out)
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    host: &'a str,
    time: Option<String>,
    #[serde(skip_serializing_if = "UnitsObject::is_empty")]
    units: UnitsObject<'a>,
    instances: Vec<InstanceObject<'a>>,
    total: FiguresObject<'a>,
    /// Is all in the figures that was asked for, and if not, why not.
    complete: bool,
    missing: Vec<String>,
    problems: Vec<String>,
}

impl<'a> Document<'a> {
    fn new(distribution: &'a Distribution) -> Self {
        let figures = |figures| FiguresObject::new(distribution, figures);
        let instances = distribution.instances.iter().map(|i| InstanceObject {
            instance: &i.instance,
            limits: held::of(&distribution.limits, &i.instance),
            troubles: distribution
                .troubles
                .as_ref()
                .map(|all| troubles::of(all, &i.instance)),
            figures: figures(&i.figures),
        });
        Self {
            schema: SCHEMA,
            host: &distribution.host,
            time: time(distribution.time),
            units: UnitsObject(&distribution.by),
            instances: instances.collect(),
            total: figures(&distribution.total),
            complete: distribution.missing().is_empty(),
            missing: distribution.missing(),
            problems: distribution
                .problems
                .iter()
                .map(ToString::to_string)
                .collect(),
        }
    }
}

/// What the rows of each breakdown count.
struct UnitsObject<'a>(&'a [Dimension]);

impl UnitsObject<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for UnitsObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|d| (d.as_str(), d.unit())))
    }
}

#[derive(Serialize)]
struct InstanceObject<'a> {
    instance: &'a str,
    limits: Vec<HeldObject<'a>>,
    /// Null where nobody looked for any.
    troubles: Option<Vec<TroubleObject<'a>>>,
    #[serde(flatten)]
    figures: FiguresObject<'a>,
}

#[derive(Serialize)]
struct FiguresObject<'a> {
    #[serde(flatten)]
    counts: CountsObject,
    bytes: Option<u64>,
    oldest_arrival: Option<String>,
    oldest_age_seconds: Option<u64>,
    /// Messages whose age is not known; null where files were only counted.
    unknown_ages: Option<u64>,
    /// Null where there is none, or files were only counted.
    next_expiry: Option<String>,
    #[serde(skip_serializing_if = "ByObject::is_empty")]
    by: ByObject<'a>,
}

impl<'a> FiguresObject<'a> {
    fn new(distribution: &'a Distribution, figures: &'a Figures) -> Self {
        let age = figures.oldest.and_then(|time| distribution.age(time));
        Self {
            counts: CountsObject(figures.counts),
            bytes: figures.bytes,
            oldest_arrival: figures.oldest.and_then(time),
            oldest_age_seconds: age.map(Span::seconds),
            unknown_ages: figures.bytes.map(|_| figures.unknown_ages),
            next_expiry: figures.next_expiry.and_then(time),
            by: ByObject {
                breakdowns: &figures.by,
                with_ages: distribution.by.contains(&Dimension::Age),
            },
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

/// `{"domain": [row, …], …}`, in the order of the breakdowns.
struct ByObject<'a> {
    breakdowns: &'a [Breakdown],
    with_ages: bool,
}

impl ByObject<'_> {
    fn is_empty(&self) -> bool {
        self.breakdowns.is_empty()
    }
}

impl Serialize for ByObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.breakdowns.len()))?;
        for breakdown in self.breakdowns {
            let with_ages = self.with_ages && breakdown.dimension != Dimension::Age;
            let rows = breakdown.rows.iter();
            let rows: Vec<_> = rows.map(|row| RowObject::new(row, with_ages)).collect();
            map.serialize_entry(breakdown.dimension.as_str(), &rows)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct RowObject<'a> {
    key: Cow<'a, str>,
    /// Of the row `(other)`: how many keys it stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<usize>,
    #[serde(flatten)]
    counts: CountsObject,
    #[serde(skip_serializing_if = "Option::is_none")]
    ages: Option<AgesObject<'a>>,
}

impl<'a> RowObject<'a> {
    fn new(row: &'a QueueRow, with_ages: bool) -> Self {
        Self {
            key: String::from_utf8_lossy(row.key.as_bytes()),
            keys: row.key.others(),
            counts: CountsObject(row.counts),
            ages: with_ages.then_some(AgesObject(&row.ages)),
        }
    }
}

/// `{"5":0, …, "1280+":0, "unknown":0}`.
struct AgesObject<'a>(&'a [u64; AGES.len()]);

impl Serialize for AgesObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(AGES.iter().zip(self.0))
    }
}
