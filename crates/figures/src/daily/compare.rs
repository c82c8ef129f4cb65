//! A day's figures in short, beside those of other days.

use super::Subject;
use crate::mail_stats::check::Watched;
use crate::mail_stats::{Counts, Figures, Repeated};
use knowledge::reasons::Class;
use postfix::queue::Lifetimes;
use postfix::{Day, Span};

/// How many days before the day the mean is of.
pub const DAYS_BEFORE: usize = 7;

/// How many days before the day it is judged by, as far as they are known: four of each day of the week.
pub const DAYS_JUDGED: usize = 28;

/// A day in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measure {
    /// Delivery attempts.
    pub counts: Counts,
    /// Those that were refused for the sending host's reputation.
    pub blocked: u64,
    /// Those that a paused instance put off by itself: no receiver was asked.
    pub paused: u64,
    /// Messages that expired in the queue; not among the attempts.
    pub expired: u64,
    /// What discard(8) threw away; among what was sent.
    pub discarded: u64,
    /// Attempts for recipients that had been put off before on that day, if they are known.
    pub again: Option<Repeated>,
    /// Recipients that were put off and whose message had come before that day, as far as they are known.
    pub earlier: u64,
}

/// Which share of the attempts is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// Handed on.
    Sent,
    /// What is watched: refused in some way.
    Watched(Watched),
}

impl Rate {
    /// All of them, as they are reported.
    pub const ALL: [Self; 4] = [
        Self::Sent,
        Self::Watched(Watched::Bounced),
        Self::Watched(Watched::Deferred),
        Self::Watched(Watched::Blocked),
    ];
}

impl Measure {
    /// The figures in short. They must be broken down by reason.
    pub fn of(figures: &Figures) -> Self {
        let blocked = figures.reason(Class::Blocked);
        Self {
            counts: figures.counts,
            blocked: blocked.map_or(0, |row| row.counts.total()),
            paused: figures.paused(),
            again: figures.again(),
            earlier: figures.recipients_put_off().map_or(0, |of| of.earlier),
            expired: figures.expired,
            discarded: figures.discarded(),
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let mut counts = self.counts;
        counts += other.counts;
        Self {
            counts,
            blocked: self.blocked.saturating_add(other.blocked),
            paused: self.paused.saturating_add(other.paused),
            expired: self.expired.saturating_add(other.expired),
            discarded: self.discarded.saturating_add(other.discarded),
            earlier: self.earlier.saturating_add(other.earlier),
            again: self
                .again()
                .zip(other.again())
                .map(|(one, other)| Repeated {
                    deferred: one.deferred.saturating_add(other.deferred),
                    blocked: one.blocked.saturating_add(other.blocked),
                }),
        }
    }

    /// Attempts that were made again, if they are known: of none, they are.
    pub(super) fn again(&self) -> Option<Repeated> {
        match self.counts.deferred {
            0 => Some(Repeated::default()),
            _ => self.again,
        }
    }

    /// Each recipient that was put off once, however often it was tried; unchanged where that is not known.
    pub(super) fn once(self) -> Self {
        let again = self.again().unwrap_or_default();
        let mut counts = self.counts;
        counts.deferred = counts.deferred.saturating_sub(again.deferred);
        Self {
            counts,
            blocked: self.blocked.saturating_sub(again.blocked),
            ..self
        }
    }

    /// Without another's part of it.
    #[must_use]
    pub fn minus(self, part: Self) -> Self {
        Self {
            counts: self.counts.minus(part.counts),
            blocked: self.blocked.saturating_sub(part.blocked),
            expired: self.expired.saturating_sub(part.expired),
            discarded: self.discarded.saturating_sub(part.discarded),
            paused: self.paused.saturating_sub(part.paused),
            earlier: self.earlier.saturating_sub(part.earlier),
            again: self.again().zip(part.again()).map(|(all, part)| Repeated {
                deferred: all.deferred.saturating_sub(part.deferred),
                blocked: all.blocked.saturating_sub(part.blocked),
            }),
        }
    }

    /// How many attempts there are, but for what was paused.
    pub fn total(&self) -> u64 {
        self.counts.total().saturating_sub(self.paused)
    }

    /// How many of the attempts are such.
    pub fn count(&self, rate: Rate) -> u64 {
        match rate {
            Rate::Sent => self.counts.sent,
            Rate::Watched(Watched::Bounced) => self.counts.bounced,
            Rate::Watched(Watched::Deferred) => self.counts.deferred.saturating_sub(self.paused),
            Rate::Watched(Watched::Blocked) => self.blocked,
            Rate::Watched(Watched::Expired) => self.expired,
            Rate::Watched(Watched::Discarded) => self.discarded,
        }
    }

    /// Of how many that is a part: of the attempts; what expired is none, and is added to them.
    pub fn whole(&self, rate: Rate) -> u64 {
        match rate {
            Rate::Watched(Watched::Expired) => self.total().saturating_add(self.expired),
            _ => self.total(),
        }
    }

    /// What part of them that is, in percent; nothing where there are none.
    pub fn share(&self, rate: Rate) -> Option<f64> {
        let whole = self.whole(rate);
        (whole > 0).then(|| self.count(rate) as f64 * 100.0 / whole as f64)
    }
}

/// How it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compared {
    /// The day before, if all of it is known.
    pub day_before: Option<Measure>,
    /// The last [`DAYS_BEFORE`] days, as far as they are known.
    pub mean: Option<Mean>,
}

/// Days added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mean {
    /// How many.
    pub days: u32,
    /// All of them together: shares of it are the mean weighted by volume.
    pub sum: Measure,
}

impl Mean {
    /// How many attempts a day had.
    pub fn total(&self) -> f64 {
        self.sum.total() as f64 / f64::from(self.days)
    }
}

impl Compared {
    /// Of the days before, the oldest first; nothing where not all of a day is known.
    pub(super) fn new(before: &[Option<Measure>]) -> Self {
        let last = before.iter().rev().take(DAYS_BEFORE).flatten();
        let mean = last.fold(None, |mean: Option<Mean>, measure| {
            Some(match mean {
                None => Mean {
                    days: 1,
                    sum: *measure,
                },
                Some(Mean { days, sum }) => Mean {
                    days: days + 1,
                    sum: sum.plus(*measure),
                },
            })
        });
        Self {
            day_before: before.last().copied().flatten(),
            mean,
        }
    }
}

impl Subject {
    /// Of all its days, of which today is the last.
    pub(super) fn of_days(name: String, today: Measure, days: Vec<(Day, Option<Measure>)>) -> Self {
        let (_, before) = days.split_last().unzip();
        let before = before.unwrap_or_default().iter();
        let before: Vec<Option<Measure>> = before.map(|(_, measure)| *measure).collect();
        Self {
            name,
            today,
            before: Compared::new(&before),
            days,
            lives: Lifetimes::default().message,
        }
    }

    /// The same, where mail lives for so long.
    #[must_use]
    pub(super) fn living(self, lives: Span) -> Self {
        Self { lives, ..self }
    }

    /// How many attempts there were when that came which expired on the day at this place, as far as it is known: a
    /// lifetime may end in the middle of a day.
    pub(super) fn came(&self, at: usize) -> u64 {
        let (lives, day) = (self.lives.micros(), Span::from_days(1).micros());
        let days = lives / day..=lives.div_ceil(day);
        let days = days.filter_map(|days| self.days.get(at.checked_sub(days as usize)?)?.1);
        days.map(|of| of.total()).max().unwrap_or(0)
    }

    /// Is it known of every day how much was tried again?
    pub(super) fn knows_again(&self) -> bool {
        let days = self.days.iter().filter_map(|(_, measure)| *measure);
        days.chain([self.today]).all(|of| of.again().is_some())
    }

    /// Each recipient that was put off once, on each of the days.
    pub(super) fn once(&self) -> Self {
        let days = self.days.iter();
        let days = days.map(|(day, of)| (*day, of.map(Measure::once)));
        Self::of_days(self.name.clone(), self.today.once(), days.collect()).living(self.lives)
    }

    /// Without another's part of it, on each of the days.
    pub(super) fn minus(&self, part: &Self) -> Self {
        let days = self.days.iter().zip(&part.days);
        let days = days.map(|((day, all), (_, part))| {
            let rest = all.map(|all| all.minus(part.unwrap_or_default()));
            (*day, rest)
        });
        let today = self.today.minus(part.today);
        Self::of_days(self.name.clone(), today, days.collect()).living(self.lives)
    }
}
