//! Who may change which spool now: one queue-move takes mail out of an instance at a time.
//!
//! The instance that mail is taken from is locked for this move alone; the one it goes to is shared with other moves
//! into it, but not with one out of it. The kernel gives the locks up when the process ends, however it ends.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use guarded::{Links, Place};
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use crate::pickup::started;

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// When that process was started, as proc(5) has it: process ids are used again. Set by [`Locks::take`].
    #[serde(default)]
    pub start: String,
    /// User.
    pub user: String,
    /// Since when, as text.
    pub since: String,
    /// Command line.
    pub command: String,
}

/// Why a lock was not had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Others have it.
    #[error("another queue-move is working on {}: {}", .instance, listed(.holders))]
    Held {
        /// The instance.
        instance: String,
        /// Those that are known.
        holders: Vec<Holder>,
    },
    /// The lock file cannot be used.
    #[error("{}: cannot lock: {}", .0.display(), .1)]
    Io(PathBuf, io::Error),
}

fn listed(holders: &[Holder]) -> String {
    if holders.is_empty() {
        return "it is not known which one".to_owned();
    }
    let one = |h: &Holder| {
        format!(
            "process {} of {}, since {}: {}",
            h.pid, h.user, h.since, h.command
        )
    };
    holders.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Locks of this process. They end when it is dropped.
#[derive(Debug)]
pub struct Locks {
    /// Held, not read.
    _files: Vec<File>,
}

/// What is locked: an instance, by its queue directory's device and inode, for this move alone or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The instance's name, for messages.
    pub instance: String,
    /// Device and inode of its queue directory.
    pub identity: (u64, u64),
    /// For this move alone?
    pub alone: bool,
}

impl Locks {
    /// Takes all `claims`, or none. Lock files are made in `dir` of the host at `root`; it is made if need be.
    ///
    /// # Errors
    /// Another queue-move has one of them; the lock files cannot be made.
    pub fn take(root: &Path, dir: &Path, claims: &[Claim], me: &Holder) -> Result<Self, LockError> {
        let mut sorted: Vec<&Claim> = claims.iter().collect();
        sorted.sort_by_key(|claim| claim.identity);
        let locks = sorted.into_iter().map(|claim| take(root, dir, claim, me));
        let _files = locks.collect::<Result<_, _>>()?;
        Ok(Self { _files })
    }
}

fn take(root: &Path, dir: &Path, claim: &Claim, me: &Holder) -> Result<File, LockError> {
    let (device, inode) = claim.identity;
    let path = dir.join(format!("{device}-{inode}.lock"));
    let failed = |e| LockError::Io(path.clone(), e);
    let place = Place::make(root, &path, Links::Ours).map_err(failed)?;
    let mut file = place.lock_file().map_err(failed)?;
    let how = if claim.alone {
        FlockOperation::NonBlockingLockExclusive
    } else {
        FlockOperation::NonBlockingLockShared
    };
    match rustix::fs::flock(&file, how) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            return Err(LockError::Held {
                instance: claim.instance.clone(),
                holders: holders(&mut file),
            });
        }
        Err(e) => return Err(failed(e.into())),
    }
    if claim.alone {
        file.set_len(0).map_err(failed)?;
    }
    // Who it is only matters to who comes second.
    let me = Holder {
        start: started(Path::new("/proc/self")).unwrap_or_default(),
        ..me.clone()
    };
    let mut line = serde_json::to_vec(&me).map_err(|e| failed(e.into()))?;
    line.push(b'\n');
    file.write_all(&line).map_err(failed)?;
    Ok(file)
}

/// Those in the file that still live.
fn holders(file: &mut File) -> Vec<Holder> {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    if read.is_err() {
        return Vec::new();
    }
    let known = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let mut holders: Vec<Holder> = known.collect();
    // A process that was given the same id later has nothing to do with it.
    holders.retain(|holder| {
        let now = started(&Path::new("/proc").join(holder.pid.to_string()));
        now.is_some_and(|now| now == holder.start)
    });
    holders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(inode: u64, alone: bool) -> Claim {
        Claim {
            instance: format!("postfix-{inode}"),
            identity: (1, inode),
            alone,
        }
    }

    fn me() -> Holder {
        Holder {
            pid: std::process::id(),
            start: String::new(),
            user: "ada".to_owned(),
            since: "12:00".to_owned(),
            command: "queue-move a b".to_owned(),
        }
    }

    /// Can a second move be started beside a first?
    fn check(first: [Claim; 2], second: [Claim; 2], expected: bool) {
        let dir = tempfile::tempdir().unwrap();
        let held = Locks::take(Path::new("/"), dir.path(), &first, &me()).unwrap();
        let told = Locks::take(Path::new("/"), dir.path(), &second, &me());
        assert_eq!(told.is_ok(), expected, "{first:?} {second:?}");
        if let Err(e) = &told {
            let text = e.to_string();
            assert!(
                text.contains(" of ada, since 12:00: queue-move a b"),
                "{text}"
            );
            assert!(text.contains(&std::process::id().to_string()), "{text}");
        }
        drop((held, told));
        Locks::take(Path::new("/"), dir.path(), &second, &me()).unwrap();
    }

    #[test]
    fn one_move_out_of_an_instance_at_a_time() {
        let a_to_b = || [claim(1, true), claim(2, false)];
        check(a_to_b(), a_to_b(), false);
        check(a_to_b(), [claim(1, true), claim(3, false)], false);
        check(a_to_b(), [claim(2, true), claim(1, false)], false);
        check(a_to_b(), [claim(2, true), claim(3, false)], false);
        check(a_to_b(), [claim(3, true), claim(2, false)], true);
        check(a_to_b(), [claim(3, true), claim(4, false)], true);
    }

    /// The lock file is never removed, and process ids are used again: of the lines in it, those count whose process
    /// was
    /// started then.
    #[test]
    fn a_process_that_was_given_the_same_id_later_is_not_named() {
        let dir = tempfile::tempdir().unwrap();
        let a = [claim(1, true)];
        let take = || Locks::take(Path::new("/"), dir.path(), &a, &me());
        let held = take().unwrap();
        let path = dir.path().join("1-1.lock");
        let place = Place::make(Path::new("/"), &path, Links::Ours).unwrap();
        let mut file = place.append().unwrap();
        let parent = std::os::unix::process::parent_id();
        for (pid, start) in [(parent, "1"), (parent, ""), (std::process::id(), "1")] {
            let line = format!(
                r#"{{"pid":{pid},"start":"{start}","user":"eve","since":"then","command":"queue-move x y"}}"#
            );
            writeln!(file, "{line}").unwrap();
        }
        let told = take().unwrap_err().to_string();
        assert!(told.contains("of ada"), "{told}");
        assert!(!told.contains("eve"), "{told}");
        drop(held);
    }
}
