//! Where the messages of a move are now, for the plan of a `resume` or `undo`. Changes nothing.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;

use postfix::queue::Queue;

use crate::finder::Finder;
use crate::fsops::{Fs, NoHook};
use crate::journal::{Intent, Journal};
use crate::mover::Mover;
use crate::observe::look;
use crate::protocol::{BackCopy, Decoy, Goal, Own, Target};
use crate::strays::strays;

/// Where the messages of a move are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    /// What TO cannot get at yet, and a `resume` would hand to it.
    pub left: Vec<Left>,
    /// Files that may be the only ones of their messages, and that no program of Postfix's delivers or shows: covered
    /// or closed by this move.
    pub hidden: Vec<PathBuf>,
    /// The same of messages that are nowhere by their inodes: a spool may have been copied.
    pub strays: Vec<PathBuf>,
}

/// A message that TO cannot get at yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The message, with the queue in which FROM has it now.
    pub message: Intent,
    /// Is there a complete copy in TO's spool already?
    pub is_copied: bool,
}

/// Looks where the messages are.
///
/// # Errors
/// The spools cannot be read.
pub fn survey(journal: &Journal) -> io::Result<Survey> {
    let mover = Mover::open(Fs::new(&NoHook), &journal.header)?;
    let finder = Finder::new(&mover.from, &mover.to, journal.tracks.iter());
    let mut survey = Survey::default();
    let (mut lost, mut found) = (Vec::new(), HashSet::new());
    for track in &journal.tracks {
        let (job, looked) = look(&mover, &finder, Box::new(track.clone()), Goal::Finish);
        if let Err(stop) = looked {
            return Err(io::Error::other(stop.why()));
        }
        let (own, target, back) = (job.seen.own, job.seen.target, job.seen.back);
        let (count, is_left) = match (own, target, back) {
            (Own::AsPlanned, ..) => (&mut survey.waiting, true),
            (Own::Held | Own::Covered, ..) => (&mut survey.held, true),
            (Own::Retried | Own::Busy | Own::HeldByOthers, ..) => (&mut survey.back, false),
            (Own::No, Target::No, BackCopy::No) => (&mut survey.gone, false),
            (Own::No, target, _) => (&mut survey.in_target, target != Target::Open),
        };
        *count += 1;
        let places = [&job.places.own, &job.places.target, &job.places.back];
        let paths = places.into_iter().flatten().map(|at| at.path.clone());
        let paths: Vec<PathBuf> = paths.collect();
        let is_open = track
            .ended
            .as_ref()
            .is_none_or(|end| !end.fate.is_settled());
        if paths.is_empty() && track.touched && is_open {
            lost.push(track);
        }
        found.extend(paths.iter().cloned());
        let is_hidden = match own {
            Own::Covered => true,
            Own::No => target != Target::Open && (target, back) != (Target::No, BackCopy::No),
            _ => false,
        };
        if is_hidden {
            survey.hidden.extend(paths);
        }
        if is_left {
            let mut message = Intent::clone(&track.intent);
            message.queue_id = job.track.from_name.clone();
            if own != Own::AsPlanned {
                message.queue = Queue::Hold;
            }
            survey.left.push(Left {
                message,
                is_copied: matches!(target, Target::Closed | Target::Open | Target::Withdrawn),
            });
        }
    }
    survey.strays = strays(&mover, &lost, &found)?;
    Ok(survey)
}

/// Of a plan that was not written whole nothing was done. Where something was, the journal has lost its end.
pub(crate) fn must_not_have_begun(fs: Fs<'_>, journal: &Journal, goal: Goal) -> io::Result<()> {
    let mover = Mover::open(fs, &journal.header)?;
    let finder = Finder::new(&mover.from, &mover.to, journal.tracks.iter());
    for track in &journal.tracks {
        let (job, looked) = look(&mover, &finder, Box::new(track.clone()), goal);
        looked.map_err(|stop| io::Error::other(stop.why()))?;
        let seen = job.seen;
        let is_in_hand = matches!(seen.own, Own::Held | Own::Covered)
            || (seen.target, seen.back) != (Target::No, BackCopy::No)
            || seen.decoy != Decoy::No;
        if is_in_hand {
            return Err(io::Error::other(format!(
                "{}: damaged: it ends before its plan does, but the move has begun with {}; nothing is changed on a \
                 guess",
                journal.path.display(),
                track.intent.queue_id
            )));
        }
    }
    Ok(())
}
