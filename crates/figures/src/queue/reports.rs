//! The finished figures.

use postfix::{Problem, Span, Time};

use super::listed::ListedMessage;
use super::summary::Summary;
use super::tally::{GroupCell, SEPARATOR, SenderCell, Tally};
use super::{Dimension, Settings};
use crate::age::age;
use crate::held::Held;
use crate::instances::{Trouble, missing};

/// What is known beside the counts.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// The host whose queues were read.
    pub host: String,
    /// When.
    pub time: Time,
    /// How many groups, and how many senders, are wanted, the biggest. All, if absent.
    pub top: Option<usize>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// What is in the mailq of some instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The host whose queues were read.
    pub host: String,
    /// When.
    pub time: Time,
    /// The instances, in the order in which they were asked for.
    pub instances: Vec<InstanceSummary>,
    /// All of them together.
    pub total: Summary,
    /// What recipients are grouped by.
    pub by: Vec<Dimension>,
    /// The groups, those with the most recipients first.
    pub groups: Rows<Group>,
    /// The senders, those with the most messages first.
    pub senders: Rows<Sender>,
    /// Until when [`Summary::expiring`] counts.
    pub expires_by: Time,
    /// The messages to be listed: all, or the first ones.
    pub messages: Vec<ListedMessage>,
    /// What to do about refusals, a line each; to be added by who has the table.
    pub advice: Vec<String>,
    /// What relay-limit holds the instances to; to be added by who knows it.
    pub limits: Vec<Held>,
    /// What the instances' programs stumble over in their queues; to be added by who knows it.
    pub troubles: Vec<Trouble>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceSummary {
    /// Its name.
    pub instance: String,
    /// What it has.
    pub summary: Summary,
}

/// The biggest rows, and what the others come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows<T> {
    /// The biggest first.
    pub rows: Vec<T>,
    /// How many more there are. Where more are met than are kept distinct, one that is met again counts again.
    pub others: usize,
    /// Their recipients (of groups) or messages (of senders).
    pub others_count: u64,
}

/// Recipients that have something in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What: a part for each of [`Report::by`].
    pub key: Vec<String>,
    /// How many there are.
    pub recipients: u64,
    /// Of how many messages.
    pub messages: u64,
    /// When the oldest of these arrived.
    pub oldest: Option<Time>,
}

/// A sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The address, quoted and printable; or a glob for all addresses of a list that codes the recipient in them.
    pub sender: String,
    /// Messages.
    pub messages: u64,
    /// Their recipients to do.
    pub recipients: u64,
    /// Bytes of their content.
    pub bytes: u64,
    /// When the oldest arrived.
    pub oldest: Option<Time>,
}

impl Report {
    /// Why the figures are not complete, a line each; none if all was seen.
    pub fn missing(&self) -> Vec<String> {
        missing(&self.problems, &self.troubles)
    }

    /// Makes the figures of a tally.
    pub fn new(settings: &Settings, frame: Frame, tally: Tally) -> Self {
        let mut total = Summary::default();
        for summary in &tally.summaries {
            total.merge(summary);
        }
        let top = frame.top.unwrap_or(usize::MAX);
        let cut_groups = (tally.groups.cut, tally.groups.rest.recipients);
        let cut_senders = (tally.senders.cut, tally.senders.rest.messages);
        let groups = tally.groups.into_cells().into_iter().map(Group::of);
        let senders = tally.senders.into_cells().into_iter().map(Sender::of);
        let instances = settings.instances.iter().zip(tally.summaries);
        Self {
            host: frame.host,
            expires_by: settings.expires_by,
            time: frame.time,
            instances: instances
                .map(|(instance, summary)| InstanceSummary {
                    instance: instance.clone(),
                    summary,
                })
                .collect(),
            total,
            by: settings.group_by.clone(),
            groups: Rows::new(
                groups.collect(),
                cut_groups,
                top,
                |g| g.recipients,
                |a, b| a.key.cmp(&b.key),
            ),
            senders: Rows::new(
                senders.collect(),
                cut_senders,
                top,
                |s| s.messages,
                |a, b| a.sender.cmp(&b.sender),
            ),
            messages: tally.kept.sorted(),
            advice: Vec::new(),
            limits: Vec::new(),
            troubles: Vec::new(),
            problems: frame.problems,
        }
    }

    /// Takes in what the log says of the last hour: of an instance by its place.
    pub fn drained(&mut self, done: impl Fn(usize) -> Option<u64>) {
        let mut sum = Some(0);
        for (at, instance) in self.instances.iter_mut().enumerate() {
            instance.summary.done = done(at);
            sum = sum.zip(instance.summary.done).map(|(sum, done)| sum + done);
        }
        self.total.done = sum;
    }

    /// The age of what arrived at `arrival`; nothing for what arrived in the future, by a clock that is wrong.
    pub fn age(&self, arrival: Time) -> Option<Span> {
        age(arrival, self.time)
    }

    /// The name of the instance that has a message.
    pub fn instance(&self, entry: &ListedMessage) -> &str {
        let instance = self.instances.get(entry.instance);
        instance.map_or("", |i| i.instance.as_str())
    }

    /// How many messages are not in the list.
    pub fn unlisted(&self) -> u64 {
        let listed = u64::try_from(self.messages.len()).unwrap_or(u64::MAX);
        self.total.messages().saturating_sub(listed)
    }
}

impl Group {
    fn of((key, cell): (String, GroupCell)) -> Self {
        Self {
            key: key.split(SEPARATOR).map(str::to_owned).collect(),
            recipients: cell.recipients,
            messages: cell.messages,
            oldest: cell.oldest,
        }
    }
}

impl Sender {
    fn of((sender, cell): (String, SenderCell)) -> Self {
        Self {
            sender,
            messages: cell.messages,
            recipients: cell.recipients,
            bytes: cell.bytes,
            oldest: cell.oldest,
        }
    }
}

impl<T> Rows<T> {
    fn new(
        mut rows: Vec<T>,
        (cut, cut_sum): (usize, u64),
        top: usize,
        count: impl Fn(&T) -> u64,
        by_name: impl Fn(&T, &T) -> std::cmp::Ordering,
    ) -> Self {
        rows.sort_unstable_by(|a, b| count(b).cmp(&count(a)).then_with(|| by_name(a, b)));
        let others = rows.get(top..).unwrap_or_default();
        let (more, sum) = (others.len(), others.iter().map(&count).sum::<u64>());
        rows.truncate(top);
        Self {
            rows,
            others: more + cut,
            others_count: sum + cut_sum,
        }
    }
}
