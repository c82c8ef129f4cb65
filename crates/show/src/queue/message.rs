//! A message as JSON has it: what `postqueue -j` prints, and more.
//!
//! The structs are the wire format; fields are added and never changed.

use postfix::Time;
use postfix::queue::{Deferral, Message};
use serde::Serialize;

use figures::queue::{ListedMessage, Why};
use knowledge::reasons::Class;

/// The fields up to `recipients` are those of `postqueue -j` (postqueue(1), JSON OBJECT FORMAT), in its order.
#[derive(Serialize)]
pub(super) struct MessageObject<'a> {
    queue_name: &'static str,
    queue_id: &'a str,
    arrival_time: i64,
    message_size: u64,
    forced_expire: bool,
    sender: &'a str,
    recipients: Vec<RecipientObject<'a>>,
    instance: &'a str,
    next_attempt: Option<i64>,
    expires: i64,
}

/// `delay_reason` is there only where there is one, as in `postqueue -j`.
#[derive(Serialize)]
struct RecipientObject<'a> {
    address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_reason: Option<&'a str>,
    orig_address: Option<&'a str>,
    dsn: Option<&'a str>,
    reason_class: Option<&'static str>,
}

impl<'a> MessageObject<'a> {
    /// Of a message just read; `class` judges a deferral of a recipient.
    pub(super) fn of_message(
        instance: &'a str,
        message: &'a Message,
        mut class: impl FnMut(&Deferral, &str) -> Class,
    ) -> Self {
        let file = &message.file;
        let recipients = message.recipients.iter().map(|recipient| {
            let deferral = recipient.deferral.as_ref();
            let dsn = deferral
                .map(|d| d.dsn.as_str())
                .filter(|dsn| !dsn.is_empty());
            RecipientObject {
                address: &recipient.address,
                delay_reason: deferral.map(|d| d.reason.as_str()),
                orig_address: recipient.orig_address.as_deref(),
                dsn,
                reason_class: deferral.map(|d| class(d, &recipient.address).as_str()),
            }
        });
        Self {
            queue_name: file.queue.name(),
            queue_id: file.id.as_str(),
            arrival_time: file.arrival_time().seconds(),
            message_size: file.message_size(),
            forced_expire: file.info.is_forced_expire(),
            sender: message.sender.shown(),
            recipients: recipients.collect(),
            instance,
            next_attempt: file.next_attempt().map(Time::seconds),
            expires: message.expires.seconds(),
        }
    }

    /// Of a message of a list.
    pub(super) fn of_entry(instance: &'a str, entry: &'a ListedMessage) -> Self {
        let recipients = entry.recipients.iter().map(|recipient| {
            let why: Option<&Why> = recipient.why.as_deref();
            RecipientObject {
                address: &recipient.address,
                delay_reason: why.map(|why| &*why.reason),
                orig_address: recipient.orig_address.as_deref(),
                dsn: why.map(|why| &*why.dsn).filter(|dsn| !dsn.is_empty()),
                reason_class: why.map(|why| why.class.as_str()),
            }
        });
        Self {
            queue_name: entry.queue.name(),
            queue_id: entry.id.as_str(),
            arrival_time: entry.arrival.seconds(),
            message_size: entry.size,
            forced_expire: entry.forced_expire,
            sender: &entry.sender,
            recipients: recipients.collect(),
            instance,
            next_attempt: entry.next_attempt.map(Time::seconds),
            expires: entry.expires.seconds(),
        }
    }
}
