//! Day records: --save-day and --merge. The logs are counted by hand.
#![allow(clippy::unwrap_used, reason = "a test has nothing better to do")]

mod common;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use common::{Ran, seconds, set_mtime, sh, stats};
use serde_json::{Value, json};
use tempfile::TempDir;

const BLOCKED: &str = "host hotmail-com.olc.protection.outlook.com[104.47.18.97] said: 550 5.7.1 Unfortunately, messages from \
[203.0.113.25] weren't sent. Please contact your Internet service provider since part of their network is on our block list \
(S3150). (in reply to MAIL FROM command)";

fn line(time: &str, id: &str, to: &str, delay: &str, status: &str, reply: &str) -> String {
    let dsn = match status {
        "sent" => "2.0.0",
        "bounced" => "5.7.1",
        _ => "4.4.1",
    };
    format!(
        "{time} rustin postfix-aol-a/smtp[9]: {id}: to=<{to}>, relay=none, delay={delay}, delays=0/0/0/{delay}, dsn={dsn}, \
         status={status} ({reply})\n"
    )
}

/// The day before: forty deliveries, so that the log is seen to begin before the day.
fn before() -> String {
    let at = |n| {
        line(
            &format!("2026-09-18T23:59:{n}Z"),
            "A0",
            "u@aol.com",
            "1",
            "sent",
            "250 ok",
        )
    };
    (10..50).map(at).collect()
}

/// 2026-09-19: five attempts, 2 sent, 1 bounced (blocked), 2 deferred; four recipients: a and b of A1 sent (b was
/// deferred once), c of A1 bounced, d of A2 deferred.
fn the_day() -> String {
    [
        line(
            "2026-09-19T00:00:00Z",
            "A1",
            "a@aol.com",
            "1",
            "sent",
            "250 ok",
        ),
        line(
            "2026-09-19T10:00:00Z",
            "A1",
            "b@aol.com",
            "2",
            "deferred",
            "connect to mx[192.0.2.9]:25: Connection timed out",
        ),
        line(
            "2026-09-19T10:30:00Z",
            "A1",
            "c@hotmail.com",
            "3",
            "bounced",
            BLOCKED,
        ),
        line(
            "2026-09-19T11:00:00Z",
            "A1",
            "b@aol.com",
            "40",
            "sent",
            "250 ok",
        ),
        line(
            "2026-09-19T23:59:59Z",
            "A2",
            "d@example.com",
            "5",
            "deferred",
            "connect to mx[192.0.2.9]:25: Connection timed out",
        ),
    ]
    .concat()
}

/// The day after: one delivery.
fn after() -> String {
    line(
        "2026-09-20T00:00:00Z",
        "A3",
        "e@aol.com",
        "6",
        "sent",
        "250 ok",
    )
}

/// A host called `name` in zone UTC with the instance postfix-aol-a alone, and this log.
fn host(name: &str, log: &str) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let path = |below: &str| root.path().join(below);
    fs::create_dir_all(path("etc/postfix")).unwrap();
    fs::create_dir_all(path("var/log")).unwrap();
    fs::write(path("etc/hostname"), format!("{name}\n")).unwrap();
    fs::write(path("etc/timezone"), "Etc/UTC\n").unwrap();
    fs::write(path("etc/postfix/main.cf"), "syslog_name = postfix-aol-a\n").unwrap();
    write_log(&root, log);
    root
}

fn write_log(root: &TempDir, log: &str) {
    let path = root.path().join("var/log/mail.log");
    fs::write(&path, log).unwrap();
    set_mtime(&path, seconds("2026-09-21T00:00:00Z"));
}

fn days(root: &TempDir) -> PathBuf {
    root.path().join("var/lib/relay-tools/days")
}

fn file(root: &TempDir, host: &str) -> PathBuf {
    days(root).join(format!("2026-09-19.{host}.jsonl"))
}

fn save(root: &TempDir, args: &[&str]) -> Ran {
    let root = root.path().to_str().unwrap();
    let ran = stats([&["--root", root, "--save-day"], args].concat());
    assert_eq!(ran.out, "");
    ran
}

/// Saves 2026-09-19, all of it.
#[track_caller]
fn save_whole(root: &TempDir) {
    let ran = save(root, &["--date", "2026-09-19"]).ended(0);
    assert_eq!(ran.err, "");
}

fn records(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

#[track_caller]
fn merge(files: &[&Path], args: &[&str], status: i32) -> Ran {
    let files = files.iter().map(|f| f.to_str().unwrap());
    // As on a machine of its own, which is none of the hosts.
    let all = ["--root", "/proc"].into_iter().chain(args.iter().copied());
    stats(all.chain(["--merge"]).chain(files)).ended(status)
}

#[test]
fn a_record_holds_the_day() {
    let root = host("rustin", &[before(), the_day(), after()].concat());
    save_whole(&root);
    let records = records(&file(&root, "rustin"));
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!(record["schema"], "relay-tools/instance-day/1");
    assert_eq!(
        (&record["host"], &record["instance"], &record["day"]),
        (
            &json!("rustin"),
            &json!("postfix-aol-a"),
            &json!("2026-09-19")
        )
    );
    assert_eq!(record["zone"], "UTC");
    assert_eq!(record["since"], "2026-09-19T00:00:00Z");
    assert_eq!(record["until"], "2026-09-20T00:00:00Z");
    assert_eq!(record["complete"], true);
    assert_eq!(record["expired"], 0);
    assert_eq!(record["unparsed"], 0);
    let attempts = &record["attempts"];
    let counts = |figures: &Value| {
        ["total", "sent", "bounced", "deferred"].map(|k| figures[k].as_u64().unwrap())
    };
    assert_eq!(counts(attempts), [5, 2, 1, 2]);
    assert_eq!(counts(&record["recipients"]), [4, 2, 1, 1]);
    assert_eq!(
        attempts["by"]["reason"],
        json!([
            {"key": "-", "code": null, "ip": null, "sent": 2, "bounced": 0, "deferred": 0},
            {"key": "blocked", "code": "S3150", "ip": "203.0.113.25", "sent": 0, "bounced": 1, "deferred": 0},
            {"key": "connection", "code": null, "ip": null, "sent": 0, "bounced": 0, "deferred": 2},
        ])
    );
    assert_eq!(
        attempts["by"]["provider"],
        json!([
            {"key": "aol", "sent": 2, "bounced": 0, "deferred": 1},
            {"key": "msn", "sent": 0, "bounced": 1, "deferred": 0},
            {"key": "therest", "sent": 0, "bounced": 0, "deferred": 1},
        ])
    );
    assert_eq!(
        attempts["by"]["hour"],
        json!([
            {"key": "2026-09-19T00", "sent": 1, "bounced": 0, "deferred": 0},
            {"key": "2026-09-19T10", "sent": 0, "bounced": 1, "deferred": 1},
            {"key": "2026-09-19T11", "sent": 1, "bounced": 0, "deferred": 0},
            {"key": "2026-09-19T23", "sent": 0, "bounced": 0, "deferred": 1},
        ])
    );
    // Of 1, 2, 3, 5, 40 the third.
    assert_eq!(attempts["delays"][0]["median_s"], 3.0);
    assert_eq!(attempts["delays"][0]["max_us"], 40_000_000);
    let input = &record["inputs"][0];
    assert_eq!(input["path"], "/var/log/mail.log");
    let [from, to] = [0, 1].map(|at| input["bytes"][at].as_u64().unwrap());
    let (first, last) = (before().len() as u64, (before() + &the_day()).len() as u64);
    assert!(from <= first && to >= last, "{input}");
}

#[test]
fn running_it_again_changes_nothing() {
    let root = host("rustin", &[before(), the_day(), after()].concat());
    save_whole(&root);
    let state = || {
        let metadata = fs::metadata(file(&root, "rustin")).unwrap();
        let text = fs::read(file(&root, "rustin")).unwrap();
        (metadata.ino(), metadata.mtime_nsec(), text)
    };
    let first = state();
    save_whole(&root);
    assert_eq!(state(), first);
    // Rotated, the log says the same.
    let log = root.path().join("var/log");
    sh(&format!(
        "cd {} && gzip -n mail.log && mv mail.log.gz mail.log.2.gz && : > mail.log",
        log.display()
    ));
    save_whole(&root);
    assert_eq!(state(), first);
    // What is left of the logs is no reason to forget.
    sh(&format!("rm {}/mail.log.2.gz", log.display()));
    write_log(
        &root,
        &line(
            "2026-09-19T23:59:59Z",
            "A2",
            "d@example.com",
            "5",
            "deferred",
            "x",
        ),
    );
    save_whole(&root);
    assert_eq!(state(), first);
    write_log(&root, &after());
    save_whole(&root);
    assert_eq!(state(), first);
    assert_eq!(fs::read_dir(days(&root)).unwrap().count(), 1);
}

#[test]
fn a_part_of_a_day_is_told_and_gives_way() {
    // The log begins in the middle of the day.
    let late = line(
        "2026-09-19T10:00:00Z",
        "A1",
        "b@aol.com",
        "2",
        "sent",
        "250 ok",
    );
    let root = host("rustin", &late);
    let ran = save(&root, &["--date", "2026-09-19"]).ended(1);
    assert!(
        ran.err
            .contains("incomplete: the logs begin at 2026-09-19T10:00:00+00:00"),
        "{}",
        ran.err
    );
    let path = file(&root, "rustin");
    assert_eq!(records(&path)[0]["complete"], false);
    let ran = merge(&[&path], &[], 1);
    assert!(
        ran.out.starts_with("postfix-aol-a:total:1\n"),
        "{}",
        ran.out
    );
    assert!(
        ran.err.contains("line 1") && ran.err.contains("is incomplete: the logs begin at"),
        "{}",
        ran.err
    );
    // With the rest of the logs, it is whole.
    write_log(&root, &[before(), the_day()].concat());
    save_whole(&root);
    assert_eq!(records(&path)[0]["complete"], true);
    // Of a day that the logs do not know, nothing is kept.
    let ran = save(&root, &["--date", "2026-01-01"]).ended(1);
    assert!(ran.err.contains("2026-01-01"), "{}", ran.err);
    assert_eq!(fs::read_dir(days(&root)).unwrap().count(), 1);
}

#[test]
fn a_day_that_is_not_over_and_a_damaged_log() {
    let today = sh("date -u +%F");
    let today = today.trim();
    let root = host("rustin", &before());
    fs::write(
        root.path().join("var/log/mail.log"),
        before()
            + &line(
                &format!("{today}T00:00:00Z"),
                "A1",
                "a@aol.com",
                "1",
                "sent",
                "250 ok",
            ),
    )
    .unwrap();
    let ran = save(&root, &["--date", "today"]).ended(1);
    assert!(
        ran.err.contains("incomplete: the day was not over"),
        "{}",
        ran.err
    );
    let log = [before(), the_day().repeat(200), after()].concat();
    let root = host("rustin", &log);
    let directory = root.path().join("var/log");
    sh(&format!(
        "cd {} && gzip -n < mail.log | head -c -20 > mail.log.1.gz && touch -r mail.log mail.log.1.gz && : > mail.log",
        directory.display()
    ));
    let ran = save(&root, &["--date", "2026-09-19"]).ended(1);
    assert!(ran.err.contains("mail.log.1.gz"), "{}", ran.err);
    let record = &records(&file(&root, "rustin"))[0];
    assert_eq!(record["complete"], false);
    assert_eq!(
        record["inputs"][0],
        json!({"path": "/var/log/mail.log.1.gz", "bytes": null})
    );
}

#[test]
fn records_of_hosts_and_days_add_up() {
    let rustin = host("rustin", &[before(), the_day(), after()].concat());
    let cleveland = host("cleveland", &[before(), the_day().repeat(2)].concat());
    save_whole(&rustin);
    save_whole(&cleveland);
    save(&rustin, &["--date", "2026-09-20"]).ended(0);
    let next = days(&rustin).join("2026-09-20.rustin.jsonl");
    let (here, there) = (file(&rustin, "rustin"), file(&cleveland, "cleveland"));
    // 5 + 10 + 1 attempts.
    let expected = "postfix-aol-a:total:16\npostfix-aol-a:bounced:3\npostfix-aol-a:deferred:6\npostfix-aol-a:sent:7\n\n";
    let ran = merge(&[&here, &there, &next], &[], 0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), (expected, ""));
    // The same record again counts once.
    assert_eq!(
        merge(&[&here, &next, &here, &there, &next], &[], 0).out,
        expected
    );
    // Each recipient once a day: 4 + 4 + 1.
    let ran = merge(&[&here, &there, &next], &["--count", "recipients"], 0);
    assert!(
        ran.out.starts_with("postfix-aol-a:total:9\n"),
        "{}",
        ran.out
    );
    let ran = merge(
        &[&here, &there, &next],
        &["--by", "day,reason", "--format", "json"],
        0,
    );
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(found["schema"], "relay-tools/mail-stats/1");
    assert_eq!(found["host"], "cleveland,rustin");
    assert_eq!(found["since"], "2026-09-19T00:00:00Z");
    assert_eq!(found["until"], "2026-09-21T00:00:00Z");
    let days = &found["total"]["by"]["day"];
    assert_eq!(days[0]["key"], "2026-09-19");
    assert_eq!(
        (&days[0]["total"], &days[1]["total"]),
        (&json!(15), &json!(1))
    );
    let reasons = found["total"]["by"]["reason"].as_array().unwrap();
    let blocked = reasons.iter().find(|r| r["key"] == "blocked").unwrap();
    assert_eq!(blocked["bounced"], 3);
    // A window chooses among days.
    let ran = merge(&[&here, &next], &["--date", "2026-09-20"], 0);
    assert!(
        ran.out.starts_with("postfix-aol-a:total:1\n"),
        "{}",
        ran.out
    );
    let ran = merge(&[&here, &next], &["--since", "2026-09-19T12:00:00Z"], 1);
    assert!(
        ran.out.starts_with("postfix-aol-a:total:1\n"),
        "{}",
        ran.out
    );
    assert!(ran.err.contains("only partly asked for"), "{}", ran.err);
}

#[test]
fn merged_figures_are_those_of_the_logs() {
    let root = tempfile::tempdir().unwrap();
    sh(&format!(
        "cp -a {}/fixtures/rustin/etc {}; mkdir {2}/var; cp -a {0}/fixtures/rustin/var/log {2}/var/",
        env!("CARGO_MANIFEST_DIR"),
        root.path().display(),
        root.path().display()
    ));
    let path = root.path().to_str().unwrap();
    let ran = save(&root, &["--date", "2026-09-18"]);
    let saved = days(&root).join("2026-09-18.rustin.mayfirst.example.jsonl");
    assert!(saved.exists(), "{}", ran.err);
    for (count, by) in [
        ("attempts", "instance,provider,reason,dsn,hour,day"),
        ("recipients", "hour,reason"),
        ("attempts", "reason"),
    ] {
        let with = [
            "--count", count, "--by", by, "--top", "4", "--format", "json",
        ];
        // The default instance is shown, since there is a record of it that says it had nothing to do.
        let named = ["--root", path, "--date", "2026-09-18", "*"];
        let direct = stats(named.iter().chain(&with)).out;
        let merged = merge(&[&saved], &with, ran.status.unwrap()).out;
        let read = |text: &str| {
            let mut value: Value = serde_json::from_str(text).unwrap();
            value.as_object_mut().unwrap().remove("problems");
            if count == "recipients" {
                // A record has delays of attempts only.
                value["total"].as_object_mut().unwrap().remove("delays");
                for instance in value["instances"].as_array_mut().unwrap() {
                    instance.as_object_mut().unwrap().remove("delays");
                }
            }
            value
        };
        let (direct, merged) = (read(&direct), read(&merged));
        assert!(direct["total"]["total"].as_u64().unwrap() > 500, "{direct}");
        assert_eq!(merged, direct, "{count} by {by}");
    }
}

#[test]
fn damaged_lines_are_told_and_the_others_count() {
    let root = host("rustin", &[before(), the_day()].concat());
    save_whole(&root);
    let path = file(&root, "rustin");
    let good = fs::read_to_string(&path).unwrap();
    let cut = &good[..good.len() / 2];
    let edited = good.replacen("\"sent\":2", "\"sent\":3", 1);
    let newer = good.replace("instance-day/1", "instance-day/2");
    let text = format!("{cut}\n{edited}\n{newer}not JSON \x1b[2J\n{{}}\n\n{good}");
    fs::write(&path, &text).unwrap();
    let ran = merge(&[&path], &[], 1);
    assert!(
        ran.out.starts_with("postfix-aol-a:total:5\n"),
        "{}",
        ran.out
    );
    for (line, what) in [
        (1, "EOF"),
        (2, "do not agree"),
        (4, "instance-day/2"),
        (5, "not a record"),
        (6, "missing field"),
    ] {
        let told = ran
            .err
            .lines()
            .find(|l| l.contains(&format!("line {line}:")));
        assert!(
            told.is_some_and(|t| t.contains(what)),
            "line {line}: {}",
            ran.err
        );
    }
    assert!(!ran.err.contains('\x1b'));
    // Saving leaves them where they are.
    write_log(
        &root,
        &[
            before(),
            the_day(),
            line("2026-09-19T23:59:59Z", "A4", "f@aol.com", "1", "sent", "ok"),
        ]
        .concat(),
    );
    save(&root, &["--date", "2026-09-19"]).ended(1);
    let now = fs::read_to_string(&path).unwrap();
    assert!(now.starts_with(cut) && now.contains("not JSON"), "{now}");
    assert_eq!(
        merge(&[&path], &[], 1).out.lines().next(),
        Some("postfix-aol-a:total:6")
    );
}

#[test]
fn of_two_whole_days_that_differ_the_last_counts_and_is_told() {
    let one = host("rustin", &[before(), the_day()].concat());
    let other = host("rustin", &[before(), the_day().repeat(2)].concat());
    save_whole(&one);
    save_whole(&other);
    let (one, other) = (file(&one, "rustin"), file(&other, "rustin"));
    for (files, total) in [([&*one, &*other], 10), ([&*other, &*one], 5)] {
        let ran = merge(&files, &[], 1);
        assert!(
            ran.out
                .starts_with(&format!("postfix-aol-a:total:{total}\n")),
            "{}",
            ran.out
        );
        assert!(
            ran.err
                .contains("a second, different record of postfix-aol-a on rustin, 2026-09-19"),
            "{}",
            ran.err
        );
    }
}

#[test]
fn what_cannot_be_done() {
    let root = host("rustin", &[before(), the_day()].concat());
    save_whole(&root);
    let path = file(&root, "rustin");
    let path = path.to_str().unwrap();
    let check = |args: &[&str], says: &str| {
        let ran = stats(args).ended(2);
        assert!(
            ran.err.contains(says) && ran.out.is_empty(),
            "{args:?}: {}",
            ran.err
        );
    };
    check(&["--by", "domain", "--merge", path], "--by domain");
    check(&["nosuch", "--merge", path], "nosuch");
    check(&["--merge", "/nonexistent.jsonl"], "/nonexistent.jsonl");
    check(&["--merge", path, "--log", "x"], "--log");
    check(&["--merge", path, "--save-day"], "--save-day");
    check(&["--save-day", "--since", "2h"], "--since");
    check(&["--save-day", "--date", "2026-02-30"], "2026-02-30");
    check(&["--root", "/proc", "--save-day"], "/proc/var/log");
}

#[test]
fn instances_are_chosen_by_any_of_their_names() {
    let root = host("rustin", &[before(), the_day()].concat());
    save_whole(&root);
    let path = file(&root, "rustin");
    for name in ["aol-a", "postfix-aol-a", "/etc/postfix-aol-a/", "aol-*"] {
        let ran = merge(&[&path], &[name], 0);
        assert!(ran.out.starts_with("postfix-aol-a:total:5\n"), "{name}");
    }
    // A glob means the records' instances as well as this host's own, which has nothing to do with them.
    let here = tempfile::tempdir().unwrap();
    fs::create_dir_all(here.path().join("etc/postfix-aol-z")).unwrap();
    let main_cf = here.path().join("etc/postfix-aol-z/main.cf");
    fs::write(main_cf, "syslog_name = postfix-aol-z\n").unwrap();
    let (here, path) = (here.path().to_str().unwrap(), path.to_str().unwrap());
    let ran = stats(["--root", here, "aol-*", "--merge", path]).ended(0);
    assert!(
        ran.out.starts_with("postfix-aol-a:total:5\n"),
        "{}",
        ran.out
    );
}
