//! The figures in each format, and in parts of the log.

use std::process::Command;

use serde_json::Value;
use testkit::Host;

use super::{json, of};
use crate::TOOL;

pub(crate) fn reasons_are_reported_and_nothing_is_acted_upon(host: &Host) {
    let found = json(host, &["--top", "100"]);
    let rows = of(&found, "postfix-in-a")["reasons"]
        .as_array()
        .unwrap()
        .clone();
    let count = |kind: &str, reason: &str| {
        let mut rows = rows.iter();
        let row = rows.find(|row| row["kind"] == kind && row["reason"] == reason);
        row.map_or(0, |row| row["count"].as_u64().unwrap())
    };
    assert_eq!(
        count("milter-reject", "550 5.7.1 Command rejected"),
        4,
        "{rows:?}"
    );
    assert_eq!(count("milter-reject", "5.7.1 Command rejected"), 5);
    assert_eq!(
        count(
            "reject",
            "554 5.7.1 <ADDRESS>: Recipient address rejected: Access denied"
        ),
        4
    );
    assert_eq!(
        count(
            "content-reject",
            "header Subject: 5.7.1 No such subjects here"
        ),
        5
    );
    assert_eq!(count("content-hold", "header Subject"), 3);
    assert_eq!(count("content-hold", "body: by body"), 1);
    for format in ["text", "table", "json", "jsonl", "csv", "prom"] {
        let out = host
            .command(TOOL)
            .args(["--filtered", "--format", format])
            .run()
            .ok();
        assert!(!out.stdout.contains(&0x1b), "{format}");
    }
}

/// The numbers of the other formats are those of JSON.
pub(crate) fn formats_agree(host: &Host) {
    let run = |format: &str| {
        host.command(TOOL)
            .args(["--filtered", "--format", format])
            .run()
            .ok()
            .text()
    };
    let text = run("text");
    for line in [
        "postfix-in-a:filtered:accepted:21",
        "postfix-in-a:filtered:milter-reject:END-OF-MESSAGE:7",
        "postfix-in-a:filtered:milter-reject:END-OF-MESSAGE:temporary:2",
        "postfix-in-a:filtered:delivered-to-discard:2",
        "postfix-in-a:filtered:discarded-by-filter:3",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
    let line: Value = serde_json::from_str(run("jsonl").lines().next().unwrap()).unwrap();
    let whole = json(host, &[]);
    assert_eq!(&line["filtered"], of(&whole, "postfix-in-a"));
    assert_eq!(whole["total"]["filtered"], line["filtered"]);
    let csv = run("csv");
    let rows = csv
        .lines()
        .filter(|row| row.starts_with("postfix-in-a,filtered,"));
    let numbers = rows.filter_map(|row| row.split(',').nth(3)?.parse::<u64>().ok());
    // All stops, accepted, and both kinds of discards.
    assert_eq!(numbers.sum::<u64>(), 50 + 21 + 2 + 3, "{csv}");
    let prom = run("prom");
    for line in [
        "relay_mail_accepted{postfix_instance=\"postfix-in-a\"} 21",
        "relay_mail_stopped{postfix_instance=\"postfix-in-a\",kind=\"milter-reject\",stage=\"END-OF-MESSAGE\",temporary=\"no\"} 5",
        "relay_mail_stopped{postfix_instance=\"postfix-in-a\",kind=\"milter-reject\",stage=\"END-OF-MESSAGE\",temporary=\"yes\"} 2",
    ] {
        assert!(prom.lines().any(|l| l == line), "{line}\n{prom}");
    }
    let checked = host
        .command("promtool")
        .args(["check", "metrics"])
        .stdin(prom)
        .run();
    assert_eq!((checked.code(), checked.errors()), (Some(0), String::new()));
    let table = run("table");
    for words in [
        "postfix-in-a 21 27 8 8 7 2 3",
        "postfix-in-a milter-reject END-OF-MESSAGE 7 2",
    ] {
        let found = |l: &str| l.split_whitespace().collect::<Vec<_>>().join(" ") == words;
        assert!(table.lines().any(found), "{words}\n{table}");
    }
}

/// The figures up to a time in the middle of the log, and from it on.
pub(crate) fn halves(host: &Host) -> (Value, Value) {
    let log = host.mail_log();
    let lines: Vec<&str> = log.lines().collect();
    let middle = lines[lines.len() / 2].split(' ').next().unwrap();
    let part = |args: &[&str]| of(&json(host, args), "postfix-in-a").clone();
    (
        part(&["--since", "2001-01-01", "--until", middle]),
        part(&["--since", middle, "--until", "2100-01-01"]),
    )
}

/// Every message of that log came once; what else it holds, made-up lines of another spamd among it, is no error.
#[test]
fn a_log_in_which_nothing_was_stopped_is_read_without_complaint() {
    let log = std::fs::read_to_string("fixtures/rustin/var/log/mail.log").unwrap();
    let came = log
        .lines()
        .filter(|l| l.contains("/qmgr[") && l.contains(": from=<") && l.contains(">, size="));
    let out = Command::new(TOOL)
        .args(["--root", "fixtures/rustin", "--filtered", "--format=json"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!((out.status.code(), &*said), (Some(0), ""));
    let found: Value = serde_json::from_slice(&out.stdout).unwrap();
    let total = &found["total"]["filtered"];
    assert_eq!(total["accepted"], came.count());
    assert_eq!(
        (&total["unparsed"], &total["stopped"]),
        (&0.into(), &Value::Array(Vec::new()))
    );
}
