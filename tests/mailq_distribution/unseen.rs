//! What is there and cannot be looked at: it is counted, and what is not known of it is no zero.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use serde_json::Value;

use crate::image::Image;
use testkit::tools::{Ran, run_with, sh};

/// 12 messages, which everyone may read but one.
fn image() -> Image {
    let image = Image::new();
    image.instance("aol-a", "real-default");
    sh(&format!("chmod -R a+rX {}", image.path("").display()));
    let closed = image.spool("aol-a").join("deferred/0/0A70332");
    fs::set_permissions(closed, Permissions::from_mode(0o700)).unwrap();
    image
}

/// The tool, run by someone who is not root.
fn run_as_someone(image: &Image, args: &[&str]) -> Ran {
    let mut command = Command::new(crate::TOOL);
    let command = command.uid(65534).gid(65534).arg("--root");
    run_with(command.arg(image.path("")).args(args), b"")
}

#[test]
fn a_message_that_cannot_be_opened_is_counted() {
    let image = image();
    let ran = run_as_someone(&image, &["--format", "json"]).ended(1);
    assert!(ran.err.contains("0A70332: cannot be opened"), "{}", ran.err);
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(found["instances"][0]["deferred"], 10, "{found}");
    assert_eq!(found["instances"][0]["total"], 12, "{found}");
    let ran = run_as_someone(&image, &["--check"]).ended(1);
    assert!(ran.out.contains(" | postfix-aol-a=12;;;0 "), "{}", ran.out);
}

#[test]
fn what_is_not_known_is_no_zero() {
    let image = Image::new();
    image.instance("aol-a", "empty");
    image.configure("aol-b", "/var/spool/postfix-aol-b");
    for queue in ["incoming", "active", "deferred", "hold"] {
        fs::create_dir_all(image.spool("aol-b").join(queue)).unwrap();
    }
    // No message has a time that can be read, and the other instance has none.
    for file in image.files("aol-a") {
        fs::write(file, "").unwrap();
    }
    let perf = |status| {
        let ran = image.run(["--check"]).ended(status);
        let (_, perf) = ran.out.split_once(" | ").unwrap();
        perf.trim_end().to_owned()
    };
    let a = "postfix-aol-a=2;;;0 postfix-aol-a_oldest=U;;;0";
    let b = "postfix-aol-b=0;;;0 postfix-aol-b_oldest=0s;;;0";
    assert_eq!(perf(1), format!("{a} {b}"));
    let prom = image.run(["--format", "prom"]).ended(1).out;
    let age = "relay_mailq_oldest_age_seconds{postfix_instance=\"postfix-aol-a\"}";
    assert!(!prom.contains(age), "{prom}");
    // A queue of it cannot be read: there may be mail, and it may be old.
    fs::remove_dir(image.spool("aol-b").join("deferred")).unwrap();
    fs::write(image.spool("aol-b").join("deferred"), "").unwrap();
    let b = "postfix-aol-b=U;;;0 postfix-aol-b_oldest=U;;;0";
    assert_eq!(perf(3), format!("{a} {b}"));
}

/// Prometheus drops all that is scraped with two series that are one, and each has its own queue.
#[test]
fn two_instances_of_one_name_are_two_series() {
    let image = Image::new();
    image.instance("aol-a", "real-default");
    image.instance("copy", "empty");
    let main_cf = image.path("etc/postfix-copy/main.cf");
    let own = fs::read_to_string(&main_cf).unwrap();
    fs::write(
        &main_cf,
        format!("{own}multi_instance_name = postfix-aol-a\n"),
    )
    .unwrap();
    let ran = image
        .run(["--format", "prom", "--by", "provider,age"])
        .ended(1);
    assert!(
        ran.err.contains("named \"postfix-aol-a\", like the one in"),
        "{}",
        ran.err
    );
    for (name, deferred) in [
        ("postfix-aol-a", 10),
        ("postfix-aol-a (/etc/postfix-copy)", 2),
    ] {
        let series = format!(
            "relay_mailq_messages{{postfix_instance=\"{name}\",queue=\"deferred\"}} {deferred}\n"
        );
        assert!(ran.out.contains(&series), "{series}{}", ran.out);
    }
    testkit::prometheus::promtool(&ran.out);
    let mut series: Vec<&str> = ran
        .out
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    series
        .iter_mut()
        .for_each(|line| *line = line.rsplit_once(' ').unwrap().0);
    series.sort_unstable();
    assert!(series.windows(2).all(|two| two[0] != two[1]), "{}", ran.out);
}

/// What a file system that was repaired may leave in the place of a journal: it is not gathered in memory.
#[test]
fn a_journal_that_is_gigabytes_of_nothing() {
    let image = Image::new();
    image.instance("aol-a", "real-default");
    let moves = image.path("var/lib/relay-tools/moves");
    fs::create_dir_all(&moves).unwrap();
    let journal = fs::File::create(moves.join("20261119-1.jsonl")).unwrap();
    journal.set_len(3 << 29).unwrap();
    let limited = format!(
        "ulimit -v 1000000; exec {} --root {} --check",
        crate::TOOL,
        image.path("").display()
    );
    let ran = run_with(Command::new("bash").args(["-c", &limited]), b"").ended(0);
    assert!(ran.out.starts_with("OK: 12 in the mailq"), "{}", ran.out);
}

/// What is wrong with one instance says nothing of another.
#[test]
fn an_instance_that_was_seen_whole_is_known() {
    let image = Image::new();
    image.instance("aol-a", "empty");
    for file in image.files("aol-a") {
        fs::write(file, "").unwrap();
    }
    image.configure("aol-b", "/var/spool/postfix-aol-b");
    fs::create_dir_all(image.spool("aol-b").join("deferred")).unwrap();
    image.configure("aol-c", "/var/spool/postfix-aol-c");
    let metrics = image.run(["--format", "prom"]).ended(1).out;
    for (name, metric, value) in [
        ("aol-a", "oldest_age_seconds", None),
        ("aol-b", "oldest_age_seconds", Some("0")),
        ("aol-b", "next_expiry_seconds", Some("+Inf")),
        ("aol-c", "oldest_age_seconds", None),
        ("aol-c", "next_expiry_seconds", None),
    ] {
        let series = format!("relay_mailq_{metric}{{postfix_instance=\"postfix-{name}\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&series));
        assert_eq!(line, value, "{series}\n{metrics}");
    }
}

/// All of real-default came on 2026-11-24: on a machine whose clock stands before that, no age is known, and none is 0.
#[test]
fn mail_that_is_yet_to_come_is_of_no_known_age() {
    let image = Image::new();
    image.instance("aol-a", "real-default");
    let at = |clock: &str, args: &[&str], status| {
        let clock = format!("--clock={clock}");
        image.run([&[clock.as_str()], args].concat()).ended(status)
    };
    let why = "postfix-aol-a: 12 messages are of no known age";
    let before = |args: &[&str], status| at("2026-11-23T06:00:00Z", args, status);
    let line = before(&["--check"], 3).out;
    assert!(
        line.starts_with("UNKNOWN: ") && line.contains(why),
        "{line}"
    );
    assert!(line.contains(" postfix-aol-a_oldest=U;"), "{line}");
    let found: Value = serde_json::from_str(&before(&["--format", "json"], 1).out).unwrap();
    assert_eq!(found["complete"], false);
    assert!(
        found["missing"][0].as_str().unwrap().starts_with(why),
        "{found}"
    );
    let of = &found["instances"][0];
    assert_eq!(
        (&of["unknown_ages"], &of["oldest_age_seconds"]),
        (&12.into(), &Value::Null)
    );
    let csv = before(&["--format", "csv"], 1).out;
    assert!(csv.contains("\n,missing,") && csv.contains(why), "{csv}");
    let metrics = before(&["--format", "prom"], 1).out;
    assert!(metrics.contains("relay_mailq_complete 0\n"), "{metrics}");
    assert!(
        !metrics.contains("relay_mailq_oldest_age_seconds{"),
        "{metrics}"
    );
    let table = before(&[], 1);
    assert!(
        table.err.contains(why) && table.out.contains(" ?"),
        "{}{}",
        table.out,
        table.err
    );
    // Clocks differ by a minute.
    at("2026-11-24T06:17:00Z", &["--check"], 0);
    at("2026-11-24T06:17:00Z", &["--format", "json"], 0);
}
