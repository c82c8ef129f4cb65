//! `postfix::queue` beside the programs of a running Postfix: `postqueue -j` for messages, `postcat` for records.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod queue_common;

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::Duration;

use postfix::queue::{
    Detail, IdParts, Layout, Log, Queue, QueueFile, QueueId, RecipientState, ScanOptions,
    ShowqOptions, Spool,
};
use queue_common::milter;
use queue_common::{assert_same, scan, sorted};
use testkit::{Answer, Host, Instance, Mail, Sink};

/// An instance with a layout of its own, and the spool that we see for it.
fn instance(host: &Host, sink: &Sink, name: &str, layout: &str, long: bool) -> (Instance, Spool) {
    let (names, depth) = layout.rsplit_once(' ').unwrap();
    let instance = host
        .instance(name)
        .relay_to(sink)
        .param("hash_queue_names", names)
        .param("hash_queue_depth", depth)
        .param("enable_long_queue_ids", if long { "yes" } else { "no" })
        .param("smtpd_recipient_limit", "1000")
        .param("smtpd_authorized_verp_clients", "127.0.0.0/8")
        .param("message_size_limit", "20000000")
        .start();
    let layout = Layout::new(names, depth.parse().unwrap());
    let spool = Spool::new(instance.queue_dir(), layout);
    (instance, spool)
}

/// A sink that puts off who has "defer" in the address, with a reply that needs care.
fn sink(host: &Host) -> Sink {
    let sink = host.sink();
    sink.on_rcpt(|rcpt| {
        if rcpt.recipient.contains("defer") {
            Answer::text(
                450,
                "4.2.1 \"q\" \\b caf\u{e9} <x>: try\tlater and \u{1b}[2J more",
            )
        } else {
            Answer::ok()
        }
    });
    sink
}

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

/// Our view of the whole spool is that of postqueue and postcat.
fn check(instance: &Instance, spool: &Spool) {
    let name = instance.name();
    let (ours, tally) = instance.host().enter(|| scan(spool));
    assert_same(name, &ours, &sorted(instance.postqueue()));
    assert_eq!(tally.problems, [], "{name}");
    assert_eq!((tally.vanished, tally.misplaced), (0, 0), "{name}");

    for queue in Queue::SHOWN {
        let counted = instance.host().enter(|| spool.count(queue)).unwrap();
        assert_eq!(
            counted.messages,
            instance.count(queue.name()) as u64,
            "{name} {queue}"
        );
        for file in files(instance, spool, queue) {
            check_records(instance, &file);
            check_log(instance, spool, &file);
        }
    }
}

fn files(instance: &Instance, spool: &Spool, queue: Queue) -> Vec<QueueFile> {
    let found = Mutex::new(Vec::new());
    let each = |file| {
        found.lock().unwrap().push(file);
        ControlFlow::Continue(())
    };
    let options = ScanOptions::default();
    let scanned = instance
        .host()
        .enter(|| spool.scan(queue, Detail::Envelope, &options, each));
    scanned.unwrap();
    found.into_inner().unwrap()
}

/// The recipients, their offsets and states, and the sender are those that postcat(1) prints.
fn check_records(instance: &Instance, file: &QueueFile) {
    let id = file.id.as_str();
    let printed = instance
        .command("postcat")
        .args(["-oeq", id])
        .run()
        .ok()
        .text();
    let records = |name: &str| -> Vec<(u64, String)> {
        let of_kind = |line: &str| {
            let (offset, record) = line.trim_start().split_once(' ')?;
            let value = record.strip_prefix(name)?.strip_prefix(": ")?;
            Some((offset.parse().ok()?, value.to_owned()))
        };
        printed.lines().filter_map(of_kind).collect()
    };
    let ours = |state: RecipientState| -> Vec<(u64, String)> {
        let of_state = file.envelope.recipients.iter().filter(|r| r.state == state);
        let shown = of_state.map(|r| (r.offset, String::from_utf8_lossy(&r.address).into_owned()));
        shown.collect()
    };
    assert_eq!(ours(RecipientState::ToDo), records("recipient"), "{id}");
    assert_eq!(
        ours(RecipientState::Done),
        records("done_recipient"),
        "{id}"
    );
    assert_eq!(
        ours(RecipientState::Canceled),
        records("canceled_recipient"),
        "{id}"
    );
    let orig = |r: &postfix::queue::Recipient| r.orig_address.clone().map(String::from_utf8);
    let orig: Vec<String> = file
        .envelope
        .recipients
        .iter()
        .filter_map(orig)
        .map(|text| text.unwrap())
        .collect();
    let printed_orig: Vec<String> = records("original_recipient")
        .into_iter()
        .map(|(_, value)| value)
        .collect();
    assert_eq!(orig, printed_orig, "{id}");
    let sender = String::from_utf8_lossy(file.envelope.sender.as_deref().unwrap()).into_owned();
    assert_eq!(
        [sender],
        records("sender")
            .into_iter()
            .map(|(_, value)| value)
            .collect::<Vec<_>>()[..]
    );
    for (name, value) in file.envelope.attributes() {
        let pair = format!(
            "{}={}",
            String::from_utf8_lossy(name),
            String::from_utf8_lossy(value)
        );
        assert!(
            printed.contains(&format!("named_attribute: {pair}\n")),
            "{id}: {pair}"
        );
    }
    assert!(file.envelope.complete, "{id}");
}

/// Each deferral names by its offset the recipient that it is of, and the id its inode.
fn check_log(instance: &Instance, spool: &Spool, file: &QueueFile) {
    let options = ShowqOptions::default();
    let message = instance
        .host()
        .enter(|| spool.message(file.queue, &file.id, &options));
    let message = message.value.unwrap();
    for shown in &message.recipients {
        let Some(deferral) = &shown.deferral else {
            continue;
        };
        assert_eq!(deferral.dsn, "4.2.1");
        let offset = deferral.offset.unwrap();
        let of_offset = file
            .envelope
            .recipients
            .iter()
            .find(|r| r.offset == offset)
            .unwrap();
        let quoted = postfix::queue::quote_822_local(&of_offset.address);
        assert_eq!(shown.address, postfix::queue::printable(&quoted, true));
    }
    let (IdParts::Short { inode, .. } | IdParts::Long { inode, .. }) = file.id.parts().unwrap();
    assert_eq!(inode, file.info.inode, "{}", file.id);
    if let Some(IdParts::Long { seconds, .. }) = file.id.parts() {
        let arrival = u64::try_from(file.arrival_time()).unwrap();
        assert!(seconds.abs_diff(arrival) <= 2, "{}", file.id);
    }
    let path = instance.file(file.id.as_str()).unwrap();
    assert_eq!(spool.path(file.queue, &file.id), path);
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
fn messages_that_a_milter_edited() {
    fn edits(sender: &str) -> Vec<milter::Edit> {
        let has = |what: &str| sender.contains(what) || sender.contains("all");
        let mut edits: Vec<milter::Edit> = Vec::new();
        if has("header") {
            edits.push((b'h', b"X-Added\0yes\0".to_vec()));
            edits.push((
                b'i',
                [b"\0\0\0\0X-Inserted\0", [b'v'; 300].as_slice(), b"\0"].concat(),
            ));
            edits.push((
                b'm',
                b"\0\0\0\x01Subject\0much longer than it was before\0".to_vec(),
            ));
        }
        if has("rcpt") {
            edits.push((b'+', b"<defer-added1@example.com>\0".to_vec()));
            edits.push((b'+', b"<defer-added2@example.com>\0".to_vec()));
            edits.push((b'-', b"<defer-gone@example.com>\0".to_vec()));
        }
        if has("from") {
            edits.push((
                b'e',
                b"<a-sender-longer-than-before@example.org>\0".to_vec(),
            ));
        }
        if has("body") {
            edits.push((b'b', b"a replaced line\r\n".repeat(500)));
        }
        edits
    }
    let host = testkit::host_or_skip!();
    let sink = sink(&host);
    let listener = host
        .enter(|| std::net::TcpListener::bind("127.0.0.1:8899"))
        .unwrap();
    milter::serve(listener, edits);
    let instance = host
        .instance("postfix-aol-a")
        .relay_to(&sink)
        .param("smtpd_milters", "inet:127.0.0.1:8899")
        .start();
    let mail = |kind: &str| {
        Mail::new(&format!("{kind}@example.org"), "defer@example.com")
            .to_all(["defer-gone@example.com", "ok@example.com"])
            .header("Subject: x")
    };
    let small = ["none", "header", "rcpt", "from", "body", "all"].map(mail);
    let big = ["all-big", "rcpt-big", "from-big"].map(|kind| mail(kind).size(100_000));
    instance.submit(small.into_iter().chain(big));
    instance.wait_idle();
    instance.wait_for("deferred", 9);
    let spool = Spool::new(instance.queue_dir(), Layout::default());
    check(&instance, &spool);

    let found = files(&instance, &spool, Queue::Deferred);
    let canceled = |r: &postfix::queue::Recipient| r.state == RecipientState::Canceled;
    let edited = found
        .iter()
        .filter(|file| file.envelope.recipients.iter().any(canceled));
    assert_eq!(edited.count(), 4, "rcpt, all, all-big, rcpt-big");
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
fn a_spool_in_motion_is_no_problem() {
    let host = testkit::host_or_skip!();
    let sink = host.sink();
    sink.on_rcpt(|rcpt| {
        if rcpt.recipient.contains('7') {
            Answer::later()
        } else {
            Answer::ok()
        }
    });
    let instance = host
        .instance("postfix-aol-a")
        .relay_to(&sink)
        .fast_retries()
        .start();
    let spool = Spool::new(instance.queue_dir(), Layout::default());
    let sending = std::thread::spawn({
        let instance = instance.clone();
        move || instance.smtp_source(2000, 2000, "a@example.org", "b@example.com")
    });
    let mut scans = 0;
    let mut vanished = 0;
    while !sending.is_finished() || scans < 20 {
        let (_, tally) = host.enter(|| scan(&spool));
        assert_eq!(tally.problems, []);
        vanished += tally.vanished;
        scans += 1;
    }
    sending.join().unwrap();
    assert!(vanished > 0, "no race was met in {scans} scans");
    instance.stop();
    let mut found: HashSet<String> = HashSet::new();
    found.extend(
        sink.deliveries()
            .into_iter()
            .map(|delivery| delivery.recipient),
    );
    for queue in Queue::SHOWN {
        let left = files(&instance, &spool, queue).into_iter();
        let to_do = left.flat_map(|file| file.envelope.recipients);
        found.extend(to_do.map(|r| String::from_utf8(r.address).unwrap()));
    }
    assert_eq!(found.len(), 2000);
}

#[test]
fn logs_are_told_by_their_kind() {
    let host = testkit::host_or_skip!();
    let sink = sink(&host);
    let instance = host.instance("postfix-aol-a").relay_to(&sink).start();
    let ids = instance.submit([Mail::new("a@example.org", "defer@example.com")]);
    instance.wait_for("deferred", 1);
    instance.wait_until(Duration::from_secs(10), "a defer log", || {
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
