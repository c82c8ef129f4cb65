//! Targets that would return, throw away or sit on the mail, after a move that was correct in itself.

use crate::hosts::{blocked_and_healthy, json, queue_move, served};
use testkit::{Host, Instance, Mail, host_or_skip};

/// With these parameters of TO, nothing is moved, and all of `says` is said.
#[track_caller]
fn refuses(host: &Host, (from, to): (&Instance, &Instance), set: &[(&str, &str)], says: &[&str]) {
    let before: Vec<String> = set.iter().map(|(name, _)| to.postconf(name)).collect();
    for (name, value) in set {
        to.set(name, value);
    }
    to.reload();
    let ids = from.ids("deferred");
    assert!(!ids.is_empty());
    let ran = queue_move(host, &["aol-a", "aol-b", "--yes"]).exit(2);
    let told = ran.errors();
    for text in says {
        assert!(told.contains(text), "{set:?}: {text} is not in: {told}");
    }
    assert!(told.contains("hint: "), "{set:?}: no way out: {told}");
    assert_eq!(from.ids("deferred"), ids, "{set:?}");
    assert_eq!((from.count("hold"), to.count("maildrop")), (0, 0));
    for ((name, _), value) in set.iter().zip(before) {
        to.set(name, &value);
    }
    to.reload();
}

#[test]
fn what_would_swallow_the_mail_is_refused() {
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    let hop = "Received: from a by b; Sat, 28 Nov 2026 12:00:00 +0000";
    from.submit([
        Mail::new("a@example.org", "one@aol.com")
            .header("X-Campaign: spring")
            .header(hop)
            .header(hop)
            .body("buy now\n"),
        Mail::new("", "two@aol.com")
            .header("MIME-Version: 1.0")
            .header("Content-Type: multipart/mixed; boundary=x")
            .body("--x\nContent-Type: application/zip; name=bill.zip\n\nUEsDBA==\n--x--\n"),
    ]);
    from.wait_for("deferred", 2);
    let both = (&from, &to);
    let check = |set: &[(&str, &str)], says: &[&str]| refuses(&host, both, set, says);

    let returns = ["return 2 of the recipients (aol.com)", "error:5.1.2 closed"];
    check(&[("default_transport", "error:5.1.2 closed")], &returns);
    let maps = "inline:{ {aol.com=discard:}}";
    check(
        &[("transport_maps", maps)],
        &["throw 2 of the recipients (aol.com) away"],
    );
    let maps = "inline:{ {two@aol.com=retry:4.0.0 later}}";
    let waits = [
        "defer 1 of the recipients (aol.com) without a try",
        "4.0.0 later",
    ];
    check(&[("transport_maps", maps)], &waits);
    check(
        &[("transport_maps", "inline:{ {aol.com=nosuch:}}")],
        &["no nosuch service"],
    );
    let table = "hash:/etc/postfix/missing";
    check(&[("transport_maps", table)], &["a table fails"]);
    check(
        &[("defer_transports", "lmtp, smtp")],
        &["defer_transports has smtp"],
    );
    check(
        &[("master_service_disable", "smtp/unix")],
        &["no smtp service", "would wait there"],
    );
    check(
        &[("maximal_queue_lifetime", "0")],
        &["maximal_queue_lifetime is 0"],
    );
    check(
        &[("queue_minfree", "1000000000000000")],
        &[
            "bytes are free in",
            "less than its queue_minfree (1000000000000000)",
        ],
    );
    check(
        &[("bounce_queue_lifetime", "0")],
        &["bounce_queue_lifetime is 0"],
    );

    let checks = |action: &str| {
        host.write(
            "/etc/postfix/checks",
            format!("/^X-Campaign: spring/ {action}\n/buy now/ {action}\n"),
        );
    };
    let table = "regexp:/etc/postfix/checks";
    for (action, says) in [
        ("DISCARD", "throw away 1 message"),
        ("REJECT we do not", "return 1 message"),
        ("HOLD", "put on hold 1 message"),
    ] {
        checks(action);
        let why = format!("header_checks has \"{action}\" for \"X-Campaign: spring\"");
        check(&[("header_checks", table)], &[says, &why]);
        let why = format!("body_checks has \"{action}\" for \"buy now\"");
        check(&[("body_checks", table)], &[says, &why]);
    }
    host.write(
        "/etc/postfix/checks",
        "/^Content-Type: .*name=bill/ REJECT\n",
    );
    let why = "header_checks has \"REJECT\" for \"Content-Type: application/zip; name=bill.zip\"";
    for parameter in [
        "header_checks",
        "mime_header_checks",
        "nested_header_checks",
    ] {
        check(&[(parameter, table)], &["return 1 message", why]);
    }
    let absent = [("header_checks", "regexp:/etc/postfix/none")];
    check(&absent, &["header_checks cannot be asked"]);

    // Its own two, FROM's, and pickup's: with four, it is the limit that counts.
    check(
        &[("hopcount_limit", "4")],
        &[
            "1 message has been through so many hosts",
            "hopcount_limit = 4",
        ],
    );
    to.set("hopcount_limit", "5");
    to.reload();
    queue_move(&host, &["aol-a", "aol-b", "--yes"]).ok();
    accepting.wait_accepted(2);
    to.wait_idle();
    assert!(served(&[&accepting]).values().all(|times| *times == 1));
}

/// What Postfix does with the messages is what was said of it.
#[test]
fn what_is_said_of_hops_is_what_postfix_does() {
    let host = host_or_skip!();
    let (from, to, _, _) = blocked_and_healthy(&host);
    let id = from.submit([Mail::new("a@example.org", "one@aol.com")]);
    from.wait_for("deferred", 1);
    let hops = from.postcat(&id[0]).matches("Received: ").count();
    to.set("hopcount_limit", &(hops + 1).to_string());
    to.reload();
    queue_move(&host, &["aol-a", "aol-b", "--yes"]).exit(2);
    // As the hand-typed runbook would have done it.
    host.sh("mv $(find /var/spool/postfix-aol-a/deferred -type f) /var/spool/postfix-aol-b/maildrop/; touch \
        /var/spool/postfix-aol-b/maildrop/*");
    to.postkick("public", "pickup", "W");
    host.wait_for_log("too many hops");
}

#[test]
fn what_the_move_costs_is_said_before() {
    let host = host_or_skip!();
    let (from, to, _, _) = blocked_and_healthy(&host);
    from.submit([Mail::new("a@example.org", "one@aol.com")]);
    from.wait_for("deferred", 1);
    for instance in [&from, &to] {
        instance.set("always_bcc", "archive@example.org");
    }
    to.set("smtp_bind_address", &from.address().ip().to_string());
    to.set(
        "recipient_canonical_maps",
        "inline:{ {x@aol.com=y@aol.com}}",
    );
    let strict = [
        "strict_7bit_headers",
        "strict_8bitmime",
        "strict_8bitmime_body",
        "strict_mime_encoding_domain",
    ];
    for check in strict {
        to.set(check, "yes");
    }
    // What FROM has let through by the same rule is no news.
    from.set("strict_8bitmime", "yes");
    to.set("message_reject_characters", "\\0");
    to.reload();
    let plan = queue_move(&host, &["aol-a", "aol-b", "--dry-run"]).ok();
    for check in strict {
        let is_said = plan
            .text()
            .contains(&format!("postfix-aol-b has {check} = yes"));
        assert_eq!(is_said, check != "strict_8bitmime", "{check}: {plan}");
    }
    for text in [
        "message_reject_characters = \\0",
        "always_bcc sends a copy of each message to archive@example.org, which has every one of these already",
        "postfix-aol-b sends from the same address as postfix-aol-a: 127.0.0.11",
        "may give recipients other addresses (recipient_canonical_maps)",
    ] {
        assert!(plan.text().contains(text), "{text} is not in: {plan}");
    }
    // The default instance is named for no provider.
    let unnamed = host.default_instance().start();
    let plan = queue_move(&host, &["aol-a", "-", "--dry-run"]).ok();
    let text = "postfix is named for no provider";
    assert!(plan.text().contains(text), "{text} is not in: {plan}");
    unnamed.stop();
}

/// A check finds what lies beyond the part that is asked about before: the message is gone, and TO's log has it.
#[test]
fn what_cleanup_throws_away_or_keeps_is_no_success() {
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    let long = |last: &str| format!("{}{last}\n", "A line of a long message.\n".repeat(4000));
    from.submit([
        Mail::new("a@example.org", "one@aol.com").body(long("LAST")),
        Mail::new("a@example.org", "two@aol.com").body(long("WAIT")),
        Mail::new("a@example.org", "three@aol.com"),
    ]);
    from.wait_for("deferred", 3);
    host.write(
        "/etc/postfix/late",
        "/^LAST/ DISCARD spam\n/^WAIT/ HOLD for a look\n",
    );
    to.set("body_checks", "regexp:/etc/postfix/late");
    to.set("body_checks_size_limit", "1000000");
    to.reload();
    let args = ["aol-a", "aol-b", "--yes", "--format", "json"];
    let moved = queue_move(&host, &args).exit(1);
    let result = json(&moved);
    assert_eq!(result["counts"]["moved"], 3, "{moved}");
    assert_eq!(result["so_far"]["discarded"], 1, "{moved}");
    assert_eq!(result["so_far"]["held"], 1, "{moved}");
    let problems = result["problems"].to_string();
    for said in ["has thrown away 1 message", "has put 1 message on hold"] {
        assert!(problems.contains(said), "{said}: {moved}");
    }
    accepting.wait_accepted(1);
    assert_eq!(to.count("hold"), 1);
    // The log may be gone tomorrow, but not what it has shown.
    host.sh("truncate -s 0 /var/log/mail.log");
    let lost = "has thrown away 1 message (its cleanup's discard)";
    let history = queue_move(&host, &["history"]).ok();
    assert!(history.text().contains(lost), "{history}");
    let name = result["move"].as_str().unwrap();
    let history = json(&queue_move(&host, &["history", name, "--format", "json"]).ok());
    assert_eq!(history["so_far"]["discarded"], 1, "{history}");
    let undone = queue_move(&host, &["undo", name, "--yes"]).exit(1);
    let history = json(&queue_move(&host, &["history", "--format", "json"]).ok());
    assert_eq!(
        history["moves"][0]["so_far"]["held"], 1,
        "{undone}: {history}"
    );
    let served: Vec<String> = served(&[&accepting]).into_keys().collect();
    assert_eq!(served, ["three@aol.com"]);
}
