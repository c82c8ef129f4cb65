//! Deletions: messages are put on hold, and then renamed into a directory beside the queues, where they are kept until
//! they are purged.
//!
//! A deletion has a journal as a move has, from an instance to itself, and an undo leads its messages back as that of a
//! move does. Nothing is removed by a queue id, which another message may have by then.

use std::io;
use std::path::PathBuf;

use crate::fsops::Fs;
use crate::journal::Journal;
use crate::mover::{Mover, Stop};
use crate::moves::{Move, MoveError};

impl Move<'_> {
    /// Deletes all messages of a plan that leads from an instance to itself.
    ///
    /// # Errors
    /// See [`Move::run`].
    pub fn delete(&mut self) -> Result<(), MoveError> {
        self.hold()?;
        self.held_in_batches(|engine, jobs| engine.delete(jobs))
    }
}

/// What came of removing what a deletion keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purged {
    /// So many messages are gone for good.
    pub removed: usize,
    /// So many files with their names are other ones (a queue directory that was copied has other inodes), and left.
    pub others: usize,
    /// Where they are, as a pattern of the shell.
    pub pattern: PathBuf,
}

/// Removes what a deletion keeps: for good.
///
/// # Errors
/// The spool cannot be opened or changed; some may be gone.
pub fn purge(fs: Fs<'_>, journal: &Journal) -> io::Result<Purged> {
    let mover = Mover::open(fs, &journal.header)?;
    let mut purged = Purged {
        removed: 0,
        others: 0,
        pattern: mover.kept_pattern(),
    };
    for track in &journal.tracks {
        let kept = mover.kept(&track.from_name);
        let Some(at) = kept.map_err(|stop: Stop| io::Error::other(stop.why()))? else {
            return Ok(purged);
        };
        let file = &track.intent.file;
        let is_it = |stat: &crate::fsops::Stat| {
            (stat.inode, stat.size, stat.links) == (file.inode, file.size, 1)
        };
        match at.stat()? {
            None => {}
            Some(stat) if is_it(&stat) => {
                fs.unlink(&at)?;
                mover.touch_from(&at);
                purged.removed += 1;
            }
            Some(_) => purged.others += 1,
        }
    }
    mover.sync()?;
    Ok(purged)
}
