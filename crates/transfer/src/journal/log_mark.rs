//! Where TO's log ended when a move began, as a journal keeps it.

use std::path::{Path, PathBuf};

use postfix::Time;
use postfix::log::{Bookmark, Mark};
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
    files: Vec<FileMark>,
}

/// A file, as [`Mark`] has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FileMark {
    device: u64,
    inode: u64,
    offset: u64,
    /// In hexadecimal digits: numbers of JSON are not as long.
    head: String,
    tail: String,
    ended: bool,
}

impl LogMark {
    pub(crate) fn new(path: &Path, known: &Bookmark) -> Self {
        let file = |mark: &Mark| FileMark {
            device: mark.device,
            inode: mark.inode,
            offset: mark.offset,
            head: format!("{:032x}", mark.head),
            tail: format!("{:032x}", mark.tail),
            ended: mark.ended,
        };
        Self {
            path: path.to_owned(),
            seen_microseconds: known.seen.map(Time::micros),
            files: known.marks.iter().map(file).collect(),
        }
    }

    /// What was known of the log then; nothing if a version before this one wrote it.
    pub(crate) fn known(&self) -> Option<Bookmark> {
        let print = |text: &str| u128::from_str_radix(text, 16).ok();
        let mark = |file: &FileMark| {
            Some(Mark {
                device: file.device,
                inode: file.inode,
                offset: file.offset,
                head: print(&file.head)?,
                tail: print(&file.tail)?,
                ended: file.ended,
                last: None,
            })
        };
        Some(Bookmark {
            marks: self.files.iter().map(mark).collect::<Option<_>>()?,
            seen: Some(Time::from_micros(self.seen_microseconds?)),
            cursor: None,
        })
    }
}
