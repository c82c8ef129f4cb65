//! hold, release and clean: for one instance, without a journal, for each is undone by another.

use cli::{Context, Failure, Outcome};
use postfix::queue::{Queue, QueueId, ShowqOptions};
use serde::Serialize;
use transfer::hold::{ItemResult, clean as clean_logs, orphans, shift};
use transfer::plan::snapshot;
use transfer::preflight::shared_queue;
use transfer::{Fs, NoHook, Side};

use crate::args::One;
use crate::result::to_line;
use crate::setup::{self, is_json};
use crate::syslog::Syslog;

/// The instance's spool, if it is its own.
fn spool(one: &One, cx: &Context) -> anyhow::Result<(Side, ShowqOptions)> {
    let host = host::instances::discover(cx.site());
    setup::report(cx, &host.problems);
    let instance = host::instances::select_one(cx.site(), &host, &one.instance)?;
    let side = setup::spool_of(cx, instance)?;
    let asked = transfer::preflight::Asked {
        root: cx.root(),
        host: &host.value,
        provider: &|_| None,
        to_runs: true,
        cross_provider: false,
    };
    if let Some(finding) = shared_queue(&asked, &side) {
        return Err(setup::refused(&[finding]));
    }
    if !one.manner.dry_run {
        setup::must_be_root()?;
    }
    Ok((side, ShowqOptions::of(instance.parameters())))
}

/// hold and release.
pub(crate) fn rename(
    one: &One,
    cx: &Context,
    verb: &str,
    queues: (Queue, Queue),
) -> anyhow::Result<Outcome> {
    let (side, showq) = spool(one, cx)?;
    let selector = one.selectors.selector(cx, &[queues.0])?;
    if selector.queues != [queues.0] {
        let what = format!("{verb} only takes mail in the {} queue", queues.0);
        return Err(Failure::new(what).hint("leave out --queue").into());
    }
    let found = snapshot(&side.spool(), &[queues.0], &selector, &showq)?;
    cx.problems(&found.problems);
    let mut ids: Vec<QueueId> = found.messages.into_iter().map(|m| m.file.id).collect();
    ids.truncate(one.selectors.limit.unwrap_or(usize::MAX));
    let what = format!("{verb} {} messages of {}", ids.len(), side.instance);
    act(one, cx, verb, &side, &what, &ids, |ids| {
        shift(Fs::new(&NoHook), &side, ids, queues)
    })
}

pub(crate) fn clean(one: &One, cx: &Context) -> anyhow::Result<Outcome> {
    let (side, _) = spool(one, cx)?;
    let selector = one.selectors.selector(cx, &[])?;
    let wanted = |id: &QueueId| selector.ids.as_ref().is_none_or(|ids| ids.contains(id));
    let found = orphans(&side, &wanted);
    let mut ids = found.map_err(|e| Failure::io("cannot read", &side.queue_directory, e))?;
    ids.truncate(one.selectors.limit.unwrap_or(usize::MAX));
    let what = format!(
        "remove {} defer logs without a message of {}",
        ids.len(),
        side.instance
    );
    act(one, cx, "clean", &side, &what, &ids, |ids| {
        clean_logs(Fs::new(&NoHook), &side, ids)
    })
}

fn act(
    one: &One,
    cx: &Context,
    verb: &str,
    side: &Side,
    what: &str,
    ids: &[QueueId],
    work: impl FnOnce(&[QueueId]) -> std::io::Result<Vec<ItemResult>>,
) -> anyhow::Result<Outcome> {
    if one.manner.dry_run || ids.is_empty() {
        let done: Vec<Option<ItemResult>> = vec![None; ids.len()];
        return show(one, cx, verb, side, ids, &done);
    }
    if !one.manner.yes && !cx.confirm(&format!("{what}?"), "--yes")? {
        return Err(Failure::new("nothing was changed: not confirmed").into());
    }
    let locks = setup::lock(cx, &[(side, true)])?;
    let outcomes =
        work(ids).map_err(|e| Failure::io("cannot work on", &side.queue_directory, e))?;
    drop(locks);
    let now = cx.now().seconds();
    let count = outcomes.iter().filter(|o| **o == ItemResult::Done).count();
    let text = format!(
        "{verb} {}: {count} of {}, by {}",
        side.instance,
        ids.len(),
        setup::user()
    );
    Syslog::open(cx).say(now, &text);
    let done: Vec<Option<ItemResult>> = outcomes.into_iter().map(Some).collect();
    show(one, cx, verb, side, ids, &done)
}

#[derive(Serialize)]
struct SingleResult<'a> {
    schema: &'static str,
    action: &'a str,
    instance: &'a str,
    dry_run: bool,
    counts: Counts,
    messages: Vec<Message<'a>>,
}

#[derive(Clone, Copy, Serialize)]
struct Counts {
    selected: usize,
    done: usize,
    skipped: usize,
    failed: usize,
}

#[derive(Serialize)]
struct Message<'a> {
    queue_id: &'a str,
    action: &'a str,
    result: Option<&'static str>,
    why: Option<&'a str>,
}

fn show(
    one: &One,
    cx: &Context,
    verb: &str,
    side: &Side,
    ids: &[QueueId],
    done: &[Option<ItemResult>],
) -> anyhow::Result<Outcome> {
    let word = |outcome: &Option<ItemResult>| match outcome {
        None => None,
        Some(ItemResult::Done) => Some("done"),
        Some(ItemResult::Skipped(_)) => Some("skipped"),
        Some(ItemResult::Failed(_)) => Some("failed"),
    };
    let count = |wanted: &str| done.iter().filter(|o| word(o) == Some(wanted)).count();
    let messages = ids.iter().zip(done).map(|(id, outcome)| Message {
        queue_id: id.as_str(),
        action: verb,
        result: word(outcome),
        why: match outcome {
            Some(ItemResult::Skipped(why) | ItemResult::Failed(why)) => Some(why),
            _ => None,
        },
    });
    let result = SingleResult {
        schema: "relay-tools/queue-move/1",
        action: verb,
        instance: &side.instance,
        dry_run: one.manner.dry_run,
        counts: Counts {
            selected: ids.len(),
            done: count("done"),
            skipped: count("skipped"),
            failed: count("failed"),
        },
        messages: messages.collect(),
    };
    if is_json(one.format) {
        cx.print(to_line(&result).as_bytes())?;
    } else {
        let counts = result.counts;
        let mut lines = vec![format!(
            "{verb} {}: {} selected, {} done, {} skipped, {} failed",
            side.instance, counts.selected, counts.done, counts.skipped, counts.failed
        )];
        for message in &result.messages {
            let why = message
                .why
                .map_or_else(String::new, |why| format!(": {why}"));
            let result = message
                .result
                .map_or_else(String::new, |result| format!(" {result}"));
            if one.manner.dry_run || !why.is_empty() || cx.is_verbose() {
                lines.push(format!("{}{result}{why}", message.queue_id));
            }
        }
        cx.print_lines(&lines)?;
    }
    let whole = one.manner.dry_run || count("done") == ids.len();
    Ok(if whole {
        Outcome::Done
    } else {
        Outcome::Partial
    })
}
