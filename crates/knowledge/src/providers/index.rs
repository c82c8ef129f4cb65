//! Names to providers, found without lower-casing or allocating: the lookup is made for every log line.

use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::ProviderId;

/// ASCII-lower-case names, each with its provider.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    entries: HashTable<(Box<[u8]>, ProviderId)>,
    hasher: DefaultHashBuilder,
}

impl Index {
    pub(super) fn get(&self, name: &[u8]) -> Option<ProviderId> {
        let hash = caseless_hash(&self.hasher, name);
        self.entries
            .find(hash, |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|&(_, id)| id)
    }

    /// Enters `name`, over what it was before.
    pub(super) fn insert(&mut self, name: &[u8], id: ProviderId) {
        let hash = caseless_hash(&self.hasher, name);
        match self
            .entries
            .find_mut(hash, |(known, _)| known.eq_ignore_ascii_case(name))
        {
            Some((_, known)) => *known = id,
            None => {
                let hasher = &self.hasher;
                self.entries.insert_unique(
                    hash,
                    (name.to_ascii_lowercase().into(), id),
                    |(known, _)| caseless_hash(hasher, known),
                );
            }
        }
    }
}

/// Hashes with the bit that distinguishes upper from lower case set in every byte: names that differ in more than case
/// may then collide (`@` and a backquote do), which costs one more comparison.
fn caseless_hash(hasher: &DefaultHashBuilder, name: &[u8]) -> u64 {
    const CASE: u64 = 0x2020_2020_2020_2020;
    let mut state = hasher.build_hasher();
    let (words, rest) = name.as_chunks::<8>();
    for word in words {
        state.write_u64(u64::from_le_bytes(*word) | CASE);
    }
    let mut tail = [0u8; 8];
    tail[..rest.len()].copy_from_slice(rest);
    state.write_u64(u64::from_le_bytes(tail) | CASE);
    state.write_usize(name.len());
    state.finish()
}
