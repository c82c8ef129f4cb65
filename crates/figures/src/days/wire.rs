//! What a record says of the deliveries.

use std::cmp::Reverse;

use postfix::log::Severity;
use serde::{Deserialize, Serialize};

use crate::complaints::{self, ComplaintRow, Complaints};
use crate::mail_stats::{
    Counts, Dimension, Histogram, Instance, PutOff, PutOffs, REASON_SEPARATOR, Table,
};

/// As many characters of a complaint's text as a record holds.
const MOST_TEXT: usize = 500;

/// Attempts, or recipients.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Figures {
    total: u64,
    sent: u64,
    bounced: u64,
    deferred: u64,
    by: Breakdowns,
    /// Of what was sent, from arrival to the end of the attempt, and Postfix's parts a, b, c, d. Absent where no line
    /// had any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delays: Option<[Delay; 5]>,
    /// How old the oldest message was that was put off, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    oldest_deferred_s: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Breakdowns {
    provider: Vec<DayRow>,
    reason: Vec<ReasonRow>,
    dsn: Vec<DayRow>,
    hour: Vec<DayRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct DayRow {
    key: String,
    sent: u64,
    bounced: u64,
    deferred: u64,
}

/// A class of reasons, distinguished by code and address. Both are always there, so that a database finds their
/// columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ReasonRow {
    /// The provider's own code.
    #[serde(default)]
    code: Option<String>,
    /// The address that the reply blames.
    #[serde(default)]
    ip: Option<String>,
    #[serde(flatten)]
    row: DayRow,
}

/// Recipients of a provider that were put off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PutOffRow {
    provider: String,
    recipients: u64,
    /// Those of them that were put off because of the sending address's reputation.
    blocked: u64,
    /// Those of them that had come before the day, as far as that is known.
    #[serde(default)]
    earlier: u64,
}

impl PutOffRow {
    /// Those of an instance, if that is known.
    pub(super) fn all(counted: &Instance) -> Option<Vec<Self>> {
        if counted.counts.deferred == 0 {
            return Some(Vec::new());
        }
        let rows = counted.put_off.iter().flatten();
        let rows = rows.map(|(provider, of)| Self {
            provider: String::from_utf8_lossy(provider).into_owned(),
            recipients: of.recipients,
            blocked: of.blocked,
            earlier: of.earlier,
        });
        counted.put_off.is_some().then(|| rows.collect())
    }

    /// The same again.
    pub(super) fn put_offs(rows: &[Self]) -> PutOffs {
        let of = |row: &Self| PutOff {
            recipients: row.recipients,
            blocked: row.blocked,
            earlier: row.earlier,
        };
        let rows = rows.iter();
        rows.map(|row| (row.provider.clone().into_bytes(), of(row)))
            .collect()
    }
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Delay {
    /// For people, in seconds; what is added up are the values.
    #[serde(default)]
    median_s: f64,
    #[serde(default)]
    p95_s: f64,
    max_us: u64,
    /// Microseconds to three digits, and how many attempts took so long.
    values_us: Vec<(u64, u64)>,
}

/// A complaint, folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ComplaintEntry {
    severity: String,
    service: String,
    text: String,
    count: u64,
}

impl ComplaintEntry {
    /// The gravest first, of equally grave ones the worst and most frequent, `most` in all: strangers can make Postfix
    /// warn of ever new things.
    pub(super) fn all(complaints: &Complaints, most: usize) -> Vec<Self> {
        let mut rows = complaints.rows();
        // Stable: the order among each stays.
        rows.sort_by_cached_key(|row| Reverse(complaints::level(row)));
        let rows = rows.into_iter().take(most);
        rows.map(|mut row| {
            row.text = row.text.chars().take(MOST_TEXT).collect();
            row
        })
        .map(|row| Self {
            severity: row.severity.as_str().to_owned(),
            service: row.service,
            text: row.text,
            count: row.count,
        })
        .collect()
    }

    /// The same again; what has no severity that is known is left out.
    pub(super) fn complaints(entries: &[Self]) -> Complaints {
        let known = entries.iter().filter_map(|entry| {
            let severity = Severity::ALL
                .into_iter()
                .find(|s| s.as_str() == entry.severity)?;
            Some(ComplaintRow {
                severity,
                service: entry.service.clone(),
                text: entry.text.clone(),
                count: entry.count,
            })
        });
        Complaints::of(known)
    }
}

impl Figures {
    pub(super) fn of(counted: &Instance) -> Self {
        // In the order of DIMENSIONS.
        let [provider, reason, dsn, hour] = [0, 1, 2, 3].map(|at| rows(counted.tables.get(at)));
        let Counts {
            sent,
            bounced,
            deferred,
        } = counted.counts;
        let seen = counted.delays.iter().any(|h| h.quantiles().is_some());
        Self {
            total: counted.counts.total(),
            sent,
            bounced,
            deferred,
            by: Breakdowns {
                provider: bare(provider),
                reason,
                dsn: bare(dsn),
                hour: bare(hour),
            },
            delays: seen.then(|| counted.delays.each_ref().map(Delay::of)),
            oldest_deferred_s: (counted.waiting > 0.0).then_some(counted.waiting),
        }
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            sent: self.sent,
            bounced: self.bounced,
            deferred: self.deferred,
        }
    }

    /// How old the oldest message was that was put off, in seconds; 0 if none was.
    pub(super) fn waiting(&self) -> f64 {
        self.oldest_deferred_s.unwrap_or(0.0).max(0.0)
    }

    /// The delays of what was sent, and their parts.
    pub(super) fn histograms(&self) -> [Histogram; 5] {
        let delays = self.delays.as_ref();
        delays.map_or_else(Default::default, |all| {
            all.each_ref()
                .map(|d| Histogram::from_values(d.values_us.iter().copied(), d.max_us))
        })
    }

    /// The counts by `dimension`; nothing where the record does not hold it.
    pub(super) fn table(&self, dimension: Dimension) -> Option<Table> {
        let rows = match dimension {
            Dimension::Provider => &self.by.provider,
            Dimension::Dsn => &self.by.dsn,
            Dimension::Hour => &self.by.hour,
            Dimension::Reason => {
                let rows = self.by.reason.iter();
                return Some(table(rows.map(|r| (r.whole_key(), r.row.counts()))));
            }
            _ => return None,
        };
        let rows = rows.iter();
        Some(table(
            rows.map(|r| (r.key.clone().into_bytes(), r.counts())),
        ))
    }

    /// Do the figures agree with each other? A record that was cut or edited does not.
    pub(super) fn agree(&self) -> bool {
        let agrees = |rows: &mut dyn Iterator<Item = &DayRow>| {
            let mut all = Counts::default();
            for row in rows {
                all += row.counts();
            }
            all == self.counts()
        };
        let by = &self.by;
        self.total == self.counts().total()
            && agrees(&mut by.provider.iter())
            && agrees(&mut by.reason.iter().map(|reason| &reason.row))
            && agrees(&mut by.dsn.iter())
            && agrees(&mut by.hour.iter())
    }
}

impl DayRow {
    fn counts(&self) -> Counts {
        Counts {
            sent: self.sent,
            bounced: self.bounced,
            deferred: self.deferred,
        }
    }
}

impl ReasonRow {
    /// The key as it is counted under: with code and address, where it has them.
    fn whole_key(&self) -> Vec<u8> {
        let mut key = self.row.key.as_bytes().to_vec();
        if self.code.is_some() || self.ip.is_some() {
            for part in [&self.code, &self.ip] {
                key.push(REASON_SEPARATOR);
                key.extend_from_slice(part.as_deref().unwrap_or_default().as_bytes());
            }
        }
        key
    }
}

/// Adds up what has the same key.
fn table(rows: impl Iterator<Item = (Vec<u8>, Counts)>) -> Table {
    let mut table = Table::new();
    for (key, counts) in rows {
        *table.entry(key).or_default() += counts;
    }
    table
}

/// A table's rows, sorted by key.
fn rows(table: Option<&Table>) -> Vec<ReasonRow> {
    let row = |(key, counts): (&Vec<u8>, &Counts)| {
        let mut parts = key.split(|&b| b == REASON_SEPARATOR);
        let mut next = || {
            let part = String::from_utf8_lossy(parts.next()?).into_owned();
            (!part.is_empty()).then_some(part)
        };
        let key = next().unwrap_or_default();
        ReasonRow {
            code: next(),
            ip: next(),
            row: DayRow {
                key,
                sent: counts.sent,
                bounced: counts.bounced,
                deferred: counts.deferred,
            },
        }
    };
    let mut rows: Vec<ReasonRow> = table.into_iter().flatten().map(row).collect();
    rows.sort_by(|a, b| (&a.row.key, &a.code, &a.ip).cmp(&(&b.row.key, &b.code, &b.ip)));
    rows
}

/// The rows of breakdowns that have no codes.
fn bare(rows: Vec<ReasonRow>) -> Vec<DayRow> {
    rows.into_iter().map(|reason| reason.row).collect()
}

impl Delay {
    fn of(histogram: &Histogram) -> Self {
        let quantiles = histogram.quantiles();
        let (values_us, max_us) = histogram.values();
        Self {
            median_s: quantiles.map_or(0.0, |q| q.median),
            p95_s: quantiles.map_or(0.0, |q| q.p95),
            max_us,
            values_us,
        }
    }
}

/// A day as `2026-09-19`.
pub(super) mod day {
    use postfix::Day;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(in crate::days) fn serialize<S: Serializer>(day: &Day, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(day)
    }

    pub(in crate::days) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Day, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}
