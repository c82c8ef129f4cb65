//! Deleting messages that are on hold: each is kept beside the queues, where Postfix and postsuper(1) do not look.

use std::io;

use crate::engine::{Came, Engine, NO_NAME};
use crate::job::Job;
use crate::journal::{Ended, Fate, Line};
use crate::mover::Stop;
use crate::steps::{copy, hold, release, send};

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
            job.open_own()?;
            send::strip(mover, job, &logs)?;
            copy::keep(mover, job)
        };
        let done = self.each(jobs, |job| delete(job).into());
        let ended = done
            .into_iter()
            .chain(failed)
            .map(|(mut job, came)| match came {
                Came::Done => job.ended(Fate::Moved, None),
                Came::NameTaken => job.ended(Fate::Failed, Some(NO_NAME.to_owned())),
                Came::Stopped(stop) => {
                    // With its defer log, which may be gone already. What stays on hold an undo gives back.
                    let back = job.open_own().map(drop);
                    let back = back.and_then(|()| release::release(mover, &mut job));
                    let is_failed =
                        matches!(stop, Stop::Fail(_)) || matches!(back, Err(Stop::Fail(_)));
                    let why = match back {
                        Err(Stop::Fail(back)) => format!("{}; {back}", stop.why()),
                        _ => stop.why(),
                    };
                    let fate = match is_failed {
                        true => Fate::Failed,
                        false => Fate::Skipped,
                    };
                    job.ended(fate, Some(why))
                }
            });
        let mut ended: Vec<Ended> = ended.collect();
        ended.sort_by_key(|ended| ended.n);
        mover.sync()?;
        self.journal.commit(&[Line::Ended(ended.clone())])?;
        self.watch.ended(&ended);
        Ok(ended)
    }
}
