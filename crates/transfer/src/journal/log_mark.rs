//! Where TO's log ended when a move began, as a journal keeps it.

use std::path::{Path, PathBuf};

use postfix::Time;
use postfix::log::{Bookmark, StoredMark};
use serde::{Deserialize, Serialize};

/// Where TO's log ended when the move began: what is behind that is about this move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogMark {
    /// The log file.
    pub path: PathBuf,
    /// When it was looked at, in microseconds since 1970 (UTC). Absent in journals of older versions, which have an
    /// inode and an offset instead: those find no file again that was compressed.
    #[serde(default)]
    seen_microseconds: Option<i64>,
    /// The log, and the file that was rotated last.
    #[serde(default)]
    files: Vec<StoredMark>,
}

impl LogMark {
    pub(crate) fn new(path: &Path, known: &Bookmark) -> Self {
        Self {
            path: path.to_owned(),
            seen_microseconds: known.seen.map(Time::micros),
            files: known.marks.iter().map(StoredMark::new).collect(),
        }
    }

    /// What was known of the log then; nothing if a version before this one wrote it.
    pub(crate) fn known(&self) -> Option<Bookmark> {
        let marks = self.files.iter().map(StoredMark::mark);
        Some(Bookmark {
            marks: marks.collect::<Option<_>>()?,
            seen: Some(Time::from_micros(self.seen_microseconds?)),
            cursor: None,
        })
    }
}
