//! What became of the mail after it was handed over: TO's maildrop drains, and TO's log tells the new queue ids.
//!
//! pickup(8) logs `NEWID: uid=… from=<…> orig_id=OLDID` for mail that was requeued, and the queue manager logs
//! `NEWID: from=<…>` once the message is its own (pickup.c, qmgr_message.c).

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use postfix::Time;
use postfix::log::{self, Place, Position, parse_header, siblings};
use postfix::queue::{Queue, QueueId};

use crate::journal::{LogMark, Side};

/// Where a log ends now.
pub fn log_mark(path: &Path) -> Option<LogMark> {
    let meta = std::fs::metadata(path)
        .ok()
        .filter(std::fs::Metadata::is_file)?;
    Some(LogMark {
        path: path.to_owned(),
        inode: meta.ino(),
        offset: meta.len(),
    })
}

/// TO's log, and from where on it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Log {
    /// A file, and its siblings once it is rotated.
    File(LogMark),
    /// A systemd journal.
    Journal(log::Journal, Position),
}

impl Log {
    /// The log at this place from now on; `None`, where there is no such file.
    pub fn at(place: Place, now: Time) -> Option<Self> {
        match place {
            Place::File(path) => log_mark(&path).map(Self::File),
            Place::Journal(journal) => Some(Self::Journal(journal, Position::since(now))),
        }
    }

    /// The mark of a file.
    pub fn mark(&self) -> Option<&LogMark> {
        match self {
            Self::File(mark) => Some(mark),
            Self::Journal(..) => None,
        }
    }
}

/// Follows TO's log.
#[derive(Debug)]
pub struct Follower {
    log: Log,
    /// The tags of its lines.
    pickup: String,
    qmgr: String,
    /// By the name in maildrop: the new queue ids, in the order of the log.
    new_ids: HashMap<String, Vec<String>>,
    /// New queue ids that TO's queue manager has taken over.
    accepted: HashSet<String>,
}

impl Follower {
    /// Of the log of an instance.
    pub fn new(log: Log, side: &Side) -> Self {
        let tag = |service: &str| format!("{}/{service}", side.syslog_name);
        Self {
            log,
            pickup: tag("pickup"),
            qmgr: tag("qmgr"),
            new_ids: HashMap::new(),
            accepted: HashSet::new(),
        }
    }

    /// Reads what has been logged since the last time, over a rotation too.
    ///
    /// # Errors
    /// A log cannot be read.
    pub fn read(&mut self) -> io::Result<()> {
        let mut log = self.log.clone();
        let read = match &mut log {
            Log::File(mark) => self.read_files(mark),
            Log::Journal(journal, position) => {
                let (pickup, qmgr) = (self.pickup.clone(), self.qmgr.clone());
                let read = journal.tail(&[&pickup, &qmgr], position, |tag, message| {
                    self.message(tag, message);
                });
                read.map_err(|problem| io::Error::other(problem.to_string()))
            }
        };
        self.log = log;
        read
    }

    fn read_files(&mut self, mark: &mut LogMark) -> io::Result<()> {
        let current = std::fs::metadata(&mark.path).map(|meta| meta.ino());
        if current.as_ref().ok() != Some(&mark.inode) {
            // The marked file has another name now; files newer than it are read from their beginning.
            let files = siblings(&mark.path).map_err(|e| io::Error::other(e.to_string()))?;
            let is_marked =
                |path: &&PathBuf| std::fs::metadata(path).is_ok_and(|m| m.ino() == mark.inode);
            let at = files.iter().position(|path| is_marked(&path));
            let newer = match at {
                Some(at) => {
                    self.read_from(&files[at], mark.offset)?;
                    files[at + 1..].to_vec()
                }
                None => vec![mark.path.clone()],
            };
            for path in newer.iter().filter(|path| path.is_file()) {
                let length = self.read_from(path, 0)?;
                if *path == mark.path {
                    mark.inode = std::fs::metadata(path)?.ino();
                    mark.offset = length;
                }
            }
            return Ok(());
        }
        mark.offset = self.read_from(&mark.path, mark.offset)?;
        Ok(())
    }

    /// Reads whole lines from an offset on; the offset behind the last.
    fn read_from(&mut self, path: &Path, mut offset: u64) -> io::Result<u64> {
        let mut file = File::open(path)?;
        if file.metadata()?.len() < offset {
            // Truncated in place (copytruncate).
            offset = 0;
        }
        file.seek(SeekFrom::Start(offset))?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)?;
            if !line.ends_with(b"\n") {
                return Ok(offset);
            }
            offset += length as u64;
            if let Some(header) = parse_header(&line[..length - 1]) {
                self.message(header.program, header.message);
            }
        }
    }

    fn message(&mut self, tag: &[u8], message: &[u8]) {
        let is_pickup = tag == self.pickup.as_bytes();
        if !is_pickup && tag != self.qmgr.as_bytes() {
            return;
        }
        let message = String::from_utf8_lossy(message);
        let Some((new, rest)) = message.split_once(": ") else {
            return;
        };
        if QueueId::new(new).is_none() {
            return;
        }
        if !is_pickup {
            // Its removal, too, means that it had been there.
            if rest.starts_with("from=<") || rest.trim_end() == "removed" {
                self.accepted.insert(new.to_owned());
            }
        } else if rest.starts_with("uid=")
            // The sender's address may hold anything; the id is last, and holds no blank.
            && let Some((_, old)) = rest.trim_end().rsplit_once(" orig_id=")
            && QueueId::new(old).is_some()
        {
            let ids = self.new_ids.entry(old.to_owned()).or_default();
            ids.push(new.to_owned());
        }
    }

    /// The new queue id of what was in maildrop under `name`: the last one that pickup logged.
    pub fn new_id(&self, name: &str) -> Option<&str> {
        Some(self.new_ids.get(name)?.last()?.as_str())
    }

    /// The same, if TO's queue manager has taken the message over.
    pub fn accepted(&self, name: &str) -> Option<&str> {
        let ids = self.new_ids.get(name)?;
        let taken = ids.iter().find(|id| self.accepted.contains(*id));
        taken.map(String::as_str)
    }
}

/// Which of the names are still in TO's maildrop.
pub fn still_there<'n>(side: &Side, names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let dir = side.queue_directory.join(Queue::Maildrop.name());
    let is_there = |name: &&str| std::fs::symlink_metadata(dir.join(name)).is_ok();
    names.filter(is_there).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn follower(path: &Path) -> Follower {
        let side = Side {
            instance: "postfix-aol-b".to_owned(),
            config_directory: PathBuf::new(),
            syslog_name: "postfix-aol-b".to_owned(),
            queue_directory: PathBuf::new(),
            hash_queue_names: String::new(),
            hash_queue_depth: 1,
            long_queue_ids: false,
            owner: (0, 0),
            identity: (0, 0),
        };
        Follower::new(Log::File(log_mark(path).unwrap()), &side)
    }

    fn append(path: &Path, lines: &[&str]) {
        let mut file = File::options()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        for line in lines {
            writeln!(file, "Nov 24 12:00:00 rustin {line}").unwrap();
        }
    }

    /// What a log says of the name OLD.
    fn check(lines: &[&str], new: Option<&str>, accepted: Option<&str>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mail.log");
        append(
            &path,
            &["postfix-aol-b/pickup[1]: BEFORE: uid=1 from=<a> orig_id=OLD"],
        );
        let mut follower = follower(&path);
        append(&path, lines);
        follower.read().unwrap();
        assert_eq!(
            (follower.new_id("OLD"), follower.accepted("OLD")),
            (new, accepted)
        );
    }

    #[test]
    fn new_ids_are_found() {
        const PICKED: &str = "postfix-aol-b/pickup[1]: NEW: uid=1 from=<a@b> orig_id=OLD";
        const QUEUED: &str =
            "postfix-aol-b/qmgr[1]: NEW: from=<a@b>, size=1, nrcpt=1 (queue active)";
        check(&[], None, None);
        check(&[PICKED], Some("NEW"), None);
        check(&[PICKED, QUEUED], Some("NEW"), Some("NEW"));
        check(
            &[PICKED, "postfix-aol-b/qmgr[1]: NEW: removed"],
            Some("NEW"),
            Some("NEW"),
        );
        check(
            &["postfix-aol-a/pickup[1]: NEW: uid=1 from=<a> orig_id=OLD"],
            None,
            None,
        );
        check(
            &["postfix-aol-b/pickup[1]: NEW: uid=1 from=<x orig_id=OLD>"],
            None,
            None,
        );
        check(
            &["postfix-aol-b/smtpd[1]: NEW: uid=1 from=<a> orig_id=OLD"],
            None,
            None,
        );
        let again = "postfix-aol-b/pickup[1]: LATER: uid=1 from=<a> orig_id=OLD";
        check(&[PICKED, again, QUEUED], Some("LATER"), Some("NEW"));
    }

    #[test]
    fn a_rotation_in_between_loses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mail.log");
        append(&path, &["x"]);
        let mut follower = follower(&path);
        append(
            &path,
            &["postfix-aol-b/pickup[1]: NEW: uid=1 from=<a> orig_id=OLD"],
        );
        std::fs::rename(&path, dir.path().join("mail.log.1")).unwrap();
        append(
            &path,
            &["postfix-aol-b/pickup[1]: NEW2: uid=1 from=<a> orig_id=OLD2"],
        );
        follower.read().unwrap();
        append(&path, &["postfix-aol-b/qmgr[1]: NEW2: removed"]);
        follower.read().unwrap();
        assert_eq!(follower.new_id("OLD"), Some("NEW"));
        assert_eq!(follower.accepted("OLD2"), Some("NEW2"));
    }
}
