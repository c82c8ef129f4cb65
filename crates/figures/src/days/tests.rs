//! Day records: which one stays, and what is no record.

use std::path::Path;
use std::sync::Arc;

use postfix::{Position, Zone};
use serde_json::{Value, json};

use super::*;
use crate::mail_stats::{Count, Settings};
use knowledge::providers::Providers;

/// A record of postfix-aol-a on rustin, with so many sent.
fn json_of(sent: u64, complete: bool) -> Value {
    let rows = json!([{"key": "x", "sent": sent, "bounced": 0, "deferred": 0}]);
    let figures = json!({
        "total": sent, "sent": sent, "bounced": 0, "deferred": 0,
        "by": {"provider": rows, "reason": rows, "dsn": rows, "hour": rows},
    });
    json!({
        "schema": SCHEMA, "host": "rustin", "instance": "postfix-aol-a", "day": "2026-09-19", "zone": "UTC",
        "since": "2026-09-19T00:00:00Z", "until": "2026-09-20T00:00:00Z", "complete": complete,
        "expired": 0, "unparsed": 0, "attempts": figures, "recipients": figures,
    })
}

fn record(sent: u64, complete: bool) -> DayRecord {
    serde_json::from_value(json_of(sent, complete)).unwrap()
}

fn path() -> &'static Path {
    Path::new("days.jsonl")
}

#[test]
fn the_better_record_stays() {
    let check = |new: (u64, bool), old: (u64, bool), expected: bool| {
        let found = replaces(&record(new.0, new.1), &record(old.0, old.1));
        assert_eq!(found, expected, "{new:?} {old:?}");
    };
    let (whole, part) = (true, false);
    check((5, whole), (9, part), true);
    check((9, part), (5, whole), false);
    check((5, whole), (9, whole), true);
    check((5, part), (4, part), true);
    check((4, part), (5, part), false);
    // The same again is no reason to write.
    check((5, whole), (5, whole), false);
    check((5, part), (5, part), false);
}

#[test]
fn a_file_changes_only_for_a_better_record() {
    let line = |record: &DayRecord| String::from_utf8(record.line().unwrap()).unwrap();
    let (five, nine) = (record(5, true), record(9, true));
    let mut other = record(1, true);
    other.instance = "postfix-aol-b".to_owned();
    let check = |text: &str, new: Vec<DayRecord>, expected: Option<String>| {
        let update = update(path(), text.as_bytes(), new).unwrap();
        let found = update.content.map(|c| String::from_utf8(c).unwrap());
        assert_eq!(found, expected);
    };
    check("", vec![five.clone()], Some(line(&five)));
    check(&line(&five), vec![five.clone()], None);
    check(&line(&five), vec![nine.clone()], Some(line(&nine)));
    check(&line(&nine), vec![record(10, false)], None);
    // The records of other instances stay, and lines that are none.
    check(
        &format!("junk\n{}{}", line(&other), line(&five)),
        vec![nine.clone()],
        Some(format!("junk\n{}{}", line(&nine), line(&other))),
    );
    check("junk", vec![], None);
}

#[test]
fn what_is_no_record_is_reported_with_its_line() {
    let check = |record: &Value, expected: &str| {
        let (records, problems) = stored(path(), format!("\n{record}\n").as_bytes());
        assert!(records.is_empty());
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].at, Some(Position::Line(2)));
        assert!(problems[0].what.contains(expected), "{}", problems[0]);
    };
    let with = |pointer: &str, value: Value| {
        let mut record = json_of(5, true);
        *record.pointer_mut(pointer).unwrap() = value;
        record
    };
    check(
        &with("/schema", json!("relay-tools/instance-day/2")),
        "instance-day/2",
    );
    check(&with("/attempts/sent", json!(6)), "do not add up");
    check(&with("/attempts/total", json!(6)), "do not add up");
    check(
        &with("/recipients/by/hour/0/sent", json!(4)),
        "do not add up",
    );
    check(&with("/since", json!("yesterday")), "do not add up");
    check(&with("/attempts/sent", json!(-1)), "not a record");
    check(&json!([]), "not a record");
}

#[test]
fn numbers_without_measure_do_no_harm() {
    let mut record = json_of(u64::MAX, true);
    record["attempts"]["delays"] = json!(vec![
        json!({"max_us": u64::MAX, "values_us": [[u64::MAX, u64::MAX], [u64::MAX, 7], [0, 0]]});
        5
    ]);
    let reason = json!([{"key": "blocked", "code": "X1", "ip": "nowhere", "sent": u64::MAX, "bounced": 0, "deferred": 0}]);
    record["attempts"]["by"]["reason"] = reason;
    let mut other = record.clone();
    other["host"] = json!("cleveland");
    let mut days = Days::default();
    days.read(path(), format!("{record}\n{other}\n").as_bytes());
    let settings = Arc::new(Settings {
        by: vec![Dimension::Reason, Dimension::Day, Dimension::Instance],
        count: Count::Attempts,
        delays: true,
        zone: Zone::named("UTC").unwrap(),
        instances: Vec::new(),
        most_instances: crate::bounds::MOST_INSTANCES,
        most_keys: crate::bounds::MOST_KEYS,
        providers: Arc::new(Providers::load(None).unwrap()),
        reasons: None,
    });
    let merged = days.add_up(&settings, None, None, |_| true);
    assert_eq!(merged.stats.problems, []);
    assert_eq!(merged.records, 2);
    assert_eq!(merged.stats.total.counts.sent, u64::MAX);
}

/// Days 11 to 15 of a host with two instances: what the second one lacks is named, unless it came later or was taken
/// away.
#[test]
fn records_that_an_instance_lacks_are_named() {
    let check = |b: &[u32], window: Option<(&str, &str)>, expected: &[&str]| {
        let of = |name: &str, day: u32| {
            let mut record = json_of(5, true);
            record["instance"] = json!(name);
            record["day"] = json!(format!("2026-09-{day}"));
            record["since"] = json!(format!("2026-09-{day}T00:00:00Z"));
            record["until"] = json!(format!("2026-09-{}T00:00:00Z", day + 1));
            format!("{record}\n")
        };
        let mut text: String = (11..=15).map(|day| of("postfix-aol-a", day)).collect();
        text.extend(b.iter().map(|day| of("postfix-aol-b", *day)));
        text.push_str(&of("(other)", 12));
        let mut days = Days::default();
        days.read(path(), text.as_bytes());
        let settings = Arc::new(Settings {
            by: Vec::new(),
            count: Count::Attempts,
            delays: false,
            zone: Zone::named("UTC").unwrap(),
            instances: Vec::new(),
            most_instances: crate::bounds::MOST_INSTANCES,
            most_keys: crate::bounds::MOST_KEYS,
            providers: Arc::new(Providers::load(None).unwrap()),
            reasons: None,
        });
        let window = window.map(|(since, until)| since.parse().unwrap()..until.parse().unwrap());
        let merged = days.add_up(&settings, window, None, |_| true);
        let said: Vec<&str> = merged.stats.problems.iter().map(|p| &*p.what).collect();
        assert_eq!(said, expected, "{b:?}");
    };
    let all = "rustin: no record of postfix-aol-b of 2026-09-";
    check(&[11, 12, 13, 14, 15], None, &[]);
    check(&[11, 13, 14, 15], None, &[&format!("{all}12")]);
    check(
        &[11, 15],
        None,
        &[&format!("{all}12, 2026-09-13, 2026-09-14")],
    );
    check(&[11, 12, 13], None, &[&format!("{all}14, 2026-09-15")]);
    check(&[13, 14, 15], None, &[]);
    let last = Some(("2026-09-15T00:00:00Z", "2026-09-16T00:00:00Z"));
    check(&[11, 12, 13, 14], last, &[&format!("{all}15")]);
    check(&[11, 12], last, &[]);
}
