//! What is new in one file.

use crate::Span;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};

use memchr::memrchr;

use super::Watched;
use super::files::{Opened, unreadable};
use super::mark::{Mark, SAMPLE, fingerprint, fingerprints};
use super::place::Piece;
use crate::log::event::Sink;
use crate::log::open::{self, Compression, Counted};
use crate::log::parts;
use crate::log::read::{self, Options, Reading};
use crate::log::timeline::{Stretch, Timeline};
use crate::problem::Problem;

/// A rotated log that was not written to for so long is not written to any more: a last line without an end will get
/// none. In microseconds.
const OVER: Span = Span::from_minutes(10);

/// Reads on. Nothing is returned if the file was truncated meanwhile; what `sink` has seen is then worth nothing.
pub(super) fn read<S: Sink>(
    piece: Piece,
    options: &Options<'_>,
    sink: &mut Watched<S>,
) -> Result<Option<(Mark, Option<Reading>)>, Problem> {
    let path = piece.found.path.clone();
    let outcome = match piece.opened.compression {
        Compression::None => plain(&piece, options, sink),
        _ => Ok(Some(archive(piece, options, sink))),
    };
    outcome.map_err(|e| unreadable(&path, &e))
}

fn plain<S: Sink>(
    piece: &Piece,
    options: &Options<'_>,
    sink: &mut Watched<S>,
) -> io::Result<Option<(Mark, Option<Reading>)>> {
    let file = &piece.opened.file;
    let metadata = file.metadata()?;
    let (size, written) = (metadata.len(), open::mtime(&metadata));
    let known = piece.mark.as_ref().filter(|_| piece.whole);
    // Truncated and written to again, a file holds other text.
    let is_known = || match known {
        Some(mark) => fingerprints(file, mark.offset).map(|f| f == Some((mark.head, mark.tail))),
        None => Ok(true),
    };
    if !is_known()? {
        return Ok(None);
    }
    let over = !piece.current && options.now.since(written) > OVER;
    let from = known.map_or(0, |m| m.offset);
    let end = match over || !piece.whole {
        true => size,
        false => whole_lines(file, from, size)?,
    };
    let from = if piece.whole { from } else { end };
    let Some(mark) = mark(piece, end)? else {
        return Ok(None);
    };
    let last = mark.last;
    if from == end {
        return Ok(Some((mark, None)));
    }
    let mut stretch = Stretch {
        bytes: from..end,
        after: last,
        exact: false,
    };
    if options.wanted.times {
        // Nothing is sought where the reading goes on.
        let window = options.window.as_ref().filter(|_| known.is_none());
        let found = Timeline::new(file, end, options.zone, written).stretch(window)?;
        stretch.exact = found.exact;
        stretch.after = last.or(found.after);
        stretch.bytes.start = from.max(found.bytes.start);
    }
    let mut reading = Reading::new(&piece.found.path, Some(size));
    read::stretch(file, end, written, stretch, options, sink, &mut reading)?;
    let unchanged = is_known()? && fingerprints(file, end)? == Some((mark.head, mark.tail));
    Ok(unchanged.then_some((mark, Some(reading))))
}

/// What is remembered of a file that was read up to the byte `end`; nothing if it is shorter by now.
fn mark(piece: &Piece, end: u64) -> io::Result<Option<Mark>> {
    let prints = fingerprints(&piece.opened.file, end)?;
    Ok(prints.map(|(head, tail)| Mark {
        device: piece.found.device,
        inode: piece.found.inode,
        offset: end,
        head,
        tail,
        ended: false,
        last: piece.mark.as_ref().and_then(|m| m.last),
    }))
}

/// What is remembered of a file that was read to where its last whole line ends; nothing if it was truncated meanwhile.
pub(super) fn end(piece: &Piece) -> Result<Option<Mark>, Problem> {
    let (file, found) = (&piece.opened.file, &piece.found);
    if piece.opened.compression != Compression::None {
        let mark = Mark::ended(found.device, found.inode, &piece.opened.head);
        return Ok(Some(mark));
    }
    let end = || mark(piece, whole_lines(file, 0, file.metadata()?.len())?);
    end().map_err(|e| unreadable(&found.path, &e))
}

/// The end of the last line that has one, not before `from`.
fn whole_lines(file: &File, from: u64, size: u64) -> io::Result<u64> {
    let mut block = vec![0; 64 * 1024];
    let length = u64::try_from(block.len()).unwrap_or(0);
    let mut end = size;
    while end > from {
        let start = end.saturating_sub(length).max(from);
        let want = usize::try_from(end.saturating_sub(start)).unwrap_or(0);
        let read = file.read_at(block.get_mut(..want).unwrap_or_default(), start)?;
        let read = block.get(..read).unwrap_or_default();
        if let Some(at) = memrchr(b'\n', read) {
            let at = u64::try_from(at).unwrap_or(0);
            return Ok(start.saturating_add(at).saturating_add(1));
        }
        end = parts::before_hole(file, read, from, start);
    }
    Ok(from)
}

/// An archive is read to its end, once. What was read of the file before it was compressed is skipped.
fn archive<S: Sink>(
    piece: Piece,
    options: &Options<'_>,
    sink: &mut Watched<S>,
) -> (Mark, Option<Reading>) {
    let Piece {
        found,
        opened,
        mark: known,
        ..
    } = piece;
    let Opened {
        file,
        compression,
        head,
    } = opened;
    let mut reading = Reading::new(found.path, file.metadata().ok().map(|m| m.len()));
    let mark = Mark {
        last: known.as_ref().and_then(|m| m.last),
        ..Mark::ended(found.device, found.inode, &head)
    };
    let count = AtomicU64::new(0);
    let raw = Counted {
        inner: file,
        count: &count,
        progress: options.progress,
    };
    let seen = &mut reading.seen;
    let outcome = open::decoder(compression, Vec::new(), raw).and_then(|decoder| {
        open::ahead(decoder, |reader| match pass(reader, known.as_ref())? {
            true => {
                let after = (known.as_ref().map_or(0, |m| m.offset), mark.last);
                read::rest(reader, &head, after, found.mtime, options, sink, seen)
            }
            false => Ok(()),
        })
    });
    reading.read = count.load(Ordering::Relaxed);
    read::note_broken(&mut reading);
    if let Err(e) = outcome {
        let what = format!("damaged; what came before is counted: {e}");
        reading.problems.push(Problem::new(&reading.path, what));
    }
    (mark, Some(reading))
}

/// Passes over what was read before. Is it followed by what was not? An archive of a copy that copytruncate cut short
/// is not.
fn pass(reader: &mut dyn Read, known: Option<&Mark>) -> io::Result<bool> {
    let Some(known) = known else {
        return Ok(true);
    };
    let length = known.offset.min(SAMPLE);
    let before = known.offset.saturating_sub(length);
    let passed = io::copy(&mut (&mut *reader).take(before), &mut io::sink())?;
    let mut tail = Vec::new();
    reader.take(length).read_to_end(&mut tail)?;
    if passed < before || u64::try_from(tail.len()).unwrap_or(0) < length {
        return Ok(false);
    }
    if fingerprint(&tail) != known.tail {
        let what = format!(
            "it was changed before byte {}, up to which it had been read; nothing of it is counted again",
            known.offset
        );
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    Ok(true)
}
