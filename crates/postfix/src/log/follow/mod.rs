//! Reading a log from where an earlier run stopped: what is new, through rotation, compression and truncation.
//!
//! A file is known by what is in it ([`Mark`]), since logrotate(8) gives it other names, other inodes (copytruncate)
//! and other bytes (compress). `files` lists what is there, `place` finds what was read before among it, `piece` reads
//! what is new of one file. Nothing is counted of a log that changes under the reader's hands: it is looked at once
//! more.

mod files;
mod mark;
mod piece;
mod place;
mod stored;

use crate::Time;
use std::path::Path;

use super::event::{Event, Sink};
use super::read::{Options, Reading};
use crate::problem::Problem;

pub use mark::Mark;
pub use stored::StoredMark;

/// How often a log is looked at again that is rotated just now.
const ATTEMPTS: usize = 20;

/// Marks of this many files are kept: syslog daemons write to a rotated log until they are asked to reopen it, and what
/// is rotated and compressed between two runs must be found again.
const KEPT: usize = 3;

/// What is remembered of a log from one run to the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bookmark {
    /// The files that were read, oldest first; those that were empty are not among them.
    pub marks: Vec<Mark>,
    /// When the log was last looked at. Absent before the first run.
    pub seen: Option<Time>,
    /// Of a journal: the last entry that was read, as journalctl(1) names it (`--cursor`).
    pub cursor: Option<String>,
}

/// What a run has read of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// For the next run.
    pub known: Bookmark,
    /// What was read, oldest first: only files that hold something new.
    pub readings: Vec<Reading>,
    /// Lines may have been lost: how, for people.
    pub gap: Option<Problem>,
}

/// Reads what is new in the log `current` and its rotated siblings since `known` into a sink that `empty` makes. If
/// nothing is known, that is all of the current file, or, where a window is asked for, what was written from its begin
/// on. A line that has no end yet is left for the next run, unless nothing can follow it any more.
///
/// # Errors
///
/// The log cannot be read, or did not hold still; `known` still holds then.
pub fn follow<S: Sink>(
    current: &Path,
    known: &Bookmark,
    options: &Options<'_>,
    empty: impl Fn() -> S,
) -> Result<(Followed, S), Problem> {
    for _ in 0..ATTEMPTS {
        let files = files::list(current)?;
        let names: Vec<_> = files.iter().map(files::LogFile::name).collect();
        let since = options.window.as_ref().map(|window| window.start);
        let Some(plan) = place::plan(current, files, known, since)? else {
            continue;
        };
        let Some(read) = read(plan, options, empty())? else {
            continue;
        };
        // If a name leads somewhere else by now, what was rotated meanwhile may be missing, or be there twice.
        let again = files::list(current)?;
        if names != again.iter().map(files::LogFile::name).collect::<Vec<_>>() {
            continue;
        }
        return Ok(read);
    }
    Err(restless(current))
}

fn restless(current: &Path) -> Problem {
    let what = "it was rotated or truncated again and again while it was read; nothing of it is counted now, all of it \
        by the next run";
    Problem::new(current, what)
}

/// The marks by which the place in the log is found again.
fn worth_keeping(mut marks: Vec<Mark>) -> Vec<Mark> {
    // Of an empty file nothing is known but an inode, which another may get.
    marks.retain(|m| m.offset > 0);
    let old = marks.len().saturating_sub(KEPT);
    marks.drain(..old);
    marks
}

/// What would be known of the log `current` if it had been read to where it ends `now`.
///
/// # Errors
///
/// The log cannot be read, or did not hold still.
pub fn at_end(current: &Path, now: Time) -> Result<Bookmark, Problem> {
    for _ in 0..ATTEMPTS {
        let Some(plan) = place::plan(current, files::list(current)?, &Bookmark::default(), None)?
        else {
            continue;
        };
        let mark = |step| match step {
            place::Step::Keep(mark) => Ok(Some(mark)),
            place::Step::Read(piece) => piece::end(&piece),
        };
        let marks: Result<Option<Vec<Mark>>, Problem> = plan.steps.into_iter().map(mark).collect();
        if let Some(marks) = marks? {
            return Ok(Bookmark {
                marks: worth_keeping(marks),
                seen: Some(now),
                cursor: None,
            });
        }
    }
    Err(restless(current))
}

/// Reads what is planned. Nothing is returned if a file was truncated meanwhile.
fn read<S: Sink>(
    plan: place::Plan,
    options: &Options<'_>,
    mut sink: S,
) -> Result<Option<(Followed, S)>, Problem> {
    let mut marks = Vec::new();
    let mut readings = Vec::new();
    for step in plan.steps {
        let piece = match step {
            place::Step::Keep(mark) => {
                marks.push(mark);
                continue;
            }
            place::Step::Read(piece) => piece,
        };
        let mut watched = Watched {
            inner: sink,
            last: None,
        };
        let Some((mut mark, reading)) = piece::read(piece, options, &mut watched)? else {
            return Ok(None);
        };
        mark.last = watched.last.or(mark.last);
        marks.push(mark);
        readings.extend(reading);
        sink = watched.inner;
    }
    let followed = Followed {
        known: Bookmark {
            marks: worth_keeping(marks),
            seen: Some(options.now),
            cursor: None,
        },
        readings,
        gap: plan.gap,
    };
    Ok(Some((followed, sink)))
}

/// Remembers when the last event was.
struct Watched<S> {
    inner: S,
    last: Option<Time>,
}

impl<S: Sink> Sink for Watched<S> {
    fn event(&mut self, event: &Event<'_>) {
        let time = match event {
            Event::Delivery(delivery) => delivery.time,
            Event::Expired(expired) => expired.time,
            _ => None,
        };
        self.last = time.or(self.last);
        self.inner.event(event);
    }

    fn counts(&mut self, tag: &[u8], time: Option<Time>) -> bool {
        self.inner.counts(tag, time)
    }

    fn knows(&self, tag: &[u8]) -> bool {
        self.inner.knows(tag)
    }

    fn fork(&self) -> Option<Self> {
        Some(Self {
            inner: self.inner.fork()?,
            last: None,
        })
    }

    fn is_done(&self) -> bool {
        self.inner.is_done()
    }

    fn join(&mut self, later: Self) {
        self.last = later.last.or(self.last);
        self.inner.join(later.inner);
    }
}

#[cfg(test)]
mod tests;
