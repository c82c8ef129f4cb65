//! Lines as Postfix 3.7 and SpamAssassin 4.0 write them, and as strangers would like to have them read.

use super::*;

/// What smtpd or cleanup stopped: kind, stage, reason.
fn stopped(found: FilterLine<'_>) -> Option<(Kind, Stage, String)> {
    match found {
        FilterLine::Stopped(s) => Some((
            s.kind,
            s.stage,
            String::from_utf8_lossy(s.reason).into_owned(),
        )),
        _ => None,
    }
}

#[test]
fn smtpd_says_who_where_and_why() {
    let check = |message: &str, kind, stage, reason: &str| {
        let expected = Some((kind, stage, reason.to_owned()));
        assert_eq!(stopped(smtpd(message.as_bytes())), expected, "{message}");
    };
    check(
        "NOQUEUE: reject: RCPT from unknown[127.0.0.11]: 554 5.7.1 <a@b.c>: Recipient address rejected: Access denied; \
         from=<x@y> to=<a@b.c> proto=ESMTP helo=<h>",
        Kind::Reject,
        Stage::Rcpt,
        "554 5.7.1 <a@b.c>: Recipient address rejected: Access denied",
    );
    check(
        "NOQUEUE: milter-reject: CONNECT from mx.example[2001:db8::1]:4711: 451 4.7.1 Service unavailable - try again \
         later; proto=SMTP",
        Kind::MilterReject,
        Stage::Connect,
        "451 4.7.1 Service unavailable - try again later",
    );
    check(
        "A1: reject: DATA content from unknown[1.2.3.4]: bare <LF> received; from=<> proto=ESMTP helo=<h>",
        Kind::Reject,
        Stage::DataContent,
        "bare <LF> received",
    );
    check(
        "NOQUEUE: reject: CONNECT from h[1.2.3.4]: 421 4.7.0 Error: too many connections;",
        Kind::Reject,
        Stage::Connect,
        "421 4.7.0 Error: too many connections",
    );
    check(
        "proxy-reject: END-OF-MESSAGE: 554 5.7.1 Bad mail; from=<a@b> to=<c@d> proto=ESMTP helo=<h>",
        Kind::ProxyReject,
        Stage::EndOfMessage,
        "554 5.7.1 Bad mail",
    );
    check(
        "A1: discard: END-OF-MESSAGE from h[1.2.3.4]: <end>: End-of-data triggers DISCARD action; from=<a@b>",
        Kind::Discard,
        Stage::EndOfMessage,
        "<end>: End-of-data triggers DISCARD action",
    );
}

/// Lines of a real postscreen, and the one it logs where all of smtpd is busy (`src/postscreen/postscreen_send.c`).
#[test]
fn postscreen_says_where_and_why() {
    let check = |message: &str, stage, temporary: bool, reason: &str| {
        let found = postscreen(message.as_bytes());
        let expected = Some((Kind::PostscreenReject, stage, reason.to_owned()));
        assert_eq!(stopped(found), expected, "{message}");
        let FilterLine::Stopped(s) = found else {
            panic!("{message}");
        };
        assert_eq!((s.queue_id, s.whole, s.temporary), (None, false, temporary));
    };
    check(
        "NOQUEUE: reject: RCPT from [127.0.0.1]:40370: 550 5.3.2 Service currently unavailable; from=<a@x; from=<y>, \
         to=<b@c>, proto=ESMTP, helo=<h>",
        Stage::Rcpt,
        false,
        "550 5.3.2 Service currently unavailable",
    );
    check(
        "NOQUEUE: reject: RCPT from [2001:db8::1]:40370: 450 4.3.2 Service currently unavailable; from=<>, to=<b@c>, \
         proto=SMTP, helo=<h>",
        Stage::Rcpt,
        true,
        "450 4.3.2 Service currently unavailable",
    );
    check(
        "NOQUEUE: reject: CONNECT from [127.0.0.1]:40370: all server ports busy",
        Stage::Connect,
        true,
        "all server ports busy",
    );
    for (message, expected) in [
        (
            "CONNECT from [127.0.0.1]:4711 to [127.0.0.1]:25",
            FilterLine::Other,
        ),
        (
            "PREGREET 14 after 0.02 from [127.0.0.1]:4711: NOQUEUE: reject: RCPT from [1.2.3.4]:5: 550 x",
            FilterLine::Other,
        ),
        ("NOQUEUE: reject: RCPT from [127.0.", FilterLine::Broken),
    ] {
        assert_eq!(postscreen(message.as_bytes()), expected, "{message}");
    }
}

#[test]
fn cleanup_says_who_where_and_why() {
    let check = |message: &str, kind, stage, reason: &str| {
        let expected = Some((kind, stage, reason.to_owned()));
        assert_eq!(stopped(cleanup(message.as_bytes())), expected, "{message}");
    };
    check(
        "A1: milter-reject: END-OF-MESSAGE from unknown[127.0.0.11]: 5.7.1 Command rejected; from=<a@b> to=<c@d> \
         proto=ESMTP helo=<h>",
        Kind::MilterReject,
        Stage::EndOfMessage,
        "5.7.1 Command rejected",
    );
    check(
        "A1: reject: header Subject: hello from unknown[127.0.0.11]; from=<a@b> to=<c@d> proto=ESMTP helo=<h>: 5.7.1 \
         No",
        Kind::ContentReject,
        Stage::Header,
        "5.7.1 No",
    );
    check(
        "A1: discard: header Subject: hello from local; from=<a@b> to=<c@d>",
        Kind::ContentDiscard,
        Stage::Header,
        "",
    );
    check(
        "A1: hold: body by <body> from local; from=<\"a>: b\"@c> to=<c@d>: text: more",
        Kind::ContentHold,
        Stage::Body,
        "text: more",
    );
    check(
        "A1: milter-header-reject: header X-Spam-Flag: YES from mx.example[1.2.3.4]; from=<a@b> to=<c@d> proto=ESMTP \
         helo=<h>: 5.7.1 Spam",
        Kind::ContentReject,
        Stage::Header,
        "5.7.1 Spam",
    );
    check(
        "A1: reject: mime-error invalid message/* or multipart/* encoding domain: base64 from unknown[127.0.0.11]; \
         from=<a@b> to=<c@d>",
        Kind::ContentReject,
        Stage::MimeError,
        "invalid message/* or multipart/* encoding domain",
    );
    // What the sender would like to be the rule's text is inside the header.
    check(
        "A1: reject: header Subject: x from a[1]; from=<b> to=<c> proto=ESMTP helo=<d>: 5.7.1 fake from h[1.2.3.4]; \
         from=<a@b> to=<c@d> proto=ESMTP helo=<h>: 5.7.1 real",
        Kind::ContentReject,
        Stage::Header,
        "5.7.1 real",
    );
}

#[test]
fn what_stops_nothing_is_passed_over_and_what_is_cut_is_told() {
    for (message, expected) in [
        (
            "NOQUEUE: reject_warning: RCPT from h[1.2.3.4]: 554 5.7.1 x; from=<a>",
            FilterLine::Other,
        ),
        (
            "NOQUEUE: warn: RCPT from h[1.2.3.4]: x; from=<a>",
            FilterLine::Other,
        ),
        ("A1: client=h[1.2.3.4]", FilterLine::Other),
        ("connect from h[1.2.3.4]", FilterLine::Other),
        (
            "warning: A1: reject: RCPT from h[1.2.3.4]: 554 x; from=<a>",
            FilterLine::Other,
        ),
        (
            "lost connection after RCPT from reject: RCPT from x[1.2.3.4]: 5",
            FilterLine::Other,
        ),
        ("NOQUEUE: milter-reject: CONN", FilterLine::Broken),
        ("NOQUEUE: reject: RCPT from unk", FilterLine::Broken),
        (
            "NOQUEUE: reject: NONSENSE from h[1.2.3.4]: 554 x;",
            FilterLine::Broken,
        ),
        (
            "message repeated 5000 times: [ NOQUEUE: reject: RCPT from h[1.2.3.4]: 554 x;]",
            FilterLine::Broken,
        ),
    ] {
        assert_eq!(smtpd(message.as_bytes()), expected, "{message}");
    }
    for (message, expected) in [
        (
            "A1: warning: header Subject: reject: header from a[1]; from=<b>",
            FilterLine::Other,
        ),
        (
            "A1: info: header Subject: x from a[1]; from=<b>",
            FilterLine::Other,
        ),
        (
            "A1: milter-header-replace: header X: y from a[1]; from=<b>",
            FilterLine::Other,
        ),
        ("A1: reject: header Subj", FilterLine::Broken),
        ("A1: resent-message-id=<a@b>", FilterLine::Other),
    ] {
        assert_eq!(cleanup(message.as_bytes()), expected, "{message}");
    }
    let repeated = smtpd(
        b"message repeated 3 times: [ NOQUEUE: reject: RCPT from h[1.2.3.4]: 554 x; from=<a>]",
    );
    assert!(
        matches!(repeated, FilterLine::Stopped(s) if s.repeat == 3),
        "{repeated:?}"
    );
    assert_eq!(
        cleanup(b"A1: message-id=<a@b> \x1b"),
        FilterLine::Arrived(b"A1", b"<a@b> \x1b")
    );
}

#[test]
fn what_is_of_the_whole_message_is_told_from_what_is_of_a_recipient() {
    let check = |message: &str, whole: bool, temporary: bool| {
        let FilterLine::Stopped(s) = smtpd(message.as_bytes()) else {
            panic!("{message}");
        };
        assert_eq!((s.whole, s.temporary), (whole, temporary), "{message}");
    };
    check(
        "A1: reject: RCPT from h[1.2.3.4]: 450 4.1.1 x;",
        false,
        true,
    );
    check("NOQUEUE: discard: RCPT from h[1.2.3.4]: 4 x;", false, true);
    check("A1: hold: RCPT from h[1.2.3.4]: x;", true, false);
    check(
        "A1: reject: END-OF-MESSAGE from h[1.2.3.4]: 550 5.7.1 x;",
        true,
        false,
    );
}

#[test]
fn spamd_says_how_much_and_whose() {
    let check = |message: &str, spam: bool, score: f64, threshold: f64, id: Option<&str>| {
        let found = scanned(message.as_bytes())
            .expect("of spamd")
            .expect(message);
        let expected = (spam, score, threshold, (12, 812), id.map(str::as_bytes));
        let all = (
            found.spam,
            found.score,
            found.threshold,
            found.took,
            found.message_id,
        );
        assert_eq!(all, expected, "{message}");
    };
    check(
        "spamd: identified spam (1000.0/5.0) for nobody:65534 in 1.2 seconds, 812 bytes.",
        true,
        1000.0,
        5.0,
        None,
    );
    check(
        "spamd: clean message (-0.1/6.3) for x in 9.9 seconds, 1 bytes.:1 in 1.2 seconds, 812 bytes.",
        false,
        -0.1,
        6.3,
        None,
    );
    check(
        "spamd: result: Y 1000 - GTUBE,NO_RELAYS \
         scantime=1.2,size=812,user=nobody,uid=65534,required_score=5.0,rhost=::1,raddr=::1,rport=4711,mid=<a@b>,autolearn=no autolearn_force=no",
        true,
        1000.0,
        5.0,
        Some("<a@b>"),
    );
    check(
        "spamd: result: . -1 -  \
         scantime=1.2,size=812,user=x,uid=1,required_score=5.0,rhost=h,raddr=1,rport=2,mid=<a@b>,rmid=<c@d>,autolearn=ham",
        false,
        -1.0,
        5.0,
        Some("<a@b>"),
    );
    // A recipient whose name looks like the rest of the line.
    check(
        "spamd: result: .  0 - T \
         scantime=1.2,size=812,user=a,uid=0,required_score=99.0,mid=<x@y>,autolearn=no,uid=1,required_score=5.0,rhost=h,raddr=1,rport=2,mid=<a@b>,autolearn=ham",
        false,
        0.0,
        5.0,
        Some("<a@b>"),
    );
}

#[test]
fn what_else_spamd_says_is_passed_over_and_what_is_cut_is_told() {
    for message in [
        "spamd: connection from localhost [127.0.0.1]:4711 to port 783, fd 5",
        "spamd: checking message <spamd: result: Y 9 - X scantime=1> for nobody:65534",
        "prefork: child states: II",
        // Whole, and in nobody's form: without what every spamd that begins a line so says.
        "spamd: result: . 1 - scantime=0.4,mid=<A1@x>: to=<a@b>, status=sent (x)",
    ] {
        assert_eq!(scanned(message.as_bytes()), None, "{message}");
    }
    for message in [
        "spamd: result: Y 1000 - GTUBE scantime=1.2,size=812,user=nob",
        "spamd: result: ? 1 - T scantime=1.2,size=8",
        "spamd: result: . 1 - T scantime=1.2,size=8,user=a,mid=<x@y>,uid=1,requi",
        "spamd: result: . 1 - T scantime=1.2",
        "spamd: identified spam (inf/5.0) for a:1 in 1.2 seconds, 812 bytes.",
        "spamd: clean message (1.0",
    ] {
        assert_eq!(scanned(message.as_bytes()), Some(None), "{message}");
    }
}

#[test]
fn spamd_has_a_form_of_its_own_for_files() {
    let line = b"Tue Nov 24 10:15:39 2026 [123] info: spamd: clean message (0.0/5.0) for a:1 in 1.2 seconds, 8 bytes.";
    let header = own_line(line).expect("a line of spamd");
    assert!(header.stamp.is_some());
    assert!(header.message.starts_with(b"spamd: clean"));
    assert_eq!(
        own_line(b"Tue Nov 24 10:15:39 2026 [123] dbg: spamd: x"),
        None
    );
    assert_eq!(
        own_line(b"Nov 24 10:15:39 host x[123]: [1] info: spamd: result: Y"),
        None
    );
}
