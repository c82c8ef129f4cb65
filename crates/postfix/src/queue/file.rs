//! Opening a queue file without disturbing it, and without being disturbed by what else may have its name.

use crate::Time;
use std::fs::File;
use std::io::Error;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use guarded::at;
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;

use crate::Problem;

/// The owner's permission bits of mail that is complete (MAIL_QUEUE_STAT_READY in global/mail_queue.h).
const READY: u32 = 0o700;
/// Set by `postsuper -e` or `-f`: to be returned at the next attempt (MAIL_QUEUE_STAT_EXPIRE).
const EXPIRE: u32 = 0o010;
const NOT_REGULAR: &str = "is not a regular file";

/// What the file system says of a queue file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileInfo {
    /// Bytes in the file, envelope included.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device that the file system is on.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Hard links; more than one only for the moment of a rename between queues, or by a stranger's hand.
    pub links: u64,
    /// Time of last change of the content. Of a deferred file: the next attempt.
    pub mtime: Time,
    /// Time of last change of the inode.
    pub ctime: Time,
}

impl FileInfo {
    /// Is it complete? If not it is being written, and no mail yet.
    pub fn is_ready(&self) -> bool {
        self.mode & 0o700 == READY
    }

    /// Has an admin asked for its return to the sender?
    pub fn is_forced_expire(&self) -> bool {
        self.mode & EXPIRE != 0
    }

    #[allow(
        clippy::useless_conversion,
        clippy::unnecessary_cast,
        reason = "the types of stat's fields differ between platforms"
    )]
    fn of(stat: &rustix::fs::Stat) -> Self {
        Self {
            size: u64::try_from(stat.st_size).unwrap_or(0),
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            links: u64::from(stat.st_nlink),
            mtime: Time::from_seconds(stat.st_mtime as i64),
            ctime: Time::from_seconds(stat.st_ctime as i64),
        }
    }
}

/// What was found where a queue file may be.
#[derive(Debug)]
pub enum Opened {
    /// A regular file.
    File(File, FileInfo),
    /// Nothing: the queue manager moved or removed it first.
    Vanished,
    /// Something that is not a queue file, or cannot be read.
    Problem(Problem),
}

/// Opens the queue file or log `name`, a path below `dir`, for reading. `path` is for messages.
///
/// A symbolic link is not followed, a FIFO or device does not block, and the access time is left unchanged where the
/// kernel permits.
pub(super) fn open_file<D: AsFd, P: AsRef<Path>>(dir: D, name: P, path: &Path) -> Opened {
    open_with(|flags| at::below(&dir, &name, flags), path)
}

/// The same for a `name` without a slash: cheaper.
pub(super) fn open_file_in<D: AsFd>(dir: D, name: &str, path: &Path) -> Opened {
    open_with(|flags| at::open(&dir, name, flags), path)
}

fn open_with(open: impl Fn(OFlags) -> Result<OwnedFd, Errno>, path: &Path) -> Opened {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut result = open(flags | OFlags::NOATIME);
    if matches!(result, Err(Errno::PERM)) {
        // Only the owner and root may leave the access time unchanged.
        result = open(flags);
    }
    let problem = |what: String| Opened::Problem(Problem::new(path, what));
    let file = match result {
        Ok(fd) => File::from(fd),
        Err(Errno::NOENT) => return Opened::Vanished,
        Err(Errno::LOOP) => {
            return problem("is or lies behind a symbolic link, which is not followed".into());
        }
        Err(Errno::NXIO) => return problem(NOT_REGULAR.into()),
        Err(error) => return problem(format!("cannot be opened: {}", Error::from(error))),
    };
    match rustix::fs::fstat(&file) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode).is_file() => {
            Opened::File(file, FileInfo::of(&stat))
        }
        Ok(_) => problem(NOT_REGULAR.into()),
        Err(error) => problem(format!("cannot be examined: {}", Error::from(error))),
    }
}
