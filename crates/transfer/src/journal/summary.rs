//! What a journal comes to, without reading all of it: its first line, and its last, which a run that ends writes.

use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use postfix::{Root, count, either};
use serde::{Deserialize, Serialize};

use crate::journal::{Became, Ended, Fate, Header, Journal, JournalError, Line, Side, Track};
use crate::protocol::Goal;

/// Where a host keeps the journals of moves, as the host itself names it.
pub const MOVES: &str = "/var/lib/relay-tools/moves";

/// The same of deletions.
pub const DELETED: &str = "/var/lib/relay-tools/deleted";

/// Bytes that the last line cannot exceed.
const LAST_LINE: u64 = 4096;

/// What state a move is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Its plan was not written whole: nothing was done.
    NotBegun,
    /// Something is left to be done, or to be looked at.
    Unfinished,
    /// Nothing is left to be done.
    Done,
    /// The same, and messages were put back.
    Undone,
    /// An admin has closed it.
    Closed,
}

/// How many messages ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// All of the move.
    pub messages: usize,
    /// TO's.
    pub moved: usize,
    /// Left alone.
    pub skipped: usize,
    /// Something went wrong.
    pub failed: usize,
    /// Back where they were.
    pub restored: usize,
    /// Nothing shows what became of them.
    pub in_doubt: usize,
}

/// A run that has ended, or was interrupted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The move's name.
    pub name: String,
    /// Its journal.
    pub journal: PathBuf,
    /// How those that were reached ended, in the order of the plan.
    pub ended: Vec<Ended>,
    /// How many messages it is about.
    pub all: usize,
    /// How all of them ended, in this run or in an earlier one.
    pub totals: Totals,
    /// Were all reached, and is none left half-way?
    pub is_complete: bool,
    pub(crate) last: Last,
}

impl Totals {
    /// Messages that have no end yet, or one that is to be looked at.
    pub fn open(&self) -> usize {
        let settled = self.moved + self.skipped + self.restored;
        self.messages.saturating_sub(settled)
    }

    /// What state a move is in whose messages ended so. `is_complete`: has each an end, and is none to be looked at?
    pub(crate) fn state(&self, is_complete: bool) -> State {
        match (is_complete, self.restored) {
            (false, _) => State::Unfinished,
            (true, 0) => State::Done,
            (true, _) => State::Undone,
        }
    }

    /// Of a journal's ends; `None` for a message that has none yet.
    pub fn of_ends<'t>(ends: impl Iterator<Item = Option<&'t Ended>>) -> Self {
        Self::of_fates(ends.map(|ended| ended.map(|ended| ended.fate)))
    }

    pub(crate) fn of<'t>(tracks: impl Iterator<Item = &'t Track>) -> Self {
        let ends = tracks.map(|track| track.ended.as_ref().map(|ended| ended.fate));
        Self::of_fates(ends)
    }

    /// Counts ends; `None` for a message that has none yet.
    pub(crate) fn of_fates(fates: impl Iterator<Item = Option<Fate>>) -> Self {
        let mut totals = Self::default();
        for fate in fates {
            totals.messages += 1;
            match fate {
                Some(Fate::Moved) => totals.moved += 1,
                Some(Fate::Skipped) => totals.skipped += 1,
                Some(Fate::Failed) => totals.failed += 1,
                Some(Fate::Restored) => totals.restored += 1,
                Some(Fate::Doubt) => totals.in_doubt += 1,
                None => {}
            }
        }
        totals
    }
}

/// The line that a run ends with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Last {
    pub(crate) state: State,
    pub(crate) finish: bool,
    pub(crate) totals: Totals,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) became: Option<Became>,
}

/// What a journal comes to.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The journal.
    pub path: PathBuf,
    /// Its first line.
    pub header: Header,
    /// What state the move is in.
    pub state: State,
    /// Where the last run was to lead.
    pub goal: Goal,
    /// How many messages ended how.
    pub totals: Totals,
    /// What TO had done with the moved messages when its log was last read, where it was.
    pub became: Option<Became>,
}

impl Summary {
    /// Reads the first and the last line of a journal; all of it where a run did not come to its end.
    ///
    /// # Errors
    /// See [`Journal::read`].
    pub fn read(path: &Path) -> Result<Self, JournalError> {
        let unreadable = |e| JournalError::Unreadable(path.to_owned(), e);
        if let Some((header, last)) = ends(path).map_err(unreadable)? {
            return Ok(Self {
                path: path.to_owned(),
                header,
                state: last.state,
                goal: if last.finish {
                    Goal::Finish
                } else {
                    Goal::Back
                },
                totals: last.totals,
                became: last.became,
            });
        }
        let journal = Journal::read(path)?;
        Ok(Self {
            path: path.to_owned(),
            state: journal.state(),
            goal: journal.goal,
            totals: Totals::of(journal.tracks.iter()),
            became: journal.became,
            header: journal.header,
        })
    }

    /// What is reported of it while it is unfinished, with the commands for both ways on. A deletion has one way only.
    pub fn warning(&self) -> String {
        let (header, totals) = (&self.header, self.totals);
        if self.is_deletion() {
            return format!(
                "the deletion {name} was interrupted: {open} of {all} may be on hold in {instance}; to put all of it \
                 back: queue-move undo {name}",
                name = header.name,
                open = totals.open(),
                all = count(totals.messages, "message"),
                instance = header.from.instance
            );
        }
        let what = match self.goal {
            Goal::Finish => "the move",
            Goal::Back => "the undo of the move",
        };
        let (open, all) = (totals.open(), totals.messages);
        let mut left = format!(
            "{open} of {} {} unfinished",
            count(all, "message"),
            either(open, "is", "are")
        );
        if totals.in_doubt > 0 {
            left.push_str(&format!(", {} of them are in doubt", totals.in_doubt));
        }
        let name = &header.name;
        format!(
            "{what} {name} from {} to {} is unfinished: {left}; \
             to finish: queue-move resume {name}; to go back: queue-move undo {name}",
            header.from.instance, header.to.instance
        )
    }

    /// Is it a deletion, from an instance to where it is kept?
    pub fn is_deletion(&self) -> bool {
        self.header.keep_until.is_some()
    }

    /// Is there anything left to do, or to look at?
    pub fn is_unfinished(&self) -> bool {
        self.state == State::Unfinished
    }
}

/// The first line and the last, if that is one that a run ends with.
fn ends(path: &Path) -> io::Result<Option<(Header, Last)>> {
    let mut file = guarded::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_LINE)))?;
    let mut tail = Vec::new();
    (&file).take(LAST_LINE).read_to_end(&mut tail)?;
    let Some(whole) = tail.strip_suffix(b"\n") else {
        return Ok(None);
    };
    let at = whole
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |at| at + 1);
    let Ok(Line::Last(last)) = serde_json::from_slice(&whole[at..]) else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(0))?;
    let mut first = Vec::new();
    BufReader::new(file).read_until(b'\n', &mut first)?;
    match serde_json::from_slice(&first) {
        Ok(Line::Begin(header)) if header.is_known() => Ok(Some((*header, last))),
        _ => Ok(None),
    }
}

/// The unfinished moves of a host out of one of these instances or into one, and its unfinished deletions from one:
/// what is reported by all who show their queues. Beside them, the journals that cannot be read, or whose directory
/// cannot: whose they are is not known.
pub fn unfinished(root: &Root, instances: &[&str]) -> (Vec<Summary>, Vec<JournalError>) {
    let (mut found, mut damaged) = (Vec::new(), Vec::new());
    for dir in [MOVES, DELETED].map(|dir| root.under(Path::new(dir))) {
        match summaries(&dir) {
            Ok((summaries, errors)) => {
                found.extend(summaries);
                damaged.extend(errors);
            }
            Err(e) => damaged.push(JournalError::Unreadable(dir, e)),
        }
    }
    found.retain(|one| {
        let sides = [&one.header.from, &one.header.to];
        let is_asked = |side: &&Side| instances.contains(&side.instance.as_str());
        one.is_unfinished() && sides.iter().any(is_asked)
    });
    (found, damaged)
}

/// The summaries of all journals in a directory, the oldest first; and what cannot be read. No directory: no moves.
///
/// # Errors
/// The directory cannot be read.
pub fn summaries(dir: &Path) -> io::Result<(Vec<Summary>, Vec<JournalError>)> {
    let Some(entries) = guarded::list(dir)? else {
        return Ok((Vec::new(), Vec::new()));
    };
    let (mut summaries, mut errors) = (Vec::new(), Vec::new());
    for entry in entries {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            match Summary::read(&path) {
                Ok(summary) => summaries.push(summary),
                Err(error) => errors.push(error),
            }
        }
    }
    summaries.sort_by_cached_key(|summary| {
        let header = &summary.header;
        (header.started(), header.name.clone())
    });
    Ok((summaries, errors))
}
