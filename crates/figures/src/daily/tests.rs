//! When attention is called, at each side of each limit. The numbers are counted by hand.

use std::sync::Arc;

use postfix::queue::Queue;
use postfix::{Span, Time, Zone};
use serde_json::json;

use super::*;
use crate::days::{self, DayRecord};
use crate::distribution::{self, InstanceTally};
use crate::mail_stats::{Count, Settings};
use knowledge::providers::Providers;

/// A day of an instance: so many sent, bounced, deferred, and blocked, which are bounced as well. Nothing, where the day is
/// not known.
type Counted = Option<[u64; 4]>;

/// The days before 2026-09-19, the last one as `n` 1, and that day itself as 0.
fn day(n: u64) -> Day {
    // 2026-09-19T00:00:00Z.
    let since = Time::from_seconds(1_789_776_000).minus(Span::from_days(n));
    Day {
        host: "rustin".to_owned(),
        zone: Zone::named("UTC").unwrap(),
        since,
        until: since.plus(Span::from_days(1)),
    }
}

fn record(of: &Day, [sent, bounced, deferred, blocked]: [u64; 4]) -> DayRecord {
    let row = |key: &str, [sent, bounced, deferred]: [u64; 3]| json!({"key": key, "sent": sent, "bounced": bounced, "deferred": deferred});
    let all = [sent, bounced + blocked, deferred];
    let one = json!([row("x", all)]);
    let reasons = json!([
        row("-", [sent, 0, 0]),
        row("blocked", [0, blocked, 0]),
        row("connection", [0, bounced, deferred]),
    ]);
    let figures = json!({
        "total": sent + bounced + deferred + blocked, "sent": sent, "bounced": bounced + blocked, "deferred": deferred,
        "by": {"provider": one, "reason": reasons, "dsn": one, "hour": one},
    });
    let at = |time: Time| {
        let time = chrono::DateTime::from_timestamp_micros(time.micros()).unwrap();
        time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    };
    let line = json!({
        "schema": days::SCHEMA, "host": of.host, "instance": "a", "day": of.name(), "zone": "UTC",
        "since": at(of.since), "until": at(of.until), "complete": true,
        "expired": 0, "unparsed": 0, "attempts": figures, "recipients": figures,
    });
    let (mut records, problems) = days::stored("days".as_ref(), line.to_string().as_bytes());
    assert_eq!(problems, []);
    records.remove(0).1
}

fn queue(messages: u64, providers: &Arc<Providers>) -> Distribution {
    let settings = distribution::Settings {
        by: Vec::new(),
        now: Time::EPOCH,
        providers: Arc::clone(providers),
    };
    let mut tally = distribution::Tally::new(Arc::new(settings));
    tally.add_count(Queue::Deferred, messages);
    let frame = distribution::Frame {
        host: "rustin".to_owned(),
        time: Time::EPOCH,
        counts_only: true,
        by: Vec::new(),
        top: None,
        problems: Vec::new(),
    };
    let of = InstanceTally {
        instance: "a".to_owned(),
        tally,
        is_repeated: false,
    };
    Distribution::new(frame, vec![of])
}

/// What is told of instance a, which should have deliveries each day: `!!` for what is critical. The days before end with the
/// day before.
#[track_caller]
fn check(before: &[Counted], today: [u64; 4], waiting: u64, expected: &[&str]) {
    let providers = Arc::new(Providers::load(None).unwrap());
    let settings = Settings {
        by: DIMENSIONS.to_vec(),
        count: Count::Attempts,
        delays: false,
        zone: Zone::named("UTC").unwrap(),
        instances: Vec::new(),
        most_keys: crate::bounds::MOST_KEYS,
        providers: Arc::clone(&providers),
        reasons: None,
    };
    let all = before.iter().copied().chain([Some(today)]);
    let days: Vec<Day> = (0..=before.len() as u64).rev().map(day).collect();
    let known = days.iter().zip(all);
    let records = known.filter_map(|(day, of)| Some(record(day, of?)));
    let report = Daily::new(Parts {
        host: "rustin".to_owned(),
        now: day(0).until,
        counted: Tally::new(Arc::new(settings)),
        history: History::new(days.clone(), Vec::new(), records.collect(), Vec::new()),
        busy: vec!["a".to_owned()],
        queue: Some(queue(waiting, &providers)),
        problems: Vec::new(),
    });
    let found = report.unwrap().attention;
    let found: Vec<String> = found
        .iter()
        .map(|of| {
            let mark = if of.severity == Severity::Critical {
                "!!"
            } else {
                "!"
            };
            format!("{mark} {}; {}", of.what, of.details)
        })
        .collect();
    assert_eq!(found, expected, "{before:?} {today:?} {waiting}");
}

const QUIET: Counted = Some([1000, 0, 0, 0]);

#[test]
fn rates_that_have_no_past_have_limits_of_their_own() {
    // More than 10 percent bounced, 30 deferred, 2 blocked.
    check(&[], [900, 100, 0, 0], 0, &[]);
    check(
        &[],
        [899, 101, 0, 0],
        0,
        &["! 10.1% bounced (101); connection 101"],
    );
    check(&[None], [700, 0, 300, 0], 0, &[]);
    check(
        &[None],
        [699, 0, 301, 0],
        0,
        &["! 30.1% deferred (301); connection 301"],
    );
    check(&[], [980, 0, 0, 20], 0, &[]);
    check(&[], [490, 0, 0, 10], 0, &[]);
    check(&[], [489, 0, 0, 10], 0, &["!! 10 blocked (2.0%); "]);
    // Half of all is critical, as long as it is not chance: that is fewer than 10.
    check(
        &[],
        [51, 49, 0, 0],
        0,
        &["! 49.0% bounced (49); connection 49"],
    );
    check(
        &[],
        [50, 50, 0, 0],
        0,
        &["!! 50.0% bounced (50); connection 50"],
    );
    check(&[], [0, 9, 0, 0], 0, &[]);
    check(
        &[],
        [0, 10, 0, 0],
        0,
        &["!! 100.0% bounced (10); connection 10"],
    );
}

#[test]
fn a_rate_jumps_if_it_doubles_and_by_enough_points() {
    // Blocked: from 0.5 to 1 percent is both; to 0.9 it is not twice, from 0.4 to 0.8 not by half a point.
    check(
        &[Some([1990, 0, 0, 10])],
        [1980, 0, 0, 20],
        0,
        &["!! 20 blocked (1.0%); it was 0.5%"],
    );
    check(&[Some([1990, 0, 0, 10])], [1982, 0, 0, 18], 0, &[]);
    check(&[Some([1992, 0, 0, 8])], [1984, 0, 0, 16], 0, &[]);
    // Bounced: 3 points; deferred: 10.
    check(&[QUIET], [971, 29, 0, 0], 0, &[]);
    check(
        &[QUIET],
        [970, 30, 0, 0],
        0,
        &["! 3.0% bounced (30); it was 0.0%; connection 30"],
    );
    check(&[QUIET], [901, 0, 99, 0], 0, &[]);
    check(
        &[QUIET],
        [900, 0, 100, 0],
        0,
        &["! 10.0% deferred (100); it was 0.0%; connection 100"],
    );
    // However it was, 21 blocked are too many: not 20.
    let always = Some([900, 0, 0, 100]);
    check(&[always], [180, 0, 0, 20], 0, &[]);
    check(
        &[always],
        [189, 0, 0, 21],
        0,
        &["!! 21 blocked (10.0%); it was 10.0%"],
    );
}

#[test]
fn the_past_is_that_of_the_seven_days_before_by_volume() {
    // 1 of 10 and 0 of 990: a thousandth, not a twentieth. Of the day before, nothing.
    let bounced = Some([9, 1, 0, 0]);
    check(
        &[bounced, Some([990, 0, 0, 0])],
        [96, 0, 0, 4].map(|n| n * 10),
        0,
        &[
            "!! 40 blocked (4.0%); it was 0.0% the day before and 0.0% on average of 2 days",
            "! 4.0% bounced (40); it was 0.0% the day before and 0.1% on average of 2 days; blocked 40",
        ],
    );
    // What is not known is no day; what is older than seven does not count.
    let old = Some([0, 1000, 0, 0]);
    let mut before = vec![old, QUIET, None, QUIET, QUIET, QUIET, QUIET, None];
    check(
        &before,
        [960, 40, 0, 0],
        0,
        &["! 4.0% bounced (40); it was 0.0% on average of 5 days; connection 40"],
    );
    // 1000 of 5000, a fifth: twice that is two fifths.
    before.remove(1);
    check(&before, [601, 399, 0, 0], 0, &[]);
    check(
        &before,
        [600, 400, 0, 0],
        0,
        &["! 40.0% bounced (400); it was 20.0% on average of 5 days; connection 400"],
    );
}

#[test]
fn a_silent_instance_and_a_full_queue_are_told_the_worst_first() {
    let silent = Some([0; 4]);
    check(&[QUIET], [0; 4], 0, &["! no deliveries; 1000 a day before"]);
    check(
        &[QUIET, silent],
        [0; 4],
        0,
        &["! no deliveries; nor the day before"],
    );
    check(
        &[QUIET, silent, silent],
        [0; 4],
        0,
        &["! no deliveries; nor in the 2 days before"],
    );
    check(&[None], [0; 4], 0, &["! no deliveries; "]);
    check(&[QUIET], [1000, 0, 0, 0], 200, &[]);
    check(
        &[QUIET],
        [1000, 0, 0, 0],
        201,
        &["! 201 messages in the mailq; "],
    );
    check(
        &[QUIET],
        [1000, 0, 0, 0],
        500,
        &["! 500 messages in the mailq; "],
    );
    check(
        &[QUIET],
        [0; 4],
        501,
        &[
            "!! 501 messages in the mailq; ",
            "! no deliveries; 1000 a day before",
        ],
    );
    // Of what is as bad: blocked, bounced, queued, deferred.
    check(
        &[],
        [0, 0, 100, 21],
        501,
        &[
            "!! 21 blocked (17.4%); ",
            "!! 501 messages in the mailq; ",
            "!! 82.6% deferred (100); connection 100",
            "! 17.4% bounced (21); blocked 21",
        ],
    );
}
