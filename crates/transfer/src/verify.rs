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
use postfix::log::{self, Place, Position, Status, parse_header, siblings, tried};
use postfix::queue::{Queue, QueueId};

use crate::journal::{LogMark, Side};

/// Who delivers.
const AGENTS: [&str; 8] = [
    "smtp", "lmtp", "local", "virtual", "pipe", "error", "retry", "discard",
];

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

/// A delivery attempt of TO's, as logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// To whom.
    pub recipient: String,
    /// How it ended.
    pub status: Status,
    /// The enhanced status code.
    pub dsn: Option<String>,
    /// The server's reply, or what Postfix says itself.
    pub reply: String,
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
    /// The tags of its lines: those of its agents, of pickup, of the queue manager.
    agents: [String; 8],
    pickup: String,
    qmgr: String,
    /// By the name in maildrop: the new queue ids, in the order of the log.
    new_ids: HashMap<String, Vec<String>>,
    /// New queue ids that TO's queue manager has taken over.
    accepted: HashSet<String>,
    /// New queue ids that are done with.
    removed: HashSet<String>,
    /// By the new queue id: the last attempt at each recipient.
    attempts: HashMap<String, Vec<Attempt>>,
}

impl Follower {
    /// Of the log of an instance.
    pub fn new(log: Log, side: &Side) -> Self {
        let tag = |service: &str| format!("{}/{service}", side.syslog_name);
        Self {
            log,
            agents: AGENTS.map(tag),
            pickup: tag("pickup"),
            qmgr: tag("qmgr"),
            new_ids: HashMap::new(),
            accepted: HashSet::new(),
            removed: HashSet::new(),
            attempts: HashMap::new(),
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
                let mut tags = self.agents.to_vec();
                tags.extend([self.pickup.clone(), self.qmgr.clone()]);
                let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
                let read = journal.tail(&tags, position, |tag, message| {
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
            if self.agents.iter().any(|agent| tag == agent.as_bytes()) {
                self.attempt(message);
            }
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
            let is_removed = rest.trim_end() == "removed";
            if rest.starts_with("from=<") || is_removed {
                self.accepted.insert(new.to_owned());
            }
            if is_removed {
                self.removed.insert(new.to_owned());
            }
        } else if rest.starts_with("uid=")
            // The sender's address may hold anything; the id is last, and holds no blank.
            && let Some((_, old)) = rest.trim_end().rsplit_once(" orig_id=")
            && QueueId::new(old).is_some()
        {
            let ids = self.new_ids.entry(old.to_owned()).or_default();
            ids.push(new.to_owned());
            self.attempts.entry(new.to_owned()).or_default();
        }
    }

    /// A line of an agent: kept, if it is about a message of which pickup has told.
    fn attempt(&mut self, message: &[u8]) {
        let Some(tried) = tried(message) else { return };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let Some(attempts) = self.attempts.get_mut(&text(tried.queue_id)) else {
            return;
        };
        let recipient = text(tried.recipient);
        attempts.retain(|earlier| earlier.recipient != recipient);
        attempts.push(Attempt {
            recipient,
            status: tried.status,
            dsn: tried.dsn.map(text),
            reply: text(tried.reply),
        });
    }

    /// The last attempt at each recipient of what was in maildrop under `name`.
    pub fn attempts(&self, name: &str) -> &[Attempt] {
        let new = self.new_id(name).and_then(|new| self.attempts.get(new));
        new.map_or(&[], Vec::as_slice)
    }

    /// Is TO done with it?
    pub fn is_removed(&self, name: &str) -> bool {
        self.new_id(name)
            .is_some_and(|new| self.removed.contains(new))
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
        let sent = "postfix-aol-b/smtp[1]: NEW: to=<a@aol.com>, relay=x, delay=1, dsn=2.0.0, status=sent (250 ok)";
        check(&[PICKED, sent, QUEUED], Some("NEW"), Some("NEW"));
        let again = "postfix-aol-b/pickup[1]: LATER: uid=1 from=<a> orig_id=OLD";
        check(&[PICKED, again, QUEUED], Some("LATER"), Some("NEW"));
    }

    #[test]
    fn attempts_at_what_was_moved_are_kept_the_last_for_each_recipient() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mail.log");
        append(&path, &["x"]);
        let mut follower = follower(&path);
        let to = |id: &str, rcpt: &str, rest: &str| {
            format!(
                "postfix-aol-b/smtp[1]: {id}: to=<{rcpt}@aol.com>, relay=x, delay=1, dsn=4.7.0, {rest}"
            )
        };
        let lines = [
            "postfix-aol-b/pickup[1]: NEW: uid=1 from=<a> orig_id=OLD".to_owned(),
            to("NEW", "one", "status=deferred (421 later)"),
            to("OTHER", "one", "status=bounced (550 no)"),
            to("NEW", "two", "status=sent (250 ok)"),
            to("NEW", "one", "status=bounced (550 no)"),
        ];
        append(&path, &lines.each_ref().map(String::as_str));
        follower.read().unwrap();
        let attempts = follower.attempts("OLD");
        let found: Vec<_> = attempts
            .iter()
            .map(|a| (a.recipient.as_str(), a.status))
            .collect();
        let expected = [
            ("two@aol.com", Status::Sent),
            ("one@aol.com", Status::Bounced),
        ];
        assert_eq!(found, expected);
        assert_eq!(attempts[1].reply, "550 no");
        assert!(!follower.is_removed("OLD") && follower.attempts("OTHER").is_empty());
        append(&path, &["postfix-aol-b/qmgr[1]: NEW: removed"]);
        follower.read().unwrap();
        assert!(follower.is_removed("OLD"));
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
