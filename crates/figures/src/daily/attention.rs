//! What an admin should look at: what is too much, what is worse than it was, what stands still, what Postfix says
//! itself.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::notice::{ALL, Found, KINDS, Kind, Notice};
use super::spread::Spread;
use super::usual::{self, By};
use super::{
    Daily, Measure, Rate, Subject, backlog, domains, outage, providers, shares, standing, volume,
};
use crate::bounds::OTHER_INSTANCES;
use crate::history::History;
use crate::judge::Rules;
use crate::mail_stats::check::Watched;
use crate::mail_stats::{Dimension, Figures, Key, Row};
use knowledge::providers::Providers;
use knowledge::reasons::Class;
use legible::human;

/// After so many seconds mail has waited for the end of an outage: 4 hours.
const LATE: f64 = 4.0 * 3600.0;

/// All that needs attention, the worst first. `is_covered`: do the logs hold all of the day, whether an instance is in
/// them or not? The last day of `history` is the day. Beside it, what is only to be noted: a holiday.
pub(super) fn findings(
    report: &Daily,
    history: &History,
    (busy, in_use): (&[String], &[String]),
    is_covered: bool,
    (rules, known): (&Rules, &Providers),
) -> (Vec<Notice>, Option<String>) {
    let (mut found, mut volumes): (Vec<Found>, Vec<Found>) = (Vec::new(), Vec::new());
    let mut silent = BTreeSet::new();
    // What anyone may have written is no reason for alarm.
    let all = report.instances.iter();
    let judged: Vec<&Subject> = all.filter(|s| s.name != OTHER_INSTANCES).collect();
    // A recipient that is tried all day says no more than one that was put off once. Days can only be compared that are
    // counted alike.
    let is_once = judged.iter().all(|subject| subject.knows_again());
    let once = |subject: &Subject| match is_once {
        true => subject.once(),
        false => subject.clone(),
    };
    let judged: Vec<Subject> = judged.into_iter().map(once).collect();
    let judged = || judged.iter();
    let spread = Spread::of(judged(), rules.volume.from);
    let shares = judged().count() * KINDS;
    let by = Watched::JUDGED.map(|watched| By {
        watched,
        rules,
        differs: usual::differs(judged(), watched),
        shares,
    });
    let all = once(&judged_total(report));
    let holiday = volume::holiday(judged(), &all, rules.volume.from).filter(|_| is_covered);
    let volume = |subject: &Subject, figures, is_known| {
        let waited = has_waited(figures);
        volume::finding(subject, rules, spread, is_known, holiday, waited)
    };
    for subject in judged() {
        let of = history.last().and_then(|day| day.instance(&subject.name));
        let is_known = match of {
            Some(of) => of.complete,
            None => is_covered,
        };
        // What has nothing, on purpose or not, or is not known whole, does not show that a map leads elsewhere.
        if !is_known || subject.today.total() == 0 {
            silent.insert(subject.name.clone());
        }
        of_subject(report, subject, is_once, &subject.name, &by, &mut found);
        if is_known && subject.today.total() == 0 && is_missed(subject, busy, in_use) {
            found.push(Found::new(Kind::Silent, 0, volume::silent(subject)));
        } else if let Some(finding) = volume(subject, report.figures(&subject.name), is_known) {
            silent.insert(subject.name.clone());
            volumes.push(Found::new(Kind::Volume, subject.today.total(), finding));
        }
    }
    let of_all = volume(&all, Some(&report.stats.total), is_covered);
    found.extend(one_of_all(volumes, of_all));
    if report.instances.len() > 1 {
        // What is too little to be found in any of many small instances.
        of_subject(report, &all, is_once, ALL, &by, &mut found);
    }
    providers::refusing(report, history, rules, is_once, &mut found);
    outage::outages(report, history, &mut found);
    domains::refusing(report, history, known, &mut found);
    if is_covered {
        providers::left_out(report, history, &silent, &mut found);
    }
    let late = after_outage(judged());
    standing::all(report, rules, &late, !in_use.is_empty(), &mut found);
    found.sort_by_key(|of| {
        let (worst, most) = (Reverse(of.notice.level), Reverse(of.amount));
        (worst, of.kind.place(), most)
    });
    let found = found.into_iter().map(|of| of.notice);
    let note = holiday.and_then(|_| volume::on_holiday(&all));
    (found.collect(), note)
}

/// The names of those that were down on the day before.
fn after_outage<'s>(subjects: impl Iterator<Item = &'s Subject>) -> BTreeSet<&'s str> {
    let after = subjects.filter(|subject| backlog::is_after_outage(subject));
    after.map(|subject| subject.name.as_str()).collect()
}

/// Was some of what was sent so late that it may be of the day before?
fn has_waited(figures: Option<&Figures>) -> bool {
    let delays = figures.and_then(|figures| figures.delays);
    delays.is_some_and(|delays| delays.delay.p95 > LATE)
}

/// Should there have been deliveries, where there are none?
fn is_missed(subject: &Subject, busy: &[String], in_use: &[String]) -> bool {
    match volume::is_new(subject) {
        // One that never had any, on days enough to say so, is made ready: the report says so elsewhere.
        true => busy.contains(&subject.name) && !volume::is_unused(subject),
        // One that was switched off is meant to be silent. Of another host's, nothing is known.
        false => {
            let is_wanted = in_use.is_empty()
                || in_use.iter().chain(busy).any(|name| *name == subject.name)
                || subject.name.contains('@');
            is_wanted && volume::is_silent(subject)
        }
    }
}

/// All instances together, without what anyone may have written on any of the days.
fn judged_total(report: &Daily) -> Subject {
    let mut others = report.instances.iter();
    match others.find(|s| s.name == OTHER_INSTANCES) {
        Some(others) => report.total.minus(others),
        None => report.total.clone(),
    }
}

/// What most instances have is the host's: where `all` of it has it, too, it is one finding, which names the busiest.
fn one_of_all(mut volumes: Vec<Found>, all: Option<Notice>) -> Vec<Found> {
    let Some(all) = all.filter(|_| volumes.len() > 2) else {
        return volumes;
    };
    volumes.sort_by_key(|of| Reverse(of.amount));
    let names = volumes.iter().take(3).map(|of| of.notice.instance.as_str());
    let mut of = names.collect::<Vec<_>>().join(", ");
    if volumes.len() > 3 {
        of.push_str(&format!(" and {} more", volumes.len() - 3));
    }
    let n = volumes.iter().map(|of| of.amount).sum();
    let details = format!("{}; of {of}", all.details);
    let instance = ALL.to_owned();
    let finding = Notice {
        instance,
        details,
        ..all
    };
    vec![Found::new(Kind::Volume, n, finding)]
}

/// The shares of a subject that are too much; of all instances only those that none of them has.
/// `is_once`: does a recipient that was put off count once?
fn of_subject(
    report: &Daily,
    subject: &Subject,
    is_once: bool,
    name: &str,
    by: &[By<'_>],
    found: &mut Vec<Found>,
) {
    for by in by {
        let watched = by.watched;
        let is_found = found.iter().any(|of| of.kind == Kind::Share(watched));
        if name == ALL && is_found {
            continue;
        }
        let Some(judged) = shares::judge(subject, *by) else {
            continue;
        };
        let rate = Rate::Watched(watched);
        let (mut count, mut total) = (judged.today.part(), judged.today.whole());
        if let Some((all, _)) = judged.together {
            (count, total) = (all.part(), all.whole());
        }
        let share = human::percent(count, total);
        let again = subject
            .today
            .again
            .filter(|_| is_once && judged.together.is_none());
        let again = match (watched, again) {
            (Watched::Deferred, Some(again)) => again.deferred,
            (Watched::Blocked, Some(again)) => again.blocked,
            _ => 0,
        };
        let tried = match again {
            0 => String::new(),
            _ => format!(" in {} attempts", count.saturating_add(again)),
        };
        let mut what = match watched {
            Watched::Blocked => format!("{count} blocked{tried} ({share})"),
            _ => format!("{share} {} ({count}{tried})", watched.as_str()),
        };
        match judged.together {
            Some((_, days)) if days > 1 => what.push_str(&format!(", in {days} days")),
            Some(_) => {}
            None => what.push_str(&since(&judged)),
        }
        let mut details: Vec<String> = match judged.together {
            Some(_) => Vec::new(),
            None => Vec::from_iter(was(subject, rate, &judged)),
        };
        if watched == Watched::Expired {
            let own = subject.today.whole(rate);
            let of = match judged.together.is_none() && total > own {
                true => format!(", beside {} that came when they did", total - count),
                false => String::new(),
            };
            let went = "messages that became too old and went back to their senders";
            details.push(format!("{went}{of}"));
        }
        details.extend(reasons(report, subject, watched));
        let finding = Notice {
            level: judged.level,
            instance: name.to_owned(),
            what,
            details: details.join("; "),
        };
        found.push(Found::new(Kind::Share(watched), count, finding));
    }
}

/// `, for the 5th day`, where it is not the first.
fn since(judged: &shares::Judged) -> String {
    let days = judged.days;
    match judged.rose_from {
        Some(from) if days == 1 => {
            let from = human::percent(from.part(), from.whole());
            return format!(", rising for days from {from}");
        }
        _ => {}
    }
    match (days, judged.ever_since) {
        (1, _) => String::new(),
        (n, true) => format!(", for {n} days or more"),
        (n, false) => {
            let ending = match (n % 10, n % 100) {
                (_, 11..=13) => "th",
                (1, _) => "st",
                (2, _) => "nd",
                (3, _) => "rd",
                _ => "th",
            };
            format!(", for the {n}{ending} day")
        }
    }
}

/// How it was before.
fn was(subject: &Subject, rate: Rate, judged: &shares::Judged) -> Option<String> {
    if judged.days > 1 {
        let (usual, days) = judged.usual?;
        let share = human::percent(usual.part(), usual.whole());
        return Some(match days {
            1 => format!("it was {share} on the day before that"),
            n => format!("it was {share} on {n} days before that"),
        });
    }
    // Days are held against what came some days before them.
    if rate == Rate::Watched(Watched::Expired) {
        let (usual, days) = judged.usual?;
        let share = human::percent(usual.part(), usual.whole());
        return Some(format!(
            "it was {share} on {}",
            postfix::count(days as u64, "day")
        ));
    }
    let mean = subject.before.mean.filter(|mean| mean.sum.total() > 0)?;
    let share = |measure: Measure| human::percent(measure.count(rate), measure.whole(rate));
    let days = match mean.days {
        1 => return Some(format!("it was {}", share(mean.sum))),
        days => format!("{days} days"),
    };
    Some(match subject.before.day_before {
        Some(before) => format!(
            "it was {} the day before and {} on average of {days}",
            share(before),
            share(mean.sum)
        ),
        None => format!("it was {} on average of {days}", share(mean.sum)),
    })
}

/// The reasons that most of it had.
fn reasons(report: &Daily, subject: &Subject, watched: Watched) -> Option<String> {
    let figures = match subject.name.as_str() {
        "" => &report.stats.total,
        name => report.figures(name)?,
    };
    let table = figures.breakdown(Dimension::Reason)?;
    let count = |row: &Row| match watched {
        Watched::Blocked if row.key.as_bytes() == Class::Blocked.as_str().as_bytes() => {
            row.counts.total()
        }
        Watched::Blocked => 0,
        Watched::Bounced => row.counts.bounced,
        Watched::Deferred => row.counts.deferred,
        // Neither is a refusal.
        Watched::Expired | Watched::Discarded => 0,
    };
    let forged = report.stats.others().filter(|_| subject.name.is_empty());
    let forged = forged.and_then(|others| others.figures.breakdown(Dimension::Reason));
    let forged = |row: &Row| {
        let rows = forged.map_or(&[][..], |table| &table.rows);
        rows.iter().find(|of| of.key == row.key).map_or(0, count)
    };
    let own = |row| count(row).saturating_sub(forged(row));
    let mut rows: Vec<(u64, &Row)> = table.rows.iter().map(|row| (own(row), row)).collect();
    rows.retain(|(n, row)| *n > 0 && !matches!(row.key, Key::Others(_)));
    rows.sort_by_key(|(n, _)| Reverse(*n));
    let told = rows.iter().take(3).map(|(n, row)| {
        let codes = row.codes.iter().take(2).map(|(code, _)| code.clone());
        let ips = row.ips.iter().take(2).map(|(ip, _)| ip.to_string());
        let marks = codes.chain(ips);
        // They do not say whose they are.
        let marks: Vec<String> = marks.filter(|_| forged(row) == 0).collect();
        let class = String::from_utf8_lossy(row.key.as_bytes());
        match (watched, marks.as_slice()) {
            (Watched::Blocked, marks) => marks.join(", "),
            (_, []) => format!("{class} {n}"),
            (_, marks) => format!("{class} {n} ({})", marks.join(", ")),
        }
    });
    let told: Vec<String> = told.filter(|text| !text.is_empty()).collect();
    (!told.is_empty()).then(|| told.join(", "))
}
