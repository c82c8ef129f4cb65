//! What queue-move refuses, with the reason and the way out, and what it warns of.

use crate::hosts::{blocked_and_healthy, json, queue_move};
use testkit::{Answer, Host, Instance, Mail, host_or_skip};

/// It ends with 2, changes nothing, and says all of `says`.
#[track_caller]
fn refuses(host: &Host, from: &Instance, args: &[&str], says: &[&str]) {
    let before = from.ids("deferred");
    let args = [args, &["--yes"]].concat();
    let ran = queue_move(host, &args).exit(2);
    let told = ran.errors();
    for text in says {
        assert!(told.contains(text), "{text} is not in: {told}");
    }
    assert!(told.contains("hint: "), "no way out: {told}");
    assert!(ran.stdout.is_empty(), "{ran}");
    assert_eq!(from.ids("deferred"), before);
}

#[test]
fn moves_that_would_swallow_or_harm_mail() {
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    from.submit([Mail::new("a@example.org", "b@aol.com")]);
    from.wait_for("deferred", 1);

    refuses(
        &host,
        &from,
        &["aol-a", "aol-a"],
        &["cannot be moved to itself"],
    );
    // An option in front of the verb would be passed over: all mail held, though only that of one domain was meant.
    for option in [&["--dry-run"][..], &["--domain", "msn.com"]] {
        let args = [option, &["hold", "aol-a"]].concat();
        refuses(&host, &from, &args, &[option[0], "write it behind hold"]);
    }
    refuses(
        &host,
        &from,
        &["aol-a", "nosuch"],
        &["nosuch", "postfix-aol-b"],
    );
    refuses(
        &host,
        &from,
        &["aol-a", "aol-*"],
        &["names several instances"],
    );
    refuses(
        &host,
        &from,
        &["aol-a", "aol-b", "--queue", "active"],
        &["active queue cannot be moved"],
    );
    refuses(
        &host,
        &from,
        &["aol-a", "aol-b", "--provider", "nosuch"],
        &["--provider"],
    );

    let msn = host.instance("postfix-msn-a").relay_to(&accepting).start();
    refuses(
        &host,
        &from,
        &["aol-a", "msn-a"],
        &[
            "postfix-aol-a sends to aol, postfix-msn-a to msn",
            "--cross-provider",
        ],
    );
    let crossed = queue_move(&host, &["aol-a", "msn-a", "--cross-provider", "--dry-run"]).ok();
    assert!(
        crossed
            .text()
            .contains("warning: postfix-aol-a sends to aol"),
        "{crossed}"
    );

    msn.stop();
    let args = ["aol-a", "msn-a", "--cross-provider"];
    refuses(
        &host,
        &from,
        &args,
        &[
            "postfix-msn-a is not running",
            "postfix -c /etc/postfix-msn-a start",
        ],
    );

    let deaf = host
        .instance("postfix-aol-c")
        .without_service("pickup", "unix")
        .start();
    refuses(&host, &from, &["aol-a", "aol-c"], &["no pickup service"]);
    deaf.stop();

    let disabled = host
        .instance("postfix-aol-d")
        .param("master_service_disable", "pickup/unix")
        .start();
    refuses(&host, &from, &["aol-a", "aol-d"], &["no pickup service"]);
    disabled.stop();

    host.sh("useradd -r otherpostfix 2>/dev/null || true");
    let other = host.instance("postfix-aol-e").create();
    other.set("mail_owner", "otherpostfix");
    refuses(
        &host,
        &from,
        &["aol-a", "aol-e"],
        &["belongs to postfix, that of postfix-aol-e to otherpostfix"],
    );

    let short = host
        .instance("postfix-aol-f")
        .param("line_length_limit", "512")
        .start();
    refuses(
        &host,
        &from,
        &["aol-a", "aol-f"],
        &["line_length_limit is 2048 in postfix-aol-a but 512"],
    );
    short.stop();

    host.sh("ln -s /var/spool/postfix-aol-a /var/spool/link");
    let linked = host.instance("postfix-aol-g").create();
    linked.set("queue_directory", "/var/spool/link");
    refuses(
        &host,
        &from,
        &["aol-a", "aol-g"],
        &["postfix-aol-a and postfix-aol-g have the same queue directory"],
    );
    refuses(
        &host,
        &from,
        &["aol-a", "aol-b"],
        &["same queue directory", "/var/spool/postfix-aol-a"],
    );
    linked.set("queue_directory", "/var/spool/postfix-aol-g");

    to.set("hash_queue_depth", "deep");
    refuses(
        &host,
        &from,
        &["aol-a", "aol-b"],
        &["postfix-aol-b: its configuration is not reliable"],
    );
    to.set("hash_queue_depth", "1");

    let nobody = host
        .command(crate::TOOL)
        .args(["aol-a", "aol-b", "--yes"])
        .user("nobody")
        .run()
        .exit(2);
    assert!(nobody.errors().contains("root"), "{nobody}");
}

#[test]
fn the_plan_tells_what_is_skipped_changed_and_to_be_known() {
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    from.set(
        "smtpd_sender_restrictions",
        "check_sender_access inline:{ {filtered@example.org=FILTER \
        smtp:[127.0.0.9]:25} {redirected@example.org=REDIRECT elsewhere@aol.com} }",
    );
    from.reload();
    let ids = from.submit([
        Mail::new("plain@example.org", "a@aol.com"),
        Mail::new("filtered@example.org", "b@aol.com"),
        Mail::new("redirected@example.org", "c@aol.com"),
        Mail::new("expired@example.org", "d@aol.com"),
        Mail::new("held@example.org", "e@aol.com"),
    ]);
    from.wait_for("deferred", 5);
    // Expired while it is not looked at: a retry would return it at once.
    let path = from.file(&ids[3]).unwrap();
    host.sh(&format!("chmod 0710 {}", path.display()));
    from.postsuper(["-h", &ids[4]]);
    accepting.on_rcpt(|_| Answer::later());
    to.submit([Mail::new("x@example.org", "y@aol.com")]);
    to.wait_for("deferred", 1);

    let plan = queue_move(&host, &["aol-a", "aol-b", "--dry-run"]).ok();
    for text in [
        "postfix-aol-a -> postfix-aol-b: 3 messages",
        "1  an admin has marked it to be returned to the sender",
        "messages that lose a FILTER action, or content_filter, recorded for them: 1",
        "messages that lose a REDIRECT action, and go to their own recipients: 1",
        "a new queue id",
        "expiry clock",
        "warning: postfix-aol-b is itself deferring mail for aol.com (1)",
    ] {
        assert!(plan.text().contains(text), "{text} is not in: {plan}");
    }
    let named = queue_move(
        &host,
        &[
            "aol-a",
            "aol-b",
            "--dry-run",
            "--format",
            "json",
            "--id",
            &ids[4],
        ],
    )
    .ok();
    let message = &json(&named)["messages"][0];
    assert_eq!(message["action"], "skip");
    assert!(
        message["why"].as_str().unwrap().contains("already on hold"),
        "{named}"
    );
    let one = queue_move(
        &host,
        &[
            "aol-a",
            "aol-b",
            "--dry-run",
            "--format",
            "json",
            "--sender",
            "plain@example.org",
        ],
    )
    .ok();
    assert_eq!(json(&one)["counts"]["selected"], 1);
    assert_eq!(json(&one)["messages"][0]["result"], serde_json::Value::Null);
    assert_eq!((from.count("deferred"), from.count("hold")), (4, 1));

    // And so it comes to pass.
    accepting.on_rcpt(|_| Answer::ok());
    let moved = queue_move(&host, &["aol-a", "aol-b", "--yes"]).exit(1);
    assert!(
        moved.text().contains("4 selected, 3 moved, 1 skipped"),
        "{moved}"
    );
    accepting.wait_accepted(3);
    let mut served: Vec<String> = accepting
        .deliveries()
        .into_iter()
        .map(|d| d.recipient)
        .collect();
    served.sort();
    assert_eq!(served, ["a@aol.com", "b@aol.com", "c@aol.com"]);
    assert_eq!(from.ids("deferred"), [ids[3].clone()]);
}

#[test]
fn hold_release_and_clean() {
    let host = host_or_skip!();
    let (from, _, _, _) = blocked_and_healthy(&host);
    let ids = from.submit([
        Mail::new("a@example.org", "a@aol.com"),
        Mail::new("b@example.org", "b@aol.com"),
    ]);
    from.wait_for("deferred", 2);
    queue_move(
        &host,
        &["hold", "aol-a", "--sender", "a@example.org", "--yes"],
    )
    .ok();
    assert_eq!(from.ids("hold"), [ids[0].clone()]);
    assert_eq!(from.count("defer"), 2);
    let dry = queue_move(&host, &["clean", "aol-a", "--dry-run"]).ok();
    assert!(dry.text().contains("0 selected"), "{dry}");
    let orphan = from.queue_dir().join("defer/B/B0001AA");
    host.write(&orphan, "\nrecipient=x@y\nreason=z\n\n");
    let cleaned = queue_move(&host, &["clean", "aol-a", "--yes", "--format", "json"]).ok();
    assert_eq!(json(&cleaned)["messages"][0]["queue_id"], "B0001AA");
    assert_eq!(from.count("defer"), 2);
    queue_move(&host, &["release", "aol-a", "--yes"]).ok();
    assert_eq!(
        (
            from.count("hold"),
            from.count("deferred") + from.count("active")
        ),
        (0, 2)
    );
}

#[test]
fn another_host_s_image_with_no_postfix_running() {
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    from.submit((0..5).map(|n| Mail::new("a@example.org", &format!("n{n}@aol.com"))));
    from.wait_for("deferred", 5);
    from.stop();
    to.stop();
    host.sh(
        "mkdir -p /run/image/var/lib && cp -a /etc /run/image/ && cp -a /var/spool /run/image/var/",
    );
    let moved = queue_move(&host, &["--root", "/run/image", "aol-a", "aol-b", "--yes"]).ok();
    assert!(
        moved
            .errors()
            .contains("postfix-aol-b is not running; its pickup will take the mail when it starts"),
        "{moved}"
    );
    assert!(moved.text().contains("5 moved"), "{moved}");
    let history = queue_move(&host, &["history", "--root", "/run/image"]).ok();
    assert!(history.text().contains("5 moved"), "{history}");
    assert_eq!(from.count("deferred"), 5);
    // The image becomes the host's spool again, and TO starts.
    host.sh("rm -rf /var/spool/postfix-aol-a /var/spool/postfix-aol-b && cp -a /run/image/var/spool/postfix-aol-? \
        /var/spool/");
    assert_eq!((from.count("deferred"), to.count("maildrop")), (0, 5));
    to.start();
    accepting.wait_accepted(5);
}
