//! Which logs to read, and the reading of them one after another.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use postfix::config::Host;
use postfix::log::{self, LogSet, Options, Reading, Scope, Sink};
use postfix::{Parsed, Problem, Time};

use super::Selection;
use crate::failure::Failure;
use crate::site::Site;
use postfix::Window;

/// Which logs a user wants to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LogSource {
    /// The host's own.
    #[default]
    Host,
    /// These files; `-` is standard input.
    Files(Vec<PathBuf>),
    /// The host's systemd journal.
    Journal,
    /// The systemd journal in this directory.
    JournalDir(PathBuf),
}

impl LogSource {
    /// Does the user say what to read? Then it may be another host's.
    pub fn is_named(&self) -> bool {
        matches!(self, Self::Files(_) | Self::JournalDir(_))
    }
}

/// What is to be read.
#[derive(Debug)]
pub enum Inputs {
    /// The host's own logs: which instances log where, and the files of each log, oldest first.
    Host(Vec<(LogSet, Vec<PathBuf>)>),
    /// Files that the user names; `-` is standard input.
    Files(Vec<PathBuf>),
    /// The journal, of this machine or in a directory.
    Journal(Option<PathBuf>),
}

/// Takes only the events of the log that is read: an instance with a log of its own is not looked for in the others.
pub trait LogScope: Sink {
    /// From here on, only the names of this scope are looked for.
    fn scope(&mut self, scope: Scope);
}

/// The host's own logs that hold lines of the instances that are asked for.
pub fn log_sets(site: &Site, host: &Parsed<Host>, selection: &Selection<'_>) -> Vec<LogSet> {
    let instances = host.value.instances();
    log::log_sets(site.root(), instances, selection.takes_all(), |instance| {
        let mut asked = selection.instances.iter();
        asked.any(|i| std::ptr::eq(*i, instance))
    })
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
        match source {
            LogSource::JournalDir(directory) => return Ok(Self::Journal(Some(directory.clone()))),
            LogSource::Journal => {
                let image = site.root().under(Path::new("/var/log/journal"));
                return Ok(Self::Journal(
                    (!site.root().is_this_host()).then_some(image),
                ));
            }
            LogSource::Files(files) => return Ok(Self::Files(in_order(site, files))),
            LogSource::Host => {}
        }
        let mut found = Vec::new();
        for set in log_sets(site, host, selection) {
            let files = files(&set.current, window, site)?;
            found.push((set, files));
        }
        Ok(Self::Host(found))
    }

    /// How many bytes there are at most, for a progress bar. A window needs fewer.
    pub fn size(&self) -> Option<u64> {
        let files: Vec<&PathBuf> = match self {
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
    /// A log that the user names must be readable. Of the host's own, some must; the others are reported.
    ///
    /// # Errors
    /// What must be readable is not.
    pub fn read<S: LogScope>(
        &self,
        options: &Options<'_>,
        sink: &mut S,
    ) -> anyhow::Result<Vec<Reading>> {
        match self {
            Self::Journal(directory) => {
                let reading = log::read_journal(directory.as_deref(), options, sink);
                Ok(vec![reading.map_err(refused)?])
            }
            Self::Files(files) => files
                .iter()
                .map(|path| match path.as_os_str().as_encoded_bytes() {
                    b"-" => Ok(log::read_stream(std::io::stdin(), "-", options, sink)),
                    _ => log::read_file(path, options, sink).map_err(refused),
                })
                .collect(),
            Self::Host(sets) => {
                let mut readings = Vec::new();
                let mut problems = Vec::new();
                for (set, files) in sets {
                    sink.scope(set.scope.clone());
                    for path in files {
                        match log::read_file(path, options, sink) {
                            Ok(reading) => readings.push(reading),
                            Err(problem) => problems.push(problem),
                        }
                    }
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
        }
    }
}

/// The error that no log can be read, with what to do.
pub fn refused(problem: Problem) -> anyhow::Error {
    let failure = Failure::new(problem.to_string());
    failure
        .hint("--log FILE reads another log, --journal the systemd journal; reading /var/log takes root or group adm")
        .into()
}

/// The files of a host's log that a window needs; without a window, the current one.
fn files(current: &Path, window: Window, site: &Site) -> anyhow::Result<Vec<PathBuf>> {
    if log::blocks(current) {
        let what = "it is a pipe or a device, not a log file";
        return Err(refused(Problem::new(current, what)));
    }
    let Some(range) = window.range() else {
        return Ok(vec![current.to_owned()]);
    };
    let siblings = log::siblings(current).map_err(refused)?;
    if siblings.is_empty() {
        return Ok(vec![current.to_owned()]);
    }
    Ok(log::needed(&siblings, &range, site.zone()))
}

/// Each file once, the oldest lines first: what a recipient's last status is depends on it.
fn in_order(site: &Site, given: &[PathBuf]) -> Vec<PathBuf> {
    let mut known = HashSet::new();
    let mut files: Vec<(Option<Time>, PathBuf)> = Vec::new();
    for path in given {
        // A pipe has no beginning to look at twice.
        let regular = std::fs::metadata(path)
            .ok()
            .filter(std::fs::Metadata::is_file);
        if let Some(metadata) = &regular
            && !known.insert((metadata.dev(), metadata.ino()))
        {
            site.warn(format!("{} is named twice and read once", path.display()));
            continue;
        }
        let first = regular.and_then(|_| log::first_time(path, site.zone()).ok().flatten());
        files.push((first, path.clone()));
    }
    files.sort_by_key(|(first, _)| first.unwrap_or(Time::MAX));
    files.into_iter().map(|(_, path)| path).collect()
}
