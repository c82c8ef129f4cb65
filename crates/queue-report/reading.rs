//! From queue directories to messages.

use std::ops::ControlFlow;

use cli::{Context, Failure};
use postfix::Problem;
use postfix::queue::{Message, Queue, ScanOptions, Selector};

use crate::spools::InstanceSpool;

/// The result of reading, beside the messages.
#[derive(Debug, Default)]
pub(crate) struct SpoolReading {
    pub(crate) problems: Vec<Problem>,
    /// Files in each instance's corrupt queue, where they are asked for.
    pub(crate) corrupt: Vec<u64>,
}

/// Hands the messages that `selector` means to `each`, with the place of their instance in `spools`, from several
/// threads. With `corrupt`, counts the files of the corrupt queue.
///
/// # Errors
/// Nothing at all could be read.
pub(crate) fn read(
    cx: &Context,
    spools: &[InstanceSpool],
    selector: &Selector<'_>,
    corrupt: bool,
    each: impl Fn(usize, &Message) -> ControlFlow<()> + Sync,
) -> Result<SpoolReading, Failure> {
    let progress = cx.progress_items("reading queues", None);
    let watched = progress.is_watched();
    let mut read = SpoolReading::default();
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
                Ok(tally) => read
                    .problems
                    .extend(tally.into_problems(spool.spool.queue_dir(queue))),
                Err(error) => {
                    read.problems.push(error.problem());
                    failed = failed.or(Some(Failure::scan(&error)));
                }
            }
        }
        errors.extend(failed);
        if corrupt && let Ok(tally) = spool.spool.count(Queue::Corrupt) {
            if let Some(count) = read.corrupt.last_mut() {
                *count = tally.messages;
            }
            let dir = spool.spool.queue_dir(Queue::Corrupt);
            read.problems.extend(tally.into_problems(dir));
        }
    }
    if errors.len() == spools.len()
        && let Some(first) = errors.into_iter().next()
    {
        return Err(first);
    }
    Ok(read)
}
