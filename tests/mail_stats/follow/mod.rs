//! mail-stats-print --follow-state, from run to run. logrotate, strace and promtool are the real ones.

mod host;
mod live;
mod rotation;
mod runs;

use std::fs;
use std::io::Write;

use host::{Host, deliveries};
use testkit::prometheus::{promtool, value};
use testkit::tools::{set_mtime, stats, stats_in};

const BLOCKED: &str = "host mx.aol.com[192.0.2.1] said: 550 5.7.1 Service unavailable; client [198.51.100.7] blocked \
    using zen.spamhaus.org";

#[test]
fn counters_rise_by_what_is_new() {
    let mut host = Host::new();
    host.deliver("aol-a", 3, "sent", "250 ok");
    host.deliver("own-a", 2, "sent", "250 ok");
    let first = host.counters();
    assert_eq!(deliveries(&first, "aol-a", "sent"), 3.0);
    assert_eq!(deliveries(&first, "own-a", "sent"), 2.0);
    // What has not happened yet is there: its first event is an increase.
    assert_eq!(deliveries(&first, "msn-a", "bounced"), 0.0);
    let blocked = |prom: &str| {
        value(
            prom,
            "relay_mail_reason_deliveries_total{postfix_instance=\"postfix-msn-a\",reason=\"blocked\",status=\"bounced\"}",
        )
    };
    assert_eq!(blocked(&first), 0.0);
    host.deliver("msn-a", 4, "bounced", BLOCKED);
    host.deliver("aol-a", 1, "deferred", "421 later");
    host.deliver("own-a", 5, "sent", "250 ok");
    let second = host.counters();
    assert_eq!(deliveries(&second, "aol-a", "sent"), 3.0);
    assert_eq!(deliveries(&second, "aol-a", "deferred"), 1.0);
    assert_eq!(deliveries(&second, "own-a", "sent"), 7.0);
    assert_eq!(blocked(&second), 4.0);
    assert_eq!(
        value(
            &second,
            "relay_mail_provider_deliveries_total{postfix_instance=\"postfix-msn-a\",provider=\"aol\",status=\"bounced\"}"
        ),
        4.0
    );
    assert_eq!(value(&second, "relay_mail_log_gaps_total"), 0.0);
    let read =
        fs::metadata(host.log()).unwrap().len() + fs::metadata(host.own_log()).unwrap().len();
    assert_eq!(
        value(&second, "relay_mail_log_read_bytes_total"),
        read as f64
    );
    assert_eq!(
        host.counters().replace(char::is_numeric, ""),
        second.replace(char::is_numeric, "")
    );
    promtool(&second);
}

#[test]
fn other_formats_show_what_is_new_and_nothing_is_lost_to_the_counters() {
    let mut host = Host::new();
    host.deliver("aol-a", 3, "sent", "250 ok");
    host.run(&[]).ended(0);
    host.deliver("aol-a", 2, "bounced", "550 no");
    host.deliver("msn-a", 1, "sent", "250 ok");
    let ran = host.run(&["aol-a"]).ended(0);
    let expected = "postfix-aol-a:total:2\npostfix-aol-a:bounced:2\npostfix-aol-a:deferred:0\npostfix-aol-a:sent:0\n\n";
    assert_eq!(ran.out, expected);
    assert_eq!(host.run(&[]).ended(0).out, "");
    host.deliver("msn-a", 1, "sent", "250 ok");
    let ran = host.run(&["--format", "json", "--by", "domain"]).ended(0);
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(found["instances"].as_array().unwrap().len(), 1);
    assert_eq!(found["instances"][0]["by"]["domain"][0]["sent"], 1);
    assert!(found["since"].as_str().unwrap() < found["until"].as_str().unwrap());
    let prom = host.counters();
    assert_eq!(deliveries(&prom, "aol-a", "bounced"), 2.0);
    assert_eq!(deliveries(&prom, "msn-a", "sent"), 2.0);
}

#[test]
fn times_without_year_or_zone_go_on_from_run_to_run() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("mail.log");
    let state = dir.path().join("state");
    let line = |stamp: &str, id: u32| {
        format!(
            "{stamp} rustin postfix-aol-a/smtp[9]: A{id:04}: to=<u@aol.com>, relay=none, delay=1, dsn=2.0.0, \
             status=sent (250 ok)\n"
        )
    };
    let append = |stamp: &str, id: u32, mtime: &str| {
        let mut file = fs::File::options()
            .append(true)
            .create(true)
            .open(&log)
            .unwrap();
        file.write_all(line(stamp, id).as_bytes()).unwrap();
        set_mtime(&log, testkit::tools::seconds(mtime));
    };
    let args = [
        "--log",
        log.to_str().unwrap(),
        "--follow-state",
        state.to_str().unwrap(),
        "--by",
        "hour,day",
        "--format",
        "json",
    ];
    let hour_and_day = || {
        let ran = stats_in("America/New_York", args, b"").ended(0);
        let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let by = &found["instances"][0]["by"];
        assert_eq!(by["hour"].as_array().unwrap().len(), 1, "{by}");
        let key = |by: &serde_json::Value| by[0]["key"].as_str().unwrap().to_owned();
        (key(&by["hour"]), key(&by["day"]))
    };
    let is = |hour: &str, day: &str| (hour.to_owned(), day.to_owned());
    append("Dec 31 23:59:58", 1, "2025-12-31T23:59:58-05:00");
    assert_eq!(hour_and_day(), is("2025-12-31T23", "2025-12-31"));
    append("Jan  1 00:00:02", 2, "2026-01-01T00:00:02-05:00");
    assert_eq!(hour_and_day(), is("2026-01-01T00", "2026-01-01"));
    append("Nov  1 01:59:59", 3, "2026-11-01T01:59:59-04:00");
    assert_eq!(hour_and_day(), is("2026-11-01T01", "2026-11-01"));
    append("Nov  1 01:30:00", 4, "2026-11-01T01:30:00-05:00");
    assert_eq!(hour_and_day(), is("2026-11-01T01", "2026-11-01"));
}

#[test]
fn what_does_not_go_together_is_refused() {
    let host = Host::new();
    let check = |args: &[&str], expected: &str| {
        let ran = host.run(args);
        let (status, told) = match args {
            ["--check"] => (3, &ran.out),
            _ => (2, &ran.err),
        };
        assert_eq!(ran.status, Some(status));
        assert!(told.contains(expected), "{args:?}: {told}");
        assert!(!host.state().exists());
    };
    check(&["--since", "1h"], "cannot be used with --follow-state");
    check(&["--check"], "cannot be used with --follow-state");
    for of_a_report in [
        &["--mail-to", "a@b.example"][..],
        &["--print-mail"],
        &["--width", "80"],
        &["--utf8"],
    ] {
        check(of_a_report, "cannot be used with --follow-state");
    }
    check(&["--events"], "cannot be used with --follow-state");
    check(
        &["--count", "recipients"],
        "cannot be used with --follow-state",
    );
    check(
        &["--format", "prom", "--by", "provider"],
        "always by provider and by reason",
    );
    check(&["--by", "sender-domain"], "may be older");
    check(&["--format", "report"], "--format report cannot be used");
    check(&["--format", "html"], "--format html cannot be used");
    check(&["--log", "-"], "reads log files");
    check(&["--log", "/dev/null"], "reads log files");
    check(&["no-such"], "no-such");
    let missing = host.root.path().join("missing.log");
    check(&["--log", missing.to_str().unwrap()], "missing.log");
}

#[test]
fn the_state_is_a_file() {
    let host = Host::new();
    let log = host.log();
    let refused = |state: &str| {
        let args = ["--log", log.to_str().unwrap(), "--follow-state", state];
        let ran = stats(args).ended(2);
        assert!(ran.err.contains(state), "{}", ran.err);
        assert_eq!(ran.out, "");
    };
    refused("/dev/zero");
    assert!(!std::path::Path::new("/dev/zero.lock").exists());
    refused(host.root.path().to_str().unwrap());
    refused("/no/such/directory/state");
}

/// A log of something else, and one that does not come back, are said in each run, not in the first alone.
#[test]
fn what_is_still_so_is_said_in_every_run() {
    let dir = tempfile::tempdir().unwrap();
    let (log, state) = (dir.path().join("mail.log"), dir.path().join("state"));
    let run = |status| {
        let args = ["--log", log.to_str().unwrap(), "--format", "json"];
        let state = ["--follow-state", state.to_str().unwrap()];
        let ran = stats([&args[..], &state].concat()).ended(status);
        let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        (found["complete"].clone(), found["problems"].to_string())
    };
    fs::write(&log, "root:x:0:0:root:/root:/bin/bash\n").unwrap();
    for _ in 0..3 {
        let (complete, problems) = run(1);
        assert_eq!(complete, false);
        assert!(problems.contains("is no line of Postfix"), "{problems}");
    }
    // What is kept has no text of a log in it.
    let kept = fs::read_to_string(&state).unwrap();
    assert!(!kept.contains("root:x"), "{kept}");
    let line = "2026-09-19T10:00:00Z rustin postfix-aol-a/smtp[9]: A1234567: to=<u@aol.com>, relay=none, delay=1, \
        dsn=2.0.0, status=sent (250 ok)\n";
    let mut text = fs::read_to_string(&log).unwrap();
    text.push_str(line);
    fs::write(&log, &text).unwrap();
    assert_eq!(run(0).0, true);
    // Another program's line between two runs is none of a strange log.
    text.push_str("2026-09-19T10:00:01Z rustin sshd[9]: Accepted publickey for root\n");
    fs::write(&log, &text).unwrap();
    assert_eq!(run(0).0, true);
    // While it is rotated, it may be away.
    fs::remove_file(&log).unwrap();
    run(1);
    run(0);
    let mut kept: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&state).unwrap()).unwrap();
    let since = &mut kept["logs"][0]["gone_us"];
    *since = (since.as_i64().unwrap() - 600_000_000).into();
    fs::write(&state, kept.to_string()).unwrap();
    for _ in 0..2 {
        let (complete, problems) = run(1);
        assert_eq!(complete, false);
        assert!(problems.contains("this log is not there"), "{problems}");
    }
}

/// What Postfix says of itself is counted over the runs.
#[test]
fn complaints_have_counters() {
    let mut host = Host::new();
    host.deliver("aol-a", 1, "sent", "250 ok");
    let count = |prom: &str, severity: &str| {
        let name = format!(
            "relay_mail_complaints_total{{postfix_instance=\"postfix-aol-a\",severity=\"{severity}\"}}"
        );
        value(prom, &name)
    };
    assert_eq!(count(&host.counters(), "fatal"), 0.0);
    for n in 1..3 {
        let mut text = fs::read_to_string(host.log()).unwrap();
        text.push_str("2026-09-19T10:00:00Z rustin postfix-aol-a/qmgr[9]: fatal: open active X: Permission denied\n");
        fs::write(host.log(), text).unwrap();
        let prom = host.counters();
        assert_eq!(
            (count(&prom, "fatal"), count(&prom, "panic")),
            (f64::from(n), 0.0)
        );
    }
    promtool(&host.counters());
}
