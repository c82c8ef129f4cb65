//! Intervals and limits, beside figures worked out by hand.

use super::*;

/// Expected: Newcombe 1998 (Statistics in Medicine 17), Table I, method 3; the edges by hand: 1 / (1 + z²/n).
#[test]
fn intervals() {
    let check = |part, whole, least: f64, most: f64| {
        let sample = Sample::new(part, whole);
        let (a, b) = (sample.at_least(), sample.at_most());
        assert!((a - least).abs() < 0.005, "{sample:?}: {a}");
        assert!((b - most).abs() < 0.005, "{sample:?}: {b}");
    };
    check(81, 263, 25.53, 36.62);
    check(15, 148, 6.24, 16.05);
    check(0, 20, 0.0, 16.11);
    check(1, 29, 0.61, 17.18);
    check(0, 0, 0.0, 100.0);
    check(20, 20, 83.89, 100.0);
    check(9, 3, 43.85, 100.0);
}

#[test]
fn shares_against_limits() {
    let limits = Limits {
        warning: 1.0,
        critical: 10.0,
        from: 1,
    };
    let check = |part, whole, level, limit, is_open| {
        let expected = Judged {
            level,
            limit,
            is_open,
        };
        assert_eq!(
            limits.judge(Sample::new(part, whole)),
            expected,
            "{part} of {whole}"
        );
    };
    check(0, 0, Level::Ok, None, false);
    check(0, 1000, Level::Ok, None, false);
    check(10, 1000, Level::Ok, None, false);
    check(12, 1000, Level::Ok, None, true);
    check(1, 40, Level::Ok, None, true);
    check(1, 10, Level::Warning, Some(1.0), false);
    check(2, 10, Level::Warning, Some(1.0), true);
    check(40, 40, Level::Critical, Some(10.0), false);
    check(1, 1, Level::Critical, Some(10.0), false);
    check(u64::MAX, u64::MAX, Level::Critical, Some(10.0), false);
}

#[test]
fn so_many_at_least() {
    let limits = Limits {
        warning: 10.0,
        critical: 50.0,
        from: 4,
    };
    let check = |part, level, is_open| {
        let judged = limits.judge(Sample::new(part, part));
        assert_eq!((judged.level, judged.is_open), (level, is_open), "{part}");
    };
    check(3, Level::Ok, true);
    check(4, Level::Critical, false);
}

#[test]
fn more_than_before() {
    let check = |now: (u64, u64), before: (u64, u64), expected| {
        let (now, before) = (Sample::new(now.0, now.1), Sample::new(before.0, before.1));
        assert_eq!(now.is_above(before, 1.25), expected, "{now} and {before}");
    };
    check((11, 1000), (110, 10_000), false);
    check((110, 1000), (110, 10_000), true);
    check((3, 10), (110, 10_000), true);
    check((1, 40), (110, 10_000), false);
    // What is not known before is no measure.
    check((40, 40), (0, 0), false);
}
