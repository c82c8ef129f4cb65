//! Carrying out a plan: how many messages go together, how fast, and who is told.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use crate::engine::Engine;
use crate::job::Job;
use crate::journal::{Ended, Fate, Line};
use crate::protocol::{Goal, Step};
use crate::workers::Workers;

/// What an execution tells, and asks, on its way.
pub trait Watch {
    /// Seconds since 1970 (UTC), now.
    fn now(&self) -> i64;
    /// Is the work to be ended? Asked between messages that are independent of each other.
    fn interrupted(&self) -> bool;
    /// So many more messages have ended.
    fn advanced(&self, messages: usize);
    /// Waits. Returns early when interrupted.
    fn pause(&self, span: Duration);
    /// A batch is in TO's maildrop: its pickup may be woken.
    fn delivered(&self);
}

/// How fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Messages that go through the steps together.
    pub batch: usize,
    /// A pause after each batch.
    pub pause: Option<Duration>,
    /// Who does the steps of a batch.
    pub workers: Workers,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            batch: 500,
            pause: None,
            workers: Workers::ALONE,
        }
    }
}

impl Pace {
    /// So many messages a minute, one at a time; from 600 on, some together.
    pub fn per_minute(rate: u32) -> Self {
        let rate = rate.max(1);
        let batch = rate.div_ceil(600);
        Self {
            batch: batch as usize,
            pause: Some(Duration::from_secs(60) * batch / rate),
            workers: Workers::ALONE,
        }
    }
}

/// Bytes that are copied in one batch, unless a single message has more.
const MOST_BYTES: u64 = 64 << 20;

/// Takes messages through the protocol, batch by batch. Those that have not ended when this returns (it was interrupted)
/// have not been touched by this run.
///
/// # Errors
/// The journal cannot be written, or the directories cannot be put on disk: recovery must look at what is there.
pub(crate) fn run<'t>(
    engine: &mut Engine<'_, '_>,
    jobs: Vec<Job<'t>>,
    pace: Pace,
    short_of: Option<Step>,
) -> io::Result<(Vec<Ended>, Vec<Job<'t>>)> {
    let (mut all, mut parked) = (Vec::with_capacity(jobs.len()), Vec::new());
    let mut rest: VecDeque<Job<'t>> = jobs.into();
    let mut lines = Vec::new();
    loop {
        let mut batch = Vec::new();
        if !engine.watch.interrupted() {
            batch.extend(rest.drain(..batch_size(&rest, pace.batch.max(1))));
            lines.extend(taken_up(&mut batch));
        }
        // Waiting for the disk once does for the ends of the last batch and the beginnings of this one.
        if !lines.is_empty() {
            engine.journal.commit(&lines)?;
            lines.clear();
        }
        if batch.is_empty() {
            return Ok((all, parked));
        }
        let (mut ended, stopped) = engine.run(batch, short_of)?;
        engine.mover.sync()?;
        ended.sort_by_key(|ended| ended.n);
        let is_new = |ended: &&Ended| engine.known.get(&ended.n) != Some(*ended);
        let new: Vec<Ended> = ended.iter().filter(is_new).cloned().collect();
        if !new.is_empty() {
            lines.push(Line::Ended(new));
        }
        engine.watch.advanced(ended.len());
        let moved = ended.iter().any(|ended| ended.fate == Fate::Moved);
        all.extend(ended);
        parked.extend(stopped.into_iter().map(|mut job| {
            job.close();
            job
        }));
        if moved && engine.verdict.goal == Goal::Finish {
            engine.watch.delivered();
        }
        if let Some(pause) = pace.pause
            && !rest.is_empty()
        {
            engine.journal.commit(&lines)?;
            lines.clear();
            engine.watch.pause(pause);
        }
    }
}

/// That something is done to these from here on, for the journal.
fn taken_up(batch: &mut [Job<'_>]) -> Option<Line> {
    let mut fresh = Vec::new();
    for job in batch.iter_mut().filter(|job| !job.track.touched) {
        job.track.touched = true;
        fresh.push(job.n());
    }
    (!fresh.is_empty()).then_some(Line::Taking(fresh))
}

fn batch_size(jobs: &VecDeque<Job<'_>>, most: usize) -> usize {
    let copies = jobs.front().is_some_and(|job| job.seen.cross_device);
    // A copy is a second open file.
    let most = if copies { most.div_ceil(2) } else { most };
    let mut bytes = 0_u64;
    let fits = |job: &&Job<'_>| {
        bytes = bytes.saturating_add(job.track.intent.file.size);
        !copies || bytes <= MOST_BYTES
    };
    let count = jobs.iter().take(most).take_while(fits).count();
    count.max(1).min(jobs.len())
}
