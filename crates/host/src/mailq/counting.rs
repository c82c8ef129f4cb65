//! From queue directories to figures.

use postfix::Time;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use figures::distribution::{
    Dimension, Distribution, Frame, InstanceTally, QUEUES, Settings, Tally,
};
use knowledge::providers::Providers;
use postfix::Problem;
use postfix::queue::{Detail, Queue, ScanError, ScanOptions};

use super::InstanceSpool;
use crate::failure::Failure;

/// Tallies that a scan's threads fill: more than one, so that they seldom wait for each other.
const SHARDS: usize = 8;

/// Directories that are listed at the same time.
const LISTERS: usize = 8;

/// How to look.
#[derive(Debug)]
pub struct Counting<'a> {
    /// Where.
    pub spools: &'a [InstanceSpool],
    /// The host whose queues they are.
    pub host: &'a str,
    /// Open no file.
    pub counts_only: bool,
    /// The breakdowns that are wanted.
    pub by: Vec<Dimension>,
    /// How many rows of a breakdown are wanted, the biggest. All, if absent.
    pub top: Option<usize>,
    /// Whose a domain is.
    pub providers: Arc<Providers>,
}

/// What was found.
#[derive(Debug)]
pub struct Counted {
    /// The figures.
    pub distribution: Distribution,
    /// The instances that could not be read, or not all of whose queues.
    pub unreadable: Vec<String>,
    /// How many of the problems are with single files, or with the configuration.
    pub damaged: usize,
}

/// What came of one queue.
struct Found {
    tally: Tally,
    problems: Vec<Problem>,
    error: Option<ScanError>,
}

impl Counting<'_> {
    /// Looks at all queues. `now` is. `each` is called for each file, or for each
    /// directory where files are only counted, and may say to stop: what comes back then is of no use.
    ///
    /// # Errors
    /// Not one of the instances may be read: this is not for everyone's eyes.
    pub fn look(
        &self,
        now: Time,
        problems: &[Problem],
        each: &(dyn Fn() -> ControlFlow<()> + Sync),
    ) -> Result<Counted, Failure> {
        let settings = Arc::new(Settings {
            by: self.by.clone(),
            now,
            providers: Arc::clone(&self.providers),
        });
        let mut found = if self.counts_only {
            self.list(&settings, each)
        } else {
            self.read(&settings, each)
        };
        let mut problems = problems.to_vec();
        let mut tallies: Vec<InstanceTally> = Vec::new();
        let mut unreadable = Vec::new();
        let mut denied = Vec::new();
        let mut damaged = problems.len();
        for (at, spool) in self.spools.iter().enumerate() {
            let mut tally = Tally::new(Arc::clone(&settings));
            let mut errors = Vec::new();
            for found in found.get_mut(at).map(std::mem::take).unwrap_or_default() {
                tally.merge(found.tally);
                damaged = damaged.saturating_add(found.problems.len());
                problems.extend(found.problems);
                errors.extend(found.error);
            }
            if let Some(first) = spool.same_as.and_then(|at| tallies.get(at)) {
                tally = first.tally.clone();
            }
            problems.extend(spool.problem.clone());
            if spool.problem.is_some() || !errors.is_empty() {
                unreadable.push(spool.instance.clone());
            }
            denied.extend(errors.iter().find_map(denied_path));
            problems.extend(errors.into_iter().map(problem));
            tallies.push(InstanceTally {
                instance: spool.instance.clone(),
                tally,
                is_repeated: spool.same_as.is_some(),
            });
        }
        let asked = self.readable().count();
        if let Some(path) = denied.first().filter(|_| denied.len() == asked) {
            return Err(not_permitted(path));
        }
        let frame = Frame {
            host: self.host.to_owned(),
            time: now,
            counts_only: self.counts_only,
            by: self.by.clone(),
            top: self.top,
            problems,
        };
        Ok(Counted {
            distribution: Distribution::new(frame, tallies),
            unreadable,
            damaged,
        })
    }

    /// The spools that are to be read: each directory once.
    fn readable(&self) -> impl Iterator<Item = (usize, &InstanceSpool)> {
        let spools = self.spools.iter().enumerate();
        spools.filter(|(_, spool)| spool.is_there && spool.same_as.is_none())
    }

    /// Counts names, several queues at a time: what takes long is to wait for the disk.
    fn list(
        &self,
        settings: &Arc<Settings>,
        each: &(dyn Fn() -> ControlFlow<()> + Sync),
    ) -> Vec<Vec<Found>> {
        let jobs: Vec<_> = self
            .readable()
            .flat_map(|(at, spool)| QUEUES.map(|queue| (at, spool, queue)))
            .collect();
        let next = AtomicUsize::new(0);
        let found = Mutex::new(self.nothing());
        std::thread::scope(|scope| {
            for _ in 0..LISTERS.min(jobs.len()) {
                scope.spawn(|| {
                    while let Some((at, spool, queue)) =
                        jobs.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        if each().is_break() {
                            return;
                        }
                        let mut tally = Tally::new(Arc::clone(settings));
                        let counted = spool.spool.count(*queue);
                        if let Ok(counted) = &counted {
                            tally.add_count(*queue, counted.messages);
                        }
                        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                        if let Some(found) = found.get_mut(*at) {
                            found.push(Found::new(tally, counted, spool.spool.queue_dir(*queue)));
                        }
                    }
                });
            }
        });
        found.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the files of one queue after the other, many at a time.
    fn read(
        &self,
        settings: &Arc<Settings>,
        each: &(dyn Fn() -> ControlFlow<()> + Sync),
    ) -> Vec<Vec<Found>> {
        let detail = if self.by.iter().any(|d| d.counts_recipients()) {
            Detail::Envelope
        } else if self.by.contains(&Dimension::SenderDomain) {
            Detail::Head
        } else {
            Detail::Times
        };
        let mut all = self.nothing();
        for (at, spool) in self.readable() {
            for queue in QUEUES {
                let found = read_queue(spool, queue, detail, settings, each);
                if let Some(all) = all.get_mut(at) {
                    all.push(found);
                }
            }
        }
        all
    }

    fn nothing(&self) -> Vec<Vec<Found>> {
        self.spools.iter().map(|_| Vec::new()).collect()
    }
}

fn read_queue(
    spool: &InstanceSpool,
    queue: Queue,
    detail: Detail,
    settings: &Arc<Settings>,
    each: &(dyn Fn() -> ControlFlow<()> + Sync),
) -> Found {
    let shards: Vec<_> = (0..SHARDS)
        .map(|_| Mutex::new(Tally::new(Arc::clone(settings))))
        .collect();
    let turn = AtomicUsize::new(0);
    let scanned = spool
        .spool
        .scan(queue, detail, &ScanOptions::default(), |file| {
            // Any shard will do, and the next one is seldom in use.
            let at = turn.fetch_add(1, Ordering::Relaxed) % SHARDS;
            if let Some(shard) = shards.get(at) {
                shard
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .add(&file);
            }
            each()
        });
    let mut tally = Tally::new(Arc::clone(settings));
    for shard in shards {
        tally.merge(shard.into_inner().unwrap_or_else(PoisonError::into_inner));
    }
    Found::new(tally, scanned, spool.spool.queue_dir(queue))
}

impl Found {
    fn new(
        tally: Tally,
        found: Result<postfix::queue::Tally, ScanError>,
        queue_dir: PathBuf,
    ) -> Self {
        match found {
            Ok(found) => {
                let mut problems = found.problems;
                if found.more_problems > 0 {
                    let what = format!("and {} more problems in this queue", found.more_problems);
                    problems.push(Problem::new(queue_dir, what));
                }
                Self {
                    tally,
                    problems,
                    error: None,
                }
            }
            Err(error) => Self {
                tally,
                problems: Vec::new(),
                error: Some(error),
            },
        }
    }
}

fn denied_path(error: &ScanError) -> Option<PathBuf> {
    match error {
        ScanError::Denied(path) => Some(path.clone()),
        ScanError::Unreadable(..) => None,
    }
}

fn problem(error: ScanError) -> Problem {
    match error {
        ScanError::Denied(path) => Problem::new(
            path,
            "permission denied; only root may read Postfix's queues",
        ),
        ScanError::Unreadable(path, error) => {
            Problem::new(path, format!("cannot be read: {error}"))
        }
    }
}

fn not_permitted(path: &std::path::Path) -> Failure {
    Failure::new(format!(
        "{}: permission denied: only root may read Postfix's queues; run it with sudo",
        path.display()
    ))
}
