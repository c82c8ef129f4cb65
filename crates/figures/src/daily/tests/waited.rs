//! The day after an outage, and what it makes expire.

use super::made::{Made, last, made};
use super::*;

/// 100 a day, two days with none, and their mail and its own on the next.
#[test]
fn the_mail_that_waited_is_no_rise() {
    let with = |down: u64, today, late: bool| {
        let days = last(28);
        let records = made(&days, |ago| {
            let sent = match ago {
                0 => today,
                ago if ago <= down => 0,
                _ => 100,
            };
            // After an outage, half of what is sent takes ten hours.
            Made {
                sent,
                late: Some(if late && ago == 0 { sent / 2 } else { 0 }),
                ..Made::default()
            }
        });
        found(&days, records, &["a"], 0)
    };
    let is_more = |found: Vec<String>| found.iter().any(|of| of.contains("times as many"));
    assert!(!is_more(with(2, 300, true)));
    assert!(is_more(with(2, 500, true)));
    assert!(is_more(with(0, 300, true)));
    // Nothing was to be done on those days, and there is more now.
    assert!(is_more(with(2, 300, false)));
}

/// 100 on working days and none at the weekend; Thursday and Friday with none, and on Monday their mail and its own.
#[test]
fn an_outage_goes_on_over_a_weekend_without_mail() {
    // 2026-09-14 is a Monday.
    let days: Vec<Period> = (5..34).rev().map(day).collect();
    let with = |today: u64| {
        let records = made(&days, |ago| {
            let is_weekend = [5, 6].contains(&((28 - ago) % 7));
            let sent = match ago {
                0 => today,
                3 | 4 => 0,
                _ if is_weekend => 0,
                _ => 100,
            };
            Made {
                sent,
                late: Some(if ago == 0 { today / 2 } else { 0 }),
                ..Made::default()
            }
        });
        found(&days, records, &["a"], 0)
    };
    assert_eq!(with(300), [""; 0]);
    let of_500 = with(500);
    let of = of_500.iter().find(|of| of.contains("5.0 times as many"));
    assert!(
        of.is_some_and(|of| of.ends_with("; up to 200 may have waited for the end of an outage")),
        "{of_500:?}"
    );
}

/// 100 sent a day, and as many on the last, half of them ten hours late; the day before is as given.
#[test]
fn what_is_late_waited_for_an_outage_only_if_there_was_one() {
    let late = |sent_before: u64, deferred: u64, recipients: u64| {
        let days = last(28);
        let records = made(&days, |ago| {
            let [sent, deferred, recipients] = match ago {
                1 => [sent_before, deferred, recipients],
                _ => [100, 0, 0],
            };
            Made {
                sent,
                late: Some(if ago == 0 { 60 } else { 0 }),
                deferred,
                recipients: Some(recipients),
                reason: "mailbox-full",
                ..Made::default()
            }
        });
        let found = found(&days, records, &["a"], 0);
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
        let days = last(28);
        let records = made(&days, |ago| {
            let sent: u64 = if ago == 0 { today } else { 100 };
            let recipients = if ago < 10 { sent } else { 0 };
            Made {
                sent,
                late: Some(sent),
                deferred: 3 * recipients,
                recipients: Some(recipients),
                reason: "greylisted",
                ..Made::default()
            }
        });
        let found = found(&days, records, &["a"], 0);
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
    let days = last(28);
    let records = made(&days, |ago| Made {
        sent: if ago == came.0 { came.1 } else { 50 },
        expired: if ago == 0 { expired } else { 0 },
        ..Made::default()
    });
    let lives = BTreeMap::from([("a".to_owned(), Span::from_hours(hours))]);
    let report = daily_of(&days, records, (&["a"], &["a"]), 0, lives);
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
