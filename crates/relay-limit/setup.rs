//! Whether instances are ready to be paused, and how they become so.

use cli::{Context, Failure, Outcome};
use legible::shell;
use legible::wrap::folded;
use limits::MapKind;
use limits::setup::{Facts, State, Step, judge};
use postfix::config::Instance;
use postfix::escape;

use crate::args::Setup as Args;
use crate::desk::{self, Clock, Desk};
use crate::main_cf::{self, Edit};
use crate::place::{self, Place};
use crate::upkeep;

pub(crate) fn run(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    if args.apply {
        desk::must_be_able(cx, "without --apply, setup shows what is missing")?;
    }
    let host = host::instances::discover(cx.site());
    let chosen = host::instances::select_some(cx.site(), &host, &args.instances.instances)?;
    let names: Vec<String> = chosen.iter().map(|i| i.name().to_owned()).collect();
    let before: Vec<Facts> = chosen
        .iter()
        .map(|i| place::facts(cx, i, args.patterns))
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
        let steps = judge(&place::facts(cx, instance, args.patterns));
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

fn shown(name: &str, steps: &[Step], width: Option<u16>) -> String {
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
    if let Some(problem) = instance.problems().first() {
        let what = format!("{name}: its configuration is not reliable: {problem}");
        return Err(Failure::new(what)
            .hint("fix its main.cf: postfix check")
            .into());
    }
    let found = facts.ours();
    let kind = match &found {
        Some((_, table)) => MapKind::named(&table.kind),
        None => facts.kind(),
    };
    let Some(kind) = kind else {
        let what = format!("{name}: this Postfix has no table type that relay-limit can use");
        return Err(Failure::new(what)
            .hint("see postconf -m; apt-get install postfix-lmdb adds one")
            .into());
    };
    let is_wrong_kind = facts.wants_patterns != matches!(kind, MapKind::Patterns(_));
    if found.is_some() && facts.wants_patterns && is_wrong_kind {
        let what = format!(
            "{name}: transport_maps already names the map, as {}",
            kind.word()
        );
        let hint = format!(
            "first remove it from transport_maps in {}/main.cf, and remove the file",
            facts.config_directory.display()
        );
        return Err(Failure::new(what).hint(hint).into());
    }
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
    let place = Place::with(cx, instance, kind.clone(), others);
    if found.is_none() {
        main_cf::path(cx, &facts.config_directory)?;
    }
    let desk = Desk::open(cx, clock)?;
    upkeep::keep(cx, &place, &desk.journal, clock.now())?;
    if found.is_none() {
        let edit = Edit {
            set: vec![("transport_maps".to_owned(), facts.value(&kind))],
            removed: Vec::new(),
        };
        main_cf::change(cx, instance, &edit)?;
        upkeep::reload(cx, instance)?;
    }
    drop(desk);
    Ok(())
}
