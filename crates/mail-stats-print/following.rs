//! `--follow-state`: what is new in the logs since the last run, and the counters of all runs.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cli::{Context, Failure, Outcome, cannot_write, replace_file};
use figures::mail_stats::{Dimension, Frame};
use figures::totals::{DIMENSIONS, Totals};
use guarded::{Kind, Links, Lock, LockError, Place};
use host::logs::{LogScope, Selection, gaps, read_new, refused, source_of};
use postfix::Time;
use postfix::log::{Event, Scope, Sink, Wanted};
use show::totals::write as write_totals;

use crate::args::Format;
use crate::counting::Counting;
use crate::{Run, check, follow_logs, left_out, output, report_readings};

/// The most bytes of a state: many times what the counters of a host come to.
const MOST_STATE: u64 = 64 << 20;

/// Counts for the totals, and for what is shown.
struct Both<'a> {
    all: Counting<'a>,
    /// Nothing is shown but the totals, with `--format prom`.
    new: Option<Counting<'a>>,
}

impl Sink for Both<'_> {
    fn event(&mut self, event: &Event<'_>) {
        self.all.event(event);
        if let Some(new) = &mut self.new {
            new.event(event);
        }
    }

    fn counts(&mut self, tag: &[u8], time: Option<Time>) -> bool {
        self.all.counts(tag, time)
    }

    fn knows(&self, tag: &[u8]) -> bool {
        self.all.knows(tag)
    }

    fn fork(&self) -> Option<Self> {
        Some(self.later())
    }

    fn join(&mut self, later: Self) {
        self.all.join(later.all);
        if let Some((mine, theirs)) = self.new.as_mut().zip(later.new) {
            mine.join(theirs);
        }
    }
}

impl Both<'_> {
    /// Nothing counted yet of a later part of the logs.
    fn later(&self) -> Self {
        Self {
            all: self.all.later(),
            new: self.new.as_ref().map(Counting::later),
        }
    }
}

impl LogScope for Both<'_> {
    fn scope(&mut self, scope: Scope) {
        if let Some(new) = &mut self.new {
            new.scope(scope.clone());
        }
        self.all.scope(scope);
    }
}

/// Counts on from where the run before stopped. `selection` is what is shown; everything is counted.
pub(crate) fn follow(run: &Run<'_>, state: &Path, format: Format) -> anyhow::Result<Outcome> {
    let (args, cx, selection) = (run.args, run.cx, run.selection);
    refuse(&args.by, format)?;
    let state = &Place::kept(state, Links::Ours)
        .map_err(|e| cannot_write("--follow-state: cannot use", state, e))?;
    refuse_stream(state)?;
    let _lock = lock(state)?;
    let mut totals = load(cx, state)?;
    // Before the state goes on: what is new is shown once.
    let mut out = match format {
        Format::Prom => cx.metrics()?,
        _ => cx.stream()?,
    };
    let everything = Selection::new(cx.site(), run.host, &[], args.names_its_logs())?;
    let (mut both, wanted) = nothing(run, &everything, format);
    let (is_first, before) = (totals.places.logs.is_empty(), totals.updated);
    let sets = follow_logs::sets(run, &everything)?;
    let read = read_new(
        cx.site(),
        &sets,
        (wanted, None),
        &mut totals.places,
        &mut both,
        Both::later,
    );
    let (readings, problems) = read.map_err(refused)?;
    // What the configuration lacks is printed by the caller.
    let mut all_problems = problems.clone();
    if !args.names_its_logs() {
        all_problems.extend_from_slice(&run.host.problems);
    }
    let count = all_problems.len();
    let frame = Frame {
        host: cx.host().to_owned(),
        since: (!is_first).then_some(before),
        until: Some(cx.now()),
        top: Some(args.top()),
        sources: sets.iter().map(source_of).collect(),
        problems: all_problems,
        gaps: gaps(&readings),
    };
    let unlimited = Frame {
        top: None,
        ..frame.clone()
    };
    let stats = both.all.tally.finish(unlimited);
    let is_configured = |name: &str| everything.syslog_names().any(|known| known == name);
    totals.add(&stats, run.tables.providers.all().len(), is_configured);
    totals.updated = cx.now();
    let known = totals.instances.keys().map(|name| name.as_bytes().to_vec());
    selection.check_all_seen(&known.collect())?;
    let mut shown = Vec::new();
    match both.new {
        Some(new) => output::render(&mut shown, format, cx, &new.tally.finish(frame))?,
        None => write_totals(&mut shown, &totals, show::totals::Run { problems: count })?,
    }
    let state_written = |()| replace_file(state, &totals.to_json()?);
    // A full disk is found before.
    let written = out.write_all(&shown).map_err(Into::into);
    written.and_then(state_written)?;
    out.finish()?;
    report_readings(cx, &readings);
    cx.problems(&problems);
    Ok(left_out(cx, stats.unread(), &stats.gaps))
}

/// Nothing counted yet, of everything and of what is new, and the lines that are needed for that.
fn nothing<'a>(run: &Run<'a>, everything: &'a Selection<'a>, format: Format) -> (Both<'a>, Wanted) {
    let settings = |by, delays, instances| Arc::new(run.settings(by, delays, instances));
    let expected = check::expected(run.args, everything);
    let shows_new = format != Format::Prom;
    let delays = shows_new && format != Format::Text;
    let both = Both {
        all: Counting::new(everything, settings(DIMENSIONS.to_vec(), false, expected)),
        new: shows_new.then(|| {
            let shown = settings(run.args.by.clone(), delays, run.selection.asked_for());
            Counting::new(run.selection, shown)
        }),
    };
    let wanted = Wanted {
        expired: true,
        relays: true,
        delays,
        times: run.args.by.iter().any(|by| by.is_time()),
        ..Wanted::default()
    };
    (both, wanted)
}

/// Breakdowns that would say something else than they seem to.
fn refuse(by: &[Dimension], format: Format) -> anyhow::Result<()> {
    if format == Format::Prom && !by.is_empty() {
        let what = "--by: the counters of --follow-state are always by provider and by reason";
        let hint = "leave out --by, or use another --format, such as table, for the figures of what is new";
        return Err(Failure::new(what).hint(hint).into());
    }
    if by.contains(&Dimension::SenderDomain) {
        let what = "--by sender-domain cannot be used with --follow-state: it reads only new lines, and the one that \
        names a message's sender may be older";
        let hint = "use --since 1h --by sender-domain instead";
        return Err(Failure::new(what).hint(hint).into());
    }
    Ok(())
}

/// A device or a pipe keeps nothing, and may be read for ever.
fn refuse_stream(state: &Place) -> anyhow::Result<()> {
    let path = state.path();
    let failed = |e| Failure::io("--follow-state: cannot read", path, e);
    match state.kind().map_err(failed)? {
        None | Some(Kind::File) => Ok(()),
        Some(_) => {
            let what = format!("--follow-state: {} is not a regular file", path.display());
            let hint = "name a file to keep the counters in: --follow-state /var/lib/relay-tools/follow.json";
            Err(Failure::new(what).hint(hint).into())
        }
    }
}

/// One run at a time uses a state: its lock is the file with `.lock` after the name, since the state itself is
/// replaced.
fn lock(state: &Place) -> anyhow::Result<Lock> {
    state
        .beside(".lock")
        .lock(Duration::ZERO)
        .map_err(|e| match e {
            LockError::Io(path, e) => Failure::io("cannot lock", &path, e).into(),
            held => {
                let (who, path) = (held.holder(), state.path().display());
                let hint =
                    "the next run will read what this one would have; give each job a FILE of its own";
                Failure::new(format!("{who} is using {path}"))
                    .hint(hint)
                    .into()
            }
        })
}

/// What the runs before left, or a beginning.
fn load(cx: &Context, state: &Place) -> anyhow::Result<Totals> {
    let name = state.path().display();
    let text = match state.read(MOST_STATE) {
        Ok(text) => text,
        Err(e) if guarded::is_absent(&e) => {
            cx.note(format!("{name}: new state, counters start at zero"));
            return Ok(Totals::new(cx.now()));
        }
        Err(e) => return Err(Failure::io("cannot read", state.path(), e).into()),
    };
    Totals::from_json(&text).map_err(|why| {
        let what = format!("cannot continue from {name}: {why}");
        Failure::new(what)
            .hint(format!(
                "to start afresh: mv {name} {name}.old; the counters then begin with the current logs, which \
                 Prometheus sees as a counter reset"
            ))
            .into()
    })
}
