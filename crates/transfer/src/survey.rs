//! Where the messages of a move are now, for the plan of a `resume` or `undo`. Changes nothing.

use std::io;

use crate::finder::Finder;
use crate::fsops::{Fs, NoHook};
use crate::journal::Journal;
use crate::mover::Mover;
use crate::observe::look;
use crate::protocol::{BackCopy, Goal, Own, Target};

/// Where the messages of a move are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Survey {
    /// In FROM, as the plan found them.
    pub waiting: usize,
    /// On hold in FROM by this move.
    pub held: usize,
    /// In TO's maildrop, or taken out of it by an `undo`.
    pub in_target: usize,
    /// In FROM, and not in this move's hands.
    pub back: usize,
    /// In neither of the two.
    pub gone: usize,
}

/// Looks where the messages are.
///
/// # Errors
/// The spools cannot be read.
pub fn survey(journal: &Journal) -> io::Result<Survey> {
    let mover = Mover::open(Fs::new(&NoHook), &journal.header)?;
    let finder = Finder::new(&mover.from, &mover.to, journal.tracks.iter());
    let mut survey = Survey::default();
    for track in &journal.tracks {
        let (job, looked) = look(&mover, &finder, Box::new(track.clone()), Goal::Finish);
        if let Err(stop) = looked {
            return Err(io::Error::other(stop.why()));
        }
        let count = match (job.seen.own, job.seen.target, job.seen.back) {
            (Own::AsPlanned, ..) => &mut survey.waiting,
            (Own::Held | Own::Covered, ..) => &mut survey.held,
            (Own::Retried | Own::Busy | Own::HeldByOthers, ..) => &mut survey.back,
            (Own::No, Target::No, BackCopy::No) => &mut survey.gone,
            (Own::No, ..) => &mut survey.in_target,
        };
        *count += 1;
    }
    Ok(survey)
}
