//! The finished figures.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;

use postfix::{Problem, Time, Zone, count};

use super::histogram::Quantiles;
use super::instances::{Instance, Table};
use super::key::Key;
use super::keys::REASON_SEPARATOR;
use super::{Count, Counts, Dimension, PutOffs, Tally};
use crate::bounds::{MOST_TIMES, OTHER_INSTANCES, times};
use crate::complaints::ComplaintRow;
use crate::filtered::{Filtered, Scores};
use crate::gaps::Gaps;
use knowledge::reasons::Class;

/// What is known beside the counts.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// The host whose logs were read.
    pub host: String,
    /// The window's begin; absent if it has none.
    pub since: Option<Time>,
    /// The window's end, which is not part of it.
    pub until: Option<Time>,
    /// How many rows of a breakdown are wanted, the biggest; what the others count is put into one row. All, if absent.
    pub top: Option<usize>,
    /// Which logs were read.
    pub sources: Vec<Source>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// What the logs lack.
    pub gaps: Gaps,
}

/// A log that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// `file` or `journal`.
    pub kind: &'static str,
    /// The file that is written to now, without its rotated siblings; what a journal is called.
    pub path: PathBuf,
    /// Why it is read, for people.
    pub why: String,
}

/// The figures of a window of a host's logs.
#[derive(Debug, Clone, PartialEq)]
pub struct MailStats {
    /// The host whose logs were read.
    pub host: String,
    /// The window's begin; absent if it has none.
    pub since: Option<Time>,
    /// The window's end, which is not part of it.
    pub until: Option<Time>,
    /// The host's zone.
    pub zone: Zone,
    /// What was counted.
    pub count: Count,
    /// The breakdowns that every [`Figures::by`] has, in this order.
    pub by: Vec<Dimension>,
    /// Every instance, by name.
    pub instances: Vec<InstanceStats>,
    /// All instances together.
    pub total: Figures,
    /// If what filters did was asked for: the scores of messages that no instance's log knows.
    pub unmatched: Option<Box<Scores>>,
    /// Which logs were read; none, where the figures are not of logs.
    pub sources: Vec<Source>,
    /// Reasons that the words and the enhanced status code put into different classes, the most frequent first. Needs
    /// the breakdown by [`Dimension::Reason`].
    pub disputed: Vec<Disputed>,
    /// Some of the names that the instance [`OTHER_INSTANCES`] stands for.
    pub strays: Vec<Vec<u8>>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// What the logs lack.
    pub gaps: Gaps,
}

impl MailStats {
    /// How many delivery lines could not be read.
    pub fn unread(&self) -> u64 {
        self.total.unparsed.saturating_add(self.gaps.nobodys)
    }

    /// Why not all that was asked for is in the figures, a sentence each; nothing where all of it is.
    pub fn missing(&self) -> Vec<String> {
        let problems = self.problems.iter().chain(&self.gaps.late);
        let mut missing: Vec<String> = problems.map(ToString::to_string).collect();
        missing.extend(match self.unread() {
            0 => None,
            n => Some(format!("{} could not be read", count(n, "delivery line"))),
        });
        missing
    }
}

impl MailStats {
    /// The figures of what belongs to no instance that is kept distinct.
    pub fn others(&self) -> Option<&InstanceStats> {
        let other = OTHER_INSTANCES.as_bytes();
        self.instances.iter().find(|i| i.instance == other)
    }

    /// Leaves the instances that `is_judged` says, in the total too, which has no delays and no breakdowns then. What
    /// was left out comes back.
    pub fn leave(&mut self, is_judged: impl Fn(&[u8]) -> bool) -> Counts {
        let all = std::mem::take(&mut self.instances);
        let (left, out): (Vec<_>, Vec<_>) = all.into_iter().partition(|i| is_judged(&i.instance));
        self.instances = left;
        if out.is_empty() {
            return Counts::default();
        }
        let sum = |instances: &[InstanceStats]| {
            let mut sum = Counts::default();
            for instance in instances {
                sum += instance.figures.counts;
            }
            sum
        };
        self.total.counts = sum(&self.instances);
        let unparsed = self.instances.iter().map(|i| i.figures.unparsed);
        self.total.unparsed = unparsed.fold(0, u64::saturating_add);
        self.total.delays = None;
        self.total.waiting = None;
        self.total.by.clear();
        sum(&out)
    }
}

/// Attempts whose words give a different reason than their enhanced status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disputed {
    /// The class that was taken.
    pub class: Class,
    /// The one that the code alone would have given.
    pub code_says: Class,
    /// How many attempts.
    pub attempts: u64,
}

/// One instance's figures.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceStats {
    /// Its name, as bytes from a log: not known to be UTF-8.
    pub instance: Vec<u8>,
    /// The figures.
    pub figures: Figures,
}

/// Figures of an instance, or of all.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Deliveries.
    pub counts: Counts,
    /// Messages that expired in the queue. No deliveries: not in `counts`, and not broken down.
    pub expired: u64,
    /// Delivery lines that could not be read: not in `counts`.
    pub unparsed: u64,
    /// Recipients that were put off, each once, by provider, if that is known: [`Figures::recipients_put_off`].
    pub(crate) put_off: Option<PutOffs>,
    /// What Postfix's programs complain about, the worst first.
    pub complaints: Vec<ComplaintRow>,
    /// Delays, if they were asked for and a line had some.
    pub delays: Option<DelayStats>,
    /// How old the oldest message was that was put off, in seconds, if delays were asked for and one was.
    pub waiting: Option<f64>,
    /// The breakdowns.
    pub by: Vec<Breakdown>,
    /// What filters did, if it was asked for. No deliveries: not in `counts`, and not broken down.
    pub filtered: Option<Box<Filtered>>,
}

impl Figures {
    /// The breakdown by `dimension`, if it was asked for.
    pub fn breakdown(&self, dimension: Dimension) -> Option<&Breakdown> {
        self.by.iter().find(|table| table.dimension == dimension)
    }

    /// The deliveries with a reason of this class. Needs the breakdown by [`Dimension::Reason`]; without it, or where
    /// there are no such deliveries, it is empty.
    pub fn reason(&self, class: Class) -> Option<&Row> {
        let class = class.as_str().as_bytes();
        let mut rows = self.breakdown(Dimension::Reason)?.rows.iter();
        rows.find(|row| row.key.as_bytes() == class)
    }
}

/// How long the deliveries took that were sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DelayStats {
    /// From arrival to the end of the attempt.
    pub delay: Quantiles,
    /// The parts a, b, c, d of [`postfix::log::Delays`]; absent where no line had them.
    pub parts: Option<[Quantiles; 4]>,
}

/// Deliveries grouped by one dimension. The rows add up to the whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Breakdown {
    /// By what.
    pub dimension: Dimension,
    /// The biggest first, equal ones by key; times in order. [`Key::Others`] comes last.
    pub rows: Vec<Row>,
}

/// One line of a breakdown.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What the deliveries have in common.
    pub key: Key,
    /// How many there are.
    pub counts: Counts,
    /// By reason only: the providers' own codes, the most frequent first, at most [`DETAILS_MAX`].
    pub codes: Vec<(String, u64)>,
    /// By reason only: the addresses that replies blame, the most frequent first, at most [`DETAILS_MAX`].
    pub ips: Vec<(IpAddr, u64)>,
}

/// How many codes and addresses a [`Row`] shows.
pub const DETAILS_MAX: usize = 5;

impl Tally {
    /// Makes the figures.
    pub fn finish(self, frame: Frame) -> MailStats {
        let disputed = self.disputed();
        let (settings, by, mut counted) = self.into_counts();
        counted.sort_by(|a, b| a.name.cmp(&b.name));
        let mut total = Instance {
            tables: vec![Table::new(); by.len()],
            ..Instance::default()
        };
        for instance in &counted {
            total.merge(instance, settings.most_keys);
        }
        // The table over all instances has those too that did nothing.
        if let Some(at) = by.iter().position(|d| *d == Dimension::Instance) {
            for instance in &counted {
                total.tables[at].entry(instance.name.to_vec()).or_default();
            }
        }
        let most = (frame.top, times(counted.len()));
        let instances = counted.into_iter().map(|mut instance| InstanceStats {
            instance: std::mem::take(&mut instance.name).into_vec(),
            figures: figures(instance, &by, most),
        });
        MailStats {
            instances: instances.collect(),
            total: figures(total, &by, (frame.top, MOST_TIMES)),
            unmatched: None,
            host: frame.host,
            since: frame.since,
            until: frame.until,
            zone: settings.zone,
            count: settings.count,
            by,
            sources: frame.sources,
            disputed,
            strays: Vec::new(),
            problems: frame.problems,
            gaps: frame.gaps,
        }
    }
}

/// As many rows as are wanted, and as many times.
type Most = (Option<usize>, usize);

pub(crate) fn figures(counted: Instance, by: &[Dimension], most: Most) -> Figures {
    let [delay, a, b, c, d] = counted.delays.map(|h| h.quantiles());
    let parts = match (a, b, c, d) {
        (Some(a), Some(b), Some(c), Some(d)) => Some([a, b, c, d]),
        _ => None,
    };
    let tables = by.iter().zip(counted.tables);
    Figures {
        counts: counted.counts,
        expired: counted.expired,
        unparsed: counted.unparsed,
        put_off: counted.put_off,
        complaints: counted.complaints.rows(),
        delays: delay.map(|delay| DelayStats { delay, parts }),
        waiting: (counted.waiting > 0.0).then_some(counted.waiting),
        by: tables
            .map(|(dimension, table)| breakdown(*dimension, table, most))
            .collect(),
        filtered: None,
    }
}

fn breakdown(dimension: Dimension, mut table: Table, (top, times): Most) -> Breakdown {
    let folded = table.remove(OTHER_INSTANCES.as_bytes());
    let mut rows = match dimension {
        Dimension::Reason => reason_rows(table),
        _ => table
            .into_iter()
            .map(|(key, counts)| Row::new(key, counts))
            .collect(),
    };
    if dimension.is_time() {
        rows.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    } else {
        rows.sort_unstable_by(|a, b| {
            let by_total = b.counts.total().cmp(&a.counts.total());
            by_total.then_with(|| a.key.cmp(&b.key))
        });
    }
    if dimension.is_time() {
        // The last ones. Whoever writes a line chooses its time.
        let most = rows.len().min(times);
        let early = rows.len() - most;
        rows.rotate_left(early);
        cut(&mut rows, most, folded);
    } else {
        cut(&mut rows, top.unwrap_or(usize::MAX), folded);
    }
    Breakdown { dimension, rows }
}

/// Puts all rows from `top` on into one, with what was not told apart.
fn cut(rows: &mut Vec<Row>, top: usize, folded: Option<Counts>) {
    if rows.len() <= top && folded.is_none() {
        return;
    }
    let mut others = folded.unwrap_or_default();
    let keys = rows.len().saturating_sub(top);
    for row in rows.drain(top.min(rows.len())..) {
        others += row.counts;
    }
    rows.push(Row {
        key: Key::Others(keys),
        counts: others,
        codes: Vec::new(),
        ips: Vec::new(),
    });
}

impl Row {
    fn new(key: Vec<u8>, counts: Counts) -> Self {
        Self {
            key: Key::Named(key),
            counts,
            codes: Vec::new(),
            ips: Vec::new(),
        }
    }
}

/// The counts of one class of reasons.
#[derive(Default)]
struct ReasonCounts {
    counts: Counts,
    codes: HashMap<String, u64>,
    ips: HashMap<IpAddr, u64>,
}

/// One row a class, of a table whose keys also hold code and address ([`super::keys`]).
fn reason_rows(table: Table) -> Vec<Row> {
    let mut classes: HashMap<Vec<u8>, ReasonCounts> = HashMap::new();
    for (key, counts) in table {
        let mut parts = key.split(|&b| b == REASON_SEPARATOR);
        let class = classes
            .entry(parts.next().unwrap_or_default().to_vec())
            .or_default();
        class.counts += counts;
        let code = String::from_utf8_lossy(parts.next().unwrap_or_default());
        if !code.is_empty() {
            let n = class.codes.entry(code.into_owned()).or_default();
            *n = n.saturating_add(counts.total());
        }
        let ip = std::str::from_utf8(parts.next().unwrap_or_default());
        if let Some(ip) = ip.ok().and_then(|ip| ip.parse().ok()) {
            let n = class.ips.entry(ip).or_default();
            *n = n.saturating_add(counts.total());
        }
    }
    let rows = classes.into_iter().map(|(class, found)| Row {
        key: Key::Named(class),
        counts: found.counts,
        codes: most_frequent(found.codes),
        ips: most_frequent(found.ips),
    });
    rows.collect()
}

fn most_frequent<T: Ord>(counts: HashMap<T, u64>) -> Vec<(T, u64)> {
    let mut sorted: Vec<(T, u64)> = counts.into_iter().collect();
    sorted.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sorted.truncate(DETAILS_MAX);
    sorted
}
