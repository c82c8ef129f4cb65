//! Lines in the instances' maps that no limit of the journal answers for: left by a pause that is over, because the map
//! or its instance was away when it ended, an old map came back, or the journal was lost. They hold mail up for ever.

use std::collections::BTreeSet;
use std::path::PathBuf;

use cli::Context;
use figures::verdict::Level;
use limits::health::LATE;
use limits::map::{MapText, Marked, is_answer};
use limits::{Journal, MapFile};
use postfix::config::Host;
use postfix::{Span, Time};
use transport::Source;

use crate::desk::readable;
use crate::mapped::MappedInstance;
use crate::upkeep;

/// A key and a value of a map.
type Line = (String, String);

fn with_maps<'h>(cx: &Context, host: &'h Host) -> impl Iterator<Item = MappedInstance<'h>> {
    let instances = host.instances().iter();
    instances.filter_map(|instance| {
        MappedInstance::of(cx, instance).or_else(|| MappedInstance::of_access(cx, instance))
    })
}

fn lines(map: &MapFile, text: &[u8]) -> Vec<Line> {
    let source = Source::parse(&map.path, text).value;
    let entries = source.entries.into_iter();
    entries.map(|entry| (entry.key, entry.value)).collect()
}

/// The keys of lines of ours, in the map's text or in its index, that no limit answers for. One that is not closed is
/// left to those who end it; one of which the journal does not know may be over for as long as `grace`.
fn stray(
    (mapped, map): (&MappedInstance<'_>, &MapFile),
    journal: &Journal,
    now: Time,
    grace: Span,
) -> anyhow::Result<BTreeSet<String>> {
    let seen = map.read()?;
    let text = seen.map_or_else(Vec::new, |seen| seen.text);
    let mut found = lines(map, &text);
    if let Some(index) = mapped.index(map)
        && !text.is_empty()
    {
        found.extend(index.map_err(anyhow::Error::msg)?);
    }
    found.retain(|(_, value)| is_answer(value));
    if found.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut known: BTreeSet<Line> = BTreeSet::new();
    known.extend(lines(map, &upkeep::text(mapped, map, journal, now)?));
    let is_left = |block: &&Marked| match journal.limit(&block.id) {
        Some(standing) => standing.is_open(),
        None => block.until.is_some_and(|until| until.plus(grace) > now),
    };
    for block in MapText::parse(&text).blocks.iter().filter(is_left) {
        known.extend(lines(map, &block.lines));
    }
    let strays = found.into_iter().filter(|line| !known.contains(line));
    Ok(strays.map(|(key, _)| key).collect())
}

/// The configuration directories of the instances in whose maps there is such a line, and whether all that was asked
/// has answered. What cannot be read is reported.
pub(crate) fn instances(
    cx: &Context,
    host: &Host,
    journal: &Journal,
    now: Time,
) -> (Vec<PathBuf>, bool) {
    let (mut found, mut is_whole) = (Vec::new(), true);
    for mapped in with_maps(cx, host) {
        for map in mapped.maps() {
            match stray((&mapped, map), journal, now, Span::ZERO) {
                Ok(keys) if keys.is_empty() => {}
                Ok(_) => found.push(mapped.instance.config_directory().to_owned()),
                Err(why) => {
                    // An index that is missing or damaged is made anew.
                    let why = format!("{why:#}");
                    is_whole &= !why.contains(guarded::NO_ANSWER);
                    cx.warn(format!("{}: {why}", map.path.display()));
                }
            }
        }
    }
    found.dedup();
    (found, is_whole)
}

/// What is wrong with the maps, and how bad it is.
pub(crate) fn troubles(
    cx: &Context,
    host: &Host,
    journal: &Journal,
    now: Time,
) -> Vec<(Level, String)> {
    let mut all = Vec::new();
    for mapped in with_maps(cx, host) {
        for map in mapped.maps() {
            all.extend(of_map(cx, (&mapped, map), journal, now));
        }
    }
    all
}

fn of_map(
    cx: &Context,
    (mapped, map): (&MappedInstance<'_>, &MapFile),
    journal: &Journal,
    now: Time,
) -> Vec<(Level, String)> {
    let mut all = Vec::new();
    let path = map.path.display();
    match stray((mapped, map), journal, now, LATE) {
        Ok(keys) if keys.is_empty() => {}
        Ok(keys) => {
            let some: Vec<&str> = keys.iter().map(String::as_str).take(3).collect();
            all.push((
                Level::Critical,
                format!(
                    "{path} still pauses {}{}, for a limit that is over: relay-limit tick is not running, or fails",
                    some.join(", "),
                    if keys.len() > some.len() { ", …" } else { "" }
                ),
            ));
        }
        Err(why) => all.push((Level::Unknown, format!("{path}: {why:#}"))),
    }
    let Ok(Some(seen)) = map.read() else {
        return all;
    };
    let blocks = MapText::parse(&seen.text).blocks.into_iter();
    for block in blocks.filter(|block| journal.limit(&block.id).is_none()) {
        let until = match block.until {
            Some(until) => format!("until {}", readable(cx, until)),
            None => "without an end".to_owned(),
        };
        all.push((
            Level::Warning,
            format!(
                "{path}: {} {until} is not in the journal; to end it, remove its lines by hand, and run \
                 relay-limit tick",
                block.id
            ),
        ));
    }
    all
}

/// Lines of the maps that are not ours.
pub(crate) fn by_hand(cx: &Context, host: &Host) -> Vec<String> {
    let mut all = Vec::new();
    for mapped in with_maps(cx, host) {
        for map in mapped.maps() {
            let Ok(Some(seen)) = map.read() else {
                continue;
            };
            let path = map.path.display();
            let entries = MapText::parse(&seen.text).other_entries(&map.path);
            let entries = entries.into_iter();
            all.extend(
                entries.map(|entry| format!("by hand in {path}: {} {}", entry.key, entry.value)),
            );
        }
    }
    all
}

/// What is wrong beside any limit, a line each.
pub(crate) fn lines_of(stray: &[(Level, String)]) -> impl Iterator<Item = String> {
    stray
        .iter()
        .map(|(level, what)| format!("{}: {what}", level.as_str()))
}
