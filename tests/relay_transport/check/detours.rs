//! What takes mail, or gives its recipients other addresses, before the map is asked: beside where a real Postfix
//! delivers it.

use testkit::{Host, Instance, Mail, Sink, host_or_skip};

use super::severe::{LINES, MAP, critical, found, lists};

/// Sends a message to `domain`, and says which of the two sinks had it, and for whom.
fn taken(lists: &Instance, sinks: [&Sink; 2], domain: &str) -> String {
    let before = sinks.map(|sink| sink.deliveries().len());
    lists.sendmail(&Mail::new(
        "news@lists.example",
        &format!("reader@{domain}"),
    ));
    let has = || {
        sinks
            .iter()
            .zip(before)
            .any(|(sink, n)| sink.deliveries().len() > n)
    };
    testkit::wait_until(testkit::PATIENCE, "a delivery", has);
    let news = sinks.iter().zip(before).zip(["relay", "elsewhere"]);
    let news = news.flat_map(|((sink, n), name)| {
        let all = sink.deliveries();
        all[n..]
            .iter()
            .map(|one| format!("{name} {}", one.recipient))
            .collect::<Vec<_>>()
    });
    news.collect::<Vec<_>>().join(", ")
}

fn config(host: &Host, lists: &Instance, script: &str) {
    host.sh(&format!("cd /etc/postfix-lists; postconf -c . {script}"));
    lists.reload();
}

#[test]
fn filters_take_mail_whatever_the_map_has() {
    let host = host_or_skip!();
    let relay = host.sink_at(([127, 0, 9, 1], 25));
    let other = host.sink_at(([127, 0, 9, 2], 25));
    let lists = lists(&host, MAP, LINES);
    let sinks = [&relay, &other];
    let wrong = || found(&host, &["critical", "warning", "unknown"]);
    assert_eq!(wrong(), [""; 0]);
    assert_eq!(
        taken(&lists, sinks, "aol.example"),
        "relay reader@aol.example"
    );

    config(&host, &lists, "-e content_filter=smtp:[127.0.9.2]:25");
    let taken_by = "filters: content_filter sends all mail of smtpd (smtp inet), pickup to smtp:[127.0.9.2]:25 before";
    let told = critical(&host).join("\n");
    assert!(
        told.starts_with(&taken_by.replace("smtpd (smtp inet), ", ""))
            || told.starts_with(taken_by),
        "{told}"
    );
    assert!(told.contains("and no service takes it back"), "{told}");
    assert_eq!(
        taken(&lists, sinks, "aol.example"),
        "elsewhere reader@aol.example"
    );

    // The same of one service alone, beside another by which the filter's mail comes back.
    config(&host, &lists, "-X content_filter");
    config(
        &host,
        &lists,
        "-M '127.0.0.1:10025/inet=127.0.0.1:10025 inet n - n - - smtpd'",
    );
    config(
        &host,
        &lists,
        "-P pickup/unix/content_filter=smtp:[127.0.9.2]:25",
    );
    let told = wrong().join("\n");
    assert!(
        told.starts_with(
            "filters: content_filter sends all mail of pickup to smtp:[127.0.9.2]:25 "
        ),
        "{told}"
    );
    assert!(
        told.contains("what comes back by ") && told.contains("smtpd (127.0.0.1:10025 inet)"),
        "{told}"
    );
    assert_eq!(critical(&host), [""; 0]);
    assert_eq!(
        taken(&lists, sinks, "aol.example"),
        "elsewhere reader@aol.example"
    );
    config(&host, &lists, "-PX pickup/unix/content_filter");
    assert_eq!(wrong(), [""; 0]);

    // Header checks: of all mail, of one domain's, of some.
    config(
        &host,
        &lists,
        "-e header_checks=regexp:/etc/postfix/headers",
    );
    let headers = |text: &str| {
        host.write("/etc/postfix/headers", text);
        lists.reload();
    };
    headers("/^Subject:/ FILTER smtp:[127.0.9.2]:25\n");
    let by = "filters: header_checks regexp:/etc/postfix/headers";
    assert_eq!(
        critical(&host)[0],
        format!("{by} says FILTER smtp:[127.0.9.2]:25 of all mail, whatever the map has []")
    );
    headers("/^To:.*@aim\\.example/ REDIRECT boss@aol.example\n");
    assert_eq!(
        critical(&host)[0],
        "filters: 1 domain: header_checks regexp:/etc/postfix/headers says REDIRECT boss@aol.example of mail to its \
         recipients, whatever the map has [aim.example]"
    );
    headers("/^X-Odd: yes/ FILTER smtp:[127.0.9.2]:25\n/^X-Spam: yes/ DISCARD\n");
    assert_eq!(critical(&host), [""; 0]);
    assert_eq!(
        wrong(),
        [format!(
            "{by} sends the mail that it matches elsewhere than the map (--accept TABLE if meant so) [line 1: FILTER \
             smtp:[127.0.9.2]:25]"
        )]
    );
}

#[test]
fn recipients_get_other_addresses() {
    let host = host_or_skip!();
    let relay = host.sink_at(([127, 0, 9, 1], 25));
    let other = host.sink_at(([127, 0, 9, 2], 25));
    let lists = lists(&host, MAP, LINES);
    let sinks = [&relay, &other];
    let wrong = || found(&host, &["critical", "warning", "unknown"]);
    config(&host, &lists, "-e relayhost=[127.0.9.2]:25");
    let maps = |name: &str, text: &str| {
        host.write("/etc/postfix/addresses", text);
        let all = [
            "recipient_canonical_maps",
            "canonical_maps",
            "virtual_alias_maps",
        ];
        for one in all.iter().filter(|one| !name.starts_with(*one)) {
            host.sh(&format!("postconf -c /etc/postfix-lists -X {one}"));
        }
        config(&host, &lists, &format!("-e {name}"));
    };
    for parameter in [
        "recipient_canonical_maps",
        "canonical_maps",
        "virtual_alias_maps",
    ] {
        maps(
            &format!("{parameter}=texthash:/etc/postfix/addresses"),
            "@aol.example @other.example\n",
        );
        assert_eq!(
            critical(&host),
            [format!(
                "recipients: mail to 1 domain of the map goes elsewhere: {parameter} texthash:/etc/postfix/addresses \
                 gives its recipients other addresses [@aol.example becomes @other.example]"
            )]
        );
        assert_eq!(
            taken(&lists, sinks, "aol.example"),
            "elsewhere reader@other.example"
        );
    }
    // A pattern; what it makes of an address is the same where it is none of its own.
    maps(
        "virtual_alias_maps=regexp:/etc/postfix/addresses",
        "/^(.*)@aim\\.example$/ $1@other.example\n/^(.*)@aol\\.example$/ $1@aol.example\n",
    );
    let told = critical(&host);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].ends_with("[@aim.example becomes somebody@other.example]"),
        "{told:?}"
    );
    assert_eq!(
        taken(&lists, sinks, "aim.example"),
        "elsewhere reader@other.example"
    );
    assert_eq!(
        taken(&lists, sinks, "aol.example"),
        "relay reader@aol.example"
    );
    // To the same relay, and single addresses: to be looked at.
    maps(
        "canonical_maps=texthash:/etc/postfix/addresses",
        "@aim.example @aol.example\nabuse@aol.example root@other.example\nroot@lists.example x@other.example\n",
    );
    assert_eq!(critical(&host), [""; 0]);
    assert_eq!(
        wrong(),
        [
            "recipients: canonical_maps texthash:/etc/postfix/addresses gives 2 recipients of the map's domains another \
             address (--accept ADDRESS if meant so) [@aim.example becomes @aol.example; abuse@aol.example becomes \
             root@other.example]"
        ]
    );
    assert_eq!(
        taken(&lists, sinks, "aim.example"),
        "relay reader@aol.example"
    );
    // Not of recipients.
    config(
        &host,
        &lists,
        "-e canonical_classes=header_sender,envelope_sender",
    );
    assert_eq!(wrong(), [""; 0]);
    maps("recipient_canonical_maps=hash:/etc/postfix/none", "");
    assert!(critical(&host)[0].starts_with(
        "recipients: recipient_canonical_maps hash:/etc/postfix/none cannot be opened"
    ));
}

/// By `-o` in master.cf, main.cf's tables are not those that Postfix asks: seen while it runs, and while it does not.
#[test]
fn the_service_that_decides_has_tables_of_its_own() {
    let host = host_or_skip!();
    let relay = host.sink_at(([127, 0, 9, 1], 25));
    let other = host.sink_at(([127, 0, 9, 2], 25));
    let lists = lists(&host, MAP, LINES);
    config(&host, &lists, "-e relayhost=[127.0.9.2]:25");
    config(&host, &lists, "-P rewrite/unix/transport_maps=");
    assert_eq!(
        taken(&lists, [&relay, &other], "aol.example"),
        "elsewhere reader@aol.example"
    );
    let none = "in-use: transport_maps of postfix-lists's service rewrite (-o in master.cf) is empty: no map is in use []";
    assert_eq!(critical(&host), [none]);
    config(
        &host,
        &lists,
        "-P rewrite/unix/transport_maps=inline:{aol.example=smtp:[127.0.9.2]:25}",
    );
    assert!(
        critical(&host)
            .iter()
            .any(|row| row.contains("(-o in master.cf)"))
    );
    config(&host, &lists, "-P 'rewrite/unix/transport_maps=$my_maps'");
    config(
        &host,
        &lists,
        "-e my_maps=hash:/etc/postfix/transport.relay",
    );
    assert_eq!(
        taken(&lists, [&relay, &other], "aol.example"),
        "relay reader@aol.example"
    );
    assert_eq!(critical(&host), [""; 0]);
    config(&host, &lists, "-P rewrite/unix/transport_maps=");
    lists.postfix("stop");
    assert_eq!(critical(&host), [none]);
}

/// The access tables of smtpd, relocated_maps, and what nobody can look at: real smtpd takes the mail meanwhile.
#[test]
fn access_tables_take_mail_and_services_are_not_looked_at() {
    let host = host_or_skip!();
    let relay = host.sink_at(([127, 0, 9, 1], 25));
    let other = host.sink_at(([127, 0, 9, 2], 25));
    let lists = lists(&host, MAP, LINES);
    let wrong = || found(&host, &["critical", "warning", "unknown"]);
    assert_eq!(wrong(), [""; 0]);
    // By smtpd, which alone asks such tables.
    let taken = |domain: &str| {
        let (ip, port) = (lists.address().ip(), lists.address().port());
        let before = (relay.deliveries().len(), other.deliveries().len());
        let script = format!(
            "exec 3<>/dev/tcp/{ip}/{port}; read -u3 l; for c in 'HELO a' 'MAIL FROM:<news@lists.example>' \
             'RCPT TO:<reader@{domain}>' DATA; do printf '%s\\r\\n' \"$c\" >&3; read -u3 l; done; \
             printf 'Subject: x\\r\\n\\r\\nx\\r\\n.\\r\\n' >&3; read -u3 l; echo \"$l\""
        );
        let said = host.command("bash").args(["-c", &script]).run().text();
        assert!(said.starts_with("250 "), "{said}");
        let has = || {
            let now = (relay.deliveries().len(), other.deliveries().len());
            (now.0 > before.0, now.1 > before.1)
        };
        testkit::wait_until(testkit::PATIENCE, "a delivery", || has() != (false, false));
        if has().1 { "elsewhere" } else { "relay" }
    };
    let table = |text: &str| {
        host.write("/etc/postfix/access", text);
        host.sh("postmap hash:/etc/postfix/access").ok();
        lists.reload();
    };
    table("aol.example FILTER smtp:[127.0.9.2]:25\n");
    config(
        &host,
        &lists,
        "-e 'smtpd_recipient_restrictions = check_recipient_access hash:/etc/postfix/access'",
    );
    let by = "smtpd_recipient_restrictions: check_recipient_access hash:/etc/postfix/access";
    assert_eq!(taken("aol.example"), "elsewhere");
    assert_eq!(
        critical(&host),
        [format!(
            "filters: 1 domain: {by} says FILTER smtp:[127.0.9.2]:25 of mail to its recipients, whatever the map has \
             [aol.example]"
        )]
    );
    table("one@aol.example DISCARD\nother.example FILTER smtp:[127.0.9.2]:25\n");
    assert_eq!(taken("aol.example"), "relay");
    assert_eq!(critical(&host), [""; 0]);
    // What refuses, as a pause does, sends nothing elsewhere.
    table("aim.example 450 4.7.0 paused by relay-limit until 2026-11-24 14:30 +0100: TSS04\n");
    assert_eq!(wrong(), [""; 0]);

    host.write(
        "/etc/postfix/relocated",
        "@aol.example new@elsewhere.example\n",
    );
    host.sh("postmap hash:/etc/postfix/relocated").ok();
    config(
        &host,
        &lists,
        "-e relocated_maps=hash:/etc/postfix/relocated",
    );
    assert_eq!(
        critical(&host)[0],
        "filters: 1 domain: relocated_maps hash:/etc/postfix/relocated says 5.1.6 (moved) of mail to its recipients, \
         whatever the map has [aol.example]"
    );
    config(&host, &lists, "-X relocated_maps");
    config(
        &host,
        &lists,
        "-e 'smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:9' \
         sender_dependent_relayhost_maps=hash:/etc/postfix/access",
    );
    assert_eq!(
        found(&host, &["skipped"])
            .into_iter()
            .filter(|row| row.starts_with("filters: "))
            .collect::<Vec<_>>(),
        [
            "filters: not looked at, as only they know what they do with a message \
          [sender_dependent_relayhost_maps = hash:/etc/postfix/access; check_policy_service = inet:127.0.0.1:9]"
        ]
    );
}
