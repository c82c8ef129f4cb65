//! Deleting messages that are on hold: each is kept beside the queues, where Postfix and postsuper(1) do not look.

use std::io;

use crate::engine::{Came, Engine, NO_NAME};
use crate::finder::Finder;
use crate::job::Job;
use crate::journal::{Ended, Fate, Line};
use crate::mover::Stop;
use crate::observe::look_again;
use crate::protocol::Goal;
use crate::steps::{copy, hold, send};

impl Engine<'_, '_> {
    /// Deletes them. What cannot be deleted goes back to where it was.
    ///
    /// # Errors
    /// The journal cannot be written, or the directories cannot be put on disk.
    pub(crate) fn delete(&mut self, jobs: Vec<Job>) -> io::Result<Vec<Ended>> {
        let mover = self.mover;
        mover.from.make_deleted(mover.fs)?;
        // The journal has their defer logs before those go.
        let (jobs, failed) = self.keep_logs(jobs)?;
        let logs = hold::logs_to_look_for(mover);
        let delete = |job: &mut Job| {
            job.secure(mover)?;
            send::strip(mover, job, &logs)?;
            copy::keep(mover, job)
        };
        let mut done = self.each(jobs, |job| delete(job).into());
        done.extend(failed);
        let (mut ended, mut back) = (Vec::with_capacity(done.len()), Vec::new());
        for (mut job, came) in done {
            let stop = match came {
                Came::Done => {
                    ended.push(job.ended(Fate::Moved, None));
                    continue;
                }
                Came::NameTaken => Stop::Fail(NO_NAME.to_owned()),
                Came::Stopped(stop) => stop,
            };
            let fate = match stop {
                Stop::Fail(_) => Fate::Failed,
                Stop::Skip(_) | Stop::Raced(_) => Fate::Skipped,
            };
            (job.goal, job.because) = (Goal::Back, Some((fate, stop.why())));
            back.push(job);
        }
        // With its defer log, which may be gone already. FROM may have been started again in the meantime: it is looked
        // for under any name.
        let (found, lost) = self.found(back);
        ended.extend(lost);
        ended.extend(self.run(found, &[])?.0);
        ended.sort_by_key(|ended| ended.n);
        mover.sync()?;
        self.journal.commit(&[Line::Ended(ended.clone())])?;
        self.watch.ended(&ended);
        Ok(ended)
    }

    /// Looks anew at what could not be deleted; the ends of those that cannot be looked at.
    fn found(&self, jobs: Vec<Job>) -> (Vec<Job>, Vec<Ended>) {
        if jobs.is_empty() {
            return (jobs, Vec::new());
        }
        let tracks = jobs.iter().map(|job| &*job.track);
        let finder = Finder::new(&self.mover.from, &self.mover.to, tracks);
        let (mut found, mut lost) = (Vec::new(), Vec::new());
        for mut job in jobs {
            match look_again(self.mover, &finder, &mut job) {
                Ok(()) => found.push(job),
                Err(stop) => lost.push(self.verdict.left(&job, stop.why())),
            }
        }
        (found, lost)
    }
}
