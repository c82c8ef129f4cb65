//! What no share of the attempts shows: mail that was given up, thrown away, or late; what a record does not hold.

use super::*;

/// A day of a thousand that were sent, with these other figures, after four weeks of plain ones.
fn after(today: &serde_json::Value, more: &serde_json::Value) -> Daily {
    let days: Vec<Period> = (0..29).rev().map(day).collect();
    let (last, before) = days.split_last().unwrap();
    let mut records: Vec<DayRecord> = before
        .iter()
        .map(|day| record(day, "a", [1000, 0, 0, 0]))
        .collect();
    records.push(stored_with(last, "a", today, more));
    daily(&days, records, (&["a"], &["a"]), 0)
}

fn sent(discarded: u64) -> serde_json::Value {
    let row = |key: &str, n: u64| json!({"key": key, "sent": n, "bounced": 0, "deferred": 0});
    let reasons = [row("-", 1000 - discarded), row("discarded", discarded)];
    json!({
        "total": 1000, "sent": 1000, "bounced": 0, "deferred": 0,
        "by": {"provider": [row("x", 1000)], "reason": reasons, "dsn": [row("x", 1000)], "hour": [row("x", 1000)]},
    })
}

#[track_caller]
fn check(report: &Daily, expected: &[&str]) {
    let found: Vec<String> = report.attention.iter().map(|of| of.what.clone()).collect();
    assert_eq!(found, expected);
}

#[test]
fn mail_that_was_given_up_thrown_away_or_late() {
    let none = json!({});
    check(&after(&sent(0), &none), &[]);
    // 200 of 1200.
    check(
        &after(&sent(0), &json!({"expired": 200})),
        &["16.7% expired (200)"],
    );
    check(&after(&sent(0), &json!({"expired": 3})), &[]);
    check(&after(&sent(900), &none), &["90.0% discarded (900)"]);
    check(&after(&sent(9), &none), &[]);
    let took = |seconds: u64| {
        let all =
            json!({"max_us": seconds * 1_000_000, "values_us": [[seconds * 1_000_000, 1000]]});
        let part = json!({"max_us": 0, "values_us": [[0, 1000]]});
        let mut figures = sent(0);
        figures["delays"] = json!([all, all, part, part, part]);
        after(&figures, &none)
    };
    check(&took(3500), &[]);
    check(&took(28_800), &["half of what was sent took more than 8h"]);
    assert_eq!(took(30_000).attention[0].level, Level::Critical);
}

#[test]
fn a_record_holds_the_cries_or_says_that_it_does_not() {
    let cry = json!([{"severity": "fatal", "service": "qmgr", "text": "x", "count": 1}]);
    let report = after(&sent(0), &json!({"complaints": cry}));
    check(&report, &["qmgr fatal: x"]);
    assert_eq!(report.missing, []);
    let old = after(&sent(0), &json!({"complaints": null}));
    check(&old, &[]);
    assert_eq!(
        old.missing[0].0,
        "its record does not hold what Postfix's programs complained about"
    );
}

/// One that is made ready is no alarm each day; one that just began to be looked at is.
#[test]
fn an_instance_that_never_had_any_mail() {
    let days: Vec<Period> = (0..9).rev().map(day).collect();
    let run = |known: usize| {
        let records = days.iter().map(|day| record(day, "a", [1000, 0, 0, 0]));
        let empty = days.iter().rev().take(known);
        let records = records.chain(empty.map(|day| record(day, "new", [0; 4])));
        let known = days.iter().rev().take(known).rev().cloned();
        let known: Vec<Period> = known.collect();
        daily(&known, records.collect(), (&["a", "new"], &["a", "new"]), 0)
    };
    let report = run(9);
    check(&report, &[]);
    assert_eq!(report.unused, ["new"]);
    check(&run(2), &["no deliveries"]);
}
