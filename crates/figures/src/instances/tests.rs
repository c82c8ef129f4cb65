//! Findings of instances that are right but for one thing, and the domain of a site.

use std::path::PathBuf;

use super::specimen::right;
use super::{AddressPlace, DirectoryState, DnsCheck, DnsOutcome, Facts, Running, findings};

/// The findings once `change` is made to the first of two right instances.
fn check(change: impl Fn(&mut Facts), expected: &[&str]) {
    let mut all = vec![right("aol-a", "192.0.2.1"), right("aol-b", "192.0.2.2")];
    change(&mut all[0]);
    let found: Vec<String> = findings(&all)
        .iter()
        .map(|f| format!("{} {} {}", f.level.as_str(), f.kind.as_str(), f.text))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn each_wrong_is_found_and_nothing_else() {
    check(|_| {}, &[]);
    check(
        |a| a.queue.resolved = PathBuf::from("/var/spool/aol-b"),
        &["CRITICAL queue-shared aol-a and aol-b share the queue directory /var/spool/aol-b"],
    );
    check(
        |a| a.data.resolved = PathBuf::from("/var/lib/aol-b"),
        &["CRITICAL data-shared aol-a and aol-b share the data directory /var/lib/aol-b"],
    );
    check(
        |a| a.senders[0].address = "192.0.2.2".parse().unwrap(),
        &["WARNING address-shared aol-a and aol-b send from the same address, 192.0.2.2"],
    );
    check(
        |a| a.syslog_name = "aol-b".to_owned(),
        &[
            "WARNING syslog-name-shared aol-a and aol-b log under the same syslog_name, aol-b",
            "WARNING syslog-name-differs aol-a logs under another name, syslog_name aol-b",
        ],
    );
    check(
        |a| a.senders[0].place = AddressPlace::Missing,
        &["CRITICAL address-missing aol-a: 192.0.2.1 is on no interface"],
    );
    check(
        |a| {
            a.data.state = DirectoryState::Unreadable("not permitted".to_owned());
        },
        &["UNKNOWN directory-unreadable aol-a: data_directory /var/lib/aol-a: not permitted"],
    );
    check(
        |a| a.running = Running::No,
        &["CRITICAL enabled-stopped aol-a is enabled but not running"],
    );
    check(
        |a| a.running = Running::Failed("why".to_owned()),
        &["UNKNOWN running-unknown aol-a: cannot find out whether it is running: why"],
    );
    check(
        |a| a.is_enabled = false,
        &[
            "WARNING disabled-running aol-a is running but not enabled: postfix start does not start it",
        ],
    );
}

#[test]
fn what_is_not_known_is_not_wrong() {
    check(
        |a| {
            a.running = Running::Unknown;
            a.senders[0].place = AddressPlace::Unknown;
            a.queue.state = DirectoryState::Unknown;
        },
        &[],
    );
}

#[test]
fn what_nobody_has_started_yet_can_wait() {
    check(
        |a| {
            a.is_enabled = false;
            a.running = Running::No;
            a.senders[0].place = AddressPlace::Missing;
            a.queue.state = DirectoryState::Missing("no such directory".to_owned());
        },
        &[
            "WARNING address-missing aol-a: 192.0.2.1 is on no interface",
            "WARNING directory-missing aol-a: queue_directory /var/spool/aol-a: no such directory",
        ],
    );
}

#[test]
fn the_worst_comes_first() {
    let dns = |outcome| DnsCheck {
        check: "ptr",
        asked: "1.2.0.192.in-addr.arpa".to_owned(),
        outcome,
        detail: "x".to_owned(),
        listed: 0,
        records: Vec::new(),
        alias: None,
    };
    check(
        |a| {
            a.senders[0].dns = [
                DnsOutcome::Poor,
                DnsOutcome::Ok,
                DnsOutcome::Unknown,
                DnsOutcome::Skipped,
                DnsOutcome::Wrong,
            ]
            .map(dns)
            .to_vec();
        },
        &[
            "CRITICAL dns aol-a 192.0.2.1: ptr 1.2.0.192.in-addr.arpa: x",
            "UNKNOWN dns aol-a 192.0.2.1: ptr 1.2.0.192.in-addr.arpa: x",
            "WARNING dns aol-a 192.0.2.1: ptr 1.2.0.192.in-addr.arpa: x",
        ],
    );
}

#[test]
fn the_site_is_found_by_the_helo_name() {
    let check = |helo: &str, expected: &str| {
        let mut facts = right("aol-a", "192.0.2.1");
        facts.helo_name = helo.to_owned();
        assert_eq!(facts.site_domain(), expected, "{helo}");
    };
    check("aol-a.smtp.example.org", "example.org");
    check("AOL-A.Example.ORG.", "example.org");
    check("aol-a.example.co.uk", "example.co.uk");
    check("example.org", "example.org");
    // No domain of anybody's: mydomain then.
    check("localhost", "smtp.example.org");
    check("", "smtp.example.org");
    check("co.uk", "smtp.example.org");
}
