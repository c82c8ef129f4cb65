//! Domains of no known provider that take nothing: in an instance's figures, and a provider's, they are lost.

use std::collections::BTreeMap;

use super::notice::{Found, Kind, Notice};
use super::providers::providers;
use super::{Daily, Measure, Rate, failed, name_of};
use crate::bounds::OTHER_INSTANCES;
use crate::history::History;
use crate::judge::Sample;
use crate::mail_stats::check::Watched;
use crate::mail_stats::{Counts, Dimension, Key};
use crate::verdict::Level;
use knowledge::providers::Providers;
use legible::human;

/// A domain refuses everything if at least this share of what it was offered fails, beyond chance: 35 of 35, 60 of 61.
const EVERYTHING: f64 = 90.0;

/// One in so many of all attempts is worth a word.
const WORTH: u64 = 100;

/// Domains that refuse everything, as one finding.
///
/// Lists always have addresses at domains that are gone, and day records hold no domains. So what failed at all
/// domains of no provider must have risen above the days before by half of it: what fails every day is usual.
pub(super) fn refusing(
    report: &Daily,
    history: &History,
    known: &Providers,
    found: &mut Vec<Found>,
) {
    let total = report.total.today;
    let all_failed = failed_of(total);
    // That most of all fails is no domain's matter, and is found elsewhere.
    if all_failed.saturating_mul(2) > total.total() {
        return;
    }
    let mut dead: Vec<(String, Sample)> = offered(report, known)
        .into_iter()
        .map(|(name, counts)| (name, Sample::new(failed(&counts), counts.total())))
        .filter(|(_, sample)| sample.at_least() >= EVERYTHING)
        .filter(|(_, sample)| sample.part().saturating_mul(WORTH) >= total.total())
        .collect();
    dead.sort_by_key(|(_, sample)| std::cmp::Reverse(sample.part()));
    let Some((name, sample)) = dead.first() else {
        return;
    };
    let parts = dead.iter().map(|(_, sample)| sample.part());
    let part = parts.fold(0, u64::saturating_add);
    let rest = &known.get(known.the_rest()).name;
    let all = providers(&report.stats, history, false, |_| true);
    if let Some(rest) = all.iter().find(|of| of.name == *rest) {
        let days = rest.days.split_last().map_or(&[][..], |(_, days)| days);
        let days = days.iter().filter_map(|(_, measure)| *measure);
        let mut before: Vec<u64> = days.map(failed_of).collect();
        before.sort_unstable_by(|a, b| b.cmp(a));
        // One day may have been like this one.
        let usual = before.get(usize::from(before.len() > 2)).copied();
        let risen = failed_of(rest.today).saturating_sub(usual.unwrap_or(0));
        if risen.saturating_mul(2) < part {
            return;
        }
    }
    let more = dead.len() - 1;
    let details = match more {
        0 => "nothing was taken there".to_owned(),
        1 => "and 1 domain more".to_owned(),
        n => format!("and {n} domains more"),
    };
    let finding = Notice {
        level: Level::Warning,
        instance: format!("to {name}"),
        what: format!(
            "{} refused or put off ({})",
            human::percent(sample.part(), sample.whole()),
            sample.part()
        ),
        details,
    };
    found.push(Found::new(Kind::Domain, part, finding));
}

/// What failed, but for what an instance put off by itself.
fn failed_of(of: Measure) -> u64 {
    let count = |watched| of.count(Rate::Watched(watched));
    count(Watched::Bounced).saturating_add(count(Watched::Deferred))
}

/// What each domain of no known provider was offered, without what anyone may have written. Of an instance that is
/// paused, what was put off is not known by domain: it may all have been this one's.
fn offered(report: &Daily, known: &Providers) -> BTreeMap<String, Counts> {
    let mut all: BTreeMap<String, Counts> = BTreeMap::new();
    let judged = report.stats.instances.iter();
    for instance in judged.filter(|of| name_of(&of.instance) != OTHER_INSTANCES) {
        let figures = &instance.figures;
        let table = figures.breakdown(Dimension::Domain).into_iter();
        let rows = table.flat_map(|table| &table.rows);
        for row in rows.filter(|row| !matches!(row.key, Key::Others(_))) {
            let domain = row.key.as_bytes();
            if known.by_domain(domain).is_some() {
                continue;
            }
            let deferred = row.counts.deferred.saturating_sub(figures.paused());
            *all.entry(name_of(domain).into_owned()).or_default() += Counts {
                deferred,
                ..row.counts
            };
        }
    }
    all
}
