//! What a paused instance put off by itself, told from what a receiver did.

use knowledge::reasons::Class;

use super::{Counts, DISCARDED, Dimension, Figures};

impl Figures {
    /// Attempts that this host itself put off, because somebody paused an instance: they say nothing of any receiver.
    /// Needs the breakdown by `Dimension::Reason`.
    pub fn paused(&self) -> u64 {
        let row = self.reason(Class::Paused);
        row.map_or(0, |row| row.counts.deferred)
    }

    /// What discard(8) threw away, which counts as sent. Needs the breakdown by `Dimension::Reason`.
    pub fn discarded(&self) -> u64 {
        let rows = self.breakdown(Dimension::Reason).map(|table| &table.rows);
        let mut rows = rows.into_iter().flatten();
        let row = rows.find(|row| row.key.as_bytes() == DISCARDED.as_bytes());
        row.map_or(0, |row| row.counts.sent)
    }

    /// Each provider with the deliveries to it that were surely tried. Which provider's mail was paused is not kept:
    /// what an instance [`paused`](Self::paused) is taken off all of its providers, so that none is blamed for it.
    /// Needs the breakdowns by `Dimension::Provider` and `Dimension::Reason`. `is_once`: a recipient that was put off
    /// counts once, where that is known.
    pub fn tried_by_provider(&self, is_once: bool) -> impl Iterator<Item = (&[u8], Counts)> {
        let rows = self.breakdown(Dimension::Provider).map(|table| &table.rows);
        let paused = self.paused();
        let tried = move |counts: Counts| Counts {
            deferred: counts.deferred.saturating_sub(paused),
            ..counts
        };
        let is_once = is_once && self.put_off.is_some();
        let rows = rows.into_iter().flatten();
        rows.map(move |row| {
            let mut counts = tried(row.counts);
            if is_once {
                let of = self.put_off_by(row.key.as_bytes());
                counts.deferred = counts.deferred.min(of.recipients);
            }
            (row.key.as_bytes(), counts)
        })
    }

    /// The deliveries that were tried: [`Self::counts`] without what was [`paused`](Self::paused).
    pub fn tried(&self) -> Counts {
        Counts {
            deferred: self.counts.deferred.saturating_sub(self.paused()),
            ..self.counts
        }
    }
}
