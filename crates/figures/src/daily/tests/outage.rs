//! Hours in which nothing gets through, the day after an outage, and what it makes expire.

use super::*;

/// Four weeks of 100 sent an hour, and of some stuck ones that fail, and a day of which some hours fail.
fn hours(stuck: u64, out: std::ops::Range<u64>, sent_then: u64) -> Vec<String> {
    let days: Vec<Period> = (0..29).rev().map(day).collect();
    let records = days.iter().enumerate().map(|(at, day)| {
        let of_hour = |hour: u64| match at == 28 && out.contains(&hour) {
            true => [sent_then, 40],
            false => [100, stuck],
        };
        let row = |key: String, [sent, deferred]: [u64; 2]| json!({"key": key, "sent": sent, "bounced": 0, "deferred": deferred});
        let rows: Vec<_> = (0..24)
            .map(|hour| row(format!("{}T{hour:02}", day.day()), of_hour(hour)))
            .collect();
        let sum = |at: usize| (0..24).map(|hour| of_hour(hour)[at]).sum::<u64>();
        let all = row("x".to_owned(), [sum(0), sum(1)]);
        let reasons = json!([row("-".to_owned(), [sum(0), 0]), row("dns".to_owned(), [0, sum(1)])]);
        let figures = json!({
            "total": sum(0) + sum(1), "sent": sum(0), "bounced": 0, "deferred": sum(1),
            "by": {"provider": [all], "reason": reasons, "dsn": [all], "hour": rows},
        });
        stored(day, "a", &figures)
    });
    found(&days, records.collect(), &["a"], 0)
}

#[test]
fn hours_without_a_name_server_are_no_small_share_of_a_day() {
    // 120 of 2223 attempts are deferred: below every limit.
    assert_eq!(
        hours(0, 3..6, 1),
        [
            "! next to nothing got through from 03:00 to 06:00; 3 of 123 attempts; 300 or more are usually sent"
        ]
    );
    // An hour alone may be a provider's; of half, the rest got through; and what fails then on every day is usual.
    assert_eq!(hours(0, 3..4, 1), [""; 0]);
    assert_eq!(hours(0, 3..6, 40), [""; 0]);
    assert_eq!(hours(16, 3..6, 1), [""; 0]);
}

/// 100 a day, two days with none, and their mail and its own on the next.
#[test]
fn the_mail_that_waited_is_no_rise() {
    let with = |down: u64, today, late: bool| {
        let days: Vec<Period> = (0..29).rev().map(day).collect();
        let records = days.iter().zip((0..29).rev()).map(|(day, ago)| {
            let n = match ago {
                0 => today,
                ago if ago <= down => 0,
                _ => 100,
            };
            let all = json!([{"key": "x", "sent": n, "bounced": 0, "deferred": 0}]);
            // What is sent takes a second; after an outage, half of it takes ten hours.
            let waited = if late && ago == 0 { n / 2 } else { 0 };
            let values = json!([[1_000_000, n - waited], [36_000_000_000_u64, waited]]);
            let delay = json!({"max_us": 36_000_000_000_u64, "values_us": values});
            let figures = json!({
                "total": n, "sent": n, "bounced": 0, "deferred": 0, "delays": vec![delay; 5],
                "by": {"provider": all, "reason": all, "dsn": all, "hour": all},
            });
            stored(day, "a", &figures)
        });
        found(&days, records.collect(), &["a"], 0)
    };
    let is_more = |found: Vec<String>| found.iter().any(|of| of.contains("times as many"));
    assert!(!is_more(with(2, 300, true)));
    assert!(is_more(with(2, 500, true)));
    assert!(is_more(with(0, 300, true)));
    // Nothing was to be done on those days, and there is more now.
    assert!(is_more(with(2, 300, false)));
}

/// 1000 a day; on the day before 900 of them are put off, and sent on the last, beside its own.
#[test]
fn the_day_after_a_partial_outage_is_well() {
    let days: Vec<Period> = (0..29).rev().map(day).collect();
    let records = days.iter().zip((0..29).rev()).map(|(day, ago)| {
        let [sent, put_off, late] = match ago {
            0 => [1900, 0, 900],
            1 => [100, 900, 0],
            _ => [1000, 0, 0],
        };
        let row = |key, sent, deferred| json!({"key": key, "sent": sent, "bounced": 0, "deferred": deferred});
        let values = json!([[1_000_000, sent - late], [36_000_000_000_u64, late]]);
        let delay = json!({"max_us": 36_000_000_000_u64, "values_us": values});
        let all = json!([row("x", sent, put_off)]);
        let figures = json!({
            "total": sent + put_off, "sent": sent, "bounced": 0, "deferred": put_off, "delays": vec![delay; 5],
            "by": {"provider": all, "dsn": all, "hour": all,
                   "reason": [row("-", sent, 0), row("connection", 0, put_off)]},
        });
        let of = json!({"put_off": [{"provider": "x", "recipients": put_off, "blocked": 0}]});
        stored_with(day, "a", &figures, &of)
    });
    assert_eq!(found(&days, records.collect(), &["a"], 0), [""; 0]);
}

/// 100 sent a day, and as many on the last, half of them ten hours late; the day before is as given.
#[test]
fn what_is_late_waited_for_an_outage_only_if_there_was_one() {
    let late = |sent_before: u64, deferred: u64, recipients: u64| {
        let days: Vec<Period> = (0..29).rev().map(day).collect();
        let records = days.iter().zip((0..29).rev()).map(|(day, ago)| {
            let [sent, put_off] = if ago == 1 { [sent_before, deferred] } else { [100, 0] };
            let waited = if ago == 0 { 60 } else { 0 };
            let values = json!([[1_000_000, sent - waited], [36_000_000_000_u64, waited]]);
            let delay = json!({"max_us": 36_000_000_000_u64, "values_us": values});
            let row = |key, sent, deferred| json!({"key": key, "sent": sent, "bounced": 0, "deferred": deferred});
            let all = json!([row("x", sent, put_off)]);
            let figures = json!({
                "total": sent + put_off, "sent": sent, "bounced": 0, "deferred": put_off, "delays": vec![delay; 5],
                "by": {"provider": all, "dsn": all, "hour": all,
                       "reason": [row("-", sent, 0), row("mailbox-full", 0, put_off)]},
            });
            let of = json!({"put_off": [{"provider": "x", "recipients": recipients, "blocked": 0}]});
            let none = json!({"put_off": []});
            stored_with(day, "a", &figures, if ago == 1 { &of } else { &none })
        });
        let found = found(&days, records.collect(), &["a"], 0);
        let late: Vec<_> = found
            .into_iter()
            .filter(|of| of.contains("half of what was sent"))
            .collect();
        let [late] = late.as_slice() else {
            panic!("{late:?}")
        };
        late.contains("waited")
    };
    assert!(late(0, 100, 100));
    assert!(!late(100, 0, 0));
    // One full mailbox, tried more often than all that was sent, is no outage.
    assert!(!late(100, 120, 1));
}

/// 1000 a day, of the last so many days 50 each, and ten messages that expire on the last.
#[test]
fn what_expires_is_a_part_of_what_came_five_days_before() {
    let finds_expired = |little: u64| {
        let days: Vec<Period> = (0..29).rev().map(day).collect();
        let records = days.iter().zip((0..29).rev()).map(|(day, ago)| {
            let n = if ago < little { 50 } else { 1000 };
            let all = json!([{"key": "x", "sent": n, "bounced": 0, "deferred": 0}]);
            let figures = json!({
                "total": n, "sent": n, "bounced": 0, "deferred": 0,
                "by": {"provider": all, "reason": all, "dsn": all, "hour": all},
            });
            let expired = if ago == 0 { 10 } else { 0 };
            stored_with(day, "a", &figures, &json!({"expired": expired}))
        });
        let found = found(&days, records.collect(), &["a"], 0);
        found.iter().any(|of| of.contains("expired"))
    };
    // Ten of 1010, and ten of 60.
    assert!(!finds_expired(5));
    assert!(finds_expired(6));
}
