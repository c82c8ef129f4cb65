//! Whether an instance has sent anything of late, by what was seen to be sent: an address that was idle for a month is
//! to a provider as good as a new one, and is warmed up again.

use std::path::Path;
use std::sync::Arc;

use cli::Context;
use figures::history::{History, HistoryDay};
use host::history;
use host::logs::Selection;
use host::tables::Tables;
use knowledge::providers::Providers;
use legible::shell::quoted;
use postfix::config::{Host, Instance};
use postfix::{Day, Parsed};
use warmup::plan;

use crate::siblings;

/// After so many days without mail.
const DAYS: u64 = 30;
/// So many days before are read, too: what was sent just before the month is shown beside it, and a log that was silent
/// since is known by what came before.
const BEFORE: u64 = 2;
/// A volume for an address of whose provider nothing is known, to be replaced.
const SOME: u64 = 1000;

/// What is known of the last [`DAYS`] days.
#[derive(Debug, PartialEq, Eq)]
enum Last {
    /// Mail was sent on this day, and on none later.
    Sent(Day),
    /// None was sent; and when it was before, if that is known.
    Idle(Option<Day>),
    /// None was seen to be sent, but not all of these days is known.
    Unknown(Vec<Day>),
}

fn idle(before: Option<Day>, today: Day) -> String {
    let before = before.map_or_else(String::new, |day| format!(" (it last sent on {day})"));
    format!(
        "it has sent nothing since {}{before}: warm it up again",
        today.minus(DAYS)
    )
}

fn unknown(days: &[Day], today: Day) -> String {
    format!(
        "nothing is known to be sent since {}, but the logs and day records lack {} of {DAYS} days (the first is {}): if \
         it was idle, warm it up again",
        today.minus(DAYS),
        days.len(),
        days.first().map_or_else(String::new, Day::to_string)
    )
}

/// What an admin who brings the instance back should know of that.
pub(crate) fn lines(
    cx: &Context,
    host: &Parsed<Host>,
    instance: &Instance,
    providers: &Providers,
) -> anyhow::Result<Vec<String>> {
    let others = siblings::instances(&host.value, instance, providers);
    let all: Vec<&Instance> = std::iter::once(instance).chain(others).collect();
    let names: Vec<String> = all.iter().map(|one| one.name().to_owned()).collect();
    let selection = Selection::new(cx.site(), host, &names, false)?;
    let tables = Tables {
        providers: Arc::new(providers.clone()),
        reasons: None,
    };
    let today = history::today(cx.site());
    let days = history::days(cx.site(), today.minus(DAYS + BEFORE), today);
    let read = history::read(cx.site(), host, &selection, None, &days, &tables)?;
    cx.problems(&read.problems);
    let (what, busiest) = match last(&read, instance.syslog_name(), today) {
        Last::Sent(day) => return Ok(vec![format!("it last sent on {day}: no warm-up is due")]),
        Last::Idle(before) => (idle(before, today), "the provider's busiest day"),
        Last::Unknown(days) => (
            unknown(&days, today),
            "the busiest day that is known of the provider",
        ),
    };
    let volume = share(&read, &all);
    let with = match volume {
        Some(_) => format!("with its share of {busiest}:"),
        None => "with the volume that it is to send in the end, such as:".to_owned(),
    };
    let mut lines = vec![what, with];
    let directory = cx.root().under(Path::new(plan::DIRECTORY));
    let has_plan = directory.join(plan::name(instance.name())).exists();
    lines.push(format!(
        "     relay-warmup plan {} --volume {}/day{}",
        quoted(instance.name()),
        volume.unwrap_or(SOME),
        if has_plan { " --replace" } else { "" }
    ));
    Ok(lines)
}

fn sent(day: &HistoryDay, syslog_name: &str) -> u64 {
    day.instance(syslog_name)
        .map_or(0, |of| of.figures.counts.sent)
}

/// Today, which is not over, counts only if mail was sent.
fn last(history: &History, syslog_name: &str, today: Day) -> Last {
    let first = today.minus(DAYS);
    let mut latest_first = history.days.iter().rev();
    let latest = latest_first.find(|day| sent(day, syslog_name) > 0);
    let latest = latest.map(|day| day.day.day());
    if let Some(day) = latest.filter(|day| *day >= first) {
        return Last::Sent(day);
    }
    let is_known = |day: &HistoryDay| day.instance(syslog_name).is_some_and(|of| of.complete);
    let unknown = history.days.iter().filter(|day| !is_known(day));
    let unknown = unknown.map(|day| day.day.day());
    let unknown: Vec<Day> = unknown.filter(|day| (first..today).contains(day)).collect();
    match unknown.is_empty() {
        true => Last::Idle(latest),
        false => Last::Unknown(unknown),
    }
}

/// What each of the provider's instances had to send on the day on which all of them sent most.
fn share(history: &History, all: &[&Instance]) -> Option<u64> {
    let of_day = |day| -> u64 { all.iter().map(|one| sent(day, one.syslog_name())).sum() };
    let most = history.days.iter().map(of_day).max()?;
    let count = u64::try_from(all.len()).ok()?;
    (most > 0).then(|| most.div_ceil(count))
}
