//! `apply`: today's cap in force, or everything back as it was.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::Duration;

use chrono::SecondsFormat;
use cli::{Context, Failure, Outcome, replace_file};
use guarded::{Links, Lock, Place};
use postfix::config::Instance;
use postfix::{Problem, escape};
use warmup::applied::{AppliedRun, Change, Journal, SCHEMA};
use warmup::plan::Plan;
use warmup::render::applied::{self as render, Act, State};
use warmup::status::{Status, Verdict};

use crate::args::{Apply, ApplyFormat};
use crate::saved;
use crate::standing::{self, Judged};

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
    let acts = act_on_all(args, cx, &standing)?;
    show(args, cx, &standing.problems, &acts)?;
    cx.problems(&standing.problems);
    let needs_person = acts.iter().any(|act| act.needs_person);
    Ok(match needs_person || !standing.problems.is_empty() {
        true => Outcome::Partial,
        false => Outcome::Done,
    })
}

/// What was done at each instance. Failures are reported.
///
/// # Errors
/// Nothing was changed at all: the last failure.
fn act_on_all(args: &Apply, cx: &Context, standing: &Judged) -> anyhow::Result<Vec<Act>> {
    let mut acts = Vec::new();
    let mut failures = Vec::new();
    for ((instance, plan, status), open) in standing.all.iter().zip(&standing.open) {
        let one = One {
            args,
            cx,
            instance,
            plan: plan.as_ref(),
            has_begun: Cell::new(false),
        };
        let done = match args.undo {
            true => one.undo(),
            false => one.apply(status),
        };
        match done {
            Ok(act) => {
                if !args.undo && act.has_changed() && rests_on_log(status) {
                    one.warn_of_open_log(open.as_deref());
                }
                acts.push(act);
            }
            Err(e) => {
                acts.push(one.failed(&e));
                failures.push((e, one.has_begun.get()));
            }
        }
    }
    let is_one_in_force = failures.len() < acts.len() || failures.iter().any(|(_, begun)| *begun);
    let last = match is_one_in_force {
        true => None,
        // Nothing was changed at all.
        false => failures.pop(),
    };
    for (e, _) in &failures {
        cx.failed(e);
    }
    match last {
        Some((e, _)) => Err(e),
        None => Ok(acts),
    }
}

/// Does the log decide it?
fn rests_on_log(status: &Status) -> bool {
    matches!(
        status.verdict,
        Verdict::GoOn | Verdict::StepBack | Verdict::WarmAgain
    )
}

fn show(args: &Apply, cx: &Context, problems: &[Problem], acts: &[Act]) -> anyhow::Result<()> {
    match args.format {
        ApplyFormat::Table => {
            let is_shown = |act: &&Act| {
                act.state != State::Failed
                    && (act.needs_person || act.has_changed() || !cx.is_quiet())
            };
            let shown = acts.iter().filter(is_shown);
            let shown: String = shown.map(|act| render::text(act, cx.width())).collect();
            cx.print(shown.as_bytes())
        }
        ApplyFormat::Json => cx.print_with(|out| {
            let at = (cx.now(), cx.zone());
            render::json(out, cx.host(), at, acts, problems)
        }),
    }
}

pub(crate) struct One<'a> {
    args: &'a Apply,
    pub(crate) cx: &'a Context,
    pub(crate) instance: &'a Instance,
    plan: Option<&'a Plan>,
    /// The journal has what is to be changed: something may be.
    has_begun: Cell<bool>,
}

impl One<'_> {
    fn plan(&self) -> anyhow::Result<&Plan> {
        let name = self.instance.name();
        self.plan.ok_or_else(|| {
            Failure::new(format!("no plan is saved for {name}"))
                .hint("make one with relay-warmup plan INSTANCE --volume N/day")
                .into()
        })
    }

    fn apply(&self, status: &Status) -> anyhow::Result<Act> {
        let plan = self.plan()?;
        let name = self.instance.name();
        let why = status.why.join("; ");
        let verdict = status.verdict.as_str();
        let as_it_is = |what: &str, needs_person| Act {
            verdict: Some(verdict),
            needs_person,
            ..self.act(State::Unchanged, format!("{verdict} ({why}): {what}"))
        };
        let level = status.level.and_then(|at| Some((at, plan.levels.get(at)?)));
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
            _ if host::history::today(self.cx.site()) < plan.order.start => {
                return Ok(as_it_is("nothing is changed before then", false));
            }
            Some(level) => level,
            None => return Ok(as_it_is("nothing is changed", true)),
        };
        let (_lock, mut journal) = self.journal()?;
        self.refuse_meddled(&journal)?;
        let changes = self.changes_to(plan.settings(level));
        let zone = plan.zone_lines(level);
        let is_interrupted = journal.last().is_some_and(|last| !last.is_done);
        // Of one that did not end well, nobody has seen the lines.
        let done = journal.last().filter(|last| last.is_done);
        let zone_was = done.map(|last| last.zone.clone());
        let entry = AppliedRun {
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
        let (state, done) = self.what_is_done(is_new);
        let cap = level.level.cap;
        let text = format!("{verdict} ({why}): level {}, {cap} a day, {done}", at + 1);
        Ok(Act {
            verdict: Some(verdict),
            level: entry.level,
            cap: entry.cap,
            changes: entry.changes,
            zone: if is_new_zone { zone } else { Vec::new() },
            needs_person: is_new_zone || is_lowest_and_bad,
            ..self.act(state, text)
        })
    }

    /// What is to be changed so that the settings are as `wanted`.
    fn changes_to(&self, wanted: Vec<(String, String)>) -> Vec<Change> {
        wanted
            .into_iter()
            .map(|(name, after)| Change {
                before: self.now(&name),
                name,
                after: Some(after),
            })
            .filter(|change| change.before != change.after)
            .collect()
    }

    /// `open`: why anybody may have written the log, if so.
    fn warn_of_open_log(&self, open: Option<&str>) {
        if let Some(why) = open {
            let name = self.instance.name();
            self.cx.warn(format!(
                "{name}: this rests on its log; {why}; see relay-warmup(8), APPLY"
            ));
        }
    }

    fn undo(&self) -> anyhow::Result<Act> {
        self.plan()?;
        let (_lock, mut journal) = self.journal()?;
        self.refuse_meddled(&journal)?;
        if journal.last().is_none() {
            let what = "nothing was applied that could be undone".to_owned();
            return Ok(self.act(State::Unchanged, what));
        }
        let entry = self.entry(journal.undo(|name| self.now(name)));
        self.carry_out(&mut journal, &entry)?;
        let (state, done) = self.what_is_done(true);
        Ok(Act {
            changes: entry.changes,
            ..self.act(state, format!("as it was before the warm-up, {done}"))
        })
    }

    fn act(&self, state: State, text: String) -> Act {
        Act {
            instance: self.instance.name().to_owned(),
            state,
            verdict: None,
            text,
            level: None,
            cap: None,
            changes: Vec::new(),
            zone: Vec::new(),
            needs_person: false,
        }
    }

    fn failed(&self, error: &anyhow::Error) -> Act {
        Act {
            needs_person: true,
            ..self.act(State::Failed, format!("{error:#}"))
        }
    }

    fn what_is_done(&self, is_new: bool) -> (State, &'static str) {
        match (self.args.dry_run, is_new) {
            (true, true) => (State::ToBeApplied, "to be applied"),
            (false, true) => (State::Applied, "applied"),
            (_, false) => (State::InForce, "already in force"),
        }
    }

    fn entry(&self, changes: Vec<Change>) -> AppliedRun {
        let time = self.cx.zone().at(self.cx.now());
        AppliedRun {
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
        let texts: Vec<String> = meddled
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
            texts.join("; ")
        ))
        .hint(format!("if a configuration manager does this, give it the settings of relay-warmup show {name} --format \
            text; use --force to apply them again"))
        .into())
    }

    /// Changes Postfix, with the entry in the journal before and after.
    fn carry_out(&self, journal: &mut Journal, entry: &AppliedRun) -> anyhow::Result<()> {
        if self.args.dry_run {
            return Ok(());
        }
        let place = self.place()?;
        self.refuse_unended()?;
        self.refuse_in_vain()?;
        journal.entries.push(entry.clone());
        replace_file(&place, journal.text()?.as_bytes())?;
        self.has_begun.set(true);
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
}
