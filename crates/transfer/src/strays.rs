//! Files that a move has closed or covered, and that have other inodes than its journal says: a spool that was copied
//! to another file system meanwhile has. No program of Postfix's shows or delivers them, and they may be the only ones
//! of their messages.

use std::collections::{HashMap, HashSet};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use postfix::queue::{Queue, read_arrival};
use walkdir::WalkDir;

use crate::journal::Track;
use crate::mover::Mover;

/// The bits of a file that pickup(8) takes for mail: its owner's, all three (MAIL_QUEUE_STAT_READY).
const READY: u32 = 0o700;

/// Of the messages of `lost`, which are nowhere by their inodes: the files with their size and their time of arrival.
/// `found` are those that belong to others.
///
/// # Errors
/// One of the directories, or a file in it, cannot be read.
pub(crate) fn strays(
    mover: &Mover<'_>,
    lost: &[&Track],
    found: &HashSet<PathBuf>,
) -> io::Result<Vec<PathBuf>> {
    let mut wanted: HashMap<u64, Vec<(i64, u32)>> = HashMap::new();
    for intent in lost.iter().map(|track| &track.intent) {
        let arrivals = wanted.entry(intent.file.size).or_default();
        arrivals.push((intent.arrival, intent.arrival_microseconds));
    }
    let mut strays = Vec::new();
    if wanted.is_empty() {
        return Ok(strays);
    }
    let dirs = [
        mover.to.spool().queue_dir(Queue::Maildrop),
        mover.from.spool().queue_dir(Queue::Hold),
        mover.to.spool().queue_dir(Queue::Hold),
    ];
    for dir in dirs {
        for entry in WalkDir::new(&dir).min_depth(1) {
            let entry = match entry {
                Ok(entry) => entry,
                Err(e) if e.io_error().is_some_and(is_gone) => continue,
                Err(e) => return Err(e.into()),
            };
            if entry.file_type().is_file() && !found.contains(entry.path()) {
                let name = entry.file_name().to_string_lossy();
                let is_covered = mover.is_covered_by_this(&name);
                if is_one(entry.path(), is_covered, &wanted)? {
                    strays.push(entry.into_path());
                }
            }
        }
    }
    strays.sort();
    Ok(strays)
}

/// Is it closed or covered, and one of the messages?
fn is_one(
    path: &Path,
    is_covered: bool,
    wanted: &HashMap<u64, Vec<(i64, u32)>>,
) -> io::Result<bool> {
    // What pickup may take is not opened: that it was not read shows that it was not taken.
    let is_hidden = |meta: &Metadata| is_covered || meta.mode() & READY != READY;
    let looked = path.symlink_metadata().and_then(|meta| {
        match is_hidden(&meta) && wanted.contains_key(&meta.len()) {
            true => guarded::open(path).map(Some),
            false => Ok(None),
        }
    });
    let file = match looked {
        Ok(Some(file)) => file,
        Ok(None) => return Ok(false),
        Err(e) if is_gone(&e) => return Ok(false),
        Err(e) => return Err(e),
    };
    let size = file.metadata()?.len();
    let arrivals = wanted.get(&size).map_or(&[][..], Vec::as_slice);
    Ok(read_arrival(&file, size).is_some_and(|one| arrivals.contains(&one)))
}

fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}
