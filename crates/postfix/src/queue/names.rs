//! The names in a queue's directories, without a look at the files.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::words::{count, either};
use rustix::fs::{AtFlags, FileType, OFlags, RawDir};
use rustix::io::Errno;

use super::id::{hash_key, is_queue_id};
use super::{Queue, QueueId, Spool};
use crate::Problem;
use guarded::at;

/// What getdents(2) fills at a time.
const BLOCK: usize = 65_536;
/// Hash directories nested deeper than this are not Postfix's work.
const DEEPEST: usize = 32;
/// Problems kept of one queue; the rest are counted.
const MOST_PROBLEMS: usize = 1000;

/// Why a spool cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A directory may not be read: Postfix's queues are for root and the mail system only.
    #[error("{}: permission denied; only root can read Postfix's queues", .0.display())]
    Denied(PathBuf),
    /// The queue directory is not there, or cannot be read for another reason.
    #[error("{}: cannot be read: {}", .0.display(), .1)]
    Unreadable(PathBuf, std::io::Error),
}

impl ScanError {
    pub(super) fn new(path: PathBuf, error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::PermissionDenied => Self::Denied(path),
            _ => Self::Unreadable(path, error),
        }
    }

    /// As a problem beside others: the path, and what is wrong with it.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Denied(path) => Problem::new(
                path,
                "permission denied; only root can read Postfix's queues",
            ),
            Self::Unreadable(path, error) => Problem::new(path, format!("cannot be read: {error}")),
        }
    }
}

/// What a queue was found to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Messages.
    pub messages: u64,
    /// Files that are still being written, and no mail yet.
    pub being_written: u64,
    /// Files that the queue manager moved or removed in the meantime.
    pub vanished: u64,
    /// Messages that could not be opened: there they are, and no more is known of them. Each is a problem, too. Not
    /// included in [`Self::messages`].
    pub unopened: u64,
    /// Messages at another depth than `hash_queue_depth` says, where Postfix does not see them. Included in
    /// [`Self::messages`].
    pub misplaced: u64,
    /// What does not belong there, or could not be read.
    pub problems: Vec<Problem>,
    /// Problems beyond those kept.
    pub more_problems: u64,
    /// Directories that could not be read, or not to their end: how much mail is in them is not known. Each is a
    /// problem, too.
    pub unseen: u64,
}

impl Tally {
    /// The problems that were kept, and one more that says how many were not. `queue_dir` is where they were found.
    pub fn into_problems(self, queue_dir: PathBuf) -> Vec<Problem> {
        let mut problems = self.problems;
        if self.more_problems > 0 {
            let what = format!(
                "and {} in this queue",
                count(self.more_problems, "more problem")
            );
            problems.push(Problem::new(queue_dir, what));
        }
        problems
    }
}

impl Tally {
    pub(super) fn problem(&mut self, problem: Problem) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.more_problems = self.more_problems.saturating_add(1);
        }
    }

    fn unseen(&mut self, directory: &Path, what: impl Into<String>) {
        self.unseen = self.unseen.saturating_add(1);
        self.problem(Problem::new(directory, what.into()));
    }

    pub(super) fn add(&mut self, other: Self) {
        self.messages = self.messages.saturating_add(other.messages);
        self.being_written = self.being_written.saturating_add(other.being_written);
        self.vanished = self.vanished.saturating_add(other.vanished);
        self.unopened = self.unopened.saturating_add(other.unopened);
        self.misplaced = self.misplaced.saturating_add(other.misplaced);
        self.more_problems = self.more_problems.saturating_add(other.more_problems);
        self.unseen = self.unseen.saturating_add(other.unseen);
        for problem in other.problems {
            self.problem(problem);
        }
    }

    /// Says once what [`Self::misplaced`] counts.
    pub(super) fn report_misplaced(&mut self, queue_dir: PathBuf) {
        if self.misplaced > 0 {
            let what = format!(
                "{} not where hash_queue_depth puts {them}, so Postfix does not see {them}; postsuper -s moves {them}",
                either(
                    self.misplaced,
                    "1 file is",
                    &format!("{} files are", self.misplaced)
                ),
                them = either(self.misplaced, "it", "them")
            );
            self.problem(Problem::new(queue_dir, what));
        }
    }
}

/// A directory of a queue, open.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) fd: OwnedFd,
    pub(super) path: PathBuf,
    /// The names of the hash directories that lead here, one byte each.
    levels: Vec<u8>,
}

/// One directory's queue files.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Inode number, and where in `text` the name is.
    entries: Vec<(u64, u32, u8)>,
    text: Vec<u8>,
}

impl Names {
    fn push(&mut self, inode: u64, name: &[u8]) {
        if let (Ok(at), Ok(length)) = (self.text.len().try_into(), name.len().try_into()) {
            self.entries.push((inode, at, length));
            self.text.extend_from_slice(name);
        }
    }

    /// The ids in the order of their inodes, which is nearly that of the disk.
    pub(super) fn sorted(mut self) -> impl Iterator<Item = QueueId> {
        self.entries.sort_unstable();
        let Self { entries, text } = self;
        entries.into_iter().filter_map(move |(_, at, length)| {
            let at = usize::try_from(at).ok()?;
            QueueId::from_bytes(text.get(at..at.checked_add(length.into())?)?)
        })
    }
}

/// What a name means.
enum Meaning {
    Queued,
    BeingWritten,
    Subdirectory,
    /// The queue manager would look into it.
    Unseen(&'static str),
    Stray(&'static str),
}

impl Spool {
    /// How many messages `queue` holds, by names only: no file is opened.
    ///
    /// In maildrop and incoming, files that are being written are distinguished by their permission bits.
    ///
    /// # Errors
    /// The directory cannot be read. It is not an error if it does not exist: Postfix makes it when needed.
    pub fn count(&self, queue: Queue) -> Result<Tally, ScanError> {
        let mut tally = Tally::default();
        self.each_directory(queue, &mut tally, |directory, names, tally| {
            for (_, at, length) in names.entries {
                let at = usize::try_from(at).unwrap_or(usize::MAX);
                let end = at.saturating_add(length.into());
                let name = names.text.get(at..end).unwrap_or_default();
                if matches!(queue, Queue::Maildrop | Queue::Incoming) {
                    let stat = rustix::fs::statat(&directory.fd, name, AtFlags::SYMLINK_NOFOLLOW);
                    match stat {
                        Ok(stat) if stat.st_mode & 0o700 == 0o700 => {}
                        Ok(_) => {
                            tally.being_written = tally.being_written.saturating_add(1);
                            continue;
                        }
                        Err(_) => {
                            tally.vanished = tally.vanished.saturating_add(1);
                            continue;
                        }
                    }
                }
                tally.messages = tally.messages.saturating_add(1);
                if self.is_misplaced(queue, &directory, name) {
                    tally.misplaced = tally.misplaced.saturating_add(1);
                }
            }
            true
        })?;
        tally.report_misplaced(self.queue_dir(queue));
        Ok(tally)
    }

    /// Calls `each` with every directory of `queue` and the names of queue files in it, until it returns false.
    pub(super) fn each_directory(
        &self,
        queue: Queue,
        tally: &mut Tally,
        mut each: impl FnMut(Directory, Names, &mut Tally) -> bool,
    ) -> Result<(), ScanError> {
        let spool =
            at::directory(self.dir()).map_err(|error| ScanError::new(self.dir().into(), error))?;
        let mut block = Vec::with_capacity(BLOCK);
        let mut waiting = vec![Vec::new()];
        while let Some(levels) = waiting.pop() {
            let mut relative = PathBuf::from(queue.name());
            for level in &levels {
                relative.push(OsStr::from_bytes(std::slice::from_ref(level)));
            }
            let path = self.dir().join(&relative);
            let fd = match at::below(&spool, &relative, OFlags::RDONLY | OFlags::DIRECTORY) {
                Ok(fd) => fd,
                Err(Errno::NOENT) => continue,
                Err(Errno::LOOP | Errno::NOTDIR) => {
                    tally.unseen(&path, "is not a directory");
                    continue;
                }
                Err(error) if levels.is_empty() => return Err(ScanError::new(path, error.into())),
                Err(error) => {
                    let error = std::io::Error::from(error);
                    tally.unseen(&path, format!("cannot be opened: {error}"));
                    continue;
                }
            };
            let mut directory = Directory { fd, path, levels };
            let names = read_names(queue, &mut directory, &mut block, &mut waiting, tally);
            if !each(directory, names, tally) {
                break;
            }
        }
        Ok(())
    }

    /// Is the file `name` in another directory than Postfix will look for it?
    pub(super) fn is_misplaced(&self, queue: Queue, directory: &Directory, name: &[u8]) -> bool {
        let depth = self.layout().depth_of(queue.name());
        if depth != directory.levels.len() {
            return true;
        }
        if depth == 0 {
            return false;
        }
        let key = hash_key(std::str::from_utf8(name).unwrap_or_default());
        let expected = key.bytes().chain(std::iter::repeat(b'_'));
        directory
            .levels
            .iter()
            .zip(expected)
            .any(|(&is, should)| is != should)
    }
}

/// Sorts the entries of `directory`: queue files into the result, subdirectories to `waiting`, the rest to `tally`.
fn read_names(
    queue: Queue,
    directory: &mut Directory,
    block: &mut Vec<u8>,
    waiting: &mut Vec<Vec<u8>>,
    tally: &mut Tally,
) -> Names {
    let mut names = Names::default();
    let mut entries = RawDir::new(&directory.fd, block.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Ok(entry) => entry,
            // The directory itself was removed.
            Err(Errno::NOENT) => break,
            Err(error) => {
                let what = format!("cannot be read: {}", std::io::Error::from(error));
                tally.unseen(&directory.path, what);
                break;
            }
        };
        let name = entry.file_name().to_bytes();
        if matches!(name, b"." | b"..") {
            continue;
        }
        let mut kind = entry.file_type();
        if kind == FileType::Unknown {
            // A file system that does not say.
            let stat =
                rustix::fs::statat(&directory.fd, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW);
            let Ok(stat) = stat else {
                tally.vanished = tally.vanished.saturating_add(1);
                continue;
            };
            kind = FileType::from_raw_mode(stat.st_mode);
        }
        match classify(queue, name, kind) {
            Meaning::Queued => names.push(entry.ino(), name),
            Meaning::BeingWritten => tally.being_written = tally.being_written.saturating_add(1),
            Meaning::Subdirectory if directory.levels.len() < DEEPEST => {
                let mut levels = directory.levels.clone();
                levels.extend_from_slice(name);
                waiting.push(levels);
            }
            Meaning::Subdirectory => {
                let path = directory.path.join(OsStr::from_bytes(name));
                tally.unseen(&path, "directories are nested too deep");
            }
            Meaning::Unseen(what) => {
                let path = directory.path.join(OsStr::from_bytes(name));
                tally.unseen(&path, what);
            }
            Meaning::Stray(what) => {
                let path = directory.path.join(OsStr::from_bytes(name));
                tally.problem(Problem::new(path, what));
            }
        }
    }
    names
}

fn classify(queue: Queue, name: &[u8], kind: FileType) -> Meaning {
    match kind {
        // Hash directories have names of one character (mail_scan_dir.c); pickup does not look into any.
        FileType::Directory if name.len() == 1 && queue != Queue::Maildrop => Meaning::Subdirectory,
        FileType::Directory => Meaning::Stray("is a directory"),
        FileType::RegularFile if name.len() > 1 && is_queue_id(name) => Meaning::Queued,
        FileType::RegularFile if is_temporary(name) => Meaning::BeingWritten,
        FileType::RegularFile => Meaning::Stray("its name is not a queue id"),
        FileType::Symlink if name.len() == 1 && queue != Queue::Maildrop => {
            Meaning::Unseen("is a symbolic link, not followed")
        }
        FileType::Symlink => Meaning::Stray("is a symbolic link, not followed"),
        FileType::Fifo => Meaning::Stray("is a FIFO"),
        FileType::Socket => Meaning::Stray("is a socket"),
        _ => Meaning::Stray("is a device"),
    }
}

/// The name that mail_queue_enter() gives a new file for a moment: microseconds, a dot, the process id.
fn is_temporary(name: &[u8]) -> bool {
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let mut parts = name.split(|&b| b == b'.');
    parts.next().is_some_and(digits) && parts.next().is_some_and(digits) && parts.next().is_none()
}
