//! The ends of journals: a move is closed by an admin, and what is long done is removed.

use std::io;
use std::path::{Path, PathBuf};

use guarded::{Links, Place};
use postfix::Time;

use crate::fsops::{Fs, Op};
use crate::journal::{Journal, Last, Line, State, Summary, Totals, Writer, unwritten};
use crate::protocol::Goal;

/// Closes a move: its messages stay where they are, and it is offered for `resume` and `undo` no longer. Who, and why,
/// are kept.
///
/// # Errors
/// The journal cannot be written.
pub fn close(
    fs: Fs<'_>,
    root: &Path,
    journal: &Journal,
    now: Time,
    (who, why): (&str, &str),
) -> io::Result<()> {
    let mut writer = Writer::reopen(fs, root, journal)?;
    let last = Last {
        state: State::Closed,
        finish: journal.goal == Goal::Finish,
        totals: Totals::of(journal.tracks.iter()),
        became: journal.became,
    };
    writer.commit(&[
        Line::Closed(now.seconds(), who.to_owned(), why.to_owned()),
        Line::Last(last),
    ])
}

/// Removes the journals of moves that were begun before `before` and have nothing left to do. One
/// that was not written is left if a run is just beginning it.
///
/// # Errors
/// One cannot be removed; those before it are gone.
pub fn prune(
    fs: Fs<'_>,
    root: &Path,
    summaries: &[Summary],
    before: Time,
) -> io::Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    for summary in summaries {
        if summary.header.started() < before && !summary.is_unfinished() {
            let path = &summary.path;
            let place = Place::below(root, path, Links::Ours)?;
            let locked = match summary.header.is_unwritten() {
                true => unwritten::locked(&place)?,
                false => None,
            };
            if summary.header.is_unwritten() && locked.is_none() {
                continue;
            }
            fs.hooked(Op::Unlink, path, || place.remove())?;
            removed.push(path.clone());
        }
    }
    Ok(removed)
}
