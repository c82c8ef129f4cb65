//! How far logs were read by the runs before, and what is wrong with them: what a state file keeps of them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use postfix::Time;
use postfix::log::{Bookmark, StoredMark};
use serde::{Deserialize, Serialize};

/// Where in the logs a run goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Times that lines may have been lost: a log was truncated, removed or changed.
    pub gaps: u64,
    /// How many bytes of logs were read, compressed ones where they are compressed.
    pub bytes: u64,
    /// How far each log was read, by the path of its current file.
    pub logs: BTreeMap<PathBuf, Bookmark>,
    /// Logs in which no line of Postfix has been met yet, by the path of their current file: what they hold instead.
    pub strange: BTreeMap<PathBuf, String>,
    /// Logs whose current file is not there, and when it was first missed.
    pub gone: BTreeMap<PathBuf, Time>,
}

/// What was read of a log.
#[derive(Serialize, Deserialize)]
pub struct LogPlace {
    /// The path; bytes that are no UTF-8 are `%XX`, and so is `%`.
    path: String,
    seen_us: Option<i64>,
    files: Vec<StoredMark>,
    /// The place in a journal, which has no files here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    /// What it holds, if no line of it was Postfix's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    strange: Option<String>,
    /// When its current file was first missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gone_us: Option<i64>,
}

impl Places {
    /// How far the log was read.
    pub fn known(&self, current: &Path) -> Bookmark {
        self.logs.get(current).cloned().unwrap_or_default()
    }

    /// The logs, as a state file keeps them.
    pub fn to_wire(&self) -> Vec<LogPlace> {
        let logs = self.logs.iter().map(|(path, known)| LogPlace {
            path: encoded(path.as_os_str().as_bytes()),
            seen_us: known.seen.map(Time::micros),
            files: known.marks.iter().map(StoredMark::new).collect(),
            cursor: known.cursor.clone(),
            strange: self.strange.get(path).cloned(),
            gone_us: self.gone.get(path).map(|since| since.micros()),
        });
        logs.collect()
    }

    /// The logs of a state file.
    ///
    /// # Errors
    /// What in them is none of what [`Self::to_wire`] writes.
    pub fn from_wire(logs: Vec<LogPlace>) -> Result<Self, String> {
        let mut places = Self::default();
        for log in logs {
            let marks = log.files.iter().map(StoredMark::mark);
            let known = Bookmark {
                marks: marks
                    .collect::<Option<_>>()
                    .ok_or("invalid position in a log")?,
                seen: log.seen_us.map(Time::from_micros),
                cursor: log.cursor,
            };
            let path = decoded(&log.path).ok_or("invalid path")?;
            let path = PathBuf::from(OsStr::from_bytes(&path));
            let gone = log.gone_us.map(|us| (path.clone(), Time::from_micros(us)));
            places.gone.extend(gone);
            let strange = log.strange.map(|what| (path.clone(), what));
            places.strange.extend(strange);
            places.logs.insert(path, known);
        }
        Ok(places)
    }
}

/// Paths are bytes, JSON is text.
fn encoded(path: &[u8]) -> String {
    let mut text = String::new();
    for chunk in path.utf8_chunks() {
        text.push_str(&chunk.valid().replace('%', "%25"));
        for byte in chunk.invalid() {
            text.push_str(&format!("%{byte:02x}"));
        }
    }
    text
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut path = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        path.push(u8::from_str_radix(code, 16).ok()?);
        path.extend_from_slice(rest.as_bytes());
    }
    Some(path)
}
