//! What single programs of Postfix log from a moment on, entry by entry.

use std::io::BufReader;

use super::export::{self, FIELDS};
use super::follow::is_at;
use super::trust::Origin;
use super::{Journal, ctl};
use crate::problem::Problem;
use crate::time::Time;

/// How far a journal was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Where there is no cursor yet: entries from this second on.
    since: Time,
    /// The last entry that was read (journalctl(1), `--cursor`).
    cursor: Option<String>,
}

impl Position {
    /// Before the entries that are made at this time and later. Those of the same second come along.
    pub fn since(time: Time) -> Self {
        Self {
            since: time,
            cursor: None,
        }
    }
}

impl Journal {
    /// Hands on the tag and the message of each entry behind `position` that has one of `tags`
    /// (`postfix-aol-a/qmgr`), and moves `position` behind them. Entries of anyone but Postfix are passed over: others
    /// may use any tag.
    ///
    /// # Errors
    /// As for [`Journal::read()`]; `position` still holds then, behind what was handed on.
    pub fn tail(
        &self,
        tags: &[&str],
        position: &mut Position,
        mut each: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), Problem> {
        let start = match &position.cursor {
            Some(cursor) => format!("--cursor={cursor}"),
            None => format!("--since=@{}", position.since.seconds()),
        };
        let mut arguments = vec![start, format!("--output-fields={FIELDS}")];
        arguments.extend(tags.iter().map(|tag| format!("SYSLOG_IDENTIFIER={tag}")));
        let mut is_first = true;
        let ran = ctl::run(self, &arguments, |output| {
            export::entries(BufReader::new(output), |entry| {
                let is_known = is_first && is_at(entry, position.cursor.as_deref());
                is_first = false;
                let origin = self.trust.origin(entry.identifier, &entry.sender);
                if !is_known && origin == Origin::Own {
                    each(entry.identifier, entry.message);
                }
                position.cursor = Some(String::from_utf8_lossy(entry.cursor).into_owned());
                true
            })
        })?;
        let what = |e| format!("reading what journalctl prints stopped: {e}");
        ran.value.map_err(|e| Problem::new(self.place(), what(e)))
    }
}
