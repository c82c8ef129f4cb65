//! Putting a message on hold, if it is still the one planned and nobody has it in hand.

use std::io;

use postfix::queue::{Log, Queue};

use crate::fsops::Stat;
use crate::job::{Job, QueueFile};
use crate::journal::Intent;
use crate::mover::{BEING_DELIVERED, EXPIRED, LEFT, Mover, RETRIED, Stop, TAKEN, fail, skip};
use crate::tree::{At, QueueDir};

/// As `postsuper -h` does it, but marked, and never over another file.
pub(crate) fn hold(mover: &Mover<'_>, job: &mut Job) -> Result<(), Stop> {
    let intent = &job.track.intent;
    let on_hold = intent.was_on_hold();
    let queue = intent.queue;
    let at = mover.in_from(queue, &job.track.from_name)?;
    let opened = at.as_ref().map(At::open_with_stat).transpose();
    let dir = mover.from.spool().dir();
    let opened = opened.map_err(|e| fail("cannot open a queue file below", dir, &e))?;
    let (Some(at), Some((file, found))) = (at, opened.flatten()) else {
        return skip(gone(mover, job));
    };
    if found.inode != job.inode {
        return skip("another file has taken its name");
    }
    let file = QueueFile(file);
    same_as_planned(&found, intent)?;
    // The mark first: whatever happens next, a file on hold that has it is ours, and one that has not is not.
    let marked = mover.mark(&file, &at.path, found.mode, intent.file.mtime.second());
    marked.map_err(|e| fail("cannot mark", &at.path, &e))?;
    let hold = if on_hold {
        at
    } else {
        match rename(mover, job, &at) {
            Ok(hold) => hold,
            Err(stop) => {
                // Wherever it is now: with the mark, recovery would take it for ours.
                mover.unmark(&file, &at.path);
                return Err(stop);
            }
        }
    };
    match check_held(mover, &hold, &found, &file, intent) {
        Ok(()) => {
            (job.own, job.places.own) = (Some(file), Some(hold));
            Ok(())
        }
        Err(why) => {
            job.places.own = Some(hold);
            job.own = Some(file);
            Err(let_go(mover, job, why))
        }
    }
}

fn rename(mover: &Mover<'_>, job: &Job, at: &At) -> Result<At, Stop> {
    let hold = QueueDir::Queue(Queue::Hold);
    let hold = mover.from.at_made(mover.fs, hold, &job.track.from_name);
    let hold = hold.map_err(|e| fail("cannot open the hold queue for", &at.path, &e))?;
    match mover.fs.rename(at, &hold) {
        Ok(()) => {
            mover.touch_from(at);
            mover.touch_from(&hold);
            Ok(hold)
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => skip(gone(mover, job)),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            skip("another message of that id is on hold")
        }
        Err(e) => Err(fail(
            "it stays in the deferred queue: cannot hold",
            &at.path,
            &e,
        )),
    }
}

/// Why it is not where it was. That the queue manager has it is said only if it is seen there.
fn gone(mover: &Mover<'_>, job: &Job) -> &'static str {
    if job.track.intent.was_on_hold() {
        return "it is no longer on hold";
    }
    let has = |queue| {
        let at = mover.in_from(queue, &job.track.from_name).ok().flatten();
        let stat = at.and_then(|at| at.stat().ok().flatten());
        stat.is_some_and(|stat| stat.inode == job.inode)
    };
    if has(Queue::Active) || has(Queue::Incoming) {
        TAKEN
    } else {
        LEFT
    }
}

fn same_as_planned(found: &Stat, intent: &Intent) -> Result<(), Stop> {
    let planned = &intent.file;
    if found.is_forced_expire() {
        return skip(EXPIRED);
    }
    if !found.is_ready() || found.links != 1 || found.uid != planned.uid {
        return skip("its mode, owner or number of links has changed");
    }
    if found.size != planned.size || found.mtime.seconds != planned.mtime.seconds {
        return skip(RETRIED);
    }
    Ok(())
}

/// Once it is on hold, the queue manager does not touch it; what it did until then shows now.
fn check_held(
    mover: &Mover<'_>,
    hold: &At,
    found: &Stat,
    file: &QueueFile,
    intent: &Intent,
) -> Result<(), Stop> {
    let there = hold.stat();
    let there = there.map_err(|e| fail("cannot examine", &hold.path, &e))?;
    let Some(now) = there.filter(|there| there.inode == found.inode) else {
        return skip("another file has taken its name");
    };
    same_as_planned(&now, intent)?;
    if !mover.is_marked(&now) {
        return skip("its mode, owner or number of links has changed");
    }
    // Delivery agents lock the file; one may live on after its queue manager was restarted.
    if !file.lock() {
        return skip(BEING_DELIVERED);
    }
    Ok(())
}

/// The kinds of logs of which FROM has any now. Asked once all of a batch are on hold: for those there come no more,
/// and nearly always there is none at all.
pub(crate) fn logs_to_look_for(mover: &Mover<'_>) -> Vec<Log> {
    let mut logs = vec![Log::Bounce, Log::Trace];
    logs.retain(|&log| !mover.from.has_none(log));
    logs
}

/// A held message is given back if it has one of these logs.
pub(crate) fn without(mover: &Mover<'_>, job: &Job, logs: &[Log]) -> Result<(), Stop> {
    for &log in logs {
        let at = mover.from.at(QueueDir::Log(log), &job.track.from_name);
        let dir = mover.from.spool().dir();
        let at = at.map_err(|e| fail("cannot open the directory", dir, &e))?;
        let stat = at.map(|at| at.stat().map_err(|e| fail("cannot examine", &at.path, &e)));
        if stat.transpose()?.flatten().is_some() {
            return skip(pending(log));
        }
    }
    Ok(())
}

/// Why a message with such a log is left alone.
pub(crate) fn pending(log: Log) -> &'static str {
    match log {
        Log::Bounce => "a bounce to its sender is pending: its queue manager must send that first",
        Log::Trace => "a success notice to its sender is pending: its queue manager must send that",
        Log::Defer => "it has a defer log",
    }
}

/// Gives a message back that was just put on hold, as it is now. The result says where it is.
pub(crate) fn let_go(mover: &Mover<'_>, job: &Job, why: Stop) -> Stop {
    let (Some(file), Some(hold)) = (&job.own, &job.places.own) else {
        return why;
    };
    let intent = &job.track.intent;
    if intent.was_on_hold() {
        mover.unmark(file, &hold.path);
        return why;
    }
    let deferred = QueueDir::Queue(Queue::Deferred);
    let back = mover.from.at_made(mover.fs, deferred, &job.track.from_name);
    let back = back.and_then(|to| {
        mover.fs.rename(hold, &to)?;
        mover.touch_from(&to);
        mover.touch_from(hold);
        Ok(())
    });
    match (back, why) {
        (Ok(()), why) => {
            // Not before: on hold, the mark is what shows that it is ours.
            mover.unmark(file, &hold.path);
            why
        }
        (Err(e), Stop::Skip(why) | Stop::Fail(why) | Stop::Raced(why)) => Stop::Fail(format!(
            "{why}; it is on hold and could not be released: {}: {e}",
            hold.path.display()
        )),
    }
}

/// Takes the mark off a message that waits where it was: it was marked, but is not on hold by this move any more.
pub(crate) fn clear_mark(mover: &Mover<'_>, job: &Job) {
    let Some(at) = &job.places.own else { return };
    if let Ok(Some((file, stat))) = at.open_with_stat()
        && stat.inode == job.inode
        && mover.is_marked(&stat)
    {
        mover.unmark(&file, &at.path);
    }
}
