//! Writes a mail log of about this many bytes to standard output: `maillog 1073741824 > mail.log`.
//!
//! Eight instances, RFC 3339, thirty days up to 2026-07-15: what `tests/bench/logs` is run on.
#![allow(clippy::disallowed_methods, reason = "on files of its own")]

use std::io::{self, BufWriter, Write};

use chrono::TimeDelta;
use testkit::maillog::{MailLog, Stamps, Traffic};

/// Bytes that a delivery's lines take, on average.
const BYTES_A_DELIVERY: u64 = 720;

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let bytes: u64 = args.next().and_then(|a| a.parse().ok()).unwrap_or(1 << 30);
    let deliveries = bytes / BYTES_A_DELIVERY;
    let names = [
        "aol-a",
        "aol-b",
        "msn-a",
        "msn-b",
        "yahoo-a",
        "gmail-a",
        "gmail-b",
        "therest-a",
    ];
    let each = deliveries / names.len() as u64;
    let traffic = names
        .iter()
        .map(|n| Traffic::new(&format!("postfix-{n}"), each * 8 / 10, each / 10, each / 10))
        .collect();
    let mut log = MailLog::day(traffic, Stamps::Rfc3339);
    log.span = TimeDelta::days(30);
    log.start -= TimeDelta::days(30);
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    log.write(&mut out)?;
    out.flush()
}
