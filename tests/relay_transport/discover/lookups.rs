//! Lookups of exchangers: how long an answer is kept, how many and how long; how far they have come.

use std::time::{Duration, Instant};

use testkit::dns::{Manners, fake};
use testkit::host_or_skip;

use super::*;

#[test]
fn answers_are_not_kept_longer_than_their_time_to_live() {
    let host = host_or_skip!();
    let zone = zone(&host);
    log(
        &host,
        &[
            ("brief.hosted.example", "none", 1),
            ("google.hosted.example", "none", 2),
        ],
    );
    let (first, later) = (
        "--clock=2026-09-19T12:00:00Z",
        "--clock=2026-09-19T12:00:02Z",
    );
    let mx = ["--mx", "--resolver", &zone.address, first];
    assert_eq!(found(&host, &mx, 0).len(), 2);
    // One second is over; what is kept for a day is still known.
    let found = found(&host, &["--mx", "--resolver", "127.0.53.8", later], 1);
    assert_eq!(
        found,
        ["google.hosted.example gmail mx aspmx.l.google.com 2"]
    );
}

#[test]
fn look_ups_keep_to_their_bounds() {
    let host = host_or_skip!();
    let zone = zone(&host);
    let domains: Vec<String> = (0..40).map(|n| format!("n{n}.hosted.example")).collect();
    let deliveries: Vec<(&str, &str, usize)> =
        domains.iter().map(|d| (d.as_str(), "none", 1)).collect();
    log(&host, &deliveries);
    let begun = Instant::now();
    assert_eq!(
        found(
            &host,
            &[
                "--mx",
                "--resolver",
                &zone.address,
                "--no-cache",
                "--rate",
                "20"
            ],
            0
        ),
        [""; 0]
    );
    assert!(
        begun.elapsed() >= Duration::from_millis(1900),
        "{:?}",
        begun.elapsed()
    );
    // A server that never answers costs no more than --timeout.
    let silent = fake(&host, "127.0.53.6:53", None, Manners::Silent);
    let log = ["--log", "/run/srv/mail.log", "--mx"];
    let ran = tool(&host)
        .args(log)
        .args(["--resolver", &silent, "--timeout", "3s"])
        // So that it would be longer than the kit has patience, were it the time of each lookup.
        .args(["--concurrency", "1"])
        .run()
        .exit(1);
    assert!(
        ran.errors().contains("40 of 40 MX lookups failed ("),
        "{ran}"
    );
    assert!(!host.enter(|| std::path::Path::new(CACHE).exists()));
}

/// A terminal's standard error has a bar. (A host of the testkit has no terminals; this needs nothing of one.)
#[test]
fn how_far_it_has_come_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("mail.log");
    std::fs::write(
        &log,
        log_of(&[("a.example", "none", 1), ("b.example", "none", 1)]),
    )
    .unwrap();
    // It never answers.
    let server = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let line = format!(
        "{TOOL} discover --domain example.org --log {} --mx --no-cache --timeout 4s --concurrency 1 --resolver {}",
        log.display(),
        server.local_addr().unwrap()
    );
    let shown = std::process::Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env("TERM", "xterm")
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("looking up MX records ["), "{shown:?}");
}
