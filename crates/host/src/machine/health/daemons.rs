//! The programs that take the mail: is there a master daemon behind the lock, a queue manager, a delivery agent?

use std::fs;
use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use figures::verdict::Level;
use postfix::config::{Instance, MasterCf, Service, ServiceType};
use postfix::{Parsed, Root, Time};

use super::super::{Process, children, master};
use super::Checkup;
use super::files::messages_have;

/// A queue manager is there from the start on; after a reload, a moment later.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(200);

/// For how long a message may be in active while no delivery agent runs: one is started within a second, and started
/// again a minute after it died (master(8), throttling).
const AGENT_WITHIN_S: i64 = 300;

/// The delivery agents (`src/global/mail_proto.h`); the services `retry` and `relay` are such, too.
const AGENTS: [&str; 7] = [
    "smtp", "lmtp", "local", "virtual", "pipe", "error", "discard",
];

/// No mail is taken or delivered without them. A transport of the site's own may be new in master.cf.
const NEEDED: [&str; 12] = [
    "pickup", "cleanup", "qmgr", "rewrite", "bounce", "defer", "trace", "smtp", "relay", "error",
    "retry", "proxymap",
];

/// The longest that a file of /proc is.
const MOST: u64 = 1 << 20;

impl Checkup<'_> {
    /// The master daemon's process id, as this machine numbers it: in a container, master.pid has another. Where what
    /// holds the lock is none, or is not known, that is reported: after a crash, a process that the daemon started may
    /// still hold it.
    pub(super) fn master_daemon(&mut self, lock: &Path, pid: Option<u32>) -> Option<u32> {
        let holder = guarded::flock_holder(lock);
        let mut known = holder.into_iter().chain(pid);
        if let Some(pid) = known.find(|pid| is_master(*pid)) {
            return Some(pid);
        }
        match holder.and_then(|pid| Some((pid, program(pid)?))) {
            Some((pid, name)) => {
                let text = format!(
                    "{}: a stale lock: process {pid} ({}) holds it and is no master daemon, so that nothing runs and \
                     postfix start fails: kill {pid}",
                    lock.display(),
                    postfix::escape(&name)
                );
                self.add(Level::Critical, text);
            }
            None => {
                let text = format!(
                    "{}: who holds this lock is not known, so that it is not known whether a queue manager runs",
                    lock.display()
                );
                self.add(Level::Unknown, text);
            }
        }
        None
    }

    /// The other lock of a master daemon, where none runs: the next start fails at it (`src/master/master.c`).
    pub(super) fn data_lock(&mut self, root: &Root, instance: &Instance) {
        let lock = root.under(&instance.data_directory().join("master.lock"));
        match master::look(&lock) {
            Ok(None) => {}
            Ok(Some(_)) => {
                let text = match guarded::flock_holder(&lock) {
                    // Of another instance, which must not be killed for this one.
                    Some(pid) if is_master(pid) => format!(
                        "{}: a master daemon of another instance (process {pid}) holds it, and postfix start fails: \
                         give this instance a data_directory of its own",
                        lock.display()
                    ),
                    Some(pid) => format!(
                        "{}: a stale lock: no master daemon runs, process {pid} holds it, and postfix start fails: \
                         kill {pid}",
                        lock.display()
                    ),
                    None => format!(
                        "{}: a stale lock: no master daemon runs, and postfix start fails: fuser {0}",
                        lock.display()
                    ),
                };
                self.add(Level::Critical, text);
            }
            Err(e) => self.unseen(&lock, &e),
        }
    }

    /// Is there a queue manager, and where mail waits in active a delivery agent?
    pub(super) fn takers(&mut self, instance: &Instance, services: &MasterCf, pid: u32, now: Time) {
        let Some(qmgr) = services
            .services()
            .iter()
            .find(|service| service.name == "qmgr")
        else {
            return;
        };
        let command = kept(&qmgr.command);
        let wanted = |process: &Process| process.name == command;
        if let Ok(all) = children(pid)
            && let Some(stopped) = all
                .iter()
                .find(|process| wanted(process) && process.is_stopped)
        {
            let text = format!(
                "its queue manager is stopped (SIGSTOP), and no mail is delivered: kill -CONT {}",
                stopped.pid
            );
            return self.add(Level::Critical, text);
        }
        if !self.is_there(pid, &wanted) {
            let text = format!(
                "its master daemon runs without a queue manager ({command}): no mail is delivered; its log says why"
            );
            return self.add(Level::Critical, text);
        }
        let delays = services
            .services()
            .iter()
            .filter(|service| service.kind == ServiceType::Unix)
            .flat_map(|service| {
                ["destination_rate_delay", "transport_rate_delay"]
                    .map(|what| format!("{}_{what}", service.name))
            });
        let delays = delays.filter_map(|name| instance.parameters().seconds(&name));
        let longest = i64::try_from(delays.max().unwrap_or(0)).unwrap_or(i64::MAX);
        // Between deliveries that are farther apart than that, an agent ends, however many messages wait.
        let idle = instance.parameters().seconds("max_idle").unwrap_or(0);
        if longest > 0 && longest >= i64::try_from(idle).unwrap_or(i64::MAX) {
            return;
        }
        let within = AGENT_WITHIN_S.saturating_add(longest);
        let lying = self.lying("active", None, now);
        let Some((n, minutes)) = lying.waiting(within) else {
            return;
        };
        let agents = services
            .services()
            .iter()
            .filter(|service| AGENTS.contains(&service.command.as_str()))
            .map(|service| kept(&service.command))
            .collect::<Vec<_>>();
        if !self.is_there(pid, &|process| agents.contains(&process.name)) {
            let text = format!(
                "active: {} waited for a delivery agent, the oldest for {minutes} min, and none runs; its log says why",
                messages_have(n)
            );
            self.add(Level::Critical, text);
        }
    }

    /// Does a process that is `wanted` run below the master daemon `pid`, within a moment? What cannot be asked is
    /// there.
    fn is_there(&mut self, pid: u32, wanted: &dyn Fn(&Process) -> bool) -> bool {
        for look in 0..LOOKS {
            match children(pid) {
                Ok(all) if all.iter().any(wanted) => return true,
                Ok(_) => {}
                Err(e) => {
                    self.unseen(Path::new("/proc"), &e);
                    return true;
                }
            }
            if look + 1 < LOOKS {
                sleep(PAUSE);
            }
        }
        false
    }

    /// Where a running master daemon listens for each of its services (master_service(5): `private/NAME`,
    /// `public/NAME`). What is gone, by a cleaner of old files say, nobody reaches, and master makes it anew only when
    /// it starts.
    pub(super) fn sockets(&mut self, services: &MasterCf) {
        let path = |service: &Service| {
            let directory = if service.private { "private" } else { "public" };
            self.queue.join(directory).join(&service.name)
        };
        let is_gone = |service: &&Service| {
            let look = fs::symlink_metadata(path(service));
            service.kind != ServiceType::Inet
                && look.is_err_and(|e| e.kind() == io::ErrorKind::NotFound)
        };
        let mut gone: Vec<&Service> = services.services().iter().filter(is_gone).collect();
        // A master that starts or is reloaded makes them in a moment.
        for _ in 1..LOOKS {
            if gone.is_empty() {
                return;
            }
            sleep(PAUSE);
            gone.retain(is_gone);
        }
        let gone: Vec<&str> = gone.iter().map(|service| service.name.as_str()).collect();
        let Some((first, more)) = gone.split_first() else {
            return;
        };
        let more = match more.len() {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let level = match gone.iter().any(|name| NEEDED.contains(name)) {
            true => Level::Critical,
            false => Level::Warning,
        };
        let text = format!(
            "its master daemon runs, and the socket of service {first}{more} is not there: postfix reload makes that \
             of a new service, postfix stop and start any"
        );
        self.add(level, text);
    }

    /// Without these, master.cf leaves mail where it is. One that cannot be read says nothing.
    pub(super) fn services(&mut self, services: &Parsed<MasterCf>, now: Time) {
        let all = services.value.services();
        if all.is_empty() && !services.problems.is_empty() {
            return;
        }
        for (name, what) in [
            ("qmgr", "no mail is delivered"),
            ("pickup", "mail that sendmail hands in stays in maildrop"),
        ] {
            if all.iter().any(|service| service.name == name) {
                continue;
            }
            let level = match name {
                "qmgr" => Level::Critical,
                // A relay that takes mail by SMTP alone needs none.
                _ if self.lying("maildrop", None, now).is_some() => Level::Critical,
                _ => continue,
            };
            self.add(level, format!("master.cf has no service {name}: {what}"));
        }
    }
}

/// What a process runs; nothing if it is gone.
fn program(pid: u32) -> Option<String> {
    let name = guarded::read_text(Path::new(&format!("/proc/{pid}/comm")), MOST);
    Some(name.ok()?.trim_end().to_owned())
}

fn is_master(pid: u32) -> bool {
    program(pid).is_some_and(|name| name == "master")
}

/// The kernel keeps 15 bytes of a name.
fn kept(command: &str) -> String {
    command.chars().take(15).collect()
}
