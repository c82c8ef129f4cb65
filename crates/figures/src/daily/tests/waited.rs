//! The day after an outage, and what it makes expire.

use super::*;

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
    // Nor is it one that all was put off and sent on the same day; with one in ten of the usual sent, it is.
    assert!(!late(100, 100, 100));
    assert!(!late(100, 300, 100));
    assert!(!late(11, 89, 89));
    assert!(late(10, 90, 90));
}

/// 100 sent a day; on the last ten each is put off before, and on the last day all takes ten hours and is `today`.
#[test]
fn what_is_put_off_and_sent_on_the_same_day_hides_no_rise_and_no_delay() {
    let volume = |today: u64| {
        let days: Vec<Period> = (0..29).rev().map(day).collect();
        let records = days.iter().zip((0..29).rev()).map(|(day, ago)| {
            let n: u64 = if ago == 0 { today } else { 100 };
            let put_off = if ago < 10 { n } else { 0 };
            let row = |key, sent, deferred| json!({"key": key, "sent": sent, "bounced": 0, "deferred": deferred});
            let all = json!([row("x", n, 3 * put_off)]);
            let values = json!([[36_000_000_000_u64, n]]);
            let delay = json!({"max_us": 36_000_000_000_u64, "values_us": values});
            let figures = json!({
                "total": n + 3 * put_off, "sent": n, "bounced": 0, "deferred": 3 * put_off, "delays": vec![delay; 5],
                "by": {"provider": all, "dsn": all, "hour": all,
                       "reason": [row("-", n, 0), row("greylisted", 0, 3 * put_off)]},
            });
            let put_off = json!({"put_off": [{"provider": "x", "recipients": put_off, "blocked": 0}]});
            stored_with(day, "a", &figures, &put_off)
        });
        let found = found(&days, records.collect(), &["a"], 0);
        let of = |word: &str| found.iter().find(|of| of.contains(word)).cloned();
        assert!(
            of("!! half of what was sent took more than 10h").is_some(),
            "{found:?}"
        );
        of("times as many")
    };
    assert_eq!(volume(100), None);
    let more = "! 6.0 times as many deliveries; 600, compared with a usual 100 (100 to 200 a day); 300 of them put off";
    assert_eq!(volume(300).as_deref(), Some(more));
}

/// `came` deliveries on the days that are so many before the last, 50 on the others, and `expired` messages that expire
/// on the last, at an instance that keeps its mail for so many hours.
fn finds_expired(came: (u64, u64), expired: u64, hours: u64) -> Vec<String> {
    let days: Vec<Period> = (0..29).rev().map(day).collect();
    let records = days.iter().zip((0..29).rev()).map(|(day, ago)| {
        let n = if ago == came.0 { came.1 } else { 50 };
        let all = json!([{"key": "x", "sent": n, "bounced": 0, "deferred": 0}]);
        let figures = json!({
            "total": n, "sent": n, "bounced": 0, "deferred": 0,
            "by": {"provider": all, "reason": all, "dsn": all, "hour": all},
        });
        let expired = if ago == 0 { expired } else { 0 };
        stored_with(day, "a", &figures, &json!({"expired": expired}))
    });
    let lives = BTreeMap::from([("a".to_owned(), Span::from_hours(hours))]);
    let report = daily_of(&days, records.collect(), (&["a"], &["a"]), 0, lives);
    let all = report.attention.iter();
    let all = all.map(|of| format!("{:?} {}; {}", of.level, of.what, of.details));
    all.filter(|of| of.contains("expired")).collect()
}

#[test]
fn what_expires_is_a_part_of_what_came_when_it_did() {
    let went = "messages that became too old and went back to their senders";
    let of_day = [format!(
        "Warning 16.7% expired (10); it was 0.0% on 28 days; {went}"
    )];
    // Ten of 1010, and of 60.
    assert_eq!(finds_expired((5, 1000), 10, 120), [""; 0]);
    assert_eq!(finds_expired((6, 1000), 10, 120), of_day);
    // An instance that keeps it for a day, or for one and a half: that ends on one of two days.
    assert_eq!(finds_expired((5, 1000), 10, 24), of_day);
    assert_eq!(finds_expired((1, 1000), 10, 24), [""; 0]);
    assert_eq!(finds_expired((1, 1000), 10, 36), [""; 0]);
    assert_eq!(finds_expired((2, 1000), 10, 36), [""; 0]);
    assert_eq!(finds_expired((3, 1000), 10, 36), of_day);
    // What is judged is what is shown.
    assert_eq!(
        finds_expired((5, 100), 10, 120),
        [format!(
            "Warning 9.1% expired (10); it was 0.0% on 28 days; {went}, beside 100 that came when they did"
        )]
    );
}
