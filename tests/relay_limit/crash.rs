//! Killed at any system call that changes something, two at once, a map edited by hand, an instance that is gone: after
//! tick, the journal and the map agree. None of these needs a Postfix that runs.

use testkit::{Host, Instance, Ran, host_or_skip};

use crate::TOOL;
use crate::hosts::{in_hours, pause_quickly, relay_limit};

/// What changes a file.
const CHANGES: &str = "fsync,fchown,fchmod,rename,renameat,unlink,unlinkat,pwrite64,write";

/// An instance that does not run, ready to be paused.
pub(crate) fn stopped(host: &Host) -> Instance {
    let aol_b = host.instance("postfix-aol-b").start();
    aol_b.stop();
    relay_limit(host, &["setup", "aol-b", "--apply"]).ok();
    aol_b
}

/// What the map's index says of a domain.
pub(crate) fn asked(aol_b: &Instance, domain: &str) -> String {
    let map = format!("hash:{}/relay-limit", aol_b.config_dir().display());
    let ran = aol_b.command("postmap").args(["-q", domain, &map]).run();
    ran.text().trim().to_owned()
}

/// The domains of what holds, by the journal.
fn held(host: &Host) -> Vec<String> {
    let listed = relay_limit(host, &["list", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&listed.text()).unwrap();
    let limits = json["limits"].as_array().unwrap().iter();
    let mut found: Vec<String> = limits
        .map(|one| one["domains"][0].as_str().unwrap().to_owned())
        .collect();
    found.sort();
    found
}

/// Runs it, and kills it at the n-th call of `call`.
fn killed_at(host: &Host, call: &str, n: usize, args: &[&str]) -> Ran {
    let inject = format!("inject={call}:signal=SIGKILL:when={n}");
    let strace = [
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        &format!("trace={call}"),
        "-e",
        &inject,
        TOOL,
    ];
    host.command("strace").args(strace).args(args).run()
}

#[test]
fn killed_at_any_change_the_journal_and_the_map_agree_after_tick() {
    let host = host_or_skip!();
    let aol_b = stopped(&host);
    let mut kills = 0;
    for call in CHANGES.split(',') {
        for n in 1..40 {
            let pause = pause_quickly("aol-b", "aol.com");
            let ran = killed_at(&host, call, n, &pause);
            if ran.killed_by().is_none() && ran.code() == Some(0) {
                relay_limit(&host, &["lift", "aol-b", "--yes"]).ok();
                break;
            }
            assert!(n < 39, "it never succeeds: {ran}");
            kills += 1;
            relay_limit(&host, &["tick"]).ok();
            // What the journal holds, without asking for more than that.
            let journal = host
                .sh("cat /var/lib/relay-tools/limits/journal.jsonl")
                .text();
            let count = |what: &str| journal.matches(what).count();
            match count("\"begin\":") == count("\"closed\":") {
                true => assert_eq!(asked(&aol_b, "aol.com"), "", "{call} {n}"),
                false => {
                    assert!(
                        asked(&aol_b, "aol.com").starts_with("retry:4.7.0 paused"),
                        "{call} {n}"
                    );
                    // And killed while it is lifted.
                    killed_at(&host, call, n, &["lift", "aol-b", "--yes"]);
                    relay_limit(&host, &["tick", &in_hours(&host, 3)]).ok();
                    assert_eq!(asked(&aol_b, "aol.com"), "", "{call} {n}");
                }
            }
        }
    }
    assert!(kills > 12, "{kills}");
    let left = host.sh("ls -A /etc/postfix-aol-b").text();
    assert!(!left.contains(".relay-limit.new"), "{left}");
}

#[test]
fn two_admins_at_once_both_get_what_they_ordered() {
    let host = host_or_skip!();
    let aol_b = stopped(&host);
    let domains: Vec<String> = (0..8).map(|n| format!("d{n}.example.com")).collect();
    let running = domains.iter().map(|domain| {
        host.command(TOOL)
            .args(pause_quickly("aol-b", domain))
            .spawn()
    });
    let running: Vec<_> = running.collect();
    for one in running {
        let ran = one.wait(std::time::Duration::from_secs(300));
        assert_eq!(ran.code(), Some(0), "{ran}");
    }
    assert_eq!(held(&host), domains);
    for domain in &domains {
        assert!(asked(&aol_b, domain).starts_with("retry:"), "{domain}");
    }
    // And both lift the same.
    let lifts = [0, 1].map(|_| host.command(TOOL).args(["lift", "aol-b", "--yes"]).spawn());
    for one in lifts {
        let ran = one.wait(std::time::Duration::from_secs(300));
        // The second may find nothing that holds.
        assert!(
            ran.code() == Some(0) || ran.errors().contains("nothing is in force"),
            "{ran}"
        );
    }
    assert_eq!(held(&host), Vec::<String>::new());
    assert_eq!(asked(&aol_b, &domains[0]), "");
}

#[test]
fn lines_by_hand_are_kept_and_ours_come_back() {
    let host = host_or_skip!();
    let aol_b = stopped(&host);
    let map = "/etc/postfix-aol-b/relay-limit";
    host.write(
        map,
        "# ours, by hand\nexample.net\tsmtp:[192.0.2.1]\n  \t:2525\n",
    );
    relay_limit(&host, &pause_quickly("aol-b", "aol.com")).ok();
    assert_eq!(asked(&aol_b, "example.net"), "smtp:[192.0.2.1]  \t:2525");
    let text = String::from_utf8(host.read(map)).unwrap();
    assert!(
        text.ends_with("# ours, by hand\nexample.net\tsmtp:[192.0.2.1]\n  \t:2525\n"),
        "{text}"
    );
    let listed = relay_limit(&host, &["list"]);
    assert!(
        listed
            .text()
            .contains("by hand in /etc/postfix-aol-b/relay-limit: example.net"),
        "{listed}"
    );

    // Somebody takes ours out, in the map and its index.
    host.write(map, "example.org\tsmtp:[192.0.2.2]\n");
    aol_b
        .command("postmap")
        .arg(format!("hash:{map}"))
        .run()
        .ok();
    let check = relay_limit(&host, &["list", "--check"]);
    assert_eq!(check.code(), Some(2), "{check}");
    relay_limit(&host, &["tick"]).ok();
    assert!(asked(&aol_b, "aol.com").starts_with("retry:"));
    assert_eq!(asked(&aol_b, "example.org"), "smtp:[192.0.2.2]");
    relay_limit(&host, &["lift", "aol-b", "--yes"]).ok();
    assert_eq!(asked(&aol_b, "aol.com"), "");
    assert_eq!(asked(&aol_b, "example.org"), "smtp:[192.0.2.2]");
}

#[test]
fn an_instance_that_is_gone_holds_nothing_up() {
    let host = host_or_skip!();
    stopped(&host);
    relay_limit(&host, &pause_quickly("aol-b", "aol.com")).ok();
    host.sh("rm -r /etc/postfix-aol-b && postconf -e multi_instance_directories=")
        .ok();
    let tick = relay_limit(&host, &["tick"]);
    assert_eq!(tick.code(), Some(0), "{tick}");
    assert!(tick.text().contains("the instance is gone"), "{tick}");
    assert_eq!(relay_limit(&host, &["tick"]).text(), "");
    assert_eq!(relay_limit(&host, &["list", "--check"]).code(), Some(0));
}

#[test]
fn an_end_that_is_overdue_is_cried_out() {
    let host = host_or_skip!();
    stopped(&host);
    relay_limit(&host, &pause_quickly("aol-b", "aol.com")).ok();
    let late = relay_limit(&host, &["list", "--check", &in_hours(&host, 3)]);
    assert_eq!(late.code(), Some(2), "{late}");
    assert!(
        late.text().contains("relay-limit tick is not running"),
        "{late}"
    );
}

#[test]
fn a_full_disk_changes_nothing_and_says_so() {
    let host = host_or_skip!();
    let aol_b = stopped(&host);
    for (call, n) in [
        ("write", 2),
        ("fsync", 1),
        ("fsync", 2),
        ("renameat", 1),
        ("rename", 1),
    ] {
        let inject = format!("inject={call}:error=ENOSPC:when={n}");
        let strace = [
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            &format!("trace={call}"),
            "-e",
            &inject,
            TOOL,
        ];
        let ran = host
            .command("strace")
            .args(strace)
            .args(pause_quickly("aol-b", "aol.com"))
            .run();
        if ran.code() != Some(0) {
            assert_eq!(ran.code(), Some(2), "{call} {n}: {ran}");
            assert!(ran.errors().contains("No space left"), "{call} {n}: {ran}");
        }
        relay_limit(&host, &["tick"]).ok();
        let is_held = !held(&host).is_empty();
        assert_eq!(is_held, ran.code() == Some(0), "{call} {n}: {ran}");
        assert_eq!(asked(&aol_b, "aol.com").is_empty(), !is_held, "{call} {n}");
        if is_held {
            relay_limit(&host, &["lift", "aol-b", "--yes"]).ok();
        }
    }
}
