//! A pause: plan, question, journal, map, and the wait until Postfix goes by it.

use cli::{Context, Failure, Interrupts, Outcome, person};
use knowledge::providers::Providers;
use legible::shell::quoted;
use limits::map::{MARK, answer};
use limits::plan::{PausePlan, Sibling};
use limits::setup::{State, judge};
use limits::{Ending, Hold, Journal, JournalEntry, Limit, Pause, Removal, Scope};
use postfix::Time;
use postfix::config::Instance;

use crate::args::Pause as Args;
use crate::desk::{self, Clock, Desk, readable};
use crate::facts;
use crate::held::waiting_now;
use crate::mapped::MappedInstance;
use crate::order::{Terms, end, order, reason, scope};
use crate::recipients;
use crate::reload;
use crate::siblings;
use crate::upkeep;
use crate::waiting::{self, Force, PauseProbe};

/// What was done, in lines, or with `--dry-run` the plan. `by`: who orders it, where that is no person; then nothing is
/// shown beside.
pub(crate) fn ordered(
    args: &Args,
    cx: &Context,
    by: Option<&str>,
) -> anyhow::Result<(Vec<String>, Outcome)> {
    ordered_with(args, cx, by, None)
}

/// The same; `removal`, what is to be removed from the zone, is in the journal as soon as the pause is.
pub(crate) fn ordered_with(
    args: &Args,
    cx: &Context,
    by: Option<&str>,
    removal: Option<Removal>,
) -> anyhow::Result<(Vec<String>, Outcome)> {
    let clock = Clock::new(cx);
    let host = host::instances::discover(cx.site());
    let instance = host::instances::select_one(cx.site(), &host, &args.instance)?;
    let (mapped, notes) = ready(cx, instance)?;
    let providers = host::tables::providers(cx.site())?;
    let (scope, provider) = scope(&args.scope, &providers)?;
    let until = end(cx, &clock, &args.end)?;
    let journal = cx.reported(desk::look(cx)?);
    let reason = reason(args.reason.as_deref());
    let hold = Hold::Pause(Pause {
        scope: scope.clone(),
        provider: provider.clone(),
        text: answer(Some(&readable(cx, until)), reason),
        flush: args.flush,
    });
    let terms = Terms {
        until: Some(until),
        reason,
        by,
    };
    let limit = order(cx, instance, &journal, hold, &terms);
    let others = siblings::instances(&host.value, instance, &providers);
    let mut asked = vec![instance];
    asked.extend(&others);
    let hour = siblings::last_hour(cx, &host, &asked, &scope)?;
    let listed = siblings::listed(instance, &providers, &args.resolver);
    let known = listed.as_deref().unwrap_or_default();
    let takers = |journal: &Journal| {
        siblings::standing(cx, &others, journal, (&scope, known), &hour, clock.now())
    };
    let mut warnings = warnings(&journal, &limit, instance, &providers, clock.now());
    warnings.extend(notes);
    warnings.extend(recipients::reach(cx, &mapped, &scope).gaps);
    let own = providers.of_instance(instance.name());
    let elsewhere = listed.as_ref().map_err(Clone::clone);
    let plan = PausePlan {
        until: readable(cx, until),
        lasts: until.since(clock.now()),
        whose: scope.whose(provider.as_deref()),
        waiting: waiting_now(cx, instance, &scope),
        hourly: hour.hourly(),
        begins: hour.begins.map(|at| readable(cx, at)),
        provider: own.map(|id| providers.get(id).name.clone()),
        siblings: takers(&journal),
        elsewhere: elsewhere.map(|all| siblings::elsewhere(&host.value, all)),
        warnings,
        limit,
    };
    let shown = agreed(args, cx, &plan, by.is_none())?;
    if args.manner.dry_run {
        return Ok((shown, Outcome::Done));
    }
    carry_out(args, cx, &clock, &mapped, (plan, &takers, removal))
}

/// Shows the plan, if it `is_shown`, and asks whether it is meant.
///
/// # Errors
/// It is refused, or not confirmed.
fn agreed(
    args: &Args,
    cx: &Context,
    plan: &PausePlan,
    is_shown: bool,
) -> anyhow::Result<Vec<String>> {
    let mut shown = plan.lines();
    let mut refusal = plan.refusal().filter(|_| !args.last);
    if !cx.root().is_this_host() && plan.is_unknown() {
        shown.extend(refusal.take().map(|(what, _)| {
            format!("  note       refused on the host itself if no sibling runs there: {what}")
        }));
    }
    if is_shown && (refusal.is_some() || !args.manner.dry_run) {
        cx.show(&shown);
    }
    if let Some((what, hint)) = refusal {
        return Err(Failure::new(what).hint(hint).into());
    }
    if !args.manner.dry_run {
        args.manner.confirm(cx, "Pause it?")?;
    }
    Ok(shown)
}

/// How the siblings stand, by what the journal says.
type Takers<'a> = &'a dyn Fn(&Journal) -> Vec<Sibling>;

/// The instance, if a pause would hold there, and what an admin should know of it.
fn ready<'h>(
    cx: &Context,
    instance: &'h Instance,
) -> anyhow::Result<(MappedInstance<'h>, Vec<String>)> {
    let steps = judge(&facts::of(cx, instance, false));
    let missing = steps
        .iter()
        .find(|step| matches!(step.state, State::ToDo | State::Wrong));
    if let Some(step) = missing {
        let name = instance.name();
        let command = match step.state {
            State::ToDo => format!("relay-limit setup {} --apply", quoted(name)),
            _ => format!("see relay-limit setup {}", quoted(name)),
        };
        return Err(
            Failure::new(format!("{name} cannot be paused yet: {}", step.what))
                .hint(command)
                .into(),
        );
    }
    let mapped = MappedInstance::of(cx, instance);
    let mapped = mapped.ok_or_else(|| Failure::new(format!("{}: no map", instance.name())))?;
    let notes = steps
        .into_iter()
        .filter(|step| step.state == State::Unknown);
    Ok((mapped, notes.map(|step| step.what).collect()))
}

fn warnings(
    journal: &Journal,
    limit: &Limit,
    instance: &Instance,
    providers: &Providers,
    now: Time,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let Some(pause) = limit.pause() else {
        return warnings;
    };
    for one in journal.overlapping(limit, now) {
        warnings.push(format!(
            "it is already paused ({}); mail covered by both is kept until the later end",
            one.limit.id
        ));
    }
    if let Scope::Domains(_) = &pause.scope
        && let Some(id) = providers.of_instance(instance.name())
        && pause
            .provider
            .as_deref()
            .is_some_and(|name| !name.eq_ignore_ascii_case(&providers.get(id).name))
    {
        warnings.push(format!(
            "{} is named for another provider, {}",
            instance.name(),
            providers.get(id).name
        ));
    }
    warnings
}

/// Writes it down, puts it in the map, and waits for Postfix.
fn carry_out(
    args: &Args,
    cx: &Context,
    clock: &Clock,
    mapped: &MappedInstance<'_>,
    (mut plan, takers, removal): (PausePlan, Takers<'_>, Option<Removal>),
) -> anyhow::Result<(Vec<String>, Outcome)> {
    let interrupts = cx.catch_interrupts()?;
    let name = mapped.instance.name();
    let syslog = desk::syslog(cx);
    let mut desk = Desk::open(cx, clock)?;
    // While the question was asked, another may have paused the last one that takes the mail.
    plan.siblings = takers(&desk.journal);
    if let Some((what, hint)) = plan.refusal().filter(|_| !args.last) {
        return Err(Failure::new(what).hint(hint).into());
    }
    let mut limit = plan.limit;
    limit.id = desk.free_id(&limit);
    let id = limit.id.clone();
    let Some(pause) = limit.pause().cloned() else {
        return Err(Failure::new("not a pause").into());
    };
    let begin = JournalEntry::Begin(Box::new(limit.clone()));
    let zone = removal.map(|removal| JournalEntry::Zone {
        id: id.clone(),
        removal,
    });
    desk.write(std::iter::once(begin).chain(zone).collect())?;
    let kept = upkeep::keep(cx, mapped, &desk.journal, clock.now());
    let kept = match kept {
        Ok(done) => done,
        Err(why) => return Err(give_up(desk, &id, why)),
    };
    let text = answered(&desk.journal, &id, clock.now());
    drop(desk);
    kept.warnings.iter().for_each(|warning| cx.warn(warning));
    let what = format!(
        "{id}: {name} paused, {}, until {}, by {}",
        plan.whose, plan.until, limit.by
    );
    syslog.say(clock.now(), &what);
    if args.reload {
        reload::now(cx, mapped.instance)?;
    }
    let of_it = (mapped, &*id, &pause);
    let unloaded = kept.unloaded.filter(|_| !args.reload);
    let how = (&*text, kept.changed, unloaded);
    let (force, gaps) = in_force(cx, clock, of_it, how, &interrupts)?;
    let words = (&*plan.whose, &*plan.until);
    Ok(said(cx, name, words, &id, (&force, &gaps)))
}

/// What Postfix answers while a pause holds: its own text, but where another of the same mail may last longer.
fn answered(journal: &Journal, id: &str, now: Time) -> String {
    let limit = journal.limit(id).map(|one| &one.limit);
    let alone = limit.filter(|limit| journal.overlapping(limit, now).next().is_none());
    let pause = alone.and_then(Limit::pause);
    pause.map_or_else(|| MARK.to_owned(), |pause| pause.text.clone())
}

/// Waits until Postfix goes by a pause that is in the map, and writes down that it does; with the mail for which
/// it does not. `unloaded`: why it was not reloaded for a change that it does not notice by itself.
fn in_force(
    cx: &Context,
    clock: &Clock,
    (mapped, id, pause): (&MappedInstance<'_>, &str, &Pause),
    (text, changed, unloaded): (&str, bool, Option<String>),
    interrupts: &Interrupts,
) -> anyhow::Result<(Force, Vec<String>)> {
    let reach = recipients::reach(cx, mapped, &pause.scope);
    let asked = PauseProbe {
        keys: &pause.scope.keys(),
        recipients: &reach.refused,
        text,
    };
    let force = match unloaded {
        Some(why) => Force::Unknown(why),
        None => waiting::until_paused(cx, mapped.instance, asked, changed, Some(interrupts)),
    };
    if let Force::Holds(_) = force {
        Desk::open(cx, clock)?.write(vec![JournalEntry::InForce { id: id.to_owned() }])?;
    }
    Ok((force, reach.gaps))
}

/// A pause that was ordered before: put in the map if it is not there, and seen to be in force.
pub(crate) fn once_more(
    cx: &Context,
    clock: &Clock,
    instance: &Instance,
    id: &str,
) -> anyhow::Result<(Vec<String>, Outcome)> {
    let interrupts = cx.catch_interrupts()?;
    let (mapped, _) = ready(cx, instance)?;
    let desk = Desk::open(cx, clock)?;
    let standing = desk.journal.limit(id).cloned();
    let kept = upkeep::keep(cx, &mapped, &desk.journal, clock.now())?;
    let text = answered(&desk.journal, id, clock.now());
    drop(desk);
    kept.warnings.iter().for_each(|warning| cx.warn(warning));
    let Some((standing, pause)) = standing
        .as_ref()
        .and_then(|one| Some((one, one.limit.pause()?)))
    else {
        return Err(Failure::new(format!("{id} is not a pause in the journal")).into());
    };
    // Who was interrupted has perhaps not waited for processes that go by the old map.
    let changed = kept.changed || standing.in_force.is_none();
    let of_it = (&mapped, id, pause);
    let how = (&*text, changed, kept.unloaded);
    let (force, gaps) = in_force(cx, clock, of_it, how, &interrupts)?;
    let until = standing.limit.until.map(|until| readable(cx, until));
    let words = (
        &*pause.scope.whose(pause.provider.as_deref()),
        &*until.unwrap_or_default(),
    );
    Ok(said(cx, instance.name(), words, id, (&force, &gaps)))
}

/// Takes back what could not be put in force.
pub(crate) fn give_up(mut desk: Desk<'_>, id: &str, why: anyhow::Error) -> anyhow::Error {
    let by = person::user();
    let end = JournalEntry::End {
        id: id.to_owned(),
        how: Ending::Failed,
        by,
    };
    match desk.write(vec![end, JournalEntry::Closed { id: id.to_owned() }]) {
        Ok(()) => why.context(
            Failure::new(format!("{id}: not in force, and given up"))
                .hint("fix what is named, and order it again: nothing tries again by itself"),
        ),
        Err(_) => why.context(
            Failure::new(format!(
                "{id} is in the journal; relay-limit tick will put it in force"
            ))
            .hint(format!("to take it back: relay-limit lift {id}")),
        ),
    }
}

/// The result.
fn said(
    cx: &Context,
    name: &str,
    (whose, until): (&str, &str),
    id: &str,
    (force, gaps): (&Force, &[String]),
) -> (Vec<String>, Outcome) {
    let paused = format!("{name}: paused, {whose}, until {until}");
    let mut lines = match force {
        Force::Holds(asked) => {
            let but = match gaps.is_empty() {
                true => "",
                false => ", but not for all of its mail",
            };
            let mut lines = vec![format!("{paused}; in force{but}")];
            lines.extend(asked.iter().map(|one| format!("  {one}")));
            lines
        }
        Force::NotRunning => vec![format!(
            "{paused}; Postfix is not running, and will apply it when it starts"
        )],
        Force::Taken(_) => vec![format!("{paused}; NOT in force")],
        Force::Unknown(_) => vec![format!("{paused}; NOT known to be in force")],
    };
    lines.push(format!(
        "  to end it early: relay-limit lift {}",
        quoted(id)
    ));
    let outcome = match force {
        Force::Holds(_) | Force::NotRunning => {
            gaps.iter().for_each(|gap| cx.warn(gap));
            match gaps.is_empty() {
                true => Outcome::Done,
                false => Outcome::Partial,
            }
        }
        Force::Taken(why) => {
            cx.warn(format!("{why}; see relay-limit setup {}", quoted(name)));
            Outcome::Partial
        }
        Force::Unknown(why) => {
            cx.warn(format!("{why}; relay-limit list --check asks again"));
            Outcome::Partial
        }
    };
    (lines, outcome)
}
