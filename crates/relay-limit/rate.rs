//! An instance slowed down: plan, question, journal, parameters, and the wait for the queue manager.

use cli::{Context, Failure, Outcome};
use legible::human::age;
use legible::shell::quoted;
use limits::{Change, Hold, JournalEntry, Limit, Rate};
use postfix::config::Instance;
use warmup::limits::Limits;
use warmup::settings::{HeldBy, Hold as Held, Settings};

use crate::args::Rate as Args;
use crate::desk::{self, Clock, Desk, readable};
use crate::main_cf;
use crate::mapped;
use crate::order::{Terms, end, order, reason};
use crate::parameters::{self, Way};
use crate::pause::give_up;
use crate::processes;
use crate::unapplied;
use crate::waiting::{self, Force};

/// As [`crate::pause::ordered`].
pub(crate) fn ordered(
    args: &Args,
    cx: &Context,
    by: Option<&str>,
) -> anyhow::Result<(Vec<String>, Outcome)> {
    let clock = Clock::new(cx);
    let host = host::instances::discover(cx.site());
    let instance = host::instances::select_one(cx.site(), &host, &args.instance)?;
    desk::must_be_sound(instance)?;
    if !args.manner.dry_run {
        main_cf::path(cx, instance.config_directory())?;
    }
    let until = match args.end.given() {
        Some(given) => Some(end(cx, &clock, &given)?),
        None => None,
    };
    let journal = cx.reported(desk::look(cx)?);
    let (rate, mut notes) = rate(args, cx, instance)?;
    let terms = Terms {
        until,
        reason: reason(args.reason.as_deref()),
        by,
    };
    let limit = order(cx, instance, &journal, Hold::Rate(rate), &terms);
    refuse_second(&journal, &limit)?;
    let unapplied = unapplied(cx, instance);
    if args.manner.dry_run {
        notes.extend(
            unapplied
                .err()
                .map(|why| format!("refused as it is: {why}")),
        );
    } else {
        unapplied?;
    }
    let shown = lines(args, cx, &limit, &notes, &clock);
    if args.manner.dry_run {
        return Ok((shown, Outcome::Done));
    }
    if by.is_none() {
        cx.show(&shown);
    }
    args.manner.confirm(cx, "Slow it down?")?;
    carry_out(cx, &clock, instance, limit)
}

/// What is to be set, and what an admin should know of it.
fn rate(args: &Args, cx: &Context, instance: &Instance) -> anyhow::Result<(Rate, Vec<String>)> {
    let services = instance.services(cx.root()).value;
    let limits = Limits::of(instance, &services);
    must_have_client(instance, &limits)?;
    let delay = args.pace.delay_seconds();
    let settings = Settings {
        hold: Held::RateDelay(delay),
        // With 1, a destination would be a recipient and no domain.
        recipient_limit: 2,
        lets_out: 0,
        at_most: 0,
        held_by: HeldBy::Settings,
    };
    let changes = settings
        .parameters(&limits.transport)
        .into_iter()
        .map(|(name, new)| Change {
            old: parameters::value(instance, &name),
            name,
            new,
        });
    let changes: Vec<Change> = changes.collect();
    must_count(cx, instance, &changes)?;
    let mut notes = Vec::new();
    if limits.transport_delay.value.is_some_and(|now| now > delay) {
        notes.push(format!(
            "it is held to less already ({} = {}): this lets more out",
            limits.transport_delay.name, limits.transport_delay.text
        ));
    }
    if !limits.unheld.is_empty() {
        notes.push(format!(
            "mail that leaves by {} is not slowed down",
            limits.unheld.join(", ")
        ));
    }
    let rate = Rate {
        text: args.pace.to_string(),
        transport: limits.transport.clone(),
        changes,
    };
    Ok((rate, notes))
}

/// default_transport must name an SMTP client of the instance's.
fn must_have_client(instance: &Instance, limits: &Limits) -> anyhow::Result<()> {
    let name = instance.name();
    let what = match limits.is_client {
        Some(true) => return Ok(()),
        None => format!("{name}: its master.cf cannot be read"),
        Some(false) => format!(
            "{name}: master.cf has no SMTP client \"{}\", which default_transport names",
            limits.transport
        ),
    };
    let directory = instance.config_directory().to_string_lossy();
    let hint = format!(
        "postconf -c {} -M; the rate would hold nothing",
        quoted(&directory)
    );
    Err(Failure::new(what).hint(hint).into())
}

/// What main.cf says of these parameters must be what the queue manager goes by.
fn must_count(cx: &Context, instance: &Instance, changes: &[Change]) -> anyhow::Result<()> {
    let names: Vec<&str> = changes.iter().map(|change| change.name.as_str()).collect();
    let own = mapped::of_queue_manager(cx, instance, &names);
    let Some(own) = own.first() else {
        return Ok(());
    };
    let what = format!(
        "{}: qmgr in master.cf has its own {own}: main.cf has no effect there, and a rate would hold nothing",
        instance.name()
    );
    let directory = instance.config_directory().to_string_lossy();
    let hint = format!("remove it there; see postconf -c {} -P", quoted(&directory));
    Err(Failure::new(what).hint(hint).into())
}

/// Two rates at one instance would each put back what the other has set.
fn refuse_second(journal: &limits::Journal, limit: &Limit) -> anyhow::Result<()> {
    let is_other = |one: &&limits::Standing| {
        one.is_open()
            && one.limit.rate().is_some()
            && one.limit.config_directory == limit.config_directory
    };
    match journal.limits.iter().find(is_other) {
        None => Ok(()),
        Some(one) => {
            let id = &one.limit.id;
            let what = format!("{} is slowed down already ({id})", limit.instance);
            let hint = format!("relay-limit lift {}, and then again", quoted(id));
            Err(Failure::new(what).hint(hint).into())
        }
    }
}

/// A rate reloads Postfix: not where that would put in force what somebody else may not have done with.
fn unapplied(cx: &Context, instance: &Instance) -> anyhow::Result<()> {
    match unapplied::change(cx, instance) {
        None => Ok(()),
        Some(why) => {
            let name = instance.name();
            Err(
                Failure::new(format!("{name}: a rate needs a reload: {why}"))
                    .hint("then order it again")
                    .into(),
            )
        }
    }
}

fn lines(args: &Args, cx: &Context, limit: &Limit, notes: &[String], clock: &Clock) -> Vec<String> {
    let delay = args.pace.delay_seconds();
    let mut lines = vec![format!(
        "slow down {} to {}: a delivery every {delay} s",
        limit.instance, args.pace
    )];
    lines.push(match limit.until {
        Some(until) => format!(
            "  until      {} ({})",
            readable(cx, until),
            age(until.since(clock.now()))
        ),
        None => "  until      it is lifted".to_owned(),
    });
    if let Some(reason) = &limit.reason {
        lines.push(format!("  reason     {reason}"));
    }
    let changes = limit.rate().map(|rate| rate.changes.as_slice());
    for change in changes.unwrap_or_default() {
        let old = change.old.as_deref().unwrap_or("not set");
        lines.push(format!(
            "  main.cf    {} = {} (now: {old})",
            change.name, change.new
        ));
    }
    lines.extend(notes.iter().map(|note| format!("  note       {note}")));
    lines
}

/// Writes it down, sets the parameters, and waits for the queue manager.
fn carry_out(
    cx: &Context,
    clock: &Clock,
    instance: &Instance,
    mut limit: Limit,
) -> anyhow::Result<(Vec<String>, Outcome)> {
    let _interrupts = cx.catch_interrupts()?;
    let name = instance.name();
    let mut desk = Desk::open(cx, clock)?;
    refuse_second(&desk.journal, &limit)?;
    limit.id = desk.free_id(&limit);
    let id = limit.id.clone();
    let what = limit.what();
    let Hold::Rate(rate) = limit.hold.clone() else {
        return Err(Failure::new("not a rate").into());
    };
    if let Some(changed) = since_planned(cx, instance, &rate) {
        return Err(Failure::new(format!("nothing was changed: {changed}"))
            .hint("somebody is at work on main.cf; once more when they have done")
            .into());
    }
    unapplied(cx, instance)?;
    let by = limit.by.clone();
    let before = processes::of_program(cx, instance, "qmgr");
    desk.write(vec![JournalEntry::Begin(Box::new(limit))])?;
    let directory = instance.config_directory();
    let left = match parameters::change(cx, directory, &rate, Way::Set) {
        Ok(left) => left,
        // What was set by then goes back, if it can.
        Err(why) => match parameters::change(cx, directory, &rate, Way::PutBack) {
            Ok(_) => return Err(give_up(desk, &id, why)),
            Err(_) => return Err(why.context(format!("{id}: relay-limit tick tries again"))),
        },
    };
    drop(desk);
    left.iter().for_each(|one| cx.warn(one));
    desk::syslog(cx).say(clock.now(), &format!("{id}: {name} {what}, by {by}"));
    let force = waiting::until_restarted(cx, instance, "qmgr", &before);
    if let Force::Holds(_) = force {
        Desk::open(cx, clock)?.write(vec![JournalEntry::InForce { id: id.clone() }])?;
    }
    let lines = vec![
        format!("{name}: {what}; {}", words(&force)),
        format!("  to end it: relay-limit lift {}", quoted(&id)),
    ];
    let outcome = match force {
        Force::Taken(why) | Force::Unknown(why) => {
            cx.warn(format!("{why}; relay-limit tick looks again"));
            Outcome::Partial
        }
        _ if !left.is_empty() => Outcome::Partial,
        _ => Outcome::Done,
    };
    Ok((lines, outcome))
}

fn words(force: &Force) -> &'static str {
    match force {
        Force::Holds(_) => "in force: the queue manager was started anew",
        Force::NotRunning => "Postfix does not run, and will go by it when it does",
        Force::Taken(_) | Force::Unknown(_) => "NOT seen to be in force",
    }
}

/// What main.cf says otherwise than when the plan was shown.
fn since_planned(cx: &Context, instance: &Instance, rate: &Rate) -> Option<String> {
    let host = host::instances::discover(cx.site());
    let now = mapped::of_directory(&host.value, instance.config_directory())?;
    rate.changes
        .iter()
        .find(|change| parameters::value(now, &change.name) != change.old)
        .map(|change| format!("{} was changed just now", change.name))
}
