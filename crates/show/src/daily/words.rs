//! What the report says in words and numbers, in every format.

use chrono::{DateTime, FixedOffset};
use postfix::log::Severity;
use postfix::{Time, Zone, escape};

use super::TOP;
use figures::daily::{Compared, Daily, Measure, Notice, Rate};
use figures::distribution::Distribution;
use figures::mail_stats::check::Watched;
use figures::mail_stats::{Dimension, Row};
use legible::human;
use postfix::{count, either};

/// The longest subject line of a mail, in characters.
const SUBJECT_MAX: usize = 100;

/// The longest name that is shown, in characters; DNS names have at most 253, and hardly any has so many.
const NAME_MAX: usize = 128;

/// The longest sentence.
const SENTENCE_MAX: usize = 2_000;

/// Names that a sentence lists.
const LISTED_MAX: usize = 20;

/// Strangers' text as it is shown; without `utf8` only in ASCII.
pub(super) fn shown(text: impl AsRef<[u8]>, utf8: bool) -> String {
    cut(visible(text, utf8), SENTENCE_MAX)
}

/// The same of a name.
pub(super) fn name(text: impl AsRef<[u8]>, utf8: bool) -> String {
    cut(visible(text, utf8), NAME_MAX)
}

fn cut(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}..", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

/// `a, b, c and 4 more`.
fn listed(names: &[String]) -> String {
    let some = names.iter().take(LISTED_MAX);
    let some: Vec<String> = some.map(|of| cut(of.clone(), NAME_MAX)).collect();
    let more = match names.len().saturating_sub(LISTED_MAX) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    some.join(", ") + &more
}

fn visible(text: impl AsRef<[u8]>, utf8: bool) -> String {
    let text = escape(&text).to_string();
    if utf8 {
        return text;
    }
    let mut ascii = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii() => ascii.push(c),
            c => ascii.extend(c.escape_unicode()),
        }
    }
    ascii
}

/// An instant on the host's clock.
pub(super) fn local(report: &Daily, micros: Time) -> Option<DateTime<FixedOffset>> {
    report.day.zone.at(micros)
}

/// `Saturday 2026-09-19`.
pub(super) fn date(report: &Daily) -> String {
    let date = report.day.day().date();
    date.format("%A %Y-%m-%d").to_string()
}

/// `America/New_York, UTC-04:00`.
fn zone(report: &Daily) -> String {
    let offset = local(report, report.day.since);
    let offset = offset.map_or_else(String::new, |at| format!("UTC{}", at.format("%:z")));
    match report.day.zone {
        Zone::Named(tz) if tz.name() != "UTC" && tz.name() != "Etc/UTC" => {
            format!("{}, {offset}", tz.name())
        }
        Zone::Named(_) => "UTC".to_owned(),
        Zone::Process => offset,
    }
}

/// The verdict, in a few words.
pub(super) fn verdict(report: &Daily) -> String {
    match report.attention.len() {
        0 if !report.is_known => "UNKNOWN, no log found".to_owned(),
        0 if report.made < report.day.since => {
            "UNKNOWN, the day has not begun by this host's clock".to_owned()
        }
        0 if report.is_over() && !report.missing.is_empty() => {
            "nothing found, but not all of the day is known".to_owned()
        }
        0 if !report.unseen_queues.is_empty() => {
            "nothing found, but not all queues could be read".to_owned()
        }
        0 if !report.unread_before.is_empty() => {
            "nothing found, but not all of the days before could be read".to_owned()
        }
        0 if report.total.today.total() == 0 => "no deliveries".to_owned(),
        // A holiday, or an outage of half a day: nobody has seen which.
        0 if report.note.is_some() => "less mail than usual everywhere, otherwise well".to_owned(),
        0 => "all is well".to_owned(),
        1 => "one thing needs attention".to_owned(),
        n => format!("{n} things need attention"),
    }
}

/// `2444 deliveries: 76.4% sent, 13.4% bounced, 10.1% deferred`.
pub(super) fn summary(report: &Daily) -> String {
    let measure = &report.total.today;
    let total = measure.total();
    if !report.is_known {
        return "no log that is left holds this day, and there is no record of it".to_owned();
    }
    let noun = if total == 1 { "delivery" } else { "deliveries" };
    if total == 0 {
        return "no deliveries".to_owned();
    }
    let mut text = format!("{total} {noun}: {} sent", share(measure, Rate::Sent));
    for watched in [Watched::Bounced, Watched::Deferred] {
        let rate = Rate::Watched(watched);
        text.push_str(&format!(", {} {}", share(measure, rate), watched.as_str()));
    }
    if measure.blocked > 0 {
        text.push_str(&format!("; {} blocked", measure.blocked));
    }
    if measure.discarded > 0 {
        text.push_str(&format!(
            "; {} of what was sent discarded",
            measure.discarded
        ));
    }
    if measure.expired > 0 {
        text.push_str(&format!("; {} expired in the queue", measure.expired));
    }
    text
}

/// The subject of the mail: the verdict first. Strangers' text in it is escaped.
pub fn subject(report: &Daily) -> String {
    let date = report.day.day();
    let verdict = match report.attention.as_slice() {
        [] => format!("{}; {}", verdict(report), summary(report)),
        [first, rest @ ..] => {
            let more = match rest.len() {
                0 => String::new(),
                n => format!(" and {n} more"),
            };
            format!("ATTENTION {}: {}{more}", first.instance, first.what)
        }
    };
    let text = shown(format!("{} {date}: {verdict}", report.host), false);
    cut(text, SUBJECT_MAX)
}

/// What the day is, where its figures are from, and whether all of it is in them: sentences. Names in it are raw.
pub(super) fn coverage(report: &Daily) -> Vec<String> {
    let mut lines = vec![day(report)];
    for (why, instances) in report.missing.iter().take(TOP) {
        // That it goes on is said above.
        if !report.is_over() && why == "the day was not over" {
            continue;
        }
        let of = match instances.as_slice() {
            [] => String::new(),
            some => format!(" ({})", listed(some)),
        };
        lines.push(format!("Incomplete: {why}{of}."));
    }
    let unread = report.stats.unread();
    if unread > 0 {
        let all = unread.saturating_add(report.total.today.total());
        lines.push(format!(
            "NOT READ: {unread} of {all} delivery lines; see the end."
        ));
    }
    lines.extend(report.queue.as_ref().and_then(waiting));
    if !report.unseen_queues.is_empty() {
        lines.push(format!(
            "NOT READ: the mailq of {}; what waits there is not known.",
            listed(&report.unseen_queues)
        ));
    }
    for why in report.unread_before.iter().take(TOP) {
        lines.push(format!("NOT READ, of the days before: {why}."));
    }
    if !report.unused.is_empty() {
        lines.push(format!(
            "No delivery so far, on any day that is known: {}.",
            listed(&report.unused)
        ));
    }
    lines.extend(report.note.iter().map(|note| format!("{note}.")));
    lines.extend(from_records(report));
    lines.extend(unlisted(report));
    lines
}

/// How much of which day it is.
fn day(report: &Daily) -> String {
    let made = local(report, report.made);
    let made = made.map_or_else(String::new, |at| at.format("%Y-%m-%d %H:%M").to_string());
    let ends = report.seen_until.and_then(|ends| local(report, ends));
    if let (Some(ends), true) = (ends, report.missing.is_empty()) {
        let ends = ends.format("%Y-%m-%d %H:%M");
        return format!(
            "The day up to {ends}, when the logs that were named end ({}).",
            zone(report)
        );
    }
    let day = match (report.is_over(), report.missing.is_empty()) {
        (false, _) => format!("The day so far, up to {made}"),
        (true, true) => "The whole day".to_owned(),
        (true, false) => "NOT ALL OF THE DAY".to_owned(),
    };
    format!("{day} ({}).", zone(report))
}

/// That there is nothing to compare with.
pub(super) fn none_before(report: &Daily) -> &'static str {
    match report.unread_before.is_empty() {
        true => "Nothing is known about the days before: no logs, no day records.",
        false => "Nothing is known about the days before: see what was not read.",
    }
}

/// Whose figures are from a record, not from logs.
fn from_records(report: &Daily) -> Option<String> {
    match report.from_records.as_slice() {
        [] => None,
        some if some.len() == report.instances.len() => {
            Some("From the day's record: its logs are gone.".to_owned())
        }
        some => Some(format!(
            "From the day's record, as the logs are gone: {}.",
            listed(some)
        )),
    }
}

/// That not all instances are listed.
fn unlisted(report: &Daily) -> Option<String> {
    if report.unlisted == 0 {
        return None;
    }
    let some = report.instances.len();
    let all = some + report.unlisted;
    let rest = match report.unlisted_bad {
        true => "not all of the others are known to be well".to_owned(),
        false => format!("nothing was found at the other {}", report.unlisted),
    };
    Some(format!(
        "Of {all} instances, the {some} that need attention or have the most mail are listed; {rest}. All are in the \
         totals, and in --format json."
    ))
}

/// How much waits in the queues, and for how long.
fn waiting(queue: &Distribution) -> Option<String> {
    let figures = &queue.total;
    let messages = match figures.counts.total() {
        0 => return None,
        n => format!("{} {}", count(n, "message"), either(n, "waits", "wait")),
    };
    let oldest = figures.oldest.and_then(|at| queue.age(at)).map(human::age);
    let oldest = oldest.map_or_else(String::new, |age| format!(", the oldest for {age}"));
    Some(format!("In the mailq {messages}{oldest}."))
}

/// What is said of queues that have nothing to show.
pub(super) fn no_mail(report: &Daily) -> &'static str {
    let queue = report.queue.iter();
    let mut problems = queue.flat_map(|queue| &queue.problems);
    match report.unseen_queues.is_empty() && problems.next().is_none() {
        true => "empty",
        false => "empty as far as it could be read",
    }
}

/// What Postfix says of itself, the worst first: each line an instance's. One warning is no matter.
pub(super) fn said(report: &Daily) -> Vec<String> {
    let all = report.stats.instances.iter().flat_map(|instance| {
        let rows = instance.figures.complaints.iter();
        rows.map(|row| (&instance.instance, row))
    });
    let mut all: Vec<_> = all
        .filter(|(_, row)| row.severity > Severity::Warning || row.count > 1)
        .collect();
    all.sort_by_key(|(_, row)| std::cmp::Reverse((row.severity, row.count)));
    let lines = all.iter().take(TOP);
    let lines = lines.map(|(name, row)| format!("{}: {row}", String::from_utf8_lossy(name)));
    let more = all.len().saturating_sub(TOP);
    let more = (more > 0).then(|| format!("and {more} more"));
    lines.chain(more).collect()
}

/// What could not be read: delivery lines, and whole files.
pub(super) fn unreadable(report: &Daily) -> Vec<String> {
    let lines = &report.stats.gaps.unread;
    let first = match (report.stats.unread(), lines.len()) {
        (0, _) => None,
        (1, _) => Some("1 delivery line:".to_owned()),
        (n, 0) => Some(format!("{n} delivery lines")),
        (n, _) => Some(format!("{n} delivery lines, the first of them:")),
    };
    let lines = first
        .into_iter()
        .chain(lines.iter().map(ToString::to_string));
    let problems = report.problems.iter().take(TOP).map(ToString::to_string);
    let more = report.problems.len().saturating_sub(TOP);
    let more = (more > 0).then(|| format!("and {more} more"));
    let doubtful = report.stats.gaps.doubtful.iter().take(TOP);
    let doubtful = doubtful.map(|line| format!("in doubt: {line}"));
    lines.chain(problems).chain(more).chain(doubtful).collect()
}

/// A share of a day, `34.4%`.
pub(super) fn share(measure: &Measure, rate: Rate) -> String {
    human::percent(measure.count(rate), measure.total())
}

/// By how much a number has changed, in percent: `+24%`, `-3%`, `x12`, `new`; `-` where it was as well none.
pub(super) fn change(now: u64, before: f64) -> String {
    if before <= 0.0 {
        return if now == 0 { "-" } else { "new" }.to_owned();
    }
    let ratio = now as f64 / before;
    if ratio >= 10.0 {
        return format!("x{ratio:.0}");
    }
    // Neither -0 % nor +0 %.
    match ((ratio - 1.0) * 100.0).round() {
        0.0 => "+-0%".to_owned(),
        points => format!("{points:+.0}%"),
    }
}

/// By how much the volume has changed since the day before, and against the mean of days.
pub(super) fn changes(now: &Measure, before: &Compared) -> [String; 2] {
    let none = || "-".to_owned();
    let day = before.day_before;
    [
        day.map_or_else(none, |day| change(now.total(), day.total() as f64)),
        (before.mean).map_or_else(none, |mean| change(now.total(), mean.total())),
    ]
}

/// How a mean is called: `mean of 7 days`.
pub(super) fn mean_title(days: u32) -> String {
    match days {
        1 => "mean of 1 day".to_owned(),
        n => format!("mean of {n} days"),
    }
}

/// One line for a finding, without the instance.
pub(super) fn finding(finding: &Notice) -> String {
    match finding.details.as_str() {
        "" => finding.what.clone(),
        details => format!("{}; {details}", finding.what),
    }
}

/// The reasons of failures, the most frequent first.
pub(super) fn reasons(report: &Daily) -> Vec<&Row> {
    let table = report.stats.total.breakdown(Dimension::Reason).into_iter();
    let rows = table.flat_map(|table| &table.rows);
    rows.filter(|row| figures::daily::failed(&row.counts) > 0)
        .collect()
}

/// What is marked with a count, `TSS04 48, S3150 2`.
pub(super) fn marked<T: ToString>(marks: &[(T, u64)]) -> String {
    let marks = marks
        .iter()
        .map(|(mark, n)| format!("{} {n}", mark.to_string()));
    marks.collect::<Vec<_>>().join(", ")
}
