//! What the counting is, by hand: breakdowns, attempts and delays, and parts that are merged.

mod attempts;
mod breakdowns;
mod merge;

use std::sync::LazyLock;

use postfix::log::{Agent, Delays, Delivery, Relay};
use postfix::{Span, Time};

use super::*;

/// A delivery of which only what is given is known.
fn delivery<'a>(queue_id: &'a str, recipient: &'a str, status: Status) -> Delivery<'a> {
    Delivery {
        time: None,
        host: b"rustin",
        tag: b"postfix-aol-a",
        agent: Agent::Smtp,
        queue_id: queue_id.as_bytes(),
        recipient: recipient.as_bytes(),
        orig_recipient: None,
        relay: None,
        delay: None,
        delays: None,
        dsn: None,
        status,
        reply: b"",
        repeat: 1,
    }
}

static PROVIDERS: LazyLock<Arc<Providers>> =
    LazyLock::new(|| Arc::new(Providers::load(None).unwrap()));
static REASONS: LazyLock<Arc<Reasons>> = LazyLock::new(|| Arc::new(Reasons::load(None).unwrap()));

fn settings(by: &[Dimension], count: Count) -> Arc<Settings> {
    Arc::new(Settings {
        by: by.to_vec(),
        count,
        delays: true,
        zone: Zone::named("America/New_York").unwrap(),
        instances: vec!["postfix-idle-a".to_owned()],
        most_instances: crate::bounds::MOST_INSTANCES,
        most_keys: crate::bounds::MOST_KEYS,
        providers: Arc::clone(&PROVIDERS),
        reasons: Some(Arc::clone(&REASONS)),
    })
}

/// Figures of nothing.
pub(crate) fn empty() -> MailStats {
    Tally::new(settings(&[], Count::Attempts)).finish(Frame::default())
}

fn counts(sent: u64, bounced: u64, deferred: u64) -> Counts {
    Counts {
        sent,
        bounced,
        deferred,
    }
}

/// The rows of the total's only breakdown.
fn rows(stats: &MailStats) -> Vec<(String, Counts)> {
    let rows = stats.total.by[0].rows.iter();
    rows.map(|r| {
        (
            String::from_utf8_lossy(r.key.as_bytes()).into_owned(),
            r.counts,
        )
    })
    .collect()
}

/// Counts `deliveries`, all of one instance, by `dimension`.
fn check(dimension: Dimension, deliveries: &[Delivery<'_>], expected: &[(&str, Counts)]) {
    let mut tally = Tally::new(settings(&[dimension], Count::Attempts));
    for delivery in deliveries {
        tally.add(b"postfix-aol-a", delivery);
    }
    let found = rows(&tally.finish(Frame::default()));
    let expected: Vec<_> = expected
        .iter()
        .map(|(key, c)| ((*key).to_owned(), *c))
        .collect();
    assert_eq!(found, expected, "{dimension}");
}

fn relay(host: &str) -> Option<Relay<'_>> {
    Some(Relay {
        host: host.as_bytes(),
        address: None,
        port: Some(25),
    })
}

use Status::{Bounced, Deferred, Sent};
