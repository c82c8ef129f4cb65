//! Delivery lines of old and new Postfix, cut short, and with what strangers put into them.

use super::*;

/// `expected` is `REPEATxSTATUS RECIPIENT`, `probe`, `broken` or `other`.
fn check(message: &str, expected: &str) {
    let found = match parse(message.as_bytes()) {
        Message::Broken(_) => "broken".to_owned(),
        Message::Other => "other".to_owned(),
        Message::Attempt(Attempt {
            status: Word::Probe,
            ..
        }) => "probe".to_owned(),
        Message::Attempt(Attempt {
            status: Word::Delivery(s),
            repeat,
            recipient,
            ..
        }) => {
            format!(
                "{repeat}x{} {}",
                s.as_str(),
                String::from_utf8_lossy(recipient)
            )
        }
    };
    assert_eq!(found, expected, "{message}");
}

#[test]
fn deliveries_of_old_and_new_postfix() {
    check(
        "4F9A1: to=<u@aol.com>, relay=mx.aol.com[1.2.3.4]:25, delay=1.2, delays=0.1/0/0.5/0.6, dsn=2.0.0, status=sent \
         (250 2.0.0 Ok)",
        "1xsent u@aol.com",
    );
    check(
        "4F9A1: to=<u@aol.com>, relay=mx[1.2.3.4], delay=3, status=bounced (host said: 550)",
        "1xbounced u@aol.com",
    );
    check(
        "3Pt2mN2VXxznjll: to=<u@a.b>, orig_to=<root>, relay=local, delay=0.01, delays=0/0/0/0, dsn=2.0.0, status=sent \
         (delivered to mailbox)",
        "1xsent u@a.b",
    );
    check(
        "4F9A1: to=<u@x.y>, relay=mx[::1]:25, conn_use=3, delay=1, delays=0/0/0/1, tls=verified, dsn=4.2.2, \
         status=deferred (full)",
        "1xdeferred u@x.y",
    );
    check(
        "4F9A1: to=<u@x.y>, relay=none, delay=0, dsn=5.1.1, status=SOFTBOUNCE (no)",
        "1xdeferred u@x.y",
    );
    check(
        "4F9A1: to=<u@x.y>, relay=none, delay=0, dsn=2.1.5, status=deliverable (ok)",
        "probe",
    );
    check(
        "4F9A1: to=<u@x.y>, relay=none, delay=0, dsn=5.1.1, status=undeliverable (no)",
        "probe",
    );
    check(
        "3E29030F8637E: to=<u@x.y>, relay=none, delay=0.01, delays=0.01/0/0/0, dsn=5.1.1, \
         status=undeliverable-but-not-cached (User unknown in virtual alias table)",
        "probe",
    );
    check(
        "4F9A1: to=<>, relay=none, delay=0, dsn=5.1.3, status=bounced (bad)",
        "1xbounced ",
    );
    check(
        "4F9A1: to=<u@x.y>, relay=none, delay=0, dsn=2.0.0, status=sent (cut by syslo",
        "1xsent u@x.y",
    );
    check(
        "message repeated 3 times: [ 4F9A1: to=<u@x.y>, relay=none, delay=0, dsn=4.0.0, status=deferred (x)]",
        "3xdeferred u@x.y",
    );
}

#[test]
fn no_text_of_a_stranger_passes_for_a_field() {
    check(
        "4F9A1: to=<\">, relay=none, delay=0, status=sent (\"@x.y>, relay=mx[1.2.3.4]:25, delay=1, dsn=5.1.1, \
         status=bounced (no)",
        "1xbounced \">, relay=none, delay=0, status=sent (\"@x.y",
    );
    check(
        "4F9A1: to=<\"a\\\">, status=sent (\"@x.y>, relay=none, delay=0, dsn=5.1.1, status=bounced (no)",
        "1xbounced \"a\\\">, status=sent (\"@x.y",
    );
    check(
        "4F9A1: to=<u@x.y>, orig_to=<\"b>, status=sent (\"@z>, relay=none, delay=0, dsn=4.1.1, status=deferred (no)",
        "1xdeferred u@x.y",
    );
    check(
        "4F9A1: to=<u@x.y>, relay=none, delay=0, dsn=5.0.0, status=bounced (said: status=sent (250 ok))",
        "1xbounced u@x.y",
    );
    // Bare local parts, as Postfix before 3.5 logs them.
    check(
        "4F9A1: to=<a\"b@x.y>, relay=none, delay=0, dsn=5.1.1, status=bounced (no)",
        "1xbounced a\"b@x.y",
    );
    check(
        "4F9A1: to=<a>b@x.y>, relay=none, delay=0, dsn=5.1.1, status=bounced (no)",
        "1xbounced a>b@x.y",
    );
}

/// A Postfix before 3.5 logs `"a@b>, relay=none, delay=0, dsn=2.0.0, status=sent (ok"@x.y` without its quotes, and a
/// server may answer what makes its line look so: the line says the one as well as the other.
#[test]
fn an_address_that_may_end_elsewhere() {
    let check = |line: &str, expected| {
        let Message::Attempt(attempt) = parse(line.as_bytes()) else {
            panic!("{line}");
        };
        assert_eq!(holds_fields(attempt.reply), expected, "{line}");
    };
    let forged = "a@b>, relay=none, delay=0, dsn=2.0.0, status=sent (ok";
    let rest = "relay=mx[1.2.3.4]:25, delay=1, dsn=5.1.1, status=bounced (no)";
    check(&format!("4F9A1: to=<{forged}@x.y>, {rest}"), true);
    check(
        &format!("4F9A1: to=<{forged}@x.y>, orig_to=<c@d>, {rest}"),
        true,
    );
    check(
        &format!("4F9A1: to=<u@x.y>, orig_to=<{forged}@x.y>, {rest}"),
        true,
    );
    check(&format!("4F9A1: to=<\"{forged}\"@x.y>, {rest}"), false);
    check(&format!("4F9A1: to=<u@x.y>, {rest}"), false);
    let answer = |words: &str| format!("4F9A1: to=<u@x.y>, {}", rest.replace("no", words));
    // No field of Postfix's holds a bracket: whose the line is is not known.
    for fields in ["relay=x", "relay=x, delay=1", "x=y"] {
        let line = format!("4F9A1: to=<a@b>, {fields}@x.y>, {rest}");
        assert_eq!(
            parse(line.as_bytes()),
            Message::Broken(Why::Address),
            "{line}"
        );
    }
    check(&answer("550 <u@x.y>, no such user, status=sent (x)"), false);
    check(&answer("550 <u@x.y>, relay=denied"), false);
    check(
        &answer("550 to=<a@b>, relay=c[1.2.3.4]:25, status=sent (250 ok)"),
        false,
    );
    check(&answer("550 <u@x.y>, relay=a, status=gone (x)"), false);
}

#[test]
fn lines_cut_short_are_broken_and_other_talk_is_not() {
    let whole = "4F9A1: to=<u@x.y>, relay=mx[1.2.3.4]:25, delay=1, dsn=2.0.0, status=sent (";
    for cut in "4F9A1: to=<".len()..whole.len() {
        check(&whole[..cut], "broken");
    }
    check(
        "4F9A1: to=<u@x.y>, relay=none, delay=0, dsn=2.0.0, status=frobbed (x)",
        "broken",
    );
    for message in [
        "4F9A1: host mx.aol.com[1.2.3.4] said: 421 to=<x> status=sent (x)",
        "warning: 4F9A1: to=<u@x.y>, relay=none, status=sent (x)",
        "connect to mx[1.2.3.4]:25: Connection refused",
        "4F9A1: from=<u@x.y>, status=expired, returned to sender",
        "",
        "4F9A1: ",
    ] {
        check(message, "other");
    }
}

#[test]
fn a_line_that_stands_for_more_than_any_message_is_damaged() {
    let line = |times: &str| {
        format!(
            "message repeated {times} times: [ 4F9A1: to=<u@x.y>, relay=none, delay=0, dsn=2.0.0, status=sent (ok)]"
        )
    };
    check(&line("5"), "5xsent u@x.y");
    check(&line("6"), "broken");
    check(&line("999"), "broken");
    check(&line("999999999"), "broken");
    check(&line("999999999999999999"), "broken");
}

#[test]
fn the_parts_of_a_relay_and_of_delays() {
    let check = |value: &str, host: &str, address: Option<&str>, port| {
        let r = relay(value.as_bytes());
        assert_eq!(
            (r.host, r.address, r.port),
            (host.as_bytes(), address.map(str::as_bytes), port)
        );
    };
    check(
        "mx.aol.com[1.2.3.4]:25",
        "mx.aol.com",
        Some("1.2.3.4"),
        Some(25),
    );
    check("mx[2001:db8::1]:587", "mx", Some("2001:db8::1"), Some(587));
    check("mx[1.2.3.4]", "mx", Some("1.2.3.4"), None);
    check(
        "lmtp[private/dovecot-lmtp]",
        "lmtp",
        Some("private/dovecot-lmtp"),
        None,
    );
    check("none", "none", None, None);
    check("a]b[c", "a]b[c", None, None);
    assert_eq!(
        delays(b"0.1/0/12/3.05"),
        Some(Delays {
            a: 0.1,
            b: 0.0,
            c: 12.0,
            d: 3.05
        })
    );
    assert_eq!(delays(b"0.1/0/12"), None);
    assert_eq!(delays(b"0/0/0/0/0"), None);
    assert_eq!(seconds(b"1e9"), None);
    assert_eq!(seconds(b"inf"), None);
}
