//! Figures judged by limits, an instance at a time: what a monitoring system is to be told of.

mod limits;

pub use limits::{Bounds, Limit, LimitError, Limits, Thresholds};

use super::{InstanceStats, MailStats, Row};
use knowledge::reasons::Class;
use legible::human;

/// Deliveries that have limits, the more alarming first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Watched {
    /// Refused because of the sending host's reputation ([`Class::Blocked`]), for good or for now. Needs the breakdown
    /// by [`super::Dimension::Reason`]; without it there are none.
    Blocked,
    /// Refused for good.
    Bounced,
    /// To be tried again.
    Deferred,
}

impl Watched {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Blocked, Self::Bounced, Self::Deferred];

    /// The word for it, as in options.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Bounced => "bounced",
            Self::Deferred => "deferred",
        }
    }

    /// How many an instance has.
    pub fn of(self, instance: &InstanceStats) -> u64 {
        match self {
            Self::Blocked => blocked(instance).map_or(0, |row| row.counts.total()),
            Self::Bounced => instance.figures.counts.bounced,
            Self::Deferred => instance.figures.counts.deferred,
        }
    }

    /// Which part of an instance's deliveries that is, in percent; nothing where it has none.
    pub fn share(self, instance: &InstanceStats) -> Option<f64> {
        limits::share(self.of(instance), instance.figures.counts.total())
    }
}

/// The deliveries that were refused because of the sending host.
fn blocked(instance: &InstanceStats) -> Option<&Row> {
    instance.figures.reason(Class::Blocked)
}

/// How bad it is, the worse the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// A [`Thresholds::warn`] is passed, or there is no traffic.
    Warning,
    /// A [`Thresholds::crit`] is passed.
    Critical,
}

/// What is wrong with an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Which deliveries are too many; absent where there are none at all.
    pub watched: Option<Watched>,
    /// How many there are.
    pub count: u64,
    /// For people: which instance, what, and the limit. The instance's name and a provider's code are text from a log.
    pub text: String,
}

/// What is wrong, the worst first; of one severity what is blocked first, and the most of it.
///
/// An instance with fewer deliveries than [`Limits::min_volume`] is held against no limit, except that
/// [`Limits::idle`] may demand that there are some.
pub fn judge(stats: &MailStats, limits: &Limits) -> Vec<Finding> {
    let mut findings = Vec::new();
    for instance in &stats.instances {
        let total = instance.figures.counts.total();
        if total == 0
            && limits
                .idle
                .iter()
                .any(|n| n.as_bytes() == instance.instance)
        {
            findings.push(Finding {
                severity: Severity::Warning,
                watched: None,
                count: 0,
                text: format!("{}: no deliveries", name(instance)),
            });
        }
        if total >= limits.min_volume {
            findings.extend(Watched::ALL.iter().filter_map(|watched| {
                let thresholds = limits.of(*watched);
                held_against(instance, *watched, thresholds)
            }));
        }
    }
    findings.sort_by(|a, b| {
        let by_severity = b.severity.cmp(&a.severity);
        // No traffic at all is told before what is merely deferred or bounced.
        let rank = |finding: &Finding| finding.watched.map_or(1, |w| 2 * w as u8);
        let by_kind = by_severity.then_with(|| rank(a).cmp(&rank(b)));
        by_kind.then_with(|| b.count.cmp(&a.count))
    });
    findings
}

/// The worst of the limits that are passed; of equally bad ones the rate, which tells more.
fn held_against(
    instance: &InstanceStats,
    watched: Watched,
    thresholds: &Thresholds,
) -> Option<Finding> {
    let (count, total) = (watched.of(instance), instance.figures.counts.total());
    let passed = |severity, bounds: &Bounds| {
        let limit = bounds.passed(count, total)?;
        Some((severity, limit))
    };
    let (severity, limit) = passed(Severity::Critical, &thresholds.crit)
        .or_else(|| passed(Severity::Warning, &thresholds.warn))?;
    let mut details = Vec::new();
    let amount = match limit {
        Limit::Count(_) => count.to_string(),
        Limit::Rate(_) => {
            details.push(format!("{count} of {total}"));
            human::percent(count, total)
        }
    };
    if let (Watched::Blocked, Some(row)) = (watched, blocked(instance)) {
        details.extend(row.codes.first().map(|(code, _)| code.clone()));
        details.extend(row.ips.first().map(|(ip, _)| ip.to_string()));
    }
    let details = match details.as_slice() {
        [] => String::new(),
        some => format!(" ({})", some.join(", ")),
    };
    let (name, word) = (name(instance), watched.as_str());
    Some(Finding {
        severity,
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
