//! Two spools with mail in them, a journal directory, and what is asked of them.

mod files;
mod hooks;
mod postsuper;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use postfix::Time;
use postfix::queue::{IdParts, Queue, QueueId, Selector, ShowqOptions};
use tempfile::TempDir;
use transfer::plan::{Facts, Plan, is_cross_device, judge, snapshot};
use transfer::protocol::Goal;
use transfer::{
    Begin, Done, Ended, Fs, Hook, Journal, Means, Move, MoveError, Side, Watch, Workers,
};

pub(crate) use files::*;
pub(crate) use hooks::*;
pub(crate) use postsuper::*;

/// Which queue ids the messages have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    /// Short ones that fit their inodes, as Postfix gives them by default.
    Short,
    /// Long ones (enable_long_queue_ids).
    Long,
    /// Short ones that do not fit, as after a restore: postsuper(1) renames them at the next start.
    Misfit,
}

/// The time at which all tests play.
pub(crate) const NOW: i64 = 1_800_000_000;
/// The id of the boot in which they play.
pub(crate) const BOOT: &str = "4d1bbcf5";

/// The messages: queue id, recipients, and whether there is a defer log.
pub(crate) const MAIL: [(&str, &[&str], bool); 3] = [
    ("3F2A51C04B", &["one@example.com"], true),
    (
        "4A2A51C04C",
        &["two@example.com", "three@example.net"],
        true,
    ),
    ("4XKpwM4Kq7z3sTR", &["four@example.com"], false),
];

/// How many go together, and who does it.
pub(crate) struct Pace {
    pub(crate) batch: usize,
    pub(crate) workers: Workers,
}

pub(crate) struct Spools {
    from_dir: TempDir,
    to_dir: TempDir,
    pub(crate) moves: PathBuf,
    pub(crate) from: Side,
    pub(crate) to: Side,
    pub(crate) pace: Pace,
    /// Until when a deletion keeps its messages; `None`: it is a move.
    pub(crate) keep_until: Option<i64>,
    /// The boot in which a run takes place.
    pub(crate) boot: &'static str,
    /// Lets a pickup that a test plays come to its end.
    pub(crate) pickup: Option<Box<dyn Fn() -> bool + Sync>>,
    /// What a pickup of these tests took from TO's maildrop.
    pub(crate) taken: Mutex<BTreeMap<String, usize>>,
}

pub(crate) fn side(name: &str, dir: &Path, names: &str, depth: usize) -> Side {
    let meta = fs::metadata(dir).unwrap();
    Side {
        instance: name.to_owned(),
        config_directory: PathBuf::from("/etc").join(name),
        syslog_name: name.to_owned(),
        queue_directory: dir.to_owned(),
        hash_queue_names: names.to_owned(),
        hash_queue_depth: depth,
        long_queue_ids: true,
        owner: (meta.uid(), meta.gid()),
        identity: (meta.dev(), meta.ino()),
    }
}

impl Spools {
    /// With all of [`MAIL`] deferred in FROM, and one other message on hold there.
    pub(crate) fn new(cross_device: bool) -> Self {
        Self::laid_out(cross_device, ("deferred defer", 1), ("deferred defer", 1))
    }

    /// The same, with names of this kind, in instances that give such names.
    pub(crate) fn named(ids: Ids, cross_device: bool) -> Self {
        let mut spools = Self::new(cross_device);
        let long = ids == Ids::Long;
        (spools.from.long_queue_ids, spools.to.long_queue_ids) = (long, long);
        for (n, (id, ..)) in (0..).zip(MAIL) {
            let old = spools.path(Queue::Deferred, id);
            let inode = fs::metadata(&old).unwrap().ino();
            let parts = match ids {
                Ids::Short => IdParts::Short {
                    microseconds: 4711 + n,
                    inode,
                },
                Ids::Long => IdParts::Long {
                    seconds: 1_799_999_000,
                    microseconds: 4711 + n,
                    inode,
                },
                Ids::Misfit => IdParts::Short {
                    microseconds: 4711 + n,
                    inode: inode + 1_000_000,
                },
            };
            let new = QueueId::from_parts(parts);
            let rename = |from: &Path, to: &Path| {
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::rename(from, to).is_ok()
            };
            assert!(rename(&old, &spools.path(Queue::Deferred, new.as_str())));
            rename(&spools.log_path(id), &spools.log_path(new.as_str()));
        }
        spools
    }

    /// The same; each message has a thread of its own.
    pub(crate) fn with_threads(cross_device: bool) -> Self {
        let mut spools = Self::new(cross_device);
        spools.pace.batch = 2 * MAIL.len();
        spools.pace.workers = Workers { most: 3, share: 1 };
        spools
    }

    pub(crate) fn laid_out(cross_device: bool, from: (&str, usize), to: (&str, usize)) -> Self {
        let (from_dir, to_dir) = directories(cross_device);
        let spools = Self {
            from: side("postfix-aol-a", from_dir.path(), from.0, from.1),
            to: side("postfix-aol-b", to_dir.path(), to.0, to.1),
            moves: to_dir.path().join("moves"),
            from_dir,
            to_dir,
            pace: Pace {
                batch: 2,
                workers: Workers::ALONE,
            },
            keep_until: None,
            boot: BOOT,
            pickup: None,
            taken: Mutex::default(),
        };
        for dir in [spools.from_dir.path(), spools.to_dir.path()] {
            for queue in ["maildrop", "incoming", "active", "deferred", "hold"] {
                fs::create_dir_all(dir.join(queue)).unwrap();
            }
            for log in ["defer", "bounce", "trace"] {
                fs::create_dir_all(dir.join(log)).unwrap();
            }
        }
        for (id, recipients, log) in MAIL {
            spools.defer(id, recipients, log);
        }
        let held = spools.path(Queue::Hold, "5B5B51C04D");
        write_mail(&held, "held@example.org", &["held@example.com"], NOW - 50);
        spools
    }

    pub(crate) fn path(&self, queue: Queue, id: &str) -> PathBuf {
        self.from.spool().path(queue, &QueueId::new(id).unwrap())
    }

    pub(crate) fn log_path(&self, id: &str) -> PathBuf {
        let id = QueueId::new(id).unwrap();
        self.from.spool().log_path(postfix::queue::Log::Defer, &id)
    }

    pub(crate) fn target(&self, name: &str) -> PathBuf {
        self.to_dir.path().join("maildrop").join(name)
    }

    /// Where the message that had this id is in TO's maildrop: a copy has another name.
    pub(crate) fn in_to(&self, id: &str) -> Option<PathBuf> {
        let mut files = Vec::new();
        walk(&self.to_dir.path().join("maildrop"), &mut files);
        let sender = format!("{id}@example.org");
        files
            .into_iter()
            .find(|path| whole(path).as_ref() == Some(&sender))
    }

    /// What FROM calls the message that had this id: after it came back as a copy, that may be another.
    pub(crate) fn now_called(&self, id: &str) -> String {
        let mut files = Vec::new();
        walk(&self.from_dir.path().join("deferred"), &mut files);
        let sender = format!("{id}@example.org");
        let file = files
            .into_iter()
            .find(|path| whole(path).as_ref() == Some(&sender));
        let name = file.and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
        name.unwrap_or_else(|| id.to_owned())
    }

    /// A deferred message, from a sender that names its id.
    pub(crate) fn defer(&self, id: &str, recipients: &[&str], log: bool) {
        let path = self.path(Queue::Deferred, id);
        write_mail(&path, &format!("{id}@example.org"), recipients, NOW + 900);
        if log {
            let path = self.log_path(id);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let entry = |rcpt: &&str| {
                format!(
                    "\nrecipient={rcpt}\noffset=300\nstatus=4.7.1\naction=delayed\n\
                     diag_type=smtp\ndiag_text=451 4.7.1 later\nmta_type=dns\n\
                     mta_mname=mx.example.com\nreason=host mx.example.com said: later\n\n"
                )
            };
            fs::write(&path, recipients.iter().map(entry).collect::<String>()).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    pub(crate) fn plan(&self) -> Plan {
        self.plan_of(&[Queue::Deferred])
    }

    pub(crate) fn plan_of(&self, queues: &[Queue]) -> Plan {
        let spool = self.from.spool();
        let selector = Selector::default();
        let found = snapshot(&spool, queues, &selector, &ShowqOptions::default()).unwrap();
        let misplaced = |p: &postfix::Problem| p.what.contains("hash_queue_depth");
        assert!(found.problems.iter().all(misplaced), "{:?}", found.problems);
        let facts = Facts {
            from: &self.from,
            size_limit: 0,
            taken: &Default::default(),
        };
        Plan {
            from: self.from.clone(),
            to: self.to.clone(),
            cross_device: is_cross_device(&spool, &self.to.spool()).unwrap(),
            items: judge(found.messages, facts, None),
        }
    }

    /// A move of `plan` that is called `test`, with what `work` does of it.
    pub(crate) fn execute_with(
        &self,
        plan: &Plan,
        hook: &dyn Hook,
        watch: &dyn Watch,
        work: impl FnOnce(&mut Move<'_>) -> Result<(), MoveError>,
    ) -> Result<Done, MoveError> {
        self.run("test", plan, (hook, watch), work)
    }

    /// The same under another name.
    pub(crate) fn execute_as(
        &self,
        name: &str,
        plan: &Plan,
        hook: &dyn Hook,
    ) -> Result<Done, MoveError> {
        self.run(name, plan, (hook, &Idle::default()), |one| one.run())
    }

    fn run(
        &self,
        name: &str,
        plan: &Plan,
        (hook, watch): (&dyn Hook, &dyn Watch),
        work: impl FnOnce(&mut Move<'_>) -> Result<(), MoveError>,
    ) -> Result<Done, MoveError> {
        let begin = Begin {
            name: name.to_owned(),
            started: Time::from_seconds(NOW),
            user: "ada".to_owned(),
            command: "queue-move aol-a aol-b".to_owned(),
            rate: None,
            keep_until: self.keep_until.map(Time::from_seconds),
            log: None,
        };
        let taken = |name: &str| self.was_taken(name);
        let means = self.means(hook, watch, &taken);
        let mut one = Move::begin(means, &self.moves, plan, begin)?;
        work(&mut one)?;
        one.end()
    }

    pub(crate) fn execute(&self, plan: &Plan, hook: &dyn Hook) -> Result<Done, MoveError> {
        self.execute_with(plan, hook, &Idle::default(), |one| one.run())
    }

    fn was_taken(&self, name: &str) -> Option<String> {
        let taken = self.taken.lock().unwrap();
        taken.contains_key(name).then(|| "NEW".to_owned())
    }

    fn means<'a>(
        &'a self,
        hook: &'a dyn Hook,
        watch: &'a dyn Watch,
        accepted: &'a dyn Fn(&str) -> Option<String>,
    ) -> Means<'a> {
        Means {
            root: Path::new("/"),
            fs: Fs::new(hook),
            watch,
            accepted,
            pickup: self.pickup.as_deref().map(|past| past as &dyn Fn() -> bool),
            boot: self.boot.to_owned(),
            batch: self.pace.batch,
            workers: self.pace.workers,
        }
    }

    pub(crate) fn journal(&self) -> Option<Journal> {
        let path = self.moves.join("test.jsonl");
        // Killed before the first line was whole: nothing was done, and there is nothing to recover.
        let journal = Journal::read(&path).ok();
        journal.filter(|journal| !journal.header.is_unwritten())
    }

    pub(crate) fn recover(&self, goal: Goal, hook: &dyn Hook) -> Result<Vec<Ended>, MoveError> {
        let Some(journal) = self.journal() else {
            return Ok(Vec::new());
        };
        let taken = |name: &str| self.was_taken(name);
        let watch = Idle::default();
        let mut one = Move::reopen(self.means(hook, &watch, &taken), journal, goal)?;
        one.run()?;
        Ok(one.end()?.ended)
    }

    /// TO's pickup takes what is open in its maildrop: the senders, and how often.
    pub(crate) fn pickup(&self) -> BTreeMap<String, usize> {
        let mut senders = BTreeMap::new();
        for entry in fs::read_dir(self.to_dir.path().join("maildrop")).unwrap() {
            let path = entry.unwrap().path();
            if let Some(sender) = deliverable(&path) {
                *senders.entry(sender).or_insert(0) += 1;
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                *self.taken.lock().unwrap().entry(name).or_insert(0) += 1;
                fs::remove_file(path).unwrap();
            }
        }
        senders
    }

    /// The senders of what can be delivered from anywhere, and how often.
    pub(crate) fn deliverable(&self) -> BTreeMap<String, usize> {
        let mut senders = BTreeMap::new();
        // What is covered has no queue id for a name: Postfix leaves it alone.
        let is_named = |path: &PathBuf| path.extension().is_none();
        for path in self.files().into_iter().filter(is_named) {
            if let Some(sender) = deliverable(&path) {
                *senders.entry(sender).or_insert(0) += 1;
            }
        }
        senders
    }

    /// Every file of both spools' queues.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for dir in [self.from_dir.path(), self.to_dir.path()] {
            for queue in Queue::ALL {
                walk(&dir.join(queue.name()), &mut files);
            }
        }
        files
    }

    /// The complete copies of each of [`MAIL`], open or closed.
    pub(crate) fn complete(&self) -> BTreeMap<String, usize> {
        let mut senders = BTreeMap::new();
        for path in self.files() {
            if let Some(sender) = whole(&path) {
                *senders.entry(sender).or_insert(0) += 1;
            }
        }
        senders
    }
}
