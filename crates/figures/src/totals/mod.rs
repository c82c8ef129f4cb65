//! Counters that only rise: what was counted over many runs, and where in the logs the counting goes on.
//!
//! [`Totals`] are both in one, so that a file of them ([`Totals::to_json`], schema `relay-tools/follow/1`), replaced as
//! a whole, is never ahead of the logs nor behind them. What is distinguished is bounded: instances, statuses,
//! providers, classes of reasons.

mod wire;

use postfix::Time;
use std::collections::BTreeMap;

use knowledge::reasons::Class;

use crate::bounds::{OTHER_INSTANCES, instances};
use crate::mail_stats::{Counts, Dimension, Figures, MailStats};
use crate::places::Places;

/// The schema's name.
pub const SCHEMA: &str = "relay-tools/follow/1";

/// The breakdowns that the figures added by [`Totals::add`] must have.
pub const DIMENSIONS: [Dimension; 2] = [Dimension::Provider, Dimension::Reason];

/// What was counted so far, and up to where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// When the counting began.
    pub since: Time,
    /// When it was last continued.
    pub updated: Time,
    /// How far the logs were read.
    pub places: Places,
    /// By instance.
    pub instances: BTreeMap<String, Totalled>,
}

/// The counters of one instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totalled {
    /// Deliveries.
    pub counts: Counts,
    /// Messages that expired in the queue.
    pub expired: u64,
    /// Delivery lines that could not be read.
    pub unparsed: u64,
    /// What Postfix's programs complained about, by severity.
    pub complaints: BTreeMap<String, u64>,
    /// Deliveries by provider.
    pub providers: BTreeMap<String, Counts>,
    /// Deliveries by class of reason; those that were sent have none, and are not in it.
    pub reasons: BTreeMap<String, Counts>,
}

impl Totals {
    /// Nothing counted yet.
    pub fn new(now: Time) -> Self {
        Self {
            since: now,
            updated: now,
            places: Places::default(),
            instances: BTreeMap::new(),
        }
    }

    /// Adds figures, which must have all rows of [`DIMENSIONS`]. Every instance in them has counters from now on, with
    /// zeros if nothing was counted: a counter that appears with its first event hides that event. `configured` tells
    /// instances that have counters of their own however many there are; of others there are as many as the series of
    /// all of them allow, by `providers` and by reasons.
    pub fn add(&mut self, stats: &MailStats, providers: usize, configured: impl Fn(&str) -> bool) {
        let most = instances(5 + 3 * providers + 2 * Class::ALL.len());
        for instance in &stats.instances {
            let mut name = String::from_utf8_lossy(&instance.instance).into_owned();
            let is_known = self.instances.contains_key(&name);
            if !is_known && self.instances.len() >= most && !configured(&name) {
                name = OTHER_INSTANCES.to_owned();
            }
            self.instances
                .entry(name)
                .or_default()
                .add(&instance.figures);
        }
    }
}

impl Totalled {
    fn add(&mut self, figures: &Figures) {
        self.counts += figures.counts;
        self.expired = self.expired.saturating_add(figures.expired);
        self.unparsed = self.unparsed.saturating_add(figures.unparsed);
        for row in &figures.complaints {
            let severity = row.severity.as_str().to_owned();
            let count = self.complaints.entry(severity).or_default();
            *count = count.saturating_add(row.count);
        }
        for breakdown in &figures.by {
            let table = match breakdown.dimension {
                Dimension::Provider => &mut self.providers,
                Dimension::Reason => &mut self.reasons,
                _ => continue,
            };
            for row in &breakdown.rows {
                let key = String::from_utf8_lossy(row.key.as_bytes()).into_owned();
                *table.entry(key).or_default() += row.counts;
            }
        }
        // The row of what was sent, for no reason.
        self.reasons.retain(|_, counts| counts.sent == 0);
    }
}

#[cfg(test)]
mod tests;
