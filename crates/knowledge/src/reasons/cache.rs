//! Reasons of replies that were seen before: a provider says the same to millions.

use hashbrown::HashMap;

use super::{By, Class, REPLY_MAX, Reason, Reasons, facts, lookup, read};

/// How many replies are remembered, and how many classes.
const CACHE_MAX: usize = 2048;

/// Classifies, and remembers: whole replies, and what replies that differ only in names and numbers mean. Bounded:
/// when it is full, it starts again.
#[derive(Debug, Clone, Default)]
pub struct Cache {
    /// dsn, the reply, and where it matters the recipient's domain, with newlines (which none can hold) between.
    known: HashMap<Vec<u8>, Reason>,
    /// What rules see, and what they decide.
    decided: HashMap<Vec<u8>, Decided>,
    key: Vec<u8>,
}

/// What rules decide.
pub(super) type Decided = (Class, By, Option<Class>);

impl Cache {
    /// As [`Reasons::classify`].
    pub fn classify(
        &mut self,
        reasons: &Reasons,
        reply: &[u8],
        dsn: Option<&[u8]>,
        domain: Option<&[u8]>,
    ) -> &Reason {
        let reply = reply.get(..REPLY_MAX).unwrap_or(reply);
        self.key.clear();
        self.key.extend_from_slice(dsn.unwrap_or_default());
        self.key.push(b'\n');
        self.key.extend_from_slice(reply);
        if lookup::names_a_host(reply) {
            self.key.push(b'\n');
            self.key.extend_from_slice(domain.unwrap_or(b"?"));
        }
        if self.known.len() >= CACHE_MAX && !self.known.contains_key(self.key.as_slice()) {
            self.known.clear();
        }
        let decided = &mut self.decided;
        self.known
            .entry_ref(self.key.as_slice())
            .or_insert_with(|| unknown(decided, reasons, reply, dsn, domain))
    }
}

/// The reason of a reply that was not seen before, letter by letter.
fn unknown(
    known: &mut HashMap<Vec<u8>, Decided>,
    reasons: &Reasons,
    reply: &[u8],
    dsn: Option<&[u8]>,
    domain: Option<&[u8]>,
) -> Reason {
    let said = read(reply);
    let text = reasons.judged(&said, domain);
    let facts = facts(&said, &text, dsn);
    let key = facts.key();
    if known.len() >= CACHE_MAX && !known.contains_key(&key) {
        known.clear();
    }
    let decided = *known.entry(key).or_insert_with(|| reasons.decide(&facts));
    reasons.reason(&said, decided)
}
