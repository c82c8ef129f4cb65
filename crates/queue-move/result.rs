//! What came of a run, as a value: for people `text` shows it, for programs it is JSON (relay-tools/queue-move/1).

use std::collections::HashMap;

use postfix::queue::QueueId;
use serde::Serialize;
use transfer::hold::ItemResult;
use transfer::plan::Action;
use transfer::{Ended, Fate, Journal, State, Totals};

use crate::canary::Canary;
use crate::planned::Planned;
use crate::waiting::{SoFar, Verified};

/// What is done with messages, and what became of them: of every verb.
#[derive(Debug, Default, Serialize)]
pub(crate) struct RunResult {
    pub(crate) schema: &'static str,
    /// The move; none for a plan, and for what is done in one instance alone.
    #[serde(rename = "move")]
    pub(crate) name: Option<String>,
    /// The verb: `move`, `resume`, `undo`, `history`; `hold` and others that work in one instance.
    pub(crate) action: &'static str,
    /// Where it was done, if in one instance alone; `from` and `to`, if mail goes from one to another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<String>,
    pub(crate) dry_run: bool,
    pub(crate) undo: bool,
    pub(crate) state: Option<State>,
    /// All messages, by what has become of them up to now.
    pub(crate) counts: Counts,
    /// Those that this run has brought to an end that they had not before.
    pub(crate) this_run: ThisRun,
    /// As in `counts`.
    pub(crate) restored: usize,
    pub(crate) messages: Vec<Message>,
    /// Those that went first, if some did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) canary: Option<Canary>,
    /// What TO has done with the moved messages up to now, by its log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) so_far: Option<SoFar>,
    /// Was all of the mail seen that could be meant, and if not, why not.
    pub(crate) complete: bool,
    pub(crate) missing: Vec<String>,
    pub(crate) changes: Vec<String>,
    pub(crate) warnings: Vec<String>,
    /// Messages that FROM's queue manager had in hand when the plan was made: they are no part of it.
    pub(crate) busy: usize,
    /// What stopped the move half-way, and what TO has done with the mail that it should not have, or has not done:
    /// these are in `notes` too.
    pub(crate) problems: Vec<String>,
    pub(crate) notes: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) selected: usize,
    /// Those with which all is done that the verb is for: `moved`, of an undo `restored`.
    pub(crate) done: usize,
    pub(crate) moved: usize,
    pub(crate) skipped: usize,
    pub(crate) failed: usize,
    pub(crate) in_doubt: usize,
    pub(crate) restored: usize,
    /// Not reached: where they were, or on hold.
    pub(crate) open: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct ThisRun {
    pub(crate) moved: usize,
    pub(crate) restored: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct Message {
    pub(crate) queue_id: String,
    pub(crate) action: &'static str,
    pub(crate) result: Option<&'static str>,
    pub(crate) why: Option<String>,
    pub(crate) new_queue_id: Option<String>,
    /// Its name in TO's maildrop, which pickup(8) logs as orig_id, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) orig_id: Option<String>,
}

/// Why a message that was to be moved has no end.
const NOT_REACHED: &str = "interrupted before its turn; run queue-move resume";

impl RunResult {
    /// What follows from the messages and the verb; of the rest, nothing is known.
    fn new(action: &'static str, messages: Vec<Message>) -> Self {
        let counts = counts(&messages, action);
        Self {
            schema: "relay-tools/queue-move/1",
            action,
            undo: action == "undo",
            this_run: ThisRun {
                moved: counts.moved,
                restored: counts.restored,
            },
            restored: counts.restored,
            counts,
            messages,
            complete: true,
            ..Self::default()
        }
    }

    /// What `verb` does, or would do, with messages of one instance; `unread`: what of its queue could not be read.
    pub(crate) fn of_instance(
        verb: &'static str,
        instance: &str,
        dry_run: bool,
        messages: Vec<Message>,
        unread: &[String],
    ) -> Self {
        Self {
            instance: Some(instance.to_owned()),
            dry_run,
            complete: unread.is_empty(),
            missing: unread.to_vec(),
            ..Self::new(verb, messages)
        }
    }

    /// A plan, and what came of it if it was carried out.
    pub(crate) fn of_plan(planned: &Planned, dry_run: bool, ran: Option<Ran<'_>>) -> Self {
        let ends: HashMap<u32, &Ended> = ran
            .iter()
            .flat_map(|ran| ran.ended)
            .map(|ended| (ended.n, ended))
            .collect();
        let mut messages = Vec::with_capacity(planned.plan.items.len());
        let mut n = 0;
        for item in &planned.plan.items {
            let id = item.message.queue_id.as_str();
            let message = match &item.action {
                Action::Skip(why) => skipped(id, why, dry_run),
                Action::Move => {
                    n += 1;
                    match &ran {
                        None => Message::new(id, "move"),
                        Some(ran) => ended(id, ends.get(&(n - 1)).copied(), ran.verified),
                    }
                }
            };
            messages.push(message);
        }
        let missing = planned.missing.iter();
        messages.extend(missing.map(|(id, why)| skipped(id, why, dry_run)));
        let (from, to) = (&planned.plan.from, &planned.plan.to);
        Self {
            name: ran.as_ref().map(|ran| ran.name.to_owned()),
            from: Some(from.instance.clone()),
            to: Some(to.instance.clone()),
            dry_run,
            state: ran.as_ref().map(|ran| ran.state),
            so_far: ran.as_ref().and_then(|ran| ran.verified.so_far.clone()),
            complete: planned.unread.is_empty(),
            missing: planned.unread.clone(),
            changes: planned.changes(),
            warnings: planned.warnings.clone(),
            busy: planned.busy,
            problems: ran.map_or_else(Vec::new, |ran| ran.verified.problems.clone()),
            ..Self::new("move", messages)
        }
    }

    /// A move by its journal: `before` a run of `action`, and after it.
    pub(crate) fn of_journal(
        journal: &Journal,
        action: &'static str,
        before: Totals,
        verified: &Verified,
    ) -> Self {
        let ends = journal.intents().zip(journal.ends());
        let messages = ends.map(|(intent, end)| ended(intent.queue_id.as_str(), end, verified));
        // The journal has them all: with a damaged one nothing continues.
        let all = Self::new(action, messages.collect());
        let header = &journal.header;
        Self {
            name: Some(header.name.clone()),
            from: Some(header.from.instance.clone()),
            to: Some(header.to.instance.clone()),
            state: Some(journal.state()),
            this_run: ThisRun {
                moved: all.counts.moved.saturating_sub(before.moved),
                restored: all.counts.restored.saturating_sub(before.restored),
            },
            so_far: verified.so_far.clone(),
            problems: verified.problems.clone(),
            ..all
        }
    }

    /// What is to be known beside the counts: of the canary, why the run `stopped` early, and what TO has done.
    pub(crate) fn note(
        &mut self,
        canary: Option<Canary>,
        stopped: Option<String>,
        verified: &Verified,
    ) {
        if let Some(canary) = &canary {
            self.notes.push(canary.said());
            self.notes.extend(canary.notes.iter().cloned());
        }
        self.canary = canary;
        self.notes.extend(stopped);
        self.notes.extend(verified.problems.iter().cloned());
        self.notes.extend(verified.notes.iter().cloned());
    }

    /// Is all done with all of them that the verb is for?
    pub(crate) fn is_all_done(&self) -> bool {
        self.counts.done == self.counts.selected
    }

    /// The counts of a move, for the mail log.
    pub(crate) fn counted(&self) -> String {
        let counts = self.counts;
        let first = format!(
            "{} moved, {} skipped, {} failed",
            counts.moved, counts.skipped, counts.failed
        );
        match self.action {
            "move" => format!("{first}, {} not reached", counts.open),
            verb => format!(
                "{verb}: {first}, {} put back, {} in doubt",
                counts.restored, counts.in_doubt
            ),
        }
    }

    /// Did the others not follow?
    pub(crate) fn is_stopped_by_canary(&self) -> bool {
        let canary = self.canary.as_ref();
        canary.is_some_and(|one| one.stopped.is_some())
    }
}

/// A run of a plan.
pub(crate) struct Ran<'a> {
    pub(crate) name: &'a str,
    pub(crate) state: State,
    pub(crate) ended: &'a [Ended],
    pub(crate) verified: &'a Verified,
}

impl Message {
    /// A message of one instance: what came of `verb`, if it was done.
    pub(crate) fn of(id: &QueueId, verb: &'static str, end: Option<ItemResult>) -> Self {
        let (result, why) = match end {
            None => (None, None),
            Some(ItemResult::Done) => (Some("done"), None),
            Some(ItemResult::Skipped(why)) => (Some("skipped"), Some(why)),
            Some(ItemResult::Failed(why)) => (Some("failed"), Some(why)),
        };
        Self {
            result,
            why,
            ..Self::new(id.as_str(), verb)
        }
    }

    fn new(id: &str, action: &'static str) -> Self {
        Self {
            queue_id: id.to_owned(),
            action,
            result: None,
            why: None,
            new_queue_id: None,
            orig_id: None,
        }
    }
}

fn skipped(id: &str, why: &str, dry_run: bool) -> Message {
    Message {
        result: (!dry_run).then_some("skipped"),
        why: Some(why.to_owned()),
        ..Message::new(id, "skip")
    }
}

fn ended(id: &str, end: Option<&Ended>, verified: &Verified) -> Message {
    let Some(end) = end else {
        return Message {
            result: Some("open"),
            why: Some(NOT_REACHED.to_owned()),
            ..Message::new(id, "move")
        };
    };
    let name = end.name.as_ref().map(|name| name.as_str());
    Message {
        result: Some(word(end.fate)),
        why: end.why.clone(),
        new_queue_id: name.and_then(|name| verified.new_ids.get(name).cloned()),
        orig_id: name.filter(|name| *name != id).map(str::to_owned),
        ..Message::new(id, "move")
    }
}

fn counts(messages: &[Message], action: &str) -> Counts {
    let mut counts = Counts {
        selected: messages.len(),
        ..Counts::default()
    };
    for message in messages {
        let count = match (message.result, message.action) {
            (Some("done"), _) => &mut counts.done,
            (Some("moved"), _) => &mut counts.moved,
            (Some("failed"), _) => &mut counts.failed,
            (Some("restored"), _) => &mut counts.restored,
            (Some("doubt"), _) => &mut counts.in_doubt,
            (Some("skipped"), _) | (None, "skip") => &mut counts.skipped,
            // Of a plan, no message is waited for.
            (None, _) => continue,
            _ => &mut counts.open,
        };
        *count += 1;
    }
    counts.done += match action {
        "undo" => counts.restored,
        _ => counts.moved,
    };
    counts
}

/// The word of the JSON.
pub(crate) fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::Moved => "moved",
        Fate::Skipped => "skipped",
        Fate::Failed => "failed",
        Fate::Restored => "restored",
        Fate::Doubt => "doubt",
    }
}

/// One line of JSON.
pub(crate) fn to_line(value: &impl Serialize) -> String {
    // Strings and numbers: there is nothing in them that could fail.
    let mut text = serde_json::to_string(value).unwrap_or_default();
    text.push('\n');
    text
}
