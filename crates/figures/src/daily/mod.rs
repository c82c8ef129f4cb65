//! The report of a host's day: the figures beside those of the days before, and what needs attention.
//!
//! [`Daily::new`] makes it of the day's counts, a [`History`] and the queues as they are now;
//! `show::daily` shows it. Nothing here is made for one way of showing.

mod attention;
mod backlog;
mod compare;
mod domains;
mod known;
mod middle;
mod notice;
mod outage;
mod providers;
mod shares;
mod spread;
mod standing;
mod trends;
mod usual;
mod volume;

use std::borrow::Cow;
use std::collections::BTreeMap;

use postfix::log::SILENT;
use postfix::{Day, Problem, Span, Time};

use crate::days::Period;
use crate::distribution::{Distribution, InstanceFigures};
use crate::gaps::Gaps;
use crate::history::{History, HistoryDay, InstanceDay};
use crate::judge::Rules;
use crate::mail_stats::{Counts, Dimension, Figures, MailStats, Tally};

pub use compare::{Compared, DAYS_BEFORE, DAYS_JUDGED, Mean, Measure, Rate};
pub use notice::Notice;

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
    /// For how long they keep mail that cannot be delivered; of others, as by default.
    pub lives: BTreeMap<String, Span>,
    /// Do the logs hold all of the day, whether an instance is in them or not?
    pub is_covered: bool,
    /// Where there may have been more than was read: the time of the last line.
    pub ends: Option<Time>,
    /// What it is judged by.
    pub rules: Rules,
    /// What the logs lack.
    pub gaps: Gaps,
    /// The queues as they are now, if they are looked at.
    pub queue: Option<Distribution>,
    /// Queues that could not be looked at: each instance, or all of them if there is no `queue`.
    pub unseen_queues: Vec<String>,
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
    /// Does any of those need attention, perhaps, as something does that is of no listed one, or is one not seen whole?
    pub unlisted_bad: bool,
    /// The figures of the day, by [`DIMENSIONS`]. Of an instance whose figures are from a record, there are no domains.
    pub stats: MailStats,
    /// What needs attention, the worst first.
    pub attention: Vec<Notice>,
    /// What is odd and needs none: all instances had far less, as on a day of the weekend.
    pub note: Option<String>,
    /// What to do about refusals, a line each; to be added by who has the table.
    pub advice: Vec<String>,
    /// When the last line was written of logs that may not be all, if that was long before the day was over.
    pub seen_until: Option<Time>,
    /// Is anything known of the day, from logs or records? Without that, its zeros say nothing.
    pub is_known: bool,
    /// Instances that are to have deliveries, and have had none on any day that is known.
    pub unused: Vec<String>,
    /// Why not all of the day is in it, and of which instances; all instances, if none is named.
    pub missing: Vec<(String, Vec<String>)>,
    /// Which logs and records of the days before could not be read, a line each, as far as nothing else says what was
    /// in them.
    pub unread_before: Vec<String>,
    /// The instances whose figures are from a record of the day: their logs are gone.
    pub from_records: Vec<String>,
    /// The queues as they were when the report was made.
    pub queue: Option<Distribution>,
    /// Of which instances the queue could not be looked at.
    pub unseen_queues: Vec<String>,
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
    /// For how long mail is kept that cannot be delivered. Of all instances: by the busiest of them.
    pub lives: Span,
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
            lives,
            is_covered,
            ends,
            rules,
            gaps,
            queue,
            unseen_queues,
            mut problems,
        } = parts;
        let last = history.last()?;
        let day = last.day.clone();
        let known = counted.providers();
        let mut stats = known::stats_of(&host, last, counted);
        stats.gaps = gaps;
        let mut instances = subjects(&stats, &history, &busy);
        for of in &mut instances {
            of.lives = lives.get(&of.name).copied().unwrap_or(of.lives);
        }
        let mut total = Subject::new(String::new(), Measure::of(&stats.total), &history, all_of);
        let busiest = instances.iter().max_by_key(|of| of.today.total());
        total.lives = busiest.map_or(total.lives, |of| of.lives);
        let unused = instances.iter();
        let unused = unused.filter(|s| busy.contains(&s.name) && s.today.total() == 0);
        let unused = unused.filter(|s| volume::is_unused(s));
        let unused = unused.map(|s| s.name.clone()).collect();
        let mut report = Self {
            seen_until: ends.filter(|ends| ends.plus(SILENT) < day.until.min(now)),
            is_known: is_covered || !last.instances.is_empty(),
            missing: known::missing(last, &busy),
            unread_before: known::unread_before(&history),
            from_records: known::from_records(last),
            host,
            day,
            made: now,
            total,
            instances,
            unlisted: 0,
            unlisted_bad: false,
            stats,
            attention: Vec::new(),
            note: None,
            advice: Vec::new(),
            unused,
            queue,
            unseen_queues,
            problems: Vec::new(),
        };
        let expected = (busy.as_slice(), in_use.as_slice());
        (report.attention, report.note) =
            attention::findings(&report, &history, expected, is_covered, (&rules, &known));
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
        let is_other = |name: &String| limited.instances.iter().all(|of| of.name != *name);
        // That the day goes on is said of all.
        let missing = self.missing.iter();
        let mut missing =
            missing.filter(|(why, _)| self.is_over() || why != "the day was not over");
        // What is found of all instances is theirs, too, and so is what could not be read.
        limited.unlisted_bad = self.attention.iter().any(|of| is_other(&of.instance))
            || self.unseen_queues.iter().any(is_other)
            || missing.any(|(_, of)| of.is_empty() || of.iter().any(is_other));
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

/// Each instance that has deliveries on any day, or is to have some.
fn subjects(stats: &MailStats, history: &History, busy: &[String]) -> Vec<Subject> {
    // Of two tags that look alike, the first counts.
    let today = stats.instances.iter().rev();
    let today = today.map(|i| (name_of(&i.instance).into_owned(), Measure::of(&i.figures)));
    let mut all: BTreeMap<String, Measure> = today.collect();
    // An instance that had deliveries and has none is not to vanish.
    for of in history.days.iter().flat_map(|day| &day.instances) {
        all.entry(of.instance.clone()).or_default();
    }
    let subject = |(name, today): (String, Measure)| {
        Subject::new(name.clone(), today, history, |day| {
            match day.instance(&name) {
                Some(of) => whole(of),
                None if day.lost.contains(&name) => None,
                // All others are known: it had nothing.
                None => all_of(day).map(|_| Measure::default()),
            }
        })
    };
    let all = all.into_iter().map(subject);
    // The default instance, say, where others have the work.
    all.filter(|subject| subject.has_any() || busy.contains(&subject.name))
        .collect()
}

/// An instance's day, if all of it is known.
fn whole(of: &InstanceDay) -> Option<Measure> {
    of.complete.then(|| Measure::of(&of.figures))
}

/// All of a day, if all of it is known of every instance of which something is.
fn all_of(day: &HistoryDay) -> Option<Measure> {
    let mut sum = None;
    if !day.lost.is_empty() {
        return None;
    }
    for of in &day.instances {
        let measure = whole(of)?;
        sum = Some(sum.map_or(measure, |sum: Measure| sum.plus(measure)));
    }
    sum
}

#[cfg(test)]
mod tests;
