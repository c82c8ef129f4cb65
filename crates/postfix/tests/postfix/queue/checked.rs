//! Our view of a running instance's spool, checked against `postqueue -j` and postcat(1).

use std::ops::ControlFlow;
use std::sync::Mutex;

use postfix::queue::{
    Detail, IdParts, Layout, Queue, QueueFile, RecipientState, ScanOptions, ShowqOptions, Spool,
};
use testkit::{Answer, Host, Instance, Sink};

use super::fixtures::{assert_same, scan, sorted};

/// An instance with a layout of its own, and the spool that we see for it.
pub(crate) fn instance(
    host: &Host,
    sink: &Sink,
    name: &str,
    layout: &str,
    long: bool,
) -> (Instance, Spool) {
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
pub(crate) fn sink(host: &Host) -> Sink {
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

/// Our view of the whole spool is that of postqueue and postcat.
pub(crate) fn check(instance: &Instance, spool: &Spool) {
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

pub(crate) fn files(instance: &Instance, spool: &Spool, queue: Queue) -> Vec<QueueFile> {
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
pub(crate) fn check_records(instance: &Instance, file: &QueueFile) {
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
pub(crate) fn check_log(instance: &Instance, spool: &Spool, file: &QueueFile) {
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
        let arrival = u64::try_from(file.arrival_time().seconds()).unwrap();
        assert!(seconds.abs_diff(arrival) <= 2, "{}", file.id);
    }
    let path = instance.file(file.id.as_str()).unwrap();
    assert_eq!(spool.path(file.queue, &file.id), path);
}
