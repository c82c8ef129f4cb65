//! Postfix instances as they run: start, stop, reload, reconfigure, ask.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Host;
use crate::command::{Cmd, Ran};
use crate::config;
use crate::make::write_aged;
use crate::namespace::{Process, processes};
use crate::or_fail::OrFail;
use crate::wait::holds_within;

/// A Postfix instance of a host. Clones are the same instance. It ends with its host.
#[derive(Debug, Clone)]
pub struct Instance {
    pub(crate) host: Host,
    pub(crate) name: String,
    pub(crate) config_dir: PathBuf,
    pub(crate) queue_dir: PathBuf,
    pub(crate) address: SocketAddr,
}

impl Instance {
    /// `postfix-aol-a`; `postfix` for the default instance.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The host that it is on.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Its configuration directory, as the host sees it.
    pub fn config_dir(&self) -> &Path {
        &self.config_dir
    }

    /// Its queue directory, as the host sees it.
    pub fn queue_dir(&self) -> &Path {
        &self.queue_dir
    }

    /// Where its smtpd listens; its IP address is also the one that its mail goes out from.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A Postfix program set to use this instance: `postqueue`, `postcat`, `postconf`, `sendmail`, …
    pub fn command(&self, program: &str) -> Cmd {
        // sendmail(1) takes the directory by -C; postkick(1), postconf(1) and all others by -c.
        let option = if program == "sendmail" { "-C" } else { "-c" };
        self.host.command(program).arg(option).arg(&self.config_dir)
    }

    /// Runs `postfix -c DIR WORD`: start, stop, abort, reload, flush, check, status.
    #[track_caller]
    pub fn postfix(&self, word: &str) -> Ran {
        self.command("postfix").arg(word).run()
    }

    /// Starts it and waits until it takes mail and has a queue manager.
    #[track_caller]
    pub fn start(&self) {
        let started = self.postfix("start");
        if started.code() != Some(0) {
            panic!(
                "testkit: {} does not start: {started}\n{}",
                self.name,
                self.host.log_tail()
            );
        }
        // Not waited for beyond a moment: a test may have left it out of master.cf.
        holds_within(Duration::from_secs(2), || {
            self.processes().iter().any(|(_, name)| name == "qmgr")
        });
    }

    /// Stops it and waits until its processes are gone, which `postfix stop` by itself does only for the master.
    #[track_caller]
    pub fn stop(&self) {
        let before = self.processes();
        self.postfix("stop").ok();
        self.wait_gone(&before, "its processes to end after postfix stop");
    }

    /// Makes it read its configuration again, and waits until no queue manager or idle process has the old one.
    #[track_caller]
    pub fn reload(&self) {
        let mut before = self.processes();
        before.retain(|(_, name)| name == "qmgr");
        self.postfix("reload").ok();
        self.wait_gone(&before, "the queue manager to end after postfix reload");
        // The old queue manager may have taken the master's wakeup, and mail with it, to its end. The next regular
        // wakeup is minutes away.
        self.wait_until(crate::PATIENCE, "a queue manager to be woken", || {
            let kick = self.command("postkick").args(["public", "qmgr", "W"]);
            kick.run().code() == Some(0)
        });
    }

    /// Its master and the processes that it started: process ids inside the host, and names.
    #[track_caller]
    pub fn processes(&self) -> Vec<(u32, String)> {
        let pid_file = self.queue_dir.join("pid/master.pid");
        self.host.enter(|| {
            let master = std::fs::read_to_string(pid_file).unwrap_or_default();
            let is_ours = |process: &Process| {
                let is_master =
                    process.pid.to_string() == master.trim() && process.name == "master";
                is_master || process.parent.to_string() == master.trim()
            };
            let processes = processes().into_iter().filter(is_ours);
            processes
                .map(|process| (process.pid, process.name))
                .collect()
        })
    }

    #[track_caller]
    fn wait_gone(&self, before: &[(u32, String)], what: &str) {
        self.wait_until(crate::PATIENCE, what, || {
            let now = self.host.enter(processes);
            let is_there = |pid: u32| now.iter().any(|process| process.pid == pid);
            !before.iter().any(|&(pid, _)| is_there(pid))
        });
    }

    /// Whether its master daemon runs.
    #[track_caller]
    pub fn is_running(&self) -> bool {
        self.postfix("status").code() == Some(0)
    }

    /// Sets a main.cf parameter. It counts from the next `start` or `reload` on.
    #[track_caller]
    pub fn set(&self, name: &str, value: &str) {
        let path = self.config_dir.join("main.cf");
        let written = self.host.enter(|| {
            let text = std::fs::read_to_string(&path)?;
            write_aged(&path, &config::set(&text, name, value))
        });
        written.or_fail(format_args!("setting {name} in {}", path.display()));
    }

    /// A parameter's value with all expansions done (`postconf -x -h`).
    #[track_caller]
    pub fn postconf(&self, name: &str) -> String {
        let value = self
            .command("postconf")
            .args(["-x", "-h", name])
            .run()
            .ok()
            .text();
        value.trim_end_matches('\n').to_owned()
    }

    /// Waits until `condition` holds; panics after `timeout` with the tail of mail.log.
    #[track_caller]
    pub fn wait_until(&self, timeout: Duration, what: &str, condition: impl FnMut() -> bool) {
        self.host
            .wait_until(timeout, format_args!("{}: {what}", self.name), condition);
    }
}
