//! Batches: how many messages go together, and what came of them.

use std::collections::VecDeque;
use std::io;

use crate::engine::Engine;
use crate::job::Job;
use crate::journal::{Ended, Line};
use crate::protocol::Step;

/// Bytes that are copied in one batch, unless a single message has more.
const MOST_BYTES: u64 = 64 << 20;

/// What came of batches.
pub(crate) struct Batches {
    /// These have ended.
    pub(crate) ended: Vec<Ended>,
    /// These came to a step that they were to stop short of.
    pub(crate) parked: Vec<Job>,
    /// These were not reached before an interrupt: nothing was done to them.
    pub(crate) left: Vec<Job>,
}

/// Takes messages through the protocol, so many at a time, with everything on disk and in the journal after each batch.
///
/// # Errors
/// The journal cannot be written, or the directories cannot be put on disk: recovery must look at what is there.
pub(crate) fn run(
    engine: &mut Engine<'_, '_>,
    jobs: Vec<Job>,
    most: usize,
    short_of: &[Step],
) -> io::Result<Batches> {
    let mut done = Batches {
        ended: Vec::with_capacity(jobs.len()),
        parked: Vec::new(),
        left: Vec::new(),
    };
    let mut rest: VecDeque<Job> = jobs.into();
    let mut lines = Vec::new();
    loop {
        let mut batch = Vec::new();
        if !engine.watch.interrupted() {
            batch.extend(rest.drain(..batch_size(&rest, most.max(1))));
            lines.extend(taken_up(&mut batch));
        }
        // Waiting for the disk once does for the ends of the last batch and the beginnings of this one.
        if !lines.is_empty() {
            engine.journal.commit(&lines)?;
            lines.clear();
        }
        if batch.is_empty() {
            done.left.extend(rest);
            return Ok(done);
        }
        let (mut ended, parked) = engine.run(batch, short_of)?;
        engine.mover.sync()?;
        ended.sort_by_key(|ended| ended.n);
        let is_new = |ended: &&Ended| engine.known.get(&ended.n) != Some(*ended);
        let new: Vec<Ended> = ended.iter().filter(is_new).cloned().collect();
        if !new.is_empty() {
            lines.push(Line::Ended(new));
        }
        engine.watch.ended(&ended);
        done.ended.extend(ended);
        done.parked.extend(parked.into_iter().map(|mut job| {
            job.close();
            job
        }));
    }
}

/// That something is done to these from here on, for the journal.
fn taken_up(batch: &mut [Job]) -> Option<Line> {
    let mut fresh = Vec::new();
    for job in batch.iter_mut().filter(|job| !job.track.touched) {
        job.track.touched = true;
        fresh.push(job.n());
    }
    (!fresh.is_empty()).then_some(Line::Taking(fresh))
}

fn batch_size(jobs: &VecDeque<Job>, most: usize) -> usize {
    let copies = jobs.front().is_some_and(|job| job.seen.cross_device);
    // A copy is a second open file.
    let most = if copies { most.div_ceil(2) } else { most };
    let mut bytes = 0_u64;
    let fits = |job: &&Job| {
        bytes = bytes.saturating_add(job.track.intent.file.size);
        !copies || bytes <= MOST_BYTES
    };
    let count = jobs.iter().take(most).take_while(fits).count();
    count.max(1).min(jobs.len())
}
