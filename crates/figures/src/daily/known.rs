//! What is known of the day itself, from logs and records, and what is not.

use std::collections::{BTreeMap, BTreeSet};

use super::{all_of, name_of};
use crate::days::counted;
use crate::history::{History, HistoryDay, Source};
use crate::mail_stats::{Frame, MailStats, Tally};

/// The figures of the day: what was counted in the logs, and the records of instances whose logs are gone.
pub(super) fn stats_of(host: &str, day: &HistoryDay, tally: Tally) -> MailStats {
    let (settings, _, instances) = tally.into_counts();
    let mut whole = Tally::new(std::sync::Arc::clone(&settings));
    let from_record = |name: &[u8]| {
        let of = day.instance(&name_of(name))?;
        (of.source == Source::Record).then_some(of)
    };
    let kept = instances.into_iter();
    for instance in kept.filter(|i| from_record(&i.name).is_none()) {
        whole.enter(instance);
    }
    for of in day.instances.iter().filter(|i| i.source == Source::Record) {
        whole.enter(counted(&of.record, &settings));
    }
    whole.finish(Frame {
        host: host.to_owned(),
        since: Some(day.day.since),
        until: Some(day.day.until),
        ..Frame::default()
    })
}

/// Why not all of the day is known, and of which instances; all instances, if none is named.
pub(super) fn missing(day: &HistoryDay, busy: &[String]) -> Vec<(String, Vec<String>)> {
    let mut missing: BTreeMap<&str, BTreeSet<&String>> = BTreeMap::new();
    for of in &day.instances {
        for why in &of.incomplete {
            missing.entry(why).or_default().insert(&of.instance);
        }
    }
    let silent = day
        .instances
        .iter()
        .filter(|of| of.source == Source::Record);
    for of in silent.filter(|of| !of.record.has_complaints()) {
        let why = "its record does not hold what Postfix's programs complained about";
        missing.entry(why).or_default().insert(&of.instance);
    }
    for name in busy.iter().filter(|name| day.instance(name).is_none()) {
        missing.entry("nothing is known").or_default().insert(name);
    }
    let known = day.instances.iter().map(|of| &of.instance);
    let all: BTreeSet<&String> = known.chain(busy).collect();
    let missing = missing.into_iter().map(|(why, of)| match of == all {
        true => (why.to_owned(), Vec::new()),
        false => (why.to_owned(), of.into_iter().cloned().collect()),
    });
    missing.collect()
}

/// Which logs and records of the days before could not be read, where nothing else says what was in them. What is wrong
/// with the day's own is said of the day.
pub(super) fn unread_before(history: &History) -> Vec<String> {
    let (day, before) = history.days.split_last().unzip();
    let own = || day.into_iter().flat_map(|day| &day.instances);
    let is_its = |why: &&String| own().any(|of| of.incomplete.contains(why));
    let days = before.unwrap_or_default().iter();
    let days = days.filter(|day| all_of(day).is_none());
    let all: BTreeSet<&String> = days.flat_map(|day| &day.unread).collect();
    all.into_iter()
        .filter(|why| !is_its(why))
        .cloned()
        .collect()
}

/// The instances whose figures are from a record.
pub(super) fn from_records(day: &HistoryDay) -> Vec<String> {
    let of = day.instances.iter();
    let of = of.filter(|of| of.source == Source::Record);
    of.map(|of| of.instance.clone()).collect()
}
