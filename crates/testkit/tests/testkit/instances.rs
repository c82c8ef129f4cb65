//! Instances and sinks: mail sent, deferred and bounced by real Postfix.

use std::time::Duration;

use testkit::{Answer, Delivery, Features, Mail, Sink, hash_body, host_or_skip};

/// Answers by the recipient's local part.
fn by_local_part(sink: &Sink) {
    sink.on_rcpt(|rcpt| match rcpt.recipient.split_once('@') {
        Some(("later", _)) => Answer::later(),
        Some(("nobody", _)) => Answer::no_such_user(),
        _ => Answer::ok(),
    });
}

/// The one delivery to a recipient.
#[track_caller]
fn delivery_to<'d>(deliveries: &'d [Delivery], recipient: &str) -> &'d Delivery {
    let mut found = deliveries
        .iter()
        .filter(|delivery| delivery.recipient == recipient);
    match (found.next(), found.next()) {
        (Some(delivery), None) => delivery,
        _ => panic!("not one delivery to {recipient} in {deliveries:#?}"),
    }
}

#[test]
fn mail_is_sent_deferred_and_bounced() {
    let host = host_or_skip!();
    let sink = host.sink();
    by_local_part(&sink);
    let aol = host.instance("postfix-aol-a").relay_to(&sink).start();
    let msn = host.instance("postfix-msn-a").relay_to(&sink).start();

    let ids = aol.submit([
        Mail::new("news@example.org", "someone@aol.example").body("Hi.\n.dot\n"),
        Mail::new("news@example.org", "later@aol.example"),
        Mail::new("news@example.org", "nobody@aol.example"),
    ]);
    msn.sendmail(&Mail::new("news@example.org", "someone@msn.example"));
    // Both sent ones, and the bounce to the sender of the third.
    sink.wait_accepted(3);
    aol.wait_for("deferred", 1);
    aol.wait_idle();

    let queue = aol.postqueue();
    assert_eq!(queue.len(), 1);
    assert_eq!(queue[0]["queue_id"], ids[1].as_str());
    assert_eq!(queue[0]["queue_name"], "deferred");
    assert_eq!(queue[0]["recipients"][0]["address"], "later@aol.example");
    assert_eq!(aol.ids("deferred"), [ids[1].clone()]);
    assert_eq!(aol.ids("defer"), [ids[1].clone()]);
    assert!(aol.postcat(&ids[1]).contains("later@aol.example"));
    assert!(
        aol.file(&ids[1])
            .unwrap()
            .starts_with("/var/spool/postfix-aol-a/deferred")
    );
    assert!(msn.postqueue().is_empty());

    let deliveries = sink.deliveries();
    let to = |recipient: &str| delivery_to(&deliveries, recipient);
    let sent = to("someone@aol.example");
    assert_eq!(
        (sent.sender.as_str(), sent.client.ip()),
        ("news@example.org", aol.address().ip())
    );
    assert_eq!(sent.message.body_hash, hash_body(b"Hi.\n.dot\n"));
    assert!(
        sent.message
            .message_id
            .as_ref()
            .unwrap()
            .ends_with("rustin.example.org>")
    );
    assert_eq!(to("someone@msn.example").client.ip(), msn.address().ip());
    assert_eq!(to("news@example.org").sender, "");
    assert_eq!(
        (
            sink.answered_with(250),
            sink.answered_with(451),
            sink.answered_with(550)
        ),
        (3, 1, 1)
    );

    for line in [
        " rustin postfix-aol-a/smtp[".to_owned(),
        format!("{}: to=<someone@aol.example>", ids[0]),
        format!("{}: to=<later@aol.example>", ids[1]),
        format!("{}: to=<nobody@aol.example>", ids[2]),
        " rustin postfix-msn-a/pickup[".to_owned(),
        "to=<someone@msn.example>".to_owned(),
    ] {
        host.wait_for_log(&line);
    }
    let log = host.mail_log();
    let status = |id: &str| {
        log.lines()
            .find(|line| line.contains(id) && line.contains(" status="))
            .unwrap()
            .to_owned()
    };
    assert!(
        status(&ids[0]).contains("status=sent (250 2.0.0 Ok: accepted)"),
        "{log}"
    );
    assert!(
        status(&ids[1]).contains("status=deferred (host 127.0.2.1[127.0.2.1] said: 451 4.7.1"),
        "{log}"
    );
    assert!(
        status(&ids[2]).contains("status=bounced (host 127.0.2.1[127.0.2.1] said: 550 5.1.1"),
        "{log}"
    );

    // The provider relents.
    sink.on_rcpt(|_| Answer::ok());
    aol.flush();
    sink.wait_accepted(4);
    aol.wait_for("deferred", 0);
}

#[test]
fn hostile_and_broken_servers() {
    let host = host_or_skip!();
    let sink = host.sink();
    sink.on_rcpt(|rcpt| match rcpt.domain().as_str() {
        "forged.example" => Answer::text(
            451,
            "4.3.0 first status=sent (250 ok)\n4.3.0 \x1b[31msecond\x07",
        ),
        "drop.example" => Answer::Drop,
        "closing.example" => Answer::text(421, "4.3.2 Closing"),
        "slow.example" => Answer::ok().after(Duration::from_millis(50)),
        "hang.example" => Answer::Hang,
        _ => Answer::ok(),
    });
    sink.on_data(|incoming| {
        let is_spam = incoming
            .recipients
            .iter()
            .any(|rcpt| rcpt.domain() == "spam.example");
        if is_spam {
            Answer::text(554, "5.7.1 Spam")
        } else {
            Answer::ok()
        }
    });
    let aol = host
        .instance("postfix-aol-a")
        .relay_to(&sink)
        .param("smtp_rcpt_timeout", "1s")
        .start();
    let domains = ["forged", "drop", "closing", "slow", "hang", "spam"];
    aol.submit(domains.map(|domain| Mail::new("", &format!("a@{domain}.example"))));
    aol.wait_for("deferred", 4);
    let ends = [
        (
            "forged",
            "deferred (host 127.0.2.1[127.0.2.1] said: 451-4.3.0 first status=sent (250 ok) 451 4.3.0 ?[31msecond? (in \
             reply to RCPT TO command))",
        ),
        (
            "drop",
            "deferred (lost connection with 127.0.2.1[127.0.2.1] while sending RCPT TO)",
        ),
        (
            "closing",
            "deferred (host 127.0.2.1[127.0.2.1] said: 421 4.3.2 Closing (in reply to RCPT TO command))",
        ),
        ("slow", "sent (250 2.0.0 Ok)"),
        (
            "hang",
            "deferred (conversation with 127.0.2.1[127.0.2.1] timed out while sending RCPT TO)",
        ),
        (
            "spam",
            "bounced (host 127.0.2.1[127.0.2.1] said: 554 5.7.1 Spam (in reply to end of DATA command))",
        ),
    ];
    for (domain, end) in ends {
        let is_it = |line: &&str| {
            line.contains(&format!("to=<a@{domain}.example>")) && line.contains(" status=")
        };
        host.wait_until(testkit::PATIENCE, format_args!("{domain}: {end}"), || {
            host.mail_log()
                .lines()
                .find(is_it)
                .is_some_and(|line| line.contains(&format!(" status={end}")))
        });
    }
}

#[test]
fn envelopes_arrive_as_they_were_sent() {
    let host = host_or_skip!();
    let sink = host.sink();
    let aol = host.instance("postfix-aol-a").relay_to(&sink).start();
    aol.submit([
        Mail::new("jörg@example.org", "мария@example.com").header("Subject: grüße"),
        Mail::new("dsn@example.org", "one@example.com")
            .notify("failure")
            .ret("hdrs")
            .envid("envelope-1"),
        Mail::new("list@example.org", "two@example.com")
            .to("three@example.com")
            .verp(),
    ]);
    aol.sendmail(
        &Mail::new("sm@example.org", "four@example.com")
            .notify("never")
            .envid("envelope-2")
            .size(300_000),
    );
    sink.wait_accepted(5);
    let deliveries = sink.deliveries();
    let to = |recipient: &str| delivery_to(&deliveries, recipient);
    let utf8 = to("мария@example.com");
    assert_eq!(utf8.sender, "jörg@example.org");
    assert!(
        utf8.message.mail_params.contains("SMTPUTF8"),
        "{}",
        utf8.message.mail_params
    );
    let dsn = to("one@example.com");
    assert!(
        dsn.message
            .mail_params
            .contains("ENVID=envelope-1 RET=HDRS"),
        "{}",
        dsn.message.mail_params
    );
    assert!(
        dsn.rcpt_params.contains("NOTIFY=FAILURE"),
        "{}",
        dsn.rcpt_params
    );
    assert_eq!(
        to("two@example.com").sender,
        "list+two=example.com@example.org"
    );
    assert_eq!(
        to("three@example.com").sender,
        "list+three=example.com@example.org"
    );
    let four = to("four@example.com");
    assert!(four.message.size > 300_000, "{four:?}");
    assert!(
        four.message.mail_params.contains("ENVID=envelope-2"),
        "{four:?}"
    );
    assert!(four.rcpt_params.contains("NOTIFY=NEVER"), "{four:?}");
    // Without SMTPUTF8 on offer, such mail bounces to its sender, which cannot be reached either.
    sink.features(Features {
        smtputf8: false,
        ..Features::default()
    });
    aol.reload();
    let ids = aol.submit([Mail::new("a@example.org", "мария@example.net")]);
    host.wait_for_log(&format!("{}: to=<мария@example.net>", ids[0]));
    assert_eq!(
        sink.deliveries()
            .iter()
            .filter(|delivery| delivery.recipient.ends_with(".net"))
            .count(),
        0
    );
}

#[test]
fn an_instance_made_by_the_kit_is_one_made_by_postmulti() {
    let host = host_or_skip!();
    let kit = host.instance("postfix-aol-a").create();
    let real = host.instance("postfix-aol-b").by_postmulti().create();
    let params = |instance: &testkit::Instance| {
        let text = instance.command("postconf").arg("-n").run().ok().text();
        // The second letter and the second address are the differences that were asked for.
        text.replace("aol-b", "aol-a")
            .replace("127.0.0.12", "127.0.0.11")
    };
    let (kit_params, real_params) = (params(&kit), params(&real));
    for line in kit_params.lines() {
        assert!(
            real_params.lines().any(|other| other == line),
            "{line} is not in\n{real_params}"
        );
    }
    let listed = host.run(["postmulti", "-l"]).ok().text();
    let listed: Vec<Vec<&str>> = listed
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        listed,
        [
            ["-", "-", "y", "/etc/postfix"],
            ["postfix-aol-a", "relay", "y", "/etc/postfix-aol-a"],
            ["postfix-aol-b", "relay", "y", "/etc/postfix-aol-b"],
        ]
    );
    let dirs = |instance: &testkit::Instance| {
        let dir = instance.queue_dir().display();
        let spool = host
            .sh(&format!(
                "cd {dir} && find . -type d -printf '%p %m %u %g\\n' | sort"
            ))
            .text();
        let data = host
            .sh(&format!("stat -c '%a %U %G' /var/lib/{}", instance.name()))
            .text();
        spool + &data
    };
    assert_eq!(dirs(&kit), dirs(&real));
}

#[test]
fn instances_stop_start_and_take_new_settings() {
    let host = host_or_skip!();
    let sink = host.sink();
    sink.on_rcpt(|_| Answer::later());
    let default = host.default_instance().listen().relay_to(&sink).start();
    let aol = host
        .instance("postfix-aol-a")
        .without_service("pickup", "unix")
        .group("")
        .start();
    assert!(aol.is_running());
    assert_eq!(aol.postconf("syslog_name"), "postfix-aol-a");
    assert_eq!(aol.postconf("multi_instance_group"), "");
    aol.set("relayhost", &sink.nexthop());
    aol.reload();
    aol.sendmail(&Mail::new("a@example.org", "b@example.com"));
    let held = default.submit([Mail::new("a@example.org", "c@example.com")]);
    default.wait_for("deferred", 1);
    assert_eq!(aol.count("maildrop"), 1, "there is no pickup to take it");
    default.postsuper(["-h", &held[0]]);
    assert_eq!(default.ids("hold"), held);
    aol.stop();
    assert!(!aol.is_running());
    assert!(default.is_running());
    default.stop();
    default.start();
    assert_eq!(default.ids("hold"), held);
    host.wait_for_log(" postfix/smtp[");
}

#[test]
fn a_queue_may_have_a_file_system_of_its_own() {
    let host = host_or_skip!();
    let small = host.instance("postfix-aol-a").queue_on_tmpfs("1m").create();
    let other = host.instance("postfix-aol-b").create();
    let moved = host.enter(|| {
        let from = other.queue_dir().join("file");
        std::fs::write(&from, "")?;
        #[expect(clippy::disallowed_methods, reason = "no mail is touched")]
        std::fs::rename(from, small.queue_dir().join("file"))
    });
    assert_eq!(
        moved.unwrap_err().kind(),
        std::io::ErrorKind::CrossesDevices
    );
    let filled = host.enter(|| std::fs::write(small.queue_dir().join("file"), vec![1; 2 << 20]));
    assert_eq!(filled.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
}

#[test]
fn thousands_of_messages() {
    let host = host_or_skip!();
    let sink = host.sink();
    sink.on_rcpt(|rcpt| {
        let number = rcpt.recipient.bytes().take_while(u8::is_ascii_digit).last();
        if number == Some(b'7') {
            Answer::later()
        } else {
            Answer::ok()
        }
    });
    let aol = host.instance("postfix-aol-a").relay_to(&sink).start();
    // Numbers 1 to 2000: each last digit 200 times.
    aol.smtp_source(2000, 1000, "a@example.org", "user@example.com");
    sink.wait_accepted(1800);
    aol.wait_for("deferred", 200);
    aol.wait_idle();
    let mut recipients: Vec<String> = sink
        .deliveries()
        .into_iter()
        .map(|delivery| delivery.recipient)
        .collect();
    recipients.sort_unstable();
    recipients.dedup();
    assert_eq!((sink.accepted(), recipients.len()), (1800, 1800));
    assert_eq!(sink.answered_with(451), 200);
}
