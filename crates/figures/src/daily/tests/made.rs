//! Records of days, as they are made for the tests.

use super::*;

/// What an instance had on a day: all of it for one provider, which puts off for one reason.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Made {
    /// Sent, and of those so many after ten hours; the others took a second. Without that, no delays are known.
    pub(super) sent: u64,
    pub(super) late: Option<u64>,
    /// Attempts that were put off, and of how many recipients those are, if the record says so.
    pub(super) deferred: u64,
    pub(super) recipients: Option<u64>,
    /// How many of those had come before the day, if the record says so.
    pub(super) earlier: Option<u64>,
    pub(super) reason: &'static str,
    pub(super) expired: u64,
}

impl Made {
    pub(super) fn record(self, day: &Period, instance: &str) -> DayRecord {
        let row = |key, sent, deferred| json!({"key": key, "sent": sent, "bounced": 0, "deferred": deferred});
        let all = json!([row("x", self.sent, self.deferred)]);
        let reasons = json!([row("-", self.sent, 0), row(self.reason, 0, self.deferred)]);
        let mut figures = json!({
            "total": self.sent + self.deferred, "sent": self.sent, "bounced": 0, "deferred": self.deferred,
            "by": {"provider": all, "reason": reasons, "dsn": all, "hour": all},
        });
        if let Some(late) = self.late {
            let ten_hours = 36_000_000_000_u64;
            let values = json!([[1_000_000, self.sent - late], [ten_hours, late]]);
            let delay = json!({"max_us": ten_hours, "values_us": values});
            figures["delays"] = json!(vec![delay; 5]);
        }
        let mut more = json!({"expired": self.expired});
        if let Some(recipients) = self.recipients {
            let mut of = json!({"provider": "x", "recipients": recipients, "blocked": 0});
            if let Some(earlier) = self.earlier {
                of["earlier"] = json!(earlier);
            }
            more["put_off"] = json!([of]);
        }
        stored_with(day, instance, &figures, &more)
    }
}

/// The records of instance a on these days, the last of which was no day ago.
pub(super) fn made(days: &[Period], of: impl Fn(u64) -> Made) -> Vec<DayRecord> {
    let ago = (0..days.len() as u64).rev();
    let days = days.iter().zip(ago);
    days.map(|(day, ago)| of(ago).record(day, "a")).collect()
}

/// The days before 2026-09-19, so many, and that day itself.
pub(super) fn last(before: u64) -> Vec<Period> {
    (0..=before).rev().map(day).collect()
}
