//! Delivery events.

use super::*;

#[test]
fn events() {
    let providers = Arc::new(Providers::load(None).unwrap());
    let reasons = Arc::new(Reasons::load(None).unwrap());
    let check =
        |with_recipients, delivery: &Delivery<'_>, sender: Option<&[u8]>, expected: &str| {
            let mut events = crate::mail_stats::events::Events::new(
                Arc::clone(&providers),
                Arc::clone(&reasons),
                with_recipients,
            );
            let found = written(|out| events.write(out, b"postfix-aol-a", delivery, sender));
            assert_eq!(found, expected);
        };
    let sent = concat!(
        r#"{"schema":"relay-tools/delivery/1","ts":"2026-09-19T16:22:57.000123Z","host":"rustin","instance":"postfix-aol-a","service":"smtp","#,
        r#""queue_id":"4Q1X2","recipient_domain":"aol.com","provider":"aol","relay_host":"mx-aol.mail.gm0.yahoodns.net","relay_ip":"192.0.2.99","#,
        r#""delay_s":1.5,"delays":[0.25,0.0,0.75,0.5],"dsn":"2.0.0","status":"sent","reason_class":null,"reason_by":null,"code":null,"blamed_ip":null,"reason":"250 2.0.0 Ok"}"#,
    );
    check(
        false,
        &delivery(b"a@AOL.com", Status::Sent),
        None,
        &format!("{sent}\n"),
    );
    let with = |more: &str| format!("{}{more}}}\n", sent.strip_suffix('}').unwrap());
    let line = delivery(b"a@AOL.com", Status::Sent);
    check(
        true,
        &line,
        Some(b"n@example.org"),
        &with(r#","recipient":"a@AOL.com","sender":"n@example.org""#),
    );
    check(
        true,
        &line,
        Some(b""),
        &with(r#","recipient":"a@AOL.com","sender":"""#),
    );
    check(
        true,
        &line,
        None,
        &with(r#","recipient":"a@AOL.com","sender":null"#),
    );
    let bare = Delivery {
        time: None,
        host: b"",
        agent: Agent::Lmtp,
        relay: Some(Relay {
            host: b"mail.example",
            address: Some(b"private/lmtp"),
            port: None,
        }),
        delay: None,
        delays: None,
        dsn: None,
        reply: b"host mail.example[private/lmtp] said: 552 5.2.2 \x1b\xff\xe2\x80\xaeover quota",
        repeat: 2,
        ..delivery(b"root", Status::Bounced)
    };
    let expected = concat!(
        r#"{"schema":"relay-tools/delivery/1","ts":null,"host":"","instance":"postfix-aol-a","service":"lmtp","#,
        r#""queue_id":"4Q1X2","recipient_domain":null,"provider":"therest","relay_host":"mail.example","relay_ip":null,"#,
        r#""delay_s":null,"delays":null,"dsn":null,"status":"bounced","reason_class":"mailbox-full","reason_by":"words","code":null,"blamed_ip":null,"#,
        r#""reason":"host mail.example[private/lmtp] said: 552 5.2.2 \u001b"#,
        "\u{fffd}",
        r#"\u202eover quota"}"#,
        "\n",
    );
    check(false, &bare, None, &expected.repeat(2));
}
