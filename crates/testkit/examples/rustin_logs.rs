//! Writes the logs of `fixtures/rustin`: `rustin_logs fixtures/rustin/var/log`.
//!
//! mail.log is of 2026-09-19, mail.log.1 of the day before, mail.log.2.gz (packed with `gzip -9n`) of the day before that.

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

fn main() -> io::Result<()> {
    let directory = std::env::args()
        .nth(1)
        .ok_or_else(|| io::Error::other("rustin_logs DIRECTORY"))?;
    let directory = Path::new(&directory);
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
