//! Queue files that a milter edited, which leaves pointer records, beside `postqueue -j` and postcat(1).

use super::checked::{check, files, sink};
use super::headers;
use postfix::queue::{Layout, Queue, RecipientState, Spool};
use testkit::Mail;

#[test]
fn messages_that_a_milter_edited() {
    fn edits(sender: &str) -> Vec<headers::Edit> {
        let has = |what: &str| sender.contains(what) || sender.contains("all");
        let mut edits: Vec<headers::Edit> = Vec::new();
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
    headers::serve(listener, edits);
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
