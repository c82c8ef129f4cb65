//! queue-move between instances of real Postfix.
#![allow(clippy::unwrap_used, reason = "a test has nothing better to do")]

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use testkit::{Answer, Host, Instance, Mail, Ran, Sink, host_or_skip};

const TOOL: &str = env!("CARGO_BIN_EXE_queue-move");

/// Runs queue-move in a host.
fn queue_move(host: &Host, args: &[&str]) -> Ran {
    host.command(TOOL)
        .args(args)
        .timeout(Duration::from_secs(300))
        .run()
}

fn json(ran: &Ran) -> Value {
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran}"))
}

/// A host with a blocked instance and a healthy one: FROM, TO, and where TO's mail arrives.
fn blocked_and_healthy(host: &Host) -> (Instance, Instance, Sink, Sink) {
    let (blocking, accepting) = (host.sink(), host.sink());
    blocking.on_rcpt(|_| {
        Answer::text(
            421,
            "4.7.0 [TSS04] Messages from 127.0.0.11 temporarily deferred",
        )
    });
    let from = host.instance("postfix-aol-a").relay_to(&blocking).start();
    let to = host.instance("postfix-aol-b").relay_to(&accepting).start();
    (from, to, blocking, accepting)
}

/// How often each recipient was served.
fn served(sinks: &[&Sink]) -> BTreeMap<String, usize> {
    let mut served = BTreeMap::new();
    for delivery in sinks.iter().flat_map(|sink| sink.deliveries()) {
        *served.entry(delivery.recipient).or_insert(0) += 1;
    }
    served
}

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

    let moved = queue_move(&host, &["aol-a", "aol-b", "--yes", "--format", "json"]).ok();
    let result = json(&moved);
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
