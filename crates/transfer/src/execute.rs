//! Carrying out a plan: how many messages go together, how fast, and who is told.

use std::io;
use std::time::Duration;

use crate::batch::Batch;
use crate::journal::{Ended, Track, Writer};
use crate::mover::Mover;
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

/// A message that is to be moved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work<'t> {
    pub(crate) track: &'t Track,
    /// Has this move put it on hold already?
    pub(crate) held: bool,
}

/// Moves messages. Those that have not ended when this returns (it was interrupted) have not been touched.
///
/// # Errors
/// The journal cannot be written, or the directories cannot be put on disk: recovery must look at what is there.
pub(crate) fn run<'a>(
    mover: &Mover<'a>,
    journal: &mut Writer<'a>,
    works: &[Work<'_>],
    pace: Pace,
    watch: &dyn Watch,
) -> io::Result<Vec<Ended>> {
    let mut all = Vec::with_capacity(works.len());
    let mut rest = works;
    while !rest.is_empty() && !watch.interrupted() {
        let (batch, after) = rest.split_at(batch_size(mover, rest, pace.batch.max(1)));
        rest = after;
        let (ended, moved) = Batch::new(mover, journal, pace.workers).run(batch, watch.now())?;
        watch.advanced(ended.len());
        all.extend(ended);
        if moved {
            watch.delivered();
        }
        if let Some(pause) = pace.pause
            && !rest.is_empty()
        {
            watch.pause(pause);
        }
    }
    Ok(all)
}

fn batch_size(mover: &Mover<'_>, works: &[Work<'_>], most: usize) -> usize {
    // A copy is a second open file.
    let most = if mover.cross_device {
        most.div_ceil(2)
    } else {
        most
    };
    let mut bytes = 0_u64;
    let fits = |work: &&Work<'_>| {
        bytes = bytes.saturating_add(work.track.intent.file.size);
        !mover.cross_device || bytes <= MOST_BYTES
    };
    works.iter().take(most).take_while(fits).count().max(1)
}
