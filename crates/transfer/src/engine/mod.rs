//! Takes messages through the protocol, many at a time: the same step for all that are at it, by several threads, and
//! what must be on disk and in the journal before the next step.
//!
//! What to do next with a message `protocol.rs` says, and nothing else does.

mod back;
mod deleted;
mod logs;

use std::collections::HashMap;
use std::io;

use crate::finder::Finder;
use crate::job::Job;
use crate::journal::{Ended, Fate, Line, Made, Side, Writer};
use crate::mover::{Mover, Stop, fitting};
use crate::observe::look_again;
use crate::protocol::{Goal, Own, Step, after, next};
use crate::steps::{copy, hold, release, send, undo};
use crate::verdict::Verdict;
use crate::watch::{Past, Watch};
use crate::workers::Workers;

/// How often a message is looked at anew before it is given up.
const LOOKS: u8 = 3;
/// Other names that are tried in TO's maildrop.
const OTHER_NAMES: u32 = 100;
const NO_NAME: &str = "no name is free in TO's maildrop";

pub(crate) struct Engine<'e, 'a> {
    pub(crate) mover: &'e Mover<'a>,
    pub(crate) journal: &'e mut Writer<'a>,
    pub(crate) verdict: Verdict<'e>,
    /// The ends that the journal knows already.
    pub(crate) known: &'e HashMap<u32, Ended>,
    pub(crate) to: &'e Side,
    /// Tests play TO's pickup.
    pub(crate) pickup: Option<Past<'e>>,
    pub(crate) workers: Workers,
    pub(crate) watch: &'e dyn Watch,
}

/// What came of a step for a message.
enum Came {
    Done,
    /// The name that it was to get is taken.
    NameTaken,
    Stopped(Stop),
}

impl From<Result<(), Stop>> for Came {
    fn from(result: Result<(), Stop>) -> Self {
        result.map_or_else(Self::Stopped, |()| Self::Done)
    }
}

impl From<Result<bool, Stop>> for Came {
    fn from(result: Result<bool, Stop>) -> Self {
        match result {
            Ok(true) => Self::Done,
            Ok(false) => Self::NameTaken,
            Err(stop) => Self::Stopped(stop),
        }
    }
}

type Results = Vec<(Job, Came)>;

impl Engine<'_, '_> {
    /// Takes all as far as they go. Those that come to the step `short_of` come back as they are.
    ///
    /// # Errors
    /// The journal cannot be written, or the directories cannot be put on disk: recovery must look at what is there.
    pub(crate) fn run(
        &mut self,
        mut jobs: Vec<Job>,
        short_of: &[Step],
    ) -> io::Result<(Vec<Ended>, Vec<Job>)> {
        let (mut ended, mut parked) = (Vec::with_capacity(jobs.len()), Vec::new());
        loop {
            let mut going = Vec::with_capacity(jobs.len());
            for job in jobs.drain(..) {
                match next(job.seen, job.goal) {
                    Step::End(end) => ended.push(self.verdict.of(self.mover, job, end)),
                    step if short_of.contains(&step) => parked.push(job),
                    step if self.verdict.is_contradicted(&job, step) => {
                        ended.push(self.verdict.contradicted(&job));
                    }
                    step => going.push((step, job)),
                }
            }
            let Some(step) = going.iter().map(|(step, _)| *step).min() else {
                return Ok((ended, parked));
            };
            let mut at_it = Vec::with_capacity(going.len());
            for (theirs, job) in going {
                match theirs == step {
                    true => at_it.push(job),
                    false => jobs.push(job),
                }
            }
            let mut stopped = Vec::new();
            for (mut job, came) in self.step(step, at_it)? {
                match came {
                    Came::Done => {
                        job.seen = after(job.seen, step);
                        jobs.push(job);
                    }
                    Came::NameTaken => stopped.push((job, Stop::Fail(NO_NAME.to_owned()))),
                    Came::Stopped(stop) => stopped.push((job, stop)),
                }
            }
            if !stopped.is_empty() {
                self.stopped(step, stopped, &mut jobs, &mut ended);
            }
        }
    }

    /// A step was not done: look anew, or give the message back, or leave it where it is.
    fn stopped(
        &self,
        step: Step,
        stopped: Vec<(Job, Stop)>,
        jobs: &mut Vec<Job>,
        ended: &mut Vec<Ended>,
    ) {
        let tracks = stopped.iter().map(|(job, _)| &*job.track);
        let finder = Finder::new(&self.mover.from, &self.mover.to, tracks);
        for (mut job, stop) in stopped {
            job.looks += 1;
            let (fate, why, raced) = match stop {
                Stop::Raced(why) => (Fate::Skipped, why, true),
                Stop::Skip(why) => (Fate::Skipped, why, false),
                Stop::Fail(why) => (Fate::Failed, why, false),
            };
            if step == Step::Hold && fate == Fate::Skipped {
                ended.push(job.ended(fate, Some(why)));
                continue;
            }
            // What somebody has released is not held again, and what cannot be moved goes back to where it was.
            let goes_back = match (raced, step) {
                (true, Step::Begin | Step::Fill | Step::Cover | Step::Send) => true,
                (true, _) => false,
                (false, _) => job.seen.own != Own::No,
            };
            let again = raced || (goes_back && job.goal == Goal::Finish);
            if goes_back && job.goal == Goal::Finish {
                (job.goal, job.because) = (Goal::Back, Some((fate, why.clone())));
            }
            if again && job.looks <= LOOKS && look_again(self.mover, &finder, &mut job).is_ok() {
                jobs.push(job);
            } else {
                ended.push(self.verdict.left(&job, why));
            }
        }
    }

    /// One step of each of them.
    fn step(&mut self, step: Step, jobs: Vec<Job>) -> io::Result<Results> {
        let (mover, now) = (self.mover, self.watch.now());
        let done = match step {
            Step::Hold => return Ok(self.each(jobs, |job| hold::hold(mover, job).into())),
            Step::Send => {
                let (jobs, failed) = self.keep_logs(jobs)?;
                let logs = hold::logs_to_look_for(mover);
                let mut done = self.named(jobs, |job| send::send(mover, job, &logs, now).into())?;
                done.extend(failed);
                return Ok(done);
            }
            Step::Begin => return self.begin(jobs),
            Step::Fill => self.each(jobs, |job| copy::fill(mover, job).into()),
            Step::Cover => self.each(jobs, |job| copy::cover(mover, job).into()),
            Step::NoteCovered => self.each(jobs, |job| job.check_own().map(drop).into()),
            Step::DropSource => self.each(jobs, |job| copy::drop_source(mover, job).into()),
            Step::Withdraw => return self.withdraw(jobs),
            Step::Settle => return Ok(self.settle(jobs)),
            Step::PutBack => {
                // Its own name the decoy has.
                let jobs = self.rename(jobs)?;
                self.named(jobs, |job| undo::put_back(mover, job, now).into())?
            }
            Step::Return => self.each(jobs, |job| undo::give_back(mover, job).into()),
            Step::BeginBack => return self.begin_back(jobs),
            Step::FillBack => self.each(jobs, |job| undo::fill_back(mover, job).into()),
            Step::DropBack => self.each(jobs, |job| undo::drop_back(mover, job).into()),
            Step::DropTarget => {
                let jobs = self.uncovered(jobs)?;
                self.each(jobs, |job| copy::drop_target(mover, job).into())
            }
            Step::DropDecoy => self.each(jobs, |job| undo::drop_decoy(mover, job).into()),
            Step::OpenBack => {
                let jobs = self.uncovered(jobs)?;
                self.each(jobs, |job| undo::open_back(mover, job).into())
            }
            Step::Uncover => self.each(jobs, |job| copy::uncover(mover, job).into()),
            Step::Publish => {
                return Ok(self.each(jobs, |job| copy::publish(mover, job, now).into()));
            }
            Step::Release => return Ok(self.each(jobs, |job| release::release(mover, job).into())),
            Step::End(_) => Vec::new(),
        };
        // The next steps build on this one: it must have been done, whatever happens to the machine.
        mover.sync()?;
        self.note(step, done)
    }

    /// What the journal must know of a step that is done and on disk.
    fn note(&mut self, step: Step, mut done: Results) -> io::Result<Results> {
        let all = done
            .iter_mut()
            .filter(|(_, came)| matches!(came, Came::Done));
        let mut numbers = Vec::new();
        for (job, _) in all {
            numbers.push(job.n());
            let track = &mut *job.track;
            match step {
                Step::Fill => drop(track.copy.as_mut().map(|copy| copy.complete = true)),
                Step::NoteCovered => track.sealed = true,
                Step::FillBack => drop(track.back.as_mut().map(|(back, _)| back.complete = true)),
                _ => {}
            }
        }
        let line = match step {
            Step::Fill => Line::Copied(numbers),
            Step::NoteCovered => Line::Covered(numbers),
            Step::FillBack => Line::CameBack(numbers),
            _ => return Ok(done),
        };
        self.journal.commit(&[line])?;
        Ok(done)
    }

    fn each(&self, jobs: Vec<Job>, work: impl Fn(&mut Job) -> Came + Sync) -> Results {
        self.workers.each(jobs, |mut job| {
            let came = work(&mut job);
            (job, came)
        })
    }

    /// The same for a step that gives files a name in TO's maildrop: while there are such whose name is taken, they get
    /// others, which the journal knows before the files have them.
    fn named(
        &mut self,
        jobs: Vec<Job>,
        work: impl Fn(&mut Job) -> Came + Sync,
    ) -> io::Result<Results> {
        let mut done = Vec::with_capacity(jobs.len());
        let mut waiting = jobs;
        for _ in 0..OTHER_NAMES {
            let mut taken = Vec::new();
            for (job, came) in self.each(waiting, &work) {
                match came {
                    Came::NameTaken => taken.push(job),
                    came => done.push((job, came)),
                }
            }
            if taken.is_empty() {
                return Ok(done);
            }
            waiting = self.rename(taken)?;
        }
        done.extend(waiting.into_iter().map(|job| (job, Came::NameTaken)));
        Ok(done)
    }

    /// Finds other names for them, and journals those.
    fn rename(&mut self, mut jobs: Vec<Job>) -> io::Result<Vec<Job>> {
        let mut made = Vec::with_capacity(jobs.len());
        for job in &mut jobs {
            let inode = job.target_inode();
            for shift in 1..=OTHER_NAMES {
                let name = fitting(&job.track.intent.queue_id, inode, self.mover.to_long, shift);
                let there = self.mover.in_maildrop(&name).map(|at| at.stat());
                if matches!(there, Ok(Ok(None))) {
                    job.track.name = name;
                    break;
                }
            }
            made.push(Made {
                n: job.n(),
                name: job.track.name.clone(),
                device: 0,
                inode,
            });
        }
        self.journal.commit(&[Line::Named(made)])?;
        Ok(jobs)
    }

    /// Makes files that the journal must know of before anything else is done with them.
    fn make(
        &mut self,
        jobs: Vec<Job>,
        make: impl Fn(&mut Job) -> Result<Made, Stop> + Sync,
        line: impl Fn(Vec<Made>) -> Line,
    ) -> io::Result<(Vec<Job>, Results)> {
        let made = self.workers.each(jobs, |mut job| {
            let made = make(&mut job);
            (job, made)
        });
        let (mut files, mut jobs, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for (job, made) in made {
            match made {
                Ok(made) => {
                    files.push(made);
                    jobs.push(job);
                }
                Err(stop) => failed.push((job, Came::Stopped(stop))),
            }
        }
        if !files.is_empty() {
            self.journal.commit(&[line(files)])?;
        }
        Ok((jobs, failed))
    }

    fn begin(&mut self, jobs: Vec<Job>) -> io::Result<Results> {
        let mover = self.mover;
        let (jobs, failed) = self.keep_logs(jobs)?;
        let logs = hold::logs_to_look_for(mover);
        let make = |job: &mut Job| copy::begin(mover, job, &logs);
        let (begun, mut done) = self.make(jobs, make, Line::Copying)?;
        done.extend(failed);
        done.extend(self.named(begun, |job| copy::name(mover, job).into())?);
        Ok(done)
    }
}
