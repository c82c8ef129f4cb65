//! The way back: out of pickup's reach, past it, and to FROM's hold queue.

use std::io;

use postfix::Time;
use postfix::queue::{Queue, QueueId};

use crate::fsops::Stat;
use crate::job::{Job, QueueFile, check_inode};
use crate::journal::{Copied, Made};
use crate::mover::{Mover, Stop, fail, fail_or_raced, fitting};
use crate::tree::{At, QueueDir};

/// Makes the decoy, where what it takes the place of is going to be.
pub(crate) fn make_decoy(mover: &Mover<'_>, job: &mut Job) -> Result<Made, Stop> {
    let at = mover.cover(true, &job.track.name)?;
    let n = job.n();
    let made = (|| {
        // An interrupted run has left it, perhaps before it had its time.
        if mover.begun_decoy_at(&at)?.is_some() {
            mover.fs.unlink(&at)?;
        }
        let file = mover.fs.create(&at, 0)?;
        mover.set_decoy(&file, &at.path, n)?;
        Stat::of_file(&file)
    })();
    let stat = made.map_err(|e| fail("cannot make", &at.path, &e))?;
    mover.touch_to(&at);
    job.track.decoy = Some(stat.inode);
    job.places.decoy = Some(at);
    Ok(Made {
        n: job.n(),
        name: job.track.name.clone(),
        device: stat.device,
        inode: stat.inode,
    })
}

/// Takes the message out of pickup's reach, in one system call: it changes places with its decoy.
pub(crate) fn withdraw(mover: &Mover<'_>, job: &mut Job) -> Result<(), Stop> {
    let at = job.check_target()?.clone();
    let gone = || Stop::Raced("its decoy is gone".to_owned());
    let cover = job.places.decoy.clone().ok_or_else(gone)?;
    let done = mover.fs.exchange(&at, &cover);
    done.map_err(|e| fail_or_raced("cannot take out of pickup's reach", &at.path, &e))?;
    if let Err(stop) = check_inode(&cover, job.target_inode()) {
        // Another file had come there in that very moment.
        drop(mover.fs.exchange(&at, &cover));
        return Err(stop);
    }
    mover.touch_to(&at);
    mover.touch_to(&cover);
    (job.places.target, job.places.decoy) = (Some(cover), Some(at));
    job.close();
    Ok(())
}

/// Puts what is withdrawn into TO's maildrop again, under a name that is journalled already. `Ok(false)`: it is taken.
pub(crate) fn put_back(mover: &Mover<'_>, job: &mut Job, now: Time) -> Result<bool, Stop> {
    let at = job.check_target()?.clone();
    let file = at.open().map_err(|e| fail("cannot open", &at.path, &e))?;
    let file = file.ok_or_else(|| Stop::Raced("it is gone".to_owned()))?;
    let to = mover.in_maildrop(&job.track.name)?;
    let opened = mover.set_time(&file, &at.path, now);
    let opened = opened.and_then(|()| mover.fs.mode(&file, &at.path, 0o700));
    opened.map_err(|e| fail("cannot open", &at.path, &e))?;
    match mover.fs.rename(&at, &to) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(e) => return Err(fail_or_raced("cannot move into", &to.path, &e)),
    }
    mover.touch_to(&at);
    mover.touch_to(&to);
    job.places.target = Some(to);
    Ok(true)
}

/// One file system: renames what is withdrawn to FROM's hold queue, marked.
pub(crate) fn give_back(mover: &Mover<'_>, job: &mut Job) -> Result<(), Stop> {
    let at = job.check_target()?.clone();
    let hold = hold_of(mover, &job.track.from_name)?;
    let file = at.open().map_err(|e| fail("cannot open", &at.path, &e))?;
    let file = file.ok_or_else(|| Stop::Raced("it is gone".to_owned()))?;
    let marked = mover.fs.mode(&file, &at.path, Mover::marked(0o700));
    marked.map_err(|e| fail("cannot mark", &at.path, &e))?;
    let done = mover.fs.rename(&at, &hold);
    done.map_err(|e| fail_or_raced("cannot move back to", &hold.path, &e))?;
    mover.touch_to(&at);
    mover.touch_from(&hold);
    (job.own, job.places.own, job.places.target) = (Some(QueueFile(file)), Some(hold), None);
    Ok(())
}

/// The place of a name in FROM's hold queue, whose hash directory is made if it is missing.
pub(crate) fn hold_of(mover: &Mover<'_>, name: &QueueId) -> Result<At, Stop> {
    let hold = mover
        .from
        .at_made(mover.fs, QueueDir::Queue(Queue::Hold), name);
    let dir = mover.from.spool().queue_dir(Queue::Hold);
    hold.map_err(|e| fail("cannot open the directory", &dir, &e))
}

/// Between file systems: makes an empty covered file in FROM's hold directory.
pub(crate) fn begin_back(mover: &Mover<'_>, job: &mut Job) -> Result<Made, Stop> {
    let id = &job.track.intent.queue_id;
    let at = mover.cover(false, id)?;
    if let Ok(Some(stat)) = at.stat()
        && stat.size == 0
    {
        drop(mover.fs.unlink(&at));
    }
    let (file, stat) = mover.make_closed(&at)?;
    mover.touch_from(&at);
    // A long queue id is never given twice, and postsuper(1) lets it be: the message comes back under its own.
    let name = match (id.parts(), mover.from_long) {
        (Some(postfix::queue::IdParts::Long { .. }), true) => id.clone(),
        _ => fitting(id, stat.inode, mover.from_long, 0),
    };
    let copied = Copied {
        inode: stat.inode,
        complete: false,
    };
    job.track.back = Some((copied, name.clone()));
    (job.copy, job.places.back) = (Some(file), Some(at));
    Ok(Made {
        n: job.n(),
        name,
        device: stat.device,
        inode: stat.inode,
    })
}

/// Copies what is withdrawn into it, and puts it on disk.
pub(crate) fn fill_back(mover: &Mover<'_>, job: &mut Job) -> Result<(), Stop> {
    let at = job.check_target()?.clone();
    let opened = at.open_with_stat();
    let opened = opened.map_err(|e| fail("cannot open", &at.path, &e))?;
    let (file, stat) = opened.ok_or_else(|| Stop::Raced("it is gone".to_owned()))?;
    let (Some(copy), Some(to)) = (&job.copy, &job.places.back) else {
        return Err(Stop::Fail("no file is open".to_owned()));
    };
    mover.fill(&file, stat.size, copy, &to.path, mover.from.owner())
}

/// Removes the copy on its way back: another complete one is in sight.
pub(crate) fn drop_back(mover: &Mover<'_>, job: &mut Job) -> Result<(), Stop> {
    let raced = || Stop::Raced("it is gone".to_owned());
    let at = job.places.back.clone().ok_or_else(raced)?;
    if job.seen.own == crate::protocol::Own::No {
        job.check_target()?;
    }
    let done = mover.fs.unlink(&at);
    done.map_err(|e| fail_or_raced("cannot remove", &at.path, &e))?;
    mover.touch_from(&at);
    (job.places.back, job.track.back, job.copy) = (None, None, None);
    Ok(())
}

/// Removes the decoy, wherever it is.
pub(crate) fn drop_decoy(mover: &Mover<'_>, job: &mut Job) -> Result<(), Stop> {
    let Some(at) = job.places.decoy.take() else {
        return Ok(());
    };
    let there = mover.decoy_at(&at, job.n());
    let there = there.and_then(|there| Ok(there.or(mover.begun_decoy_at(&at)?)));
    // Or with another time, which somebody has given it.
    let is_ours = |stat: &Stat| job.track.decoy == Some(stat.inode) && stat.is_empty_and_closed();
    let there = there.and_then(|there| Ok(there.or(at.stat()?.filter(is_ours))));
    let there = there.map_err(|e| fail("cannot examine", &at.path, &e))?;
    if there.is_some() {
        let done = mover.fs.unlink(&at);
        done.map_err(|e| fail_or_raced("cannot remove", &at.path, &e))?;
        mover.touch_to(&at);
    }
    Ok(())
}

/// Gives the complete copy in FROM's hold directory its name, with the mark: it is the message from here on.
pub(crate) fn open_back(mover: &Mover<'_>, job: &mut Job) -> Result<(), Stop> {
    let raced = || Stop::Raced("it is gone".to_owned());
    let at = job.places.back.clone().ok_or_else(raced)?;
    let (copied, name) = job.track.back.clone().ok_or_else(raced)?;
    check_inode(&at, copied.inode)?;
    let file = at.open().map_err(|e| fail("cannot open", &at.path, &e))?;
    let file = file.ok_or_else(raced)?;
    let hold = hold_of(mover, &name)?;
    let done = (|| {
        mover.fs.mode(&file, &at.path, Mover::marked(0o700))?;
        mover.fs.sync(&file, &at.path)?;
        mover.fs.rename(&at, &hold)
    })();
    done.map_err(|e| fail_or_raced("cannot put back on hold", &hold.path, &e))?;
    mover.touch_from(&hold);
    job.track.from_name = name;
    job.inode = copied.inode;
    (job.own, job.places.own, job.places.back) = (Some(QueueFile(file)), Some(hold), None);
    Ok(())
}
