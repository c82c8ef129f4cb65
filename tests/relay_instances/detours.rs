//! What takes mail from an instance, or gives its recipients other addresses, before its transports are asked: beside
//! where a real Postfix delivers it.

use testkit::{Mail, host_or_skip};

use crate::states::{json, tool};

#[test]
fn filters_and_other_addresses_are_found_as_relay_transport_finds_them() {
    let host = host_or_skip!();
    let (provider, other) = (host.sink(), host.sink_at(([127, 0, 9, 2], 25)));
    let aol = host.instance("postfix-aol-a").relay_to(&provider).start();
    let with = |args: &[&str]| -> Vec<String> {
        let (_, findings) = json(&host, args);
        let own = findings
            .into_iter()
            .filter(|one| one.contains(" configuration postfix-"));
        own.collect()
    };
    let found = || with(&["aol-a"]);
    // Who had the next message, and for whom.
    let taken = || {
        let before = (provider.deliveries().len(), other.deliveries().len());
        aol.submit([Mail::new("news@example.org", "joe@aol.com")]);
        let new = || {
            let own = provider.deliveries().into_iter().skip(before.0);
            let own = own.map(|one| format!("provider {}", one.recipient));
            let others = other.deliveries().into_iter().skip(before.1);
            let others = others.map(|one| format!("other {}", one.recipient));
            own.chain(others).collect::<Vec<_>>()
        };
        aol.wait_until(testkit::PATIENCE, "a delivery", || !new().is_empty());
        new().join(", ")
    };
    let set = |name: &str, value: &str| {
        aol.set(name, value);
        aol.reload();
    };
    assert_eq!(found(), [""; 0]);
    assert_eq!(taken(), "provider joe@aol.com");

    set("content_filter", "smtp:[127.0.9.2]:25");
    assert_eq!(taken(), "other joe@aol.com");
    let all = found();
    assert!(all[0].starts_with("CRITICAL "), "{all:?}");
    assert!(
        all[0].contains("content_filter sends all mail of "),
        "{all:?}"
    );
    assert!(
        all[0].ends_with("to smtp:[127.0.9.2]:25, and no service takes it back"),
        "{all:?}"
    );
    set("content_filter", "");

    host.write(
        "/etc/postfix/canonical",
        "/^(.*)@aol\\.com$/ ${1}@elsewhere.example\n",
    );
    set("canonical_maps", "regexp:/etc/postfix/canonical");
    assert_eq!(taken(), "provider joe@elsewhere.example");
    assert_eq!(
        found(),
        [
            "CRITICAL configuration postfix-aol-a: canonical_maps regexp:/etc/postfix/canonical gives other addresses \
          to recipients of aol.com"
        ]
    );
    set("canonical_maps", "");

    host.write("/etc/postfix/headers", "/:/ FILTER smtp:[127.0.9.2]:25\n");
    set("header_checks", "regexp:/etc/postfix/headers");
    assert_eq!(taken(), "other joe@aol.com");
    assert_eq!(
        found(),
        [
            "CRITICAL configuration postfix-aol-a: header_checks regexp:/etc/postfix/headers says FILTER \
          smtp:[127.0.9.2]:25 of all mail"
        ]
    );
    assert_eq!(with(&["aol-a", "--accept", "header_checks"]), [""; 0]);
    assert_eq!(
        with(&["aol-a", "--accept", "*:/etc/postfix/headers"]),
        [""; 0]
    );
    assert_eq!(with(&["aol-a", "--accept", "body_checks"]).len(), 1);
    set("header_checks", "hash:/etc/postfix/missing");
    let all = found();
    assert!(
        all[0].starts_with("CRITICAL ") && all[0].contains("cannot be opened"),
        "{all:?}"
    );
    set("header_checks", "");
    assert_eq!(found(), [""; 0]);

    // An index whose text cannot be read; and what nobody can ask.
    host.sh(
        "echo '192.0.2.9 OK' >/etc/postfix/clients; postmap hash:/etc/postfix/clients
        rm /etc/postfix/clients; mkdir /etc/postfix/clients",
    );
    let clients = "check_client_access hash:/etc/postfix/clients";
    set("smtpd_client_restrictions", clients);
    let ran = tool(&host).arg("aol-a").run().exit(1);
    let unlisted = format!(
        "postfix-aol-a: smtpd_client_restrictions: {clients}: its entries cannot be listed: what it does with single \
         recipients or messages is not known\n"
    );
    let found_it = ran.text().contains(&format!("UNKNOWN   {unlisted}"));
    assert!(found_it, "{ran}");
    let accepted = ["aol-a", "--accept", "hash:/etc/postfix/clients"];
    assert_eq!(with(&accepted), [""; 0]);
    set("smtpd_client_restrictions", "");
    aol.set("smtpd_milters", "inet:127.0.0.1:9");
    assert_eq!(found(), [""; 0]);
    let noted = tool(&host).args(["-v", "aol-a"]).run().ok().errors();
    let milter = "postfix-aol-a: not looked at, as only it knows what it does with a message: smtpd_milters = \
        inet:127.0.0.1:9\n";
    assert!(noted.contains(milter), "{noted}");
    aol.set("smtpd_milters", "");

    // Where all mail of one that is named for no provider goes is its admin's own matter; and what nobody has started
    // yet can wait.
    let filter = "smtp:[127.0.9.2]:25";
    for name in ["postfix-in", "postfix-aol-b"] {
        let one = host.instance(name).param("content_filter", filter).create();
        host.command("postmulti")
            .args(["-i", name, "-e", "disable"])
            .run()
            .ok();
        drop(one);
    }
    assert_eq!(with(&["in"]), [""; 0]);
    let all = with(&["aol-b"]);
    assert!(
        all.iter()
            .any(|one| one.starts_with("WARNING ") && one.contains("content_filter")),
        "{all:?}"
    );
    assert!(
        !all.iter().any(|one| one.starts_with("CRITICAL ")),
        "{all:?}"
    );
}
