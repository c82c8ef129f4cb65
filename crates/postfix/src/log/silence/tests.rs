//! Silences by lines in and out of order, beside what a reader would say.

use super::*;

/// The silences of a window from 02:00 to 20:00, in hours and minutes, by lines at these.
fn silences(lines: &[&str]) -> Silences {
    let mut silences = Silences::default();
    for line in lines {
        silences.line(at(line), &(at("02:00")..at("20:00")));
    }
    silences
}

fn at(clock: &str) -> Time {
    format!("2026-11-26T{clock}:00Z").parse().unwrap()
}

/// `05:00-06:30`; nothing for what has no end.
fn written(silences: &Silences) -> Vec<String> {
    let clock = |time: Time| match time {
        Time::EPOCH | Time::MAX => String::new(),
        time => {
            let minutes = time.since(at("00:00")).seconds() / 60;
            format!("{:02}:{:02}", minutes / 60, minutes % 60)
        }
    };
    let all = silences.all();
    all.map(|s| format!("{}-{}", clock(s.start), clock(s.end)))
        .collect()
}

#[track_caller]
fn check(lines: &[&str], expected: &[&str]) {
    assert_eq!(written(&silences(lines)), expected, "{lines:?}");
}

#[test]
fn a_silence_is_longer_than_half_an_hour() {
    check(&[], &["-"]);
    check(&["05:00"], &["-05:00", "05:00-"]);
    check(
        &["05:00", "05:30", "06:01"],
        &["-05:00", "05:30-06:01", "06:01-"],
    );
}

#[test]
fn what_is_not_in_the_window_does_not_matter() {
    check(&["00:00", "01:00", "02:00", "02:01"], &["02:01-"]);
    check(&["01:00", "03:00"], &["01:00-03:00", "03:00-"]);
    check(
        &["19:40", "21:00", "23:00"],
        &["-19:40", "19:40-21:00", "23:00-"],
    );
}

/// One line of a wrong clock makes no silence, and hides none.
#[test]
fn lines_out_of_order_part_a_silence() {
    check(
        &["01:00", "05:00", "04:59", "05:01"],
        &["01:00-04:59", "05:01-"],
    );
    check(
        &["02:00", "18:00", "02:20", "02:40", "03:10", "09:00"],
        &["03:10-09:00", "09:00-18:00", "18:00-"],
    );
    check(
        &["09:00", "00:00", "09:01"],
        &["-00:00", "00:00-09:00", "09:01-"],
    );
    check(
        &["09:00", "03:00", "02:00", "02:30", "08:40"],
        &["-02:00", "03:00-08:40", "09:00-"],
    );
}

#[test]
fn two_parts_of_a_log_are_silent_together() {
    let whole = [
        "01:00", "05:00", "05:10", "09:00", "09:30", "14:00", "21:00",
    ];
    let expected = written(&silences(&whole));
    for at in 0..=whole.len() {
        let (a, b) = whole.split_at(at);
        assert_eq!(written(&silences(a).common(&silences(b))), expected, "{at}");
    }
    // Each other line in another log.
    let of = |rest: usize| -> Vec<&str> {
        let of = whole.iter().enumerate().filter(|(at, _)| at % 2 == rest);
        of.map(|(_, line)| *line).collect()
    };
    assert_eq!(
        written(&silences(&of(0)).common(&silences(&of(1)))),
        expected
    );
}

#[test]
fn no_more_are_kept_than_fit() {
    let mut silences = Silences::default();
    let window = Time::MIN..Time::MAX;
    for hour in 1..5000 {
        silences.line(Time::EPOCH.plus(Span::from_hours(hour)), &window);
    }
    assert_eq!(silences.all().count(), MOST + 1);
}
