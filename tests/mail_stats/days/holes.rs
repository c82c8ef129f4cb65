//! A day whose log has a hole is not kept as a whole day.

use super::*;
use crate::report::unread::{day, deliveries};

/// The record of 2026-09-19 that is kept where the log is `text`.
fn kept(text: &str, why: &str) -> TempDir {
    let root = crate::lists_host::host(&["postfix-a"], text);
    let told = save(&root, &["--date", "2026-09-19"]).ended(1).err;
    assert!(told.contains("2026-09-19 is incomplete: "), "{told}");
    let records = records(&file(&root, "host"));
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["complete"], false);
    let reasons = records[0]["incomplete"].as_array().unwrap();
    let is_it = |reason: &Value| reason.as_str().unwrap().contains(why);
    assert!(reasons.iter().any(is_it), "{reasons:?}");
    root
}

#[test]
fn a_record_says_what_its_log_lacked() {
    let whole = deliveries(day(10)..day(21));
    let hours = deliveries(day(19) + 8..day(19) + 16);
    let hole = "no log has a line from 2026-09-19T07:50:00+00:00 to 2026-09-19T16:00:00+00:00";
    let root = kept(&whole.replace(&hours, ""), hole);
    let end = "no log has a line from 2026-09-19T10:50:00+00:00 to 2026-09-20T00:00:00+00:00";
    kept(&deliveries(day(10)..day(19) + 11), end);
    let dropped = "2026-09-19T12:00:00Z host systemd-journald[9]: Suppressed 6160 messages from postfix@-.service\n";
    kept(
        &whole.replace(&hours, &(hours.clone() + dropped)),
        "6160 messages were thrown away",
    );
    // Whoever reads the record goes by it.
    let record = file(&root, "host");
    let merged = merge(&[&record], &["--format", "json"], 1);
    assert!(merged.out.contains("\"complete\":false"), "{}", merged.out);
    assert!(merged.err.contains(hole), "{}", merged.err);
    let log = root.path().join("var/log/mail.log");
    fs::write(log, deliveries(day(20)..day(21))).unwrap();
    let args = [
        "--root",
        root.path().to_str().unwrap(),
        "--clock=2026-09-20T06:00:00Z",
        "--format",
        "report",
    ];
    let report = stats([&args[..], &["--date", "2026-09-19"]].concat())
        .ended(0)
        .out;
    let report = report.replace('\n', " ");
    assert!(
        report.contains("nothing found, but not all of the day is known"),
        "{report}"
    );
    assert!(report.contains(hole), "{report}");
}

/// A night, or a day of the week, without mail is no hole.
#[test]
fn a_day_that_is_silent_as_others_are_is_whole() {
    let days = (10..21).map(|n| deliveries(day(n) + 8..day(n) + 17));
    let root = crate::lists_host::host(&["postfix-a"], &days.collect::<String>());
    save_whole(&root);
    assert_eq!(records(&file(&root, "host"))[0]["complete"], true);
}
