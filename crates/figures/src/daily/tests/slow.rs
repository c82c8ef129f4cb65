//! What comes slowly, is small, or is hidden behind something else.

use super::*;

/// So many known days before, each as `of` says, the day itself last; day 0 is the oldest.
fn month(of: impl Fn(u64) -> [u64; 4]) -> Vec<String> {
    let days: Vec<Period> = (0..29).rev().map(day).collect();
    let known = days.iter().zip(0..);
    let records = known.map(|(day, at)| record(day, "a", of(at)));
    found(&days, records.collect(), &["a"], 0)
}

#[track_caller]
fn one(found: &[String], expected: &str) {
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains(expected), "{found:?}");
}

/// 30 of 1000 bounce for a fortnight, then 4 more each day: 8.6 % on the last. And 0.1 % blocked becomes 1.5 %.
#[test]
fn a_rise_of_two_weeks_is_no_usual_state() {
    let risen = |at: u64| at.saturating_sub(14);
    let bounced = month(|at| {
        let n = 30 + 4 * risen(at);
        [1000 - n, n, 0, 0]
    });
    one(&bounced, "8.6% bounced (86)");
    let blocked = month(|at| [999 - risen(at), 0, 0, 1 + risen(at)]);
    one(&blocked, "15 blocked (1.5%)");
    // As much on all days is below every limit, and usual.
    assert_eq!(month(|_| [914, 86, 0, 0]), [""; 0]);
}

/// 7 % deferred, and 0.7 points more on each of four weeks: 26.6 %, above the limit of 20 % on its own.
#[test]
fn what_is_above_its_limit_is_reported_however_slowly_it_came() {
    let deferred = month(|at| {
        let n = 70 + 7 * at;
        [1000 - n, 0, n, 0]
    });
    one(&deferred, "26.6% deferred (266)");
}

/// 900 on working days, 18 on Saturdays and Sundays; day 28 is a Saturday, day 27 a Friday.
#[test]
fn a_working_day_is_not_measured_by_sundays() {
    let week = |today: u64| {
        let days: Vec<Period> = (1..29).rev().map(day).collect();
        let of = |day: &Period| match day.day().weekday() {
            chrono::Weekday::Sat | chrono::Weekday::Sun => 18,
            _ => 900,
        };
        let (last, before) = days.split_last().unwrap();
        let records = before
            .iter()
            .map(|day| record(day, "a", [of(day), 0, 0, 0]));
        let records = records.chain([record(last, "a", [today, 0, 0, 0])]);
        found(&days, records.collect(), &["a"], 0)
    };
    one(&week(33), "only 33 deliveries");
    one(&week(180), "only 180 deliveries");
    assert_eq!(week(700), [""; 0]);
}

/// `of` says how many there are on a day of the week, Monday being 0, `today` how many on the last day, which is a
/// Saturday; so many days before it are known.
fn volume(known: u64, of: impl Fn(u64) -> u64, today: u64) -> Vec<String> {
    let days: Vec<Period> = (0..=known).rev().map(day).collect();
    let (last, before) = days.split_last().unwrap();
    assert_eq!(last.day().weekday(), chrono::Weekday::Sat);
    let weekday = |day: &Period| u64::from(day.day().weekday().num_days_from_monday());
    let records = before
        .iter()
        .map(|day| record(day, "a", [of(weekday(day)), 0, 0, 0]));
    let records = records.chain([record(last, "a", [today, 0, 0, 0])]);
    found(&days, records.collect(), &["a"], 0)
}

/// The measure of a Saturday are Saturdays, or the weekend, though there is more on working days.
#[test]
fn a_day_is_measured_by_days_that_are_like_it() {
    let quiet_weekends = |on: u64| if on > 4 { 300 } else { 600 };
    for known in [14, 28] {
        one(&volume(known, quiet_weekends, 900), "3.0 times as many");
        assert_eq!(volume(known, quiet_weekends, 500), [""; 0]);
    }
    // A list goes out on Saturdays. Once known, half as much again is not odd; three times as much is.
    let list = |on: u64| if on == 5 { 2000 } else { 400 };
    for known in [7, 14, 28] {
        assert_eq!(volume(known, list, 3000), [""; 0], "{known}");
        assert_eq!(volume(known, list, 6000).len(), 1, "{known}");
    }
    // Where nothing is done at the weekend, a few are no alarm, and many are measured by working days.
    let no_weekends = |on: u64| if on > 4 { 0 } else { 600 };
    for known in [7, 28] {
        assert_eq!(volume(known, no_weekends, 500), [""; 0], "{known}");
        one(&volume(known, no_weekends, 1800), "3.0 times as many");
    }
}

/// Forty instances whose days differ by a fifth: what is rare for one is not for all of them; what is far is, for each.
#[test]
fn days_of_many_instances_say_how_much_days_differ() {
    let names: Vec<String> = (0..40).map(|n| format!("i{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let of = |spread: u64, times: u64| {
        let days: Vec<Period> = (0..29).rev().map(day).collect();
        let mut records = Vec::new();
        for (at, day) in days.iter().enumerate() {
            for (n, name) in names.iter().enumerate() {
                // About 1000, in no order that is the same in two weeks.
                let by_chance = (at as u64 * 7919 + n as u64 * 104_729) % 17 * spread;
                let usual = 1000 - 8 * spread + by_chance;
                let is_it = n == 39 && at == 28;
                let sent = if is_it { 1000 * times / 10 } else { usual };
                records.push(record(day, name, [sent, 0, 0, 0]));
            }
        }
        found(&days, records, &names, 0)
    };
    assert_eq!(of(5, 23).len(), 1, "2.3 times as much where days are alike");
    assert_eq!(of(60, 23), [""; 0], "the same where they are not");
    assert_eq!(of(60, 50).len(), 1, "5 times as much where they are not");
}

/// Three of three, every day: no day alone is beyond chance.
#[test]
fn an_instance_with_three_a_day_is_judged_by_a_week() {
    let all = month(|_| [0, 3, 0, 0]);
    one(&all, "100.0% bounced (21), in 7 days");
    assert_eq!(month(|at| [3 - at % 2, at % 2, 0, 0]), [""; 0]);
}

/// Attempts of a day by provider: sent, bounced, deferred.
fn by_provider(of: &Period, instance: &str, rows: &[(&str, [u64; 3])]) -> DayRecord {
    let row = |key: &str, [sent, bounced, deferred]: [u64; 3]| json!({"key": key, "sent": sent, "bounced": bounced, "deferred": deferred});
    let sum = |at: usize| rows.iter().map(|(_, counts)| counts[at]).sum::<u64>();
    let all = [sum(0), sum(1), sum(2)];
    let providers: Vec<_> = rows.iter().map(|(key, of)| row(key, *of)).collect();
    let reasons = [
        row("-", [all[0], 0, 0]),
        row("connection", [0, all[1], all[2]]),
    ];
    let figures = json!({
        "total": all.iter().sum::<u64>(), "sent": all[0], "bounced": all[1], "deferred": all[2],
        "by": {"provider": providers, "reason": reasons, "dsn": [row("x", all)], "hour": [row("x", all)]},
    });
    stored(of, instance, &figures)
}

#[test]
fn a_small_instance_does_not_hide_a_provider_and_one_that_is_left_out_is_missed() {
    let days: Vec<Period> = (0..29).rev().map(day).collect();
    let (last, before) = days.split_last().unwrap();
    let usual = [("gmail", [47, 0, 3]), ("therest", [420, 0, 30])];
    let run = |big: &[(&str, [u64; 3])], small: &[(&str, [u64; 3])]| {
        let mut records = Vec::new();
        for day in before {
            records.push(by_provider(day, "big", &usual));
            records.push(by_provider(day, "small", &[("aol", [20, 0, 1])]));
        }
        records.push(by_provider(last, "big", big));
        records.push(by_provider(last, "small", small));
        found(&days, records, &["big", "small"], 0)
    };
    let out = [("gmail", [0, 0, 50]), ("therest", [420, 0, 30])];
    one(&run(&out, &[("aol", [20, 0, 1])]), "100.0% deferred (50)");
    let both = run(&out, &[("aol", [3, 0, 16])]);
    assert_eq!(both.len(), 2, "{both:?}");
    // What the instance itself shows is said once.
    one(&run(&usual, &[("aol", [3, 0, 16])]), "84.2% deferred (16)");
    let gone = run(&[("therest", [470, 0, 33])], &[("aol", [20, 0, 1])]);
    one(&gone, "no deliveries; 50 a day before");
}

/// What the only instance of a provider did not send, because it was switched off, is no map that leads elsewhere.
#[test]
fn a_provider_goes_with_its_instance_that_is_switched_off() {
    let days: Vec<Period> = (0..29).rev().map(day).collect();
    let (last, before) = days.split_last().unwrap();
    let mut records = Vec::new();
    for day in before {
        records.push(by_provider(day, "big", &[("gmail", [470, 0, 30])]));
        records.push(by_provider(day, "off", &[("msn", [470, 0, 30])]));
    }
    records.push(by_provider(last, "big", &[("gmail", [470, 0, 30])]));
    records.push(by_provider(last, "off", &[]));
    assert_eq!(found_in(&days, records, (&["big"], &["big"]), 0), [""; 0]);
}

/// 8 % bounced, and 24 % now and then, more than twice the limit of 10 %.
#[test]
fn what_comes_and_goes_is_usual_until_it_stays_or_grows() {
    let with = |bad: &[u64], today: u64| {
        month(|at| {
            let n = match at {
                28 => today,
                at if bad.contains(&at) => 240,
                _ => 80,
            };
            [1000 - n, n, 0, 0]
        })
    };
    let twice = [5, 6, 18, 19];
    assert_eq!(with(&twice, 240), [""; 0]);
    assert_eq!(with(&[5, 6, 18, 19, 23, 24], 240), [""; 0]);
    // Once before is not again and again.
    one(&with(&[5, 6], 240), "24.0% bounced (240); it was 8.0%");
    // It was never so for a third day.
    one(
        &with(&[5, 6, 18, 19, 26, 27], 240),
        "24.0% bounced (240), for the 3rd day",
    );
    one(&with(&twice, 320), "32.0% bounced (320)");
    // On most days it is no longer what comes and goes.
    let most: Vec<u64> = (2..28).filter(|at| at % 3 > 0).collect();
    one(&with(&most, 240), "24.0% bounced (240)");
}

/// 900 on working days and 90 at the weekend of each of three instances; the last is a Wednesday. A tenth of all at
/// once is noted, of one alone it is marked.
#[test]
fn less_of_all_is_noted_and_of_one_is_marked() {
    let with = |low: &[&str]| {
        let days: Vec<Period> = (3..29).rev().map(day).collect();
        let (last, before) = days.split_last().unwrap();
        let names = ["a", "b", "c"];
        let of = |day: &Period| match day.day().weekday() {
            chrono::Weekday::Sat | chrono::Weekday::Sun => 90,
            _ => 900,
        };
        let before = before
            .iter()
            .flat_map(|day| names.map(|name| record(day, name, [of(day), 0, 0, 0])));
        let today = names.map(|name| {
            record(
                last,
                name,
                [if low.contains(&name) { 90 } else { 900 }, 0, 0, 0],
            )
        });
        let records = before.chain(today).collect();
        let report = daily(&days, records, (&names, &names), 0);
        (report.attention.len(), report.note)
    };
    assert_eq!(with(&[]), (0, None));
    let (marks, note) = with(&["a", "b", "c"]);
    assert_eq!(marks, 0);
    assert!(note.unwrap().contains("270, compared with a usual 2700"));
    assert_eq!(with(&["a"]), (1, None));
}

/// 9 % bounced, a fifth more or less, and on the last day as given; the limit is 10 %.
#[test]
fn a_limit_that_was_always_near_says_nothing_new() {
    let with = |today: u64| {
        month(|at| {
            let n = if at == 28 {
                today
            } else {
                90 + 18 * (at * 5 % 3) - 18
            };
            [1000 - n, n, 0, 0]
        })
    };
    assert_eq!(with(130), [""; 0]);
    // Twice the limit is too much, whatever is usual.
    one(&with(201), "20.1% bounced (201)");
    // Where 1 % was usual, the limit is.
    let far = month(|at| {
        if at == 28 {
            [870, 130, 0, 0]
        } else {
            [990, 10, 0, 0]
        }
    });
    one(&far, "13.0% bounced (130)");
}

/// A provider that blocks the address is marked, though it has always blocked some.
#[test]
fn blocks_are_marked_however_usual_they_are() {
    one(
        &month(|at| [975, 0, 0, if at == 28 { 30 } else { 14 }]),
        "30 blocked (3.0%)",
    );
}

/// 4 % bounced, and 11 % for so many days, of a hundred: one such day is chance, three in a row are not.
#[test]
fn what_stays_is_no_chance() {
    let with = |days: u64| {
        month(|at| {
            let n = if at > 28 - days { 11 } else { 3 + at % 3 };
            [100 - n, n, 0, 0]
        })
    };
    assert_eq!(with(1), [""; 0]);
    one(&with(3), "11.0% bounced (11), rising for days from 4.0%");
}

/// Three times as much is news after one week, too: a list's day in it is no measure, nor do its two weekend days say
/// much where one is a list's.
#[test]
fn three_times_as_much_is_found_after_a_week() {
    // A Saturday with three times the last one's 86; Sunday had 545.
    let sunday = |on: u64| [87, 199, 175, 183, 197, 86, 545][on as usize];
    one(&volume(7, sunday, 298), "3.5 times as many");
    assert_eq!(volume(7, sunday, 150), [""; 0]);
    // A list goes out on Sundays, Saturday has a quarter of working days: it is held against Saturdays.
    let saturday = |on: u64| [124, 100, 107, 111, 98, 26, 102][on as usize];
    one(&volume(28, saturday, 84), "3.2 times as many");
    assert_eq!(volume(28, saturday, 50), [""; 0]);
}
