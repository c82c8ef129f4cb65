//! Times of which no log is left, or of which the log says nothing though it should.

use std::fs;

use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;
use testkit::tools::stats;

/// A host whose instance has a delivery a minute; its logs are to be written.
pub(crate) struct Image(pub(crate) TempDir);

impl Image {
    pub(crate) fn new() -> Self {
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
    pub(crate) fn log(&self, name: &str, from: DateTime<Utc>, to: DateTime<Utc>) {
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

    pub(crate) fn says(&self, args: &[&str], status: i32) -> (String, String) {
        let root = ["--root", self.0.path().to_str().unwrap()];
        let ran = stats(root.iter().chain(args)).ended(status);
        (ran.out, ran.err)
    }
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The figures of the day are said not to be whole.
#[track_caller]
pub(crate) fn figures_are_not_whole(image: &Image, day: &str, why: &str) {
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
}

/// Every output says that the day is not whole.
#[track_caller]
fn is_not_whole(image: &Image, day: &str, why: &str) {
    figures_are_not_whole(image, day, why);
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

/// A packed file has a head, whatever was packed: this one is what a full disk has left. That a day has lines of it
/// nobody can know from two days.
#[test]
fn a_packed_log_that_is_empty() {
    let image = Image::new();
    let logs = image.0.path().join("var/log");
    let noon = |day: u32| at(&format!("2026-11-{day}T12:00:00Z"));
    image.log("mail.log.2", noon(24), noon(26));
    image.log("mail.log", noon(27), noon(28));
    fs::write(logs.join("mail.log.1.gz"), "").unwrap();
    is_not_whole(&image, "2026-11-26", "mail.log.1.gz is empty");
}

/// What a crash leaves of lines that were not written yet; and what copytruncate leaves in front of a log whose writer
/// goes on behind its old end.
#[test]
fn zero_bytes_in_the_place_of_lines() {
    let image = Image::new();
    let (begins, ends) = (at("2026-11-25T00:00:00Z"), at("2026-11-28T00:00:00Z"));
    image.log("mail.log", begins, ends);
    let log = image.0.path().join("var/log/mail.log");
    let mut lines = fs::read(&log).unwrap();
    let front = [vec![0; 5000], lines.clone()].concat();
    fs::write(&log, front).unwrap();
    let (line, _) = image.says(&["--check", "--date", "2026-11-25"], 0);
    assert!(line.starts_with("OK: 1440 deliveries"), "{line}");
    let middle = lines.len() / 2;
    lines[middle..middle + 4096].fill(0);
    fs::write(&log, lines).unwrap();
    let why = "4096 zero bytes in the place of lines, the first at line ";
    is_not_whole(&image, "2026-11-26", why);
    image.says(&["--check", "--date", "2026-11-27"], 0);
    // A pipe has no bytes that could be looked at twice.
    let text = fs::read(&log).unwrap();
    let ran = testkit::tools::stats_with(["--log", "-"], &text).ended(1);
    assert!(ran.err.contains("4096 zero bytes"), "{}", ran.err);
}

/// A clock that was wrong for an hour: these lines are in no window until that time comes.
#[test]
fn lines_of_a_time_that_is_yet_to_come() {
    let image = Image::new();
    let (begins, ends) = (at("2026-11-26T00:00:00Z"), at("2026-11-28T00:00:00Z"));
    image.log("mail.log", begins, ends);
    let log = image.0.path().join("var/log/mail.log");
    let text = fs::read_to_string(&log).unwrap();
    let text = text.replace("2026-11-26T12:", "2199-11-26T12:");
    fs::write(&log, text).unwrap();
    let (json, told) = image.says(&["--format", "json", "--date", "2026-11-26"], 1);
    assert!(
        json.contains("\"complete\":false") && json.contains("\"unparsed\":60"),
        "{json}"
    );
    assert!(told.contains("its time is yet to come"), "{told}");
    image.says(
        &[
            "--check",
            "--date",
            "2026-11-26",
            "--log",
            log.to_str().unwrap(),
        ],
        1,
    );
    image.says(&["--date", "2026-11-27"], 0);
}

#[test]
fn an_empty_log_holds_no_time() {
    let image = Image::new();
    fs::write(image.0.path().join("var/log/mail.log"), "").unwrap();
    let why = "it has no line: nothing is known of the time that is asked for";
    let of = |format: &str, status| {
        let (out, told) = image.says(&["--date", "2026-11-26", "--format", format], status);
        assert!(told.contains(why), "{told}");
        out
    };
    assert!(of("json", 1).contains("\"complete\":false"));
    assert!(of("prom", 1).contains("relay_mail_complete 0\n"));
    of("text", 1);
    // Just begun, it is all there is.
    image.says(&[], 0);
}

/// logrotate's copytruncate has made its copy, and not emptied the log yet.
#[test]
fn a_copy_counts_once() {
    let image = Image::new();
    let (begins, ends) = (at("2026-11-25T00:00:00Z"), at("2026-11-28T00:00:00Z"));
    image.log("mail.log", begins, ends);
    let logs = image.0.path().join("var/log");
    fs::copy(logs.join("mail.log"), logs.join("mail.log.1")).unwrap();
    let args = ["--format", "report", "--date", "2026-11-26"];
    // No queue is there.
    let (report, _) = image.says(&args, 1);
    assert!(report.contains("\n1440 deliveries: "), "{report}");
    let (text, _) = image.says(&["--since", "2026-11-24", "--until", "2026-11-27"], 0);
    assert!(text.starts_with("postfix-aol-a:total:2880\n"), "{text}");
    let both = ["mail.log.1", "mail.log"].map(|name| logs.join(name).display().to_string());
    let (text, told) = image.says(&["--log", &both[0], &both[1]], 0);
    assert!(text.starts_with("postfix-aol-a:total:4320\n"), "{text}");
    assert!(
        told.contains("mail.log.1 holds no line but those of "),
        "{told}"
    );
}

/// A writer that waits for the reader of a pipe is not woken twice.
#[test]
fn a_pipe_is_opened_once() {
    let image = Image::new();
    let (begins, ends) = (at("2026-11-25T00:00:00Z"), at("2026-11-26T00:00:00Z"));
    image.log("mail.log", begins, ends);
    image.log("older.log", at("2026-11-24T00:00:00Z"), begins);
    let logs = image.0.path().join("var/log");
    let script = format!(
        "cd {} && mkfifo pipe && {{ cat older.log >pipe & }} && timeout 60 {} --log pipe mail.log; echo $?",
        logs.display(),
        env!("CARGO_BIN_EXE_mail-stats-print")
    );
    let ran = testkit::tools::sh(&script);
    assert!(ran.starts_with("postfix-aol-a:total:2880\n"), "{ran}");
    assert!(ran.ends_with("\n0\n"), "{ran}");
}

/// A link of an image leads to a file of the image, whatever this machine has there.
#[test]
fn a_log_behind_a_link_of_an_image_was_not_rotated() {
    let image = Image::new();
    let live = tempfile::tempdir().unwrap();
    let target = live.path().join("mail.log");
    fs::write(&target, "this machine's\n").unwrap();
    image.log("x", at("2026-11-25T00:00:00Z"), at("2026-11-26T00:00:00Z"));
    let below = |path: &std::path::Path| image.0.path().join(path.strip_prefix("/").unwrap());
    fs::create_dir_all(below(live.path())).unwrap();
    let logs = image.0.path().join("var/log");
    fs::rename(logs.join("x"), below(&target)).unwrap();
    std::os::unix::fs::symlink(&target, logs.join("mail.log")).unwrap();
    let (text, told) = image.says(&[], 0);
    assert!(text.starts_with("postfix-aol-a:total:1440\n"), "{text}");
    assert_eq!(told, "");
}
