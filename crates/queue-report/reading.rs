//! From queue directories to messages.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use cli::{Context, Failure};
use postfix::Problem;
use postfix::queue::{Message, Queue, ScanError, ScanOptions, Selector, Tally};

use crate::spools::InstanceSpool;

/// What came of reading, beside the messages.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) problems: Vec<Problem>,
    /// Files in each instance's corrupt queue, where they are asked for.
    pub(crate) corrupt: Vec<u64>,
}

/// Hands the messages that `selector` means to `each`, with the place of their instance in `spools`, from several threads.
/// With `corrupt`, counts the files of the corrupt queue.
///
/// # Errors
/// Nothing at all could be read.
pub(crate) fn read(
    cx: &Context,
    spools: &[InstanceSpool],
    selector: &Selector<'_>,
    corrupt: bool,
    each: impl Fn(usize, &Message) -> ControlFlow<()> + Sync,
) -> Result<Read, Failure> {
    let progress = cx.progress_items("reading queues", None);
    let watched = progress.is_watched();
    let mut read = Read::default();
    let mut errors = Vec::new();
    for (at, spool) in spools.iter().enumerate() {
        read.corrupt.push(0);
        if let Some(problem) = &spool.problem {
            read.problems.push(problem.clone());
            errors.push(Failure::new(problem.to_string()));
            continue;
        }
        let mut failed = None;
        for queue in Queue::SHOWN
            .into_iter()
            .filter(|q| selector.wants_queue(*q))
        {
            let options = ScanOptions::default();
            let scanned = spool
                .spool
                .scan_messages(queue, &spool.showq, &options, |message| {
                    if watched {
                        progress.advance(1);
                    }
                    if selector.fits(&message) {
                        each(at, &message)
                    } else {
                        ControlFlow::Continue(())
                    }
                });
            match scanned {
                Ok(tally) => read.problems.extend(problems(tally, spool, queue)),
                Err(error) => {
                    read.problems.push(problem(&error));
                    failed = failed.or(Some(failure(&error)));
                }
            }
        }
        errors.extend(failed);
        if corrupt && let Ok(tally) = spool.spool.count(Queue::Corrupt) {
            if let Some(count) = read.corrupt.last_mut() {
                *count = tally.messages;
            }
            read.problems.extend(problems(tally, spool, Queue::Corrupt));
        }
    }
    if errors.len() == spools.len()
        && let Some(first) = errors.into_iter().next()
    {
        return Err(first);
    }
    Ok(read)
}

fn problems(tally: Tally, spool: &InstanceSpool, queue: Queue) -> Vec<Problem> {
    let mut problems = tally.problems;
    if tally.more_problems > 0 {
        let what = format!("and {} more problems in this queue", tally.more_problems);
        problems.push(Problem::new(spool.spool.queue_dir(queue), what));
    }
    problems
}

fn problem(error: &ScanError) -> Problem {
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

fn failure(error: &ScanError) -> Failure {
    match error {
        ScanError::Denied(path) => not_permitted(path),
        ScanError::Unreadable(..) => Failure::new(problem(error).to_string()),
    }
}

fn not_permitted(path: &Path) -> Failure {
    Failure::new(format!(
        "{}: permission denied: only root may read Postfix's queues; run it as: sudo queue-report INSTANCE",
        path.display()
    ))
}

/// Values that a scan's threads work on, one thread at a time each: as many as there are threads, so that they seldom wait.
#[derive(Debug)]
pub(crate) struct Shards<T> {
    shards: Vec<Mutex<T>>,
    turn: AtomicUsize,
}

impl<T> Shards<T> {
    pub(crate) fn new(make: impl Fn() -> T) -> Self {
        let count = ScanOptions::default().threads.get();
        Self {
            shards: (0..count).map(|_| Mutex::new(make())).collect(),
            turn: AtomicUsize::new(0),
        }
    }

    /// Works on any one of them; nothing only if there are none.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.shards.len();
        let in_turn = (0..count).filter_map(|n| self.shards.get(turn.wrapping_add(n) % count));
        let free = in_turn.clone().find_map(|shard| match shard.try_lock() {
            Ok(free) => Some(free),
            Err(TryLockError::Poisoned(free)) => Some(free.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        });
        let mut any = free.or_else(|| in_turn.map(lock).next())?;
        Some(work(&mut any))
    }

    pub(crate) fn into_inner(self) -> impl Iterator<Item = T> {
        let shards = self.shards.into_iter();
        shards.map(|shard| shard.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a thread that panicked has left is taken as it is: the panic itself ends the tool.
pub(crate) fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
