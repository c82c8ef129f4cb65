//! Where the days are read, and what cannot be.

use std::fs;

use super::image::{Image, mv};

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

/// 26 lines that can be read, and 300 that are cut: what became of the day's mail is not known.
#[test]
fn a_day_most_of_whose_lines_are_cut_is_no_verdict() {
    let mut image = Image::new();
    image.day(2, 200, 0, 0, 0).day(1, 26, 0, 0, 0).write();
    image.plan(3);
    let log = image.path("var/log/mail.log");
    let text = fs::read_to_string(&log).unwrap();
    let last = text
        .lines()
        .rfind(|line| line.contains("postfix-aol-c/smtp"))
        .unwrap();
    let cut = &last[..last.find("status=").unwrap() + 3];
    fs::write(&log, format!("{text}{}", format!("{cut}\n").repeat(300))).unwrap();
    let line = image.ok(&["status", "--check"], 3);
    assert!(line.starts_with("UNKNOWN: postfix-aol-c: "), "{line}");
    let json = image.json(&[], 1);
    assert_eq!(json["verdict"], "unknown", "{json}");
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
    let shown = image.ok(&["status"], 1);
    assert!(shown.starts_with("postfix-aol-c: UNKNOWN\n"), "{shown}");
    assert!(!shown.contains("to hold to"), "{shown}");
    // An instance without a plan is not said to be new, either.
    let shown = image.ok(&["status", "aol-a"], 1);
    assert!(shown.starts_with("postfix-aol-a: UNKNOWN\n"), "{shown}");
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
        line.contains("the instance postfix-aol-z no longer exists"),
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

/// Debian 12 and 13 as they are installed.
#[test]
fn a_warm_up_is_judged_by_the_journal_where_it_alone_has_the_mail() {
    let mut image = Image::new();
    image
        .day(4, 200, 0, 0, 0)
        .day(3, 200, 0, 0, 0)
        .day(2, 200, 0, 0, 0);
    image.day(1, 397, 0, 3, 0);
    image.plan(4);
    let line = image.ok(&["status", "--check"], 3);
    assert!(line.starts_with("UNKNOWN: "), "{line}");
    image.write_journal();
    let why = format!("{}: 0.8% blocked (3 of 400), more than 0.5%", image.date(1));
    image.check(
        2,
        &format!("CRITICAL: postfix-aol-c: step back ({why})"),
        200,
        400,
        ["0", "0.75", "0.75"],
    );
    // Whoever wants files only gets no verdict of it.
    let line = image.ok(&["status", "--check", "--log-source", "files"], 3);
    assert!(line.starts_with("UNKNOWN: "), "{line}");
}
