//! `apply`: today's cap in force, or everything back as it was.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::SecondsFormat;
use cli::{Context, Failure, Outcome, replace_file};
use guarded::{Links, Lock, Place, Program};
use postfix::config::Instance;
use postfix::escape;
use warmup::applied::{Change, Entry, Journal, SCHEMA};
use warmup::plan::Plan;
use warmup::render::applied as render;
use warmup::status::{Status, Verdict};

use crate::args::Apply;
use crate::saved;
use crate::standing;

/// How long a command of Postfix may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most bytes of what it says.
const MOST_SAID: usize = 1 << 20;
/// The most bytes of a journal: years of nights.
const MOST_JOURNAL: u64 = 64 << 20;

pub(crate) fn run(args: &Apply, cx: &Context) -> anyhow::Result<Outcome> {
    if !cx.root().is_this_host() && !args.dry_run {
        return Err(
            Failure::new("apply changes this host's Postfix, not that of an image")
                .hint("use --dry-run to show what it would do")
                .into(),
        );
    }
    let standing = standing::judge(
        cx,
        &args.instances.instances,
        args.rules.as_deref(),
        args.log_source.preference(),
    )?;
    let mut needs_person = !standing.problems.is_empty();
    let mut text = String::new();
    for (instance, plan, status) in &standing.all {
        let Some(plan) = plan else {
            return Err(
                Failure::new(format!("no plan is saved for {}", instance.name()))
                    .hint("make one with relay-warmup plan INSTANCE --volume N/day")
                    .into(),
            );
        };
        let one = One {
            args,
            cx,
            instance,
            plan,
        };
        let done = match args.undo {
            true => one.undo()?,
            false => one.apply(status)?,
        };
        needs_person |= done.needs_person;
        if done.needs_person || done.has_changed || !cx.is_quiet() {
            text.push_str(&done.text);
        }
    }
    cx.print(text.as_bytes())?;
    cx.problems(&standing.problems);
    Ok(match needs_person {
        true => Outcome::Partial,
        false => Outcome::Done,
    })
}

/// What became of an instance.
struct Done {
    text: String,
    has_changed: bool,
    needs_person: bool,
}

struct One<'a> {
    args: &'a Apply,
    cx: &'a Context,
    instance: &'a Instance,
    plan: &'a Plan,
}

impl One<'_> {
    fn apply(&self, status: &Status) -> anyhow::Result<Done> {
        let name = self.instance.name();
        let why = status.why.join("; ");
        let verdict = status.verdict.as_str();
        let as_it_is = |what: &str, needs_person| Done {
            text: render::line(name, &format!("{verdict} ({why}): {what}")),
            has_changed: false,
            needs_person,
        };
        let today = host::history::today(self.cx.site());
        let level = status
            .level
            .and_then(|at| Some((at, self.plan.levels.get(at)?)));
        let (at, level) = match level {
            _ if status.verdict == Verdict::Unknown => {
                return Ok(as_it_is("nothing is changed", true));
            }
            _ if status.is_warm => {
                let what = format!(
                    "nothing is changed; to remove the limits: relay-warmup apply {name} --undo"
                );
                return Ok(as_it_is(&what, true));
            }
            _ if today < self.plan.order.start => {
                return Ok(as_it_is("nothing is changed before then", false));
            }
            Some(level) => level,
            None => return Ok(as_it_is("nothing is changed", true)),
        };
        let (_lock, mut journal) = self.journal()?;
        self.refuse_meddled(&journal)?;
        let wanted = self.plan.settings(level);
        let changes: Vec<Change> = wanted
            .into_iter()
            .map(|(name, after)| Change {
                before: self.now(&name),
                name,
                after: Some(after),
            })
            .filter(|change| change.before != change.after)
            .collect();
        let zone = self.plan.zone_lines(level);
        let is_interrupted = journal.last().is_some_and(|last| !last.is_done);
        let zone_was = journal.last().map(|last| last.zone.clone());
        let entry = Entry {
            level: Some(at + 1),
            cap: Some(level.level.cap),
            zone: zone.clone(),
            ..self.entry(changes)
        };
        let is_new_zone = zone_was.as_ref() != Some(&zone) && !zone.is_empty();
        // Nothing of Postfix may have to be changed while the zone is.
        let is_new = !entry.changes.is_empty() || is_interrupted || is_new_zone;
        if is_new {
            self.carry_out(&mut journal, &entry)?;
        }
        let is_lowest_and_bad = status.is_stuck;
        let head = format!(
            "{verdict} ({why}): level {}, {} a day",
            at + 1,
            level.level.cap
        );
        let mut text = render::line(name, &format!("{head}, {}", self.what_is_done(is_new)));
        text.push_str(&render::changes(&entry.changes));
        if is_new_zone {
            text.push_str(&render::zone(&zone));
        }
        Ok(Done {
            text,
            has_changed: is_new,
            needs_person: is_new_zone || is_lowest_and_bad,
        })
    }

    fn undo(&self) -> anyhow::Result<Done> {
        let name = self.instance.name();
        let (_lock, mut journal) = self.journal()?;
        self.refuse_meddled(&journal)?;
        let entry = self.entry(journal.undo(|name| self.now(name)));
        let is_new = journal.last().is_some();
        if is_new {
            self.carry_out(&mut journal, &entry)?;
        }
        let what = match is_new {
            true => format!("as it was before the warm-up, {}", self.what_is_done(true)),
            false => "nothing was applied that could be undone".to_owned(),
        };
        let mut text = render::line(name, &what);
        text.push_str(&render::changes(&entry.changes));
        Ok(Done {
            text,
            has_changed: is_new,
            needs_person: false,
        })
    }

    fn what_is_done(&self, is_new: bool) -> &'static str {
        match (self.args.dry_run, is_new) {
            (true, true) => "to be applied",
            (false, true) => "applied",
            (_, false) => "already in force",
        }
    }

    fn entry(&self, changes: Vec<Change>) -> Entry {
        let time = self.cx.zone().at(self.cx.now());
        Entry {
            schema: SCHEMA.to_owned(),
            time: time.map_or_else(String::new, |time| {
                time.to_rfc3339_opts(SecondsFormat::Secs, true)
            }),
            level: None,
            cap: None,
            is_done: false,
            changes,
            zone: Vec::new(),
        }
    }

    /// What a setting is now, as it is written.
    fn now(&self, name: &str) -> Option<String> {
        saved::setting(self.cx, self.instance, name)
    }

    /// The journal, and the lock that it is held by; none where nothing is to be changed.
    fn journal(&self) -> anyhow::Result<(Option<Lock>, Journal)> {
        let path = self.journal_path();
        let cannot = |e| Failure::io("cannot read the journal", &path, e);
        let lock = match self.args.dry_run {
            true => None,
            false => {
                let place = self.place()?.beside(".lock");
                Some(
                    place
                        .lock(Duration::from_secs(30))
                        .map_err(|e| Failure::new(e.to_string()))?,
                )
            }
        };
        let text = match guarded::read_text(&path, MOST_JOURNAL) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(cannot(e).into()),
        };
        let journal = Journal::read(&path, &text).map_err(|problem| {
            Failure::new(problem.to_string()).hint(format!(
                "check it; to begin a new one: mv {0} {0}.old",
                path.display()
            ))
        })?;
        Ok((lock, journal))
    }

    fn journal_path(&self) -> PathBuf {
        saved::path(self.cx, self.instance.name()).with_extension("applied.jsonl")
    }

    fn place(&self) -> anyhow::Result<Place> {
        let path = self.journal_path();
        Ok(Place::make(self.cx.root().dir(), &path, Links::Ours)
            .map_err(|e| Failure::io("cannot write the journal", &path, e))?)
    }

    /// # Errors
    /// Others have changed what was put in force: they would do so again, or meant to.
    fn refuse_meddled(&self, journal: &Journal) -> anyhow::Result<()> {
        let meddled = journal.meddled(|name| self.now(name));
        if self.args.force || meddled.is_empty() {
            return Ok(());
        }
        let set = |value: &Option<String>| match value {
            Some(value) => format!("\"{}\"", escape(value)),
            None => "not set".to_owned(),
        };
        let told: Vec<String> = meddled
            .iter()
            .map(|one| {
                format!(
                    "{} is {}, not {} as of {}",
                    one.name,
                    set(&one.found),
                    set(&one.put),
                    one.time
                )
            })
            .collect();
        let name = self.instance.name();
        Err(Failure::new(format!(
            "{name}: refused, because others have changed what was applied: {}",
            told.join("; ")
        ))
        .hint(format!("if a configuration manager does this, give it the settings of relay-warmup show {name} --format \
            text; use --force to apply them again"))
        .into())
    }

    /// Changes Postfix, with the entry in the journal before and after.
    fn carry_out(&self, journal: &mut Journal, entry: &Entry) -> anyhow::Result<()> {
        if self.args.dry_run {
            return Ok(());
        }
        let place = self.place()?;
        journal.entries.push(entry.clone());
        replace_file(&place, journal.text()?.as_bytes())?;
        self.change(&entry.changes)?;
        let wrong: Vec<&Change> = entry
            .changes
            .iter()
            .filter(|change| self.read_back(change) != change.after)
            .collect();
        if let Some(change) = wrong.first() {
            return Err(Failure::new(format!(
                "{}: {} is not what postconf was asked to set",
                self.instance.name(),
                change.name
            ))
            .hint("run relay-warmup apply again, or --undo to restore what was")
            .into());
        }
        if let Some(last) = journal.entries.last_mut() {
            last.is_done = true;
        }
        replace_file(&place, journal.text()?.as_bytes())
    }

    /// As it is after the change.
    fn read_back(&self, change: &Change) -> Option<String> {
        let host = host::instances::discover(self.cx.site());
        let mut all = host.value.instances().iter();
        let instance =
            all.find(|instance| instance.config_directory() == self.instance.config_directory())?;
        saved::setting(self.cx, instance, &change.name)
    }

    fn change(&self, changes: &[Change]) -> anyhow::Result<()> {
        let is_of_master = |change: &&Change| change.name.contains('/');
        let set = |change: &Change| Some(format!("{}={}", change.name, change.after.as_deref()?));
        let of_main = || changes.iter().filter(|change| !is_of_master(change));
        let edited: Vec<String> = of_main().filter_map(set).collect();
        let removed: Vec<&String> = of_main()
            .filter(|c| c.after.is_none())
            .map(|c| &c.name)
            .collect();
        let fields = changes.iter().filter(is_of_master).map(|change| {
            let value = change.after.as_deref().unwrap_or("-");
            format!("{}={value}", change.name)
        });
        let fields: Vec<String> = fields.collect();
        if !edited.is_empty() {
            self.postfix("postconf", "-e", &edited)?;
        }
        if !removed.is_empty() {
            self.postfix("postconf", "-X", &removed)?;
        }
        if !fields.is_empty() {
            self.postfix("postconf", "-F", &fields)?;
        }
        let is_running = host::machine::master(self.cx.root(), self.instance);
        match is_running {
            Ok(None) => {
                self.cx.note(format!(
                    "{} is not running: nothing to reload",
                    self.instance.name()
                ));
                Ok(())
            }
            _ => self.postfix("postfix", "reload", &[] as &[&str]),
        }
    }

    fn postfix(
        &self,
        program: &str,
        word: &str,
        arguments: &[impl AsRef<std::ffi::OsStr>],
    ) -> anyhow::Result<()> {
        let directory = self.instance.get("command_directory");
        let directory = match Path::new(&directory).is_absolute() {
            true => directory,
            false => "/usr/sbin".to_owned(),
        };
        let path = Path::new(&directory).join(program);
        let cannot = || format!("cannot change {}: {program} {word}", self.instance.name());
        let hint = "fix that and run relay-warmup apply again, or --undo to restore what was";
        let said = Program::new(&path, PATIENCE)
            .arg("-c")
            .arg(self.instance.config_directory())
            .arg(word)
            .args(arguments)
            .run(MOST_SAID)
            .map_err(|e| Failure::new(cannot()).because(e).hint(hint))?;
        match said.ended.status.success() {
            true => Ok(()),
            false => Err(
                Failure::new(format!("{}: {}", cannot(), escape(&said.ended.reason())))
                    .hint(hint)
                    .into(),
            ),
        }
    }
}
