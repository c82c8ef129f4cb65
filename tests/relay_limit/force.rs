//! A pause is in force when smtpd refuses a probe for the pause's sake, and for no other reason.

use testkit::host_or_skip;

use crate::hosts::{pause_quickly, relay_limit};

#[test]
fn what_smtpd_does_not_say_is_not_known() {
    let host = host_or_skip!();
    let sink = host.sink();
    let aol_b = host.instance("postfix-aol-b").relay_to(&sink).start();
    relay_limit(&host, &["setup", "aol-b", "--apply"]).ok();
    let check = |code: i32, part: &str| {
        // Whether an smtpd with the old configuration has ended yet, is its own affair.
        host.wait_until(testkit::PATIENCE, format_args!("{code}, {part}"), || {
            let check = relay_limit(&host, &["list", "--check"]);
            println!("{check}");
            check.code() == Some(code) && check.text().contains(part)
        });
    };

    // As reject_unauth_destination refuses it: whether it takes the mail of others is not known.
    aol_b.set("smtpd_relay_restrictions", "reject");
    aol_b.reload();
    let paused = relay_limit(&host, &pause_quickly("aol-b", "aol.com"));
    assert_eq!(paused.code(), Some(1), "{paused}");
    assert!(
        paused.text().contains("; NOT known to be in force"),
        "{paused}"
    );
    assert!(paused.errors().contains(": 554 5.7.1 "), "{paused}");
    check(3, ": 554 5.7.1 ");
    let listed = relay_limit(&host, &["list"]).text();
    assert!(listed.contains("not seen to be in force"), "{listed}");

    // A greylist's 450 is another's.
    host.write("/etc/postfix-aol-b/grey", "/./ 450 4.2.0 greylisted\n");
    let grey = "check_recipient_access regexp:/etc/postfix-aol-b/grey, reject";
    aol_b.set("smtpd_relay_restrictions", grey);
    aol_b.reload();
    check(3, "greylisted");

    // Nobody listens.
    aol_b.set("smtpd_relay_restrictions", "permit_mynetworks, reject");
    aol_b.set("master_service_disable", "inet");
    aol_b.stop();
    aol_b.postfix("start").ok();
    check(3, "no smtpd was found");

    aol_b.set("master_service_disable", "");
    aol_b.stop();
    aol_b.postfix("start").ok();
    check(0, "in force: aol-b-");

    // It was seen in force; then somebody makes smtpd take everything.
    aol_b.set("receive_override_options", "no_unknown_recipient_checks");
    aol_b.reload();
    check(2, "takes mail for ");
    relay_limit(&host, &["lift", "aol-b", "--yes"]).ok();
    let refused = relay_limit(&host, &pause_quickly("aol-b", "aol.com"));
    assert_eq!(refused.code(), Some(2), "{refused}");
    assert!(
        refused.errors().contains("no_unknown_recipient_checks"),
        "{refused}"
    );

    // Who stands in these tables is taken.
    aol_b.set("receive_override_options", "");
    aol_b.set(
        "virtual_alias_maps",
        "inline:{abuse@aol.com=postmaster@aol.com}",
    );
    aol_b.reload();
    let setup = relay_limit(&host, &["setup", "aol-b"]);
    assert_eq!(setup.code(), Some(1), "{setup}");
    assert!(
        setup
            .text()
            .contains("unknown  smtpd accepts recipients of virtual_alias_maps despite a pause: "),
        "{setup}"
    );
    let planned = [&pause_quickly("aol-b", "aol.com")[..], &["--dry-run"]].concat();
    let planned = relay_limit(&host, &planned);
    let still = "smtpd still accepts abuse@aol.com, ";
    assert!(planned.text().contains(still), "{planned}");
}

#[test]
fn no_provider_is_left_without_an_address() {
    let host = host_or_skip!();
    let aol_a = host.instance("postfix-aol-a").start();
    host.instance("postfix-aol-b").start();
    relay_limit(&host, &["setup", "aol-*", "--apply"]).ok();
    let pause = |instance: &'static str| {
        let mut args = pause_quickly(instance, "aol.com");
        args.retain(|arg| *arg != "--last");
        args
    };
    let planned = |instance| relay_limit(&host, &[&pause(instance)[..], &["--dry-run"]].concat());
    assert_eq!(planned("aol-b").code(), Some(0));

    // Paused by hand, and switched off.
    let map = "/etc/postfix-aol-a/relay-limit";
    host.write(map, "* retry:4.7.0 turned off by hand\n");
    aol_a
        .command("postmap")
        .arg(format!("hash:{map}"))
        .run()
        .ok();
    aol_a.reload();
    let refused = planned("aol-b");
    assert_eq!(refused.code(), Some(2), "{refused}");
    assert!(refused.errors().contains("turned off by hand"), "{refused}");
    host.write(map, "");
    aol_a
        .command("postmap")
        .arg(format!("hash:{map}"))
        .run()
        .ok();
    aol_a.set("master_service_disable", "inet");
    aol_a.stop();
    aol_a.postfix("start").ok();
    let refused = planned("aol-b");
    assert_eq!(refused.code(), Some(2), "{refused}");
    aol_a.set("master_service_disable", "");
    aol_a.stop();
    aol_a.postfix("start").ok();

    // Two at once: each is the other's last.
    let both = ["aol-a", "aol-b"].map(|one| host.command(crate::TOOL).args(pause(one)).spawn());
    let codes = both.map(|one| one.wait(std::time::Duration::from_secs(300)).code());
    assert!(
        codes.contains(&Some(0)) && codes.contains(&Some(2)),
        "{codes:?}"
    );
}
