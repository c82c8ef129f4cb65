//! relay-instances --check-dns, beside NSD with zones of right and wrong records, and servers that behave badly.

mod relay_names;
mod servers;

use crate::TOOL;
use serde_json::Value;
use testkit::dns::{Nsd, nsd};
use testkit::{Cmd, Host, host_or_skip};

/// A host that NSD runs on, and instances `postfix-aol-NAME` that call themselves NAME.example.org.
fn host_with(host: &Host, instances: &[(&str, &str)]) -> Nsd {
    for (name, address) in instances {
        instance(
            host,
            &format!("postfix-aol-{name}"),
            &format!("{name}.example.org"),
            address,
        );
    }
    let long = format!(
        "{}{}",
        testkit::dns::zones::ORG,
        (0..20)
            .map(|n| format!("            TXT \"{n} {}\"\n", "x".repeat(100)))
            .collect::<String>()
    );
    nsd(
        host,
        "127.0.53.1",
        &[
            ("example.org", Some(&long)),
            ("2.0.192.in-addr.arpa", Some(testkit::dns::zones::REVERSE)),
            (
                "1.4.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
                Some(testkit::dns::zones::REVERSE6),
            ),
            ("broken.example", None),
        ],
    )
}

/// Files of an instance; it need not run to have a place in the DNS. `addresses`: of either family, between blanks.
fn instance(host: &Host, name: &str, helo: &str, addresses: &str) {
    let mut main_cf = format!(
        "multi_instance_name = {name}\nqueue_directory = /var/spool/{name}\ndata_directory = /var/lib/{name}\n\
         smtp_helo_name = {helo}\n"
    );
    for address in addresses.split_whitespace() {
        let six = if address.contains(':') { "6" } else { "" };
        main_cf.push_str(&format!("smtp_bind_address{six} = {address}\n"));
    }
    host.write(format!("/etc/{name}/main.cf"), main_cf);
    host.write(format!("/etc/{name}/master.cf"), "");
}

fn tool(host: &Host, server: &str) -> Cmd {
    host.command(TOOL)
        .args(["--check-dns", "--resolver", server])
}

/// `CHECK RESULT NAME: DETAIL` of each check of an instance, address by address.
fn checks(host: &Host, server: &str, instance: &str, status: i32) -> Vec<String> {
    let ran = tool(host, server)
        .args(["--format", "json", instance])
        .run();
    let ran = ran.exit(status);
    let json: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(json["schema"], "relay-tools/relay-instances/1");
    let addresses = json["instances"][0]["addresses"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    addresses
        .iter()
        .flat_map(|address| address["dns"].as_array().unwrap())
        .map(|check| {
            format!(
                "{} {} {}: {}",
                text(&check["check"]),
                text(&check["result"]),
                text(&check["name"]),
                text(&check["detail"])
            )
        })
        .collect()
}

#[test]
fn right_and_wrong_records() {
    let host = host_or_skip!();
    let nsd = host_with(
        &host,
        &[
            ("good", "192.0.2.41 2001:db8:41::1"),
            ("hour", "192.0.2.42"),
            ("moved", "192.0.2.43"),
            ("none", "192.0.2.44"),
            ("alias", "192.0.2.46"),
            ("hello", "192.0.2.47"),
            ("twice", "192.0.2.48"),
            ("long", "192.0.2.51"),
        ],
    );
    instance(&host, "postfix-news", "news.broken.example", "192.0.2.53");
    let check = |instance: &str, status: i32, expected: &[&str]| {
        assert_eq!(
            checks(&host, &nsd.address, instance, status),
            expected,
            "{instance}"
        );
    };
    let reverse6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.4.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
    let six = [
        format!("ptr ok {reverse6}: names good.example.org"),
        "spf ok example.org: passes by redirect=_spf.example.org, include:_more.example.org"
            .to_owned(),
    ];
    check(
        "aol-good",
        0,
        &[
            "host ok good.example.org: is 192.0.2.41",
            "ttl ok good.example.org: 86400 s",
            "ptr ok 41.2.0.192.in-addr.arpa: names good.example.org",
            "provider ok aol.smtp.example.org: is 192.0.2.41 and 2 more",
            "spf ok example.org: passes by redirect=_spf.example.org, ip4:192.0.2.40/31",
            "host ok good.example.org: is 2001:db8:41::1",
            "ttl ok good.example.org: 86400 s",
            &six[0],
            "provider ok aol.smtp.example.org: is 2001:db8:41::1",
            &six[1],
        ],
    );
    check(
        "aol-hour",
        0,
        &[
            "host ok hour.example.org: is 192.0.2.42",
            "ttl poor hour.example.org: 3600 s; it should be 86400 or more",
            "ptr wrong 42.2.0.192.in-addr.arpa: names old.example.org, older.example.org, not hour.example.org",
            "provider poor aol.smtp.example.org: is 192.0.2.41, 192.0.2.46, 192.0.2.47, not 192.0.2.42",
            "spf wrong example.org: fail by redirect=_spf.example.org, -all: it does not cover 192.0.2.42",
        ],
    );
    check(
        "aol-moved",
        0,
        &[
            "host wrong moved.example.org: is 192.0.2.98, 192.0.2.99, not 192.0.2.43",
            "ttl ok moved.example.org: 86400 s",
            "ptr wrong 43.2.0.192.in-addr.arpa: names moved.example.org, which does not resolve back: it is \
             192.0.2.98, 192.0.2.99, not 192.0.2.43",
            "provider poor aol.smtp.example.org: is 192.0.2.41, 192.0.2.46, 192.0.2.47, not 192.0.2.43",
            "spf wrong example.org: fail by redirect=_spf.example.org, -all: it does not cover 192.0.2.43",
        ],
    );
    check(
        "aol-none",
        0,
        &[
            "host wrong none.example.org: no such name",
            "ttl skipped none.example.org: has no A record",
            "ptr wrong 44.2.0.192.in-addr.arpa: no such name",
            "provider poor aol.smtp.example.org: is 192.0.2.41, 192.0.2.46, 192.0.2.47, not 192.0.2.44",
            "spf wrong example.org: fail by redirect=_spf.example.org, -all: it does not cover 192.0.2.44",
        ],
    );
    check(
        "aol-alias",
        0,
        &[
            "host ok alias.example.org: is 192.0.2.46",
            "ttl poor alias.example.org: 3600 s; it should be 86400 or more",
            "ptr ok 46.2.0.192.in-addr.arpa: names alias.example.org",
            "provider ok aol.smtp.example.org: is 192.0.2.46 and 2 more",
            "spf wrong example.org: fail by redirect=_spf.example.org, -all: it does not cover 192.0.2.46",
        ],
    );
    check(
        "aol-hello",
        0,
        &[
            "host ok hello.example.org: is 192.0.2.47",
            "ttl ok hello.example.org: 86400 s",
            "ptr ok 47.2.0.192.in-addr.arpa: names hello.example.org and 1 more",
            "provider ok aol.smtp.example.org: is 192.0.2.47 and 2 more",
            "spf wrong hello.example.org: softfail by ~all: it does not cover 192.0.2.47",
        ],
    );
    let twice = checks(&host, &nsd.address, "aol-twice", 0);
    assert_eq!(
        twice[4],
        "spf wrong twice.example.org: invalid record: twice.example.org has two SPF records"
    );
    // Over TCP, since it does not fit a packet.
    let long = checks(&host, &nsd.address, "aol-long", 0);
    assert_eq!(long[4], "spf ok long.example.org: passes by a");
    // NSD has no data for the one zone, and refuses to say anything of the other.
    check(
        "news",
        1,
        &[
            "host unknown news.broken.example: the server answered SERVFAIL",
            "ttl unknown news.broken.example: the server answered SERVFAIL",
            "ptr wrong 53.2.0.192.in-addr.arpa: no such name",
            "provider skipped : the instance is not named for a provider",
            "spf unknown news.broken.example: the server answered SERVFAIL",
        ],
    );
    let ran = tool(&host, &nsd.address)
        .args(["--domain", "elsewhere.example", "aol-good"])
        .run()
        .exit(1);
    assert!(
        ran.text()
            .contains("provider  UNKNOWN  aol.smtp.elsewhere.example"),
        "{ran}"
    );
}

/// What a blocked address is taken out of is asked for again as soon as that may be.
#[test]
fn a_relay_name_that_is_kept_for_a_day() {
    let host = host_or_skip!();
    let nsd = host_with(&host, &[]);
    instance(&host, "postfix-msn-a", "good.example.org", "192.0.2.41");
    let found = checks(&host, &nsd.address, "msn-a", 0);
    assert_eq!(
        found[3],
        "provider poor msn.smtp.example.org: is 192.0.2.41 and 1 more, with TTL 86400 s: if removed, it would still \
         get mail for that long; it should be 600 or less"
    );
    host.sh("ip address add 192.0.2.41/32 dev lo; mkdir -p /var/spool/postfix-msn-a /var/lib/postfix-msn-a");
    let ran = tool(&host, &nsd.address)
        .args(["--check", "msn-a"])
        .run()
        .exit(1);
    assert!(
        ran.text()
            .starts_with("WARNING: postfix-msn-a 192.0.2.41: provider "),
        "{ran}"
    );
}

/// Receivers judge the sender's domain, whatever the HELO name's own record says.
#[test]
fn both_spf_records_count() {
    let host = host_or_skip!();
    let nsd = host_with(&host, &[("long", "192.0.2.51")]);
    let spf = |domain: &str| {
        let args = ["--domain", domain, "--format", "json", "aol-long"];
        let ran = tool(&host, &nsd.address).args(args).run();
        let json: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let check = &json["instances"][0]["addresses"][0]["dns"][4];
        format!("{} {}: {}", check["result"], check["name"], check["detail"]).replace('"', "")
    };
    assert_eq!(spf("example.org"), "ok long.example.org: passes by a");
    assert_eq!(
        spf("hello.example.org"),
        "wrong hello.example.org: softfail by ~all: it does not cover 192.0.2.51"
    );
    assert_eq!(
        spf("good.example.org"),
        "wrong good.example.org: has no SPF record, which receivers check for the sender's address"
    );
}

#[test]
fn an_instance_without_an_address_is_not_fine() {
    let host = host_or_skip!();
    let nsd = host_with(&host, &[("bare", "")]);
    host.sh("mkdir -p /var/spool/postfix-aol-bare /var/lib/postfix-aol-bare");
    let ran = tool(&host, &nsd.address)
        .args(["--check", "aol-bare"])
        .run()
        .exit(3);
    let told = "UNKNOWN: postfix-aol-bare: the system chooses the address that mail leaves from, so its DNS was not \
    checked: set smtp_bind_address | ";
    assert!(ran.text().starts_with(told), "{ran}");
    tool(&host, &nsd.address).arg("aol-bare").run().exit(1);
}

#[test]
fn the_table_and_the_check_agree() {
    let host = host_or_skip!();
    let nsd = host_with(&host, &[("good", "192.0.2.41"), ("hour", "192.0.2.42")]);
    host.sh(
        "ip address replace 192.0.2.41/32 dev lo; ip address replace 192.0.2.42/32 dev lo
         mkdir -p /var/spool/postfix-aol-{good,hour} /var/lib/postfix-aol-{good,hour}",
    );
    let table = tool(&host, &nsd.address).args(["aol-*"]).run().ok().text();
    let dns: Vec<&str> = table
        .lines()
        .filter(|l| l.contains("192.0.2.42  "))
        .collect();
    assert_eq!(
        dns[1..],
        [
            "postfix-aol-hour  192.0.2.42  host      ok      hour.example.org         is 192.0.2.42",
            "postfix-aol-hour  192.0.2.42  ttl       poor    hour.example.org         3600 s; it should be 86400 or \
             more",
            "postfix-aol-hour  192.0.2.42  ptr       WRONG   42.2.0.192.in-addr.arpa  names old.example.org, \
             older.example.org, not hour.example.org",
            "postfix-aol-hour  192.0.2.42  provider  poor    aol.smtp.example.org     is 192.0.2.41, 192.0.2.46, \
             192.0.2.47, not 192.0.2.42",
            "postfix-aol-hour  192.0.2.42  spf       WRONG   example.org              fail by \
             redirect=_spf.example.org, -all: it does not cover 192.0.2.42",
        ],
        "{table}"
    );
    let check = |instance: &str, status: i32, expected: &str| {
        let ran = tool(&host, &nsd.address).args(["--check", instance]).run();
        assert_eq!(ran.text(), format!("{expected}\n"), "{ran}");
        ran.exit(status);
    };
    check(
        "aol-good",
        0,
        "OK: 1 instance, 0 running: in order, and so is the DNS of 1 address | \
         instances=1;;;0 running=0;;;0 critical=0;;;0 warning=0;;;0 unknown=0;;;0",
    );
    check(
        "192.0.2.42",
        2,
        "CRITICAL: postfix-aol-hour 192.0.2.42: ptr 42.2.0.192.in-addr.arpa: names old.example.org, older.example.org, \
         not hour.example.org; postfix-aol-hour 192.0.2.42: spf example.org: fail by redirect=_spf.example.org, -all: \
         it does not cover 192.0.2.42; postfix-aol-hour 192.0.2.42: ttl hour.example.org: 3600 s; it should be 86400 \
         or \
         more; postfix-aol-hour 192.0.2.42: provider aol.smtp.example.org: is 192.0.2.41, 192.0.2.46, 192.0.2.47, not \
         192.0.2.42 | instances=1;;;0 running=0;;;0 critical=2;;;0 warning=2;;;0 unknown=0;;;0",
    );
}

#[test]
fn hostile_records_are_shown_harmless() {
    let host = host_or_skip!();
    let nsd = host_with(&host, &[("hostile", "192.0.2.49")]);
    for format in ["table", "text", "json", "csv"] {
        let ran = tool(&host, &nsd.address).args(["--format", format]).run();
        let text = String::from_utf8(ran.stdout.clone()).unwrap();
        let is_raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(is_raw), "{format}: {text:?}");
    }
    let table = tool(&host, &nsd.address).arg("aol-hostile").run().text();
    assert!(
        table.contains("names \\027[31m\\255.example.org, not hostile.example.org"),
        "{table}"
    );
    assert!(
        table.contains("\"\\x1b[2J\\u{202e}x\" is not an SPF term"),
        "{table}"
    );
    let check = tool(&host, &nsd.address)
        .args(["--check", "aol-hostile"])
        .run();
    assert!(!check.stdout.contains(&0x1b), "{check}");
}
