//! When a log begins and ends, by a look at its first and its last lines.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, BufReader};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::clock::{Clock, DISORDER};
use super::json;
use super::open::{self, Compression, mtime};
use super::parts::Slice;
use super::siblings;
use super::timeline::Timeline;
use crate::problem::Problem;
use crate::time::{Span, Time};
use crate::zone::Zone;

/// Lines may be out of order by this much between a log and the one before it.
const SLACK: Span = Span::from_hours(1);

/// Logs are seldom rotated again within this time: files whose times are nearer may have lost them.
const TOGETHER: Span = Span::from_hours(1);

/// A rotated log is last written when the newer one begins, give or take a clock that is off: one that was written by
/// so much later has lost its time.
const LATER: Span = Span::from_days(1);

/// When logs that have newer ones were last written, by path and mtime: each asks for all that are newer.
static WRITTEN: Mutex<BTreeMap<(PathBuf, Time), Time>> = Mutex::new(BTreeMap::new());

/// The last bytes of a log, among which its last whole line is.
const TAIL: u64 = 64 * 1024;

/// When the first line of a log was written; `None` if no line says so.
///
/// # Errors
///
/// As for [`read_file()`](super::read_file).
pub fn first_time(path: &Path, zone: Zone) -> Result<Option<Time>, Problem> {
    first_time_by(path, zone, |metadata| written(path, metadata, zone))
}

/// The same where `written` says when the file was last written.
fn first_time_by(
    path: &Path,
    zone: Zone,
    written: impl Fn(&Metadata) -> Time,
) -> Result<Option<Time>, Problem> {
    let problem = |e: io::Error| Problem::new(path, format!("cannot read this log: {e}"));
    let (mut file, metadata) = open::open(path).map_err(problem)?;
    let latest = written(&metadata);
    let head = open::head(&mut file, 6).map_err(problem)?;
    let compression = Compression::of(&head);
    if compression == Compression::None {
        return Timeline::new(&file, metadata.len(), zone, latest)
            .first()
            .map_err(problem);
    }
    let mut decoder = open::decoder(compression, head, file).map_err(problem)?;
    // A damaged archive still has a beginning.
    let text = open::head(&mut decoder, 64 * 1024).unwrap_or_default();
    Ok(text.split(|b| *b == b'\n').find_map(|line| {
        let stamp = super::header::stamp_of(line).or_else(|| json::stamp_of(line))?;
        Clock::new(zone, latest).place(stamp)
    }))
}

/// When a log was last written: its mtime, unless that was lost (a copy, a restored archive) and so says less than its
/// name: a rotated log ends before the newer one begins.
fn written(path: &Path, metadata: &Metadata, zone: Zone) -> Time {
    let own = mtime(metadata);
    // This one, and the newer ones as far as their times are no later, the nearest first.
    let mut chain = vec![(path.to_owned(), own)];
    for newer in siblings::newer(path) {
        let Ok(next) = std::fs::metadata(&newer) else {
            break;
        };
        let next = mtime(&next);
        if chain
            .last()
            .is_some_and(|(_, own)| next > own.plus(TOGETHER))
        {
            break;
        }
        chain.push((newer, next));
    }
    let mut known = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut newer: Option<(PathBuf, Time)> = None;
    for (path, own) in chain.into_iter().rev() {
        let latest = match &newer {
            None => own,
            Some((newer, latest)) => *known.entry((path.clone(), own)).or_insert_with(|| {
                let begun = first_time_by(newer, zone, |_| *latest).ok().flatten();
                let begun = begun.filter(|begun| own > begun.plus(LATER));
                begun.map_or(own, Clock::ended_before)
            }),
        };
        newer = Some((path, latest));
    }
    newer.map_or(own, |(_, latest)| latest)
}

/// When a log that is to be read was last written, and a note if its mtime says otherwise of its lines' years.
pub(super) fn placed(path: &Path, metadata: &Metadata, zone: Zone) -> (Time, Option<Problem>) {
    let (own, by_name) = (mtime(metadata), written(path, metadata, zone));
    let first = |latest: Time| first_time_by(path, zone, |_| latest).ok().flatten();
    let is_contradicted = by_name < own && first(by_name) != first(own);
    let what = "its file time is not older than that of the log that was begun after it: which year its lines are of \
                is taken from the order of the names";
    (by_name, is_contradicted.then(|| Problem::new(path, what)))
}

/// The hosts that the lines at a log's ends name, in their order, each once: of the first 64 KiB, and of the last ones
/// where it is not compressed.
///
/// # Errors
///
/// As for [`read_file()`](super::read_file).
pub fn hosts(path: &Path) -> Result<Vec<Vec<u8>>, Problem> {
    let problem = |e: io::Error| Problem::new(path, format!("cannot read this log: {e}"));
    let (mut file, metadata) = open::open(path).map_err(problem)?;
    let head = open::head(&mut file, 6).map_err(problem)?;
    let compression = Compression::of(&head);
    let text = if compression == Compression::None {
        let mut text = part(&file, 0, TAIL).map_err(problem)?;
        let start = metadata.len().saturating_sub(TAIL).max(TAIL);
        text.push(b'\n');
        text.extend(part(&file, start, metadata.len()).map_err(problem)?);
        text
    } else {
        let mut decoder = open::decoder(compression, head, file).map_err(problem)?;
        open::head(&mut decoder, 64 * 1024).unwrap_or_default()
    };
    let mut found: Vec<Vec<u8>> = Vec::new();
    for line in text.split(|b| *b == b'\n') {
        if let Some(header) = super::header::parse(line)
            && !header.host.is_empty()
            && !found.iter().any(|known| known == header.host)
        {
            found.push(header.host.to_vec());
        }
    }
    Ok(found)
}

/// The bytes of a file from `at` to `end`, or to its own.
fn part(file: &File, at: u64, end: u64) -> io::Result<Vec<u8>> {
    let slice = Slice { file, at, end };
    let most = usize::try_from(end.saturating_sub(at)).unwrap_or(0);
    open::head(&mut BufReader::new(slice), most)
}

/// When the last line of a log was written; `None` if none of its last lines says so. Of
/// a compressed log it is the time of the file.
///
/// # Errors
///
/// As for [`read_file()`](super::read_file).
pub fn last_time(path: &Path, zone: Zone) -> Result<Option<Time>, Problem> {
    let problem = |e: io::Error| Problem::new(path, format!("cannot read this log: {e}"));
    let (mut file, metadata) = open::open(path).map_err(problem)?;
    let size = metadata.len();
    if Compression::of(&open::head(&mut file, 6).map_err(problem)?) != Compression::None {
        return Ok(Some(mtime(&metadata)));
    }
    let latest = written(path, &metadata, zone).plus(DISORDER);
    let text = part(&file, size.saturating_sub(TAIL), size);
    Ok(text
        .map_err(problem)?
        .rsplit(|b| *b == b'\n')
        .find_map(|line| {
            let stamp = super::header::stamp_of(line).or_else(|| json::stamp_of(line))?;
            Clock::new(zone, latest).place(stamp)
        }))
}

/// Of logs in order, oldest first, those that can hold lines of `window`. Each is asked for its first line's time, from
/// the newest back, until one begins before the window. One that says no time is taken.
pub fn needed(files: &[PathBuf], window: &Range<Time>, zone: Zone) -> Vec<PathBuf> {
    // What cannot be read is met again, and reported, when it is read.
    needed_with(files, window, |path| first_time(path, zone).ok().flatten())
}

/// As [`needed`], where `first` gives the time of a log's first line.
pub fn needed_with(
    files: &[PathBuf],
    window: &Range<Time>,
    mut first: impl FnMut(&Path) -> Option<Time>,
) -> Vec<PathBuf> {
    let mut needed = Vec::new();
    for path in files.iter().rev() {
        match first(path) {
            Some(first) => {
                if first < window.end.plus(SLACK) {
                    needed.push(path.clone());
                }
                if first < window.start.minus(SLACK) {
                    break;
                }
            }
            None => needed.push(path.clone()),
        }
    }
    needed.reverse();
    needed
}
