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
        let failed = read_one(spool, selector, &mut read.problems, |message| {
            if watched {
                progress.advance(1);
            }
            match selector.fits(message) {
                true => each(at, message),
                false => ControlFlow::Continue(()),
            }
        });
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

/// Hands the messages of one instance's queues to `each`. What could not be read at all of them, the first.
fn read_one(
    InstanceSpool { spool, showq, .. }: &InstanceSpool,
    selector: &Selector<'_>,
    problems: &mut Vec<Problem>,
    each: impl Fn(&Message) -> ControlFlow<()> + Sync,
) -> Option<Failure> {
    let mut failed = None;
    let queues = Queue::SHOWN.into_iter();
    for queue in queues.filter(|queue| selector.wants_queue(*queue)) {
        let options = ScanOptions::default();
        match spool.scan_messages(queue, showq, &options, |message| each(&message)) {
            Ok(tally) => problems.extend(tally.into_problems(spool.queue_dir(queue))),
            Err(error) => {
                problems.push(error.problem());
                failed = failed.or(Some(Failure::scan(&error)));
            }
        }
    }
    failed
}
