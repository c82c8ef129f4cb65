//! Expected instants are written in UTC, worked out by hand from `zdump -v ZONE`.

use super::*;
use postfix::{Span, Time};

/// An instant, from RFC 3339.
fn utc(text: &str) -> Time {
    text.parse().unwrap()
}

fn args(flags: &str) -> WindowArgs {
    let mut args = WindowArgs::default();
    for flag in flags.split(" --") {
        let (name, value) = flag.trim_start_matches("--").split_once('=').unwrap();
        let value = Some(value.to_owned());
        match name {
            "date" => args.date = value,
            "since" => args.since = value,
            "until" => args.until = value,
            other => panic!("{other}"),
        }
    }
    args
}

/// With these flags, at this time (UTC) in this zone, the window is from the one to the other ("" is no bound).
fn check(zone: &str, now: &str, flags: &str, since: &str, until: &str) {
    let bound = |text: &str| (!text.is_empty()).then(|| utc(text));
    let expected = Window {
        since: bound(since),
        until: bound(until),
    };
    let found = args(flags).window(utc(now), Zone::named(zone).unwrap());
    assert_eq!(found, Ok(expected), "{flags} in {zone} at {now}");
}

fn check_error(flags: &str, expected: &str) {
    // 10:00 in New York.
    let now = utc("2026-11-23T15:00:00Z");
    let found = args(flags).window(now, Zone::named("America/New_York").unwrap());
    assert_eq!(found.unwrap_err().to_string(), expected);
}

const NY: &str = "America/New_York";

#[test]
fn a_day_is_the_hosts_own() {
    let noon = "2026-11-23T17:00:00Z";
    let day = ["2026-11-23T05:00:00Z", "2026-11-24T05:00:00Z"];
    check(NY, noon, "--date=today", day[0], day[1]);
    check(NY, noon, "--date=yesterday", "2026-11-22T05:00:00Z", day[0]);
    check(NY, noon, "--date=2026-11-23", day[0], day[1]);
    // Still the 23rd in New York, the 24th in Berlin already.
    let evening = "2026-11-24T04:59:59Z";
    check(NY, evening, "--date=today", day[0], day[1]);
    check(
        "Europe/Berlin",
        evening,
        "--date=today",
        "2026-11-23T23:00:00Z",
        "2026-11-24T23:00:00Z",
    );
    let new_year = "2027-01-01T06:00:00Z";
    check(
        NY,
        new_year,
        "--date=yesterday",
        "2026-12-31T05:00:00Z",
        "2027-01-01T05:00:00Z",
    );
}

#[test]
fn days_of_23_and_25_hours() {
    let now = "2026-12-01T12:00:00Z";
    check(
        NY,
        now,
        "--date=2026-03-08",
        "2026-03-08T05:00:00Z",
        "2026-03-09T04:00:00Z",
    );
    check(
        NY,
        now,
        "--date=2026-11-01",
        "2026-11-01T04:00:00Z",
        "2026-11-02T05:00:00Z",
    );
    check(
        "Europe/Berlin",
        now,
        "--date=2026-03-29",
        "2026-03-28T23:00:00Z",
        "2026-03-29T22:00:00Z",
    );
    check(
        "Europe/Berlin",
        now,
        "--date=2026-10-25",
        "2026-10-24T22:00:00Z",
        "2026-10-25T23:00:00Z",
    );
}

#[test]
fn yesterday_is_by_the_calendar() {
    // 00:30 on the day after a 23-hour day: 24 hours before is 23:30 two days before.
    check(
        NY,
        "2026-03-09T04:30:00Z",
        "--date=yesterday",
        "2026-03-08T05:00:00Z",
        "2026-03-09T04:00:00Z",
    );
    // 23:30 on a 25-hour day: 24 hours before is 00:30 on the same day.
    check(
        NY,
        "2026-11-02T04:30:00Z",
        "--date=yesterday",
        "2026-10-31T04:00:00Z",
        "2026-11-01T04:00:00Z",
    );
}

#[test]
fn midnights_that_are_skipped_or_come_twice() {
    let now = "2026-12-01T12:00:00Z";
    // Havana: 2026-03-08 begins at 01:00; on 2026-11-01 the hour from 00:00 comes twice.
    check(
        "America/Havana",
        now,
        "--date=2026-03-08",
        "2026-03-08T05:00:00Z",
        "2026-03-09T04:00:00Z",
    );
    check(
        "America/Havana",
        now,
        "--date=2026-11-01",
        "2026-11-01T04:00:00Z",
        "2026-11-02T05:00:00Z",
    );
    // Beirut: 2026-03-29 begins at 01:00; on 2026-10-24 the hour from 23:00 comes twice.
    check(
        "Asia/Beirut",
        now,
        "--date=2026-03-29",
        "2026-03-28T22:00:00Z",
        "2026-03-29T21:00:00Z",
    );
    check(
        "Asia/Beirut",
        now,
        "--date=2026-10-24",
        "2026-10-23T21:00:00Z",
        "2026-10-24T22:00:00Z",
    );
    check(
        "Asia/Beirut",
        now,
        "--date=2026-10-25",
        "2026-10-24T22:00:00Z",
        "2026-10-25T22:00:00Z",
    );
    // Samoa had no 2011-12-30.
    check(
        "Pacific/Apia",
        now,
        "--date=2011-12-30",
        "2011-12-30T10:00:00Z",
        "2011-12-30T10:00:00Z",
    );
    check(
        "Pacific/Apia",
        now,
        "--date=2011-12-31",
        "2011-12-30T10:00:00Z",
        "2011-12-31T10:00:00Z",
    );
}

#[test]
fn now_is_always_today() {
    let today = args("--date=today");
    for zone in [
        NY,
        "Europe/Berlin",
        "America/Havana",
        "Asia/Beirut",
        "Africa/Cairo",
        "America/Santiago",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
    ] {
        let named = Zone::named(zone).unwrap();
        for half_hour in 0..365 * 48 {
            let now = utc("2026-01-01T00:00:00Z").plus(Span::from_minutes(half_hour * 30));
            let day = today.window(now, named).unwrap();
            assert!(
                day.since.unwrap() <= now && now < day.until.unwrap(),
                "{zone} {now:?}"
            );
        }
    }
}

#[test]
fn points_in_all_their_forms() {
    let since = |flag: &str, expected: &str| {
        let flags = format!("--since={flag}");
        check(NY, "2026-11-23T20:00:00Z", &flags, expected, "");
        let flags = format!("--until={flag}");
        check(NY, "2026-11-23T20:00:00Z", &flags, "", expected);
    };
    since("14:30", "2026-11-23T19:30:00Z");
    since("14:30:05", "2026-11-23T19:30:05Z");
    since("today", "2026-11-23T05:00:00Z");
    since("yesterday", "2026-11-22T05:00:00Z");
    since("now", "2026-11-23T20:00:00Z");
    since("2026-07-01", "2026-07-01T04:00:00Z");
    since("2026-07-01 14:30", "2026-07-01T18:30:00Z");
    since("2026-07-01 14:30:59", "2026-07-01T18:30:59Z");
    since("2026-07-01T14:30", "2026-07-01T18:30:00Z");
    since("2026-07-01T14:30:00.25", "2026-07-01T18:30:00.25Z");
    since("2026-07-01T14:30:00Z", "2026-07-01T14:30:00Z");
    since("2026-07-01T14:30:00+02:00", "2026-07-01T12:30:00Z");
    since("2026-07-01 14:30:00.5-03:30", "2026-07-01T18:00:00.5Z");
    since("90s", "2026-11-23T19:58:30Z");
    since("30m", "2026-11-23T19:30:00Z");
    since("2h", "2026-11-23T18:00:00Z");
    since("3d", "2026-11-20T20:00:00Z");
    since("1w", "2026-11-16T20:00:00Z");
    since(" 2h ", "2026-11-23T18:00:00Z");
}

#[test]
fn both_bounds() {
    check(
        NY,
        "2026-11-23T20:00:00Z",
        "--since=yesterday --until=today",
        "2026-11-22T05:00:00Z",
        "2026-11-23T05:00:00Z",
    );
    check(
        NY,
        "2026-11-23T20:00:00Z",
        "--since=3h --until=23:00",
        "2026-11-23T17:00:00Z",
        "2026-11-24T04:00:00Z",
    );
}

#[test]
fn times_that_a_clock_change_skips_or_doubles() {
    let now = "2026-12-01T12:00:00Z";
    let (skipped, doubled) = ("2026-03-08 02:30", "2026-11-01 01:30");
    let change = "2026-03-08T07:00:00Z";
    check(NY, now, &format!("--since={skipped}"), change, "");
    check(NY, now, &format!("--until={skipped}"), "", change);
    check(
        NY,
        now,
        &format!("--since={doubled} --until={doubled}:01"),
        "2026-11-01T05:30:00Z",
        "2026-11-01T06:30:01Z",
    );
    // Half an hour, on Lord Howe.
    check(
        "Australia/Lord_Howe",
        now,
        "--since=2026-10-04 02:15",
        "2026-10-03T15:30:00Z",
        "",
    );
}

#[test]
fn no_flags_no_bounds() {
    let window = WindowArgs::default().window(Time::EPOCH, Zone::named(NY).unwrap());
    let window = window.unwrap();
    assert!(window.is_unbounded());
    assert_eq!(window.range(), None);
    let since = Window {
        since: Some(Time::from_micros(5)),
        until: None,
    };
    assert_eq!(since.range(), Some(Time::from_micros(5)..Time::MAX));
    let until = Window {
        since: None,
        until: Some(Time::from_micros(5)),
    };
    assert_eq!(until.range(), Some(Time::MIN..Time::from_micros(5)));
}

#[test]
fn errors_name_the_forms() {
    let takes = "use today, yesterday or YYYY-MM-DD";
    for junk in [
        "tomorrow",
        "2026-02-30",
        "2026-2-3",
        "23.11.2026",
        "",
        "+2026-01-1",
    ] {
        check_error(
            &format!("--date={junk}"),
            &format!("--date: not a day: '{junk}'; {takes}"),
        );
    }
    for junk in [
        "noon",
        "24:00",
        "2026-11-23 1430",
        "2026-11-23T14:30:00+25:00",
        "5",
        "5y",
        "-2h",
        "9999999999999w",
        "2026-11-23 14:30 EST",
        "\u{661}\u{664}:30",
    ] {
        check_error(
            &format!("--since={junk}"),
            &format!("--since: not a time: '{junk}'; use {TIME_FORMS}"),
        );
    }
    check_error(
        "--until=x",
        &format!("--until: not a time: 'x'; use {TIME_FORMS}"),
    );
    check_error(
        "--since=today --until=yesterday",
        "--since today is not before --until yesterday: the window is empty",
    );
    check_error(
        "--since=2h --until=2h",
        "--since 2h is not before --until 2h: the window is empty",
    );
    check_error(
        "--since=22:00",
        "--since: 22:00 is later than now; for another day, give the date: \"YYYY-MM-DD 22:00\"",
    );
}

#[test]
fn times_to_come() {
    // 10:00 in New York.
    let now = utc("2026-11-23T15:00:00Z");
    let check = |text: &str, expected: Option<&str>| {
        let found = to_come(text, now, Zone::named(NY).unwrap());
        assert_eq!(found.ok(), expected.map(utc), "{text}");
    };
    check("14:00", Some("2026-11-23T19:00:00Z"));
    check("10:00", Some("2026-11-24T15:00:00Z"));
    check("09:59:59", Some("2026-11-24T14:59:59Z"));
    check("2026-11-24", Some("2026-11-24T05:00:00Z"));
    check("2026-11-23 10:01", Some("2026-11-23T15:01:00Z"));
    check("2026-11-23T16:30:00+01:00", Some("2026-11-23T15:30:00Z"));
    for over in [
        "today",
        "yesterday",
        "now",
        "2026-11-23",
        "2026-11-23 09:00",
        "2h",
        "4x",
        "",
    ] {
        check(over, None);
    }
}

#[test]
fn an_hour_that_comes_twice_is_to_come_as_long_as_it_is() {
    let check = |now: &str, text: &str, expected: Option<&str>| {
        let found = to_come(text, utc(now), Zone::named("Europe/Berlin").unwrap());
        assert_eq!(found.ok(), expected.map(utc), "{now} {text}");
    };
    // 2026-10-25: 02:00 to 03:00 comes at 00:00 UTC, in summer time, and once more at 01:00 UTC.
    for text in ["02:30", "2026-10-25 02:30"] {
        check("2026-10-25T00:10:00Z", text, Some("2026-10-25T00:30:00Z"));
        check("2026-10-25T00:40:00Z", text, Some("2026-10-25T01:30:00Z"));
        check("2026-10-25T01:10:00Z", text, Some("2026-10-25T01:30:00Z"));
    }
    check(
        "2026-10-25T01:40:00Z",
        "02:30",
        Some("2026-10-26T01:30:00Z"),
    );
    check("2026-10-25T01:40:00Z", "2026-10-25 02:30", None);
}
