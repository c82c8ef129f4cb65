//! Which logs to read, and the reading of them one after another.

use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use figures::mail_stats::Source;
use postfix::config::Host;
use postfix::log::{self, Journal, LogPlace, LogSet, Options, Reading, Scope, Sink};
use postfix::{Parsed, Problem, Time};

use super::gaps::{self, Missing};
use super::holes::{self, Hole};
use super::named::in_order;
use super::places::{Preference, journal_in, log_sets};
use super::{Hosts, Listed, Selection};
use crate::failure::Failure;
use crate::site::Site;
use postfix::Window;

/// Which logs a user wants to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogSource {
    /// The host's own: as the user prefers, or else the host's settings.
    Host(Option<Preference>),
    /// These files; `-` is standard input.
    Files(Vec<PathBuf>),
    /// The systemd journal in this directory.
    JournalDir(PathBuf),
}

impl LogSource {
    /// Does the user say what to read? Then it may be another host's.
    pub fn is_named(&self) -> bool {
        !matches!(self, Self::Host(_))
    }

    /// How the host's own logs are looked for.
    pub fn preference(&self) -> Option<Preference> {
        match self {
            Self::Host(preference) => *preference,
            Self::Files(_) | Self::JournalDir(_) => None,
        }
    }
}

/// What is to be read.
#[derive(Debug)]
pub enum Inputs {
    /// The host's own logs: which instances log where, and the files of each log, oldest first. A journal has none.
    Host(Vec<(LogSet, Vec<PathBuf>)>),
    /// Files that the user names; `-` is standard input.
    Files(Vec<PathBuf>),
    /// A journal that the user names.
    Journal(Journal),
}

/// Takes only the events of the log that is read: an instance with a log of its own is not looked for in the others.
pub trait LogScope: Sink {
    /// From here on, only the names of this scope are looked for.
    fn scope(&mut self, scope: Scope);
}

impl Inputs {
    /// Finds the logs. Nothing is read but directories, and the beginnings of files where a window is given.
    ///
    /// # Errors
    /// The host's log is a pipe or a device, or its directory cannot be read.
    pub fn choose(
        source: &LogSource,
        site: &Site,
        host: &Parsed<Host>,
        selection: &Selection<'_>,
        window: Window,
    ) -> anyhow::Result<Self> {
        let preference = match source {
            LogSource::JournalDir(directory) => {
                let journal = journal_in(directory.clone(), &host.value);
                return Ok(Self::Journal(journal));
            }
            LogSource::Files(files) => {
                no_instances(site, &host.value, files)?;
                return Ok(Self::Files(in_order(site, files)));
            }
            LogSource::Host(preference) => *preference,
        };
        let mut found = Vec::new();
        for set in log_sets(site, host, selection, preference)? {
            let files = match &set.place {
                LogPlace::File(current) => files(current, window, site)?,
                LogPlace::Journal(_) => Vec::new(),
            };
            found.push((set, files));
        }
        Ok(Self::Host(found))
    }

    /// What is read, for whoever reads the figures.
    pub fn sources(&self) -> Vec<Source> {
        let named = |kind, path: &Path| Source {
            kind,
            path: path.to_owned(),
            why: "it was named".to_owned(),
        };
        match self {
            Self::Host(sets) => sets.iter().map(|(set, _)| source_of(set)).collect(),
            Self::Files(files) => files.iter().map(|path| named("file", path)).collect(),
            Self::Journal(journal) => vec![named("journal", journal.place())],
        }
    }

    /// Whose lines are met: of this host in its own logs, of any in others.
    pub fn hosts(&self, site: &Site) -> Hosts {
        match self {
            Self::Host(sets) => Hosts::of_own(site, sets.iter().map(|(set, _)| set)),
            Self::Files(_) | Self::Journal(_) => Hosts::of_any(),
        }
    }

    /// How many bytes there are at most, for a progress bar. A window needs fewer.
    pub fn size(&self) -> Option<u64> {
        let is_file = |(set, _): &(LogSet, _)| matches!(set.place, LogPlace::File(_));
        let files: Vec<&PathBuf> = match self {
            Self::Host(sets) if !sets.iter().all(is_file) => return None,
            Self::Host(sets) => sets.iter().flat_map(|(_, files)| files).collect(),
            Self::Files(files) => files.iter().collect(),
            Self::Journal(_) => return None,
        };
        files
            .into_iter()
            .map(|f| std::fs::metadata(f).ok().map(|m| m.len()))
            .sum()
    }

    /// Is standard input among them?
    pub fn is_stdin(&self) -> bool {
        matches!(self, Self::Files(files) if files.iter().any(|path| path.as_os_str() == "-"))
    }

    /// Reads all, in order.
    ///
    /// A log that the user names must be readable. Of the host's own, some must; the others are reported. So is a log
    /// that is not Postfix's, and a window that the logs do not hold all of.
    ///
    /// # Errors
    /// What must be readable is not.
    pub fn read<S: LogScope>(
        &self,
        options: &Options<'_>,
        sink: &mut S,
    ) -> anyhow::Result<Vec<Reading>> {
        let is_own = matches!(self, Self::Host(_));
        let missing = |set: Option<&LogSet>, of_one: &[Reading]| {
            let is_ones = set.is_some_and(|set| set.scope.is_ones());
            let outside = gaps::outside(options, of_one, is_own, is_ones);
            let mut found = Vec::from_iter(outside);
            if !matches!(found.as_slice(), [Missing::All(_)]) {
                let holes = self.holes(set, options, of_one, is_ones).into_iter();
                found.extend(holes.map(|hole| match hole.is_in_doubt {
                    true => Missing::Edge(hole.problem),
                    false => Missing::Part(hole.problem),
                }));
            }
            found
        };
        let mut readings = self.read_logs(options, sink, missing)?;
        if options.window.is_some() {
            gaps::find_empty(&mut readings);
        }
        Ok(readings)
    }

    /// The holes in what was read of a log.
    fn holes(
        &self,
        set: Option<&LogSet>,
        options: &Options<'_>,
        readings: &[Reading],
        is_ones: bool,
    ) -> Vec<Hole> {
        let siblings = |current| log::siblings(current).unwrap_or_default();
        let own;
        let log = match (self, set.map(|set| &set.place)) {
            (Self::Journal(journal), _) | (_, Some(LogPlace::Journal(journal))) => {
                holes::Log::Journal(journal)
            }
            (Self::Files(files), _) => holes::Log::Named(files),
            (Self::Host(_), Some(LogPlace::File(current))) => {
                own = siblings(current);
                holes::Log::Own(&own)
            }
            (Self::Host(_), None) => return Vec::new(),
        };
        holes::find(options, log, readings, is_ones)
    }

    /// That files which were named end early, in a `part` of the window that was read, which ends with it.
    pub fn end_early(
        &self,
        part: &Range<Time>,
        options: &Options<'_>,
        readings: &[Reading],
    ) -> Option<Problem> {
        let Self::Files(files) = self else {
            return None;
        };
        Some(holes::behind(part, options, files, readings)?.problem)
    }

    /// The same for a window that the logs need not hold all of.
    ///
    /// # Errors
    /// As [`Inputs::read`].
    pub fn read_part<S: LogScope>(
        &self,
        options: &Options<'_>,
        sink: &mut S,
    ) -> anyhow::Result<Vec<Reading>> {
        self.read_logs(options, sink, |_, _| Vec::new())
    }

    /// `missing` says of the files of one log what they lack together.
    fn read_logs<S: LogScope>(
        &self,
        options: &Options<'_>,
        sink: &mut S,
        missing: impl Fn(Option<&LogSet>, &[Reading]) -> Vec<Missing>,
    ) -> anyhow::Result<Vec<Reading>> {
        match self {
            Self::Journal(journal) => {
                let mut readings = vec![journal.read(options, sink).map_err(refused)?];
                gaps::find(&mut readings, |of| missing(None, of));
                Ok(readings)
            }
            Self::Files(files) => {
                let read = |path: &PathBuf| match path.as_os_str().as_encoded_bytes() {
                    b"-" => Ok(log::read_stream(std::io::stdin(), "-", options, sink)),
                    _ => log::read_typed(path, options, sink)
                        .map_err(|problem| not_a_log(files, path, problem)),
                };
                let mut readings: Vec<Reading> =
                    files.iter().map(read).collect::<anyhow::Result<_>>()?;
                gaps::find_each(&mut readings, |of| missing(None, of));
                Ok(readings)
            }
            Self::Host(sets) => read_sets(sets, options, sink, missing),
        }
    }
}

/// Reads a host's own logs. One that cannot be read is reported.
///
/// # Errors
/// None can be.
fn read_sets<S: LogScope>(
    sets: &[(LogSet, Vec<PathBuf>)],
    options: &Options<'_>,
    sink: &mut S,
    missing: impl Fn(Option<&LogSet>, &[Reading]) -> Vec<Missing>,
) -> anyhow::Result<Vec<Reading>> {
    let mut readings = Vec::new();
    let mut problems = Vec::new();
    let listed = Listed::of(sets.iter().flat_map(|(_, files)| files));
    for (set, files) in sets {
        sink.scope(set.scope.clone());
        let mut of_set = Vec::new();
        let mut take = |read: Result<Reading, Problem>| match read {
            Ok(mut reading) => {
                listed.check(&mut reading);
                of_set.push(reading);
            }
            Err(problem) => problems.push(problem),
        };
        match &set.place {
            LogPlace::Journal(journal) => take(journal.read(options, sink)),
            LogPlace::File(_) => {
                files
                    .iter()
                    .for_each(|path| take(log::read_file(path, options, sink)));
            }
        }
        gaps::find(&mut of_set, |of| missing(Some(set), of));
        if set.scope.is_named()
            && let LogPlace::File(current) = &set.place
            && let Some(first) = of_set.first_mut()
        {
            first.problems.extend(gaps::unused(current));
        }
        readings.extend(of_set);
    }
    match (readings.first_mut(), problems) {
        (Some(first), problems) => first.problems.extend(problems),
        (None, problems) => {
            if let Some(problem) = problems.into_iter().next() {
                return Err(refused(problem));
            }
        }
    }
    Ok(readings)
}

/// A log of the host, for whoever reads the figures.
pub fn source_of(set: &LogSet) -> Source {
    Source {
        kind: set.place.kind(),
        path: set.place.path().to_owned(),
        why: set.why.clone(),
    }
}

/// The error that no log can be read, with what to do.
pub fn refused(problem: Problem) -> anyhow::Error {
    let failure = Failure::new(problem.to_string());
    failure
        .hint("use --log FILE for another log, --log-source journal for the systemd journal; reading /var/log needs \
            root or group adm")
        .into()
}

/// `--log` takes each word that follows it, also what was meant as an instance. A file of that name is read all the
/// same, with a warning.
///
/// # Errors
/// A name is an instance's, and no file's.
pub fn no_instances(site: &Site, host: &Host, files: &[PathBuf]) -> anyhow::Result<()> {
    let is_instance = |path: &PathBuf| {
        let name = path.to_str().map(str::to_owned);
        name.is_some_and(|name| name != "-" && host.select(&[name]).is_ok())
    };
    for path in files.iter().filter(|path| is_instance(path)) {
        let name = postfix::escape(path.as_os_str().as_bytes());
        let hint =
            "to name an instance, put it before --log, which takes each word that follows it";
        if !path.exists() || path.is_dir() {
            let what = format!("--log: {name} is an instance, and no log file");
            return Err(Failure::new(what).hint(hint).into());
        }
        site.warn(format!(
            "--log: {name} is read as a log, and is an instance too; {hint}"
        ));
    }
    Ok(())
}

/// The error that a file cannot be read that the user names. It may be no file at all: `--log` takes all that follows
/// it.
fn not_a_log(files: &[PathBuf], path: &Path, problem: Problem) -> anyhow::Error {
    let is_word = path.components().count() == 1 && !path.exists();
    match files.iter().position(|file| file == path) {
        Some(1..) if is_word => {
            let name = postfix::escape(path.as_os_str().as_bytes());
            let hint = format!(
                "--log takes each word that follows it for a log; if {name} is an instance, name it before --log"
            );
            Failure::new(problem.to_string()).hint(hint).into()
        }
        _ => refused(problem),
    }
}

/// The files of a host's log that a window needs; without a window, the current one.
fn files(current: &Path, window: Window, site: &Site) -> anyhow::Result<Vec<PathBuf>> {
    if log::blocks(current) {
        let what = "a pipe or a device, not a log file";
        return Err(refused(Problem::new(current, what)));
    }
    let Some(range) = window.range() else {
        return Ok(vec![current.to_owned()]);
    };
    let siblings = log::without_copies(log::all_siblings(current).map_err(refused)?);
    if siblings.is_empty() {
        return Ok(vec![current.to_owned()]);
    }
    let mut needed = log::needed(&siblings, &range, site.zone());
    if needed.is_empty() {
        // All begin later: the first says when.
        needed.extend(siblings.into_iter().next());
    }
    Ok(needed)
}
