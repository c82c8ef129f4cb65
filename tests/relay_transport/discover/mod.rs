//! relay-transport discover: logs of real Postfix instances, MX records of a real NSD, and names that strangers make
//! up.

mod hostile;
mod lookups;

use crate::TOOL;
use testkit::dns::{Nsd, nsd};
use testkit::{Cmd, Host, Mail, host_or_skip};

const CACHE: &str = "/var/lib/relay-tools/mx-cache.json";

/// Domains called for whose exchangers they have.
const ZONE: &str = "
$ORIGIN hosted.example.
$TTL 86400
@         SOA  ns.example.org. hostmaster.example.org. 1 3600 600 604800 600
          NS   ns.example.org.
outlook   MX   0 outlook-hosted.mail.protection.outlook.com.
google    MX   1 aspmx.l.google.com.
          MX   5 alt1.aspmx.l.google.com.
second    MX   10 mx.own.example.
          MX   20 aspmx.l.google.com.
evil      MX   0 mail.protection.evil-outlook.com.
dot       MX   0 evil\\.google.com.
control   MX   0 \\027[2J\\255.google.com.
none      MX   0 .
alias     CNAME google
brief  1  MX   1 aspmx.l.google.com.
address   A    192.0.2.9
";

fn zone(host: &Host) -> Nsd {
    nsd(host, "127.0.53.1", &[("hosted.example", Some(ZONE))])
}

/// All relays are there, whatever the DNS has.
fn tool(host: &Host) -> Cmd {
    host.command(TOOL)
        .args(["discover", "--domain", "example.org", "--relays", "all"])
}

/// A log of the catch-all relay: so many deliveries for each of these domains, which got as far as these hosts.
pub(crate) fn log_of(deliveries: &[(&str, &str, usize)]) -> String {
    let mut text = String::new();
    for (domain, relay, n) in deliveries {
        for k in 0..*n {
            text.push_str(&format!(
                "2026-09-19T12:00:{:02}+00:00 rustin postfix-therest-a/smtp[1]: A1B2C{k:X}: to=<u{k}@{domain}>, \
                 relay={relay}, \
                 delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 ok)\n",
                k % 60
            ));
        }
    }
    text
}

/// Writes such a log where [`found`] looks for it.
fn log(host: &Host, deliveries: &[(&str, &str, usize)]) {
    host.write("/run/srv/mail.log", log_of(deliveries));
}

/// `domain provider known_by host total`, in the order shown.
fn found(host: &Host, args: &[&str], status: i32) -> Vec<String> {
    let ran = tool(host)
        .args(["--log", "/run/srv/mail.log", "--format", "csv"])
        .args(args)
        .run();
    let ran = ran.exit(status);
    let text = ran.text();
    let rows = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>());
    rows.map(|f| format!("{} {} {} {} {}", f[0], f[1], f[3], f[4], f[5]))
        .collect()
}

#[test]
fn logs_of_real_instances_and_what_becomes_of_them() {
    let host = host_or_skip!();
    let zone = zone(&host);
    let _outlook = host.sink_at(([127, 0, 9, 1], 25));
    let _other = host.sink_at(([127, 0, 9, 2], 25));
    let _rest = host.sink_at(([127, 0, 9, 3], 25));
    host.write(
        "/etc/hosts",
        "127.0.9.1 contoso-example.mail.protection.outlook.com\n127.0.9.2 mx.riseup.example\n127.0.9.3 \
         therest.smtp.example.org\n",
    );
    // The catch-all relay delivers to the providers' hosts itself.
    let rest = host
        .instance("postfix-therest-a")
        .param(
            "transport_maps",
            "inline:{ {contoso.example = smtp:[contoso-example.mail.protection.outlook.com]}, {* = \
             smtp:[mx.riseup.example]} }",
        )
        .start();
    let to = |recipients: &[&str]| -> Vec<Mail> {
        recipients
            .iter()
            .map(|to| Mail::new("news@lists.example", to))
            .collect()
    };
    rest.submit(to(&[
        "a@contoso.example",
        "b@Contoso.example",
        "c@riseup.example",
        "d@gmail.com",
    ]));
    rest.wait_idle();
    // A list server hands mail to it.
    let lists = host
        .instance("postfix-lists")
        .param("relayhost", "[therest.smtp.example.org]")
        .start();
    lists.submit(to(&[
        "a@outlook.hosted.example",
        "b@outlook.hosted.example",
        "c@outlook.hosted.example",
        "d@address.hosted.example",
    ]));
    lists.wait_idle();
    host.wait_until(testkit::PATIENCE, "all deliveries in the log", || {
        host.mail_log().matches("status=sent").count() == 8
    });

    let table = |args: &[&str], status: i32| tool(&host).args(args).run().exit(status).text();
    let by_logs = table(&[], 0);
    assert_eq!(
        by_logs,
        "deliveries  sent  bounced  deferred  domain           provider   known by\n\
         \x20        2     2        0         0  contoso.example  office365  relay \
         contoso-example.mail.protection.outlook.com\n\
         \x20        1     1        0         0  gmail.com        gmail      the table lists it\n\
         \n\
         # Lines for the transport map: transport(5).\n\
         # 2 deliveries, 2 sent; relay contoso-example.mail.protection.outlook.com\n\
         contoso.example smtp:[office365.smtp.example.org]\n\
         # 1 delivery, 1 sent; the table lists it\n\
         gmail.com smtp:[gmail.smtp.example.org]\n\
         \n\
         # To append to /etc/relay-tools/providers.toml: entries of the same name are merged.\n\
         [[provider]]\n\
         name = \"office365\"\n\
         domains = [\n\
         \x20 \"contoso.example\", # 2 deliveries, 2 sent; relay contoso-example.mail.protection.outlook.com\n\
         ]\n"
    );
    let warned = tool(&host).run().errors();
    assert_eq!(
        warned,
        "relay-transport: warning: the logs do not show which provider 2 domains belong to: use --mx to ask the DNS\n"
    );
    let mx = ["--mx", "--resolver", &zone.address];
    let by_mx = table(&mx, 0);
    let first: Vec<&str> = by_mx.lines().skip(1).take(1).collect();
    assert_eq!(
        first,
        [
            "         3     3        0         0  outlook.hosted.example  office365  mx \
             outlook-hosted.mail.protection.outlook.com"
        ]
    );
    // An instance by name: all that it delivers.
    assert!(!table(&[&["lists"], &mx[..]].concat(), 0).contains("contoso"));
    assert!(!table(&["--provider", "gmail"], 0).contains("contoso"));
    assert!(!table(&["--min", "2"], 0).contains("gmail.com"));
    assert!(!table(&["--top", "1"], 0).contains("gmail.com"));

    // The lines go into the provider table as they are, and the map of it has the domains.
    host.sh("mkdir -p /etc/relay-tools");
    let toml = table(&[&["--format", "toml"], &mx[..]].concat(), 0);
    host.write("/etc/relay-tools/providers.toml", toml);
    let map = host
        .command(TOOL)
        .args(["print", "--domain", "example.org", "--relays", "all"])
        .run()
        .ok()
        .text();
    host.write("/etc/postfix/transport.relay", map);
    host.run(["postmap", "hash:/etc/postfix/transport.relay"])
        .ok();
    for domain in ["contoso.example", "outlook.hosted.example"] {
        let asked = host
            .run(["postmap", "-q", domain, "hash:/etc/postfix/transport.relay"])
            .ok();
        assert_eq!(asked.text(), "smtp:[office365.smtp.example.org]\n");
    }
    // So they do behind what an earlier day, or another host, has found: contoso.example is there twice then.
    let earlier = "[[provider]]\nname = \"office365\"\ndomains = [\"contoso.example\", \"fabrikam.example\"]\n";
    let both = [
        earlier.as_bytes(),
        &host.read("/etc/relay-tools/providers.toml"),
    ]
    .concat();
    host.write("/etc/relay-tools/providers.toml", both);
    let map = host
        .command(TOOL)
        .args(["print", "--domain", "example.org", "--relays", "all"])
        .args(["--format", "csv"])
        .run()
        .ok()
        .text();
    for name in ["contoso", "fabrikam", "outlook.hosted"] {
        assert_eq!(
            map.matches(&format!("\n{name}.example,office365,")).count(),
            1,
            "{name}"
        );
    }
    let again = table(&mx, 0);
    assert!(
        again.contains("outlook.hosted.example  office365  the table lists it"),
        "{again}"
    );
    assert!(!again.contains("[[provider]]"), "{again}");
}

#[test]
fn exchangers_tell_whose_a_domain_is() {
    let host = host_or_skip!();
    let zone = zone(&host);
    let names = [
        "outlook", "google", "second", "evil", "dot", "control", "none", "alias", "address",
        "missing",
    ];
    let domains: Vec<String> = names
        .iter()
        .map(|name| format!("{name}.hosted.example"))
        .collect();
    let own = "therest.smtp.example.org[192.0.2.50]:25";
    let deliveries: Vec<(&str, &str, usize)> = domains
        .iter()
        .zip(1..)
        .map(|(d, n)| (d.as_str(), own, n))
        .collect();
    log(&host, &deliveries);
    let expected = [
        "alias.hosted.example gmail mx aspmx.l.google.com 8",
        "google.hosted.example gmail mx aspmx.l.google.com 2",
        "outlook.hosted.example office365 mx outlook-hosted.mail.protection.outlook.com 1",
    ];
    let mx = ["--mx", "--resolver", &zone.address];
    assert_eq!(found(&host, &mx, 0), expected);
    // Those asked about have an answer, which is kept; what was not, is told.
    let verbose = tool(&host)
        .args(["--log", "/run/srv/mail.log", "-v"])
        .args(mx)
        .run()
        .ok();
    assert!(
        verbose
            .errors()
            .contains("MX lookups: 10 from the cache, 0 asked, 0 failed"),
        "{verbose}"
    );
    assert_eq!(
        found(&host, &["--mx", "--resolver", "127.0.53.8"], 0),
        expected
    );
    let few = [&mx[..], &["--no-cache", "--max-lookups", "3"]].concat();
    assert_eq!(found(&host, &few, 1), &expected[..1]);
    // Domains that are too small to be shown are not asked about.
    let big = [&mx[..], &["--no-cache", "--max-lookups", "3", "--min", "8"]].concat();
    assert_eq!(found(&host, &big, 0), &expected[..1]);
    let told = tool(&host)
        .args(["--log", "/run/srv/mail.log"])
        .args(few)
        .run()
        .errors();
    assert_eq!(
        told,
        "relay-transport: warning: 7 domains were not looked up, those with the fewest deliveries: --max-lookups is 3\n"
    );
    // A damaged file is told, and made anew.
    host.write(CACHE, "{\"schema\":");
    let ran = tool(&host)
        .args(["--log", "/run/srv/mail.log"])
        .args(mx)
        .run()
        .ok();
    assert!(
        ran.errors()
            .contains("not used, and replaced: /var/lib/relay-tools/mx-cache.json: EOF"),
        "{ran}"
    );
    let kept = String::from_utf8(host.read(CACHE)).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept["schema"], "relay-tools/mx-cache/1");
    assert_eq!(kept["domains"].as_object().unwrap().len(), 10);
    // Where it cannot be written, the answers count all the same.
    let elsewhere = [&mx[..], &["--cache", "/proc/none/cache"]].concat();
    let ran = tool(&host)
        .args(["--log", "/run/srv/mail.log"])
        .args(elsewhere)
        .run()
        .ok();
    assert!(
        ran.errors()
            .contains("the answers are not cached: cannot write: /proc/none/cache"),
        "{ran}"
    );
}

#[test]
fn a_provider_without_a_relay_of_its_own_is_where_it_belongs() {
    let host = host_or_skip!();
    host.write(
        "/etc/relay-tools/providers.toml",
        "[[provider]]\nname = \"juno\"\nrelay = \"therest.smtp.DOMAIN\"\n",
    );
    let untd = "mx.vgs.untd.com[192.0.2.1]:25";
    log(
        &host,
        &[
            ("juno.com", untd, 3),
            ("hosted.example", untd, 2),
            ("gmail.com", "aspmx.l.google.com[192.0.2.2]:25", 1),
        ],
    );
    assert_eq!(found(&host, &[], 0), ["gmail.com gmail table  1"]);
    host.sh("rm /etc/relay-tools/providers.toml");
    assert_eq!(
        found(&host, &[], 0),
        [
            "juno.com juno table  3",
            "hosted.example juno relay mx.vgs.untd.com 2",
            "gmail.com gmail table  1"
        ]
    );
}

/// A host without an instance that is named for the rest: all that are named for no provider are looked at; and where
/// there is none of them either, that is said.
#[test]
fn without_a_relay_for_the_rest() {
    let host = host_or_skip!();
    let log = |instance: &str| {
        let delivery = "smtp[1]: A1B2C3: to=<u@hosted.example>, relay=aspmx.l.google.com[203.0.113.9]:25, delay=1, \
            delays=0/0/1/0, \
                        dsn=2.0.0, status=sent (250 ok)";
        host.write(
            "/run/srv/mail.log",
            format!("2026-09-19T12:00:00+00:00 lists {instance}/{delivery}\n"),
        );
    };
    log("postfix-lists");
    assert_eq!(
        found(&host, &[], 0),
        ["hosted.example gmail relay aspmx.l.google.com 1"]
    );
    log("postfix-aol-a");
    let ran = tool(&host)
        .args(["--log", "/run/srv/mail.log"])
        .run()
        .exit(1);
    assert!(
        ran.errors().contains(
            "no delivery of or to the catch-all relay: they have postfix-aol-a; relay-transport \
            discover INSTANCE"
        ),
        "{ran}"
    );
}
