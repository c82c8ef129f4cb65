//! `in` after a long time: whether the address was idle is seen in the logs and the day records, and what is not known
//! is said to be not known. The command that warms it up can be pasted as it is.

use std::fs;

use chrono::{Days, NaiveDate};
use testkit::tools::{self, seconds, set_mtime};

/// Noon.
const NOW: &str = "2026-09-19T12:00:00Z";
const COMMAND: &str = "relay-warmup plan postfix-aol-b --volume ";

/// An image with two instances for aol. Its log begins 40 days ago; aol-a sends 9 messages each day.
struct Image {
    directory: tempfile::TempDir,
    today: NaiveDate,
}

impl Image {
    fn new() -> Self {
        let image = Self {
            directory: tempfile::tempdir().unwrap(),
            today: NaiveDate::from_ymd_opt(2026, 9, 19).unwrap(),
        };
        let directories = "multi_instance_directories = /etc/postfix-aol-a /etc/postfix-aol-b\n";
        image.write("etc/postfix/main.cf", directories);
        image.write("etc/hostname", "rustin\n");
        image.write("etc/timezone", "UTC\n");
        for (name, address) in [("postfix-aol-a", 41), ("postfix-aol-b", 42)] {
            image.write(
                &format!("etc/{name}/main.cf"),
                &format!(
                    "multi_instance_name = {name}\nmulti_instance_enable = yes\nsyslog_name = {name}\n\
                     queue_directory = /var/spool/{name}\nsmtp_bind_address = 192.0.2.{address}\n"
                ),
            );
            image.write(
                &format!("etc/{name}/master.cf"),
                "smtp unix - - y - - smtp\n",
            );
        }
        image
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn date(&self, ago: u64) -> NaiveDate {
        self.today.checked_sub_days(Days::new(ago)).unwrap()
    }

    /// The log of the days since `oldest` days ago. aol-b had `end` on the day so many days ago.
    fn log(&self, oldest: u64, (ago, end): (u64, &str)) {
        let line = |name: &str, days: u64, n: u64, end: &str| {
            format!(
                "{}T00:00:{n:02}Z rustin {name}/smtp[91]: 4F{n}A: to=<u{n}@aol.com>, relay=mx.aol.com[203.0.113.5]:25, \
                 delay=1, delays=0.1/0/0.4/0.5, dsn=2.0.0, {end}\n",
                self.date(days)
            )
        };
        let mut text = String::new();
        for days in (0..=oldest).rev() {
            for n in 0..9 {
                text.push_str(&line("postfix-aol-a", days, n, "status=sent (250 ok)"));
            }
            if days == ago {
                text.push_str(&line("postfix-aol-b", days, 9, end));
            }
        }
        self.write("var/log/mail.log", &text);
        set_mtime(
            &self.directory.path().join("var/log/mail.log"),
            seconds(NOW),
        );
    }

    fn run(&self, tool: &str, args: &[&str]) -> tools::Ran {
        let root = self.directory.path().display().to_string();
        let clock = format!("--clock={NOW}");
        tools::run(tool, [&["--root", &root, &clock], args].concat())
    }

    /// What `in` says before anything is done, without what is wrong with the image.
    #[track_caller]
    fn back(&self) -> String {
        let nobody = ["--resolver", "127.0.0.1:1", "--timeout", "1s"];
        let args = ["in", "aol-b", "--anyway", "--dry-run"];
        let ran = self.run("relay-limit", &[&args[..], &nobody].concat());
        // 1: a log that cannot be read is reported, too.
        assert!(matches!(ran.status, Some(0 | 1)), "{}{}", ran.out, ran.err);
        let lines = ran.out.lines();
        let lines =
            lines.filter(|line| !line.starts_with("not in order") && !line.starts_with("zone:"));
        lines.collect::<Vec<_>>().join("\n")
    }
}

const SENT: &str = "status=sent (250 ok)";
const PAUSED: &str = "status=deferred (paused by relay-limit until 2026-09-20 12:00 +0000)";

#[test]
fn what_was_sent_decides() {
    let image = Image::new();
    let check = |oldest, of_b, expected: &str| {
        image.log(oldest, of_b);
        assert_eq!(image.back(), expected, "{oldest} {of_b:?}");
    };
    let warm = |volume| format!("     {COMMAND}{volume}/day");
    check(
        40,
        (0, SENT),
        "it last sent on 2026-09-19: no warm-up is due",
    );
    check(
        40,
        (12, SENT),
        "it last sent on 2026-09-07: no warm-up is due",
    );
    check(
        40,
        (30, SENT),
        "it last sent on 2026-08-20: no warm-up is due",
    );
    // Of the nine a day that aol-a has sent, it is to have its half.
    let idle = "it has sent nothing since 2026-08-20: warm it up again\n\
        with its share of the provider's busiest day:\n";
    let before = idle.replace(": warm", " (it last sent on 2026-08-19): warm");
    check(40, (31, SENT), &format!("{before}{}", warm(5)));
    check(40, (33, SENT), &format!("{idle}{}", warm(5)));
    // What we kept ourselves was not sent.
    check(40, (12, PAUSED), &format!("{idle}{}", warm(5)));
    check(
        5,
        (40, SENT),
        &format!(
            "nothing is known to be sent since 2026-08-20, but the logs and day records lack 25 of 30 days (the first \
             is 2026-08-20): if it was idle, warm it up again\n\
             with its share of the busiest day that is known of the provider:\n{}",
            warm(5)
        ),
    );
    fs::remove_file(image.directory.path().join("var/log/mail.log")).unwrap();
    assert_eq!(
        image.back(),
        format!(
            "nothing is known to be sent since 2026-08-20, but the logs and day records lack 30 of 30 days (the first \
             is 2026-08-20): if it was idle, warm it up again\n\
             with the volume that it is to send in the end, such as:\n{}",
            warm(1000)
        )
    );
}

/// A log of its own: it was rotated once, and is empty since.
#[test]
fn a_log_that_was_silent_for_a_month_is_known_by_what_came_before() {
    let image = Image::new();
    image.log(40, (40, PAUSED));
    let main_cf = image.directory.path().join("etc/postfix-aol-b/main.cf");
    let more = fs::read_to_string(&main_cf).unwrap() + "maillog_file = /var/log/aol-b.log\n";
    fs::write(&main_cf, more).unwrap();
    let check = |ago: u64, expected: &str| {
        let at = format!("{}T23:59:00Z", image.date(ago));
        let line = format!(
            "{at} rustin postfix-aol-b/smtp[91]: 4F9A: to=<u@aol.com>, relay=mx.aol.com[203.0.113.5]:25, delay=1, \
             delays=0.1/0/0.4/0.5, dsn=2.0.0, {SENT}\n"
        );
        for (name, text, time) in [
            ("aol-b.log.1", line.as_str(), at.as_str()),
            ("aol-b.log", "", NOW),
        ] {
            image.write(&format!("var/log/{name}"), text);
            set_mtime(
                &image.directory.path().join("var/log").join(name),
                seconds(time),
            );
        }
        let said = image.back();
        assert!(said.starts_with(expected), "{ago}: {said}");
    };
    check(30, "it last sent on 2026-08-20: no warm-up is due");
    check(
        31,
        "it has sent nothing since 2026-08-20 (it last sent on 2026-08-19): warm it up again",
    );
    check(33, "it has sent nothing since 2026-08-20: warm it up again");
}

#[test]
fn the_records_of_days_that_no_log_holds_count() {
    let image = Image::new();
    let save = |first, last| {
        for ago in (last..=first).rev() {
            let date = image.date(ago).to_string();
            let ran = image.run("mail-stats-print", &["--save-day", "--date", &date]);
            assert_eq!(ran.status, Some(0), "{}{}", ran.out, ran.err);
        }
    };
    image.log(40, (31, SENT));
    save(30, 21);
    image.log(20, (40, SENT));
    let idle = image.back();
    assert!(idle.starts_with("it has sent nothing since "), "{idle}");
    // Another record of one of them.
    let days = image.directory.path().join("var/lib/relay-tools/days");
    fs::remove_file(days.join(format!("{}.rustin.jsonl", image.date(30)))).unwrap();
    image.log(40, (30, SENT));
    save(30, 30);
    image.log(20, (40, SENT));
    assert_eq!(
        image.back(),
        "it last sent on 2026-08-20: no warm-up is due"
    );
}

#[test]
fn the_command_can_be_pasted() {
    let image = Image::new();
    image.log(40, (31, SENT));
    // The second time there is a plan.
    for more in ["", " --replace"] {
        let said = image.back();
        let command = said.lines().find(|line| line.contains(COMMAND)).unwrap();
        assert!(command.ends_with(&format!("/day{more}")), "{said}");
        let words: Vec<&str> = command.split_whitespace().collect();
        let ran = image.run(words[0], &words[1..]);
        assert_eq!(ran.status, Some(0), "{command}: {}{}", ran.out, ran.err);
        assert!(
            ran.err.contains("saved: ") || ran.out.contains("saved: "),
            "{}{}",
            ran.out,
            ran.err
        );
    }
}
