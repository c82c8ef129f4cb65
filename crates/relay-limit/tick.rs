//! What is due is ended, and what was interrupted is finished.

use std::path::{Path, PathBuf};
use std::time::Instant;

use cli::{Context, Outcome};
use host::machine::Process;
use limits::{Ending, Entry, Limit, Pause, Scope, Standing};
use postfix::config::Host;
use postfix::{Parsed, Span, Time};

use crate::args::Tick as Args;
use crate::desk::{self, Clock, Desk};
use crate::ending;
use crate::parameters::{self, Way};
use crate::place::{self, Place};
use crate::stale;
use crate::upkeep;
use crate::waiting::{self, Force};

/// What ends so soon is waited for.
const SOON: Span = Span::from_seconds(6);
/// Who ends what is due.
const BY: &str = "relay-limit tick";

pub(crate) fn run(_: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    desk::must_be_able(cx, "relay-limit list shows what is in force")?;
    let clock = Clock::new(cx);
    let read = desk::look(cx)?;
    // Nearly always there is nothing to do, and nobody to wait for.
    if !read.value.limits.iter().any(Standing::is_open) && read.problems.is_empty() {
        let host = host::instances::discover(cx.site());
        let (strays, is_whole) = stale::instances(cx, &host.value, &read.value, clock.now());
        if strays.is_empty() {
            return Ok(match is_whole {
                true => Outcome::Done,
                false => Outcome::Partial,
            });
        }
    }
    // What is due in a moment would have to wait for the next run, and that may be killed.
    let ends = read.value.limits.iter().filter(|one| one.ended.is_none());
    let ends = ends.filter_map(|one| one.limit.until);
    let left = ends.map(|until| until.since(clock.exact()));
    let soon = left.filter(|left| (Span::from_micros(1)..=SOON).contains(left));
    if let Some(left) = soon.max() {
        std::thread::sleep(left.duration());
    }
    let mut desk = Desk::open(cx, &clock)?;
    // Under the lock: a configuration that was read before it may be an old one.
    let host = host::instances::discover(cx.site());
    let now = clock.now();
    let due = desk
        .journal
        .limits
        .iter()
        .filter(|one| one.ended.is_none() && one.is_due(now));
    let ends: Vec<Entry> = due.map(|one| end(one, Ending::Due)).collect();
    if !ends.is_empty() {
        desk.write(ends)?;
    }
    let (strays, is_whole) = stale::instances(cx, &host.value, &desk.journal, now);
    let outcome = settle(cx, &clock, &host, desk, (|_| true, &strays), false)?;
    Ok(match is_whole {
        true => outcome,
        false => Outcome::Partial,
    })
}

fn end(one: &Standing, how: Ending) -> Entry {
    Entry::End {
        id: one.limit.id.clone(),
        how,
        by: BY.to_owned(),
    }
}

/// Makes every map say what the journal says, and closes the limits among those that `mine` names of which nothing is
/// left. `strays`: the configuration directories of other instances in whose maps something of ours is left. `flush`:
/// their waiting mail is tried at once, whatever they say themselves.
pub(crate) fn settle(
    cx: &Context,
    clock: &Clock,
    host: &Parsed<Host>,
    mut desk: Desk<'_>,
    (mine, strays): (impl Fn(&Standing) -> bool, &[PathBuf]),
    flush: bool,
) -> anyhow::Result<Outcome> {
    let mut outcome = if desk.problems.is_empty() {
        Outcome::Done
    } else {
        Outcome::Partial
    };
    cx.problems(&desk.problems);
    let open: Vec<Standing> = desk
        .journal
        .limits
        .iter()
        .filter(|one| one.is_open() && mine(one))
        .cloned()
        .collect();
    let mut directories: Vec<PathBuf> = open
        .iter()
        .map(|one| one.limit.config_directory.clone())
        .collect();
    directories.extend(strays.iter().cloned());
    directories.sort();
    directories.dedup();
    let mut lines = Vec::new();
    let mut settled = Vec::new();
    let (mut begun, mut in_order) = (Vec::new(), Vec::new());
    for directory in &directories {
        let of_it: Vec<&Standing> = open
            .iter()
            .filter(|one| one.limit.config_directory == *directory)
            .collect();
        let begins = beginning(cx, clock, host, &of_it);
        let is_stray = strays.contains(directory);
        // A pause ends also where a rate cannot be put back, and the other way round.
        let rated = rates(cx, clock, &mut desk, (host, directory), &of_it);
        let is_rated = rated.is_ok();
        match rated {
            Ok(()) => begun.extend(begins),
            Err(why) => {
                outcome = Outcome::Partial;
                cx.warn(format!("{}: {why:#}", directory.display()));
            }
        }
        let is_over =
            |one: &&Standing| !one.holds(clock.now()) && (is_rated || one.limit.rate().is_none());
        match at(cx, clock, host, &mut desk, directory, (&of_it, is_stray)) {
            Ok(At::Kept(done)) => {
                in_order.push(directory);
                let warnings = done.warnings.iter().chain(&done.unloaded);
                warnings.for_each(|warning| cx.warn(warning));
                if is_stray {
                    lines.push(format!(
                        "{}: lines of pauses that are over, or that the journal does not know, were removed",
                        directory.join(limits::setup::NAME).display()
                    ));
                }
                // What Postfix was not told of is not over.
                let is_loaded = done.unloaded.is_none();
                if !is_loaded {
                    outcome = Outcome::Partial;
                }
                let over = of_it.into_iter().filter(is_over);
                settled.extend(
                    over.filter(|one| is_loaded || one.limit.rate().is_some())
                        .cloned(),
                );
            }
            Ok(At::Unnamed(name)) => {
                // What no table is asked about does not hold. The map is put in order when it was named again.
                settled.extend(of_it.iter().copied().filter(is_over).cloned());
                if of_it.iter().any(|one| one.holds(clock.now())) {
                    outcome = Outcome::Partial;
                    cx.warn(format!(
                        "{name}: nothing is in force: transport_maps no longer names the map; see \
                        relay-limit setup {name}"
                    ));
                }
            }
            Ok(At::Gone) => lines.push(format!(
                "{}: the instance is gone, and its limits with it",
                directory.display()
            )),
            Err(why) => {
                outcome = Outcome::Partial;
                cx.warn(format!("{}: {why:#}", directory.display()));
            }
        }
    }
    drop(desk);
    let written = Instant::now();
    for one in begun {
        let instance = place::of_directory(&host.value, &one.limit.config_directory);
        let seen =
            instance.map(|instance| waiting::until_restarted(cx, instance, "qmgr", &one.before));
        if let Some(Force::Holds(_)) = seen {
            let id = one.limit.id.clone();
            Desk::open(cx, clock)?.write(vec![Entry::InForce { id }])?;
        }
    }
    for one in open.iter().filter(|one| is_unseen(one, clock.now())) {
        // Where the map could not be put in order, another pause's line may be what answers.
        if !in_order.contains(&&one.limit.config_directory) {
            continue;
        }
        see(cx, clock, host, one)?;
    }
    let syslog = desk::syslog(cx);
    for one in &settled {
        match ending::closed(cx, clock, host, one, (flush, written))? {
            Ok(line) => {
                syslog.say(clock.now(), &line);
                lines.push(line);
            }
            Err(why) => {
                outcome = Outcome::Partial;
                cx.warn(format!("{why}; relay-limit tick looks again"));
            }
        }
    }
    cx.print_lines(&lines)?;
    Ok(outcome)
}

/// A pause whose command has ended, or was killed, without having seen it in force.
fn is_unseen(one: &Standing, now: Time) -> bool {
    let is_alone = now.since(one.limit.begun) > waiting::ALONE;
    one.limit.pause().is_some() && one.in_force.is_none() && one.holds(now) && is_alone
}

/// Looks whether Postfix goes by it, and writes that down.
fn see(cx: &Context, clock: &Clock, host: &Parsed<Host>, one: &Standing) -> anyhow::Result<()> {
    let instance = place::of_directory(&host.value, &one.limit.config_directory);
    let place = instance.and_then(|instance| Place::of(cx, instance));
    if let (Some(place), Some(pause)) = (place, one.limit.pause())
        && waiting::is_paused(cx, &place, pause, clock.now())
    {
        let id = one.limit.id.clone();
        Desk::open(cx, clock)?.write(vec![Entry::InForce { id }])?;
    }
    Ok(())
}

/// A rate that a run before this one has not seen in force.
struct Beginning {
    limit: Limit,
    /// The queue managers that do not know of it.
    before: Vec<Process>,
}

fn beginning(
    cx: &Context,
    clock: &Clock,
    host: &Parsed<Host>,
    limits: &[&Standing],
) -> Vec<Beginning> {
    let is_new = |one: &&&Standing| {
        one.limit.rate().is_some() && one.in_force.is_none() && one.holds(clock.now())
    };
    let one = |one: &&Standing| {
        let instance = place::of_directory(&host.value, &one.limit.config_directory)?;
        Some(Beginning {
            limit: one.limit.clone(),
            before: waiting::processes_of(cx, instance, "qmgr"),
        })
    };
    limits.iter().filter(is_new).filter_map(one).collect()
}

/// Sets the parameters of rates that have not been seen in force, and puts back those of rates that are over.
fn rates(
    cx: &Context,
    clock: &Clock,
    desk: &mut Desk<'_>,
    (host, directory): (&Parsed<Host>, &Path),
    limits: &[&Standing],
) -> anyhow::Result<()> {
    if place::of_directory(&host.value, directory).is_none() {
        return Ok(());
    }
    for one in limits {
        let Some(rate) = one.limit.rate() else {
            continue;
        };
        let way = match one.holds(clock.now()) {
            // What was seen in force is not set again: an admin may have changed it since.
            true if one.in_force.is_some() => continue,
            true => Way::Set,
            false => Way::PutBack,
        };
        let left = parameters::change(cx, directory, rate, way)?;
        let new: Vec<String> = left
            .into_iter()
            .filter(|text| !one.notes.contains(text))
            .collect();
        new.iter()
            .for_each(|text| cx.warn(format!("{}: {text}", one.limit.id)));
        let note = |text| Entry::Note {
            id: one.limit.id.clone(),
            text,
        };
        let notes: Vec<Entry> = new.into_iter().map(note).collect();
        if !notes.is_empty() {
            desk.write(notes)?;
        }
    }
    Ok(())
}

/// What was done at an instance.
enum At {
    /// Its map says what it should.
    Kept(upkeep::Done),
    /// transport_maps of this instance names no map of ours any more.
    Unnamed(String),
    /// There is no such instance any more.
    Gone,
}

fn at(
    cx: &Context,
    clock: &Clock,
    host: &Parsed<Host>,
    desk: &mut Desk<'_>,
    directory: &Path,
    (limits, is_stray): (&[&Standing], bool),
) -> anyhow::Result<At> {
    let Some(instance) = place::of_directory(&host.value, directory) else {
        // One that cannot be read is not gone.
        if cx.root().under(directory).join("main.cf").exists() {
            anyhow::bail!("its configuration cannot be read now");
        }
        let mut entries = Vec::new();
        for one in limits {
            if one.ended.is_none() {
                entries.push(end(one, Ending::Gone));
            }
            entries.push(Entry::Closed {
                id: one.limit.id.clone(),
            });
        }
        desk.write(entries)?;
        return Ok(At::Gone);
    };
    let only_rates = !limits.is_empty() && limits.iter().all(|one| one.limit.rate().is_some());
    if only_rates && !is_stray {
        return Ok(At::Kept(upkeep::Done::default()));
    }
    Ok(match Place::of(cx, instance) {
        Some(place) => At::Kept(upkeep::keep(cx, &place, &desk.journal, clock.now())?),
        None => {
            if let Some(place) = Place::of_access(cx, instance) {
                upkeep::keep(cx, &place, &desk.journal, clock.now())?;
            }
            At::Unnamed(instance.name().to_owned())
        }
    })
}

pub(crate) fn keys(pause: &Pause) -> Vec<String> {
    match &pause.scope {
        Scope::All => vec!["*".to_owned()],
        Scope::Domains(domains) => domains.clone(),
    }
}
