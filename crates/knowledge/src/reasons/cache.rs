//! Reasons of replies that were seen before: a provider says the same to millions.

use hashbrown::HashMap;

use super::{REPLY_MAX, Reason, Reasons};

/// How many replies are remembered.
const CACHE_MAX: usize = 2048;

/// Classifies, and remembers. Bounded: when it is full, it begins anew.
#[derive(Debug, Clone, Default)]
pub struct Cache {
    /// dsn, a newline (which neither can hold), the reply.
    known: HashMap<Vec<u8>, Reason>,
    key: Vec<u8>,
}

impl Cache {
    /// As [`Reasons::classify`].
    pub fn classify(&mut self, reasons: &Reasons, reply: &[u8], dsn: Option<&[u8]>) -> &Reason {
        let reply = reply.get(..REPLY_MAX).unwrap_or(reply);
        self.key.clear();
        self.key.extend_from_slice(dsn.unwrap_or_default());
        self.key.push(b'\n');
        self.key.extend_from_slice(reply);
        if self.known.len() >= CACHE_MAX && !self.known.contains_key(self.key.as_slice()) {
            self.known.clear();
        }
        self.known
            .entry_ref(self.key.as_slice())
            .or_insert_with(|| reasons.classify(reply, dsn))
    }
}
