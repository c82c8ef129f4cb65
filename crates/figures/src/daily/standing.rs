//! What needs no day before to be too much: what waits, what took too long, what could not be read, and what Postfix
//! says itself.

use std::collections::BTreeSet;

use postfix::{Span, count};

use super::Daily;
use super::notice::{ALL, Found, Kind, Notice};
use crate::bounds::OTHER_INSTANCES;
use crate::judge::{Rules, Sample, judge_complaint, judge_delay};
use crate::verdict::Level;
use legible::human;

/// All of it. `late`: the instances that were down on the day before. `is_own`: are the logs those of a host's own
/// instances?
pub(super) fn all(
    report: &Daily,
    rules: &Rules,
    late: &BTreeSet<&str>,
    is_own: bool,
    found: &mut Vec<Found>,
) {
    queues(report, rules, found);
    complaints(report, rules, found);
    delays(report, rules, late, found);
    unread(report, rules, is_own, found);
}

/// Queues with too much in them, with mail that waits for too long, or that Postfix stumbles over.
fn queues(report: &Daily, rules: &Rules, found: &mut Vec<Found>) {
    let Some(queue) = &report.queue else {
        return;
    };
    let troubles = queue.troubles.iter().flatten();
    for trouble in troubles.filter(|one| one.level > Level::Ok) {
        let finding = Notice {
            level: trouble.level,
            instance: trouble.instance.clone(),
            what: trouble.text.clone(),
            details: String::new(),
        };
        found.push(Found::new(Kind::Trouble, 0, finding));
    }
    for instance in &queue.instances {
        let n = instance.figures.counts.total();
        let oldest = instance.figures.oldest;
        if let Some(what) = instance.figures.unknown_age() {
            let finding = Notice {
                level: Level::Unknown,
                instance: instance.instance.clone(),
                what,
                details: String::new(),
            };
            found.push(Found::new(Kind::Mailq, n, finding));
        }
        let age = oldest.and_then(|at| queue.age(at));
        let (warning, critical) = rules.mailq.messages;
        let (old, too_old) = rules.mailq.oldest;
        let is_many = n > warning;
        let is_old = age.is_some_and(|age| age > old);
        if !is_many && !is_old {
            continue;
        }
        let is_critical = n > critical || age.is_some_and(|age| age > too_old);
        let age = age.map(human::age);
        let messages = count(n, "message");
        let (what, details) = match (is_many, age) {
            (true, Some(age)) => (
                format!("{messages} in the mailq"),
                format!("the oldest {age} old"),
            ),
            (false, Some(age)) => (
                format!("mail waits for {age}"),
                format!("{messages} in the mailq"),
            ),
            (_, None) => (format!("{messages} in the mailq"), String::new()),
        };
        let finding = Notice {
            level: match is_critical {
                true => Level::Critical,
                false => Level::Warning,
            },
            instance: instance.instance.clone(),
            what,
            details,
        };
        found.push(Found::new(Kind::Mailq, n, finding));
    }
}

/// What Postfix says of itself, a finding an instance.
fn complaints(report: &Daily, rules: &Rules, found: &mut Vec<Found>) {
    let other = OTHER_INSTANCES.as_bytes();
    let judged = report.stats.instances.iter();
    for instance in judged.filter(|i| i.instance != other) {
        let rows = instance.figures.complaints.iter();
        let mut judged: Vec<_> = rows
            .map(|row| (judge_complaint(row, &rules.complaints), row))
            .filter(|(level, _)| *level > Level::Ok)
            .collect();
        // Stable: of equally bad ones the most frequent stays in front.
        judged.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
        let Some(((level, worst), others)) = judged.split_first() else {
            continue;
        };
        let finding = Notice {
            level: *level,
            instance: String::from_utf8_lossy(&instance.instance).into_owned(),
            what: worst.to_string(),
            details: match others.len() {
                0 => String::new(),
                n => format!("and {n} more like it"),
            },
        };
        found.push(Found::new(Kind::Complaint, worst.count, finding));
    }
}

/// Mail that was sent, but hours late.
fn delays(report: &Daily, rules: &Rules, late: &BTreeSet<&str>, found: &mut Vec<Found>) {
    let other = OTHER_INSTANCES.as_bytes();
    let limits = &rules.delay;
    for instance in report
        .stats
        .instances
        .iter()
        .filter(|i| i.instance != other)
    {
        let Some(level) = judge_delay(&instance.figures, limits) else {
            continue;
        };
        let name = String::from_utf8_lossy(&instance.instance).into_owned();
        // That an outage's mail comes now is no worse than the outage was.
        let is_late = late.contains(name.as_str());
        let level = match is_late {
            true => level.min(Level::Warning),
            false => level,
        };
        let Some(delays) = instance.figures.delays else {
            continue;
        };
        let age = |seconds: f64| human::age(Span::from_seconds(seconds as u64));
        let details =
            delays.parts.map(
                |[before, ..]| match before.median * 2.0 > delays.delay.median {
                    true => format!("before the queue manager took it {}", age(before.median)),
                    false => format!("95% within {}", age(delays.delay.p95)),
                },
            );
        let sent = instance.figures.counts.sent;
        let finding = Notice {
            level,
            instance: name,
            what: format!(
                "half of what was sent took more than {}",
                age(delays.delay.median)
            ),
            details: match is_late {
                true => {
                    "next to nothing was sent the day before: it may have waited for that to end"
                        .to_owned()
                }
                false => details.unwrap_or_default(),
            },
        };
        found.push(Found::new(Kind::Late, sent, finding));
    }
}

/// So much that could not be read that the figures are worth little.
///
/// Beside lines of a host's own instances (`is_own`), those that bear no program's name are anyone's, too.
fn unread(report: &Daily, rules: &Rules, is_own: bool, found: &mut Vec<Found>) {
    // What is written under a name of no instance may be anyone's.
    let others = report.stats.others().map(|others| &others.figures);
    let of_others = others.map_or((0, 0), |of| (of.unparsed, of.counts.total()));
    let mut lines = report.stats.unread().saturating_sub(of_others.0);
    let read = report.total.today.total().saturating_sub(of_others.1);
    if is_own && read > 0 {
        lines = lines.saturating_sub(report.stats.gaps.nobodys);
    }
    let sample = Sample::new(lines, lines.saturating_add(read));
    let level = rules.unread_level(sample);
    if level == Level::Ok {
        return;
    }
    let finding = Notice {
        level,
        instance: ALL.to_owned(),
        what: format!("{sample} delivery lines could not be read"),
        details: report
            .stats
            .gaps
            .unread
            .first()
            .map_or_else(String::new, ToString::to_string),
    };
    found.push(Found::new(Kind::Unread, lines, finding));
}
