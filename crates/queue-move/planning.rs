//! What a move will do: the messages that are meant, and what an admin should know of it.

use std::collections::HashSet;

use cli::{Context, Failure};
use postfix::config::Instance;
use postfix::queue::{Message, Queue, QueueId, Selector, ShowqOptions};
use transfer::plan::{Action, Effects, Facts, Item, Plan, is_cross_device, judge, snapshot};
use transfer::preflight::{Objection, check_plan};
use transfer::{Left, Side};

use crate::args::Args;
use crate::course::Course;
use crate::outlook;
use crate::planned::Planned;
use crate::selected::{BUSY, Strangers, busy};
use crate::setup;
use crate::unfinished::taken;

/// The queues that mail can be moved from.
const MOVABLE: [Queue; 2] = [Queue::Deferred, Queue::Hold];

/// Makes the plan. What is part of an unfinished move is left to that.
pub(crate) fn plan(
    args: &Args,
    cx: &Context,
    course: &Course<'_>,
    mut findings: Vec<Objection>,
) -> anyhow::Result<Planned> {
    let selector = args.selectors.selector(cx, &[Queue::Deferred])?;
    must_be_movable(&selector)?;
    let progress = cx.progress_items("reading the queue", None);
    let spool = course.from_side.spool();
    // All that are pending count, not only those that showq(8) would list.
    let showq = ShowqOptions {
        duplicate_filter_limit: 0,
        ..ShowqOptions::of(course.from.parameters())
    };
    let mut found = snapshot(&spool, &MOVABLE, &selector, &showq)?;
    let absent = setup::absent(&course.from_side, &selector.queues);
    found.problems.extend(absent);
    let others = Strangers::find(&selector, args.part.whole, &mut found.messages);
    let busy = busy(&spool, args.selectors.selector(cx, &BUSY)?, &showq)?;
    drop(progress);
    let missing = missing(&selector, &found.messages, &course.from_side);
    let facts = Facts {
        from: &course.from_side,
        size_limit: size_limit(course.to),
        taken: &taken(cx, &course.from_side, &selector.queues)?,
    };
    let mut plan = Plan {
        from: course.from_side.clone(),
        to: course.to_side.clone(),
        cross_device: cross_device(args, cx, course)?,
        items: judge(found.messages, facts, args.selectors.limit),
    };
    let moves = plan.items.iter_mut();
    let moves = moves.filter(|item| item.action == Action::Move);
    for (n, item) in (0..).zip(moves) {
        item.message.n = n;
    }
    findings.extend(check_plan(&plan));
    let mut warnings = warnings(cx, course, &plan, findings)?;
    warnings.extend(others.note(plan.moves().map(|item| &item.message.queue_id)));
    cx.problems(&found.problems);
    let reasons = host::tables::reasons(cx.site())?;
    let planned = Planned::new(plan, missing, warnings, reasons);
    let unread = found.problems.iter().map(ToString::to_string).collect();
    Ok(Planned {
        busy,
        unread,
        ..planned
    })
}

/// Mail can be moved out of some queues alone.
fn must_be_movable(selector: &Selector<'_>) -> anyhow::Result<()> {
    let stray = |queue: &&Queue| !MOVABLE.contains(queue);
    let Some(queue) = selector.queues.iter().find(stray) else {
        return Ok(());
    };
    let what = format!("mail in the {queue} queue cannot be moved");
    let hint = match queue {
        Queue::Corrupt => {
            "it is damaged: look at it with postcat, and requeue or delete it with postsuper"
        }
        Queue::Maildrop => "its pickup is about to take it; use --queue deferred or hold",
        _ => "the queue manager is working on it; use --queue deferred or hold",
    };
    Err(Failure::new(what).hint(hint).into())
}

/// Are the two spools on different file systems?
fn cross_device(args: &Args, cx: &Context, course: &Course<'_>) -> anyhow::Result<bool> {
    let (from, to) = (&course.from_side, &course.to_side);
    let is_plan = args.manner.dry_run && !cx.root().is_this_host();
    match is_cross_device(&from.spool(), &to.spool()) {
        // What a copy of a host left out because it was empty: what it is in says as much.
        Err(e) if is_plan && e.kind() == std::io::ErrorKind::NotFound => {
            Ok(from.identity.0 != to.identity.0)
        }
        known => known.map_err(|e| Failure::new("cannot move").because(e).into()),
    }
}

/// What is to be known before this mail is handed to TO: beside `findings`, what TO would do with these very messages.
///
/// # Errors
/// Something stands against it.
fn warnings(
    cx: &Context,
    course: &Course<'_>,
    plan: &Plan,
    mut findings: Vec<Objection>,
) -> anyhow::Result<Vec<String>> {
    findings.extend(outlook::look(cx, course, plan));
    setup::must_be_clear(&findings)?;
    let mut warnings: Vec<String> = findings
        .into_iter()
        .map(|finding| format!("{}; {}", finding.what, finding.way_out))
        .collect();
    warnings.extend(outlook::delays(cx, course, plan));
    Ok(warnings)
}

/// The plan of a `resume`: what TO has not got yet.
///
/// # Errors
/// Something stands against handing it to TO.
pub(crate) fn rest(
    cx: &Context,
    course: &Course<'_>,
    cross_device: bool,
    left: &[Left],
    mut findings: Vec<Objection>,
) -> anyhow::Result<Planned> {
    let plan = |is_meant: &dyn Fn(&Left) -> bool| Plan {
        from: course.from_side.clone(),
        to: course.to_side.clone(),
        cross_device,
        items: left
            .iter()
            .filter(|one| is_meant(one))
            .map(|one| Item {
                message: one.message.clone(),
                effects: Effects::default(),
                action: Action::Move,
            })
            .collect(),
    };
    // What is copied already needs no more room.
    findings.extend(check_plan(&plan(&|one| !one.is_copied)));
    let plan = plan(&|_| true);
    let warnings = warnings(cx, course, &plan, findings)?;
    let reasons = host::tables::reasons(cx.site())?;
    Ok(Planned::new(plan, Vec::new(), warnings, reasons))
}

fn size_limit(to: &Instance) -> u64 {
    let limit = to.parameters().long("message_size_limit");
    let limit = limit.and_then(|limit| u64::try_from(limit).ok());
    limit.unwrap_or(0)
}

/// Ids that were asked for and are not there to be moved, and where they are.
fn missing(selector: &Selector<'_>, found: &[Message], from: &Side) -> Vec<(String, String)> {
    let Some(ids) = &selector.ids else {
        return Vec::new();
    };
    let spool = from.spool();
    let place = |id: &QueueId| {
        let is_there = |queue: &&Queue| spool.path(**queue, id).symlink_metadata().is_ok();
        let Some(queue) = Queue::ALL.iter().find(is_there) else {
            return format!("{} has no such message", from.instance);
        };
        match queue {
            Queue::Hold if !selector.wants_queue(Queue::Hold) => {
                "it was already on hold: use --queue hold to include it".to_owned()
            }
            queue if selector.wants_queue(*queue) => "the other selectors exclude it".to_owned(),
            queue => format!("it is in the {queue} queue"),
        }
    };
    let there: HashSet<&QueueId> = found.iter().map(|message| &message.file.id).collect();
    let mut missing: Vec<(String, String)> = ids
        .iter()
        .filter(|id| !there.contains(id))
        .map(|id| (id.as_str().to_owned(), place(id)))
        .collect();
    missing.sort();
    missing
}
