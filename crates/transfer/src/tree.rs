//! An instance's directories and the names in them, for reading. What changes them is `fsops.rs`'s.
//!
//! Names are looked up in directories that are held open, so that nothing put in the way afterwards (a symbolic link
//! in place of a hash directory) can lead elsewhere.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use guarded::at;
use postfix::queue::{Log, Queue, QueueId, Spool};
use rustix::fs::{AtFlags, Dir, FileType, OFlags};
use rustix::io::Errno;

use crate::fsops::{Fs, Stat, is_unread};

/// A directory of an instance's queue directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueueDir {
    Queue(Queue),
    Log(Log),
}

/// A name in an open directory.
#[derive(Debug, Clone)]
pub(crate) struct At {
    pub(crate) dir: Arc<OwnedFd>,
    pub(crate) name: String,
    /// For messages and hooks.
    pub(crate) path: PathBuf,
}

impl At {
    /// What is there: `None` for nothing. Symbolic links are not followed.
    pub(crate) fn stat(&self) -> io::Result<Option<Stat>> {
        match rustix::fs::statat(&*self.dir, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Stat::of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Is it the file of this inode, not read since it got its time? See [`is_unread`].
    pub(crate) fn is_unread(&self, inode: u64) -> bool {
        let stat = rustix::fs::statat(&*self.dir, &self.name, AtFlags::SYMLINK_NOFOLLOW);
        stat.is_ok_and(|stat| is_unread(&stat, inode))
    }

    /// The name in its directory.
    pub(crate) fn name(&self) -> at::Name<'_, OwnedFd> {
        (&self.dir, self.name.as_ref())
    }

    /// Opens the regular file that is there for reading: `None` for nothing. One with a second name may be a file that
    /// the directory's owner could neither read nor change, and is refused.
    pub(crate) fn open(&self) -> io::Result<Option<File>> {
        Ok(self.open_only(OFlags::RDONLY)?.map(|(file, _)| file))
    }

    /// The same, and in what state it is, which is for the caller to judge.
    pub(crate) fn open_with_stat(&self) -> io::Result<Option<(File, Stat)>> {
        self.open_with(OFlags::RDONLY)
    }

    /// The same as [`Self::open`], for writing at its end too.
    pub(crate) fn open_to_append(&self) -> io::Result<Option<File>> {
        let opened = self.open_only(OFlags::RDWR | OFlags::APPEND)?;
        Ok(opened.map(|(file, _)| file))
    }

    fn open_only(&self, how: OFlags) -> io::Result<Option<(File, Stat)>> {
        match self.open_with(how)? {
            Some((_, stat)) if stat.links > 1 => Err(io::Error::other("has a second name")),
            opened => Ok(opened),
        }
    }

    fn open_with(&self, how: OFlags) -> io::Result<Option<(File, Stat)>> {
        let flags = how | OFlags::NONBLOCK | OFlags::NOCTTY;
        let open = |flags| at::open(&*self.dir, &self.name, flags);
        let opened = match open(flags | OFlags::NOATIME) {
            Err(Errno::PERM) => open(flags),
            opened => opened,
        };
        match opened {
            Ok(fd) => {
                let stat = rustix::fs::fstat(&fd)?;
                if FileType::from_raw_mode(stat.st_mode).is_file() {
                    Ok(Some((File::from(fd), Stat::of(&stat))))
                } else {
                    Err(io::Error::other("is not a regular file"))
                }
            }
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::LOOP) => Err(io::Error::other("is a symbolic link")),
            Err(e) => Err(e.into()),
        }
    }
}

/// Where deleted mail is kept, below the queue directory.
pub(crate) const DELETED: &str = "deleted";

/// The most directories that are kept open of one spool: a layout may have thousands.
const MOST_OPEN: usize = 200;

/// An instance's queue directory, open.
#[derive(Debug)]
pub(crate) struct Tree {
    spool: Spool,
    root: OwnedFd,
    /// Who owns directories that are made here.
    owner: (u32, u32),
    open: Mutex<HashMap<PathBuf, Arc<OwnedFd>>>,
}

impl Tree {
    /// Opens the queue directory of `spool`, whose mail belongs to `owner` (user, group).
    pub(crate) fn open(spool: Spool, owner: (u32, u32)) -> io::Result<Self> {
        Ok(Self {
            root: at::directory(spool.dir())?,
            spool,
            owner,
            open: Mutex::default(),
        })
    }

    pub(crate) fn spool(&self) -> &Spool {
        &self.spool
    }

    pub(crate) fn owner(&self) -> (u32, u32) {
        self.owner
    }

    fn known(&self) -> MutexGuard<'_, HashMap<PathBuf, Arc<OwnedFd>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is there nothing at all in the directory of this kind of log? `false` too where that cannot be seen.
    pub(crate) fn has_none(&self, log: Log) -> bool {
        let Ok(Some(dir)) = self.directory(Path::new(log.name())) else {
            return false;
        };
        let Ok(mut entries) = Dir::read_from(&*dir) else {
            return false;
        };
        entries.all(|entry| {
            entry.is_ok_and(|entry| matches!(entry.file_name().to_bytes(), b"." | b".."))
        })
    }

    /// Where Postfix has the file `id` of a directory. `None`: not even its directory is there.
    pub(crate) fn at(&self, of: QueueDir, id: &QueueId) -> io::Result<Option<At>> {
        let (path, relative) = self.path(of, id);
        let parent = relative.parent().unwrap_or(Path::new("."));
        Ok(self.directory(parent)?.map(|dir| At {
            dir,
            name: id.as_str().to_owned(),
            path,
        }))
    }

    /// The same; hash directories that are missing are made, as mail_queue_mkdirs() does.
    pub(crate) fn at_made(&self, fs: Fs<'_>, of: QueueDir, id: &QueueId) -> io::Result<At> {
        let (path, relative) = self.path(of, id);
        let parent = relative.parent().unwrap_or(Path::new("."));
        if let Some(at) = self.at(of, id)? {
            if parent.components().count() > 1 {
                self.hand_over(fs, &at.dir, path.parent().unwrap_or(&path))?;
            }
            return Ok(at);
        }
        let mut made = PathBuf::new();
        let mut above: Arc<OwnedFd> = Arc::new(self.root.as_fd().try_clone_to_owned()?);
        for level in parent {
            made.push(level);
            let path = self.spool.dir().join(&made);
            let is_new = match fs.make_dir(&above, Path::new(level), &path) {
                Ok(()) => {
                    fs.sync_dir(&above, &path)?;
                    true
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => false,
                Err(e) => return Err(e),
            };
            above = self.directory(&made)?.ok_or(io::ErrorKind::NotFound)?;
            if is_new || made.components().count() > 1 {
                self.hand_over(fs, &above, &path)?;
            }
        }
        self.at(of, id)?
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Gives a hash directory that is root's to the owner of the mail: made just now, or by a move that was killed
    /// before it came to this. Postfix could not use it.
    fn hand_over(&self, fs: Fs<'_>, dir: &OwnedFd, path: &Path) -> io::Result<()> {
        if rustix::fs::fstat(dir)?.st_uid != 0 || self.owner.0 == 0 {
            return Ok(());
        }
        let file = File::from(dir.as_fd().try_clone_to_owned()?);
        fs.owner(&file, path, self.owner.0, self.owner.1)
    }

    /// A name anywhere below the queue directory. `None`: not even its directory is there.
    pub(crate) fn beneath(&self, path: &Path) -> io::Result<Option<At>> {
        let relative = path.strip_prefix(self.spool.dir()).unwrap_or(path);
        let name = relative.file_name().and_then(|name| name.to_str());
        let (Some(parent), Some(name)) = (relative.parent(), name) else {
            return Ok(None);
        };
        Ok(self.directory(parent)?.map(|dir| At {
            dir,
            name: name.to_owned(),
            path: path.to_owned(),
        }))
    }

    /// The directory in which deleted mail is kept: beside the queues, so that postsuper(1) does not warn of it.
    pub(crate) fn make_deleted(&self, fs: Fs<'_>) -> io::Result<()> {
        let path = self.spool.dir().join(DELETED);
        match fs.make_dir(&self.root, Path::new(DELETED), &path) {
            Ok(()) => fs.sync_dir(&self.root, &path),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// A name there. `None`: there is no such directory.
    pub(crate) fn deleted(&self, name: &str) -> io::Result<Option<At>> {
        self.beneath(&self.spool.dir().join(DELETED).join(name))
    }

    fn path(&self, of: QueueDir, id: &QueueId) -> (PathBuf, PathBuf) {
        let path = match of {
            QueueDir::Queue(queue) => self.spool.path(queue, id),
            QueueDir::Log(log) => self.spool.log_path(log, id),
        };
        let relative = path.strip_prefix(self.spool.dir()).map(Path::to_owned);
        (path, relative.unwrap_or_default())
    }

    /// A directory below the queue directory; no symbolic link leads there.
    fn directory(&self, relative: &Path) -> io::Result<Option<Arc<OwnedFd>>> {
        if let Some(dir) = self.known().get(relative) {
            return Ok(Some(Arc::clone(dir)));
        }
        let dir = match at::below(&self.root, relative, OFlags::RDONLY | OFlags::DIRECTORY) {
            Ok(fd) => Arc::new(fd),
            Err(Errno::NOENT) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let mut open = self.known();
        if open.len() >= MOST_OPEN {
            open.clear();
        }
        open.insert(relative.to_owned(), Arc::clone(&dir));
        Ok(Some(dir))
    }

    /// Puts on disk every directory of `touched`, which is empty afterwards.
    pub(crate) fn sync(&self, fs: Fs<'_>, touched: &Touched) -> io::Result<()> {
        let mut dirs = touched.dirs();
        for path in dirs.iter() {
            let relative = path.strip_prefix(self.spool.dir()).unwrap_or(path);
            if let Some(dir) = self.directory(relative)? {
                fs.sync_dir(&dir, path)?;
            }
        }
        dirs.clear();
        Ok(())
    }
}

/// Directories in which names have changed since they were last put on disk.
#[derive(Debug, Default)]
pub(crate) struct Touched(Mutex<BTreeSet<PathBuf>>);

impl Touched {
    fn dirs(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, at: &At) {
        if let Some(parent) = at.path.parent() {
            let mut dirs = self.dirs();
            if !dirs.contains(parent) {
                dirs.insert(parent.to_owned());
            }
        }
    }
}
