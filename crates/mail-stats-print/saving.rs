//! `--save-day`: a day's figures, kept as records.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use cli::{Context, Failure, Outcome, replace_file};
use figures::days::{self, Day, DayRecord};
use host::history::{DayCounts, DayLogs, DaySettings, record_file};
use host::logs::{log_sets, refused};
use nix::fcntl::{Flock, FlockArg};

use crate::{Run, check, left_out, report_readings};

/// Keeps the day that is asked for. Instances that are expected have a record even if they had nothing to do.
pub(crate) fn save(run: &Run<'_>) -> anyhow::Result<Outcome> {
    let (cx, selection) = (run.cx, run.selection);
    let (Some(since), Some(until)) = (run.window.since, run.window.until) else {
        return Err(Failure::new("--save-day takes one day").into());
    };
    let day = Day {
        host: cx.host().to_owned(),
        zone: cx.zone(),
        since,
        until,
    };
    let settings = DaySettings {
        zone: cx.zone(),
        instances: check::expected(run.args, selection),
        tables: run.tables.clone(),
        whole: true,
    };
    let days = std::slice::from_ref(&day);
    let mut counts = DayCounts::new(selection, days, &settings);
    let wanted = counts.wanted();
    let sets = log_sets(
        cx.site(),
        run.host,
        selection,
        run.args.logs.own.preference(),
    )?;
    let mut logs = DayLogs::read(cx.site(), &sets, days, wanted, &mut counts);
    report_readings(cx, &logs.readings);
    // As where figures are printed: of nothing there is no result.
    if logs.readings.is_empty()
        && let Some(first) = logs.problems.pop()
    {
        return Err(refused(first));
    }
    let records = counts.records(|day, instance| logs.of(cx.site(), day, instance));
    let outcome = keep(cx, &day, records)?;
    cx.problems(&logs.problems);
    Ok(outcome)
}

/// Makes the directory of records, if there is none, and waits until no other run writes there.
fn lock(directory: &Path) -> anyhow::Result<Flock<File>> {
    std::fs::create_dir_all(directory).map_err(|e| Failure::io("cannot make", directory, e))?;
    let failed = |e| Failure::io("cannot lock", directory, e);
    let open = File::open(directory).map_err(failed)?;
    Ok(Flock::lock(open, FlockArg::LockExclusive).map_err(|(_, e)| failed(e.into()))?)
}

/// Puts the records in their file, if that changes it.
fn keep(cx: &Context, day: &Day, records: Vec<DayRecord>) -> anyhow::Result<Outcome> {
    let name = day.name().unwrap_or_default();
    let mut outcome = Outcome::Done;
    let path = record_file(cx.site(), day).ok_or_else(|| Failure::new("no such day"))?;
    // Where the logs do not reach the day, nothing was seen, and nothing is known.
    let (records, unknown): (Vec<_>, Vec<_>) = records
        .into_iter()
        .partition(|record| record.complete || !record.is_empty());
    // Of two runs for other instances of one day, the later must see what the earlier has written.
    let _lock = match records.is_empty() {
        true => None,
        false => Some(lock(path.parent().unwrap_or(&path))?),
    };
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(e) => return Err(Failure::io("cannot read", &path, e).into()),
    };
    let update = days::update(&path, &text, records.clone())?;
    if let Some(content) = &update.content {
        replace_file(&path, content)?;
    }
    let mut lacking: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let (stored, _) = days::stored(&path, &text);
    for record in &unknown {
        if !stored.iter().any(|(_, old)| old.key() == record.key()) {
            for why in &record.incomplete {
                lacking.entry(why).or_default().push(&record.instance);
            }
        }
    }
    for record in &records {
        let of = format!("{name}, {}", record.instance);
        if update.not_needed.contains(record) {
            cx.note(format!("{of}: {} has it already", path.display()));
            continue;
        }
        cx.note(format!("{of}: saved in {}", path.display()));
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
    if left_out(cx, unparsed.fold(0, u64::saturating_add)) == Outcome::Partial {
        outcome = Outcome::Partial;
    }
    cx.problems(&update.problems);
    Ok(outcome)
}
