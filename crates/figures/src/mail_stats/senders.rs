//! Who sent a message, known from the queue manager's `from=<…>` line that precedes its deliveries.

use hashbrown::HashMap;

use super::keys::UNKNOWN_SENDER;
use super::recipients::Names;

/// The senders of messages in the queue.
#[derive(Debug, Clone, Default)]
pub(super) struct Senders {
    /// Sender keys.
    names: Names,
    /// By message (instance, a NUL, queue id): a name in [`Senders::names`].
    messages: HashMap<Vec<u8>, u32>,
    message: Vec<u8>,
}

impl Senders {
    pub(super) fn enter(&mut self, instance: &[u8], queue_id: &[u8], key: &[u8]) {
        let sender = self.names.id(key);
        self.name_message(instance, queue_id);
        self.messages
            .entry_ref(self.message.as_slice())
            .and_modify(|known| *known = sender)
            .or_insert(sender);
    }

    /// The message has left the queue; its queue id may come again.
    pub(super) fn remove(&mut self, instance: &[u8], queue_id: &[u8]) {
        self.name_message(instance, queue_id);
        self.messages.remove(self.message.as_slice());
    }

    /// The sender key of a message.
    pub(super) fn find(&mut self, instance: &[u8], queue_id: &[u8]) -> &[u8] {
        self.name_message(instance, queue_id);
        let id = self.messages.get(self.message.as_slice());
        id.map_or(UNKNOWN_SENDER, |id| self.names.get(*id))
    }

    fn name_message(&mut self, instance: &[u8], queue_id: &[u8]) {
        self.message.clear();
        self.message.extend_from_slice(instance);
        self.message.push(0);
        self.message.extend_from_slice(queue_id);
    }
}
