//! A move: plan, question, journal, execution, verification.

use cli::{Context, Failure, Outcome};
use postfix::Time;
use transfer::verify::Log;
use transfer::{Begin, Done, Move, MoveError, State, Watch as _};

use crate::args::Args;
use crate::canary;
use crate::course::Course;
use crate::drip::{Clock, carry};
use crate::outcome::{Led, Shown, concluded, failed, half_way};
use crate::planned::Planned;
use crate::planning;
use crate::result::{Ran, RunResult, to_line};
use crate::setup::{self, is_json};
use crate::text;
use crate::unfinished::moves_dir;
use crate::waiting::{self, Verified};
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
    setup::must_be_clear(&findings)?;
    // Before anything is changed: a result that has nowhere to go must not be the end of a move.
    let out = cx.stream()?;
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
    let shown = match args.manner.dry_run || planned.count() == 0 {
        true => only_shown(args, cx, &planned),
        false => {
            if !cx.is_quiet() || !args.manner.yes {
                cx.say(&text::plan(&planned, None));
            }
            args.manner.confirm(cx, "Move it?")?;
            execute(args, cx, &course, &planned)?
        }
    };
    drop(locks);
    shown.hand_over(cx, out)
}

/// The plan, where nothing is done.
fn only_shown(args: &Args, cx: &Context, planned: &Planned) -> Shown {
    let partial = !args.manner.dry_run && planned.leaves_out();
    let planned_result = RunResult::of_plan(planned, args.manner.dry_run, None);
    let text = match is_json(args.format) {
        true => to_line(&planned_result),
        false => text::plan(planned, cx.width()),
    };
    let outcome = if partial {
        Outcome::Partial
    } else {
        Outcome::Done
    };
    Shown {
        outcome,
        text,
        name: None,
    }
}

/// Carries the plan out, waits for TO's pickup, and writes the result to the mail log.
fn execute(
    args: &Args,
    cx: &Context,
    course: &Course<'_>,
    planned: &Planned,
) -> anyhow::Result<Shown> {
    let interrupts = cx.catch_interrupts()?;
    let log = setup::log_of(cx, course.host, course.to, cx.now());
    let begin = begin(args, cx, planned, log.as_ref());
    let flags = (&args.canary, &args.pace);
    let wanted = canary::size(flags, course, planned.count(), log.as_ref())?;
    let ids = planned.ids();
    let about = About {
        name: &begin.name,
        ids: &ids,
        to: course.to.name(),
    };
    let wake = course.to_runs.then_some(&course.to_side);
    let watch = MoveWatch::new(cx, interrupts, wake, about);
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
    let one = Move::begin(means, &dir, &planned.plan, begin.clone()).map_err(failed)?;
    let name = one.name().to_owned();
    let size = (wanted, log.as_ref());
    let led = match lead(args, cx, (course, planned), size, one, &watch) {
        Ok(led) => led,
        // Something may have been done: what, the journal knows.
        Err(e) => {
            let path = dir.join(format!("{name}.jsonl"));
            return half_way(cx, (args.format, "move"), &path, (&e, &planned.unread));
        }
    };
    let verified = verified(args, cx, (course, planned), (log, &led.done), &watch);
    let ran = Ran {
        name: &led.done.name,
        state: match led.done.is_complete {
            true => State::Done,
            false => State::Unfinished,
        },
        ended: &led.done.ended,
        verified: &verified,
    };
    let outcome = RunResult::of_plan(planned, false, Some(ran));
    Ok(concluded(cx, args.format, outcome, led, &verified, &watch))
}

/// How the move begins.
fn begin(args: &Args, cx: &Context, planned: &Planned, log: Option<&Log>) -> Begin {
    let now = cx.now();
    Begin {
        name: args.move_name.clone().unwrap_or_else(|| name(now, planned)),
        started: now,
        user: cli::person::user(),
        command: cli::person::command_line(),
        rate: args.pace.rate,
        keep_until: None,
        log: log.and_then(Log::mark),
    }
}

/// Leads a move that has begun to its end, `wanted` messages as a canary first. Why it stopped early, if it did.
fn lead(
    args: &Args,
    cx: &Context,
    (course, planned): (&Course<'_>, &Planned),
    (wanted, log): (usize, Option<&Log>),
    mut one: Move<'_>,
    watch: &MoveWatch<'_>,
) -> Result<Led, MoveError> {
    let canary = match log.cloned().filter(|_| wanted > 0) {
        Some(log) => {
            let size = (wanted, &args.canary, log);
            let may_ask = !args.manner.yes;
            let canary = canary::first(cx, (course, planned), size, &mut one, watch, may_ask);
            Some(canary?)
        }
        None => None,
    };
    let is_stopped = canary.as_ref().is_some_and(|one| one.stopped.is_some());
    if is_stopped && !watch.interrupted() {
        one.leave("the canary was not delivered: --canary 0 moves without one")?;
    }
    let clock = args.pace.rate.map(|rate| Clock {
        rate,
        course,
        planned,
        log: log.cloned(),
        patience: args.canary.canary_wait.duration(),
    });
    let (done, stopped) = carry(cx, one, clock, watch)?;
    Ok(Led {
        canary,
        done,
        stopped,
    })
}

/// What is to be known of what TO does with the mail, where it runs and that is wanted.
fn verified(
    args: &Args,
    cx: &Context,
    (course, planned): (&Course<'_>, &Planned),
    (log, done): (Option<Log>, &Done),
    watch: &MoveWatch<'_>,
) -> Verified {
    if !course.to_runs {
        let what = format!(
            "{}'s pickup will take the mail when it starts",
            course.to.name()
        );
        return Verified {
            notes: vec![what],
            ..Verified::default()
        };
    }
    let messages = planned.plan.moves().map(|item| &item.message);
    waiting::verified(cx, course, &args.pace, (log, done), messages, watch)
}

fn is_there(cx: &Context, name: &str) -> bool {
    let path = moves_dir(cx).join(format!("{name}.jsonl"));
    path.symlink_metadata().is_ok()
}

/// `20261124T063122Z-postfix-aol-a-postfix-aol-b`, in UTC.
fn name(now: Time, planned: &Planned) -> String {
    let (from, to) = (&planned.plan.from, &planned.plan.to);
    format!(
        "{}-{}-{}",
        setup::stamp(now),
        setup::plain(from),
        setup::plain(to)
    )
}
