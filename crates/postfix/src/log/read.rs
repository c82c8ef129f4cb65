//! One log, from its bytes to its events: the parts of a file that a window needs, over several threads where the order
//! of lines does not matter.

use crate::words::either;
use crate::{Span, Time};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::clock::Clock;
use super::ends;
use super::event::Sink;
use super::events::{self, From, events};
use super::extract::Extractor;
use super::json;
use super::lines;
use super::open::{self, Compression, Counted};
use super::parts::{self, Slice};
use super::seen::Seen;
use super::stamp::Minute;
use super::timeline::{Stretch, Timeline};
use super::wanted::Wanted;
use crate::problem::{Position, Problem};
use crate::zone::Zone;

/// A clock may be ahead by so much, or a zone be another one: a line that is later is of no true time.
const AHEAD: Span = Span::from_days(1);

/// How to read.
#[derive(Clone)]
pub struct Options<'a> {
    /// The zone of year-less and zone-less times.
    pub zone: Zone,
    /// Now: the time of a log that has no mtime.
    pub now: Time,
    /// Only events of this time.
    pub window: Option<Range<Time>>,
    /// Which lines.
    pub wanted: Wanted,
    /// At most this many threads for one file.
    pub threads: usize,
    /// Told how many bytes more have been read.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// What was read of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The file; `-` for standard input, `journal` for this machine's journal.
    pub path: PathBuf,
    /// Its size when it was opened, in bytes; absent for what is not a regular file.
    pub size: Option<u64>,
    /// The device and the inode that it was opened at; likewise.
    pub file: Option<(u64, u64)>,
    /// How many of its bytes were read, compressed ones where it is compressed.
    pub read: u64,
    /// The bytes whose lines were looked at, for a plain file.
    pub bytes: Option<Range<u64>>,
    /// Messages that were never written, as the logging daemon says itself. Each is among the problems, too.
    pub lost: Vec<Lost>,
    /// How many events do not count, since the journal says that neither Postfix nor root sent them. Anyone may send
    /// such.
    pub strangers: u64,
    /// What was seen of it.
    pub seen: Seen,
    /// What went wrong on the way; what was read before it counts.
    pub problems: Vec<Problem>,
    /// What is good to know, but leaves nothing of it out.
    pub notes: Vec<Problem>,
}

impl Reading {
    /// Nothing read yet.
    pub(super) fn new(path: impl Into<PathBuf>, size: Option<u64>) -> Self {
        Self {
            path: path.into(),
            size,
            file: None,
            read: 0,
            bytes: None,
            lost: Vec::new(),
            strangers: 0,
            seen: Seen::default(),
            problems: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds, once, that the log was rotated meanwhile: what is in no file that was read counts nowhere.
    pub fn rotated(&mut self) {
        let what =
            "it was rotated while the logs were read, so that lines may be missing: run it again";
        let problem = Problem::new(&self.path, what);
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

/// Messages that a logging daemon dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// How many.
    pub messages: u64,
    /// The time of the reports, both ends among it. The messages came shortly before.
    pub reported: (Time, Time),
    /// The same for people.
    pub problem: Problem,
}

/// Reads a log file: plain, gzip, xz, zstd or bzip2, or lines of JSON.
///
/// # Errors
///
/// Where nothing can be read: it does not exist, may not be read, is a directory.
pub fn file<S: Sink>(path: &Path, options: &Options<'_>, sink: &mut S) -> Result<Reading, Problem> {
    opened(path, open::open(path), options, sink)
}

/// The same of a log that was typed, which may be a pipe.
///
/// # Errors
///
/// As for [`file()`].
pub fn typed<S: Sink>(
    path: &Path,
    options: &Options<'_>,
    sink: &mut S,
) -> Result<Reading, Problem> {
    opened(path, open::open_typed(path), options, sink)
}

fn opened<S: Sink>(
    path: &Path,
    opened: io::Result<(File, Metadata)>,
    options: &Options<'_>,
    sink: &mut S,
) -> Result<Reading, Problem> {
    let problem = |e: io::Error| Problem::new(path, format!("cannot read this log: {e}"));
    let (mut file, metadata) = opened.map_err(problem)?;
    let (latest, note) = match metadata.is_file() {
        true => ends::placed(path, &metadata, options.zone),
        false => (options.now, None),
    };
    let size = metadata.is_file().then_some(metadata.len());
    let mut reading = Reading::new(path, size);
    reading.file = size.map(|_| (metadata.dev(), metadata.ino()));
    reading.notes.extend(note);
    let kept = file.try_clone().map_err(problem)?;
    let head = open::head(&mut file, 6).map_err(problem)?;
    match (Compression::of(&head), size) {
        (Compression::None, Some(size)) => {
            plain(&file, size, latest, options, sink, &mut reading).map_err(problem)?;
        }
        _ => streamed(file, head, latest, options, sink, &mut reading),
    }
    // logrotate's copytruncate empties it where it is.
    if size.is_some_and(|size| kept.metadata().is_ok_and(|now| now.len() < size)) {
        reading.rotated();
    }
    Ok(reading)
}

/// Reads a stream, such as standard input: compressed or not.
pub fn stream<S: Sink>(
    mut raw: impl Read + Send,
    name: &str,
    options: &Options<'_>,
    sink: &mut S,
) -> Reading {
    let mut reading = Reading::new(name, None);
    match open::head(&mut raw, 6) {
        Ok(head) => streamed(raw, head, options.now, options, sink, &mut reading),
        Err(e) => reading
            .problems
            .push(Problem::new(name, format!("cannot read it: {e}"))),
    }
    reading
}

pub(super) fn extractor(options: &Options<'_>, latest: Time) -> Extractor {
    Extractor {
        wanted: options.wanted,
        window: options.window.clone(),
        clock: Clock::new(options.zone, latest),
        minute: Minute::default(),
        met: None,
        past: 0,
        future: options.now.plus(AHEAD),
        is_outside: false,
        doubt: None,
        is_strangers: false,
        is_elsewhere: false,
        may_hold_controls: true,
    }
}

/// A regular file without compression.
fn plain<S: Sink>(
    file: &File,
    size: u64,
    latest: Time,
    options: &Options<'_>,
    sink: &mut S,
    reading: &mut Reading,
) -> io::Result<()> {
    let timed = options.wanted.times || options.window.is_some();
    let mut stretch = Stretch {
        bytes: 0..size,
        after: None,
        exact: false,
    };
    if timed {
        let mut timeline = Timeline::new(file, size, options.zone, latest);
        stretch = timeline.stretch(options.window.as_ref())?;
        reading.seen.times = timeline.times()?;
        reading.read = timeline.read;
    }
    let whole = stretch.bytes == (0..size);
    self::stretch(file, size, latest, stretch, options, sink, reading)?;
    if !reading.seen.is_postfix && !whole {
        // What is not Postfix's must not look like a stretch in which nothing happened.
        let mut seen = Seen::default();
        let slice = Slice {
            file,
            at: 0,
            end: size,
        };
        lines::blocks(slice, |_, block| {
            seen.look(block, options.wanted.filtered);
            !seen.is_postfix
        })?;
        reading.seen.join(seen);
    }
    // What was looked at twice, to find the window, is one byte of the file all the same.
    reading.read = reading.read.min(size);
    Ok(())
}

/// A stretch of a plain file of `size` bytes, last written at `latest`.
pub(super) fn stretch<S: Sink>(
    file: &File,
    size: u64,
    latest: Time,
    stretch: Stretch,
    options: &Options<'_>,
    sink: &mut S,
    reading: &mut Reading,
) -> io::Result<()> {
    let timed = options.wanted.times || options.window.is_some();
    let mut extractor = extractor(options, latest);
    if let Some(after) = stretch.after {
        extractor.clock = extractor.clock.after(after);
    }
    // The place of a line in a log without year or zone depends on the lines before it.
    let threads = if timed && !stretch.exact {
        1
    } else {
        options.threads
    };
    let ranges = parts::cut(file, &stretch.bytes, size, threads)?;
    reading.bytes = ranges
        .first()
        .zip(ranges.last())
        .map(|(a, b)| a.start..b.end);
    let mut front = [0; 512];
    let filled = file.read_at(&mut front, 0)?;
    let json = json::is_object(front.get(..filled).unwrap_or_default());
    let count = AtomicU64::new(0);
    let outcomes = parts::each(&ranges, sink, |range, sink| {
        let (mut seen, from) = (Seen::default(), From::Byte(range.start));
        let slice = Slice {
            file,
            at: range.start,
            end: range.end,
        };
        let reader = Counted {
            inner: slice,
            count: &count,
            progress: options.progress,
        };
        let outcome = events(reader, json, from, &mut extractor.clone(), sink, &mut seen);
        (outcome, seen)
    });
    for ((outcome, seen), range) in outcomes.into_iter().zip(ranges) {
        reading.seen.join(seen);
        if let Err(e) = outcome {
            reading.problems.push(
                Problem::new(&reading.path, format!("reading stopped: {e}"))
                    .at(Position::Byte(range.start)),
            );
        }
    }
    reading.read = reading.read.saturating_add(count.into_inner());
    events::number_lines(file, &mut reading.seen)?;
    note_broken(reading);
    Ok(())
}

/// What is left of a log that began with `head` and was last written at `latest`, and whose last line so far ended at
/// the byte and was written at the time of `after`.
pub(super) fn rest<S: Sink>(
    reader: &mut dyn Read,
    head: &[u8],
    (byte, after): (u64, Option<Time>),
    latest: Time,
    options: &Options<'_>,
    sink: &mut S,
    seen: &mut Seen,
) -> io::Result<()> {
    let mut extractor = extractor(options, latest);
    if let Some(after) = after {
        extractor.clock = extractor.clock.after(after);
    }
    let from = From::Byte(byte);
    events(
        reader,
        json::is_object(head),
        from,
        &mut extractor,
        sink,
        seen,
    )
}

/// What can only be read from front to back.
fn streamed<S: Sink>(
    raw: impl Read + Send,
    head: Vec<u8>,
    latest: Time,
    options: &Options<'_>,
    sink: &mut S,
    reading: &mut Reading,
) {
    let count = AtomicU64::new(u64::try_from(head.len()).unwrap_or(0));
    let compression = Compression::of(&head);
    let raw = Counted {
        inner: raw,
        count: &count,
        progress: options.progress,
    };
    let mut extractor = extractor(options, latest);
    let seen = &mut reading.seen;
    let outcome = open::decoder(compression, head, raw).and_then(|mut decoder| {
        let mut consume = |mut reader: &mut dyn Read| {
            let front = open::head(&mut reader, 512)?;
            events(
                front.as_slice().chain(reader),
                json::is_object(&front),
                From::Start,
                &mut extractor,
                sink,
                seen,
            )
        };
        match compression {
            Compression::None => consume(&mut decoder),
            _ => open::ahead(decoder, consume),
        }
    });
    reading.read = count.load(Ordering::Relaxed);
    note_broken(reading);
    if let Err(e) = outcome {
        let what = format!(
            "damaged after {} bytes; what came before is counted: {e}",
            reading.read
        );
        reading.problems.push(Problem::new(&reading.path, what));
    }
}

pub(super) fn note_broken(reading: &mut Reading) {
    reading.seen.settle();
    if let (bytes, Some(first)) = reading.seen.blank
        && reading.seen.is_postfix
    {
        let what = format!(
            "{bytes} zero bytes in the place of lines, the first at {first}: what stood there was lost, as by a crash"
        );
        reading.problems.push(Problem::new(&reading.path, what));
    }
    if let (lines, Some(first)) = reading.seen.broken {
        let lines = either(
            lines,
            "1 line is no JSON object",
            &format!("{lines} lines are no JSON objects"),
        )
        .to_owned();
        let what = format!("{lines}, the first is {first}; left out");
        reading.problems.push(Problem::new(&reading.path, what));
    }
}
