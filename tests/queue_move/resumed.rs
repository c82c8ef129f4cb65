//! A move that goes on later, or by the clock: TO may have changed in the meantime.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::TOOL;
use crate::hosts::{blocked_and_healthy, json, queue_move, served};
use crate::restarts::killed_at;
use nix::sys::signal::Signal;
use testkit::{Answer, Host, Instance, Mail, Ran, Sink, host_or_skip};

fn submit(from: &Instance, count: usize) {
    from.submit((0..count).map(|n| Mail::new("a@example.org", &format!("n{n}@aol.com"))));
    from.wait_for("deferred", count);
}

/// A move or resume, interrupted when TO's sink has accepted so many in all.
fn interrupted(host: &Host, args: &[&str], accepting: &Sink, at: usize) -> Ran {
    let mut running = host.command(TOOL).args(args).spawn();
    accepting.wait_accepted(at);
    running.signal(Signal::SIGINT);
    running.wait(testkit::PATIENCE).exit(1)
}

fn blocked() -> Answer {
    Answer::text(
        421,
        "4.7.0 [TSS04] Messages from 127.0.0.12 temporarily deferred",
    )
}

#[test]
fn a_resume_asks_to_and_sends_a_canary_as_a_move_does() {
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    submit(&from, 30);
    let rate = ["--rate", "300/min", "--format", "json"];
    let begin = ["aol-a", "aol-b", "--yes", "--canary", "0"];
    interrupted(&host, &[&begin[..], &rate].concat(), &accepting, 2);
    let held = from.count("hold");
    assert!(held > 21, "{held}");

    // TO would throw the rest away now.
    to.set("transport_maps", "inline:{ {aol.com=discard:}}");
    to.reload();
    let refused = queue_move(&host, &["resume", "--yes"]).exit(2);
    let told = format!("throw {held} of the recipients (aol.com) away");
    assert!(refused.errors().contains(&told), "{refused}");
    let plan = queue_move(&host, &["resume", "--dry-run"]).exit(2);
    assert!(plan.errors().contains(&told), "{plan}");
    assert_eq!(from.count("hold"), held);
    to.set("transport_maps", "");
    to.set("always_bcc", "archive@example.org");
    to.reload();
    let plan = queue_move(&host, &["resume", "--dry-run"]).ok();
    assert!(
        plan.text().contains("warning: postfix-aol-b's always_bcc"),
        "{plan}"
    );
    to.set("always_bcc", "");
    to.reload();

    // It refuses the mail as FROM's provider did.
    to.wait_idle();
    let before = accepting.deliveries().len();
    accepting.on_rcpt(|_| blocked());
    let stopped = queue_move(&host, &[&["resume", "--yes"][..], &rate].concat()).exit(1);
    let result = json(&stopped);
    assert_eq!(result["canary"]["deferred"], 5, "{stopped}");
    assert_eq!(from.count("hold"), held - 5, "{stopped}");
    assert!(stopped.errors().contains("--canary 0"), "{stopped}");
    assert!(stopped.errors().contains("[TSS04]"), "{stopped}");
    assert_eq!(result["state"], "unfinished", "{stopped}");
    assert_eq!(accepting.deliveries().len(), before);
    let undo = queue_move(&host, &["undo", "--canary", "1", "--yes"]).exit(2);
    assert!(
        undo.errors().contains("--canary cannot be used with undo"),
        "{undo}"
    );

    // A canary that was stopped is sent again; one that was delivered is not, while TO is as it was.
    accepting.on_rcpt(|_| Answer::ok());
    let again = [&["resume", "--yes", "--canary", "3"][..], &rate].concat();
    let sent = interrupted(&host, &again, &accepting, before + 4);
    assert_eq!(json(&sent)["canary"]["sent"], 3, "{sent}");
    let sent = interrupted(&host, &again, &accepting, before + 7);
    assert!(json(&sent).get("canary").is_none(), "{sent}");
    to.set("smtp_helo_timeout", "299s");
    to.reload();
    let done = queue_move(&host, &[&again[..4], &["--rate", "6000/min"]].concat()).exit(0);
    assert!(
        done.text()
            .contains("canary: 3 messages went first: 3 sent"),
        "{done}"
    );
    from.wait_for("hold", 0);
    to.flush();
    accepting.wait_accepted(30);
    to.wait_idle();
    let served = served(&[&accepting]);
    assert_eq!(served.len(), 30);
    assert!(served.values().all(|times| *times == 1));
}

/// Moves 30 messages by the clock to a TO that delivers the first six, and then answers with this.
#[track_caller]
fn stops(
    host: &Host,
    (from, to, accepting): (&Instance, &Instance, &Sink),
    answer: fn() -> Answer,
    says: &str,
) {
    submit(from, 30);
    let seen = Arc::new(AtomicUsize::new(0));
    accepting.on_rcpt(move |_| match seen.fetch_add(1, Ordering::SeqCst) {
        ..6 => Answer::ok(),
        _ => answer(),
    });
    let args = [
        "aol-a", "aol-b", "--yes", "--rate", "120/min", "--canary", "2",
    ];
    let stopped = queue_move(host, &args).exit(1);
    let text = stopped.text();
    assert!(
        text.contains("has begun to refuse mail for aol.com"),
        "{stopped}"
    );
    assert!(text.contains(says), "{stopped}");
    let held = from.count("hold");
    assert!(held >= 10, "{held}: {stopped}");
    assert!(
        text.contains(&format!("{held} messages stay on hold in postfix-aol-a")),
        "{stopped}"
    );
    assert!(
        text.contains("queue-move resume ") && text.contains("queue-move undo "),
        "{stopped}"
    );
    assert_eq!((from.count("deferred"), to.count("maildrop")), (0, 0));
    // The rest goes on at the same rate.
    accepting.on_rcpt(|_| Answer::ok());
    let plan = queue_move(host, &["resume", "--dry-run"]).ok();
    assert!(plan.text().contains("at 120 a minute"), "{plan}");
    queue_move(host, &["undo", "--yes"]);
    assert_eq!(from.count("hold"), 0);
    host.sh("postsuper -c /etc/postfix-aol-a -d ALL deferred; postsuper -c /etc/postfix-aol-b -d ALL deferred");
}

#[test]
fn a_drip_stops_when_the_target_begins_to_refuse() {
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    let three = (&from, &to, &accepting);
    stops(&host, three, blocked, "[TSS04]");
    stops(
        &host,
        three,
        Answer::no_such_user,
        "was returned to its sender",
    );
}

/// TO defers what it gets, in a way that a drip bears (greylisting), and a user of the host logs that it was sent: it
/// is in TO's deferred queue still, and no more is sent.
#[test]
fn a_drip_believes_no_line_of_what_is_in_the_deferred_queue() {
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    submit(&from, 12);
    let (seen, gate) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let (seen_by, opened) = (Arc::clone(&seen), Arc::clone(&gate));
    accepting.on_rcpt(move |_| {
        seen_by.fetch_add(1, Ordering::SeqCst);
        let open = || opened.load(Ordering::SeqCst);
        testkit::wait_until(testkit::PATIENCE, "the forger to be ready", open);
        Answer::text(450, "4.2.0 Greylisted, see http://postgrey.schweikert.ch/")
    });
    let args = [
        "aol-a", "aol-b", "--yes", "--rate", "120/min", "--canary", "0",
    ];
    let mut running = host.command(TOOL).args(args).spawn();
    host.wait_until(testkit::PATIENCE, "TO to try three", || {
        seen.load(Ordering::SeqCst) >= 3
    });
    // It has seen none of them tried yet, and sees both lines of each at once.
    running.signal(Signal::SIGSTOP);
    gate.store(true, Ordering::SeqCst);
    let deferred = || -> Vec<String> {
        let log = host.mail_log();
        let lines = log.lines().filter(|line| line.contains("status=deferred"));
        let ids = lines.filter_map(|line| {
            let (_, line) = line.split_once("postfix-aol-b/smtp[")?;
            Some(line.split(": ").nth(1)?.to_owned())
        });
        ids.collect()
    };
    let all = seen.load(Ordering::SeqCst);
    host.wait_until(testkit::PATIENCE, "TO to have deferred them", || {
        deferred().len() >= all && to.count("deferred") >= all
    });
    let line = "to=<n0@aol.com>, relay=x[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 forged)";
    let ids = deferred();
    for id in &ids {
        let rcpt = host.mail_log();
        let rcpt = rcpt
            .lines()
            .find(|line| line.contains(&format!("{id}: to=<")));
        let rcpt = rcpt.and_then(|line| line.split_once("to=<")?.1.split_once('>'));
        let line = line.replace("n0@aol.com", rcpt.unwrap().0);
        let logger =
            host.command("logger")
                .args(["-p", "mail.info", "-t", "postfix-aol-b/smtp[1]", "--"]);
        logger
            .arg(format!("{id}: {line}"))
            .user("nobody")
            .run()
            .ok();
    }
    let forged = || host.mail_log().matches("250 forged").count();
    host.wait_until(testkit::PATIENCE, "his lines", || forged() >= ids.len());
    running.signal(Signal::SIGCONT);
    let stopped = running.wait(testkit::PATIENCE).exit(1);
    let says = "its log says that it was sent, but it is in the deferred queue";
    assert!(
        stopped.text().contains(says) || stopped.errors().contains(says),
        "{stopped}"
    );
    assert!(from.count("hold") > 0, "{stopped}");
}

/// The admin releases what is held, FROM begins to deliver it to a server that answers late, and he holds it again.
fn taken_and_held_again(from: &Instance, blocking: &Sink, count: usize, until: &Arc<AtomicBool>) {
    let gate = Arc::clone(until);
    let before = blocking.connections();
    blocking.on_rcpt(move |_| {
        let open = || gate.load(Ordering::SeqCst);
        testkit::wait_until(testkit::PATIENCE, "the server to answer", open);
        Answer::ok()
    });
    from.postsuper(["-H", "ALL"]);
    from.flush();
    from.wait_until(testkit::PATIENCE, "FROM to be delivering", || {
        let sessions = blocking.connections() - before;
        usize::try_from(sessions).unwrap_or(0) >= count
    });
    from.postsuper(["-h", "ALL"]);
    assert_eq!(from.count("hold"), count);
}

/// FROM is delivering what is on hold: by the clock, after a resume, and by `release --fresh`, nobody takes it.
#[test]
fn what_from_is_delivering_is_sent_by_nobody_else() {
    const COUNT: usize = 3;
    let host = host_or_skip!();
    let (from, to, blocking, accepting) = blocked_and_healthy(&host);
    from.set("default_destination_concurrency_failed_cohort_limit", "0");
    from.reload();
    submit(&from, COUNT);
    from.wait_idle();
    // Killed with all of them on hold; what it holds it would send later.
    killed_at(
        &host,
        ("unlinkat", 1),
        &["aol-a", "aol-b", "--yes", "--canary", "0", "--no-wait"],
    );
    assert_eq!(from.count("hold"), COUNT);
    let answers = Arc::new(AtomicBool::new(false));
    taken_and_held_again(&from, &blocking, COUNT, &answers);
    let resumed = queue_move(&host, &["resume", "--yes", "--canary", "0"]);
    assert!(resumed.text().contains("being delivered"), "{resumed}");
    let fresh = queue_move(&host, &["release", "aol-a", "--fresh", "--yes"]);
    assert!(fresh.text().contains("being delivered"), "{fresh}");
    assert_eq!((from.count("hold"), to.count("maildrop")), (COUNT, 0));
    answers.store(true, Ordering::SeqCst);
    blocking.wait_accepted(COUNT);
    to.wait_idle();
    let served = served(&[&blocking, &accepting]);
    assert_eq!(served.len(), COUNT);
    assert!(served.values().all(|times| *times == 1), "{served:?}");
}
