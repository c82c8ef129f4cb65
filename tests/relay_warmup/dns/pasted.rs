//! The lines of a zone that `check` prints, put into the zone: a real server takes them, and what was wrong is right.

use std::collections::BTreeSet;

use super::*;

/// A record a line, each by its full name. `aol-c` and `aol-d` are wrong in all that can be.
const ORG: &str = "example.org. 600 IN SOA ns.example.org. h.example.org. 1 60 60 60 60
example.org. 600 IN NS ns.example.org.
ns.example.org. 600 IN A 127.0.53.1
example.org. 600 IN TXT \"v=spf1 ip4:192.0.2.9 -all\"
example.org. 600 IN TXT \"another text\"
aol-c.example.org. 3600 IN A 192.0.2.98
aol-c.example.org. 3600 IN A 192.0.2.99
aol-d.example.org. 3600 IN CNAME pool.example.org.
pool.example.org. 3600 IN A 192.0.2.77
aol-d.example.org. 3600 IN TXT \"not seen beside a CNAME\"
aol-e.example.org. 86400 IN CNAME pool-e.example.org.
pool-e.example.org. 600 IN A 192.0.2.45
aol.smtp.example.org. 86400 IN A 192.0.2.77
aol.smtp.example.org. 86400 IN A 192.0.2.43
";

const REVERSE: &str =
    "2.0.192.in-addr.arpa. 600 IN SOA ns.example.org. h.example.org. 1 60 60 60 60
2.0.192.in-addr.arpa. 600 IN NS ns.example.org.
43.2.0.192.in-addr.arpa. 600 IN PTR old.example.org.
44.2.0.192.in-addr.arpa. 600 IN PTR aol-d.example.org.
45.2.0.192.in-addr.arpa. 600 IN PTR aol-e.example.org.
";

/// The zone as a server takes it.
fn whole() -> String {
    ORG.replace(
        "aol-d.example.org. 3600 IN TXT \"not seen beside a CNAME\"\n",
        "",
    )
}

/// Name, type and value of a record, without its time to live.
fn record(line: &str) -> String {
    let (name, rest) = line.split_once(' ').unwrap();
    format!(
        "{name} {}",
        rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ')
    )
}

/// The zone with these lines in it, and without those that are to be taken out.
fn edited(zone: &str, origin: &str, lines: &BTreeSet<String>) -> String {
    let is_here = |line: &&str| line.split(' ').next().unwrap().ends_with(origin);
    let out: Vec<String> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("take out: "))
        .map(record)
        .collect();
    let new = lines
        .iter()
        .map(String::as_str)
        .filter(|line| line.contains(". 86400 IN ") || line.contains(". 600 IN "));
    let new: Vec<&str> = new.filter(is_here).collect();
    let replaced: Vec<String> = new.iter().map(|line| record(line)).collect();
    let is_left = |line: &&str| !out.contains(&record(line)) && !replaced.contains(&record(line));
    let left = zone.lines().filter(is_left).chain(new.iter().copied());
    left.map(|line| format!("{line}\n")).collect()
}

/// The one name that the address resolves back to is printed as the HELO name: pasted, it is right; and where another
/// instance has it, it is not offered.
#[test]
fn a_helo_name_is_taken_from_the_address() {
    let host = host_or_skip!();
    for (name, helo) in [
        ("c", "localhost"),
        ("d", "localhost"),
        ("e", "aol-d.example.org"),
    ] {
        host.instance(&format!("postfix-aol-{name}"))
            .address([192, 0, 2, 43 + name.as_bytes()[0] - b'c'].into())
            .param("smtp_helo_name", helo)
            .create();
    }
    let org = whole();
    let reverse = REVERSE.replace("old.", "aol-c.");
    let zones = [
        ("example.org", Some(org.as_str())),
        ("2.0.192.in-addr.arpa", Some(reverse.as_str())),
    ];
    let nsd = nsd(&host, "127.0.53.1", &zones);
    let helo = |name: &str| -> Vec<String> {
        let text = tool(&host, &nsd, &["check", "--format", "text", name])
            .run()
            .text();
        let start = format!("postfix-{name}:helo:");
        let lines = text.lines().filter_map(|line| line.strip_prefix(&start));
        lines.map(str::to_owned).collect()
    };
    let found = helo("aol-c");
    let command = found.iter().find_map(|line| line.strip_prefix("do:"));
    let expected = "postconf -c /etc/postfix-aol-c -e 'smtp_helo_name = aol-c.example.org'";
    assert_eq!(command, Some(expected), "{found:?}");
    host.sh(expected).ok();
    let found = helo("aol-c");
    assert!(found[0].starts_with("pass:"), "{found:?}");
    // aol-e says aol-d's name already.
    let found = helo("aol-d");
    let to_do = found.iter().find_map(|line| line.strip_prefix("do:"));
    assert!(to_do.unwrap().starts_with("# postconf "), "{found:?}");
}

/// An address that is taken out of the name gets mail for as long: what is too long now is not kept.
#[test]
fn the_records_of_a_plan_live_for_ten_minutes_at_most() {
    let host = host_or_skip!();
    instance(&host, "c", [192, 0, 2, 43]);
    for (has, expected) in [("86400", "600"), ("60", "60")] {
        let org = whole().replace(
            "aol.smtp.example.org. 86400",
            &format!("aol.smtp.example.org. {has}"),
        );
        let nsd = nsd(&host, "127.0.53.1", &[("example.org", Some(org.as_str()))]);
        let words = [
            "plan",
            "aol-c",
            "--volume",
            "1000",
            "--relay-name",
            "aol.smtp.example.org",
            "-n",
            "--format",
            "text",
        ];
        let text = tool(&host, &nsd, &words).run().ok().text();
        let lines = text
            .lines()
            .filter_map(|line| line.strip_prefix("# zone: "));
        let lines: BTreeSet<&str> = lines.collect();
        let line = format!("aol.smtp.example.org. {expected} IN A 192.0.2.77");
        assert!(lines.contains(line.as_str()), "{has}: {text}");
    }
}

#[test]
fn what_is_printed_makes_it_right() {
    let host = host_or_skip!();
    let names = ["c", "d", "e"];
    for (name, last) in names.iter().zip(43..) {
        host.instance(&format!("postfix-aol-{name}"))
            .address([192, 0, 2, last].into())
            .param("smtp_helo_name", format!("aol-{name}.example.org"))
            .start();
    }
    let (mut org, mut reverse) = (whole(), REVERSE.to_owned());
    let of = |nsd: &Nsd| -> Vec<String> {
        names
            .iter()
            .flat_map(|name| steps(&host, nsd, &format!("aol-{name}")))
            .collect()
    };
    let mut rounds = Vec::new();
    // The SPF record of one name is printed for each address: an admin pastes those of one instance after another.
    for round in 0..5 {
        let zones = [
            ("example.org", Some(org.as_str())),
            ("2.0.192.in-addr.arpa", Some(reverse.as_str())),
        ];
        let nsd = nsd(&host, "127.0.53.1", &zones);
        let of_one = match names.get(round) {
            Some(name) => steps(&host, &nsd, &format!("aol-{name}")),
            None => of(&nsd),
        };
        let all = of(&nsd);
        let bad = all
            .iter()
            .filter(|line| line.contains(":fail:") || line.contains(":unknown:"));
        rounds.push(bad.cloned().collect::<Vec<_>>());
        let lines = of_one
            .iter()
            .filter_map(|line| Some(line.split_once(":do:")?.1.to_owned()));
        let lines: BTreeSet<String> = lines.collect();
        org = edited(&org, "example.org.", &lines);
        reverse = edited(&reverse, "2.0.192.in-addr.arpa.", &lines);
    }
    let first = rounds.first().unwrap().join("\n");
    for told in [
        "a:fail:aol-c.example.org: is 192.0.2.98, 192.0.2.99, not 192.0.2.43",
        "a:fail:aol-d.example.org: is 192.0.2.77, not 192.0.2.44",
        "ttl:fail:aol-e.example.org: 600 s",
        "ptr:fail:43.2.0.192.in-addr.arpa: names old.example.org, not aol-c.example.org",
        "spf:fail:example.org: fail by -all: it does not cover 192.0.2.44",
        "relay-name:fail:aol.smtp.example.org: is 192.0.2.43 and 1 more, with TTL 86400 s",
    ] {
        assert!(first.contains(told), "{told}\n{first}");
    }
    // No rate delay yet: that is no matter of the zone.
    let left = rounds
        .last()
        .unwrap()
        .iter()
        .filter(|line| !line.contains("it gets mail, and is not ready"));
    assert_eq!(left.collect::<Vec<_>>(), [""; 0], "{org}{reverse}");
    // What the zones had is not there beside the new.
    assert!(
        !org.contains("192.0.2.98") && !org.contains("192.0.2.99") && !reverse.contains("old."),
        "{org}{reverse}"
    );
    assert!(!org.contains("86400 IN A 192.0.2.77"), "{org}");
    assert_eq!(org.matches("v=spf1").count(), 1, "{org}");
}
