//! What the tests of queue-move share.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::TOOL;
use serde_json::Value;
use testkit::{Answer, Host, Instance, Ran, Sink};

/// Runs queue-move in a host.
pub(crate) fn queue_move(host: &Host, args: &[&str]) -> Ran {
    host.command(TOOL)
        .args(args)
        .timeout(Duration::from_secs(300))
        .run()
}

pub(crate) fn json(ran: &Ran) -> Value {
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran}"))
}

/// A host with a blocked instance and a healthy one: FROM, TO, and where TO's mail arrives.
pub(crate) fn blocked_and_healthy(host: &Host) -> (Instance, Instance, Sink, Sink) {
    let (blocking, accepting) = (host.sink(), host.sink());
    blocking.on_rcpt(|_| {
        Answer::text(
            421,
            "4.7.0 [TSS04] Messages from 127.0.0.11 temporarily deferred",
        )
    });
    let from = host.instance("postfix-aol-a").relay_to(&blocking).start();
    let to = host.instance("postfix-aol-b").relay_to(&accepting).start();
    (from, to, blocking, accepting)
}

/// How often each recipient was served.
pub(crate) fn served(sinks: &[&Sink]) -> BTreeMap<String, usize> {
    let mut served = BTreeMap::new();
    for delivery in sinks.iter().flat_map(|sink| sink.deliveries()) {
        *served.entry(delivery.recipient).or_insert(0) += 1;
    }
    served
}
