//! `resume` and `undo`: from the journal and what is on disk to one of the two ends. Both may be interrupted and run
//! again, in any order.
//!
//! The journal says what was meant; where a message is, its file says, found by its inode. What to do then is
//! `protocol.rs`'s to say.

use std::io;

use crate::engine::Engine;
use crate::execute::{Pace, Watch, run};
use crate::finder::Finder;
use crate::fsops::Fs;
use crate::job::Job;
use crate::journal::{Ended, Fate, Journal, Line, Track, Writer};
use crate::mover::{Mover, Stop};
use crate::observe::{look, rebase};
use crate::protocol::{Goal, Step};
use crate::verdict::{Accepted, Verdict};

/// Is TO's pickup past what it was doing?
pub type Past<'a> = &'a dyn Fn() -> bool;

/// How recovery goes about it.
pub struct Recovery<'a> {
    /// The system calls.
    pub fs: Fs<'a>,
    /// Where it is to lead.
    pub goal: Goal,
    /// How fast, for what is moved.
    pub pace: Pace,
    /// What TO's log says.
    pub accepted: Accepted<'a>,
    /// Whether TO's pickup is past what it was doing when messages were taken out of its reach, for tests that play it.
    /// `None`: its processes are looked at.
    pub pickup: Option<Past<'a>>,
    /// The id of this boot (proc(5), random/boot_id): after another, what the disk says may be older than what was done.
    pub boot: &'a str,
    /// Told and asked on the way.
    pub watch: &'a dyn Watch,
}

impl std::fmt::Debug for Recovery<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recovery")
            .field("goal", &self.goal)
            .finish_non_exhaustive()
    }
}

impl<'a> Recovery<'a> {
    /// Recovers a move. Every message of it has an end in the result, in its order, but for those that an interrupt
    /// left for the next time.
    ///
    /// # Errors
    /// The spools cannot be opened, or the journal cannot be written.
    pub fn run(&self, mut journal: Journal) -> io::Result<Vec<Ended>> {
        let mut writer = Writer::reopen(self.fs, &journal)?;
        let finish = self.goal == Goal::Finish;
        writer.commit(&[Line::Recover(finish, self.watch.now())])?;
        let mut ends = Vec::new();
        if journal.planned {
            let mover = Mover::open(self.fs, &journal.header)?;
            rebase(&mut journal, &mover)?;
            ends = self.all(&mover, &mut writer, &mut journal)?;
            mover.sync()?;
        }
        ends.sort_by_key(|ended| ended.n);
        let left = ends.len() < journal.tracks.len() && journal.planned;
        let open = |ended: &Ended| matches!(ended.fate, Fate::Failed | Fate::Doubt);
        if !left && !ends.iter().any(open) {
            writer.commit(&[Line::Finished(self.watch.now())])?;
        }
        Ok(ends)
    }

    fn all(
        &self,
        mover: &Mover<'a>,
        writer: &mut Writer<'a>,
        journal: &mut Journal,
    ) -> io::Result<Vec<Ended>> {
        let (header, tracks) = (&journal.header, &mut journal.tracks);
        let wanted: Vec<Track> = tracks.clone();
        let finder = Finder::new(&mover.from, &mover.to, wanted.iter());
        let ended = wanted.iter().filter_map(|track| track.ended.clone());
        let mut engine = Engine {
            pickup: self.pickup,
            known: ended.map(|ended| (ended.n, ended)).collect(),
            mover,
            journal: writer,
            verdict: Verdict {
                accepted: self.accepted,
                goal: self.goal,
                power_cut: header.boot != self.boot,
            },
            to: &header.to,
            workers: self.pace.workers,
            watch: self.watch,
        };
        let (mut jobs, mut ends) = (Vec::with_capacity(tracks.len()), Vec::new());
        let mut unseen = Vec::new();
        for track in tracks {
            match look(mover, &finder, track, self.goal) {
                (job, Ok(())) => jobs.push(job),
                (job, Err(Stop::Skip(why) | Stop::Fail(why) | Stop::Raced(why))) => {
                    unseen.push(engine.verdict.left(&job, why));
                }
            }
        }
        // All are out of pickup's reach before it is asked where pickup is, once for all.
        let (ended, withdrawn) = run(&mut engine, jobs, self.pace, Some(Step::Settle))?;
        ends.extend(ended);
        let mut left = std::mem::take(&mut unseen);
        let settled: Vec<Job<'_>> = engine.settled(withdrawn, &mut left);
        if !left.is_empty() {
            engine.journal.commit(&[Line::Ended(left.clone())])?;
        }
        ends.extend(left);
        let (ended, _) = run(&mut engine, settled, self.pace, None)?;
        ends.extend(ended);
        Ok(ends)
    }
}
