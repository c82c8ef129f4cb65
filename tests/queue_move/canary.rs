//! A few messages go first: the others follow when TO has delivered them, and only then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::TOOL;
use crate::hosts::{blocked_and_healthy, json, queue_move, served};
use testkit::{Answer, Instance, Mail, host_or_skip};

fn submit(from: &Instance, count: usize) {
    from.submit((0..count).map(|n| {
        let domain = if n % 3 == 0 { "aol.com" } else { "aim.com" };
        Mail::new("a@example.org", &format!("n{n}@{domain}"))
    }));
    from.wait_for("deferred", count);
}

#[test]
fn the_others_follow_what_was_delivered() {
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    submit(&from, 25);
    let moved = queue_move(&host, &["aol-a", "aol-b", "--yes", "--format", "json"]).ok();
    let result = json(&moved);
    assert_eq!(result["canary"]["messages"], 5, "{moved}");
    assert_eq!(result["canary"]["sent"], 5, "{moved}");
    assert_eq!(result["counts"]["moved"], 25, "{moved}");
    accepting.wait_accepted(25);
    // The biggest domain's turn comes first, and each has one.
    let first: Vec<String> = accepting
        .deliveries()
        .iter()
        .take(5)
        .map(|d| d.recipient.clone())
        .collect();
    let of = |domain: &str| first.iter().filter(|rcpt| rcpt.ends_with(domain)).count();
    assert_eq!((of("@aim.com"), of("@aol.com")), (3, 2), "{first:?}");
    to.wait_idle();
    assert!(served(&[&accepting]).values().all(|times| *times == 1));
}

#[test]
fn what_is_deferred_as_before_stops_the_others() {
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    accepting.on_rcpt(|_| {
        Answer::text(
            421,
            "4.7.0 [TSS04] Messages from 127.0.0.12 temporarily deferred",
        )
    });
    submit(&from, 25);
    let stopped = queue_move(&host, &["aol-a", "aol-b", "--yes"]).exit(1);
    let told = stopped.text();
    assert!(told.contains("5 moved, 20 skipped"), "{stopped}");
    assert!(
        told.contains("[TSS04]") && told.contains("--canary 0"),
        "{stopped}"
    );
    assert_eq!((from.count("deferred"), from.count("hold")), (20, 0));
    assert_eq!(from.count("defer"), 20);
    // Nothing is left half-way, and another target may have them.
    let history = queue_move(&host, &["history"]).ok();
    assert!(
        history
            .text()
            .contains("done: 25 messages, 5 moved, 20 skipped"),
        "{history}"
    );
    accepting.on_rcpt(|_| Answer::ok());
    queue_move(&host, &["aol-a", "aol-b", "--yes", "--canary", "0"]).ok();
    accepting.wait_accepted(20);
    assert_eq!(from.count("deferred"), 0);
    assert_eq!(to.count("deferred"), 5);
}

/// Debian's own master.cf has such a transport: relay.
#[test]
fn a_transport_that_logs_under_a_name_of_its_own_hides_nothing() {
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    let dir = to.config_dir().display();
    host.sh(&format!(
        "postconf -c {dir} -P smtp/unix/syslog_name=postfix/elsewhere"
    ));
    to.reload();
    accepting.on_rcpt(|_| Answer::no_such_user());
    submit(&from, 6);
    let args = [
        "aol-a", "aol-b", "--yes", "--canary", "2", "--format", "json",
    ];
    let stopped = queue_move(&host, &args).exit(1);
    assert_eq!(json(&stopped)["canary"]["bounced"], 2, "{stopped}");
    assert_eq!(from.count("deferred"), 4, "{stopped}");
    // All of them went first, and none was delivered: that is no success either.
    let args = ["aol-a", "aol-b", "--yes", "--canary", "4"];
    let all = queue_move(&host, &args).exit(1);
    assert!(all.text().contains("4 bounced"), "{all}");
}

#[test]
fn what_is_returned_or_not_tried_stops_the_others() {
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    accepting.on_rcpt(|_| Answer::no_such_user());
    submit(&from, 6);
    let args = [
        "aol-a", "aol-b", "--yes", "--canary", "2", "--format", "json",
    ];
    let stopped = queue_move(&host, &args).exit(1);
    let result = json(&stopped);
    assert_eq!(result["canary"]["bounced"], 2, "{stopped}");
    assert_eq!(result["so_far"]["bounced"], 2, "{stopped}");
    assert_eq!(from.count("deferred"), 4, "{stopped}");
    // A queue manager that is stopped in its tracks tries nothing.
    let pid = to
        .processes()
        .into_iter()
        .find(|(_, name)| name == "qmgr")
        .unwrap()
        .0;
    host.sh(&format!("kill -STOP {pid}"));
    let args = [
        "aol-a",
        "aol-b",
        "--yes",
        "--canary",
        "1",
        "--canary-wait",
        "3s",
    ];
    let stopped = queue_move(&host, &args).exit(1);
    assert!(
        stopped
            .text()
            .contains("not tried by postfix-aol-b within 3 s"),
        "{stopped}"
    );
    assert_eq!(from.count("deferred"), 3, "{stopped}");
    // Nor is it a success without a canary: nobody has the message but pickup.
    let args = ["aol-a", "aol-b", "--yes", "--canary", "0", "--limit", "1"];
    let stuck = queue_move(&host, &args).exit(1);
    assert!(
        stuck
            .text()
            .contains("its log does not show that its queue manager has it"),
        "{stuck}"
    );
    host.sh(&format!("kill -CONT {pid}"));
    let args = ["aol-a", "aol-b", "--yes", "--canary", "1", "--no-wait"];
    let refused = queue_move(&host, &args).exit(2);
    assert!(
        refused.errors().contains("--no-wait was given"),
        "{refused}"
    );
    assert_eq!(from.count("deferred"), 2);
}

/// Whoever may run logger(1) says that both were sent, of one by its own queue id, of the other by one that he makes
/// up: they are in TO's queue, and the others stay where they are.
#[test]
fn forged_lines_let_no_canary_pass() {
    let host = host_or_skip!();
    let (from, _to, _, accepting) = blocked_and_healthy(&host);
    let is_over = Arc::new(AtomicBool::new(false));
    let is_done = Arc::clone(&is_over);
    accepting.on_rcpt(move |_| {
        for _ in 0..1200 {
            if is_done.load(Ordering::Relaxed) {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Answer::ok()
    });
    submit(&from, 6);
    let args = [
        "aol-a",
        "aol-b",
        "--yes",
        "--canary",
        "2",
        "--canary-wait",
        "20s",
        "--format",
        "json",
    ];
    let running = host.command(TOOL).args(args).spawn();
    let picked = || -> Vec<(String, String)> {
        let log = host.mail_log();
        let lines = log.lines().filter_map(|line| {
            let (_, line) = line.split_once("postfix-aol-b/pickup[")?;
            let (_, line) = line.split_once("]: ")?;
            let (new, line) = line.split_once(": ")?;
            let (_, old) = line.split_once("orig_id=")?;
            Some((new.to_owned(), old.trim().to_owned()))
        });
        lines.collect()
    };
    host.wait_until(testkit::PATIENCE, "pickup's lines", || picked().len() == 2);
    let forge = |program: &str, line: &str| {
        let tag = format!("postfix-aol-b/{program}[1]");
        let logger = host
            .command("logger")
            .args(["-p", "mail.info", "-t", &tag, "--"]);
        logger.arg(line).user("nobody").run().ok();
    };
    let sent = |id: &str| {
        let line = "to=<n0@aol.com>, relay=x[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)";
        forge("smtp", &format!("{id}: {line}"));
        forge("qmgr", &format!("{id}: removed"));
    };
    let both = picked();
    sent(&both[0].0);
    forge(
        "pickup",
        &format!("4F9A1: uid=1 from=<a@example.org> orig_id={}", both[1].1),
    );
    sent("4F9A1");
    let stopped = running.wait(testkit::PATIENCE).exit(1);
    is_over.store(true, Ordering::Relaxed);
    let canary = &json(&stopped)["canary"];
    assert_eq!(
        (&canary["sent"], &canary["messages"]),
        (&0.into(), &2.into()),
        "{stopped}"
    );
    assert_eq!(from.count("deferred"), 4, "{stopped}");
    // On a slow machine he may have come too late.
    if canary["not_known"] == 2 {
        let why = "postfix-aol-b's log says that 2 of them were sent, but they are in its queues";
        assert!(stopped.errors().contains(why), "{stopped}");
    }
    accepting.wait_accepted(2);
}
