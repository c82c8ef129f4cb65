//! Lines of a pause that is over, in a map that was away when it ended, or came back, or whose journal is lost: they
//! are reported, and tick removes them. None of these needs a Postfix that runs.

use testkit::{Host, Instance, host_or_skip};

use crate::crash::{asked, stopped};
use crate::hosts::{in_hours, pause_quickly, relay_limit};

/// It is reported as critical, and removed; then all is well.
fn found_and_removed(host: &Host, aol_b: &Instance, clock: &str) {
    assert!(asked(aol_b, "aol.com").starts_with("retry:"));
    let check = relay_limit(host, &["list", "--check", clock]);
    assert_eq!(check.code(), Some(2), "{check}");
    assert!(
        check.text().contains("relay-limit still pauses aol.com"),
        "{check}"
    );
    let tick = relay_limit(host, &["tick", clock]);
    assert!(
        tick.text()
            .contains("relay-limit: lines of pauses that are over"),
        "{tick}"
    );
    assert_eq!(asked(aol_b, "aol.com"), "", "{tick}");
    assert_eq!(asked(aol_b, "kept.example"), "smtp:[192.0.2.1]");
}

#[test]
fn what_no_limit_answers_for_is_removed_from_every_map() {
    let host = host_or_skip!();
    let aol_b = stopped(&host);
    let journal = "/var/lib/relay-tools/limits/journal.jsonl";
    host.write(
        "/etc/postfix-aol-b/relay-limit",
        "kept.example\tsmtp:[192.0.2.1]\n",
    );
    let now = in_hours(&host, 0);
    let later = in_hours(&host, 3);
    let pause = || relay_limit(&host, &pause_quickly("aol-b", "aol.com")).ok();

    // An old copy comes back, after the end.
    pause();
    host.sh("mkdir /run/old && cp -a /etc/postfix-aol-b/relay-limit* /run/old/")
        .ok();
    relay_limit(&host, &["lift", "aol-b", "--yes"]).ok();
    assert_eq!(relay_limit(&host, &["list", "--check"]).code(), Some(0));
    host.sh("cp -a /run/old/* /etc/postfix-aol-b/").ok();
    found_and_removed(&host, &aol_b, &now);
    assert_eq!(relay_limit(&host, &["list", "--check"]).code(), Some(0));
    // Only its index.
    host.sh("cp -a /run/old/relay-limit.db /etc/postfix-aol-b/")
        .ok();
    found_and_removed(&host, &aol_b, &now);

    // Beside a rate.
    relay_limit(&host, &["rate", "aol-b", "600/h", "--yes"]).ok();
    host.sh("cp -a /run/old/* /etc/postfix-aol-b/").ok();
    found_and_removed(&host, &aol_b, &now);
    relay_limit(&host, &["lift", "aol-b", "--yes"]).ok();

    // main.cf did not name the map when the pause ended, and does again.
    pause();
    let named = aol_b.postconf("transport_maps");
    aol_b.set("transport_maps", "");
    relay_limit(&host, &["tick", &later]);
    aol_b.set("transport_maps", &named);
    found_and_removed(&host, &aol_b, &later);

    // A line of the journal is damaged: until its end, it is what the map says.
    pause();
    host.sh(&format!("sed -i '$s/^.//' {journal}")).ok();
    let tick = relay_limit(&host, &["tick"]);
    assert_eq!(tick.code(), Some(1), "{tick}");
    assert!(asked(&aol_b, "aol.com").starts_with("retry:"));
    found_and_removed(&host, &aol_b, &later);

    // The journal is lost.
    host.sh(&format!("rm {journal}")).ok();
    pause();
    host.sh(&format!("rm {journal}")).ok();
    let check = relay_limit(&host, &["list", "--check"]);
    assert_eq!(check.code(), Some(1), "{check}");
    assert!(check.text().contains("is not in the journal"), "{check}");
    found_and_removed(&host, &aol_b, &later);

    // The instance has another name.
    pause();
    host.sh("mv /etc/postfix-aol-b /etc/postfix-aol-x").ok();
    let tick = relay_limit(&host, &["tick"]);
    assert!(tick.text().contains("the instance is gone"), "{tick}");
    // What main.cf names is still the old path.
    host.sh("mv /etc/postfix-aol-x /etc/postfix-aol-b").ok();
    found_and_removed(&host, &aol_b, &now);
    assert_eq!(relay_limit(&host, &["list", "--check"]).code(), Some(0));
}
