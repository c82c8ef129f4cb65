//! Windows found by looks at few bytes, beside reading all lines.

use super::*;
use chrono::DateTime;
use std::io::Write;

fn time(rfc3339: &str) -> Time {
    rfc3339.parse().unwrap()
}

/// A line every ten minutes from `from` on, in the given chrono format; and the time and offset of each.
fn log(from: &str, days: i64, format: &str) -> (File, u64, Vec<(Time, u64)>) {
    log_every(600, 400, from, days, format)
}

/// The same with a line every so many seconds, each with a number of `width` digits.
fn log_every(
    seconds: i64,
    width: usize,
    from: &str,
    days: i64,
    format: &str,
) -> (File, u64, Vec<(Time, u64)>) {
    let mut file = tempfile::tempfile().unwrap();
    let mut offsets = Vec::new();
    let mut text = String::new();
    for n in 0..days * 86_400 / seconds {
        let passed = u64::try_from(n * seconds).unwrap();
        let time = time(from).plus(Span::from_seconds(passed));
        offsets.push((time, text.len() as u64));
        let stamp = DateTime::from_timestamp_micros(time.micros())
            .unwrap()
            .format(format);
        text += &format!(
            "{stamp} rustin postfix/smtpd[1]: connect from unknown[192.0.2.1] {n:0width$}\n"
        );
    }
    file.write_all(text.as_bytes()).unwrap();
    (file, text.len() as u64, offsets)
}

#[test]
fn a_window_is_found_by_its_bytes() {
    let check = |format: &str, from: &str, days: i64, since: &str, until: &str, share: f64| {
        let (file, size, offsets) = log(from, days, format);
        let latest = offsets.last().unwrap().0;
        let window = time(since)..time(until);
        let mut timeline = Timeline::new(&file, size, Zone::named("UTC").unwrap(), latest);
        let stretch = timeline.stretch(Some(&window)).unwrap();
        for (time, offset) in offsets {
            if window.contains(&time) {
                let inside = offset == 0 || stretch.bytes.contains(&(offset - 1));
                assert!(inside, "{format} {since}: {offset} {stretch:?}");
            }
        }
        let read = stretch.bytes.end - stretch.bytes.start + timeline.read;
        assert!(
            read as f64 <= size as f64 * share,
            "{format} {since}: {read} of {size}"
        );
        if let Some(after) = stretch.after {
            assert!(
                after <= window.start.max(time(from).plus(Span::from_hours(1))),
                "{format} {since}"
            );
        }
    };
    let iso = "%Y-%m-%dT%H:%M:%S%.6f+00:00";
    let bsd = "%b %e %H:%M:%S";
    check(
        iso,
        "2026-08-01T00:00:00Z",
        60,
        "2026-08-20T00:00:00Z",
        "2026-08-21T00:00:00Z",
        0.06,
    );
    check(
        bsd,
        "2025-12-01T00:00:00Z",
        60,
        "2025-12-20T00:00:00Z",
        "2025-12-21T00:00:00Z",
        0.1,
    );
    check(
        bsd,
        "2025-12-01T00:00:00Z",
        60,
        "2025-12-31T00:00:00Z",
        "2026-01-01T00:00:00Z",
        0.1,
    );
    check(
        bsd,
        "2025-12-01T00:00:00Z",
        60,
        "2026-01-01T00:00:00Z",
        "2026-01-02T00:00:00Z",
        0.1,
    );
    check(
        bsd,
        "2022-12-01T00:00:00Z",
        1200,
        "2024-01-01T00:00:00Z",
        "2024-01-02T00:00:00Z",
        0.01,
    );
    check(
        iso,
        "2026-08-01T00:00:00Z",
        60,
        "2026-08-01T00:00:00Z",
        "2026-08-02T00:00:00Z",
        0.06,
    );
    check(
        iso,
        "2026-08-01T00:00:00Z",
        60,
        "2026-09-29T00:00:00Z",
        "2026-09-30T00:00:00Z",
        0.06,
    );
    check(
        iso,
        "2026-08-01T00:00:00Z",
        60,
        "2027-01-01T00:00:00Z",
        "2027-01-02T00:00:00Z",
        0.04,
    );
    check(
        iso,
        "2026-08-01T00:00:00Z",
        60,
        "2020-01-01T00:00:00Z",
        "2020-01-02T00:00:00Z",
        0.04,
    );
    check(
        iso,
        "2026-08-01T00:00:00Z",
        60,
        "2026-08-01T00:00:00Z",
        "2026-10-02T00:00:00Z",
        1.04,
    );
}

#[test]
fn a_window_of_a_quiet_log_is_whole() {
    for format in ["%Y-%m-%dT%H:%M:%S%.6f+00:00", "%b %e %H:%M:%S"] {
        // What is looked at in one place spans many hours here.
        let (file, size, offsets) = log_every(1800, 60, "2026-08-01T00:00:00Z", 90, format);
        let latest = offsets.last().unwrap().0;
        for (since, _) in offsets.iter().step_by(7) {
            let window = *since..since.plus(Span::from_days(1));
            let mut timeline = Timeline::new(&file, size, Zone::named("UTC").unwrap(), latest);
            let stretch = timeline.stretch(Some(&window)).unwrap();
            for (time, offset) in &offsets {
                let inside = *offset == 0 || stretch.bytes.contains(&(offset - 1));
                assert!(
                    inside || !window.contains(time),
                    "{window:?}: {offset} {stretch:?}"
                );
            }
        }
        let mut timeline = Timeline::new(&file, size, Zone::named("UTC").unwrap(), latest);
        assert_eq!(timeline.first().unwrap(), Some(offsets[0].0));
    }
}

#[test]
fn lines_with_a_wrong_clock_do_not_mislead() {
    let (mut file, size, offsets) = log("2026-08-01T00:00:00Z", 60, "%Y-%m-%dT%H:%M:%SZ");
    // Every 200th line claims to be of the future.
    for (n, (_, offset)) in offsets.iter().enumerate() {
        if n % 200 == 100 {
            file.write_all_at(b"2031", *offset).unwrap();
        }
    }
    file.flush().unwrap();
    let window = time("2026-08-20T00:00:00Z")..time("2026-08-21T00:00:00Z");
    let mut timeline = Timeline::new(
        &file,
        size,
        Zone::named("UTC").unwrap(),
        offsets.last().unwrap().0,
    );
    let stretch = timeline.stretch(Some(&window)).unwrap();
    for (time, offset) in offsets {
        assert!(!window.contains(&time) || stretch.bytes.contains(&(offset - 1)));
    }
}
