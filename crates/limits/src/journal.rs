//! The journal of a host's limits: JSON Lines, only appended to, and on disk before anything is changed.
//!
//! A last line that was cut short by a crash counts as not written. A line that cannot be read is reported, and the
//! rest counts: a pause whose line is damaged is still known from the map ([`crate::map::MapText::blocks`]), and no
//! damage may keep the others from ending. So are zero bytes at the end, which a power failure leaves: lines that were
//! on disk may have been there.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use guarded::{Links, Place};
use postfix::{Parsed, Position, Problem, Time};
use serde::{Deserialize, Serialize};
use transfer::{Fs, Op};

use crate::limit::{Ending, Limit, Removal, Standing};

/// More than this no journal has: a million lines.
const MOST: u64 = 512 << 20;

/// One line: what happened, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When.
    #[serde(with = "crate::stamp")]
    pub at: Time,
    /// What happened.
    #[serde(flatten)]
    pub entry: JournalEntry,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalEntry {
    /// A limit is to be put in force.
    Begin(Box<Limit>),
    /// Postfix was seen to hold to it.
    InForce {
        /// The limit.
        id: String,
    },
    /// Something that an admin should know.
    Note {
        /// The limit.
        id: String,
        /// What.
        text: String,
    },
    /// What is to be removed from the zone, by hand.
    Zone {
        /// The limit.
        id: String,
        /// What.
        removal: Removal,
    },
    /// It is to be taken off.
    End {
        /// The limit.
        id: String,
        /// Why.
        how: Ending,
        /// By whom.
        by: String,
    },
    /// Nothing is left of it.
    Closed {
        /// The limit.
        id: String,
    },
}

/// What the journal says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Journal {
    /// Every limit, in the order in which they were ordered.
    pub limits: Vec<Standing>,
    /// Bytes that stay: all but the beginning of a line that was not written to its end.
    length: u64,
    /// Is there such a beginning?
    torn: bool,
    /// Is the last of what stays no whole line?
    damaged: bool,
}

/// Is it a line, or the beginning of one?
fn is_beginning(text: &[u8]) -> bool {
    serde_json::from_slice::<Record>(text).map_or_else(|e| e.is_eof(), |_| true)
}

impl Journal {
    /// Where the journal is in `directory` ([`crate::DIRECTORY`]).
    pub fn path(directory: &Path) -> PathBuf {
        directory.join("journal.jsonl")
    }

    /// Reads the journal in `directory`; an empty one where there is none yet.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn read(directory: &Path) -> io::Result<Parsed<Self>> {
        let path = Self::path(directory);
        match guarded::read(&path, MOST) {
            Ok(text) => Ok(Self::parse(&path, &text)),
            Err(e) if guarded::is_absent(&e) => Ok(Parsed {
                value: Self::default(),
                problems: Vec::new(),
            }),
            Err(e) => Err(e),
        }
    }

    /// Reads a journal's text. Never fails, whatever the bytes.
    pub fn parse(path: &Path, text: &[u8]) -> Parsed<Self> {
        let end = text
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(0, |at| at + 1);
        let (whole, rest) = text.split_at_checked(end).unwrap_or_default();
        let damaged = !rest.is_empty() && !is_beginning(rest);
        let stays = if damaged { text } else { whole };
        let mut journal = Self {
            length: stays.len() as u64,
            torn: !rest.is_empty() && !damaged,
            damaged,
            limits: Vec::new(),
        };
        let mut problems = Vec::new();
        let lines = stays.split_inclusive(|&b| b == b'\n');
        for (number, line) in (1..).zip(lines) {
            let what = match serde_json::from_slice::<Record>(line) {
                Ok(record) => match journal.take(record) {
                    Ok(()) => continue,
                    Err(what) => what.to_owned(),
                },
                Err(_) if line.contains(&0) => {
                    let zeros = line.iter().filter(|&&b| b == 0).count();
                    format!(
                        "this line of the journal cannot be read: {zeros} bytes of it are zero, as after a power failure; \
                         limits may be missing"
                    )
                }
                Err(e) => format!("this line of the journal cannot be read: {e}"),
            };
            problems.push(Problem::new(path, what).at(Position::Line(number)));
        }
        Parsed {
            value: journal,
            problems,
        }
    }

    fn take(&mut self, record: Record) -> Result<(), &'static str> {
        const UNKNOWN: &str = "the line names a limit that this journal never began";
        let at = record.at;
        match record.entry {
            JournalEntry::Begin(limit) => {
                if self.find(&limit.id).is_some() {
                    return Err("a limit of this name was already begun");
                }
                self.limits.push(Standing {
                    limit: *limit,
                    in_force: None,
                    ended: None,
                    closed: None,
                    notes: Vec::new(),
                    removal: None,
                });
            }
            JournalEntry::InForce { id } => {
                let standing = self.find(&id).ok_or(UNKNOWN)?;
                standing.in_force = standing.in_force.or(Some(at));
            }
            JournalEntry::Note { id, text } => self.find(&id).ok_or(UNKNOWN)?.notes.push(text),
            // The first counts: resolvers that asked then hold it so long, whenever it is looked at again.
            JournalEntry::Zone { id, removal } => {
                let standing = self.find(&id).ok_or(UNKNOWN)?;
                standing.removal = standing.removal.take().or(Some(removal));
            }
            // The first end counts: two that lift at once, or a crash between an end and its being closed.
            JournalEntry::End { id, how, by } => {
                let standing = self.find(&id).ok_or(UNKNOWN)?;
                standing.ended = standing.ended.take().or(Some((at, how, by)));
            }
            JournalEntry::Closed { id } => {
                let standing = self.find(&id).ok_or(UNKNOWN)?;
                standing.closed = standing.closed.or(Some(at));
            }
        }
        Ok(())
    }

    fn find(&mut self, id: &str) -> Option<&mut Standing> {
        self.limits.iter_mut().find(|one| one.limit.id == id)
    }

    /// The limit of this name.
    pub fn limit(&self, id: &str) -> Option<&Standing> {
        self.limits.iter().find(|one| one.limit.id == id)
    }

    /// The other pauses that hold some of the mail of a pause.
    pub fn overlapping<'j>(
        &'j self,
        limit: &'j Limit,
        now: Time,
    ) -> impl Iterator<Item = &'j Standing> {
        self.limits.iter().filter(move |one| {
            let pauses = one.limit.pause().zip(limit.pause());
            one.holds(now)
                && one.limit.id != limit.id
                && one.limit.config_directory == limit.config_directory
                && pauses.is_some_and(|(other, own)| other.scope.overlaps(&own.scope))
        })
    }

    /// A name for a limit of `instance` that is ordered at `now`, which no other has: `aol-b-20261124T093012Z`.
    pub fn new_id(&self, instance: &str, stamp: &str) -> String {
        let plain = |c: char| match c {
            c if c.is_ascii_alphanumeric() || "-_.".contains(c) => c,
            _ => '_',
        };
        let bare = instance.strip_prefix("postfix-").unwrap_or(instance);
        let name: String = bare.chars().take(60).map(plain).collect();
        let first = format!("{name}-{stamp}");
        let more = (2..).map(|n| format!("{first}-{n}"));
        let mut ids = std::iter::once(first.clone()).chain(more);
        ids.find(|id| self.limit(id).is_none()).unwrap_or(first)
    }

    /// Appends `records` to the journal in `directory`, which this journal was read from under the lock, and waits
    /// until they are on disk. Directory and file are made if need be, for everybody to read: other tools show what
    /// is paused.
    ///
    /// # Errors
    /// They could not be written; nothing of them counts then.
    pub fn append(&mut self, fs: Fs<'_>, directory: &Path, records: &[Record]) -> io::Result<()> {
        let path = Self::path(directory);
        let mut text = Vec::new();
        if self.damaged {
            text.push(b'\n');
        }
        for record in records {
            serde_json::to_writer(&mut text, record)?;
            text.push(b'\n');
        }
        let place = Place::make(Path::new("/"), &path, Links::Never)?;
        let is_new = place.kind()?.is_none();
        let mut file = fs.hooked(Op::Create, &path, || place.append())?;
        if self.torn {
            fs.hooked(Op::Write, &path, || file.set_len(self.length))?;
            self.torn = false;
        }
        let written = fs
            .hooked(Op::Write, &path, || file.write_all(&text))
            .and_then(|()| fs.hooked(Op::Sync, &path, || file.sync_all()))
            .and_then(|()| match is_new {
                true => fs.hooked(Op::SyncDir, directory, || place.sync_directory()),
                false => Ok(()),
            });
        if let Err(e) = written {
            // Half a line is taken off again; where even that fails, whoever reads next does it.
            self.torn = file.set_len(self.length).is_err();
            return Err(e);
        }
        self.length += text.len() as u64;
        self.damaged = false;
        for record in records {
            // What was just made from this journal fits it.
            let _fits = self.take(record.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
