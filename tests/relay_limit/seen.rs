//! What is in force is seen to be so: where two pauses overlap, where the command that ordered one was killed, and
//! where an instance has another name.

use testkit::host_or_skip;

use crate::crash::{asked, stopped};
use crate::hosts::{in_hours, pause_quickly, relay_limit};

const JOURNAL: &str = "/var/lib/relay-tools/limits/journal.jsonl";

#[test]
fn a_shorter_pause_beside_a_longer_one_and_one_whose_command_was_killed() {
    let host = host_or_skip!();
    let sink = host.sink();
    let aol_b = host.instance("postfix-aol-b").relay_to(&sink).start();
    relay_limit(&host, &["setup", "aol-b", "--apply"]).ok();
    relay_limit(&host, &pause_quickly("aol-b", "aol.com")).ok();
    // The same mail, up to an earlier end: what Postfix answers is the longer one's text.
    let mut shorter = pause_quickly("aol-b", "aol.com");
    shorter
        .iter_mut()
        .filter(|arg| **arg == "2h")
        .for_each(|arg| *arg = "1h");
    let shorter = relay_limit(&host, &shorter);
    assert_eq!(shorter.code(), Some(0), "{shorter}");
    assert!(shorter.text().contains("; in force"), "{shorter}");

    // As a kill leaves the journal while Postfix is waited for.
    let in_force = || {
        String::from_utf8(host.read(JOURNAL))
            .unwrap()
            .matches("\"in_force\"")
            .count()
    };
    assert_eq!(in_force(), 2);
    host.sh(&format!("sed -i /in_force/d {JOURNAL}")).ok();
    let listed = relay_limit(&host, &["list"]).text();
    assert_eq!(
        listed.matches("not seen to be in force").count(),
        2,
        "{listed}"
    );
    // Whoever has ordered it may still wait for it.
    assert_eq!(relay_limit(&host, &["tick"]).text(), "");
    assert_eq!(in_force(), 0);
    aol_b.reload();
    let soon = host.sh("date -u -d '+30 minutes' +%FT%TZ").text();
    let soon = format!("--clock={}", soon.trim());
    host.wait_until(testkit::PATIENCE, "tick to see both in force", || {
        relay_limit(&host, &["tick", &soon]).ok();
        in_force() == 2
    });
    let check = relay_limit(&host, &["list", "--check"]);
    assert_eq!(check.code(), Some(0), "{check}");

    // The shorter one ends, and the mail is still paused.
    let lifted = relay_limit(&host, &["tick", &format!("--clock={}", later(&host, 90))]);
    assert!(
        lifted
            .text()
            .contains("some of its mail is still paused: aol-b-"),
        "{lifted}"
    );
    assert!(asked(&aol_b, "aol.com").starts_with("retry:"));
}

fn later(host: &testkit::Host, minutes: u32) -> String {
    let date = host.sh(&format!("date -u -d '+{minutes} minutes' +%FT%TZ"));
    date.text().trim().to_owned()
}

#[test]
fn an_instance_by_another_name_of_its_directory_is_the_same() {
    let host = host_or_skip!();
    let aol_b = stopped(&host);
    relay_limit(&host, &pause_quickly("aol-b", "aol.com")).ok();
    host.sh(
        "mkdir /etc/pf && mv /etc/postfix-aol-b /etc/pf/b && ln -s /etc/pf/b /etc/postfix-aol-b && \
         postconf -e multi_instance_directories=/etc/pf/b",
    )
    .ok();
    let check = relay_limit(&host, &["list", "--check"]);
    assert_eq!(check.code(), Some(0), "{check}");
    assert!(asked(&aol_b, "aol.com").starts_with("retry:"));
    let setup = relay_limit(&host, &["setup", "/etc/pf/b"]);
    assert_eq!(setup.code(), Some(0), "{setup}");
    let tick = relay_limit(&host, &["tick", &in_hours(&host, 3)]);
    assert_eq!(tick.code(), Some(0), "{tick}");
    assert!(
        tick.text().contains("ended in time: mail is taken again"),
        "{tick}"
    );
    assert_eq!(asked(&aol_b, "aol.com"), "");
}

#[test]
fn a_rate_holds_nothing_where_qmgr_has_its_own_setting() {
    let host = host_or_skip!();
    let aol_b = host.instance("postfix-aol-b").create();
    let set = |value: &str| {
        let setting = format!("qmgr/unix/smtp_transport_rate_delay={value}");
        aol_b.command("postconf").args(["-P", &setting]).run().ok();
    };
    let rate = ["rate", "aol-b", "600/h", "--yes"];
    set("0s");
    let refused = relay_limit(&host, &rate);
    assert_eq!(refused.code(), Some(2), "{refused}");
    assert!(
        refused.errors().contains("-o smtp_transport_rate_delay=0s"),
        "{refused}"
    );
    assert_eq!(
        relay_limit(&host, &["list"]).text(),
        "nothing is in force\n"
    );
    let remove = ["-PX", "qmgr/unix/smtp_transport_rate_delay"];
    aol_b.command("postconf").args(remove).run().ok();
    relay_limit(&host, &rate).ok();
    // And so it is where somebody adds one.
    set("1s");
    let listed = relay_limit(&host, &["list"]).text();
    assert!(
        listed.contains("CRITICAL") || listed.contains("UNKNOWN"),
        "{listed}"
    );
}
