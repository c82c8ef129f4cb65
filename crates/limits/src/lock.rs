//! One process at a time changes what is held: the journal, and the maps that are made of it.
//!
//! Held for as long as files are changed, never while Postfix is waited for. The kernel gives the lock up when the
//! process ends, however it ends.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;

/// How long another is waited for: it only changes files.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);

/// Why the lock was not had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another has it.
    #[error("another relay-limit is at work: {0}")]
    Held(String),
    /// The file cannot be used.
    #[error("{}: cannot lock: {}", .0.display(), .1)]
    Io(PathBuf, io::Error),
}

/// The lock. It ends when this is dropped.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "held, not read")] File);

impl Lock {
    /// Takes the lock in `directory` ([`crate::DIRECTORY`]), which is made if need be. `me` is what others are told.
    ///
    /// # Errors
    /// Another has it for longer than it takes to change some files, or there is no file to lock.
    pub fn take(directory: &Path, me: &str) -> Result<Self, LockError> {
        let path = directory.join("lock");
        let failed = |e| LockError::Io(path.clone(), e);
        let mut builder = std::fs::DirBuilder::new();
        let made = builder.recursive(true).mode(0o755).create(directory);
        made.map_err(failed)?;
        let mut options = OpenOptions::new();
        let options = options.read(true).append(true).create(true).mode(0o600);
        let mut file = options.open(&path).map_err(failed)?;
        let begun = Instant::now();
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(rustix::io::Errno::WOULDBLOCK) if begun.elapsed() < PATIENCE => sleep(PAUSE),
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let mut holder = String::new();
                    let read = file
                        .rewind()
                        .and_then(|()| file.read_to_string(&mut holder));
                    return Err(LockError::Held(match read {
                        Ok(_) if !holder.is_empty() => holder.trim_end().to_owned(),
                        _ => "it has not said who it is".to_owned(),
                    }));
                }
                Err(e) => return Err(failed(e.into())),
            }
        }
        // Who it is only matters to who comes second: a full disk is no reason to stop here.
        let _said = file.set_len(0).and_then(|()| writeln!(file, "{me}"));
        Ok(Self(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("limits");
        let first = Lock::take(&place, "process 1").unwrap();
        let waiting = std::thread::spawn({
            let place = place.clone();
            move || Lock::take(&place, "process 2").is_ok()
        });
        assert!(!waiting.is_finished());
        drop(first);
        assert!(waiting.join().unwrap(), "it waits, and then has it");
        Lock::take(&place, "process 3").unwrap();
        let said = std::fs::read_to_string(place.join("lock")).unwrap();
        assert_eq!(said, "process 3\n");
    }
}
