//! Windows, rotated logs, and the times that a log leaves open.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use testkit::maillog::{MailLog, Stamps, Traffic};
use testkit::tools::{seconds, set_mtime, sh, stats, stats_in};

pub(crate) fn line(time: &str, status: &str) -> String {
    format!(
        "{time} rustin postfix-aol-a/smtp[1]: 4F9A1: to=<u@aol.com>, relay=none, delay=1, dsn=2.0.0, status={status} \
         (x)\n"
    )
}

/// A host image whose /var/log holds `files`: name, mtime, lines.
pub(crate) fn host(files: &[(&str, &str, String)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("etc")).unwrap();
    let logs = root.path().join("var/log");
    fs::create_dir_all(&logs).unwrap();
    for (name, mtime, text) in files {
        let path = logs.join(name);
        fs::write(&path, text).unwrap();
        set_mtime(&path, seconds(mtime));
    }
    root
}

/// How many deliveries mail-stats-print finds in `root` with `args`.
#[track_caller]
pub(crate) fn total(zone: &str, root: &Path, args: &[&str]) -> u64 {
    let root = root.to_str().unwrap();
    let ran = stats_in(zone, ["--root", root, "-q"].iter().chain(args), b"").ended(0);
    let count = ran
        .out
        .lines()
        .find_map(|l| l.strip_prefix("postfix-aol-a:total:"));
    count.map_or(0, |n| n.parse().unwrap())
}

#[test]
fn year_less_logs_over_new_year() {
    let root = host(&[
        (
            "mail.log.1",
            "2025-12-31T06:25:00Z",
            ["Dec 30 23:59:59", "Dec 31 00:00:00", "Dec 31 06:24:59"]
                .map(|t| line(t, "sent"))
                .concat(),
        ),
        (
            "mail.log",
            "2026-01-02T08:00:00Z",
            [
                "Dec 31 06:25:01",
                "Dec 31 23:59:59",
                "Jan  1 00:00:00",
                "Jan  2 07:59:59",
            ]
            .map(|t| line(t, "sent"))
            .concat(),
        ),
    ]);
    let day = |day: &str| total("UTC", root.path(), &["--date", day]);
    assert_eq!(day("2025-12-30"), 1);
    assert_eq!(day("2025-12-31"), 4);
    assert_eq!(day("2026-01-01"), 1);
    assert_eq!(day("2026-01-02"), 1);
    // A day that no log holds is no day without deliveries.
    for unknown in ["2026-12-31", "2024-12-31"] {
        let root = root.path().to_str().unwrap();
        let ran = stats(["--root", root, "--date", unknown]).ended(1);
        assert!(ran.err.contains("no log holds the time"), "{}", ran.err);
    }
    // Without a window, the current file, whole.
    assert_eq!(total("UTC", root.path(), &[]), 4);
}

#[test]
fn days_on_which_clocks_change() {
    // 2026-11-01 in New York has 25 hours: 01:30 comes twice. Lines every half hour of elapsed time from 00:00 to
    // 02:30.
    let autumn = [
        "00:00", "00:30", "01:00", "01:30", "01:00", "01:30", "02:00", "02:30",
    ];
    let text: String = autumn
        .iter()
        .map(|t| line(&format!("Nov  1 {t}:00"), "sent"))
        .collect();
    let root = host(&[("mail.log", "2026-11-01T07:30:00Z", text)]);
    let window = |since: &str, until: &str| {
        total(
            "America/New_York",
            root.path(),
            &["--since", since, "--until", until],
        )
    };
    assert_eq!(
        total("America/New_York", root.path(), &["--date", "2026-11-01"]),
        8
    );
    assert_eq!(
        window("2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00"),
        2
    );
    assert_eq!(
        window("2026-11-01T01:00:00-05:00", "2026-11-01T02:00:00-05:00"),
        2
    );
    assert_eq!(
        window("2026-11-01T01:30:00-05:00", "2026-11-01T02:30:00-05:00"),
        2
    );
    // 2026-03-08 has 23 hours: 01:59:59 is followed by 03:00:00.
    let text = [
        "Mar  7 23:59:59",
        "Mar  8 01:59:59",
        "Mar  8 03:00:00",
        "Mar  8 23:59:59",
        "Mar  9 00:00:00",
    ]
    .map(|t| line(t, "sent"))
    .concat();
    let root = host(&[("mail.log", "2026-03-09T06:00:00Z", text)]);
    assert_eq!(
        total("America/New_York", root.path(), &["--date", "2026-03-08"]),
        3
    );
    let args = [
        "--since",
        "2026-03-08T06:59:59Z",
        "--until",
        "2026-03-08T07:00:01Z",
    ];
    assert_eq!(total("America/New_York", root.path(), &args), 2);
}

#[test]
fn two_rotated_logs_share_a_day() {
    let hour = |day: u32, hour: u32| line(&format!("2026-09-{day}T{hour:02}:00:00Z"), "sent");
    let older: String = (7..24)
        .map(|h| hour(18, h))
        .chain((0..7).map(|h| hour(19, h)))
        .collect();
    let newer: String = (7..24)
        .map(|h| hour(19, h))
        .chain((0..7).map(|h| hour(20, h)))
        .collect();
    let current: String = (7..12).map(|h| hour(20, h)).collect();
    let root = host(&[
        ("mail.log.2", "2026-09-19T06:25:00Z", older),
        ("mail.log.1", "2026-09-20T06:25:00Z", newer),
        ("mail.log", "2026-09-20T12:00:00Z", current),
    ]);
    sh(&format!(
        "gzip {}/var/log/mail.log.2",
        root.path().display()
    ));
    let day = |day: &str| total("UTC", root.path(), &["--date", day]);
    assert_eq!(day("2026-09-18"), 17);
    assert_eq!(day("2026-09-19"), 24);
    assert_eq!(day("2026-09-20"), 12);
    // logrotate is at work: the archive is not complete, and its plain file is still there.
    fs::write(root.path().join("var/log/mail.log.1.gz"), b"\x1f\x8b").unwrap();
    assert_eq!(day("2026-09-19"), 24);
}

#[test]
fn a_line_of_the_future_is_only_that_line() {
    let mut text: String = (0..2000)
        .map(|n| {
            line(
                &format!(
                    "2026-09-{:02}T{:02}:{:02}:00Z",
                    18 + n / 1000,
                    n / 60 % 16,
                    n % 60
                ),
                "sent",
            )
        })
        .collect();
    let whole = text.lines().filter(|l| l.starts_with("2026-09-19")).count() as u64;
    let middle = text.match_indices("\n").nth(1200).unwrap().0 + 1;
    text.insert_str(middle, &line("2031-01-01T00:00:00Z", "sent"));
    let root = host(&[("mail.log", "2026-09-19T23:00:00Z", text)]);
    let args = [
        "--root",
        root.path().to_str().unwrap(),
        "--date",
        "2026-09-19",
    ];
    let ran = stats_in("UTC", args, b"").ended(1);
    let says = format!("postfix-aol-a:total:{whole}\n");
    assert!(ran.out.starts_with(&says), "{}", ran.out);
    // No window has it: that is said where its neighbours are.
    let says = "line 1202: its time is yet to come: 2031-01-01";
    assert!(ran.err.contains(says), "{}", ran.err);
    assert_eq!(total("UTC", root.path(), &["--date", "2026-09-18"]), 1000);
    // Nor has one without an end.
    let args = [&args[..2], &["--since", "2026-09-18"]].concat();
    let ran = stats_in("UTC", args, b"").ended(1);
    assert!(
        ran.out.starts_with("postfix-aol-a:total:2000\n"),
        "{}",
        ran.out
    );
    assert!(ran.err.contains(says), "{}", ran.err);
}

#[test]
fn offsets_are_told() {
    let times = [
        "2026-09-19T23:59:59-04:00",
        "2026-09-20T03:59:59Z",
        "2026-09-20T05:59:59+0200",
        "2026-09-20T04:00:00Z",
    ];
    let root = host(&[(
        "mail.log",
        "2026-09-20T04:00:00Z",
        times.map(|t| line(t, "sent")).concat(),
    )]);
    assert_eq!(
        total("America/New_York", root.path(), &["--date", "2026-09-19"]),
        3
    );
    assert_eq!(total("UTC", root.path(), &["--date", "2026-09-20"]), 4);
}

#[test]
fn a_day_of_thirty_reads_little_of_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.log");
    let traffic = vec![Traffic::new("postfix-aol-a", 36_000, 3_000, 6_000)];
    let mut log = MailLog::day(traffic, Stamps::Rfc3339);
    log.span = log.span * 30;
    let mut bytes = Vec::new();
    log.write(&mut bytes).unwrap();
    File::create(&path).unwrap().write_all(&bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let delivered =
        |l: &&str| l.starts_with("2026-07-30T") && l.contains("/smtp[") && l.contains(": to=<user");
    let expected = text.lines().filter(delivered).count();
    assert!(expected > 1000);
    let ran = stats([
        "-v",
        "--date",
        "2026-07-30",
        "--log",
        path.to_str().unwrap(),
    ])
    .ended(0);
    assert!(
        ran.out
            .starts_with(&format!("postfix-aol-a:total:{expected}\n")),
        "{}",
        ran.out
    );
    let (read, of) = ran
        .err
        .lines()
        .find_map(|l| {
            l.split_once(": read ")?
                .1
                .strip_suffix(" bytes")?
                .split_once(" of ")
        })
        .unwrap();
    let (read, of): (u64, u64) = (read.parse().unwrap(), of.parse().unwrap());
    assert_eq!(of, text.len() as u64);
    assert!(read * 20 < of, "{read} of {of} bytes");
}

/// A log of 176 bytes was said to be "read 352 of 176 bytes": its ends are looked at first, to find the window.
#[test]
fn no_more_of_a_log_is_read_than_there_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.log");
    let line = "2026-07-30T10:00:00+00:00 rustin postfix-aol-a/smtp[9]: 4F2A: to=<u@aol.com>, relay=none, \
        delay=1, dsn=2.0.0, status=sent (ok)\n";
    fs::write(&path, line).unwrap();
    let log = path.to_str().unwrap();
    let ran = stats(["-v", "--date", "2026-07-30", "--log", log]).ended(0);
    let size = line.len();
    let expected = format!("read {size} of {size} bytes");
    assert!(ran.err.contains(&expected), "{}", ran.err);
}
