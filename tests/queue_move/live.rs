//! queue-move between instances of real Postfix.

use std::collections::BTreeMap;

use crate::TOOL;
use crate::hosts::{blocked_and_healthy, json, queue_move, served};
use testkit::{Answer, Mail, host_or_skip};

#[test]
fn deferred_mail_is_delivered_by_the_other_instance() {
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    let ids = from.submit([
        Mail::new("news@example.org", "one@aol.com"),
        Mail::new("news@example.org", "two@aol.com").to("three@aol.com"),
        Mail::new("", "bounce@aol.com"),
        Mail::new("news@example.org", "held@aol.com"),
    ]);
    from.wait_for("deferred", 4);
    from.postsuper(["-h", &ids[3]]);

    let plan = queue_move(&host, &["aol-a", "aol-b", "--dry-run"]).ok();
    assert!(
        plan.text()
            .contains("postfix-aol-a -> postfix-aol-b: 3 messages"),
        "{plan}"
    );
    assert_eq!(from.count("deferred"), 3);
    let refused = queue_move(&host, &["aol-a", "aol-b"]).exit(2);
    assert!(refused.errors().contains("--yes"), "{refused}");
    assert_eq!(from.count("deferred"), 3);

    let named = [
        "aol-a", "aol-b", "--yes", "--format", "json", "--name", "ours-1",
    ];
    let moved = queue_move(&host, &named).ok();
    let result = json(&moved);
    assert_eq!(result["move"], "ours-1");
    // Whoever names a move knows it by that: there is no second one.
    let again = queue_move(&host, &named).exit(2);
    assert!(
        again.errors().contains("there is a move called \"ours-1\""),
        "{again}"
    );
    for name in ["../x", "a b", ".x", ""] {
        queue_move(&host, &["aol-a", "aol-b", "--yes", "--name", name]).exit(2);
    }
    assert_eq!(result["schema"], "relay-tools/queue-move/1");
    assert_eq!(result["counts"]["moved"], 3, "{moved}");
    for message in result["messages"].as_array().unwrap() {
        let (old, new) = (&message["queue_id"], &message["new_queue_id"]);
        let line = format!("{}: uid=", new.as_str().unwrap());
        let log = host.mail_log();
        let line = log.lines().find(|l| l.contains(&line)).unwrap();
        assert!(
            line.ends_with(&format!("orig_id={}", old.as_str().unwrap())),
            "{line}"
        );
    }
    accepting.wait_accepted(4);
    to.wait_idle();
    let expected = [
        "bounce@aol.com",
        "one@aol.com",
        "three@aol.com",
        "two@aol.com",
    ];
    assert_eq!(
        served(&[&accepting]),
        expected.map(|r| (r.to_owned(), 1)).into()
    );
    assert_eq!(from.ids("hold"), [ids[3].clone()]);
    assert_eq!(from.ids("defer"), [ids[3].clone()]);
    assert_eq!((from.count("deferred"), to.count("maildrop")), (0, 0));
    let log = host.mail_log();
    assert!(
        log.contains(&format!("{}: moved to postfix-aol-b", ids[0])),
        "{log}"
    );
    assert!(!log.contains("into the future"), "{log}");
    let history = queue_move(&host, &["history"]).ok();
    assert!(
        history.text().contains("done: 3 messages, 3 moved"),
        "{history}"
    );
}

/// The recipients of message number `n`: single, several, some of them served by FROM already.
fn recipients(n: usize) -> Vec<String> {
    let domain = "aol.com";
    match n % 4 {
        0 | 1 => vec![format!("single{n}@{domain}")],
        2 => (0..5)
            .map(|r| format!("multiple{n}-{r}@{domain}"))
            .collect(),
        _ => vec![
            format!("partly{n}@{domain}"),
            format!("open{n}-a@{domain}"),
            format!("open{n}-b@{domain}"),
        ],
    }
}

#[test]
fn two_thousand_messages_while_the_queue_manager_retries() {
    const COUNT: usize = 2000;
    let host = host_or_skip!();
    let (blocking, accepting) = (host.sink(), host.sink());
    blocking.on_rcpt(|rcpt| match rcpt.recipient.as_str() {
        open if open.starts_with("open") => Answer::ok(),
        _ => Answer::text(451, "4.7.0 [TSS04] deferred"),
    });
    let from = host
        .instance("postfix-aol-a")
        .relay_to(&blocking)
        .param("minimal_backoff_time", "20s")
        .param("maximal_backoff_time", "30s")
        .param("queue_run_delay", "5s")
        .start();
    let to = host.instance("postfix-aol-b").relay_to(&accepting).start();
    let mail = |n: usize| {
        let all = recipients(n);
        let first = Mail::new("news@example.org", &all[0]);
        all[1..].iter().fold(first, |mail, rcpt| mail.to(rcpt))
    };
    let ids = from.submit((0..COUNT).map(mail));
    from.wait_until(testkit::PATIENCE, "all tried once", || {
        from.count("incoming") == 0 && from.count("defer") == COUNT
    });
    let held = &ids[..20];
    let partly = served(&[&blocking]).len();
    assert_eq!(partly, COUNT / 4 * 2, "served by FROM");
    for id in held {
        from.postsuper(["-h", id]);
    }
    let on_hold = from.ids("hold");
    assert!(on_hold.len() >= 15, "{}", on_hold.len());
    // New mail keeps coming, and the queue manager retries, until all is moved; what it has in hand is left for the
    // next round.
    let mut rounds = 0;
    let mut late = 0;
    loop {
        rounds += 1;
        assert!(rounds < 60, "{} are left", from.count("deferred"));
        let ran = queue_move(&host, &["aol-a", "aol-b", "--yes", "--format", "json"]);
        assert!(matches!(ran.code(), Some(0 | 1)), "{ran}");
        assert_eq!(json(&ran)["counts"]["failed"], 0, "{ran}");
        if rounds <= 5 {
            from.submit([Mail::new(
                "news@example.org",
                &format!("late{late}@aol.com"),
            )]);
            late += 1;
        }
        let left = from.count("deferred") + from.count("active") + from.count("incoming");
        if rounds > 5 {
            if left == 0 {
                break;
            }
            from.wait_idle();
        }
    }
    to.wait_idle();
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for (n, id) in ids.iter().enumerate() {
        let held = on_hold.contains(id);
        let open = |rcpt: &String| rcpt.starts_with("open");
        expected.extend(
            recipients(n)
                .into_iter()
                .filter(|r| !held || open(r))
                .map(|r| (r, 1)),
        );
    }
    expected.extend((0..late).map(|n| (format!("late{n}@aol.com"), 1)));
    let found = served(&[&blocking, &accepting]);
    let differing = |rcpt: &&String| found.get(*rcpt) != expected.get(*rcpt);
    let wrong: Vec<&String> = expected
        .keys()
        .chain(found.keys())
        .filter(differing)
        .collect();
    assert!(
        wrong.is_empty(),
        "{} wrong: {:?}",
        wrong.len(),
        &wrong[..wrong.len().min(5)]
    );
    // What was held before is as it was, with its defer logs; no other log is left.
    assert_eq!(from.ids("hold"), on_hold);
    assert_eq!(from.ids("defer"), on_hold);
    println!("moved in {rounds} rounds");
}

#[test]
fn killed_at_any_moment_and_resumed_or_undone() {
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    let mut sent = 0;
    for (round, verb) in ["resume", "undo", "resume", "undo", "resume"]
        .into_iter()
        .enumerate()
    {
        let mails = (0..150).map(|n| Mail::new("a@example.org", &format!("r{round}n{n}@aol.com")));
        sent += 150;
        from.submit(mails);
        from.wait_idle();
        let mut running = host
            .command(TOOL)
            .args(["aol-a", "aol-b", "--yes", "--no-wait"])
            .spawn();
        // Until it has begun to change something.
        host.wait_until(testkit::PATIENCE, "something to be held or moved", || {
            !running.is_running() || from.count("hold") + to.count("maildrop") > 0
        });
        running.kill();
        let ran = queue_move(&host, &[verb, "--yes"]);
        assert!(matches!(ran.code(), Some(0..=2)), "{ran}");
        assert_eq!(from.count("hold"), 0, "{ran}");
        to.wait_idle();
        queue_move(&host, &["aol-a", "aol-b", "--yes"]);
        to.wait_idle();
        from.wait_for("deferred", 0);
        accepting.wait_accepted(sent);
    }
    let served = served(&[&accepting]);
    assert_eq!(served.len(), sent);
    assert!(served.values().all(|times| *times == 1));
    assert_eq!(from.count("defer"), 0);
}

#[test]
fn an_interrupt_ends_with_1_and_says_how_to_go_on() {
    use nix::sys::signal::Signal;
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    from.submit((0..30).map(|n| Mail::new("a@example.org", &format!("n{n}@aol.com"))));
    from.wait_for("deferred", 30);
    let args = [
        "aol-a", "aol-b", "--yes", "--canary", "0", "--rate", "300/min",
    ];
    let mut running = host.command(TOOL).args(args).spawn();
    accepting.wait_accepted(3);
    // Meanwhile, another one is told who is at it.
    let second = queue_move(&host, &["aol-a", "aol-b", "--yes"]).exit(2);
    let told = second.errors();
    assert!(
        told.contains("another queue-move is working on postfix-aol-a"),
        "{told}"
    );
    assert!(
        told.contains("--rate 300/min") && told.contains("root"),
        "{told}"
    );
    running.signal(Signal::SIGINT);
    let ran = running.wait(testkit::PATIENCE).exit(1);
    assert!(ran.errors().contains("queue-move resume"), "{ran}");
    // All was held at once, so that FROM tried none of it meanwhile.
    let left = from.count("hold");
    assert!(left > 0 && left < 30, "{left}");
    assert_eq!(from.count("deferred"), 0);
    let history = queue_move(&host, &["history"]).ok();
    assert!(
        history.text().contains("unfinished: 30 messages"),
        "{history}"
    );
    queue_move(&host, &["resume", "--yes", "--rate", "6000/min"]).ok();
    accepting.wait_accepted(30);
    to.wait_idle();
    assert!(served(&[&accepting]).values().all(|times| *times == 1));
    let nothing = queue_move(&host, &["resume", "--yes"]).exit(2);
    assert!(
        nothing.errors().contains("there is no unfinished move"),
        "{nothing}"
    );
}

#[test]
fn undo_takes_back_what_pickup_has_not_taken() {
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    let ids = from.submit((0..20).map(|n| Mail::new("a@example.org", &format!("n{n}@aol.com"))));
    from.wait_for("deferred", 20);
    let before = from.postqueue();
    // A pickup that does not come round: TO is stopped in its tracks.
    let slow = host.instance("postfix-aol-c").relay_to(&accepting).start();
    let pids: Vec<String> = slow
        .processes()
        .iter()
        .map(|(pid, _)| pid.to_string())
        .collect();
    host.sh(&format!("kill -STOP {}", pids.join(" ")));
    queue_move(&host, &["aol-a", "aol-c", "--yes", "--no-wait"]).ok();
    assert_eq!(from.count("deferred"), 0);
    let undone = queue_move(&host, &["undo", "--yes"]).ok();
    assert!(undone.text().contains("20 put back"), "{undone}");
    assert_eq!((slow.count("maildrop"), from.count("hold")), (0, 0));
    let mut sorted = ids;
    sorted.sort();
    assert_eq!(from.ids("deferred"), sorted);
    assert_eq!(from.ids("defer"), sorted);
    // showq tells the same reasons as before: the defer logs are back.
    let reasons = |queue: &[serde_json::Value]| {
        let mut all: Vec<String> = queue
            .iter()
            .map(|m| format!("{} {}", m["queue_id"], m["recipients"]))
            .collect();
        all.sort();
        all
    };
    assert_eq!(reasons(&from.postqueue()), reasons(&before));
    host.sh(&format!("kill -CONT {}", pids.join(" ")));
    queue_move(&host, &["aol-a", "aol-b", "--yes"]).ok();
    to.wait_idle();
    accepting.wait_accepted(20);
    assert!(served(&[&accepting]).values().all(|times| *times == 1));
    // What TO has taken stays with TO.
    let late = queue_move(&host, &["undo", "--yes"]).exit(1);
    assert!(late.text().contains("TO already has it"), "{late}");
}

#[test]
fn between_two_file_systems() {
    let host = host_or_skip!();
    host.sh("mkdir -p /var/spool/postfix-aol-b && mount -t tmpfs tmpfs /var/spool/postfix-aol-b");
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    from.submit((0..50).map(|n| Mail::new("a@example.org", &format!("n{n}@aol.com")).size(10_000)));
    from.wait_for("deferred", 50);
    let moved = queue_move(&host, &["aol-a", "aol-b", "--yes", "--format", "json"]).ok();
    let result = json(&moved);
    assert_eq!(result["counts"]["moved"], 50);
    assert!(
        result["changes"]
            .to_string()
            .contains("different file systems"),
        "{moved}"
    );
    accepting.wait_accepted(50);
    to.wait_idle();
    assert!(served(&[&accepting]).values().all(|times| *times == 1));
    assert_eq!((from.count("hold"), from.count("defer")), (0, 0));
}

#[test]
fn what_senders_asked_for_survives() {
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    let eight_bit = |rcpt: &str| {
        Mail::new("ann@example.org", rcpt)
            .header("MIME-Version: 1.0")
            .header("Content-Type: text/plain; charset=iso-8859-1")
            .header("Content-Transfer-Encoding: 8bit")
            .body(b"Gr\xfc\xdfe \x80\xff\n.\n..\n".to_vec())
    };
    from.submit([
        Mail::new("jörg@example.org", "мария@aol.com"),
        Mail::new("dsn@example.org", "one@aol.com")
            .notify("failure")
            .ret("hdrs")
            .envid("envelope-1"),
        Mail::new("list@example.org", "two@aol.com").verp(),
        eight_bit("three@aol.com"),
    ]);
    from.wait_for("deferred", 4);
    let moved = queue_move(&host, &["aol-a", "aol-b", "--yes"]).ok();
    let told = "messages sent with SMTPUTF8, which Postfix forgets";
    assert!(moved.errors().contains(told), "{moved}");
    // TO sends the same mail by itself.
    to.submit([eight_bit("direct@aol.com")]);
    accepting.wait_accepted(5);
    to.wait_idle();
    let deliveries = accepting.deliveries();
    let to = |rcpt: &str| deliveries.iter().find(|d| d.recipient == rcpt).unwrap();
    let utf8 = to("мария@aol.com");
    assert_eq!(utf8.sender, "jörg@example.org");
    let dsn = to("one@aol.com");
    assert!(
        dsn.message
            .mail_params
            .contains("ENVID=envelope-1 RET=HDRS"),
        "{dsn:?}"
    );
    assert!(dsn.rcpt_params.contains("NOTIFY=FAILURE"), "{dsn:?}");
    let original = "ORCPT=rfc822;one@aol.com";
    assert!(dsn.rcpt_params.contains(original), "{dsn:?}");
    let body = |rcpt: &str| to(rcpt).message.body_hash;
    assert_eq!(body("three@aol.com"), body("direct@aol.com"));
    assert_eq!(to("two@aol.com").sender, "list+two=aol.com@example.org");
}
