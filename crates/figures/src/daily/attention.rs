//! What an admin should look at: what is worse than it was, by much.

use super::{Daily, Measure, Rate, Subject};
use crate::bounds::OTHER_INSTANCES;
use crate::history::HistoryDay;
use crate::mail_stats::check::Watched;
use crate::mail_stats::{Dimension, Key, Row};
use knowledge::reasons::Class;
use legible::human;

pub use crate::mail_stats::check::Severity;

/// Fewer of a kind are chance.
const FEW: u64 = 10;

/// More blocked deliveries of an instance in a day are too many, whatever it was before: as with `--check`.
const BLOCKED: u64 = 20;

/// More messages in an instance's queues are worth a warning, or an alarm.
const QUEUED: (u64, u64) = (200, 500);

/// A rate has jumped if it is at least so many times what it was, and higher by the points of [`bounds`].
const TIMES: f64 = 2.0;

/// By how many points a rate must have risen, and which one, in percent, is too high where there is nothing to compare with.
fn bounds(watched: Watched) -> (f64, f64) {
    match watched {
        Watched::Blocked => (0.5, 2.0),
        Watched::Bounced => (3.0, 10.0),
        Watched::Deferred => (10.0, 30.0),
    }
}

/// Something that needs attention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The instance: text from a log.
    pub instance: String,
    /// In a few words: `34.4% deferred`.
    pub what: String,
    /// The rest of it: how it was, and why. May hold codes, addresses: text from a log. May be empty.
    pub details: String,
}

/// All that needs attention, the worst first.
pub(super) fn findings(report: &Daily, day: &HistoryDay, busy: &[String]) -> Vec<Finding> {
    let mut found: Vec<(u8, u64, Finding)> = Vec::new();
    // What anyone may have written is no reason for alarm.
    let judged = report
        .instances
        .iter()
        .filter(|s| s.name != OTHER_INSTANCES);
    for subject in judged {
        for watched in Watched::ALL {
            let finding = jumped(report, subject, watched);
            let rank = 2 * watched as u8;
            found.extend(finding.map(|f| (rank, subject.today.count(Rate::Watched(watched)), f)));
        }
        let known = day.instance(&subject.name).is_some_and(|of| of.complete);
        if known && subject.today.total() == 0 && busy.contains(&subject.name) {
            found.push((1, 0, silent(subject)));
        }
    }
    let waiting = report.queue.iter().flat_map(|queue| &queue.instances);
    for instance in waiting {
        let n = instance.figures.counts.total();
        let severity = match n {
            n if n > QUEUED.1 => Severity::Critical,
            n if n > QUEUED.0 => Severity::Warning,
            _ => continue,
        };
        let oldest = instance.figures.oldest.zip(report.queue.as_ref());
        let oldest = oldest.map(|(at, queue)| human::age(queue.age(at)));
        let finding = Finding {
            severity,
            instance: instance.instance.clone(),
            what: format!("{n} messages in the mailq"),
            details: oldest.map_or_else(String::new, |age| format!("the oldest {age} old")),
        };
        found.push((3, n, finding));
    }
    found.sort_by(|(rank_a, n_a, a), (rank_b, n_b, b)| {
        let worst = b.severity.cmp(&a.severity);
        worst.then(rank_a.cmp(rank_b)).then(n_b.cmp(n_a))
    });
    found.into_iter().map(|(_, _, finding)| finding).collect()
}

/// Is there far more of it than there was?
fn jumped(report: &Daily, subject: &Subject, watched: Watched) -> Option<Finding> {
    let rate = Rate::Watched(watched);
    let (count, share) = (subject.today.count(rate), subject.today.share(rate)?);
    let (points, too_much) = bounds(watched);
    let before = subject.before.mean.map(|mean| mean.sum);
    let usual = before.and_then(|sum| sum.share(rate));
    let is_jump = match usual {
        Some(usual) => share >= usual * TIMES && share - usual >= points,
        None => share > too_much,
    };
    let many = watched == Watched::Blocked && count > BLOCKED;
    if !(many || is_jump && count >= FEW) {
        return None;
    }
    let severity = match watched {
        Watched::Blocked => Severity::Critical,
        _ if share >= 50.0 => Severity::Critical,
        _ => Severity::Warning,
    };
    let share = human::percent(count, subject.today.total());
    let what = match watched {
        Watched::Blocked => format!("{count} blocked ({share})"),
        _ => format!("{share} {} ({count})", watched.as_str()),
    };
    let mut details: Vec<String> = was(subject, rate).into_iter().collect();
    details.extend(reasons(report, subject, watched));
    Some(Finding {
        severity,
        instance: subject.name.clone(),
        what,
        details: details.join("; "),
    })
}

/// How it was before.
fn was(subject: &Subject, rate: Rate) -> Option<String> {
    let mean = subject.before.mean.filter(|mean| mean.sum.total() > 0)?;
    let share = |measure: Measure| human::percent(measure.count(rate), measure.total());
    let days = match mean.days {
        1 => return Some(format!("it was {}", share(mean.sum))),
        days => format!("{days} days"),
    };
    Some(match subject.before.day_before {
        Some(before) => format!(
            "it was {} the day before and {} on average of {days}",
            share(before),
            share(mean.sum)
        ),
        None => format!("it was {} on average of {days}", share(mean.sum)),
    })
}

/// The reasons that most of it had.
fn reasons(report: &Daily, subject: &Subject, watched: Watched) -> Option<String> {
    let table = report
        .figures(&subject.name)?
        .breakdown(Dimension::Reason)?;
    let count = |row: &Row| match watched {
        Watched::Blocked if row.key.as_bytes() == Class::Blocked.as_str().as_bytes() => {
            row.counts.total()
        }
        Watched::Blocked => 0,
        Watched::Bounced => row.counts.bounced,
        Watched::Deferred => row.counts.deferred,
    };
    let mut rows: Vec<(u64, &Row)> = table.rows.iter().map(|row| (count(row), row)).collect();
    rows.retain(|(n, row)| *n > 0 && row.key != Key::Others);
    rows.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
    let told = rows.iter().take(3).map(|(n, row)| {
        let codes = row.codes.iter().take(2).map(|(code, _)| code.clone());
        let ips = row.ips.iter().take(2).map(|(ip, _)| ip.to_string());
        let marks: Vec<String> = codes.chain(ips).collect();
        let class = String::from_utf8_lossy(row.key.as_bytes());
        match (watched, marks.as_slice()) {
            (Watched::Blocked, marks) => marks.join(", "),
            (_, []) => format!("{class} {n}"),
            (_, marks) => format!("{class} {n} ({})", marks.join(", ")),
        }
    });
    let told: Vec<String> = told.filter(|text| !text.is_empty()).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// An instance that should have delivered something.
fn silent(subject: &Subject) -> Finding {
    let known = subject
        .days
        .iter()
        .rev()
        .skip(1)
        .map(|(_, measure)| measure);
    let silent = known
        .take_while(|measure| measure.is_some_and(|m| m.total() == 0))
        .count();
    let details = match (silent, subject.before.mean) {
        (0, Some(mean)) => format!("{:.0} a day before", mean.total()),
        (0, None) => String::new(),
        (1, _) => "nor the day before".to_owned(),
        (n, _) => format!("nor in the {n} days before"),
    };
    Finding {
        severity: Severity::Warning,
        instance: subject.name.clone(),
        what: "no deliveries".to_owned(),
        details,
    }
}
