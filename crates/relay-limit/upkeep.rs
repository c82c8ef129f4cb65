//! A map is made to say what the journal says: after every order, and at every tick.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use cli::Failure;
use host::machine;
use limits::map::{Form, MapText, access_blocks, blocks, render};
use limits::{Journal, Limit, MapFile, MapKind, MapSnapshot};
use postfix::Time;
use std::os::unix::fs::MetadataExt as _;
use transfer::{Fs, NoHook};
use transport::Source;

use crate::mapped::{Keys, MappedInstance};
use crate::processes;
use crate::recipients;
use crate::reload;

/// What was done.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Was the map replaced, so that Postfix must be waited for?
    pub(crate) changed: bool,
    /// Addresses and tables that a pause does not reach.
    pub(crate) warnings: Vec<String>,
    /// Why Postfix was not reloaded, though it does not notice this change by itself.
    pub(crate) unloaded: Option<String>,
}

/// What a map must say, and what it says.
struct Wanted<'p> {
    map: &'p MapFile,
    seen: Option<MapSnapshot>,
    text: Vec<u8>,
    warnings: Vec<String>,
}

impl Wanted<'_> {
    /// Or why the index could not be asked.
    fn is_there(&self, mapped: &MappedInstance<'_>) -> Result<bool, String> {
        let seen = self.seen.as_ref();
        match seen.is_some_and(|seen| seen.text == self.text) {
            true => index_agrees(mapped, self.map, &self.text),
            false => Ok(false),
        }
    }
}

/// What all maps of `place` must say, the one of transports first.
fn all_wanted<'p>(
    mapped: &'p MappedInstance<'_>,
    journal: &Journal,
    now: Time,
) -> Result<Vec<Wanted<'p>>> {
    mapped
        .maps()
        .map(|map| wanted(mapped, map, journal, now))
        .collect()
}

fn wanted<'p>(
    mapped: &MappedInstance<'_>,
    file: &'p MapFile,
    journal: &Journal,
    now: Time,
) -> Result<Wanted<'p>> {
    let is_access = file.path.ends_with(limits::setup::ACCESS);
    let directory = mapped.instance.config_directory();
    let of_it = journal
        .limits
        .iter()
        .filter(|one| one.limit.config_directory == directory);
    let holding: Vec<&Limit> = of_it
        .filter(|one| one.holds(now))
        .map(|one| &one.limit)
        .collect();
    let seen = file.read().map_err(unusable)?;
    let text = seen
        .as_ref()
        .map(|seen| seen.text.as_slice())
        .unwrap_or_default();
    let map = MapText::parse(text);
    let mut warnings = Vec::new();
    let (blocks, odd) = match (holding.is_empty(), is_access) {
        (true, _) => (Vec::new(), Vec::new()),
        (false, true) => access_blocks(&holding, &recipients::aliases(mapped)),
        (false, false) => blocks(&holding, &elsewhere(mapped, &map, &mut warnings)),
    };
    warnings.extend(
        odd.iter()
            .map(|key| format!("{key}: this key cannot be in a map: it is not paused")),
    );
    let mut kept = map.blocks.clone();
    kept.retain(|block| {
        journal.limit(&block.id).is_none() && block.until.is_none_or(|until| until > now)
    });
    let form = match is_access {
        true => Form::Access,
        false => file.kind.form(),
    };
    let text = render(form, &blocks, &kept, &map.others);
    Ok(Wanted {
        map: file,
        seen,
        text,
        warnings,
    })
}

/// What a map of `place` is to say at `now`.
pub(crate) fn text(
    mapped: &MappedInstance<'_>,
    map: &MapFile,
    journal: &Journal,
    now: Time,
) -> Result<Vec<u8>> {
    Ok(wanted(mapped, map, journal, now)?.text)
}

/// Does the map say what holds at `now`? If not, why.
pub(crate) fn agrees(
    cx: &cli::Context,
    mapped: &MappedInstance<'_>,
    journal: &Journal,
    now: Time,
) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for wanted in all_wanted(mapped, journal, now)? {
        wrong.extend(wanted.warnings.iter().cloned());
        if !wanted.is_there(mapped).map_err(anyhow::Error::msg)? {
            wrong.push(format!(
                "{} does not match the journal: relay-limit tick will repair it",
                wanted.map.path.display()
            ));
        }
    }
    if wrong.is_empty() && is_unread(cx, mapped) {
        wrong.push(
            "Postfix has not been reloaded since the map changed: relay-limit tick will do it"
                .to_owned(),
        );
    }
    Ok(wrong)
}

/// Makes the maps of `place` say what holds at `now`, where they do not say so yet. To be called under the lock.
pub(crate) fn keep(
    cx: &cli::Context,
    mapped: &MappedInstance<'_>,
    journal: &Journal,
    now: Time,
) -> Result<Done> {
    let mut done = Done::default();
    let mut failed = None;
    for map in mapped.maps() {
        match keep_one(cx, (mapped, map), journal, now) {
            Ok(one) => {
                done.changed |= one.changed;
                done.warnings.extend(one.warnings);
                done.unloaded = done.unloaded.or(one.unloaded);
            }
            // What is over ends in the other one all the same.
            Err(why) => failed = failed.or(Some(why)),
        }
    }
    failed.map_or(Ok(done), Err)
}

fn keep_one(
    cx: &cli::Context,
    (mapped, map): (&MappedInstance<'_>, &MapFile),
    journal: &Journal,
    now: Time,
) -> Result<Done> {
    let wanted = wanted(mapped, map, journal, now)?;
    // What cannot be asked is made anew.
    let is_there = wanted.is_there(mapped) == Ok(true);
    if !is_there {
        let make_index = |kind: &str, path: &std::path::Path| mapped.make_index(kind, path);
        let seen = wanted.seen.as_ref();
        map.replace(Fs::new(&NoHook), seen, &wanted.text, &make_index)
            .map_err(unusable)?;
    }
    let is_patterns = matches!(map.kind, MapKind::Patterns(_));
    let changed = !is_there || (is_patterns && is_unread(cx, mapped));
    let reloaded = match is_patterns && changed {
        true => reload::safely(cx, mapped.instance),
        false => Ok(()),
    };
    Ok(Done {
        changed,
        warnings: wanted.warnings,
        unloaded: reloaded.err(),
    })
}

/// The keys of the other tables, and of those lines of our map that are not ours.
fn elsewhere(
    mapped: &MappedInstance<'_>,
    map: &MapText,
    warnings: &mut Vec<String>,
) -> BTreeSet<String> {
    if matches!(mapped.map.kind, MapKind::Patterns(_)) {
        // A pattern of ours is asked before all of them.
        return BTreeSet::new();
    }
    let own = map.other_entries(&mapped.map.path);
    let mut keys: BTreeSet<String> = own.into_iter().map(|entry| entry.key).collect();
    if mapped.instance.parameters().bool("smtputf8_enable") != Some(false) {
        // postmap(1) leaves such lines out.
        keys.retain(|key| !key.contains('\u{fffd}'));
    }
    for (table, other) in mapped.others() {
        match other {
            Keys::Listed(listed) => keys.extend(listed),
            Keys::Opaque(why) => warnings.push(format!(
                "{table} may answer for whole addresses, which Postfix asks for before domains ({why})"
            )),
        }
    }
    keys
}

/// Does Postfix's index say what the text says? Of two entries with one key, the first counts. Of what is not ASCII,
/// postmap(1) folds some, and leaves out some that is not UTF-8: there the index need only be as new as the text.
fn index_agrees(mapped: &MappedInstance<'_>, map: &MapFile, text: &[u8]) -> Result<bool, String> {
    let Some(index) = mapped.index(map) else {
        return Ok(true);
    };
    let index = match index {
        Ok(index) => index,
        // Whoever may read it can keep others from it by a lock.
        Err(why) if why.contains(guarded::NO_ANSWER) => return Err(why),
        Err(_) => return Ok(false),
    };
    if !text.is_ascii() && !is_as_new(map) {
        return Ok(false);
    }
    let is_plain = |key: &str, value: &str| key.is_ascii() && value.is_ascii();
    let source = Source::parse(&map.path, text).value;
    let mut wanted = BTreeMap::new();
    for entry in source.entries {
        if is_plain(&entry.key, &entry.value) {
            wanted.entry(entry.key).or_insert(entry.value);
        }
    }
    let index = index
        .into_iter()
        .filter(|(key, value)| is_plain(key, value));
    let found: BTreeMap<String, String> = index.collect();
    Ok(found == wanted)
}

/// Was the index written after the text?
fn is_as_new(map: &MapFile) -> bool {
    let at = |path: &std::path::Path| path.metadata().and_then(|found| found.modified()).ok();
    let index = map.index().and_then(|index| at(&index));
    index.is_some() && index >= at(&map.path)
}

/// Does a process go by patterns that are older than the map? So it is after a crash between map and reload.
fn is_unread(cx: &cli::Context, mapped: &MappedInstance<'_>) -> bool {
    if !matches!(mapped.map.kind, MapKind::Patterns(_)) {
        return false;
    }
    let Ok(metadata) = mapped.map.path.metadata() else {
        return false;
    };
    let started = processes::of_program(cx, mapped.instance, "trivial-rewrite");
    let mut times = started.iter().filter_map(machine::started);
    // Both are known to the second, and one may be a second off.
    times.any(|at| at.seconds() <= metadata.ctime() + 1)
}

fn unusable(error: limits::MapError) -> Failure {
    Failure::new("cannot change the map")
        .because(error)
        .hint("see relay-limit setup")
}
