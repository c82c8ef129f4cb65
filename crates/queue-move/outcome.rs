//! How a run ends: its result shown, and what is left to do.

use std::io::Write as _;
use std::path::Path;

use cli::{Context, Failure, Outcome, Stream};
use postfix::either;
use transfer::{Done, MoveError};

use crate::args::Format;
use crate::canary::Canary;
use crate::result::{RunResult, to_line};
use crate::setup::is_json;
use crate::text;
use crate::waiting::Verified;
use crate::watch::MoveWatch;

/// A move that was led to its end, or until it was stopped.
pub(crate) struct Led {
    /// The messages that went first, if some did.
    pub(crate) canary: Option<Canary>,
    pub(crate) done: Done,
    /// Why it stopped early, if it did.
    pub(crate) stopped: Option<String>,
}

/// A result on its way out.
pub(crate) struct Shown {
    pub(crate) outcome: Outcome,
    pub(crate) text: String,
    /// The move whose journal has it, too.
    pub(crate) name: Option<String>,
}

impl Shown {
    fn new(cx: &Context, format: Format, result: RunResult, outcome: Outcome) -> Self {
        Self {
            outcome,
            text: shown(cx, format, &result),
            name: result.name,
        }
    }

    /// Writes it. If that fails after something was done, the journal is what is left to look at.
    pub(crate) fn hand_over(self, cx: &Context, mut out: Stream) -> anyhow::Result<Outcome> {
        let written = out.write_all(self.text.as_bytes());
        let written = written.map_err(anyhow::Error::from);
        match (written.and_then(|()| out.finish()), self.name) {
            (Ok(()), _) => Ok(self.outcome),
            (Err(e), Some(name)) => {
                cx.warn(format!(
                    "{e:#}; the journal has the result: queue-move history {name}"
                ));
                Ok(Outcome::Partial)
            }
            (Err(e), None) => Err(e),
        }
    }
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
    (format, action): (Format, &'static str),
    path: &Path,
    (e, unread): (&MoveError, &[String]),
) -> anyhow::Result<Shown> {
    cx.warn(e.to_string());
    let journal = crate::unfinished::read(path)?;
    let name = &journal.header.name;
    let hint = format!("to finish: queue-move resume {name}; to go back: queue-move undo {name}");
    cx.warn(&hint);
    let verified = Verified::default();
    let mut outcome =
        RunResult::of_journal(&journal, action, transfer::Totals::default(), &verified);
    outcome.notes.push(format!("{e}; {hint}"));
    outcome.problems.push(e.to_string());
    outcome.complete = unread.is_empty();
    outcome.missing = unread.to_vec();
    Ok(Shown::new(cx, format, outcome, Outcome::Partial))
}

/// What is to be known of a run beside its counts, its last line in the mail log, and the result as it is shown.
pub(crate) fn concluded(
    cx: &Context,
    format: Format,
    mut outcome: RunResult,
    Led {
        canary,
        done,
        stopped,
    }: Led,
    verified: &Verified,
    watch: &MoveWatch<'_>,
) -> Shown {
    let is_stopped = stopped.is_some();
    outcome.note(canary, stopped, verified);
    watch.say(&outcome.counted());
    if watch.lost() > 0 {
        let what =
            "not all lines about this move could be written to the mail log; its journal has them";
        outcome.notes.push(what.to_owned());
    }
    if !is_stopped {
        interrupted(cx, &done);
    }
    let all =
        outcome.is_all_done() && verified.problems.is_empty() && !outcome.is_stopped_by_canary();
    let all = if all { Outcome::Done } else { Outcome::Partial };
    Shown::new(cx, format, outcome, all)
}

pub(crate) fn shown(cx: &Context, format: Format, outcome: &RunResult) -> String {
    match is_json(format) {
        true => to_line(outcome),
        false => text::outcome(outcome, cx.is_verbose(), cx.width()),
    }
}

fn interrupted(cx: &Context, done: &Done) {
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
