//! What holds, and whether all is well with it.

use std::io::{self, Write};

use cli::{Context, Outcome};
use figures::verdict::{Level, Perf, Verdict};
use host::rewrite::Rewrite;
use knowledge::advice::AdviceTable;
use legible::human::age;
use legible::wire::{time, write_json};
use limits::health::{LimitHealth, troubles};
use limits::{Hold, Journal, Pause, Rate, Standing};
use postfix::config::{Host, Instance};
use postfix::{Parsed, Problem, Span, Time};
use serde::Serialize;

use crate::args::{List as Args, ListFormat};
use crate::desk::{self, Clock, readable};
use crate::mapped::{self, MappedInstance};
use crate::metrics;
use crate::parameters;
use crate::probe::{self, Sent};
use crate::recipients;
use crate::stale;
use crate::unapplied;
use crate::upkeep;
use crate::waiting::{self, Force, PauseProbe};
use crate::zone;

pub(crate) fn run(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    let host = host::instances::discover(cx.site());
    let read = desk::look_with(cx, &host)?;
    let journal = &read.value;
    let now = Clock::new(cx).now();
    let open: Vec<&Standing> = journal.limits.iter().filter(|one| one.is_open()).collect();
    let seen: Vec<LimitHealth> = open
        .iter()
        .map(|one| seen(cx, &host, journal, one, now))
        .collect();
    let shown: Vec<(&Standing, Option<&LimitHealth>)> =
        open.iter().copied().zip(seen.iter().map(Some)).collect();
    let advice = host::tables::advice(cx.site())?;
    let stray = stale::troubles(cx, &host.value, journal, now);
    if args.check {
        return check(cx, &shown, (&read.problems, &advice), (stray, now));
    }
    match args.format {
        ListFormat::Text => {
            let each = shown.iter().flat_map(|&one| text(cx, one, &advice, now));
            let mut all: Vec<String> = each.collect();
            if all.is_empty() {
                let known = read.problems.first().map_or("", |_| "known to be ");
                all.push(format!("nothing is {known}in force"));
            }
            all.extend(stale::by_hand(cx, &host.value));
            all.extend(stale::lines_of(&stray));
            cx.print_lines(&all)?;
        }
        ListFormat::Prom => {
            let is_wrong = |one, seen| !troubles(one, seen, now).is_empty();
            let is_troubled = |seen: Option<_>, one| seen.is_some_and(|seen| is_wrong(one, seen));
            let troubled = shown
                .iter()
                .map(|&(one, seen)| (one, is_troubled(seen, one)));
            let troubled: Vec<_> = troubled.collect();
            let unread = read.problems.len();
            cx.print_metrics_with(|out| metrics::write(out, &troubled, unread))?;
        }
        ListFormat::Json => cx.print_with(|out| {
            let wrong = (read.problems.as_slice(), stray.as_slice());
            document(out, cx, "relay-tools/relay-limit/1", &shown, wrong)
        })?,
    }
    cx.problems(&read.problems);
    Ok(Outcome::Done)
}

/// A limit, with what is wrong with it and what to do.
fn text(
    cx: &Context,
    (one, seen): (&Standing, Option<&LimitHealth>),
    advice: &AdviceTable,
    now: Time,
) -> Vec<String> {
    let mut all = lines(cx, one);
    all.extend(advised(advice, one));
    let wrong = seen.iter().flat_map(|seen| troubles(one, seen, now));
    all.extend(wrong.map(|(level, why)| format!("  {}: {why}", level.as_str())));
    let id = legible::shell::quoted(&one.limit.id);
    all.push(format!("  to end it: relay-limit lift {id}"));
    all
}

/// What its reason means, and what to do then.
fn advised(table: &AdviceTable, one: &Standing) -> Option<String> {
    let (code, advice) = table.in_words(one.limit.reason.as_deref()?)?;
    Some(format!("  {}; {}", advice.line(code, None), advice.page))
}

/// A limit for people.
pub(crate) fn lines(cx: &Context, one: &Standing) -> Vec<String> {
    let limit = &one.limit;
    let until = match limit.until {
        Some(until) => {
            let left = until.since(cx.now());
            let left = if left > Span::ZERO && one.ended.is_none() {
                format!(" ({} left)", age(left))
            } else {
                String::new()
            };
            format!("until {}{left}", readable(cx, until))
        }
        None => "without an end".to_owned(),
    };
    let reason = limit.reason.as_ref();
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let mut lines = vec![format!(
        "{}: {}, {}, {until}{reason}",
        limit.id,
        limit.instance,
        limit.what()
    )];
    let in_force = one.in_force.map_or_else(
        || "not seen to be in force".to_owned(),
        |at| format!("in force since {}", readable(cx, at)),
    );
    lines.push(format!(
        "  ordered {} by {}; {in_force}",
        readable(cx, limit.begun),
        limit.by
    ));
    if let Some((at, how, by)) = &one.ended {
        lines.push(format!("  {} {} by {by}", how.as_str(), readable(cx, *at)));
    }
    if let Some(removal) = &one.removal {
        let of_zone = removal.lines.iter();
        lines.extend(of_zone.map(|line| format!("  zone: to remove, by hand: {line}")));
        lines.push(format!("  zone: {}", zone::held(cx, removal)));
    }
    lines.extend(one.notes.iter().map(|note| format!("  {note}")));
    lines
}

/// Does a rate hold that is to hold? `in_force`: Postfix was seen to go by it.
fn rate_seen(cx: &Context, instance: &Instance, rate: &Rate, in_force: bool) -> LimitHealth {
    if !in_force {
        let unseen = || "Postfix was not seen to go by it: relay-limit tick".to_owned();
        return LimitHealth::Unknown(unapplied::change(cx, instance).unwrap_or_else(unseen));
    }
    match parameters::changed(cx, instance, rate) {
        changed if changed.is_empty() => LimitHealth::Holds,
        changed => LimitHealth::Broken(format!(
            "somebody has changed its configuration: {}",
            changed.join(", ")
        )),
    }
}

/// Does a limit hold that is to hold?
fn seen(
    cx: &Context,
    host: &Parsed<Host>,
    journal: &Journal,
    one: &Standing,
    now: Time,
) -> LimitHealth {
    let instance = mapped::of_directory(&host.value, &one.limit.config_directory);
    if !one.holds(now) {
        let needs_reload = |instance: &&Instance| match &one.limit.hold {
            Hold::Rate(_) => true,
            Hold::Pause(_) => {
                MappedInstance::of(cx, instance).is_some_and(|mapped| mapped.map.index().is_none())
            }
        };
        let why = instance.filter(needs_reload);
        let why = why.and_then(|instance| unapplied::change(cx, instance));
        return why.map_or(LimitHealth::Holds, LimitHealth::Broken);
    }
    let Some(instance) = instance else {
        return LimitHealth::Unknown(format!(
            "{}: no such instance, or it cannot be read",
            one.limit.config_directory.display()
        ));
    };
    if let Some(rate) = one.limit.rate() {
        return rate_seen(cx, instance, rate, one.in_force.is_some());
    }
    let Some(mapped) = MappedInstance::of(cx, instance) else {
        let name = instance.name();
        return LimitHealth::Broken(format!(
            "transport_maps of {name} does not name the map: relay-limit setup {name}"
        ));
    };
    match upkeep::agrees(cx, &mapped, journal, now) {
        Ok(wrong) if wrong.is_empty() => match one.limit.pause() {
            Some(pause) => asked(cx, &mapped, pause, one.in_force.is_some()),
            None => LimitHealth::Holds,
        },
        Ok(wrong) => LimitHealth::Broken(wrong.join("; ")),
        Err(why) => LimitHealth::Unknown(format!("{why:#}")),
    }
}

/// What trivial-rewrite says, and what smtpd does: that it refused the mail once is no proof that it does now. Nor is
/// it proof, of a pause that was never seen in force, that a new process says so, where older ones are left.
fn asked(cx: &Context, mapped: &MappedInstance<'_>, pause: &Pause, was_seen: bool) -> LimitHealth {
    let instance = mapped.instance;
    if !cx.root().is_this_host() {
        return LimitHealth::Unknown("--root: Postfix was not asked".to_owned());
    }
    match host::machine::master(cx.root(), instance) {
        Ok(Some(_)) => {}
        Ok(None) => return LimitHealth::NotRunning,
        Err(e) => {
            return LimitHealth::Unknown(format!(
                "cannot find out whether {} is running: {e}",
                instance.name()
            ));
        }
    }
    let mut client = Rewrite::new(instance);
    // Another pause of the same mail that lasts longer has its own text.
    let (keys, text) = (pause.scope.keys(), limits::map::MARK);
    let reach = recipients::reach(cx, mapped, &pause.scope);
    let asked = PauseProbe {
        keys: &keys,
        recipients: &reach.refused,
        text,
    };
    match probe::resolve(&mut client, &probe::addresses(&keys, 0), text) {
        Sent::Kept => match waiting::by_smtpd(cx, instance, asked, 0) {
            Force::Holds(_) if !was_seen && let Some(why) = older(cx, mapped) => {
                LimitHealth::Unknown(why)
            }
            Force::Holds(_) if reach.gaps.is_empty() => LimitHealth::Holds,
            Force::Holds(_) => LimitHealth::Partly(reach.gaps.join("; ")),
            Force::NotRunning => LimitHealth::NotRunning,
            Force::Taken(why) => LimitHealth::Broken(why),
            Force::Unknown(why) => LimitHealth::Unknown(why),
        },
        Sent::Elsewhere(address, to) => {
            LimitHealth::Broken(format!("mail for {address} goes to {to}"))
        }
        Sent::Unknown(why) => LimitHealth::Unknown(why),
    }
}

/// Why it is not known what all processes do, if so.
fn older(cx: &Context, mapped: &MappedInstance<'_>) -> Option<String> {
    match waiting::older_left(cx, mapped) {
        Ok(None) => None,
        Ok(Some(_)) => Some(waiting::OLDER.to_owned()),
        Err(why) => Some(why),
    }
}

fn check(
    cx: &Context,
    shown: &[(&Standing, Option<&LimitHealth>)],
    (problems, advice): (&[Problem], &AdviceTable),
    (stray, now): (Vec<(Level, String)>, Time),
) -> anyhow::Result<Outcome> {
    let mut found = stray;
    for (one, seen) in shown {
        found.extend(seen.iter().flat_map(|seen| troubles(one, seen, now)));
    }
    found.extend(
        problems
            .iter()
            .map(|problem| (Level::Unknown, problem.to_string())),
    );
    let holding = shown
        .iter()
        .filter(|(one, _)| one.holds(now))
        .map(|(one, _)| one.limit.id.as_str());
    let holding: Vec<&str> = holding.collect();
    let well = || match holding.is_empty() {
        true => "nothing is in force".to_owned(),
        false => format!("in force: {}", holding.join(", ")),
    };
    let count = match holding.len() {
        0 if !problems.is_empty() => f64::NAN,
        n => n as f64,
    };
    let perf = vec![Perf::count("limits", count)];
    let more = shown.iter().filter_map(|(one, _)| advised(advice, one));
    cx.verdict_with(&Verdict::of(found, well, perf), &more.collect::<Vec<_>>())
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    host: &'a str,
    time: Option<String>,
    limits: Vec<Row<'a>>,
    /// Was all seen that was asked for? If not, `problems` and the `troubles` say why.
    complete: bool,
    problems: Vec<String>,
    /// What else is wrong: lines of ours in maps, without a limit.
    troubles: Vec<String>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    instance: &'a str,
    kind: &'static str,
    provider: Option<&'a str>,
    /// `*` for all mail.
    domains: Vec<String>,
    /// `600/h`; absent of a pause.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<&'a str>,
    begun: Option<String>,
    until: Option<String>,
    by: &'a str,
    command: &'a str,
    reason: Option<&'a str>,
    in_force: Option<String>,
    ended: Option<String>,
    how: Option<&'static str>,
    ended_by: Option<&'a str>,
    closed: Option<String>,
    notes: &'a [String],
    /// What `out` asked to have removed from the zone; absent where it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<Zone<'a>>,
    /// What is wrong now; absent in the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    troubles: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Zone<'a> {
    lines: &'a [String],
    ttl: u32,
    held_until: Option<String>,
}

/// Limits as one JSON object.
pub(crate) fn document(
    out: &mut impl Write,
    cx: &Context,
    schema: &'static str,
    shown: &[(&Standing, Option<&LimitHealth>)],
    (problems, stray): (&[Problem], &[(Level, String)]),
) -> io::Result<()> {
    let now = cx.now();
    let is_unknown = |seen: &Option<&LimitHealth>| matches!(seen, Some(LimitHealth::Unknown(_)));
    let is_known = !shown.iter().any(|(_, seen)| is_unknown(seen))
        && stray.iter().all(|(level, _)| *level != Level::Unknown);
    let document = Document {
        schema,
        host: cx.host(),
        time: time(now),
        limits: shown
            .iter()
            .map(|&(one, seen)| row(one, seen, now))
            .collect(),
        complete: is_known && problems.is_empty(),
        problems: problems.iter().map(ToString::to_string).collect(),
        troubles: stale::lines_of(stray).collect(),
    };
    write_json(out, &document)?;
    writeln!(out)
}

fn row<'a>(one: &'a Standing, seen: Option<&LimitHealth>, now: Time) -> Row<'a> {
    let limit = &one.limit;
    let pause = limit.pause();
    let found = seen.map(|seen| troubles(one, seen, now));
    Row {
        id: &limit.id,
        instance: &limit.instance,
        kind: match limit.hold {
            Hold::Pause(_) => "pause",
            Hold::Rate(_) => "rate",
        },
        provider: pause.and_then(|pause| pause.provider.as_deref()),
        domains: pause.map(|one| one.scope.keys()).unwrap_or_default(),
        rate: limit.rate().map(|rate| rate.text.as_str()),
        begun: time(limit.begun),
        until: limit.until.and_then(time),
        by: &limit.by,
        command: &limit.command,
        reason: limit.reason.as_deref(),
        in_force: one.in_force.and_then(time),
        ended: one.ended.as_ref().and_then(|(at, ..)| time(*at)),
        how: one.ended.as_ref().map(|(_, how, _)| how.as_str()),
        ended_by: one.ended.as_ref().map(|(.., by)| by.as_str()),
        closed: one.closed.and_then(time),
        notes: &one.notes,
        zone: one.removal.as_ref().map(|removal| Zone {
            lines: &removal.lines,
            ttl: removal.ttl,
            held_until: time(removal.held_until()),
        }),
        troubles: found.map(|found| found.into_iter().map(|(_, text)| text).collect()),
    }
}
