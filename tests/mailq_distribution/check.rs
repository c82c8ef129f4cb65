//! mailq-distribution --check, as a monitoring system runs it.

use std::fs;

use crate::image::Image;

/// 12 messages in aol-a, 2 in msn-a: the second is a file of garbage, counted all the same.
fn damaged() -> Image {
    let image = Image::new();
    image.instance("aol-a", "real-default");
    image.instance("msn-a", "garbage");
    image
}

/// The same with a message instead of the garbage.
fn image() -> Image {
    let image = damaged();
    let deferred = image.spool("msn-a").join("deferred");
    fs::copy(deferred.join("0/0A70332"), deferred.join("1/1A2B37F01")).unwrap();
    image
}

/// Runs a check; returns the line before the performance data, and those.
#[track_caller]
fn check(image: &Image, args: &[&str], status: i32) -> (String, String) {
    let ran = image.run([&["--check"], args].concat()).ended(status);
    assert_eq!(
        (ran.out.lines().count(), ran.err.as_str()),
        (1, ""),
        "{}",
        ran.out
    );
    let (text, perf) = ran.out.trim_end().split_once(" | ").unwrap();
    (text.to_owned(), perf.to_owned())
}

#[test]
fn the_worst_instance_decides() {
    let image = image();
    let text = |args: &[&str], status| check(&image, args, status).0;
    let ok = text(&["--warn-count", "12", "--crit-count", "20"], 0);
    assert!(
        ok.starts_with("OK: 14 in the mailq of 2 instances, oldest "),
        "{ok}"
    );
    let warning = text(&["--warn-count", "11", "--crit-count", "12"], 1);
    assert!(
        warning.starts_with("WARNING: postfix-aol-a: 12 in the mailq, more than 11"),
        "{warning}"
    );
    let critical = text(&["--warn-count", "1", "--crit-count", "11"], 2);
    assert!(
        critical.starts_with(
            "CRITICAL: postfix-aol-a: 12 in the mailq, more than 11; postfix-msn-a: 2 in the mailq, more than 1"
        ),
        "{critical}"
    );
    // A damaged file is none that Postfix takes.
    let (other, _) = check(&damaged(), &["--crit-count", "11", "msn-a"], 1);
    assert_eq!(other, "WARNING: 1 problem, see mailq-distribution");
}

#[test]
fn ages_have_limits_too() {
    let image = image();
    let (text, _) = check(&image, &["--crit-age", "1s", "aol-a"], 2);
    assert!(
        text.starts_with("CRITICAL: postfix-aol-a: oldest ") && text.ends_with(", more than 1s"),
        "{text}"
    );
    check(&image, &["--warn-age", "5200w", "aol-a"], 0);
}

#[test]
fn the_performance_data_are_as_the_guidelines_have_them() {
    let image = image();
    let limits = [
        "--warn-count",
        "200",
        "--crit-count",
        "500",
        "--crit-age",
        "5200w",
    ];
    let (_, perf) = check(&image, &limits, 0);
    let values: Vec<&str> = perf.split(' ').collect();
    assert_eq!(values.len(), 4, "{perf}");
    assert_eq!(values[0], "postfix-aol-a=12;200;500;0");
    assert_eq!(values[2], "postfix-msn-a=2;200;500;0");
    let age = values[1].strip_prefix("postfix-aol-a_oldest=").unwrap();
    let age = age.strip_suffix("s;;3144960000;0").unwrap();
    assert!(age.parse::<u64>().unwrap() > 0, "{perf}");
    let (_, counts) = check(&image, &["--counts-only"], 0);
    assert_eq!(counts, "postfix-aol-a=12;;;0 postfix-msn-a=2;;;0");
}

#[test]
fn what_cannot_be_found_out_is_unknown() {
    let image = image();
    image.configure("yahoo-a", "/var/spool/postfix-yahoo-a");
    let (text, _) = check(&image, &["--warn-count", "5"], 3);
    assert!(
        text.starts_with("UNKNOWN: postfix-yahoo-a cannot be read; postfix-aol-a: 12"),
        "{text}"
    );
    // What is known to be critical is told first.
    let (text, _) = check(&image, &["--crit-count", "5"], 2);
    assert!(text.starts_with("CRITICAL: postfix-aol-a: 12"), "{text}");
    // An instance that cannot even be found counts where all are asked for.
    fs::remove_dir_all(image.path("etc/postfix-yahoo-a")).unwrap();
    fs::create_dir_all(image.path("etc/postfix-yahoo-a/main.cf")).unwrap();
    let (text, _) = check(&image, &[], 3);
    assert!(
        text.starts_with("UNKNOWN: /etc/postfix-yahoo-a cannot be read"),
        "{text}"
    );
    check(&image, &["aol-a"], 0);
}

#[test]
fn wrong_usage_is_unknown_on_standard_output() {
    let image = image();
    for args in [
        &["--warn-count", "many"][..],
        &["--warn-age", "5"],
        &["--warn-count", "5", "--crit-count", "3"],
        &["--warn-age", "3h", "--crit-age", "2h"],
        &["--counts-only", "--warn-age", "3h"],
        &["nosuch"],
        &["--watch"],
    ] {
        let ran = image.run([&["--check"], args].concat()).ended(3);
        assert!(
            ran.out.starts_with("UNKNOWN: ") && ran.err.is_empty(),
            "{args:?}: {}",
            ran.out
        );
    }
}

#[test]
fn a_journal_of_a_move_that_cannot_be_read_is_not_passed_over() {
    let image = image();
    let moves = image.path("var/lib/relay-tools/moves");
    fs::create_dir_all(&moves).unwrap();
    fs::write(moves.join("damaged.jsonl"), "rubbish\n").unwrap();
    let ran = image.run(["--check", "--warn-count", "100"]).ended(3);
    assert!(ran.out.starts_with("UNKNOWN: queue-move: "), "{}", ran.out);
    assert!(ran.out.contains("damaged.jsonl"), "{}", ran.out);
}

/// All of real-default was made at 2026-11-24 06:17:54 UTC (postcat's create_time), one message by the null sender.
#[test]
fn what_is_returned_soon_is_said_by_the_instances_own_lifetimes() {
    let image = image();
    let at = |clock: &str, args: &[&str], status| {
        let clock = format!("--clock={clock}");
        check(&image, &[&["aol-a", clock.as_str()], args].concat(), status)
    };
    // A machine whose clock stands before the mail.
    let (line, _) = at("2026-11-23T06:00:00Z", &["--crit-age", "2d"], 3);
    assert!(line.contains("yet to come"), "{line}");
    let both = ["--warn-expiring", "12h", "--crit-expiring", "1h"];
    // Five days, by default: six hours and a second, one hour and one second, one hour.
    let (_, perf) = at("2026-11-28T18:17:53Z", &both, 0);
    assert!(perf.ends_with(" postfix-aol-a_expires=43201s"), "{perf}");
    let (text, _) = at("2026-11-28T18:17:54Z", &both, 1);
    assert!(
        text.starts_with(
            "WARNING: postfix-aol-a: mail is returned to its sender in 12h if not delivered"
        ),
        "{text}"
    );
    assert!(
        text.contains("queue-report postfix-aol-a --expires-within 43200s"),
        "{text}"
    );
    at("2026-11-29T05:17:53Z", &both, 1);
    at("2026-11-29T05:17:54Z", &both, 2);
    let (text, perf) = at("2026-11-29T06:17:55Z", &both, 2);
    assert!(text.contains("at its next attempt"), "{text}");
    assert!(perf.ends_with("_expires=-1s"), "{perf}");
    // Without the limits nothing is said of it.
    let (_, perf) = at("2026-11-29T06:17:55Z", &[], 0);
    assert!(!perf.contains("expires"), "{perf}");
    let set = |line: &str| {
        let main_cf = format!("queue_directory = /var/spool/postfix-aol-a\n{line}\n");
        fs::write(image.path("etc/postfix-aol-a/main.cf"), main_cf).unwrap();
    };
    set("maximal_queue_lifetime = 10d");
    at("2026-11-29T05:17:54Z", &both, 2); // that of the null sender's alone is still five days
    set("maximal_queue_lifetime = 10d\nbounce_queue_lifetime = 9d");
    at("2026-11-29T05:17:54Z", &both, 0);
    at("2026-12-03T05:17:54Z", &both, 2);
    // Mail on hold is not tried.
    let spool = image.spool("aol-a");
    fs::remove_dir_all(spool.join("deferred")).unwrap();
    fs::create_dir(spool.join("deferred")).unwrap();
    let (_, perf) = at("2026-12-30T00:00:00Z", &both, 0);
    assert!(!perf.contains("expires"), "{perf}");
}

#[test]
fn the_next_expiry_is_in_prom_and_json() {
    let image = image();
    let run = |format: &str| {
        let words = ["--format", format, "--clock=2026-11-29T06:07:54Z"];
        image.run(words).ended(0).out
    };
    let prom = run("prom");
    let gauge = "relay_mailq_next_expiry_seconds{postfix_instance=\"postfix-aol-a\"} 600\n";
    assert!(prom.contains(gauge), "{prom}");
    let json: serde_json::Value = serde_json::from_str(&run("json")).unwrap();
    assert_eq!(
        json["total"]["next_expiry"], "2026-11-29T06:17:54Z",
        "{json}"
    );
    fs::remove_dir_all(image.spool("msn-a").join("deferred")).unwrap();
    fs::create_dir(image.spool("msn-a").join("deferred")).unwrap();
    let none = "relay_mailq_next_expiry_seconds{postfix_instance=\"postfix-msn-a\"} +Inf\n";
    assert!(run("prom").contains(none));
    let counted = image
        .run(["--format", "prom", "--counts-only"])
        .ended(0)
        .out;
    assert!(!counted.contains("expiry"), "{counted}");
    // A queue that cannot be read may hold some.
    fs::remove_dir(image.spool("msn-a").join("deferred")).unwrap();
    fs::write(image.spool("msn-a").join("deferred"), "").unwrap();
    let words = ["--format", "prom", "--clock=2026-11-29T06:07:54Z"];
    let unread = image.run(words).ended(1).out;
    assert!(unread.contains(gauge), "{unread}");
    assert!(!unread.contains("} +Inf"), "{unread}");
}

#[test]
fn a_journal_of_a_deletion_that_cannot_be_read_is_not_passed_over() {
    let image = image();
    let journals = image.path("var/lib/relay-tools/deleted");
    fs::create_dir_all(&journals).unwrap();
    fs::write(journals.join("damaged.jsonl"), "rubbish\n").unwrap();
    let ran = image.run(["--check", "--warn-count", "100"]).ended(3);
    assert!(ran.out.starts_with("UNKNOWN: queue-move: "), "{}", ran.out);
    assert!(ran.out.contains("deleted/damaged.jsonl"), "{}", ran.out);
}

/// How much mail is in a directory that cannot be read is not known: that is more than a damaged file.
#[test]
fn a_queue_that_is_no_directory_is_unknown() {
    for below in ["deferred", "deferred/1"] {
        let image = image();
        let place = image.spool("msn-a").join(below);
        fs::remove_dir_all(&place).unwrap();
        std::os::unix::fs::symlink("/var/spool/elsewhere", &place).unwrap();
        for args in [&[][..], &["--counts-only"]] {
            let (text, _) = check(&image, args, 3);
            let says = "UNKNOWN: postfix-msn-a cannot be read; 1 problem, see";
            assert!(text.starts_with(says), "{text}");
        }
    }
}
