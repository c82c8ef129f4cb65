//! Hours in which nothing gets through.

use super::made::{Made, last, made};
use super::*;
use crate::daily::outage::hours_of;

/// What is found of hours in a row: of each of the `instances` and its hours on so many days before and the last, each
/// sent and deferred, and deferred because it was paused.
fn hours_found(
    days: &[Period],
    instances: &[&str],
    of: impl Fn(&str, usize, u64) -> [u64; 3],
) -> Vec<String> {
    let records = days.iter().rev().enumerate().flat_map(|(ago, day)| {
        let of = &of;
        instances.iter().map(move |name| {
            let hours = (0..24).map(|hour| of(name, ago, hour));
            let hours: Vec<[u64; 3]> = hours.collect();
            let row = |key: String, [sent, deferred, paused]: [u64; 3]| json!({"key": key, "sent": sent, "bounced": 0, "deferred": deferred + paused});
            let rows: Vec<_> = hours.iter().enumerate()
                .map(|(hour, of)| row(format!("{}T{hour:02}", day.day()), *of))
                .collect();
            let [sent, deferred, paused] = [0, 1, 2].map(|at| hours.iter().map(|of| of[at]).sum::<u64>());
            let all = row("x".to_owned(), [sent, deferred, paused]);
            let reasons = json!([
                row("-".to_owned(), [sent, 0, 0]),
                row("dns".to_owned(), [0, deferred, 0]),
                row("paused".to_owned(), [0, 0, paused]),
            ]);
            let figures = json!({
                "total": sent + deferred + paused, "sent": sent, "bounced": 0, "deferred": deferred + paused,
                "by": {"provider": [all], "reason": reasons, "dsn": [all], "hour": rows},
            });
            stored(day, name, &figures)
        })
    });
    let report = daily(days, records.collect(), (instances, instances), 0);
    let found = report.attention.iter();
    let found = found.map(|of| format!("{}: {}; {}", of.instance, of.what, of.details));
    found.filter(|of| of.contains("usually sent")).collect()
}

/// Four weeks of 100 sent an hour, and of some stuck ones that fail, and a day of which some hours fail.
fn hours(stuck: u64, out: std::ops::Range<u64>, sent_then: u64) -> Vec<String> {
    hours_found(&last(28), &["a"], |_, ago, hour| {
        match ago == 0 && out.contains(&hour) {
            true => [sent_then, 40, 0],
            false => [100, stuck, 0],
        }
    })
}

#[test]
fn hours_without_a_name_server_are_no_small_share_of_a_day() {
    // 120 of 2223 attempts are deferred: below every limit.
    assert_eq!(
        hours(0, 3..6, 1),
        [
            "a: next to nothing got through from 03:00 to 06:00; 3 of 123 attempts; 300 or more are usually sent"
        ]
    );
    // An hour alone may be a provider's; and of half, the rest got through.
    assert_eq!(hours(0, 3..4, 1), [""; 0]);
    assert_eq!(hours(0, 3..6, 40), [""; 0]);
    // What fails then on every day does not hide that nothing is sent.
    assert_eq!(
        hours(16, 3..6, 1),
        [
            "a: next to nothing was sent from 03:00 to 06:00; 3 of 123 attempts; 300 or more are usually sent"
        ]
    );
}

/// 20 sent an hour by each of two instances, and none in some hours of the last day by some of them.
fn silent(is_silent: impl Fn(&str, u64) -> bool) -> Vec<String> {
    hours_found(&last(28), &["a", "b"], |name, ago, hour| {
        match ago == 0 && is_silent(name, hour) {
            true => [0; 3],
            false => [20, 0, 0],
        }
    })
}

#[test]
fn hours_in_which_nothing_was_tried_are_an_outage_too() {
    assert_eq!(
        silent(|_, hour| (2..17).contains(&hour)),
        [
            "all instances: nothing was sent from 02:00 to 17:00; 600 or more are usually sent; nothing was tried: the \
             host was down, its log is cut, or it had no mail"
        ]
    );
    let of_one = "nothing was sent from 02:00 to 17:00; 300 or more are usually sent; nothing was tried: it was down, \
                  or had no mail";
    assert_eq!(
        silent(|name, hour| name == "a" && (2..17).contains(&hour)),
        [format!("a: {of_one}")]
    );
    // Two of them on a day are both named; and an hour alone is none.
    let twice = silent(|name, hour| name == "a" && [2, 3, 8, 12, 13, 14].contains(&hour));
    let [second, first] = twice.as_slice() else {
        panic!("{twice:?}")
    };
    assert!(first.contains("from 02:00 to 04:00; 40"), "{first}");
    assert!(second.contains("from 12:00 to 15:00; 60"), "{second}");
}

#[test]
fn what_the_days_deferral_names_hides_no_other_hours() {
    // 600 an hour of which the morning's are put off, and nothing is tried in the evening.
    let found = hours_found(&last(28), &["a", "b"], |name, ago, hour| {
        match (name, ago, hour) {
            ("a", 0, 6..12) => [0, 600, 0],
            ("a", 0, 14..20) => [0; 3],
            ("a", ..) => [60, 0, 0],
            _ => [20, 0, 0],
        }
    });
    assert_eq!(
        found,
        [
            "a: nothing was sent from 14:00 to 20:00; 360 or more are usually sent; nothing was tried: it was down, or had \
          no mail"
        ]
    );
}

#[test]
fn an_instance_that_is_often_without_mail_for_hours_has_no_outage() {
    // On each day, it has none for three hours, in each case others.
    let of = |length: usize| {
        hours_found(&last(28), &["a"], move |_, ago, hour| {
            let from = (ago * 5) % 20;
            let length = if ago == 0 { length } else { 3 };
            match (from..from + length).contains(&(hour as usize)) {
                true => [0; 3],
                false => [20, 0, 0],
            }
        })
    };
    assert_eq!(of(4), [""; 0]);
    assert_eq!(of(7), [""; 0]);
    assert!(!of(8).is_empty());
    // On a day with a tenth of the mail, two hours without any are chance.
    let holiday = hours_found(&last(28), &["a"], |_, ago, hour| match (ago, hour) {
        (0, 3 | 4) => [0; 3],
        (0, _) => [2, 0, 0],
        _ => [20, 0, 0],
    });
    assert_eq!(holiday, [""; 0]);
}

/// Six sent an hour by each of four instances, on the days of which something is known; two hours of the last day fail.
fn of_four(known: usize, also: impl Fn(&str, usize, u64) -> Option<[u64; 3]>) -> Vec<String> {
    hours_found(
        &last(28)[28 - known..],
        &["a", "b", "c", "d"],
        |name, ago, hour| {
            let own = match ago == 0 && (2..4).contains(&hour) {
                true => [0, 12, 0],
                false => [6, 0, 0],
            };
            also(name, ago, hour).unwrap_or(own)
        },
    )
}

/// 1000 a day; on the day before 900 of them are put off, and sent on the last, beside its own.
#[test]
fn the_day_after_a_partial_outage_is_well() {
    let days = last(28);
    let records = made(&days, |ago| {
        let [sent, deferred, late] = match ago {
            0 => [1900, 0, 900],
            1 => [100, 900, 0],
            _ => [1000, 0, 0],
        };
        Made {
            sent,
            late: Some(late),
            deferred,
            recipients: Some(deferred),
            reason: "connection",
            ..Made::default()
        }
    });
    assert_eq!(found(&days, records, &["a"], 0), [""; 0]);
}

#[test]
fn few_of_each_instance_are_many_of_all() {
    let found = "all instances: next to nothing got through from 02:00 to 04:00; 0 of 96 attempts; 48 or more are \
                 usually sent";
    // Days of which nothing is known are not days without mail.
    for known in [4, 7, 28] {
        assert_eq!(of_four(known, |_, _, _| None), [found], "{known}");
    }
    assert_eq!(of_four(3, |_, _, _| None), [""; 0]);
    // A line of another hour that was paused, at each.
    let paused = of_four(28, |_, ago, hour| {
        (ago == 0 && hour == 9).then_some([6, 0, 1])
    });
    assert_eq!(paused, [found]);
    // One of them has had half of its mail deferred for weeks: that is found by itself, and hides nothing.
    let chronic = of_four(28, |name, ago, hour| {
        (name == "b" && (ago > 0 || hour > 3)).then_some([6, 6, 0])
    });
    assert_eq!(chronic, [found]);
}

#[test]
fn what_a_pause_keeps_is_no_outage() {
    let paused = hours_found(&last(28), &["a", "b"], |name, ago, hour| {
        match ago == 0 && name == "a" && (2..9).contains(&hour) {
            true => [0, 0, 30],
            false => [20, 0, 0],
        }
    });
    assert_eq!(paused, [""; 0]);
}

#[test]
fn an_outage_goes_on_over_midnight_and_over_the_hour_that_summer_time_skips() {
    let out = |days: &[Period], is_out: &dyn Fn(usize, u64) -> bool| {
        hours_found(days, &["a"], |_, ago, hour| match is_out(ago, hour) {
            true => [0, 40, 0],
            false => [100, 0, 0],
        })
    };
    assert_eq!(
        out(&last(28), &|ago, hour| [(1, 23), (0, 0)]
            .contains(&(ago, hour))),
        [
            "a: next to nothing got through from 23:00 on the day before to 01:00; 0 of 80 attempts; 200 or more are \
             usually sent"
        ]
    );
    // What had ended before was said on that day.
    assert_eq!(out(&last(28), &|ago, hour| ago == 1 && hour > 20), [""; 0]);
    // 2026-03-29 begins at 23:00 UTC, and has no 02:00.
    let days = (0..=28).rev().map(|ago| {
        let begins = Time::from_seconds(1_774_738_800).minus(Span::from_days(ago));
        let until = if ago == 0 { 23 } else { 24 };
        Period {
            host: "rustin".to_owned(),
            zone: Zone::named("Europe/Berlin").unwrap(),
            since: begins,
            until: begins.plus(Span::from_hours(until)),
        }
    });
    let days: Vec<Period> = days.collect();
    assert_eq!(days[28].day().to_string(), "2026-03-29");
    let skipped = |ago, hour| ago == 0 && [1, 3].contains(&hour);
    let found = hours_found(&days, &["a"], |_, ago, hour| match (ago, hour) {
        (0, 2) => [0; 3],
        _ if skipped(ago, hour) => [0, 40, 0],
        _ => [100, 0, 0],
    });
    assert_eq!(
        found,
        [
            "a: next to nothing got through from 01:00 to 04:00; 0 of 80 attempts; 200 or more are usually sent"
        ]
    );
}

#[test]
fn hours_to_come_are_not_silent() {
    let today = day(0);
    let half_past_six = today.since.plus(Span::from_minutes(390));
    let passed = hours_of(&today, half_past_six);
    assert_eq!(passed.iter().filter(|has| **has).count(), 6);
    assert!(passed[5] && !passed[6]);
}
