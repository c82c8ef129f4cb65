//! Times as logs write them, and what is none.

use super::*;

/// `expected` is the time as a reader would spell it; the rest is what must be left of the line.
fn check(line: &str, expected: &str) {
    let mut c = Cursor(line.as_bytes());
    let found = match take(&mut c) {
        None => "none".to_owned(),
        Some(Stamp::Instant(t)) => chrono::DateTime::from_timestamp_micros(t.micros())
            .unwrap()
            .format("%FT%T%.6fZ")
            .to_string(),
        Some(Stamp::Local(t)) => t.format("%F %T%.6f").to_string(),
        Some(Stamp::Yearless(m, d, t)) => format!("{m}-{d} {}", t.format("%T%.6f")),
    };
    let rest = String::from_utf8_lossy(c.0);
    assert_eq!(format!("{found}|{rest}"), expected, "{line}");
}

#[test]
fn every_form_met_in_the_wild() {
    check("Sep 19 12:22:57 rustin x", "9-19 12:22:57.000000| rustin x");
    check("Sep  9 02:22:57 rustin", "9-9 02:22:57.000000| rustin");
    check("Feb 29 00:00:00 h", "2-29 00:00:00.000000| h");
    check("Sep 19 12:22:57.123456 h", "9-19 12:22:57.123456| h");
    check("Sep 19 2026 12:22:57 h", "2026-09-19 12:22:57.000000| h");
    check("Sep 19 12:22:57 2026 h", "2026-09-19 12:22:57.000000| h");
    check("2026 Sep 19 12:22:57 h", "2026-09-19 12:22:57.000000| h");
    check(
        "Sat Sep 19 12:22:57 2026 mail.info x",
        "2026-09-19 12:22:57.000000| mail.info x",
    );
    check(
        "Sat 2026-09-19 12:22:57 CEST h",
        "2026-09-19 12:22:57.000000| h",
    );
    check(
        "Sat 2026-09-19 12:22:57 UTC h",
        "2026-09-19T12:22:57.000000Z| h",
    );
    check(
        "2026-09-19T12:22:57.123456+02:00 h",
        "2026-09-19T10:22:57.123456Z| h",
    );
    check(
        "2026-09-19T12:22:57-0430 h",
        "2026-09-19T16:52:57.000000Z| h",
    );
    check(
        "2026-09-19T12:22:57.123456789Z h",
        "2026-09-19T12:22:57.123456Z| h",
    );
    check("2026-09-19T12:22:57.5Z h", "2026-09-19T12:22:57.500000Z| h");
    check("2026-09-19 12:22:57,250 h", "2026-09-19 12:22:57.250000| h");
    check("2026-09-19T12:22:57 h", "2026-09-19 12:22:57.000000| h");
    check("1695119777.123456 h", "2023-09-19T10:36:17.123456Z| h");
    check("1695119777.123 h", "2023-09-19T10:36:17.123000Z| h");
    check("1695119777 h", "2023-09-19T10:36:17.000000Z| h");
    check("20260919T122257Z h", "2026-09-19T12:22:57.000000Z| h");
    check("20260919T122257 h", "2026-09-19 12:22:57.000000| h");
    check(
        "20260919T122257.25+0200 h",
        "2026-09-19T10:22:57.250000Z| h",
    );
    check("2016-12-31T23:59:60Z h", "2016-12-31T23:59:59.000000Z| h");
    check("Okt 15 12:20:28 h", "10-15 12:20:28.000000| h");
    check("Mär  5 12:20:28 h", "3-5 12:20:28.000000| h");
    check("15 avril 12:20:28 h", "4-15 12:20:28.000000| h");
    check("15. April 2026 12:20:28 h", "2026-04-15 12:20:28.000000| h");
    check("4月 15 12:20:28 h", "4-15 12:20:28.000000| h");
}

#[test]
fn what_is_no_time_is_left_alone() {
    check("", "none|");
    check("Sep", "none|Sep");
    check("Sep 31 12:22:57 h", "none|Sep 31 12:22:57 h");
    check("Sep 19 25:22:57 h", "none|Sep 19 25:22:57 h");
    check("Sepp 9 12:22:57 h", "none|Sepp 9 12:22:57 h");
    check("2026-13-01T00:00:00Z h", "none|2026-13-01T00:00:00Z h");
    check(
        "2026-09-19T12:22:57.1.2 h",
        "none|2026-09-19T12:22:57.1.2 h",
    );
    check("postfix/smtp[1]: x", "none|postfix/smtp[1]: x");
    check("20260919 h", "none|20260919 h");
    check("20261319T122257Z h", "none|20261319T122257Z h");
    check("20260919T242257Z h", "none|20260919T242257Z h");
    check("1695119777: h", "none|1695119777: h");
}

#[test]
fn a_time_that_is_passed_over_is_one_that_can_be_read() {
    let mut last = Minute::default();
    let mut check = |line: &str, is_passed: bool| {
        // The second time of a minute is not looked at as the first is.
        for _ in 0..2 {
            let mut c = Cursor(line.as_bytes());
            assert_eq!(last.pass(&mut c), is_passed, "{line}");
            let mut read = Cursor(line.as_bytes());
            if is_passed {
                assert!(take(&mut read).is_some(), "{line}");
                assert_eq!(c.0, read.0, "{line}");
            }
        }
    };
    check("Sep 19 12:22:57 h", true);
    check("Feb 28 23:59:59 h", true);
    check("2026-09-30T12:22:57.123456+02:00 h", true);
    check("2026-09-30T12:22:57Z h", true);
    check("2026-09-30T12:22:57 h", true);
    check("2026-09-30T12:22:60 h", false);
    check("2026-09-30T12:22:5x h", false);
    check("2026-09-30T12:22.57 h", false);
    check("Feb 28 23:59:6", false);
    check("Feb 28 23:59:60 h", false);
    check("Feb 28 23:59:5x h", false);
    check("Feb 28 23:59 59 h", false);
    for line in [
        "Okt 19 12:22:57 h",
        "Xyz 19 12:22:57 h",
        "Sep 31 12:22:57 h",
        "Sep 00 12:22:57 h",
        "Sep 19 24:22:57 h",
        "Sep 19 12:60:57 h",
        "Sep 19 12:22:57.5 h",
        "2026-13-19T12:22:57 h",
        "2026-02-29T12:22:57 h",
        "2026-09-19T25:22:57 h",
        "2026-09-19T12:22:57.x h",
        "2026-09-19T12:22:57. h",
        "2026-09-19T12:22:57+2 h",
        "2026-09-19T12:22:57.123456+02:0x h",
    ] {
        check(line, false);
    }
}
