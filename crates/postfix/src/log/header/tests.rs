//! Every kind of head that a line may have, and the tag behind it.

use super::*;

const MSG: &str = "4ABC: to=<a@b>";

/// `line` ends in the message; `expected` is `HOST PROGRAM`, or `none`.
fn check(line: &str, expected: &str) {
    let found = match parse(line.as_bytes()) {
        None => "none".to_owned(),
        Some(h) => {
            assert_eq!(h.message, MSG.as_bytes(), "{line}");
            format!(
                "{} {}",
                String::from_utf8_lossy(h.host),
                String::from_utf8_lossy(h.program)
            )
        }
    };
    assert_eq!(found, expected, "{line}");
}

#[test]
fn the_tag_is_found_behind_every_kind_of_head() {
    let aol = "rustin postfix-aol-a/smtp";
    for head in [
        "Sep 19 12:22:57 rustin postfix-aol-a/smtp[123]: ",
        "2026-09-19T12:22:57.123456+02:00 rustin postfix-aol-a/smtp[123]: ",
        "<22>Sep 19 12:22:57 rustin postfix-aol-a/smtp[123]: ",
        "\u{feff}Sep 19 12:22:57 rustin postfix-aol-a/smtp[123]: ",
        "2026-09-19-relay  | Sep 19 12:22:57 rustin postfix-aol-a/smtp[123]: ",
        "Sep  | 2026-09-19 12:22:57 rustin postfix-aol-a/smtp[123]: ",
        "\0\0\0Sep 19 12:22:57 rustin postfix-aol-a/smtp[123]: ",
        "Sep 19 12:22:57 rustin mail.info postfix-aol-a/smtp[123]: ",
        "Sep 19 12:22:57 rustin mail:info postfix-aol-a/smtp[123]: ",
        "Sep 19 12:22:57 rustin mail postfix-aol-a/smtp[123]: ",
        "Sep 19 12:22:57 <mail.info> rustin postfix-aol-a/smtp[123]: ",
        "Sep 19 12:22:57 <2.6> rustin postfix-aol-a/smtp[123]: ",
        "Sep 19 12:22:57 rustin postfix-aol-a/smtp[123]: [ID 197553 mail.info] ",
        "<22>1 2026-09-19T12:22:57.1Z rustin postfix-aol-a/smtp 123 - - ",
        "<22>1 2026-09-19T12:22:57.1Z rustin postfix-aol-a/smtp 123 - - \u{feff}",
        "<22>1 - rustin postfix-aol-a/smtp 123 mail [a b=\"x]\\\"]\"][c] ",
        "118 <22>1 2026-09-19T12:22:57Z rustin postfix-aol-a/smtp 123 - - ",
        "relay_mail.1.x2mq@node    | Sep 19 12:22:57 rustin postfix-aol-a/smtp[123]: ",
        "mail-1  | Sep 19 12:22:57 rustin postfix-aol-a/smtp[123]: ",
        "\u{1b}[36mmail-1  | \u{1b}[0mSep 19 12:22:57 rustin postfix-aol-a/smtp[123]: ",
        "[pod/relay-0/postfix] Sep 19 12:22:57 rustin postfix-aol-a/smtp[123]: ",
        "2026-09-19T10:22:57.123456789Z stdout F Sep 19 12:22:57 rustin postfix-aol-a/smtp[123]: ",
        "2026-09-19T10:22:57.123456789Z stderr F rustin postfix-aol-a/smtp[123]: ",
        "2026-09-19T10:22:57.123456789Z Sep 19 12:22:57 rustin postfix-aol-a/smtp[123]: ",
        "/var/log/mail.log.1:Sep 19 12:22:57 rustin postfix-aol-a/smtp[123]: ",
        "mail.log-20260919.gz:2026-09-19T12:22:57Z rustin postfix-aol-a/smtp[123]: ",
        "mail.log-20260919-2026-09-19T12:22:57Z rustin postfix-aol-a/smtp[123]: ",
        "mail.log:17:<22>Sep 19 12:22:57 rustin postfix-aol-a/smtp[123]: ",
        "mail.log:<22>1 2026-09-19T12:22:57.1Z rustin postfix-aol-a/smtp 123 - - ",
        "17:Sep 19 12:22:57 rustin postfix-aol-a/smtp[123]: ",
        "    17\tSep 19 12:22:57 rustin postfix-aol-a/smtp[123]: ",
        "Okt 19 12:22:57 rustin postfix-aol-a/smtp[123]: ",
        "Sep 19 12:22:57 rustin postfix-aol-a/smtp: ",
    ] {
        check(&format!("{head}{MSG}"), aol);
    }
    check(
        "Sep 19 12:22:57 postfix/smtp[1]: 4ABC: to=<a@b>",
        " postfix/smtp",
    );
    check(
        "Sep 19 12:22:57 mail postfix/smtp[1]: 4ABC: to=<a@b>",
        "mail postfix/smtp",
    );
    check(
        "Sep 19 12:22:57 fe80::1 postfix/smtp[1]: 4ABC: to=<a@b>",
        "fe80::1 postfix/smtp",
    );
    check(
        "Sep 19 12:22:57 h postfix-x.y/sub-1/smtp[1]:4ABC: to=<a@b>",
        "h postfix-x.y/sub-1/smtp",
    );
}

#[test]
fn nothing_behind_the_first_tag_can_become_one() {
    let forged = |head: &str| {
        let line = format!("{head} postfix-aol-a/smtp[1]: {MSG}");
        parse(line.as_bytes()).map(|h| String::from_utf8_lossy(h.program).into_owned())
    };
    assert_eq!(
        forged("Sep 19 12:22:57 h spamd[9]: Sep 19 12:22:57 h"),
        Some("spamd".into())
    );
    assert_eq!(forged("Sep 19 12:22:57 h kernel:"), None);
    assert_eq!(forged("Sep 19 12:22:57 h last message from"), None);
    assert_eq!(forged("Sep 19 12:22:57 h somebody"), None);
    assert_eq!(forged("must be more than zero"), None);
    assert_eq!(forged(""), None);
    assert_eq!(
        forged("<22>1 2026-09-19T12:22:57Z h app 1 - -"),
        Some("app".into())
    );
}

#[test]
fn of_two_times_the_exact_one_is_kept() {
    let stamp = |line: &str| parse(line.as_bytes()).unwrap().stamp;
    let exact = stamp("2026-09-19T10:22:57Z h p/smtp[1]: x");
    assert_eq!(
        exact,
        Some(Stamp::Instant(crate::Time::from_seconds(1_789_813_377)))
    );
    assert_eq!(
        stamp("2026-09-19T10:22:57Z stdout F Sep 19 12:22:50 h p/smtp[1]: x"),
        exact
    );
    assert_eq!(
        stamp("2020-01-01T00:00:00Z 2026-09-19T10:22:57Z h p/smtp[1]: x"),
        exact
    );
    assert_eq!(stamp("<22>1 - h p/smtp 1 - - x"), None);
}
