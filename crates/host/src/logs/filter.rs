//! Whose events count, told by the tag of a line.

use std::collections::BTreeSet;

use postfix::log::Scope;

use super::Selection;

/// Whose events count.
#[derive(Debug, Clone)]
pub struct Filter<'a> {
    selection: &'a Selection<'a>,
    scope: Scope,
    /// The tags met so far. There are few, and each line asks for one.
    known: Vec<Known>,
}

/// The last eight bytes of a tag, or those it has.
#[inline]
fn ending(tag: &[u8]) -> u64 {
    match tag.last_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => tag.iter().fold(0, |n, b| n << 8 | u64::from(*b)),
    }
}

/// A tag, and what was found out about it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    tag: Vec<u8>,
    /// Its [`ending`], which tells nearly all tags apart.
    ending: u64,
    /// How much of the tag is the instance's name.
    name: usize,
    /// Do its events count?
    counts: bool,
}

impl Known {
    fn name(&self) -> &[u8] {
        self.tag.get(..self.name).unwrap_or_default()
    }
}

impl<'a> Filter<'a> {
    /// Nothing is left out before [`Filter::scope`] says so.
    pub fn new(selection: &'a Selection<'a>) -> Self {
        Self {
            selection,
            scope: Scope::All,
            known: Vec::new(),
        }
    }

    /// The instance of `tag`, if its events count.
    #[inline]
    pub fn instance<'t>(&mut self, tag: &'t [u8]) -> Option<&'t [u8]> {
        self.known(tag).map(|(_, name)| name)
    }

    /// The same with the number of the tag, which stays the same for this filter: they count from 0 in the order in
    /// which the tags were first met.
    #[inline]
    pub fn known<'t>(&mut self, tag: &'t [u8]) -> Option<(usize, &'t [u8])> {
        let ending = ending(tag);
        let at = self
            .known
            .iter()
            .position(|known| known.ending == ending && known.tag == tag)
            .unwrap_or_else(|| {
                let name = self.selection.names.instance(tag);
                let counts = self.counts(name);
                self.known.push(Known {
                    tag: tag.to_vec(),
                    ending,
                    name: name.len(),
                    counts,
                });
                self.known.len() - 1
            });
        let known = self.known.get(at).filter(|known| known.counts)?;
        Some((at, tag.get(..known.name)?))
    }

    fn counts(&self, name: &[u8]) -> bool {
        self.scope.has(name) && self.selection.wants(name)
    }

    /// The names that the logs know, asked for or not.
    pub fn seen(&self) -> BTreeSet<Vec<u8>> {
        self.known
            .iter()
            .map(|known| known.name().to_vec())
            .collect()
    }

    /// From here on, only the names of this scope count.
    pub fn scope(&mut self, scope: Scope) {
        self.scope = scope;
        let mut known = std::mem::take(&mut self.known);
        for one in &mut known {
            one.counts = self.counts(one.name());
        }
        self.known = known;
    }

    /// Takes in what another filter met in a later part of the log.
    pub fn join(&mut self, later: Self) {
        for entry in later.known {
            if !self.known.contains(&entry) {
                self.known.push(entry);
            }
        }
    }
}
