//! relay-warmup's steps and records beside NSD with zones of right and wrong records.

mod pasted;
pub(crate) mod records;

use crate::TOOL;
use serde_json::Value;
use testkit::dns::{Nsd, nsd};
use testkit::{Cmd, Host, Mail, host_or_skip};

fn server(host: &Host) -> Nsd {
    // An address whose name is not there.
    let reverse = format!("{}60 PTR none.example.org.\n", testkit::dns::zones::REVERSE);
    nsd(
        host,
        "127.0.53.1",
        &[
            ("example.org", Some(testkit::dns::zones::ORG)),
            ("2.0.192.in-addr.arpa", Some(&reverse)),
            ("broken.example", None),
        ],
    )
}

/// A real instance `postfix-aol-NAME` with this address, that calls itself NAME.example.org.
fn instance(host: &Host, name: &str, address: [u8; 4]) {
    host.instance(&format!("postfix-aol-{name}"))
        .address(address.into())
        .param("smtp_helo_name", format!("{name}.example.org"))
        .create();
}

fn tool(host: &Host, nsd: &Nsd, words: &[&str]) -> Cmd {
    host.command(TOOL)
        .env("TZ", "UTC")
        .args(words)
        .args(["--resolver", &nsd.address])
}

/// The lines of an instance's DNS steps in the text format, without its name.
fn steps(host: &Host, nsd: &Nsd, name: &str) -> Vec<String> {
    let words = ["check", "--format", "text", name];
    let text = tool(host, nsd, &words).run().text();
    let start = format!("postfix-{name}:");
    let lines = text.lines().filter_map(|line| line.strip_prefix(&start));
    let of_dns = |line: &&str| {
        let step = line.split(':').next().unwrap_or_default();
        ["a", "ttl", "ptr", "spf", "relay-name"].contains(&step)
    };
    lines.filter(of_dns).map(str::to_owned).collect()
}

#[test]
fn the_steps_of_the_dns() {
    let host = host_or_skip!();
    let nsd = server(&host);
    instance(&host, "good", [192, 0, 2, 41]);
    instance(&host, "hour", [192, 0, 2, 42]);
    instance(&host, "listed", [192, 0, 2, 50]);
    instance(&host, "none", [192, 0, 2, 60]);
    // It is in the name, and neither runs nor has a rate limit.
    assert_eq!(
        steps(&host, &nsd, "aol-good"),
        [
            "a:pass:good.example.org: is 192.0.2.41",
            "ttl:pass:good.example.org: 86400 s",
            "ptr:pass:41.2.0.192.in-addr.arpa: names good.example.org",
            "spf:pass:example.org: passes by redirect=_spf.example.org, ip4:192.0.2.40/31",
            "relay-name:fail:aol.smtp.example.org: is 192.0.2.41 and 2 more: it gets mail, and is not ready",
            "relay-name:do:take out: aol.smtp.example.org. IN A 192.0.2.41",
        ]
    );
    assert_eq!(
        steps(&host, &nsd, "aol-hour"),
        [
            "a:pass:hour.example.org: is 192.0.2.42",
            "ttl:fail:hour.example.org: 3600 s; it should be 86400 or more",
            "ttl:do:hour.example.org. 86400 IN A 192.0.2.42",
            "ptr:fail:42.2.0.192.in-addr.arpa: names old.example.org, older.example.org, not hour.example.org",
            "ptr:do:42.2.0.192.in-addr.arpa. 86400 IN PTR hour.example.org.",
            "ptr:do:take out: 42.2.0.192.in-addr.arpa. IN PTR old.example.org.",
            "ptr:do:take out: 42.2.0.192.in-addr.arpa. IN PTR older.example.org.",
            "ptr:do:in the network provider's zone, if the network is not yours: ask them to set it",
            "spf:fail:example.org: fail by redirect=_spf.example.org, -all: it does not cover 192.0.2.42",
            "spf:do:example.org. 86400 IN TXT \"v=spf1 ip4:192.0.2.42 redirect=_spf.example.org\"",
            "spf:do:take out: example.org. IN TXT \"v=spf1 redirect=_spf.example.org\"",
            "relay-name:pass:aol.smtp.example.org: is 192.0.2.41, 192.0.2.46, 192.0.2.47, not 192.0.2.42: it gets no \
             mail yet, and is not ready",
        ]
    );
    let none = steps(&host, &nsd, "aol-none");
    assert_eq!(none[0], "a:fail:none.example.org: no such name");
    assert_eq!(none[1], "a:do:none.example.org. 86400 IN A 192.0.2.60");
    assert_eq!(none[2], "ttl:unknown:none.example.org: has no A record");
    assert_eq!(
        none[3],
        "ptr:fail:60.2.0.192.in-addr.arpa: names none.example.org, which does not resolve back: the name does not exist"
    );
}

#[test]
fn an_instance_that_is_ready() {
    let host = host_or_skip!();
    let nsd = server(&host);
    let listed = host
        .instance("postfix-aol-listed")
        .address([192, 0, 2, 50].into())
        .param("smtp_helo_name", "listed.example.org")
        .start();
    let check = |status: i32| {
        let ran = tool(&host, &nsd, &["check", "--check", "aol-listed"]).run();
        let line = ran.exit(status).text();
        assert_eq!(line.lines().count(), 1, "{line}");
        line.trim_end().to_owned()
    };
    let line = check(2);
    assert!(
        line.starts_with("CRITICAL: postfix-aol-listed: ptr 50.2.0.192.in-addr.arpa: no such name; postfix-aol-listed: \
            rate-delay smtp_transport_rate_delay: none"),
        "{line}"
    );
    assert!(
        line.ends_with(" | passed=11;;;0 failed=3;;;0 unknown=0;;;0"),
        "{line}"
    );
    let reverse = format!(
        "{}50 PTR listed.example.org.\n",
        testkit::dns::zones::REVERSE
    );
    let zones = [
        ("example.org", Some(testkit::dns::zones::ORG)),
        ("2.0.192.in-addr.arpa", Some(reverse.as_str())),
    ];
    drop(nsd);
    let nsd = self::nsd(&host, "127.0.53.1", &zones);
    let plan = ["plan", "aol-listed", "--volume", "1000", "--format", "text"];
    host.sh(&tool(&host, &nsd, &plan).run().ok().text());
    let ran = tool(&host, &nsd, &["check", "--check", "aol-listed"])
        .run()
        .ok();
    assert_eq!(
        ran.text(),
        "OK: postfix-aol-listed is ready to send | passed=14;;;0 failed=0;;;0 unknown=0;;;0\n"
    );
    let quiet = tool(&host, &nsd, &["check", "--check", "-q", "aol-listed"])
        .run()
        .ok();
    assert_eq!(quiet.text(), "");
    // Without --check, the same exit status.
    let ran = tool(&host, &nsd, &["check", "aol-listed"]).run().ok();
    assert!(!ran.text().contains("FAIL"), "{ran}");
    listed.stop();
    tool(&host, &nsd, &["check", "aol-listed"]).run().exit(2);
    // A resolver that does not answer: unknown, and no more than that.
    listed.start();
    let ran = host
        .command(TOOL)
        .args(["check", "--check", "--resolver", "127.0.53.9", "aol-listed"])
        .run()
        .exit(3);
    assert!(
        ran.text()
            .starts_with("UNKNOWN: postfix-aol-listed: a listed.example.org: "),
        "{ran}"
    );
    tool(&host, &nsd, &["check", "--check", "aol-nobody"])
        .run()
        .exit(3);
    tool(&host, &nsd, &["check", "aol-nobody"]).run().exit(3);
}

/// A warm-up by MX or SRV records: the relay name's own addresses are the old ones alone.
#[test]
fn an_address_that_other_records_lead_to_gets_mail() {
    let host = host_or_skip!();
    instance(&host, "none", [192, 0, 2, 60]);
    let check = |kind: &str, record: &str| {
        let more = format!("{record} new1.aol.smtp\nnew1.aol.smtp 600 A 192.0.2.60\n");
        let zone = format!("{}{more}", testkit::dns::zones::ORG);
        let nsd = nsd(&host, "127.0.53.1", &[("example.org", Some(&zone))]);
        let found = steps(&host, &nsd, "aol-none");
        let of_name = found.iter().find(|line| line.starts_with("relay-name:"));
        let begin = format!(
            "relay-name:unknown:aol.smtp.example.org: has {kind} records that lead to 192.0.2.60: it gets mail"
        );
        assert!(of_name.unwrap().starts_with(&begin), "{found:?}");
    };
    check("MX", "aol.smtp 600 MX 10");
    check("SRV", "_smtp._tcp.aol.smtp 600 SRV 10 10 25");
}

/// Beside a CNAME record there can be no other (RFC 1034, section 3.6.2): the lines are of what it leads to, and a real
/// server takes them.
#[test]
fn the_records_of_a_name_that_is_a_cname() {
    let host = host_or_skip!();
    let more = "cn.smtp 600 CNAME pool.smtp\npool.smtp 600 A 192.0.2.71\n";
    let zone = format!("{}{more}", testkit::dns::zones::ORG);
    instance(&host, "none", [192, 0, 2, 60]);
    let words = [
        "plan", "aol-none", "-n", "--volume", "1000", "--format", "text",
    ];
    let name = ["--relay-name", "cn.smtp.example.org"];
    let serve = |zone: &str| nsd(&host, "127.0.53.1", &[("example.org", Some(zone))]);
    let first = serve(&zone);
    let ran = tool(&host, &first, &[&words[..], &name].concat())
        .run()
        .ok();
    assert!(
        ran.errors()
            .contains("cn.smtp.example.org is a CNAME of pool.smtp.example.org"),
        "{ran}"
    );
    drop(first);
    let text = ran.text();
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("# zone: "));
    let pasted: String = lines.map(|line| format!("{line}\n")).collect();
    assert!(pasted.contains("192.0.2.60 ; new"), "{pasted}");
    let second = serve(&format!(
        "{}cn.smtp 600 CNAME pool.smtp\n{pasted}",
        testkit::dns::zones::ORG
    ));
    let ran = tool(&host, &second, &[&words[..], &name].concat())
        .run()
        .ok();
    assert!(
        ran.text()
            .contains("pool.smtp.example.org. 600 IN A 192.0.2.71"),
        "{ran}"
    );
}

/// Beside records of another family, equal shares are none.
#[test]
fn an_address_of_another_family_than_the_names() {
    let host = host_or_skip!();
    let nsd = server(&host);
    host.instance("postfix-aol-six")
        .param("smtp_bind_address", "")
        .param("inet_protocols", "all")
        .param("smtp_bind_address6", "2001:db8::5")
        .param("smtp_helo_name", "six.example.org")
        .create();
    let name = "hour.example.org";
    let words = [
        "plan",
        "aol-six",
        "-n",
        "--volume",
        "1000",
        "--relay-name",
        name,
    ];
    let ran = tool(&host, &nsd, &words).run().ok();
    let told = "hour.example.org has A records alone: beside these, an AAAA record of 2001:db8::5 gets no share";
    assert!(ran.errors().contains(told), "{ran}");
    let ran = tool(&host, &nsd, &[&words[..], &["--old", "192.0.2.9"]].concat())
        .run()
        .ok();
    assert!(ran.errors().contains(told), "{ran}");
    let ran = tool(
        &host,
        &nsd,
        &[&words[..], &["--old", "2001:db8::9"]].concat(),
    )
    .run()
    .ok();
    assert!(!ran.errors().contains("records alone"), "{ran}");
}

#[test]
fn hostile_records_are_shown_harmless() {
    let host = host_or_skip!();
    let nsd = server(&host);
    instance(&host, "hostile", [192, 0, 2, 49]);
    for format in ["table", "text", "json", "csv"] {
        let words = ["check", "--format", format, "aol-hostile"];
        let text = String::from_utf8(tool(&host, &nsd, &words).run().exit(2).stdout).unwrap();
        let is_raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(is_raw), "{format}: {text:?}");
        assert!(text.contains("is not an SPF term"), "{format}: {text:?}");
    }
    let line = tool(&host, &nsd, &["check", "--check", "aol-hostile"])
        .run()
        .exit(2);
    assert!(!line.text().contains('\u{1b}'), "{line}");
}

/// A relay name brings half of the mail, and the new address may send but a part of that: the plan's settings turn the
/// rest to the old one, and nothing is left anywhere.
#[test]
fn what_comes_beyond_goes_to_the_old_address() {
    let host = host_or_skip!();
    let (old_sink, new_sink) = (host.sink(), host.sink());
    let old = host.instance("postfix-aol-b").relay_to(&old_sink).start();
    let new = host.instance("postfix-aol-c").relay_to(&new_sink).start();
    let (old_ip, new_ip) = (old.address().ip(), new.address().ip());
    let zone = format!(
        "$ORIGIN example.org.\n@ 60 SOA ns h 1 60 60 60 60\n@ 60 NS ns\nns 60 A 127.0.53.1\n\
         aol.smtp 60 A {old_ip}\naol.smtp 60 A {new_ip}\n"
    );
    let nsd = nsd(&host, "127.0.53.1", &[("example.org", Some(&zone))]);
    host.write("/etc/resolv.conf", "nameserver 127.0.53.1\n");
    // 72 a day: three in an hour.
    let plan = |words: &[&str]| {
        let words = [
            &["plan", "-n", "aol-c", "--format", "text", "--first", "72"],
            words,
        ]
        .concat();
        tool(&host, &nsd, &words).run().ok().text()
    };
    let script = plan(&["--volume", "86400/day"]);
    assert!(
        script.contains("-e 'smtpd_client_recipient_rate_limit = 3'"),
        "{script}"
    );
    host.sh(&script);
    // Only how much is taken is of interest here: it need not wait for its twenty minutes.
    new.set("smtp_transport_rate_delay", "0");
    new.reload();
    let port = old.address().port();
    let lists = host
        .instance("postfix-lists")
        .param("relayhost", format!("[aol.smtp.example.org]:{port}"))
        // A connection that is kept may be the new address's twice, and then it is the next retry's turn.
        .fast_retries()
        .start();
    let send = |count: usize| {
        let before = old_sink.accepted() + new_sink.accepted();
        let mails = (0..count).map(|n| Mail::new("news@example.org", &format!("u{n}@aol.example")));
        lists.submit(mails);
        lists.wait_until(testkit::PATIENCE, "all to arrive", || {
            old_sink.accepted() + new_sink.accepted() == before + count
        });
    };
    // A connection that is kept takes many messages to one of the two.
    let send_until = |taken: usize| {
        let rounds = (0..20).take_while(|_| {
            send(10);
            new_sink.accepted() < taken
        });
        assert!(rounds.count() < 20, "{}", new_sink.accepted());
    };
    send_until(3);
    send(40);
    assert_eq!(new_sink.accepted(), 3);
    for instance in [&lists, &new, &old] {
        assert_eq!(instance.count("deferred"), 0, "{}", instance.name());
    }
    // Where the share is within what is let out, the limit is off.
    let script = plan(&["--volume", "72/day"]);
    assert!(
        script.contains("-e 'smtpd_client_recipient_rate_limit = 0'"),
        "{script}"
    );
    host.sh(&script);
    new.set("smtp_transport_rate_delay", "0");
    new.reload();
    send_until(10);
}
