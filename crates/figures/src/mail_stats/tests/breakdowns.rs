//! Deliveries by what they have in common.

use super::*;

#[test]
fn by_domain() {
    let deliveries = [
        delivery("A1", "a@aol.com", Sent),
        delivery("A1", "b@AOL.com", Bounced),
        delivery("A1", "c@aol.com.", Deferred),
        delivery("A2", "\"x@y\"@gmail.com", Sent),
        delivery("A3", "root", Sent),
        delivery("A3", "a@", Deferred),
    ];
    check(
        Dimension::Domain,
        &deliveries,
        &[
            ("aol.com", counts(1, 1, 1)),
            ("-", counts(1, 0, 1)),
            ("gmail.com", counts(1, 0, 0)),
        ],
    );
}

#[test]
fn by_instance_a_repeated_line_counts_as_often_as_it_came() {
    let deliveries = [
        Delivery {
            repeat: 5,
            ..delivery("A1", "a@aol.com", Deferred)
        },
        delivery("A2", "a@aol.com", Sent),
    ];
    check(
        Dimension::Instance,
        &deliveries,
        &[
            ("postfix-aol-a", counts(1, 0, 5)),
            ("postfix-idle-a", counts(0, 0, 0)),
        ],
    );
}

#[test]
fn by_provider() {
    let deliveries = [
        delivery("A1", "a@Verizon.net", Sent),
        Delivery {
            relay: relay("mta6.am0.yahoodns.net"),
            ..delivery("A1", "a@aol.com", Sent)
        },
        Delivery {
            relay: relay("aspmx.l.google.com"),
            ..delivery("A2", "a@example.org", Bounced)
        },
        Delivery {
            relay: relay("none"),
            ..delivery("A2", "a@example.org", Deferred)
        },
        delivery("A2", "root", Sent),
        delivery("A2", "root", Sent),
    ];
    check(
        Dimension::Provider,
        &deliveries,
        &[
            ("therest", counts(2, 0, 1)),
            ("aol", counts(2, 0, 0)),
            ("gmail", counts(0, 1, 0)),
        ],
    );
}

#[test]
fn by_relay_and_dsn() {
    let deliveries = [
        Delivery {
            relay: relay("MX.example.org."),
            dsn: Some(b"2.0.0"),
            ..delivery("A1", "a@b.c", Sent)
        },
        Delivery {
            relay: relay("mx.example.org"),
            dsn: Some(b"5.1.1"),
            ..delivery("A1", "a@b.c", Bounced)
        },
        Delivery {
            relay: relay("none"),
            dsn: Some(b"4.4.1"),
            ..delivery("A1", "a@b.c", Deferred)
        },
        delivery("A1", "a@b.c", Deferred),
    ];
    check(
        Dimension::Relay,
        &deliveries,
        &[
            ("mx.example.org", counts(1, 1, 0)),
            ("-", counts(0, 0, 1)),
            ("none", counts(0, 0, 1)),
        ],
    );
    check(
        Dimension::Dsn,
        &deliveries,
        &[
            ("-", counts(0, 0, 1)),
            ("2.0.0", counts(1, 0, 0)),
            ("4.4.1", counts(0, 0, 1)),
            ("5.1.1", counts(0, 1, 0)),
        ],
    );
}

#[test]
fn by_reason_with_the_codes_and_addresses_of_a_class() {
    let tss = |ip: &str| {
        format!(
            "host mta5.am0.yahoodns.net[192.0.2.99] refused to talk to me: 421 4.7.0 [TSS04] Messages from {ip} \
             temporarily deferred due to unexpected volume or user complaints - 4.16.55.1; see \
             https://postmaster.yahooinc.com/error-codes"
        )
    };
    let (first, second) = (tss("198.51.100.7"), tss("198.51.100.8"));
    let unknown = "host mx.example[192.0.2.1] said: 550 5.1.1 <a@b.c>: Recipient address rejected: User unknown (in \
        reply to RCPT TO command)";
    let with = |status, reply: &'static str| Delivery {
        reply: reply.as_bytes(),
        ..delivery("A1", "a@b.c", status)
    };
    let mut tally = Tally::new(settings(&[Dimension::Reason], Count::Attempts));
    tally.add(
        b"x",
        &Delivery {
            reply: second.as_bytes(),
            repeat: 3,
            ..delivery("A1", "a@b.c", Deferred)
        },
    );
    tally.add(
        b"x",
        &Delivery {
            reply: first.as_bytes(),
            ..delivery("A1", "a@b.c", Deferred)
        },
    );
    tally.add(b"x", &with(Bounced, unknown));
    tally.add(b"x", &with(Sent, "250 2.0.0 User unknown"));
    tally.add(b"x", &with(Sent, "250 2.0.0 Ok"));
    let stats = tally.finish(Frame::default());
    let rows = &stats.total.by[0].rows;
    let row = |key: &str, counts, codes: &[(&str, u64)], ips: &[(&str, u64)]| Row {
        key: Key::Named(key.into()),
        counts,
        codes: codes.iter().map(|(c, n)| ((*c).to_owned(), *n)).collect(),
        ips: ips
            .iter()
            .map(|(ip, n)| (ip.parse().unwrap(), *n))
            .collect(),
    };
    let expected = [
        row(
            "rate-limited",
            counts(0, 0, 4),
            &[("TSS04", 4)],
            &[("198.51.100.8", 3), ("198.51.100.7", 1)],
        ),
        row("-", counts(2, 0, 0), &[], &[]),
        row("bad-mailbox", counts(0, 1, 0), &[], &[]),
    ];
    assert_eq!(rows, &expected);
}

#[test]
fn by_hour_and_day_of_the_hosts_zone_in_order_and_never_cut() {
    // 2026-11-01: clocks in New York go from 01:59:59 EDT back to 01:00:00 EST at 06:00 UTC.
    let at = |utc: &str| Some(utc.parse().unwrap());
    let deliveries = [
        Delivery {
            time: at("2026-11-02T04:59:59.999999Z"),
            ..delivery("A1", "a@b.c", Sent)
        },
        Delivery {
            time: at("2026-11-02T05:00:00Z"),
            ..delivery("A1", "a@b.c", Sent)
        },
        Delivery {
            time: at("2026-11-02T05:00:00Z"),
            ..delivery("A1", "a@b.c", Sent)
        },
        Delivery {
            time: at("2026-11-01T05:30:00Z"),
            ..delivery("A1", "a@b.c", Bounced)
        },
        Delivery {
            time: at("2026-11-01T06:30:00Z"),
            ..delivery("A1", "a@b.c", Deferred)
        },
        Delivery {
            time: at("2026-11-01T03:59:59Z"),
            ..delivery("A1", "a@b.c", Sent)
        },
        delivery("A1", "a@b.c", Sent),
    ];
    let hours = [
        ("-", counts(1, 0, 0)),
        ("2026-10-31T23", counts(1, 0, 0)),
        ("2026-11-01T01", counts(0, 1, 1)),
        ("2026-11-01T23", counts(1, 0, 0)),
        ("2026-11-02T00", counts(2, 0, 0)),
    ];
    check(Dimension::Hour, &deliveries, &hours);
    let days = [
        ("-", counts(1, 0, 0)),
        ("2026-10-31", counts(1, 0, 0)),
        ("2026-11-01", counts(1, 1, 1)),
        ("2026-11-02", counts(2, 0, 0)),
    ];
    check(Dimension::Day, &deliveries, &days);
    let mut tally = Tally::new(settings(&[Dimension::Day], Count::Attempts));
    deliveries.iter().for_each(|d| tally.add(b"x", d));
    let stats = tally.finish(Frame {
        top: Some(1),
        ..Frame::default()
    });
    assert_eq!(rows(&stats).len(), 4);
}

#[test]
fn by_sender_domain() {
    let mut tally = Tally::new(settings(&[Dimension::SenderDomain], Count::Attempts));
    let x = b"postfix-aol-a";
    tally.sender(x, b"A1", b"news@Example.ORG");
    tally.sender(x, b"A2", b"");
    tally.sender(x, b"A3", b"root");
    tally.sender(b"postfix-aol-b", b"A4", b"other@example.net");
    tally.add(x, &delivery("A1", "a@b.c", Sent));
    tally.add(x, &delivery("A1", "b@b.c", Deferred));
    tally.add(x, &delivery("A2", "a@b.c", Sent));
    tally.add(x, &delivery("A3", "a@b.c", Bounced));
    tally.add(x, &delivery("A4", "a@b.c", Bounced));
    tally.removed(x, b"A1");
    tally.add(x, &delivery("A1", "a@b.c", Bounced));
    let expected = [
        ("?".to_owned(), counts(0, 2, 0)),
        ("example.org".to_owned(), counts(1, 0, 1)),
        ("-".to_owned(), counts(0, 1, 0)),
        ("<>".to_owned(), counts(1, 0, 0)),
    ];
    let stats = tally.finish(Frame::default());
    assert_eq!(rows(&stats), expected);
    // What only the queue manager speaks of is no instance with deliveries.
    let names: Vec<_> = stats.instances.iter().map(|i| i.instance.clone()).collect();
    assert_eq!(
        names,
        [b"postfix-aol-a".to_vec(), b"postfix-idle-a".to_vec()]
    );
}

#[test]
fn the_biggest_rows_and_one_for_the_others() {
    let mut tally = Tally::new(settings(
        &[Dimension::Domain, Dimension::Domain],
        Count::Attempts,
    ));
    for (domain, n) in [("d", 1), ("c", 2), ("b", 2), ("a", 9)] {
        let recipient = format!("x@{domain}");
        tally.add(
            b"x",
            &Delivery {
                repeat: n,
                ..delivery("A1", &recipient, Sent)
            },
        );
    }
    let stats = tally.finish(Frame {
        top: Some(2),
        ..Frame::default()
    });
    assert_eq!(stats.by, [Dimension::Domain]);
    let expected = [
        ("a".to_owned(), counts(9, 0, 0)),
        ("b".to_owned(), counts(2, 0, 0)),
        ("(other)".to_owned(), counts(3, 0, 0)),
    ];
    assert_eq!(rows(&stats), expected);
}

/// Whoever sends mail chooses its domains: none is the row of the others.
#[test]
fn a_domain_that_is_called_as_the_row_of_the_others() {
    let names = ["a@(other)", "a@(2 MORE)", "a@b"];
    check(
        Dimension::Domain,
        &names.map(|recipient| delivery("A1", recipient, Sent)),
        &[
            ("\"(2 more)\"", counts(1, 0, 0)),
            ("\"(other)\"", counts(1, 0, 0)),
            ("b", counts(1, 0, 0)),
        ],
    );
}
