//! Who sent a message, known from the queue manager's `from=<…>` line that precedes its deliveries.
//!
//! A part of a log may begin in the middle of a message's life. What was delivered there before the sender was seen
//! waits, and gets its sender when the part is merged after the one before it.

use hashbrown::HashMap;

use super::Counts;
use super::recipients::Names;

/// What a part of a log shows of a message's sender so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    /// A name in [`Senders::names`].
    Known(u32),
    /// The message left the queue; its queue id may come again.
    Gone,
}

/// The senders of messages in the queue, and deliveries that wait for theirs.
#[derive(Debug, Clone)]
pub(super) struct Senders {
    /// Does the log begin here, so that no earlier line can name a sender?
    first: bool,
    /// Sender keys.
    names: Names,
    /// By message: instance, a NUL, queue id.
    messages: HashMap<Vec<u8>, Sender>,
    /// Deliveries by message: the sender may be in an earlier part.
    waiting: HashMap<Vec<u8>, Counts>,
    message: Vec<u8>,
}

impl Senders {
    pub(super) fn new(first: bool) -> Self {
        Self {
            first,
            names: Names::default(),
            messages: HashMap::new(),
            waiting: HashMap::new(),
            message: Vec::new(),
        }
    }

    pub(super) fn enter(&mut self, instance: &[u8], queue_id: &[u8], key: &[u8]) {
        let sender = Sender::Known(self.names.id(key));
        self.name_message(instance, queue_id);
        self.messages
            .entry_ref(self.message.as_slice())
            .and_modify(|known| *known = sender)
            .or_insert(sender);
    }

    pub(super) fn remove(&mut self, instance: &[u8], queue_id: &[u8]) {
        self.name_message(instance, queue_id);
        if self.first {
            self.messages.remove(self.message.as_slice());
        } else {
            self.messages
                .entry_ref(self.message.as_slice())
                .and_modify(|known| *known = Sender::Gone)
                .or_insert(Sender::Gone);
        }
    }

    /// The sender key of a message; `None` if an earlier part of the log may know it.
    pub(super) fn find(&mut self, instance: &[u8], queue_id: &[u8]) -> Option<&[u8]> {
        self.name_message(instance, queue_id);
        self.of_message(&self.message)
    }

    /// Lets deliveries wait for the sender of the message that was last looked for.
    pub(super) fn wait(&mut self, counts: Counts) {
        *self.waiting.entry_ref(self.message.as_slice()).or_default() += counts;
    }

    /// As [`Senders::find`], by the message's whole name.
    pub(super) fn of_message(&self, message: &[u8]) -> Option<&[u8]> {
        match self.messages.get(message) {
            Some(Sender::Known(id)) => Some(self.names.get(*id)),
            Some(Sender::Gone) => Some(super::keys::UNKNOWN_SENDER),
            None if self.first => Some(super::keys::UNKNOWN_SENDER),
            None => None,
        }
    }

    /// Takes over what a later part of the log knows; `count` is given what waited there, with instance and key.
    pub(super) fn merge(&mut self, later: Self, mut count: impl FnMut(&[u8], &[u8], Counts)) {
        for (message, counts) in later.waiting {
            match self.of_message(&message) {
                Some(key) => count(instance_of(&message), key, counts),
                None => *self.waiting.entry(message).or_default() += counts,
            }
        }
        for (message, sender) in later.messages {
            match sender {
                Sender::Known(id) => {
                    let id = self.names.id(later.names.get(id));
                    self.messages.insert(message, Sender::Known(id));
                }
                Sender::Gone if self.first => {
                    self.messages.remove(&message);
                }
                Sender::Gone => {
                    self.messages.insert(message, Sender::Gone);
                }
            }
        }
    }

    /// What waited for nothing, by instance.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (&[u8], Counts)> {
        self.waiting
            .iter()
            .map(|(message, counts)| (instance_of(message), *counts))
    }

    fn name_message(&mut self, instance: &[u8], queue_id: &[u8]) {
        self.message.clear();
        self.message.extend_from_slice(instance);
        self.message.push(0);
        self.message.extend_from_slice(queue_id);
    }
}

/// The instance in a message's name: a queue id has no NUL.
fn instance_of(message: &[u8]) -> &[u8] {
    let end = memchr::memrchr(0, message).unwrap_or(message.len());
    &message[..end]
}
