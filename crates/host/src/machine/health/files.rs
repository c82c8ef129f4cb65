//! Files and directories of a queue that Postfix's programs, which run as mail_owner, cannot open; and mail that lies
//! where it is taken away at once.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use figures::instances::Trouble;
use figures::verdict::Level;
use nix::unistd::Group;
use postfix::config::Instance;
use postfix::{Time, count, either};

use super::Checkup;

/// The queue directories that belong to mail_owner alone, mode 0700 (postfix-files).
const OWN: [&str; 11] = [
    "incoming", "active", "deferred", "hold", "corrupt", "bounce", "defer", "trace", "flush",
    "saved", "private",
];

/// Those whose contents the queue manager opens: it ends with a fatal error at the first that it may not open.
const OPENED: [&str; 3] = ["incoming", "active", "deferred"];

/// Those that are opened later, once a message is released, or by bounce(8), for one message.
const LATER: [&str; 4] = ["hold", "bounce", "defer", "trace"];

/// Mail is taken out of maildrop and incoming at once, or at the next wake-up, a minute later (master.cf).
const TAKEN_WITHIN_S: i64 = 300;

/// Deeper than this no queue is hashed.
const MOST_DEEP: usize = 8;

/// What lies in one queue.
#[derive(Debug, Default)]
pub(super) struct Lying {
    /// Files and directories of others than mail_owner.
    foreign: Vec<(PathBuf, u32)>,
    /// For how many seconds each message has lain there. A file that is still being written does not count.
    ages: Vec<i64>,
    /// Files that are not ready, though nothing writes them any more: the queue manager passes over them.
    unready: Vec<PathBuf>,
    /// Directories that their owner may not use.
    shut: Vec<PathBuf>,
}

impl Lying {
    /// How many messages there are, and how long the oldest has been there, in minutes, of those that have been there
    /// longer than they should.
    pub(super) fn waiting(&self, seconds: i64) -> Option<(usize, i64)> {
        let waiting = self.ages.iter().filter(|age| **age > seconds);
        Some((waiting.clone().count(), waiting.max()? / 60))
    }

    /// How many are of a time that comes only in more seconds than these, and when the last does, in minutes.
    fn early(&self, seconds: i64) -> Option<(usize, i64)> {
        let early = self
            .ages
            .iter()
            .filter(|age| age.saturating_neg() > seconds);
        Some((early.clone().count(), early.min()?.saturating_neg() / 60))
    }

    /// Is there a message?
    pub(super) fn is_some(&self) -> bool {
        !self.ages.is_empty()
    }
}

/// `1 message has`, `2 messages have`.
pub(super) fn messages_have(n: usize) -> String {
    format!("{} {}", count(n, "message"), either(n, "has", "have"))
}

impl Checkup<'_> {
    /// The queue directories themselves.
    pub(super) fn directories(&mut self, instance: &Instance, owner: u32, name: &str) {
        for directory in OWN {
            let path = self.queue.join(directory);
            let Some(metadata) = self.look(&path) else {
                continue;
            };
            if metadata.uid() != owner {
                let text = format!(
                    "{}: uid {} owns it, not {name}: chown {name}",
                    path.display(),
                    metadata.uid()
                );
                self.add(Level::Critical, text);
            } else if metadata.mode() & 0o700 != 0o700 {
                let mode = metadata.mode() & 0o7777;
                self.add(
                    Level::Critical,
                    format!("{}: mode {mode:04o}, not 0700", path.display()),
                );
            }
        }
        let path = self.queue.join("maildrop");
        if let Some(metadata) = self.look(&path) {
            let group = Group::from_name(&instance.get("setgid_group"))
                .ok()
                .flatten();
            let is_group = group.is_none_or(|group| group.gid.as_raw() == metadata.gid());
            if metadata.uid() != owner || !is_group || metadata.mode() & 0o730 != 0o730 {
                let (uid, gid, mode) = (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777);
                let text = format!(
                    "{}: uid {uid}, gid {gid}, mode {mode:04o}; {name}, setgid_group and 0730 are what sendmail needs \
                     to hand in mail",
                    path.display()
                );
                self.add(Level::Critical, text);
            }
        }
    }

    /// Whose the files are, and the directories between.
    pub(super) fn owners(&mut self, owner: u32, name: &str, now: Time) {
        for directory in OPENED.into_iter().chain(LATER) {
            let lying = self.lying(directory, Some(owner), now);
            if let Some(first) = lying.shut.iter().min() {
                let text = format!(
                    "{}: its owner may not use this directory: chmod 700",
                    first.display()
                );
                self.add(Level::Critical, text);
            }
            let foreign = &lying.foreign;
            let Some((first, uid)) = foreign.iter().min() else {
                continue;
            };
            let (level, why) = match directory {
                _ if OPENED.contains(&directory) => (
                    Level::Critical,
                    format!("the queue manager stops at each with \"fatal: open {directory}\""),
                ),
                "hold" => (
                    Level::Warning,
                    "once released, it stops the queue manager".to_owned(),
                ),
                _ => (
                    Level::Warning,
                    "the bounce service cannot write what became of the mail".to_owned(),
                ),
            };
            let text = format!(
                "{directory}: {} to others than {name} ({}: uid {uid}); {why}: chown {name}",
                belong(foreign.len()),
                first.display()
            );
            self.add(level, text);
        }
    }

    /// Queue directories that are missing while a master daemon runs: `postfix check`, and so a start, makes them.
    pub(super) fn absent(&mut self) {
        for directory in [
            "maildrop", "incoming", "active", "deferred", "bounce", "defer",
        ] {
            let path = self.queue.join(directory);
            if fs::symlink_metadata(&path).is_err_and(|e| e.kind() == io::ErrorKind::NotFound) {
                let text = format!(
                    "{}: no such directory, though the instance runs: postfix check makes it",
                    path.display()
                );
                self.add(Level::Critical, text);
            }
        }
    }

    /// data_directory: master's own lock is made in it.
    pub(super) fn data_directory(&mut self, path: &Path, owner: u32, name: &str) {
        // Behind a symbolic link, which Postfix follows.
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(e) => return self.unseen(path, &e),
        };
        if metadata.uid() != owner {
            let text = format!(
                "data_directory {}: uid {} owns it, not {name}, and the next start fails: chown {name}",
                path.display(),
                metadata.uid()
            );
            self.add(Level::Critical, text);
        }
    }

    /// Messages that the queue manager does not take for a long time, or never.
    pub(super) fn passed_over(&mut self, instance: &Instance, now: Time) {
        let incoming = self.lying("incoming", None, now);
        if let Some((n, minutes)) = incoming.early(TAKEN_WITHIN_S) {
            let text = format!(
                "incoming: {} a time in the future, the latest in {minutes} min, and the queue manager passes over them \
                 until then: touch them",
                messages_have(n)
            );
            self.add(Level::Warning, text);
        }
        let deferred = self.lying("deferred", None, now);
        let longest = instance.parameters().seconds("maximal_backoff_time");
        let longest = i64::try_from(longest.unwrap_or(0)).unwrap_or(i64::MAX);
        if let Some((n, minutes)) = deferred.early(longest.max(TAKEN_WITHIN_S).saturating_mul(2)) {
            let text = format!(
                "deferred: {} a next attempt later than maximal_backoff_time allows, the latest in {minutes} min: \
                 queue-move flush {} tries them now",
                messages_have(n),
                self.instance
            );
            self.add(Level::Warning, text);
        }
        for lying in [deferred, self.lying("active", None, now)] {
            if let Some(first) = lying.unready.iter().min() {
                let text = format!(
                    "{}: not ready (mode 0700), so that the queue manager passes over it; {} in all",
                    first.display(),
                    lying.unready.len()
                );
                self.add(Level::Warning, text);
            }
        }
    }

    /// Mail that has been where it is taken away at once.
    pub(super) fn waiting(&mut self, now: Time) {
        for (directory, who) in [("maildrop", "pickup"), ("incoming", "the queue manager")] {
            let lying = self.lying(directory, None, now);
            if let Some((n, minutes)) = lying.waiting(TAKEN_WITHIN_S) {
                let text = format!(
                    "{directory}: {} waited for {who}, the oldest for {minutes} min",
                    messages_have(n)
                );
                self.add(Level::Critical, text);
            }
        }
    }

    /// Mail of an instance that does not run: nobody takes it.
    pub(super) fn unattended(&mut self, is_enabled: bool, now: Time) {
        let queues = ["maildrop", "incoming", "active", "deferred"];
        let full: Vec<&str> = queues
            .into_iter()
            .filter(|queue| self.lying(queue, None, now).is_some())
            .collect();
        if full.is_empty() {
            return;
        }
        let level = match is_enabled {
            true => Level::Critical,
            false => Level::Warning,
        };
        let text = format!(
            "it does not run, and mail waits in {}: nobody takes it",
            full.join(", ")
        );
        self.add(level, text);
    }

    /// What lies in a queue, which is read once: the first who asks says whose it should be. Without `owner`, that
    /// does not matter.
    pub(super) fn lying(&mut self, directory: &str, owner: Option<u32>, now: Time) -> Rc<Lying> {
        if let Some(known) = self.lying.get(directory) {
            return Rc::clone(known);
        }
        let lying = Rc::new(self.read(directory, owner, now));
        self.lying.insert(directory.to_owned(), Rc::clone(&lying));
        lying
    }

    /// In active, a message has been there since its file was moved there (its ctime): its mtime is older.
    fn read(&mut self, directory: &str, owner: Option<u32>, now: Time) -> Lying {
        let mut lying = Lying::default();
        let mut open = vec![(self.queue.join(directory), 0)];
        while let Some((path, depth)) = open.pop() {
            let entries = match fs::read_dir(&path) {
                Ok(entries) => entries,
                Err(e) => {
                    self.unseen(&path, &e);
                    continue;
                }
            };
            for entry in entries.filter_map(Result::ok) {
                // What is gone meanwhile was taken.
                let Ok(metadata) = entry.metadata() else {
                    continue;
                };
                if owner.is_some_and(|owner| owner != metadata.uid()) {
                    lying.foreign.push((entry.path(), metadata.uid()));
                }
                let mode = metadata.permissions().mode();
                if metadata.is_dir() && mode & 0o700 != 0o700 {
                    lying.shut.push(entry.path());
                }
                if metadata.is_dir() && depth < MOST_DEEP {
                    open.push((entry.path(), depth + 1));
                }
                // Without that bit, it is being written.
                let since = match directory {
                    "active" => metadata.ctime(),
                    _ => metadata.mtime(),
                };
                let age = now.seconds().saturating_sub(since);
                if metadata.is_file() && mode & 0o100 != 0 {
                    lying.ages.push(age);
                } else if metadata.is_file() && OPENED.contains(&directory) {
                    lying.unready.push(entry.path());
                }
            }
        }
        lying
    }

    fn look(&mut self, path: &Path) -> Option<Metadata> {
        match fs::symlink_metadata(path) {
            Ok(metadata) => Some(metadata),
            Err(e) => {
                self.unseen(path, &e);
                None
            }
        }
    }

    /// What could not be looked at; that something is gone meanwhile, or was never made, is none of it. One stands for
    /// all: mostly, who may not read one may read none.
    pub(super) fn unseen(&mut self, path: &Path, error: &io::Error) {
        let is_first = !Trouble::any_unknown(&self.troubles);
        if error.kind() != io::ErrorKind::NotFound && is_first {
            self.add(
                Level::Unknown,
                format!("cannot read {}: {error}", path.display()),
            );
        }
    }
}

fn belong(n: usize) -> String {
    format!("{} {}", count(n, "file"), either(n, "belongs", "belong"))
}
