//! The journal of a move: JSON Lines, one file a move. What is to be done is in it before anything is done.
//!
//! Only appended to. A last line that was cut short by a crash counts as not written; anything else that cannot be
//! read is damage, and nothing is guessed then.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use postfix::queue::{Layout, Queue, QueueId, ShownRecipient, Spool};
use serde::{Deserialize, Serialize};

use crate::fsops::{Fs, Op, Stat};

/// What every journal's first line says.
pub const SCHEMA: &str = "relay-tools/move/1";

/// One of the two spools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// The instance's name.
    pub instance: String,
    /// Its configuration directory, as the host names it.
    pub config_directory: PathBuf,
    /// Its syslog_name.
    pub syslog_name: String,
    /// Its queue directory, as this machine names it.
    pub queue_directory: PathBuf,
    /// hash_queue_names, separated by blanks.
    pub hash_queue_names: String,
    /// hash_queue_depth.
    pub hash_queue_depth: usize,
    /// User and group that own its mail.
    pub owner: (u32, u32),
    /// Device and inode of the queue directory.
    pub identity: (u64, u64),
}

impl Side {
    /// The queue directory with its layout.
    pub fn spool(&self) -> Spool {
        let layout = Layout::new(&self.hash_queue_names, self.hash_queue_depth);
        Spool::new(&self.queue_directory, layout)
    }
}

/// Where TO's log ended when the move began: what is behind that is about this move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogMark {
    /// The log file.
    pub path: PathBuf,
    /// Its inode: after a rotation it has another name.
    pub inode: u64,
    /// Its length in bytes.
    pub offset: u64,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`SCHEMA`].
    pub schema: String,
    /// The move's name: that of the file.
    #[serde(rename = "move")]
    pub name: String,
    /// Seconds since 1970 (UTC).
    pub started: i64,
    /// Who started it.
    pub user: String,
    /// By which command.
    pub command: String,
    /// Where the mail is taken from.
    pub from: Side,
    /// Where it goes to.
    pub to: Side,
    /// Are the spools on two file systems, so that files are copied?
    pub cross_device: bool,
    /// The nanoseconds of the modification time of files that this move holds: Postfix itself sets none.
    pub mark: u32,
    /// Where TO's log ended.
    pub log: Option<LogMark>,
}

/// A recipient that waits for delivery, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rcpt {
    /// The address, as showq(8) shows it.
    pub address: String,
    /// The address as first given, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orig_address: Option<String>,
    /// Why delivery was put off, if the defer log knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Enhanced status code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dsn: Option<String>,
    /// The server that said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mta: Option<String>,
    /// What it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostic: Option<String>,
    /// Offset of the recipient's record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

impl From<&ShownRecipient> for Rcpt {
    fn from(shown: &ShownRecipient) -> Self {
        let deferral = shown.deferral.as_ref();
        Self {
            address: shown.address.clone(),
            orig_address: shown.orig_address.clone(),
            reason: deferral.map(|d| d.reason.clone()),
            dsn: deferral.map(|d| d.dsn.clone()),
            mta: deferral.and_then(|d| d.mta_name.clone()),
            diagnostic: deferral.and_then(|d| d.diagnostic_text.clone()),
            offset: deferral.and_then(|d| d.offset),
        }
    }
}

/// What is to be done with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Its number in this move.
    pub n: u32,
    /// Its queue id in FROM.
    pub queue_id: String,
    /// The queue it is in: deferred or hold.
    pub queue: String,
    /// Its file.
    pub(crate) file: Stat,
    /// When it arrived, seconds since 1970 (UTC).
    pub arrival: i64,
    /// Its size, as showq(8) counts it.
    pub size: u64,
    /// The sender.
    pub sender: String,
    /// The recipients that wait for delivery.
    pub recipients: Vec<Rcpt>,
}

impl Intent {
    pub(crate) fn id(&self) -> io::Result<QueueId> {
        QueueId::new(&self.queue_id).ok_or_else(|| io::Error::other("no queue id in the journal"))
    }

    pub(crate) fn was_on_hold(&self) -> bool {
        Queue::from_name(&self.queue) == Some(Queue::Hold)
    }

    /// The defer log, as bounce(8) would write it (bounce_append_service.c); empty if there was none.
    pub(crate) fn defer_log(&self) -> String {
        use std::fmt::Write as _;
        let mut log = String::new();
        for rcpt in &self.recipients {
            let Some(reason) = &rcpt.reason else { continue };
            log.push('\n');
            let shown = match rcpt.address.as_str() {
                "MAILER-DAEMON" => "",
                address => address,
            };
            let mut line = |name: &str, value: &str| {
                // Writing into a String does not fail.
                let _written = writeln!(log, "{name}={value}");
            };
            line("recipient", if shown.is_empty() { "<>" } else { shown });
            if let Some(original) = &rcpt.orig_address {
                line("original_recipient", original);
            }
            if let Some(offset) = rcpt.offset {
                line("offset", &offset.to_string());
            }
            line("status", rcpt.dsn.as_deref().unwrap_or("4.0.0"));
            line("action", "delayed");
            if let Some(text) = &rcpt.diagnostic {
                line("diag_type", "smtp");
                line("diag_text", text);
            }
            if let Some(name) = &rcpt.mta {
                line("mta_type", "dns");
                line("mta_mname", name);
            }
            line("reason", reason);
            log.push('\n');
        }
        log
    }
}

/// A file that was made in a spool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) n: u32,
    pub(crate) name: String,
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

/// How a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It is, or was, in TO's maildrop.
    Moved,
    /// It was left alone.
    Skipped,
    /// Something went wrong; `why` says where it is now.
    Failed,
    /// It is back where it was.
    Restored,
}

/// How a message ended, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Its number in this move.
    pub n: u32,
    /// How.
    pub fate: Fate,
    /// Why it was not moved, and where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Its name in TO's maildrop, which pickup(8) logs as orig_id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Line {
    Begin(Box<Header>),
    Intent(Box<Intent>),
    /// All intents are written, so many.
    Planned(u32),
    /// These names in TO's maildrop are used in place of the queue ids, which are taken there.
    Named(Vec<Made>),
    /// Empty files were made in TO's maildrop, for pickup(8) to ignore.
    Copying(Vec<Made>),
    /// Those are complete and on disk.
    Copied(Vec<u32>),
    /// An empty file was made in FROM's hold queue, for a message on its way back.
    Returning(Made),
    /// It is complete and on disk.
    Returned(u32),
    /// How messages ended.
    Ended(Vec<Ended>),
    /// `resume` (`true`) or `undo` has begun, at a time.
    Recover(bool, i64),
    /// Nothing is left to do.
    Finished(i64),
}

/// A journal open for writing.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    fs: Fs<'a>,
    file: File,
    path: PathBuf,
}

impl<'a> Writer<'a> {
    /// A new journal; `AlreadyExists` if there is one of that name.
    pub(crate) fn create(fs: Fs<'a>, path: &Path) -> io::Result<Self> {
        let hooked = || -> io::Result<File> {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true).mode(0o600).open(path)
        };
        let file = fs.hooked(Op::Create, path, hooked)?;
        Ok(Self {
            fs,
            file,
            path: path.to_owned(),
        })
    }

    /// An old one, from its last whole line on.
    pub(crate) fn reopen(fs: Fs<'a>, journal: &Journal) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).open(&journal.path)?;
        if file.metadata()?.len() > journal.length {
            fs.hooked(Op::Write, &journal.path, || file.set_len(journal.length))?;
        }
        Ok(Self {
            fs,
            file,
            path: journal.path.clone(),
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

    /// Writes, and waits until it is on disk.
    pub(crate) fn commit(&mut self, lines: &[Line]) -> io::Result<()> {
        self.write(lines)?;
        self.fs.sync(&self.file, &self.path)
    }
}

/// What the journal says of a message.
#[derive(Debug, Clone)]
pub(crate) struct Track {
    pub(crate) intent: Intent,
    /// Its name in TO's maildrop.
    pub(crate) name: String,
    /// Device and inode of the copy in TO's maildrop, and whether it is complete.
    pub(crate) copy: Option<(u64, u64, bool)>,
    /// The same of the copy on its way back, in FROM's hold queue.
    pub(crate) back: Option<(u64, u64, bool)>,
    pub(crate) ended: Option<Ended>,
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
    /// Was the last line cut short?
    pub torn: bool,
    pub(crate) tracks: Vec<Track>,
    /// Bytes up to the end of the last whole line.
    length: u64,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be read.
    #[error("{}: cannot be read: {}", .0.display(), .1)]
    Unreadable(PathBuf, io::Error),
    /// It does not begin as a journal of this version does.
    #[error("{}: is no journal of queue-move, or one of another version", .0.display())]
    Unknown(PathBuf),
    /// A line that is not the last cannot be read.
    #[error("{}, line {}: is damaged; nothing is done on a guess", .0.display(), .1)]
    Damaged(PathBuf, usize),
}

impl Journal {
    /// Reads a journal.
    ///
    /// # Errors
    /// See [`JournalError`]. A last line that was cut short is no error.
    pub fn read(path: &Path) -> Result<Self, JournalError> {
        let text = std::fs::read(path).map_err(|e| JournalError::Unreadable(path.to_owned(), e))?;
        let unknown = || JournalError::Unknown(path.to_owned());
        let whole = text
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(0, |at| at + 1);
        let mut lines = text[..whole].split_inclusive(|&b| b == b'\n').enumerate();
        let (_, first) = lines.next().ok_or_else(unknown)?;
        let Ok(Line::Begin(header)) = serde_json::from_slice(first) else {
            return Err(unknown());
        };
        if header.schema != SCHEMA {
            return Err(unknown());
        }
        let mut journal = Self {
            path: path.to_owned(),
            header: *header,
            planned: false,
            finished: false,
            torn: whole < text.len(),
            tracks: Vec::new(),
            length: whole as u64,
        };
        for (number, line) in lines {
            let taken = serde_json::from_slice(line)
                .ok()
                .and_then(|line| journal.take(line));
            if taken.is_none() {
                // A block of zeros at the end is what a crash leaves on some file systems.
                let rest = &text[usize::try_from(journal_offset(&text, number)).unwrap_or(0)..];
                if rest.contains(&0) && !rest.starts_with(b"{") {
                    journal.torn = true;
                    journal.length = journal_offset(&text, number);
                    break;
                }
                return Err(JournalError::Damaged(path.to_owned(), number + 1));
            }
        }
        Ok(journal)
    }

    /// Takes a line in; `None` if it does not fit what came before.
    fn take(&mut self, line: Line) -> Option<()> {
        let made = |made: &Made, whole| Some((made.device, made.inode, whole));
        match line {
            Line::Begin(_) => return None,
            Line::Intent(intent) => {
                let fits = !self.planned && intent.n as usize == self.tracks.len();
                fits.then_some(())?;
                self.tracks.push(Track {
                    name: intent.queue_id.clone(),
                    intent: *intent,
                    copy: None,
                    back: None,
                    ended: None,
                });
            }
            Line::Planned(count) => {
                (count as usize == self.tracks.len()).then_some(())?;
                self.planned = true;
            }
            Line::Named(list) => {
                for one in list {
                    self.track(one.n)?.name = one.name;
                }
            }
            Line::Copying(list) => {
                for one in list {
                    let track = self.track(one.n)?;
                    track.copy = made(&one, false);
                    track.name = one.name;
                }
            }
            Line::Copied(list) => {
                for n in list {
                    self.track(n)?.copy.as_mut()?.2 = true;
                }
            }
            Line::Returning(one) => self.track(one.n)?.back = made(&one, false),
            Line::Returned(n) => self.track(n)?.back.as_mut()?.2 = true,
            Line::Ended(list) => {
                for one in list {
                    let n = one.n;
                    self.track(n)?.ended = Some(one);
                }
            }
            Line::Recover(..) => self.finished = false,
            Line::Finished(_) => self.finished = true,
        }
        Some(())
    }

    fn track(&mut self, n: u32) -> Option<&mut Track> {
        self.tracks.get_mut(n as usize)
    }

    /// What it was to move, in order.
    pub fn intents(&self) -> impl Iterator<Item = &Intent> {
        self.tracks.iter().map(|track| &track.intent)
    }

    /// How many messages are in it, and how many of them were moved, skipped, failed and put back.
    pub fn counts(&self) -> (usize, [usize; 4]) {
        let mut counts = [0; 4];
        for ended in self.tracks.iter().filter_map(|t| t.ended.as_ref()) {
            counts[ended.fate as usize] += 1;
        }
        (self.tracks.len(), counts)
    }
}

/// Where line `number` (from 0) begins.
fn journal_offset(text: &[u8], number: usize) -> u64 {
    let lines = text.split_inclusive(|&b| b == b'\n').take(number);
    lines.map(|line| line.len() as u64).sum()
}
