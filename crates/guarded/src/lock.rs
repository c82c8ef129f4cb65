//! A lock between runs of the tools: a file that only root and its owner can open.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, OFlags, Stat};
use rustix::fs::{fchmod, flock, fstat, major, minor};
use rustix::io::Errno;

use crate::place::Place;
use crate::threads::thread;
use crate::trust::{Refused, is_ours, user};

/// A lock that is held. The kernel gives it up when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    /// Held, not read.
    _file: File,
}

/// Why a lock was not had.
#[derive(Debug)]
pub enum LockError {
    /// Another has it.
    Held {
        /// The lock.
        path: PathBuf,
        /// Who, as far as the kernel says.
        holder: Option<String>,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The lock cannot be used.
    Io(PathBuf, io::Error),
}

impl Place {
    /// Takes the lock that this file is, or waits for it as long as `patience`. It is made with mode 0600, and stays.
    ///
    /// # Errors
    /// Another has it; what has the name is not a lock.
    pub fn lock(&self, patience: Duration) -> Result<Lock, LockError> {
        Lock::take(self, patience)
    }

    /// Opens the file of such a lock, or makes it, for one that is shared, or that says who has it: for reading, and
    /// for adding to its end.
    ///
    /// # Errors
    /// What has the name is not a lock: it is another's, or has a second name.
    pub fn lock_file(&self) -> io::Result<File> {
        open(self)
    }
}

impl LockError {
    /// Who has it: `process 812 (mail-stats-print) of ada (uid 1000)`.
    pub fn holder(&self) -> &str {
        match self {
            Self::Held {
                holder: Some(holder),
                ..
            } => holder,
            _ => "another process",
        }
    }
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { path, waited, .. } => {
                let (path, who) = (path.display(), self.holder());
                write!(f, "{path}: {who} has the lock")?;
                match waited.as_secs() {
                    0 => Ok(()),
                    seconds => write!(f, ", and held it for {seconds} s"),
                }
            }
            Self::Io(path, why) => write!(f, "cannot lock: {}: {why}", path.display()),
        }
    }
}

impl std::error::Error for LockError {}

impl Lock {
    pub(crate) fn take(place: &Place, patience: Duration) -> Result<Self, LockError> {
        let failed = |e| LockError::Io(place.path().to_owned(), e);
        let file = open(place).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Self { _file: file }),
            Err(Errno::WOULDBLOCK) => {}
            Err(e) => return Err(failed(e.into())),
        }
        let held = |holder| LockError::Held {
            path: place.path().to_owned(),
            holder,
            waited: patience,
        };
        if patience.is_zero() {
            return Err(held(holder(&file)));
        }
        // flock(2) has no time limit. A thread that gets the lock too late gives it up at once.
        let (to, from) = mpsc::channel();
        let waiting = file.try_clone().map_err(failed)?;
        let wait = move || {
            let mut done = Err(Errno::INTR);
            while done == Err(Errno::INTR) {
                done = flock(&waiting, FlockOperation::LockExclusive);
            }
            to.send(done.map(|()| waiting)).is_ok()
        };
        drop(thread().spawn(wait).map_err(failed)?);
        match from.recv_timeout(patience) {
            Ok(done) => Ok(Self {
                _file: done.map_err(|e| failed(e.into()))?,
            }),
            Err(_) => Err(held(holder(&file))),
        }
    }
}

/// Opens a lock, or makes it. [`Lock`] writes nothing to it: who holds it, the kernel knows.
pub(crate) fn open(place: &Place) -> io::Result<File> {
    let file = place.regular(OFlags::RDWR | OFlags::APPEND | OFlags::CREATE)?;
    let stat = fstat(&file)?;
    if !is_ours(&stat) {
        let why = format!("belongs to {} and is not a lock", user(stat.st_uid));
        return Err(Refused::it(&why));
    }
    // By a second name, another's file would get its mode.
    if stat.st_nlink > 1 {
        let why = "has a second name and is not a lock";
        return Err(Refused::it(why));
    }
    // Whoever can open it can hold it. An older version may have left it open to all.
    if stat.st_mode & 0o077 != 0 {
        fchmod(&file, Mode::from_raw_mode(0o600))?;
    }
    Ok(file)
}

/// The process that holds a flock(2) on this file: the one that took it, from /proc/locks (proc_locks(5)), or one that
/// has the file open still.
fn holder(file: &File) -> Option<String> {
    let stat = fstat(file).ok()?;
    // A list that changes while it is read may lack one that has been there all the time.
    let taker = (0..3).find_map(|_| {
        let text = crate::read_text(Path::new("/proc/locks"), 16 << 20).ok()?;
        pid_of(&text, stat.st_dev, stat.st_ino)
    });
    taker.and_then(process).or_else(|| {
        let processes = std::fs::read_dir("/proc").ok()?;
        let names = processes.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let pids = names.filter_map(|name| name.parse::<u32>().ok());
        let mut others = pids.filter(|pid| *pid != std::process::id());
        process(others.find(|pid| has_open(*pid, &stat))?)
    })
}

/// Has the process this file open?
fn has_open(pid: u32, file: &Stat) -> bool {
    let Ok(open) = std::fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    let is_it = |path: PathBuf| {
        let stat = rustix::fs::stat(&path);
        stat.is_ok_and(|stat| (stat.st_dev, stat.st_ino) == (file.st_dev, file.st_ino))
    };
    open.flatten().any(|entry| is_it(entry.path()))
}

/// A process in words, if there is one.
fn process(pid: u32) -> Option<String> {
    let directory = PathBuf::from(format!("/proc/{pid}"));
    let text = |what: &str| crate::read_text(&directory.join(what), 4096).ok();
    let name = text("comm")?;
    let name: String = name.trim().chars().filter(|c| !c.is_control()).collect();
    let status = text("status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    let uid = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(format!("process {pid} ({name}) of {}", user(uid)))
}

/// The process that took the flock(2) on the file at `path`, from /proc/locks (proc_locks(5)); nothing where nobody
/// holds it, or one of another PID namespace.
pub fn flock_holder(path: &Path) -> Option<u32> {
    let stat = rustix::fs::stat(path).ok()?;
    let text = crate::read_text(Path::new("/proc/locks"), 16 << 20).ok()?;
    pid_of(&text, stat.st_dev, stat.st_ino)
}

/// `1: FLOCK  ADVISORY  WRITE 812 08:01:1234 0 EOF`
fn pid_of(locks: &str, device: u64, inode: u64) -> Option<u32> {
    let of_inode = |line: &'_ str| -> bool {
        let mut parts = line
            .split_whitespace()
            .nth(5)
            .unwrap_or_default()
            .rsplit(':');
        parts.next() == Some(inode.to_string().as_str())
    };
    let same = format!("{:02x}:{:02x}:{inode}", major(device), minor(device));
    let held = || {
        locks
            .lines()
            .filter(|line| line.split_whitespace().nth(1) == Some("FLOCK") && of_inode(line))
    };
    // Some file systems (btrfs, overlay) have one number of their device here and another in stat(2).
    let exact = held().find(|line| line.split_whitespace().nth(5) == Some(same.as_str()));
    let pid = exact.or_else(|| held().next())?.split_whitespace().nth(4)?;
    // 0 and -1: in another PID namespace.
    pid.parse().ok().filter(|pid| *pid > 0)
}
