//! --root: plans for another host, by its image. They are right, and nothing of it is changed.

use std::path::Path;

use testkit::{Host, Ran, host_or_skip};

use crate::hosts::relay_limit;

const IMAGE: &str = "/run/image";

/// The time of the image's log: eight in the morning there.
const CLOCK: &str = "--clock=2026-09-19T12:00:00Z";

const NO_DNS: [&str; 2] = ["--resolver=127.0.0.1:9", "--timeout=1s"];

/// Sums of all files of the image, with modes and owners.
fn sums(host: &Host) -> String {
    let all = "cd /run/image && find . -printf '%p %m %U %G %s %l\n' | sort && find . -type f | sort | xargs sha256sum";
    host.sh(all).ok().text()
}

/// The bundled image, its relays for AOL as setup would leave them.
fn image(host: &Host) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rustin");
    let script = format!(
        "cp -a {} {IMAGE} && bash {IMAGE}/restore
        for name in aol-a aol-b; do
            cd {IMAGE}/etc/postfix-$name
            echo \"transport_maps = hash:/etc/postfix-$name/relay-limit\" >>main.cf
            cp /etc/postfix/master.cf . && : >relay-limit && postmap hash:relay-limit
        done",
        from.display()
    );
    host.sh(&script).ok();
}

fn limit(host: &Host, args: &[&str]) -> Ran {
    relay_limit(host, &[&["--root", IMAGE], args, &[CLOCK]].concat())
}

#[test]
fn plans_are_right_and_change_nothing() {
    let host = host_or_skip!();
    image(&host);
    let before = sums(&host);

    let ready = limit(&host, &["setup", "aol-*"]);
    assert_eq!(ready.code(), Some(0), "{ready}");
    assert_eq!(
        ready.text().matches("ready to be paused").count(),
        2,
        "{ready}"
    );
    let missing = limit(&host, &["setup", "msn-a"]);
    assert_eq!(missing.code(), Some(1), "{missing}");
    let add =
        "postconf -c /etc/postfix-msn-a -e 'transport_maps = hash:/etc/postfix-msn-a/relay-limit'";
    assert!(missing.text().contains(add), "{missing}");

    // What waits there: queue files of the image, but for what is held.
    let spool = "find /run/image/var/spool/postfix-aol-b/deferred -type f | wc -l";
    let waiting = host.sh(spool).text();
    let pause = [&["pause", "aol-b", "--for", "4h", "--dry-run"][..], &NO_DNS].concat();
    let plan = limit(&host, &pause);
    // What aol-a sent and did not of AOL's in the hour is counted by hand; some lines look like more.
    assert_eq!(plan.code(), Some(0), "{plan}");
    for line in [
        "pause postfix-aol-b: all mail",
        "  until      2026-09-19 12:00 -0400 (4h)",
        &format!("  waiting    {} messages stay", waiting.trim()),
        "  sibling    postfix-aol-a: may take mail: --root: whether it runs is not known; last hour: ",
        "; last hour: 26 sent, 2 not; 2 deferred",
        "  elsewhere  not known: aol.smtp.mayfirst.example: no DNS server is answering",
        "  note       refused on the host itself if no sibling runs there",
    ] {
        assert!(plan.text().contains(line), "{line}: {plan}");
    }
    let rate = limit(
        &host,
        &["rate", "aol-b", "600/h", "--for", "2d", "--dry-run"],
    );
    assert_eq!(rate.code(), Some(0), "{rate}");
    assert!(
        rate.text()
            .contains("until      2026-09-21 08:00 -0400 (2d)"),
        "{rate}"
    );
    assert!(
        rate.text()
            .contains("smtp_transport_rate_delay = 6s (now: not set)"),
        "{rate}"
    );

    let out = [&["out", "aol-b", "--for", "4h", "--dry-run"][..], &NO_DNS].concat();
    let out = limit(&host, &out);
    assert_eq!(out.code(), Some(0), "{out}");
    for step in ["1. zone: ", "2. pause ", "3. ", "4. watch "] {
        assert!(out.text().contains(step), "{step}: {out}");
    }
    // Its DNS was not seen to be in order.
    let back = [&["in", "aol-b", "--dry-run"][..], &NO_DNS].concat();
    let back = limit(&host, &back);
    assert_eq!(back.code(), Some(2), "{back}");
    assert!(back.errors().contains("postfix-aol-b stays out"), "{back}");

    // A past day, by rules that are tried out: nobody was refused so often.
    host.write(
        "/run/rules.toml",
        "[[rule]]\nclass = 'blocked'\nat_least = 1\nwithin = '1h'\ndo = 'pause'\nfor = '2h'\n",
    );
    let day = "2026-09-18";
    let replay = [
        "react",
        "--dry-run",
        "--rules",
        "/run/rules.toml",
        "--date",
        day,
    ];
    let replay = limit(&host, &replay);
    assert!(matches!(replay.code(), Some(0 | 1)), "{replay}");
    assert!(
        replay
            .text()
            .starts_with("2026-09-18 00:00 -0400 to 2026-09-19 00:00 -0400: "),
        "{replay}"
    );

    let list = limit(&host, &["list"]);
    assert_eq!(
        (list.code(), list.text().as_str()),
        (Some(0), "nothing is in force\n"),
        "{list}"
    );
    let check = limit(&host, &["list", "--check"]);
    assert_eq!(check.code(), Some(0), "{check}");
    let table = limit(&host, &["filter", "aol-b"]);
    assert!(
        table
            .text()
            .contains("regexp:/etc/postfix-aol-b/relay-limit-filter"),
        "{table}"
    );
    assert_eq!(sums(&host), before);
}

#[test]
fn what_would_change_another_host_is_refused_in_a_line() {
    let host = host_or_skip!();
    image(&host);
    let before = sums(&host);
    let orders: [&[&str]; 8] = [
        &["setup", "aol-b", "--apply"],
        &["pause", "aol-b", "--for", "4h", "--yes"],
        &["rate", "aol-b", "600/h", "--yes"],
        &["lift", "aol-b", "--yes"],
        &["out", "aol-b", "--for", "4h", "--yes"],
        &["in", "aol-b", "--yes"],
        &["react"],
        &["tick"],
    ];
    for order in orders {
        let ran = limit(&host, order);
        assert_eq!((ran.code(), ran.text().as_str()), (Some(2), ""), "{ran}");
        let errors = ran.errors();
        let lines: Vec<&str> = errors.lines().collect();
        assert_eq!(lines.len(), 2, "{ran}");
        assert_eq!(
            lines[0],
            "relay-limit: --root: another host's Postfix cannot be changed from here"
        );
        assert!(lines[1].starts_with("hint: "), "{ran}");
    }
    assert_eq!(sums(&host), before);
}
