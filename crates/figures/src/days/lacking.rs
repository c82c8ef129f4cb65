//! What there should be a record of, and is none.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use postfix::{Day, Span, Time, Zone, escape};

use crate::bounds::OTHER_INSTANCES;

/// So many days that there is no record of are named.
const NAMED: usize = 5;

/// Host, instance, day.
pub(super) type Key = (String, String, Day);

/// Of each instance of a host, the days that there is a record of.
type OfHost<'a> = BTreeMap<&'a str, BTreeSet<Day>>;

/// Which days the records lack, of hosts and of their instances.
///
/// Each host should have all of the window. Where that has no beginning, a host's is its first record; where it has no
/// end, that is the newest record of any host: one that has stopped to save is not to look as if nothing were missing.
pub(super) fn missing<'a>(
    keys: impl Iterator<Item = &'a Key>,
    window: Option<&Range<Time>>,
    zone: Zone,
) -> Option<String> {
    let mut hosts: BTreeMap<&str, OfHost<'_>> = BTreeMap::new();
    for (host, instance, day) in keys {
        let of = hosts.entry(host).or_default();
        of.entry(instance).or_default().insert(*day);
    }
    if hosts.is_empty() {
        return Some("there is no day record".to_owned());
    }
    let bounds = window.map_or(Time::MIN..Time::MAX, Range::clone);
    let first = (bounds.start > Time::MIN).then(|| Day::at(bounds.start, zone));
    let last = bounds.end.minus(Span::from_micros(1));
    let last = (bounds.end < Time::MAX).then(|| Day::at(last, zone));
    let newest = hosts.values().flat_map(|of| of.values().flatten());
    let newest = newest.max().copied();
    let mut all = Vec::new();
    for (host, of) in &hosts {
        let days: BTreeSet<Day> = of.values().flatten().copied().collect();
        let ends = first.or(days.first().copied()).zip(last.or(newest));
        let mut told = Vec::new();
        match ends {
            Some((first, last)) if last < first && bounds.end == Time::MAX => {
                told.push(format!("no record from {first} on"));
            }
            Some((first, last)) => {
                let gone = first.up_to(last).filter(|day| !days.contains(day));
                told.extend(named(gone).map(|days| format!("no record of {days}")));
                told.extend(of_instances(of, &days, (first, last)));
            }
            None => {}
        }
        let host = escape(host.as_bytes());
        all.extend(told.iter().map(|of| format!("{host}: {of}")));
    }
    (!all.is_empty()).then(|| all.join("; "))
}

/// Which instances have no record on `days` that the host has some of, in words.
///
/// A host saves a record of each of its instances every day. So one should have a record from its first one on, unless
/// it had none any more before the days that are asked for: then it was taken away.
fn of_instances(of: &OfHost<'_>, days: &BTreeSet<Day>, (first, last): (Day, Day)) -> Vec<String> {
    let before = days.range(..first).next_back();
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, own) in of.iter().filter(|(name, _)| is_daily(name)) {
        let is_there = before.is_some_and(|day| own.contains(day))
            || own.iter().any(|day| (first..=last).contains(day));
        let asked = days.iter().filter(|day| (first..=last).contains(day));
        let gone = asked.filter(|day| own.first() < Some(day) && !own.contains(day));
        if let Some(days) = named(gone.copied()).filter(|_| is_there) {
            let name = escape(name.as_bytes()).to_string();
            all.entry(days).or_default().push(name);
        }
    }
    let told = all.into_iter();
    told.map(|(days, of)| format!("no record of {} of {days}", of.join(", ")))
        .collect()
}

/// Is there a record of it on each day, with deliveries or without? What is met in logs only has none on days on which
/// it was not.
pub(crate) fn is_daily(instance: &str) -> bool {
    instance != OTHER_INSTANCES && !instance.contains('@')
}

/// The first of these days, and how many there are more; nothing if there is none.
fn named(mut days: impl Iterator<Item = Day>) -> Option<String> {
    let named = days.by_ref().take(NAMED).map(|day| day.to_string());
    let named: Vec<String> = named.collect();
    let more = match days.count() {
        0 => String::new(),
        1 => " and 1 day more".to_owned(),
        n => format!(" and {n} days more"),
    };
    (!named.is_empty()).then(|| format!("{}{more}", named.join(", ")))
}
