//! A message as it is kept for a list: small, since a mailq may hold hundreds of thousands.

use postfix::Time;
use std::sync::Arc;

use postfix::queue::{Message, Queue, QueueId, Selector, ShownRecipient};

use super::known::{FoldedReasons, Why};

/// A message of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedMessage {
    /// The place of its instance in [`super::Settings::instances`].
    pub instance: usize,
    /// The queue that it is in.
    pub queue: Queue,
    /// Its queue id.
    pub id: QueueId,
    /// When it arrived.
    pub arrival: Time,
    /// Bytes of its content, as showq(8) counts them.
    pub size: u64,
    /// When it is tried again, if it is deferred.
    pub next_attempt: Option<Time>,
    /// When it is given up: the first attempt that fails then, or later, returns it.
    pub expires: Time,
    /// Has an admin asked for its return to the sender?
    pub forced_expire: bool,
    /// The sender, quoted and printable.
    pub sender: Box<str>,
    /// How many recipients there are to do.
    pub recipient_count: usize,
    /// They, or the first of them, in the order of showq(8).
    pub recipients: Box<[ListedRecipient]>,
}

/// A recipient of a message of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRecipient {
    /// The address, quoted and printable.
    pub address: Box<str>,
    /// The address as the sender gave it, where it is recorded.
    pub orig_address: Option<Box<str>>,
    /// Why the last attempt failed, where that is known.
    pub why: Option<Arc<Why>>,
}

impl ListedMessage {
    /// Makes one of `message`, with at most `settings.recipients` recipients: if not all, those that `selector` means
    /// first.
    pub(super) fn new(
        instance: usize,
        message: &Message,
        selector: &Selector<'_>,
        settings: &super::Settings,
        known: &mut FoldedReasons,
    ) -> Self {
        let file = &message.file;
        let all = &message.recipients;
        let is_short = all.len() > settings.recipients;
        let is_meant = |r: &&ShownRecipient| !is_short || selector.fits_recipient(r);
        let others = all.iter().filter(|r| !is_meant(r));
        let recipients = all.iter().filter(is_meant).chain(others);
        let recipients = recipients.take(settings.recipients);
        Self {
            instance,
            queue: file.queue,
            id: file.id.clone(),
            arrival: file.arrival_time(),
            size: file.message_size(),
            next_attempt: file.next_attempt(),
            expires: message.expires,
            forced_expire: file.info.is_forced_expire(),
            sender: message.sender.shown().into(),
            recipient_count: message.recipients.len(),
            recipients: recipients
                .map(|recipient| ListedRecipient {
                    address: recipient.address.as_str().into(),
                    orig_address: recipient.orig_address.as_deref().map(Into::into),
                    why: recipient.deferral.as_ref().map(|deferral| {
                        Arc::clone(&known.of(deferral, &recipient.address, &settings.reasons).0)
                    }),
                })
                .collect(),
        }
    }

    /// Why the first recipient of whom that is known was deferred.
    pub fn why(&self) -> Option<&Why> {
        self.recipients.iter().find_map(|r| r.why.as_deref())
    }
}
