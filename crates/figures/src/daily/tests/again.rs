//! A recipient that was put off is tried some twenty times a day: that says no more than one attempt.

use super::made::{Made, last, made};
use super::*;

/// Ten days with 20 sent, and one with as many, and so many attempts that were put off. Of how many recipients those
/// are is in the records, if `recipients` says it.
fn put_off(sent: u64, deferred: u64, recipients: Option<u64>) -> Vec<String> {
    let days = last(10);
    let records = made(&days, |ago| {
        let [sent, deferred] = if ago == 0 { [sent, deferred] } else { [20, 0] };
        Made {
            sent,
            deferred,
            recipients: recipients.filter(|_| ago == 0),
            reason: "mailbox-full",
            ..Made::default()
        }
    });
    found(&days, records, &["a"], 0)
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
