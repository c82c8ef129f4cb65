//! A host whose logs are written to, and followed.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use tempfile::TempDir;

use testkit::prometheus::value;
use testkit::tools::{Ran, stats};

const HEAD: &str = "2026-09-19T10:00:00Z rustin postfix-";

/// Hosts with instances aol-a and msn-a, whose log is /var/log/mail.log, and own-a, which has one of its own.
pub(crate) struct Host {
    pub(crate) root: TempDir,
    lines: u32,
}

impl Host {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let names = ["aol-a", "msn-a", "own-a"];
        let directories = names.map(|n| format!("/etc/postfix-{n}")).join(" ");
        let etc = |name: &str, text: &str| {
            let dir = root.path().join("etc").join(name);
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join("main.cf"), text).unwrap();
        };
        etc(
            "postfix",
            &format!("multi_instance_enable = yes\nmulti_instance_directories = {directories}\n"),
        );
        for name in names {
            let log = match name {
                "own-a" => "maillog_file = /var/log/own.log\n",
                _ => "",
            };
            etc(
                &format!("postfix-{name}"),
                &format!(
                    "multi_instance_name = postfix-{name}\nmulti_instance_enable = yes\n{log}"
                ),
            );
        }
        fs::create_dir_all(root.path().join("var/log")).unwrap();
        let host = Self { root, lines: 0 };
        fs::write(host.log(), "").unwrap();
        // As Postfix does when it starts.
        let started = format!("{HEAD}own-a/master[1]: daemon started -- version 3.7.11\n");
        fs::write(host.own_log(), started).unwrap();
        host
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.root.path().join("var/log/mail.log")
    }

    pub(crate) fn own_log(&self) -> PathBuf {
        self.root.path().join("var/log/own.log")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root.path().join("follow.json")
    }

    /// Appends `n` deliveries of an instance that ended so.
    pub(crate) fn deliver(&mut self, instance: &str, n: u32, status: &str, reply: &str) {
        let log = match instance {
            "own-a" => self.own_log(),
            _ => self.log(),
        };
        let mut log = fs::File::options().append(true).open(log).unwrap();
        for _ in 0..n {
            self.lines += 1;
            writeln!(
                log,
                "{HEAD}{instance}/smtp[9]: {:X}: to=<u@aol.com>, relay=none, delay=1, delays=0/0/1/0, dsn=2.0.0, \
                 status={status} ({reply})",
                self.lines + 0xA000
            )
            .unwrap();
        }
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        let root = self.root.path().to_str().unwrap();
        let state = self.state();
        let state = ["--root", root, "--follow-state", state.to_str().unwrap()];
        stats([&state, args].concat())
    }

    /// The counters.
    pub(crate) fn counters(&self) -> String {
        let ran = self.run(&["--format", "prom"]).ended(0);
        assert_eq!(ran.err, "");
        ran.out
    }
}

pub(crate) fn deliveries(prom: &str, instance: &str, status: &str) -> f64 {
    let labels = format!("{{postfix_instance=\"postfix-{instance}\",status=\"{status}\"}}");
    value(prom, &format!("relay_mail_deliveries_total{labels}"))
}
