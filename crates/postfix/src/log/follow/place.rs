//! What was read before is found again among the files that are there now: what is to be read of each.

use crate::{Span, Time};
use std::path::Path;

use super::Bookmark;
use super::files::{LogFile, Opened, unreadable};
use super::mark::{Alike, Mark};
use crate::log::open::Compression;
use crate::problem::Problem;

/// What was written to since the last run has a later mtime, apart from the coarseness of clocks and of compressors
/// that keep whole seconds. In microseconds.
const COARSE: Span = Span::from_micros(1_100_000);

/// What to do, file by file, oldest first.
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// How lines may have been lost.
    pub(super) gap: Option<Problem>,
}

/// What to do with a file.
pub(super) enum Step {
    /// Nothing is new in it.
    Keep(Mark),
    /// It is to be read.
    Read(Piece),
}

/// What is to be read of a file.
pub(super) struct Piece {
    pub(super) found: LogFile,
    pub(super) opened: Opened,
    /// What was read of it before.
    pub(super) mark: Option<Mark>,
    /// Does it still hold all of that? If not, what it holds now was read before, or nobody knows.
    pub(super) whole: bool,
    /// Is it the file that the log is written to?
    pub(super) current: bool,
}

/// What is to be read of `files`: of a log that is not known, what was written from `since` on, or its current file.
/// Nothing if one of them has gone meanwhile.
pub(super) fn plan(
    current: &Path,
    mut files: Vec<LogFile>,
    known: &Bookmark,
    since: Option<Time>,
) -> Result<Option<Plan>, Problem> {
    let Some(seen) = known.seen else {
        return first(current, files, since);
    };
    let mut places: Vec<Option<(&Mark, Alike)>> = files.iter().map(|_| None).collect();
    let mut gap = None;
    for (age, mark) in known.marks.iter().rev().enumerate() {
        let found = find(mark, &mut files, &places)?;
        if let Some((at, alike)) = found
            && let Some(place) = places.get_mut(at)
        {
            *place = Some((mark, alike));
        } else if age == 0 && !mark.ended {
            gap = Some(gone(current, mark));
        }
    }
    let anchor = places.iter().rposition(Option::is_some);
    let mut steps = Vec::new();
    let mut files = std::collections::VecDeque::from(files);
    for (at, place) in places.into_iter().enumerate() {
        let Some(mut found) = files.pop_front() else {
            break;
        };
        let mark = place.map(|(mark, _)| mark);
        if let Some(mark) = mark.filter(|m| m.ended) {
            steps.push(Step::Keep(Mark {
                device: found.device,
                inode: found.inode,
                ..mark.clone()
            }));
            continue;
        }
        let is_newer = anchor.is_none_or(|anchor| at > anchor) && found.mtime >= seen.minus(COARSE);
        if mark.is_none() && (!is_newer || copied(&mut found, files.iter_mut())?) {
            continue;
        }
        if !found.open()? {
            return Ok(None);
        }
        let whole = place.is_none_or(|(_, alike)| alike == Alike::All);
        if let Some(mark) = mark.filter(|_| !whole) {
            gap = gap.or_else(|| edited(&found, mark, found.path == current));
        }
        steps.extend(piece(found, mark, whole, current));
    }
    Ok(Some(Plan { steps, gap }))
}

/// The first run: the current file is read, and what was rotated from `since` on; the one before is marked, so that it
/// is known for an old one.
fn first(
    current: &Path,
    files: Vec<LogFile>,
    since: Option<Time>,
) -> Result<Option<Plan>, Problem> {
    let mut files = files;
    let at = files.iter().position(|f| f.path == current);
    let Some(mut found) = at.map(|at| files.remove(at)) else {
        // The system's own word for it; that of the kind alone is "entity not found".
        let missing = std::fs::metadata(current).err();
        let missing = missing.unwrap_or_else(|| std::io::ErrorKind::NotFound.into());
        return Err(unreadable(current, &missing));
    };
    if !found.open()? {
        return Ok(None);
    }
    let is_of_window =
        |file: &LogFile| since.is_some_and(|since| file.mtime >= since.minus(COARSE));
    let (late, early): (Vec<_>, Vec<_>) = files.into_iter().partition(is_of_window);
    let mut steps = Vec::new();
    // An old log that cannot be read, or holds nothing, marks no place.
    let marks = early.into_iter().rev().find_map(|mut old| {
        old.open().ok()?;
        let head = &old.opened()?.head;
        (!head.is_empty()).then(|| Mark::ended(old.device, old.inode, head))
    });
    steps.extend(marks.map(Step::Keep));
    for mut file in late {
        if !file.open()? {
            return Ok(None);
        }
        if !copied(&mut file, std::iter::once(&mut found))? {
            steps.extend(piece(file, None, true, current));
        }
    }
    steps.extend(piece(found, None, true, current));
    Ok(Some(Plan { steps, gap: None }))
}

fn piece(mut found: LogFile, mark: Option<&Mark>, whole: bool, current: &Path) -> Option<Step> {
    let opened = found.take()?;
    Some(Step::Read(Piece {
        opened,
        mark: mark.cloned(),
        whole,
        current: found.path == current,
        found,
    }))
}

/// Which file that is not yet placed is the one of `mark`: best one that holds all of it, where it was before or
/// elsewhere; else one that only begins so.
fn find(
    mark: &Mark,
    files: &mut [LogFile],
    places: &[Option<(&Mark, Alike)>],
) -> Result<Option<(usize, Alike)>, Problem> {
    let free = |at: &usize| places.get(*at).is_some_and(Option::is_none);
    let same = files.iter().position(|f| f.is(mark)).filter(|at| free(at));
    let others = (0..files.len()).rev().filter(|at| Some(*at) != same);
    let mut best: Option<(usize, Alike)> = None;
    for at in same.into_iter().chain(others.filter(free)) {
        let Some(file) = files.get_mut(at) else {
            continue;
        };
        if let Err(problem) = file.open() {
            // The file where it was, that may not be read now: taken for gone, it would be counted again when it may.
            if Some(at) == same && !mark.ended {
                return Err(problem);
            }
            // What else cannot be read is reported where it is needed.
            continue;
        }
        let Some(opened) = file.opened() else {
            continue;
        };
        let alike = opened.alike(mark);
        let alike = alike.map_err(|e| unreadable(&file.path, &e))?;
        if alike > best.map(|(_, alike)| alike) {
            best = alike.map(|alike| (at, alike));
        }
        if alike == Some(Alike::All) {
            break;
        }
    }
    Ok(best)
}

/// What was read last is in no file any more.
fn gone(current: &Path, mark: &Mark) -> Problem {
    let what = format!(
        "what was read before, up to byte {}, is neither in it nor in a rotated log: it was truncated or removed. \
         Lines written \
         behind that byte are missing in the counts",
        mark.offset
    );
    Problem::new(current, what)
}

/// Is it a copy of one of `newer`, which logrotate's copytruncate is about to empty?
fn copied<'a>(
    found: &mut LogFile,
    newer: impl Iterator<Item = &'a mut LogFile>,
) -> Result<bool, Problem> {
    found.open()?;
    let plain = |found: &LogFile| {
        let opened = found.opened();
        let plain = opened.filter(|o| o.compression == Compression::None);
        plain.map(|o| o.head.clone())
    };
    let Some(head) = plain(found) else {
        return Ok(false);
    };
    for other in newer {
        other.open()?;
        if plain(other).is_some_and(|other| other.starts_with(&head)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A file that is no longer what was read. The copy that copytruncate makes may lack what was written meanwhile: that
/// was read before.
fn edited(found: &LogFile, mark: &Mark, current: bool) -> Option<Problem> {
    let size = std::fs::metadata(&found.path).map_or(0, |m| m.len());
    if !current && size < mark.offset {
        return None;
    }
    let what = format!(
        "it was changed before byte {}, up to which it had been read; what it holds now is not counted again",
        mark.offset
    );
    Some(Problem::new(&found.path, what))
}
