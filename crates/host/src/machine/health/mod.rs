//! What an instance's programs stumble over in its queue: owners and modes (as `postfix check` has them from
//! postfix-files), a file system that is full or read-only, a master daemon without a queue manager, mail that nobody
//! takes.

mod daemons;
mod files;

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use super::master;
use figures::instances::{Facts, Running, Trouble};
use figures::verdict::Level;
use nix::unistd::User;
use postfix::config::{Instance, MasterCf};
use postfix::{Parsed, Root, Time};
use rustix::fs::StatVfsMountFlags;

/// What is found, at the time `now`.
pub(super) fn troubles(
    root: &Root,
    instance: &Instance,
    services: &Parsed<MasterCf>,
    facts: &Facts,
    now: Time,
) -> Vec<Trouble> {
    let mut found = Checkup {
        instance: instance.name(),
        queue: &facts.queue.resolved,
        lying: BTreeMap::new(),
        troubles: Vec::new(),
    };
    found.file_system(instance);
    match User::from_name(&facts.mail_owner) {
        Ok(Some(owner)) => {
            found.directories(instance, owner.uid.as_raw(), &facts.mail_owner);
            found.owners(owner.uid.as_raw(), &facts.mail_owner, now);
            if let Running::Yes { .. } = facts.running {
                let data = root.under(instance.data_directory());
                found.data_directory(&data, owner.uid.as_raw(), &facts.mail_owner);
            }
        }
        Ok(None) => found.add(
            Level::Critical,
            format!("mail_owner {}: no such user", facts.mail_owner),
        ),
        Err(e) => found.add(
            Level::Unknown,
            format!("mail_owner {}: {e}", facts.mail_owner),
        ),
    }
    match facts.running {
        Running::Yes { pid, .. } => {
            found.services(services, now);
            found.absent();
            found.sockets(&services.value);
            if let Some(pid) = found.master_daemon(&root.under(&instance.master_pid_file()), pid) {
                found.takers(instance, &services.value, pid, now);
            }
            found.waiting(now);
            found.passed_over(instance, now);
        }
        // Unless it was started while its queue was read.
        Running::No if matches!(master(root, instance), Ok(None)) => {
            found.data_lock(root, instance);
            found.unattended(facts.is_enabled, now);
        }
        Running::No | Running::Unknown | Running::Failed(_) => {}
    }
    found.troubles
}

struct Checkup<'a> {
    instance: &'a str,
    queue: &'a Path,
    /// What lies in the queues that were read: each is read once.
    lying: BTreeMap<String, Rc<files::Lying>>,
    troubles: Vec<Trouble>,
}

impl Checkup<'_> {
    fn add(&mut self, level: Level, text: String) {
        self.troubles.push(Trouble {
            instance: self.instance.to_owned(),
            level,
            text,
        });
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
                .long(name)
                .and_then(|n| u64::try_from(n).ok())
                .unwrap_or(0)
        };
        // smtpd refuses all mail below both (smtpd_check_queue), and cleanup cannot write one of the greatest.
        let needed = bytes("queue_minfree").max(bytes("message_size_limit").saturating_mul(3) / 2);
        if free == 0 {
            self.add(Level::Critical, format!("{queue}: no byte is free"));
        } else if free < needed {
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
}
