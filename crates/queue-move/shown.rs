//! What came of hold, release, flush, bounce or clean.

use cli::{Context, Outcome};
use postfix::queue::QueueId;
use serde::Serialize;
use transfer::hold::ItemResult;

use crate::args::One;
use crate::result::{SCHEMA, to_line};
use crate::selected::Chosen;
use crate::setup::is_json;

#[derive(Serialize)]
struct SingleResult<'a> {
    schema: &'static str,
    action: &'a str,
    instance: &'a str,
    dry_run: bool,
    counts: Counts,
    messages: Vec<Message<'a>>,
    complete: bool,
    missing: &'a [String],
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

pub(crate) fn show(
    one: &One,
    cx: &Context,
    verb: &str,
    chosen: &Chosen,
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
        schema: SCHEMA,
        action: verb,
        instance: &chosen.side.instance,
        dry_run: one.manner.dry_run,
        counts: Counts {
            selected: ids.len(),
            done: count("done"),
            skipped: count("skipped"),
            failed: count("failed"),
        },
        messages: messages.collect(),
        complete: chosen.unread.is_empty(),
        missing: &chosen.unread,
    };
    if is_json(one.format) {
        cx.print(to_line(&result).as_bytes())?;
    } else {
        let counts = result.counts;
        let mut lines = vec![format!(
            "{verb} {}: {} selected, {} done, {} skipped, {} failed",
            result.instance, counts.selected, counts.done, counts.skipped, counts.failed
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
