//! One file system: removing the defer log, and renaming the message into TO's maildrop.

use std::io;

use postfix::Time;
use postfix::queue::Log;

use crate::job::Job;
use crate::mover::{Mover, Stop, fail, fail_or_raced};
use crate::steps::hold::without;
use crate::tree::QueueDir;

/// `Ok(false)`: its name is taken in TO's maildrop.
pub(crate) fn send(
    mover: &Mover<'_>,
    job: &mut Job,
    logs: &[Log],
    now: Time,
) -> Result<bool, Stop> {
    let (hold, stat) = job.secure(mover)?;
    job.must_be_fit(&stat)?;
    strip(mover, job, logs)?;
    let (file, _) = job.open_own()?;
    let path = &hold.path;
    // Still marked: on hold, the mark is what shows that it is ours.
    let time = mover.mark(file, path, stat.mode, now);
    time.map_err(|e| fail("cannot set the time of", path, &e))?;
    let to = mover.in_maildrop(&job.track.name)?;
    match mover.fs.rename(&hold, &to) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(e) => return Err(fail_or_raced("cannot move into", &to.path, &e)),
    }
    mover.touch_from(&hold);
    mover.touch_to(&to);
    // The mark stays, where it is one. From here on pickup may have the file open, and it removes a message whose
    // inode, mode or links change between its fstat(2) and its lstat(2) (src/util/safe_open.c, src/pickup/pickup.c).
    (job.places.own, job.places.target) = (None, Some(to));
    Ok(true)
}

/// Sees to the logs of a message that is on hold: nobody else reads or writes them meanwhile. The defer log goes, for
/// the journal has what it says; with another, the message is not for this move.
pub(crate) fn strip(mover: &Mover<'_>, job: &mut Job, logs: &[Log]) -> Result<(), Stop> {
    if !job.stripped {
        without(mover, job, logs)?;
        remove_log(mover, job)?;
        job.stripped = true;
    }
    Ok(())
}

fn remove_log(mover: &Mover<'_>, job: &Job) -> Result<(), Stop> {
    let found = mover
        .from
        .at(QueueDir::Log(Log::Defer), &job.track.from_name);
    let dir = mover.from.spool().dir();
    let Some(log) = found.map_err(|e| fail("cannot open the directory", dir, &e))? else {
        return Ok(());
    };
    match mover.fs.unlink(&log) {
        Ok(()) => {
            mover.touch_from(&log);
            Ok(())
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(fail("cannot remove the defer log", &log.path, &e)),
    }
}
