//! A move: plan, question, journal, execution, verification.

use std::io::Write as _;
use std::path::Path;

use cli::{Context, Failure, Outcome};
use postfix::either;
use transfer::verify::Log;
use transfer::{Begin, Done, Move, MoveError, Side, State, Watch as _};

use crate::args::{Args, Format};
use crate::canary;
use crate::drip::{Clock, carry};
use crate::planning::{self, Course, Planned};
use crate::result::{self, Ran, to_line};
use crate::setup::{self, is_json};
use crate::syslog::Syslog;
use crate::text;
use crate::unfinished::moves_dir;
use crate::waiting::{self, Moved, Verified};
use crate::watch::{About, MoveWatch};

pub(crate) fn run(args: &Args, cx: &Context, from: &str, to: &str) -> anyhow::Result<Outcome> {
    let host = host::instances::discover(cx.site());
    setup::report(cx, &host.problems);
    let from = host::instances::select_one(cx.site(), &host, from)?;
    let to = host::instances::select_one(cx.site(), &host, to)?;
    let course = Course {
        host: &host.value,
        from,
        to,
        from_side: setup::spool_of(cx, from, args.manner.dry_run)?,
        to_side: setup::spool_of(cx, to, args.manner.dry_run)?,
        to_runs: setup::runs(cx, to)?,
    };
    if !args.manner.dry_run {
        setup::must_be_root()?;
    }
    let findings = course.findings(cx, args.cross_provider, args.manner.dry_run)?;
    if findings.iter().any(|finding| finding.refuses) {
        return Err(setup::refused(&findings));
    }
    // Before anything is changed: a result that has nowhere to go must not be the end of a move.
    let mut out = cx.stream()?;
    // From here on, no other queue-move takes mail out of FROM.
    let locks = match args.manner.dry_run {
        true => None,
        false => Some(setup::lock(
            cx,
            &[(&course.from_side, true), (&course.to_side, false)],
        )?),
    };
    // Under the lock: one who gives the move a name means to know it again by that.
    if let Some(name) = args.move_name.as_ref().filter(|name| is_there(cx, name)) {
        return Err(Failure::new(format!("there is a move called \"{name}\""))
            .hint(format!(
                "queue-move history {name}; queue-move resume {name}"
            ))
            .into());
    }
    let planned = planning::plan(args, cx, &course, findings)?;
    let (outcome, text) = if args.manner.dry_run || planned.count() == 0 {
        let partial = !args.manner.dry_run && planned.leaves_out();
        let planned_result = result::MoveResult::of_plan(&planned, args.manner.dry_run, None);
        let text = match is_json(args.format) {
            true => to_line(&planned_result),
            false => text::plan(&planned, cx.width()),
        };
        let outcome = if partial {
            Outcome::Partial
        } else {
            Outcome::Done
        };
        (outcome, text)
    } else {
        if !cx.is_quiet() || !args.manner.yes {
            cx.say(&text::plan(&planned, None));
        }
        if !args.manner.yes && !cx.confirm("Move it?", "--yes")? {
            return Err(Failure::new("nothing was changed: not confirmed").into());
        }
        execute(args, cx, &course, &planned)?
    };
    drop(locks);
    let name = text.lines().next().unwrap_or_default().to_owned();
    let written = out.write_all(text.as_bytes()).map_err(anyhow::Error::from);
    match written.and_then(|()| out.finish()) {
        Ok(()) => Ok(outcome),
        // What was done is done, and the journal has it.
        Err(e) if planned.count() > 0 && !args.manner.dry_run => {
            setup::unwritten(cx, &e, &name)?;
            Ok(Outcome::Partial)
        }
        Err(e) => Err(e),
    }
}

/// Carries the plan out, waits for TO's pickup, and tells the log.
fn execute(
    args: &Args,
    cx: &Context,
    course: &Course<'_>,
    planned: &Planned,
) -> anyhow::Result<(Outcome, String)> {
    let interrupts = cx.catch_interrupts()?;
    let now = setup::seconds(cx);
    let log = setup::log_of(cx, course.host, course.to, cx.now());
    let begin = Begin {
        name: args.move_name.clone().unwrap_or_else(|| name(now, planned)),
        started: now,
        started_microseconds: u32::try_from(cx.now().micros().rem_euclid(1_000_000)).unwrap_or(0),
        user: cli::person::user(),
        command: cli::person::command_line(),
        rate: args.pace.rate,
        keep_until: None,
        log: log.as_ref().and_then(Log::mark),
    };
    let wanted = canary::size(
        (&args.canary, &args.pace),
        course,
        planned.count(),
        log.as_ref(),
    )?;
    let syslog = Syslog::open(cx);
    let ids = planned.ids();
    let about = About {
        name: &begin.name,
        ids: &ids,
        to: course.to.name(),
    };
    let wake = course.to_runs.then_some(&course.to_side);
    let watch = MoveWatch::new(cx, &interrupts, wake, &syslog, about);
    watch.say(&format!(
        "{} from {} to {}, by {}",
        postfix::count(ids.len(), "message"),
        course.from.name(),
        course.to.name(),
        begin.user
    ));
    // Nothing of what has not been moved has been logged.
    let nothing = |_: &str| None;
    let means = setup::means(cx, &watch, &nothing);
    let dir = moves_dir(cx);
    let mut one = Move::begin(means, &dir, &planned.plan, begin.clone()).map_err(failed)?;
    let name = one.name().to_owned();
    let canary = match log.clone().filter(|_| wanted > 0) {
        Some(log) => {
            let size = (wanted, &args.canary, log);
            let may_ask = !args.manner.yes;
            let canary = canary::first(cx, (course, planned), size, &mut one, &watch, may_ask);
            canary.map(Some)
        }
        None => Ok(None),
    };
    let done = canary.and_then(|canary| {
        let is_stopped = canary.as_ref().is_some_and(|one| one.stopped.is_some());
        if is_stopped && !watch.interrupted() {
            one.leave("the canary was not delivered: --canary 0 moves without one")?;
        }
        let clock = args.pace.rate.map(|rate| Clock {
            rate,
            course,
            planned,
            log: log.clone(),
            patience: args.canary.canary_wait.duration(),
        });
        let done = carry(cx, one, clock, &watch)?;
        Ok((canary, done))
    });
    let (canary, (done, stopped)) = match done {
        Ok(done) => done,
        // Something may have been done: what, the journal knows.
        Err(e) => {
            let path = dir.join(format!("{name}.jsonl"));
            return half_way(cx, args.format, &path, (&e, &planned.unread));
        }
    };
    let mut verified = Verified::default();
    let messages = planned.plan.moves().map(|item| &item.message);
    let moved = Moved::of(&done, messages);
    if !course.to_runs {
        let what = format!(
            "{}'s pickup will take the mail when it starts",
            course.to.name()
        );
        verified.notes.push(what);
    } else if !args.pace.no_wait {
        verified = waiting::verify(cx, &course.to_side, log, &moved, &watch);
        waiting::keep(cx, &done, &mut verified);
    }
    let mut outcome = result::MoveResult::of_plan(
        planned,
        false,
        Some(Ran {
            name: &done.name,
            state: if done.is_complete {
                State::Done
            } else {
                State::Unfinished
            },
            ended: &done.ended,
            verified: &verified,
        }),
    );
    if let Some(canary) = &canary {
        outcome.notes.push(canary.said());
        outcome.notes.extend(canary.notes.iter().cloned());
    }
    outcome.canary = canary;
    let is_stopped = stopped.is_some();
    outcome.notes.extend(stopped);
    outcome.notes.extend(verified.problems.iter().cloned());
    outcome.notes.extend(verified.notes.iter().cloned());
    let counts = outcome.counts;
    watch.say(&format!(
        "{} moved, {} skipped, {} failed, {} not reached",
        counts.moved, counts.skipped, counts.failed, counts.open
    ));
    if syslog.lost() > 0 {
        let what =
            "not all lines about this move could be written to the mail log; its journal has them";
        outcome.notes.push(what.to_owned());
    }
    if !is_stopped {
        interrupted(cx, &done);
    }
    let is_fine = outcome
        .canary
        .as_ref()
        .is_none_or(|one| one.stopped.is_none());
    let all = done.is_complete
        && counts.moved == counts.selected
        && verified.problems.is_empty()
        && is_fine;
    let text = shown(cx, args.format, &outcome);
    Ok((if all { Outcome::Done } else { Outcome::Partial }, text))
}

pub(crate) fn failed(e: MoveError) -> anyhow::Error {
    let failure = Failure::new(e.to_string());
    match e {
        MoveError::NotBegun(..) => failure
            .hint("free some space, or check that directory")
            .into(),
        MoveError::Stopped(..) => failure
            .hint("run queue-move resume to finish it, queue-move undo to go back")
            .into(),
    }
}

/// What is known of a move that stopped half-way: what its journal says, and what its plan could not read.
pub(crate) fn half_way(
    cx: &Context,
    format: Format,
    path: &Path,
    (e, unread): (&MoveError, &[String]),
) -> anyhow::Result<(Outcome, String)> {
    cx.warn(e.to_string());
    let journal = crate::unfinished::read(path)?;
    let name = &journal.header.name;
    let hint = format!("to finish: queue-move resume {name}; to go back: queue-move undo {name}");
    cx.warn(&hint);
    let verified = Verified::default();
    let mut outcome =
        result::MoveResult::of_journal(&journal, "move", transfer::Totals::default(), &verified);
    outcome.notes.push(format!("{e}; {hint}"));
    outcome.problems.push(e.to_string());
    outcome.complete = unread.is_empty();
    outcome.missing = unread.to_vec();
    Ok((Outcome::Partial, shown(cx, format, &outcome)))
}

pub(crate) fn shown(cx: &Context, format: Format, outcome: &result::MoveResult) -> String {
    match is_json(format) {
        true => to_line(outcome),
        false => text::outcome(outcome, cx.is_verbose(), cx.width()),
    }
}

pub(crate) fn interrupted(cx: &Context, done: &Done) {
    let left = done.all.saturating_sub(done.ended.len());
    if left > 0 {
        cx.warn(format!(
            "interrupted: {} not reached, or {} on hold. To finish: queue-move resume {name}; to \
             go back: queue-move undo {name}",
            either(left, "1 message was", &format!("{left} messages were")),
            either(left, "is", "are"),
            name = done.name
        ));
    }
}

fn is_there(cx: &Context, name: &str) -> bool {
    let path = moves_dir(cx).join(format!("{name}.jsonl"));
    path.symlink_metadata().is_ok()
}

/// `20261124T063122Z-postfix-aol-a-postfix-aol-b`, in UTC.
fn name(now: i64, planned: &Planned) -> String {
    let time = chrono::DateTime::from_timestamp(now, 0).unwrap_or_default();
    let plain = |side: &Side| -> String {
        let plain = |c: char| match c.is_ascii_alphanumeric() || "-_.".contains(c) {
            true => c,
            false => '_',
        };
        side.instance.chars().take(60).map(plain).collect()
    };
    let (from, to) = (plain(&planned.plan.from), plain(&planned.plan.to));
    format!("{}-{from}-{to}", time.format("%Y%m%dT%H%M%SZ"))
}
