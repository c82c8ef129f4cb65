//! Where the figures are from: logs, records, and what is told of what is not known.

use std::fs;

use super::*;
use testkit::tools::{seconds, set_mtime, stats_in};

/// Without a date it is yesterday, whatever it is today.
#[test]
fn it_is_of_yesterday_and_says_what_is_not_known() {
    const CLOCK: &str = "--clock=2026-09-20T12:00:00Z";
    let line = |time, n| {
        let of = Lines {
            n,
            time,
            ..Lines::default()
        };
        of.text()
    };
    let begun = begins("18T12:00:00");
    let log = begun + &line("18T12:00:00", 3) + &line("19T12:00:00", 5) + &line("20T11:00:00", 7);
    let root = host(&["postfix-a"], &log);
    let ran = report(&root, &[CLOCK]).ended(0);
    assert!(
        ran.out.starts_with("host, Saturday 2026-09-19: "),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("\n5 deliveries: 100.0% sent"),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains("\nNothing is known about the days before: no logs, no day records.\n")
    );
    let ran = report(&root, &[CLOCK, "--date", "today"]).ended(0);
    assert!(ran.out.contains("\nThe day so far, up to "), "{}", ran.out);
    // Of the first day, a part.
    let ran = report(&root, &[CLOCK, "--date", "2026-09-18"]).ended(0);
    assert!(
        ran.out
            .contains("\nNOT ALL OF THE DAY (UTC).\nIncomplete: the logs begin at "),
        "{}",
        ran.out
    );
}

/// A day whose log is gone is reported from its record, which knows no domains.
#[test]
fn a_record_does_where_the_log_is_gone() {
    let of = |time, status, n| Lines {
        time,
        status,
        n,
        reply: UNKNOWN,
        ..Lines::default()
    };
    let log = two_days(
        &[of("18T10:00:00", "sent", 30)],
        &[
            of("19T10:00:00", "sent", 45),
            of("19T11:00:00", "bounced", 15),
        ],
    );
    let root = host(&["postfix-a"], &log);
    let path = root.path().to_str().unwrap();
    for day in ["2026-09-18", "2026-09-19"] {
        stats(["--root", path, "--save-day", "--date", day]).ended(0);
    }
    write_log(
        root.path(),
        &(begins("20T00:00:00") + &of("20T10:00:00", "sent", 1).text()),
    );
    let ran = report(&root, &DAY).ended(0);
    assert!(
        ran.out
            .contains("\nFrom the day's record: its logs are gone.\n"),
        "{}",
        ran.out
    );
    assert_eq!(
        row(&ran.out, "postfix-a "),
        [
            "postfix-a",
            "60",
            "75.0%",
            "25.0%",
            "0.0%",
            "0.0%",
            "+100%",
            "+100%"
        ]
    );
    assert_eq!(
        attention(&ran.out),
        ["!  postfix-a: 25.0% bounced (15); it was 0.0%; bad-mailbox 15"]
    );
    assert_eq!(
        row(section(&ran.out, "PROVIDERS"), "aol "),
        ["aol", "60", "75.0%", "15", "25.0%", "0", "0.0%"]
    );
    assert!(!ran.out.contains("WORST"));
    assert!(ran.out.contains("DELAYS") && ran.out.contains("HOURS OF THE DAY"));
}

/// A day of which one instance's record is gone is not one on which that had nothing.
#[test]
fn a_record_that_one_instance_lacks_is_named() {
    let days = ["16", "17", "18", "19"].map(|day| {
        let of = |instance: &str| {
            let line = format!("2026-09-{day}T10:00:00Z");
            let of = Lines {
                instance,
                n: 30,
                time: &line[8..19],
                ..Lines::default()
            };
            of.text()
        };
        of("postfix-a") + &of("postfix-b")
    });
    let log = begins("16T00:00:00") + &days.concat();
    let root = host(&["postfix-a", "postfix-b"], &log);
    let path = root.path().to_str().unwrap();
    for day in ["16", "17", "18"] {
        let day = format!("2026-09-{day}");
        stats(["--root", path, "--save-day", "--date", &day]).ended(0);
    }
    let [.., last] = days;
    write_log(root.path(), &(begins("19T00:00:00") + &last));
    let whole = report(&root, &DAY).ended(0);
    assert!(whole.out.contains("3 days"), "{}", whole.out);
    let saved = root
        .path()
        .join("var/lib/relay-tools/days/2026-09-17.host.jsonl");
    let text = fs::read_to_string(&saved).unwrap();
    let kept = text.lines().filter(|line| !line.contains("postfix-b"));
    fs::write(
        &saved,
        kept.map(|line| format!("{line}\n")).collect::<String>(),
    )
    .unwrap();
    let ran = report(&root, &DAY).ended(1);
    let said = "2026-09-17.host.jsonl: no record of postfix-b, though there is one of days before and after";
    assert!(ran.err.contains(said), "{}", ran.err);
    let all = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(all.contains("no record of postfix-b"), "{}", ran.out);
}

#[test]
fn logs_that_are_named_are_another_hosts() {
    let day = Lines {
        n: 6,
        ..Lines::default()
    };
    let root = host(&["postfix-other"], &two_days(&[], &[day]));
    let log = root.path().join("var/log/mail.log");
    let ran = stats([
        "--log",
        log.to_str().unwrap(),
        "--format",
        "report",
        "--date",
        "2026-09-19",
    ])
    .ended(0);
    assert!(ran.out.contains("\n6 deliveries: "), "{}", ran.out);
    assert!(!ran.out.contains("MAILQ") && !ran.out.contains("postfix-other"));
}

/// The day and the seven before it are one pass: each log is read once, and no more of it than there is, beside the
/// looks that find the place.
#[test]
fn each_log_is_read_once() {
    let ran = rustin(&["--format", "report", "-v"]);
    let mut read: Vec<(&str, u64)> = Vec::new();
    for line in ran.err.lines() {
        let Some((path, rest)) = line.split_once(": read ") else {
            continue;
        };
        let bytes = rest.split(' ').next().unwrap().parse().unwrap();
        read.push((path.rsplit('/').next().unwrap(), bytes));
    }
    assert_eq!(read.len(), 3, "{}", ran.err);
    for ((name, bytes), expected) in read.iter().zip(["mail.log.2.gz", "mail.log.1", "mail.log"]) {
        assert_eq!(*name, expected);
        let size = fs::metadata(format!("{RUSTIN}/var/log/{name}"))
            .unwrap()
            .len();
        assert!(*bytes <= size + 32 * 1024, "{name}: {bytes} of {size}");
    }
}

/// Of one instance the logs hold the day, of the other they do not: only that one is told to be missing.
#[test]
fn the_instance_of_which_nothing_is_known_is_named() {
    let root = host(
        &["postfix-a", "postfix-b", "postfix-c"],
        &two_days(
            &[],
            &[Lines {
                instance: "postfix-b",
                ..Lines::default()
            }],
        ),
    );
    let main_cf = root.path().join("etc/postfix-2/main.cf");
    let own = fs::read_to_string(&main_cf).unwrap() + "maillog_file = /var/log/c.log\n";
    fs::write(&main_cf, own).unwrap();
    let log = root.path().join("var/log/c.log");
    fs::write(&log, begins("20T00:00:00")).unwrap();
    set_mtime(&log, seconds("2026-09-21T00:00:00Z"));
    let only_b = report(&root, &[&DAY[..], &["b", "c"]].concat()).ended(0);
    assert!(
        only_b
            .out
            .contains("\nNOT ALL OF THE DAY (UTC).\nIncomplete: nothing is known (postfix-c).\n"),
        "{}",
        only_b.out
    );
}

/// A record keeps the day as its host's clock had it. Where the clock is another one now, it is of other hours; records
/// of other hosts are none of this one's, whatever their file is called.
#[test]
fn records_of_another_zone_or_host_are_not_taken_for_the_day() {
    let of = |time, n| Lines {
        time,
        n,
        ..Lines::default()
    };
    let log = two_days(&[of("18T10:00:00", 30)], &[of("19T10:00:00", 60)]);
    let root = host(&["postfix-a"], &log);
    let path = root.path().to_str().unwrap();
    for day in ["2026-09-18", "2026-09-19"] {
        stats(["--root", path, "--save-day", "--date", day]).ended(0);
    }
    let days = root.path().join("var/lib/relay-tools/days");
    let kept = |day: &str, host: &str| days.join(format!("{day}.{host}.jsonl"));
    // The day before is that of another host alone.
    let other = fs::read_to_string(kept("2026-09-18", "host")).unwrap();
    let other = other.replace("\"host\":\"host\"", "\"host\":\"cleveland\"");
    fs::write(kept("2026-09-18", "host"), &other).unwrap();
    fs::write(kept("2026-09-18", "cleveland"), &other).unwrap();
    write_log(
        root.path(),
        &(begins("20T00:00:00") + &of("20T15:00:00", 5).text()),
    );
    let ran = report(&root, &DAY).ended(0);
    assert_eq!(
        row(&ran.out, "postfix-a ")[..2].join(" "),
        "postfix-a 60",
        "{}",
        ran.out
    );
    assert!(ran.out.contains("\nThe whole day (UTC).\n"));
    assert!(
        ran.out
            .contains("\nNothing is known about the days before: ")
    );
    // The same records on a host that has moved: the day is shown, and not taken for all of its own.
    let moved = |day| {
        let args = ["--root", path, "--format", "report", "--date", day];
        stats_in("America/New_York", args, b"").ended(0)
    };
    let ran = moved("2026-09-19");
    let told = " NOT ALL OF THE DAY (America/New_York, UTC-04:00). Incomplete: the record covers different hours, \
    2026-09-19T00:00:00Z to \
                2026-09-20T00:00:00Z (UTC). ";
    assert!(ran.out.replace('\n', " ").contains(told), "{}", ran.out);
    assert_eq!(row(&ran.out, "postfix-a ")[..2].join(" "), "postfix-a 60");
    // Nor is it a day to compare with; to the host as it was, it is.
    let none = "\nNothing is known about the days before: ";
    assert!(moved("2026-09-20").out.contains(none));
    let ran = report(&root, &["--date", "2026-09-20"]).ended(0);
    assert!(!ran.out.contains(none), "{}", ran.out);
}

/// What has no beginning to look at, a pipe or the journal, holds a day if it has deliveries of before.
#[test]
fn a_pipe_knows_the_days_that_it_reaches() {
    let of = |time, n| {
        Lines {
            time,
            n,
            ..Lines::default()
        }
        .text()
    };
    let args = ["--log", "-", "--format", "report", "--date", "2026-09-19"];
    let whole = of("16T10:00:00", 2) + &of("17T10:00:00", 20) + &of("18T10:00:00", 40);
    let whole = whole + &of("19T10:00:00", 60);
    let ran = stats_in("UTC", args, whole.as_bytes()).ended(0);
    let until = "\nThe day up to 2026-09-19 10:00, when the logs that were named end (UTC).\n";
    assert!(ran.out.contains(until), "{}", ran.out);
    // 40 the day before, 30 on average of two days: of the first there may be a part.
    assert_eq!(row(&ran.out, "postfix-a ")[6..], ["+50%", "+100%"]);
    assert!(ran.out.contains("mean of 2 days"), "{}", ran.out);
    // Nor is it known whether there should be more.
    let ran = stats_in("UTC", args, of("19T10:00:00", 60).as_bytes()).ended(1);
    let out = ran.out.replace('\n', " ");
    for told in [
        " NOT ALL OF THE DAY (UTC). ",
        " Incomplete: the logs begin at 2026-09-19T10:00:00+00:00. ",
        " they end at 2026-09-19T10:00:00+00:00. ",
    ] {
        assert!(out.contains(told), "{out}");
    }
    assert!(
        ran.out
            .contains("\nNothing is known about the days before: ")
    );
}
