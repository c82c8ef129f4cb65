//! `postfix::queue` beside the programs of a running Postfix: `postqueue -j` for messages, `postcat` for records.

use super::checked::{check, instance, sink};
use super::fixtures::scan;
use postfix::queue::{Layout, Log, Queue, QueueId, Spool};
use testkit::{Instance, Mail};

fn numbered(count: u32) -> impl Iterator<Item = String> {
    (0..count).map(|n| format!("defer{n}@example.com"))
}

/// One of each kind that the queue can hold.
fn kinds() -> Vec<Mail> {
    vec![
        Mail::new("one@example.org", "defer@example.com"),
        Mail::new("three@example.org", "defer@example.com")
            .to_all(["defer@aol.com", "defer@msn.com"]),
        Mail::new("many@example.org", "defer@example.com").to_all(numbered(499)),
        Mail::new("partial@example.org", "ok@example.com")
            .to_all(["defer@example.com", "ok@aol.com"]),
        Mail::new("", "defer@example.com"),
        Mail::new(
            "jos\u{e9}@ex\u{e4}mple.org",
            "defer-\u{e9}@ex\u{e4}mple.com",
        ),
        Mail::new("dsn@example.org", "defer@example.com")
            .to("ok@example.com")
            .notify("success,delay")
            .ret("hdrs")
            .envid("QQ314159"),
        Mail::new("verp@example.org", "defer@example.com")
            .to("defer@aol.com")
            .verp(),
        Mail::new("big@example.org", "defer@example.com")
            .to("ok@example.com")
            .size(5_000_000),
        Mail::new("odd@example.org", "\"defer a b\"@example.com").to("\"defer\\\"q\"@example.com"),
        Mail::new("\"a b\"@example.org", "defer@example.com"),
        Mail::new("hold@example.org", "defer@example.com").to("ok@example.com"),
        Mail::new("expire@example.org", "defer@example.com"),
        Mail::new("both@example.org", "defer@example.com"),
    ]
}

/// Submits one of each kind, has some held and some expired, and waits until nothing moves.
fn load(instance: &Instance) {
    let ids = instance.submit(kinds());
    instance.sendmail(&Mail::new("local@example.org", "defer@example.com"));
    instance.wait_idle();
    instance.wait_for("deferred", ids.len() + 1);
    let [.., hold, expire, both] = ids.as_slice() else {
        panic!("three at least");
    };
    instance.postsuper(["-h", hold]).ok();
    instance.postsuper(["-e", expire]).ok();
    instance.postsuper(["-h", both]).ok();
    instance.postsuper(["-e", both]).ok();
}

#[test]
fn all_kinds_of_mail_with_short_ids() {
    let host = testkit::host_or_skip!();
    let sink = sink(&host);
    for (name, layout) in [
        ("postfix-flat", "none 1"),
        ("postfix-one", "deferred, defer 1"),
        (
            "postfix-two",
            "deferred, defer, hold, incoming, active, bounce 2",
        ),
    ] {
        let (instance, spool) = instance(&host, &sink, name, layout, false);
        load(&instance);
        check(&instance, &spool);
        instance.stop();
    }
}

#[test]
fn all_kinds_of_mail_with_long_ids() {
    let host = testkit::host_or_skip!();
    let sink = sink(&host);
    for (name, layout) in [
        ("postfix-flat", "none 1"),
        ("postfix-six", "deferred defer hold 6"),
    ] {
        let (instance, spool) = instance(&host, &sink, name, layout, true);
        load(&instance);
        check(&instance, &spool);
        instance.stop();
    }
}

#[test]
fn local_submissions_wait_in_maildrop() {
    let host = testkit::host_or_skip!();
    let instance = host
        .instance("postfix-aol-a")
        .without_service("pickup", "unix")
        .start();
    instance.sendmail(
        &Mail::new("a@example.org", "b@example.com")
            .notify("success")
            .envid("QQ1"),
    );
    instance.sendmail(&Mail::new("", "b@example.com"));
    instance.sendmail(&Mail::new("big@example.org", "b@example.com").size(300_000));
    let extracted = instance
        .command("sendmail")
        .args(["-t", "-f", "a@example.org"]);
    extracted
        .stdin("To: t1@example.com, t2@example.com\n\nhello\n")
        .run()
        .ok();
    assert_eq!(instance.count("maildrop"), 4);
    check(
        &instance,
        &Spool::new(instance.queue_dir(), Layout::default()),
    );
}

#[test]
fn files_at_the_depth_of_yesterday_are_found_though_postfix_does_not() {
    let host = testkit::host_or_skip!();
    let sink = sink(&host);
    let (instance, _) = instance(&host, &sink, "postfix-aol-a", "deferred, defer 1", false);
    instance.submit((0..5).map(|_| Mail::new("a@example.org", "defer@example.com")));
    instance.wait_for("deferred", 5);
    // Starting and reloading put files right; a showq that starts without either looks in vain.
    instance.set("hash_queue_depth", "2");
    assert_eq!(instance.postqueue().len(), 0);
    let spool = Spool::new(instance.queue_dir(), Layout::new("deferred, defer", 2));
    let (shown, tally) = host.enter(|| scan(&spool));
    assert_eq!((shown.len(), tally.messages, tally.misplaced), (0, 5, 5));
    assert_eq!(
        host.enter(|| spool.count(Queue::Deferred))
            .unwrap()
            .misplaced,
        5
    );
    assert_eq!(tally.problems.len(), 1);
    instance.postsuper(["-s"]).ok();
    check(&instance, &spool);
}

#[test]
fn logs_are_told() {
    let host = testkit::host_or_skip!();
    let sink = sink(&host);
    let instance = host.instance("postfix-aol-a").relay_to(&sink).start();
    let ids = instance.submit([Mail::new("a@example.org", "defer@example.com")]);
    instance.wait_for("deferred", 1);
    instance.wait_until(testkit::PATIENCE, "a defer log", || {
        instance.count("defer") == 1
    });
    let spool = Spool::new(instance.queue_dir(), Layout::default());
    let id = QueueId::new(&ids[0]).unwrap();
    let there = |log| host.enter(|| spool.has_log(log, &id)).unwrap();
    assert_eq!(Log::ALL.map(there), [true, false, false]);
    let holds = |queue: &Queue| host.enter(|| spool.holds(*queue, &id)).unwrap();
    assert_eq!(
        Queue::ALL.into_iter().filter(holds).collect::<Vec<_>>(),
        [Queue::Deferred]
    );
}
