//! The report of a host's day: the figures beside those of the days before, and what needs attention.
//!
//! [`Daily::new`] makes it of the day's counts, a [`History`] and the queues as they are now;
//! `show::daily` shows it. Nothing here is made for one way of showing.

mod attention;
mod compare;
mod shares;
mod volume;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use postfix::{Day, Problem, Time};

use crate::bounds::OTHER_INSTANCES;
use crate::days::{Period, counted};
use crate::distribution::{Distribution, InstanceFigures};
use crate::gaps::Gaps;
use crate::history::{History, HistoryDay, InstanceDay, Source};
use crate::judge::Rules;
use crate::mail_stats::{Counts, Dimension, Figures, Frame, MailStats, Tally};

pub use attention::Notice;
pub use compare::{Compared, DAYS_BEFORE, DAYS_JUDGED, Mean, Measure, Rate};

/// The breakdowns of a day, as its tally must have them.
pub const DIMENSIONS: [Dimension; 5] = [
    Dimension::Provider,
    Dimension::Reason,
    Dimension::Domain,
    Dimension::SenderDomain,
    Dimension::Hour,
];

/// What a report is made of.
#[derive(Debug)]
pub struct Parts {
    /// The host.
    pub host: String,
    /// Now.
    pub now: Time,
    /// What was counted in the day's logs, by [`DIMENSIONS`].
    pub counted: Tally,
    /// The days before, the oldest first, and the day itself as the last.
    pub history: History,
    /// The instances that are to have deliveries every day.
    pub busy: Vec<String>,
    /// The instances that were not switched off: one that had deliveries is to go on having some. All, if empty.
    pub in_use: Vec<String>,
    /// Do the logs hold all of the day, whether an instance is in them or not?
    pub is_covered: bool,
    /// What it is judged by.
    pub rules: Rules,
    /// What the logs lack.
    pub gaps: Gaps,
    /// The queues as they are now, if they are looked at.
    pub queue: Option<Distribution>,
    /// What could not be read, beside what the history reports.
    pub problems: Vec<Problem>,
}

/// The report.
#[derive(Debug, Clone)]
pub struct Daily {
    /// The host.
    pub host: String,
    /// The day.
    pub day: Period,
    /// When the report was made.
    pub made: Time,
    /// All instances together.
    pub total: Subject,
    /// Each instance, by name.
    pub instances: Vec<Subject>,
    /// How many instances are not in it: see [`Daily::limited`].
    pub unlisted: usize,
    /// The figures of the day, by [`DIMENSIONS`]. Of an instance whose figures are from a record, there are no domains.
    pub stats: MailStats,
    /// What needs attention, the worst first.
    pub attention: Vec<Notice>,
    /// What to do about refusals, a line each; to be added by who has the table.
    pub advice: Vec<String>,
    /// Is anything known of the day, from logs or records? Without that, its zeros say nothing.
    pub is_known: bool,
    /// Each provider: its attempts of the day, and of each of the days before that are known, the oldest first.
    pub providers: Vec<(String, Counts, Vec<Counts>)>,
    /// Why not all of the day is in it, and of which instances; all instances, if none is named.
    pub missing: Vec<(String, Vec<String>)>,
    /// The instances whose figures are from a record of the day: their logs are gone.
    pub from_records: Vec<String>,
    /// The queues as they were when the report was made.
    pub queue: Option<Distribution>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// An instance's day, or that of all of them, and how it was before.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// The instance's name: text from a log. Empty for all of them.
    pub name: String,
    /// The day.
    pub today: Measure,
    /// How it was before.
    pub before: Compared,
    /// The days before and the day itself, the oldest first; without figures where not all of a day is known.
    pub days: Vec<(Day, Option<Measure>)>,
}

impl Daily {
    /// Makes the report; nothing if the history has no day.
    pub fn new(parts: Parts) -> Option<Self> {
        let Parts {
            host,
            now,
            counted,
            history,
            busy,
            in_use,
            is_covered,
            rules,
            gaps,
            queue,
            mut problems,
        } = parts;
        let last = history.last()?;
        let day = last.day.clone();
        let mut stats = stats_of(&host, last, counted);
        stats.gaps = gaps;
        let names = stats.instances.iter();
        let mut names: BTreeSet<String> =
            names.map(|i| name_of(&i.instance).into_owned()).collect();
        // An instance that had deliveries and has none is not to vanish.
        let before = history.days.iter().flat_map(|day| &day.instances);
        names.extend(before.map(|of| of.instance.clone()));
        let instances: Vec<Subject> = names
            .iter()
            .map(|name| {
                let of = |figures: &Figures| Measure::of(figures);
                let today = stats.instances.iter();
                let mut today = today.filter(|i| name_of(&i.instance) == *name);
                let today = today.next().map(|i| of(&i.figures)).unwrap_or_default();
                Subject::new(name.clone(), today, &history, |day| {
                    match day.instance(name) {
                        Some(of) => whole(of),
                        // All others are known: it had nothing.
                        None => all(day).map(|_| Measure::default()),
                    }
                })
            })
            // The default instance, say, where others have the work.
            .filter(|subject| subject.has_any() || busy.contains(&subject.name))
            .collect();
        let total = Subject::new(String::new(), Measure::of(&stats.total), &history, all);
        let providers = providers(&stats, &history);
        let mut report = Self {
            is_known: is_covered || !last.instances.is_empty(),
            missing: missing(last, &busy),
            from_records: from_records(last),
            host,
            day,
            made: now,
            total,
            instances,
            unlisted: 0,
            stats,
            attention: Vec::new(),
            advice: Vec::new(),
            providers,
            queue,
            problems: Vec::new(),
        };
        let expected = (busy.as_slice(), in_use.as_slice());
        report.attention = attention::findings(&report, last, expected, is_covered, &rules);
        report.problems.extend(history.problems);
        report.problems.append(&mut problems);
        Some(report)
    }

    /// The same of `most` instances alone: those that need attention, and the busiest. All are in the totals.
    #[must_use]
    pub fn limited(&self, most: usize) -> Self {
        let mut limited = self.clone();
        let is_bad = |name: &str| self.attention.iter().any(|of| of.instance == name);
        let rank = |of: &Subject| (is_bad(&of.name), of.today.total());
        limited
            .instances
            .sort_by_key(|of| std::cmp::Reverse(rank(of)));
        limited.instances.truncate(most);
        limited.instances.sort_by(|a, b| a.name.cmp(&b.name));
        limited.unlisted = self.instances.len() - limited.instances.len();
        if let Some(queue) = &mut limited.queue {
            let waiting = |i: &InstanceFigures| i.figures.counts.total();
            queue
                .instances
                .sort_by_key(|i| std::cmp::Reverse(waiting(i)));
            queue.instances.truncate(most);
        }
        limited
    }

    /// The figures of an instance.
    pub fn figures(&self, instance: &str) -> Option<&Figures> {
        let mut all = self.stats.instances.iter();
        let found = all.find(|i| name_of(&i.instance) == instance)?;
        Some(&found.figures)
    }

    /// Was the day over when the report was made?
    pub fn is_over(&self) -> bool {
        self.made >= self.day.until
    }

    /// The rows of a breakdown of all instances that have the most failures, at most `n`, the worst first. What failed
    /// never is not one of them.
    pub fn worst(&self, dimension: Dimension, n: usize) -> Vec<(&[u8], Counts)> {
        let rows = self.stats.total.breakdown(dimension).into_iter();
        let rows = rows.flat_map(|table| &table.rows);
        let mut rows: Vec<(&[u8], Counts)> = rows
            .map(|row| (row.key.as_bytes(), row.counts))
            .filter(|(_, counts)| failed(counts) > 0)
            .collect();
        rows.sort_by(|a, b| {
            let by_failed = failed(&b.1).cmp(&failed(&a.1));
            by_failed.then_with(|| b.1.total().cmp(&a.1.total()))
        });
        rows.truncate(n);
        rows
    }

    /// The deliveries of each hour of the day's clock, of an instance or of all of them. The hour that comes twice when
    /// summer time ends is one.
    pub fn hours(&self, figures: &Figures) -> [Counts; 24] {
        let mut hours = [Counts::default(); 24];
        let rows = figures.breakdown(Dimension::Hour).into_iter();
        for row in rows.flat_map(|table| &table.rows) {
            let key = std::str::from_utf8(row.key.as_bytes()).unwrap_or_default();
            let hour = key.split_once('T').and_then(|(_, hour)| hour.parse().ok());
            if let Some(of) = hour.and_then(|hour: usize| hours.get_mut(hour)) {
                *of += row.counts;
            }
        }
        hours
    }
}

/// An instance's name as records and reports have it: anyone can write a tag that is not UTF-8.
fn name_of(instance: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(instance)
}

/// What was refused, for good or for now.
pub fn failed(counts: &Counts) -> u64 {
    counts.bounced.saturating_add(counts.deferred)
}

impl Subject {
    fn new(
        name: String,
        today: Measure,
        history: &History,
        of: impl Fn(&HistoryDay) -> Option<Measure>,
    ) -> Self {
        let (_, before) = history.days.split_last().unzip();
        let before: Vec<Option<Measure>> = before.unwrap_or_default().iter().map(&of).collect();
        let measured = before.iter().copied().chain([Some(today)]);
        let days = history.days.iter().map(|day| day.day.day()).zip(measured);
        Self::of_days(name, today, days.collect())
    }

    /// Is there any delivery on any day?
    fn has_any(&self) -> bool {
        let mut days = self.days.iter();
        days.any(|(_, measure)| measure.is_some_and(|m| m.total() > 0))
    }

    /// The mean of the days before, where it says more than the day before alone.
    pub fn mean(&self) -> Option<Mean> {
        let is_more = |mean: &Mean| mean.days > 1 || self.before.day_before.is_none();
        self.before.mean.filter(is_more)
    }

    /// How it is called among instances.
    pub fn label(&self) -> &str {
        match self.name.as_str() {
            "" => "TOTAL",
            name => name,
        }
    }
}

/// An instance's day, if all of it is known.
fn whole(of: &InstanceDay) -> Option<Measure> {
    of.complete.then(|| Measure::of(&of.figures))
}

/// All of a day, if all of it is known of every instance of which something is.
fn all(day: &HistoryDay) -> Option<Measure> {
    let mut sum = None;
    for of in &day.instances {
        let measure = whole(of)?;
        sum = Some(sum.map_or(measure, |sum: Measure| sum.plus(measure)));
    }
    sum
}

/// The figures of the day: what was counted in the logs, and the records of instances whose logs are gone.
fn stats_of(host: &str, day: &HistoryDay, tally: Tally) -> MailStats {
    let (settings, _, instances) = tally.into_counts();
    let mut whole = Tally::new(std::sync::Arc::clone(&settings));
    let from_record = |name: &[u8]| {
        let of = day.instance(&name_of(name))?;
        (of.source == Source::Record).then_some(of)
    };
    let kept = instances.into_iter();
    for instance in kept.filter(|i| from_record(&i.name).is_none()) {
        whole.enter(instance);
    }
    for of in day.instances.iter().filter(|i| i.source == Source::Record) {
        whole.enter(counted(&of.record, &settings));
    }
    whole.finish(Frame {
        host: host.to_owned(),
        since: Some(day.day.since),
        until: Some(day.day.until),
        ..Frame::default()
    })
}

/// Each provider's attempts, today and on each of the days before that are known.
fn providers(stats: &MailStats, history: &History) -> Vec<(String, Counts, Vec<Counts>)> {
    let rows = |figures: &Figures| {
        let table = figures.breakdown(Dimension::Provider);
        let rows = table.map(|table| table.rows.clone()).unwrap_or_default();
        rows.into_iter()
            .map(|row| (name_of(row.key.as_bytes()).into_owned(), row.counts))
    };
    let mut before: BTreeMap<String, Vec<Counts>> = BTreeMap::new();
    let days = history.days.split_last().map_or(&[][..], |(_, days)| days);
    for day in days {
        let mut of_day: BTreeMap<String, Counts> = BTreeMap::new();
        let judged = |of: &&InstanceDay| of.complete && of.instance != OTHER_INSTANCES;
        for of in day.instances.iter().filter(judged) {
            for (name, counts) in rows(&of.figures) {
                *of_day.entry(name).or_default() += counts;
            }
        }
        for (name, counts) in of_day {
            before.entry(name).or_default().push(counts);
        }
    }
    let others: BTreeMap<String, Counts> = match stats.others() {
        Some(others) => rows(&others.figures).collect(),
        None => BTreeMap::new(),
    };
    let all = rows(&stats.total);
    all.map(|(name, counts)| {
        // What anyone may have written is no reason for alarm.
        let others = others.get(&name).copied().unwrap_or_default();
        let counts = counts.minus(others);
        let days = before.remove(&name).unwrap_or_default();
        (name, counts, days)
    })
    .collect()
}

fn missing(day: &HistoryDay, busy: &[String]) -> Vec<(String, Vec<String>)> {
    let mut missing: BTreeMap<&str, BTreeSet<&String>> = BTreeMap::new();
    for of in &day.instances {
        for why in &of.incomplete {
            missing.entry(why).or_default().insert(&of.instance);
        }
    }
    for name in busy.iter().filter(|name| day.instance(name).is_none()) {
        missing.entry("nothing is known").or_default().insert(name);
    }
    let known = day.instances.iter().map(|of| &of.instance);
    let all: BTreeSet<&String> = known.chain(busy).collect();
    let missing = missing.into_iter().map(|(why, of)| match of == all {
        true => (why.to_owned(), Vec::new()),
        false => (why.to_owned(), of.into_iter().cloned().collect()),
    });
    missing.collect()
}

fn from_records(day: &HistoryDay) -> Vec<String> {
    let of = day.instances.iter();
    let of = of.filter(|of| of.source == Source::Record);
    of.map(|of| of.instance.clone()).collect()
}

#[cfg(test)]
mod tests;
