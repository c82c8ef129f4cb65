//! What makes mail go astray, come back, or stay is critical, beside what a real Postfix does with it.

use serde_json::Value;
use testkit::{Host, Instance, Mail, host_or_skip};

use crate::TOOL;

const PROVIDERS: &str = "[[provider]]\nname = \"aol\"\nrelay = \"aol.smtp.DOMAIN\"\nreplace = true\ndomains = \
    [\"aol.example\", \
    \"aim.example\"]\n";
pub(super) const LINES: &str =
    "aol.example smtp:[aol.smtp.example.org]\naim.example smtp:[aol.smtp.example.org]\n";

/// A list server whose map has `lines`, with a relay at 127.0.9.1.
pub(super) fn lists(host: &Host, maps: &str, lines: &str) -> Instance {
    host.write("/etc/hosts", "127.0.9.1 aol.smtp.example.org\n");
    host.write("/etc/relay-tools/providers.toml", PROVIDERS);
    host.write("/etc/postfix/transport.relay", lines);
    host.run(["postmap", "hash:/etc/postfix/transport.relay"])
        .ok();
    // An index of just now would be waited for.
    host.sh("cd /etc/postfix; touch -d @1700000000 transport.relay transport.relay.db");
    let lists = host.instance("postfix-lists").start();
    lists.set("transport_maps", maps);
    lists.set("smtp_host_lookup", "native");
    lists.set("smtp_dns_support_level", "disabled");
    lists.reload();
    lists
}

/// Writes the map, as if at this time: Postfix reads it anew if that has changed.
fn make(host: &Host, lines: &str, time: u64) {
    host.write("/etc/postfix/transport.relay", lines);
    host.run(["postmap", "hash:/etc/postfix/transport.relay"])
        .ok();
    host.sh(&format!(
        "cd /etc/postfix; touch -d @{time} transport.relay transport.relay.db"
    ));
}

/// `CHECK: FOUND [ITEMS]` of what is critical.
pub(super) fn critical(host: &Host) -> Vec<String> {
    found(host, &["critical"])
}

/// The same of what has one of these results.
pub(super) fn found(host: &Host, results: &[&str]) -> Vec<String> {
    let args = [
        "check",
        "lists",
        "--domain",
        "example.org",
        "--provider",
        "aol",
        "--format",
        "json",
    ];
    let ran = host.command(TOOL).args(args).run();
    let json: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = json["checks"].as_array().unwrap();
    let rows = rows
        .iter()
        .filter(|row| results.contains(&row["result"].as_str().unwrap()));
    let rows = rows.map(|row| {
        let items: Vec<String> = row["items"].as_array().unwrap().iter().map(text).collect();
        format!(
            "{}: {} [{}]",
            text(&row["check"]),
            text(&row["found"]),
            items.join("; ")
        )
    });
    rows.collect()
}

/// What a real Postfix does with a mail to `domain`: the end of its delivery line.
fn fate(lists: &Instance, domain: &str) -> String {
    let host = lists.host();
    lists.sendmail(&Mail::new(
        "news@lists.example",
        &format!("reader@{domain}"),
    ));
    let to = format!("to=<reader@{domain}>");
    host.wait_for_log(&to);
    let log = host.mail_log();
    let line = log.lines().rfind(|line| line.contains(&to)).unwrap();
    line.split_once("status=").unwrap().1.to_owned()
}

pub(super) const MAP: &str = "hash:/etc/postfix/transport.relay";

#[test]
fn mail_that_is_destroyed_or_comes_back() {
    let host = host_or_skip!();
    let _relay = host.sink_at(([127, 0, 9, 1], 25));
    let lists = lists(
        &host,
        MAP,
        "aol.example discard:gone\naim.example error:5.1.1 no such list\n",
    );
    assert_eq!(
        critical(&host),
        [
            "domains: 1 of 2 domains of aol: their mail bounces to its sender (error:5.1.1 no such list) [aim.example]",
            "domains: 1 of 2 domains of aol: their mail is discarded (discard:gone) [aol.example]",
        ]
    );
    assert_eq!(fate(&lists, "aol.example"), "sent (gone)");
    assert_eq!(fate(&lists, "aim.example"), "bounced (no such list)");
}

#[test]
fn an_empty_map_and_a_domain_that_is_missing() {
    let host = host_or_skip!();
    let _relay = host.sink_at(([127, 0, 9, 1], 25));
    let _lists = lists(&host, MAP, "# nothing yet\n");
    let told = "of aol in no table: their mail goes to its own mail exchangers";
    assert_eq!(
        critical(&host),
        [format!(
            "domains: 2 of 2 domains {told} [aim.example; aol.example]"
        )]
    );
    host.write(
        "/etc/postfix/transport.relay",
        "aim.example smtp:[aol.smtp.example.org]\n",
    );
    host.run(["postmap", MAP]).ok();
    assert_eq!(
        critical(&host),
        [format!("domains: 1 of 2 domains {told} [aol.example]")]
    );
}

#[test]
fn a_port_that_nobody_listens_on() {
    let host = host_or_skip!();
    let relay = host.sink_at(([127, 0, 9, 1], 25));
    let lists = lists(&host, MAP, LINES);
    assert_eq!(critical(&host), [""; 0]);
    let other =
        "aol.example smtp:[aol.smtp.example.org]:2525\naim.example smtp:[aol.smtp.example.org]\n";
    make(&host, other, 1_700_000_100);
    let refused = "ports: nothing is listening on 1 relay: mail for it is deferred";
    assert_eq!(
        critical(&host),
        [format!("{refused} [[aol.smtp.example.org]:2525]")]
    );
    assert!(fate(&lists, "aol.example").contains("Connection refused"));
    assert!(fate(&lists, "aim.example").starts_with("sent "));
    assert_eq!(relay.deliveries().len(), 1);
}

/// Postfix asks a proxied table as its own user, which is not root.
#[test]
fn a_table_that_proxymap_cannot_read() {
    let host = host_or_skip!();
    let _relay = host.sink_at(([127, 0, 9, 1], 25));
    let lists = lists(&host, MAP, LINES);
    host.sh("cd /etc/postfix; echo 'x.example local:' > closed; postmap hash:closed; chmod 600 closed.db");
    lists.set(
        "transport_maps",
        &format!("proxy:hash:/etc/postfix/closed, {MAP}"),
    );
    lists.reload();
    let check = || {
        let words = [
            "check",
            "lists",
            "--check",
            "--domain",
            "example.org",
            "--no-dns",
            "--provider",
            "aol",
        ];
        host.command(TOOL).args(words).run()
    };
    let ran = check().exit(2);
    assert!(ran.text().starts_with("CRITICAL: "), "{ran}");
    assert!(
        ran.text().contains("proxy:hash:/etc/postfix/closed"),
        "{ran}"
    );
    lists.sendmail(&Mail::new("news@lists.example", "reader@aol.example"));
    host.wait_for_log("transport_maps lookup failure");
    host.sh("chmod 644 /etc/postfix/closed.db");
    lists.reload();
    let ran = check();
    assert!(!ran.text().contains("CRITICAL"), "{ran}");
}

/// What a transport is called says nothing of what it does.
#[test]
fn a_transport_whose_program_destroys_mail() {
    let host = host_or_skip!();
    let _relay = host.sink_at(([127, 0, 9, 1], 25));
    let lists = lists(&host, MAP, LINES);
    assert_eq!(critical(&host), [""; 0]);
    let change = |script: &str| {
        host.sh(&format!("postconf -c /etc/postfix-lists {script}"));
        lists.reload();
    };
    let is_critical = |text: &str| {
        let found = critical(&host);
        assert!(found.iter().any(|row| row.contains(text)), "{found:?}");
    };
    change("-F smtp/unix/command=discard");
    is_critical("transports: discard(8) runs for smtp: all its mail is destroyed");
    assert!(
        fate(&lists, "aol.example").starts_with("sent "),
        "so Postfix says"
    );
    change("-F smtp/unix/command=error");
    is_critical("transports: error(8) runs for smtp: all its mail is returned or deferred");
    change("-F smtp/unix/command=smtp");
    change("-e defer_transports=smtp");
    is_critical("transports: defer_transports has smtp: its mail waits");
    change("-X defer_transports");
    change("-MX smtp/unix");
    is_critical("not in master.cf: mail for it is deferred");
}

#[test]
fn rules_that_postfix_passes_over() {
    let host = host_or_skip!();
    let _relay = host.sink_at(([127, 0, 9, 1], 25));
    host.write(
        "/etc/postfix/rules",
        "/@lists\\.example$ local:\n/@(own\\.example$/ local:\n/^(.*)@x\\.example$/ smtp:[$1]\n",
    );
    let lists = lists(
        &host,
        "regexp:/etc/postfix/rules, hash:/etc/postfix/transport.relay",
        LINES,
    );
    let found = critical(&host);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0]
            .starts_with("syntax: Postfix ignores 3 rules of regexp:/etc/postfix/rules [line 1: "),
        "{found:?}"
    );
    // Postfix itself says the same of the same lines.
    assert!(fate(&lists, "aol.example").starts_with("sent "));
    let log = host.mail_log();
    for line in [
        "line 1: no closing",
        "line 2: ",
        "line 3: regular expression substitution is not allowed",
    ] {
        let warned = "trivial-rewrite[";
        let of_rule = |l: &&str| {
            l.contains(warned) && l.contains(&format!("regexp map /etc/postfix/rules, {line}"))
        };
        assert!(log.lines().any(|l| of_rule(&l)), "{line}\n{log}");
    }
}

/// texthash and regexp are read when trivial-rewrite starts: what was changed since is not in force.
#[test]
fn what_runs_is_not_what_the_text_says() {
    let host = host_or_skip!();
    let _relay = host.sink_at(([127, 0, 9, 1], 25));
    let lists = lists(
        &host,
        "texthash:/etc/postfix/transport.relay",
        "aim.example smtp:[aol.smtp.example.org]\n",
    );
    assert!(fate(&lists, "aim.example").starts_with("sent "));
    host.write("/etc/postfix/transport.relay", LINES);
    assert_eq!(
        critical(&host),
        [
            "postfix: 1 domain not as the tables say: their mail goes to smtp:aol.example; postfix reload makes it \
             read them again [aol.example]",
        ]
    );
    lists.reload();
    assert_eq!(critical(&host), [""; 0]);
}

/// The answer is another each time, and the verdict the same.
#[test]
fn what_chance_decides_is_not_asked_for() {
    let host = host_or_skip!();
    let _relay = host.sink_at(([127, 0, 9, 1], 25));
    host.write(
        "/etc/postfix/transport.relay",
        "aol.com smtp:[aol.smtp.example.org]\naim.com smtp:[aol.smtp.example.org]\n",
    );
    host.write(
        "/etc/postfix/main.cf",
        "compatibility_level = 3.6\nqueue_directory = /var/spool/postfix\n\
         transport_maps = texthash:/etc/postfix/transport.relay, randmap:{smtp1:,smtp2:}\n",
    );
    let run = || {
        let args = [
            "check",
            "--domain",
            "smtp.example.org",
            "--provider",
            "aol",
            "--no-dns",
        ];
        host.command(TOOL).args(args).run().exit(2).text()
    };
    let first = run();
    assert!(
        first.contains(
            "41 of 43 domains of aol in no table: their mail goes to what randmap:{smtp1:,smtp2:} \
        chooses"
        ),
        "{first}"
    );
    assert!((0..5).all(|_| run() == first));
    // The two lines do not count, either: the whole address is looked for first.
    assert!(
        first.contains("2 lines of the map do not count: randmap:{smtp1:,smtp2:}, "),
        "{first}"
    );
}
