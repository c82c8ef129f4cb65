//! When a log begins and ends, by a look at its first and its last lines.

use std::io::{self, BufReader};
use std::path::Path;

use super::clock::Clock;
use super::json;
use super::open::{self, Compression};
use super::parts::Slice;
use super::read::mtime;
use super::timeline::Timeline;
use crate::problem::Problem;
use crate::time::Time;
use crate::zone::Zone;

/// The last bytes of a log, among which its last whole line is.
const TAIL: u64 = 64 * 1024;

/// When the first line of a log was written; `None` if no line says so.
///
/// # Errors
///
/// As for [`read_file()`](super::read_file).
pub fn first_time(path: &Path, zone: Zone) -> Result<Option<Time>, Problem> {
    let problem = |e: io::Error| Problem::new(path, format!("cannot read this log: {e}"));
    let (mut file, metadata) = open::open(path).map_err(problem)?;
    let latest = mtime(&metadata);
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

/// When the last line of a log was written; `None` if none of its last lines says so. Of
/// a compressed log it is the time of the file.
///
/// # Errors
///
/// As for [`read_file()`](super::read_file).
pub fn last_time(path: &Path, zone: Zone) -> Result<Option<Time>, Problem> {
    let problem = |e: io::Error| Problem::new(path, format!("cannot read this log: {e}"));
    let (mut file, metadata) = open::open(path).map_err(problem)?;
    let (size, latest) = (metadata.len(), mtime(&metadata));
    if Compression::of(&open::head(&mut file, 6).map_err(problem)?) != Compression::None {
        return Ok(Some(latest));
    }
    let start = size.saturating_sub(TAIL);
    let tail = Slice {
        file: &file,
        at: start,
        end: size,
    };
    let text = open::head(
        &mut BufReader::new(tail),
        usize::try_from(TAIL).unwrap_or(0),
    );
    Ok(text
        .map_err(problem)?
        .rsplit(|b| *b == b'\n')
        .find_map(|line| {
            let stamp = super::header::stamp_of(line).or_else(|| json::stamp_of(line))?;
            Clock::new(zone, latest).place(stamp)
        }))
}
