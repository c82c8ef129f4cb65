//! What the journal must know of defer logs before they are removed.

use std::io;

use crate::engine::{Came, Engine, Results};
use crate::job::Job;
use crate::journal::Line;
use crate::steps::logs;

impl Engine<'_, '_> {
    /// Journals the defer logs of these that it could not write anew from what the plan says of them. Those whose log
    /// cannot
    /// be read come back apart.
    pub(super) fn keep_logs(&mut self, jobs: Vec<Job>) -> io::Result<(Vec<Job>, Results)> {
        let mover = self.mover;
        let read = self.workers.each(jobs, |job| {
            let log = match job.stripped {
                true => Ok(None),
                false => logs::to_keep(mover, &job),
            };
            (job, log)
        });
        let (mut jobs, mut failed, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        for (mut job, log) in read {
            match log {
                Ok(None) => jobs.push(job),
                Ok(Some(log)) => {
                    lines.push((job.n(), log.clone()));
                    job.track.log = Some(log);
                    jobs.push(job);
                }
                Err(stop) => failed.push((job, Came::Stopped(stop))),
            }
        }
        if !lines.is_empty() {
            self.journal.commit(&[Line::Logs(lines)])?;
        }
        Ok((jobs, failed))
    }
}
