//! What is seen of a message: where its files are, and in which state. By name where they were last, else by inode.

use postfix::queue::{Queue, QueueId, read_arrival};

use crate::finder::Finder;
use crate::fsops::Stat;
use crate::job::{Job, Places, QueueFile};
use crate::journal::{Copied, Track};
use crate::mover::{Mover, Stop, fail};
use crate::protocol::{BackCopy, Decoy, Goal, Observation, Own, Target};
use crate::tree::At;

/// A file that was found.
struct Sight {
    at: At,
    stat: Stat,
    /// The queue in whose directory it lies.
    queue: Queue,
}

impl Sight {
    /// A name that is not a queue id: Postfix leaves the file alone.
    fn is_covered(&self) -> bool {
        QueueId::new(&self.at.name).is_none()
    }

    /// The name that a covered file had before.
    fn covered_name(&self) -> Option<QueueId> {
        QueueId::new(self.at.name.split_once('.')?.0)
    }
}

/// A message of the journal, as it is now.
pub(crate) fn look(
    mover: &Mover<'_>,
    finder: &Finder<'_>,
    track: Box<Track>,
    goal: Goal,
) -> (Job, Result<(), Stop>) {
    let mut job = Job::fresh(track, mover.cross_device);
    job.goal = goal;
    let looked = look_again(mover, finder, &mut job);
    (job, looked)
}

/// Looks anew at a message whose files others have moved.
pub(crate) fn look_again(
    mover: &Mover<'_>,
    finder: &Finder<'_>,
    job: &mut Job,
) -> Result<(), Stop> {
    job.close();
    (job.locked, job.is_written) = (false, false);
    job.places = Places::default();
    job.seen = Observation {
        sealed: job.track.sealed,
        settled: job.seen.settled,
        own: Own::No,
        ..Observation::planned(mover.cross_device)
    };
    own(mover, finder, job)?;
    target(mover, finder, job)?;
    if job.seen.own == Own::No {
        back(mover, finder, job)?;
    }
    decoy(mover, finder, job)
}

/// The file of this inode, with this content, under one of these names or, if need be, wherever it is.
fn find(
    mover: &Mover<'_>,
    finder: &Finder<'_>,
    job: &Job,
    in_to: bool,
    copied: Copied,
    names: Vec<(Queue, At)>,
) -> Result<Option<Sight>, Stop> {
    let fits = |queue, at: At| -> Result<Option<Sight>, Stop> {
        let stat = at.stat();
        let stat = stat.map_err(|e| fail("cannot examine", &at.path, &e))?;
        let Some(stat) = stat.filter(|stat| stat.inode == copied.inode) else {
            return Ok(None);
        };
        // Inode numbers are used again: what a journal calls complete must be the message.
        if copied.complete && !is_message(&at, &stat, job)? {
            return Ok(None);
        }
        Ok(Some(Sight { at, stat, queue }))
    };
    for (queue, at) in names {
        if let Some(sight) = fits(queue, at)? {
            return Ok(Some(sight));
        }
    }
    let tree = if in_to { &mover.to } else { &mover.from };
    for found in finder.by_inode(in_to, copied.inode)? {
        let at = found.at(tree);
        let at = at.map_err(|e| fail("cannot examine", tree.spool().dir(), &e))?;
        // What is not complete can be distinguished from other files, and from those of other moves, by its name only.
        let is_own_name = |at: &At| copied.complete || mover.is_covered_by_this(&at.name);
        if let Some(at) = at.filter(is_own_name)
            && let Some(sight) = fits(found.queue, at)?
        {
            return Ok(Some(sight));
        }
    }
    Ok(None)
}

/// Is this the message? Its size never changes, and its time of arrival, with microseconds, is its own.
fn is_message(at: &At, stat: &Stat, job: &Job) -> Result<bool, Stop> {
    let intent = &job.track.intent;
    if stat.size != intent.file.size {
        return Ok(false);
    }
    let opened = at.open_with_stat();
    let opened = opened.map_err(|e| fail("cannot open", &at.path, &e))?;
    let Some((file, found)) = opened.filter(|(_, found)| found.inode == stat.inode) else {
        return Ok(false);
    };
    let arrival = read_arrival(&file, found.size);
    let micros = intent.arrival_microseconds;
    Ok(arrival.is_none_or(|(seconds, microseconds)| {
        seconds == intent.arrival && (microseconds == micros || micros == 0)
    }))
}

/// Whose its own file in FROM is now, and where.
fn state(mover: &Mover<'_>, sight: &Sight, job: &mut Job) -> Result<Own, Stop> {
    let intent = &job.track.intent;
    // Of a copy, the time says nothing of FROM's queue manager.
    let planned = sight.stat.mtime.seconds == intent.file.mtime.seconds;
    Ok(match sight.queue {
        _ if sight.is_covered() => Own::Covered,
        Queue::Hold if mover.is_marked(&sight.stat) => match is_locked(sight, &mut job.locked)? {
            // Somebody had released it, and put it on hold while FROM was delivering it.
            true => Own::HeldByOthers,
            false => Own::Held,
        },
        Queue::Hold if intent.was_on_hold() && planned => Own::AsPlanned,
        Queue::Hold => Own::HeldByOthers,
        Queue::Deferred if planned => Own::AsPlanned,
        Queue::Deferred => Own::Retried,
        _ => Own::Busy,
    })
}

/// Its own file in FROM: the one of the plan, or the copy that came all the way back.
fn own(mover: &Mover<'_>, finder: &Finder<'_>, job: &mut Job) -> Result<(), Stop> {
    let track = &job.track;
    let mut candidates = vec![(track.intent.file.inode, track.intent.queue_id.clone())];
    if let Some((back, name)) = &track.back
        && back.complete
    {
        candidates.insert(0, (back.inode, name.clone()));
    }
    for (inode, name) in candidates {
        let copied = Copied {
            inode,
            complete: true,
        };
        let mut names = Vec::new();
        if let Some(at) = mover.in_from(Queue::Hold, &name)? {
            names.push((Queue::Hold, at.clone()));
            names.push((Queue::Hold, mover.covered(at, &name)));
        }
        // What is deleted is as good as covered.
        names.extend(mover.kept(&name)?.map(|at| (Queue::Hold, at)));
        names.extend(
            mover
                .in_from(Queue::Deferred, &name)?
                .map(|at| (Queue::Deferred, at)),
        );
        let Some(sight) = find(mover, finder, job, false, copied, names)? else {
            continue;
        };
        let is_back = inode != job.track.intent.file.inode;
        if is_back && sight.is_covered() {
            continue;
        }
        job.seen.own = state(mover, &sight, job)?;
        let planned = job.track.intent.file.mtime.second();
        job.is_written = job.seen.own == Own::Held && !mover.is_untouched(&sight.stat, planned);
        let now = sight
            .covered_name()
            .or_else(|| QueueId::new(&sight.at.name));
        job.track.from_name = now.unwrap_or(name);
        job.inode = inode;
        job.places.own = Some(sight.at);
        return Ok(());
    }
    job.inode = job.track.intent.file.inode;
    Ok(())
}

/// Does a delivery agent have the file in hand?
fn is_locked(sight: &Sight, locked: &mut bool) -> Result<bool, Stop> {
    let opened = sight.at.open();
    let opened = opened.map_err(|e| fail("cannot open", &sight.at.path, &e))?;
    *locked = opened.is_some_and(|file| !QueueFile(file).lock());
    Ok(*locked)
}

/// What is in TO: the message's own file, or the copy.
fn target(mover: &Mover<'_>, finder: &Finder<'_>, job: &mut Job) -> Result<(), Stop> {
    let name = job.track.name.clone();
    let id = &job.track.intent.queue_id;
    let begun = mover.covered(mover.in_maildrop(id)?, id);
    let stub = begun.stat();
    let stub = stub.map_err(|e| fail("cannot examine", &begun.path, &e))?;
    let copied = match (mover.cross_device, job.track.copy, stub) {
        // Made just before the journal would have known of it.
        (true, _, Some(stub)) if stub.size == 0 => Copied {
            inode: stub.inode,
            complete: false,
        },
        (true, Some(copy), _) => copy,
        // It is in FROM, and so not here.
        (false, ..) if job.seen.own != Own::No => return Ok(()),
        (true, None, _) => return Ok(()),
        (false, ..) => Copied {
            inode: job.inode,
            complete: true,
        },
    };
    if mover.cross_device {
        job.track.copy = Some(copied);
    }
    let maildrop = mover.in_maildrop(&name)?;
    let mut names = vec![(Queue::Maildrop, maildrop), (Queue::Maildrop, begun)];
    if let Some(at) = in_to_hold(mover, &name)? {
        names.push((Queue::Hold, at));
    }
    let Some(sight) = find(mover, finder, job, true, copied, names)? else {
        return Ok(());
    };
    job.seen.target = match sight.queue {
        Queue::Hold if sight.is_covered() => Target::Withdrawn,
        Queue::Maildrop if !copied.complete || job.is_written => Target::Partial,
        Queue::Maildrop if sight.stat.is_ready() && !sight.is_covered() => Target::Open,
        Queue::Maildrop => Target::Closed,
        // Nobody but an admin can have put it there, and only he knows what for.
        _ => return Ok(()),
    };
    if let Some(now) = QueueId::new(&sight.at.name) {
        job.track.name = now;
    }
    job.places.target = Some(sight.at);
    Ok(())
}

/// The covered place in TO's hold directory.
fn in_to_hold(mover: &Mover<'_>, name: &QueueId) -> Result<Option<At>, Stop> {
    let at = mover.to.at(crate::tree::QueueDir::Queue(Queue::Hold), name);
    let dir = mover.to.spool().dir();
    let at = at.map_err(|e| fail("cannot open the directory", dir, &e))?;
    Ok(at.map(|at| mover.covered(at, name)))
}

/// A copy on its way back, that has no name yet.
fn back(mover: &Mover<'_>, finder: &Finder<'_>, job: &mut Job) -> Result<(), Stop> {
    let id = &job.track.intent.queue_id;
    let Some(at) = mover.in_from(Queue::Hold, id)? else {
        return Ok(());
    };
    let at = mover.covered(at, id);
    let stub = at.stat();
    let stub = stub.map_err(|e| fail("cannot examine", &at.path, &e))?;
    let copied = match (stub, &job.track.back) {
        // Made just before the journal would have known of it.
        (Some(stub), _) if mover.cross_device && stub.size == 0 => Copied {
            inode: stub.inode,
            complete: false,
        },
        (_, Some((copied, _))) => *copied,
        (_, None) => return Ok(()),
    };
    let names = vec![(Queue::Hold, at)];
    let Some(sight) = find(mover, finder, job, false, copied, names)? else {
        return Ok(());
    };
    if !sight.is_covered() {
        return Ok(());
    }
    job.seen.back = if copied.complete {
        BackCopy::Complete
    } else {
        BackCopy::Partial
    };
    job.places.back = Some(sight.at);
    Ok(())
}

/// The decoy in TO's maildrop.
pub(crate) fn decoy(mover: &Mover<'_>, finder: &Finder<'_>, job: &mut Job) -> Result<(), Stop> {
    // A withdrawn file was exchanged with what is now under the name that it had.
    let covered = job
        .places
        .target
        .as_ref()
        .filter(|_| job.seen.target == Target::Withdrawn);
    let was = covered.and_then(|at| QueueId::new(at.name.split_once('.')?.0));
    let name = was.unwrap_or_else(|| job.track.name.clone());
    let n = job.n();
    let is_it = |at: &At| -> Result<bool, Stop> {
        let there = mover.decoy_at(at, n);
        let there = there.map_err(|e| fail("cannot examine", &at.path, &e))?;
        Ok(there.is_some())
    };
    let at = mover.in_maildrop(&name)?;
    if is_it(&at)? {
        (job.seen.decoy, job.places.decoy) = (Decoy::InPlace, Some(at));
        return Ok(());
    }
    // Somebody may have changed its time: only where there is none at all, pickup has removed it.
    let there = at.stat();
    let there = there.map_err(|e| fail("cannot examine", &at.path, &e))?;
    let is_ours = |stat: &Stat| job.track.decoy == Some(stat.inode) && stat.is_empty_and_closed();
    if there.as_ref().is_some_and(is_ours) && job.seen.target == Target::Withdrawn {
        (job.seen.decoy, job.places.decoy) = (Decoy::Astray, Some(at));
        return Ok(());
    }
    if let Some(at) = in_to_hold(mover, &name)? {
        let there = mover.begun_decoy_at(&at);
        let there = there.map_err(|e| fail("cannot examine", &at.path, &e))?;
        if there.is_some() {
            (job.seen.decoy, job.places.decoy) = (Decoy::Ready, Some(at));
            return Ok(());
        }
    }
    let known = job.track.decoy.map(|inode| finder.by_inode(true, inode));
    for found in known.transpose()?.unwrap_or_default() {
        let at = found.at(&mover.to);
        let at = at.map_err(|e| fail("cannot examine", mover.to.spool().dir(), &e))?;
        if let Some(at) = at
            && is_it(&at)?
        {
            (job.seen.decoy, job.places.decoy) = (Decoy::Astray, Some(at));
            return Ok(());
        }
    }
    job.seen.decoy = Decoy::No;
    job.places.decoy = None;
    Ok(())
}
