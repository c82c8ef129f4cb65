//! Times that a log should have lines of, and has none: a rotated file is missing or empty, the log has ended, or it is
//! silent in the middle (a host that was down, a daemon that had stopped, lines that were cut out).
//!
//! How long a log may be silent depends on the host: what counts is whether it had lines at the same hours on other
//! days.

use std::ops::Range;
use std::path::{Path, PathBuf};

use postfix::log::{self, Journal, Options, Reading, SILENT, Silences};
use postfix::{Problem, Span, Time};

use usual::{Events, MANY};

mod usual;

/// So many silences are judged, the longest first: each takes a look at other days.
const JUDGED: usize = 24;
const DAY: Span = Span::from_days(1);

/// A time of which a log says nothing, though it should.
#[derive(Debug, Clone)]
pub(crate) struct Hole {
    pub(crate) span: Range<Time>,
    pub(crate) problem: Problem,
    /// Is it the end of a log of which nobody knows whether it is one?
    pub(crate) is_in_doubt: bool,
}

/// A log, as far as it is left.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Log<'a> {
    /// The host's own: all of its files, oldest first.
    Own(&'a [PathBuf]),
    /// Files that were named, oldest first.
    Named(&'a [PathBuf]),
    /// A journal.
    Journal(&'a Journal),
}

impl Hole {
    pub(crate) fn meets(&self, other: &Range<Time>) -> bool {
        self.span.start < other.end && other.start < self.span.end
    }
}

/// The holes of a log in the `window` of the options, `readings` what was read of it. The log of one instance
/// (`is_ones`) is silent when that has nothing to do, and may end.
pub(crate) fn find(
    options: &Options<'_>,
    log: Log<'_>,
    readings: &[Reading],
    is_ones: bool,
) -> Vec<Hole> {
    let looked = Looked::new(options, log, readings, is_ones);
    looked.map_or_else(Vec::new, Looked::all)
}

/// The hole behind the last line of logs that were named, in a `part` of the window that was read, which ends with it.
pub(crate) fn behind(
    part: &Range<Time>,
    options: &Options<'_>,
    files: &[PathBuf],
    readings: &[Reading],
) -> Option<Hole> {
    let looked = Looked::new(options, Log::Named(files), readings, false)?;
    let window = part.start..part.end.min(options.now);
    let looked = Looked { window, ..looked };
    looked.ended(looked.times.as_ref()?, &looked.silences())
}

/// Those between the files of a host's own log, and behind them. Of hours without a line inside of them, those judge
/// who know the days before.
pub(crate) fn of_files(
    options: &Options<'_>,
    log: Log<'_>,
    readings: &[Reading],
    is_ones: bool,
) -> Vec<Hole> {
    let looked = Looked::new(options, log, readings, is_ones);
    looked.as_ref().map_or_else(Vec::new, Looked::of_files)
}

/// The file that `path` was packed into, if that is empty: a packed file has a head, whatever was packed, so it has
/// lost what it held.
fn lost<'f>(files: &'f [PathBuf], path: &Path) -> Option<&'f PathBuf> {
    let is_packed = |file: &&PathBuf| file.as_path() != path && file.with_extension("") == path;
    let length = |file: &PathBuf| guarded::open(file).and_then(|file| file.metadata());
    let is_empty = |file: &&PathBuf| length(file).is_ok_and(|m| m.len() == 0);
    files.iter().filter(is_packed).find(is_empty)
}

struct Looked<'a> {
    options: &'a Options<'a>,
    log: Log<'a>,
    /// The files of the host's own.
    files: &'a [PathBuf],
    readings: &'a [Reading],
    /// Is it the log of one instance?
    is_ones: bool,
    /// The window as far as it has passed.
    window: Range<Time>,
    /// From when on it was read.
    since: Time,
    /// When its first and its last line were written, of what was read.
    times: Option<Range<Time>>,
}

impl<'a> Looked<'a> {
    fn new(
        options: &'a Options<'a>,
        log: Log<'a>,
        readings: &'a [Reading],
        is_ones: bool,
    ) -> Option<Self> {
        let window = options.window.clone()?;
        let times = readings.iter().filter_map(|r| r.seen.times.clone());
        Some(Self {
            options,
            log,
            files: match log {
                Log::Own(files) => files,
                Log::Named(_) | Log::Journal(_) => &[],
            },
            readings,
            is_ones,
            since: window.start,
            window: window.start..window.end.min(options.now),
            times: times.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)),
        })
    }

    /// All holes.
    fn all(self) -> Vec<Hole> {
        let mut holes = self.of_files();
        if !self.is_ones {
            let is_new = |hole: &Hole| !holes.iter().any(|known| known.meets(&hole.span));
            let inside: Vec<Hole> = self.inside().into_iter().filter(is_new).collect();
            holes.extend(inside);
        }
        holes
    }

    /// The holes between the files of a host's own log, and behind them.
    fn of_files(&self) -> Vec<Hole> {
        let first = |path: &Path| log::first_time(path, self.options.zone).ok().flatten();
        let filled = self
            .files
            .iter()
            .filter_map(|path| Some((path, first(path)?)));
        let filled: Vec<(&PathBuf, Time)> = filled.collect();
        let between = filled.windows(2).filter_map(|pair| match pair {
            [older, newer] => self.between(*older, *newer),
            _ => None,
        });
        let behind = filled.last().and_then(|(path, _)| self.behind(path));
        between.chain(behind).collect()
    }

    /// When nothing of what was read has a line.
    fn silences(&self) -> Silences {
        let read = self.readings.iter().map(|reading| &reading.seen.silences);
        read.fold(Silences::default(), |all, one| all.common(one))
    }

    /// The holes in what was read, and behind it where that is no log of the host's.
    fn inside(&self) -> Vec<Hole> {
        let Some(times) = &self.times else {
            return Vec::new();
        };
        let Range { start, end: until } = self.window;
        let silences = self.silences();
        // Of what is before the first line, and behind the last, nothing was read. Of a journal only the window was.
        let is_journal = matches!(self.log, Log::Journal(_));
        let bounded = silences.all().filter_map(|silence| {
            let is_first = silence.start == Time::EPOCH;
            let is_last = silence.end == Time::MAX;
            let is_known = is_journal || !is_first && (!is_last || times.end >= until);
            let begins = if is_first {
                times.start.max(start)
            } else {
                silence.start
            };
            let ends = if is_last { until } else { silence.end };
            is_known.then_some(begins..ends)
        });
        // Lines do not come every minute: what little of a silence is in the window may be none.
        let little = SILENT.min(Span::from_micros(length(&self.window).micros() / 10));
        let is_one = |silence: &Range<Time>| {
            let asked = silence.start.max(start)..silence.end.min(until);
            length(silence) > SILENT && length(&asked) > little
        };
        let mut found: Vec<Range<Time>> = bounded.filter(is_one).collect();
        found.sort_by_key(|silence| std::cmp::Reverse(length(silence)));
        found.truncate(JUDGED);
        let is_hole = |silence: &Range<Time>| match self.log {
            // It was mail that there was none of. Whether it was is not known where the journal does not say it.
            Log::Journal(journal) if !journal.is_silent(silence).unwrap_or(true) => false,
            _ => self.is_unusual(silence) == Some(true),
        };
        let why = "though there are at these hours on other days";
        let holes = found.into_iter().filter(is_hole);
        let holes = holes.map(|silence| self.hole(silence.clone(), self.path(&silence), why));
        let ended = self.ended(times, &silences);
        holes.chain(ended).collect()
    }

    /// The hole behind the last line of logs that were named, where it was said until when they should go on.
    fn ended(&self, times: &Range<Time>, silences: &Silences) -> Option<Hole> {
        let Range { start, end: until } = self.window;
        let behind = times.end..until;
        let is_asked = self.options.window.as_ref()?.end < Time::MAX;
        let is_named = matches!(self.log, Log::Named(_));
        if !is_named || !is_asked || times.end <= start || length(&behind) <= SILENT {
            return None;
        }
        match self.is_unusual(&behind) {
            Some(true) => {
                let why = "though there were at these hours on the days before";
                Some(self.hole(behind.clone(), self.path(&behind), why))
            }
            Some(false) => None,
            None => self.cut(times, silences),
        }
    }

    /// The same where nothing is known of other days: the log was never silent for so long, and by what there was in an
    /// hour, there should be more of it.
    fn cut(&self, times: &Range<Time>, silences: &Silences) -> Option<Hole> {
        let (start, until) = (self.since, self.window.end);
        let behind = times.end..until;
        let before = silences.all().filter(|silence| silence.end <= times.end);
        // Before its first line, it may begin late.
        let begins = |silence: &Range<Time>| match silence.start {
            Time::EPOCH => self.window.start,
            begins => begins.max(start),
        };
        let longest = before.map(|silence| length(&(begins(&silence)..silence.end)));
        let deliveries = self.readings.iter().map(|r| r.seen.deliveries);
        let deliveries = u128::from(deliveries.fold(0, u64::saturating_add));
        // One message at noon is not a thousand in the evening.
        let begins = times.start.max(start).min(self.window.start);
        let covered = length(&(begins..times.end)).micros().max(1);
        let expected = deliveries.saturating_mul(u128::from(length(&behind).micros()));
        let is_one = longest
            .max()
            .is_none_or(|longest| length(&behind) > longest)
            && expected.div_euclid(u128::from(covered)) >= u128::from(MANY);
        let ends = self.local(times.end);
        let what =
            format!("not all of the time that is asked for is in the logs: they end at {ends}");
        is_one.then(|| Hole {
            span: behind.clone(),
            problem: Problem::new(self.path(&behind), what),
            is_in_doubt: true,
        })
    }

    /// The file that a silence begins in.
    fn path(&self, silence: &Range<Time>) -> &Path {
        let begins = |r: &&Reading| {
            r.seen
                .times
                .as_ref()
                .is_some_and(|t| t.start <= silence.start)
        };
        let found = self.readings.iter().rfind(begins).or(self.readings.last());
        found.map_or(Path::new(""), |reading| &reading.path)
    }

    /// The hole between two files that follow each other, each with the time of its first line.
    fn between(
        &self,
        (older, begins): (&PathBuf, Time),
        (newer, next): (&PathBuf, Time),
    ) -> Option<Hole> {
        let Range { start, end: until } = self.window;
        // The window is not near it.
        if next <= start || begins >= until {
            return None;
        }
        let gone = log::gone_between(older, newer, self.files.last());
        // One may be there, and hold nothing.
        let first = |path: &Path| log::first_time(path, self.options.zone);
        let is_there = |path: &PathBuf| {
            let is_its = |file: &&PathBuf| *file == path || file.with_extension("") == *path;
            let mut starts = self.files.iter().filter(is_its);
            starts.any(|file| lost(self.files, path) != Some(file) && first(file).is_ok())
        };
        let (empty, gone): (Vec<_>, Vec<_>) = gone.into_iter().partition(is_there);
        // What others lack matters where the last days are judged.
        let near = until.minus(DAY).minus(DAY) < next;
        // One instance's may be silent, and a file of it empty: it had nothing to do.
        if gone.is_empty() && (self.is_ones || (empty.is_empty() && !near)) {
            return None;
        }
        let hole = self.end(older)?..next;
        let length = hole.end.since(hole.start);
        let is_one = match gone.is_empty() {
            true => length > SILENT && self.is_unusual(&hole) == Some(true),
            false => length > Span::from_minutes(1),
        };
        if !is_one || hole.start >= until || start >= hole.end {
            return None;
        }
        let why = match (gone.as_slice(), empty.as_slice()) {
            ([], []) => "though there are at these hours on other days".to_owned(),
            ([], [one, ..]) => format!("and {} is empty", one.display()),
            ([one], _) => match lost(self.files, one) {
                Some(lost) => format!("and {} is empty", lost.display()),
                None if std::fs::symlink_metadata(one).is_ok() => {
                    format!("and {} cannot be read", one.display())
                }
                None => format!("and {} is missing", one.display()),
            },
            ([one, ..], _) => format!("and {} and others are missing", one.display()),
        };
        Some(self.hole(hole, newer, &why))
    }

    /// The hole behind the last file with lines.
    fn behind(&self, path: &Path) -> Option<Hole> {
        let last = self.end(path)?;
        let Range { start, end: until } = self.window;
        let is_one = !self.is_ones
            && last < until
            && start < until
            && until.since(last) > SILENT
            && self.is_unusual(&(last..until)) == Some(true);
        let why = "though there were at these hours on the days before";
        is_one.then(|| Some(self.hole(last..until, self.files.last()?, why)))?
    }

    fn hole(&self, span: Range<Time>, path: &Path, why: &str) -> Hole {
        let (from, to) = (self.local(span.start), self.local(span.end));
        let what = format!("no log has a line from {from} to {to}, {why}");
        Hole {
            span,
            problem: Problem::new(path, what),
            is_in_doubt: false,
        }
    }

    fn local(&self, time: Time) -> String {
        let local = self.options.zone.at(time);
        local.map_or_else(|| "another time".to_owned(), |t| t.to_rfc3339())
    }

    /// When a file's last line was written.
    fn end(&self, path: &Path) -> Option<Time> {
        let options = self.options;
        let is_packed = |path: &Path| log::is_packed(path);
        if !is_packed(path) {
            return log::last_time(path, options.zone).ok().flatten();
        }
        let window = options.window.clone()?;
        let read = self.readings.iter().find(|r| r.path == *path);
        let read = read.and_then(|r| Some(r.seen.times.as_ref()?.end));
        // What was read may end with the window.
        match read.filter(|end| end.plus(SILENT) < window.end) {
            Some(end) => Some(end),
            None => {
                let all = Options {
                    window: None,
                    progress: &|_| (),
                    ..options.clone()
                };
                let reading = log::read_file(path, &all, &mut Events(0)).ok()?;
                Some(reading.seen.times?.end)
            }
        }
    }
}

fn length(span: &Range<Time>) -> Span {
    span.end.since(span.start)
}
