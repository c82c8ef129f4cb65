//! A move from its plan to its end, and from its journal: `resume` and `undo`. All of it may be interrupted at any
//! point, and taken up again.
//!
//! The journal says what was meant; where a message is, its file says, found by its inode. What to do then is
//! `protocol.rs`'s to say.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::engine::Engine;
use crate::execute::{Batches, run};
use crate::finder::Finder;
use crate::fsops::Fs;
use crate::job::Job;
use crate::journal::{
    Became, Done, Ended, Fate, Header, Journal, Last, Line, Totals, Track, Trial, Writer,
};
use crate::mover::{Mover, Stop};
use crate::observe::look;
use crate::protocol::{Goal, Step};
use crate::survey::must_not_have_begun;
use crate::verdict::{Accepted, Verdict};
use crate::watch::{Past, Watch};
use crate::workers::Workers;

/// What a move needs beside the two spools.
pub struct Means<'a> {
    /// The host's root directory: `/`, or that of an image, out of which no path of a journal leads.
    pub root: &'a Path,
    /// The system calls.
    pub fs: Fs<'a>,
    /// Hears of what happens, and is asked, on the way.
    pub watch: &'a dyn Watch,
    /// What TO's log says.
    pub accepted: Accepted<'a>,
    /// Whether TO's pickup is past what it was doing when messages were taken out of its reach, for tests that play it.
    /// `None`: its processes are looked at.
    pub pickup: Option<Past<'a>>,
    /// The id of this boot (proc(5), random/boot_id): after another, what the disk says may be older than what was
    /// done.
    pub boot: String,
    /// Messages that go through the steps together.
    pub batch: usize,
    /// Who does the steps of a batch.
    pub workers: Workers,
}

impl std::fmt::Debug for Means<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Means").finish_non_exhaustive()
    }
}

/// Why a move was not carried out to its end.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// Nothing was done.
    #[error("{}: cannot write the journal, and nothing is moved without it: {}", .0.display(), .1)]
    NotBegun(PathBuf, io::Error),
    /// Something may have been done; the journal knows.
    #[error("the move {} stopped half-way, and nothing was lost: {}", .0, .1)]
    Stopped(String, io::Error),
}

/// The two steps that hand a held message to TO.
const SENDS: [Step; 2] = [Step::Begin, Step::Send];

/// A move at work.
pub struct Move<'a> {
    means: Means<'a>,
    mover: Mover<'a>,
    writer: Writer<'a>,
    header: Header,
    path: PathBuf,
    goal: Goal,
    /// Messages that this run has not come to, and those that it holds.
    waiting: Vec<Job>,
    held: Vec<Job>,
    ended: Vec<Ended>,
    /// The ends that the journal knows already.
    known: HashMap<u32, Ended>,
    became: Option<Became>,
    all: usize,
}

impl std::fmt::Debug for Move<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Move")
            .field("path", &self.path)
            .field("goal", &self.goal)
            .finish_non_exhaustive()
    }
}

impl<'a> Move<'a> {
    /// A new move, whose plan is on disk in the journal that `writer` has begun.
    pub(crate) fn planned(
        means: Means<'a>,
        writer: Writer<'a>,
        header: Header,
        path: PathBuf,
        tracks: Vec<Track>,
    ) -> io::Result<Self> {
        let mover = Mover::open(means.fs, &header)?;
        let fresh = |track| Job::fresh(Box::new(track), header.cross_device);
        Ok(Self {
            all: tracks.len(),
            waiting: tracks.into_iter().map(fresh).collect(),
            held: Vec::new(),
            ended: Vec::new(),
            known: HashMap::new(),
            became: None,
            goal: Goal::Finish,
            means,
            mover,
            writer,
            header,
            path,
        })
    }

    /// Takes up a move again, to lead it to `goal`: looks where its messages are.
    ///
    /// # Errors
    /// The spools cannot be opened, or the journal cannot be written.
    pub fn reopen(means: Means<'a>, mut journal: Journal, goal: Goal) -> Result<Self, MoveError> {
        let name = journal.header.name.clone();
        let stopped = |e| MoveError::Stopped(name.clone(), e);
        if !journal.planned {
            must_not_have_begun(means.fs, &journal, goal).map_err(stopped)?;
        }
        let mut writer = Writer::reopen(means.fs, means.root, &journal).map_err(stopped)?;
        let again = Line::Recover(goal == Goal::Finish, means.watch.now().seconds());
        writer.commit(&[again]).map_err(stopped)?;
        let mover = Mover::open(means.fs, &journal.header).map_err(stopped)?;
        let tracks = match journal.planned {
            true => std::mem::take(&mut journal.tracks),
            false => Vec::new(),
        };
        let ended = tracks.iter().filter_map(|track| track.ended.clone());
        let mut this = Self {
            known: ended.map(|ended| (ended.n, ended)).collect(),
            all: tracks.len(),
            waiting: Vec::new(),
            held: Vec::new(),
            ended: Vec::new(),
            goal,
            became: journal.became,
            path: journal.path,
            header: journal.header,
            means,
            mover,
            writer,
        };
        this.look(tracks).map_err(stopped)?;
        Ok(this)
    }

    fn look(&mut self, tracks: Vec<Track>) -> io::Result<()> {
        let finder = Finder::new(&self.mover.from, &self.mover.to, tracks.iter());
        let (mut jobs, mut unseen) = (Vec::with_capacity(tracks.len()), Vec::new());
        for track in tracks {
            match look(&self.mover, &finder, Box::new(track), self.goal) {
                (job, Ok(())) => jobs.push(job),
                (job, Err(Stop::Skip(why) | Stop::Fail(why) | Stop::Raced(why))) => {
                    unseen.push((job, why));
                }
            }
        }
        self.waiting = jobs;
        let verdict = self.verdict();
        let unseen: Vec<Ended> = unseen
            .iter()
            .map(|(job, why)| verdict.left(job, why.clone()))
            .collect();
        self.note(unseen)
    }

    fn verdict(&self) -> Verdict<'a> {
        Verdict {
            accepted: self.means.accepted,
            goal: self.goal,
            power_cut: self.header.boot != self.means.boot,
            is_deletion: self.header.keep_until.is_some(),
        }
    }

    /// Takes in ends that no batch has journalled.
    fn note(&mut self, ended: Vec<Ended>) -> io::Result<()> {
        let is_new = |ended: &&Ended| self.known.get(&ended.n) != Some(*ended);
        let new: Vec<Ended> = ended.iter().filter(is_new).cloned().collect();
        if !new.is_empty() {
            self.writer.commit(&[Line::Ended(new)])?;
        }
        self.ended.extend(ended);
        Ok(())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.header.name
    }

    /// Takes these as far as they go, but for `short_of`; the ends are noted, the others come back.
    fn batches(&mut self, jobs: Vec<Job>, short_of: &[Step]) -> Result<Vec<Job>, MoveError> {
        let (verdict, batch) = (self.verdict(), self.means.batch);
        let mut engine = self.engine(verdict);
        let done = run(&mut engine, jobs, batch, short_of);
        let Batches {
            ended,
            parked,
            left,
        } = done.map_err(|e| MoveError::Stopped(self.header.name.clone(), e))?;
        self.ended.extend(ended);
        self.waiting.extend(left);
        Ok(parked)
    }

    /// Leads all messages to the goal, or as far as they go.
    ///
    /// # Errors
    /// The journal cannot be written, or the directories cannot be put on disk: the next run must look at what is
    /// there.
    pub fn run(&mut self) -> Result<(), MoveError> {
        let mut jobs = std::mem::take(&mut self.held);
        jobs.append(&mut self.waiting);
        // All are out of pickup's reach before it is asked where pickup is, once for all.
        let withdrawn = self.batches(jobs, &[Step::Settle])?;
        let settled = self.settled(withdrawn)?;
        self.batches(settled, &[])?;
        Ok(())
    }

    fn settled(&mut self, jobs: Vec<Job>) -> Result<Vec<Job>, MoveError> {
        if jobs.is_empty() {
            return Ok(jobs);
        }
        let verdict = self.verdict();
        let engine = self.engine(verdict);
        let (settled, left) = engine.settled(jobs);
        let noted = self.note(left);
        noted.map_err(|e| MoveError::Stopped(self.header.name.clone(), e))?;
        Ok(settled)
    }

    /// Puts all that is to be moved on hold, so that FROM no longer tries it; takes what is there of earlier runs to
    /// where it can be sent.
    ///
    /// # Errors
    /// See [`Self::run`].
    pub fn hold(&mut self) -> Result<(), MoveError> {
        let jobs = std::mem::take(&mut self.waiting);
        let held = self.batches(jobs, &SENDS)?;
        self.held.extend(held);
        Ok(())
    }

    /// How many messages are on hold, to be sent.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Sends the first `count` of those that are on hold. How they ended.
    ///
    /// # Errors
    /// See [`Self::run`].
    pub fn send(&mut self, count: usize) -> Result<&[Ended], MoveError> {
        let count = count.min(self.held.len());
        let rest = self.held.split_off(count);
        let some = std::mem::replace(&mut self.held, rest);
        let before = self.ended.len();
        self.batches(some, &[])?;
        Ok(&self.ended[before..])
    }

    /// Holds and sends these messages alone, by their numbers in the plan. How they ended.
    ///
    /// # Errors
    /// See [`Self::run`].
    pub fn send_first(&mut self, numbers: &[u32]) -> Result<&[Ended], MoveError> {
        let jobs = std::mem::take(&mut self.waiting);
        let (some, rest) = jobs.into_iter().partition(|job| numbers.contains(&job.n()));
        self.waiting = rest;
        let before = self.ended.len();
        self.batches(some, &[])?;
        Ok(&self.ended[before..])
    }

    /// Takes what is held through `work`, so many messages at a time.
    pub(crate) fn held_in_batches(
        &mut self,
        work: impl Fn(&mut Engine<'_, '_>, Vec<Job>) -> io::Result<Vec<Ended>>,
    ) -> Result<(), MoveError> {
        while !self.held.is_empty() && !self.means.watch.interrupted() {
            let rest = self
                .held
                .split_off(self.means.batch.max(1).min(self.held.len()));
            let jobs = std::mem::replace(&mut self.held, rest);
            let verdict = self.verdict();
            let mut engine = self.engine(verdict);
            let done = work(&mut engine, jobs);
            let ended = done.map_err(|e| MoveError::Stopped(self.header.name.clone(), e))?;
            self.ended.extend(ended);
        }
        Ok(())
    }

    fn engine<'e>(&'e mut self, verdict: Verdict<'e>) -> Engine<'e, 'a> {
        Engine {
            mover: &self.mover,
            journal: &mut self.writer,
            verdict,
            pickup: self.means.pickup,
            known: &self.known,
            to: &self.header.to,
            workers: self.means.workers,
            watch: self.means.watch,
        }
    }

    /// Journals what a canary has shown, for a later run.
    ///
    /// # Errors
    /// See [`Self::run`].
    pub fn note_trial(&mut self, trial: Trial) -> Result<(), MoveError> {
        let noted = self.writer.commit(&[Line::Canary(trial)]);
        noted.map_err(|e| MoveError::Stopped(self.header.name.clone(), e))
    }

    /// Leaves all that this run has not come to as they are, for this reason: the move is not to go on with them.
    ///
    /// # Errors
    /// See [`Self::run`].
    pub fn leave(&mut self, why: &str) -> Result<(), MoveError> {
        let left = std::mem::take(&mut self.waiting);
        let skipped = |job: &Job| job.ended(Fate::Skipped, Some(why.to_owned()));
        let noted = self.note(left.iter().map(skipped).collect());
        noted.map_err(|e| MoveError::Stopped(self.header.name.clone(), e))
    }

    /// What became of it, also for the journal.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn end(mut self) -> Result<Done, MoveError> {
        self.ended.sort_by_key(|ended| ended.n);
        let mut fates: Vec<Option<Fate>> = vec![None; self.all];
        for ended in self.known.values().chain(&self.ended) {
            if let Some(fate) = fates.get_mut(ended.n as usize) {
                *fate = Some(ended.fate);
            }
        }
        let totals = Totals::of_fates(fates.into_iter());
        let is_complete = self.ended.len() == self.all && totals.open() == 0;
        let mut lines = Vec::new();
        if is_complete {
            lines.push(Line::Finished(self.means.watch.now().seconds()));
        }
        let last = Last {
            state: totals.state(is_complete),
            finish: self.goal == Goal::Finish,
            totals,
            // It was about others.
            became: self.became.filter(|one| one.messages() == totals.moved),
        };
        lines.push(Line::Last(last.clone()));
        let stopped = |e| MoveError::Stopped(self.header.name.clone(), e);
        self.mover.sync().map_err(stopped)?;
        self.writer.commit(&lines).map_err(stopped)?;
        Ok(Done {
            name: self.header.name,
            journal: self.path,
            ended: self.ended,
            all: self.all,
            totals,
            is_complete,
            last,
        })
    }
}
