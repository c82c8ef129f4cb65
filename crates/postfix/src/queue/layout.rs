//! Where in a queue directory a file lies.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::QueueId;
use guarded::at;

use super::file::{Opened, open_file};
use super::id::hash_key;
use crate::Problem;

/// A queue: a directory of mail below the queue directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Queue {
    /// Local submissions that wait for pickup(8).
    Maildrop,
    /// Being delivered, or about to be.
    Active,
    /// Received, or being received; the queue manager has not seen it.
    Incoming,
    /// Waiting for the next attempt.
    Deferred,
    /// Set aside by an admin, an access rule or a milter.
    Hold,
    /// Unreadable for the queue manager, which put it here.
    Corrupt,
}

impl Queue {
    /// All queues: those of showq(8) in the order in which it lists them, then corrupt.
    pub const ALL: [Self; 6] = [
        Self::Maildrop,
        Self::Active,
        Self::Incoming,
        Self::Deferred,
        Self::Hold,
        Self::Corrupt,
    ];
    /// The queues that showq(8) and postqueue(1) list, in their order.
    pub const SHOWN: [Self; 5] = [
        Self::Maildrop,
        Self::Active,
        Self::Incoming,
        Self::Deferred,
        Self::Hold,
    ];

    /// Is its mail tried, and so in the end returned? Not what pickup(8) has yet to take, what is on hold or corrupt.
    pub fn is_tried(self) -> bool {
        !matches!(self, Self::Maildrop | Self::Hold | Self::Corrupt)
    }

    /// The name of its directory.
    pub fn name(self) -> &'static str {
        match self {
            Self::Maildrop => "maildrop",
            Self::Active => "active",
            Self::Incoming => "incoming",
            Self::Deferred => "deferred",
            Self::Hold => "hold",
            Self::Corrupt => "corrupt",
        }
    }

    /// The queue whose directory has this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.name() == name)
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A kind of per-message log that bounce(8) keeps beside the queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Log {
    /// Why delivery was deferred.
    Defer,
    /// Recipients that failed for good, until the sender is notified.
    Bounce,
    /// Deliveries that the sender asked to be notified of.
    Trace,
}

impl Log {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Defer, Self::Bounce, Self::Trace];

    /// The name of its directory.
    pub fn name(self) -> &'static str {
        match self {
            Self::Defer => "defer",
            Self::Bounce => "bounce",
            Self::Trace => "trace",
        }
    }
}

/// Which directories are split into a forest of subdirectories, and how deep
/// (`hash_queue_names`, `hash_queue_depth`; util/dir_forest.c).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    names: Vec<String>,
    depth: usize,
}

/// Postfix sets no limit to hash_queue_depth, but the kernel does to the length of a path.
const DEEPEST: usize = 2048;

impl Layout {
    /// From the values of `hash_queue_names` (separated by commas or blanks) and `hash_queue_depth`.
    ///
    /// A depth of 0, which Postfix itself refuses, means no subdirectories at all.
    pub fn new(hash_queue_names: &str, hash_queue_depth: usize) -> Self {
        let names = hash_queue_names
            .split([',', ' ', '\t', '\r', '\n'])
            .filter(|name| !name.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        Self {
            names,
            depth: hash_queue_depth.min(DEEPEST),
        }
    }

    /// How many levels of subdirectories the directory `name` has.
    pub fn depth_of(&self, name: &str) -> usize {
        let hashed = self.names.iter().any(|n| n.eq_ignore_ascii_case(name));
        if hashed { self.depth } else { 0 }
    }

    /// The path of the file `id` in the directory `name`, from the queue directory: `deferred/3/F/3F2A51C04B`.
    pub(super) fn path(&self, name: &str, id: &QueueId) -> PathBuf {
        let mut path = PathBuf::from(name);
        let key = hash_key(id.as_str());
        let mut key = key.chars();
        for _ in 0..self.depth_of(name) {
            path.push(key.next().unwrap_or('_').to_string());
        }
        path.push(id.as_str());
        path
    }
}

impl Default for Layout {
    /// Postfix's own defaults: `deferred, defer`, one level.
    fn default() -> Self {
        Self::new("deferred, defer", 1)
    }
}

/// An instance's queue directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spool {
    dir: PathBuf,
    layout: Layout,
}

impl Spool {
    /// The queue directory `dir` (as this machine names it), laid out as `layout` says.
    pub fn new(dir: impl Into<PathBuf>, layout: Layout) -> Self {
        Self {
            dir: dir.into(),
            layout,
        }
    }

    /// The queue directory itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How its directories are split.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The directory of a queue.
    pub fn queue_dir(&self, queue: Queue) -> PathBuf {
        self.dir.join(queue.name())
    }

    /// Where Postfix looks for the file `id` of `queue`. Nothing says that it exists.
    pub fn path(&self, queue: Queue, id: &QueueId) -> PathBuf {
        self.dir.join(self.layout.path(queue.name(), id))
    }

    /// Where Postfix looks for a log of the message `id`.
    pub fn log_path(&self, log: Log, id: &QueueId) -> PathBuf {
        self.dir.join(self.layout.path(log.name(), id))
    }

    /// Opens the file `id` of `queue` for reading, without following symbolic links below the queue directory.
    pub fn open(&self, queue: Queue, id: &QueueId) -> Opened {
        self.open_below(&self.layout.path(queue.name(), id))
    }

    /// Opens a log of the message `id` likewise.
    pub fn open_log(&self, log: Log, id: &QueueId) -> Opened {
        self.open_below(&self.layout.path(log.name(), id))
    }

    /// Is there a file `id` where Postfix looks for it in `queue`?
    ///
    /// # Errors
    /// Any error of the system other than that it does not exist.
    pub fn holds(&self, queue: Queue, id: &QueueId) -> std::io::Result<bool> {
        exists(&self.path(queue, id))
    }

    /// Does the message `id` have a log of this kind?
    ///
    /// # Errors
    /// See [`Self::holds`].
    pub fn has_log(&self, log: Log, id: &QueueId) -> std::io::Result<bool> {
        exists(&self.log_path(log, id))
    }

    fn open_below(&self, name: &Path) -> Opened {
        let path = self.dir.join(name);
        match at::directory(&self.dir) {
            Ok(dir) => open_file(dir, name, &path),
            Err(error) => Opened::Problem(Problem::new(
                &self.dir,
                format!("cannot be opened: {error}"),
            )),
        }
    }
}

fn exists(path: &Path) -> std::io::Result<bool> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lie_where_postfix_puts_them() {
        let check = |names: &str, depth: usize, queue: Queue, id: &str, expected: &str| {
            let spool = Spool::new("/q", Layout::new(names, depth));
            let id = QueueId::new(id).unwrap();
            assert_eq!(spool.path(queue, &id), Path::new(expected));
        };
        let default = "deferred, defer";
        check(
            default,
            1,
            Queue::Deferred,
            "3F2A51C04B",
            "/q/deferred/3/3F2A51C04B",
        );
        check(
            default,
            2,
            Queue::Deferred,
            "3F2A51C04B",
            "/q/deferred/3/F/3F2A51C04B",
        );
        check(
            default,
            0,
            Queue::Deferred,
            "3F2A51C04B",
            "/q/deferred/3F2A51C04B",
        );
        check(
            "",
            1,
            Queue::Deferred,
            "3F2A51C04B",
            "/q/deferred/3F2A51C04B",
        );
        check(default, 1, Queue::Hold, "3F2A51C04B", "/q/hold/3F2A51C04B");
        check(
            "Hold\tincoming",
            1,
            Queue::Hold,
            "3F2A51C04B",
            "/q/hold/3/3F2A51C04B",
        );
        check(default, 4, Queue::Deferred, "AB", "/q/deferred/A/B/_/_/AB");
    }

    #[test]
    fn logs_are_hashed_by_their_own_name() {
        let check = |names: &str, log: Log, expected: &str| {
            let spool = Spool::new("/q", Layout::new(names, 1));
            let id = QueueId::new("3F2A51C04B").unwrap();
            assert_eq!(spool.log_path(log, &id), Path::new(expected));
        };
        check("deferred, defer", Log::Defer, "/q/defer/3/3F2A51C04B");
        check("deferred", Log::Defer, "/q/defer/3F2A51C04B");
        check("deferred, defer", Log::Bounce, "/q/bounce/3F2A51C04B");
        check("trace bounce", Log::Trace, "/q/trace/3/3F2A51C04B");
    }

    #[test]
    fn queues_have_the_names_of_their_directories() {
        for queue in Queue::ALL {
            assert_eq!(Queue::from_name(queue.name()), Some(queue));
        }
        assert_eq!(Queue::from_name("defer"), None);
    }
}
