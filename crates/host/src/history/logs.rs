//! The logs of some days: read in one pass, and what is missing in them, reported by day.

use postfix::{Span, Time};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use figures::days::{Input, Period};
use postfix::Problem;
use postfix::log::{self, Journal, LogPlace, LogSet, Lost, Options, Reading, Scope, Wanted};

use crate::logs::holes::{self, Hole, Log};
use crate::logs::{Listed, LogScope, gaps};
use crate::site::Site;

use file::File;

mod file;

/// What was read of the host's logs for some days.
#[derive(Debug)]
pub struct DayLogs {
    sets: Vec<Set>,
    /// What was read of each file.
    pub readings: Vec<Reading>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// A journal's report of dropped messages may come this much later than they do.
const REPORTED_LATE: Span = Span::from_hours(1);

/// What finds the holes of a log.
type FindHoles = fn(&Options<'_>, Log<'_>, &[Reading], bool) -> Vec<Hole>;

/// A log and its rotated siblings, or a journal, which is as one file.
#[derive(Debug)]
struct Set {
    scope: Scope,
    place: LogPlace,
    /// The time of its first line; absent if there is none.
    begins: Option<Time>,
    /// The time of its last line, as far as it was read.
    ends: Option<Time>,
    files: Vec<File>,
    /// Times that it should have lines of.
    holes: Vec<Hole>,
    /// Why none of its files is known.
    fault: Option<String>,
}

impl DayLogs {
    /// When the log begins that begins last: of what was before, not everything is known.
    pub fn begin(&self) -> Option<Time> {
        self.sets.iter().filter_map(|set| set.begins).max()
    }

    /// Reads those parts of the logs that hold lines of the `days`, which must be in order, and hands on the events of
    /// the time from the first one's begin to the last one's end.
    pub fn read<S: LogScope>(
        site: &Site,
        sets: &[LogSet],
        days: &[Period],
        wanted: Wanted,
        sink: &mut S,
    ) -> Self {
        Self::read_judged(site, sets, days, wanted, holes::of_files, sink)
    }

    /// The same of one day, of which a record is to be kept: hours without a line inside of it are holes, too. A record
    /// outlives the days before it, and who reads it cannot judge them any more.
    pub fn read_day<S: LogScope>(
        site: &Site,
        sets: &[LogSet],
        day: &Period,
        wanted: Wanted,
        sink: &mut S,
    ) -> Self {
        let days = std::slice::from_ref(day);
        Self::read_judged(site, sets, days, wanted, holes::find, sink)
    }

    fn read_judged<S: LogScope>(
        site: &Site,
        sets: &[LogSet],
        days: &[Period],
        wanted: Wanted,
        find: FindHoles,
        sink: &mut S,
    ) -> Self {
        let mut read = Self {
            sets: Vec::new(),
            readings: Vec::new(),
            problems: Vec::new(),
        };
        let (Some(first), Some(last)) = (days.first(), days.last()) else {
            return read;
        };
        for set in sets {
            let found = read.find(site, set, days);
            read.sets.push(found);
        }
        let progress = site.progress_bytes("reading logs", read.size());
        let advance = |bytes| progress.advance(bytes);
        let window = first.since..last.until;
        let options = site.read_options(Some(window), wanted, &advance);
        let files = read.sets.iter().flat_map(|set| &set.files);
        let listed = Listed::of_places(files.map(|file| &file.place));
        for set in &mut read.sets {
            sink.scope(set.scope.clone());
            let mut of_set = Vec::new();
            for file in &mut set.files {
                let is_one_day = days.len() == 1;
                let (reading, found) = file.read(site, &options, &listed, is_one_day, sink);
                of_set.extend(reading);
                read.problems.extend(found);
            }
            read.problems
                .extend(set.judge(site, &options, find, &of_set, last));
            read.readings.extend(of_set);
        }
        read
    }

    /// What was read of a day's lines of `instance`, and why that is not all of the day.
    pub fn of(&self, site: &Site, day: &Period, instance: &[u8]) -> (Vec<Input>, Vec<String>) {
        let over = (site.now() < day.until).then(|| "the day was not over".to_owned());
        let (mut inputs, mut missing) = (Vec::new(), Vec::from_iter(over));
        for set in self.sets.iter().filter(|set| set.scope.has(instance)) {
            match &set.fault {
                Some(fault) => missing.push(fault.clone()),
                None => {
                    missing.extend(begins_late(site, set.begins, day.since));
                    let end = set.ends_early(site, day.since);
                    let holes = set.holes.iter().filter(|_| end.is_none());
                    let holes = holes.filter(|h| h.meets(&(day.since..day.until)));
                    missing.extend(end.clone());
                    missing.extend(holes.map(|hole| hole.problem.to_string()));
                }
            }
            for file in set.files.iter().filter(|f| f.days.contains(&day.since)) {
                inputs.extend(file.input.clone());
                missing.extend(file.faults.iter().cloned());
                let of_day = |lost: &&Lost| {
                    let (first, last) = lost.reported;
                    first.minus(REPORTED_LATE) < day.until && last >= day.since
                };
                let lost = file.lost.iter().filter(of_day);
                missing.extend(lost.map(|lost| lost.problem.to_string()));
            }
        }
        (inputs, missing)
    }

    /// Which logs that should hold lines of a day could not be read, or are empty: of those that are left, a line each.
    pub fn unread(&self, day: &Period) -> Vec<String> {
        let files = self.sets.iter().flat_map(|set| &set.files);
        let of_day = files.filter(|file| file.days.contains(&day.since));
        let mut unread = Vec::new();
        for file in of_day {
            if file.input.is_none() {
                unread.extend(file.faults.iter().cloned());
            }
            unread.extend(file.nothing.iter().map(ToString::to_string));
        }
        unread
    }

    /// Do the logs hold all of a day, whatever instance's?
    pub fn cover(&self, site: &Site, day: &Period) -> bool {
        let holds = |set: &Set| {
            set.fault.is_none()
                && begins_late(site, set.begins, day.since).is_none()
                && set.ends_early(site, day.since).is_none()
                && !set
                    .holes
                    .iter()
                    .any(|hole| hole.meets(&(day.since..day.until)))
        };
        !self.sets.is_empty() && self.sets.iter().all(holds)
    }

    /// The files of a log that hold lines of the days.
    fn find(&mut self, site: &Site, set: &LogSet, days: &[Period]) -> Set {
        let current = match &set.place {
            LogPlace::File(current) => current,
            LogPlace::Journal(journal) => return self.find_journal(set, journal, days),
        };
        let siblings = siblings(current).unwrap_or_else(|problem| {
            self.problems.push(problem);
            Vec::new()
        });
        let fault = siblings.is_empty().then_some(self.problems.last());
        let mut known: HashMap<PathBuf, Option<Time>> = HashMap::new();
        let mut first = |path: &Path| {
            let look = || log::first_time(path, site.zone()).ok().flatten();
            *known.entry(path.to_owned()).or_insert_with(look)
        };
        let mut of_days: Vec<(Time, Vec<PathBuf>)> = Vec::new();
        for day in days {
            let needed = log::needed_with(&siblings, &(day.since..day.until), &mut first);
            of_days.push((day.since, needed));
        }
        let file = |path: &PathBuf| {
            let days = of_days.iter().filter(|(_, needed)| needed.contains(path));
            let days: Vec<Time> = days.map(|(since, _)| *since).collect();
            (!days.is_empty()).then(|| File::new(LogPlace::File(path.clone()), days))
        };
        Set {
            scope: set.scope.clone(),
            place: set.place.clone(),
            files: siblings.iter().filter_map(file).collect(),
            begins: siblings.iter().filter_map(|path| first(path)).min(),
            ends: None,
            holes: Vec::new(),
            fault: fault.flatten().map(ToString::to_string),
        }
    }

    /// A journal may hold lines of any day.
    fn find_journal(&mut self, set: &LogSet, journal: &Journal, days: &[Period]) -> Set {
        let (begins, fault) = match journal.begins() {
            Ok(begins) => (begins, None),
            Err(problem) => (None, Some(problem)),
        };
        let days = days.iter().map(|day| day.since).collect();
        let file = File::new(set.place.clone(), days);
        let why = fault.as_ref().map(ToString::to_string);
        let files = if why.is_none() {
            vec![file]
        } else {
            Vec::new()
        };
        self.problems.extend(fault);
        Set {
            scope: set.scope.clone(),
            place: set.place.clone(),
            files,
            begins,
            ends: None,
            holes: Vec::new(),
            fault: why,
        }
    }

    /// How many bytes there are at most.
    fn size(&self) -> Option<u64> {
        let files = self.sets.iter().flat_map(|set| &set.files);
        files
            .map(|file| match &file.place {
                LogPlace::File(path) => std::fs::metadata(path).ok().map(|m| m.len()),
                LogPlace::Journal(_) => None,
            })
            .sum()
    }
}

/// A log's files, oldest first; the current one, where there is none.
fn siblings(current: &Path) -> Result<Vec<PathBuf>, Problem> {
    if log::blocks(current) {
        let what = "a pipe or a device, not a log file";
        return Err(Problem::new(current, what));
    }
    let found = log::without_copies(log::all_siblings(current)?);
    Ok(match found.as_slice() {
        [] => vec![current.to_owned()],
        _ => found,
    })
}

/// Lines of before a day, which begins at `since`, show that all of it is in the logs that are left. What is missing,
/// if `first`, the time of their first line, is no such line's.
pub fn begins_late(site: &Site, first: Option<Time>, since: Time) -> Option<String> {
    match first {
        Some(first) if first <= since => None,
        Some(first) => {
            let local = site.zone().at(first)?;
            Some(format!("the logs begin at {}", local.to_rfc3339()))
        }
        None => Some("the logs are empty".to_owned()),
    }
}

impl Set {
    /// Notes what all that was read of it says together: is it a log of Postfix's, when does it end, what is missing.
    /// Returns the problems, of holes those that meet the `last` day.
    fn judge(
        &mut self,
        site: &Site,
        options: &Options<'_>,
        find: FindHoles,
        readings: &[Reading],
        last: &Period,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !readings.iter().any(|reading| reading.seen.is_postfix) {
            problems.extend(readings.iter().filter_map(gaps::unknown));
            if let LogPlace::File(current) = &self.place
                && self.scope.is_named()
            {
                problems.extend(gaps::unused(current));
            }
            let fault = problems.first().map(ToString::to_string);
            self.fault = fault.or(self.fault.take());
        } else {
            problems.extend(readings.iter().filter_map(gaps::no_log));
        }
        let times = readings.iter().filter_map(|r| r.seen.times.as_ref());
        self.ends = times.map(|times| times.end).max();
        let files;
        let log = match &self.place {
            LogPlace::File(current) => {
                files = log::siblings(current).unwrap_or_default();
                Log::Own(&files)
            }
            LogPlace::Journal(journal) => Log::Journal(journal),
        };
        self.holes = find(options, log, readings, self.scope.is_ones());
        // Else, that it has ended says more.
        if self.ends_early(site, last.since).is_none() {
            let of_last = self.holes.iter();
            let of_last = of_last.filter(|hole| hole.meets(&(last.since..last.until)));
            problems.extend(of_last.map(|hole| hole.problem.clone()));
        }
        problems
    }

    /// Of a day, which begins at `since`, a log says nothing whose last line is older: its daemon has stopped, perhaps.
    /// The log of one instance is silent when that has nothing to do.
    fn ends_early(&self, site: &Site, since: Time) -> Option<String> {
        if self.scope.is_ones() {
            return None;
        }
        let local = site.zone().at(self.ends.filter(|last| *last < since)?)?;
        Some(format!("the logs end at {}", local.to_rfc3339()))
    }
}
