//! relay-warmup status on logs whose days are counted by hand.
#![allow(clippy::unwrap_used, reason = "a test has nothing better to do")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use chrono::{Days, NaiveDate, NaiveTime, Timelike, Utc};
use serde_json::Value;
use tempfile::TempDir;

const BLOCKED: &str = "host mx.aol.com[203.0.113.5] said: 554 5.7.1 Unfortunately, messages from 192.0.2.44 weren't sent. Please \
contact your Internet service provider since part of their network is on our block list (S3150). (in reply to MAIL FROM command)";
const SLOWER: &str = "host mx-aol.mail.gm0.yahoodns.net[203.0.113.5] said: 421 4.7.0 [TSS04] Messages from 192.0.2.44 temporarily \
deferred due to unexpected volume or user complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes (in reply to MAIL \
FROM command)";
const NO_USER: &str = "host mx.aol.com[203.0.113.5] said: 550 5.1.1 <u@aol.com>: Recipient address rejected: User unknown (in \
reply to RCPT TO command)";
const OK: &str = "250 2.0.0 Ok: queued as 4F9A1C0DE";

/// Today, in UTC; a day that is about to end is waited out, since the tool has a clock of its own.
#[allow(clippy::disallowed_methods, reason = "the tool has no other clock")]
fn today() -> NaiveDate {
    loop {
        let now = Utc::now();
        if (now.hour(), now.minute()) < (23, 58) {
            return now.date_naive();
        }
        std::thread::sleep(Duration::from_secs(5));
    }
}

/// A host image with postfix-aol-c, and its log's lines so far, which begin with their times.
struct Image {
    dir: TempDir,
    log: Vec<String>,
    today: NaiveDate,
}

impl Image {
    /// Its log begins 90 days ago; another instance delivers an hour before each midnight.
    fn new() -> Self {
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
            today: today(),
        };
        for ago in (1..=90).rev() {
            image.lines("postfix-aol-a", ago, 1, "sent", "2.0.0", OK);
        }
        image
    }

    fn date(&self, ago: u64) -> NaiveDate {
        self.today.checked_sub_days(Days::new(ago)).unwrap()
    }

    /// `n` deliveries of the day that was so many days `ago`, a second apart.
    fn lines(&mut self, name: &str, ago: u64, n: u64, status: &str, dsn: &str, reply: &str) {
        let hour = if name == "postfix-aol-a" { 23 } else { 0 };
        let start = self.date(ago).and_time(NaiveTime::MIN) + chrono::TimeDelta::hours(hour);
        for k in 0..n {
            // Today may be young: all of its lines are of its first second.
            let second = if ago == 0 { 0 } else { k };
            let time = start + chrono::TimeDelta::seconds(second as i64);
            self.log.push(format!(
                "{}Z rustin {name}/smtp[91]: 4F{ago}{k}: to=<u{k}@aol.com>, relay=mx.aol.com[203.0.113.5]:25, delay=1, \
                 delays=0.1/0/0.4/0.5, dsn={dsn}, status={status} ({reply})\n",
                time.format("%Y-%m-%dT%H:%M:%S")
            ));
        }
    }

    /// A day of postfix-aol-c.
    fn day(&mut self, ago: u64, sent: u64, no_user: u64, blocked: u64, slower: u64) -> &mut Self {
        let name = "postfix-aol-c";
        self.lines(name, ago, sent, "sent", "2.0.0", OK);
        self.lines(name, ago, no_user, "bounced", "5.1.1", NO_USER);
        self.lines(name, ago, blocked, "bounced", "5.7.1", BLOCKED);
        self.lines(name, ago, slower, "deferred", "4.7.0", SLOWER);
        self
    }

    fn write(&self) {
        let mut log = self.log.clone();
        log.sort();
        fs::write(self.path("var/log/mail.log"), log.concat()).unwrap();
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join(path)
    }

    fn run(&self, tool: &str, args: &[&str]) -> Output {
        Command::new(tool)
            .arg("--root")
            .arg(self.dir.path())
            .args(args)
            .env("TZ", "UTC")
            .output()
            .unwrap()
    }

    #[track_caller]
    fn ok(&self, args: &[&str], status: i32) -> String {
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
    fn plan(&self, ago: u64) {
        let start = self.date(ago).to_string();
        self.ok(
            &[
                "plan",
                "aol-c",
                "--volume",
                "1000/day",
                "--start",
                &start,
                "--old",
                "192.0.2.41",
            ],
            0,
        );
    }

    /// The one instance of the JSON format.
    fn json(&self, args: &[&str], status: i32) -> Value {
        let args = [&["status", "--format", "json"], args].concat();
        let json: Value = serde_json::from_str(&self.ok(&args, status)).unwrap();
        assert_eq!(json["schema"], "relay-tools/warmup-status/1");
        assert_eq!(json["instances"].as_array().unwrap().len(), 1);
        json["instances"][0].clone()
    }

    /// The line of `--check`.
    #[track_caller]
    fn check(&self, status: i32, text: &str, perf: &str) {
        let line = self.ok(&["status", "--check"], status);
        assert_eq!(line, format!("{text} | {perf}\n"));
    }
}

fn mv(from: &Path, to: &Path) {
    let moved = Command::new("mv").arg(from).arg(to).status().unwrap();
    assert!(moved.success());
}

fn numbers(day: &Value) -> Vec<u64> {
    let fields = [
        "day",
        "cap",
        "volume",
        "sent",
        "deferred",
        "bounced",
        "blocked",
        "rate_limited",
    ];
    fields.map(|field| day[field].as_u64().unwrap()).into()
}

#[test]
fn a_warm_up_that_goes_well() {
    let mut image = Image::new();
    // The day before the plan does not count; neither does the one without traffic.
    image.day(7, 5, 0, 0, 0);
    image.day(6, 195, 3, 1, 1).day(5, 200, 0, 0, 0);
    image
        .day(3, 180, 2, 0, 0)
        .day(2, 390, 4, 0, 0)
        .day(1, 400, 0, 0, 0);
    image.day(0, 10, 0, 0, 0);
    image.write();
    image.plan(6);
    let status = image.json(&["aol-c"], 0);
    let days: Vec<Vec<u64>> = status["days"]
        .as_array()
        .unwrap()
        .iter()
        .map(numbers)
        .collect();
    assert_eq!(
        days,
        [
            [1, 200, 200, 195, 1, 4, 1, 1],
            [2, 200, 200, 200, 0, 0, 0, 0],
            [3, 200, 182, 180, 0, 2, 0, 0],
            [4, 400, 394, 390, 0, 4, 0, 0],
            [5, 400, 400, 400, 0, 0, 0, 0],
            [6, 400, 10, 10, 0, 0, 0, 0],
        ]
    );
    let dates: Vec<&str> = status["days"]
        .as_array()
        .unwrap()
        .iter()
        .map(|day| day["date"].as_str().unwrap())
        .collect();
    let expected: Vec<String> = [6, 5, 3, 2, 1, 0]
        .map(|ago| image.date(ago).to_string())
        .into();
    assert_eq!(dates, expected);
    assert_eq!(status["days"][5]["complete"], false);
    assert_eq!(
        status["days"][0]["codes"],
        serde_json::json!([
            {"code": "S3150", "count": 1}, {"code": "TSS04", "count": 1}
        ])
    );
    assert_eq!(status["verdict"], "go on");
    assert_eq!((&status["level"], &status["cap"]), (&2.into(), &400.into()));
    assert_eq!(status["days_at_level"], 2);
    // Nothing of the plan was applied.
    assert_eq!(status["in_force"], false);
    assert_eq!(
        status["to_apply"][0],
        "postconf -c /etc/postfix-aol-c -e 'smtp_transport_rate_delay = 216s'"
    );
    image.check(
        0,
        "OK: postfix-aol-c: go on (level 2, 400 a day: 2 of 3 sending days)",
        "postfix-aol-c_cap=400;;;0 postfix-aol-c_volume=10;;;0 postfix-aol-c_deferred=0%;;;0 postfix-aol-c_bounced=0%;;;0 \
         postfix-aol-c_blocked=0%;;;0",
    );
    assert_eq!(image.ok(&["status", "--check", "-q"], 0), "");
    // Once the settings are in main.cf, there is nothing to be applied.
    let main_cf = image.path("etc/postfix-aol-c/main.cf");
    let text = fs::read_to_string(&main_cf).unwrap();
    let more = "smtp_transport_rate_delay = 216s\nsmtp_destination_recipient_limit = 2\n";
    fs::write(&main_cf, text + more).unwrap();
    let status = image.json(&[], 0);
    assert_eq!(status["in_force"], true);
    assert_eq!(status["to_apply"], serde_json::json!([]));
}

#[test]
fn blocks_step_back() {
    let mut image = Image::new();
    image
        .day(4, 200, 0, 0, 0)
        .day(3, 200, 0, 0, 0)
        .day(2, 200, 0, 0, 0);
    // 3 of 400.
    image.day(1, 397, 0, 3, 0);
    image.write();
    image.plan(4);
    let why = format!("{}: 0.8% blocked (3 of 400), more than 0.5%", image.date(1));
    image.check(
        2,
        &format!("CRITICAL: postfix-aol-c: step back ({why})"),
        "postfix-aol-c_cap=200;;;0 postfix-aol-c_volume=400;;;0 postfix-aol-c_deferred=0%;;;0 postfix-aol-c_bounced=0.75%;;;0 \
         postfix-aol-c_blocked=0.75%;;;0",
    );
    let table = image.ok(&["status"], 0);
    assert!(
        table.starts_with(&format!("postfix-aol-c: STEP BACK\n  {why}\n\n")),
        "{table}"
    );
    let row = table.lines().find(|line| line.starts_with("  4")).unwrap();
    let words: Vec<&str> = row.split_whitespace().collect();
    let date = image.date(1).to_string();
    assert_eq!(
        words,
        [
            "4", &date, "400", "400", "100.0%", "0.0%", "0.8%", "0.8%", "0.0%", "S3150", "3"
        ]
    );
    assert!(table.contains("\nto hold to 200 a day:\n  postconf -c /etc/postfix-aol-c -e 'smtp_transport_rate_delay = 432s'\n"), "{table}");
    assert!(
        table.contains(
            "\nthe zone, for the same days:\n  aol.smtp.example.org. 3600 IN A 192.0.2.41\n"
        ),
        "{table}"
    );
    // The site bears with more.
    let rules = image.path("etc/relay-tools/warmup.toml");
    fs::create_dir_all(rules.parent().unwrap()).unwrap();
    fs::write(&rules, "blocked = { hold = 0.6, step_back = 2 }\n").unwrap();
    assert_eq!(image.json(&[], 0)["verdict"], "hold");
    fs::write(&rules, "blocked = { hold = 1, step_back = 2 }\n").unwrap();
    assert_eq!(image.json(&[], 0)["verdict"], "go on");
    fs::write(&rules, "blocked = { hold = many }\n").unwrap();
    image.ok(&["status"], 2);
    let line = image.ok(&["status", "--check"], 3);
    assert!(
        line.contains("etc/relay-tools/warmup.toml, line 1: "),
        "{line}"
    );
}

#[test]
fn bounces_and_rate_limits_hold() {
    let mut image = Image::new();
    // 8 of 200 are 4 %.
    image.day(2, 192, 8, 0, 0);
    image.write();
    image.plan(2);
    let status = image.json(&[], 0);
    assert_eq!(status["verdict"], "hold");
    let why = format!("{}: 4.0% bounced (8 of 200), more than 3%", image.date(2));
    assert_eq!(status["why"], serde_json::json!([why]));
    image.ok(&["status", "--check"], 1);
    // The next day is better, but for 6 of 200 that were told to be slower, of whom there were none before.
    image.day(1, 194, 0, 0, 6).write();
    let status = image.json(&[], 0);
    assert_eq!(status["verdict"], "hold");
    let why = format!(
        "{}: 3.0% rate-limited (6 of 200), and 0.0% on the sending day before",
        image.date(1)
    );
    assert_eq!(status["why"], serde_json::json!([why]));
    assert_eq!(status["days_at_level"], 0);
    assert_eq!(
        status["days"][1]["codes"],
        serde_json::json!([{"code": "TSS04", "count": 6}])
    );
}

#[test]
fn idle_for_more_than_a_month() {
    let mut image = Image::new();
    for ago in [40, 39, 38, 31] {
        image.day(ago, 200, 0, 0, 0);
    }
    image.write();
    image.plan(40);
    image.check(
        1,
        "WARNING: postfix-aol-c: warm again (nothing was sent for 31 days, more than 30)",
        "postfix-aol-c_cap=200;;;0 postfix-aol-c_volume=200;;;0 postfix-aol-c_deferred=0%;;;0 postfix-aol-c_bounced=0%;;;0 \
         postfix-aol-c_blocked=0%;;;0",
    );
    // An instance without a plan, and without a delivery since the log began.
    let main_cf = fs::read_to_string(image.path("etc/postfix-aol-c/main.cf")).unwrap();
    let main_cf = main_cf.replace("aol-c", "aol-d").replace("2.44", "2.45");
    fs::create_dir(image.path("etc/postfix-aol-d")).unwrap();
    fs::write(image.path("etc/postfix-aol-d/main.cf"), main_cf).unwrap();
    let status = image.json(&["aol-d"], 0);
    assert_eq!(
        (&status["verdict"], &status["cap"]),
        (&"warm again".into(), &Value::Null)
    );
    // One that sends every day, without a plan.
    let status = image.json(&["aol-a"], 0);
    assert_eq!(
        (&status["verdict"], &status["cap"]),
        (&"go on".into(), &Value::Null)
    );
}

#[test]
fn days_that_the_logs_have_lost_come_from_day_records() {
    let mut image = Image::new();
    image
        .day(3, 200, 0, 0, 0)
        .day(2, 190, 0, 0, 4)
        .day(1, 200, 1, 0, 0);
    image.write();
    image.plan(3);
    let before = image.json(&[], 0);
    assert_eq!(before["days"].as_array().unwrap().len(), 3);
    for ago in [3, 2, 1] {
        let date = image.date(ago).to_string();
        let saved = image.run(
            env!("CARGO_BIN_EXE_mail-stats-print"),
            &["--save-day", "--date", &date],
        );
        assert!(saved.status.success(), "{saved:?}");
    }
    fs::write(image.path("var/log/mail.log"), "").unwrap();
    let after = image.json(&[], 0);
    assert_eq!(after["days"], before["days"]);
    assert_eq!(after["cap"], before["cap"]);
}

#[test]
fn what_cannot_be_read_is_unknown_and_not_fine() {
    let mut image = Image::new();
    image.day(1, 200, 0, 0, 0).write();
    image.plan(1);
    image.ok(&["status", "--check"], 0);
    let log = image.path("var/log/mail.log");
    mv(&log, &image.path("var/log/kept"));
    fs::create_dir(&log).unwrap();
    let line = image.ok(&["status", "--check"], 3);
    assert!(line.starts_with("UNKNOWN: postfix-aol-c: "), "{line}");
    assert!(line.contains("var/log/mail.log"), "{line}");
    image.ok(&["status"], 1);
    image.ok(&["status", "aol-x"], 2);
    image.ok(&["status", "--check", "aol-x"], 3);
    image.ok(&["status", "--check", "--format", "json"], 3);
    // A plan whose instance is gone.
    fs::remove_dir(&log).unwrap();
    mv(&image.path("var/log/kept"), &log);
    let plans = image.path("var/lib/relay-tools/warmup");
    let text = fs::read_to_string(plans.join("postfix-aol-c.json")).unwrap();
    let gone = text.replace("postfix-aol-c", "postfix-aol-z");
    fs::write(plans.join("postfix-aol-z.json"), gone).unwrap();
    let line = image.ok(&["status", "--check"], 3);
    assert!(
        line.contains("there is no instance postfix-aol-z any more"),
        "{line}"
    );
    // What a stranger could write into it reaches no terminal.
    let hostile = text.replace("doubling", "\\u001b[2J\\u202e");
    fs::write(plans.join("postfix-aol-c.json"), hostile).unwrap();
    for args in [
        &["list"][..],
        &["show", "aol-c"],
        &["list", "--format", "jsonl"],
    ] {
        let shown = image.ok(args, 0);
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
    }
}
