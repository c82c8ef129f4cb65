//! A day of an instance, and what it calls for by itself.

use chrono::NaiveDate;
use report::human::percent;
use report::mail_stats::{Dimension, Figures};
use report::reasons::Class;

use super::Verdict;
use crate::rules::Rules;

/// A day's figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// Which.
    pub date: NaiveDate,
    /// Attempts that were delivered.
    pub sent: u64,
    /// Refused for good.
    pub bounced: u64,
    /// To be tried again.
    pub deferred: u64,
    /// Of both, for the address's reputation.
    pub blocked: u64,
    /// Of both, for too much at a time.
    pub rate_limited: u64,
    /// The provider's own codes, the most frequent first.
    pub codes: Vec<(String, u64)>,
    /// Is all of the day in it?
    pub complete: bool,
}

impl Day {
    /// The figures of a day, which must be broken down by reason.
    pub fn new(date: NaiveDate, figures: &Figures, complete: bool) -> Self {
        let of = |class: Class| figures.reason(class).map_or(0, |row| row.counts.total());
        let rows = figures
            .breakdown(Dimension::Reason)
            .map(|table| &table.rows);
        let rows = rows.into_iter().flatten();
        let mut codes: Vec<(String, u64)> = rows.flat_map(|row| row.codes.clone()).collect();
        codes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Self {
            date,
            sent: figures.counts.sent,
            bounced: figures.counts.bounced,
            deferred: figures.counts.deferred,
            blocked: of(Class::Blocked),
            rate_limited: of(Class::RateLimited),
            codes,
            complete,
        }
    }

    /// All attempts: the day's volume.
    pub fn total(&self) -> u64 {
        self.sent
            .saturating_add(self.bounced)
            .saturating_add(self.deferred)
    }

    /// What the day calls for, and why. `before` is the sending day before it.
    pub(super) fn judge(
        &self,
        before: Option<&Self>,
        cap: Option<u64>,
        rules: &Rules,
    ) -> (Verdict, Vec<String>) {
        let total = self.total();
        let mut found: Vec<(Verdict, String)> = Vec::new();
        if total >= rules.judged_from {
            let limits = [
                ("blocked", self.blocked, rules.blocked),
                ("bounced", self.bounced, rules.bounced),
                ("deferred", self.deferred, rules.deferred),
            ];
            for (word, count, bounds) in limits {
                let of = share(count, total);
                let (verdict, limit) = if of > bounds.step_back {
                    (Verdict::StepBack, bounds.step_back)
                } else if of > bounds.hold {
                    (Verdict::Hold, bounds.hold)
                } else {
                    continue;
                };
                let told = percent(count, total);
                found.push((
                    verdict,
                    format!("{told} {word} ({count} of {total}), more than {limit}%"),
                ));
            }
            found.extend(self.told_to_be_slower(before, rules));
        }
        if let Some(cap) = cap
            && share(total, cap) > rules.over_cap
        {
            let what =
                format!("{total} attempts, and the cap is {cap}: is the rate limit in force?");
            found.push((Verdict::Hold, what));
        }
        let verdict = found.iter().map(|(verdict, _)| *verdict).max();
        let why = found.into_iter().map(|(_, why)| why).collect();
        (verdict.unwrap_or(Verdict::GoOn), why)
    }

    fn told_to_be_slower(&self, before: Option<&Self>, rules: &Rules) -> Option<(Verdict, String)> {
        let (count, total) = (self.rate_limited, self.total());
        let now = share(count, total);
        let told = format!(
            "{} rate-limited ({count} of {total})",
            percent(count, total)
        );
        let limits = rules.rate_limited;
        if now > limits.step_back {
            let what = format!("{told}, more than {}%", limits.step_back);
            return Some((Verdict::StepBack, what));
        }
        let before = before.filter(|before| before.total() >= rules.judged_from)?;
        let earlier = share(before.rate_limited, before.total());
        if now > limits.above && now > earlier * limits.times {
            let was = percent(before.rate_limited, before.total());
            let what = format!("{told}, and {was} on the sending day before");
            return Some((Verdict::Hold, what));
        }
        None
    }
}

/// In percent.
fn share(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 0.0,
        whole => part as f64 * 100.0 / whole as f64,
    }
}
