//! Whose a domain is, by who took its mail and by its exchangers.

use postfix::Time;
use postfix::log::{Agent, Relay, Status};

use super::*;

fn providers() -> Providers {
    Providers::load(None).unwrap()
}

fn delivery<'a>(
    recipient: &'a [u8],
    relay: Option<&'a [u8]>,
    status: Status,
) -> postfix::log::Delivery<'a> {
    postfix::log::Delivery {
        time: None,
        host: b"",
        tag: b"",
        agent: Agent::Smtp,
        queue_id: b"A",
        recipient,
        orig_recipient: None,
        relay: relay.map(|host| Relay {
            host,
            address: (host != b"none").then_some(b"192.0.2.1"),
            port: Some(25),
        }),
        delay: None,
        delays: None,
        dsn: None,
        status,
        reply: b"",
        repeat: 1,
    }
}

fn via() -> ViaTheRest {
    let set = |names: &[&[u8]]| names.iter().map(|name| name.to_vec()).collect();
    ViaTheRest {
        relays: set(&[b"therest.smtp.example.org"]),
        others: set(&[b"aol.smtp.example.org"]),
    }
}

/// Instance, recipient, relay host, status.
type Line<'a> = (&'a str, &'a [u8], Option<&'a [u8]>, Status);

/// `domain provider evidence total` of what is found, and `domain total` of what is open.
fn check(deliveries: &[Line<'_>], found: &[&str], open: &[&str], others: usize) {
    let providers = providers();
    // In two parts, as threads count them.
    let mut parts = [Traffic::default(), Traffic::default()];
    for (n, (instance, recipient, relay, status)) in deliveries.iter().enumerate() {
        parts[n % 2].add(
            &via(),
            &providers,
            *instance == REST,
            &delivery(recipient, *relay, *status),
        );
    }
    let [mut traffic, later] = parts;
    traffic.join(later);
    let judged = traffic.judge(&providers);
    let shown: Vec<String> = judged
        .found
        .iter()
        .map(|f| {
            let host =
                f.by.host()
                    .map_or_else(String::new, |host| format!(" {host}"));
            format!(
                "{} {} {}{host} {}",
                f.domain,
                providers.get(f.provider).name,
                f.by.as_str(),
                f.counts.total()
            )
        })
        .collect();
    assert_eq!(shown, found);
    let shown: Vec<String> = judged
        .open
        .iter()
        .map(|o| format!("{} {}", o.domain, o.counts.total()))
        .collect();
    assert_eq!(shown, open);
    assert_eq!(judged.others, others);
}

const REST: &str = "postfix-therest-a";
const LIST: &str = "postfix-lists";
const OUTLOOK: Option<&[u8]> = Some(b"contoso-com.mail.protection.Outlook.com");
const GOOGLE: Option<&[u8]> = Some(b"aspmx.l.google.com");
const OWN: Option<&[u8]> = Some(b"therest.smtp.example.org");
const SENT: Status = Status::Sent;

#[test]
fn the_host_that_took_the_mail_tells_whose_the_domain_is() {
    check(
        &[
            (REST, b"a@contoso.example", OUTLOOK, SENT),
            (REST, b"b@Contoso.Example", OUTLOOK, Status::Bounced),
            (REST, b"c@contoso.example", Some(b"none"), Status::Deferred),
            (REST, b"d@school.example", GOOGLE, SENT),
            (REST, b"e@riseup.example", Some(b"mx1.riseup.example"), SENT),
            // On the label's boundary alone.
            (
                REST,
                b"f@fake.example",
                Some(b"mail.protection.evil-outlook.com"),
                SENT,
            ),
            (REST, b"g@fake.example", Some(b"notgoogle.com"), SENT),
            (
                REST,
                b"h@fake2.example",
                Some(b"aspmx.l.google.com.evil.example"),
                SENT,
            ),
            (REST, b"i@comcast.net", Some(b"mx1.comcast.net"), SENT),
        ],
        &[
            "contoso.example office365 relay contoso-com.mail.protection.outlook.com 3",
            "comcast.net comcast table 1",
            "school.example gmail relay aspmx.l.google.com 1",
        ],
        &[],
        3,
    );
}

#[test]
fn more_than_half_decides() {
    check(
        &[
            (REST, b"a@half.example", GOOGLE, SENT),
            (REST, b"b@half.example", OUTLOOK, SENT),
            (REST, b"a@most.example", GOOGLE, SENT),
            (REST, b"b@most.example", GOOGLE, SENT),
            (REST, b"c@most.example", Some(b"filter.example"), SENT),
        ],
        &["most.example gmail relay aspmx.l.google.com 3"],
        &[],
        1,
    );
}

#[test]
fn what_our_own_relay_took_is_left_open() {
    check(
        &[
            (LIST, b"a@contoso.example", OWN, SENT),
            (LIST, b"b@contoso.example", OWN, SENT),
            (LIST, b"c@small.example", OWN, SENT),
            (LIST, b"d@aol.com", OWN, SENT),
            // Neither through the catch-all relay, nor from it.
            (LIST, b"e@aim.com", Some(b"aol.smtp.example.org"), SENT),
            (LIST, b"f@direct.example", GOOGLE, SENT),
            (REST, b"g@down.example", None, Status::Deferred),
            (
                REST,
                b"h@sent-on.example",
                Some(b"aol.smtp.example.org"),
                SENT,
            ),
        ],
        &["aol.com aol table 1"],
        &["contoso.example 2", "down.example 1", "small.example 1"],
        0,
    );
}

#[test]
fn names_that_are_no_domain_are_counted_and_told() {
    let providers = providers();
    let mut traffic = Traffic::default();
    let mut add = |recipient: &[u8]| {
        traffic.add(
            &via(),
            &providers,
            true,
            &delivery(recipient, OUTLOOK, SENT),
        );
    };
    add(b"a@evil.example\n*");
    add(b"a@[192.0.2.1]");
    add(b"a@x\x1b[2J.example");
    add("a@b\u{fc}cher.example".as_bytes());
    add("a@B\u{dc}CHER.example".as_bytes());
    add(b"a@xn--bcher-kva.example");
    add(b"local");
    let judged = traffic.judge(&providers);
    assert_eq!(
        judged.refused,
        [
            "[192.0.2.1]: not a domain name",
            "evil.example\\n*: not a domain name",
            "x\\x1b[2j.example: not a domain name"
        ]
    );
    assert_eq!(judged.refused_count, 3);
    let found: Vec<(&str, u64)> = judged
        .found
        .iter()
        .map(|f| (f.domain.as_str(), f.counts.total()))
        .collect();
    assert_eq!(found, [("xn--bcher-kva.example", 3)]);
}

#[test]
fn the_first_exchangers_decide() {
    let check = |mx: &[(u16, &str)], expected: Option<&str>| {
        let providers = providers();
        let mx = mx
            .iter()
            .map(|&(preference, host)| (preference, host.to_owned()))
            .collect();
        let found = by_exchangers(&providers, &mx).map(|(id, _)| providers.get(id).name.clone());
        assert_eq!(found.as_deref(), expected, "{mx:?}");
    };
    check(
        &[(10, "aspmx.l.google.com"), (20, "mx.example")],
        Some("gmail"),
    );
    check(&[(10, "mx.example"), (20, "aspmx.l.google.com")], None);
    check(
        &[(5, "alt1.aspmx.l.google.com"), (5, "ASPMX.L.google.com.")],
        Some("gmail"),
    );
    check(&[(5, "aspmx.l.google.com"), (5, "mx.example")], None);
    check(
        &[
            (5, "aspmx.l.google.com"),
            (5, "x.mail.protection.outlook.com"),
        ],
        None,
    );
    check(
        &[(0, "contoso-com.mail.protection.outlook.com")],
        Some("office365"),
    );
    check(&[(0, "mail.protection.evil-outlook.com")], None);
    // One label, with an escaped dot in it.
    check(&[(0, "evil\\.google.com")], None);
    check(&[(0, "")], None);
    check(&[(0, ".")], None);
    check(&[], None);
}

#[test]
fn answers_are_kept_as_long_as_they_may_be() {
    let at = Time::from_seconds;
    let domain = |name: &str| Domain::new(name.as_bytes()).unwrap();
    let mx = vec![(10, "aspmx.l.google.com".to_owned())];
    let mut cache = MxCache::default();
    cache.put(&domain("a.example"), mx.clone(), Some(300), at(1000));
    cache.put(&domain("never.example"), Vec::new(), None, at(1000));
    cache.put(&domain("zero.example"), mx.clone(), Some(0), at(1000));
    cache.put(
        &domain("year.example"),
        mx.clone(),
        Some(31_536_000),
        at(1000),
    );
    let read = MxCache::parse(&cache.text(at(1000)).unwrap()).unwrap();
    assert_eq!(read.get(&domain("a.example"), at(1299)), Some(&mx));
    assert_eq!(read.get(&domain("a.example"), at(1300)), None);
    assert_eq!(
        read.get(&domain("never.example"), at(4599)),
        Some(&Vec::new())
    );
    assert_eq!(read.get(&domain("never.example"), at(4600)), None);
    assert_eq!(read.get(&domain("zero.example"), at(1000)), None);
    assert_eq!(
        read.get(&domain("year.example"), at(1000 + 604_799)),
        Some(&mx)
    );
    assert_eq!(read.get(&domain("year.example"), at(1000 + 604_800)), None);
    // What is over is not written again.
    let later = String::from_utf8(read.text(at(2000)).unwrap()).unwrap();
    assert!(
        !later.contains("a.example") && later.contains("never.example"),
        "{later}"
    );
    for junk in [
        "",
        "{",
        "[]",
        "{\"schema\":\"x\",\"domains\":{}}",
        "{\"schema\":\"relay-tools/mx-cache/1\",\"domains\":{\"a\":{\"until\":1,\"mx\":[[70000,\"x\"]]}}}",
    ] {
        assert!(MxCache::parse(junk.as_bytes()).is_err(), "{junk}");
    }
}
