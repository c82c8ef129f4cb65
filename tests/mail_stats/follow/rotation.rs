//! What becomes of the logs between two runs.

use std::fs;
use std::io::Write;
use std::process::Command;

use super::host::{Host, deliveries};
use testkit::prometheus::value;
use testkit::tools::{set_mtime, sh};

#[test]
fn the_half_written_line_waits() {
    let mut host = Host::new();
    host.deliver("aol-a", 2, "sent", "250 ok");
    let whole = fs::read(host.log()).unwrap();
    for cut in [1, 20, whole.len() / 2 - 1] {
        fs::write(host.log(), &whole[..whole.len() - cut]).unwrap();
        drop(fs::remove_file(host.state()));
        assert_eq!(deliveries(&host.counters(), "aol-a", "sent"), 1.0);
        fs::File::options()
            .append(true)
            .open(host.log())
            .unwrap()
            .write_all(&whole[whole.len() - cut..])
            .unwrap();
        assert_eq!(deliveries(&host.counters(), "aol-a", "sent"), 2.0);
    }
}

/// Runs logrotate, now, with these directives for the host's logs.
fn logrotate(host: &Host, directives: &str) {
    let dir = host.root.path();
    let conf = dir.join("logrotate.conf");
    let text = format!(
        "{} {} {{\n{directives}\n}}\n",
        host.log().display(),
        host.own_log().display()
    );
    fs::write(&conf, text).unwrap();
    sh(&format!(
        "logrotate --force --state {0}/state {0}/logrotate.conf 2>&1",
        dir.display()
    ));
}

#[test]
fn logrotate_in_all_its_ways() {
    let ways = [
        "create\nrotate 9",
        "create\nrotate 9\ncompress\ndelaycompress",
        "create\nrotate 9\ncompress",
        "create\nrotate 9\ncompress\ncompresscmd /usr/bin/xz\nuncompresscmd /usr/bin/unxz\ncompressext .xz",
        "create\nrotate 9\ndateext\ndateformat -%Y%m%d-%s\ncompress\ndelaycompress",
        "create\nrotate 9\ndateext\ndateformat -%Y%m%d-%s",
        "copytruncate\nrotate 9",
        "copytruncate\nrotate 9\ncompress",
        "copytruncate\nrotate 9\ncompress\ndelaycompress",
        "create\nrotate 9\nextension .log",
    ];
    std::thread::scope(|scope| {
        for way in ways {
            scope.spawn(move || rotated(way));
        }
    });
}

/// Some rotations, with and without a run before and behind.
fn rotated(way: &str) {
    let mut host = Host::new();
    host.counters();
    let (mut sent, mut bounced) = (0, 0);
    let rounds = if way.contains("%s") { 4 } else { 9 };
    for round in 0..rounds {
        host.deliver("aol-a", round * 3 % 7, "sent", "250 ok");
        host.deliver("own-a", round + 1, "bounced", "550 no");
        (sent, bounced) = (sent + round * 3 % 7, bounced + round + 1);
        if round % 3 != 1 {
            host.counters();
        }
        if round % 2 == 0 {
            host.deliver("aol-a", 2, "sent", "250 ok");
            sent += 2;
        }
        if way.contains("%s") {
            // The name is that of the second.
            let logs = host.log().parent().unwrap().display().to_string();
            sh(&format!(
                "while ls {logs} | grep -q -e -$(date +%s); do sleep 0.05; done"
            ));
        }
        logrotate(&host, way);
        if round % 4 == 3 {
            host.counters();
        }
    }
    let prom = host.counters();
    let found = (
        deliveries(&prom, "aol-a", "sent"),
        deliveries(&prom, "own-a", "bounced"),
    );
    assert_eq!(found, (f64::from(sent), f64::from(bounced)), "{way}");
    assert_eq!(value(&prom, "relay_mail_log_gaps_total"), 0.0, "{way}");
}

#[test]
fn a_log_that_was_emptied_is_reported_once() {
    let mut host = Host::new();
    host.deliver("aol-a", 3, "sent", "250 ok");
    host.counters();
    fs::write(host.log(), "").unwrap();
    host.deliver("aol-a", 1, "sent", "250 ok");
    let ran = host.run(&["--format", "prom"]).ended(1);
    assert!(
        ran.err.contains("it was truncated or removed"),
        "{}",
        ran.err
    );
    assert_eq!(deliveries(&ran.out, "aol-a", "sent"), 4.0);
    assert_eq!(value(&ran.out, "relay_mail_log_gaps_total"), 1.0);
    assert_eq!(value(&ran.out, "relay_mail_log_problems"), 1.0);
    let prom = host.counters();
    assert_eq!(value(&prom, "relay_mail_log_problems"), 0.0);
}

#[test]
fn what_a_damaged_archive_lost_is_a_gap_ever_after() {
    let mut host = Host::new();
    host.deliver("aol-a", 3, "sent", "250 ok");
    host.counters();
    host.deliver("aol-a", 400, "sent", "250 ok");
    let log = host.log();
    let name = log.display();
    sh(&format!(
        "gzip -c {name} | head -c 700 >{name}.1.gz; : >{name}"
    ));
    host.deliver("aol-a", 1, "sent", "250 ok");
    let ran = host.run(&["--format", "prom"]).ended(1);
    assert!(ran.err.contains("mail.log.1.gz"), "{}", ran.err);
    assert_eq!(value(&ran.out, "relay_mail_log_gaps_total"), 1.0);
    assert!(deliveries(&ran.out, "aol-a", "sent") < 404.0, "{}", ran.out);
    let prom = host.counters();
    assert_eq!(value(&prom, "relay_mail_log_gaps_total"), 1.0);
}

#[test]
fn one_unreadable_log_is_reported_and_the_others_are_counted() {
    let mut host = Host::new();
    host.deliver("aol-a", 1, "sent", "250 ok");
    host.deliver("own-a", 1, "sent", "250 ok");
    host.counters();
    fs::rename(host.own_log(), host.root.path().join("elsewhere")).unwrap();
    host.deliver("aol-a", 1, "sent", "250 ok");
    // It is not there, and nothing that was rotated from it either.
    let ran = host.run(&["--format", "prom"]).ended(1);
    assert!(ran.err.contains("own.log"), "{}", ran.err);
    assert_eq!(deliveries(&ran.out, "aol-a", "sent"), 2.0);
    assert_eq!(deliveries(&ran.out, "own-a", "sent"), 1.0);
}

#[test]
fn a_log_that_may_not_be_read_for_a_while_is_not_counted_again() {
    let mut host = Host::new();
    host.deliver("aol-a", 3, "sent", "250 ok");
    let dir = host.root.path().to_owned();
    // By a user for whom modes count; the log is older than the run, as that of a quiet night.
    set_mtime(&host.log(), testkit::tools::seconds("2026-09-19T10:00:00Z"));
    sh(&format!("chown -R 65534:65534 {}", dir.display()));
    let run = |status: i32| {
        let out = Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(env!("CARGO_BIN_EXE_mail-stats-print"))
            .args(["--format", "prom", "--log"])
            .args([dir.join("var/log/mail.log"), "--follow-state".into()])
            .arg(dir.join("follow.json"))
            .output()
            .unwrap();
        let told = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(status), "{told}");
        (String::from_utf8(out.stdout).unwrap(), told)
    };
    assert_eq!(deliveries(&run(0).0, "aol-a", "sent"), 3.0);
    sh(&format!("chmod 0 {}", host.log().display()));
    let (_, told) = run(2);
    assert!(told.contains("Permission denied"), "{told}");
    sh(&format!("chmod 644 {}", host.log().display()));
    host.deliver("aol-a", 2, "sent", "250 ok");
    let (prom, _) = run(0);
    assert_eq!(deliveries(&prom, "aol-a", "sent"), 5.0);
    assert_eq!(value(&prom, "relay_mail_log_gaps_total"), 0.0);
}

#[test]
fn a_link_to_the_log_leads_to_what_was_rotated() {
    let mut host = Host::new();
    let link = host.root.path().join("mail.link");
    std::os::unix::fs::symlink("var/log/mail.log", &link).unwrap();
    let run = |host: &Host| {
        host.run(&["--format", "prom", "--log", link.to_str().unwrap()])
            .ended(0)
            .out
    };
    host.deliver("aol-a", 2, "sent", "250 ok");
    run(&host);
    host.deliver("aol-a", 3, "sent", "250 ok");
    logrotate(&host, "create\nrotate 9");
    // For a moment there is none.
    fs::remove_file(host.log()).unwrap();
    assert_eq!(deliveries(&run(&host), "aol-a", "sent"), 5.0);
    fs::write(host.log(), "").unwrap();
    host.deliver("aol-a", 1, "sent", "250 ok");
    assert_eq!(deliveries(&run(&host), "aol-a", "sent"), 6.0);
}
