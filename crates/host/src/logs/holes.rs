//! Times that a log should have lines of, and has none: a rotated file is missing or empty, or the log has ended.
//!
//! How long a log may be silent depends on the host: what counts is whether it had lines at the same hours on other
//! days.

use std::ops::Range;
use std::path::{Path, PathBuf};

use postfix::log::{self, Event, Options, Reading, Sink, Wanted};
use postfix::{Problem, Span, Time};

/// For so long a log may be silent at any time.
const SILENT: Span = Span::from_minutes(30);
/// So many events at these hours of each other day, and none now, is no chance.
const MANY: u64 = 20;
/// Other days that are looked at, by how many days earlier: the same weekday first, the likeliest to be alike.
const EARLIER: [u64; 7] = [7, 1, 2, 3, 4, 5, 6];
/// With fewer other days, nothing is known of what is usual.
const FEWEST: usize = 2;
const DAY: Span = Span::from_days(1);

/// A time of which a log says nothing, though it should.
#[derive(Debug, Clone)]
pub(crate) struct Hole {
    pub(crate) span: Range<Time>,
    pub(crate) problem: Problem,
}

impl Hole {
    pub(crate) fn meets(&self, other: &Range<Time>) -> bool {
        self.span.start < other.end && other.start < self.span.end
    }
}

/// The holes of a log in the `window` of the options. `files` are all of its files, oldest first, `readings` what was
/// read of some of them. The log of one instance (`is_ones`) is silent when that has nothing to do, and may end.
pub(crate) fn find(
    options: &Options<'_>,
    files: &[PathBuf],
    readings: &[Reading],
    is_ones: bool,
) -> Vec<Hole> {
    let Some(window) = options.window.clone() else {
        return Vec::new();
    };
    let looked = Looked {
        options,
        files,
        readings,
        is_ones,
        window: window.start..window.end.min(options.now),
    };
    let first = |path: &Path| log::first_time(path, options.zone).ok().flatten();
    let filled = files.iter().filter_map(|path| Some((path, first(path)?)));
    let filled: Vec<(&PathBuf, Time)> = filled.collect();
    let between = filled.windows(2).filter_map(|pair| match pair {
        [older, newer] => looked.between(*older, *newer),
        _ => None,
    });
    let behind = filled.last().and_then(|(path, _)| looked.behind(path));
    between.chain(behind).collect()
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
    files: &'a [PathBuf],
    readings: &'a [Reading],
    /// Is it the log of one instance?
    is_ones: bool,
    /// The window as far as it has passed.
    window: Range<Time>,
}

impl Looked<'_> {
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
        let is_there = |path: &PathBuf| {
            let is_its = |file: &&PathBuf| *file == path || file.with_extension("") == *path;
            let mut starts = self.files.iter().filter(is_its);
            starts.any(|file| lost(self.files, path) != Some(file))
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
            true => length > SILENT && self.is_unusual(&hole),
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
            && self.is_unusual(&(last..until));
        let why = "though there were at these hours on the days before";
        is_one.then(|| Some(self.hole(last..until, self.files.last()?, why)))?
    }

    fn hole(&self, span: Range<Time>, path: &Path, why: &str) -> Hole {
        let at = |time: Time| {
            let local = self.options.zone.at(time);
            local.map_or_else(|| "another time".to_owned(), |t| t.to_rfc3339())
        };
        let (from, to) = (at(span.start), at(span.end));
        let what = format!("no log has a line from {from} to {to}, {why}");
        Hole {
            span,
            problem: Problem::new(path, what),
        }
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

    /// Did each other day have many lines at these hours?
    fn is_unusual(&self, span: &Range<Time>) -> bool {
        let length = span.end.since(span.start).micros().min(DAY.micros());
        let mut days = 0;
        for earlier in EARLIER {
            let start = span.start.minus(Span::from_days(earlier));
            let same = start..start.plus(Span::from_micros(length));
            match self.events(&same) {
                Some(n) if n < MANY => return false,
                Some(_) => days += 1,
                None => {}
            }
        }
        days >= FEWEST
    }

    /// How many events the log has of a time; nothing if it begins later.
    fn events(&self, span: &Range<Time>) -> Option<u64> {
        let options = Options {
            window: Some(span.clone()),
            wanted: Wanted::default(),
            progress: &|_| (),
            ..self.options.clone()
        };
        let oldest = log::first_time(self.files.first()?, options.zone);
        oldest.ok().flatten().filter(|first| *first <= span.start)?;
        let mut events = Events(0);
        for path in log::needed(self.files, span, options.zone) {
            log::read_file(&path, &options, &mut events).ok()?;
        }
        Some(events.0)
    }
}

/// Counts.
struct Events(u64);

impl Sink for Events {
    fn event(&mut self, event: &Event<'_>) {
        if matches!(event, Event::Delivery(_)) {
            self.0 = self.0.saturating_add(1);
        }
    }

    fn fork(&self) -> Option<Self> {
        Some(Self(0))
    }

    fn join(&mut self, later: Self) {
        self.0 = self.0.saturating_add(later.0);
    }
}
