//! What is done to a part of one instance's queue: flush, bounce, release.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use crate::hosts::{json, queue_move, served};
use testkit::{Answer, Host, Instance, Mail, Sink, host_or_skip};

/// An instance whose provider refuses everything for a while; what comes back to example.org is always taken.
fn blocked(host: &Host) -> (Instance, Sink, Arc<AtomicBool>) {
    let (sink, lifted) = (host.sink(), Arc::new(AtomicBool::new(false)));
    let is_lifted = Arc::clone(&lifted);
    sink.on_rcpt(move |rcpt| {
        match is_lifted.load(SeqCst) || rcpt.recipient.ends_with("@example.org") {
            true => Answer::ok(),
            false => Answer::text(421, "4.7.0 [TSS04] temporarily deferred"),
        }
    });
    let from = host.instance("postfix-aol-a").relay_to(&sink).start();
    (from, sink, lifted)
}

fn submit(from: &Instance, names: &[&str]) {
    from.submit(
        names
            .iter()
            .map(|name| Mail::new("news@example.org", &format!("{name}@aol.com"))),
    );
    from.wait_for("deferred", names.len());
    from.wait_idle();
}

#[test]
fn flush_tries_the_first_before_the_rest() {
    let host = host_or_skip!();
    let (from, sink, lifted) = blocked(&host);
    submit(&from, &["a", "b", "c", "d", "e", "f"]);
    let before = sink.answered_with(421);
    let stopped = queue_move(&host, &["flush", "aol-a", "--yes", "--canary", "2"]).exit(1);
    assert!(
        stopped.text().contains("6 selected, 2 done, 4 skipped"),
        "{stopped}"
    );
    assert!(
        stopped.text().contains("the first 2 were deferred again"),
        "{stopped}"
    );
    assert_eq!(sink.answered_with(421), before + 2, "{stopped}");
    assert_eq!(from.count("deferred"), 6);

    lifted.store(true, SeqCst);
    let dry = queue_move(
        &host,
        &["flush", "aol-a", "--recipient", "b@aol.com", "--dry-run"],
    )
    .ok();
    assert!(dry.text().contains("1 selected"), "{dry}");
    assert_eq!((from.count("deferred"), sink.accepted()), (6, 0));
    queue_move(
        &host,
        &["flush", "aol-a", "--recipient", "b@aol.com", "--yes"],
    )
    .ok();
    sink.wait_accepted(1);
    assert_eq!(sink.deliveries()[0].recipient, "b@aol.com");
    from.wait_for("deferred", 5);

    // Not all at once: at 120 a minute, the last of five comes two seconds after the first.
    let begun = std::time::Instant::now();
    let args = [
        "flush", "aol-a", "--yes", "--rate", "120", "--format", "json",
    ];
    let flushed = queue_move(&host, &args).ok();
    assert!(begun.elapsed() >= Duration::from_secs(2), "{flushed}");
    assert_eq!(json(&flushed)["counts"]["done"], 5, "{flushed}");
    sink.wait_accepted(6);
    assert!(served(&[&sink]).values().all(|times| *times == 1));

    from.stop();
    let refused = queue_move(&host, &["flush", "aol-a", "--yes"]).exit(2);
    assert!(
        refused.errors().contains("start it first: postfix -c"),
        "{refused}"
    );
}

#[test]
fn bounce_returns_the_selected_mail_alone() {
    let host = host_or_skip!();
    let (from, sink, _) = blocked(&host);
    from.submit([
        Mail::new("ann@example.org", "one@aol.com"),
        Mail::new("ann@example.org", "two@aol.com").to("other@aim.com"),
        Mail::new("bob@example.org", "kept@aim.com"),
    ]);
    from.wait_for("deferred", 3);
    from.wait_idle();
    let args = ["bounce", "aol-a", "--domain", "aol.com", "--dry-run"];
    let plan = queue_move(&host, &args).ok();
    let told = plan.errors();
    assert!(
        told.contains("ann@example.org (2)") && !told.contains("bob@"),
        "{plan}"
    );
    assert!(
        told.contains("aim.com (1); --whole leaves such messages out"),
        "{plan}"
    );
    assert_eq!(from.count("deferred"), 3);
    let asked = queue_move(&host, &["bounce", "aol-a", "--domain", "aol.com"]).exit(2);
    assert!(asked.errors().contains("--yes"), "{asked}");

    let whole = ["bounce", "aol-a", "--domain", "aol.com", "--whole", "--yes"];
    let returned = queue_move(&host, &whole).ok();
    assert!(returned.text().contains("1 selected, 1 done"), "{returned}");
    sink.wait_accepted(1);
    let notice = &sink.deliveries()[0];
    assert_eq!(
        (notice.recipient.as_str(), notice.sender.as_str()),
        ("ann@example.org", "")
    );
    from.wait_for("deferred", 2);
    queue_move(&host, &["bounce", "aol-a", "--domain", "aol.com", "--yes"]).ok();
    sink.wait_accepted(2);
    from.wait_for("deferred", 1);
    from.wait_idle();
    assert_eq!(sink.accepted(), 2, "{:?}", sink.deliveries());
    let log = host.mail_log();
    assert_eq!(log.matches("status=force-expired").count(), 2, "{log}");
}

#[test]
fn what_is_released_too_late_is_told_and_can_be_requeued() {
    let host = host_or_skip!();
    let (from, sink, lifted) = blocked(&host);
    submit(&from, &["old"]);
    let ids = from.ids("deferred");
    queue_move(&host, &["hold", "aol-a", "--yes"]).ok();
    assert_eq!(from.ids("hold"), ids);
    let release = ["release", "aol-a", "--dry-run"];
    let young = queue_move(&host, &release).ok();
    assert!(!young.errors().contains("lifetime"), "{young}");
    from.set("maximal_queue_lifetime", "1s");
    let words = "1 of the messages is older than the queue lifetime (maximal_queue_lifetime = 1s)";
    let is_told = || queue_move(&host, &release).ok().errors().contains(words);
    host.wait_until(
        Duration::from_secs(20),
        "the message to be too old",
        is_told,
    );
    from.set("maximal_queue_lifetime", "5d");
    from.reload();
    lifted.store(true, SeqCst);
    let fresh = queue_move(&host, &["release", "aol-a", "--fresh", "--yes"]).ok();
    assert!(fresh.errors().contains("a new queue lifetime"), "{fresh}");
    sink.wait_accepted(1);
    assert_eq!((from.count("hold"), from.count("defer")), (0, 0));
    host.wait_for_log(&format!("orig_id={}", ids[0]));
    assert_eq!(served(&[&sink]).get("old@aol.com"), Some(&1));
}

/// A syslog daemon that no longer reads blocks whoever writes to it in the usual way; a move is not held up.
#[test]
fn a_syslog_daemon_that_does_not_read_holds_nothing_up() {
    const COUNT: usize = 60;
    let host = host_or_skip!();
    let (from, _, lifted) = blocked(&host);
    let accepting = host.sink();
    let to = host.instance("postfix-aol-b").relay_to(&accepting).start();
    from.submit((0..COUNT).map(|n| Mail::new("a@example.org", &format!("n{n}@aol.com"))));
    from.wait_for("deferred", COUNT);
    from.wait_idle();
    let daemon = "cat /proc/[0-9]*/comm | grep -c rsyslogd";
    assert_eq!(host.sh(daemon).text().trim(), "1");
    let signal = |name: &str| {
        let script = "for p in /proc/[0-9]*; do \
                      [ \"$(cat $p/comm 2>/dev/null)\" = rsyslogd ] && kill -NAME ${p#/proc/}; done; true";
        host.sh(&script.replace("NAME", name));
    };
    signal("STOP");
    let moved = queue_move(
        &host,
        &["aol-a", "aol-b", "--yes", "--no-wait", "--format", "json"],
    );
    let result = json(&moved);
    assert_eq!(result["counts"]["moved"], COUNT, "{moved}");
    assert_eq!(from.count("deferred") + from.count("hold"), 0);
    signal("CONT");
    accepting.wait_accepted(COUNT);
    to.wait_idle();
    assert!(served(&[&accepting]).values().all(|times| *times == 1));
    drop(lifted);
}
