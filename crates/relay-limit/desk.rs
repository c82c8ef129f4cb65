//! The journal, read and written under the lock; the clock; who works here.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cli::syslog::Syslog;
use cli::{Context, Failure};
use guarded::Links;
use limits::{DIRECTORY, Journal, JournalEntry, Limit, Record, Standing};
use postfix::config::{Host, Instance};
use postfix::{Parsed, Problem, Span, Time};
use transfer::{Fs, NoHook};

use crate::mapped;

/// How long another relay-limit is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// The time, to the second: as the journal keeps it.
pub(crate) struct Clock {
    start: Time,
    begun: Instant,
}

impl Clock {
    pub(crate) fn new(cx: &Context) -> Self {
        Self {
            start: cx.now(),
            begun: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> Time {
        Time::from_seconds(self.exact().seconds())
    }

    /// The same, not rounded.
    pub(crate) fn exact(&self) -> Time {
        let since = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(0);
        self.start.plus(Span::from_micros(since))
    }
}

/// Where the host's journal is, as this machine names it.
pub(crate) fn directory(cx: &Context) -> PathBuf {
    cx.root().under(Path::new(DIRECTORY))
}

/// Reads the journal without the lock, to show what it says. What cannot be read of it comes back beside it.
pub(crate) fn look(cx: &Context) -> anyhow::Result<Parsed<Journal>> {
    let directory = directory(cx);
    let path = Journal::path(&directory);
    let read = Journal::read(&directory);
    let mut read = read.map_err(|e| Failure::io("cannot read the journal", &path, e))?;
    if read.value.limits.iter().any(Standing::is_open) {
        mapped::as_named(cx, &mut read.value);
    }
    Ok(read)
}

/// The same, with the instances that could not be read: in whose maps nobody has looked, there may be lines of ours.
pub(crate) fn look_with(cx: &Context, host: &Parsed<Host>) -> anyhow::Result<Parsed<Journal>> {
    let mut read = look(cx)?;
    let is_of_read = |problem: &&Problem| {
        let mut all = host.value.instances().iter();
        all.any(|instance| instance.problems().contains(problem))
    };
    let unseen = host.problems.iter().filter(|p| !is_of_read(p));
    read.problems.extend(unseen.cloned());
    Ok(read)
}

/// The journal under the lock. To be held for as long as files are changed, and no longer.
pub(crate) struct Desk<'a> {
    pub(crate) journal: Journal,
    /// What could not be read of it.
    pub(crate) problems: Vec<Problem>,
    directory: PathBuf,
    clock: &'a Clock,
    _lock: guarded::Lock,
}

impl<'a> Desk<'a> {
    /// Takes the lock, and reads the journal.
    pub(crate) fn open(cx: &Context, clock: &'a Clock) -> anyhow::Result<Self> {
        let directory = directory(cx);
        let lock = lock(cx, &directory)?;
        let Parsed { value, problems } = look(cx)?;
        Ok(Self {
            journal: value,
            problems,
            directory,
            clock,
            _lock: lock,
        })
    }

    /// The name of a new limit. Between plan and lock, another may have taken the one that it had.
    pub(crate) fn free_id(&self, limit: &Limit) -> String {
        match self.journal.limit(&limit.id) {
            Some(_) => self.journal.new_id(&limit.instance, &limit.id),
            None => limit.id.clone(),
        }
    }

    /// Appends to the journal; on disk when this returns.
    pub(crate) fn write(&mut self, entries: Vec<JournalEntry>) -> anyhow::Result<()> {
        let at = self.clock.now();
        let record = |entry| Record { at, entry };
        let records: Vec<Record> = entries.into_iter().map(record).collect();
        let written = self
            .journal
            .append(Fs::new(&NoHook), &self.directory, &records);
        let path = Journal::path(&self.directory);
        Ok(written.map_err(|e| Failure::io("cannot write the journal", &path, e))?)
    }
}

/// Takes the lock, for which another is waited: it only changes files.
fn lock(cx: &Context, directory: &Path) -> anyhow::Result<guarded::Lock> {
    let path = directory.join("lock");
    let place = guarded::Place::make(cx.root().dir(), &path, Links::Never);
    let place = place.map_err(|e| Failure::io("cannot lock", &path, e))?;
    place.lock(PATIENCE).map_err(|e| {
        Failure::new(e.to_string())
            .hint("wait until it has ended; relay-limit list shows what is in force")
            .into()
    })
}

/// Only root may do it, and only on this machine.
pub(crate) fn must_be_able(cx: &Context, instead: &str) -> anyhow::Result<()> {
    if !cx.root().is_this_host() {
        return Err(
            Failure::new("--root: another host's Postfix cannot be changed from here")
                .hint(instead)
                .into(),
        );
    }
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    let hint = format!("run it as root; {instead}");
    Err(Failure::new("only root may change what Postfix does")
        .hint(hint)
        .into())
}

/// What its configuration says must be all there.
pub(crate) fn must_be_sound(instance: &Instance) -> anyhow::Result<()> {
    match instance.problems().first() {
        None => Ok(()),
        Some(problem) => {
            let name = instance.name();
            let what = format!("{name}: its configuration is not reliable: {problem}");
            Err(Failure::new(what)
                .hint("fix its main.cf: postfix check")
                .into())
        }
    }
}

pub(crate) fn syslog(cx: &Context) -> Syslog {
    Syslog::open(cx, "relay-limit")
}

/// A time as people read it, with its offset from UTC: `2026-11-24 14:00 +0100`.
pub(crate) fn readable(cx: &Context, at: Time) -> String {
    let time = cx.zone().at(at);
    time.map_or_else(
        || at.seconds().to_string(),
        |time| time.format("%Y-%m-%d %H:%M %z").to_string(),
    )
}
