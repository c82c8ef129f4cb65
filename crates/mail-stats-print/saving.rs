//! `--save-day`: a day's figures, kept as records.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use cli::{Context, Failure, Outcome, replace_file};
use figures::days::{self, DayRecord, Period};
use figures::gaps::Gaps;
use guarded::{Links, Lock, Place};
use host::history::{DayCounts, DayLogs, DaySettings, MOST_RECORDS, record_file};
use host::logs::{Hosts, gaps, log_sets, refused};

use crate::{Run, check, left_out, report_readings};

/// How long another run may write its records.
const PATIENCE: Duration = Duration::from_secs(60);

/// Keeps the day that is asked for. Instances that are expected have a record even if they had nothing to do.
pub(crate) fn save(run: &Run<'_>) -> anyhow::Result<Outcome> {
    let (cx, selection) = (run.cx, run.selection);
    let day = Period::of_day(cx.host(), cx.zone(), run.args.day(cx)?);
    let sets = log_sets(
        cx.site(),
        run.host,
        selection,
        run.args.logs.own.preference(),
    )?;
    let settings = DaySettings {
        zone: cx.zone(),
        instances: check::expected(run.args, selection),
        tables: run.tables.clone(),
        whole: true,
        hosts: Hosts::of_own(cx.site(), &sets),
    };
    let days = std::slice::from_ref(&day);
    let mut counts = DayCounts::new(selection, days, &settings);
    let wanted = counts.wanted();
    let mut logs = DayLogs::read_day(cx.site(), &sets, &day, wanted, &mut counts);
    report_readings(cx, &logs.readings);
    // As where figures are printed: nothing seen is no result.
    if logs.readings.is_empty()
        && let Some(first) = logs.problems.pop()
    {
        return Err(refused(first));
    }
    let records = counts.records(|day, instance| logs.of(cx.site(), day, instance));
    let outcome = keep(cx, &day, records, &gaps(&logs.readings))?;
    cx.problems(&logs.problems);
    Ok(outcome)
}

/// Where the records of a day are, and the lock that keeps other runs from writing there, beside their directory, which
/// is created if missing.
fn locked(cx: &Context, path: &Path) -> anyhow::Result<(Place, Lock)> {
    let made = |path: &Path| {
        let made = Place::make(cx.root().dir(), path, Links::Ours);
        made.map_err(|e| Failure::io("cannot write", path, e))
    };
    let directory = made(path.parent().unwrap_or(path))?;
    let place = made(path)?;
    let lock = directory.beside(".lock").lock(PATIENCE).map_err(|e| {
        Failure::new(e.to_string())
            .hint("another run is writing there; try again when it has finished")
    })?;
    Ok((place, lock))
}

/// Puts the records in their file, if that changes it.
fn keep(
    cx: &Context,
    day: &Period,
    records: Vec<DayRecord>,
    gaps: &Gaps,
) -> anyhow::Result<Outcome> {
    let name = day.day();
    let mut outcome = Outcome::Done;
    let path = record_file(cx.site(), day);
    // Where the logs do not reach the day, nothing was seen, and nothing is known.
    let (records, unknown): (Vec<_>, Vec<_>) = records
        .into_iter()
        .partition(|record| record.complete || !record.is_empty());
    // Of two runs for other instances of one day, the later must see what the earlier has written.
    let held = match records.is_empty() {
        true => None,
        false => Some(locked(cx, &path)?),
    };
    let text = stored_text(&path, held.as_ref().map(|(place, _)| place))?;
    let update = days::update(&path, &text, records.clone())?;
    if let (Some(content), Some((place, _))) = (&update.content, &held) {
        replace_file(place, content)?;
    }
    for record in &records {
        let kept = match update.not_needed.contains(record) {
            true => "already",
            false => "saved",
        };
        let path = path.display();
        cx.note(format!("{name}, {}: {kept} in {path}", record.instance));
    }
    let (stored, _) = days::stored(&path, &text);
    let is_stored = |record: &DayRecord| stored.iter().any(|(_, old)| old.key() == record.key());
    let unknown = unknown.iter().filter(|record| !is_stored(record));
    let saved = records.iter();
    let saved = saved.filter(|record| !update.not_needed.contains(record));
    let mut lacking: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for record in unknown.chain(saved) {
        for why in &record.incomplete {
            lacking.entry(why).or_default().push(&record.instance);
        }
    }
    for (why, instances) in lacking {
        cx.warn(format!(
            "{name} is incomplete: {why} ({})",
            instances.join(", ")
        ));
        outcome = Outcome::Partial;
    }
    let unparsed = records.iter().map(|record| record.unparsed);
    let unparsed = unparsed.fold(gaps.nobodys, u64::saturating_add);
    if left_out(cx, unparsed, gaps) == Outcome::Partial {
        outcome = Outcome::Partial;
    }
    cx.problems(&update.problems);
    Ok(outcome)
}

/// What the file holds so far: nothing, if there is none.
fn stored_text(path: &Path, held: Option<&Place>) -> anyhow::Result<Vec<u8>> {
    let read = match held {
        Some(place) => place.read(MOST_RECORDS),
        None => guarded::read(path, MOST_RECORDS),
    };
    match read {
        Err(e) if guarded::is_absent(&e) => Ok(Vec::new()),
        read => read.map_err(|e| Failure::io("cannot read", path, e).into()),
    }
}
