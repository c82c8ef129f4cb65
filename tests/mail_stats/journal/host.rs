//! A host that logs into the journal, as an image.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use testkit::journal::{Journal, Sender};
use testkit::tools::{Ran, stats};

/// A second, in microseconds.
pub(crate) const SECOND: u64 = 1_000_000;

/// Hosts with instances aol-a and msn-a, which log to syslog, and own-a, which has a log file of its own.
pub(crate) struct Host {
    pub(crate) root: TempDir,
    pub(crate) journal: Journal,
    /// The time of the next entry.
    pub(crate) clock: u64,
    lines: u32,
}

impl Host {
    /// Its first entry is of an hour ago.
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let journal = Journal::new(
            &root
                .path()
                .join("var/log/journal/fedcba9876543210fedcba9876543210"),
        );
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let host = Self {
            root,
            journal,
            clock: now.as_secs() * SECOND - 3600 * SECOND,
            lines: 0,
        };
        let names = ["aol-a", "msn-a", "own-a"];
        let directories = names.map(|n| format!("/etc/postfix-{n}")).join(" ");
        host.write(
            "etc/postfix/main.cf",
            &format!("multi_instance_enable = yes\nmulti_instance_directories = {directories}\n"),
        );
        for name in names {
            let log = match name {
                "own-a" => "maillog_file = /var/log/own.log\n",
                _ => "",
            };
            host.write(
                &format!("etc/postfix-{name}/main.cf"),
                &format!(
                    "multi_instance_name = postfix-{name}\nmulti_instance_enable = yes\nsyslog_name = \
                     postfix-{name}\n{log}"
                ),
            );
        }
        host.write(
            "etc/passwd",
            &format!(
                "root:x:0:0::/root:/bin/sh\npostfix:x:{}:113::/var/spool/postfix:/bin/false\n",
                Sender::OWNER
            ),
        );
        let started = "2026-01-01T00:00:00Z rustin postfix-own-a/master[1]: daemon started -- version 3.10.5\n";
        host.write("var/log/own.log", started);
        host
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    pub(crate) fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What is logged of the next delivery, with status and reply.
    pub(crate) fn message(&mut self, status: &str) -> String {
        self.lines += 1;
        self.clock += SECOND;
        format!(
            "{:X}: to=<u@aol.com>, relay=mx.aol.com[192.0.2.1]:25, delay=1, delays=0/0/1/0, dsn=2.0.0, status={status}",
            self.lines + 0xA000
        )
    }

    /// So many deliveries of an instance in the journal, a second apart.
    pub(crate) fn deliver(&mut self, instance: &str, n: u32, status: &str) {
        let sender = Sender::postfix(&format!("postfix-{instance}"));
        self.deliver_as(&sender, instance, n, status);
    }

    /// The same, sent by someone else.
    pub(crate) fn deliver_as(&mut self, sender: &Sender, instance: &str, n: u32, status: &str) {
        for _ in 0..n {
            let message = self.message(status);
            let tag = format!("postfix-{instance}/smtp");
            self.journal.mail(self.clock, sender, &tag, &message);
        }
    }

    /// The next delivery as a line of a log file.
    pub(crate) fn line(&mut self, instance: &str, status: &str) -> String {
        let message = self.message(status);
        let time = chrono(self.clock);
        format!("{time} rustin postfix-{instance}/smtp[7]: {message}\n")
    }

    /// Puts the entries so far into the journal's file.
    pub(crate) fn flush(&mut self) -> PathBuf {
        self.journal.write("system.journal")
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        let root = self.root.path().to_str().unwrap();
        stats([&["--root", root], args].concat())
    }

    pub(crate) fn json(&self, args: &[&str]) -> serde_json::Value {
        let ran = self.run(&[args, &["--format", "json"]].concat());
        serde_json::from_str(&ran.out).unwrap()
    }

    /// How many deliveries of an instance were sent.
    #[track_caller]
    pub(crate) fn sent(&self, instance: &str, args: &[&str]) -> u64 {
        let found = self.json(args);
        let mut all = found["instances"].as_array().unwrap().iter();
        let name = format!("postfix-{instance}");
        let one = all.find(|one| one["instance"] == name.as_str());
        one.map_or(0, |one| one["sent"].as_u64().unwrap())
    }
}

/// As a syslog daemon writes a time.
pub(crate) fn chrono(micros: u64) -> String {
    let seconds = micros / SECOND;
    testkit::tools::sh(&format!("date -u -d @{seconds} +%FT%T.000000+00:00"))
        .trim()
        .to_owned()
}

/// Overwrites the middle of what a journal file holds.
pub(crate) fn damage(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    // Header: the offset of the last object (systemd `journal-def.h`, `tail_object_offset`).
    let tail = u64::from_le_bytes(bytes[136..144].try_into().unwrap()) as usize;
    bytes[tail - 3000..tail - 1500].fill(0xA5);
    fs::write(file, bytes).unwrap();
}
