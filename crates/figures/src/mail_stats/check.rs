//! Figures judged by limits, an instance at a time: what is reported to a monitoring system.

mod limits;

pub use limits::{Bounds, Limit, LimitError, Limits, Thresholds};

use super::{InstanceStats, MailStats, Row};
use crate::judge::{Rules, Sample, judge_complaint, judge_delay};
use crate::verdict::Level;
use knowledge::reasons::Class;
use legible::human;
use postfix::{Span, count};

/// Deliveries that have limits, the more alarming first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Watched {
    /// Refused because of the sending host's reputation ([`Class::Blocked`]), for good or for now. Needs the breakdown
    /// by [`super::Dimension::Reason`]; without it there are none.
    Blocked,
    /// Refused for good.
    Bounced,
    /// To be tried again, but for what an instance kept because it is paused ([`Class::Paused`]).
    Deferred,
    /// Messages that became too old in the queue and were given up. They are no attempts: their share is of the
    /// attempts and themselves.
    Expired,
    /// Thrown away by discard(8), which Postfix counts as sent. Needs the breakdown by [`super::Dimension::Reason`].
    Discarded,
}

impl Watched {
    /// Those that have options and performance data of their own.
    pub const ALL: [Self; 3] = [Self::Blocked, Self::Bounced, Self::Deferred];

    /// All that are judged by rules.
    pub const JUDGED: [Self; 5] = [
        Self::Blocked,
        Self::Bounced,
        Self::Deferred,
        Self::Expired,
        Self::Discarded,
    ];

    /// The word for it, as in options.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Bounced => "bounced",
            Self::Deferred => "deferred",
            Self::Expired => "expired",
            Self::Discarded => "discarded",
        }
    }

    /// How many an instance has.
    pub fn of(self, instance: &InstanceStats) -> u64 {
        match self {
            Self::Blocked => blocked(instance).map_or(0, |row| row.counts.total()),
            Self::Bounced => instance.figures.counts.bounced,
            Self::Deferred => instance.figures.tried().deferred,
            Self::Expired => instance.figures.expired,
            Self::Discarded => instance.figures.discarded(),
        }
    }

    /// Of how many that is a part.
    fn whole(self, instance: &InstanceStats) -> u64 {
        let tried = instance.figures.tried().total();
        match self {
            Self::Expired => tried.saturating_add(instance.figures.expired),
            _ => tried,
        }
    }

    /// Which part of an instance's deliveries that is, in percent; nothing where it has none.
    pub fn share(self, instance: &InstanceStats) -> Option<f64> {
        limits::share(self.of(instance), self.whole(instance))
    }
}

/// The deliveries that were refused because of the sending host.
fn blocked(instance: &InstanceStats) -> Option<&Row> {
    instance.figures.reason(Class::Blocked)
}

/// What is wrong with an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// How bad it is.
    pub level: Level,
    /// Which deliveries are too many; absent where there are none at all.
    pub watched: Option<Watched>,
    /// How many there are.
    pub count: u64,
    /// For people: which instance, what, and the limit. The instance's name and a provider's code are text from a log.
    pub text: String,
}

/// What is wrong, the worst first; of one level what is blocked first, and the most of it.
///
/// An instance with fewer deliveries than [`Limits::min_volume`] is held against no limit, except that
/// [`Limits::idle`] may demand that there are some.
pub fn judge(stats: &MailStats, limits: &Limits) -> Vec<Breach> {
    let mut findings = Vec::new();
    for instance in &stats.instances {
        let total = instance.figures.counts.total();
        if total == 0
            && limits
                .idle
                .iter()
                .any(|n| n.as_bytes() == instance.instance)
        {
            findings.push(Breach {
                level: Level::Warning,
                watched: None,
                count: 0,
                text: format!("{}: no deliveries", name(instance)),
            });
        }
        let mut of_instance: Vec<Breach> = Vec::new();
        if instance.figures.tried().total() >= limits.min_volume {
            of_instance.extend(Watched::ALL.iter().filter_map(|watched| {
                let thresholds = limits.of(*watched);
                held_against(instance, *watched, thresholds)
            }));
            by_rules(instance, limits, &mut of_instance);
            of_instance.extend(delayed(instance, &limits.rules));
        }
        findings.append(&mut of_instance);
        findings.extend(complaints(instance, &limits.rules));
        let figures = &instance.figures;
        let unread = unread(figures.unparsed, total, &limits.rules, &name(instance));
        findings.extend(unread);
    }
    let nobodys = stats.gaps.nobodys;
    if nobodys > 0 {
        let total = stats.total.counts.total();
        let of = "lines of unknown instances";
        findings.extend(unread(nobodys, total, &limits.rules, of));
    }
    findings.sort_by(|a, b| {
        let by_severity = b.level.cmp(&a.level);
        // No traffic at all is reported before what is merely deferred or bounced.
        let rank = |finding: &Breach| finding.watched.map_or(1, |w| 2 * w as u8);
        let by_kind = by_severity.then_with(|| rank(a).cmp(&rank(b)));
        by_kind.then_with(|| b.count.cmp(&a.count))
    });
    findings
}

/// Holds an instance's shares against the rules. What is not worse than what was found already is not found again:
/// deliveries that are blocked are bounced or deferred ones, too.
///
/// A limit that was given stands in the place of the rules for what it is of, and of nothing else.
fn by_rules(instance: &InstanceStats, limits: &Limits, found: &mut Vec<Breach>) {
    let rules = &limits.rules;
    // A recipient that is tried all day says no more than one that was put off once.
    let again = instance.figures.again().unwrap_or_default();
    // What expired is a part of what came when it did.
    let came = |watched| match watched {
        Watched::Expired => limits.came.get(&instance.instance).copied().unwrap_or(0),
        _ => 0,
    };
    let sample = |watched: Watched| {
        let of_it = match watched {
            Watched::Blocked => again.blocked,
            Watched::Deferred => again.deferred,
            Watched::Bounced | Watched::Expired | Watched::Discarded => 0,
        };
        let whole = watched.whole(instance).saturating_sub(again.deferred);
        let part = watched.of(instance).saturating_sub(of_it);
        Sample::new(part, whole.max(came(watched).saturating_add(part)))
    };
    let retries = match again.deferred {
        0 => String::new(),
        n => format!(", without {}", count(n, "repeated attempt")),
    };
    let ruled = Watched::JUDGED.iter().copied();
    for watched in ruled.filter(|watched| !limits.given.contains(watched)) {
        let judged = rules.of(watched).judge(sample(watched));
        let (Some(limit), level) = (judged.limit, judged.level) else {
            continue;
        };
        if found.iter().any(|finding| finding.level >= level) {
            continue;
        }
        let details = match blocked_by(instance, watched) {
            details if details.is_empty() => String::new(),
            details => format!(" ({})", details.join(", ")),
        };
        let retries = match came(watched) >= watched.whole(instance) {
            true => ", beside what came when they did",
            false => &retries,
        };
        let (name, word) = (name(instance), watched.as_str());
        found.push(Breach {
            level,
            watched: Some(watched),
            count: watched.of(instance),
            text: format!(
                "{name}: {word} {}{details}{retries}, more than {limit}% beyond chance",
                sample(watched)
            ),
        });
    }
}

/// Mail that was sent, but hours late.
fn delayed(instance: &InstanceStats, rules: &Rules) -> Option<Breach> {
    let figures = &instance.figures;
    let level = judge_delay(figures, &rules.delay)?;
    let median = figures.delays?.delay.median;
    let age = human::age(Span::from_seconds(median as u64));
    Some(Breach {
        level,
        watched: None,
        count: figures.counts.sent,
        text: format!(
            "{}: half of what was sent took more than {age}",
            name(instance)
        ),
    })
}

/// What Postfix's programs say of themselves.
fn complaints(instance: &InstanceStats, rules: &Rules) -> Vec<Breach> {
    let all = instance.figures.complaints.iter();
    let judged = all.filter_map(|row| {
        let level = judge_complaint(row, &rules.complaints);
        (level > Level::Ok).then(|| Breach {
            level,
            watched: None,
            count: row.count,
            text: format!("{}: {row}", name(instance)),
        })
    });
    judged.collect()
}

/// Are so many delivery lines unread, beside those that were read, that no figure is worth a verdict?
fn unread(lines: u64, read: u64, rules: &Rules, of: &str) -> Option<Breach> {
    let sample = Sample::new(lines, lines.saturating_add(read));
    let level = rules.unread_level(sample);
    (level > Level::Ok).then(|| Breach {
        level,
        watched: None,
        count: lines,
        text: format!("{of}: {sample} delivery lines cannot be read"),
    })
}

/// The code and the address that blocked deliveries bear.
fn blocked_by(instance: &InstanceStats, watched: Watched) -> Vec<String> {
    let row = blocked(instance).filter(|_| watched == Watched::Blocked);
    let code = row
        .and_then(|row| row.codes.first())
        .map(|(code, _)| code.clone());
    let ip = row
        .and_then(|row| row.ips.first())
        .map(|(ip, _)| ip.to_string());
    code.into_iter().chain(ip).collect()
}

/// The worst of the limits that are passed; of equally bad ones the rate, which says more.
fn held_against(
    instance: &InstanceStats,
    watched: Watched,
    thresholds: &Thresholds,
) -> Option<Breach> {
    let (count, total) = (watched.of(instance), instance.figures.tried().total());
    let passed = |level, bounds: &Bounds| {
        let limit = bounds.passed(count, total)?;
        Some((level, limit))
    };
    let (level, limit) = passed(Level::Critical, &thresholds.crit)
        .or_else(|| passed(Level::Warning, &thresholds.warn))?;
    let mut details = Vec::new();
    let amount = match limit {
        Limit::Count(_) => count.to_string(),
        Limit::Rate(_) => {
            details.push(format!("{count} of {total}"));
            human::percent(count, total)
        }
    };
    details.extend(blocked_by(instance, watched));
    let details = match details.as_slice() {
        [] => String::new(),
        some => format!(" ({})", some.join(", ")),
    };
    let (name, word) = (name(instance), watched.as_str());
    Some(Breach {
        level,
        watched: Some(watched),
        count,
        text: format!("{name}: {amount} {word}{details}, more than {limit}"),
    })
}

fn name(instance: &InstanceStats) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(&instance.instance)
}

#[cfg(test)]
mod tests;
