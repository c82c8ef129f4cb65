//! Who sent a message, known from the queue manager's `from=<…>` line that precedes its deliveries.
//!
//! Whoever may write to the log makes up messages that never leave the queue, and senders: there are only so many of
//! either. Of what is beyond, the sender is not known.

use hashbrown::HashMap;

use super::keys::UNKNOWN_SENDER;
use super::recipients::Names;

/// The senders of messages in the queue.
#[derive(Debug, Clone)]
pub(super) struct Senders {
    /// As many messages, and senders, are known.
    most: usize,
    /// Sender keys.
    names: Names,
    /// By message (instance, a NUL, queue id): a name in [`Senders::names`].
    messages: HashMap<Vec<u8>, u32>,
    message: Vec<u8>,
}

impl Senders {
    /// Nothing known yet, and never of more messages and senders than `most`.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            names: Names::default(),
            messages: HashMap::new(),
            message: Vec::new(),
        }
    }

    pub(super) fn enter(&mut self, instance: &[u8], queue_id: &[u8], key: &[u8]) {
        self.name_message(instance, queue_id);
        let is_old = self.messages.contains_key(self.message.as_slice());
        let has_room = is_old || self.messages.len() < self.most;
        if !has_room || !(self.names.knows(key) || self.names.len() < self.most) {
            self.messages.remove(self.message.as_slice());
            return;
        }
        let sender = self.names.id(key);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_senders_without_end_are_not_known() {
        let mut senders = Senders::new(2);
        senders.enter(b"a", b"1", b"x");
        senders.enter(b"a", b"2", b"y");
        senders.enter(b"a", b"3", b"x");
        let check = |senders: &mut Senders, id: &[u8], expected: &[u8]| {
            assert_eq!(senders.find(b"a", id), expected);
        };
        check(&mut senders, b"3", UNKNOWN_SENDER);
        // One has left the queue: another has its place, if its sender is known.
        senders.remove(b"a", b"1");
        senders.enter(b"a", b"3", b"x");
        senders.enter(b"a", b"2", b"z");
        check(&mut senders, b"3", b"x");
        check(&mut senders, b"2", UNKNOWN_SENDER);
        assert_eq!((senders.messages.len(), senders.names.len()), (1, 2));
    }
}
