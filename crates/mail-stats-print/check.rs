//! `--check`: the figures, as reported to a monitoring system.

use std::collections::{BTreeMap, BTreeSet};

use cli::Outcome;
use figures::advice::Refusal;
use figures::bounds::OTHER_INSTANCES;
use figures::mail_stats::check::{Limits, Watched, judge};
use figures::mail_stats::{Count, Counts, Dimension, InstanceStats, MailStats, Settings};
use figures::verdict::{Level, Perf, Verdict};
use host::logs::Selection;
use legible::human;
use postfix::config::{Host, Instance};
use postfix::queue::Lifetimes;
use postfix::{Problem, Span, Window, count};

use crate::args::Args;
use crate::{Run, counted};

/// How a finding ends that is about lines that cannot be read.
const UNREAD: &str = "delivery lines cannot be read";

/// Instances that are shown even if the logs know nothing of them: those that are named; where none is, those that are
/// to run on this host.
pub(crate) fn expected(args: &Args, selection: &Selection<'_>) -> Vec<String> {
    if !selection.takes_all() {
        return selection.asked_for();
    }
    // This host's instances have no place in another host's logs.
    let configured = selection.instances.iter();
    let here = configured.filter(|i| !args.names_its_logs() && i.is_enabled());
    here.map(|i| i.syslog_name().to_owned()).collect()
}

/// Instances that must have deliveries.
pub(crate) fn must_not_idle(args: &Args, selection: &Selection<'_>) -> Vec<String> {
    let mut names = expected(args, selection);
    let default = selection.instances.iter().find(|i| i.is_default());
    if let Some(default) = default.filter(|_| selection.takes_all() && names.len() > 1) {
        names.retain(|name| name != default.syslog_name());
    }
    names
}

/// What was asked for and is not known: the problems of instances that cannot be read, where all are meant.
fn unknown(args: &Args, host: &Host) -> Vec<String> {
    if args.names_its_logs() || !args.instances.instances.is_empty() {
        return Vec::new();
    }
    let unreadable = host.unreadable().iter();
    unreadable
        .map(|path| format!("{} cannot be read", path.display()))
        .collect()
}

/// Answers for each instance by its limits; the worst one decides.
pub(crate) fn check(run: &Run<'_>) -> anyhow::Result<Outcome> {
    let rules = host::tables::rules(run.cx.site())?;
    let mut limits = run.args.check.limits(rules)?;
    if run.args.check.warn_idle {
        limits.idle = must_not_idle(run.args, run.selection);
    }
    let expected = expected(run.args, run.selection);
    let settings = || run.settings(vec![Dimension::Reason], true, expected.clone());
    let mut stats = counted(run, settings())?;
    limits.came = came(run, &stats, &limits, settings);
    let mut unknown = unknown(run.args, &run.host.value);
    unknown.extend(is_elsewhere(run, &stats));
    unknown.extend(unlogged(run, &stats));
    unknown.extend(misnamed(run, &stats));
    let (others, nobodys) = leave_judged(run, &mut stats);
    let mut verdict = verdict(&stats, &limits, unknown);
    if others > 0 {
        let what = "deliveries of names of no configured instance, not judged";
        verdict.text.push_str(&format!("; {others} more {what}"));
    }
    if nobodys > 0 {
        let what = "delivery lines of no configured instance's name cannot be read, not judged";
        verdict.text.push_str(&format!("; {nobodys} {what}"));
    }
    let table = host::tables::advice(run.cx.site())?;
    let advice = figures::advice::lines(&refusals(run, &stats, |_| true), &table);
    run.cx.verdict_with(&verdict, &advice)
}

/// Mail that is logged by the name of an instance of this host that should log by another: what its main.cf said is
/// lost, perhaps, as where that was emptied. It is not judged.
fn misnamed(run: &Run<'_>, stats: &MailStats) -> Vec<String> {
    let all = run.host.value.instances();
    let is_known = |name: &[u8]| all.iter().any(|i| i.syslog_name().as_bytes() == name);
    let logged = stats.strays.iter().map(|name| name.as_slice());
    let other = logged.filter(|name| !run.args.names_its_logs() && !is_known(name));
    let of_one = other.filter_map(|name| all.iter().find(|i| i.name().as_bytes() == name));
    let what = |instance: &Instance| {
        format!(
            "mail is logged by the name {}, but by {}/main.cf its instance logs as {}: is that file damaged?",
            instance.name(),
            instance.config_directory().display(),
            instance.syslog_name()
        )
    };
    of_one.map(what).collect()
}

/// For how long each instance keeps mail that cannot be delivered.
pub(crate) fn lives(run: &Run<'_>) -> BTreeMap<String, Span> {
    let lives = run.selection.instances.iter().map(|i| {
        let lives = Lifetimes::of(i.parameters()).message;
        (i.syslog_name().to_owned(), lives)
    });
    lives.collect()
}

/// How many deliveries the instances had at which too much has expired, when that came: as long before the window as
/// they keep mail. What is not known is not among them, and less than there was makes the share greater.
fn came(
    run: &Run<'_>,
    stats: &MailStats,
    limits: &Limits,
    settings: impl Fn() -> Settings,
) -> BTreeMap<Vec<u8>, u64> {
    let Some(since) = run.window.since.filter(|_| !run.args.names_its_logs()) else {
        return BTreeMap::new();
    };
    let until = run.window.until.unwrap_or_else(|| run.cx.now());
    let expired = judge(stats, limits).into_iter();
    let is_expired = expired.filter(|found| found.watched == Some(Watched::Expired));
    if is_expired.count() == 0 {
        return BTreeMap::new();
    }
    let lives = lives(run);
    let of_one = |name: &[u8]| lives.get(&*String::from_utf8_lossy(name)).copied();
    let with_some = stats.instances.iter().filter(|i| i.figures.expired > 0);
    let spans: BTreeSet<Span> = with_some.filter_map(|i| of_one(&i.instance)).collect();
    let mut came = BTreeMap::new();
    for span in spans {
        let window = Window {
            since: Some(since.minus(span)),
            until: Some(until.minus(span)),
        };
        // An instance that is not in the logs of then had nothing that is known.
        let Ok(then) = counted(&Run { window, ..*run }, settings()) else {
            continue;
        };
        let those = then.instances.into_iter();
        for one in those.filter(|one| of_one(&one.instance) == Some(span)) {
            let again = one.figures.again().unwrap_or_default().deferred;
            came.insert(
                one.instance,
                one.figures.tried().total().saturating_sub(again),
            );
        }
    }
    came
}

/// What was refused, by instances of this host: of no other is a command made, nor of one of two that log under one
/// name. `is_wanted`: is a command wanted for who logs under this name?
pub(crate) fn refusals(
    run: &Run<'_>,
    stats: &MailStats,
    is_wanted: impl Fn(&str) -> bool,
) -> BTreeMap<Refusal, u64> {
    let instances = &run.selection.instances;
    figures::advice::refusals(stats, |name| {
        let mut of_name = instances.iter().filter(|i| i.syslog_name() == name);
        let only = of_name.next().filter(|_| of_name.next().is_none())?;
        is_wanted(name).then(|| only.name().to_owned())
    })
}

/// Leaves the instances that are judged. What comes back is not: the deliveries of others, since anyone may have
/// written what no configured instance has, and the lines that bear no program's name beside those that do. Of a log
/// that was named, all are judged unless it is this host's: one of its instances is in it.
fn leave_judged(run: &Run<'_>, stats: &mut MailStats) -> (u64, u64) {
    let selection = run.selection;
    let is_busy = |i: &InstanceStats| i.figures.counts.total() > 0;
    let is_ours = |i: &InstanceStats| selection.is_configured(&i.instance);
    let is_own = stats.instances.iter().any(|i| is_busy(i) && is_ours(i));
    let mut nobodys = 0;
    let out = if !selection.takes_all() {
        Counts::default()
    } else if selection.names.is_empty() || run.args.names_its_logs() && !is_own {
        stats.leave(|name| name != OTHER_INSTANCES.as_bytes())
    } else {
        let unparsed = stats.total.unparsed;
        let out = stats.leave(|name| selection.is_configured(without_host(name)));
        nobodys = unparsed.saturating_sub(stats.total.unparsed);
        if stats.total.counts.total() > 0 {
            nobodys = nobodys.saturating_add(std::mem::take(&mut stats.gaps.nobodys));
        }
        out
    };
    (out.total(), nobodys)
}

/// The instance's name, of one whose lines bear another host's name, too: this host's own do so after it was renamed,
/// or before it had its name.
fn without_host(name: &[u8]) -> &[u8] {
    let at = name.iter().rposition(|&b| b == b'@');
    at.map_or(name, |at| &name[..at])
}

/// Nothing of this host's instances, and lines of their names under another host's: whose are they?
fn is_elsewhere(run: &Run<'_>, stats: &MailStats) -> Option<String> {
    let selection = run.selection;
    let busy = stats.instances.iter();
    let busy = busy.filter(|i| i.figures.counts.total() > 0);
    let mut names = busy.map(|i| String::from_utf8_lossy(&i.instance));
    if run.args.names_its_logs()
        || names
            .clone()
            .any(|name| selection.is_configured(name.as_bytes()))
    {
        return None;
    }
    let other = names.find_map(|name| {
        let (instance, host) = name.rsplit_once('@')?;
        selection
            .is_configured(instance.as_bytes())
            .then(|| host.to_owned())
    })?;
    let other = postfix::escape(other.as_bytes()).to_string();
    let own = run.cx.site().host();
    Some(format!(
        "the log's deliveries are of host {other}, none is of {own}: if {own} was renamed, restart its syslog daemon"
    ))
}

/// Instances that log to their standard output, and of which the logs that were read have no line: nothing was seen of
/// what they did.
fn unlogged(run: &Run<'_>, stats: &MailStats) -> Vec<String> {
    let expected = expected(run.args, run.selection);
    let is_seen = |name: &str| {
        let mut seen = stats
            .instances
            .iter()
            .filter(|i| i.instance == name.as_bytes());
        seen.any(|i| i.figures.counts.total() > 0)
    };
    let instances = run.selection.instances.iter().filter(|i| {
        let name = i.syslog_name();
        !run.args.names_its_logs() && expected.iter().any(|one| one == name) && !is_seen(name)
    });
    let what = |i: &&Instance| {
        let file = i.maillog_file().filter(|file| file.starts_with("/dev"))?;
        let (name, file) = (i.syslog_name(), file.display());
        Some(format!(
            "{name}: its log goes to {file}, and is not known here"
        ))
    };
    instances.filter_map(what).collect()
}

/// The answer. `unknown` says what could not be looked at.
fn verdict(stats: &MailStats, limits: &Limits, unknown: Vec<String>) -> Verdict {
    let unread = stats.problems.iter().map(Problem::to_string);
    // What was before a log begins was not seen: a new host, a journal that was vacuumed.
    let gaps = stats.gaps.empty.iter().chain(&stats.gaps.late);
    let unread = unknown.into_iter().chain(unread);
    let unread = unread.chain(gaps.map(Problem::to_string));
    let findings = judge(stats, limits).into_iter();
    let findings = findings.map(|finding| (finding.level, finding.text));
    let unread = unread.map(|text| (Level::Unknown, text));
    let perf = stats.instances.iter().flat_map(|i| measured(i, limits));
    let found: Vec<(Level, String)> = unread.chain(findings).collect();
    let is_said = found.iter().any(|(_, text)| text.ends_with(UNREAD));
    let mut verdict = Verdict::of(found, || summary(stats, limits), perf.collect());
    match stats.unread() {
        _ if is_said => {}
        0 => {}
        n => verdict
            .text
            .push_str(&format!("; {} cannot be read", count(n, "delivery line"))),
    }
    if let Some(line) = stats.gaps.doubtful.first() {
        verdict.text.push_str(&format!("; in doubt: {line}"));
    }
    verdict
}

fn summary(stats: &MailStats, limits: &Limits) -> String {
    let counts = stats.total.counts;
    let total = counts.total();
    let what = match (stats.count, total) {
        (Count::Attempts, 1) => "delivery",
        (Count::Attempts, _) => "deliveries",
        (Count::Recipients, 1) => "recipient",
        (Count::Recipients, _) => "recipients",
    };
    let of = match stats.instances.as_slice() {
        [one] => String::from_utf8_lossy(&one.instance).into_owned(),
        all => count(all.len(), "instance"),
    };
    if total == 0 {
        return format!("no {what} of {of}");
    }
    let share = |part| human::percent(part, total);
    let blocked = stats.instances.iter().map(|i| Watched::Blocked.of(i));
    let blocked = blocked.fold(0, u64::saturating_add);
    let mut text = format!(
        "{total} {what} of {of}: {} bounced, {} deferred, {blocked} blocked",
        share(counts.bounced),
        share(counts.deferred)
    );
    text.push_str(&judged_without(stats, limits));
    let came = limits
        .came
        .values()
        .fold(0, |sum: u64, n| sum.saturating_add(*n));
    let expired = stats.instances.iter();
    let expired = expired.filter(|i| limits.came.contains_key(&i.instance));
    let expired = expired.fold(0, |sum: u64, i| sum.saturating_add(i.figures.expired));
    if expired > 0 {
        text.push_str(&format!(
            "; {expired} expired, beside {came} that came when they did"
        ));
    }
    let instances = stats.instances.iter();
    let few = instances.filter(|i| i.figures.counts.total() < limits.min_volume);
    match few.count() {
        0 => {}
        n => text.push_str(&format!(
            "; {n} not judged, with fewer than {}",
            limits.min_volume
        )),
    }
    text
}

/// What share was judged as deferred, if repeated attempts were left out, as a breach says it.
fn judged_without(stats: &MailStats, limits: &Limits) -> String {
    let of = stats.instances.iter().map(|i| &i.figures);
    let again = of.clone().filter_map(|of| Some(of.again()?.deferred));
    let again = again.fold(0, u64::saturating_add);
    if again == 0 || limits.given.contains(&Watched::Deferred) {
        return String::new();
    }
    let tried = of.fold(Counts::default(), |mut all, of| {
        all += of.tried();
        all
    });
    format!(
        "; judged without {}: {} deferred",
        count(again, "repeated attempt"),
        human::percent(
            tried.deferred.saturating_sub(again),
            tried.total().saturating_sub(again)
        )
    )
}

/// How many of an instance's deliveries are what, with the limits.
fn measured(instance: &InstanceStats, limits: &Limits) -> Vec<Perf> {
    let float = |n: Option<u64>| n.map(|n| n as f64);
    let name = String::from_utf8_lossy(&instance.instance);
    let mut perf = vec![Perf::count(&*name, instance.figures.counts.total() as f64)];
    for watched in Watched::ALL {
        let (label, thresholds) = (format!("{name}_{}", watched.as_str()), limits.of(watched));
        let (warn, crit) = (thresholds.warn, thresholds.crit);
        let count = Perf::count(&label, watched.of(instance) as f64);
        perf.push(count.limits(float(warn.count), float(crit.count)));
        if warn.rate.or(crit.rate).is_some() {
            let share = watched.share(instance).unwrap_or(f64::NAN);
            // Two decimals are enough for a graph.
            let share = (share * 100.0).round() / 100.0;
            let rate = Perf::count(format!("{label}_rate"), share).unit("%");
            perf.push(rate.limits(warn.rate, crit.rate));
        }
    }
    perf
}
