//! When a log begins and ends, by a look at its first and its last lines.

use std::fs::File;
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
    let (size, latest) = (metadata.len(), mtime(&metadata));
    if Compression::of(&open::head(&mut file, 6).map_err(problem)?) != Compression::None {
        return Ok(Some(latest));
    }
    let text = part(&file, size.saturating_sub(TAIL), size);
    Ok(text
        .map_err(problem)?
        .rsplit(|b| *b == b'\n')
        .find_map(|line| {
            let stamp = super::header::stamp_of(line).or_else(|| json::stamp_of(line))?;
            Clock::new(zone, latest).place(stamp)
        }))
}
