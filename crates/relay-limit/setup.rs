//! Whether instances are ready to be paused, and how they become so.

use cli::{Context, Failure, Outcome};
use legible::shell;
use legible::wrap::folded;
use limits::map::MapText;
use limits::setup::{ACCESS, Facts, Requirement, State, judge};
use limits::{MapFile, MapKind};
use postfix::config::Instance;
use postfix::escape;

use crate::args::Setup as Args;
use crate::desk::{self, Clock, Desk};
use crate::facts;
use crate::main_cf::{self, Edit};
use crate::mapped::MappedInstance;
use crate::processes;
use crate::reload;
use crate::upkeep;
use crate::waiting::{self, Force};

pub(crate) fn run(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    if args.apply {
        desk::must_be_able(cx, "without --apply, setup shows what is missing")?;
    }
    let host = host::instances::discover(cx.site());
    let chosen = host::instances::select_some(cx.site(), &host, &args.instances.instances)?;
    let names: Vec<String> = chosen.iter().map(|i| i.name().to_owned()).collect();
    let before: Vec<Facts> = chosen
        .iter()
        .map(|i| facts::of(cx, i, args.patterns))
        .collect();
    let mut after = None;
    if args.apply {
        let clock = Clock::new(cx);
        for (instance, facts) in chosen.iter().zip(&before) {
            apply(cx, &clock, instance, facts)?;
        }
        after = Some(host::instances::discover(cx.site()));
    }
    let host = after.as_ref().unwrap_or(&host);
    let mut text = String::new();
    let mut worst = State::Ok;
    for name in &names {
        let instance = host::instances::select_one(cx.site(), host, name)?;
        let steps = judge(&facts::of(cx, instance, args.patterns));
        worst = worst.max(
            steps
                .iter()
                .map(|step| step.state)
                .max()
                .unwrap_or(State::Unknown),
        );
        text.push_str(&shown(name, &steps, cx.width()));
    }
    cx.print(text.as_bytes())?;
    Ok(match worst {
        State::Ok => Outcome::Done,
        _ => Outcome::Partial,
    })
}

fn shown(name: &str, steps: &[Requirement], width: Option<u16>) -> String {
    let worst = steps.iter().map(|step| step.state).max();
    let state = match worst {
        Some(State::Ok) => "ready to be paused",
        Some(State::Unknown) => "ready to be paused, with exceptions",
        _ => "not ready",
    };
    let mut text = format!("{}: {state}\n", escape(name));
    for step in steps {
        let line = format!("  {:8} {}", step.state.as_str(), escape(&step.what));
        text.push_str(&format!("{}\n", folded(&line, width)));
        for command in &step.commands {
            let command = escape(command).to_string();
            let command = shell::folded("           ", &command, width);
            text.push_str(&format!("{command}\n"));
        }
    }
    text
}

/// Makes the map, and names it in transport_maps.
fn apply(cx: &Context, clock: &Clock, instance: &Instance, facts: &Facts) -> anyhow::Result<()> {
    let name = instance.name();
    desk::must_be_sound(instance)?;
    let found = facts.ours();
    let (kind, value) = wanted(cx, instance, facts)?;
    let Some(kind) = kind else {
        let what = format!("{name}: this Postfix has no table type that relay-limit can use");
        return Err(Failure::new(what)
            .hint("see postconf -m; apt-get install postfix-lmdb adds one")
            .into());
    };
    if found.is_none() && !facts.wants_patterns && !facts.opaque.is_empty() {
        // The steps say so, and what to do: a map of this kind would only be in the way.
        return Ok(());
    }
    // The map first: a table that main.cf names and that is not there stops all mail.
    let others = facts
        .elements
        .iter()
        .enumerate()
        .filter(|(at, _)| found.as_ref().is_none_or(|(ours, _)| ours != at));
    let others = others.map(|(_, element)| element.clone()).collect();
    let mut mapped = MappedInstance::with(cx, instance, kind.clone(), others);
    let value = value.map(|value| ("transport_maps".to_owned(), value));
    let restrictions = access(cx, &mut mapped, facts);
    let edit = Edit {
        set: value.into_iter().chain(restrictions).collect(),
        removed: Vec::new(),
    };
    if !edit.is_empty() {
        main_cf::path(cx, &facts.config_directory)?;
    }
    let desk = Desk::open(cx, clock)?;
    upkeep::keep(cx, &mapped, &desk.journal, clock.now())?;
    if edit.is_empty() {
        return Ok(());
    }
    main_cf::change(cx, instance, &edit)?;
    let before = processes::of_program(cx, instance, "qmgr");
    reload::now(cx, instance)?;
    drop(desk);
    // By its start others see that this change is in force.
    if !before.is_empty()
        && let Force::Unknown(why) = waiting::until_restarted(cx, instance, "qmgr", &before)
    {
        cx.warn(format!("{}: {why}", instance.name()));
    }
    Ok(())
}

/// The kind of map that it is to be, if there is one; and what transport_maps is to be, if not what it is.
fn wanted(
    cx: &Context,
    instance: &Instance,
    facts: &Facts,
) -> anyhow::Result<(Option<MapKind>, Option<String>)> {
    let Some((at, table)) = facts.ours() else {
        let kind = facts.kind();
        let value = kind.as_ref().map(|kind| facts.value(kind));
        return Ok((kind, value));
    };
    let own = MapKind::named(&table.kind);
    if !facts.wants_patterns || matches!(own, Some(MapKind::Patterns(_))) {
        return Ok((own, None));
    }
    let kind = facts.kind();
    let value = kind
        .as_ref()
        .map(|kind| patterns_instead(cx, instance, facts, at, kind));
    let value = value.transpose()?;
    Ok((kind, value))
}

/// Gives the place an access table, where recipients of aliases need one and none is asked yet; what
/// smtpd_recipient_restrictions is to be then.
fn access(
    cx: &Context,
    mapped: &mut MappedInstance<'_>,
    facts: &Facts,
) -> Option<(String, String)> {
    let accepting = &facts.accepting;
    if accepting.tables.is_empty() || mapped.is_access_first {
        return None;
    }
    let kind = match &mapped.access {
        Some(map) => map.kind.clone(),
        None => facts.index_kind()?,
    };
    let value = accepting.value(facts, &kind);
    let path = cx.root().under(&facts.config_directory.join(ACCESS));
    mapped.access = Some(MapFile { kind, path });
    Some(("smtpd_recipient_restrictions".to_owned(), value))
}

/// transport_maps with a map of patterns in the place of ours, whose lines must all be our own: a key is no pattern.
fn patterns_instead(
    cx: &Context,
    instance: &Instance,
    facts: &Facts,
    at: usize,
    kind: &MapKind,
) -> anyhow::Result<String> {
    let name = instance.name();
    let map = MappedInstance::with(cx, instance, kind.clone(), Vec::new()).map;
    let text = map.read()?.map(|seen| seen.text).unwrap_or_default();
    if let Some(entry) = MapText::parse(&text).other_entries(&map.path).first() {
        let what = format!(
            "{name}: {} has lines by hand, such as {}",
            map.path.display(),
            entry.key
        );
        return Err(Failure::new(what)
            .hint("they are keys, and no patterns: move them to another table first")
            .into());
    }
    let named = facts
        .elements
        .get(at)
        .map(String::as_str)
        .unwrap_or_default();
    let value = facts.value_with(named, kind);
    let value = value.ok_or_else(|| {
        let what = format!("{name}: main.cf names {named} by a parameter of its own");
        let new = format!("{}:{}", kind.word(), facts.path().display());
        Failure::new(what).hint(format!("name {new} there, and run it again"))
    })?;
    Ok(value)
}
