//! What could not be read of the days before, and until when a log that was named goes.

use std::fs;
use std::ops::Range;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;

/// A delivery every ten minutes of these hours, counted from the begin of 2026-09-01.
pub(crate) fn deliveries(hours: Range<u32>) -> String {
    let minutes = (hours.start * 60..hours.end * 60).step_by(10);
    let line = |n: u32| {
        let (day, hour, minute) = (n / 1440 + 1, n / 60 % 24, n % 60);
        let time = format!("{day:02}T{hour:02}:{minute:02}:00");
        Lines {
            time: &time,
            ..Lines::default()
        }
        .text()
    };
    minutes.map(line).collect()
}

/// Midnight of a day of September, as [`deliveries`] counts hours.
pub(crate) const fn day(n: u32) -> u32 {
    (n - 1) * 24
}

/// Puts something in the place of a log.
type Maker = fn(&Path);

const CLOCK: &str = "--clock=2026-09-20T06:00:00Z";

#[test]
fn a_rotated_log_that_is_none_is_not_as_if_there_were_none() {
    let makers: [(&str, Maker); 6] = [
        ("it is a directory", |path| fs::create_dir(path).unwrap()),
        ("it is not a regular file", |path| {
            sh(&format!("mkfifo {}", path.display()));
        }),
        ("symbolic links", |path| {
            symlink("mail.log.1", path).unwrap();
        }),
        ("a link leads to", |path| {
            symlink("/nonexistent/log", path).unwrap();
        }),
        ("it is empty", |path| fs::write(path, "").unwrap()),
        ("it is no text", |path| fs::write(path, [0; 4096]).unwrap()),
    ];
    for (why, make) in makers {
        let root = host(&["postfix-a"], &deliveries(day(18) + 6..day(20) + 6));
        let args = [CLOCK, DAY[0], DAY[1]];
        let well = report(&root, &args).ended(0).out;
        assert!(
            well.starts_with("host, Saturday 2026-09-19: all is well\n"),
            "{well}"
        );
        let rotated = root.path().join("var/log/mail.log.1");
        make(&rotated);
        // An empty one was read.
        let is_read = why == "it is empty";
        let told = report(&root, &args).ended(i32::from(!is_read)).out;
        let told = told.replace('\n', " ");
        let first = "host, Saturday 2026-09-19: nothing found, but not all of the days before could be read ";
        assert!(told.starts_with(first), "{why}: {told}");
        assert!(told.contains("NOT READ, of the days before: "), "{told}");
        assert!(told.contains("mail.log.1: "), "{told}");
        assert!(told.contains(why), "{told}");
        assert!(!told.contains("no logs, no day records"), "{told}");
        // The day that it should hold.
        let root = root.path().to_str().unwrap();
        let of = |args: &[&str], status| {
            let args = [&["--root", root, CLOCK, "--date", "2026-09-18"], args].concat();
            stats(args).ended(status).out
        };
        let check = of(&["--check"], 3);
        assert!(check.starts_with("UNKNOWN: "), "{check}");
        assert!(is_read || check.contains(why), "{check}");
        let json = of(&["--format", "json"], i32::from(!is_read));
        assert!(json.contains("\"complete\":false"), "{json}");
        assert!(is_read || json.contains(why), "{json}");
        let prom = of(&["--format", "prom"], i32::from(!is_read));
        assert!(prom.contains("relay_mail_complete 0\n"), "{prom}");
        // Of the day that the log holds whole, nothing is missing.
        let args = ["--root", root, CLOCK, "--check", "--date", "2026-09-19"];
        stats(args).ended(0);
    }
}

/// Between two others, whatever their names: that it is there is said, too.
#[test]
fn a_rotated_log_between_others_that_is_a_directory() {
    let root = host(&["postfix-a"], &deliveries(day(19) + 6..day(20) + 6));
    let logs = root.path().join("var/log");
    fs::write(logs.join("mail.log.2"), deliveries(day(15)..day(18) + 6)).unwrap();
    fs::create_dir(logs.join("mail.log.1")).unwrap();
    let told = report(&root, &[CLOCK, DAY[0], DAY[1]]).ended(1);
    assert!(
        told.err.contains("mail.log.1 cannot be read"),
        "{}",
        told.err
    );
    assert!(!told.out.contains("all is well"), "{}", told.out);
}

/// A log of `root` that is named ends at 11:00, on a day whose like it has before.
#[test]
fn a_named_log_that_ends_in_the_day_is_not_the_whole_day() {
    let root = host(&["postfix-a"], &deliveries(day(10)..day(19) + 11));
    let log = root.path().join("var/log/mail.log");
    let args = [CLOCK, DAY[0], DAY[1], "--log", log.to_str().unwrap()];
    let told = report(&root, &args).ended(1).out.replace('\n', " ");
    assert!(
        told.contains("nothing found, but not all of the day is known"),
        "{told}"
    );
    assert!(told.contains("NOT ALL OF THE DAY (UTC)."), "{told}");
    let hole = "no log has a line from 2026-09-19T10:50:00+00:00 to 2026-09-20T00:00:00+00:00";
    assert!(told.contains(hole), "{told}");
    assert!(!told.contains("The whole day"), "{told}");
    // The days before are whole all the same.
    assert!(told.contains("mean of 7 days"), "{told}");
    // Nothing is known of other days.
    fs::write(&log, deliveries(day(19)..day(19) + 11)).unwrap();
    let told = report(&root, &args).ended(1).out.replace('\n', " ");
    assert!(
        told.contains("they end at 2026-09-19T10:50:00+00:00"),
        "{told}"
    );
    assert!(!told.contains("The whole day"), "{told}");
}

/// Where there is no mail in the evening, that a log has none is no hole: it is said when it ends.
#[test]
fn a_named_log_of_a_host_without_mail_in_the_evening() {
    let days = (10..20).map(|n| deliveries(day(n)..day(n) + 17));
    let root = host(&["postfix-a"], &days.collect::<String>());
    let log = root.path().join("var/log/mail.log");
    let args = [CLOCK, DAY[0], DAY[1], "--log", log.to_str().unwrap()];
    let told = report(&root, &args).ended(0).out;
    assert!(
        told.starts_with("host, Saturday 2026-09-19: all is well\n"),
        "{told}"
    );
    let until = "\nThe day up to 2026-09-19 16:50, when the logs that were named end (UTC).\n";
    assert!(told.contains(until), "{told}");
    // Its own log is known to be all that there is.
    let own = report(&root, &args[..3]).ended(0).out;
    assert!(own.contains("\nThe whole day (UTC).\n"), "{own}");
}
