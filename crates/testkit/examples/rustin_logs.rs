//! Writes the logs of `fixtures/rustin`: `rustin_logs fixtures/rustin/var/log`.
//!
//! mail.log is of 2026-09-19, mail.log.1 of the day before, mail.log.2.gz (packed with `gzip -9n`) of the day before
//! that. Of the six days up to that one there are day records, in var/lib/relay-tools/days: `rustin_logs DIRECTORY
//! before` writes the logs that `mail-stats-print --save-day` made them of. They were stored without delays, which are
//! most of a record.
#![allow(clippy::disallowed_methods, reason = "on files of its own")]

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use chrono::{DateTime, FixedOffset};
use testkit::maillog::{MailLog, Stamps, Traffic};

fn day(start: &str, seed: u64, traffic: &[(&str, u64, u64, u64)], path: &Path) -> io::Result<()> {
    let start: DateTime<FixedOffset> = start.parse().map_err(io::Error::other)?;
    let traffic = traffic
        .iter()
        .map(|(n, s, b, d)| Traffic::new(n, *s, *b, *d))
        .collect();
    let log = MailLog {
        start,
        seed,
        ..MailLog::day(traffic, Stamps::Rfc3339)
    };
    let mut out = BufWriter::new(File::create(path)?);
    log.write(&mut out)?;
    out.flush()
}

/// Sent, bounced, deferred of each of [`NAMES`].
type Day = [(u64, u64, u64); 5];

/// The days whose logs are gone: sent, bounced, deferred of aol-a, aol-b, msn-a, therest-a, yahoo-a. The 13th is a
/// Sunday.
const BEFORE: [(&str, Day); 7] = [
    (
        "11",
        [(1, 0, 0), (1, 0, 0), (1, 0, 0), (1, 0, 0), (1, 0, 0)],
    ),
    (
        "12",
        [
            (210, 18, 4),
            (230, 16, 6),
            (108, 6, 10),
            (180, 60, 17),
            (80, 4, 8),
        ],
    ),
    (
        "13",
        [(60, 5, 1), (64, 4, 2), (30, 2, 3), (50, 17, 5), (22, 1, 2)],
    ),
    (
        "14",
        [
            (250, 22, 5),
            (262, 20, 7),
            (126, 8, 11),
            (210, 73, 20),
            (94, 5, 9),
        ],
    ),
    (
        "15",
        [
            (244, 20, 4),
            (255, 19, 6),
            (122, 7, 12),
            (204, 70, 19),
            (91, 4, 9),
        ],
    ),
    (
        "16",
        [
            (236, 21, 3),
            (249, 17, 6),
            (118, 8, 10),
            (196, 69, 18),
            (88, 5, 8),
        ],
    ),
    (
        "17",
        [
            (230, 20, 4),
            (245, 18, 5),
            (115, 6, 9),
            (190, 66, 18),
            (85, 5, 7),
        ],
    ),
];

const NAMES: [&str; 5] = [
    "postfix-aol-a",
    "postfix-aol-b",
    "postfix-msn-a",
    "postfix-therest-a",
    "postfix-yahoo-a",
];

fn before(directory: &Path) -> io::Result<()> {
    for (at, (date, counts)) in BEFORE.iter().enumerate() {
        let traffic = NAMES.iter().zip(counts);
        let traffic: Vec<_> = traffic.map(|(n, &(s, b, d))| (*n, s, b, d)).collect();
        let start = format!("2026-09-{date}T00:00:05-04:00");
        let seed = date.parse().map_err(io::Error::other)?;
        let name = format!("mail.log.{}", BEFORE.len() - at);
        day(&start, seed, &traffic, &directory.join(name))?;
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let directory = std::env::args()
        .nth(1)
        .ok_or_else(|| io::Error::other("rustin_logs DIRECTORY"))?;
    let directory = Path::new(&directory);
    if std::env::args().nth(2).is_some_and(|what| what == "before") {
        return before(directory);
    }
    day(
        "2026-09-19T00:00:07-04:00",
        19,
        &[
            ("postfix-aol-a", 573, 62, 7),
            ("postfix-aol-b", 201, 24, 118),
            ("postfix-msn-a", 310, 11, 29),
            ("postfix-therest-a", 596, 222, 54),
            ("postfix-yahoo-a", 188, 9, 40),
        ],
        &directory.join("mail.log"),
    )?;
    day(
        "2026-09-18T00:00:03-04:00",
        18,
        &[
            ("postfix-aol-a", 240, 21, 3),
            ("postfix-aol-b", 251, 19, 6),
            ("postfix-msn-a", 120, 8, 12),
            ("postfix-therest-a", 200, 70, 20),
            ("postfix-yahoo-a", 90, 4, 9),
        ],
        &directory.join("mail.log.1"),
    )?;
    day(
        "2026-09-17T00:00:05-04:00",
        17,
        &[
            ("postfix-aol-a", 230, 20, 4),
            ("postfix-aol-b", 245, 18, 5),
            ("postfix-msn-a", 115, 6, 9),
            ("postfix-therest-a", 190, 66, 18),
            ("postfix-yahoo-a", 85, 5, 7),
        ],
        &directory.join("mail.log.2"),
    )
}
