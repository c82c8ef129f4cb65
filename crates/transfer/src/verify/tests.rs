//! What a log says of mail that was moved, and that nothing of it is lost.

use super::*;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn zone() -> Zone {
    Zone::named("America/New_York").unwrap()
}

fn follower(path: &Path) -> Follower {
    let side = Side {
        instance: "postfix-aol-b".to_owned(),
        config_directory: PathBuf::new(),
        syslog_name: "postfix-aol-b".to_owned(),
        queue_directory: PathBuf::new(),
        hash_queue_names: String::new(),
        hash_queue_depth: 1,
        long_queue_ids: false,
        owner: (0, 0),
        identity: (0, 0),
    };
    let now = Time::from_seconds(std::fs::metadata(path).unwrap().mtime());
    let log = Log::at(LogPlace::File(path.to_owned()), now, zone()).unwrap();
    // As it comes back from a journal.
    let mark = serde_json::to_string(&log.mark().unwrap()).unwrap();
    let read = Log::behind(&serde_json::from_str(&mark).unwrap(), zone());
    assert_eq!(read.as_ref(), Some(&log));
    Follower::new(log, &side, [])
}

fn append(path: &Path, lines: &[&str]) {
    let mut file = File::options()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    for line in lines {
        writeln!(file, "Nov 24 12:00:00 rustin {line}").unwrap();
    }
}

/// What a log says of the name OLD.
fn check(lines: &[&str], new: Option<&str>, accepted: Option<&str>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.log");
    append(
        &path,
        &["postfix-aol-b/pickup[1]: BEFORE: uid=1 from=<a> orig_id=OLD"],
    );
    let mut follower = follower(&path);
    append(&path, lines);
    follower.read().unwrap();
    assert_eq!(
        (follower.new_id("OLD"), follower.accepted("OLD")),
        (new, accepted)
    );
}

/// Any user of the host can have syslogd write such lines.
#[test]
fn made_up_lines_turn_no_bounce_into_a_delivery() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.log");
    append(&path, &["x"]);
    let mut follower = follower(&path);
    let to = |id: &str, status: &str| {
        format!(
            "postfix-aol-b/smtp[1]: {id}: to=<one@aol.com>, relay=x, delay=1, dsn=4.7.0, status={status}"
        )
    };
    let picked = |id: &str| format!("postfix-aol-b/pickup[1]: {id}: uid=1 from=<a> orig_id=OLD");
    let bounced = |follower: &Follower| {
        let attempts = follower.attempts("OLD");
        let all: Vec<_> = attempts.iter().map(|one| one.status).collect();
        assert_eq!(all, [Status::Bounced]);
    };
    let lines = [picked("NEW"), to("NEW", "bounced (550 no)")];
    append(&path, &lines.each_ref().map(String::as_str));
    follower.read().unwrap();
    bounced(&follower);
    append(&path, &[&to("NEW", "sent (250 ok)")]);
    follower.read().unwrap();
    bounced(&follower);
    append(&path, &[&picked("FAKE"), &to("FAKE", "sent (250 ok)")]);
    follower.read().unwrap();
    bounced(&follower);
    assert_eq!(follower.new_ids("OLD"), ["NEW", "FAKE"]);
}

#[test]
fn new_ids_are_found() {
    const PICKED: &str = "postfix-aol-b/pickup[1]: NEW: uid=1 from=<a@b> orig_id=OLD";
    const QUEUED: &str = "postfix-aol-b/qmgr[1]: NEW: from=<a@b>, size=1, nrcpt=1 (queue active)";
    check(&[], None, None);
    check(&[PICKED], Some("NEW"), None);
    check(&[PICKED, QUEUED], Some("NEW"), Some("NEW"));
    check(
        &[PICKED, "postfix-aol-b/qmgr[1]: NEW: removed"],
        Some("NEW"),
        Some("NEW"),
    );
    check(
        &["postfix-aol-a/pickup[1]: NEW: uid=1 from=<a> orig_id=OLD"],
        None,
        None,
    );
    check(
        &["postfix-aol-b/pickup[1]: NEW: uid=1 from=<x orig_id=OLD>"],
        None,
        None,
    );
    check(
        &["postfix-aol-b/smtpd[1]: NEW: uid=1 from=<a> orig_id=OLD"],
        None,
        None,
    );
    let sent = "postfix-aol-b/smtp[1]: NEW: to=<a@aol.com>, relay=x, delay=1, dsn=2.0.0, status=sent (250 ok)";
    check(&[PICKED, sent, QUEUED], Some("NEW"), Some("NEW"));
    let again = "postfix-aol-b/pickup[1]: LATER: uid=1 from=<a> orig_id=OLD";
    check(&[PICKED, again, QUEUED], Some("LATER"), Some("NEW"));
}

/// As Postfix 3.7 logs it of requeued mail (cleanup_message.c).
#[test]
fn what_cleanup_stops_is_known() {
    let check = |line: &str, expected: Option<(Action, &str)>| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mail.log");
        append(&path, &["x"]);
        let mut follower = follower(&path);
        append(
            &path,
            &[
                "postfix-aol-b/pickup[1]: NEW: uid=1 from=<a@b> orig_id=OLD",
                line,
            ],
        );
        follower.read().unwrap();
        let found = follower.stopped("OLD");
        let found = found.map(|one| (one.action, one.reason.as_str()));
        assert_eq!(found, expected, "{line}");
    };
    let line = |tag: &str, id: &str, what: &str| {
        format!(
            "{tag}/cleanup[1]: {id}: {what}: body LAST from local; from=<a@b> to=<z@aol.com>: gone"
        )
    };
    check(
        &line("postfix-aol-b", "NEW", "discard"),
        Some((Action::Discard, "gone")),
    );
    check(
        &line("postfix-aol-b", "NEW", "hold"),
        Some((Action::Hold, "gone")),
    );
    check(
        &line("postfix-aol-b", "NEW", "reject"),
        Some((Action::Reject, "gone")),
    );
    check(&line("postfix-aol-b", "OTHER", "discard"), None);
    check(&line("postfix-aol-a", "NEW", "discard"), None);
}

#[test]
fn attempts_at_what_was_moved_are_kept_the_last_for_each_recipient() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.log");
    append(&path, &["x"]);
    let mut follower = follower(&path);
    let to = |id: &str, rcpt: &str, rest: &str| {
        format!(
            "postfix-aol-b/smtp[1]: {id}: to=<{rcpt}@aol.com>, relay=x, delay=1, dsn=4.7.0, {rest}"
        )
    };
    let lines = [
        "postfix-aol-b/pickup[1]: NEW: uid=1 from=<a> orig_id=OLD".to_owned(),
        to("NEW", "one", "status=deferred (421 later)"),
        to("OTHER", "one", "status=bounced (550 no)"),
        to("NEW", "two", "status=sent (250 ok)"),
        to("NEW", "one", "status=bounced (550 no)"),
    ];
    append(&path, &lines.each_ref().map(String::as_str));
    follower.read().unwrap();
    let attempts = follower.attempts("OLD");
    let found: Vec<_> = attempts
        .iter()
        .map(|a| (a.recipient.as_str(), a.status))
        .collect();
    let expected = [
        ("two@aol.com", Status::Sent),
        ("one@aol.com", Status::Bounced),
    ];
    assert_eq!(found, expected);
    assert_eq!(attempts[1].reply, "550 no");
    assert!(!follower.is_removed("OLD") && follower.attempts("OTHER").is_empty());
    append(&path, &["postfix-aol-b/qmgr[1]: NEW: removed"]);
    follower.read().unwrap();
    assert!(follower.is_removed("OLD"));
}

const PICKED: &str = "postfix-aol-b/pickup[1]: NEW: uid=1 from=<a> orig_id=OLD";

#[test]
fn a_rotation_in_between_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.log");
    append(&path, &["x"]);
    let mut follower = follower(&path);
    append(&path, &[PICKED]);
    std::fs::rename(&path, dir.path().join("mail.log.1")).unwrap();
    append(
        &path,
        &["postfix-aol-b/pickup[1]: NEW2: uid=1 from=<a> orig_id=OLD2"],
    );
    follower.read().unwrap();
    append(&path, &["postfix-aol-b/qmgr[1]: NEW2: removed"]);
    follower.read().unwrap();
    assert_eq!(follower.new_id("OLD"), Some("NEW"));
    assert_eq!(follower.accepted("OLD2"), Some("NEW2"));
}

/// logrotate(8) with `compress`, twice, between two reads.
#[test]
fn rotations_and_compression_in_between_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.log");
    let older = dir.path().join("mail.log.2");
    append(
        &path,
        &["postfix-aol-b/pickup[1]: BEFORE: uid=1 from=<a> orig_id=OLD3"],
    );
    let mut follower = follower(&path);
    append(&path, &[PICKED]);
    std::fs::rename(&path, &older).unwrap();
    let packed = Command::new("gzip").arg(&older).status().unwrap();
    assert!(packed.success());
    append(
        &dir.path().join("mail.log.1"),
        &["postfix-aol-b/qmgr[1]: NEW: removed"],
    );
    append(&path, &["postfix-aol-b/smtpd[1]: connect from unknown"]);
    follower.read().unwrap();
    assert_eq!(follower.accepted("OLD"), Some("NEW"));
    assert_eq!(follower.new_id("OLD3"), None);
}

#[test]
fn a_log_that_lost_lines_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.log");
    append(&path, &["x"]);
    let mut follower = follower(&path);
    std::fs::write(&path, "").unwrap();
    append(&path, &[PICKED]);
    let lost = follower.read().unwrap_err().to_string();
    assert!(lost.contains("it was truncated or removed"), "{lost}");
    assert_eq!(follower.new_id("OLD"), Some("NEW"));
}
