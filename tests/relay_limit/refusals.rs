//! Who may not, where it would not hold, and where others could lead it: a line that says so, and nothing changed.

use testkit::host_or_skip;

use crate::TOOL;
use crate::hosts::{pause_quickly, relay_limit};

#[test]
fn without_root_it_is_one_line() {
    let host = host_or_skip!();
    let aol_b = host.instance("postfix-aol-b").start();
    relay_limit(&host, &["setup", "aol-b", "--apply"]).ok();
    let before = host.read("/etc/postfix-aol-b/relay-limit");
    let orders: [&[&str]; 8] = [
        &pause_quickly("aol-b", "aol.com"),
        &["rate", "aol-b", "600/h", "--yes"],
        &["lift", "aol-b", "--yes"],
        &["tick"],
        &["setup", "aol-b", "--apply"],
        &["out", "aol-b", "--for", "4h", "--yes"],
        &["in", "aol-b", "--yes"],
        &["react"],
    ];
    for order in orders {
        let ran = host.command(TOOL).args(order).user("nobody").run();
        assert_eq!(ran.code(), Some(2), "{ran}");
        assert!(ran.errors().contains("only root may change"), "{ran}");
        assert!(ran.errors().lines().count() <= 2, "{ran}");
    }
    assert_eq!(host.read("/etc/postfix-aol-b/relay-limit"), before);
    let listed = host.command(TOOL).arg("list").user("nobody").run();
    assert_eq!(
        (listed.code(), listed.text().as_str()),
        (Some(0), "nothing is in force\n"),
        "{listed}"
    );
    drop(aol_b);
}

#[test]
fn nothing_is_written_where_others_could_lead_it() {
    let host = host_or_skip!();
    let _aol_b = host.instance("postfix-aol-b").start();
    relay_limit(&host, &["setup", "aol-b", "--apply"]).ok();
    let pause = pause_quickly("aol-b", "aol.com");

    // A configuration directory that a stranger owns.
    host.sh("chown nobody /etc/postfix-aol-b").ok();
    for order in [&pause[..], &["rate", "aol-b", "600/h", "--yes"]] {
        let ran = relay_limit(&host, order);
        assert_eq!(ran.code(), Some(2), "{ran}");
        assert!(ran.errors().contains("others than root"), "{ran}");
    }
    let main_cf = String::from_utf8(host.read("/etc/postfix-aol-b/main.cf")).unwrap();
    assert!(!main_cf.contains("rate_delay"), "{main_cf}");
    host.sh("chown root /etc/postfix-aol-b").ok();
    assert_eq!(relay_limit(&host, &["list", "--check"]).code(), Some(0));

    // A map that is a link.
    host.sh("mv /etc/postfix-aol-b/relay-limit /root/map && ln -s /root/map /etc/postfix-aol-b/relay-limit").ok();
    let ran = relay_limit(&host, &pause);
    assert_eq!(ran.code(), Some(2), "{ran}");
    host.sh("rm /etc/postfix-aol-b/relay-limit && mv /root/map /etc/postfix-aol-b/relay-limit")
        .ok();

    // A journal that leads elsewhere.
    host.sh("rm -r /var/lib/relay-tools/limits && ln -s /etc/cron.d /var/lib/relay-tools/limits")
        .ok();
    let before = host.sh("ls -A /etc/cron.d").text();
    let ran = relay_limit(&host, &pause);
    assert_eq!(ran.code(), Some(2), "{ran}");
    assert!(ran.errors().contains("is a link"), "{ran}");
    assert_eq!(host.sh("ls -A /etc/cron.d").text(), before);
}

#[test]
fn an_instance_that_is_not_set_up_is_not_paused() {
    let host = host_or_skip!();
    let _aol_b = host.instance("postfix-aol-b").start();
    let ran = relay_limit(&host, &pause_quickly("aol-b", "aol.com"));
    assert_eq!(ran.code(), Some(2), "{ran}");
    assert!(
        ran.errors()
            .contains("relay-limit setup postfix-aol-b --apply"),
        "{ran}"
    );
    let setup = relay_limit(&host, &["setup", "aol-b"]);
    assert_eq!(setup.code(), Some(1), "{setup}");
    assert!(
        setup.text().contains("postconf -c /etc/postfix-aol-b -e "),
        "{setup}"
    );
    for bad in [
        &["pause", "aol-b", "--last", "--yes"][..],
        &["pause", "aol-b", "--for", "0s", "--last", "--yes"],
        &["pause", "aol-b", "--until", "yesterday", "--last", "--yes"],
        &["pause", "aol-z", "--for", "1h", "--yes"],
        &["rate", "aol-b", "0/h", "--yes"],
        &["rate", "aol-b", "7200/h", "--yes"],
        &["lift", "aol-b", "--yes"],
    ] {
        let ran = relay_limit(&host, bad);
        assert_eq!(ran.code(), Some(2), "{bad:?} {ran}");
        assert!(!ran.errors().contains("panicked"), "{ran}");
    }
}

#[test]
fn a_provider_is_not_left_without_an_address() {
    let host = host_or_skip!();
    let _aol_b = host.instance("postfix-aol-b").start();
    relay_limit(&host, &["setup", "aol-b", "--apply"]).ok();
    let pause: Vec<&str> = pause_quickly("aol-b", "aol.com")
        .into_iter()
        .filter(|word| *word != "--last")
        .collect();
    let ran = relay_limit(&host, &pause);
    assert_eq!(ran.code(), Some(2), "{ran}");
    assert!(ran.errors().contains("--last"), "{ran}");
}

/// Of an image, and not of the host that this runs on.
#[test]
fn an_image_is_looked_at_as_an_image() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/rustin");
    // Nobody answers there.
    let resolver = ["--resolver", "127.0.0.1:1", "--timeout", "1"];
    let args = ["--root", root, "in", "aol-b", "--dry-run"];
    let ran = testkit::tools::run("relay-limit", [&args[..], &resolver].concat());
    assert_eq!(ran.status, Some(2), "{}", ran.err);
    let begins = "relay-limit: postfix-aol-b stays out: aol-b.mayfirst.example: ";
    assert!(ran.err.starts_with(begins), "{}", ran.err);
}
