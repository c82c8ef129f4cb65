//! Journals as journald stores them, with known entries: systemd-journal-remote(8) makes them of text.
#![allow(clippy::unwrap_used, reason = "a test has nothing better to do")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::tools::seconds;

/// Who sends an entry: the fields that journald itself adds.
#[derive(Debug, Clone)]
pub struct Sender {
    /// `_UID`.
    pub uid: u32,
    /// `_SYSTEMD_UNIT`; empty, if journald did not find it out.
    pub unit: String,
    /// `_EXE`; empty, if journald did not find it out.
    pub exe: String,
}

impl Sender {
    /// The user id that Postfix's mail owner has in these journals.
    pub const OWNER: u32 = 106;

    /// A daemon of an instance, as Debian 12 starts it.
    pub fn postfix(instance: &str) -> Self {
        Self {
            uid: Self::OWNER,
            unit: format!("postfix@{instance}.service"),
            exe: "/usr/lib/postfix/sbin/smtp".to_owned(),
        }
    }

    /// A user at a shell.
    pub fn user() -> Self {
        Self {
            uid: 1000,
            unit: "session-3.scope".to_owned(),
            exe: "/usr/bin/logger".to_owned(),
        }
    }
}

/// Journal files in a directory.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    /// What is not yet in a file, in the export format.
    text: String,
    entries: u64,
    boot: u32,
}

impl Journal {
    /// An empty journal in `directory`, which is made.
    pub fn new(directory: &Path) -> Self {
        fs::create_dir_all(directory).unwrap();
        Self {
            directory: directory.to_owned(),
            text: String::new(),
            entries: 0,
            boot: 1,
        }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// An entry of the facility mail, made at `micros` since 1970.
    pub fn mail(&mut self, micros: u64, sender: &Sender, tag: &str, message: &str) {
        let named = |name, value: &str| match value {
            "" => String::new(),
            value => format!("{name}={value}\n"),
        };
        let fields = format!(
            "SYSLOG_FACILITY=2\nPRIORITY=6\nSYSLOG_IDENTIFIER={tag}\nSYSLOG_PID=7\n_TRANSPORT=syslog\n_UID={}\n{}{}MESSAGE={message}\n",
            sender.uid,
            named("_SYSTEMD_UNIT", &sender.unit),
            named("_EXE", &sender.exe),
        );
        self.entry(micros, &fields);
    }

    /// The lines of a log file, as their instances' daemons send them to journald. A line is
    /// `2026-09-19T11:00:00Z rustin postfix-aol-a/smtp[9]: …`.
    pub fn log(&mut self, lines: &str) {
        for line in lines.lines() {
            let mut words = line.splitn(4, ' ');
            let mut word = || words.next().unwrap();
            let (time, _host, tag, message) = (word(), word(), word(), word());
            let (tag, _pid) = tag.split_once('[').unwrap();
            let (instance, _daemon) = tag.split_once('/').unwrap();
            let micros = seconds(time) * 1_000_000;
            self.mail(micros, &Sender::postfix(instance), tag, message);
        }
    }

    /// journald's own report that it dropped messages of a unit.
    pub fn dropped(&mut self, micros: u64, messages: u32, unit: &str) {
        self.entry(
            micros,
            &format!(
                "MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=systemd-journald\n_TRANSPORT=driver\n\
                 _UID=0\nN_DROPPED={messages}\nMESSAGE=Suppressed {messages} messages from {unit}\n"
            ),
        );
    }

    /// An entry of these fields, a line each.
    pub fn entry(&mut self, micros: u64, fields: &str) {
        self.entries += 1;
        self.text += &format!(
            "__REALTIME_TIMESTAMP={micros}\n__MONOTONIC_TIMESTAMP={}\n_BOOT_ID={:032x}\n_HOSTNAME=rustin\n{fields}\n",
            self.entries, self.boot,
        );
    }

    /// From here on, entries are of another boot.
    pub fn boot(&mut self) {
        self.boot += 1;
    }

    /// Appends the entries so far to the file `name`, such as `system.journal`.
    pub fn write(&mut self, name: &str) -> PathBuf {
        let path = self.directory.join(name);
        let mut remote = Command::new("/lib/systemd/systemd-journal-remote")
            .arg(format!("--output={}", path.display()))
            .arg("-")
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = remote.stdin.take().unwrap();
        input.write_all(self.text.as_bytes()).unwrap();
        drop(input);
        assert!(remote.wait().unwrap().success());
        self.text.clear();
        path
    }
}
