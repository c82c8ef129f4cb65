//! relay-transport check, beside where a real Postfix takes the mail: over several tables, subdomains and `*`.

use std::collections::BTreeSet;

use crate::TOOL;
use serde_json::Value;
use testkit::{Host, Instance, Mail, host_or_skip};

/// The domains of the one provider that there is here.
const DOMAINS: [&str; 5] = [
    "aol.example",
    "mail.aol.example",
    "deep.mail.aol.example",
    "aim.example",
    "other.example",
];

const PROVIDERS: &str = "[[provider]]\nname = \"aol\"\nrelay = \"aol.smtp.DOMAIN\"\nreplace = true\ndomains = \
    [\"aol.example\", \
    \"mail.aol.example\", \"deep.mail.aol.example\", \"aim.example\", \"other.example\"]\n";

/// The domains that the tool says do not lead to the relay.
fn judged(host: &Host) -> BTreeSet<String> {
    let ran = host
        .command(TOOL)
        .args([
            "check",
            "lists",
            "--domain",
            "example.org",
            "--no-dns",
            "--provider",
            "aol",
            "--format",
            "json",
        ])
        .run();
    let json: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let rows = json["checks"].as_array().unwrap();
    // Postfix itself runs, and says the same.
    let live = rows.iter().find(|row| row["check"] == "postfix").unwrap();
    assert_eq!(live["result"], "ok", "{live}");
    let rows = rows
        .iter()
        .filter(|row| row["check"] == "domains" && row["result"] != "ok");
    let items = rows.flat_map(|row| row["items"].as_array().unwrap());
    items
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

/// The domains whose mail does not come to the relay.
fn astray(lists: &Instance, relay: &testkit::Sink) -> BTreeSet<String> {
    relay.clear();
    // smtpd would refuse it where a table fails.
    for domain in DOMAINS {
        lists.sendmail(&Mail::new(
            "news@lists.example",
            &format!("reader@{domain}"),
        ));
    }
    lists.wait_idle();
    let came: BTreeSet<String> = relay
        .deliveries()
        .into_iter()
        .map(|delivery| delivery.recipient.split_once('@').unwrap().1.to_owned())
        .collect();
    DOMAINS
        .map(str::to_owned)
        .into_iter()
        .filter(|domain| !came.contains(domain))
        .collect()
}

#[test]
fn mail_goes_where_it_is_said_to_go() {
    let host = host_or_skip!();
    let relay = host.sink_at(([127, 0, 9, 1], 25));
    let _rest = host.sink_at(([127, 0, 9, 3], 25));
    host.write(
        "/etc/hosts",
        "127.0.9.1 aol.smtp.example.org\n127.0.9.3 rest.example.org\n",
    );
    host.write("/etc/relay-tools/providers.toml", PROVIDERS);
    let lists = host.instance("postfix-lists").start();
    let aol = "smtp:[aol.smtp.example.org]";
    let rest = "smtp:[rest.example.org]";
    let lines = DOMAINS.map(|domain| format!("{{{domain}={aol}}}"));
    let all = format!("inline:{{ {} }}", lines.join(", "));
    host.write("/etc/postfix/all", format!("/./ {rest}\n"));
    host.write("/etc/postfix/aim", format!("/^.*@aim\\.example$/ {rest}\n"));
    host.write("/etc/postfix/bare", format!("/^aim\\.example$/ {rest}\n"));
    host.write(
        "/etc/postfix/map",
        format!("/@aol\\.example$/ {aol}\n/@aim\\.example$/ {aol}\n"),
    );
    host.write(
        "/etc/postfix/made",
        "/^(.*)@aim\\.example$/ smtp:[$1.example.org]\n",
    );
    host.sh("cd /etc/postfix; echo 'x.example local:' > open; cp open closed; postmap hash:open hash:closed; chmod 600 \
        closed.db");
    // transport_maps; relayhost; parent_domain_matches_subdomains; how many domains go astray.
    let cases = [
        (
            format!("inline:{{ {{aol.example={aol}}}, {{aim.example={aol}}} }}"),
            "[rest.example.org]",
            "",
            3,
        ),
        (
            format!("inline:{{ {{aol.example={aol}}}, {{aim.example={aol}}} }}"),
            "[aol.smtp.example.org]",
            "",
            0,
        ),
        (
            format!("inline:{{ {{aol.example={aol}}}, {{.aol.example={aol}}} }}"),
            "[rest.example.org]",
            "",
            2,
        ),
        (
            format!("inline:{{ {{aol.example={aol}}}, {{.mail.aol.example={aol}}} }}"),
            "[rest.example.org]",
            "",
            3,
        ),
        (
            format!("inline:{{ {{aol.example={aol}}} }}"),
            "[rest.example.org]",
            "transport_maps",
            2,
        ),
        (
            format!("inline:{{ {{.aol.example={aol}}}, {{aim.example={aol}}} }}"),
            "[rest.example.org]",
            "transport_maps",
            4,
        ),
        // The domain's own key is looked for in all tables before a parent's, and that before "*".
        (
            format!("inline:{{ {{*={rest}}} }}, inline:{{ {{aol.example={aol}}} }}"),
            "[rest.example.org]",
            "",
            4,
        ),
        (
            format!(
                "inline:{{ {{.example={rest}}} }}, inline:{{ {{mail.aol.example={aol}}}, {{*={aol}}} }}"
            ),
            "[rest.example.org]",
            "",
            4,
        ),
        (
            format!("inline:{{ {{aim.example={rest}}} }}, inline:{{ {{*={aol}}} }}"),
            "[rest.example.org]",
            "",
            1,
        ),
        // As good as no line: relayhost.
        (
            format!("inline:{{ {{aol.example=:}}, {{*={aol}}} }}"),
            "[rest.example.org]",
            "",
            1,
        ),
        (
            format!("inline:{{ {{aol.example=smtp:}}, {{aim.example={aol}}}, {{*={rest}}} }}"),
            "[aol.smtp.example.org]",
            "",
            4,
        ),
        // The whole address is looked for in all tables before a domain is in any: a pattern takes all, wherever it
        // stands.
        (format!("{all}, regexp:/etc/postfix/all"), "", "", 5),
        (format!("regexp:/etc/postfix/aim, {all}"), "", "", 1),
        (format!("{all}, static:{{{rest}}}"), "", "", 5),
        (
            format!("{all}, unionmap:{{regexp:/etc/postfix/aim}}"),
            "",
            "",
            1,
        ),
        // A pattern is never asked for a domain.
        (format!("regexp:/etc/postfix/bare, {all}"), "", "", 0),
        (
            "regexp:/etc/postfix/map".to_owned(),
            "[rest.example.org]",
            "",
            3,
        ),
        // A result that is made of the address is none.
        (format!("regexp:/etc/postfix/made, {all}"), "", "", 0),
        // What fails stops the search, and the mail.
        (format!("{all}, fail:broken"), "", "", 5),
        (format!("{all}, hash:/etc/postfix/none"), "", "", 5),
        (format!("{all}, regexp:/etc/postfix/none"), "", "", 5),
        (format!("{all}, proxy:hash:/etc/postfix/closed"), "", "", 5),
        (format!("{all}, proxy:hash:/etc/postfix/open"), "", "", 0),
    ];
    for (maps, relayhost, parents, expected) in cases {
        lists.set("transport_maps", &maps);
        lists.set("relayhost", relayhost);
        lists.set("parent_domain_matches_subdomains", parents);
        lists.reload();
        let found = astray(&lists, &relay);
        assert_eq!(judged(&host), found, "{maps} {relayhost} {parents}");
        assert_eq!(
            found.len(),
            expected,
            "{maps} {relayhost} {parents}: {found:?}"
        );
    }
}
