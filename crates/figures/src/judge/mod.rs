//! Shares of deliveries, judged: one set of rules for the daily report, `--check`, the alert rules and warm-ups. Pure.
//!
//! A share of few attempts says little: 1 of 2 is not 50 %. So what is held against a limit is what the share is *at
//! least*, with 97.5 % confidence: the lower end of its Wilson interval ([`Sample::at_least`]). No minimum volume is
//! needed then, and none hides a small instance: 4 of 4 is at least 51 %, 49 of 49 at least 93 %, 1 of 40 at least 0.4
//! %.
//!
//! How to use it:
//!
//! ```
//! use figures::judge::{Rules, Sample};
//! use figures::verdict::Level;
//!
//! let rules = Rules::load(None).unwrap(); // a tool: host::tables::load_with(cx.site(), None, PATH, Rules::load)
//! let deferred = Sample::new(9, 22);                           // 9 of 22 attempts
//! let judged = rules.deferred.judge(deferred);
//! assert_eq!(judged.level, Level::Warning);                    // at least 23 %, and the limit is 20 %
//! assert_eq!(judged.limit, Some(20.0));                        // the limit that is passed
//! assert_eq!(deferred.to_string(), "40.9% (9 of 22)");         // as it is put into a message
//!
//! // More than before, beyond chance: both intervals count.
//! assert!(Sample::new(80, 100).is_above(Sample::new(30, 1000), 2.0));
//! assert!(!Sample::new(2, 10).is_above(Sample::new(30, 1000), 2.0));
//! ```
//!
//! A share that is above a limit by its figures, but not beyond chance, has [`Judged::is_open`]: nothing to raise an
//! alarm about, and nothing to call well either (a warm-up holds on it).

mod complaints;
mod delays;
mod rules;

use std::fmt;

use legible::human::percent;

use crate::verdict::Level;

pub use complaints::judge as judge_complaint;
pub use delays::judge as judge_delay;
pub use rules::{Change, Delay, Mailq, Programs, Rules, Volume};

/// The quantile of the normal distribution for 97.5 % on one side (95 % on both).
const Z: f64 = 1.959_964;

/// A part of a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    part: u64,
    whole: u64,
}

impl Sample {
    /// `part` of `whole`. A part that is greater than the whole is taken for all of it.
    pub fn new(part: u64, whole: u64) -> Self {
        Self {
            part: part.min(whole),
            whole,
        }
    }

    /// A number.
    pub fn part(self) -> u64 {
        self.part
    }

    /// The whole.
    pub fn whole(self) -> u64 {
        self.whole
    }

    /// The share in percent; nothing if the whole is 0.
    pub fn share(self) -> Option<f64> {
        (self.whole > 0).then(|| self.part as f64 * 100.0 / self.whole as f64)
    }

    /// The least that the share can be, in percent, by these figures; 0 without figures.
    pub fn at_least(self) -> f64 {
        self.wilson(-1.0)
    }

    /// The most that the share can be, in percent, by these figures; 100 without figures.
    pub fn at_most(self) -> f64 {
        self.wilson(1.0)
    }

    /// Is the share above `times` times the other one, beyond chance?
    pub fn is_above(self, other: Self, times: f64) -> bool {
        self.at_least() > other.at_most() * times
    }

    /// An end of the score interval (Wilson 1927), in percent.
    fn wilson(self, side: f64) -> f64 {
        let n = self.whole as f64;
        if self.whole == 0 {
            return if side < 0.0 { 0.0 } else { 100.0 };
        }
        let p = self.part as f64 / n;
        let zz = Z * Z / n;
        let spread = Z * (p * (1.0 - p) / n + zz / (4.0 * n)).sqrt();
        let end = (p + zz / 2.0 + side * spread) / (1.0 + zz);
        (end * 100.0).clamp(0.0, 100.0)
    }
}

/// `40.9% (9 of 22)`.
impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, whole } = self;
        write!(f, "{} ({part} of {whole})", percent(*part, *whole))
    }
}

/// A share, held against limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// How bad it is.
    pub level: Level,
    /// The limit that is passed, in percent; none where it is well.
    pub limit: Option<f64>,
    /// The share is above a limit (a higher one than the one that is passed, if any), but it may be chance.
    pub is_open: bool,
}

/// Limits of a share, in percent of the attempts. 100 is no limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Above this: a warning.
    pub warning: f64,
    /// Above this: critical.
    pub critical: f64,
    /// The fewest that pass it, however few there are in all: fewer are open, not passed.
    pub from: u64,
}

impl Limits {
    /// Holds a share against them.
    pub fn judge(&self, sample: Sample) -> Judged {
        let share = sample.share().unwrap_or(0.0);
        let is_enough = sample.part >= self.from;
        let at_least = if is_enough { sample.at_least() } else { 0.0 };
        let limits = [
            (Level::Critical, self.critical),
            (Level::Warning, self.warning),
        ];
        let passed = limits.iter().find(|(_, limit)| at_least > *limit);
        let reached = limits.iter().find(|(_, limit)| share > *limit);
        let level = |of: Option<&(Level, f64)>| of.map_or(Level::Ok, |(level, _)| *level);
        Judged {
            level: level(passed),
            limit: passed.map(|(_, limit)| *limit),
            is_open: level(reached) > level(passed),
        }
    }
}

#[cfg(test)]
mod tests;
