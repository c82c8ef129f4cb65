//! TO's pickup(8): where it is in its work, and waking it.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use guarded::at;
use postfix::queue::Queue;
use rustix::fs::{FileType, OFlags, StatVfsMountFlags};
use rustix::io::Errno;

use crate::journal::Side;
use crate::watch::Watch;

/// How long pickup(8) may be at work on a message while `undo` waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Why a message is not taken back now.
pub(crate) const AT_WORK: &str = "TO's pickup may be working on it";
const POLL: Duration = Duration::from_millis(50);

/// A process called pickup that works in TO's queue directory.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Process {
    pid: String,
    /// When it was started: process ids are used again.
    start: String,
}

impl Process {
    fn dir(&self) -> PathBuf {
        Path::new("/proc").join(&self.pid)
    }

    /// Is it past what it was doing when `withdrawn` were taken out of its reach? It goes through maildrop file by
    /// file, with the directory open from before it looks at the first until after it has removed the last (pickup.c,
    /// pickup_service). So it is, if it has ended, or has not got the directory open, or has opened another file of it.
    /// Where that cannot be seen, it is not.
    fn is_past(&self, maildrop: (u64, u64), withdrawn: &HashSet<u64>) -> bool {
        let open = open_files(&self.dir());
        match started(&self.dir()) {
            Some(start) if start == self.start => {}
            Some(_) => return true,
            // It has ended, or that cannot be read.
            None => return matches!(self.dir().try_exists(), Ok(false)),
        }
        let Ok(open) = open else { return false };
        let is_at_it = open
            .iter()
            .any(|file| (file.device, file.inode) == maildrop);
        let is_other = |file: &&Open| {
            let parent = file.path.parent().and_then(Path::file_name);
            parent.is_some_and(|name| name == "maildrop") && !withdrawn.contains(&file.inode)
        };
        !is_at_it || open.iter().any(|file| is_other(&file))
    }

    /// Has it a file with this inode number open, or cannot that be seen?
    fn has_open(&self, inode: u64) -> bool {
        open_files(&self.dir()).map_or(true, |open| open.iter().any(|file| file.inode == inode))
    }
}

/// A file that a process has open.
struct Open {
    device: u64,
    inode: u64,
    path: PathBuf,
}

fn open_files(process: &Path) -> io::Result<Vec<Open>> {
    let mut open = Vec::new();
    for entry in std::fs::read_dir(process.join("fd"))? {
        let link = entry?.path();
        match std::fs::metadata(&link) {
            Ok(meta) => open.push(Open {
                device: meta.dev(),
                inode: meta.ino(),
                path: std::fs::read_link(&link).unwrap_or_default(),
            }),
            // It was closed while this looked.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    Ok(open)
}

/// The start time of a process, field 22 of its stat (proc(5)). Its name may hold anything, but comes before.
pub(crate) fn started(dir: &Path) -> Option<String> {
    let stat = guarded::read_text(&dir.join("stat"), 4096).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19).map(str::to_owned)
}

/// The pickup processes of the instance with this queue directory. `None`: it runs, but its processes cannot be seen
/// from here, as those of a container cannot from another.
fn pickups(queue_directory: &Path) -> io::Result<Option<Vec<Process>>> {
    let meta = std::fs::metadata(queue_directory)?;
    let here = (meta.dev(), meta.ino());
    let (mut found, mut sees_master) = (Vec::new(), false);
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let dir = entry.path();
        let name = match guarded::read_text(&dir.join("comm"), 4096) {
            Err(e) if is_short(&e) => return Err(e),
            name => name.unwrap_or_default(),
        };
        if !matches!(name.trim(), "pickup" | "master") {
            continue;
        }
        let there = std::fs::metadata(dir.join("cwd"));
        let there = there.map(|meta| (meta.dev(), meta.ino()));
        if name.trim() == "master" {
            sees_master |= there.is_ok_and(|there| there == here);
            continue;
        }
        // One whose directory cannot be seen may be this instance's.
        let other = there.is_ok_and(|there| there != here);
        if other {
            continue;
        }
        match started(&dir) {
            Some(start) => {
                let pid = entry.file_name().to_string_lossy().into_owned();
                found.push(Process { pid, start });
            }
            // It has ended in the meantime.
            None if matches!(dir.try_exists(), Ok(false)) => {}
            None => return Err(io::Error::other("a pickup that cannot be looked at")),
        }
    }
    let is_seen = sees_master || !runs(&queue_directory.join("pid/master.pid"))?;
    Ok(is_seen.then_some(found))
}

/// Is it no answer, but the lack of files or memory to ask with?
fn is_short(e: &io::Error) -> bool {
    let errno = Errno::from_io_error(e);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM))
}

/// Does a master(8) hold this file's lock? Asking holds it, shared, for some microseconds, as `postfix status` does.
fn runs(pid_file: &Path) -> io::Result<bool> {
    use rustix::fs::FlockOperation::{NonBlockingLockShared, Unlock};
    let file = match guarded::open(pid_file) {
        Ok(file) => file,
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(false);
        }
        Err(e) => return Err(e),
    };
    match rustix::fs::flock(&file, NonBlockingLockShared) {
        Ok(()) => Ok(rustix::fs::flock(&file, Unlock).map(|()| false)?),
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(e) => Err(e.into()),
    }
}

/// The pickup processes of TO that ran when they were looked for.
pub(crate) struct Pickups {
    maildrop: (u64, u64),
    processes: Vec<Process>,
    /// Does the file system of maildrop keep access times?
    has_access_times: bool,
}

impl Pickups {
    /// # Errors
    /// Why they cannot be seen.
    pub(crate) fn of(side: &Side) -> Result<Self, &'static str> {
        let path = side.queue_directory.join(Queue::Maildrop.name());
        let maildrop = std::fs::metadata(&path);
        let maildrop = maildrop.map(|meta| (meta.dev(), meta.ino()));
        let (Ok(maildrop), Ok(seen)) = (maildrop, pickups(&side.queue_directory)) else {
            return Err("what TO's pickup is doing cannot be found out");
        };
        let processes = seen.ok_or(
            "TO is running, but its processes cannot be seen from here: run queue-move where Postfix runs",
        )?;
        let flags = rustix::fs::statvfs(&path).map(|found| found.f_flag);
        let has_access_times = flags.is_ok_and(|flags| !flags.contains(StatVfsMountFlags::NOATIME));
        Ok(Self {
            maildrop,
            processes,
            has_access_times,
        })
    }

    /// Is none of them at work on the file of this inode in maildrop, nor may be? A file that none has open, and that
    /// `is_unread`, none has had in hand. What is exchanged although it was in hand ends in doubt, and no worse: what
    /// is certain [`wait_until_past`] finds out afterwards.
    pub(crate) fn is_free(&self, inode: u64, is_unread: impl Fn() -> bool) -> bool {
        let one = HashSet::from([inode]);
        let mut all = self.processes.iter();
        all.all(|process| {
            process.is_past(self.maildrop, &one)
                || (self.has_access_times && !process.has_open(inode) && is_unread())
        })
    }
}

/// Waits until every pickup of TO that runs now has been seen past what it was doing when the files of these inode
/// numbers were withdrawn. If one has not, why that is not known.
pub(crate) fn wait_until_past(
    side: &Side,
    withdrawn: &HashSet<u64>,
    watch: &dyn Watch,
) -> Result<(), &'static str> {
    let Pickups {
        maildrop,
        processes: mut busy,
        ..
    } = Pickups::of(side)?;
    let mut waited = Duration::ZERO;
    loop {
        busy.retain(|process| !process.is_past(maildrop, withdrawn));
        if busy.is_empty() {
            return Ok(());
        }
        if waited >= PATIENCE || watch.interrupted() {
            return Err(AT_WORK);
        }
        watch.pause(POLL);
        waited += POLL;
    }
}

/// Wakes pickup(8), as postkick(1) does. That it could not be woken is no harm: it wakes by itself every minute.
///
/// `public` belongs to the mail owner, who may put anything there at any moment: no link is followed, nothing is
/// written to what is neither a FIFO nor a socket, and nobody is waited for.
///
/// # Errors
/// Nobody listens, or so many wait already that there is no need.
pub fn wake_pickup(side: &Side) -> io::Result<()> {
    let root = at::directory(&side.queue_directory)?;
    let public = at::open(&root, "public", OFlags::PATH | OFlags::DIRECTORY)?;
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    match at::open(&public, "pickup", flags) {
        Ok(fifo) => wake_by_fifo(fifo),
        // A socket: not waited for.
        Err(Errno::NXIO) => {
            at::connect((&public, "pickup".as_ref()), Duration::ZERO)?.write_all(b"W")
        }
        Err(e) => Err(e.into()),
    }
}

fn wake_by_fifo(fifo: OwnedFd) -> io::Result<()> {
    let stat = rustix::fs::fstat(&fifo)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Fifo {
        let what = "public/pickup is neither a FIFO nor a socket";
        return Err(io::Error::other(what));
    }
    File::from(fifo).write_all(b"W")
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::fsops::{FileTime, Fs, NoHook, is_unread};

    /// This process plays pickup: it goes through a directory called maildrop.
    #[test]
    fn a_file_that_was_neither_opened_nor_read_is_free_between_two_files() {
        let dir = tempfile::tempdir().unwrap();
        let maildrop = dir.path().join("maildrop");
        std::fs::create_dir(&maildrop).unwrap();
        let path = maildrop.join("3F2A51C04B");
        std::fs::write(&path, "mail").unwrap();
        let meta = std::fs::metadata(&maildrop).unwrap();
        let inode = std::fs::metadata(&path).unwrap().ino();
        let me = std::process::id().to_string();
        let mut pickups = Pickups {
            maildrop: (meta.dev(), meta.ino()),
            processes: vec![Process {
                start: started(&Path::new("/proc").join(&me)).unwrap(),
                pid: me,
            }],
            has_access_times: true,
        };
        let written = File::options().append(true).open(&path).unwrap();
        let time = FileTime {
            seconds: 1_800_000_000,
            nanoseconds: 7,
        };
        Fs::new(&NoHook).times(&written, &path, time).unwrap();
        drop(written);
        let unread = || is_unread(&rustix::fs::stat(&path).unwrap(), inode);
        assert!(pickups.is_free(inode, unread), "it is not at work");
        let at_it = File::open(&maildrop).unwrap();
        assert!(pickups.is_free(inode, unread), "between two files");
        pickups.has_access_times = false;
        assert!(!pickups.is_free(inode, unread), "nothing shows that");
        pickups.has_access_times = true;
        let mut file = File::open(&path).unwrap();
        assert!(unread() && !pickups.is_free(inode, unread), "it is open");
        file.read_to_end(&mut Vec::new()).unwrap();
        drop(file);
        let flags = rustix::fs::statvfs(&path).unwrap().f_flag;
        let is_free = pickups.is_free(inode, unread);
        assert_eq!(
            is_free,
            flags.contains(StatVfsMountFlags::NOATIME),
            "it was read, and is removed next"
        );
        std::fs::write(maildrop.join("4A2A51C04C"), "").unwrap();
        let _next = File::open(maildrop.join("4A2A51C04C")).unwrap();
        assert!(pickups.is_free(inode, unread), "it has gone on to the next");
        drop(at_it);
    }
}
