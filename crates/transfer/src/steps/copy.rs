//! Two file systems: a closed copy in TO's maildrop, the source covered and removed, the copy opened.

use std::io;

use postfix::Time;
use postfix::queue::Log;

use crate::job::{Job, check_inode};
use crate::journal::{Copied, Made};
use crate::mover::{EXPIRED, HELD_AGAIN, Mover, Stop, fail, fail_or_raced, fitting, skip};
use crate::protocol::{Own, Target};
use crate::steps::send::strip;
use crate::steps::undo::hold_of;

/// Makes an empty closed file in TO's maildrop, under a name that is not a queue id as long as its inode is not
/// journalled.
pub(crate) fn begin(mover: &Mover<'_>, job: &mut Job, logs: &[Log]) -> Result<Made, Stop> {
    let (_, stat) = job.secure(mover)?;
    job.must_be_fit(&stat)?;
    strip(mover, job, logs)?;
    let id = &job.track.intent.queue_id;
    let at = mover.covered(mover.in_maildrop(id)?, id);
    // One that an interrupted run has left behind: nothing was written to it.
    if let Ok(Some(stat)) = at.stat()
        && stat.size == 0
    {
        drop(mover.fs.unlink(&at));
    }
    let (file, stat) = mover.make_closed(&at)?;
    mover.touch_to(&at);
    let name = fitting(id, stat.inode, mover.to_long, 0);
    (job.copy, job.places.target) = (Some(file), Some(at));
    job.track.name = name.clone();
    job.track.copy = Some(Copied {
        inode: stat.inode,
        complete: false,
    });
    Ok(Made {
        n: job.n(),
        name,
        device: stat.device,
        inode: stat.inode,
    })
}

/// Gives it its name, which fits its inode. `Ok(false)`: that name is taken.
pub(crate) fn name(mover: &Mover<'_>, job: &mut Job) -> Result<bool, Stop> {
    let at = job.check_target()?.clone();
    let to = mover.in_maildrop(&job.track.name)?;
    match mover.fs.rename(&at, &to) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(e) => return Err(fail_or_raced("cannot name", &to.path, &e)),
    }
    mover.touch_to(&to);
    job.places.target = Some(to);
    Ok(true)
}

/// Fills it, and puts it on disk.
pub(crate) fn fill(mover: &Mover<'_>, job: &mut Job) -> Result<(), Stop> {
    let at = job.check_target()?.clone();
    let (_, stat) = job.secure(mover)?;
    let (Some(own), Some(copy)) = (&job.own, &job.copy) else {
        return Err(Stop::Fail("no file is open".to_owned()));
    };
    mover.fill(own, stat.size, copy, &at.path, mover.to.owner())
}

/// Covers the source: one rename, which nobody can come between.
pub(crate) fn cover(mover: &Mover<'_>, job: &mut Job) -> Result<(), Stop> {
    let (hold, stat) = job.secure(mover)?;
    if stat.is_forced_expire() {
        return skip(EXPIRED);
    }
    if !mover.is_untouched(&stat, job.track.intent.file.mtime.second()) {
        return Err(Stop::Raced(HELD_AGAIN.to_owned()));
    }
    let cover = mover.cover(false, &job.track.from_name)?;
    let done = mover.fs.rename(&hold, &cover);
    done.map_err(|e| fail_or_raced("cannot cover", &hold.path, &e))?;
    mover.touch_from(&hold);
    job.places.own = Some(cover);
    Ok(())
}

/// Deletes a message that is on hold: one rename, out of Postfix's queues, to where it is kept.
pub(crate) fn keep(mover: &Mover<'_>, job: &mut Job) -> Result<(), Stop> {
    let (hold, _) = job.secure(mover)?;
    let gone = || Stop::Fail("the directory of deleted mail is gone".to_owned());
    let kept = mover.kept(&job.track.from_name)?.ok_or_else(gone)?;
    let done = mover.fs.rename(&hold, &kept);
    done.map_err(|e| fail_or_raced("cannot delete", &hold.path, &e))?;
    mover.touch_from(&hold);
    mover.touch_from(&kept);
    job.places.own = Some(kept);
    Ok(())
}

/// Gives the covered source its name back.
pub(crate) fn uncover(mover: &Mover<'_>, job: &mut Job) -> Result<(), Stop> {
    let cover = job.check_own()?.clone();
    let hold = hold_of(mover, &job.track.from_name)?;
    let done = mover.fs.rename(&cover, &hold);
    done.map_err(|e| fail_or_raced("cannot put back on hold", &hold.path, &e))?;
    mover.touch_from(&cover);
    mover.touch_from(&hold);
    job.places.own = Some(hold);
    Ok(())
}

/// Removes the covered source.
pub(crate) fn drop_source(mover: &Mover<'_>, job: &mut Job) -> Result<(), Stop> {
    let cover = job.check_own()?.clone();
    // The other one is in sight.
    job.check_target()?;
    let done = mover.fs.unlink(&cover);
    done.map_err(|e| fail_or_raced("cannot remove", &cover.path, &e))?;
    mover.touch_from(&cover);
    (job.places.own, job.own) = (None, None);
    Ok(())
}

/// Opens the copy in TO's maildrop: from here on, pickup(8) may take it.
pub(crate) fn publish(mover: &Mover<'_>, job: &mut Job, now: Time) -> Result<(), Stop> {
    let at = job.check_target()?.clone();
    let inode = job.target_inode();
    if job.copy.is_none() {
        job.copy = at.open().map_err(|e| fail("cannot open", &at.path, &e))?;
    }
    let gone = || Stop::Raced("it has left TO's maildrop".to_owned());
    let file = job.copy.as_ref().ok_or_else(gone)?;
    check_inode(&at, inode)?;
    let done = (|| {
        mover.set_time(file, &at.path, now)?;
        mover.fs.mode(file, &at.path, 0o700)?;
        mover.fs.sync(file, &at.path)
    })();
    let what = "it is in TO's maildrop, closed to pickup: cannot open";
    done.map_err(|e| fail(what, &at.path, &e))
}

/// Removes what is in TO, which was never open there or is out of pickup's reach: another complete one is in sight.
pub(crate) fn drop_target(mover: &Mover<'_>, job: &mut Job) -> Result<(), Stop> {
    let at = job.check_target()?.clone();
    if job.seen.target == Target::Withdrawn {
        let back = job.places.back.as_ref().zip(job.track.back.as_ref());
        let (back, (copied, _)) = back.ok_or_else(|| Stop::Raced("it is gone".to_owned()))?;
        check_inode(back, copied.inode)?;
    } else if job.seen.own != Own::Busy {
        job.check_own()?;
    }
    let done = mover.fs.unlink(&at);
    done.map_err(|e| fail_or_raced("cannot remove", &at.path, &e))?;
    mover.touch_to(&at);
    (job.places.target, job.copy, job.track.copy) = (None, None, None);
    Ok(())
}
