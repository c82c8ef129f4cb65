//! What has no queue id yet, comes by pickup, or goes through a filter in front of the queue.

use testkit::{Answer, Asked, Said};

use super::session::Session;
use super::{expected, json, mail, of, stops};

#[test]
fn other_ways_into_the_queue_have_filters_too() {
    let host = testkit::host_or_skip!();
    let (sink, proxy) = (host.sink(), host.sink());
    let of_all = host.milter(8891, |asked| match asked {
        Asked::Connect(_) => Said::TempFail,
        _ => Said::Continue,
    });
    let of_local = host.milter(8892, |asked| match asked {
        Asked::EndOfMessage(headers) if headers.iter().any(|h| h.contains("milter_discard")) => {
            Said::Discard
        }
        Asked::EndOfMessage(headers) if headers.iter().any(|h| h.contains("milter_hold")) => {
            Said::Quarantine("odd".to_owned())
        }
        _ => Said::Continue,
    });
    let at_data = host.milter(8893, |asked| match asked {
        Asked::Data => Said::Reject,
        _ => Said::Continue,
    });
    let make = |name: &str, param: &str, value: &str| {
        let instance = host.instance(name).relay_to(&sink).param(param, value);
        instance.param("smtpd_error_sleep_time", "0").start()
    };
    let connect = make("postfix-connect", "smtpd_milters", &of_all.service());
    let data = make("postfix-data", "smtpd_milters", &at_data.service());
    let local = make("postfix-local", "non_smtpd_milters", &of_local.service());
    let proxied = make(
        "postfix-proxy",
        "smtpd_proxy_filter",
        &proxy.address().to_string(),
    );
    proxy.on_data(
        |incoming| match String::from_utf8_lossy(&incoming.header).contains("bad") {
            true => Answer::text(554, "5.7.1 The filter says no"),
            false => Answer::text(250, "2.0.0 Ok, discarded by nobody"),
        },
    );
    let whole = |subject: &str| {
        let session = Session::helo("client.example").mail("a@example.org");
        session.rcpt("b@example.com").data(&mail(subject))
    };
    for _ in 0..3 {
        let codes = whole("x").run(&connect);
        assert!(codes.iter().all(|code| *code != 354), "{codes:?}");
    }
    for _ in 0..2 {
        let codes = whole("x").run(&data);
        assert!(codes.contains(&550) && !codes.contains(&354), "{codes:?}");
    }
    for subject in ["milter_discard", "milter_hold", "milter_hold", "fine"] {
        let subject = format!("Subject: {subject}");
        local.sendmail(&testkit::Mail::new("a@example.org", "b@example.com").header(&subject));
    }
    for (subject, code) in [("bad", 554), ("bad", 554), ("good", 250)] {
        let codes = whole(subject).run(&proxied);
        assert!(codes.contains(&code), "{codes:?}");
    }
    sink.wait_accepted(1);
    let log = || {
        let found = json(&host, &[]);
        let of = |name| stops(of(&found, name));
        [
            of("postfix-connect"),
            of("postfix-data"),
            of("postfix-local"),
            of("postfix-proxy"),
        ]
    };
    let expected = [
        // The client says EHLO and MAIL nevertheless, and is refused each time.
        expected(&[
            ("milter-reject", "CONNECT", 3, 3),
            ("milter-reject", "EHLO", 3, 3),
            ("milter-reject", "MAIL", 3, 3),
        ]),
        expected(&[("milter-reject", "DATA", 2, 0)]),
        expected(&[
            ("milter-discard", "END-OF-MESSAGE", 1, 0),
            ("milter-hold", "END-OF-MESSAGE", 2, 0),
        ]),
        expected(&[("proxy-reject", "END-OF-MESSAGE", 2, 0)]),
    ];
    // Lines come a moment after what they report.
    host.wait_until(testkit::PATIENCE, format!("{expected:?}"), || {
        log() == expected
    });
    let found = json(&host, &[]);
    assert_eq!(of(&found, "postfix-local")["accepted"], 3);
    assert_eq!(local.count("hold"), 2);
    assert_eq!(of(&found, "postfix-proxy")["discarded_by_filter"], 0);
}

#[test]
fn postscreen_refuses_in_front_of_smtpd() {
    let host = testkit::host_or_skip!();
    let sink = host.sink();
    let make = |name: &str, soft: &str, limit: &str| {
        host.instance(name)
            .relay_to(&sink)
            .param("postscreen_access_list", "cidr:{{0.0.0.0/0 reject}}")
            .param("postscreen_denylist_action", "enforce")
            .param("postscreen_greet_wait", "1s")
            .param("postscreen_client_connection_count_limit", limit)
            .param("soft_bounce", soft)
            .service("smtp inet n - n - 1 postscreen")
            .service("smtpd pass - - n - - smtpd")
            .start()
    };
    let firm = make("postfix-firm", "no", "50");
    let soft = make("postfix-soft", "yes", "50");
    let full = make("postfix-full", "no", "1");
    let two = || {
        let session = Session::helo("client.example").mail("a@example.org");
        session.rcpt("b@example.com").rcpt("c@example.com")
    };
    for (instance, code) in [(&firm, 550), (&firm, 550), (&soft, 450)] {
        let codes = two().run(instance);
        let refused = codes.iter().filter(|c| **c == code).count();
        assert_eq!(refused, 2, "{codes:?}");
    }
    // One client stays, two more find no room.
    let stays = host
        .enter(|| std::net::TcpStream::connect(full.address()))
        .unwrap();
    let begins = format!("CONNECT from [{}]", stays.local_addr().unwrap().ip());
    let of_full = |log: &str, what: &str| {
        let lines = log
            .lines()
            .filter(|l| l.contains("postfix-full/postscreen["));
        lines.filter(|l| l.contains(what)).count()
    };
    host.wait_until(testkit::PATIENCE, "the first is there", || {
        of_full(&host.mail_log(), &begins) == 1
    });
    for _ in 0..2 {
        assert_eq!(two().run(&full), [421]);
    }
    host.wait_until(testkit::PATIENCE, "all is logged", || {
        let log = host.mail_log();
        log.matches(": NOQUEUE: reject: ").count() == 8
    });
    let found = json(&host, &[]);
    let of = |name| stops(of(&found, name));
    let row = |stage, n, temporary| expected(&[("postscreen-reject", stage, n, temporary)]);
    assert_eq!(of("postfix-firm"), row("RCPT", 4, 0));
    assert_eq!(of("postfix-soft"), row("RCPT", 2, 2));
    assert_eq!(of("postfix-full"), row("CONNECT", 2, 2));
    assert_eq!(found["total"]["filtered"]["unparsed"], 0);
}
