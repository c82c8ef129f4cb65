//! What an instance's programs stumble over in its queue: owners and modes (as `postfix check` has them from
//! postfix-files), a file system that is full or read-only, a master daemon without a queue manager, mail that nobody
//! takes.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use figures::instances::{Facts, Running, Trouble};
use figures::verdict::Level;
use nix::unistd::{Group, User};
use postfix::Time;
use postfix::config::{Instance, MasterCf};
use rustix::fs::StatVfsMountFlags;

use super::children;

/// The queue directories that belong to mail_owner alone, mode 0700 (postfix-files).
const OWN: [&str; 11] = [
    "incoming", "active", "deferred", "hold", "corrupt", "bounce", "defer", "trace", "flush",
    "saved", "private",
];

/// Directories whose messages the queue manager opens.
const OPENED: [&str; 3] = ["incoming", "active", "deferred"];

/// Mail is taken out of maildrop and incoming at once, or at the next wake-up, a minute later (master.cf).
const TAKEN_WITHIN_S: i64 = 300;

/// A queue manager is there from the start on; after a reload, a moment later.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(200);

/// Deeper than this no queue is hashed.
const MOST_DEEP: usize = 8;

/// What is found, at the time `now`.
pub(super) fn troubles(
    instance: &Instance,
    services: &MasterCf,
    facts: &Facts,
    now: Time,
) -> Vec<Trouble> {
    let queue = &facts.queue.resolved;
    let mut found = Found {
        queue,
        troubles: Vec::new(),
    };
    found.file_system(instance);
    match User::from_name(&facts.mail_owner) {
        Ok(Some(owner)) => found.owners(instance, owner.uid.as_raw(), &facts.mail_owner),
        Ok(None) => found.add(
            Level::Critical,
            format!("mail_owner {}: no such user", facts.mail_owner),
        ),
        Err(e) => found.add(
            Level::Unknown,
            format!("mail_owner {}: {e}", facts.mail_owner),
        ),
    }
    if let Running::Yes { pid, .. } = facts.running {
        found.queue_manager(services, pid);
        found.waiting(now);
    }
    found.troubles
}

struct Found<'a> {
    queue: &'a Path,
    troubles: Vec<Trouble>,
}

impl Found<'_> {
    fn add(&mut self, level: Level, text: String) {
        self.troubles.push(Trouble { level, text });
    }

    /// What could not be looked at; that something is gone meanwhile, or was never made, is none of it.
    fn unseen(&mut self, path: &Path, error: &io::Error) {
        if error.kind() != io::ErrorKind::NotFound {
            self.add(
                Level::Unknown,
                format!("cannot read {}: {error}", path.display()),
            );
        }
    }

    fn file_system(&mut self, instance: &Instance) {
        let stat = match rustix::fs::statvfs(self.queue) {
            Ok(stat) => stat,
            Err(e) => return self.unseen(self.queue, &e.into()),
        };
        let queue = self.queue.display();
        if stat.f_flag.contains(StatVfsMountFlags::RDONLY) {
            return self.add(
                Level::Critical,
                format!("{queue}: its file system is read-only"),
            );
        }
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        let bytes = |name: &str| {
            instance
                .parameters()
                .int(name)
                .and_then(|n| u64::try_from(n).ok())
                .unwrap_or(0)
        };
        // smtpd refuses all mail below both (smtpd_check_queue), and cleanup cannot write one of the greatest.
        let needed = bytes("queue_minfree").max(bytes("message_size_limit").saturating_mul(3) / 2);
        if free < needed {
            let text = format!(
                "{queue}: {free} bytes are free, and Postfix refuses mail below {needed} (1.5 times \
                 message_size_limit, queue_minfree)"
            );
            self.add(Level::Critical, text);
        }
        if stat.f_files > 0 && stat.f_favail == 0 {
            self.add(Level::Critical, format!("{queue}: no inode is free"));
        } else if stat.f_favail.saturating_mul(100) < stat.f_files {
            self.add(
                Level::Warning,
                format!(
                    "{queue}: {} of {} inodes are free",
                    stat.f_favail, stat.f_files
                ),
            );
        }
    }

    fn owners(&mut self, instance: &Instance, owner: u32, name: &str) {
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
        for directory in OPENED {
            let mut others: Vec<(PathBuf, u32)> = Vec::new();
            self.each_file(directory, &mut |path, metadata| {
                if metadata.uid() != owner {
                    others.push((path.to_owned(), metadata.uid()));
                }
            });
            others.sort();
            if let Some((first, uid)) = others.first() {
                let text = format!(
                    "{directory}: {} to others than {name} ({}: uid {uid}); the queue manager stops at each \
                     with \"fatal: open {directory}\": chown {name}",
                    belong(others.len()),
                    first.display()
                );
                self.add(Level::Critical, text);
            }
        }
    }

    fn queue_manager(&mut self, services: &MasterCf, pid: Option<u32>) {
        let Some(qmgr) = services
            .services()
            .iter()
            .find(|service| service.name == "qmgr")
        else {
            // A master.cf that cannot be read says nothing.
            if !services.services().is_empty() {
                self.add(
                    Level::Critical,
                    "master.cf has no service qmgr: no mail is delivered".to_owned(),
                );
            }
            return;
        };
        let Some(pid) = pid else { return };
        // The kernel keeps 15 bytes of a name.
        let command: String = qmgr.command.chars().take(15).collect();
        for look in 0..LOOKS {
            match children(pid) {
                Ok(all) if all.iter().any(|process| process.name == command) => return,
                Ok(_) => {}
                Err(e) => return self.unseen(Path::new("/proc"), &e),
            }
            if look + 1 < LOOKS {
                sleep(PAUSE);
            }
        }
        let text = format!(
            "its master daemon runs without a queue manager ({command}): no mail is delivered; its log says why"
        );
        self.add(Level::Critical, text);
    }

    /// Mail that has been where it is taken away at once.
    fn waiting(&mut self, now: Time) {
        for (directory, who) in [("maildrop", "pickup"), ("incoming", "the queue manager")] {
            let mut waiting: Vec<i64> = Vec::new();
            self.each_file(directory, &mut |_, metadata| {
                let age = now.seconds().saturating_sub(metadata.mtime());
                // Without that bit, it is being written.
                if metadata.permissions().mode() & 0o100 != 0 && age > TAKEN_WITHIN_S {
                    waiting.push(age);
                }
            });
            if let Some(oldest) = waiting.iter().max() {
                let text = format!(
                    "{directory}: {} waited for {who}, the oldest for {} min",
                    match waiting.len() {
                        1 => "1 message has".to_owned(),
                        n => format!("{n} messages have"),
                    },
                    oldest / 60
                );
                self.add(Level::Critical, text);
            }
        }
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

    /// All regular files of a queue.
    fn each_file(&mut self, directory: &str, take: &mut dyn FnMut(&Path, &Metadata)) {
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
                match metadata.is_dir() {
                    true if depth < MOST_DEEP => open.push((entry.path(), depth + 1)),
                    true => {}
                    false => take(&entry.path(), &metadata),
                }
            }
        }
    }
}

fn belong(n: usize) -> String {
    match n {
        1 => "1 file belongs".to_owned(),
        n => format!("{n} files belong"),
    }
}
