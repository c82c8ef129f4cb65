//! `--save-day`: a day's figures, kept as records.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cli::logs::{Inputs, LogScope, Selection, refused};
use cli::{Context, Failure, Outcome, Window, replace_file};
use postfix::Problem;
use postfix::log::{self, Event, LogSet, Options, Reading, Scope, Sink, Wanted};
use report::days::{self, DIMENSIONS, Day, DayRecord, Input};
use report::mail_stats::{Count, Settings};

use crate::counting::Counting;
use crate::days_args::DIRECTORY;
use crate::tables::Tables;
use crate::{left_out, tell_readings};

/// Counts attempts and recipients of the same lines.
struct Both<'a> {
    attempts: Counting<'a>,
    recipients: Counting<'a>,
}

impl Sink for Both<'_> {
    fn event(&mut self, event: &Event<'_>) {
        self.attempts.event(event);
        self.recipients.event(event);
    }

    fn fork(&self) -> Self {
        Self {
            attempts: self.attempts.fork(),
            recipients: self.recipients.fork(),
        }
    }

    fn join(&mut self, later: Self) {
        self.attempts.join(later.attempts);
        self.recipients.join(later.recipients);
    }
}

impl LogScope for Both<'_> {
    fn scope(&mut self, scope: Scope) {
        self.attempts.scope(scope.clone());
        self.recipients.scope(scope);
    }
}

/// What was read of a log and its rotated siblings.
struct Read {
    scope: Scope,
    inputs: Vec<Input>,
    /// Why that is not all of the day.
    missing: Vec<String>,
}

/// The day is what `window` is. `instances` have a record even if they had nothing to do.
pub(crate) fn save(
    cx: &Context,
    window: Window,
    instances: Vec<String>,
    selection: &Selection<'_>,
    inputs: &Inputs,
    tables: &Tables,
) -> anyhow::Result<Outcome> {
    let (Some(since), Some(until), Inputs::Host(sets)) = (window.since, window.until, inputs)
    else {
        return Err(Failure::new("--save-day takes one day of the host's own logs").into());
    };
    let day = Day {
        host: cx.host().to_owned(),
        zone: cx.zone(),
        since,
        until,
    };
    let counting = |count, delays, instances| {
        let settings = Settings {
            by: DIMENSIONS.to_vec(),
            count,
            delays,
            zone: cx.zone(),
            instances,
            providers: Arc::clone(&tables.providers),
            reasons: tables.reasons.clone(),
        };
        Counting::new(selection, Arc::new(settings))
    };
    let mut both = Both {
        attempts: counting(Count::Attempts, true, instances),
        recipients: counting(Count::Recipients, false, Vec::new()),
    };
    let mut problems = Vec::new();
    let read = read(cx, &day, sets, &mut both, &mut problems)?;
    let (attempts, recipients) = (both.attempts.tally, both.recipients.tally);
    let over = (cx.now() < until).then(|| "the day was not over".to_owned());
    let records = days::records(&day, attempts, recipients, |instance| {
        let of_it: Vec<&Read> = read.iter().filter(|r| r.scope.has(instance)).collect();
        let inputs = of_it.iter().flat_map(|r| r.inputs.clone()).collect();
        let missing = of_it.iter().flat_map(|r| r.missing.clone());
        (inputs, over.iter().cloned().chain(missing).collect())
    });
    let outcome = keep(cx, &day, records)?;
    cx.problems(&problems);
    Ok(outcome)
}

fn read(
    cx: &Context,
    day: &Day,
    sets: &[(LogSet, Vec<PathBuf>)],
    both: &mut Both<'_>,
    problems: &mut Vec<Problem>,
) -> anyhow::Result<Vec<Read>> {
    let files = sets.iter().flat_map(|(_, files)| files);
    let size = files
        .map(|f| std::fs::metadata(f).ok().map(|m| m.len()))
        .sum();
    let progress = cx.progress_bytes("reading logs", size);
    let advance = |bytes| progress.advance(bytes);
    let options = Options {
        zone: cx.zone(),
        now: cx.now(),
        window: Some(day.since..day.until),
        wanted: Wanted {
            expired: true,
            relays: true,
            delays: true,
            times: true,
            senders: false,
        },
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        progress: &advance,
    };
    let mut all = Vec::new();
    for (set, files) in sets {
        both.scope(set.scope.clone());
        let mut read = Read {
            scope: set.scope.clone(),
            inputs: Vec::new(),
            missing: begins_late(cx, &set.current, day.since)
                .into_iter()
                .collect(),
        };
        for path in files {
            let found = match log::read_file(path, &options, both) {
                Ok(reading) => {
                    tell_readings(cx, std::slice::from_ref(&reading));
                    read.inputs.push(input(cx, &reading));
                    reading.problems
                }
                Err(problem) => vec![problem],
            };
            read.missing.extend(found.iter().map(ToString::to_string));
            problems.extend(found);
        }
        all.push(read);
    }
    // As where figures are printed: of nothing there is no result.
    if all.iter().all(|read| read.inputs.is_empty())
        && let Some(first) = problems.pop()
    {
        return Err(refused(first));
    }
    Ok(all)
}

/// Lines of before the day show that all of it is in the logs that are left. What is missing, if there are none.
fn begins_late(cx: &Context, current: &Path, since: i64) -> Option<String> {
    let files = log::siblings(current).unwrap_or_default();
    let first = |path| log::first_time(path, cx.zone()).ok().flatten();
    let first = files.iter().filter_map(|path| first(path)).min();
    match first {
        Some(first) if first <= since => None,
        Some(first) => {
            let local = cx.zone().at(first.div_euclid(1_000_000))?;
            Some(format!("the logs begin at {}", local.to_rfc3339()))
        }
        None => Some("the logs are empty".to_owned()),
    }
}

fn input(cx: &Context, reading: &Reading) -> Input {
    let path = match reading.path.strip_prefix(cx.root().dir()) {
        Ok(below) => Path::new("/").join(below),
        Err(_) => reading.path.clone(),
    };
    Input {
        path: path.display().to_string(),
        bytes: reading.bytes.as_ref().map(|b| (b.start, b.end)),
    }
}

/// Puts the records in their file, if that changes it.
fn keep(cx: &Context, day: &Day, records: Vec<DayRecord>) -> anyhow::Result<Outcome> {
    let name = day.name().unwrap_or_default();
    let mut outcome = Outcome::Done;
    let directory = cx.root().under(Path::new(DIRECTORY));
    let path = directory.join(format!("{name}.{}.jsonl", day.host.replace('/', "_")));
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(e) => return Err(Failure::io("cannot read", &path, e).into()),
    };
    // Where the logs do not reach the day, nothing was seen, and nothing is known.
    let (records, unknown): (Vec<_>, Vec<_>) = records
        .into_iter()
        .partition(|record| record.complete || !record.is_empty());
    let update = days::update(&path, &text, records.clone())?;
    if let Some(content) = &update.content {
        std::fs::create_dir_all(&directory)
            .map_err(|e| Failure::io("cannot make", &directory, e))?;
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
