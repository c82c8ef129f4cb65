//! Deletions: messages are put on hold, and then renamed into a directory beside the queues, where they are kept until
//! they are purged.
//!
//! A deletion has a journal as a move has, from an instance to itself, and an undo leads its messages back as that of a
//! move does. Nothing is removed by a queue id, which another message may have by then.

use std::io;

use crate::fsops::Fs;
use crate::journal::Journal;
use crate::mover::{Mover, Stop};
use crate::moves::{Move, MoveError};

/// Where a host keeps the journals of deletions, as the host itself names it.
pub const DELETED: &str = "/var/lib/relay-tools/deleted";

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

/// Removes what a deletion keeps: for good. How many messages those were.
///
/// # Errors
/// The spool cannot be opened or changed; some may be gone.
pub fn purge(fs: Fs<'_>, journal: &Journal) -> io::Result<usize> {
    let mover = Mover::open(fs, &journal.header)?;
    let mut count = 0;
    for track in &journal.tracks {
        let kept = mover.kept(&track.from_name);
        let Some(at) = kept.map_err(|stop: Stop| io::Error::other(stop.why()))? else {
            return Ok(count);
        };
        let file = &track.intent.file;
        let is_it = |stat: &crate::fsops::Stat| {
            (stat.inode, stat.size, stat.links) == (file.inode, file.size, 1)
        };
        if at.stat()?.as_ref().is_some_and(is_it) {
            fs.unlink(&at)?;
            mover.touch_from(&at);
            count += 1;
        }
    }
    mover.sync()?;
    Ok(count)
}
