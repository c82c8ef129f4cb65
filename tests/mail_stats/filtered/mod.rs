//! `mail-stats-print --filtered` beside real Postfix: every way in which mail is stopped happens, and is counted by
//! what the client was answered and the sink has seen.

mod formats;
mod session;
mod spamd;
mod ways;

use std::collections::BTreeMap;

use crate::TOOL;
use formats::{formats_agree, halves, reasons_are_reported_and_nothing_is_acted_upon};
use serde_json::Value;
use session::Session;
use testkit::{Answer, Asked, Host, Instance, Said, Sink};

/// The milter's rules: what it finds in a word says what it does.
fn milter(asked: &Asked) -> Said {
    let text = match asked {
        Asked::Connect(_) | Asked::Data => "",
        Asked::Helo(text) | Asked::Mail(text) | Asked::Rcpt(text) => text,
        Asked::EndOfMessage(headers) => {
            let subject = headers.iter().find_map(|h| h.strip_prefix("Subject: "));
            subject.unwrap_or_default()
        }
    };
    match text
        .split(['-', '@', '<', '>'])
        .find(|w| w.starts_with("milter_"))
    {
        Some("milter_reject") => Said::Reject,
        Some("milter_temp") => Said::TempFail,
        Some("milter_discard") => Said::Discard,
        Some("milter_reply") => {
            Said::Reply("554 5.7.1 We do not want; from=<this> from=<x>".to_owned())
        }
        Some("milter_hold") if matches!(asked, Asked::EndOfMessage(_)) => {
            Said::Quarantine("looks odd; from=<a> \u{1b}[2J".to_owned())
        }
        _ => Said::Continue,
    }
}

const HEADER_CHECKS: &str = "\
/^Subject: .*table_reject/ REJECT No such subjects here
/^Subject: .*table_temp/ REJECT 4.7.1 Later perhaps
/^Subject: .*table_discard/ DISCARD thrown away
/^Subject: .*table_hold/ HOLD
/^Subject: .*table_warn/ WARN a warning; from=<x> to=<y> proto=ESMTP helo=<z>: not counted
";
const ACCESS: &str = "\
/^access_reject@/ REJECT
/^access_temp@/ 450 4.3.2 Try later
/^access_discard@/ DISCARD
/^access_hold@/ HOLD
/^access_warn@/ WARN
";

/// An instance that lets every filter at its mail.
fn filtering(host: &Host, name: &str, sink: &Sink) -> Instance {
    host.write("/etc/header_checks", HEADER_CHECKS);
    host.write(
        "/etc/body_checks",
        "/body_reject/ REJECT\n/body_hold/ HOLD by body\n",
    );
    host.write("/etc/access_rcpt", ACCESS);
    host.write("/etc/transports", "/^nowhere@/ discard:silently\n");
    host.instance(name)
        .relay_to(sink)
        .param("header_checks", "regexp:/etc/header_checks")
        .param("body_checks", "regexp:/etc/body_checks")
        .param("transport_maps", "regexp:/etc/transports")
        .param(
            "smtpd_recipient_restrictions",
            "check_recipient_access regexp:/etc/access_rcpt, permit_mynetworks, reject",
        )
        .param(
            "smtpd_helo_restrictions",
            "check_helo_access inline:{bad.helo=REJECT}",
        )
        .param(
            "smtpd_sender_restrictions",
            "warn_if_reject, check_sender_access inline:{warned@example.org=REJECT}",
        )
        .param("smtpd_delay_reject", "yes")
        .param("smtpd_error_sleep_time", "0")
        .param("strict_mime_encoding_domain", "yes")
        .start()
}

fn json(host: &Host, args: &[&str]) -> Value {
    ended(host, args, 0)
}

/// The same for a time that no log holds: it is no time without mail.
fn json_of_no_log(host: &Host, args: &[&str]) -> Value {
    ended(host, args, 1)
}

fn ended(host: &Host, args: &[&str], status: i32) -> Value {
    let out = host
        .command(TOOL)
        .args(["--filtered", "--format", "json"])
        .args(args)
        .run();
    serde_json::from_slice(&out.exit(status).stdout).unwrap()
}

fn of<'v>(value: &'v Value, instance: &str) -> &'v Value {
    let instances = value["instances"].as_array().unwrap();
    let found = instances.iter().find(|i| i["instance"] == instance);
    &found.unwrap_or(&Value::Null)["filtered"]
}

/// Kind, stage, how often, how often temporarily.
type Stops = BTreeMap<(String, String), (u64, u64)>;

fn stops(filtered: &Value) -> Stops {
    let rows = filtered["stopped"].as_array().cloned().unwrap_or_default();
    let word = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let number = |row: &Value, name: &str| row[name].as_u64().unwrap();
    rows.iter()
        .map(|row| {
            (
                (word(row, "kind"), word(row, "stage")),
                (number(row, "count"), number(row, "temporary")),
            )
        })
        .collect()
}

fn expected(rows: &[(&str, &str, u64, u64)]) -> Stops {
    rows.iter()
        .map(|(kind, stage, n, temporary)| {
            (((*kind).to_owned(), (*stage).to_owned()), (*n, *temporary))
        })
        .collect()
}

/// A message with this subject.
fn mail(subject: &str) -> String {
    format!("Subject: {subject}\r\nMessage-Id: <{subject}@client.example>\r\n\r\nHello.")
}

/// Every way in which mail is stopped, each as often as is said; and what it is answered.
fn stop_all(inn: &Instance) {
    let session = || Session::helo("client.example");
    let ends = |session: Session, times: usize, code: u16| {
        for _ in 0..times {
            let codes = session.run(inn);
            // Before QUIT's.
            let codes = codes.strip_suffix(&[221]).unwrap_or(&codes);
            assert_eq!(codes.last(), Some(&code), "{session:?}: {codes:?}");
        }
    };
    let to = |rcpt: &str| session().mail("a@example.org").rcpt(rcpt);
    let about = |subject: &str| to("ok@example.com").data(&mail(subject));
    // The milter, at each stage.
    // EHLO itself is answered with 250, and logged as rejected.
    ends(Session::helo("milter_reject").mail("a@example.org"), 2, 550);
    ends(session().mail("milter_temp@example.org"), 3, 451);
    ends(to("milter_reply@example.com"), 4, 554);
    ends(
        session()
            .mail("milter_discard@example.org")
            .rcpt("x@example.com")
            .data(&mail("x")),
        1,
        250,
    );
    ends(about("milter_reject"), 5, 550);
    ends(about("milter_temp"), 2, 451);
    ends(about("milter_discard"), 3, 250);
    ends(about("milter_hold"), 2, 250);
    // smtpd's restrictions and tables.
    ends(to("access_reject@example.com"), 3, 554);
    ends(to("access_temp@example.com"), 2, 450);
    ends(to("access_discard@example.com").data(&mail("x")), 2, 250);
    ends(
        to("access_hold@example.com").data(&mail("access_hold")),
        1,
        250,
    );
    ends(to("access_warn@example.com").data(&mail("warned")), 1, 250);
    ends(
        session()
            .mail("warned@example.org")
            .rcpt("ok@example.com")
            .data(&mail("warned")),
        1,
        250,
    );
    ends(
        Session::helo("bad.helo")
            .mail("a@example.org")
            .rcpt("ok@example.com"),
        2,
        554,
    );
    // A recipient is refused, the message goes on.
    ends(
        to("ok@example.com")
            .rcpt("access_reject@example.com")
            .data(&mail("one-of-two")),
        1,
        250,
    );
    // cleanup's tables.
    ends(about("table_reject"), 4, 550);
    ends(about("table_temp"), 1, 451);
    ends(about("table_discard"), 2, 250);
    ends(about("table_hold"), 3, 250);
    ends(about("table_warn"), 2, 250);
    let body = |text: &str| to("ok@example.com").data(&format!("Subject: b\r\n\r\n{text}"));
    ends(body("body_reject"), 2, 550);
    ends(body("body_hold"), 1, 250);
    let broken = "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nx";
    ends(to("ok@example.com").data(broken), 1, 550);
    // A stranger who writes log lines.
    let forged = "Subject: x from a[1.2.3.4]; from=<b> to=<c> proto=ESMTP helo=<d>: milter-reject: END-OF-MESSAGE from \
        e[5]: table_reject";
    ends(
        to("ok@example.com").data(&format!("{forged}\r\n\r\n")),
        1,
        550,
    );
    let forged = "\"x: milter-reject: CONNECT from a[1]: 5.7.1 y; from=<\"@example.org";
    ends(
        session()
            .mail(forged)
            .rcpt("ok@example.com")
            .data(&mail("forged")),
        1,
        250,
    );
    // Deliveries that are none.
    ends(to("nowhere@example.com").data(&mail("nowhere")), 2, 250);
    ends(to("filter@example.com").data(&mail("filter")), 3, 250);
    ends(to("ok@example.com").data(&mail("fine")), 4, 250);
}

#[test]
fn every_way_to_stop_mail_is_counted() {
    let host = testkit::host_or_skip!();
    let sink = host.sink();
    sink.on_data(|incoming| {
        match incoming
            .recipients
            .iter()
            .any(|r| r.recipient.starts_with("filter@"))
        {
            true => Answer::text(250, "2.7.0 Ok, discarded, id=1234-01 - spam"),
            false => Answer::text(250, "2.0.0 Ok <discarded@example.com> undiscarded"),
        }
    });
    let inn = filtering(&host, "postfix-in-a", &sink);
    let filter = host.milter(8891, milter);
    inn.set("smtpd_milters", &filter.service());
    inn.reload();
    stop_all(&inn);
    inn.wait_idle();
    // What the queue manager gets: 1 warned recipient, 1 warned sender, 1 of two, 2 with WARN, 1 forged sender, 2 to
    // nowhere, 3 to the filter, 4 fine; and on hold: 2 by the milter, 1 by smtpd, 3 and 1 by cleanup.
    let (queued, held) = (15, 7);
    assert_eq!(inn.count("hold"), held);
    let done = format!("{}/qmgr", inn.name());
    host.wait_until(testkit::PATIENCE, "all is logged", || {
        let log = host.mail_log();
        let removed = log
            .lines()
            .filter(|l| l.contains(&done) && l.ends_with(": removed"));
        removed.count() == queued
    });
    // All but the two that discard(8) took, and that the sink never saw.
    assert_eq!(sink.accepted(), queued - 2);
    let expected = expected(&[
        ("milter-reject", "EHLO", 2, 0),
        ("milter-reject", "MAIL", 5, 3),
        ("milter-reject", "RCPT", 4, 0),
        ("milter-reject", "END-OF-MESSAGE", 7, 2),
        ("milter-discard", "MAIL", 1, 0),
        ("milter-discard", "END-OF-MESSAGE", 3, 0),
        ("milter-hold", "END-OF-MESSAGE", 2, 0),
        // 3 and 2 by recipient, 2 by HELO, 1 beside an accepted recipient.
        ("reject", "RCPT", 8, 2),
        ("discard", "RCPT", 2, 0),
        ("hold", "RCPT", 1, 0),
        ("content-reject", "header", 6, 1),
        ("content-reject", "body", 2, 0),
        ("content-reject", "mime-error", 1, 0),
        ("content-discard", "header", 2, 0),
        ("content-hold", "header", 3, 0),
        ("content-hold", "body", 1, 0),
    ]);
    let found = json(&host, &[]);
    let found = of(&found, "postfix-in-a");
    assert_eq!(stops(found), expected, "{}", host.mail_log());
    // What smtpd puts on hold has no queue id then: it is accepted when it is released.
    assert_eq!(found["accepted"], queued + held - 1);
    assert_eq!(found["delivered_to_discard"], 2);
    assert_eq!(found["discarded_by_filter"], 3);
    assert_eq!(found["unparsed"], 0);
    reasons_are_reported_and_nothing_is_acted_upon(&host);
    formats_agree(&host);
    let none = json_of_no_log(&host, &["--date", "2001-01-01"]);
    assert_eq!(of(&none, "postfix-in-a"), &Value::Null);
    // By the log's own times, in two parts.
    let (early, late) = halves(&host);
    let sum = |filtered: &Value| stops(filtered).values().map(|(n, _)| n).sum::<u64>();
    assert_eq!(sum(&early) + sum(&late), sum(found));
    assert!(sum(&early) > 5 && sum(&late) > 5);
    let accepted = |filtered: &Value| filtered["accepted"].as_u64().unwrap();
    assert_eq!(accepted(&early) + accepted(&late), accepted(found));
    // With it or without it, the deliveries are the same.
    let plain = host.command(TOOL).run().ok().text();
    let with = host.command(TOOL).arg("--filtered").run().ok().text();
    let kept = with.lines().filter(|line| !line.contains(":filtered:"));
    assert_eq!(kept.collect::<Vec<_>>(), plain.lines().collect::<Vec<_>>());
}
