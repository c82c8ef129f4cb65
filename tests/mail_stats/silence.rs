//! Hours without a line inside of a log, where there are many on other days; and logs that were named, and end before
//! the time that is asked for does.

use std::fs;

use chrono::{DateTime, TimeDelta, Utc};
use testkit::tools::{Ran, sh, stats, stats_with};

use crate::holes::{Image, at, figures_are_not_whole};

const BEGINS: &str = "2026-11-18T00:00:00Z";
const ENDS: &str = "2026-11-28T00:00:00Z";
const CUT: &str = "no log has a line from 2026-11-26T09:59:00+00:00 to 2026-11-26T14:00:00+00:00";

/// A host with a delivery a minute on ten days, but for these times, all of it in one file.
fn silent(cut: &[(&str, &str)]) -> Image {
    let image = Image::new();
    write(&image, "mail.log", (BEGINS, ENDS), cut);
    image
}

/// A file of its log.
fn write(image: &Image, name: &str, (from, to): (&str, &str), cut: &[(&str, &str)]) {
    image.log(name, at(from), at(to));
    let path = image.0.path().join("var/log").join(name);
    let text = fs::read_to_string(&path).unwrap();
    let is_cut = |line: &str| {
        let time: DateTime<Utc> = line[..25].parse().unwrap();
        cut.iter()
            .any(|(from, to)| at(from) <= time && time < at(to))
    };
    let left = text.split_inclusive('\n').filter(|line| !is_cut(line));
    fs::write(path, left.collect::<String>()).unwrap();
}

const MORNING: (&str, &str) = ("2026-11-26T10:00:00Z", "2026-11-26T14:00:00Z");

#[test]
fn hours_in_the_middle_of_a_log() {
    let image = silent(&[MORNING]);
    figures_are_not_whole(&image, "2026-11-26", CUT);
    // The report knows more of other days, and judges by itself. No queue is there.
    let report = image
        .says(&["--format", "report", "--date", "2026-11-26"], 1)
        .0;
    assert!(
        report.contains("nothing was sent from 10:00 to 14:00"),
        "{report}"
    );
    for day in ["2026-11-25", "2026-11-27"] {
        image.says(&["--check", "--date", day], 0);
        let (json, told) = image.says(&["--format", "json", "--date", day], 0);
        assert!(json.contains("\"complete\":true"), "{json}{told}");
    }
    let csv = image
        .says(&["--format", "csv", "--date", "2026-11-26"], 1)
        .0;
    assert!(csv.contains(",missing,"), "{csv}");
    // Whatever part of it is asked for, and however it is shown.
    for (since, until) in [
        ("2026-11-26 11:00", "2026-11-26 12:00"),
        ("2026-11-26 13:00", "2026-11-26 15:00"),
        ("2026-11-20", "2026-11-28"),
    ] {
        let window = ["--since", since, "--until", until];
        let (text, told) = image.says(&window, 1);
        assert!(told.contains(CUT), "{since}: {text}{told}");
        let filtered = image
            .says(&["--filtered", "--since", since, "--until", until], 1)
            .1;
        assert!(filtered.contains(CUT), "{since}: {filtered}");
    }
    let before = [
        "--check",
        "--since",
        "2026-11-26 08:00",
        "--until",
        "2026-11-26 10:00",
    ];
    image.says(&before, 0);
}

/// From one day to the next.
#[test]
fn hours_around_midnight() {
    let image = silent(&[("2026-11-25T22:00:00Z", "2026-11-26T02:00:00Z")]);
    let why = "no log has a line from 2026-11-25T21:59:00+00:00 to 2026-11-26T02:00:00+00:00";
    figures_are_not_whole(&image, "2026-11-25", why);
    figures_are_not_whole(&image, "2026-11-26", why);
    image.says(&["--check", "--date", "2026-11-27"], 0);
}

#[test]
fn hours_in_the_middle_of_a_rotated_log() {
    for pack in ["true", "gzip -n mail.log.1 mail.log.2", "xz mail.log.2"] {
        let image = Image::new();
        let days = [
            "2026-11-18T00:00:00Z",
            "2026-11-25T00:00:00Z",
            "2026-11-27T00:00:00Z",
            ENDS,
        ];
        for (name, ends) in ["mail.log.2", "mail.log.1", "mail.log"].iter().zip(1..) {
            write(&image, name, (days[ends - 1], days[ends]), &[MORNING]);
        }
        sh(&format!(
            "cd {}/var/log && {pack}",
            image.0.path().display()
        ));
        figures_are_not_whole(&image, "2026-11-26", CUT);
        image.says(&["--check", "--date", "2026-11-25"], 0);
    }
}

/// Without a year and without a zone, which one thread reads.
#[test]
fn hours_in_the_middle_of_a_log_without_years() {
    let image = silent(&[MORNING]);
    let path = image.0.path().join("var/log/mail.log");
    let text = fs::read_to_string(&path).unwrap();
    let old = |line: &str| {
        let time: DateTime<Utc> = line[..25].parse().unwrap();
        format!("{}{}", time.format("%b %e %H:%M:%S"), &line[25..])
    };
    let text: String = text.split_inclusive('\n').map(old).collect();
    fs::write(&path, text).unwrap();
    figures_are_not_whole(&image, "2026-11-26", CUT);
}

/// So large that several threads read it, and cut where no part of it ends.
#[test]
fn hours_in_the_middle_of_a_large_day() {
    let image = silent(&[MORNING]);
    let path = image.0.path().join("var/log/mail.log");
    let text = fs::read_to_string(&path).unwrap();
    let large: String = text
        .split_inclusive('\n')
        .map(|line| match line.starts_with("2026-11-26") {
            true => line.repeat(80),
            false => line.to_owned(),
        })
        .collect();
    fs::write(&path, large).unwrap();
    figures_are_not_whole(&image, "2026-11-26", CUT);
}

/// The log was written to: there was nothing to deliver.
#[test]
fn hours_in_which_another_program_has_lines() {
    for line in [
        "postfix-aol-a/qmgr[7]: 4HnkK60lBRz6tl1: removed",
        "CRON[5]: (root) CMD (true)",
    ] {
        let image = silent(&[MORNING]);
        let path = image.0.path().join("var/log/mail.log");
        let text = fs::read_to_string(&path).unwrap();
        let behind = text.find("2026-11-26T14:00:00").unwrap();
        let mut lines = text[..behind].to_owned();
        for minutes in (0..240).step_by(25) {
            let time = at(MORNING.0) + TimeDelta::minutes(minutes);
            lines += &format!("{} relay1 {line}\n", time.to_rfc3339());
        }
        lines += &text[behind..];
        fs::write(&path, lines).unwrap();
        image.says(&["--check", "--date", "2026-11-26"], 0);
    }
}

/// A backup that stops the host each night, a day of the week on which nothing is done.
#[test]
fn hours_that_are_silent_on_other_days_too() {
    let image = silent(&[("2026-11-23T10:00:00Z", "2026-11-23T13:45:00Z"), MORNING]);
    image.says(&["--check", "--date", "2026-11-26"], 0);
    // Nothing is known of two days.
    let image = Image::new();
    write(
        &image,
        "mail.log",
        ("2026-11-25T00:00:00Z", ENDS),
        &[MORNING],
    );
    image.says(&["--check", "--date", "2026-11-26"], 0);
}

/// Half an hour is none; nor what on other days has fewer than twenty deliveries well inside of it.
#[test]
fn a_short_silence() {
    for until in ["2026-11-26T10:29:00Z", "2026-11-26T10:35:00Z"] {
        let image = silent(&[("2026-11-26T10:00:00Z", until)]);
        image.says(&["--check", "--date", "2026-11-26"], 0);
    }
    let image = silent(&[("2026-11-26T10:00:00Z", "2026-11-26T10:45:00Z")]);
    image.says(&["--check", "--date", "2026-11-26"], 3);
}

/// What mail-stats-print says of a named log.
fn named(image: &Image, format: &[&str], status: i32) -> Ran {
    let log = image.0.path().join("var/log/mail.log");
    let args = ["--date", "2026-11-26", "--log", log.to_str().unwrap()];
    stats(format.iter().chain(&args)).ended(status)
}

#[test]
fn a_named_log_that_is_silent_in_the_middle() {
    let image = silent(&[MORNING]);
    let line = named(&image, &["--check"], 3).out;
    assert!(
        line.starts_with("UNKNOWN: ") && line.contains(CUT),
        "{line}"
    );
    let json = named(&image, &["--format", "json"], 1).out;
    assert!(
        json.contains("\"complete\":false") && json.contains(CUT),
        "{json}"
    );
    let metrics = named(&image, &["--format", "prom"], 1).out;
    assert!(metrics.contains("relay_mail_complete 0\n"), "{metrics}");
}

#[test]
fn a_named_log_that_ends_before_the_day_does() {
    let image = Image::new();
    let ends = "2026-11-26T11:00:00Z";
    write(&image, "mail.log", (BEGINS, ends), &[]);
    let line = named(&image, &["--check"], 3).out;
    let why = "no log has a line from 2026-11-26T10:59:00+00:00 to 2026-11-27T00:00:00+00:00";
    assert!(
        line.starts_with("UNKNOWN: ") && line.contains(why),
        "{line}"
    );
    named(&image, &[], 1);
    // Who does not say until when does not ask for more than there is.
    let log = image.0.path().join("var/log/mail.log");
    let since = [
        "--check",
        "--since",
        "2026-11-25",
        "--log",
        log.to_str().unwrap(),
    ];
    stats(since).ended(0);
}

/// Nothing in it says how other days are: it ends, and should not by what there was in an hour.
#[test]
fn a_named_log_of_a_part_of_the_day() {
    let why = "not all of the time that is asked for is in the logs: they end at 2026-11-26T10:59:00+00:00";
    let image = Image::new();
    write(
        &image,
        "mail.log",
        ("2026-11-26T00:00:00Z", "2026-11-26T11:00:00Z"),
        &[],
    );
    let line = named(&image, &["--check"], 3).out;
    assert!(
        line.starts_with("UNKNOWN: ") && line.contains(why),
        "{line}"
    );
    let json = named(&image, &["--format", "json"], 0);
    assert!(
        json.out.contains("\"complete\":false") && json.err.contains(why),
        "{}",
        json.out
    );
    let metrics = named(&image, &["--format", "prom"], 0).out;
    assert!(metrics.contains("relay_mail_complete 0\n"), "{metrics}");
    // The same from a pipe.
    let text = fs::read(image.0.path().join("var/log/mail.log")).unwrap();
    let piped = stats_with(["--check", "--date", "2026-11-26", "--log", "-"], &text).ended(3);
    assert!(piped.out.contains(why), "{}", piped.out);
}

#[test]
fn a_named_log_that_may_have_no_more() {
    // To the end of the day; a business that closes; a host that has a message an hour.
    let whole = Image::new();
    write(
        &whole,
        "mail.log",
        ("2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z"),
        &[],
    );
    named(&whole, &["--check"], 0);
    let business = Image::new();
    write(
        &business,
        "mail.log",
        ("2026-11-26T08:00:00Z", "2026-11-26T17:00:00Z"),
        &[],
    );
    named(&business, &["--check"], 0);
    let quiet = Image::new();
    write(
        &quiet,
        "mail.log",
        ("2026-11-26T00:00:00Z", "2026-11-26T12:00:00Z"),
        &[],
    );
    let path = quiet.0.path().join("var/log/mail.log");
    let text = fs::read_to_string(&path).unwrap();
    let hourly = text.split_inclusive('\n').step_by(60);
    fs::write(&path, hourly.collect::<String>()).unwrap();
    named(&quiet, &["--check"], 0);
}
