//! One log, from its bytes to its events: the parts of a file that a window needs, over several threads where the order
//! of lines does not matter.

use crate::Span;
use crate::Time;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::clock::Clock;
use super::event::Sink;
use super::extract::{Extractor, Wanted};
use super::json::{self, Json};
use super::lines::{self, Needles};
use super::open::{self, Compression, Counted};
use super::parts::{self, Slice};
use super::timeline::{Stretch, Timeline};
use crate::problem::{Position, Problem};
use crate::zone::Zone;

/// So many lines in a row behind the window end the reading of a compressed log; one with a wrong clock does not.
const PAST: u64 = 5_000;

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
    /// At most so many threads for one file.
    pub threads: usize,
    /// Told how many bytes more have been read.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// What was read of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The file; `-` for standard input, `journal` for this machine's journal.
    pub path: PathBuf,
    /// Its size when it was opened, in bytes; absent for what is no regular file.
    pub size: Option<u64>,
    /// How many of its bytes were read, compressed ones where it is compressed.
    pub read: u64,
    /// The bytes whose lines were looked at, for a plain file.
    pub bytes: Option<Range<u64>>,
    /// Messages that were never written, as the logging daemon says itself. Each is among the problems, too.
    pub lost: Vec<Lost>,
    /// So many events do not count, since the journal says that neither Postfix nor root sent them. Anyone may send such.
    pub strangers: u64,
    /// What went wrong on the way; what was read before it counts.
    pub problems: Vec<Problem>,
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

impl Reading {
    /// Nothing read yet.
    pub(super) fn of(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            size: None,
            read: 0,
            bytes: None,
            lost: Vec::new(),
            strangers: 0,
            problems: Vec::new(),
        }
    }
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
    let latest = if metadata.is_file() {
        mtime(&metadata)
    } else {
        options.now
    };
    let size = metadata.is_file().then_some(metadata.len());
    let mut reading = Reading {
        size,
        ..Reading::of(path)
    };
    let head = open::head(&mut file, 6).map_err(problem)?;
    match (Compression::of(&head), size) {
        (Compression::None, Some(size)) => {
            plain(&file, size, latest, options, sink, &mut reading).map_err(problem)?;
        }
        _ => streamed(file, head, latest, options, sink, &mut reading),
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
    let mut reading = Reading::of(name);
    match open::head(&mut raw, 6) {
        Ok(head) => streamed(raw, head, options.now, options, sink, &mut reading),
        Err(e) => reading
            .problems
            .push(Problem::new(name, format!("cannot read it: {e}"))),
    }
    reading
}

pub(super) fn mtime(metadata: &Metadata) -> Time {
    let nanos = u64::try_from(metadata.mtime_nsec()).unwrap_or(0);
    Time::from_seconds(metadata.mtime()).plus(Span::from_micros(nanos.div_euclid(1000)))
}

pub(super) fn extractor(options: &Options<'_>, latest: Time) -> Extractor {
    Extractor {
        wanted: options.wanted,
        window: options.window.clone(),
        clock: Clock::new(options.zone, latest),
        past: 0,
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
        reading.read = timeline.read;
    }
    self::stretch(file, size, latest, stretch, options, sink, reading)
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
    let json = is_json(front.get(..filled).unwrap_or_default());
    let count = AtomicU64::new(0);
    let outcomes = parts::each(&ranges, sink, |range, sink| {
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
        events(reader, json, false, &mut extractor.clone(), sink)
    });
    let mut broken = 0_u64;
    for (outcome, range) in outcomes.into_iter().zip(ranges) {
        match outcome {
            Ok(lines) => broken = broken.saturating_add(lines),
            Err(e) => reading.problems.push(
                Problem::new(&reading.path, format!("reading stopped: {e}"))
                    .at(Position::Byte(range.start)),
            ),
        }
    }
    reading.read = reading.read.saturating_add(count.into_inner());
    tell_broken(broken, reading);
    Ok(())
}

/// What is left of a log that began with `head` and was last written at `latest`, and whose last line so far was written
/// at `after`. Returns how many lines could not be read as JSON.
pub(super) fn rest<S: Sink>(
    reader: &mut dyn Read,
    head: &[u8],
    after: Option<Time>,
    latest: Time,
    options: &Options<'_>,
    sink: &mut S,
) -> io::Result<u64> {
    let mut extractor = extractor(options, latest);
    if let Some(after) = after {
        extractor.clock = extractor.clock.after(after);
    }
    events(reader, is_json(head), false, &mut extractor, sink)
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
    let outcome = open::decoder(compression, head, raw).and_then(|mut decoder| {
        let mut consume = |mut reader: &mut dyn Read| {
            let front = open::head(&mut reader, 512)?;
            let json = is_json(&front);
            events(
                front.as_slice().chain(reader),
                json,
                true,
                &mut extractor,
                sink,
            )
        };
        match compression {
            Compression::None => consume(&mut decoder),
            _ => open::ahead(decoder, consume),
        }
    });
    reading.read = count.load(Ordering::Relaxed);
    match outcome {
        Ok(broken) => tell_broken(broken, reading),
        Err(e) => {
            let what = format!(
                "damaged after {} bytes; what came before is counted: {e}",
                reading.read
            );
            reading.problems.push(Problem::new(&reading.path, what));
        }
    }
}

pub(super) fn tell_broken(lines: u64, reading: &mut Reading) {
    if lines > 0 {
        let lines = if lines == 1 {
            "1 line is no JSON object".to_owned()
        } else {
            format!("{lines} lines are no JSON objects")
        };
        let what = format!("{lines}; left out");
        reading.problems.push(Problem::new(&reading.path, what));
    }
}

/// Hands on the events of a stretch of whole lines. Returns how many lines could not be read as JSON.
fn events<S: Sink>(
    reader: impl Read,
    json: bool,
    stop_when_past: bool,
    extractor: &mut Extractor,
    sink: &mut S,
) -> io::Result<u64> {
    let needles = if json {
        Needles::new(&[])
    } else {
        extractor.wanted.needles()
    };
    let mut broken = 0_u64;
    lines::blocks(reader, |block| {
        needles.each(block, |line| {
            if json {
                match json::line(line, extractor, |event| sink.event(event)) {
                    Json::Broken if !line.trim_ascii().is_empty() => {
                        broken = broken.saturating_add(1);
                    }
                    Json::Broken | Json::Read => {}
                }
            } else if let Some(event) = extractor.line(line) {
                sink.event(&event);
            }
        });
        !(sink.is_done() || stop_when_past && extractor.past > PAST)
    })?;
    Ok(broken)
}

/// Does the log begin with a JSON object?
fn is_json(head: &[u8]) -> bool {
    head.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{')
}
