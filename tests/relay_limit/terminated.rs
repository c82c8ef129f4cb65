//! react and tick terminated at any of their changes, as systemd ends a job that takes too long: the next run makes up
//! for it, and nothing half-written is left.

use testkit::{Host, host_or_skip};

use crate::TOOL;
use crate::crash::{asked, stopped};
use crate::hosts::{in_hours, relay_limit, signalled};

const RULES: &str = "most = '50%'
[[rule]]
code = 'TSS04'
at_least = 5
within = '1h'
do = 'pause'
for = '2h'
";

/// What changes a file. Of `write`, which says more than it changes, every other call.
const CHANGES: [(&str, usize); 5] = [
    ("renameat", 1),
    ("renameat2", 1),
    ("fsync", 1),
    ("unlinkat", 1),
    ("write", 2),
];

const RESOLVER: [&str; 2] = ["--resolver=127.0.0.1:9", "--timeout=1s"];

/// Runs it, and terminates it alone, not the programs that it runs, at the n-th call of `call`; was there such a call?
fn is_terminated(host: &Host, (call, n): (&str, usize), args: &[&str]) -> bool {
    let trace = signalled(host, "SIGTERM", (call, n), &[&[TOOL], args].concat());
    trace.contains("SIGTERM")
}

/// The limits that react has begun, and those that are closed.
fn journal(host: &Host) -> (usize, usize) {
    let journal = host
        .sh("cat /var/lib/relay-tools/limits/journal.jsonl")
        .text();
    for line in journal.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    let count = |what: &str| journal.matches(what).count();
    (count("\"begin\":"), count("\"closed\":"))
}

#[test]
fn react_and_tick_are_made_up_for() {
    let host = host_or_skip!();
    let _aol_a = host.instance("postfix-aol-a").start();
    let aol_b = stopped(&host);
    relay_limit(&host, &["setup", "aol-a", "--apply"]).ok();
    host.write("/etc/relay-tools/react.toml", RULES);
    let refused = "to=<u$n@aol.com>, relay=mx[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=4.7.0, status=deferred (host \
        mx[192.0.2.1] said: 421 4.7.0 [TSS04] Messages temporarily deferred)";
    aol_b.set("maillog_file", "/var/log/aol-b.log");
    let now = "$(date -u +%FT%T.000000+00:00)";
    host.sh(&format!(
        "for n in $(seq 9); do echo \"{now} rustin postfix-aol-b/smtp[1]: 4F9A$n: {refused}\"; done >/var/log/aol-b.log"
    ))
    .ok();
    let react = [&["react"][..], &RESOLVER].concat();
    let later = in_hours(&host, 3);
    let tick = ["tick", &later];
    let mut ended = 0;
    for (call, step) in CHANGES {
        for n in (1..).step_by(step) {
            assert!(n < 100, "{call} never ends");
            host.sh("rm -rf /var/lib/relay-tools/limits").ok();
            let mut was_ended = is_terminated(&host, (call, n), &react);
            let again = relay_limit(&host, &react);
            assert!(matches!(again.code(), Some(0 | 1)), "{call} {n}: {again}");
            // Once, however often it began.
            assert!(
                asked(&aol_b, "aol.com").starts_with("retry:4.7.0 paused"),
                "{call} {n}: {again}"
            );
            let listed = relay_limit(&host, &["list"]).text();
            assert_eq!(
                listed.matches("by relay-limit react").count(),
                1,
                "{call} {n}: {listed}"
            );

            was_ended |= is_terminated(&host, (call, n), &tick);
            let again = relay_limit(&host, &tick);
            assert!(matches!(again.code(), Some(0 | 1)), "{call} {n}: {again}");
            assert_eq!(asked(&aol_b, "aol.com"), "", "{call} {n}: {again}");
            let (begun, closed) = journal(&host);
            assert_eq!(begun, closed, "{call} {n}: {again}");
            let left = host.sh("find /etc/postfix-aol-b /var/lib/relay-tools -name '.*' -newermt '2 hours ago'").text();
            assert!(!left.contains(".relay-limit.new"), "{call} {n}: {left}");
            if !was_ended {
                break;
            }
            ended += 1;
        }
    }
    assert!(ended > 5, "{ended}");
}
