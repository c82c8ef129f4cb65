//! How much there was to deliver, beside the days before.

use chrono::Weekday;
use postfix::count;

use super::backlog::backlog;
use super::middle::{at_least_usual, median, middle, sorted};
use super::notice::Notice;
use super::spread::{Spread, is_weekend};
use super::{Rate, Subject};
use crate::judge::Rules;
use crate::mail_stats::check::Watched;
use crate::verdict::Level;

/// As many days must be known for a day to be unlike them.
const KNOWN: usize = 3;

/// The greatest day may be passed by so much, and the least be missed.
const BEYOND: f64 = 1.4;

/// Days of the week that usually have this many times as much as others have something of their own: a list, say.
const GREAT: f64 = 1.8;

/// A day of the week is held against its own days where they have this many times as much as others: four of them alone
/// may have more by chance.
const OWN: f64 = 1.5;

/// A day has far less than days like it if they have this many times as much; so it is on a holiday.
const LESS: f64 = 1.5;

/// From this many days alike on, only these say how little there may be: a day of work is not measured by Sundays.
const ALIKE: usize = 3;

/// Messages that come independently hardly ever differ by this many times the root of their number by chance.
const CHANCE: f64 = 6.5;

/// Where fewer than this were expected since the last one, having none may be chance.
const SILENT: f64 = 12.0;

/// How much there is at most on a day.
struct AtMost {
    /// Usually.
    usual: f64,
    /// By so many days.
    days: usize,
    /// On the greatest of them.
    most: f64,
    /// Far less than on other days.
    is_little: bool,
    /// By enough days of its own day of the week, which differs from others.
    is_own: bool,
}

/// The days before: how many deliveries, where that is known, and on which day of the week.
struct Past {
    days: Vec<(Weekday, f64)>,
    today: Weekday,
}

impl Past {
    fn of(subject: &Subject) -> Self {
        let mut days = subject.days.iter().rev();
        // Where there is no day at all, there is nothing to be compared.
        let today = days.next().map_or(Weekday::Mon, |(day, _)| day.weekday());
        let known = days.rev().filter_map(|(day, measure)| {
            let measure = (*measure)?;
            Some((day.weekday(), measure.total() as f64))
        });
        Self {
            days: known.collect(),
            today,
        }
    }

    /// All that are known, sorted.
    fn all(&self) -> Vec<f64> {
        sorted(self.days.iter().map(|(_, n)| *n))
    }

    /// Those on this day of the week, sorted.
    fn on(&self, weekday: Weekday) -> Vec<f64> {
        let of_it = self.days.iter().filter(|(on, _)| *on == weekday);
        sorted(of_it.map(|(_, n)| *n))
    }

    /// The most that there was on a day, but for those days of the week that usually have far more than others, and
    /// those on which was done what had not been done the day before.
    fn most(&self, usual: f64, is_meant: impl Fn(Weekday) -> bool) -> f64 {
        let of_weekday = |on: Weekday| median(&self.on(on)).unwrap_or(0.0);
        let is_great = |on: Weekday| self.days.len() >= 7 && self.is_great(on, usual);
        let was_out = |at: usize| {
            let before = at.checked_sub(1).and_then(|at| self.days.get(at));
            before.is_some_and(|(on, n)| *n == 0.0 && of_weekday(*on) > 0.0)
        };
        let others = self.days.iter().enumerate();
        let others =
            others.filter(|(at, (on, _))| is_meant(*on) && !is_great(*on) && !was_out(*at));
        others.map(|(_, (_, n))| *n).fold(0.0, f64::max)
    }

    /// Has another day of the week than today's something of its own?
    fn is_great(&self, on: Weekday, usual: f64) -> bool {
        on != self.today && median(&self.on(on)).unwrap_or(0.0) >= usual * GREAT
    }

    /// Those that say how little there may be on such a day: if there are enough, those on the same day of the week, or
    /// those of work (of the weekend).
    fn measures(&self) -> Vec<f64> {
        let same = self.on(self.today);
        if same.len() >= ALIKE {
            return same;
        }
        let of_kind = self.of_kind();
        match of_kind.len() {
            ALIKE.. => of_kind,
            _ => self.all(),
        }
    }

    /// What there is at most on such a day: on the same day of the week, if enough of those are known, or if what is
    /// known of it is far more than on others; else on working days, or on the weekend.
    fn usual_at_most(&self, usual: f64, more: f64) -> AtMost {
        let same = self.on(self.today);
        // Days on which nothing is done are no measure.
        let kind = match self.of_kind() {
            none if median(&none).is_none_or(|n| n <= 0.0) => self.all(),
            of_kind => of_kind,
        };
        // Of the first weekend, one day may be a list's, or nothing be done on it.
        let few = self.days.iter().filter(|(on, n)| {
            is_weekend(*on) == is_weekend(self.today) && *n > 0.0 && !self.is_great(*on, usual)
        });
        let few = sorted(few.map(|(_, n)| *n));
        let of_kind = match kind.len() {
            ..=2 => middle(&few).or(middle(&kind)),
            _ => middle(&kind),
        };
        let of_kind = of_kind.unwrap_or(usual).max(1.0);
        let of_same = match same.len() {
            0 | 1 => 0.0,
            _ => middle(&same).unwrap_or(0.0),
        };
        let is_own = of_same > of_kind * OWN || of_same > 0.0 && of_same * OWN < of_kind;
        let (usual_then, days) = match is_own {
            true => (of_same, &same),
            false => (of_kind, &kind),
        };
        let is_little = usual_then * 1.5 <= usual;
        let most = days.last().copied().unwrap_or(usual_then);
        // Among days of a kind, there may be a list's.
        let alike = |on: Weekday| is_weekend(on) == is_weekend(self.today);
        let most = match (is_own, is_little, days.len()) {
            (_, _, 0 | 1) => self.most(usual, |_| true),
            (true, _, _) => most,
            (_, true, _) => most.min(self.most(usual_then, alike)),
            (_, false, _) => most.min(self.most(usual, |_| true)),
        } * BEYOND;
        let of_one = match same[..] {
            [one] if one >= of_kind * GREAT => one * more,
            _ => same.last().copied().unwrap_or(0.0) * BEYOND,
        };
        AtMost {
            usual: usual_then,
            days: days.len(),
            most: most.max(of_one),
            is_little,
            is_own: is_own && days.len() >= ALIKE,
        }
    }

    /// Has there hardly ever been as little on such a day?
    fn is_least(&self, today: f64) -> bool {
        // A day that nothing was done on is no measure of how little there may be. Of many, a single one with as little
        // may have been a holiday, or an outage.
        let measures = self.measures();
        let as_low = measures.iter().filter(|n| **n > 0.0 && today * 1.5 > **n);
        let is_least = match measures.len() {
            n if n > ALIKE => as_low.count() < 2,
            _ => as_low.count() == 0,
        };
        // The first weekend that is known may be like all of them; so may a day of the week on which there was as
        // little.
        let same = self.on(self.today);
        is_least
            && !self.of_kind().is_empty()
            && (same.len() >= ALIKE || same.iter().all(|n| today * 1.5 <= *n))
    }

    /// Working days, or days of the weekend, as today is.
    fn of_kind(&self) -> Vec<f64> {
        let today = is_weekend(self.today);
        let of_kind = self.days.iter().filter(|(on, _)| is_weekend(*on) == today);
        sorted(of_kind.map(|(_, n)| *n))
    }

    /// Those that a day is to be like: on the same day of the week; else working days, or days of the weekend.
    fn alike(&self) -> Vec<f64> {
        let same = self.on(self.today);
        // One alone may have been a holiday.
        if same.len() > 1 {
            return same;
        }
        match self.of_kind() {
            none if none.is_empty() => self.all(),
            of_kind => of_kind,
        }
    }
}

/// What part of the usual there is on a holiday: nearly all of several instances, of those with at least `from` on such
/// days, have far less at once, and all of them together have had as little on several days, the weekend's perhaps.
pub(super) fn holiday<'a>(
    subjects: impl Iterator<Item = &'a Subject>,
    all: &Subject,
    from: u64,
) -> Option<f64> {
    let part = |subject: &Subject| {
        let like = at_least_usual(&Past::of(subject).alike())?;
        (like >= from as f64).then(|| subject.today.total() as f64 / like)
    };
    let parts = sorted(subjects.filter_map(part));
    let less = parts.iter().filter(|part| **part * LESS <= 1.0).count();
    let today = all.today.total() as f64;
    let as_low = Past::of(all).all().into_iter();
    let as_low = as_low.filter(|n| *n > 0.0 && today * LESS > *n).count();
    let is_all = parts.len() > 1 && less * 5 >= parts.len() * 4;
    median(&parts).filter(|_| is_all && today > 0.0 && as_low > 1)
}

/// Far more or less than on the days before. `is_known`: is all of the day in its figures? `holiday`: what part of the
/// usual all have, if it is one. `waited`: was some of it sent hours late?
pub(super) fn finding(
    subject: &Subject,
    rules: &Rules,
    spread: Spread,
    is_known: bool,
    holiday: Option<f64>,
    waited: bool,
) -> Option<Notice> {
    let past = Past::of(subject);
    let (all, alike) = (past.all(), past.alike());
    let (usual, like) = (median(&all)?, median(&alike)?);
    let spread = spread.of_one(subject, rules.volume.from);
    if all.len() < KNOWN || usual.max(like) < rules.volume.from as f64 {
        return None;
    }
    let today = subject.today.total() as f64;
    let than = past.usual_at_most(usual, rules.volume.more);
    // What waited while nothing was sent comes on top of the day's own.
    let left = match waited {
        true => backlog(subject),
        false => 0.0,
    };
    let own = today - left;
    let is_more = own >= rules.volume.more * rules.volume.from as f64
        && own >= than.usual * rules.volume.more.max(spread.factor(than.usual, than.days))
        && own >= than.most
        && (than.is_little || than.is_own || today >= past.most(usual, |_| true))
        && !is_chance(today, than.usual);
    // A part of a day says nothing of how little there was; that there is none at all is a finding of its own.
    // Without the list that usually goes out on a day of the week, it is a day like others.
    let of_kind = at_least_usual(&past.of_kind()).unwrap_or(f64::MAX);
    let little = at_least_usual(&alike)?.min(of_kind) * holiday.unwrap_or(1.0).min(1.0);
    let is_less = is_known
        && today > 0.0
        && past.is_least(today)
        && today * rules.volume.less <= little
        && (all.len() >= 7 || alike.len() >= KNOWN)
        && !is_chance(today, little);
    let (what, usual) = match (is_more, is_less) {
        (true, _) => {
            let times = today / than.usual;
            (format!("{times:.1} times as many deliveries"), than.usual)
        }
        (_, true) => (format!("only {}", count(today, "delivery")), usual),
        _ => return None,
    };
    let is_odd = !is_more && (like * 1.5 <= usual || like >= usual * 1.5);
    let weekly = match is_odd && alike.len() > 1 {
        true => format!("; {like} on this day of the week"),
        false => String::new(),
    };
    let late = match is_more && left > 0.0 {
        true => format!("; up to {left:.0} may have waited for the end of an outage"),
        false => String::new(),
    };
    Some(Notice {
        level: Level::Warning,
        instance: subject.name.clone(),
        what,
        details: compared(today, usual, &all, &weekly) + &put_off(subject) + &late,
    })
}

/// How many of a day's deliveries are none, but were put off: some of them were sent later on the same day.
fn put_off(subject: &Subject) -> String {
    match subject.today.count(Rate::Watched(Watched::Deferred)) {
        0 => String::new(),
        n => format!("; {n} of them put off"),
    }
}

/// All instances on a holiday, in words: that is no finding.
pub(super) fn on_holiday(all: &Subject) -> Option<String> {
    let days = Past::of(all).all();
    let (today, usual) = (all.today.total() as f64, median(&days)?);
    let compared = compared(today, usual, &days, "");
    Some(format!(
        "All instances have less, as on a weekend or a holiday: {compared}"
    ))
}

fn compared(today: f64, usual: f64, days: &[f64], also: &str) -> String {
    let (least, most) = (
        days.first().copied().unwrap_or(0.0),
        days.last().copied().unwrap_or(0.0),
    );
    format!("{today}, compared with a usual {usual:.0} ({least} to {most} a day{also})")
}

/// Do they differ by no more than messages that come independently may by chance?
fn is_chance(today: f64, than: f64) -> bool {
    (today - than).abs() < CHANCE * than.max(1.0).sqrt()
}

/// Is it beyond chance that there was nothing: would there have been enough since there last was something, by what
/// each day of the week usually has?
pub(super) fn is_silent(subject: &Subject) -> bool {
    let past = Past::of(subject);
    let like = match past.on(past.today).is_empty() {
        // Not known of this day of the week: as much as on days that had any.
        true => sorted(past.alike().into_iter().filter(|n| *n > 0.0)),
        false => past.on(past.today),
    };
    let mut expected = median(&like).unwrap_or(0.0);
    let had = past.days.iter().rev().take_while(|(_, n)| *n == 0.0);
    for (on, _) in had {
        expected += median(&past.on(*on)).unwrap_or(0.0);
    }
    expected >= SILENT
}

/// One of which nothing was ever delivered, on days enough to say so: it is made ready, not dead.
pub(super) fn is_unused(subject: &Subject) -> bool {
    is_new(subject) && Past::of(subject).days.len() >= KNOWN
}

/// Is it known how much there was on any day, and was there ever anything?
pub(super) fn is_new(subject: &Subject) -> bool {
    Past::of(subject).days.iter().all(|(_, n)| *n == 0.0)
}

/// An instance that should have delivered something.
pub(super) fn silent(subject: &Subject) -> Notice {
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
    Notice {
        level: Level::Warning,
        instance: subject.name.clone(),
        what: "no deliveries".to_owned(),
        details,
    }
}
