//! A recipient that was put off is tried some twenty times a day: that says no more than one attempt.

use super::*;

/// Ten days with 20 sent, and one with as many, and so many attempts that were put off. Of how many recipients those
/// are is in the records, if `recipients` says it.
fn put_off(sent: u64, deferred: u64, recipients: Option<u64>) -> Vec<String> {
    let days: Vec<Period> = (0..=10).rev().map(day).collect();
    let records = days.iter().enumerate().map(|(at, day)| {
        let counts = if at == 10 { [sent, deferred] } else { [20, 0] };
        let [sent, deferred] = counts;
        let row = |key, sent, deferred| json!({"key": key, "sent": sent, "bounced": 0, "deferred": deferred});
        let all = json!([row("therest", sent, deferred)]);
        let reasons = json!([row("-", sent, 0), row("mailbox-full", 0, deferred)]);
        let figures = json!({
            "total": sent + deferred, "sent": sent, "bounced": 0, "deferred": deferred,
            "by": {"provider": all, "reason": reasons, "dsn": all, "hour": all},
        });
        let put_off = |n| json!({"put_off": [{"provider": "therest", "recipients": n, "blocked": 0}]});
        let more = match recipients {
            Some(n) if at == 10 => put_off(n),
            _ => json!({"expired": 0}),
        };
        stored_with(day, "a", &figures, &more)
    });
    found(&days, records.collect(), &["a"], 0)
}

#[test]
fn one_full_mailbox_is_no_outage_however_often_it_is_tried() {
    assert_eq!(put_off(20, 21, Some(1)), [""; 0]);
    // Each was put off once, an hour long, and sent later.
    assert_eq!(
        put_off(20, 21, Some(21)),
        [
            "! 51.2% deferred (21); it was 0.0% the day before and 0.0% on average of 7 days; mailbox-full 21"
        ]
    );
    // Nothing goes out.
    assert_eq!(
        put_off(0, 210, Some(20)),
        [
            "!! 100.0% deferred (20 in 210 attempts); it was 0.0% the day before and 0.0% on average of 7 days; \
          mailbox-full 210"
        ]
    );
    // A record that does not say it: by attempts, as ever.
    assert_eq!(
        put_off(20, 21, None),
        [
            "! 51.2% deferred (21); it was 0.0% the day before and 0.0% on average of 7 days; mailbox-full 21"
        ]
    );
}
