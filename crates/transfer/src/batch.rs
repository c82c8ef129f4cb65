//! A batch of messages, with everything on disk before the next begins.
//!
//! It goes through the steps of `protocol.rs` together, in their order: all are held, then all logs are removed, then
//! all are sent. Each step is done for all messages, by several threads, before the next one is begun. Each message
//! ends as moved, skipped or failed, and one that fails is given back.

use std::fs::File;
use std::io;

use postfix::queue::{IdParts, Log, QueueId};

use crate::execute::Work;
use crate::journal::{Ended, Fate, Line, Made, Track, Writer};
use crate::mover::{Held, Mover, Stop, fail};
use crate::tree::At;
use crate::workers::Workers;

/// Other names that are tried in TO's maildrop.
const OTHER_NAMES: u32 = 100;

pub(crate) struct Batch<'b, 'a> {
    mover: &'b Mover<'a>,
    journal: &'b mut Writer<'a>,
    workers: Workers,
    ended: Vec<Ended>,
}

/// A held message and its name-to-be in TO's maildrop.
struct Ready<'t> {
    held: Held,
    track: &'t Track,
    name: String,
}

/// The copy of a message, and where it is.
struct Copied<'t> {
    one: Ready<'t>,
    file: File,
    at: At,
}

impl<'b, 'a> Batch<'b, 'a> {
    pub(crate) fn new(mover: &'b Mover<'a>, journal: &'b mut Writer<'a>, workers: Workers) -> Self {
        Self {
            mover,
            journal,
            workers,
            ended: Vec::new(),
        }
    }

    /// How each message ended, and whether any was moved.
    pub(crate) fn run(mut self, batch: &[Work<'_>], now: i64) -> io::Result<(Vec<Ended>, bool)> {
        let mover = self.mover;
        let held = self.step(batch.to_vec(), |work| take(mover, work));
        let logs = mover.logs_to_look_for();
        let stripped = self.step(held, |one| strip(mover, one, &logs));
        if mover.cross_device {
            self.copy(stripped, now)?;
        } else {
            self.send(stripped, now)?;
        }
        mover.sync()?;
        self.ended.sort_by_key(|ended| ended.n);
        let moved = self.ended.iter().any(|ended| ended.fate == Fate::Moved);
        self.journal.commit(&[Line::Ended(self.ended.clone())])?;
        Ok((self.ended, moved))
    }

    /// Does a step for all: those that go on to the next one.
    fn step<T: Send, U: Send>(
        &mut self,
        items: Vec<T>,
        work: impl Fn(T) -> Result<U, Ended> + Sync,
    ) -> Vec<U> {
        let results = self.workers.each(items, work);
        let ended = &mut self.ended;
        let go_on = |result: Result<U, Ended>| result.map_err(|end| ended.push(end)).ok();
        results.into_iter().filter_map(go_on).collect()
    }

    fn send(&mut self, ready: Vec<Ready<'_>>, now: i64) -> io::Result<()> {
        let mover = self.mover;
        let mut taken = self.step(ready, |one| send(mover, one, now));
        // The journal knows a name before the file has it, so that these wait for it.
        while !taken.is_empty() {
            let mut renamed = Vec::with_capacity(taken.len());
            for one in taken {
                let stat = one.held.stat;
                renamed.extend(self.rename(one, (stat.device, stat.inode))?);
            }
            taken = self.step(renamed, |one| send(mover, one, now));
        }
        Ok(())
    }

    /// Finds another name than one that is taken in TO's maildrop.
    fn rename<'t>(
        &mut self,
        mut one: Ready<'t>,
        file: (u64, u64),
    ) -> io::Result<Option<Ready<'t>>> {
        match free_name(self.mover, &one.held.id, file.1) {
            Ok(name) => {
                self.journal.commit(&[Line::Named(vec![Made {
                    n: one.held.n,
                    name: name.clone(),
                    device: file.0,
                    inode: file.1,
                }])])?;
                one.name = name;
                Ok(Some(one))
            }
            Err(stop) => {
                self.ended.push(give_back(self.mover, &one, stop));
                Ok(None)
            }
        }
    }

    /// Copies a batch; see the table in `protocol.rs` for why in this order.
    fn copy(&mut self, ready: Vec<Ready<'_>>, now: i64) -> io::Result<()> {
        let mover = self.mover;
        let mut begun = Vec::with_capacity(ready.len());
        for one in ready {
            begun.extend(self.begin(one)?);
        }
        let made = begun.iter().map(|(_, made)| made.clone()).collect();
        self.journal.commit(&[Line::Copying(made)])?;
        let begun = begun.into_iter().map(|(copy, _)| copy).collect();
        let copied = self.step(begun, |copy| fill(mover, copy));
        mover.sync()?;
        let numbers = copied.iter().map(|copy| copy.one.held.n).collect();
        self.journal.commit(&[Line::Copied(numbers)])?;
        let sourceless = self.step(copied, |copy| drop_source(mover, copy));
        mover.sync()?;
        let open: Vec<Ready<'_>> = self.step(sourceless, |copy| publish(mover, copy, now));
        self.ended.extend(open.iter().map(moved));
        Ok(())
    }

    /// Makes the file that a copy is to fill, under a name that is free.
    fn begin<'t>(&mut self, mut one: Ready<'t>) -> io::Result<Option<(Copied<'t>, Made)>> {
        loop {
            match self.mover.begin_copy(one.held.n, &one.name) {
                Ok(Some((file, at, made))) => return Ok(Some((Copied { one, file, at }, made))),
                Ok(None) => {
                    let stat = one.held.stat;
                    match self.rename(one, (stat.device, stat.inode))? {
                        Some(renamed) => one = renamed,
                        None => return Ok(None),
                    }
                }
                Err(stop) => {
                    self.ended.push(give_back(self.mover, &one, stop));
                    return Ok(None);
                }
            }
        }
    }
}

fn take<'t>(mover: &Mover<'_>, work: Work<'t>) -> Result<Ready<'t>, Ended> {
    let track = work.track;
    let held = if work.held {
        mover.held(track)
    } else {
        mover.hold(track.intent.n, &track.intent)
    };
    let held = held.map_err(|stop| end(track.intent.n, stop))?;
    Ok(Ready {
        held,
        track,
        name: track.name.clone(),
    })
}

fn strip<'t>(mover: &Mover<'_>, one: Ready<'t>, logs: &[Log]) -> Result<Ready<'t>, Ended> {
    let fits = mover.without(logs, &one.held, &one.track.intent);
    fits.map_err(|stop| end(one.held.n, stop))?;
    match mover.remove_log(&one.held.id) {
        Ok(()) => Ok(one),
        Err(stop) => Err(give_back(mover, &one, stop)),
    }
}

/// `Ok`: its name is taken.
fn send<'t>(mover: &Mover<'_>, one: Ready<'t>, now: i64) -> Result<Ready<'t>, Ended> {
    match mover.send(&one.held, &one.name, now) {
        Ok(true) => Err(moved(&one)),
        Ok(false) => Ok(one),
        Err(stop) => Err(give_back(mover, &one, stop)),
    }
}

fn fill<'t>(mover: &Mover<'_>, copy: Copied<'t>) -> Result<Copied<'t>, Ended> {
    let held = &copy.one.held;
    let owner = mover.to.owner();
    let filled = mover.fill(&held.file, held.stat.size, &copy.file, &copy.at.path, owner);
    filled.map_err(|stop| match mover.drop_copy(&copy.at, true) {
        Ok(()) => give_back(mover, &copy.one, stop),
        Err(_) => on_hold(&copy.one, stop),
    })?;
    Ok(copy)
}

fn drop_source<'t>(mover: &Mover<'_>, copy: Copied<'t>) -> Result<Copied<'t>, Ended> {
    let one = &copy.one;
    match mover.drop_source(&one.held) {
        Ok(()) => Ok(copy),
        Err(stop) => Err(match (stop, mover.drop_copy(&copy.at, true)) {
            // Somebody released or removed the source: the message is theirs again, the copy one too many.
            (stop @ Stop::Skip(_), Ok(())) => end(one.held.n, stop),
            (stop, Ok(())) => give_back(mover, one, stop),
            (stop, Err(_)) => on_hold(one, stop),
        }),
    }
}

fn publish<'t>(mover: &Mover<'_>, copy: Copied<'t>, now: i64) -> Result<Ready<'t>, Ended> {
    let done = mover.publish(&copy.file, &copy.at.path, now);
    done.map_err(|stop| end(copy.one.held.n, stop))?;
    Ok(copy.one)
}

/// A queue id that no file in TO's maildrop has: the same but for the microseconds.
fn free_name(mover: &Mover<'_>, id: &QueueId, inode: u64) -> Result<String, Stop> {
    for more in 1..=OTHER_NAMES {
        let other = |microseconds: u32| (microseconds + more * 7919) % 1_000_000;
        let parts = match id.parts() {
            Some(IdParts::Long {
                seconds,
                microseconds,
                inode,
            }) => IdParts::Long {
                seconds,
                microseconds: other(microseconds),
                inode,
            },
            Some(IdParts::Short {
                microseconds,
                inode,
            }) => IdParts::Short {
                microseconds: other(microseconds),
                inode,
            },
            None => IdParts::Short {
                microseconds: other(0),
                inode,
            },
        };
        let name = QueueId::from_parts(parts).as_str().to_owned();
        let at = mover.target(&name)?;
        let stat = at.stat();
        if stat
            .map_err(|e| fail("cannot examine", &at.path, &e))?
            .is_none()
        {
            return Ok(name);
        }
    }
    Err(Stop::Fail("no name is free in TO's maildrop".to_owned()))
}

fn moved(one: &Ready<'_>) -> Ended {
    Ended {
        n: one.held.n,
        fate: Fate::Moved,
        why: None,
        name: Some(one.name.clone()),
    }
}

fn end(n: u32, stop: Stop) -> Ended {
    let (fate, why) = match stop {
        Stop::Skip(why) => (Fate::Skipped, why),
        Stop::Fail(why) => (Fate::Failed, why),
    };
    Ended {
        n,
        fate,
        why: Some(why),
        name: None,
    }
}

/// A held message that cannot be sent goes back to where it was.
fn give_back(mover: &Mover<'_>, one: &Ready<'_>, stop: Stop) -> Ended {
    let stop = match stop {
        Stop::Skip(why) => Stop::Skip(why),
        Stop::Fail(why) => match mover.release(&one.held.file, &one.held.hold, &one.track.intent) {
            Ok(()) => Stop::Fail(format!("{why}; it is back where it was")),
            Err(Stop::Skip(also) | Stop::Fail(also)) => Stop::Fail(format!("{why}; {also}")),
        },
    };
    end(one.held.n, stop)
}

fn on_hold(one: &Ready<'_>, stop: Stop) -> Ended {
    let (Stop::Skip(why) | Stop::Fail(why)) = stop;
    let path = one.held.hold.path.display();
    let why = format!("{why}; it is on hold: {path}; queue-move resume tries again");
    end(one.held.n, Stop::Fail(why))
}
