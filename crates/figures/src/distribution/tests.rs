//! Files made up in memory; the expectations are counted by hand.

use postfix::Span;
use postfix::queue::{QueueFile, RecipientState};

use super::specimen::{distribution, file};
use super::*;

/// The rows of the fullest instance's first breakdown, as `KEY total ages…`.
fn check(by: Dimension, top: Option<usize>, files: &[QueueFile], expected: &[(&str, u64)]) {
    let distribution = distribution(&[by], top, files);
    let rows = &distribution.instances[0].figures.by[0].rows;
    let found: Vec<(String, u64)> = rows
        .iter()
        .filter(|row| row.counts.total() > 0)
        .map(|row| {
            (
                String::from_utf8_lossy(row.key.as_bytes()).into_owned(),
                row.counts.total(),
            )
        })
        .collect();
    let expected: Vec<(String, u64)> = expected
        .iter()
        .map(|(key, n)| ((*key).to_owned(), *n))
        .collect();
    assert_eq!(found, expected);
}

fn files() -> Vec<QueueFile> {
    let mut partly = file(
        Queue::Deferred,
        100,
        "",
        &["a@AOL.com", "b@aol.com.", "c@x.example"],
    );
    partly.envelope.recipients[1].state = RecipientState::Done;
    vec![
        partly,
        file(
            Queue::Active,
            3,
            "News@Lists.Example",
            &["\"a@b\"@hotmail.com", "local"],
        ),
        file(Queue::Incoming, 5000, "news@lists.example", &["d@aol.com"]),
    ]
}

#[test]
fn recipients_who_wait_are_counted_by_domain() {
    let rows = [
        ("aol.com", 2),
        ("-", 1),
        ("hotmail.com", 1),
        ("x.example", 1),
    ];
    check(Dimension::Domain, None, &files(), &rows);
    check(
        Dimension::Domain,
        Some(1),
        &files(),
        &[("aol.com", 2), ("(other)", 3)],
    );
    check(
        Dimension::Provider,
        None,
        &files(),
        &[("aol", 2), ("therest", 2), ("msn", 1)],
    );
}

#[test]
fn no_domain_is_called_as_the_row_of_the_others() {
    let files = [
        file(
            Queue::Deferred,
            0,
            "a@(other)",
            &["a@(other)", "a@(1 more)"],
        ),
        file(Queue::Deferred, 0, "a@(OTHER)", &["b@(other)"]),
    ];
    let rows = [("\"(other)\"", 2), ("\"(1 more)\"", 1)];
    check(Dimension::Domain, None, &files, &rows);
    let top = [("\"(other)\"", 2), ("(other)", 1)];
    check(Dimension::Domain, Some(1), &files, &top);
    check(Dimension::SenderDomain, None, &files, &[("\"(other)\"", 2)]);
}

#[test]
fn messages_are_counted_by_sender_and_age() {
    check(
        Dimension::SenderDomain,
        None,
        &files(),
        &[("lists.example", 2), ("<>", 1)],
    );
    check(
        Dimension::Age,
        None,
        &files(),
        &[("5", 1), ("160", 1), ("1280+", 1)],
    );
}

#[test]
fn of_corrupt_mail_only_the_size_is_known_and_without_a_record_no_age() {
    let mut unknown = file(Queue::Deferred, 0, "a@example.org", &["b@example.net"]);
    unknown.envelope.arrival = None;
    let corrupt = file(Queue::Corrupt, 9000, "a@example.org", &["b@example.net"]);
    check(
        Dimension::Age,
        None,
        &[unknown.clone(), corrupt.clone()],
        &[("unknown", 1)],
    );
    let found = distribution(&[], None, &[unknown, corrupt]);
    let figures = &found.instances[0].figures;
    assert_eq!(
        (figures.counts.total(), figures.bytes, figures.oldest),
        (2, Some(2000), None)
    );
}

#[test]
fn the_fullest_comes_first_and_the_total_is_their_sum() {
    let found = distribution(&[], None, &files());
    let names: Vec<&str> = found
        .instances
        .iter()
        .map(|i| i.instance.as_str())
        .collect();
    assert_eq!(names, ["postfix-aol-b", "postfix-aol-a"]);
    assert_eq!(
        (found.total.counts.total(), found.total.counts[Queue::Hold]),
        (4, 1)
    );
    assert_eq!(
        found.total.oldest.and_then(|time| found.age(time)),
        Some(Span::from_seconds(300_000))
    );
}

#[test]
fn changes_are_told() {
    let (before, now) = (
        distribution(&[], None, &files()),
        distribution(&[], None, &files()[..1]),
    );
    assert_eq!(now.change(Some(&before), &now.instances[0]), Some(0));
    assert_eq!(now.total_change(Some(&before)), Some(-2));
    assert_eq!(now.total_change(None), None);
    let mut other = before.clone();
    other.instances.clear();
    assert_eq!(now.change(Some(&other), &now.instances[0]), None);
}

/// Some of it may be older than all that is known.
#[test]
fn mail_of_no_known_age_hides_behind_none() {
    let now = Time::from_seconds(1_800_000_000);
    let at = |arrival| {
        let mut file = file(Queue::Deferred, 0, "a@example.org", &["b@example.net"]);
        file.envelope.arrival = Some(arrival);
        file
    };
    let hour = Span::from_hours(1);
    let all = [at(now.minus(hour)), at(now.plus(hour)), at(Time::EPOCH)];
    let found = distribution(&[], None, &all);
    let of = &found.instances[0].figures;
    assert_eq!(of.unknown_ages, 2);
    assert_eq!(of.oldest.and_then(|time| found.age(time)), Some(hour));
    let missing = found.missing();
    assert_eq!(missing.len(), 1);
    assert!(
        missing[0].starts_with("postfix-aol-b: 2 messages are of no known age: "),
        "{missing:?}"
    );
}
