//! The days before, from logs and from day records. The logs are counted by hand.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::specimen::{command, run};
use tempfile::TempDir;

const BLOCKED: &str = "host mx.example[192.0.2.1] said: 550 5.7.1 Unfortunately, messages from [203.0.113.25] weren't \
    sent. \
Please contact your Internet service provider since part of their network is on our block list (S3150).";

/// A delivery on 2026-09-`time`, which says the day too.
fn line(time: &str, instance: &str, status: &str, reply: &str) -> String {
    format!(
        "2026-09-{time}Z rustin {instance}/smtp[9]: 4A1: to=<u@aol.com>, relay=none, delay=1, delays=0/0/0/1, \
         dsn=2.0.0, \
         status={status} ({reply})\n"
    )
}

/// What is no delivery, but shows when a log begins: one line alone may have a wrong clock.
fn begins(time: &str) -> String {
    format!("2026-09-{time}Z rustin postfix-a/anvil[5]: statistics: max cache size 1\n").repeat(40)
}

fn write(path: &Path, text: &str, modified: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    let modified = chrono::DateTime::parse_from_rfc3339(modified).unwrap();
    let modified = Duration::from_secs(modified.timestamp().unsigned_abs());
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + modified)
        .unwrap();
}

/// A record of `host`.
fn record(host: &str, instance: &str, day: u32, sent: u64, complete: bool) -> String {
    let rows = format!(r#"[{{"key":"x","sent":{sent},"bounced":0,"deferred":0}}]"#);
    let by = format!(r#"{{"provider":{rows},"reason":{rows},"dsn":{rows},"hour":{rows}}}"#);
    let figures = format!(r#"{{"total":{sent},"sent":{sent},"bounced":0,"deferred":0,"by":{by}}}"#);
    let why = if complete { "" } else { r#""half of it""# };
    format!(
        r#"{{"schema":"relay-tools/instance-day/1","host":"{host}","instance":"{instance}","day":"2026-09-{day}","zone":"Etc/UTC","#
    ) + &format!(
        r#""since":"2026-09-{day}T00:00:00Z","until":"2026-09-{}T00:00:00Z","complete":{complete},"incomplete":[{why}],"#,
        day + 1
    ) + &format!(r#""expired":3,"unparsed":0,"attempts":{figures},"recipients":{figures}}}"#)
        + "\n"
}

/// Two instances: postfix-a logs to the syslog daemon's file, which holds the 17th from noon on, the 18th and the 19th,
/// in two files; postfix-b to one of its own, which holds the 19th alone.
fn host() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let at = |below: &str| root.path().join(below);
    let noted = "2026-09-20T00:00:01Z";
    write(&at("etc/hostname"), "rustin\n", noted);
    write(&at("etc/timezone"), "Etc/UTC\n", noted);
    write(
        &at("etc/postfix/main.cf"),
        "syslog_name = postfix-a\n",
        noted,
    );
    let own =
        "multi_instance_name = postfix-b\nsyslog_name = postfix-b\nmaillog_file = /var/log/b.log\n";
    write(&at("etc/postfix-b/main.cf"), own, noted);
    let older = [
        begins("17T12:00:00"),
        line("17T12:00:00", "postfix-a", "sent", "ok"),
        line("17T23:59:59", "postfix-a", "deferred", "no"),
        line("18T00:00:00", "postfix-a", "bounced", BLOCKED),
        // Not its log.
        line("18T00:00:01", "postfix-b", "sent", "ok"),
    ];
    write(
        &at("var/log/mail.log.1"),
        &older.concat(),
        "2026-09-18T01:00:00Z",
    );
    let newer = [
        line("18T08:00:00", "postfix-a", "bounced", "no"),
        "2026-09-18T09:00:00Z rustin postfix-a/qmgr[1]: 4A2: from=<s@x.example>, status=expired, returned to \
         sender\n".to_owned(),
        "2026-09-18T09:00:01Z rustin postfix-a/smtp[1]: 4A3: to=<u@aol.com>, relay=no\n".to_owned(),
        line("19T10:00:00", "postfix-a", "sent", "ok"),
        line("20T00:00:00", "postfix-a", "sent", "the day after"),
    ];
    write(&at("var/log/mail.log"), &newer.concat(), noted);
    let own = [
        begins("19T00:00:00"),
        line("19T00:00:00", "postfix-b", "sent", "ok"),
        line("19T01:00:00", "postfix-b", "sent", "ok"),
    ];
    write(&at("var/log/b.log"), &own.concat(), noted);
    root
}

fn records(root: &TempDir, day: u32, text: &str) {
    let name = format!("var/lib/relay-tools/days/2026-09-{day}.rustin.jsonl");
    write(&root.path().join(name), text, "2026-09-20T00:00:01Z");
}

#[track_caller]
fn check(root: &TempDir, args: &[&str], status: i32, out: &str, err: &str) {
    let root = root.path().to_str().unwrap();
    let ran = run(&mut command(&[&["--root", root, "history"], args].concat()));
    assert_eq!(ran.stdout, out);
    assert_eq!(ran.stderr.replace(root, ""), err);
    assert_eq!(ran.status, Some(status));
}

#[test]
fn days_are_told() {
    let root = host();
    let days = ["2026-09-16", "2026-09-19"];
    let late = r#"["the logs begin at 2026-09-17T12:00:00+00:00"]"#;
    let of_18th =
        "  postfix-a Logs: 0 sent, 2 bounced, 0 deferred, 1 blocked, 1 expired, 1 unparsed; []\n";
    let of_19th =
        "  postfix-a Logs: 1 sent, 0 bounced, 0 deferred, 0 blocked, 0 expired, 0 unparsed; []\n";
    let b_of_19th =
        "  postfix-b Logs: 2 sent, 0 bounced, 0 deferred, 0 blocked, 0 expired, 0 unparsed; []\n";
    // Without records: of the 16th nothing is known, of the 17th a half.
    let half = format!(
        "  postfix-a Logs: 1 sent, 0 bounced, 1 deferred, 0 blocked, 0 expired, 0 unparsed; {late}\n"
    );
    check(
        &root,
        &days,
        0,
        &format!(
            "2026-09-16\n2026-09-17\n{half}2026-09-18\n{of_18th}2026-09-19\n{of_19th}{b_of_19th}"
        ),
        "",
    );
    // With them. A record of part of a day is better than logs that hold less of it; another host's, and one of a day
    // that the logs hold, are none.
    records(
        &root,
        16,
        &[
            record("rustin", "postfix-a", 16, 7, true),
            record("rustin", "postfix-b", 16, 8, false),
            record("cleveland", "postfix-b", 16, 9, true),
            "not a record\n".to_owned(),
        ]
        .concat(),
    );
    records(&root, 17, &record("rustin", "postfix-a", 17, 70, false));
    records(
        &root,
        18,
        &[
            record("rustin", "postfix-a", 18, 71, true),
            record("rustin", "postfix-b", 18, 72, true),
        ]
        .concat(),
    );
    records(&root, 19, &record("rustin", "postfix-a", 19, 73, true));
    let told = |name: &str, sent: u64, why: &str| {
        format!(
            "  postfix-{name} Record: {sent} sent, 0 bounced, 0 deferred, 0 blocked, 3 expired, 0 unparsed; [{why}]\n"
        )
    };
    let half = r#""half of it""#;
    check(
        &root,
        &days,
        1,
        &[
            "2026-09-16\n",
            &told("a", 7, ""),
            &told("b", 8, half),
            "2026-09-17\n",
            &told("a", 70, half),
            "2026-09-18\n",
            of_18th,
            &told("b", 72, ""),
            "2026-09-19\n",
            of_19th,
            b_of_19th,
        ]
        .concat(),
        "specimen: /var/lib/relay-tools/days/2026-09-16.rustin.jsonl, line 4: not a record of schema \
         relay-tools/instance-day/1: expected ident at line 1 column 2\n\
         specimen: /var/lib/relay-tools/days/2026-09-17.rustin.jsonl: no record of postfix-b, though there is one of \
         days before and after\n",
    );
    // One instance: the other's log, records and problems are none of its business.
    check(
        &root,
        &["2026-09-18", "2026-09-18", "b"],
        0,
        &format!("2026-09-18\n{}", told("b", 72, "")),
        "",
    );
}

#[test]
fn logs_that_cannot_be_read_leave_the_records() {
    let root = host();
    let log = root.path().join("var/log/mail.log");
    fs::remove_file(&log).unwrap();
    fs::create_dir(&log).unwrap();
    records(&root, 19, &record("rustin", "postfix-a", 19, 73, true));
    check(
        &root,
        &["2026-09-19", "2026-09-19", "-"],
        1,
        "2026-09-19\n  postfix-a Record: 73 sent, 0 bounced, 0 deferred, 0 blocked, 3 expired, 0 unparsed; []\n",
        "specimen: /var/log/mail.log: cannot read this log: it is a directory, not a log\n",
    );
}

/// A day ends at midnight of the host's own clock, and has 25 hours when summer time ends.
#[test]
fn a_day_is_one_of_the_hosts_clock() {
    let root = host();
    fs::write(root.path().join("etc/timezone"), "America/New_York\n").unwrap();
    // From 2026-11-01T04:00Z to 2026-11-02T05:00Z.
    let at = |time: &str| {
        line("01T00:00:00", "postfix-a", "sent", "ok").replace("2026-09-01T00:00:00", time)
    };
    let log = [
        "2026-10-31T12:00:00",
        "2026-11-01T03:59:59",
        "2026-11-01T04:00:00",
        "2026-11-02T04:59:59",
        "2026-11-02T05:00:00",
    ];
    let log: String = log.map(at).concat();
    fs::remove_file(root.path().join("var/log/mail.log.1")).unwrap();
    write(
        &root.path().join("var/log/mail.log"),
        &log,
        "2026-11-02T06:00:00Z",
    );
    check(
        &root,
        &["2026-11-01", "2026-11-01", "-"],
        0,
        "2026-11-01\n  postfix-a Logs: 2 sent, 0 bounced, 0 deferred, 0 blocked, 0 expired, 0 unparsed; []\n",
        "",
    );
}
