//! relay-transport check, beside real postmap, a real Postfix's main.cf and NSD: each thing that can be wrong with a
//! map.

mod asked;
mod detours;
mod hostile;
mod severe;

use crate::TOOL;
use serde_json::Value;
use testkit::dns::{Nsd, nsd};
use testkit::{Cmd, Host, host_or_skip};

const TEXT: &str = "/etc/postfix/transport.relay";

/// Every relay of the compiled-in table but juno's; cox's has no address, but a mail exchanger.
const ZONE: &str = "
$ORIGIN example.org.
$TTL 86400
@        SOA  ns hostmaster 1 3600 600 604800 600
         NS   ns
ns       A    127.0.53.1
$ORIGIN smtp.example.org.
aol      A    192.0.2.41
         A    192.0.2.42
yahoo    A    192.0.2.43
yahoojp  A    192.0.2.43
msn      A    192.0.2.44
gmail    AAAA 2001:db8::45
earthlink CNAME msn
comcast  A    192.0.2.47
att      A    192.0.2.47
icloud   A    192.0.2.47
cox      MX   10 msn
charter  A    192.0.2.47
therest  A    192.0.2.50
";

/// A list server: its default instance has the map that the table asks for, but for juno and cox, and uses it.
fn list_server(host: &Host) -> Nsd {
    let providers = "aol,yahoo,yahoojp,msn,gmail,earthlink,comcast,att,icloud,charter";
    set(host, "hash:/etc/postfix/transport.relay");
    host.write(
        "/etc/postfix/master.cf",
        "smtp unix - - n - - smtp\nrelay unix - - n - - smtp\nlocal unix - n n - - local\n",
    );
    host.command(TOOL)
        .args([
            "print",
            "--domain",
            "example.org",
            "--output",
            TEXT,
            "--provider",
            providers,
            "--relays",
            "all",
        ])
        .run()
        .ok();
    make(host);
    host.write(
        "/etc/relay-tools/providers.toml",
        "[[provider]]\nname = \"juno\"\nrelay = \"therest.smtp.DOMAIN\"\n[[provider]]\nname = \"cox\"\nrelay = \"therest.smtp.DOMAIN\"\n",
    );
    nsd(host, "127.0.53.1", &[("example.org", Some(ZONE))])
}

/// Writes main.cf. Mail that no table knows goes to the catch-all relay.
fn set(host: &Host, transport_maps: &str) {
    host.write(
        "/etc/postfix/main.cf",
        format!(
            "compatibility_level = 3.6\nmyhostname = lists.example.org\nqueue_directory = /var/spool/postfix\n\
             relayhost = [therest.smtp.example.org]\ntransport_maps = {transport_maps}\n"
        ),
    );
}

fn tool(host: &Host, nsd: &Nsd) -> Cmd {
    host.command(TOOL)
        .args(["check", "--resolver", &nsd.address])
}

/// `CHECK RESULT: FOUND [ITEMS]`, of what is neither ok nor skipped.
fn wrong(host: &Host, nsd: &Nsd, args: &[&str], status: i32) -> Vec<String> {
    let ran = tool(host, nsd).args(args).args(["--format", "json"]).run();
    let ran = ran.exit(status);
    let json: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(json["schema"], "relay-tools/transport-check/1");
    let words = ["ok", "warning", "critical", "unknown"];
    assert_eq!(json["result"], words[usize::try_from(status).unwrap()]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = json["checks"].as_array().unwrap();
    let bad = rows
        .iter()
        .filter(|r| r["result"] != "ok" && r["result"] != "skipped");
    bad.map(|row| {
        let items: Vec<String> = row["items"].as_array().unwrap().iter().map(text).collect();
        format!(
            "{} {}: {} [{}]",
            text(&row["check"]),
            text(&row["result"]),
            text(&row["found"]),
            items.join("; ")
        )
    })
    .collect()
}

/// Makes the map of its text, as if some time ago: Postfix waits where a file was changed this very second. What
/// postmap warns of comes back.
fn make(host: &Host) -> String {
    let made = host
        .run(["postmap", "hash:/etc/postfix/transport.relay"])
        .ok();
    host.sh("touch -d @1700000000 /etc/postfix/transport.relay; touch -d @1700000001 /etc/postfix/transport.relay.db");
    made.errors()
}

/// Adds lines to the map's text, and makes the map of it. What postmap warns of comes back.
fn add(host: &Host, lines: &str) -> String {
    let text = String::from_utf8(host.read(TEXT)).unwrap();
    host.write(TEXT, text + lines);
    make(host)
}

#[test]
fn a_map_in_order() {
    let host = host_or_skip!();
    let nsd = list_server(&host);
    assert_eq!(wrong(&host, &nsd, &[], 0), [""; 0]);
    let ran = tool(&host, &nsd).arg("--check").run().ok();
    assert_eq!(
        ran.text(),
        "OK: 387 domains of 12 providers go to their relays | critical=0;;;0 warning=0;;;0 unknown=0;;;0\n"
    );
    assert_eq!(
        tool(&host, &nsd).args(["--check", "-q"]).run().ok().text(),
        ""
    );
    // An independent count: what postmap itself lists, and the four domains that relayhost takes.
    let listed = host
        .run(["postmap", "-s", "hash:/etc/postfix/transport.relay"])
        .ok();
    assert_eq!(listed.text().lines().count() + 4, 387);
    let table = tool(&host, &nsd).run().ok().text();
    assert!(
        table.contains(
            "\nindex       ok       /etc/postfix/transport.relay.db is not older than the text\n"
        ),
        "{table}"
    );
    assert!(
        table.contains("\nrelays      ok       10 relay hosts are in the DNS\n"),
        "{table}"
    );
    // Other types of table, proxymap, and a table before it that answers for other domains.
    host.run(["postmap", "btree:/etc/postfix/transport.relay"])
        .ok();
    for list in [
        "btree:/etc/postfix/transport.relay",
        "texthash:/etc/postfix/transport.relay",
        "proxy:btree:/etc/postfix/transport.relay",
        "inline:{lists.example.org=local:, {a.example = smtp:[aol.smtp.example.org]}}, proxy:btree:/etc/postfix/transport.relay",
        "regexp:/etc/postfix/none, btree:/etc/postfix/transport.relay",
    ] {
        host.write("/etc/postfix/none", "/@bounces\\.example$/ local:\n");
        set(&host, list);
        assert_eq!(wrong(&host, &nsd, &[], 0), [""; 0], "{list}");
    }
}

#[test]
fn a_map_that_is_not_in_use() {
    let host = host_or_skip!();
    let nsd = list_server(&host);
    let check = |list: &str, args: &[&str], expected: &[&str]| {
        set(&host, list);
        assert_eq!(wrong(&host, &nsd, args, 2), expected, "{list}");
    };
    check(
        "",
        &[],
        &["in-use critical: transport_maps of postfix is empty: no map is in use []"],
    );
    check(
        "inline:{lists.example.org=local:}",
        &[],
        &[
            "in-use critical: no table of postfix's transport_maps sends any provider's domain to its relay: \
           inline:{lists.example.org=local:} []",
        ],
    );
    check(
        "texthash:/etc/postfix/transport.relay",
        &["--map", "hash:/etc/postfix/transport.relay"],
        &[
            "in-use critical: transport_maps of postfix does not have hash:/etc/postfix/transport.relay; it has \
           texthash:/etc/postfix/transport.relay []",
        ],
    );
    // Postfix: "expecting \"type:name\" form".
    check(
        "/etc/postfix/transport.relay",
        &[],
        &[
            "in-use critical: no table of postfix's transport_maps sends any provider's domain to its relay: \
             /etc/postfix/transport.relay []",
            "in-use critical: transport_maps has \"/etc/postfix/transport.relay\" without a type: Postfix delivers no mail \
             with it; hash:/etc/postfix/transport.relay? []",
        ],
    );
    // Named by its path, and another instance's.
    let instance = host.instance("postfix-lists");
    instance
        .param("transport_maps", "hash:/etc/postfix/transport.relay")
        .param("relayhost", "[therest.smtp.example.org]")
        .param("smtp_dns_support_level", "enabled")
        .param("smtp_host_lookup", "dns")
        .create();
    let ran = tool(&host, &nsd)
        .args(["lists", "--domain", "example.org", "--map", TEXT, "--check"])
        .run()
        .ok();
    assert!(
        ran.text().starts_with("OK: 387 domains of 12 providers"),
        "{ran}"
    );
}

#[test]
fn an_index_that_is_not_of_this_text() {
    let host = host_or_skip!();
    let nsd = list_server(&host);
    host.sh("touch -d @1700007200 /etc/postfix/transport.relay; touch -d @1700003600 /etc/postfix/transport.relay.db");
    let again = "postmap hash:/etc/postfix/transport.relay";
    let older = |by: &str| {
        format!(
            "index warning: /etc/postfix/transport.relay.db is {by} older than the text: {again} []"
        )
    };
    assert_eq!(wrong(&host, &nsd, &[], 1), [older("1h")]);
    host.sh(
        "cd /etc/postfix; sed -i -e '/^aim.com /d' -e 's/^aol.com .*/aol.com smtp:[msn.smtp.example.org]/' transport.relay
         echo 'aol.example smtp:[aol.smtp.example.org]' >> transport.relay; touch -d @1700010800 transport.relay",
    );
    // Mail goes by what was made, as postmap -q says; so that is what is judged.
    assert_eq!(
        wrong(&host, &nsd, &[], 2),
        [
            older("2h"),
            format!(
                "entries critical: the text and what is in use differ in 3 keys: {again} \
                 [aol.com (smtp:[msn.smtp.example.org] in the text, smtp:[aol.smtp.example.org] in use); \
                 aol.example (only in the text); aim.com (only in use)]"
            ),
        ]
    );
    make(&host);
    assert_eq!(
        wrong(&host, &nsd, &[], 2),
        [
            "domains critical: 1 of 43 domains of aol: their mail goes to smtp:[msn.smtp.example.org], msn's relay [aol.com]",
            "domains critical: 1 of 43 domains of aol in no table: their mail goes to smtp:[therest.smtp.example.org] [aim.com]",
            "lines warning: 1 line without a provider: add them to the provider table, or use --accept \
             [aol.example smtp:[aol.smtp.example.org]]",
        ]
    );
    host.sh("rm /etc/postfix/transport.relay.db");
    let found = wrong(&host, &nsd, &["--map", TEXT], 2);
    assert!(found[0].starts_with("in-use critical: hash:/etc/postfix/transport.relay cannot be opened: fatal: open database"), "{found:?}");
    assert_eq!(
        found[1],
        format!("index critical: /etc/postfix/transport.relay.db is missing: {again} []")
    );
    host.write("/etc/postfix/transport.relay.db", "no database");
    let found = wrong(&host, &nsd, &["--map", TEXT], 2);
    assert!(
        found[0]
            .starts_with("in-use critical: hash:/etc/postfix/transport.relay cannot be opened: "),
        "{found:?}"
    );
}

#[test]
fn lines_that_are_wrong() {
    let host = host_or_skip!();
    let nsd = list_server(&host);
    let warned = add(
        &host,
        "AOL.com  smtp:[aol.smtp.example.org]\nlonely\nmsn.com smtp:[yahoo.smtp.example.org]\n  # a comment\n\
         lists.example.org local:\n.aol.com smtp:[aol.smtp.example.org]\n.aim.com smtp:[msn.smtp.example.org]\n\
         president@aol.com smtp:[aol.smtp.example.org]\n* smtp:[therest.smtp.example.org]\nslow.example slow:\n\
         lost.example smtp:[gone.smtp.example.org]\nmx.example smtp:cox.smtp.example.org\nno.example smtp:[cox.smtp.example.org]\n",
    );
    // The same that postmap itself warns of.
    let of = |what: &str| warned.lines().filter(|l| l.contains(what)).count();
    assert_eq!(
        (
            of("duplicate entry"),
            of("expected format: key whitespace value")
        ),
        (2, 1),
        "{warned}"
    );
    let lines = String::from_utf8(host.read(TEXT)).unwrap().lines().count();
    let line = |behind_last: usize| lines - behind_last;
    let text = String::from_utf8(host.read(TEXT)).unwrap();
    let at = |start: &str| 1 + text.lines().position(|l| l.starts_with(start)).unwrap();
    let found = wrong(
        &host,
        &nsd,
        &["--accept", "*.example", "--accept", "lists.*"],
        2,
    );
    assert_eq!(
        found,
        [
            format!("syntax warning: postmap ignores 1 line of {TEXT}, which need a key and a value [line {}]", line(11)),
            format!(
                "duplicates warning: 2 keys appear twice; only the first counts [aol.com in line {} and again in line \
                 {}; msn.com in line {} \
                 and again in line {}: smtp:[msn.smtp.example.org] counts, not smtp:[yahoo.smtp.example.org]]",
                at("aol.com "), line(12), at("msn.com "), line(10)
            ),
            "lines warning: 1 line without a provider: add them to the provider table, or use --accept \
             [.aim.com smtp:[msn.smtp.example.org]]".to_owned(),
            "transports critical: 1 transport is not in master.cf: mail for it is deferred [slow]".to_owned(),
            "relays critical: 2 relay hosts are not in the DNS: mail for it is deferred or bounces \
             [cox.smtp.example.org: has no address; gone.smtp.example.org: no such name]".to_owned(),
        ]
    );
    let unexplained = wrong(&host, &nsd, &["--no-dns"], 2);
    assert!(
        unexplained[2].contains("6 lines without a provider"),
        "{unexplained:?}"
    );
}

#[test]
fn an_earlier_table_and_a_server_that_is_silent() {
    let host = host_or_skip!();
    let nsd = list_server(&host);
    host.write(
        "/etc/postfix/old",
        "/@hotmail\\.(com|fr)$/ smtp:[old.example.org]\n/@gmail\\.com$/ smtp:[gmail.smtp.example.org]\n",
    );
    set(
        &host,
        "regexp:/etc/postfix/old, hash:/etc/postfix/transport.relay",
    );
    assert_eq!(
        wrong(&host, &nsd, &["--no-dns"], 2),
        [
            "order critical: 2 lines of the map do not count: regexp:/etc/postfix/old, which comes first, sends to \
             smtp:[old.example.org] [hotmail.com; hotmail.fr]",
            "domains critical: 2 of 187 domains of msn: their mail goes to smtp:[old.example.org] [hotmail.com; hotmail.fr]",
        ]
    );
    let asked = host
        .command("postmap")
        .args(["-q", "any@hotmail.fr", "regexp:/etc/postfix/old"])
        .run()
        .ok();
    assert_eq!(asked.text(), "smtp:[old.example.org]\n");
    set(&host, "hash:/etc/postfix/transport.relay");
    let ran = host
        .command(TOOL)
        .args(["check", "--resolver", "127.0.53.8", "--check"])
        .run()
        .exit(3);
    assert!(
        ran.text().starts_with("UNKNOWN: 10 relay hosts could not be looked up (aol.smtp.example.org: no DNS server is answering at"),
        "{ran}"
    );
    // Not asked where the instance asks /etc/hosts.
    host.write(
        "/etc/hosts",
        "127.0.0.1 localhost\n192.0.2.41 aol.smtp.example.org AOL # msn.smtp.example.org\n",
    );
    let main_cf = String::from_utf8(host.read("/etc/postfix/main.cf")).unwrap();
    host.write(
        "/etc/postfix/main.cf",
        main_cf + "smtp_host_lookup = native\nsmtp_dns_support_level = disabled\n",
    );
    let found = wrong(&host, &nsd, &[], 2);
    assert!(
        found[0].starts_with("relays critical: 9 relay hosts are not in the DNS"),
        "{found:?}"
    );
    assert!(
        found[0].contains("msn.smtp.example.org: not in /etc/hosts")
            && !found[0].contains("aol.smtp"),
        "{found:?}"
    );
}
