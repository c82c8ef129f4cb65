//! main.cf is changed where setup or a rate need it, and nowhere else: what it was is kept, with owner and mode.

use testkit::{Host, Instance, host_or_skip};

use crate::TOOL;
use crate::hosts::relay_limit;

const MAIN_CF: &str = "/etc/postfix-aol-b/main.cf";

/// An instance that does not run, whose main.cf ends in a line without an end.
fn unended(host: &Host) -> Instance {
    let aol_b = host.instance("postfix-aol-b").start();
    aol_b.stop();
    host.sh(&format!("printf 'smtp_helo_name = a.b' >>{MAIN_CF}"))
        .ok();
    host.sh(&format!(
        "chmod 640 {MAIN_CF} && chown root:postfix {MAIN_CF}"
    ))
    .ok();
    aol_b
}

fn text(host: &Host) -> String {
    String::from_utf8(host.read(MAIN_CF)).unwrap()
}

fn owner_and_mode(host: &Host) -> String {
    host.sh(&format!("stat -c '%U:%G %a' {MAIN_CF}")).text()
}

#[test]
fn a_last_line_without_an_end_owner_and_mode_are_kept() {
    let host = host_or_skip!();
    let aol_b = unended(&host);
    let before = text(&host);
    relay_limit(&host, &["setup", "aol-b", "--apply"]).ok();
    assert_eq!(aol_b.postconf("smtp_helo_name"), "a.b");
    assert_eq!(
        aol_b.postconf("transport_maps"),
        "hash:/etc/postfix-aol-b/relay-limit"
    );
    assert_eq!(owner_and_mode(&host), "root:postfix 640\n");
    let copies = host
        .sh("ls -A /var/lib/relay-tools/limits/main.cf | grep aol-b")
        .text();
    assert_eq!(copies.lines().count(), 1, "{copies}");
    let copy = format!("/var/lib/relay-tools/limits/main.cf/{}", copies.trim());
    assert_eq!(String::from_utf8(host.read(&copy)).unwrap(), before);
    // Passwords may stand in it.
    let directory = host
        .sh("stat -c %a /var/lib/relay-tools/limits/main.cf")
        .text();
    assert_eq!(directory, "700\n");

    host.sh(&format!("truncate -s -1 {MAIN_CF}")).ok();
    let unslowed = text(&host);
    relay_limit(&host, &["rate", "aol-b", "600/h", "--yes"]).ok();
    assert_eq!(aol_b.postconf("smtp_transport_rate_delay"), "6s");
    assert_eq!(
        aol_b.postconf("transport_maps"),
        "hash:/etc/postfix-aol-b/relay-limit"
    );
    relay_limit(&host, &["lift", "aol-b", "--yes"]).ok();
    assert_eq!(text(&host), unslowed.clone() + "\n");
    assert_eq!(owner_and_mode(&host), "root:postfix 640\n");

    // A link is somebody's who makes the file elsewhere.
    host.sh(&format!(
        "mv {MAIN_CF} /root/m.cf && ln -s /root/m.cf {MAIN_CF}"
    ))
    .ok();
    let rate = relay_limit(&host, &["rate", "aol-b", "600/h", "--yes"]);
    assert_eq!(rate.code(), Some(2), "{rate}");
    assert!(rate.errors().contains("is a link to /root/m.cf"), "{rate}");
    assert_eq!(text(&host), unslowed + "\n");
    assert_eq!(
        relay_limit(&host, &["list"]).text(),
        "nothing is in force\n"
    );
}

#[test]
fn two_rates_at_once_are_one_and_a_full_disk_changes_nothing() {
    let host = host_or_skip!();
    let aol_b = unended(&host);
    let running = [0, 1].map(|_| {
        let args = ["rate", "aol-b", "600/h", "--yes"];
        host.command(TOOL).args(args).spawn()
    });
    let codes = running.map(|one| one.wait(std::time::Duration::from_secs(300)).code());
    assert!(
        codes.contains(&Some(0)) && codes.contains(&Some(2)),
        "{codes:?}"
    );
    relay_limit(&host, &["lift", "aol-b", "--yes"]).ok();
    let before = text(&host);
    for call in ["write", "fsync", "renameat"] {
        for n in 1..12 {
            let inject = format!("inject={call}:error=ENOSPC:when={n}");
            let trace = format!("trace={call}");
            let options = [
                "-f",
                "-qq",
                "-o",
                "/dev/null",
                "-e",
                &trace,
                "-e",
                &inject,
                TOOL,
            ];
            let args = ["rate", "aol-b", "600/h", "--yes"];
            let ran = host.command("strace").args(options).args(args).run();
            relay_limit(&host, &["tick"]);
            let listed = relay_limit(&host, &["list"]).text();
            let slowed = aol_b.postconf("smtp_transport_rate_delay") == "6s";
            assert_eq!(
                listed.contains("600/h"),
                slowed,
                "{call} {n}: {ran} {listed}"
            );
            if slowed {
                relay_limit(&host, &["lift", "aol-b", "--yes"]).ok();
            }
            assert_eq!(text(&host), before, "{call} {n}: {ran}");
            assert_eq!(owner_and_mode(&host), "root:postfix 640\n", "{call} {n}");
        }
    }
}
