//! Giving a held message back to where it was: with its defer log, its time and its mode.

use std::io::{self, Read as _};

use postfix::queue::{Log, Queue};

use crate::fsops::Stat;
use crate::job::Job;
use crate::mover::{Mover, Stop, fail_or_raced};
use crate::tree::QueueDir;

pub(crate) fn release(mover: &Mover<'_>, job: &mut Job) -> Result<(), Stop> {
    let (hold, stat) = job.secure(mover)?;
    let intent = &job.track.intent;
    let Some(file) = &job.own else { return Ok(()) };
    let mut at = hold.clone();
    let done = (|| -> io::Result<()> {
        restore_log(mover, job)?;
        mover.mark(file, &hold.path, stat.mode, intent.file.mtime.second())?;
        if !intent.was_on_hold() {
            let deferred = QueueDir::Queue(Queue::Deferred);
            let deferred = mover
                .from
                .at_made(mover.fs, deferred, &job.track.from_name)?;
            mover.fs.rename(&hold, &deferred)?;
            mover.touch_from(&hold);
            mover.touch_from(&deferred);
            at = deferred;
        }
        // Not before: on hold, the mark is what shows that it is ours.
        mover.unmark(file, &at.path);
        Ok(())
    })();
    let what = "it is on hold in FROM and cannot be released";
    done.map_err(|e| fail_or_raced(what, &hold.path, &e))?;
    job.places.own = Some(at);
    Ok(())
}

fn restore_log(mover: &Mover<'_>, job: &Job) -> io::Result<()> {
    let text = job.track.defer_log();
    if text.is_empty() {
        return Ok(());
    }
    let at = QueueDir::Log(Log::Defer);
    let at = mover.from.at_made(mover.fs, at, &job.track.from_name)?;
    let (log, rest) = match mover.fs.create(&at, 0o600) {
        Ok(log) => (log, &text[..]),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            let Some(log) = at.open_to_append()? else {
                return Ok(());
            };
            let mut there = Vec::new();
            (&log).take(text.len() as u64 + 1).read_to_end(&mut there)?;
            match text.strip_prefix(&there[..]) {
                // An interrupted run has written the beginning of it.
                Some(rest) => (log, rest),
                // It was not removed yet.
                None => return Ok(()),
            }
        }
        Err(e) => return Err(e),
    };
    let stat = Stat::of_file(&log)?;
    if stat.links != 1 {
        return Err(io::Error::other("its defer log has a second name"));
    }
    let (uid, gid) = mover.from.owner();
    if (stat.uid, stat.gid) != (uid, gid) {
        mover.fs.owner(&log, &at.path, uid, gid)?;
    }
    mover.fs.write(&log, &at.path, rest)?;
    mover.fs.sync(&log, &at.path)?;
    mover.touch_from(&at);
    Ok(())
}
