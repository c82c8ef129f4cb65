//! A day of an instance, and what it calls for by itself.

use figures::judge::{Limits, Sample};
use figures::mail_stats::{Dimension, Figures};
use figures::verdict::Level;
use knowledge::reasons::Class;
use legible::human::percent;
use postfix::{Day, count};

use super::Verdict;
use crate::plan::PlanLevel;
use crate::rules::{Bounds, Rules};

/// A day's figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayFigures {
    /// Which.
    pub date: Day,
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
    /// How many of its delivery lines could not be read.
    pub unread: u64,
    /// Was the instance paused for any of it? Such a day proves nothing, and is no reason to hold either.
    pub paused: bool,
}

impl DayFigures {
    /// The figures of a day, which must be broken down by reason.
    pub fn new(date: Day, figures: &Figures, complete: bool) -> Self {
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
            // What a paused instance kept says nothing of the receiver, and filled no cap.
            deferred: figures.tried().deferred,
            blocked: of(Class::Blocked),
            rate_limited: of(Class::RateLimited),
            codes,
            complete,
            unread: figures.unparsed,
            paused: false,
        }
    }

    /// All attempts: the day's volume.
    pub fn total(&self) -> u64 {
        self.sent
            .saturating_add(self.bounced)
            .saturating_add(self.deferred)
    }

    /// What the day calls for, and why. `before` is the sending day before it; `level` that of the plan, if there is
    /// one.
    pub(super) fn judge(
        &self,
        before: Option<&Self>,
        level: Option<&PlanLevel>,
        rules: &Rules,
    ) -> (Verdict, Vec<String>) {
        let total = self.total();
        let limits = [
            ("blocked", self.blocked, rules.blocked, 1),
            ("bounced", self.bounced, rules.bounced, FROM),
            ("deferred", self.deferred, rules.deferred, FROM),
        ];
        let passed = limits
            .into_iter()
            .filter_map(|(word, count, bounds, from)| {
                passed(word, Sample::new(count, total), bounds, from, rules)
            });
        let mut found: Vec<(Verdict, String)> = passed.collect();
        found.extend(self.told_to_be_slower(before, rules));
        let cap = level.map(|level| level.level.cap);
        if let Some(cap) = cap.filter(|cap| total as f64 * 100.0 > *cap as f64 * rules.over_cap) {
            let what = format!(
                "{}, but the cap is {cap}: is the rate limit applied?",
                count(total, "attempt")
            );
            found.push((Verdict::Hold, what));
        }
        if self.complete && !self.paused {
            found.extend(
                self.proves_nothing(level, rules)
                    .map(|why| (Verdict::Hold, why)),
            );
        }
        let verdict = found.iter().map(|(verdict, _)| *verdict).max();
        let mut why: Vec<String> = found.into_iter().map(|(_, why)| why).collect();
        if self.paused {
            why.push("paused by relay-limit: the day does not count for its level".to_owned());
        }
        (verdict.unwrap_or(Verdict::GoOn), why)
    }

    /// Why the day does not count, if too little was delivered on it. Delivered, not tried: retries of the same few
    /// messages fill no cap.
    fn proves_nothing(&self, level: Option<&PlanLevel>, rules: &Rules) -> Option<String> {
        let sent = self.sent;
        if sent == 0 {
            return Some("nothing was delivered: the day proves nothing".to_owned());
        }
        // Less than the cap may be sent: whole seconds and processes only come this near to it.
        let full = level.map(|level| level.level.cap.min(level.settings.lets_out))?;
        (share(sent, full) < rules.used).then(|| {
            let least = rules.used;
            format!("{sent} delivered, less than {least}% of {full}: the day does not count for its level")
        })
    }

    fn told_to_be_slower(&self, before: Option<&Self>, rules: &Rules) -> Option<(Verdict, String)> {
        let now = Sample::new(self.rate_limited, self.total());
        let limits = rules.rate_limited;
        let bounds = Bounds {
            hold: limits.hold,
            step_back: limits.step_back,
        };
        if let Some(found) = passed("rate-limited", now, bounds, FROM, rules) {
            return Some(found);
        }
        let is_judged = |day: &Self| day.total() >= rules.judged_from;
        let before = before.filter(|before| is_judged(before) && is_judged(self))?;
        let share_now = now.share()?;
        let earlier = share(before.rate_limited, before.total());
        (share_now > limits.above && share_now > earlier * limits.times).then(|| {
            let was = percent(before.rate_limited, before.total());
            (
                Verdict::Hold,
                described(
                    now,
                    "rate-limited",
                    &format!("and {was} on the sending day before"),
                ),
            )
        })
    }
}

/// The fewest failures for a step back on a day of few attempts: one bounce of one is no bad list. A block is one.
const FROM: u64 = 4;

/// What a share calls for. From [`Rules::judged_from`] attempts on it is held against the limits as it is; of fewer,
/// what it is at least, beyond chance. A share that is above a limit, but may be so by chance, holds: the day proves
/// nothing.
fn passed(
    word: &str,
    sample: Sample,
    bounds: Bounds,
    from: u64,
    rules: &Rules,
) -> Option<(Verdict, String)> {
    let limits = Limits {
        warning: bounds.hold,
        critical: bounds.step_back,
        from,
    };
    let is_above = |limit: f64| sample.share().is_some_and(|share| share > limit);
    let is_sure =
        sample.whole() >= rules.judged_from || limits.judge(sample).level == Level::Critical;
    let (verdict, limit) = if is_above(bounds.step_back) && is_sure {
        (Verdict::StepBack, bounds.step_back)
    } else if is_above(bounds.hold) {
        (Verdict::Hold, bounds.hold)
    } else {
        return None;
    };
    Some((
        verdict,
        described(sample, word, &format!("more than {limit}%")),
    ))
}

/// `0.8% blocked (3 of 400), more than 0.5%`.
fn described(sample: Sample, word: &str, than: &str) -> String {
    let (part, whole) = (sample.part(), sample.whole());
    format!(
        "{} {word} ({part} of {whole}), {than}",
        percent(part, whole)
    )
}

/// In percent.
fn share(part: u64, whole: u64) -> f64 {
    Sample::new(part, whole).share().unwrap_or(0.0)
}
