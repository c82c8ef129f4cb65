//! What else the selectors take, and what they leave: recipients who are not named in messages that are, and mail that
//! the
//! queue manager has in hand.

use std::collections::HashMap;

use postfix::either;
use postfix::queue::{Message, Queue, QueueId, Selector, ShowqOptions, Spool};
use transfer::plan::snapshot;

use crate::planning::domain;
use crate::text::most_first;

/// Where the queue manager is working on mail.
pub(crate) const BUSY: [Queue; 2] = [Queue::Incoming, Queue::Active];

/// Domains that are named.
const DOMAINS: usize = 5;

/// Recipients whom the selectors do not name, in messages that are selected for others: their domains.
#[derive(Debug, Default)]
pub(crate) struct Strangers(HashMap<QueueId, Vec<String>>);

impl Strangers {
    /// Finds them. With `whole`, messages that have such are left out instead.
    pub(crate) fn find(selector: &Selector<'_>, whole: bool, messages: &mut Vec<Message>) -> Self {
        let mut found = Self::default();
        messages.retain(|message| {
            let recipients = message.recipients.iter();
            let others = recipients.filter(|rcpt| !selector.fits_recipient(rcpt));
            let others: Vec<String> = others.map(|rcpt| domain(&rcpt.address)).collect();
            if others.is_empty() {
                return true;
            }
            if !whole {
                found.0.insert(message.file.id.clone(), others);
            }
            !whole
        });
        found
    }

    /// What is to be known of those in these messages.
    pub(crate) fn told<'a>(&self, ids: impl Iterator<Item = &'a QueueId>) -> Option<String> {
        let (mut count, mut domains) = (0, HashMap::new());
        for others in ids.filter_map(|id| self.0.get(id)) {
            count += 1;
            for domain in others {
                *domains.entry(domain.clone()).or_insert(0) += 1;
            }
        }
        let all: usize = domains.values().sum();
        let domains = most_first(domains);
        let shown = domains.iter().take(DOMAINS);
        let shown: Vec<String> = shown
            .map(|(domain, count)| format!("{domain} ({count})"))
            .collect();
        let more = match domains.len() > DOMAINS {
            true => ", …",
            false => "",
        };
        (count > 0).then(|| {
            format!(
                "{count} of the messages also {} recipients that the selectors do not name, {all} in all, who go \
                 with {}: {}{more}; --whole leaves such messages out",
                either(count, "has", "have"),
                either(count, "it", "them"),
                shown.join(", ")
            )
        })
    }
}

/// How many of the messages that are meant the queue manager has in hand now.
///
/// # Errors
/// A queue cannot be read.
pub(crate) fn busy(
    spool: &Spool,
    selector: Selector<'_>,
    showq: &ShowqOptions,
) -> anyhow::Result<usize> {
    let wanted = Selector {
        queues: BUSY.to_vec(),
        ..selector
    };
    Ok(snapshot(spool, &BUSY, &wanted, showq)?.messages.len())
}
