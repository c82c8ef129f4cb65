//! Pauses and rates by rules: what is new in the logs, judged, and acted upon; or a past day replayed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cli::manner::Manner;
use cli::{Context, Failure, Outcome};
use globset::{Glob, GlobMatcher};
use knowledge::providers::Providers;
use knowledge::reasons::Reasons;
use limits::react::{Act, Decision, Rule, Rules, holds};
use postfix::config::Host;
use postfix::{Parsed, Problem, Span};

use crate::args::{EndArgs, Pause, PerhapsEnd, Rate, React as Args, ScopeArgs};
use crate::desk::{self, readable};
use crate::mailed::{mail, reason, what};
use crate::pause;
use crate::rate;
use crate::recent::Recent;
use crate::refused::{self, OfTime, Question};
use crate::reported::{self, Reported};

/// Where a host's rules are.
const RULES: &str = "/etc/relay-tools/react.toml";
/// More than this no rules are.
const MOST: u64 = 1 << 20;
/// Who orders it.
const BY: &str = "relay-limit react";

pub(crate) fn run(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    if !args.dry_run {
        desk::must_be_able(cx, "--dry-run shows what the rules would do")?;
    }
    let Some(rules) = rules(args, cx)? else {
        if args.dry_run {
            return Err(
                Failure::new(format!("{RULES} is not there: there are no rules"))
                    .hint("see relay-limit(8), REACTING BY ITSELF; or --rules FILE")
                    .into(),
            );
        }
        return Ok(Outcome::Done);
    };
    let host = host::instances::discover(cx.site());
    let providers = host::tables::providers(cx.site())?;
    let patterns = rules
        .rules
        .iter()
        .map(|rule| pattern(rule.instance.as_deref()));
    let patterns = patterns.collect::<anyhow::Result<Vec<_>>>()?;
    let reasons = Arc::new(host::tables::reasons(cx.site())?);
    known(&rules, &providers, &reasons)?;
    let question = Question {
        rules: &rules,
        patterns: &patterns,
        providers: &providers,
        reasons,
    };
    let named = named(&host.value, &providers);
    match args.dry_run {
        true => replay(args, cx, &host, &question, &named),
        false => act(args, cx, &host, &question, &named),
    }
}

/// The rules; `None` where the host has none.
fn rules(args: &Args, cx: &Context) -> anyhow::Result<Option<Rules>> {
    let path = match &args.rules {
        Some(path) => path.clone(),
        None => cx.root().under(Path::new(RULES)),
    };
    let read = match &args.rules {
        Some(path) => guarded::read_typed_text(path, MOST),
        None => guarded::read_text(&path, MOST),
    };
    let wrong = |problem: Problem| {
        Failure::new(problem.to_string()).hint("nothing is done until it is fixed")
    };
    let rules = match read {
        Ok(text) => Rules::parse(&text, &path).map_err(wrong)?,
        Err(e) if args.rules.is_none() && guarded::is_absent(&e) => {
            return Ok(None);
        }
        Err(e) => return Err(Failure::io("cannot read the rules", &path, e).into()),
    };
    for address in &rules.mail_to {
        cli::mail::address(address)
            .map_err(|why| wrong(Problem::new(&path, format!("mail: {why}"))))?;
    }
    Ok(Some(rules))
}

/// A rule for a provider, or a code, that nobody knows would never do anything.
fn known(rules: &Rules, providers: &Providers, reasons: &Reasons) -> anyhow::Result<()> {
    let mut codes = rules.rules.iter().flat_map(|rule| &rule.codes);
    if let Some(code) = codes.find(|code| !reasons.knows_code(code)) {
        let what = format!("the rules name a code that no reply yields, \"{code}\"");
        let failure = Failure::new(what);
        return Err(failure
            .hint(
                "mail-stats-print --by reason --format json shows the codes of a host; case counts",
            )
            .into());
    }
    let mut asked = rules
        .rules
        .iter()
        .filter_map(|rule| rule.provider.as_deref());
    match asked.find(|name| providers.by_name(name).is_none()) {
        None => Ok(()),
        Some(name) => Err(
            Failure::new(format!("the rules name an unknown provider, \"{name}\""))
                .hint("see /etc/relay-tools/providers.toml")
                .into(),
        ),
    }
}

fn pattern(text: Option<&str>) -> anyhow::Result<Option<GlobMatcher>> {
    let Some(text) = text else { return Ok(None) };
    let glob = Glob::new(text).map_err(|e| Failure::new(format!("instance = \"{text}\": {e}")))?;
    Ok(Some(glob.compile_matcher()))
}

/// The instances that are named for each provider.
fn named(host: &Host, providers: &Providers) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for instance in host.instances() {
        if let Some(id) = providers.of_instance(instance.name()) {
            let name = providers.get(id).name.clone();
            all.entry(name)
                .or_default()
                .push(instance.name().to_owned());
        }
    }
    all
}

/// What the rules would have done in a time, if there had been nothing else.
fn replay(
    args: &Args,
    cx: &Context,
    host: &Parsed<Host>,
    question: &Question<'_>,
    named: &BTreeMap<String, Vec<String>>,
) -> anyhow::Result<Outcome> {
    let window = args.window.window(cx.now(), cx.zone());
    let window = window.map_err(|e| Failure::new(e.to_string()))?;
    let until = window.until.unwrap_or(cx.now());
    let since = window.since.unwrap_or(until.minus(Span::from_days(1)));
    let OfTime {
        events,
        problems,
        begins_late,
    } = refused::of_time(cx, host, question, (since, until))?;
    let decisions = question.rules.decide(&events, named, &mut Vec::new(), None);
    let mut lines = vec![format!(
        "{} to {}: {} that a rule counts",
        readable(cx, since),
        readable(cx, until),
        postfix::count(events.len(), "refusal")
    )];
    lines.extend(decisions.iter().map(|one| {
        let (at, what) = (readable(cx, one.at), what(question.rules, one));
        match &one.refused {
            None => format!("{at}: would {what}"),
            Some(why) => format!("{at}: would NOT {what}: {why}"),
        }
    }));
    let asked_of: BTreeSet<&String> = decisions.iter().map(|one| &one.instance).collect();
    let open = asked_of
        .into_iter()
        .filter_map(|name| open_to_others(cx, &host.value, name));
    lines.extend(open.collect::<BTreeSet<_>>());
    let is_whole = problems.is_empty() && begins_late.is_none();
    if decisions.is_empty() {
        lines.push(match is_whole {
            true => "nothing would have been done".to_owned(),
            false => "nothing would have been done, by what could be read".to_owned(),
        });
    }
    lines.extend(
        begins_late.map(|late| format!("note: {late}; of what was before, not all is known")),
    );
    cx.print_lines(&lines)?;
    cx.problems(&problems);
    Ok(match is_whole {
        true => Outcome::Done,
        false => Outcome::Partial,
    })
}

/// That the refusals of this instance may be anybody's lines, if so.
fn open_to_others(cx: &Context, host: &Host, name: &str) -> Option<String> {
    let instance = host.instances().iter().find(|one| one.name() == name)?;
    let why = host::logs::open_to_others(cx.site(), host, instance)?;
    Some(format!(
        "note: {why}; see relay-limit(8), REACTING BY ITSELF"
    ))
}

/// Does what the rules ask for now.
fn act(
    args: &Args,
    cx: &Context,
    host: &Parsed<Host>,
    question: &Question<'_>,
    named: &BTreeMap<String, Vec<String>>,
) -> anyhow::Result<Outcome> {
    // One at a time: a run that waits for Postfix may take longer than a minute.
    let Some(_lock) = lock(cx)? else {
        return Ok(Outcome::Done);
    };
    let rules = question.rules;
    let now = cx.now();
    // Under the lock: what the run before this one ordered is in it.
    let read = desk::look(cx)?;
    let (mut recent, unusable) = Recent::read(cx, rules, now);
    let mut problems = Vec::from_iter(unusable);
    let since = now.minus(rules.longest());
    let (new, unread) = refused::new(cx, host, question, &mut recent, since)?;
    problems.extend(unread);
    problems.extend(read.problems);
    cx.problems(&problems);
    let mut events = [std::mem::take(&mut recent.events), new].concat();
    events.sort_by_key(|event| event.at);
    // What was logged since this run began is for the next one.
    let of_now = events.partition_point(|event| event.at < now);
    let mut held = holds(&read.value, question.providers, now);
    let events_now = events.get(..of_now).unwrap_or_default();
    let decisions = rules.decide(events_now, named, &mut held, Some(now));
    recent.events = rules.recent(&events, now);
    let mut outcome = match problems.is_empty() {
        true => Outcome::Done,
        false => Outcome::Partial,
    };
    // First: what was acted upon is in the journal, what was not is asked for again by what is kept here.
    if let Err(why) = recent.write(cx, now) {
        outcome = Outcome::Partial;
        cx.warn(format!("{why:#}"));
    }
    let obeyed = obey_all(args, cx, host, rules, &decisions)?;
    Ok(match obeyed {
        Outcome::Done => outcome,
        other => other,
    })
}

/// Does what the decisions ask for, and mails what was done.
fn obey_all(
    args: &Args,
    cx: &Context,
    host: &Parsed<Host>,
    rules: &Rules,
    decisions: &[Decision],
) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::Done;
    let before = reported::read(cx, cx.now());
    let mut reported = before.clone();
    let mut lines = Vec::new();
    for one in decisions {
        let Some(rule) = rules.rules.get(one.rule) else {
            continue;
        };
        let (ended, done) = obey(args, cx, host, (rules, rule), one, &mut reported);
        outcome = match ended {
            Outcome::Done => outcome,
            other => other,
        };
        let Some(done) = done else { continue };
        if !mail(cx, &host.value, rules, one, &done) {
            outcome = Outcome::Partial;
        }
        lines.extend(done);
    }
    if reported != before
        && let Err(why) = reported::write(cx, &reported)
    {
        outcome = Outcome::Partial;
        cx.warn(format!("{why:#}"));
    }
    cx.print_lines(&lines)?;
    Ok(outcome)
}

/// Does what a decision asks for. The lines say what was done, or why it was not; none, if that is `reported` already.
fn obey(
    args: &Args,
    cx: &Context,
    host: &Parsed<Host>,
    (rules, rule): (&Rules, &Rule),
    one: &Decision,
    reported: &mut Reported,
) -> (Outcome, Option<Vec<String>>) {
    let what = what(rules, one);
    let done = match &one.refused {
        Some(why) => Err(anyhow::anyhow!("{why}")),
        None => ordered(args, cx, (rule.act, rule.lasts), one, &reason(rules, one)),
    };
    match done {
        Ok((done, ended)) => {
            reported.remove(&what);
            let open = open_to_others(cx, &host.value, &one.instance);
            let lines = [vec![format!("{what}:")], done, Vec::from_iter(open)].concat();
            (ended, Some(lines))
        }
        Err(why) => {
            // Once, and again when the reason is another: it is asked for as long as there are refusals.
            let line = format!("would {what}, and did not: {why:#}");
            let again = cx.now().plus(rule.lasts.max(rule.within));
            if !reported::is_news(reported, what, format!("{why:#}"), again) {
                return (Outcome::Partial, None);
            }
            desk::syslog(cx).say(cx.now(), &format!("{BY}: {line}"));
            cx.warn(&line);
            (Outcome::Partial, Some(vec![line]))
        }
    }
}

/// `None`: another is at work.
fn lock(cx: &Context) -> anyhow::Result<Option<guarded::Lock>> {
    let path: PathBuf = desk::directory(cx).join("react.lock");
    let place = guarded::Place::make(cx.root().dir(), &path, guarded::Links::Never);
    let place = place.map_err(|e| Failure::io("cannot lock", &path, e))?;
    match place.lock(std::time::Duration::ZERO) {
        Ok(lock) => Ok(Some(lock)),
        Err(guarded::LockError::Held { .. }) => Ok(None),
        Err(e) => Err(Failure::new(e.to_string()).into()),
    }
}

fn ordered(
    args: &Args,
    cx: &Context,
    (act, lasts): (Act, Span),
    one: &Decision,
    reason: &str,
) -> anyhow::Result<(Vec<String>, Outcome)> {
    let manner = Manner {
        dry_run: false,
        yes: true,
    };
    match act {
        Act::Pause => {
            let order = Pause {
                instance: one.instance.clone(),
                scope: ScopeArgs {
                    provider: vec![one.provider.clone()],
                    domain: Vec::new(),
                },
                end: EndArgs {
                    span: Some(lasts),
                    until: None,
                },
                reason: Some(reason.to_owned()),
                last: false,
                reload: false,
                flush: false,
                manner,
                resolver: args.resolver.clone(),
            };
            pause::ordered(&order, cx, Some(BY))
        }
        Act::Rate(pace) => {
            let order = Rate {
                instance: one.instance.clone(),
                pace,
                end: PerhapsEnd {
                    span: Some(lasts),
                    until: None,
                },
                reason: Some(reason.to_owned()),
                manner,
            };
            rate::ordered(&order, cx, Some(BY))
        }
    }
}
