//! What to do with an event: count it, or print it.

use std::collections::BTreeSet;
use std::io::{self, Write};

use postfix::log::{Event, Scope, Sink};
use report::mail_stats::Tally;
use report::render::events::{self, EventWriter};

use crate::inputs::LogScope;
use crate::selection::Selection;
use crate::tables::Tables;

/// Counts the events of the instances that are asked for.
pub struct Counting<'a> {
    selection: &'a Selection<'a>,
    scope: Scope,
    pub tally: Tally,
    /// The names met so far, asked for or not.
    pub seen: BTreeSet<Vec<u8>>,
    /// The last name, and whether it counts: most lines are of the same few.
    last: (Vec<u8>, bool),
}

impl<'a> Counting<'a> {
    pub fn new(selection: &'a Selection<'a>, tally: Tally) -> Self {
        Self {
            selection,
            scope: Scope::All,
            tally,
            seen: BTreeSet::new(),
            last: (Vec::new(), false),
        }
    }

    fn counts(&mut self, name: &[u8]) -> bool {
        if self.last.0 != name {
            self.last.0.clear();
            self.last.0.extend_from_slice(name);
            self.last.1 = self.scope.has(name) && self.selection.wants(name);
            if !self.seen.contains(name) {
                self.seen.insert(name.to_vec());
            }
        }
        self.last.1
    }
}
