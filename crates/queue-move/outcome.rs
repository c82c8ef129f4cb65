//! How a run ends: its result shown, and what is left to do.

use std::path::Path;

use cli::{Context, Failure, Outcome};
use postfix::either;
use transfer::{Done, MoveError};

use crate::args::Format;
use crate::result::{self, to_line};
use crate::setup::is_json;
use crate::text;
use crate::waiting::Verified;

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
        result::RunResult::of_journal(&journal, "move", transfer::Totals::default(), &verified);
    outcome.notes.push(format!("{e}; {hint}"));
    outcome.problems.push(e.to_string());
    outcome.complete = unread.is_empty();
    outcome.missing = unread.to_vec();
    Ok((Outcome::Partial, shown(cx, format, &outcome)))
}

pub(crate) fn shown(cx: &Context, format: Format, outcome: &result::RunResult) -> String {
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
