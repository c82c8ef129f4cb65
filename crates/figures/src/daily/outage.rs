//! Hours in a row in which next to nothing was sent, where something usually is: no name was found, say, or nothing
//! was tried at all, as the host was down. Over the day, a few hours of the night are a small share.

mod usual;

use std::collections::BTreeSet;

use super::notice::{ALL, Found, Kind, Notice};
use super::{Daily, all_of, failed};
use crate::bounds::OTHER_INSTANCES;
use crate::history::{History, HistoryDay};
use crate::mail_stats::Counts;
use crate::mail_stats::check::Watched;
use crate::verdict::Level;
pub(super) use usual::hours_of;
use usual::{FAILED, Hours, Run, SENT, Slot, State, Usual, in_a_row};

/// As many in a row are no provider's whim. Where nothing says that there was something to send, two more than that for
/// each hour in a row of the longest time without mail on days before.
const HOURS: usize = 2;

/// And so many must have been to be expected in them, by what was sent in the day's other hours: it may be a holiday.
const EXPECTED: f64 = 20.0;

/// Finds such hours, of all instances together or else of each.
pub(super) fn outages(report: &Daily, history: &History, found: &mut Vec<Found>) {
    let Some((today, before)) = history.days.split_last() else {
        return;
    };
    let of_kind = |of: &&Found| of.kind == Kind::Share(Watched::Deferred);
    let named = found.iter().filter(of_kind);
    let named: BTreeSet<String> = named.map(|of| of.notice.instance.clone()).collect();
    let names = report.instances.iter().map(|of| of.name.as_str());
    let names = names.filter(|name| *name != OTHER_INSTANCES);
    let mut each: Vec<(Hourly, Vec<Run>)> = Vec::new();
    for name in names {
        let of = Hourly::of(report, (today, before), name);
        let mut runs = of.runs(report, before);
        // What is named as the day's deferral need not be named again, nor is it the other instances'.
        let all = of.today.iter().map(failed).fold(0, u64::saturating_add);
        let is_it = |run: &Run| failed(&run.tried) > 0 && failed(&run.tried) >= all.div_ceil(2);
        if named.contains(name) && runs.iter().any(is_it) {
            runs.retain(|run| !is_it(run));
            found.extend(runs.iter().map(|run| run.notice(name, false)));
        } else {
            each.push((of, runs));
        }
    }
    let of_all = match each.len() {
        0 | 1 => Vec::new(),
        _ => {
            let all = Hourly::sum(each.iter().map(|(of, _)| of), today, before);
            all.runs(report, before)
        }
    };
    // Where one of them sends as always, it is not all.
    let is_well = |run: &Run| each.iter().any(|(of, _)| of.is_well(run, before));
    let is_one = |run: &Run| {
        each.iter()
            .any(|(_, of)| of.iter().any(|one| one.meets(run)))
    };
    let (_, of_all): (Vec<Run>, Vec<Run>) = of_all
        .into_iter()
        .partition(|run| is_well(run) && is_one(run));
    let is_alone = report.instances.len() == 1;
    for (of, runs) in &each {
        let own = runs
            .iter()
            .filter(|run| !of_all.iter().any(|all| all.meets(run)));
        found.extend(own.map(|run| run.notice(&of.name, is_alone)));
    }
    found.extend(of_all.iter().map(|run| run.notice(ALL, true)));
}

/// What an instance, or all of them, has had by the hour.
struct Hourly {
    name: String,
    today: Hours,
    /// Is all of the day known, as far as it is over?
    is_known: bool,
    /// The days before, the oldest first, as far as they are known.
    before: Vec<Option<Hours>>,
}

impl Hourly {
    fn of(report: &Daily, (today, before): (&HistoryDay, &[HistoryDay]), name: &str) -> Self {
        let figures = report.figures(name);
        let days = before.iter().map(|day| {
            let of = day.instance(name).filter(|of| of.complete)?;
            Some(report.hours(&of.figures))
        });
        let mut of = Self {
            name: name.to_owned(),
            today: figures.map_or([Counts::default(); 24], |of| report.hours(of)),
            is_known: is_known(today, name),
            before: days.collect(),
        };
        let paused = figures.map_or(0, |figures| figures.paused());
        if paused > 0 {
            of.leave_paused(paused, (today, before));
        }
        of
    }

    /// Leaves the hours out in which too few failed, beside what was paused, to say that more than the pause kept its
    /// mail: when it was paused is not known.
    fn leave_paused(&mut self, paused: u64, (today, before): (&HistoryDay, &[HistoryDay])) {
        let Some(usual) = Usual::of(&self.before, before, &today.day) else {
            return;
        };
        for hour in 0..24 {
            let now = &mut self.today[hour];
            if failed(now) < FAILED.saturating_add(paused)
                && now.sent.saturating_mul(SENT) <= usual.sent[hour]
            {
                *now = Counts::default();
                for day in self.before.iter_mut().flatten() {
                    day[hour] = Counts::default();
                }
            }
        }
    }

    /// All of them together, on the days of which all is known.
    fn sum<'h>(
        all: impl Iterator<Item = &'h Self>,
        today: &HistoryDay,
        before: &[HistoryDay],
    ) -> Self {
        let none = [Counts::default(); 24];
        let known = before.iter().map(|day| all_of(day).map(|_| none));
        let mut sum = Self {
            name: ALL.to_owned(),
            today: none,
            is_known: today.lost.is_empty(),
            before: known.collect(),
        };
        for of in all {
            plus(&mut sum.today, &of.today);
            sum.is_known &= of.is_known;
            for (sum, of) in sum.before.iter_mut().zip(&of.before) {
                if let Some(sum) = sum {
                    plus(sum, &of.unwrap_or(none));
                }
            }
        }
        sum
    }

    /// The hours in a row in which next to nothing was sent, those among them that began on the day before.
    fn runs(&self, report: &Daily, before: &[HistoryDay]) -> Vec<Run> {
        let today = &report.day;
        let Some(usual) = Usual::of(&self.before, before, today) else {
            return Vec::new();
        };
        let mut slots = Vec::new();
        if let Some((day, Some(counts))) = before.last().zip(self.before.last())
            && let Some(usual) = Usual::of(&self.before, before, &day.day)
        {
            let passed = hours_of(&day.day, report.made);
            slots.extend(usual.slots(counts, passed, 0, true));
        }
        let passed = hours_of(today, report.made);
        let own: Vec<Slot> = usual
            .slots(&self.today, passed, 24, self.is_known)
            .collect();
        let others = own.iter().filter(|slot| slot.state == State::Well);
        let others = others.fold((0, 0), |(sent, usual), slot| {
            (
                slot.counts.sent.saturating_add(sent),
                slot.usual.saturating_add(usual),
            )
        });
        let level = match others {
            (_, 0) => 0.0,
            (sent, usual) => (sent as f64 / usual as f64).min(1.0),
        };
        slots.extend(own);
        let runs = in_a_row(&slots).into_iter();
        // What had ended was said of the day before.
        let runs = runs.filter(|run| run.to > 24 && run.hours >= HOURS);
        let is_one = |run: &Run| {
            let expected = run.usual as f64 * level;
            run.failing >= HOURS
                || run.hours >= HOURS + 2 * usual.longest
                    && expected >= EXPECTED
                    && run.tried.sent.saturating_mul(SENT) as f64 <= expected
        };
        runs.filter(is_one).collect()
    }

    /// Was about as much sent in that time as usual?
    fn is_well(&self, run: &Run, before: &[HistoryDay]) -> bool {
        let of_today = |at: &usize| (24..48).contains(at);
        let hours = (run.from..run.to).filter(of_today).map(|at| at - 24);
        let (day, days) = (before.last(), &self.before);
        let usual = day.and_then(|day| Usual::of(days, before, &day.day));
        let usual = usual.map_or([0; 24], |usual| usual.sent);
        let (sent, usual) = hours.fold((0, 0), |(sent, sum), hour| {
            (
                self.today[hour].sent.saturating_add(sent),
                usual[hour].saturating_add(sum),
            )
        });
        sent > 1 && sent >= usual.div_ceil(2)
    }
}

/// Is all of the instance's day known that is over?
fn is_known(day: &HistoryDay, name: &str) -> bool {
    let is_going_on = |why: &String| why == "the day was not over";
    match day.instance(name) {
        Some(of) => of.complete || of.incomplete.iter().all(is_going_on),
        None => !day.lost.iter().any(|of| of == name) && all_of(day).is_some(),
    }
}

fn plus(sum: &mut Hours, of: &Hours) {
    for (sum, of) in sum.iter_mut().zip(of) {
        *sum += *of;
    }
}

impl Run {
    fn meets(&self, other: &Self) -> bool {
        self.from < other.to && other.from < self.to
    }

    /// `is_host`: is it all that the host has?
    fn notice(&self, instance: &str, is_host: bool) -> Found {
        let (sent, total) = (self.tried.sent, self.tried.total());
        let what = match (self.failing, sent) {
            (1.., _) => "next to nothing got through",
            (0, 0) => "nothing was sent",
            (0, _) => "next to nothing was sent",
        };
        let from = match self.from {
            at @ ..24 => format!("{at:02}:00 on the day before"),
            at => format!("{:02}:00", at - 24),
        };
        let usual = format!("{} or more are usually sent", self.usual);
        let why = match is_host {
            true => "the host was down, its log is cut, or it had no mail",
            false => "it was down, or had no mail",
        };
        let notice = Notice {
            level: Level::Warning,
            instance: instance.to_owned(),
            what: format!("{what} from {from} to {:02}:00", self.to - 24),
            details: match total {
                0 => format!("{usual}; nothing was tried: {why}"),
                _ => format!("{sent} of {total} attempts; {usual}"),
            },
        };
        Found::new(Kind::Hours, self.usual.max(total), notice)
    }
}
