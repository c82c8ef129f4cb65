//! How long mail took that was sent, and how old that is which was put off.

use std::fs;

use serde_json::Value;
use testkit::tools::stats;

/// 100 messages that took 4 s, and four that were tried 38 times each, the last time when they were 2 days old.
fn log(dir: &std::path::Path) -> String {
    let line = |id: &str, delay: u64, status: &str, reply: &str| {
        format!(
            "2026-11-27T06:00:01+00:00 relay1 postfix-aol-a/smtp[706]: {id}: to=<a@aol.com>, \
             relay=mx.aol.com[192.0.2.1]:25, delay={delay}, delays={delay}/0/0/0, dsn=2.0.0, status={status} ({reply})\n"
        )
    };
    let mut text = String::new();
    for n in 0..100 {
        text += &line(&format!("4A{n:08}"), 4, "sent", "250 ok");
    }
    for n in 0..4 {
        for attempt in 1..=38 {
            let delay = 172_800 * attempt / 38;
            text += &line(&format!("4B{n:08}"), delay, "deferred", "450 later");
        }
    }
    let path = dir.join("mail.log");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn attempts_in_vain_are_no_delays() {
    let dir = tempfile::tempdir().unwrap();
    let log = log(dir.path());
    for count in ["attempts", "recipients"] {
        let run = |format: &str| {
            let args = ["--format", format, "--count", count, "--log", &log];
            stats(args).ended(0).out
        };
        let json: Value = serde_json::from_str(&run("json")).unwrap();
        let one = &json["instances"][0];
        let of_sent = [4.0; 3].map(Value::from);
        let delay = ["median", "p95", "max"].map(|key| one["delays"]["delay"][key].clone());
        assert_eq!(delay, of_sent, "{one}");
        assert_eq!(one["oldest_deferred_seconds"], 172_800.0);
        let csv = run("csv");
        let row: Vec<&str> = csv.lines().nth(1).unwrap().split(',').collect();
        assert_eq!(
            (row[9..12].to_vec(), row[26]),
            (vec!["4"; 3], "172800"),
            "{csv}"
        );
        let metrics = run("prom");
        let wanted =
            "relay_mail_oldest_deferred_seconds{postfix_instance=\"postfix-aol-a\"} 172800\n";
        assert!(metrics.contains(wanted), "{metrics}");
        assert!(
            metrics.contains("part=\"all\",stat=\"max\"} 4\n"),
            "{metrics}"
        );
        let table = run("table");
        let row = table
            .lines()
            .filter(|line| line.starts_with("postfix-aol-a"))
            .nth(1)
            .unwrap();
        let cells: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(
            (cells[1], cells[3], cells.last()),
            ("4s", "4s", Some(&"2d")),
            "{table}"
        );
    }
    let args = ["--format", "report", "--date", "2026-11-27", "--log", &log];
    // So many in the morning, and none in the evening: it may be cut.
    let report = stats(args).ended(1).out;
    let delays = report.split("DELAYS of what was sent").nth(1).unwrap();
    let row = delays
        .lines()
        .find(|line| line.starts_with("postfix-aol-a"))
        .unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(
        (cells[1], cells[2], cells.last()),
        ("4s", "4s", Some(&"2d")),
        "{report}"
    );
}
