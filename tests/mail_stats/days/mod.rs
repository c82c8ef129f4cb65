//! Day records: --save-day and --merge. The logs are counted by hand.

mod holes;
mod merging;
mod saving;

use std::fs;
use std::path::{Path, PathBuf};

use crate::lists_host::{BLOCKED, write_log};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::tools::{Ran, sh, stats};

fn line(time: &str, id: &str, to: &str, delay: &str, status: &str, reply: &str) -> String {
    let dsn = match status {
        "sent" => "2.0.0",
        "bounced" => "5.7.1",
        _ => "4.4.1",
    };
    format!(
        "{time} rustin postfix-aol-a/smtp[9]: {id}: to=<{to}>, relay=none, delay={delay}, delays=0/0/0/{delay}, \
         dsn={dsn}, \
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
    let root = crate::lists_host::host(&["postfix-aol-a"], log);
    fs::write(root.path().join("etc/hostname"), format!("{name}\n")).unwrap();
    root
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
