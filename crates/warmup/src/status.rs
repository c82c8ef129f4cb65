//! How a warm-up goes: the sending days so far, judged, and what follows for the next one.
//!
//! The days are gone through from the first on, each with the cap that the ones before it led to: a good day, on which
//! mail was delivered up to the cap, counts for its level, and enough of them lead to the next; a day that calls for a
//! hold, or that proves nothing, does not count; one that calls for a step back leads to the level before. So nothing
//! has to be kept but the plan, and whoever has the same logs comes to the same cap.
//!
//! Days that are missing in the history are as if nothing was sent: the cap comes out too low, never too high. But
//! where the last days are missing there is no verdict: what happened on them was not seen.

mod day;

use postfix::{Day, count};

use crate::plan::Plan;
use crate::rules::Rules;

pub use day::DayFigures;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Go on as planned.
    GoOn,
    /// Send no more than so far.
    Hold,
    /// Begin from the first level.
    WarmAgain,
    /// Send less than so far.
    StepBack,
    /// The last days are in no log and no record that could be read.
    Unknown,
}

impl Verdict {
    /// Its words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GoOn => "go on",
            Self::Hold => "hold",
            Self::WarmAgain => "restart",
            Self::StepBack => "step back",
            Self::Unknown => "unknown",
        }
    }
}

/// A sending day, judged.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedDay {
    /// The day.
    pub day: DayFigures,
    /// Which sending day of the warm-up it is, from 1.
    pub number: u32,
    /// Its level in the plan, and the cap; absent without a plan.
    pub level: Option<(usize, u64)>,
    /// What it calls for.
    pub verdict: Verdict,
    /// Why.
    pub why: Vec<String>,
}

/// How it goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// The instance's name.
    pub instance: String,
    /// What to do.
    pub verdict: Verdict,
    /// Why.
    pub why: Vec<String>,
    /// All sending days, the oldest first. The last may be today, and not over.
    pub days: Vec<JudgedDay>,
    /// The level of the next sending day (of today, if mail is sent already); absent without a plan.
    pub level: Option<usize>,
    /// How many days have counted for that level so far.
    pub held: u32,
    /// Days since the last sending day, 0 for today; absent if there was none.
    pub idle: Option<u32>,
    /// The first day of which anything is known.
    pub since: Option<Day>,
    /// The last level is held for its days, and nothing speaks against it: the address is warm.
    pub is_warm: bool,
    /// It calls for a step back from the first level, which is always empty.
    pub is_stuck: bool,
}

/// Where the warm-up stands while its days are gone through.
#[derive(Default)]
struct Walk {
    level: usize,
    held: u32,
}

impl Status {
    /// Judges the days of `instance`, which are in order, as of `today`. A day that is not among them is one of which
    /// nothing is known; one without a delivery is there, with none.
    pub fn of(
        instance: &str,
        plan: Option<&Plan>,
        days: &[DayFigures],
        today: Day,
        rules: &Rules,
    ) -> Self {
        let start = plan.map(|plan| plan.order.start);
        let is_sending =
            |day: &&DayFigures| day.total() > 0 && start.is_none_or(|start| day.date >= start);
        let mut walk = Walk::default();
        let mut judged: Vec<JudgedDay> = Vec::new();
        let mut is_lowest = false;
        for day in days.iter().filter(is_sending) {
            let before = judged.last();
            if before.is_some_and(|b| gap(b.day.date, day.date) > rules.idle_days) {
                walk = Walk::default();
            }
            let level = plan.map(|plan| &plan.levels[walk.level]);
            let cap = level.map(|level| level.level.cap);
            let (verdict, why) = day.judge(before.map(|b| &b.day), level, rules);
            judged.push(JudgedDay {
                day: day.clone(),
                number: u32::try_from(judged.len()).unwrap_or(u32::MAX) + 1,
                level: cap.map(|cap| (walk.level, cap)),
                verdict,
                why,
            });
            if let Some(plan) = plan {
                is_lowest = walk.level == 0;
                walk.go(plan, day, verdict);
            }
        }
        let mut status = Self {
            instance: instance.to_owned(),
            verdict: Verdict::GoOn,
            why: Vec::new(),
            idle: judged.last().map(|last| gap(last.day.date, today)),
            days: judged,
            level: plan.map(|_| walk.level),
            held: walk.held,
            since: days.first().map(|day| day.date),
            is_warm: false,
            is_stuck: false,
        };
        status.conclude(plan, is_lowest, today, rules);
        if matches!(status.verdict, Verdict::GoOn | Verdict::WarmAgain)
            && let Some(why) = unseen(plan, days, today, rules)
        {
            status.verdict = Verdict::Unknown;
            status.why = vec![why];
        }
        let held = |plan: &Plan| walk.held >= plan.levels[walk.level].level.days;
        let is_last = |plan: &Plan| walk.level + 1 == plan.levels.len();
        status.is_warm =
            status.verdict == Verdict::GoOn && plan.is_some_and(|plan| is_last(plan) && held(plan));
        status
    }

    /// The verdict as of today, by the last whole day and by what there is of this one. `is_lowest`: the last day was
    /// on the first level.
    fn conclude(&mut self, plan: Option<&Plan>, is_lowest: bool, today: Day, rules: &Rules) {
        let Some(idle) = self.idle else {
            return self.without_days(plan, today, rules);
        };
        if idle > rules.idle_days {
            let why = format!(
                "nothing was sent for {}, more than {}",
                count(idle, "day"),
                rules.idle_days
            );
            self.verdict = Verdict::WarmAgain;
            self.why = vec![why];
            self.level = plan.map(|_| 0);
            self.held = 0;
            return;
        }
        let whole = self.days.iter().rposition(|judged| judged.day.complete);
        for judged in &self.days[whole.unwrap_or(0)..] {
            if judged.verdict > self.verdict {
                self.verdict = judged.verdict;
            }
            let of = judged.day.date;
            self.why
                .extend(judged.why.iter().map(|why| format!("{of}: {why}")));
        }
        // What was not seen of a day that is over may be what speaks against going on.
        let of_past = self.days[whole.map_or(0, |at| at + 1)..].iter();
        let mut unseen = of_past.map(|judged| &judged.day);
        let unseen = unseen
            .rfind(|day| day.date < today)
            .map(|day| match day.unread {
                0 => format!("{}: not all of the day is known", day.date),
                n => format!(
                    "{}: not all of the day is known, {} could not be read",
                    day.date,
                    count(n, "delivery line")
                ),
            });
        if let (Verdict::GoOn, Some(why)) = (self.verdict, unseen) {
            self.verdict = Verdict::Unknown;
            self.why.push(why);
        }
        if self.verdict == Verdict::StepBack && is_lowest {
            self.is_stuck = true;
            self.why.push(
                "there is no lower level: send nothing for some days, and find out why".to_owned(),
            );
        }
        if let (Some(plan), Verdict::GoOn) = (plan, self.verdict) {
            self.why.push(self.progress(plan));
        }
    }

    fn without_days(&mut self, plan: Option<&Plan>, today: Day, rules: &Rules) {
        let since = self.since.map_or_else(
            || "it has no history".to_owned(),
            |since| format!("nothing was sent since {since}"),
        );
        match plan {
            Some(plan) if gap(plan.order.start, today) <= rules.idle_days => {
                let start = plan.order.start;
                self.why = vec![match start > today {
                    true => format!("the first day is {start}"),
                    false => format!("no sending day yet since {start}"),
                }];
            }
            _ => {
                self.verdict = Verdict::WarmAgain;
                self.why = vec![since];
            }
        }
    }

    /// How far it is, for a warm-up that goes on.
    fn progress(&self, plan: &Plan) -> String {
        let at = self.level.unwrap_or(0);
        let Some(level) = plan.levels.get(at) else {
            return String::new();
        };
        let cap = level.level.cap;
        if at + 1 == plan.levels.len() {
            return match self.held {
                0 => format!("{cap} a day from the next sending day on, the last level"),
                held if held < level.level.days => format!(
                    "{cap} a day, the last level: {held} of {}",
                    count(level.level.days, "sending day")
                ),
                _ => format!(
                    "the volume of {cap} a day is reached: the address is warm, and its limits can be removed"
                ),
            };
        }
        match self.held {
            0 if at == 0 => format!("level 1, {cap} a day"),
            0 => format!(
                "level {}, {cap} a day, from the next sending day on",
                at + 1
            ),
            held => format!(
                "level {}, {cap} a day: {held} of {}",
                at + 1,
                count(level.level.days, "sending day")
            ),
        }
    }
}

impl Walk {
    /// Goes on by a day with this verdict.
    fn go(&mut self, plan: &Plan, day: &DayFigures, verdict: Verdict) {
        match verdict {
            Verdict::StepBack | Verdict::WarmAgain => {
                *self = Self {
                    level: self.level.saturating_sub(1),
                    ..Self::default()
                };
            }
            Verdict::GoOn if day.complete && !day.paused => {
                self.held += 1;
                if self.is_over(plan) {
                    *self = Self {
                        level: self.level + 1,
                        ..Self::default()
                    };
                }
            }
            Verdict::GoOn | Verdict::Hold | Verdict::Unknown => {}
        }
    }

    /// Have enough days counted for the level? The last one has no end.
    fn is_over(&self, plan: &Plan) -> bool {
        self.held >= plan.levels[self.level].level.days && self.level + 1 < plan.levels.len()
    }
}

/// Which of the days are missing that a verdict would have to rest on: those up to yesterday, from the last one that is
/// known, or as far back as an address may be idle; none before the plan's first.
fn unseen(plan: Option<&Plan>, days: &[DayFigures], today: Day, rules: &Rules) -> Option<String> {
    let oldest = today.minus(u64::from(rules.idle_days));
    // Without a plan, an address of which nothing is known before is taken for a new one.
    let start = match (plan, days.first()) {
        (Some(plan), _) => plan.order.start.max(oldest),
        (None, Some(first)) => first.date.max(oldest),
        (None, None) => oldest,
    };
    // One of which nothing could be read is there, too, without a delivery.
    let is_seen = |day: &DayFigures| day.complete || day.total() > 0;
    let known = |date: &Day| days.iter().any(|day| day.date == *date && is_seen(day));
    let last_sending = days.iter().rfind(|day| day.total() > 0);
    let from = last_sending.map_or(start, |day| day.date.max(start));
    let dates = from.up_to(today.minus(1));
    let missing: Vec<Day> = dates.filter(|date| !known(date)).collect();
    let (first, last) = (missing.first()?, missing.last()?);
    let which = match missing.len() {
        1 => format!("{first} is"),
        n => format!("{n} days from {first} to {last} are"),
    };
    // Lines are there, of each of them, and cannot be read.
    let lines = |date: &Day| {
        days.iter()
            .find(|day| day.date == *date)
            .map_or(0, |day| day.unread)
    };
    let unread = missing.iter().map(lines).fold(0, u64::saturating_add);
    let why = match (unread, missing.iter().all(|date| lines(date) > 0)) {
        (0, _) => "in no log and no record that could be read".to_owned(),
        (n, true) => format!(
            "in the logs, but {} could not be read",
            count(n, "delivery line")
        ),
        (n, false) => format!(
            "in no log and no record that could be read, or in {} that could not",
            count(n, "delivery line")
        ),
    };
    Some(format!("{which} {why}: what was sent then is not known"))
}

/// Days from one to a later one.
fn gap(from: Day, to: Day) -> u32 {
    u32::try_from(to.since(from)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
