//! Every system call that changes something, in one place, with a hook before and after each for the crash tests.
//!
//! No rename ever replaces a file.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use postfix::Time;
use rustix::fs::{Mode, Timespec, Timestamps};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::tree::At;

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

/// Hears of every change, and may make it fail: how tests pull the power or fill the disk at any point. Several
/// threads may call at the same time.
pub trait Hook: Sync {
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
    /// System calls which `hook` hears of.
    pub fn new(hook: &'a dyn Hook) -> Self {
        Self(hook)
    }

    /// A change that is made elsewhere: of a journal, of a map.
    ///
    /// # Errors
    /// Those of `work`, or the hook's.
    pub fn hooked<T>(
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
            guarded::at::rename(from.name(), to.name()).map_err(|e| match e {
                Errno::INVAL => io::Error::other(
                    "the file system has no rename that keeps an existing file (RENAME_NOREPLACE)",
                ),
                e => e.into(),
            })
        })
    }

    /// Lets two files of one file system change places, in one step that cannot be seen half done.
    pub(crate) fn exchange(self, one: &At, other: &At) -> io::Result<()> {
        self.call(Op::Rename, &one.path, || {
            guarded::at::exchange(one.name(), other.name()).map_err(|e| match e {
                Errno::INVAL => {
                    io::Error::other("the file system cannot exchange two files (RENAME_EXCHANGE)")
                }
                e => e.into(),
            })
        })
    }

    /// Removes a name.
    pub(crate) fn unlink(self, at: &At) -> io::Result<()> {
        self.call(Op::Unlink, &at.path, || Ok(guarded::at::unlink(at.name())?))
    }

    /// Sets the modification time, and an access time by which [`is_unread`] knows what nobody has read since.
    pub(crate) fn times(self, file: &File, path: &Path, time: FileTime) -> io::Result<()> {
        self.call(Op::Times, path, || {
            let stamp = |seconds| Timespec {
                tv_sec: seconds,
                tv_nsec: time.nanoseconds.into(),
            };
            let times = Timestamps {
                last_access: stamp(time.seconds.saturating_sub(UNREAD)),
                last_modification: stamp(time.seconds),
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
        self.call(Op::Owner, path, || guarded::at::give(file, uid, gid))
    }

    /// Makes a new file, open for reading and writing; `AlreadyExists` if there is one.
    pub(crate) fn create(self, at: &At, mode: u32) -> io::Result<File> {
        self.call(Op::Create, &at.path, || {
            Ok(guarded::at::create(at.name(), mode)?)
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

    pub(crate) fn make_dir(self, dir: &OwnedFd, name: &Path, path: &Path) -> io::Result<()> {
        self.call(Op::MakeDir, path, || {
            Ok(guarded::at::make_directory(dir, name)?)
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

/// A modification time, as the journal has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileTime {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: u32,
}

impl FileTime {
    /// A whole second, with these nanoseconds.
    pub(crate) fn of(time: Time, nanoseconds: u32) -> Self {
        Self {
            seconds: time.seconds(),
            nanoseconds,
        }
    }

    /// Its second.
    pub(crate) fn second(self) -> Time {
        Time::from_seconds(self.seconds)
    }
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
    pub(crate) mtime: FileTime,
}

/// Seconds by which the access time is set before the modification time: with relatime, the first read(2) changes it.
const UNREAD: i64 = 60;

/// Is this file, of this inode, one that nobody has read since [`Fs::times`]? That says something only where access
/// times are kept, and no removal may rest on it.
pub(crate) fn is_unread(stat: &rustix::fs::Stat, inode: u64) -> bool {
    let set = (stat.st_mtime.saturating_sub(UNREAD), stat.st_mtime_nsec);
    Stat::of(stat).inode == inode && (stat.st_atime, stat.st_atime_nsec) == set
}

impl Stat {
    #[allow(
        clippy::useless_conversion,
        clippy::unnecessary_cast,
        reason = "the types of stat's fields differ between platforms"
    )]
    pub(crate) fn of(stat: &rustix::fs::Stat) -> Self {
        Self {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            links: u64::from(stat.st_nlink),
            mtime: FileTime {
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

    /// Empty, and nobody but root may open it: as decoys are.
    pub(crate) fn is_empty_and_closed(&self) -> bool {
        self.size == 0 && self.mode == 0
    }

    pub(crate) fn is_forced_expire(&self) -> bool {
        self.mode & 0o010 != 0
    }
}
