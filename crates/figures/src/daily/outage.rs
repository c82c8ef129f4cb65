//! Hours in which next to nothing got through, where there is usually something to send: no name was found, say. Over
//! the day, a few hours of the night are a small share.

use std::collections::BTreeSet;

use super::notice::{ALL, Found, Notice, rank};
use super::{Daily, failed, name_of};
use crate::bounds::OTHER_INSTANCES;
use crate::history::History;
use crate::mail_stats::Counts;
use crate::mail_stats::check::Watched;
use crate::verdict::Level;

/// An hour is out if at least so many attempts failed, and at most one in so many was sent.
const FAILED: u64 = 10;
const SENT: u64 = 20;

/// If on three of four days, so many known at least, this many were sent in it; and beyond twice what usually fails.
const USUALLY: u64 = 10;
const KNOWN: usize = 4;

/// As many in a row are no provider's whim.
const HOURS: usize = 2;

/// The attempts of the hours of a day.
type Hours = [Counts; 24];

/// Finds such hours, of all instances together or else of each of which no outage is found.
pub(super) fn outages(report: &Daily, history: &History, found: &mut Found) {
    let is_deferred = |(kind, _, _): &&(u8, u64, Notice)| *kind == rank(Watched::Deferred);
    let seen = found.iter().filter(is_deferred);
    let seen: BTreeSet<String> = seen.map(|(_, _, of)| of.instance.clone()).collect();
    let all = report.stats.instances.iter();
    // What a paused instance keeps is no receiver's doing, nor an outage.
    let judged = all.filter(|of| name_of(&of.instance) != OTHER_INSTANCES);
    let judged = judged.filter(|of| of.figures.paused() == 0);
    let (mut of_all, mut before_of_all) = ([Counts::default(); 24], Vec::new());
    let mut of_one: Found = Vec::new();
    for instance in judged {
        let name = name_of(&instance.instance);
        let today = report.hours(&instance.figures);
        let days = history.days.split_last().map_or(&[][..], |(_, days)| days);
        let known = days.iter().map(|day| day.instance(&name));
        let before = known.map(|of| {
            let of = of.filter(|of| of.complete)?;
            Some(report.hours(&of.figures))
        });
        let before: Vec<Option<Hours>> = before.collect();
        plus(&mut of_all, &today);
        before_of_all.resize(before.len(), [Counts::default(); 24]);
        for (sum, of) in before_of_all.iter_mut().zip(&before) {
            plus(sum, &of.unwrap_or_default());
        }
        let known: Vec<Hours> = before.into_iter().flatten().collect();
        if !seen.contains(&*name) {
            of_one.extend(out(&today, &known).map(|out| notice(&name, &out)));
        }
    }
    match out(&of_all, &before_of_all).filter(|_| seen.is_empty()) {
        Some(out) => found.push(notice(ALL, &out)),
        None => found.append(&mut of_one),
    }
}

fn plus(sum: &mut Hours, of: &Hours) {
    for (sum, of) in sum.iter_mut().zip(of) {
        *sum += *of;
    }
}

/// Hours in a row: the first, the first after them, and what was tried.
#[derive(Clone)]
struct Out {
    from: usize,
    to: usize,
    tried: Counts,
    /// How many are usually sent in that time, at least.
    usual: u64,
}

/// The most hours in a row in which nothing got through.
fn out(today: &Hours, before: &[Hours]) -> Option<Out> {
    if before.len() < KNOWN {
        return None;
    }
    let quarter = |hour: usize, of: fn(&Counts) -> u64, is_low: bool| {
        let mut days: Vec<u64> = before.iter().map(|day| of(&day[hour])).collect();
        days.sort_unstable();
        let at = match is_low {
            true => days.len() / 4,
            false => days.len() * 3 / 4,
        };
        days.get(at).copied().unwrap_or(0)
    };
    let mut longest: Option<Out> = None;
    let mut run: Option<Out> = None;
    for (hour, counts) in today.iter().enumerate() {
        let usual = quarter(hour, |of| of.sent, true);
        let usually_fails = quarter(hour, failed, false);
        let is_out = usual >= USUALLY
            && failed(counts) >= FAILED + 2 * usually_fails
            && counts.sent.saturating_mul(SENT) <= counts.total();
        if !is_out {
            run = None;
            continue;
        }
        let mut tried = run.as_ref().map_or_else(Counts::default, |of| of.tried);
        tried += *counts;
        let new = Out {
            from: run.as_ref().map_or(hour, |of| of.from),
            to: hour + 1,
            tried,
            usual: run.as_ref().map_or(0, |of| of.usual).saturating_add(usual),
        };
        let length = |of: &Out| of.to - of.from;
        if longest.as_ref().is_none_or(|of| length(of) < length(&new)) {
            longest = Some(new.clone());
        }
        run = Some(new);
    }
    longest.filter(|of| of.to - of.from >= HOURS)
}

fn notice(instance: &str, of: &Out) -> (u8, u64, Notice) {
    let (sent, total) = (of.tried.sent, of.tried.total());
    let notice = Notice {
        level: Level::Warning,
        instance: instance.to_owned(),
        what: format!(
            "next to nothing got through from {:02}:00 to {:02}:00",
            of.from, of.to
        ),
        details: format!(
            "{sent} of {total} attempts; {} or more are usually sent",
            of.usual
        ),
    };
    (rank(Watched::Deferred), total, notice)
}
