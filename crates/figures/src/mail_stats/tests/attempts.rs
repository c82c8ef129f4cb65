//! Attempts and recipients, and how long they took.

use super::*;

#[test]
fn a_recipient_counts_once_by_its_last_attempt() {
    let by = [Dimension::Dsn, Dimension::Domain];
    let mut tally = Tally::new(settings(&by, Count::Recipients));
    let with = |dsn: &'static [u8], delay, d: Delivery<'static>| Delivery {
        dsn: Some(dsn),
        delay: Some(delay),
        ..d
    };
    for _ in 0..3 {
        tally.add(
            b"x",
            &with(b"4.2.2", 3.0, delivery("A1", "a@aol.com", Deferred)),
        );
    }
    tally.add(
        b"x",
        &with(b"2.0.0", 0.5, delivery("A1", "a@aol.com", Sent)),
    );
    tally.add(
        b"x",
        &with(b"4.2.2", 5.0, delivery("A1", "b@aol.com", Deferred)),
    );
    tally.add(
        b"x",
        &with(b"4.2.2", 6.0, delivery("A2", "a@aol.com", Deferred)),
    );
    tally.add(
        b"y",
        &with(b"5.1.1", 7.0, delivery("A1", "a@aol.com", Bounced)),
    );
    tally.expired(b"y", 2);
    let stats = tally.finish(Frame::default());
    assert_eq!(stats.total.counts, counts(1, 1, 2));
    assert_eq!(stats.total.expired, 2);
    let expected = [
        ("4.2.2".to_owned(), counts(0, 0, 2)),
        ("2.0.0".to_owned(), counts(1, 0, 0)),
        ("5.1.1".to_owned(), counts(0, 1, 0)),
    ];
    assert_eq!(rows(&stats), expected);
    let delay = stats.total.delays.unwrap().delay;
    // What was not sent has no delay, but an age.
    assert_eq!((delay.seen, delay.median, delay.max), (1, 0.5, 0.5));
    assert_eq!(stats.total.waiting, Some(6.0));
}

#[test]
fn a_recipient_that_is_put_off_again_and_again_is_one() {
    let mut tally = Tally::new(settings(
        &[Dimension::Reason, Dimension::Provider],
        Count::Attempts,
    ));
    for id in ["A1", "A2"] {
        for _ in 0..21 {
            tally.add(b"postfix-aol-a", &delivery(id, "b@aol.com", Deferred));
        }
    }
    // Another part of the log has one of them, too, and another recipient of the same message.
    let mut later = Tally::new(settings(
        &[Dimension::Reason, Dimension::Provider],
        Count::Attempts,
    ));
    later.add(b"postfix-aol-a", &delivery("A2", "b@aol.com", Deferred));
    later.add(b"postfix-aol-a", &delivery("A2", "c@example.org", Deferred));
    later.add(b"postfix-aol-a", &delivery("A2", "b@aol.com", Sent));
    tally.merge(later);
    let stats = tally.finish(Frame::default());
    let figures = &stats.instances[0].figures;
    assert_eq!((figures.counts.deferred, figures.counts.sent), (44, 1));
    assert_eq!(figures.recipients_put_off().unwrap().recipients, 3);
    assert_eq!(figures.again().unwrap().deferred, 41);
    let by_provider: Vec<(&[u8], u64)> = figures
        .tried_by_provider(true)
        .map(|(name, counts)| (name, counts.deferred))
        .collect();
    assert_eq!(by_provider, [(&b"aol"[..], 2), (b"therest", 1)]);
}

#[test]
fn what_came_before_the_day_is_left_of_an_earlier_one() {
    let by = [Dimension::Reason, Dimension::Provider];
    let mut tally = Tally::new(settings(&by, Count::Attempts));
    // 2026-03-08 in New York begins at 05:00 UTC, and clocks are set an hour ahead on it.
    let midnight = Time::from_seconds(1_772_946_000);
    let mut put_off = |id: &str, seconds: u64, delay: Option<f64>| {
        let delivery = Delivery {
            time: Some(midnight.plus(Span::from_seconds(seconds))),
            delay,
            ..delivery(id, "b@aol.com", Deferred)
        };
        tally.add(b"postfix-aol-a", &delivery);
    };
    // Twice; on the day after its first, in its last hour.
    put_off("A1", 60, Some(3600.0));
    put_off("A1", 4060, Some(7600.0));
    put_off("A2", 82_700, Some(82_800.0));
    // Of the day itself: as long ago as midnight, with a second in which it may have come; later; nobody knows.
    put_off("A3", 60, Some(61.0));
    put_off("A4", 82_700, Some(82_600.0));
    put_off("A5", 60, None);
    let stats = tally.finish(Frame::default());
    let of = stats.instances[0].figures.recipients_put_off().unwrap();
    assert_eq!((of.recipients, of.earlier), (5, 2));
}

#[test]
fn how_many_one_instance_put_off_says_nothing_of_another() {
    let by = [Dimension::Reason, Dimension::Provider];
    let add = |tally: &mut Tally, ids: std::ops::Range<u32>| {
        for id in ids {
            let id = format!("{id:X}");
            tally.add(b"postfix-big", &delivery(&id, "b@aol.com", Deferred));
            for _ in 0..2 {
                tally.add(b"postfix-a", &delivery(&id[..1], "b@aol.com", Deferred));
            }
        }
    };
    let put_off = |tally: Tally| {
        let stats = tally.finish(Frame::default());
        // Nor does it of all others together.
        let again = |of: &Figures| of.again().unwrap().deferred;
        let [a, big, ..] = stats.instances.as_slice() else {
            panic!("{:?}", stats.instances)
        };
        let others = again(&stats.total) - again(&big.figures);
        assert_eq!(others, again(&a.figures));
        let of = |name: &str| {
            let mut all = stats.instances.iter();
            let of = all.find(|of| *of.instance == *name.as_bytes()).unwrap();
            of.figures.recipients_put_off().unwrap().recipients
        };
        (of("postfix-a"), of("postfix-big"))
    };
    let mut whole = Tally::new(settings(&by, Count::Attempts));
    add(&mut whole, 0..100_000);
    let (few, many) = put_off(whole);
    // The sixteen digits that an id begins with.
    assert_eq!(few, 16);
    // Of so many, one in four is counted: twice the deviation of that is 1.1 %.
    assert!((98_900..101_100).contains(&many), "{many}");
    let mut first = Tally::new(settings(&by, Count::Attempts));
    add(&mut first, 0..40_000);
    let mut later = Tally::new(settings(&by, Count::Attempts));
    add(&mut later, 30_000..100_000);
    first.merge(later);
    assert_eq!(put_off(first), (16, many));
}

#[test]
fn few_blocks_are_known_among_many_that_are_put_off() {
    let by = [Dimension::Reason, Dimension::Provider];
    let mut tally = Tally::new(settings(&by, Count::Attempts));
    for id in 0..70_000 {
        let id = format!("{id:X}");
        tally.add(b"postfix-a", &delivery(&id, "b@aol.com", Deferred));
    }
    let reply = b"host mx.aol.com[192.0.2.1] said: 450 4.7.1 Client host [192.0.2.41] blocked using zen.spamhaus.org";
    for id in ["G1", "G2", "G3", "G1"] {
        let blocked = Delivery {
            reply,
            ..delivery(id, "b@aol.com", Deferred)
        };
        tally.add(b"postfix-a", &blocked);
    }
    let stats = tally.finish(Frame::default());
    let figures = &stats.instances[0].figures;
    assert_eq!(figures.recipients_put_off().unwrap().blocked, 3);
    assert_eq!(figures.again().unwrap().blocked, 1);
}

#[test]
fn many_names_leave_what_is_known_of_those_before() {
    let by = [Dimension::Reason, Dimension::Provider];
    let mut tally = Tally::new(settings(&by, Count::Attempts));
    for _ in 0..3 {
        tally.add(b"postfix-aol-a", &delivery("A1", "b@aol.com", Deferred));
    }
    for n in 0..10_000 {
        let name = format!("x{n}");
        tally.add(name.as_bytes(), &delivery("A1", "b@aol.com", Deferred));
    }
    let stats = tally.finish(Frame::default());
    let mut all = stats.instances.iter();
    let of = all.find(|of| *of.instance == *b"postfix-aol-a").unwrap();
    assert_eq!(of.figures.recipients_put_off().unwrap().recipients, 1);
}

#[test]
fn where_all_is_paused_it_is_known_that_none_was_put_off() {
    let by = [Dimension::Reason, Dimension::Provider];
    let mut tally = Tally::new(settings(&by, Count::Attempts));
    let paused = Delivery {
        reply: b"paused since 2026-11-24",
        ..delivery("A1", "b@aol.com", Deferred)
    };
    tally.add(b"postfix-aol-a", &paused);
    let stats = tally.finish(Frame::default());
    let figures = &stats.instances[0].figures;
    assert_eq!(figures.paused(), 1);
    assert_eq!(figures.recipients_put_off().unwrap().recipients, 0);
}

/// The 20 delays of this table, ranked by hand: the 10th is the median, the 19th the 95th percentile.
#[test]
fn delays_and_their_parts() {
    let mut tally = Tally::new(settings(&[], Count::Attempts));
    for i in 1..=20u32 {
        let n = f64::from(i);
        let delays = Delays {
            a: n / 100.0,
            b: 0.0,
            c: n,
            d: n * 100.0,
        };
        let line = delivery("A1", "a@b.c", Sent);
        tally.add(
            b"x",
            &Delivery {
                delay: Some(n / 10.0),
                delays: Some(delays),
                ..line
            },
        );
    }
    let stats = tally.finish(Frame::default());
    let found = stats.total.delays.unwrap();
    let parts = found.parts.unwrap();
    let [a, b, c, d] = parts.map(|q| (q.median, q.p95, q.max));
    assert_eq!(
        (found.delay.median, found.delay.p95, found.delay.max),
        (1.0, 1.9, 2.0)
    );
    assert_eq!(a, (0.1, 0.19, 0.2));
    assert_eq!(b, (0.0, 0.0, 0.0));
    assert_eq!(c, (10.0, 19.0, 20.0));
    assert_eq!(d, (1000.0, 1900.0, 2000.0));
    let idle = stats
        .instances
        .iter()
        .find(|i| i.instance == b"postfix-idle-a");
    assert_eq!(idle.unwrap().figures.delays, None);
}
