//! Times of which no log is left, or of which the log says nothing though it should.

use std::fs;

use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;
use testkit::tools::stats;

/// A host whose instance has a delivery a minute; its logs are to be written.
struct Image(TempDir);

impl Image {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for sub in ["etc/postfix", "etc/postfix-aol-a", "var/log"] {
            fs::create_dir_all(dir.path().join(sub)).unwrap();
        }
        fs::write(dir.path().join("etc/postfix/main.cf"), "").unwrap();
        fs::write(
            dir.path().join("etc/postfix-aol-a/main.cf"),
            "syslog_name = postfix-aol-a\n",
        )
        .unwrap();
        Self(dir)
    }

    /// A delivery every minute of these times.
    fn log(&self, name: &str, from: DateTime<Utc>, to: DateTime<Utc>) {
        let mut text = String::new();
        let mut at = from;
        while at < to {
            text += &format!(
                "{} relay1 postfix-aol-a/smtp[706]: 4HnkK60lBRz6tl1: to=<a@aol.com>, relay=mx.aol.com[192.0.2.1]:25, \
                 delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)\n",
                at.to_rfc3339()
            );
            at += TimeDelta::minutes(1);
        }
        fs::write(self.0.path().join("var/log").join(name), text).unwrap();
    }

    fn says(&self, args: &[&str], status: i32) -> (String, String) {
        let root = ["--root", self.0.path().to_str().unwrap()];
        let ran = stats(root.iter().chain(args)).ended(status);
        (ran.out, ran.err)
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Every output says that the day is not whole.
#[track_caller]
fn is_not_whole(image: &Image, day: &str, why: &str) {
    let (line, _) = image.says(&["--check", "--date", day], 3);
    assert!(
        line.starts_with("UNKNOWN: ") && line.contains(why),
        "{line}"
    );
    let (json, told) = image.says(&["--format", "json", "--date", day], 1);
    assert!(
        json.contains("\"complete\":false") && json.contains(why),
        "{json}"
    );
    assert!(told.contains(why), "{told}");
    let (metrics, _) = image.says(&["--format", "prom", "--date", day], 1);
    assert!(metrics.contains("relay_mail_complete 0\n"), "{metrics}");
    let (report, told) = image.says(&["--format", "report", "--date", day], 1);
    assert!(
        !report.contains("all is well") && told.contains(why),
        "{report}{told}"
    );
    let (_, told) = image.says(&["--save-day", "--date", day], 1);
    assert!(
        told.contains(&format!("{day} is incomplete: ")) && told.contains(why),
        "{told}"
    );
}

/// mail.log rotated at noon of each day: `days` files back from .1 of the 26th to the 27th.
fn rotated(image: &Image) {
    for n in 1..10 {
        let ends = at("2026-11-27T12:00:00Z") - TimeDelta::days(n - 1);
        image.log(&format!("mail.log.{n}"), ends - TimeDelta::days(1), ends);
    }
    image.log(
        "mail.log",
        at("2026-11-27T12:00:00Z"),
        at("2026-11-28T04:00:00Z"),
    );
}

#[test]
fn a_rotated_log_that_is_missing() {
    let image = Image::new();
    rotated(&image);
    let logs = image.0.path().join("var/log");
    image.says(&["--check", "--date", "2026-11-25"], 0);
    fs::remove_file(logs.join("mail.log.2")).unwrap();
    for day in ["2026-11-25", "2026-11-26"] {
        is_not_whole(&image, day, "mail.log.2 is missing");
    }
    image.says(&["--check", "--date", "2026-11-24"], 0);
    image.says(&["--check", "--date", "2026-11-27"], 0);
}

/// The syslog daemon went on writing into the file that was rotated away, say.
#[test]
fn a_rotated_log_that_is_empty() {
    let image = Image::new();
    rotated(&image);
    fs::write(image.0.path().join("var/log/mail.log.2"), "").unwrap();
    is_not_whole(&image, "2026-11-25", "mail.log.2 is empty");
}

#[test]
fn a_log_that_ends_in_the_middle_of_the_day() {
    let image = Image::new();
    image.log(
        "mail.log",
        at("2026-11-20T00:00:00Z"),
        at("2026-11-27T12:00:00Z"),
    );
    image.says(&["--check", "--date", "2026-11-26"], 0);
    is_not_whole(
        &image,
        "2026-11-27",
        "no log has a line from 2026-11-27T11:59:00+00:00 to ",
    );
}

#[test]
fn a_log_that_has_ended_while_the_last_hour_is_asked_for() {
    let image = Image::new();
    let now = Utc::now();
    image.log(
        "mail.log",
        now - TimeDelta::days(4),
        now - TimeDelta::hours(3),
    );
    for window in ["1h", "5m"] {
        let (line, _) = image.says(&["--check", "--since", window], 3);
        assert!(
            line.contains("no log has a line from ") && line.contains("on the days before"),
            "{line}"
        );
    }
}

/// What is so on every day is no hole.
#[test]
fn a_night_without_a_line() {
    let image = Image::new();
    let mut parts = Vec::new();
    for day in 1..9 {
        let begins = at("2026-11-27T08:00:00Z") - TimeDelta::days(8 - day);
        image.log("part", begins, begins + TimeDelta::hours(9));
        parts.push(fs::read(image.0.path().join("var/log/part")).unwrap());
    }
    let logs = image.0.path().join("var/log");
    fs::remove_file(logs.join("part")).unwrap();
    fs::write(logs.join("mail.log"), parts.concat()).unwrap();
    image.says(&["--check", "--date", "2026-11-27"], 0);
}
