//! `relay-warmup apply`, night by night, on a real instance: what it puts in force, what it leaves alone, and what it
//! puts back.

mod cron;

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde_json::Value;
use testkit::{Host, Instance, Ran, host_or_skip};

use crate::TOOL;

const DELAY: &str = "smtp_transport_rate_delay";
const JOURNAL: &str = "/var/lib/relay-tools/warmup/postfix-aol-c.applied.jsonl";
const BLOCKED: &str = "host mx.aol.com[203.0.113.5] said: 554 5.7.1 Unfortunately, messages from 192.0.2.44 weren't \
    sent. Please \
contact your Internet service provider since part of their network is on our block list (S3150). (in reply to MAIL \
FROM command)";

fn day(ago: u64) -> NaiveDate {
    Utc::now()
        .date_naive()
        .checked_sub_days(Days::new(ago))
        .unwrap()
}

/// A log of the last ten days, in each of which another instance delivers; `sent` and `blocked` are this one's, by days
/// ago.
fn log(host: &Host, days: &[(u64, u64, u64)]) {
    let mut lines = Vec::new();
    let mut add = |name: &str, ago: u64, hour: i64, n: u64, end: &str| {
        for k in 0..n {
            let time = day(ago).and_time(NaiveTime::MIN)
                + TimeDelta::hours(hour)
                + TimeDelta::seconds(k as i64);
            lines.push(format!(
                "{}.000000+00:00 rustin {name}/smtp[91]: 4F{ago}{k}: to=<u{k}@aol.com>, \
                 relay=mx.aol.com[203.0.113.5]:25, delay=1, \
                 delays=0.1/0/0.4/0.5, {end}\n",
                time.format("%Y-%m-%dT%H:%M:%S")
            ));
        }
    };
    for ago in 1..=10 {
        add(
            "postfix-aol-a",
            ago,
            23,
            1,
            "dsn=2.0.0, status=sent (250 ok)",
        );
    }
    for (ago, sent, blocked) in days {
        add(
            "postfix-aol-c",
            *ago,
            1,
            *sent,
            "dsn=2.0.0, status=sent (250 ok)",
        );
        add(
            "postfix-aol-c",
            *ago,
            2,
            *blocked,
            &format!("dsn=5.7.1, status=bounced ({BLOCKED})"),
        );
    }
    lines.sort();
    host.write("/var/log/mail.log", lines.concat());
}

fn tool(host: &Host, words: &[&str], status: i32) -> Ran {
    host.command(TOOL)
        .env("TZ", "UTC")
        .args(words)
        .run()
        .exit(status)
}

fn instance(host: &Host) -> Instance {
    host.instance("postfix-aol-c")
        .address([192, 0, 2, 44].into())
        .start()
}

/// A plan of 1000 a day (200, 400, 800, 1000, three days each) that began so many days ago.
fn plan(host: &Host, ago: u64) {
    let start = day(ago).to_string();
    tool(
        host,
        &[
            "plan",
            "aol-c",
            "--volume",
            "1000",
            "--start",
            &start,
            "--old",
            "192.0.2.41",
        ],
        0,
    );
}

/// What its main.cf and master.cf say.
fn files(host: &Host) -> [Vec<u8>; 2] {
    ["main.cf", "master.cf"].map(|file| host.read(format!("/etc/postfix-aol-c/{file}")))
}

/// What it says without comments and order, which postconf keeps in its own way.
fn said(instance: &Instance) -> String {
    let of = |args: &[&str]| instance.command("postconf").args(args).run().ok().text();
    format!("{}{}", of(&["-n"]), of(&["-M"]))
}

#[test]
fn each_night_the_days_cap_is_put_in_force() {
    let host = host_or_skip!();
    log(&host, &[]);
    let c = instance(&host);
    let before = said(&c);
    plan(&host, 3);
    // It looks, and touches nothing.
    let untouched = files(&host);
    let ran = tool(&host, &["apply", "aol-c", "--dry-run"], 1);
    assert!(
        ran.text().contains("level 1, 200 a day, to be applied\n"),
        "{ran}"
    );
    assert!(
        ran.text()
            .contains("  smtp_transport_rate_delay: (not set) -> 432s\n"),
        "{ran}"
    );
    assert_eq!(files(&host), untouched);
    // Somebody has to put the zone's lines in.
    let ran = tool(&host, &["apply", "aol-c"], 1);
    assert!(
        ran.text()
            .contains("    aol.smtp.example.org. 600 IN A 192.0.2.41\n"),
        "{ran}"
    );
    assert_eq!(c.postconf(DELAY), "432s");
    let status: Value =
        serde_json::from_str(&tool(&host, &["status", "--format", "json"], 0).text()).unwrap();
    assert_eq!(status["instances"][0]["in_force"], true, "{status}");
    host.wait_for_log("postfix-aol-c/master");
    host.wait_for_log("reload -- version");
    // The next night there is nothing to do, and nothing to say.
    let touched = files(&host);
    assert_eq!(tool(&host, &["apply", "aol-c", "-q"], 0).text(), "");
    assert_eq!(files(&host), touched);
    // Three good days.
    log(&host, &[(3, 200, 0), (2, 200, 0), (1, 200, 0)]);
    let ran = cron::run(&host);
    assert!(ran.text().starts_with("postfix-aol-c: go on ("), "{ran}");
    assert!(
        ran.text().contains("level 2, 400 a day, applied\n  "),
        "{ran}"
    );
    assert_eq!(c.postconf(DELAY), "216s");
    // Blocked: back.
    log(&host, &[(3, 200, 0), (2, 200, 0), (1, 190, 10)]);
    let ran = tool(&host, &["apply", "aol-c"], 1);
    assert!(ran.text().contains("there is no lower level"), "{ran}");
    assert_eq!(c.postconf(DELAY), "432s");
    // No log: no verdict, and nothing is touched.
    let touched = files(&host);
    host.write("/var/log/mail.log", "");
    let ran = tool(&host, &["apply", "aol-c"], 1);
    assert!(
        ran.text().starts_with("postfix-aol-c: unknown (")
            && ran.text().contains("nothing is changed"),
        "{ran}"
    );
    assert_eq!(files(&host), touched);
    // All back.
    let ran = tool(&host, &["apply", "aol-c", "--undo"], 0);
    assert!(
        ran.text()
            .contains("  smtp_transport_rate_delay: 432s -> (not set)\n"),
        "{ran}"
    );
    assert_eq!(said(&c), before);
    assert!(c.is_running());
    let ran = tool(&host, &["apply", "aol-c", "--undo"], 0);
    assert!(
        ran.text()
            .contains("nothing was applied that could be undone"),
        "{ran}"
    );
    // The same by hand: what the plan prints for a day, and to put all back, pasted.
    for day in ["1", "10"] {
        let words = ["show", "aol-c", "--format", "text", "--day", day];
        host.sh(&tool(&host, &words, 0).text()).ok();
        assert_ne!(said(&c), before, "day {day}");
    }
    host.sh(&tool(&host, &["show", "aol-c", "--undo"], 0).text())
        .ok();
    assert_eq!(said(&c), before);
    assert!(c.is_running());
}

#[test]
fn what_others_changed_is_not_changed_back() {
    let host = host_or_skip!();
    log(&host, &[]);
    let c = instance(&host);
    plan(&host, 3);
    tool(&host, &["apply", "aol-c"], 1);
    // A configuration manager has run.
    c.set(DELAY, "10s");
    let touched = files(&host);
    for words in [&["apply", "aol-c"][..], &["apply", "aol-c", "--undo"]] {
        let ran = tool(&host, words, 2);
        assert!(
            ran.errors()
                .contains("smtp_transport_rate_delay is \"10s\", not \"432s\" as of "),
            "{ran}"
        );
        assert!(ran.errors().contains("--force"), "{ran}");
        assert_eq!(files(&host), touched);
    }
    tool(&host, &["apply", "aol-c", "--force"], 0);
    assert_eq!(c.postconf(DELAY), "432s");
}

/// The machine went down between the journal and the change.
#[test]
fn what_was_interrupted_is_finished() {
    let host = host_or_skip!();
    log(&host, &[]);
    let c = instance(&host);
    let before = said(&c);
    plan(&host, 3);
    let untouched = files(&host);
    tool(&host, &["apply", "aol-c"], 1);
    let journal = String::from_utf8(host.read(JOURNAL)).unwrap();
    host.write(
        JOURNAL,
        journal.replace("\"is_done\":true", "\"is_done\":false"),
    );
    host.write("/etc/postfix-aol-c/main.cf", &untouched[0]);
    // Nobody has seen the zone's lines: they are printed now.
    let ran = tool(&host, &["apply", "aol-c"], 1);
    let line = "    aol.smtp.example.org. 600 IN A 192.0.2.41\n";
    assert!(ran.text().contains(line), "{ran}");
    assert!(ran.text().contains("level 1, 200 a day, applied"), "{ran}");
    assert_eq!(c.postconf(DELAY), "432s");
    tool(&host, &["apply", "aol-c", "--undo"], 0);
    assert_eq!(said(&c), before);
}

#[test]
fn what_it_refuses() {
    let host = host_or_skip!();
    log(&host, &[]);
    let c = instance(&host);
    let ran = tool(&host, &["apply", "aol-c"], 2);
    assert!(
        ran.errors().contains("no plan is saved for postfix-aol-c"),
        "{ran}"
    );
    // A plan that begins tomorrow.
    let start = Utc::now().date_naive().succ_opt().unwrap().to_string();
    tool(
        &host,
        &[
            "plan",
            "aol-c",
            "--volume",
            "1000",
            "--start",
            &start,
            "--old",
            "192.0.2.41",
        ],
        0,
    );
    let ran = tool(&host, &["apply", "aol-c"], 0);
    assert!(
        ran.text().contains("nothing is changed before then"),
        "{ran}"
    );
    assert_eq!(c.postconf(DELAY), "0s");
    let ran = tool(&host, &["--root", "/tmp", "apply", "aol-c"], 2);
    assert!(ran.errors().contains("--dry-run"), "{ran}");
}

/// One is refused, for what others changed; the other is not held back by that, and what was done is told.
#[test]
fn one_that_is_refused_does_not_hide_what_was_done_with_the_others() {
    let host = host_or_skip!();
    log(&host, &[]);
    let c = instance(&host);
    plan(&host, 3);
    let d = host
        .instance("postfix-aol-d")
        .address([192, 0, 2, 45].into())
        .start();
    let start = day(3).to_string();
    let order = ["plan", "aol-d", "--volume", "1000", "--start", &start];
    tool(&host, &[&order[..], &["--old", "192.0.2.41"]].concat(), 0);
    tool(&host, &["apply", "aol-c"], 1);
    let set = |value: &str| {
        let ran = c.command("postconf").args(["-e", value]).run();
        ran.ok();
    };
    set("smtp_transport_rate_delay = 7s");
    let ran = tool(&host, &["apply", "aol-c", "aol-d", "--format", "json"], 1);
    assert!(
        ran.errors()
            .contains("postfix-aol-c: refused, because others"),
        "{ran}"
    );
    assert!(ran.errors().contains("hint: "), "{ran}");
    let json: Value = serde_json::from_str(&ran.text()).unwrap();
    let states = |json: &Value| -> Vec<(String, String)> {
        let all = json["instances"].as_array().unwrap().iter();
        let word = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
        all.map(|one| (word(one, "instance"), word(one, "state")))
            .collect()
    };
    let pair = |name: &str, state: &str| (name.to_owned(), state.to_owned());
    assert_eq!(
        states(&json),
        [
            pair("postfix-aol-c", "failed"),
            pair("postfix-aol-d", "applied")
        ]
    );
    let applied = &json["instances"][1];
    assert_eq!(applied["cap"], 200);
    // What postconf itself says of it afterwards.
    for change in applied["changes"].as_array().unwrap() {
        let (name, after) = (
            change["name"].as_str().unwrap(),
            change["after"].as_str().unwrap(),
        );
        let query = if name.contains('/') {
            ["-Fh", name]
        } else {
            ["-nh", name]
        };
        let ran = d.command("postconf").args(query).run();
        assert_eq!(ran.ok().text().trim(), after, "{name}");
    }
    assert!(!applied["changes"].as_array().unwrap().is_empty());
    // Alone, nothing was changed: that is an error.
    tool(&host, &["apply", "aol-c", "--format", "json"], 2);
    // The next time, all is as it should be there.
    let ran = tool(&host, &["apply", "aol-d", "--format", "json"], 0);
    let json: Value = serde_json::from_str(&ran.text()).unwrap();
    assert_eq!(states(&json), [pair("postfix-aol-d", "in_force")]);
}

/// postconf(1) joins what it adds to a last line without an end: the file stays as it is.
#[test]
fn a_main_cf_whose_last_line_has_no_end() {
    let host = host_or_skip!();
    log(&host, &[]);
    let _c = instance(&host);
    plan(&host, 3);
    host.sh("printf 'smtpd_banner = x y' >>/etc/postfix-aol-c/main.cf");
    let before = files(&host);
    let ran = tool(&host, &["apply", "aol-c"], 2);
    assert!(ran.errors().contains("its last line has no end"), "{ran}");
    assert_eq!(files(&host), before);
    host.sh("echo >>/etc/postfix-aol-c/main.cf");
    tool(&host, &["apply", "aol-c"], 1);
    let ran = host
        .command("postconf")
        .args(["-c", "/etc/postfix-aol-c", "-h", "smtpd_banner", DELAY])
        .run();
    assert_eq!(ran.ok().text(), "x y\n432s\n");
}

/// Two lines of logger(1) step it back, and it says that they may be anybody's; in a file of postlogd's there are none.
#[test]
fn a_step_that_rests_on_anybodys_lines_says_so() {
    let host = host_or_skip!();
    let c = instance(&host);
    log(&host, &[(3, 200, 0), (2, 200, 0), (1, 199, 10)]);
    plan(&host, 3);
    let says = "postfix-aol-c: this rests on its log; any user can write to /var/log/mail.log: syslogd writes it";
    let stepped = tool(&host, &["apply", "aol-c", "--dry-run"], 1);
    assert!(stepped.text().contains("step back ("), "{stepped}");
    assert!(stepped.errors().contains(says), "{stepped}");
    let text = host.read("/var/log/mail.log");
    c.set("maillog_file", "/var/log/postfix.log");
    host.write("/var/log/postfix.log", text);
    let stepped = tool(&host, &["apply", "aol-c", "--dry-run"], 1);
    assert!(stepped.text().contains("step back ("), "{stepped}");
    assert!(!stepped.errors().contains("any user"), "{stepped}");
}
