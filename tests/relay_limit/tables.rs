//! Other tables that Postfix asks before ours: entries for whole addresses, and patterns.

use testkit::{Host, Instance, host_or_skip};

use crate::hosts::{pause_quickly, relay_limit};

/// More than an smtpd remembers, on a machine that is busy.
pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(180);

/// What the instance's smtpd says to mail for this recipient.
pub(crate) fn said(host: &Host, aol_b: &Instance, recipient: &str) -> String {
    let (ip, port) = (aol_b.address().ip(), aol_b.address().port());
    let script = format!(
        "exec 3<>/dev/tcp/{ip}/{port}; read -u3 l; printf 'HELO a\\r\\n' >&3; read -u3 l; \
        printf 'MAIL FROM:<>\\r\\n' >&3; read -u3 l; printf 'RCPT TO:<{recipient}>\\r\\n' >&3; read -u3 l; echo \"$l\""
    );
    host.command("bash").args(["-c", &script]).run().text()
}

#[test]
fn entries_for_whole_addresses_are_paused_by_name() {
    let host = host_or_skip!();
    let sink = host.sink();
    let aol_b = host.instance("postfix-aol-b").relay_to(&sink).start();
    let map = "/etc/postfix-aol-b/transport";
    host.write(
        map,
        format!("vip@aol.com smtp:{0}\naol.com smtp:{0}\n", sink.nexthop()),
    );
    aol_b
        .command("postmap")
        .arg(format!("hash:{map}"))
        .run()
        .ok();
    aol_b.set("transport_maps", &format!("hash:{map}"));
    aol_b.reload();
    relay_limit(&host, &["setup", "aol-b", "--apply"]).ok();
    let transport_maps = aol_b.postconf("transport_maps");
    assert_eq!(
        transport_maps,
        format!("hash:/etc/postfix-aol-b/relay-limit, hash:{map}")
    );
    for recipient in ["vip@aol.com", "joe@aol.com"] {
        assert!(
            said(&host, &aol_b, recipient).starts_with("250 "),
            "{recipient}"
        );
    }
    let paused = relay_limit(
        &host,
        &[&pause_quickly("aol-b", "aol.com")[..], &["--reload"]].concat(),
    );
    assert_eq!(paused.code(), Some(0), "{paused}");
    for recipient in ["vip@aol.com", "VIP@AOL.com", "joe@aol.com"] {
        let said = said(&host, &aol_b, recipient);
        assert!(said.starts_with("450 4.7.0 "), "{recipient}: {said}");
    }
    assert!(said(&host, &aol_b, "joe@example.net").starts_with("250 "));
    // It says so when Postfix takes the mail again, and not before.
    relay_limit(&host, &["lift", "aol-b", "--yes", "--flush"]).ok();
    for recipient in ["vip@aol.com", "joe@aol.com"] {
        let said = said(&host, &aol_b, recipient);
        assert!(said.starts_with("250 "), "{recipient}: {said}");
    }
}

#[test]
fn a_table_of_patterns_that_comes_later_makes_ours_one() {
    let host = host_or_skip!();
    let sink = host.sink();
    let aol_b = host.instance("postfix-aol-b").relay_to(&sink).start();
    relay_limit(&host, &["setup", "aol-b", "--apply"]).ok();
    let table = "regexp:/etc/postfix-aol-b/patterns";
    host.write(
        "/etc/postfix-aol-b/patterns",
        format!("/^vip@/ smtp:{}\n", sink.nexthop()),
    );
    let ours = "/etc/postfix-aol-b/relay-limit";
    aol_b.set("transport_maps", &format!("hash:{ours}, {table}"));
    aol_b.reload();
    // It would take vip@aol.com: the pause is refused, and the command that helps is beside it.
    let refused = relay_limit(&host, &pause_quickly("aol-b", "aol.com"));
    assert_eq!(refused.code(), Some(2), "{refused}");
    let setup = relay_limit(&host, &["setup", "aol-b"]);
    assert!(
        setup
            .text()
            .contains("relay-limit setup postfix-aol-b --patterns --apply"),
        "{setup}"
    );

    // A line by hand is a key, and no pattern.
    host.write(ours, "kept.example\tsmtp:[192.0.2.1]\n");
    let by_hand = relay_limit(&host, &["setup", "aol-b", "--patterns", "--apply"]);
    assert_eq!(by_hand.code(), Some(2), "{by_hand}");
    assert!(by_hand.errors().contains("kept.example"), "{by_hand}");
    assert_eq!(
        aol_b.postconf("transport_maps"),
        format!("hash:{ours}, {table}")
    );
    host.write(ours, "");
    relay_limit(&host, &["setup", "aol-b", "--patterns", "--apply"]).ok();
    assert_eq!(
        aol_b.postconf("transport_maps"),
        format!("regexp:{ours}, {table}")
    );
    let paused = relay_limit(&host, &pause_quickly("aol-b", "aol.com"));
    assert_eq!(paused.code(), Some(0), "{paused}");
    for recipient in ["vip@aol.com", "joe@aol.com"] {
        let said = said(&host, &aol_b, recipient);
        assert!(said.starts_with("450 4.7.0 "), "{recipient}: {said}");
    }
    assert!(said(&host, &aol_b, "vip@example.net").starts_with("250 "));
}

#[test]
fn before_a_table_of_patterns_ours_is_one() {
    let host = host_or_skip!();
    let sink = host.sink();
    let aol_b = host.instance("postfix-aol-b").relay_to(&sink).start();
    let table = "regexp:/etc/postfix-aol-b/patterns";
    host.write(
        "/etc/postfix-aol-b/patterns",
        format!("/^vip@/ smtp:{}\n", sink.nexthop()),
    );
    aol_b.set("transport_maps", table);
    aol_b.reload();
    let setup = relay_limit(&host, &["setup", "aol-b", "--apply"]);
    assert_eq!(setup.code(), Some(1), "{setup}");
    assert!(
        setup
            .text()
            .contains("setup postfix-aol-b --patterns --apply"),
        "{setup}"
    );
    // What setup calls not ready is not paused: vip@aol.com would be taken.
    let refused = relay_limit(&host, &pause_quickly("aol-b", "aol.com"));
    assert_eq!(refused.code(), Some(2), "{refused}");

    // Nothing is in the way of that.
    assert_eq!(aol_b.postconf("transport_maps"), table);
    relay_limit(&host, &["setup", "aol-b", "--patterns", "--apply"]).ok();
    assert_eq!(
        aol_b.postconf("transport_maps"),
        format!("regexp:/etc/postfix-aol-b/relay-limit, {table}")
    );
    let paused = relay_limit(&host, &pause_quickly("aol-b", "aol.com"));
    assert_eq!(paused.code(), Some(0), "{paused}");
    for recipient in ["vip@aol.com", "joe@aol.com"] {
        let said = said(&host, &aol_b, recipient);
        assert!(said.starts_with("450 4.7.0 "), "{recipient}: {said}");
    }
    for recipient in ["joe@notaol.com", "joe@sub.aol.com", "vip@example.net"] {
        assert!(
            said(&host, &aol_b, recipient).starts_with("250 "),
            "{recipient}"
        );
    }
    relay_limit(&host, &["lift", "aol-b", "--yes"]).ok();
    // The master reads its signal when it comes to it.
    host.wait_until(PATIENCE, "mail to be taken again", || {
        said(&host, &aol_b, "vip@aol.com").starts_with("250 ")
    });
}
