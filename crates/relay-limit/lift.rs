//! Pauses ended before their time.

use cli::{Context, Failure, Outcome, person};
use limits::{Ending, JournalEntry, Standing};
use postfix::config::Host;

use crate::args::Lift as Args;
use crate::desk::{self, Clock, Desk, readable};
use crate::settle::settle;

pub(crate) fn run(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    only(args, cx, |_| true)
}

/// The same, of the limits alone that `wants` names.
pub(crate) fn only(
    args: &Args,
    cx: &Context,
    wants: impl Fn(&Standing) -> bool,
) -> anyhow::Result<Outcome> {
    let clock = Clock::new(cx);
    if !args.manner.dry_run {
        desk::must_be_able(cx, "--dry-run shows what would be lifted")?;
    }
    let host = host::instances::discover(cx.site());
    let journal = cx.reported(desk::look(cx)?);
    let mut chosen = chosen(cx, &host, &journal.limits, &args.target)?;
    chosen.retain(|one| wants(one));
    let lines: Vec<String> = chosen.iter().map(|one| line(cx, one)).collect();
    if args.manner.dry_run {
        cx.print_lines(&lines)?;
        return Ok(Outcome::Done);
    }
    if !args.manner.yes {
        cx.show(&lines);
    }
    args.manner.confirm(cx, "Lift it?")?;
    let mut desk = Desk::open(cx, &clock)?;
    let end = |one: &&Standing| JournalEntry::End {
        id: one.limit.id.clone(),
        how: Ending::Lifted,
        by: person::user(),
    };
    desk.write(chosen.iter().map(end).collect())?;
    let ids: Vec<String> = chosen.iter().map(|one| one.limit.id.clone()).collect();
    let flush = args.flush;
    settle(
        cx,
        &clock,
        &host,
        desk,
        (|one: &Standing| ids.contains(&one.limit.id), &[]),
        flush,
    )
}

fn line(cx: &Context, one: &Standing) -> String {
    let limit = &one.limit;
    let until = limit
        .until
        .map_or_else(|| "further notice".to_owned(), |until| readable(cx, until));
    format!(
        "lift {}: {}, {}, until {until}",
        limit.id,
        limit.instance,
        limit.what()
    )
}

/// The limits that `target` names: one by its name, or all of an instance.
fn chosen<'j>(
    cx: &Context,
    host: &postfix::Parsed<Host>,
    limits: &'j [Standing],
    target: &str,
) -> anyhow::Result<Vec<&'j Standing>> {
    let open: Vec<&Standing> = limits.iter().filter(|one| one.is_open()).collect();
    if let Some(one) = open.iter().find(|one| one.limit.id == target) {
        return Ok(vec![one]);
    }
    if limits.iter().any(|one| one.limit.id == target) {
        return Err(Failure::new(format!("{target} has ended already"))
            .hint("relay-limit history")
            .into());
    }
    // An instance that is gone may still have limits.
    let by_name = |one: &&&Standing| {
        let name = one.limit.instance.as_str();
        name == target || name.strip_prefix("postfix-") == Some(target)
    };
    let of_name: Vec<&Standing> = open.iter().filter(by_name).copied().collect();
    if !of_name.is_empty() {
        return Ok(of_name);
    }
    let instance = host::instances::select_one(cx.site(), host, target)?;
    let directory = instance.config_directory();
    let of_it: Vec<&Standing> = open
        .into_iter()
        .filter(|one| one.limit.config_directory == directory)
        .collect();
    if of_it.is_empty() {
        return Err(
            Failure::new(format!("nothing is in force at {}", instance.name()))
                .hint("relay-limit list")
                .into(),
        );
    }
    Ok(of_it)
}
