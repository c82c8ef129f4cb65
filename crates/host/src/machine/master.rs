//! Does an instance run?
//!
//! As Postfix itself finds out (`src/master/master.c`, where `master -t` tries to lock pid/master.pid): a master daemon
//! holds an exclusive flock(2) on that file as long as it lives (`INTERNAL_LOCK` in `src/util/sys_defs.h` is
//! `MYFLOCK_STYLE_FLOCK` on Linux). The process id in the file proves nothing: after a crash it may be another's.

use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use postfix::config::Instance;
use postfix::{Root, Span, Time};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// A master daemon that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Master {
    /// Its process id, as it wrote it; `None` if the file does not say.
    pub pid: Option<u32>,
    /// When it was started: when it wrote that file.
    pub since: Time,
}

/// How often a lock is looked at again whose holder may only have been looking too, and how long between.
const LOOKS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(5);

/// The instance's master daemon, if it runs.
///
/// flock(2) has no way to ask without taking: where no master runs, the lock is held, shared, for some microseconds.
/// `postfix status` does the same and takes it exclusively.
///
/// # Errors
/// The file cannot be opened or read: mostly for want of permission, which root has.
pub fn master(root: &Root, instance: &Instance) -> io::Result<Option<Master>> {
    look(&root.under(&instance.master_pid_file()))
}

/// The holder of one of a master daemon's locks.
pub(super) fn look(path: &Path) -> io::Result<Option<Master>> {
    use io::ErrorKind::{NotADirectory, NotFound};
    let mut file = match guarded::open(path) {
        Ok(file) => file,
        // Never started, or without a queue at all.
        Err(e) if matches!(e.kind(), NotFound | NotADirectory) => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    let mut text = Vec::new();
    (&mut file).take(64).read_to_end(&mut text)?;
    // Postfix pads the number with blanks.
    let pid = str::from_utf8(&text).ok();
    let pid: Option<u32> = pid.and_then(|pid| pid.trim().parse().ok());
    for look in 0..LOOKS {
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            // Closing the file, at the latest, gives it back.
            Ok(()) => {
                flock(&file, FlockOperation::Unlock)?;
                return Ok(None);
            }
            Err(Errno::WOULDBLOCK) => {}
            Err(error) => return Err(error.into()),
        }
        // A `postfix status` of the same moment holds it too. A process id of nobody makes that likely.
        let is_there = pid.is_some_and(|pid| Path::new(&format!("/proc/{pid}")).exists());
        if is_there {
            break;
        }
        if look + 1 < LOOKS {
            sleep(PAUSE);
        }
    }
    let nanos = u64::try_from(metadata.mtime_nsec()).unwrap_or(0);
    let micros = Span::from_micros(nanos / 1000);
    Ok(Some(Master {
        pid,
        since: Time::from_seconds(metadata.mtime()).plus(micros),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};

    #[test]
    fn only_a_lock_that_is_held_is_a_master() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("master.pid");
        let running = || look(&path).unwrap().map(|master| master.pid);
        assert_eq!(running(), None, "no file");
        // A process that lives, but holds no lock.
        let own = std::process::id();
        fs::write(&path, format!("{own:>32}\n")).unwrap();
        assert_eq!(running(), None);
        let file = File::open(&path).unwrap();
        flock(&file, FlockOperation::LockExclusive).unwrap();
        assert_eq!(running(), Some(Some(own)));
        assert_eq!(running(), Some(Some(own)), "looking takes nothing away");
        fs::write(&path, "").unwrap();
        assert_eq!(running(), Some(None), "locked, and not written yet");
        flock(&file, FlockOperation::LockShared).unwrap();
        assert_eq!(running(), None, "somebody else looks");
        assert!(look(dir.path()).is_err(), "a directory");
    }
}
