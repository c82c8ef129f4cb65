//! Lines in the instances' maps that no limit of the journal answers for: left by a pause that is over, because the map
//! or its instance was away when it ended, an old map came back, or the journal was lost. They hold mail up for ever.

use std::collections::BTreeSet;
use std::path::PathBuf;

use cli::Context;
use figures::verdict::Level;
use limits::Journal;
use limits::health::LATE;
use limits::map::{MapText, Marked, is_answer};
use postfix::config::Host;
use postfix::{Span, Time};
use transport::Source;

use crate::desk::readable;
use crate::place::Place;
use crate::upkeep;

/// A key and a value of a map.
type Line = (String, String);

fn places<'h>(cx: &Context, host: &'h Host) -> impl Iterator<Item = Place<'h>> {
    let instances = host.instances().iter();
    instances.filter_map(|instance| Place::of(cx, instance))
}

fn lines(place: &Place<'_>, text: &[u8]) -> Vec<Line> {
    let source = Source::parse(&place.map.path, text).value;
    let entries = source.entries.into_iter();
    entries.map(|entry| (entry.key, entry.value)).collect()
}

/// The keys of lines of ours, in the map's text or in its index, that no limit answers for. One that is not closed is
/// left to those who end it; one of which the journal does not know may be over for as long as `grace`.
fn stray(
    place: &Place<'_>,
    journal: &Journal,
    now: Time,
    grace: Span,
) -> anyhow::Result<BTreeSet<String>> {
    let seen = place.map.read()?;
    let text = seen.map_or_else(Vec::new, |seen| seen.text);
    let mut found = lines(place, &text);
    if let Some(index) = place.index()
        && !text.is_empty()
    {
        found.extend(index.map_err(anyhow::Error::msg)?);
    }
    found.retain(|(_, value)| is_answer(value));
    if found.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut known: BTreeSet<Line> = BTreeSet::new();
    known.extend(lines(place, &upkeep::text(place, journal, now)?));
    let is_left = |block: &&Marked| match journal.limit(&block.id) {
        Some(standing) => standing.is_open(),
        None => block.until.is_some_and(|until| until.plus(grace) > now),
    };
    for block in MapText::parse(&text).blocks.iter().filter(is_left) {
        known.extend(lines(place, &block.lines));
    }
    let strays = found.into_iter().filter(|line| !known.contains(line));
    Ok(strays.map(|(key, _)| key).collect())
}

/// The configuration directories of the instances in whose maps there is such a line. What cannot be read is reported.
pub(crate) fn instances(cx: &Context, host: &Host, journal: &Journal, now: Time) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for place in places(cx, host) {
        match stray(&place, journal, now, Span::ZERO) {
            Ok(keys) if keys.is_empty() => {}
            Ok(_) => found.push(place.instance.config_directory().to_owned()),
            Err(why) => cx.warn(format!("{}: {why:#}", place.map.path.display())),
        }
    }
    found
}

/// What is wrong with the maps, and how bad it is.
pub(crate) fn troubles(
    cx: &Context,
    host: &Host,
    journal: &Journal,
    now: Time,
) -> Vec<(Level, String)> {
    let mut all = Vec::new();
    for place in places(cx, host) {
        let path = place.map.path.display();
        match stray(&place, journal, now, LATE) {
            Ok(keys) if keys.is_empty() => {}
            Ok(keys) => {
                let some: Vec<&str> = keys.iter().map(String::as_str).take(3).collect();
                all.push((
                    Level::Critical,
                    format!(
                        "{path} still pauses {}{}, for a limit that is over: relay-limit tick is not running, \
                         or fails",
                        some.join(", "),
                        if keys.len() > some.len() { ", …" } else { "" }
                    ),
                ));
            }
            Err(why) => all.push((Level::Unknown, format!("{path}: {why:#}"))),
        }
        let Ok(Some(seen)) = place.map.read() else {
            continue;
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
    }
    all
}

/// Lines of the maps that are not ours.
pub(crate) fn by_hand(cx: &Context, host: &Host) -> Vec<String> {
    let mut all = Vec::new();
    for place in places(cx, host) {
        let Ok(Some(seen)) = place.map.read() else {
            continue;
        };
        let path = place.map.path.display();
        let entries = MapText::parse(&seen.text).other_entries(&place.map.path);
        let entries = entries.into_iter();
        all.extend(
            entries.map(|entry| format!("by hand in {path}: {} {}", entry.key, entry.value)),
        );
    }
    all
}
