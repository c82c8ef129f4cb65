//! Servers that remember, behave badly, or never answer.

use super::*;
use testkit::dns::{Manners, fake};

#[test]
fn whole_times_to_live_are_asked_of_the_zone() {
    let host = host_or_skip!();
    let authority = host_with(&host, &[("good", "192.0.2.41"), ("hour", "192.0.2.42")]);
    instance(&host, "postfix-aol-gone", "gone.gone.example", "192.0.2.52");
    let remembered = [
        ("example.org", Some(testkit::dns::zones::REMEMBERED)),
        ("gone.example", Some(testkit::dns::zones::GONE)),
    ];
    let cache = nsd(&host, "127.0.53.2", &remembered);
    let resolver = fake(&host, "127.0.53.3:5353", Some(&cache), Manners::Remembers);
    let ttl = |instance: &str| checks(&host, &resolver, instance, 1)[1].clone();
    assert_eq!(ttl("aol-good"), "ttl ok good.example.org: 86400 s");
    assert_eq!(
        ttl("aol-hour"),
        "ttl poor hour.example.org: 3600 s; it should be 86400 or more"
    );
    assert_eq!(
        ttl("aol-gone"),
        "ttl unknown gone.gone.example: the resolver caches it for 77 s more; the zone's own TTL is not known: \
         no DNS server is answering at 127.0.53.9:53"
    );
    drop(authority);
}

#[test]
fn servers_that_behave_badly_are_borne_with() {
    let host = host_or_skip!();
    let nsd = host_with(&host, &[("good", "192.0.2.41")]);
    let expected = checks(&host, &nsd.address, "aol-good", 0);
    let noisy = fake(&host, "127.0.53.4:53", Some(&nsd), Manners::Noisy);
    assert_eq!(checks(&host, &noisy, "aol-good", 0), expected);
    let old = fake(&host, "127.0.53.5:53", Some(&nsd), Manners::Old);
    assert_eq!(checks(&host, &old, "aol-good", 0), expected);
}

#[test]
fn servers_that_never_answer_end_in_unknown_and_in_time() {
    let host = host_or_skip!();
    let names: Vec<String> = (1..=40).map(|n| format!("n{n}")).collect();
    for (name, n) in names.iter().zip(1..) {
        let address = format!("192.0.2.{n}");
        instance(
            &host,
            &format!("postfix-aol-{name}"),
            &format!("{name}.example.org"),
            &address,
        );
    }
    let silent = fake(&host, "127.0.53.6:53", None, Manners::Silent);
    let drips = fake(&host, "127.0.53.7:53", None, Manners::Drips);
    for (server, why) in [
        (silent.as_str(), "no answer in time"),
        (drips.as_str(), "no answer in time"),
        (
            "127.0.53.8:53",
            "no DNS server is answering at 127.0.53.8:53",
        ),
    ] {
        // One after the other, the 200 questions would take longer than the kit has patience.
        let ran = tool(&host, server)
            .args(["--timeout", "5s", "aol-*"])
            .run()
            .exit(1);
        let table = ran.text();
        let checks = table.lines().filter(|line| line.contains("  UNKNOWN  "));
        assert_eq!(checks.count(), 40 * 5, "{table}");
        assert!(table.contains(why), "{table}");
        assert!(
            !table.contains("WRONG") && !table.contains("poor"),
            "{table}"
        );
    }
    // Wrong in itself, since no such instance runs: asked alone, and of one that is not to run, nothing is.
    let ran = tool(&host, &silent)
        .args(["--timeout", "1s", "--check", "aol-n1"])
        .run()
        .exit(3);
    assert!(ran.text().starts_with("UNKNOWN: "), "{ran}");
    // The system's own resolvers, of which there are none here.
    host.write("/etc/resolv.conf", "nameserver 127.0.53.8\n");
    let ran = host
        .command(TOOL)
        .args(["--check-dns", "aol-n1"])
        .run()
        .exit(1);
    assert!(
        ran.text()
            .contains("no DNS server is answering at 127.0.53.8:53"),
        "{ran}"
    );
}
