//! The logs that are followed, and what is new in them.

use std::path::{Path, PathBuf};

use cli::Failure;
use figures::totals::Totals;
use host::logs::{Inputs, LogScope, LogSource, Selection, log_sets, no_instances, refused};
use postfix::Problem;
use postfix::Time;
use postfix::log::{self, Bookmark, Followed, LogPlace, LogSet, Options, Reading, Scope, Wanted};

use crate::Run;

/// The logs: those that are named, or the host's.
pub(crate) fn sets(run: &Run<'_>, everything: &Selection<'_>) -> anyhow::Result<Vec<LogSet>> {
    let (args, cx) = (run.args, run.cx);
    let named = |place| LogSet {
        place,
        scope: Scope::All,
        why: "it was named".to_owned(),
    };
    let mut sets = match args.logs.source() {
        LogSource::Files(files) => {
            no_instances(cx.site(), &run.host.value, &files)?;
            let files = files.iter().map(std::path::absolute);
            let mut files = files.collect::<Result<Vec<_>, _>>()?;
            for file in &mut files {
                *file = behind_links(std::mem::take(file));
            }
            files.sort();
            files.dedup();
            files
                .into_iter()
                .map(|file| named(LogPlace::File(file)))
                .collect()
        }
        LogSource::JournalDir(_) => match run.inputs()? {
            Inputs::Journal(journal) => vec![named(LogPlace::Journal(journal))],
            Inputs::Files(_) | Inputs::Host(_) => Vec::new(),
        },
        LogSource::Host(preference) => log_sets(cx.site(), run.host, everything, preference)?,
    };
    // A link of another host's image leads out of it.
    if cx.root().is_this_host() {
        for set in &mut sets {
            if let LogPlace::File(path) = &mut set.place {
                *path = behind_links(std::mem::take(path));
            }
        }
    }
    let stream = args.logs.log.iter().find(|p| p.as_os_str() == "-");
    let files = sets.iter().filter_map(|set| match &set.place {
        LogPlace::File(path) => Some(path),
        LogPlace::Journal(_) => None,
    });
    if let Some(path) = files.into_iter().find(|path| log::blocks(path)).or(stream) {
        let what = "a pipe or a device; --follow-state reads log files";
        return Err(Failure::new(Problem::new(path, what).to_string()).into());
    }
    Ok(sets)
}

/// The file that a link leads to, beside which its rotated siblings are; whether it is there or not.
fn behind_links(mut path: PathBuf) -> PathBuf {
    // As many as the kernel follows.
    for _ in 0..40 {
        let Ok(target) = std::fs::read_link(&path) else {
            break;
        };
        path = path.parent().unwrap_or(Path::new("/")).join(target);
    }
    path
}

/// Reads what is new, each log into what `later` makes, which is joined when all of it was read. A log that cannot be
/// read is reported, and stays where it was; if that is all, it is an error.
pub(crate) fn read<S: LogScope>(
    run: &Run<'_>,
    sets: &[LogSet],
    wanted: Wanted,
    totals: &mut Totals,
    sink: &mut S,
    later: impl Fn(&S) -> S,
) -> anyhow::Result<(Vec<Reading>, Vec<Problem>)> {
    let cx = run.cx;
    let progress = cx.progress_bytes("reading logs", None);
    let advance = |bytes| progress.advance(bytes);
    let options = cx.site().read_options(None, wanted, &advance);
    let (mut readings, mut problems) = (Vec::new(), Vec::new());
    let mut were_read = 0;
    let before = left(totals, sets);
    for set in sets {
        sink.scope(set.scope.clone());
        let path = set.place.path();
        let known = totals.known(path);
        let is_first = known.seen.is_none();
        let followed = match follow(&set.place, known, before, &options, || later(sink)) {
            Ok((followed, new)) => {
                sink.join(new);
                followed
            }
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        were_read += 1;
        totals.logs.insert(path.to_owned(), followed.known);
        let lost = followed
            .readings
            .iter()
            .any(|r| !r.lost.is_empty() || r.seen.lost.notices > 0);
        totals.gaps += u64::from(followed.gap.is_some()) + u64::from(lost);
        let mut strange = totals.strange.remove(path);
        let missing = host::logs::followed(&set.place, &followed.readings, &mut strange, is_first);
        if let Some(what) = strange {
            totals.strange.insert(path.to_owned(), what);
        }
        let mut since = totals.gone.remove(path);
        let gone = host::logs::gone(&set.place, &mut since, cx.now());
        totals
            .gone
            .extend(since.map(|since| (path.to_owned(), since)));
        // What has happened once, and what is still so.
        match followed.gap {
            Some(gap) => problems.push(gap),
            None => problems.extend(missing.into_iter().chain(gone)),
        }
        for reading in followed.readings {
            totals.bytes = totals.bytes.saturating_add(reading.read);
            problems.extend(reading.problems.iter().cloned());
            readings.push(reading);
        }
    }
    if before.is_some() && were_read == sets.len() {
        // Should the host log there again, what it holds by now counts no second time.
        let is_read = |path: &Path| sets.iter().any(|set| set.place.path() == path);
        totals.logs.retain(|path, _| is_read(path));
    }
    match problems.pop() {
        Some(problem) if were_read == 0 => Err(refused(problem)),
        last => {
            problems.extend(last);
            Ok((readings, problems))
        }
    }
}

/// When the host's mail was last looked at in a log where it is not looked for any more: in the syslog daemon's file,
/// and now in the journal, or the other way round. What was written before has been counted.
fn left(totals: &Totals, sets: &[LogSet]) -> Option<Time> {
    let is_read = |path: &Path| sets.iter().any(|set| set.place.path() == path);
    let has_new = sets
        .iter()
        .any(|set| !totals.logs.contains_key(set.place.path()));
    let left = totals.logs.iter().filter(|(path, _)| !is_read(path));
    left.filter(|_| has_new)
        .filter_map(|(_, known)| known.seen)
        .max()
}

/// Reads what is new in a log into what `empty` makes. Of one that was not read before, that is what was written since
/// `before`.
fn follow<S: LogScope>(
    place: &LogPlace,
    known: Bookmark,
    before: Option<Time>,
    options: &Options<'_>,
    empty: impl Fn() -> S,
) -> Result<(Followed, S), Problem> {
    let is_new = known.seen.is_none();
    match place {
        LogPlace::Journal(journal) => {
            let known = Bookmark {
                seen: known.seen.or(before),
                ..known
            };
            journal.follow(&known, options, empty)
        }
        LogPlace::File(path) => {
            let options = Options {
                window: before.filter(|_| is_new).map(|before| before..Time::MAX),
                ..options.clone()
            };
            log::follow(path, &known, &options, empty)
        }
    }
}
