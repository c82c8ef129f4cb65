//! Every system call that changes something, in one place, with a hook before and after each for the crash tests.
//!
//! Names are looked up in directories that are held open, so that nothing put in the way afterwards (a symbolic link
//! in place of a hash directory) can lead elsewhere. No rename ever replaces a file.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use postfix::queue::{Log, Queue, QueueId, Spool};
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags, ResolveFlags, Timespec, Timestamps};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// A kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named for the system call or its purpose")]
pub enum Op {
    Rename,
    Unlink,
    Times,
    Mode,
    Owner,
    Create,
    Write,
    Sync,
    SyncDir,
    MakeDir,
}

/// Is told of every change, and may make it fail: how tests pull the power or fill the disk at any point.
pub trait Hook {
    /// Just before the call. An error takes the place of the call. A panic is a crash at this point.
    ///
    /// # Errors
    /// What the call is to fail with.
    fn before(&self, op: Op, path: &Path) -> io::Result<()>;
    /// Just after the call, if it succeeded.
    fn after(&self, op: Op, path: &Path);
    /// Is waiting for the disk worth while? Tests that cut the power only in play do without.
    fn is_durable(&self) -> bool {
        true
    }
}

/// No hook: what the tools use.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHook;

impl Hook for NoHook {
    fn before(&self, _: Op, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn after(&self, _: Op, _: &Path) {}
}

/// The system calls.
#[derive(Clone, Copy)]
pub struct Fs<'a>(&'a dyn Hook);

impl std::fmt::Debug for Fs<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fs")
    }
}

impl<'a> Fs<'a> {
    /// System calls of which `hook` is told.
    pub fn new(hook: &'a dyn Hook) -> Self {
        Self(hook)
    }

    /// A change of the journal, made elsewhere.
    pub(crate) fn hooked<T>(
        self,
        op: Op,
        path: &Path,
        work: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        self.call(op, path, work)
    }

    fn call<T>(self, op: Op, path: &Path, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.0.before(op, path)?;
        let done = work()?;
        self.0.after(op, path);
        Ok(done)
    }

    /// Renames without ever replacing: `AlreadyExists` if there is a file of that name.
    pub(crate) fn rename(self, from: &At, to: &At) -> io::Result<()> {
        self.call(Op::Rename, &to.path, || {
            let flags = RenameFlags::NOREPLACE;
            let done = rustix::fs::renameat_with(&*from.dir, &from.name, &*to.dir, &to.name, flags);
            done.map_err(|e| match e {
                Errno::INVAL => io::Error::other(
                    "the file system has no rename that keeps an existing file (RENAME_NOREPLACE)",
                ),
                e => e.into(),
            })
        })
    }

    /// Removes a name.
    pub(crate) fn unlink(self, at: &At) -> io::Result<()> {
        self.call(Op::Unlink, &at.path, || {
            Ok(rustix::fs::unlinkat(&*at.dir, &at.name, AtFlags::empty())?)
        })
    }

    /// Sets access and modification time.
    pub(crate) fn times(self, file: &File, path: &Path, time: Time) -> io::Result<()> {
        self.call(Op::Times, path, || {
            let stamp = Timespec {
                tv_sec: time.seconds,
                tv_nsec: time.nanoseconds.into(),
            };
            let times = Timestamps {
                last_access: stamp,
                last_modification: stamp,
            };
            Ok(rustix::fs::futimens(file, &times)?)
        })
    }

    /// Sets the permission bits.
    pub(crate) fn mode(self, file: &File, path: &Path, mode: u32) -> io::Result<()> {
        self.call(Op::Mode, path, || {
            Ok(rustix::fs::fchmod(file, Mode::from_raw_mode(mode))?)
        })
    }

    /// Gives a file away.
    pub(crate) fn owner(self, file: &File, path: &Path, uid: u32, gid: u32) -> io::Result<()> {
        self.call(Op::Owner, path, || {
            std::os::unix::fs::fchown(file, Some(uid), Some(gid))
        })
    }

    /// Makes a new file, open for reading and writing; `AlreadyExists` if there is one.
    pub(crate) fn create(self, at: &At, mode: u32) -> io::Result<File> {
        self.call(Op::Create, &at.path, || {
            let flags =
                OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let fd = rustix::fs::openat(&*at.dir, &at.name, flags, Mode::from_raw_mode(mode))?;
            Ok(File::from(fd))
        })
    }

    /// Appends bytes.
    pub(crate) fn write(self, mut file: &File, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.call(Op::Write, path, || file.write_all(bytes))
    }

    /// Copies all of a file behind the end of another.
    pub(crate) fn copy(self, from: &File, mut to: &File, path: &Path) -> io::Result<u64> {
        self.call(Op::Write, path, || {
            let mut reader = ReadAt { file: from, at: 0 };
            io::copy(&mut reader, &mut to)
        })
    }

    /// Waits until a file's content and attributes are on disk.
    pub(crate) fn sync(self, file: &File, path: &Path) -> io::Result<()> {
        self.call(Op::Sync, path, || match self.0.is_durable() {
            true => file.sync_all(),
            false => Ok(()),
        })
    }

    /// The same for a directory: the names in it.
    pub(crate) fn sync_dir(self, dir: &OwnedFd, path: &Path) -> io::Result<()> {
        self.call(Op::SyncDir, path, || match self.0.is_durable() {
            true => Ok(rustix::fs::fsync(dir)?),
            false => Ok(()),
        })
    }

    fn make_dir(self, dir: &OwnedFd, name: &Path, path: &Path) -> io::Result<()> {
        self.call(Op::MakeDir, path, || {
            Ok(rustix::fs::mkdirat(dir, name, Mode::from_raw_mode(0o700))?)
        })
    }
}

struct ReadAt<'a> {
    file: &'a File,
    at: u64,
}

impl io::Read for ReadAt<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = std::os::unix::fs::FileExt::read_at(self.file, buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// A modification time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Time {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: u32,
}

/// Which file it is, and in what state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stat {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) links: u64,
    pub(crate) mtime: Time,
}

impl Stat {
    #[allow(
        clippy::useless_conversion,
        clippy::unnecessary_cast,
        reason = "the types of stat's fields differ between platforms"
    )]
    fn of(stat: &rustix::fs::Stat) -> Self {
        Self {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            links: u64::from(stat.st_nlink),
            mtime: Time {
                seconds: stat.st_mtime as i64,
                nanoseconds: u32::try_from(stat.st_mtime_nsec).unwrap_or(0),
            },
        }
    }

    /// Of an open file.
    pub(crate) fn of_file(file: &File) -> io::Result<Self> {
        Ok(Self::of(&rustix::fs::fstat(file)?))
    }

    /// Complete mail, as Postfix sees it (MAIL_QUEUE_STAT_READY in global/mail_queue.h).
    pub(crate) fn is_ready(&self) -> bool {
        self.mode & 0o700 == 0o700
    }

    pub(crate) fn is_forced_expire(&self) -> bool {
        self.mode & 0o010 != 0
    }

    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// A directory of an instance's queue directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Queue(Queue),
    Log(Log),
}

/// A name in an open directory.
#[derive(Debug, Clone)]
pub(crate) struct At {
    pub(crate) dir: Rc<OwnedFd>,
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

    /// Opens the regular file that is there for reading: `None` for nothing.
    pub(crate) fn open(&self) -> io::Result<Option<File>> {
        self.open_with(OFlags::RDONLY)
    }

    /// The same, for writing at its end too.
    pub(crate) fn open_to_append(&self) -> io::Result<Option<File>> {
        self.open_with(OFlags::RDWR | OFlags::APPEND)
    }

    fn open_with(&self, how: OFlags) -> io::Result<Option<File>> {
        let flags = how | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let open = |flags| rustix::fs::openat(&*self.dir, &self.name, flags, Mode::empty());
        let opened = match open(flags | OFlags::NOATIME) {
            Err(Errno::PERM) => open(flags),
            opened => opened,
        };
        match opened {
            Ok(fd) => {
                let file = File::from(fd);
                if file.metadata()?.is_file() {
                    Ok(Some(file))
                } else {
                    Err(io::Error::other("is no regular file"))
                }
            }
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::LOOP) => Err(io::Error::other("is a symbolic link")),
            Err(e) => Err(e.into()),
        }
    }
}

/// The most directories that are kept open of one spool: a layout may have thousands.
const MOST_OPEN: usize = 200;

/// An instance's queue directory, open.
#[derive(Debug)]
pub(crate) struct Tree {
    spool: Spool,
    root: OwnedFd,
    /// Who owns directories that are made here.
    owner: (u32, u32),
    open: RefCell<HashMap<PathBuf, Rc<OwnedFd>>>,
}

impl Tree {
    /// Opens the queue directory of `spool`, whose mail belongs to `owner` (user, group).
    pub(crate) fn open(spool: Spool, owner: (u32, u32)) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(spool.dir(), flags, Mode::empty())?;
        Ok(Self {
            spool,
            root,
            owner,
            open: RefCell::default(),
        })
    }

    pub(crate) fn spool(&self) -> &Spool {
        &self.spool
    }

    pub(crate) fn owner(&self) -> (u32, u32) {
        self.owner
    }

    /// Where Postfix has the file `id` of `place`. `None`: not even its directory is there.
    pub(crate) fn at(&self, place: Place, id: &QueueId) -> io::Result<Option<At>> {
        let (path, relative) = self.path(place, id);
        let parent = relative.parent().unwrap_or(Path::new("."));
        Ok(self.directory(parent)?.map(|dir| At {
            dir,
            name: id.as_str().to_owned(),
            path,
        }))
    }

    /// The same; hash directories that are missing are made, as mail_queue_mkdirs() does.
    pub(crate) fn at_made(&self, fs: Fs<'_>, place: Place, id: &QueueId) -> io::Result<At> {
        if let Some(at) = self.at(place, id)? {
            return Ok(at);
        }
        let (_, relative) = self.path(place, id);
        let parent = relative.parent().unwrap_or(Path::new("."));
        let mut made = PathBuf::new();
        let mut above: Rc<OwnedFd> = Rc::new(self.root.as_fd().try_clone_to_owned()?);
        for level in parent {
            made.push(level);
            let path = self.spool.dir().join(&made);
            match fs.make_dir(&above, Path::new(level), &path) {
                Ok(()) => {
                    fs.sync_dir(&above, &path)?;
                    let dir = self.directory(&made)?;
                    let dir = dir.ok_or(io::ErrorKind::NotFound)?;
                    let file = File::from(dir.as_fd().try_clone_to_owned()?);
                    fs.owner(&file, &path, self.owner.0, self.owner.1)?;
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
            above = self.directory(&made)?.ok_or(io::ErrorKind::NotFound)?;
        }
        self.at(place, id)?
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn path(&self, place: Place, id: &QueueId) -> (PathBuf, PathBuf) {
        let path = match place {
            Place::Queue(queue) => self.spool.path(queue, id),
            Place::Log(log) => self.spool.log_path(log, id),
        };
        let relative = path.strip_prefix(self.spool.dir()).map(Path::to_owned);
        (path, relative.unwrap_or_default())
    }

    /// A directory below the queue directory; no symbolic link leads there.
    fn directory(&self, relative: &Path) -> io::Result<Option<Rc<OwnedFd>>> {
        if let Some(dir) = self.open.borrow().get(relative) {
            return Ok(Some(Rc::clone(dir)));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH;
        let opened = match rustix::fs::openat2(&self.root, relative, flags, Mode::empty(), resolve)
        {
            Err(Errno::NOSYS) => rustix::fs::openat(&self.root, relative, flags, Mode::empty()),
            opened => opened,
        };
        let dir = match opened {
            Ok(fd) => Rc::new(fd),
            Err(Errno::NOENT) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let mut open = self.open.borrow_mut();
        if open.len() >= MOST_OPEN {
            open.clear();
        }
        open.insert(relative.to_owned(), Rc::clone(&dir));
        Ok(Some(dir))
    }

    /// Puts on disk every directory of `touched` (paths of files in them).
    pub(crate) fn sync(&self, fs: Fs<'_>, touched: &Touched) -> io::Result<()> {
        for path in &touched.0 {
            let relative = path.strip_prefix(self.spool.dir()).unwrap_or(path);
            if let Some(dir) = self.directory(relative)? {
                fs.sync_dir(&dir, path)?;
            }
        }
        Ok(())
    }
}

/// Directories in which names have changed since they were last put on disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Touched(std::collections::BTreeSet<PathBuf>);

impl Touched {
    pub(crate) fn add(&mut self, at: &At) {
        if let Some(parent) = at.path.parent()
            && !self.0.contains(parent)
        {
            self.0.insert(parent.to_owned());
        }
    }
}
