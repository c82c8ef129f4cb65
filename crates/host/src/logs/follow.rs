//! What is new in the host's logs since an earlier run.

use std::path::Path;

use figures::places::Places;
use postfix::log::{Followed, LogSet, Options, Reading, Wanted};
use postfix::{Problem, Time};

use super::{LogScope, followed, gone};
use crate::site::Site;

/// Reads what is new since `places`, which go on, each log into what `later` makes; that is joined when all of it was
/// read. Of a log that was never read, that is what was written from `since` on; without `since`, its current file. A
/// log that cannot be read is reported, and stays where it was; if that is all, it is an error.
///
/// # Errors
/// None of the logs could be read: the last one's problem.
pub fn read_new<S: LogScope>(
    site: &Site,
    sets: &[LogSet],
    (wanted, since): (Wanted, Option<Time>),
    places: &mut Places,
    sink: &mut S,
    later: impl Fn(&S) -> S,
) -> Result<(Vec<Reading>, Vec<Problem>), Problem> {
    let progress = site.progress_bytes("reading logs", None);
    let advance = |bytes| progress.advance(bytes);
    let options = site.read_options(None, wanted, &advance);
    let (mut readings, mut problems) = (Vec::new(), Vec::new());
    let mut were_read = 0;
    let left = left(places, sets);
    let before = left.max(since);
    for set in sets {
        sink.scope(set.scope.clone());
        let path = set.place.path();
        let known = places.known(path);
        let is_first = known.seen.is_none();
        let options = Options {
            window: before.filter(|_| is_first).map(|before| before..Time::MAX),
            ..options.clone()
        };
        let read = match set.place.follow(&known, &options, || later(sink)) {
            Ok((read, new)) => {
                sink.join(new);
                read
            }
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        were_read += 1;
        // Of the time before the first run, nothing was promised.
        let is_promised = !is_first || left.is_some();
        let (of_log, found) = note(site, set, read, (is_first, is_promised), places);
        readings.extend(of_log);
        problems.extend(found);
    }
    if left.is_some() && were_read == sets.len() {
        // Should the host log there again, what it holds by now counts no second time.
        let is_read = |path: &Path| sets.iter().any(|set| set.place.path() == path);
        places.logs.retain(|path, _| is_read(path));
    }
    match problems.pop() {
        Some(problem) if were_read == 0 => Err(problem),
        last => {
            problems.extend(last);
            Ok((readings, problems))
        }
    }
}

/// Notes in `places` what was read of a log. Returns that, and its problems.
fn note(
    site: &Site,
    set: &LogSet,
    read: Followed,
    (is_first, is_promised): (bool, bool),
    places: &mut Places,
) -> (Vec<Reading>, Vec<Problem>) {
    let path = set.place.path();
    places.logs.insert(path.to_owned(), read.known);
    let gap = read.gap.filter(|_| is_promised);
    // A compressed file is read once: what is damaged in it is not looked for again.
    let is_damaged = |r: &Reading| r.bytes.is_none() && !r.problems.is_empty();
    let is_lossy = |r: &Reading| !r.lost.is_empty() || r.seen.lost.notices > 0 || is_damaged(r);
    let lost = read.readings.iter().any(is_lossy);
    places.gaps += u64::from(gap.is_some()) + u64::from(lost);
    let mut strange = places.strange.remove(path);
    let missing = followed(set, &read.readings, &mut strange, is_first);
    let strange = strange.map(|what| (path.to_owned(), what));
    places.strange.extend(strange);
    let mut since = places.gone.remove(path);
    let is_gone = gone(&set.place, &mut since, site.now());
    let since = since.map(|since| (path.to_owned(), since));
    places.gone.extend(since);
    // What has happened once, and what is still so.
    let mut problems = match gap {
        Some(gap) => vec![gap],
        None => missing.into_iter().chain(is_gone).collect(),
    };
    for reading in &read.readings {
        places.bytes = places.bytes.saturating_add(reading.read);
        problems.extend(reading.problems.iter().cloned());
    }
    (read.readings, problems)
}

/// When the host's mail was last looked at in a log where it is not looked for any more: in the syslog daemon's file,
/// and now in the journal, or the other way round. What was written before has been counted.
fn left(places: &Places, sets: &[LogSet]) -> Option<Time> {
    let is_read = |path: &Path| sets.iter().any(|set| set.place.path() == path);
    let has_new = sets
        .iter()
        .any(|set| !places.logs.contains_key(set.place.path()));
    let left = places.logs.iter().filter(|(path, _)| !is_read(path));
    left.filter(|_| has_new)
        .filter_map(|(_, known)| known.seen)
        .max()
}
