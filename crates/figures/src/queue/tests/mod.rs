//! Groups, summary, senders and orders of a few messages.

use postfix::Time;
use std::sync::Arc;

use postfix::queue::{
    Deferral, Envelope, FileInfo, Message, Queue, QueueFile, QueueId, Selector, ShownRecipient,
    SizeRecord,
};

use super::{Dimension, Frame, Order, Report, Settings, Sort, Tally};
use knowledge::providers::Providers;
use knowledge::reasons::Reasons;

const FULL: &str = "host mx1.aol.com[192.0.2.1] said: 452 4.2.2 Mailbox full";
const FULL_TOO: &str = "host mx2.aol.com[192.0.2.2] said: 452 4.2.2 Mailbox full";

/// A message `id` of `sender` that arrived at `arrival`, with recipients and why each is put off, if so.
fn message(
    id: &str,
    queue: Queue,
    arrival: i64,
    sender: &str,
    to: &[(&str, Option<&str>)],
) -> Message {
    let info = FileInfo {
        size: 2500,
        mode: 0o700,
        uid: 0,
        gid: 0,
        device: 1,
        inode: 1,
        links: 1,
        // Tried again as long after the thousand as it arrived before.
        mtime: Time::from_seconds(2000 - arrival),
        ctime: Time::from_seconds(1000),
    };
    let mut envelope = Envelope::default();
    envelope.arrival = Some(Time::from_seconds(arrival));
    envelope.sender = Some(match sender {
        "MAILER-DAEMON" => Vec::new(),
        sender => sender.into(),
    });
    envelope.size = Some(SizeRecord {
        data_size: id.len() as u64 * 100,
        ..SizeRecord::default()
    });
    let recipient = |&(address, reason): &(&str, Option<&str>)| ShownRecipient {
        address: address.to_owned(),
        orig_address: None,
        deferral: reason.map(|reason| Deferral {
            reason: reason.to_owned(),
            dsn: "4.2.2".to_owned(),
            mta_name: Some("MX1.aol.com".to_owned()),
            diagnostic_text: None,
            offset: None,
        }),
    };
    Message {
        file: QueueFile {
            queue,
            id: QueueId::new(id).unwrap(),
            misplaced: false,
            info,
            envelope,
        },
        sender: match sender {
            "MAILER-DAEMON" => postfix::queue::Sender::Null(sender.into()),
            address => postfix::queue::Sender::Addr(address.into()),
        },
        recipients: to.iter().map(recipient).collect(),
        expires: Time::from_seconds(arrival + 432_000),
    }
}

fn messages() -> Vec<Message> {
    let deferred = Queue::Deferred;
    let user = "news+u=aol.com@lists.example";
    let other = "news+v=aol.com@lists.example";
    vec![
        message("A1", deferred, 500, user, &[("u@AOL.com", Some(FULL))]),
        message(
            "A2222",
            deferred,
            400,
            other,
            &[("v@aol.com", Some(FULL_TOO)), ("w@aim.com", Some(FULL))],
        ),
        message(
            "A333",
            Queue::Hold,
            300,
            "MAILER-DAEMON",
            &[("x@aol.com", Some(FULL)), ("y@aol.com", Some(FULL))],
        ),
        message(
            "A44",
            Queue::Active,
            600,
            "b@example.org",
            &[("root", None)],
        ),
    ]
}

fn settings(group_by: &[Dimension], order: Order, limit: usize) -> Settings {
    Settings {
        instances: vec!["postfix-aol-b".to_owned()],
        group_by: group_by.to_vec(),
        most_keys: crate::bounds::MOST_KEYS,
        senders: true,
        order,
        limit,
        recipients: 1,
        expires_by: Time::from_seconds(433_000),
        recently: Time::from_seconds(433_000),
        providers: Arc::new(Providers::load(None).unwrap()),
        reasons: Arc::new(Reasons::load(None).unwrap()),
    }
}

/// The report of all messages, counted by two tallies in any order.
fn report(settings: Settings, selector: &Selector<'_>, top: Option<usize>) -> Report {
    let settings = Arc::new(settings);
    let (mut one, mut other) = (
        Tally::new(Arc::clone(&settings)),
        Tally::new(Arc::clone(&settings)),
    );
    for (at, message) in messages().iter().enumerate() {
        let tally = if at % 2 == 0 { &mut one } else { &mut other };
        if selector.fits(message) {
            tally.add(0, message, selector);
        }
    }
    other.merge(one);
    let frame = Frame {
        time: Time::from_seconds(1000),
        top,
        ..Frame::default()
    };
    Report::new(&settings, frame, other)
}

#[test]
fn groups_count_recipients_and_each_message_once() {
    let check = |by: &[Dimension], expected: &[(&[&str], u64, u64)]| {
        let found = report(
            settings(by, Order::default(), 0),
            &Selector::default(),
            None,
        );
        let rows: Vec<(Vec<&str>, u64, u64)> = found
            .groups
            .rows
            .iter()
            .map(|g| {
                (
                    g.key.iter().map(String::as_str).collect(),
                    g.recipients,
                    g.messages,
                )
            })
            .collect();
        let expected: Vec<(Vec<&str>, u64, u64)> = expected
            .iter()
            .map(|(key, r, m)| (key.to_vec(), *r, *m))
            .collect();
        assert_eq!(rows, expected, "{by:?}");
    };
    let full = "452 4.2.2 Mailbox full";
    check(&[Dimension::Reason], &[(&[full], 5, 3), (&["-"], 1, 1)]);
    check(
        &[Dimension::Provider, Dimension::Domain],
        &[
            (&["aol", "aol.com"], 4, 3),
            (&["aol", "aim.com"], 1, 1),
            (&["therest", "-"], 1, 1),
        ],
    );
    check(
        &[Dimension::ReasonClass, Dimension::Dsn],
        &[(&["mailbox-full", "4.2.2"], 5, 3), (&["-", "-"], 1, 1)],
    );
    check(
        &[Dimension::SenderDomain, Dimension::Queue],
        &[
            (&["lists.example", "deferred"], 3, 2),
            (&["<>", "hold"], 2, 1),
            (&["example.org", "active"], 1, 1),
        ],
    );
    check(
        &[Dimension::Relay, Dimension::Instance],
        &[
            (&["mx1.aol.com", "postfix-aol-b"], 5, 3),
            (&["-", "postfix-aol-b"], 1, 1),
        ],
    );
    check(&[], &[]);
}

#[test]
fn the_summary_and_the_senders() {
    let found = report(
        settings(&[], Order::default(), 0),
        &Selector::default(),
        Some(1),
    );
    let total = &found.total;
    assert_eq!((total.counts.total(), total.recipients), (4, 6));
    // Ids of 2, 5, 4 and 3 letters.
    assert_eq!(
        (total.bytes, total.oldest, total.next_attempt),
        (
            1400,
            Some(Time::from_seconds(300)),
            Some(Time::from_seconds(1500))
        )
    );
    let first = &found.senders.rows[0];
    assert_eq!(
        (first.sender.as_str(), first.messages, first.recipients),
        ("news+*@lists.example", 2, 3)
    );
    assert_eq!((found.senders.others, found.senders.others_count), (2, 2));
    let age = |arrival| Some(found.age(Time::from_seconds(arrival))?.seconds());
    // Clocks differ by minutes; what is an hour ahead is of no known age.
    assert_eq!((age(300), age(1200), age(5000)), (Some(700), Some(0), None));
    assert_eq!(found.unlisted(), 4);
}

#[test]
fn of_a_message_the_recipients_who_are_meant() {
    let selector = Selector {
        domains: vec![postfix::queue::DomainPattern::new("aim.com").unwrap()],
        ..Selector::default()
    };
    let found = report(
        settings(&[Dimension::Domain], Order::default(), 9),
        &selector,
        None,
    );
    assert_eq!((found.total.counts.total(), found.total.recipients), (1, 1));
    assert_eq!(found.groups.rows[0].key, ["aim.com"]);
    let entry = &found.messages[0];
    // One is kept: not the first, but the one who is meant.
    assert_eq!((entry.recipient_count, entry.recipients.len()), (2, 1));
    assert_eq!(&*entry.recipients[0].address, "w@aim.com");
}

#[test]
fn orders() {
    let check = |sort: Sort, reverse: bool, limit: usize, expected: &[&str]| {
        let order = Order { sort, reverse };
        let found = report(settings(&[], order, limit), &Selector::default(), None);
        let ids: Vec<&str> = found.messages.iter().map(|m| m.id.as_str()).collect();
        assert_eq!(ids, expected, "{sort} {reverse} {limit}");
    };
    const ALL: usize = usize::MAX;
    check(Sort::Arrival, false, ALL, &["A333", "A2222", "A1", "A44"]);
    check(Sort::Age, true, ALL, &["A44", "A1", "A2222", "A333"]);
    check(Sort::Arrival, false, 2, &["A333", "A2222"]);
    check(Sort::Size, false, ALL, &["A2222", "A333", "A44", "A1"]);
    check(Sort::Size, true, 1, &["A1"]);
    check(Sort::Next, false, 3, &["A1", "A2222", "A333"]);
    check(Sort::Recipients, false, 2, &["A333", "A2222"]);
    check(Sort::Sender, false, ALL, &["A333", "A44", "A1", "A2222"]);
    check(Sort::Queue, false, 2, &["A44", "A2222"]);
    check(Sort::Id, false, ALL, &["A1", "A2222", "A333", "A44"]);
    check(Sort::Id, false, 0, &[]);
}
