//! An instance taken out of use, and brought back: each step seen on real Postfix and a real zone.

use std::time::Duration;

use testkit::{Answer, Mail, host_or_skip};

use crate::hosts::{Site, in_hours};

/// `if removed at …, resolvers hold it until … (TTL 600 s)`
#[track_caller]
fn held_until(said: &str) -> String {
    let start = said.find("if removed at ").unwrap();
    said[start..].lines().next().unwrap().to_owned()
}

#[test]
fn out_moves_what_waits_and_in_brings_it_back() {
    let site = Site::start(host_or_skip!());
    // What is stuck stays where it is until somebody does something.
    site.b.set("minimal_backoff_time", "300s");
    site.b.reload();
    site.block_b();
    site.send("before", 20);
    site.host
        .wait_until(Duration::from_secs(180), "all to be tried", || {
            let stuck = site.b.count("deferred");
            stuck > 0 && site.served("before").len() + stuck == 20
        });
    let out = |more: &[&str]| {
        let args = ["out", "aol-b", "--for", "2h", "--reason", "TSS04"];
        site.limit(&[&args, more].concat())
    };
    let zone = "aol.smtp.example.org. 600 IN A 127.0.0.12";

    let planned = out(&["--dry-run"]);
    assert_eq!(planned.code(), Some(0), "{planned}");
    for part in [
        zone,
        "(TTL 600 s)",
        "move what waits to postfix-aol-a: last hour",
    ] {
        assert!(planned.text().contains(part), "{part}: {planned}");
    }
    assert_eq!(site.limit(&["list"]).text(), "nothing is in force\n");
    // Never to another provider's.
    let other = out(&["--to", "lists", "--dry-run"]);
    assert_eq!(other.code(), Some(2), "{other}");

    let done = out(&["--yes", "--watch", "150s"]);
    assert_eq!(done.code(), Some(0), "{done}");
    for part in [
        zone,
        "all mail, until ",
        "; in force",
        "moved to postfix-aol-a",
        "quiet since",
    ] {
        assert!(done.text().contains(part), "{part}: {done}");
    }
    site.host
        .wait_until(Duration::from_secs(180), "all to arrive", || {
            site.served("before").len() == 20
        });
    assert!(
        site.served("before")
            .values()
            .all(|by| by == &["127.0.0.11"])
    );
    let history = site.limit(&["history"]).text();
    assert!(history.contains("  moved to postfix-aol-a"), "{history}");
    assert!(history.contains("by relay-limit out"), "{history}");

    // Somebody still comes.
    let connect = "exec 3<>/dev/tcp/127.0.0.12/25; read -u3 l; printf 'QUIT\\r\\n' >&3; read -u3 l; sleep 1; done";
    let script = format!("while [ ! -e /run/enough ]; do {connect}");
    let client = site.host.command("bash").args(["-c", &script]).spawn();
    let busy = out(&["--yes", "--watch", "5s"]);
    site.host.write("/run/enough", "");
    client.wait(Duration::from_secs(60)).ok();
    assert_eq!(busy.code(), Some(1), "{busy}");
    let line = busy.text();
    let line = line
        .lines()
        .find(|line| line.contains("still connects"))
        .unwrap();
    assert!(line.trim_start().starts_with("quiet since "), "{line}");
    assert!(
        line.contains(": its resolver holds the name until "),
        "{line}"
    );

    // The journal has what is to be removed, and until when resolvers hold it, as it was said first.
    let held = held_until(&done.text());
    let history = site.limit(&["history"]).text();
    let removed = format!("  zone: to remove, by hand: {zone}");
    assert!(history.contains(&removed), "{history}");
    assert_eq!(held_until(&history), held, "{history}");
    assert_eq!(held_until(&busy.text()), held, "{busy}");
    let line = line.rsplit(" until ").next();
    assert_eq!(
        line,
        held.split(" until ").nth(1).unwrap().split(" (").next()
    );

    // Again, as after an interruption: it is not paused twice.
    let again = out(&["--dry-run"]);
    assert!(
        again.text().contains("2. paused already (aol-b-"),
        "{again}"
    );
    assert_eq!(held_until(&again.text()), held, "{again}");
    assert!(!again.text().contains("NOT done"), "{again}");
    let hours_later = in_hours(&site.host, 1);
    let late = out(&["--dry-run", &hours_later]);
    let not_done = "NOT done: aol.smtp.example.org still lists it; once it is removed, resolvers hold it for 600 s more";
    assert!(late.text().contains(not_done), "{late}");

    // Its HELO name is in no zone: it stays out, unless somebody knows better.
    site.provider.on_rcpt(|_| Answer::ok());
    let held_back = site.limit(&["in", "aol-b", "--yes"]);
    assert_eq!(held_back.code(), Some(2), "{held_back}");
    assert!(held_back.errors().contains("stays out"), "{held_back}");
    let back = site.limit(&["in", "aol-b", "--anyway", "--yes"]);
    assert_eq!(back.code(), Some(0), "{back}");
    assert!(
        back.errors().contains("aol.smtp.example.org lists it"),
        "{back}"
    );
    assert!(
        back.text().contains("lifted: mail is taken again"),
        "{back}"
    );
    assert_eq!(site.limit(&["list"]).text(), "nothing is in force\n");
}

/// The sibling is refused too: that costs one canary, and not one for each round, and all of it is said.
#[test]
fn a_canary_that_is_returned_ends_the_move() {
    let site = Site::start(host_or_skip!());
    site.b.set("minimal_backoff_time", "3000s");
    site.b.reload();
    site.block_b();
    let mail = |n| Mail::new("news@lists.example.org", &format!("n{n}@aol.com"));
    site.b.submit((0..25).map(mail));
    site.b.wait_for("deferred", 25);
    site.b.wait_idle();
    site.provider.on_rcpt(|_| Answer::no_such_user());
    let out = || {
        site.limit(&[
            "out", "aol-b", "--for", "2h", "--watch", "0s", "--yes", "--to", "aol-a",
        ])
    };
    let stopped = out();
    assert_eq!(stopped.code(), Some(1), "{stopped}");
    let told = stopped.text();
    assert!(
        told.contains("moved to postfix-aol-a: 5 messages (so far 5 returned to their senders"),
        "{stopped}"
    );
    assert!(told.contains("20 not moved: "), "{stopped}");
    assert_eq!(site.b.count("deferred"), 20, "{stopped}");
    // Now it is well: what was moved is counted, whatever a last look finds.
    site.provider.on_rcpt(|_| Answer::ok());
    let moved = out();
    assert!(
        moved.text().contains("moved to postfix-aol-a: 20 messages"),
        "{moved}"
    );
    site.host
        .wait_until(Duration::from_secs(180), "all to arrive", || {
            site.provider.deliveries().len() >= 20
        });
    assert_eq!(site.b.count("deferred"), 0);
    let history = site.limit(&["history"]).text();
    assert!(
        history.contains("moved to postfix-aol-a: 5 messages (so far 5 returned"),
        "{history}"
    );

    // In a log that nobody writes to, nobody comes.
    site.host.sh("kill -9 $(cat /run/testkit/rsyslog.pid)").ok();
    let blind = out();
    assert_eq!(blind.code(), Some(1), "{blind}");
    let unseen = "who connects was not seen: a connection of our own is not in its log: is the syslog daemon running?";
    assert!(blind.text().contains(unseen), "{blind}");
}
