//! A host image: an instance that is warmed up, and its log, a day at a time.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use chrono::{Days, NaiveDate, NaiveTime};
use serde_json::Value;
use tempfile::TempDir;
use testkit::journal::{Journal, Sender};
use testkit::tools::{seconds, set_mtime};

const BLOCKED: &str = "host mx.aol.com[203.0.113.5] said: 554 5.7.1 Unfortunately, messages from 192.0.2.44 weren't \
    sent. Please \
contact your Internet service provider since part of their network is on our block list (S3150). (in reply to MAIL \
FROM command)";
const SLOWER: &str = "host mx-aol.mail.gm0.yahoodns.net[203.0.113.5] said: 421 4.7.0 [TSS04] Messages from 192.0.2.44 \
    temporarily \
deferred due to unexpected volume or user complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes (in \
reply to MAIL \
FROM command)";
const NO_USER: &str = "host mx.aol.com[203.0.113.5] said: 550 5.1.1 <u@aol.com>: Recipient address rejected: User \
    unknown (in \
reply to RCPT TO command)";
const OK: &str = "250 2.0.0 Ok: queued as 4F9A1C0DE";

/// When all this happens: noon, in UTC.
const CLOCK: &str = "2026-09-19T12:00:00Z";

/// A host image with postfix-aol-c, and its log's lines so far, which begin with their times.
pub(crate) struct Image {
    dir: TempDir,
    log: Vec<String>,
    today: NaiveDate,
}

impl Image {
    /// Its log begins 90 days ago; another instance delivers an hour before each midnight.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "etc/postfix/main.cf",
            "multi_instance_directories = /etc/postfix-aol-a /etc/postfix-aol-c\nmulti_instance_enable = yes\n",
        );
        for (name, address) in [("postfix-aol-a", 41), ("postfix-aol-c", 44)] {
            write(
                &format!("etc/{name}/main.cf"),
                &format!(
                    "multi_instance_name = {name}\nmulti_instance_enable = yes\nsyslog_name = {name}\n\
                     queue_directory = /var/spool/{name}\ndata_directory = /var/lib/{name}\n\
                     smtp_bind_address = 192.0.2.{address}\nsmtp_helo_name = aol-c.example.org\n"
                ),
            );
            write(
                &format!("etc/{name}/master.cf"),
                "smtp unix - - y - - smtp\npickup unix n - y 60 1 pickup\n",
            );
        }
        write("etc/hostname", "rustin\n");
        write("var/log/mail.log", "");
        let mut image = Self {
            dir,
            log: Vec::new(),
            today: NaiveDate::from_ymd_opt(2026, 9, 19).unwrap(),
        };
        for ago in (1..=90).rev() {
            image.lines("postfix-aol-a", ago, 1, "sent", "2.0.0", OK);
        }
        image
    }

    pub(crate) fn date(&self, ago: u64) -> NaiveDate {
        self.today.checked_sub_days(Days::new(ago)).unwrap()
    }

    /// `n` deliveries of the day that was so many days `ago`, a second apart.
    fn lines(&mut self, name: &str, ago: u64, n: u64, status: &str, dsn: &str, reply: &str) {
        let hour = if name == "postfix-aol-a" { 23 } else { 0 };
        let start = self.date(ago).and_time(NaiveTime::MIN) + chrono::TimeDelta::hours(hour);
        for k in 0..n {
            let time = start + chrono::TimeDelta::seconds(k as i64);
            self.log.push(format!(
                "{}Z rustin {name}/smtp[91]: 4F{ago}{k}: to=<u{k}@aol.com>, relay=mx.aol.com[203.0.113.5]:25, delay=1, \
                 delays=0.1/0/0.4/0.5, dsn={dsn}, status={status} ({reply})\n",
                time.format("%Y-%m-%dT%H:%M:%S")
            ));
        }
    }

    /// A day of postfix-aol-c.
    pub(crate) fn day(
        &mut self,
        ago: u64,
        sent: u64,
        no_user: u64,
        blocked: u64,
        slower: u64,
    ) -> &mut Self {
        let name = "postfix-aol-c";
        self.lines(name, ago, sent, "sent", "2.0.0", OK);
        self.lines(name, ago, no_user, "bounced", "5.1.1", NO_USER);
        self.lines(name, ago, blocked, "bounced", "5.7.1", BLOCKED);
        self.lines(name, ago, slower, "deferred", "4.7.0", SLOWER);
        self
    }

    pub(crate) fn write(&self) {
        let mut log = self.log.clone();
        log.sort();
        let path = self.path("var/log/mail.log");
        fs::write(&path, log.concat()).unwrap();
        set_mtime(&path, seconds(CLOCK));
    }

    /// The same into the journal, and nothing into a file.
    pub(crate) fn write_journal(&self) {
        let owner = format!(
            "postfix:x:{}:113::/var/spool/postfix:/bin/false\n",
            Sender::OWNER
        );
        fs::write(self.path("etc/passwd"), owner).unwrap();
        let mut log = self.log.clone();
        log.sort();
        let mut journal =
            Journal::new(&self.path("var/log/journal/fedcba9876543210fedcba9876543210"));
        journal.log(&log.concat());
        journal.write("system.journal");
    }

    pub(crate) fn path(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn run(&self, tool: &str, args: &[&str]) -> Output {
        Command::new(tool)
            .arg("--root")
            .arg(self.dir.path())
            .arg(format!("--clock={CLOCK}"))
            .args(args)
            .env("TZ", "UTC")
            .output()
            .unwrap()
    }

    #[track_caller]
    pub(crate) fn ok(&self, args: &[&str], status: i32) -> String {
        let out = self.run(env!("CARGO_BIN_EXE_relay-warmup"), args);
        let text = String::from_utf8(out.stdout).unwrap();
        let errors = String::from_utf8_lossy(&out.stderr);
        assert_eq!(
            out.status.code(),
            Some(status),
            "{args:?}\n{text}\n{errors}"
        );
        text
    }

    /// A plan of 1000 a day (200, 400, 800, 1000, three days each) that began so many days ago.
    pub(crate) fn plan(&self, ago: u64) {
        self.plan_of("1000/day", ago, &[]);
    }

    /// A plan of so many a day that began so many days ago.
    pub(crate) fn plan_of(&self, volume: &str, ago: u64, more: &[&str]) {
        let start = self.date(ago).to_string();
        let words = ["plan", "aol-c", "--volume", volume, "--start", &start];
        let old = ["--old", "192.0.2.41"];
        self.ok(&[&words[..], &old, more].concat(), 0);
    }

    /// The one instance of the JSON format.
    pub(crate) fn json(&self, args: &[&str], status: i32) -> Value {
        let args = [&["status", "--format", "json"], args].concat();
        let json: Value = serde_json::from_str(&self.ok(&args, status)).unwrap();
        assert_eq!(json["schema"], "relay-tools/warmup-status/1");
        assert_eq!(json["instances"].as_array().unwrap().len(), 1);
        json["instances"][0].clone()
    }

    /// The line of `--check`: how it begins, and the performance data of the next day's cap, of the last day's volume,
    /// and of what was deferred, bounced and blocked of it, in percent.
    #[track_caller]
    pub(crate) fn check(&self, status: i32, text: &str, cap: u64, volume: u64, shares: [&str; 3]) {
        let line = self.ok(&["status", "--check"], status);
        let [deferred, bounced, blocked] = shares;
        let name = "postfix-aol-c";
        let perf = format!(
            "{name}_cap={cap};;;0 {name}_volume={volume};;;0 {name}_deferred={deferred}%;;;0 \
             {name}_bounced={bounced}%;;;0 {name}_blocked={blocked}%;;;0"
        );
        assert_eq!(line, format!("{text} | {perf}\n"));
    }
}

pub(crate) fn mv(from: &Path, to: &Path) {
    let moved = Command::new("mv").arg(from).arg(to).status().unwrap();
    assert!(moved.success());
}
