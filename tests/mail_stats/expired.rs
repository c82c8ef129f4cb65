//! What became too old in the queue, held against what came when it did, by the check and by the report.

use std::fs;

use tempfile::TempDir;
use testkit::tools::{seconds, set_mtime, stats};

/// An instance that keeps its mail for so long, with so many sent on the day before, and ten on 2026-09-19, when forty
/// expire.
fn host(lifetime: &str, sent_before: u64) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    for (name, text) in [
        ("postfix", String::new()),
        (
            "postfix-aol-a",
            format!("syslog_name = postfix-aol-a\nmaximal_queue_lifetime = {lifetime}\n"),
        ),
    ] {
        fs::create_dir_all(dir.join("etc").join(name)).unwrap();
        fs::write(dir.join("etc").join(name).join("main.cf"), text).unwrap();
    }
    let at = |day: u64, n: u64| {
        let (hour, minute, second) = (n / 3600, n / 60 % 60, n % 60);
        format!("2026-09-{day}T{hour:02}:{minute:02}:{second:02}Z rustin postfix-aol-a")
    };
    let sent = |day: u64, n: u64| {
        let at = at(day, n);
        format!(
            "{at}/smtp[9]: 4F9A{n}: to=<u@aol.com>, relay=mx.aol.com[192.0.2.1]:25, delay=1, delays=0/0/0/1, \
             dsn=2.0.0, status=sent (250 ok)\n"
        )
    };
    let expired = |n: u64| {
        let at = at(19, 36_000 + n);
        format!("{at}/qmgr[7]: 4F8B{n}: from=<s@x.org>, status=expired, returned to sender\n")
    };
    let mut log: String = (0..sent_before).map(|n| sent(18, n * 60)).collect();
    log.extend((0..10).map(|n| sent(19, n * 60)));
    log.extend((0..40).map(expired));
    fs::create_dir_all(dir.join("var/log")).unwrap();
    let path = dir.join("var/log/mail.log");
    fs::write(&path, log).unwrap();
    set_mtime(&path, seconds("2026-09-19T11:00:00Z"));
    root
}

#[test]
fn what_expired_is_judged_by_what_came_when_it_did() {
    let said = |root: &TempDir, status: i32| {
        let root = [
            "--root",
            root.path().to_str().unwrap(),
            "--date",
            "2026-09-19",
        ];
        let line = stats(root.iter().chain(&["--check"])).ended(status).out;
        let report = stats(root.iter().chain(&["--format", "report"])).out;
        let found = report.lines().find(|line| line.contains("% expired"));
        let line = line.split(" | ").next().unwrap().to_owned();
        (line, found.unwrap_or_default().to_owned())
    };
    // 40 of 340 are at least 8.8 %.
    let (line, report) = said(&host("1d", 300), 1);
    assert_eq!(
        line,
        "WARNING: postfix-aol-a: expired 11.8% (40 of 340), beside what came when they did, more than 5% beyond chance"
    );
    assert!(
        report.starts_with("!  postfix-aol-a: 11.8% expired (40)"),
        "{report}"
    );
    // 40 of 1040 pass no limit; that there were none before is known to the report alone.
    let (line, report) = said(&host("1d", 1000), 0);
    assert_eq!(
        line,
        "OK: 10 deliveries of 2 instances: 0.0% bounced, 0.0% deferred, 0 blocked; 40 expired, beside 1000 that came \
         when they did"
    );
    assert!(
        report.starts_with("!  postfix-aol-a: 3.8% expired (40)"),
        "{report}"
    );
    // Of five days before, the log says nothing.
    let (line, report) = said(&host("5d", 1000), 2);
    assert_eq!(
        line,
        "CRITICAL: postfix-aol-a: expired 80.0% (40 of 50), more than 25% beyond chance"
    );
    assert!(
        report.starts_with("!! postfix-aol-a: 80.0% expired (40)"),
        "{report}"
    );
}
