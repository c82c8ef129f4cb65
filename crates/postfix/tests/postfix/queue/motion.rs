//! Scanning while Postfix receives and delivers.

use std::collections::HashSet;

use super::checked::files;
use super::fixtures::scan;
use postfix::queue::{Layout, Queue, Spool};
use testkit::Answer;

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
