//! The journal of a move: JSON Lines, one file a move. What is to be done is in it before anything is done.
//!
//! Only appended to. A last line that was cut short by a crash counts as not written; anything else that cannot be
//! read is damage, and nothing is guessed then.

mod became;
mod ending;
mod lines;
mod log_mark;
mod summary;
mod unwritten;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use guarded::{Links, Place};
use postfix::queue::QueueId;

use crate::fsops::{Fs, Op};
use crate::protocol::Goal;

pub use became::Became;
pub use ending::{close, prune};
pub use lines::{Ended, Fate, Header, Intent, Rcpt, SCHEMA, Side, Trial};
pub(crate) use lines::{Line, Made, Raw};
pub use log_mark::LogMark;
pub(crate) use summary::Last;
pub use summary::{DELETED, Done, MOVES, State, Summary, Totals, summaries, unfinished};

/// A journal open for writing.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    fs: Fs<'a>,
    file: File,
    place: Place,
    path: PathBuf,
}

impl<'a> Writer<'a> {
    /// A new journal; `AlreadyExists` if there is one of that name. Its directory is made, for its owner alone.
    pub(crate) fn create(fs: Fs<'a>, root: &Path, path: &Path) -> io::Result<Self> {
        let place = Place::private(root, path, Links::Ours)?;
        let file = fs.hooked(Op::Create, path, || place.create())?;
        if !unwritten::lock(&file)? {
            return Err(io::Error::other("somebody has removed it already"));
        }
        Ok(Self {
            fs,
            file,
            place,
            path: path.to_owned(),
        })
    }

    /// An old one, from its last whole line on. What was cut short behind that goes; what another run has written since
    /// the journal was read does not: it says where mail is.
    pub(crate) fn reopen(fs: Fs<'a>, root: &Path, journal: &Journal) -> io::Result<Self> {
        let this = Self::open(fs, root, &journal.path)?;
        let length = this.file.metadata()?.len();
        if length != journal.read {
            return Err(io::Error::other("another run has written to it meanwhile"));
        }
        if length > journal.length {
            fs.hooked(Op::Write, &journal.path, || {
                this.file.set_len(journal.length)
            })?;
        }
        Ok(this)
    }

    /// One to be appended to.
    pub(crate) fn open(fs: Fs<'a>, root: &Path, path: &Path) -> io::Result<Self> {
        let place = Place::below(root, path, Links::Ours)?;
        let file = place.reopen()?;
        Ok(Self {
            fs,
            file,
            place,
            path: path.to_owned(),
        })
    }

    pub(crate) fn write(&mut self, lines: &[Line]) -> io::Result<()> {
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
        }
        self.fs.write(&self.file, &self.path, &text)
    }

    /// Waits until its name is on disk.
    pub(crate) fn sync_directory(&self) -> io::Result<()> {
        let directory = self.path.parent().unwrap_or(&self.path);
        let sync = || self.place.sync_directory();
        self.fs.hooked(Op::Sync, directory, sync)
    }

    /// Writes, and waits until it is on disk.
    pub(crate) fn commit(&mut self, lines: &[Line]) -> io::Result<()> {
        self.write(lines)?;
        self.fs.sync(&self.file, &self.path)
    }
}

/// A file that was made: its inode, and whether it is complete and on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Copied {
    pub(crate) inode: u64,
    pub(crate) complete: bool,
}

impl Copied {
    fn begun(made: &Made) -> Self {
        Self {
            inode: made.inode,
            complete: false,
        }
    }
}

/// What the journal says of a message.
#[derive(Debug, Clone)]
pub(crate) struct Track {
    pub(crate) intent: Arc<Intent>,
    /// Its name in FROM: another than the queue id once it came back as a copy.
    pub(crate) from_name: QueueId,
    /// Its name in TO's maildrop.
    pub(crate) name: QueueId,
    /// Has this move begun to change anything of it?
    pub(crate) touched: bool,
    /// The copy in TO's maildrop.
    pub(crate) copy: Option<Copied>,
    /// The copy on its way back, and its name-to-be in FROM.
    pub(crate) back: Option<(Copied, QueueId)>,
    /// Its defer log, where that was not as the plan would have it.
    pub(crate) log: Option<Raw>,
    /// Was the source covered, on disk?
    pub(crate) sealed: bool,
    /// The inode of its decoy in TO's maildrop.
    pub(crate) decoy: Option<u64>,
    pub(crate) ended: Option<Ended>,
}

impl Track {
    pub(crate) fn new(intent: Arc<Intent>) -> Self {
        Self {
            from_name: intent.queue_id.clone(),
            name: intent.queue_id.clone(),
            touched: false,
            copy: None,
            back: None,
            log: None,
            sealed: false,
            decoy: None,
            ended: None,
            intent,
        }
    }

    /// Its defer log as it was; empty if there was none.
    pub(crate) fn defer_log(&self) -> Vec<u8> {
        let raw = self.log.as_ref().map(|log| log.bytes().to_vec());
        raw.unwrap_or_else(|| self.intent.defer_log().into_bytes())
    }
}

/// A journal that was read.
#[derive(Debug, Clone)]
pub struct Journal {
    /// The file.
    pub path: PathBuf,
    /// Its first line.
    pub header: Header,
    /// Was the whole plan written? If not, nothing was done.
    pub planned: bool,
    /// Was all of it done?
    pub finished: bool,
    /// Has an admin closed it?
    pub closed: bool,
    /// Where the last run was to lead: `undo` stays the goal until it is reached.
    pub goal: Goal,
    /// What the last canary came to.
    pub trial: Option<Trial>,
    /// What TO had done with the moved messages when its log was last read, where it was.
    pub became: Option<Became>,
    /// Was the last line cut short?
    pub torn: bool,
    pub(crate) tracks: Vec<Track>,
    /// Bytes up to the end of the last whole line.
    length: u64,
    /// Bytes that it had when it was read.
    read: u64,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be read.
    #[error("{}: cannot be read: {}", .0.display(), .1)]
    Unreadable(PathBuf, io::Error),
    /// It does not begin as a journal of this version does.
    #[error("{}: not a journal of queue-move, or of another version", .0.display())]
    Unknown(PathBuf),
    /// A line that is not the last cannot be read.
    #[error(
        "{}, line {}: damaged; nothing is changed on a guess, and what it says of other messages is kept: what this move \
         held is in FROM's hold queue, or closed (mode 0600) in TO's maildrop",
        .0.display(), .1
    )]
    Damaged(PathBuf, usize),
}

impl Journal {
    /// Reads a journal.
    ///
    /// # Errors
    /// See [`JournalError`]. A last line that was cut short is no error.
    pub fn read(path: &Path) -> Result<Self, JournalError> {
        let unreadable = |e| JournalError::Unreadable(path.to_owned(), e);
        let file = guarded::open(path).map_err(unreadable)?;
        let (text, length) = unwritten::text_of(&file).map_err(unreadable)?;
        let unknown = || JournalError::Unknown(path.to_owned());
        let whole = text
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(0, |at| at + 1);
        if unwritten::is_unwritten(&text) {
            let header = unwritten::header(path, &file).map_err(unreadable)?;
            return Ok(Self::new(path, header, 0, length));
        }
        let mut lines = text[..whole].split_inclusive(|&b| b == b'\n').enumerate();
        let (_, first) = lines.next().ok_or_else(unknown)?;
        let Ok(Line::Begin(header)) = serde_json::from_slice(first) else {
            return Err(unknown());
        };
        if !header.is_known() {
            return Err(unknown());
        }
        let mut journal = Self::new(path, *header, whole as u64, length);
        for (number, line) in lines {
            let taken = serde_json::from_slice(line)
                .ok()
                .and_then(|line| journal.take(line));
            if taken.is_none() {
                let good = journal_offset(&text, number);
                if is_torn(&text[good..]) {
                    journal.torn = true;
                    journal.length = good as u64;
                    break;
                }
                return Err(JournalError::Damaged(path.to_owned(), number + 1));
            }
        }
        if journal.header.is_old() {
            // They do not say which messages a move had begun with.
            journal
                .tracks
                .iter_mut()
                .for_each(|track| track.touched = true);
        }
        Ok(journal)
    }

    /// Takes a line in; `None` if it does not fit what came before.
    fn take(&mut self, line: Line) -> Option<()> {
        match line {
            Line::Begin(_) => return None,
            Line::Intent(intent) => {
                let fits = !self.planned && intent.n as usize == self.tracks.len();
                fits.then_some(())?;
                self.tracks.push(Track::new(intent));
            }
            Line::Planned(count) => {
                (count as usize == self.tracks.len()).then_some(())?;
                self.planned = true;
            }
            Line::Taking(list) => self.set(&list, true, |track| Some(&mut track.touched))?,
            Line::Logs(list) => {
                for (n, log) in list {
                    self.track(n)?.log = Some(log);
                }
            }
            Line::Named(list) => {
                for one in list {
                    self.track(one.n)?.name = one.name;
                }
            }
            Line::Copying(list) => {
                for one in list {
                    let track = self.track(one.n)?;
                    (track.copy, track.name) = (Some(Copied::begun(&one)), one.name);
                }
            }
            Line::Copied(list) => self.set(&list, true, |track| {
                Some(&mut track.copy.as_mut()?.complete)
            })?,
            Line::Covered(list) => self.set(&list, true, |track| Some(&mut track.sealed))?,
            Line::Uncovered(list) => self.set(&list, false, |track| Some(&mut track.sealed))?,
            Line::Decoys(list) => {
                for one in list {
                    self.track(one.n)?.decoy = Some(one.inode);
                }
            }
            Line::Returning(one) => self.come_back(vec![one])?,
            Line::ComingBack(list) => self.come_back(list)?,
            Line::Returned(n) => self.came_back(&[n])?,
            Line::CameBack(list) => self.came_back(&list)?,
            Line::Ended(list) => {
                for one in list {
                    let n = one.n;
                    self.track(n)?.ended = Some(one);
                }
            }
            Line::Recover(finish, _) => {
                (self.finished, self.closed) = (false, false);
                self.goal = if finish { Goal::Finish } else { Goal::Back };
            }
            Line::Canary(trial) => self.trial = Some(trial),
            Line::Finished(_) => self.finished = true,
            Line::Closed(..) => self.closed = true,
            Line::Last(last) => self.became = last.became,
        }
        Some(())
    }

    fn come_back(&mut self, list: Vec<Made>) -> Option<()> {
        for one in list {
            self.track(one.n)?.back = Some((Copied::begun(&one), one.name));
        }
        Some(())
    }

    fn came_back(&mut self, list: &[u32]) -> Option<()> {
        self.set(list, true, |track| {
            Some(&mut track.back.as_mut()?.0.complete)
        })
    }

    /// Sets a field of each of these; `None` if one is not there.
    fn set(
        &mut self,
        list: &[u32],
        value: bool,
        field: impl Fn(&mut Track) -> Option<&mut bool>,
    ) -> Option<()> {
        for &n in list {
            *field(self.track(n)?)? = value;
        }
        Some(())
    }

    fn track(&mut self, n: u32) -> Option<&mut Track> {
        self.tracks.get_mut(n as usize)
    }

    /// What it was to move, in order.
    pub fn intents(&self) -> impl ExactSizeIterator<Item = &Arc<Intent>> {
        self.tracks.iter().map(|track| &track.intent)
    }

    /// How its messages ended, in order; `None` for those that have not.
    pub fn ends(&self) -> impl Iterator<Item = Option<&Ended>> {
        self.tracks.iter().map(|track| track.ended.as_ref())
    }

    /// What state the move is in.
    pub fn state(&self) -> State {
        let restored = |track: &Track| {
            let ended = track.ended.as_ref();
            ended.is_some_and(|ended| ended.fate == Fate::Restored)
        };
        match (self.planned, self.closed, self.finished) {
            (false, ..) => State::NotBegun,
            (true, true, _) => State::Closed,
            (true, false, false) => State::Unfinished,
            (true, false, true) if self.tracks.iter().any(restored) => State::Undone,
            (true, false, true) => State::Done,
        }
    }
}

/// Where line `number` (from 0) begins.
fn journal_offset(text: &[u8], number: usize) -> usize {
    let lines = text.split_inclusive(|&b| b == b'\n').take(number);
    lines.map(<[u8]>::len).sum()
}

/// Is this what a crash leaves at the end of a file on some file systems: a block of zeros, and nothing behind it that
/// was ever written whole? Lines behind it say that there was more, which somebody may have acted upon.
fn is_torn(rest: &[u8]) -> bool {
    let mut pieces = rest.split(|&b| b == b'\n' || b == 0);
    let is_line = |piece: &[u8]| serde_json::from_slice::<Line>(piece).is_ok();
    rest.starts_with(b"\0") && !pieces.any(is_line)
}
