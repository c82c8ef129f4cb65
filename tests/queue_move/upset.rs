//! What a move meets beside crashes: files that are damaged, mail that is to be returned, a target that is slow or is
//! started again, a clock that jumps, a host that keeps its log in the journal alone, a message with very many
//! recipients.

use std::collections::BTreeMap;

use crate::TOOL;
use crate::hosts::{blocked_and_healthy, json, queue_move, served};
use crate::restarts::killed_at;
use nix::sys::signal::Signal;
use testkit::{Answer, Host, Instance, Mail, host_or_skip};

fn submit(from: &Instance, count: usize) {
    from.submit((0..count).map(|n| Mail::new("a@example.org", &format!("n{n}@aol.com"))));
    from.wait_for("deferred", count);
    from.wait_idle();
}

/// Each of them once, and nobody else.
#[track_caller]
fn once(served: &BTreeMap<String, usize>, count: usize) {
    assert_eq!(served.len(), count, "{served:?}");
    assert!(served.values().all(|times| *times == 1), "{served:?}");
}

/// showq(8) shows fewer: it keeps at most duplicate_filter_limit of them apart.
#[test]
fn of_ten_thousand_recipients_each_is_served_once() {
    const COUNT: usize = 10_000;
    let host = host_or_skip!();
    let (blocking, accepting) = (host.sink(), host.sink());
    blocking.on_rcpt(|rcpt| match rcpt.recipient.starts_with("open") {
        true => Answer::ok(),
        false => Answer::text(451, "4.7.0 [TSS04] deferred"),
    });
    let from = host
        .instance("postfix-aol-a")
        .relay_to(&blocking)
        .param("smtpd_recipient_limit", COUNT.to_string())
        .start();
    let to = host.instance("postfix-aol-b").relay_to(&accepting).start();
    let all = (1..COUNT).map(|n| format!("{}{n}@aol.com", ["open", "shut"][n % 2]));
    from.submit([Mail::new("list@example.org", "open0@aol.com").to_all(all)]);
    from.wait_for("deferred", 1);
    from.wait_idle();
    assert_eq!(served(&[&blocking]).len(), COUNT / 2);
    let plan = queue_move(&host, &["aol-a", "aol-b", "--dry-run"]).ok();
    assert!(plan.text().contains("5000 recipients"), "{plan}");
    queue_move(&host, &["aol-a", "aol-b", "--yes"]).ok();
    accepting.wait_accepted(COUNT / 2);
    to.wait_idle();
    once(&served(&[&blocking, &accepting]), COUNT);
}

/// cleanup(8) takes its time for each message, and in the middle TO is stopped and started.
#[test]
fn a_slow_target_is_started_again_in_the_middle() {
    const COUNT: usize = 12;
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    submit(&from, COUNT);
    let master = to
        .processes()
        .into_iter()
        .find(|(_, name)| name == "master");
    let pid = master.unwrap().0.to_string();
    // cleanup(8), started when there is something to do, makes the file one of mail by its mode, then syncs it. Were it
    // slow there, qmgr might deliver what pickup, when it is stopped, has not yet removed: Postfix's own window.
    let slow = [
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "--inject=fchmod:delay_enter=300000",
        "-p",
        &pid,
    ];
    let strace = host.command("strace").args(slow).spawn();
    host.wait_until(testkit::PATIENCE, "master to be traced", || {
        let status = host.sh(&format!("cat /proc/{pid}/status")).text();
        !status.contains("TracerPid:\t0")
    });
    let args = [
        "aol-a", "aol-b", "--yes", "--canary", "0", "--format", "json",
    ];
    let running = host.command(TOOL).args(args).spawn();
    accepting.wait_accepted(2);
    to.stop();
    let left = to.count("maildrop");
    assert!(left > 0, "it was not slow");
    to.start();
    let moved = running.wait(testkit::PATIENCE).ok();
    drop(strace.kill());
    assert_eq!(json(&moved)["counts"]["moved"], COUNT, "{moved}");
    accepting.wait_accepted(COUNT);
    to.wait_idle();
    once(&served(&[&accepting]), COUNT);
}

/// Runs queue-move by a clock that is so far off: a file of the host says how far, at each look.
struct Clock<'h>(&'h Host);

impl Clock<'_> {
    fn set(&self, off: &str) {
        self.0.write("/run/clock", off);
    }

    fn command(&self, args: &[&str]) -> testkit::Cmd {
        let library = format!(
            "/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1",
            std::env::consts::ARCH
        );
        let command = self.0.command(TOOL).args(args);
        command
            .env("LD_PRELOAD", library)
            .env("FAKETIME_TIMESTAMP_FILE", "/run/clock")
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1")
    }
}

#[test]
fn a_clock_that_jumps_loses_and_doubles_nothing() {
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    let clock = Clock(&host);
    submit(&from, 20);
    clock.set("+2h");
    let pace = ["--rate", "600/min", "--format", "json"];
    let begin = [
        "aol-a", "aol-b", "--yes", "--canary", "3", "--name", "ahead",
    ];
    let mut running = clock.command(&[&begin[..], &pace].concat()).spawn();
    accepting.wait_accepted(5);
    clock.set("-1d");
    accepting.wait_accepted(8);
    running.signal(Signal::SIGINT);
    running.wait(testkit::PATIENCE).exit(1);
    assert!(from.count("hold") > 0);
    // A day before the move was begun.
    let resumed = clock
        .command(&["resume", "--yes", "--format", "json"])
        .run()
        .ok();
    assert_eq!(json(&resumed)["counts"]["moved"], 20, "{resumed}");
    let new = |message: &serde_json::Value| message["new_queue_id"].is_string();
    let all = json(&resumed);
    assert!(
        all["messages"].as_array().unwrap().iter().all(new),
        "{resumed}"
    );
    accepting.wait_accepted(20);
    to.wait_idle();
    once(&served(&[&accepting]), 20);
    let history = queue_move(&host, &["history"]).ok();
    assert!(
        history.text().contains("done: 20 messages, 20 moved"),
        "{history}"
    );
    // What is kept for a time is not thrown away by a clock that is ahead for a moment, and nor is the only copy of it.
    let late = clock.command(&["undo", "ahead", "--yes"]).run().exit(1);
    assert!(late.text().contains("TO already has it"), "{late}");
    once(&served(&[&accepting]), 20);
}

/// The kill comes when some are TO's already; what became of these only the journal of systemd shows. The clock was
/// ahead when the move began, too: then nothing shows it, and nothing is made up.
#[test]
fn a_resume_where_the_log_is_the_journal_of_systemd() {
    const COUNT: usize = 10;
    let host = host_or_skip!(Host::builder().journald());
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    submit(&from, COUNT);
    let ids = from.ids("deferred");
    // All are held first, each by a rename.
    let call = ("renameat2", COUNT + 5);
    killed_at(&host, call, &["aol-a", "aol-b", "--yes", "--canary", "0"]);
    assert_eq!(from.count("hold"), COUNT - 4);
    to.postkick("public", "pickup", "W");
    accepting.wait_accepted(4);
    let resumed = queue_move(&host, &["resume", "--yes", "--format", "json"]).ok();
    let result = json(&resumed);
    assert_eq!(result["counts"]["moved"], COUNT, "{resumed}");
    let log = host
        .sh("journalctl -o cat SYSLOG_IDENTIFIER=postfix-aol-b/pickup")
        .text();
    for message in result["messages"].as_array().unwrap() {
        let (old, new) = (&message["queue_id"], &message["new_queue_id"]);
        let (old, new) = (old.as_str().unwrap(), new.as_str().unwrap());
        assert!(ids.iter().any(|id| id == old), "{resumed}");
        let line = log
            .lines()
            .find(|line| line.starts_with(&format!("{new}: uid=")));
        assert!(
            line.unwrap().ends_with(&format!("orig_id={old}")),
            "{resumed}"
        );
    }
    accepting.wait_accepted(COUNT);
    to.wait_idle();
    once(&served(&[&accepting]), COUNT);
}

/// One byte of a queue file is another. Postfix's queue manager saves such a file to the corrupt queue, or delivers it
/// all the same; pickup and cleanup of TO would remove it.
fn damaged(content: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = content.windows(from.len()).position(|part| part == from);
    let Some(at) = at else {
        panic!("it is not in the file")
    };
    let mut content = content.to_vec();
    content[at..at + to.len()].copy_from_slice(to);
    content
}

fn damaged_is_left(other: bool) {
    let host = host_or_skip!();
    if other {
        host.sh(
            "mkdir -p /var/spool/postfix-aol-b && mount -t tmpfs tmpfs /var/spool/postfix-aol-b",
        );
    }
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    let kinds: [(&[u8], &[u8]); 6] = [
        (b"", b""),
        (b"log_client_name=", b"log_client_namex"),
        (b"rewrite_context=", b"rewrite_contextx"),
        (b"rewrite_context=local", b"rewrite_context=locla"),
        (b"N\x0cline of body", b"\xc9\x0cline of body"),
        (b"N\x0cline of body", b"N\x1cline of body"),
    ];
    let body = "line of body\n".repeat(20);
    let ids = from.submit(
        (0..kinds.len())
            .map(|n| Mail::new("a@example.org", &format!("n{n}@aol.com")).body(body.clone())),
    );
    from.wait_for("deferred", kinds.len());
    from.wait_idle();
    for (id, (was, is)) in ids.iter().zip(kinds).skip(1) {
        let path = from.file(id).unwrap();
        let content = damaged(&host.read(&path), was, is);
        host.write("/run/damaged", content);
        // As a broken disk would: the inode, its mode and its time stay.
        host.sh(&format!(
            "touch -r {path} /run/time; dd if=/run/damaged of={path} conv=notrunc status=none; touch -r /run/time {path}",
            path = path.display()
        ));
    }
    let moved = queue_move(&host, &["aol-a", "aol-b", "--yes"]).exit(1);
    let said = moved.text();
    assert!(said.contains("6 selected, 1 moved, 5 skipped"), "{moved}");
    assert!(
        said.contains("its file is damaged: pickup would delete it ("),
        "{moved}"
    );
    accepting.wait_accepted(1);
    to.wait_idle();
    once(&served(&[&accepting]), 1);
    let mut left = ids[1..].to_vec();
    left.sort();
    assert_eq!(from.ids("deferred"), left);
    assert_eq!(from.ids("defer"), left);
    assert_eq!((from.count("hold"), to.count("maildrop")), (0, 0));
    // Nor is it requeued where it is.
    from.postsuper(["-h", "ALL"]);
    let fresh = queue_move(&host, &["release", "aol-a", "--fresh", "--yes"]).exit(1);
    assert!(fresh.text().contains("its file is damaged"), "{fresh}");
    assert_eq!(from.ids("hold"), left);
}

#[test]
fn what_pickup_would_remove_stays() {
    damaged_is_left(false);
}

#[test]
fn what_pickup_would_remove_stays_between_file_systems() {
    damaged_is_left(true);
}

/// An admin wants them returned while the move has them on hold.
#[test]
fn what_is_marked_to_be_returned_meanwhile_is_not_moved() {
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    let names: Vec<String> = (0..12).map(|n| format!("n{n}@aol.com")).collect();
    let ids = from.submit(names.iter().map(|name| Mail::new("a@example.org", name)));
    from.wait_for("deferred", 12);
    from.wait_idle();
    let args = [
        "aol-a", "aol-b", "--yes", "--canary", "0", "--rate", "240/min",
    ];
    let running = host.command(TOOL).args(args).spawn();
    accepting.wait_accepted(1);
    let held = from.ids("hold");
    let (expired, _) = held.split_at(3);
    for id in expired {
        from.postsuper(["-e", id]);
    }
    let moved = running.wait(testkit::PATIENCE).exit(1);
    assert!(moved.text().contains("9 moved, 3 skipped"), "{moved}");
    accepting.wait_accepted(9);
    to.wait_idle();
    let served = served(&[&accepting]);
    once(&served, 9);
    for (id, name) in ids.iter().zip(&names) {
        assert_ne!(
            served.contains_key(name),
            expired.contains(id),
            "{name}: {moved}"
        );
    }
    // And so it is done.
    from.flush();
    for id in expired {
        host.wait_for_log(&format!("{id}: from=<a@example.org>, status=force-expired"));
    }
}

/// One attempt serves two of them; the others wait.
#[test]
fn what_some_recipients_wait_for_is_not_said_to_be_sent() {
    let host = host_or_skip!();
    let (from, to, _, accepting) = blocked_and_healthy(&host);
    let all = (1..20).map(|n| format!("n{n}@aol.com"));
    from.submit([Mail::new("a@example.org", "n0@aol.com").to_all(all)]);
    from.wait_for("deferred", 1);
    from.wait_idle();
    to.set("smtp_destination_recipient_limit", "2");
    to.set("smtp_destination_concurrency_limit", "1");
    to.set("default_destination_rate_delay", "20s");
    to.reload();
    let args = [
        "aol-a", "aol-b", "--yes", "--canary", "0", "--format", "json", "--name", "one",
    ];
    let moved = queue_move(&host, &args).ok();
    accepting.wait_accepted(2);
    assert_eq!(served(&[&accepting]).len(), 2);
    let so_far = &json(&moved)["so_far"];
    assert_eq!(
        (&so_far["sent"], &so_far["not_tried"]),
        (&0.into(), &1.into()),
        "{moved}"
    );
    to.stop();
    // Nothing is said of what is not TO's any more.
    from.submit([Mail::new("a@example.org", "back@aol.com")]);
    from.wait_for("deferred", 1);
    from.wait_idle();
    to.start();
    let mut pickup = None;
    to.wait_until(testkit::PATIENCE, "its pickup", || {
        let mut all = to.processes().into_iter();
        pickup = all.find(|(_, name)| name == "pickup");
        pickup.is_some()
    });
    let (pickup, _) = pickup.unwrap();
    host.sh(&format!("kill -STOP {pickup}"));
    let args = [
        "aol-a", "aol-b", "--yes", "--canary", "0", "--format", "json", "--name", "two",
    ];
    // It waits for pickup, until nobody wants it to.
    let mut running = host.command(TOOL).args(args).spawn();
    to.wait_for("maildrop", 1);
    running.signal(Signal::SIGINT);
    let moved = running.wait(testkit::PATIENCE).exit(1);
    assert_eq!(json(&moved)["so_far"]["not_tried"], 1, "{moved}");
    queue_move(&host, &["undo", "two", "--yes"]).ok();
    host.sh(&format!("kill -CONT {pickup}"));
    let history = json(&queue_move(&host, &["history", "two", "--format", "json"]).ok());
    assert_eq!(history["restored"], 1, "{history}");
    assert!(history["so_far"].is_null(), "{history}");
}
