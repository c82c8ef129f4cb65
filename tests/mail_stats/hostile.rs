//! Lines that strangers wrote, lines that broke, and lines of every shape that a log may hold.

use testkit::tools::{Ran, stats_with};

const HEAD: &str = "2026-09-19T12:22:57.123456-04:00 rustin postfix-aol-a/smtp[4711]: ";
const SENT: &str = "4F9A1C0DE: to=<u@aol.com>, relay=mx.aol.com[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, \
    status=sent (250 ok)";

fn count(log: impl AsRef<[u8]>) -> Ran {
    stats_with(["--log", "-"], log.as_ref())
}

/// The counts of a log of `lines`: total, bounced, deferred, sent of postfix-aol-a; and the exit status.
#[track_caller]
fn check(log: impl AsRef<[u8]>, expected: [u64; 4], status: i32) -> String {
    let ran = count(log).ended(status);
    let [total, bounced, deferred, sent] = expected;
    let text = format!(
        "postfix-aol-a:total:{total}\npostfix-aol-a:bounced:{bounced}\npostfix-aol-a:deferred:{deferred}\npostfix-aol-a:sent:{sent}\n\n"
    );
    assert_eq!(ran.out, text);
    ran.err
}

#[test]
fn what_a_stranger_writes_changes_nothing() {
    let lines = [
        // A reply that talks like Postfix.
        "4F9A1: to=<u@aol.com>, relay=mx[192.0.2.1]:25, delay=1, dsn=5.7.1, status=bounced (host mx[192.0.2.1] said: \
         550 status=sent (250 ok), status=sent (x) postfix-aol-b/smtp[1]: AAAAA: to=<a@b>, relay=c, delay=1, \
         status=sent (250 ok))",
        // A quoted local part that looks like the rest of the line.
        "4F9A2: to=<\"x>, relay=none, delay=0, status=sent (250 ok)\"@aol.com>, relay=mx[192.0.2.1]:25, delay=1, \
         dsn=5.1.1, status=bounced (no)",
        "4F9A3: to=<u@aol.com>, orig_to=<\"a\\\">, status=sent (\"@aol.com>, relay=mx[192.0.2.1]:25, delay=1, \
         dsn=4.1.1, status=deferred (no)",
    ];
    let mut log: String = lines.iter().map(|l| format!("{HEAD}{l}\n")).collect();
    for quoted in [
        format!("rustin postfix-aol-a/cleanup[1]: 4F9A4: warning: header Subject: {SENT} from x"),
        format!(
            "rustin postfix-aol-a/cleanup[1]: 4F9A4: warning: header Subject: postfix-aol-a/smtp[1]: {SENT}"
        ),
        format!("rustin postfix-aol-a/smtpd[1]: warning: x: {SENT}"),
        format!("rustin spamd[9]: postfix-aol-a/smtp[1]: {SENT}"),
        format!("rustin dovecot: postfix-aol-a/smtp[1]: {SENT}"),
        format!("rustin postfix-aol-a/smtp[1]: warning: {SENT}"),
        format!("rustin postfix-aol-a/qmgr[1]: {SENT}"),
        format!("postfix-aol-a/smtp[1] says: {SENT}"),
    ] {
        log += &format!("2026-09-19T12:22:58-04:00 {quoted}\n");
    }
    // The reply has all that Postfix writes behind an address, as an address may have that a Postfix before 3.5 logs.
    let err = check(&log, [3, 2, 1, 0], 0);
    let doubt = "line 1: its address may end further behind, with another status: ";
    assert!(err.contains(doubt) && err.lines().count() == 1, "{err}");
    // What stands behind no other tag may be Postfix's: it is no delivery, but said. Behind words it may be quoted.
    log += &format!("postfix-aol-a/smtp[1]: {SENT}\nno time postfix-aol-a/smtp[1]: {SENT}\n");
    let err = check(log, [3, 2, 1, 0], 1);
    let said = "1 delivery line could not be read and is not counted";
    assert!(err.contains(said), "{err}");
}

#[test]
fn bytes_that_are_no_text_are_only_bytes() {
    let mut log = Vec::new();
    log.extend_from_slice(&[0; 5000]);
    log.extend_from_slice(format!("{HEAD}{SENT}\n").as_bytes());
    log.extend_from_slice(b"\xff\xfe\x80 garbage \x1b[2J\n\0\0\n\r\n\n");
    log.extend_from_slice(HEAD.as_bytes());
    log.extend_from_slice(
        b"4F9A2: to=<caf\xe9\x00\x1b@aol.com>, relay=none, delay=1, dsn=5.1.1, status=bounced \
        (\xff\x00\x07)\r\n",
    );
    log.extend_from_slice(format!("{HEAD}{SENT}\r\n").as_bytes());
    check(log, [3, 1, 0, 2], 0);
}

#[test]
fn a_line_of_a_mebibyte_counts_once() {
    let long = "x status=sent ( to=<a@b> ".repeat(1 << 16);
    let bounced = SENT.replace("status=sent (250 ok)", &format!("status=bounced ({long})"));
    check(
        format!("{HEAD}{SENT}\n{HEAD}{bounced}\n{HEAD}{SENT}\n"),
        [3, 1, 0, 2],
        0,
    );
    // Longer than what is kept of a line: its head says all.
    let huge = "y".repeat(9 << 20);
    let bounced = SENT.replace("status=sent (250 ok)", &format!("status=bounced ({huge})"));
    check(
        format!("{HEAD}{SENT}\n{HEAD}{bounced}\n{HEAD}{SENT}"),
        [3, 1, 0, 2],
        0,
    );
}

#[test]
fn a_line_cut_short_is_reported() {
    for cut in [
        "4F9A1C0DE: to=<u@aol",
        "4F9A1C0DE: to=<u@aol.com>, relay=mx",
        "4F9A1C0DE: to=<u@aol.com>, relay=mx[192.0.2.1]:25, delay=1, dsn=2.0.0, status=sen",
    ] {
        let err = check(format!("{HEAD}{SENT}\n{HEAD}{cut}"), [1, 0, 0, 1], 1);
        assert!(err.contains("1 delivery line could not be read"), "{err}");
        let err = check(format!("{HEAD}{cut}\n{HEAD}{SENT}\n"), [1, 0, 0, 1], 1);
        assert!(err.contains("1 delivery line could not be read"), "{err}");
    }
    // The reply's end is missing, its status is not.
    check(
        format!("{HEAD}{}", SENT.trim_end_matches(" ok)")),
        [1, 0, 0, 1],
        0,
    );
}

#[test]
fn words_that_are_no_delivery() {
    let word = |w: &str| {
        format!(
            "{HEAD}{}\n",
            SENT.replace("status=sent", &format!("status={w}"))
        )
    };
    let log = [
        word("sent"),
        word("deferred"),
        word("SOFTBOUNCE"),
        word("deliverable"),
        word("undeliverable"),
        word("bounced"),
    ];
    check(log.concat(), [4, 1, 2, 1], 0);
    let agents = [
        "smtp", "lmtp", "local", "virtual", "pipe", "error", "retry", "discard",
    ];
    let others = [
        "smtpd", "cleanup", "bounce", "qmgr", "verify", "tlsproxy", "SMTP", "smtp2",
    ];
    let log: String = agents
        .iter()
        .chain(&others)
        .map(|a| format!("{}{SENT}\n", HEAD.replace("/smtp[", &format!("/{a}["))))
        .collect();
    check(log, [8, 0, 0, 8], 0);
}

#[test]
fn a_repeated_line_counts_as_often_as_it_says() {
    let log = format!(
        "{HEAD}{SENT}\n{HEAD}message repeated 4 times: [ {SENT}]\n{HEAD}message repeated 0 times: [ \
         {SENT}]\n{HEAD}message repeated x times: [ {SENT}]\n"
    );
    check(log, [5, 0, 0, 5], 0);
}

#[test]
fn a_damaged_repeat_count_is_reported_and_does_not_fill_the_disk() {
    let qmgr = HEAD.replace("/smtp[", "/qmgr[");
    let expired = "4F9A1: from=<s@x.y>, status=expired, returned to sender";
    let log = format!(
        "{HEAD}message repeated 2 times: [ {SENT}]\n{HEAD}message repeated 41 times: [ {SENT}]\n\
         {qmgr}message repeated 3 times: [ {expired}]\n{qmgr}message repeated 900000000 times: [ {expired}]\n"
    );
    let ran = stats_with(["--log", "-", "--events"], log.as_bytes()).ended(1);
    assert_eq!(ran.out.lines().count(), 2);
    assert!(ran.err.contains("1 delivery line could not be read"));
    let ran = stats_with(["--log", "-", "--format", "json"], log.as_bytes()).ended(1);
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let found = &found["instances"][0];
    assert_eq!(
        [&found["total"], &found["expired"], &found["unparsed"]],
        [2, 3, 2]
    );
}

#[test]
fn no_escape_sequence_reaches_the_terminal() {
    let hostile = "\u{1b}]0;owned\u{7}\u{202e}moc.loa\u{9b}31m";
    let line = SENT.replace("u@aol.com", &format!("u@{hostile}"));
    let tag = format!("2026-09-19T12:22:57Z rustin postfix-\u{1b}[31m/smtp[1]: {SENT}\n");
    let log = format!("{HEAD}{line}\n{tag}");
    for format in ["text", "table", "csv", "prom", "json", "jsonl"] {
        let ran = stats_with(
            ["--log", "-", "--by", "domain,relay", "--format", format],
            log.as_bytes(),
        );
        let raw: Vec<char> = ran
            .out
            .chars()
            .filter(|c| c.is_control() && *c != '\n' && *c != '\r')
            .collect();
        assert!(raw.is_empty(), "{format}: {}", ran.out.escape_debug());
        if !format.starts_with("json") {
            assert!(!ran.out.contains('\u{202e}'), "{format}");
        }
    }
    let ran = stats_with(
        ["--log", "-", "--events", "--with-recipients"],
        log.as_bytes(),
    )
    .ended(0);
    assert!(!ran.out.contains('\u{1b}'));
}
