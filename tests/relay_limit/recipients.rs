//! Recipients that smtpd accepts unseen, since a table of aliases or canonical addresses has them: refused while their
//! mail is paused, or named as not refused.

use testkit::{Host, Instance, host_or_skip};

use crate::hosts::{in_hours, pause_quickly, relay_limit};
use crate::tables::{PATIENCE, said};

const ACCESS: &str = "/etc/postfix-aol-b/relay-limit-access";

/// They lead to aol.com, or a copy of their mail does.
const LED: [&str; 4] = [
    "info@lists.example.org",
    "all@lists.example.org",
    "chain@lists.example.org",
    "anybody@old.example",
];

fn table(aol_b: &Instance, parameter: &str, text: &str) {
    let path = format!("/etc/postfix-aol-b/{parameter}");
    aol_b.host().write(&path, text);
    let map = format!("hash:{path}");
    aol_b.command("postmap").arg(&map).run().ok();
    aol_b.set(parameter, &map);
}

fn are_refused(host: &Host, aol_b: &Instance, recipients: &[&str]) {
    for recipient in recipients {
        let said = said(host, aol_b, recipient);
        assert!(said.starts_with("450 4.7.0 "), "{recipient}: {said}");
        assert!(said.contains("paused by relay-limit"), "{said}");
    }
}

#[test]
fn what_leads_to_paused_mail_is_refused_or_named() {
    let host = host_or_skip!();
    let sink = host.sink();
    let aol_b = host.instance("postfix-aol-b").relay_to(&sink).start();
    relay_limit(&host, &["setup", "aol-b", "--apply"]).ok();
    let restrictions = "smtpd_recipient_restrictions";
    assert_eq!(aol_b.postconf(restrictions), "", "nothing needs it yet");
    table(
        &aol_b,
        "virtual_alias_maps",
        "info@lists.example.org joe@aol.com\nall@lists.example.org joe@aol.com, joe@gmail.com\n\
         chain@lists.example.org info@lists.example.org\nother@lists.example.org joe@gmail.com\n\
         away@aol.com joe@gmail.com\n",
    );
    table(&aol_b, "canonical_maps", "@old.example @aol.com\n");
    aol_b.reload();
    let pause = || {
        let args = [&pause_quickly("aol-b", "aol.com")[..], &["--reload"]].concat();
        relay_limit(&host, &args)
    };

    // Nothing refuses them yet: they are named, and the pause is not said to hold for them.
    let paused = pause();
    assert_eq!(paused.code(), Some(1), "{paused}");
    assert!(
        paused
            .text()
            .contains("; in force, but not for all of its mail\n"),
        "{paused}"
    );
    let named = "still accepts all@lists.example.org, chain@lists.example.org, info@lists.example.org and 1 more";
    assert!(paused.errors().contains(named), "{paused}");
    assert!(said(&host, &aol_b, LED[0]).starts_with("250 "));
    are_refused(&host, &aol_b, &["joe@aol.com"]);
    let check = relay_limit(&host, &["list", "--check"]);
    assert_eq!(check.code(), Some(1), "{check}");
    assert!(check.text().contains(named), "{check}");

    // The pause that holds already goes into the new table, too. What stands in main.cf stays.
    let own = "permit_mynetworks, reject_unauth_destination";
    aol_b.set(restrictions, own);
    let setup = relay_limit(&host, &["setup", "aol-b", "--apply"]);
    assert_eq!(setup.code(), Some(0), "{setup}");
    assert_eq!(
        aol_b.postconf(restrictions),
        format!("check_recipient_access hash:{ACCESS}, {own}")
    );
    host.wait_until(PATIENCE, "all to be refused", || {
        LED.iter()
            .all(|one| said(&host, &aol_b, one).starts_with("450 "))
    });
    are_refused(&host, &aol_b, &LED);
    let others = ["other@lists.example.org", "away@aol.com"];
    for recipient in others {
        assert!(
            said(&host, &aol_b, recipient).starts_with("250 "),
            "{recipient}"
        );
    }
    let check = relay_limit(&host, &["list", "--check"]);
    assert_eq!(check.code(), Some(0), "{check}");
    relay_limit(&host, &["lift", "aol-b", "--yes"]).ok();
    host.wait_until(PATIENCE, "all to be accepted", || {
        let mut all = LED.iter().chain(&["joe@aol.com"]);
        all.all(|one| said(&host, &aol_b, one).starts_with("250 "))
    });

    // A pause from its order to its end, and a table that cannot be listed beside it.
    let paused = pause();
    assert_eq!(paused.code(), Some(0), "{paused}");
    assert!(paused.text().contains("; in force\n"), "{paused}");
    are_refused(&host, &aol_b, &LED);
    let patterns = "/etc/postfix-aol-b/patterns";
    host.write(
        patterns,
        "/^(vip.*)@aol\\.com$/ ${1}@aol.com\n/^x@away\\.example$/ joe@aol.com\n",
    );
    let maps = aol_b.postconf("virtual_alias_maps");
    aol_b.set("virtual_alias_maps", &format!("{maps}, regexp:{patterns}"));
    aol_b.reload();
    relay_limit(&host, &["tick"]).ok();
    host.wait_until(PATIENCE, "the domain's own to be refused", || {
        said(&host, &aol_b, "vip1@aol.com").starts_with("450 ")
    });
    let check = relay_limit(&host, &["list", "--check"]);
    assert_eq!(check.code(), Some(1), "{check}");
    let gap = format!("regexp:{patterns} leads here from other domains: it cannot be listed");
    assert!(check.text().contains(&gap), "{check}");
    assert!(said(&host, &aol_b, "x@away.example").starts_with("250 "));

    // It ends in both tables, also where transport_maps does not name ours any more, and smtpd asks ours too late.
    aol_b.set("transport_maps", "");
    let late = format!("permit_mynetworks, check_recipient_access hash:{ACCESS}");
    aol_b.set(restrictions, &late);
    relay_limit(&host, &["tick", &in_hours(&host, 3)]);
    assert!(
        !String::from_utf8(host.read(ACCESS))
            .unwrap()
            .contains("450")
    );
    host.wait_until(PATIENCE, "all to be accepted", || {
        LED.iter()
            .all(|one| said(&host, &aol_b, one).starts_with("250 "))
    });
}

#[test]
fn lines_that_are_not_utf_8_are_kept_and_change_nothing() {
    let host = host_or_skip!();
    let sink = host.sink();
    let _aol_b = host.instance("postfix-aol-b").relay_to(&sink).start();
    relay_limit(&host, &["setup", "aol-b", "--apply"]).ok();
    let ours = "/etc/postfix-aol-b/relay-limit";
    let by_hand = b"j\xf6rg@aol.com\tsmtp:[192.0.2.1]\nJ\xc3\x96RG@example.net smtp:[192.0.2.1]\n\
        kept.example\tsmtp:[x\xff]\n";
    host.write(ours, by_hand);
    let paused = relay_limit(
        &host,
        &[&pause_quickly("aol-b", "aol.com")[..], &["--reload"]].concat(),
    );
    assert_eq!(paused.code(), Some(0), "{paused}");
    let files = || host.sh(&format!("stat -c '%i %Z' {ours} {ours}.db")).text();
    let before = files();
    for minute in 1..4 {
        let date = host
            .sh(&format!("date -u -d '+{minute} minutes' +%FT%TZ"))
            .text();
        let tick = relay_limit(&host, &["tick", &format!("--clock={}", date.trim())]);
        assert_eq!(
            (tick.code(), tick.errors()),
            (Some(0), String::new()),
            "{tick}"
        );
        assert_eq!(files(), before);
    }
    assert!(host.read(ours).ends_with(by_hand));
    let check = relay_limit(&host, &["list", "--check"]);
    assert_eq!(check.code(), Some(0), "{check}");
    // One more by hand, of which no index was made: that is done.
    let more = [&host.read(ours)[..], b"\xc3\xa4.example smtp:[192.0.2.2]\n"].concat();
    host.write(ours, &more);
    relay_limit(&host, &["tick"]).ok();
    assert_ne!(files(), before);
    assert_eq!(host.read(ours), more);
    relay_limit(&host, &["lift", "aol-b", "--yes"]).ok();
    assert!(
        host.read(ours)
            .ends_with(b"kept.example\tsmtp:[x\xff]\n\xc3\xa4.example smtp:[192.0.2.2]\n")
    );
}
