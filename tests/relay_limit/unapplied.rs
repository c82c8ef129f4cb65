//! A reload puts in force whatever main.cf and master.cf say. Where one of them was changed since the last, that may be
//! half of what somebody is about to do: nothing reloads Postfix then unasked, and what cannot begin or end without a
//! reload is not said to have.

use testkit::{Host, Instance, host_or_skip};

use crate::hosts::{in_hours, pause_quickly, relay_limit};
use crate::tables::{PATIENCE, said};

/// The queue managers: each reload ends them.
fn qmgr(aol_b: &Instance) -> Vec<u32> {
    let mut all = aol_b.processes();
    all.retain(|(_, name)| name == "qmgr");
    all.into_iter().map(|(pid, _)| pid).collect()
}

/// Somebody is at work, later than the reload before.
fn edit(host: &Host, script: &str) {
    let now = || -> u64 { host.sh("date +%s").text().trim().parse().unwrap() };
    let since = now();
    host.wait_until(PATIENCE, "two seconds to pass", || now() > since + 2);
    host.sh(script).ok();
}

/// As an editor leaves it that was told to write.
const HALF: &str = "echo 'mynetworks = 127.0.0.0/8' >>/etc/postfix-aol-b/main.cf";
const CHANGED: &str = "main.cf was changed since it was last reloaded; when that change is complete: postfix -c \
                       /etc/postfix-aol-b reload";

#[test]
fn a_rate_neither_begins_nor_ends_with_somebody_elses_unfinished_change() {
    let host = host_or_skip!();
    let aol_b = host.instance("postfix-aol-b").start();
    let order = ["rate", "aol-b", "600/h", "--for", "2h", "--yes"];
    let before = qmgr(&aol_b);
    edit(&host, HALF);
    let refused = relay_limit(&host, &order);
    assert_eq!(refused.code(), Some(2), "{refused}");
    assert!(refused.errors().contains(CHANGED), "{refused}");
    let planned = relay_limit(&host, &[&order[..5], &["--dry-run"]].concat());
    assert_eq!(planned.code(), Some(0), "{planned}");
    let note = planned.text();
    assert!(
        note.contains("note       refused as it is: ") && note.contains(CHANGED),
        "{note}"
    );
    let listed = relay_limit(&host, &["list"]).text();
    assert_eq!(listed, "nothing is in force\n");
    assert_eq!(aol_b.postconf("smtp_transport_rate_delay"), "0s");
    assert_eq!(qmgr(&aol_b), before);

    aol_b.reload();
    relay_limit(&host, &order).ok();
    assert_eq!(aol_b.postconf("smtp_transport_rate_delay"), "6s");
    let held = qmgr(&aol_b);
    edit(&host, HALF);
    // Put back in main.cf, so that the next reload ends it, whoever does it.
    for _ in 0..2 {
        let tick = relay_limit(&host, &["tick", &in_hours(&host, 3)]);
        assert_eq!((tick.code(), tick.text().as_str()), (Some(1), ""), "{tick}");
        assert!(tick.errors().contains(CHANGED), "{tick}");
        assert_eq!(aol_b.postconf("smtp_transport_rate_delay"), "0s");
        assert_eq!(qmgr(&aol_b), held);
    }
    let check = relay_limit(&host, &["list", "--check", &in_hours(&host, 4)]);
    assert_eq!(check.code(), Some(2), "{check}");
    assert!(check.text().contains(CHANGED), "{check}");

    aol_b.reload();
    let tick = relay_limit(&host, &["tick", &in_hours(&host, 3)]);
    assert_eq!(tick.code(), Some(0), "{tick}");
    assert!(
        tick.text().contains("no longer slowed down to 600/h"),
        "{tick}"
    );
    let listed = relay_limit(&host, &["list"]).text();
    assert_eq!(listed, "nothing is in force\n");
}

#[test]
fn a_map_of_patterns_is_neither_put_in_force_nor_taken_out_with_it() {
    let host = host_or_skip!();
    let sink = host.sink();
    let aol_b = host.instance("postfix-aol-b").relay_to(&sink).start();
    relay_limit(&host, &["setup", "aol-b", "--patterns", "--apply"]).ok();
    // A trivial-rewrite runs, and goes by the map as it is.
    assert!(said(&host, &aol_b, "joe@aol.com").starts_with("250 "));
    let before = qmgr(&aol_b);
    edit(&host, HALF);
    let paused = relay_limit(&host, &pause_quickly("aol-b", "aol.com"));
    assert_eq!(paused.code(), Some(1), "{paused}");
    assert!(
        paused.text().contains("; NOT known to be in force"),
        "{paused}"
    );
    assert!(paused.errors().contains(CHANGED), "{paused}");
    assert_eq!(qmgr(&aol_b), before);
    assert!(said(&host, &aol_b, "joe@aol.com").starts_with("250 "));
    let check = relay_limit(&host, &["list", "--check"]);
    assert_ne!(check.code(), Some(0), "{check}");

    // Whoever asks for it gets it.
    relay_limit(
        &host,
        &[&pause_quickly("aol-b", "aol.com")[..], &["--reload"]].concat(),
    )
    .ok();
    let held = qmgr(&aol_b);
    edit(&host, HALF);
    let lifted = relay_limit(&host, &["lift", "aol-b", "--yes"]);
    assert_eq!(
        (lifted.code(), lifted.text().as_str()),
        (Some(1), ""),
        "{lifted}"
    );
    assert!(lifted.errors().contains(CHANGED), "{lifted}");
    assert_eq!(qmgr(&aol_b), held);
    assert!(said(&host, &aol_b, "joe@aol.com").starts_with("450 "));
    let check = relay_limit(&host, &["list", "--check", &in_hours(&host, 1)]);
    assert_eq!(check.code(), Some(2), "{check}");
    assert!(check.text().contains(CHANGED), "{check}");

    aol_b.reload();
    let tick = relay_limit(&host, &["tick"]);
    assert_eq!(tick.code(), Some(0), "{tick}");
    assert_eq!(
        tick.text().matches("lifted: mail is taken again").count(),
        2,
        "{tick}"
    );
    assert!(said(&host, &aol_b, "joe@aol.com").starts_with("250 "));
}
