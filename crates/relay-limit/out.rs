//! The whole answer to a block: out of the zone, paused, what waits moved to a sibling, and watched until nobody comes.
//!
//! Every step is one that can be done again: the pause is known by the journal, and the moves bear its name
//! ([`crate::moving`]). So `out` after an interruption goes on where it stopped. DNS is printed and never edited.

use cli::manner::Manner;
use cli::{Context, Failure, Outcome};
use knowledge::providers::Providers;
use legible::shell::quoted;
use limits::plan::{Sibling, Takes};
use limits::{JournalEntry, Removal, Standing};
use postfix::config::{Host, Instance};
use postfix::{Parsed, Time};

use crate::args::{Out, Pause, ScopeArgs};
use crate::connects::{self, Watched};
use crate::desk::{self, Clock, Desk, readable};
use crate::moving::Moves;
use crate::zone::{self, ZoneName};
use crate::{pause, siblings};

/// Who orders the pause of `out`.
pub(crate) const BY: &str = "relay-limit out";

pub(crate) fn out(args: &Out, cx: &Context) -> anyhow::Result<Outcome> {
    if !args.manner.dry_run {
        desk::must_be_able(cx, "--dry-run shows the plan")?;
    }
    let clock = Clock::new(cx);
    let host = host::instances::discover(cx.site());
    let instance = host::instances::select_one(cx.site(), &host, &args.instance)?;
    let providers = host::tables::providers(cx.site())?;
    let journal = cx.reported(desk::look(cx)?);
    let zone = zone::ask(&args.resolver, instance, &providers);
    let target = target(args, cx, &host, instance, &providers, clock.now())?;
    let mut limits = journal.limits.iter();
    let standing = limits.find(|one| is_ours(one, instance, clock.now()));
    let lines = plan(cx, &zone, standing, &target, clock.now());
    if args.manner.dry_run {
        cx.print_lines(&lines)?;
        return Ok(Outcome::Done);
    }
    cx.show(&lines);
    args.manner.confirm(cx, "Take it out?")?;
    let locked = lock(cx, instance)?;
    let fresh = zone::removal(&zone, clock.now());
    let (own, (said, mut outcome)) = paused(args, cx, &clock, instance, fresh.as_ref())?;
    let id = own.limit.id;
    if let (None, Some(removal)) = (&own.removal, &fresh) {
        let (id, removal) = (id.clone(), removal.clone());
        Desk::open(cx, &clock)?.write(vec![JournalEntry::Zone { id, removal }])?;
    }
    let removal = own.removal.or(fresh);
    let mut done = zone::out(cx, &zone, removal.as_ref(), clock.now());
    done.extend(said);
    let (lines, moved) = moved(cx, &clock, instance, &id, &target)?;
    done.extend(lines);
    outcome = worse(outcome, moved);
    drop(locked);
    let held_until = removal.map_or(clock.now(), |removal| removal.held_until());
    let watched = connects::watch(cx, &clock, (&host, instance), args.watch)?;
    for line in watched.lines(cx, held_until) {
        note(cx, &clock, &id, line.clone())?;
        done.push(line);
    }
    if !matches!(watched, Watched::Quiet { .. }) {
        outcome = worse(outcome, Outcome::Partial);
    }
    done.push(format!(
        "to bring it back: relay-limit in {}",
        quoted(instance.name())
    ));
    cx.print_lines(&done)?;
    Ok(outcome)
}

/// What is going to be done, step by step. `standing`: its pause, if a run before this one has ordered it.
fn plan(
    cx: &Context,
    zone: &Result<ZoneName, String>,
    standing: Option<&Standing>,
    target: &Target,
    now: Time,
) -> Vec<String> {
    let moves = standing.map(|one| Moves::of(cx, &one.limit.id));
    let known = standing.and_then(|one| one.removal.clone());
    let asked = known.or_else(|| zone::removal(zone, now));
    let mut lines = zone::out(cx, zone, asked.as_ref(), now);
    lines.push(match standing {
        Some(one) => format!("2. paused already ({})", one.limit.id),
        None => "2. pause all of its mail".to_owned(),
    });
    lines.extend(moves.iter().flat_map(Moves::lines));
    lines.push(match target {
        Ok((name, why)) => format!("3. move what waits to {name}: {why}"),
        Err(why) => format!("3. nothing is moved: {why}"),
    });
    lines.push("4. watch who still connects, until nobody does".to_owned());
    lines
}

/// Pauses the instance. Another run may have done so until the lock was taken: then it is only looked at again.
fn paused(
    args: &Out,
    cx: &Context,
    clock: &Clock,
    instance: &Instance,
    removal: Option<&Removal>,
) -> anyhow::Result<(Standing, (Vec<String>, Outcome))> {
    if let Some(own) = ours(cx, instance, clock.now())? {
        let seen = pause::once_more(cx, clock, instance, &own.limit.id)?;
        return Ok((own, seen));
    }
    let paused = pause::ordered_with(&order(args), cx, Some(BY), removal.cloned())?;
    let own = ours(cx, instance, clock.now())?;
    let own = own.ok_or_else(|| Failure::new("the pause is not in the journal"))?;
    Ok((own, paused))
}

/// Finishes the moves of the pause that were interrupted, and moves what waits; the journal notes what came of it.
fn moved(
    cx: &Context,
    clock: &Clock,
    instance: &Instance,
    id: &str,
    target: &Target,
) -> anyhow::Result<(Vec<String>, Outcome)> {
    let (mut done, mut outcome) = (Vec::new(), Outcome::Done);
    // What another run has begun until the lock was taken is among them.
    let mut moves = Moves::of(cx, id);
    let mut ran = moves.finish();
    match target {
        Ok(_) if ran.iter().any(|one| !one.goes_on) => {
            done.push("nothing more was moved: look into that first".to_owned());
        }
        Ok((name, _)) => {
            let way = (instance.name(), name.as_str());
            ran.push(moves.begin(cx, way, |text| note(cx, clock, id, text))?);
        }
        Err(why) => done.push(format!("nothing was moved: {why}")),
    }
    ran.extend(Moves::left(cx, id, &ran));
    for moved in ran {
        note(cx, clock, id, moved.text.clone())?;
        done.push(moved.text);
        outcome = worse(outcome, moved.outcome);
    }
    Ok((done, outcome))
}

fn worse(one: Outcome, other: Outcome) -> Outcome {
    match one {
        Outcome::Done => other,
        one => one,
    }
}

/// A pause that `out` has ordered for all mail of the instance.
fn is_ours(one: &Standing, instance: &Instance, now: Time) -> bool {
    one.holds(now)
        && one.limit.by == BY
        && one.limit.config_directory == instance.config_directory()
        && one.limit.pause().is_some()
}

fn ours(cx: &Context, instance: &Instance, now: Time) -> anyhow::Result<Option<Standing>> {
    let read = desk::look(cx)?.value;
    let mut all = read.limits.into_iter().rev();
    Ok(all.find(|one| is_ours(one, instance, now)))
}

/// One at a time at an instance, up to where it only watches.
fn lock(cx: &Context, instance: &Instance) -> anyhow::Result<guarded::Lock> {
    let name = instance
        .name()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let path = desk::directory(cx).join(format!("out-{name}.lock"));
    let place = guarded::Place::make(cx.root().dir(), &path, guarded::Links::Never);
    let place = place.map_err(|e| Failure::io("cannot lock", &path, e))?;
    place.lock(std::time::Duration::ZERO).map_err(|e| {
        Failure::new(e.to_string())
            .hint("wait until it has ended, and run it again: it goes on from there")
            .into()
    })
}

fn note(cx: &Context, clock: &Clock, id: &str, text: String) -> anyhow::Result<()> {
    let id = id.to_owned();
    Desk::open(cx, clock)?.write(vec![JournalEntry::Note { id, text }])
}

fn order(args: &Out) -> Pause {
    Pause {
        instance: args.instance.clone(),
        scope: ScopeArgs {
            provider: Vec::new(),
            domain: Vec::new(),
        },
        end: args.end.clone(),
        reason: args.reason.clone(),
        last: args.last,
        reload: false,
        flush: false,
        manner: Manner {
            dry_run: false,
            yes: true,
        },
        resolver: args.resolver.clone(),
    }
}

/// The instance that the mail goes to and why to that one, or why to none.
type Target = Result<(String, String), String>;

/// Where the mail goes: a sibling of the same provider that takes mail, the one with the best share of the last hour.
fn target(
    args: &Out,
    cx: &Context,
    host: &Parsed<Host>,
    instance: &Instance,
    providers: &Providers,
    now: Time,
) -> anyhow::Result<Target> {
    let others = siblings::instances(&host.value, instance, providers);
    let journal = desk::look(cx)?.value;
    let scope = limits::Scope::All;
    let mut asked = vec![instance];
    asked.extend(&others);
    let hour = siblings::last_hour(cx, host, &asked, &scope)?;
    let standing = siblings::standing(cx, &others, &journal, (&scope, &[]), &hour, now);
    let begins = hour.begins.map(|at| readable(cx, at));
    let begins = begins.map_or_else(String::new, |at| format!(" (the log begins {at})"));
    if let Some(named) = &args.to {
        let to = host::instances::select_one(cx.site(), host, named)?;
        return Ok(match standing.iter().find(|one| one.name == to.name()) {
            None => {
                let what = format!("{} is not another instance of the same provider", to.name());
                return Err(Failure::new(what)
                    .hint("queue-move --cross-provider moves mail to another provider's instance")
                    .into());
            }
            Some(one) => match &one.takes {
                Takes::Yes => Ok((
                    one.name.clone(),
                    format!("as ordered; {}", figures(one, &begins)),
                )),
                Takes::No(why) | Takes::Unknown(why) => Err(format!("{}: {why}", one.name)),
            },
        });
    }
    Ok(best(&standing, &begins))
}

/// The one that is well: most of what it tried in the last hour was taken. With the same share, the emptier one.
fn best(all: &[Sibling], begins: &str) -> Target {
    let share = |one: &Sibling| match one.last_hour {
        Some((sent, other)) if sent + other > 0 => sent * 1000 / (sent + other),
        // Nothing is known against it, nor for it.
        _ => 500,
    };
    let mut well: Vec<&Sibling> = all.iter().filter(|one| one.takes == Takes::Yes).collect();
    well.retain(|one| share(one) >= 500);
    well.sort_by_key(|one| {
        (
            std::cmp::Reverse(share(one)),
            one.deferred.unwrap_or(u64::MAX),
        )
    });
    match well.first() {
        Some(one) => Ok((one.name.clone(), figures(one, begins))),
        None if all.is_empty() => Err("the provider has no other instance here".to_owned()),
        None => Err("no other instance of the provider is well".to_owned()),
    }
}

fn figures(one: &Sibling, begins: &str) -> String {
    let hour = match one.last_hour {
        Some((sent, other)) => format!("last hour{begins} {sent} sent, {other} not"),
        None => "last hour not known".to_owned(),
    };
    match one.deferred {
        Some(n) => format!("{hour}; {n} deferred"),
        None => hour,
    }
}
