//! The finished figures.

use postfix::Problem;
use postfix::queue::Queue;
use postfix::{Span, Time};

use super::tally::{Cell, Table};
use super::{AGES, Counts, Dimension, QUEUES, Tally};
use crate::age::age;
use crate::held::Held;
use crate::instances::{Trouble, missing};
use crate::mail_stats::Key;

/// What is known beside the counts.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// The host whose queues were read.
    pub host: String,
    /// When.
    pub time: Time,
    /// Were the files counted only, so that there are no sizes and no ages?
    pub counts_only: bool,
    /// Was it read when messages expire?
    pub with_expiry: bool,
    /// The breakdowns that every tally has.
    pub by: Vec<Dimension>,
    /// How many rows of a breakdown are wanted, the biggest; what the others count is put into one row. All, if absent.
    pub top: Option<usize>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// What was counted of an instance.
#[derive(Debug, Clone)]
pub struct InstanceTally {
    /// Its name.
    pub instance: String,
    /// Its counts.
    pub tally: Tally,
    /// Does it claim the queue directory of an instance before it? Then it is not added to the total a second time.
    pub is_repeated: bool,
    /// Could all of its queues and their files be read?
    pub is_whole: bool,
}

/// What waits in a host's queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// The host whose queues were read.
    pub host: String,
    /// When.
    pub time: Time,
    /// Was it read when messages expire? Otherwise [`Figures::next_expiry`] says nothing.
    pub with_expiry: bool,
    /// The breakdowns that every [`Figures::by`] has, in this order.
    pub by: Vec<Dimension>,
    /// The instances, the fullest first, equal ones by name.
    pub instances: Vec<InstanceFigures>,
    /// All of them together.
    pub total: Figures,
    /// What relay-limit holds the instances to; to be added by who knows it.
    pub limits: Vec<Held>,
    /// What the instances' programs stumble over in their queues; to be added by who looked for it.
    pub troubles: Option<Vec<Trouble>>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// One instance's figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceFigures {
    /// Its name.
    pub instance: String,
    /// Could all of its queues and their files be read? If not, there may be more.
    pub is_whole: bool,
    /// The figures.
    pub figures: Figures,
}

/// Figures of an instance, or of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Messages.
    pub counts: Counts,
    /// Bytes of their content, as showq(8) counts them; absent where files were only counted.
    pub bytes: Option<u64>,
    /// When the oldest arrived; absent if there is none or files were only counted.
    pub oldest: Option<Time>,
    /// How many messages there are whose age is not known, though they say when they arrived: it is later than now, or
    /// no time, by a clock that is or was wrong. Files that say nothing are damaged.
    pub unknown_ages: u64,
    /// When the first message expires, by its instance's own lifetimes; but for those that are not tried (maildrop,
    /// hold).
    pub next_expiry: Option<Time>,
    /// The breakdowns.
    pub by: Vec<Breakdown>,
}

/// Mail grouped by one dimension. Mail in the corrupt queue is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breakdown {
    /// By what.
    pub dimension: Dimension,
    /// The biggest first, equal ones by key; [`Key::Others`] comes last. Ages are in order and complete.
    pub rows: Vec<QueueRow>,
}

/// One line of a breakdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueRow {
    /// What the mail has in common.
    pub key: Key,
    /// How much there is: see [`Dimension::unit`].
    pub counts: Counts,
    /// The same by age: see [`AGES`].
    pub ages: [u64; AGES.len()],
}

/// By how much the messages of an instance have become more or fewer; absent where it is not known.
pub type Change = Option<i128>;

impl Distribution {
    /// Makes the figures.
    pub fn new(frame: Frame, tallies: Vec<InstanceTally>) -> Self {
        let mut total: Option<Tally> = None;
        for InstanceTally { tally, .. } in tallies.iter().filter(|t| !t.is_repeated) {
            match &mut total {
                Some(total) => total.merge(tally.clone()),
                None => total = Some(tally.clone()),
            }
        }
        let mut instances: Vec<InstanceFigures> = tallies
            .into_iter()
            .map(
                |InstanceTally {
                     instance,
                     tally,
                     is_whole,
                     ..
                 }| InstanceFigures {
                    instance,
                    is_whole,
                    figures: Figures::new(tally, &frame),
                },
            )
            .collect();
        instances.sort_by(|a, b| {
            let fullest_first = b.figures.counts.total().cmp(&a.figures.counts.total());
            fullest_first.then_with(|| a.instance.cmp(&b.instance))
        });
        let mut by = Vec::new();
        for &dimension in &frame.by {
            if !by.contains(&dimension) {
                by.push(dimension);
            }
        }
        Self {
            total: total.map_or_else(|| Figures::none(&by, &frame), |t| Figures::new(t, &frame)),
            host: frame.host,
            time: frame.time,
            with_expiry: frame.with_expiry,
            by,
            instances,
            limits: Vec::new(),
            troubles: None,
            problems: frame.problems,
        }
    }

    /// Why the figures are not complete, a line each; none if all was seen.
    pub fn missing(&self) -> Vec<String> {
        let mut all = missing(&self.problems, self.troubles.as_deref().unwrap_or_default());
        all.extend(self.unknown_ages());
        all
    }

    /// Of which instances there is mail whose age is not known, a line each.
    pub fn unknown_ages(&self) -> impl Iterator<Item = String> {
        self.instances.iter().filter_map(|of| {
            let name = &of.instance;
            Some(format!("{name}: {}", of.figures.unknown_age()?))
        })
    }

    /// The age of what arrived at `arrival`; nothing for what arrived in the future, by a clock that is wrong.
    pub fn age(&self, arrival: Time) -> Option<Span> {
        age(arrival, self.time)
    }

    /// By how much `instance` has become fuller since `before`.
    pub fn change(&self, before: Option<&Self>, instance: &InstanceFigures) -> Change {
        let mut then = before?.instances.iter();
        let then = then.find(|i| i.instance == instance.instance)?;
        Some(difference(&instance.figures, &then.figures))
    }

    /// By how much all together have become fuller since `before`.
    pub fn total_change(&self, before: Option<&Self>) -> Change {
        before.map(|before| difference(&self.total, &before.total))
    }
}

fn difference(now: &Figures, then: &Figures) -> i128 {
    i128::from(now.counts.total()) - i128::from(then.counts.total())
}

impl Figures {
    /// Is there no mail that has an age?
    pub fn is_empty(&self) -> bool {
        self.counts.total() == self.counts[Queue::Corrupt]
    }

    /// That there is mail whose age is not known, in words.
    pub fn unknown_age(&self) -> Option<String> {
        let what = match self.unknown_ages {
            0 => return None,
            1 => "1 message is of no known age".to_owned(),
            n => format!("{n} messages are of no known age"),
        };
        Some(format!(
            "{what}: the time when mail arrived is yet to come, or none; is the clock right?"
        ))
    }

    fn new(tally: Tally, frame: &Frame) -> Self {
        Self {
            counts: tally.counts,
            bytes: (!frame.counts_only).then_some(tally.bytes),
            oldest: tally.oldest.filter(|_| !frame.counts_only),
            unknown_ages: tally.unknown_ages,
            next_expiry: tally.next_expiry,
            by: tally
                .tables
                .into_iter()
                .map(|(dimension, table)| Breakdown::new(dimension, table, frame.top))
                .collect(),
        }
    }

    fn none(by: &[Dimension], frame: &Frame) -> Self {
        Self {
            counts: Counts::default(),
            bytes: (!frame.counts_only).then_some(0),
            oldest: None,
            unknown_ages: 0,
            next_expiry: None,
            by: by
                .iter()
                .map(|&dimension| Breakdown::new(dimension, Table::new(0), None))
                .collect(),
        }
    }
}

impl Breakdown {
    fn new(dimension: Dimension, table: Table, top: Option<usize>) -> Self {
        let mut others = QueueRow::new(b"", &table.rest);
        let cut = table.cut;
        let mut table = table.into_cells();
        if dimension == Dimension::Age {
            let (unknown, known) = AGES.split_last().unwrap_or((&"", &[]));
            let mut rows: Vec<QueueRow> = known
                .iter()
                .map(|age| {
                    QueueRow::new(
                        age.as_bytes(),
                        &table.remove(age.as_bytes()).unwrap_or_default(),
                    )
                })
                .collect();
            let rest = table.remove(unknown.as_bytes());
            rows.extend(rest.map(|cell| QueueRow::new(unknown.as_bytes(), &cell)));
            return Self { dimension, rows };
        }
        let rows = table.iter().map(|(key, cell)| QueueRow::new(key, cell));
        let mut rows: Vec<QueueRow> = rows.collect();
        rows.sort_by(|a, b| {
            let biggest_first = b.counts.total().cmp(&a.counts.total());
            biggest_first.then_with(|| a.key.cmp(&b.key))
        });
        let top = top.unwrap_or(usize::MAX).min(rows.len());
        if cut > 0 || rows.len() > top {
            others.key = Key::Others(cut.saturating_add(rows.len() - top));
            for row in rows.drain(top..) {
                others.counts += row.counts;
                for (sum, n) in others.ages.iter_mut().zip(row.ages) {
                    *sum = sum.saturating_add(n);
                }
            }
            rows.push(others);
        }
        Self { dimension, rows }
    }
}

impl QueueRow {
    fn new(key: &[u8], cell: &Cell) -> Self {
        let mut counts = Counts::default();
        for (queue, n) in QUEUES.into_iter().zip(cell.queues) {
            counts.add(queue, n.into());
        }
        Self {
            key: Key::Named(key.to_vec()),
            counts,
            ages: cell.ages.map(u64::from),
        }
    }
}
