//! check_host() with records of the tests' own; what is expected is RFC 7208's.

use std::collections::HashMap;
use std::sync::Arc;

use super::check_host;
use crate::{Answer, Data, Failure, Lookup, Name, Record, Rtype, name};

/// `NAME TYPE VALUE` lines. A name whose value is `SILENT` never answers.
struct Zone(HashMap<(String, String), Vec<String>>);

impl Zone {
    fn new(lines: &str) -> Self {
        let mut zone: HashMap<_, Vec<String>> = HashMap::new();
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            let mut words = line.trim().splitn(3, ' ').map(str::to_owned);
            let mut word = || words.next().unwrap();
            zone.entry((word(), word())).or_default().push(word());
        }
        Self(zone)
    }
}

impl Lookup for Zone {
    fn ask(&self, name: &Name, rtype: Rtype) -> Result<Arc<Answer>, Failure> {
        let values = self.0.get(&(name.to_string(), rtype.to_string()));
        let mut answer = Answer::default();
        for value in values.into_iter().flatten() {
            if value == "SILENT" {
                return Err(Failure::Timeout);
            }
            let host = || crate::name(value).unwrap();
            let data = match rtype {
                Rtype::A => Data::A(value.parse().unwrap()),
                Rtype::AAAA => Data::Aaaa(value.parse().unwrap()),
                Rtype::PTR => Data::Ptr(host()),
                Rtype::MX => Data::Mx(10, host()),
                _ => Data::Txt(value.clone().into_bytes()),
            };
            answer.records.push(Record { ttl: 1, data });
        }
        answer.no_such_name = answer.records.is_empty();
        Ok(Arc::new(answer))
    }

    fn ask_authority(&self, name: &Name, rtype: Rtype) -> Result<Arc<Answer>, Failure> {
        self.ask(name, rtype)
    }
}

/// What the records say of an address and the domain d.example; and the term that decided, behind a blank.
#[track_caller]
fn check(zone: &str, ip: &str, expected: &str) {
    let domain = name("d.example").unwrap();
    let verdict = check_host(
        &Zone::new(zone),
        ip.parse().unwrap(),
        ("postmaster", &domain),
        "h.example",
    );
    let by = verdict.by.map_or_else(String::new, |by| format!(" {by}"));
    assert_eq!(format!("{}{by}", verdict.result), expected, "{zone}");
}

#[test]
fn mechanisms() {
    let zone = "d.example TXT v=spf1 ip4:192.0.2.0/25 a:a.example/31 mx//64 exists:%{ir}.e.example ptr:p.example ?all
                d.example MX m.example
                a.example A 198.51.100.4
                m.example A 198.51.100.8
                m.example AAAA 2001:db8:1::1
                3.113.0.203.e.example A 127.0.0.2
                9.113.0.203.in-addr.arpa PTR x.p.example
                x.p.example A 203.0.113.9
                8.113.0.203.in-addr.arpa PTR y.p.example
                y.p.example A 203.0.113.99";
    check(zone, "192.0.2.127", "pass ip4:192.0.2.0/25");
    check(zone, "::ffff:192.0.2.127", "pass ip4:192.0.2.0/25");
    check(zone, "198.51.100.5", "pass a:a.example/31");
    check(zone, "198.51.100.8", "pass mx//64");
    check(zone, "2001:db8:1::9", "pass mx//64");
    check(zone, "203.0.113.3", "pass exists:%{ir}.e.example");
    check(zone, "203.0.113.9", "pass ptr:p.example");
    // The name that the address claims does not claim the address.
    check(zone, "203.0.113.8", "neutral ?all");
    check(zone, "192.0.2.128", "neutral ?all");
}

#[test]
fn records_and_results() {
    let ip = "192.0.2.1";
    check("", ip, "none");
    check("d.example TXT v=spf10 +all", ip, "none");
    check(
        "d.example TXT SILENT",
        ip,
        "temperror: d.example: no answer in time",
    );
    check("d.example TXT v=spf1 -all", ip, "fail -all");
    check("d.example TXT V=SPF1 ~ALL", ip, "softfail ~ALL");
    check("d.example TXT v=spf1", ip, "neutral");
    check(
        "d.example TXT v=spf1 -all\nd.example TXT v=spf1 +all",
        ip,
        "permerror: d.example has two SPF records",
    );
    check(
        "d.example TXT v=spf1 +all foo",
        ip,
        "permerror: d.example: \"foo\" is not an SPF term",
    );
}

#[test]
fn other_domains() {
    let ip = "192.0.2.1";
    let include = "d.example TXT v=spf1 include:i.example ~all\n";
    let with = |record: &str| format!("{include}i.example TXT {record}");
    check(&with("v=spf1 +all"), ip, "pass include:i.example");
    check(&with("v=spf1 -all"), ip, "softfail ~all");
    check(&with("v=spf1"), ip, "softfail ~all");
    check(
        &with("SILENT"),
        ip,
        "temperror: i.example: no answer in time",
    );
    check(
        &with("other text"),
        ip,
        "permerror: include:i.example: that domain has no SPF record",
    );
    let redirect = "d.example TXT v=spf1 a redirect=_r.%{d}\nd.example A 192.0.2.9\n";
    check(
        &format!("{redirect}_r.d.example TXT v=spf1 -all"),
        ip,
        "fail redirect=_r.d.example, -all",
    );
    check(
        redirect,
        ip,
        "permerror: redirect=_r.d.example: that domain has no SPF record",
    );
    check(
        "d.example TXT v=spf1 redirect=_r.%{d} ?all",
        ip,
        "neutral ?all",
    );
}

#[test]
fn limits() {
    let ip = "192.0.2.1";
    let terms = |count: usize, what: &str| {
        let terms: Vec<String> = (0..count)
            .map(|n| what.replace('N', &n.to_string()))
            .collect();
        format!("d.example TXT v=spf1 {} ip4:192.0.2.1", terms.join(" "))
    };
    let one = "\none.example A 192.0.2.9";
    check(
        &format!("{}{one}", terms(10, "a:one.example")),
        ip,
        "pass ip4:192.0.2.1",
    );
    check(
        &format!("{}{one}", terms(11, "a:one.example")),
        ip,
        "permerror: more than 10 terms need DNS lookups",
    );
    check(&terms(2, "a:noN.example"), ip, "pass ip4:192.0.2.1");
    check(
        &terms(3, "a:noN.example"),
        ip,
        "permerror: more than 2 lookups find nothing",
    );
    check(
        "d.example TXT v=spf1 include:d.example",
        ip,
        "permerror: more than 10 terms need DNS lookups",
    );
    check(
        "d.example TXT v=spf1 redirect=d.example",
        ip,
        "permerror: more than 10 terms need DNS lookups",
    );
    let mut exchangers: String = (0..11)
        .map(|n| format!("\nd.example MX m{n}.example"))
        .collect();
    exchangers.insert_str(0, "d.example TXT v=spf1 mx");
    check(
        &exchangers,
        ip,
        "permerror: mx: d.example has more than 10 mail exchangers",
    );
}
