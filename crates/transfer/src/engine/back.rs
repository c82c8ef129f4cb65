//! The steps of the way back that concern all messages together.

use std::io;
use std::time::{Duration, Instant};

use crate::engine::{Came, Engine, Results};
use crate::finder::Finder;
use crate::job::Job;
use crate::journal::{Ended, Line};
use crate::mover::Stop;
use crate::observe::decoy;
use crate::pickup::{AT_WORK, PATIENCE, Pickups, wait_until_past};
use crate::protocol::{BackCopy, Own};
use crate::steps::undo;

/// Between two looks at what pickup is doing. It needs less for most files than for the disk.
const GLANCE: Duration = Duration::from_millis(2);
/// Between two searches for pickup's processes, which look at all of /proc. One that starts in between is not seen: it
/// may have a file in hand that is exchanged, which [`Engine::settle`] finds.
const SEARCH: Duration = Duration::from_millis(250);

impl Engine<'_, '_> {
    pub(super) fn begin_back(&mut self, jobs: Vec<Job>) -> io::Result<Results> {
        let mover = self.mover;
        let (begun, mut done) =
            self.make(jobs, |job| undo::begin_back(mover, job), Line::ComingBack)?;
        done.extend(begun.into_iter().map(|job| (job, Came::Done)));
        Ok(done)
    }

    pub(super) fn withdraw(&mut self, jobs: Vec<Job>) -> io::Result<Results> {
        let mover = self.mover;
        let (ready, mut done) =
            self.make(jobs, |job| undo::make_decoy(mover, job), Line::Decoys)?;
        done.extend(self.exchange(ready));
        mover.sync()?;
        Ok(done)
    }

    /// Exchanges them with their decoys, each while pickup is not at work on it: what is exchanged between pickup's
    /// open(2) and its next look at the name is in doubt afterwards. Pickup goes from file to file, so that the wait is
    /// for one at a time.
    fn exchange(&self, jobs: Vec<Job>) -> Results {
        let mover = self.mover;
        let (mut done, mut waiting) = (Vec::with_capacity(jobs.len()), jobs);
        let look = || match self.pickup {
            Some(_) => Ok(None),
            None => Pickups::of(self.to).map(Some),
        };
        // By the clock: a round looks at what pickup has open once for each message.
        let begun = Instant::now();
        // A search that takes long is none that is long ago.
        let (mut pickups, mut searched) = (look(), Instant::now());
        while !waiting.is_empty() {
            if searched.elapsed() >= SEARCH {
                (pickups, searched) = (look(), Instant::now());
            }
            let is_last = begun.elapsed() >= PATIENCE || self.watch.interrupted();
            let came = self.workers.each(std::mem::take(&mut waiting), |mut job| {
                let fail = |why: &str| Some(Came::Stopped(Stop::Fail(why.to_owned())));
                let came = match &pickups {
                    Err(why) => fail(why),
                    Ok(Some(pickups))
                        if !pickups.is_free(job.target_inode(), || job.is_target_unread()) =>
                    {
                        is_last.then(|| fail(AT_WORK)).flatten()
                    }
                    Ok(_) => Some(undo::withdraw(mover, &mut job).into()),
                };
                (job, came)
            });
            for (job, came) in came {
                match came {
                    Some(came) => done.push((job, came)),
                    None => waiting.push(job),
                }
            }
            if !waiting.is_empty() {
                self.watch.pause(GLANCE);
            }
        }
        done
    }

    /// The same step for all of a recovery. Those that pickup may have in hand are left as they are.
    pub(crate) fn settled(&self, jobs: Vec<Job>) -> (Vec<Job>, Vec<Ended>) {
        let (mut past, mut ends) = (Vec::with_capacity(jobs.len()), Vec::new());
        for (mut job, came) in self.settle(jobs) {
            match came {
                Came::Stopped(Stop::Skip(why) | Stop::Fail(why) | Stop::Raced(why)) => {
                    ends.push(self.verdict.left(&job, why));
                }
                Came::Done | Came::NameTaken => {
                    job.seen.settled = true;
                    past.push(job);
                }
            }
        }
        (past, ends)
    }

    /// Waits until pickup is past all of them; then those whose decoy is still there it has not taken.
    pub(super) fn settle(&self, jobs: Vec<Job>) -> Results {
        let inodes = jobs.iter().map(Job::target_inode).collect();
        let past = match self.pickup {
            Some(is_past) => is_past().then_some(()).ok_or(AT_WORK),
            None => wait_until_past(self.to, &inodes, self.watch),
        };
        let tracks = jobs.iter().map(|job| &*job.track);
        // Where they are now, and not before: what pickup has removed must show.
        let finder = Finder::new(&self.mover.from, &self.mover.to, tracks);
        let settled = |mut job: Job| {
            let came = match past {
                Ok(()) => decoy(self.mover, &finder, &mut job).into(),
                Err(why) => Came::Stopped(Stop::Fail(why.to_owned())),
            };
            (job, came)
        };
        jobs.into_iter().map(settled).collect()
    }

    /// The sources of these are the messages again: what the journal says of them as covered is so no longer.
    pub(super) fn uncovered(&mut self, mut jobs: Vec<Job>) -> io::Result<Vec<Job>> {
        let mut numbers = Vec::new();
        for job in &mut jobs {
            let is_other = job.seen.own == Own::No && job.seen.back == BackCopy::No;
            if job.track.sealed && !is_other {
                job.track.sealed = false;
                numbers.push(job.n());
            }
        }
        if !numbers.is_empty() {
            self.journal.commit(&[Line::Uncovered(numbers)])?;
        }
        Ok(jobs)
    }
}
