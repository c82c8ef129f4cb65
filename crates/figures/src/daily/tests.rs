//! When attention is called, at each side of each limit. The numbers are counted by hand.

use std::sync::Arc;

use postfix::queue::Queue;
use postfix::{Span, Time, Zone};
use serde_json::json;

use super::*;
use crate::days::{self, DayRecord};
use crate::distribution::{self, InstanceTally};
use crate::gaps::Gaps;
use crate::judge::Rules;
use crate::mail_stats::{Count, Settings};
use crate::verdict::Level;
use knowledge::providers::Providers;

/// A day of an instance: so many sent, bounced, deferred, and blocked, which are bounced as well. Nothing, where the
/// day is not known.
type Counted = Option<[u64; 4]>;

/// The days before 2026-09-19, the last one as `n` 1, and that day itself as 0.
fn day(n: u64) -> Period {
    // 2026-09-19T00:00:00Z.
    let since = Time::from_seconds(1_789_776_000).minus(Span::from_days(n));
    Period {
        host: "rustin".to_owned(),
        zone: Zone::named("UTC").unwrap(),
        since,
        until: since.plus(Span::from_days(1)),
    }
}

fn record(of: &Period, instance: &str, [sent, bounced, deferred, blocked]: [u64; 4]) -> DayRecord {
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
    stored(of, instance, &figures)
}

fn stored(of: &Period, instance: &str, figures: &serde_json::Value) -> DayRecord {
    stored_with(of, instance, figures, &json!({"expired": 0}))
}

/// The same with other fields of the record.
fn stored_with(
    of: &Period,
    instance: &str,
    figures: &serde_json::Value,
    more: &serde_json::Value,
) -> DayRecord {
    let at = |time: Time| {
        let time = chrono::DateTime::from_timestamp_micros(time.micros()).unwrap();
        time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    };
    let mut line = json!({
        "schema": days::SCHEMA, "host": of.host, "instance": instance, "day": of.day().to_string(), "zone": "UTC",
        "since": at(of.since), "until": at(of.until), "complete": true,
        "expired": 0, "unparsed": 0, "complaints": [], "attempts": figures, "recipients": figures,
    });
    for (key, value) in more.as_object().unwrap() {
        line[key] = value.clone();
    }
    let (mut records, problems) = days::stored("days".as_ref(), line.to_string().as_bytes());
    assert_eq!(problems, []);
    records.remove(0).1
}

fn queue(messages: u64, providers: &Arc<Providers>) -> Distribution {
    let settings = distribution::Settings {
        by: Vec::new(),
        now: Time::EPOCH,
        most_keys: crate::bounds::MOST_KEYS,
        providers: Arc::clone(providers),
    };
    let mut tally = distribution::Tally::new(Arc::new(settings));
    tally.add_count(Queue::Deferred, messages);
    let frame = distribution::Frame {
        host: "rustin".to_owned(),
        time: Time::EPOCH,
        counts_only: true,
        with_expiry: false,
        by: Vec::new(),
        top: None,
        problems: Vec::new(),
    };
    let of = InstanceTally {
        instance: "a".to_owned(),
        tally,
        is_repeated: false,
        is_whole: true,
    };
    Distribution::new(frame, vec![of])
}

/// The report of these days, of which some instances are in use that need not be busy every day.
fn daily(
    days: &[Period],
    records: Vec<DayRecord>,
    expected: (&[&str], &[&str]),
    waiting: u64,
) -> Daily {
    daily_of(days, records, expected, waiting, BTreeMap::new())
}

/// The same where some instances keep mail for so long.
fn daily_of(
    days: &[Period],
    records: Vec<DayRecord>,
    (busy, in_use): (&[&str], &[&str]),
    waiting: u64,
    lives: BTreeMap<String, Span>,
) -> Daily {
    let providers = Arc::new(Providers::load(None).unwrap());
    let settings = Settings {
        by: DIMENSIONS.to_vec(),
        count: Count::Attempts,
        delays: true,
        zone: Zone::named("UTC").unwrap(),
        instances: Vec::new(),
        most_instances: crate::bounds::MOST_INSTANCES,
        most_keys: crate::bounds::MOST_KEYS,
        providers: Arc::clone(&providers),
        reasons: None,
    };
    Daily::new(Parts {
        host: "rustin".to_owned(),
        now: day(0).until,
        counted: Tally::new(Arc::new(settings)),
        history: History::new(days.to_vec(), Vec::new(), records, Vec::new()),
        unseen_queues: Vec::new(),
        busy: busy.iter().map(|name| (*name).to_owned()).collect(),
        in_use: in_use.iter().map(|name| (*name).to_owned()).collect(),
        lives,
        is_covered: true,
        ends: None,
        rules: Rules::load(None).unwrap(),
        gaps: Gaps::default(),
        queue: Some(queue(waiting, &providers)),
        problems: Vec::new(),
    })
    .unwrap()
}

/// What is told of these days, of which the last is judged.
fn found(days: &[Period], records: Vec<DayRecord>, busy: &[&str], waiting: u64) -> Vec<String> {
    found_in(days, records, (busy, busy), waiting)
}

/// The same where some instances are in use that need not be busy every day.
fn found_in(
    days: &[Period],
    records: Vec<DayRecord>,
    expected: (&[&str], &[&str]),
    waiting: u64,
) -> Vec<String> {
    let found = daily(days, records, expected, waiting).attention;
    found
        .iter()
        .map(|of| {
            let mark = if of.level == Level::Critical {
                "!!"
            } else {
                "!"
            };
            format!("{mark} {}; {}", of.what, of.details)
        })
        .collect()
}

/// What is told of instance a, which should have deliveries each day: `!!` for what is critical. The days before end
/// with the day before.
#[track_caller]
fn check(before: &[Counted], today: [u64; 4], waiting: u64, expected: &[&str]) {
    let all = before.iter().copied().chain([Some(today)]);
    let days: Vec<Period> = (0..=before.len() as u64).rev().map(day).collect();
    let known = days.iter().zip(all);
    let records = known.filter_map(|(day, of)| Some(record(day, "a", of?)));
    let found = found(&days, records.collect(), &["a"], waiting);
    assert_eq!(found, expected, "{before:?} {today:?} {waiting}");
}

mod again;
mod domains;
mod lasting;
mod made;
mod others;
mod outage;
mod slow;
mod staged;
mod unseen;
mod waited;

const QUIET: Counted = Some([1000, 0, 0, 0]);

#[test]
fn rates_that_have_no_past_have_limits_of_their_own() {
    // The lower end of the Wilson interval is what counts: of 118 of 1000 it is 9.95 %, of 119 10.04 %.
    check(&[], [882, 118, 0, 0], 0, &[]);
    check(
        &[],
        [881, 119, 0, 0],
        0,
        &["! 11.9% bounced (119); connection 119"],
    );
    // Of 224 it is 19.92 %, of 225 20.02 %.
    check(&[None], [776, 0, 224, 0], 0, &[]);
    check(
        &[None],
        [775, 0, 225, 0],
        0,
        &["! 22.5% deferred (225); connection 225"],
    );
    // Of 22 it is 1.46 %, of 23 1.54 %.
    check(&[], [978, 0, 0, 22], 0, &[]);
    check(&[], [977, 0, 0, 23], 0, &["! 23 blocked (2.3%); "]);
    // Half of all, beyond chance, is critical: of 59 of 100 at least 49.2 % are, of 60 50.2 %, of 4 of 4 51.0 %.
    check(
        &[],
        [41, 59, 0, 0],
        0,
        &["! 59.0% bounced (59); connection 59"],
    );
    check(
        &[],
        [40, 60, 0, 0],
        0,
        &["!! 60.0% bounced (60); connection 60"],
    );
    check(&[], [0, 3, 0, 0], 0, &[]);
    check(
        &[],
        [0, 4, 0, 0],
        0,
        &["!! 100.0% bounced (4); connection 4"],
    );
}

#[test]
fn a_rate_jumps_if_it_doubles_and_by_enough_points() {
    // And not by chance: 10 of 2000 blocked are at most 0.918 %, half as much again is 1.377 %; 37 are at least 1.345
    // %, 38 1.387 %.
    check(&[Some([1990, 0, 0, 10])], [1963, 0, 0, 37], 0, &[]);
    check(
        &[Some([1990, 0, 0, 10])],
        [1962, 0, 0, 38],
        0,
        &["! 38 blocked (1.9%); it was 0.5%"],
    );
    // Nor by what days differ, where five are known: 26 of 2000 are below every limit; there were 2 each.
    check(&[Some([1998, 0, 0, 2]); 5], [1991, 0, 0, 9], 0, &[]);
    check(
        &[Some([1998, 0, 0, 2]); 5],
        [1974, 0, 0, 26],
        0,
        &["! 26 blocked (1.3%); it was 0.1% the day before and 0.1% on average of 5 days"],
    );
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
    // What was too much on the day before is no measure.
    check(
        &[Some([900, 0, 0, 100])],
        [180, 0, 0, 20],
        0,
        &["! 20 blocked (10.0%), for 2 days or more; "],
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
            "! 40 blocked (4.0%); it was 0.0% the day before and 0.0% on average of 2 days",
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
    // A day on which all was refused is no measure of what is usual, though it is among those of the mean.
    before.remove(1);
    check(
        &before,
        [960, 40, 0, 0],
        0,
        &["! 4.0% bounced (40); it was 20.0% on average of 5 days; connection 40"],
    );
}

#[test]
fn a_day_on_which_nothing_is_sent_every_week_is_no_silence() {
    let off = Some([0; 4]);
    let week = [QUIET; 5];
    // Saturday, Sunday, and then Monday.
    let saturday = [&[off, off], &week[..]].concat();
    check(&saturday, [0; 4], 0, &[]);
    let sunday = [&[off], &week[..], &[off]].concat();
    check(&sunday, [0; 4], 0, &[]);
    let monday = [&week[..], &[off, off]].concat();
    check(
        &monday,
        [0; 4],
        0,
        &["! no deliveries; nor in the 2 days before"],
    );
    // It was the first such day of the week.
    check(
        &[QUIET; 7],
        [0; 4],
        0,
        &["! no deliveries; 1000 a day before"],
    );
}

#[test]
fn a_silent_instance_and_a_full_queue_are_reported_the_worst_first() {
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
