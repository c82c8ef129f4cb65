//! The journals of moves and of deletions: those that are unfinished every run reports, before anything else.

use std::path::{Path, PathBuf};

use cli::{Context, Failure};
use postfix::queue::Queue;
use transfer::plan::Taken;
use transfer::{DELETED, Journal, MOVES, Side, Summary, summaries};

/// Where the host's journals of moves are, as this machine names it.
pub(crate) fn moves_dir(cx: &Context) -> PathBuf {
    cx.root().under(Path::new(MOVES))
}

/// Those of deletions, with what these keep.
pub(crate) fn deletions_dir(cx: &Context) -> PathBuf {
    cx.root().under(Path::new(DELETED))
}

/// All moves that can be read, the oldest first; of the others it is said that they cannot.
pub(crate) fn moves(cx: &Context) -> (Vec<Summary>, bool) {
    all(cx, &moves_dir(cx), "moves")
}

/// The same of deletions.
pub(crate) fn deletions(cx: &Context) -> (Vec<Summary>, bool) {
    all(cx, &deletions_dir(cx), "deletions")
}

fn all(cx: &Context, dir: &Path, what: &str) -> (Vec<Summary>, bool) {
    match summaries(dir) {
        Ok((found, errors)) => {
            errors.iter().for_each(|error| cx.warn(error.to_string()));
            (found, errors.is_empty())
        }
        Err(e) => {
            let dir = dir.display();
            cx.warn(format!("cannot read the journals of {what}: {dir}: {e}"));
            (Vec::new(), false)
        }
    }
}

/// Says which of these are unfinished, but for the one that is `meant`.
pub(crate) fn report(cx: &Context, all: &[Summary], meant: Option<&str>) {
    let is_other = |one: &&Summary| meant != Some(one.header.name.as_str());
    let unfinished = all.iter().filter(|one| one.is_unfinished());
    for one in unfinished.filter(is_other) {
        cx.warn(one.warning());
    }
}

/// Of what was not even written there is nothing to take up.
pub(crate) fn written(journal: Journal) -> anyhow::Result<Journal> {
    if !journal.header.is_unwritten() {
        return Ok(journal);
    }
    let what = format!(
        "{} was not started: its journal could not be written, and nothing was done",
        journal.header.name
    );
    let hint = "there is nothing to finish or to put back; queue-move prune removes the journal";
    Err(Failure::new(what).hint(hint).into())
}

/// The journal of the move with this name.
pub(crate) fn named(cx: &Context, name: &str) -> anyhow::Result<Journal> {
    let name = name.strip_suffix(".jsonl").unwrap_or(name);
    let is_plain = !name.is_empty() && !name.contains('/') && !name.starts_with('.');
    let path = moves_dir(cx).join(format!("{name}.jsonl"));
    if !is_plain || !path.exists() {
        return Err(Failure::new(format!("there is no move called \"{name}\""))
            .hint("queue-move history lists the moves")
            .into());
    }
    read(&path)
}

pub(crate) fn read(path: &Path) -> anyhow::Result<Journal> {
    Journal::read(path).map_err(|e| Failure::new(e.to_string()).into())
}

/// What belongs now to unfinished moves and deletions out of the same queue directory.
///
/// # Errors
/// Mail on hold is meant, and a journal cannot be read: nobody knows whose that mail is. What is still deferred is its
/// queue manager's, and no move has done anything to it.
pub(crate) fn taken(cx: &Context, from: &Side, queues: &[Queue]) -> anyhow::Result<Taken> {
    let mut taken = Taken::default();
    let mut unread = Vec::new();
    for dir in [moves_dir(cx), deletions_dir(cx)] {
        let (open, errors) = match summaries(&dir) {
            Ok(both) => both,
            Err(e) => {
                unread.push(format!("{}: {e}", dir.display()));
                continue;
            }
        };
        unread.extend(errors.iter().map(ToString::to_string));
        let is_meant =
            |one: &&Summary| one.is_unfinished() && one.header.from.identity.1 == from.identity.1;
        for one in open.iter().filter(is_meant) {
            match Journal::read(&one.path) {
                Ok(journal) => taken.add(&journal),
                Err(e) => unread.push(e.to_string()),
            }
        }
    }
    match unread.first() {
        Some(first) if queues.contains(&Queue::Hold) => {
            let what = format!(
                "what is on hold may belong to a move whose journal cannot be read: {first}"
            );
            let hint = "move it away, or use the version of queue-move that wrote it";
            Err(Failure::new(what).hint(hint).into())
        }
        _ => Ok(taken),
    }
}
