//! Times of which a log has no line, of whatever program: kept while its events are read, for the window only.

use std::ops::Range;

use super::events::stamp_of;
use super::extract::Extractor;
use crate::{Span, Time};

/// For so long a log may be silent at any time.
pub const SILENT: Span = Span::from_minutes(30);

/// At most this many are kept: a log that is silent as often is silent by nature.
const MOST: usize = 1000;

/// The times without a line, each longer than [`SILENT`], and not wholly before or behind the window. In whatever order
/// lines come: each ends a silence, or parts one in two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silences {
    /// Those before the last line, in order. The first begins with [`Time::EPOCH`]: it is the time before the log.
    before: Vec<Range<Time>>,
    /// When the last line was written; [`Time::EPOCH`] where there is none.
    last: Time,
}

impl Default for Silences {
    fn default() -> Self {
        Self {
            before: Vec::new(),
            last: Time::EPOCH,
        }
    }
}

impl Silences {
    /// All of them, in order. The last is the time behind the log, and ends with [`Time::MAX`].
    pub fn all(&self) -> impl Iterator<Item = Range<Time>> {
        let behind = self.last..Time::MAX;
        self.before.iter().cloned().chain([behind])
    }

    /// Those that two logs have in common.
    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        for mine in self.all() {
            let met = other.all().map(|theirs| {
                let (start, end) = (mine.start.max(theirs.start), mine.end.min(theirs.end));
                start..end
            });
            both.extend(met.filter(is_long));
        }
        both.pop();
        Self {
            before: both,
            last: self.last.max(other.last),
        }
    }

    /// Takes note of a line.
    pub(super) fn line(&mut self, time: Time, window: &Range<Time>) {
        if time >= self.last {
            if self.is_one(time, window) && self.before.len() < MOST {
                self.before.push(self.last..time);
            }
            self.last = time;
            return;
        }
        // Out of order.
        let at = self.before.partition_point(|silence| silence.end <= time);
        if let Some(parted) = self.before.get(at).filter(|s| s.start < time).cloned() {
            let parts = [parted.start..time, time..parted.end];
            self.before
                .splice(at..=at, parts.into_iter().filter(is_long));
        }
    }

    /// Takes note of a line of this time; `lines` are those before it that were not looked at for their times. They
    /// need not be, unless it seems that there are none.
    pub(super) fn until(&mut self, time: Time, lines: &[u8], extractor: &Extractor) {
        let Some(window) = &extractor.window else {
            return;
        };
        if self.is_one(time, window) {
            let mut clock = extractor.clock.clone();
            let stamps = lines.split(|b| *b == b'\n').filter_map(stamp_of);
            let times = stamps.filter_map(|stamp| clock.place(stamp));
            for time in times.filter(|time| *time < extractor.future) {
                self.line(time, window);
            }
        }
        self.line(time, window);
    }

    /// The same for lines at the end of a block: the time of one of the last is enough.
    pub(super) fn rest(&mut self, lines: &[u8], extractor: &Extractor) {
        const FEW: usize = 20;
        if extractor.window.is_none() {
            return;
        }
        let last = lines.rsplit(|b| *b == b'\n').take(FEW).find_map(stamp_of);
        let time = last.and_then(|stamp| extractor.clock.clone().place(stamp));
        if let Some(time) = time.filter(|time| *time < extractor.future) {
            self.until(time, lines, extractor);
        }
    }

    /// Would there be a silence of the window before a line of this time?
    fn is_one(&self, time: Time, window: &Range<Time>) -> bool {
        is_long(&(self.last..time)) && time > window.start && self.last < window.end
    }
}

fn is_long(silence: &Range<Time>) -> bool {
    silence.end.since(silence.start) > SILENT
}

#[cfg(test)]
mod tests;
