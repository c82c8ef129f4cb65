//! Moves that are unfinished: every run reports them, before anything else.

use cli::{Context, Failure};
use transfer::{Journal, MOVES, Summary, summaries};

use std::io;
use std::path::{Path, PathBuf};

use crate::deleting;

/// Where the host's journals are, as this machine names it.
pub(crate) fn moves_dir(cx: &Context) -> PathBuf {
    cx.root().under(Path::new(MOVES))
}

/// All moves that can be read, the oldest first; of the others it is said that they cannot.
pub(crate) fn all(cx: &Context) -> (Vec<Summary>, bool) {
    let dir = moves_dir(cx);
    match summaries(&dir) {
        Ok((found, errors)) => {
            for error in &errors {
                cx.warn(error.to_string());
            }
            (found, errors.is_empty())
        }
        Err(e) => {
            let dir = dir.display();
            cx.warn(format!("cannot read the journals of moves: {dir}: {e}"));
            (Vec::new(), false)
        }
    }
}

/// Says which moves are unfinished, but for the one that is `meant`. All of them.
pub(crate) fn report(cx: &Context, meant: Option<&str>) -> Vec<Summary> {
    let (mut found, _) = all(cx);
    found.retain(Summary::is_unfinished);
    for one in &found {
        if meant != Some(one.header.name.as_str()) {
            cx.warn(one.told());
        }
    }
    found
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

/// The moves and deletions that are unfinished now. What cannot be read was warned of as the run began.
///
/// # Errors
/// A directory of journals cannot be read.
pub(crate) fn open_now(cx: &Context) -> io::Result<Vec<Summary>> {
    let (mut open, _) = summaries(&moves_dir(cx))?;
    open.extend(summaries(&deleting::dir(cx))?.0);
    open.retain(Summary::is_unfinished);
    Ok(open)
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
