//! Maps and parameters are made to say what the journal says, and limits that are over are closed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use cli::{Context, Outcome};
use host::machine::Process;
use limits::{Ending, JournalEntry, Limit, Standing};
use postfix::config::Host;
use postfix::{Parsed, Time};

use crate::desk::{self, Clock, Desk};
use crate::ending;
use crate::mapped::{self, MappedInstance};
use crate::parameters::{self, Way};
use crate::processes;
use crate::upkeep;
use crate::waiting::{self, Force};

/// Who ends what is due.
const BY: &str = "relay-limit tick";

/// That a limit has ended.
pub(crate) fn end(one: &Standing, how: Ending) -> JournalEntry {
    JournalEntry::End {
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
    cx.problems(&desk.problems);
    let limits = desk.journal.limits.iter();
    let open = limits.filter(|one| one.is_open() && mine(one));
    let open: Vec<Standing> = open.cloned().collect();
    let mut run = Run {
        cx,
        clock,
        host,
        outcome: match desk.problems.is_empty() {
            true => Outcome::Done,
            false => Outcome::Partial,
        },
        lines: Vec::new(),
        over: Vec::new(),
        begun: Vec::new(),
        in_order: BTreeSet::new(),
    };
    let of_limits = open.iter().map(|one| &one.limit.config_directory);
    let directories: BTreeSet<&PathBuf> = of_limits.chain(strays).collect();
    for directory in directories {
        let of_it = open.iter();
        let of_it = of_it.filter(|one| one.limit.config_directory == *directory);
        let of_it: Vec<&Standing> = of_it.collect();
        run.put_in_order(&mut desk, directory, (&of_it, strays.contains(directory)));
    }
    drop(desk);
    let written = Instant::now();
    run.see_rates()?;
    for one in open.iter().filter(|one| is_unseen(one, clock.now())) {
        // Where the map could not be put in order, another pause's line may be what answers.
        if run.in_order.contains(&one.limit.config_directory) {
            see(cx, clock, host, one)?;
        }
    }
    run.close(flush, written)?;
    cx.print_lines(&run.lines)?;
    Ok(run.outcome)
}

/// What was done so far.
struct Run<'r> {
    cx: &'r Context,
    clock: &'r Clock,
    host: &'r Parsed<Host>,
    outcome: Outcome,
    lines: Vec<String>,
    /// The limits that are over, and of which no map says anything any more.
    over: Vec<Standing>,
    begun: Vec<Beginning>,
    /// The directories whose maps say what they should.
    in_order: BTreeSet<PathBuf>,
}

impl Run<'_> {
    fn failed(&mut self, why: String) {
        self.outcome = Outcome::Partial;
        self.cx.warn(why);
    }

    /// Makes the parameters and the maps of one instance say what the journal says. `is_stray`: something of ours is
    /// left in its maps.
    fn put_in_order(
        &mut self,
        desk: &mut Desk<'_>,
        directory: &Path,
        (limits, is_stray): (&[&Standing], bool),
    ) {
        let (cx, clock, host) = (self.cx, self.clock, self.host);
        let begins = beginning(cx, clock, host, limits);
        // A pause ends also where a rate cannot be put back, and the other way round.
        let rated = rates(cx, clock, desk, (host, directory), limits);
        let is_rated = rated.is_ok();
        match rated {
            Ok(()) => self.begun.extend(begins),
            Err(why) => self.failed(format!("{}: {why:#}", directory.display())),
        }
        let at = at(cx, clock, host, desk, directory, (limits, is_stray));
        let is_over =
            |one: &&Standing| !one.holds(clock.now()) && (is_rated || one.limit.rate().is_none());
        let over = limits.iter().copied().filter(is_over);
        match at {
            Ok(At::Kept(done)) => {
                self.in_order.insert(directory.to_owned());
                let warnings = done.warnings.iter().chain(&done.unloaded);
                warnings.for_each(|warning| cx.warn(warning));
                if is_stray {
                    self.lines.push(format!(
                        "{}: lines of pauses that are over, or that the journal does not know, were removed",
                        directory.join(limits::setup::NAME).display()
                    ));
                }
                // What Postfix has not loaded is not over.
                let is_loaded = done.unloaded.is_none();
                if !is_loaded {
                    self.outcome = Outcome::Partial;
                }
                let over = over.filter(|one| is_loaded || one.limit.rate().is_some());
                self.over.extend(over.cloned());
            }
            Ok(At::Unnamed(name)) => {
                // What no table is asked about does not hold. The map is put in order when it was named again.
                self.over.extend(over.cloned());
                if limits.iter().any(|one| one.holds(clock.now())) {
                    self.failed(format!(
                        "{name}: nothing is in force: transport_maps no longer names the map; see \
                        relay-limit setup {name}"
                    ));
                }
            }
            Ok(At::Gone) => self.lines.push(format!(
                "{}: the instance is gone, and its limits with it",
                directory.display()
            )),
            Err(why) => self.failed(format!("{}: {why:#}", directory.display())),
        }
    }

    /// Waits for the queue managers that begin with new rates, and writes down those that were seen.
    fn see_rates(&mut self) -> anyhow::Result<()> {
        for one in std::mem::take(&mut self.begun) {
            let instance = mapped::of_directory(&self.host.value, &one.limit.config_directory);
            let seen = instance
                .map(|instance| waiting::until_restarted(self.cx, instance, "qmgr", &one.before));
            if let Some(Force::Holds(_)) = seen {
                let id = one.limit.id.clone();
                Desk::open(self.cx, self.clock)?.write(vec![JournalEntry::InForce { id }])?;
            }
        }
        Ok(())
    }

    /// Closes what is over, once Postfix no longer goes by it; maps were `written` then.
    fn close(&mut self, flush: bool, written: Instant) -> anyhow::Result<()> {
        let syslog = desk::syslog(self.cx);
        for one in std::mem::take(&mut self.over) {
            match ending::closed(self.cx, self.clock, self.host, &one, (flush, written))? {
                Ok(line) => {
                    syslog.say(self.clock.now(), &line);
                    self.lines.push(line);
                }
                Err(why) => self.failed(format!("{why}; relay-limit tick looks again")),
            }
        }
        Ok(())
    }
}

/// A pause whose command has ended, or was killed, without having seen it in force.
fn is_unseen(one: &Standing, now: Time) -> bool {
    let is_alone = now.since(one.limit.begun) > waiting::ALONE;
    one.limit.pause().is_some() && one.in_force.is_none() && one.holds(now) && is_alone
}

/// Looks whether Postfix goes by it, and writes that down.
fn see(cx: &Context, clock: &Clock, host: &Parsed<Host>, one: &Standing) -> anyhow::Result<()> {
    let instance = mapped::of_directory(&host.value, &one.limit.config_directory);
    let mapped = instance.and_then(|instance| MappedInstance::of(cx, instance));
    if let (Some(mapped), Some(pause)) = (mapped, one.limit.pause())
        && waiting::is_paused(cx, &mapped, pause, clock.now())
    {
        let id = one.limit.id.clone();
        Desk::open(cx, clock)?.write(vec![JournalEntry::InForce { id }])?;
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
        let instance = mapped::of_directory(&host.value, &one.limit.config_directory)?;
        Some(Beginning {
            limit: one.limit.clone(),
            before: processes::of_program(cx, instance, "qmgr"),
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
    if mapped::of_directory(&host.value, directory).is_none() {
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
        let note = |text| JournalEntry::Note {
            id: one.limit.id.clone(),
            text,
        };
        let notes: Vec<JournalEntry> = new.into_iter().map(note).collect();
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
    let Some(instance) = mapped::of_directory(&host.value, directory) else {
        // One that cannot be read is not gone.
        if cx.root().under(directory).join("main.cf").exists() {
            anyhow::bail!("its configuration cannot be read now");
        }
        let mut entries = Vec::new();
        for one in limits {
            if one.ended.is_none() {
                entries.push(end(one, Ending::Gone));
            }
            entries.push(JournalEntry::Closed {
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
    Ok(match MappedInstance::of(cx, instance) {
        Some(mapped) => At::Kept(upkeep::keep(cx, &mapped, &desk.journal, clock.now())?),
        None => {
            if let Some(mapped) = MappedInstance::of_access(cx, instance) {
                upkeep::keep(cx, &mapped, &desk.journal, clock.now())?;
            }
            At::Unnamed(instance.name().to_owned())
        }
    })
}
