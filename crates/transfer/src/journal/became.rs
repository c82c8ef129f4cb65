//! What TO has done with moved mail, kept in the journal: TO's log, which shows it, is rotated away.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::fsops::Fs;
use crate::journal::{Done, Last, Line, Writer};

/// Moved messages, by what TO's log says that TO has done with them. Of a message with several recipients, the worst.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Became {
    /// Delivered to all recipients.
    pub sent: usize,
    /// A recipient is to be tried again.
    pub deferred: usize,
    /// A recipient was refused for good, and the sender is notified.
    pub bounced: usize,
    /// TO's cleanup threw them away.
    pub discarded: usize,
    /// TO's cleanup put them on hold.
    pub held: usize,
    /// For some recipient no attempt is logged.
    pub not_tried: usize,
    /// They left TO's queue, and its log does not say how.
    pub not_known: usize,
}

impl Became {
    /// How many it is about.
    pub fn messages(&self) -> usize {
        let tried = self.sent + self.deferred + self.bounced;
        tried + self.discarded + self.held + self.not_tried + self.not_known
    }

    /// Puts it into the journal of a run that has ended, under the locks of that run: what an earlier one has put there
    /// is no longer so.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn note(self, fs: Fs<'_>, root: &Path, done: &Done) -> io::Result<()> {
        let last = Last {
            became: Some(self),
            ..done.last.clone()
        };
        Writer::open(fs, root, &done.journal)?.commit(&[Line::Last(last)])
    }
}
