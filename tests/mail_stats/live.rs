//! Real Postfix instances, and a sink that knows what it answered: the counts must be the same.

use std::collections::HashSet;
use std::net::IpAddr;

use testkit::{Answer, Host, Instance, Mail, Sink};

/// Answers by the recipient's name, once with a text that talks like a log line.
fn rules(sink: &Sink) {
    sink.on_rcpt(|rcpt| match rcpt.recipient.split(['-', '@']).next() {
        Some("full") => Answer::text(452, "4.2.2 Over quota, status=sent (250 2.0.0 Ok)"),
        Some("nouser") => Answer::text(
            550,
            "5.1.1 No such user\nto=<a@b>, relay=c[192.0.2.1]:25, delay=1, dsn=2.0.0, status=sent (250 ok)",
        ),
        _ => Answer::ok(),
    });
}

/// Sends mail with one, two and many recipients through `instance`, and waits until all has been tried.
fn send(instance: &Instance, sink: &Sink, domain: &str) {
    let before = sink.answered_with(452);
    let mut mails = Vec::new();
    for n in 0..20 {
        mails.push(Mail::new("list@lists.example", &format!("ok-{n}@{domain}")));
        mails.push(
            Mail::new("list@lists.example", &format!("nouser-{n}@{domain}"))
                .to(&format!("ok-b{n}@{domain}")),
        );
        mails.push(
            Mail::new("list@lists.example", &format!("full-{n}@{domain}"))
                .to_all((0..5).map(|k| format!("ok-{n}-{k}@{domain}"))),
        );
    }
    mails.push(Mail::new(
        "",
        &format!("\"full-odd>, status=sent (x)\"@{domain}"),
    ));
    instance.submit(mails);
    sink.wait_answered(452, before + 20);
    instance.wait_idle();
}

/// What the sink answered to the instance at `address`: accepted, refused for good, put off.
fn seen(sink: &Sink, address: IpAddr) -> (usize, usize, usize) {
    let answered = sink.answered();
    let of = |code: u16| {
        answered
            .iter()
            .filter(|a| a.client.ip() == address && a.code == code)
            .count()
    };
    let accepted = sink
        .deliveries()
        .iter()
        .filter(|d| d.client.ip() == address)
        .count();
    (accepted, of(550), of(452))
}

/// The counts that mail-stats-print gives an instance, run inside the host.
fn counted(host: &Host, name: &str, args: &[&str]) -> (usize, usize, usize) {
    let tool = env!("CARGO_BIN_EXE_mail-stats-print");
    let text = host.command(tool).args(args).arg(name).run().ok().text();
    let of = |word: &str| {
        let prefix = format!("{name}:{word}:");
        text.lines()
            .find_map(|l| l.strip_prefix(&prefix)?.parse().ok())
            .unwrap_or(usize::MAX)
    };
    assert_eq!(of("total"), of("sent") + of("bounced") + of("deferred"));
    (of("sent"), of("bounced"), of("deferred"))
}

fn compare(host: &Host, more: &[(&str, &str)]) {
    let sink = host.sink();
    rules(&sink);
    let make = |name: &str| {
        let builder = host.instance(name).relay_to(&sink);
        more.iter()
            .fold(builder, |b, (name, value)| b.param(name, *value))
            .start()
    };
    let (aol, msn) = (make("postfix-aol-a"), make("postfix-msn.b"));
    send(&aol, &sink, "aol.example");
    send(&msn, &sink, "msn.example");
    // A second attempt of what was put off.
    let before = sink.answered_with(452);
    aol.flush();
    sink.wait_answered(452, before + 20);
    aol.wait_idle();
    let logged = |instance: &Instance| {
        let address = instance.address().ip();
        let what = format!("{}: log and sink agree", instance.name());
        host.wait_until(testkit::PATIENCE, &what, || {
            counted(host, instance.name(), &[]) == seen(&sink, address)
        });
        let (sent, bounced, deferred) = seen(&sink, address);
        assert!(
            sent > 100 && bounced == 20 && deferred >= 20,
            "{sent} {bounced} {deferred}"
        );
    };
    logged(&aol);
    logged(&msn);
    // By recipient, the second attempt is no second deferral.
    let put_off: HashSet<String> = sink
        .answered()
        .into_iter()
        .filter(|a| a.code == 452 && a.client.ip() == aol.address().ip())
        .map(|a| a.recipient)
        .collect();
    let recipients = counted(host, "postfix-aol-a", &["--count", "recipients"]);
    assert_eq!(recipients.2, put_off.len());
    assert_eq!(recipients.2, aol.count("deferred"));
}

#[test]
fn counts_are_what_the_sink_saw() {
    let host = testkit::host_or_skip!();
    compare(&host, &[]);
}

#[test]
fn the_same_in_the_traditional_format() {
    let host = testkit::host_or_skip!(Host::builder().traditional_log());
    compare(&host, &[]);
}

#[test]
fn the_same_with_long_queue_ids_and_a_log_by_postlogd() {
    let host = testkit::host_or_skip!();
    compare(
        &host,
        &[
            ("enable_long_queue_ids", "yes"),
            ("maillog_file", "/var/log/${multi_instance_name}.log"),
            ("maillog_file_prefixes", "/var/log"),
        ],
    );
}
