//! The single steps of a move, each with its checks. What order they come in is `execute.rs`'s and `recover.rs`'s.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use postfix::queue::{Log, Queue, QueueId};

use crate::fsops::{Fs, Stat, Time};
use crate::journal::{Header, Intent, Track};
use crate::tree::{At, Place, Touched, Tree};

/// Both spools, open, and what all steps need.
pub(crate) struct Mover<'a> {
    pub(crate) fs: Fs<'a>,
    pub(crate) from: Tree,
    pub(crate) to: Tree,
    pub(crate) cross_device: bool,
    mark: u32,
    pub(crate) touched_from: Touched,
    pub(crate) touched_to: Touched,
}

/// A message that this move has put on hold.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) n: u32,
    pub(crate) id: QueueId,
    pub(crate) file: File,
    pub(crate) hold: At,
    pub(crate) stat: Stat,
}

/// Why a step was not done.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Nothing is wrong: the message is not for this move.
    Skip(String),
    /// Something is.
    Fail(String),
}

/// A failure, of which kind: what was tried, where, the reason.
pub(crate) fn fail(tried: &str, path: &Path, error: &io::Error) -> Stop {
    Stop::Fail(format!("{tried}: {}: {error}", path.display()))
}

pub(crate) fn skip<T>(why: &str) -> Result<T, Stop> {
    Err(Stop::Skip(why.to_owned()))
}

pub(crate) const TAKEN: &str = "the queue manager has taken it";
pub(crate) const RETRIED: &str = "it has been tried again since the plan was made";

impl<'a> Mover<'a> {
    pub(crate) fn open(fs: Fs<'a>, header: &Header) -> io::Result<Self> {
        Ok(Self {
            fs,
            from: Tree::open(header.from.spool(), header.from.owner)?,
            to: Tree::open(header.to.spool(), header.to.owner)?,
            cross_device: header.cross_device,
            mark: header.mark,
            touched_from: Touched::default(),
            touched_to: Touched::default(),
        })
    }

    pub(crate) fn is_marked(&self, stat: &Stat) -> bool {
        stat.mtime.nanoseconds == self.mark
    }

    pub(crate) fn marked(&self, seconds: i64) -> Time {
        Time {
            seconds,
            nanoseconds: self.mark,
        }
    }

    fn place(&self, place: Place, id: &QueueId) -> Result<Option<At>, Stop> {
        let found = self.from.at(place, id);
        found.map_err(|e| fail("cannot open the directory", self.from.spool().dir(), &e))
    }

    /// Puts a message on hold, as `postsuper -h` does, if it is still the one planned and nobody has it in hand.
    pub(crate) fn hold(&self, n: u32, intent: &Intent) -> Result<Held, Stop> {
        let id = intent.id().map_err(|e| Stop::Fail(e.to_string()))?;
        let on_hold = intent.was_on_hold();
        let queue = if on_hold {
            Queue::Hold
        } else {
            Queue::Deferred
        };
        let Some(at) = self.place(Place::Queue(queue), &id)? else {
            return skip(TAKEN);
        };
        let gone = if on_hold {
            "it is no longer on hold"
        } else {
            TAKEN
        };
        let opened = at.open_with_stat();
        let opened = opened.map_err(|e| fail("cannot open", &at.path, &e))?;
        let Some((file, found)) = opened else {
            return skip(gone);
        };
        self.same_as_planned(&found, intent)?;
        // The mark first: whatever happens next, a file on hold that has it is ours, and one that has not is not.
        let time = self.marked(intent.file.mtime.seconds);
        let marked = self.fs.times(&file, &at.path, time);
        marked.map_err(|e| fail("cannot set the time of", &at.path, &e))?;
        let hold = if on_hold {
            at.clone()
        } else {
            let hold = self.from.at_made(self.fs, Place::Queue(Queue::Hold), &id);
            let hold = hold.map_err(|e| fail("cannot open the hold queue for", &at.path, &e))?;
            match self.fs.rename(&at, &hold) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    // Wherever it is now: with the mark, recovery would take it for ours.
                    self.unmark(&file, &at, intent);
                    return skip(gone);
                }
                Err(e) => {
                    self.unmark(&file, &at, intent);
                    return Err(match e.kind() {
                        io::ErrorKind::AlreadyExists => {
                            Stop::Skip("another message of that id is on hold".to_owned())
                        }
                        _ => fail("it stays in the deferred queue: cannot hold", &at.path, &e),
                    });
                }
            }
            self.touched_from.add(&at);
            self.touched_from.add(&hold);
            hold
        };
        let held = Held {
            n,
            id,
            file,
            hold,
            stat: found,
        };
        match self.check_held(&held, intent) {
            Ok(()) => Ok(held),
            Err(why) => Err(self.let_go(&held, intent, why)),
        }
    }

    fn same_as_planned(&self, found: &Stat, intent: &Intent) -> Result<(), Stop> {
        let planned = &intent.file;
        if !found.is_same_file(planned) {
            return skip("another file has come under its name");
        }
        if found.is_forced_expire() {
            return skip("its admin has asked for its return to the sender (postsuper -e, -f)");
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
    fn check_held(&self, held: &Held, intent: &Intent) -> Result<(), Stop> {
        let there = held.hold.stat();
        let there = there.map_err(|e| fail("cannot examine", &held.hold.path, &e))?;
        let Some(now) = there.filter(|there| there.is_same_file(&held.stat)) else {
            return skip("another file has come under its name");
        };
        self.same_as_planned(&now, intent)?;
        // Delivery agents lock the file; one may live on after its queue manager was restarted.
        use rustix::fs::FlockOperation::NonBlockingLockExclusive;
        if rustix::fs::flock(&held.file, NonBlockingLockExclusive).is_err() {
            return skip("it is being delivered");
        }
        Ok(())
    }

    /// The kinds of logs of which FROM has any now. Asked once all of a batch are on hold: for those there come no
    /// more, and nearly always there is none at all.
    pub(crate) fn logs_to_look_for(&self) -> Vec<Log> {
        let mut logs = vec![Log::Bounce, Log::Trace];
        logs.retain(|&log| !self.from.has_none(log));
        logs
    }

    /// A held message is given back if it has one of these logs.
    pub(crate) fn without(&self, logs: &[Log], held: &Held, intent: &Intent) -> Result<(), Stop> {
        let look = |log: Log| {
            let at = self.place(Place::Log(log), &held.id)?;
            let stat = at.map(|at| at.stat().map_err(|e| fail("cannot examine", &at.path, &e)));
            match stat.transpose()?.flatten() {
                Some(_) => skip(pending(log)),
                None => Ok(()),
            }
        };
        let looked = logs.iter().try_for_each(|&log| look(log));
        looked.map_err(|why| self.let_go(held, intent, why))
    }

    /// Gives a message back that was just put on hold. The result says where it is.
    fn let_go(&self, held: &Held, intent: &Intent, why: Stop) -> Stop {
        if intent.was_on_hold() {
            self.unmark(&held.file, &held.hold, intent);
            return why;
        }
        let back = self
            .from
            .at_made(self.fs, Place::Queue(Queue::Deferred), &held.id)
            .and_then(|to| self.fs.rename(&held.hold, &to));
        if back.is_ok() {
            // Not before: on hold, the mark is what tells that it is ours.
            self.unmark(&held.file, &held.hold, intent);
        }
        match (back, why) {
            (Ok(()), why) => why,
            (Err(e), Stop::Skip(why) | Stop::Fail(why)) => Stop::Fail(format!(
                "{why}; it is on hold and could not be given back: {}: {e}",
                held.hold.path.display()
            )),
        }
    }

    /// Gives it its old time, if it has only the mark. Not worth an error: a nanosecond is all that is wrong.
    fn unmark(&self, file: &File, at: &At, intent: &Intent) {
        let ours =
            |stat: Stat| self.is_marked(&stat) && stat.mtime.seconds == intent.file.mtime.seconds;
        if Stat::of_file(file).is_ok_and(ours) {
            drop(self.fs.times(file, &at.path, intent.file.mtime));
        }
    }

    /// Takes the mark off a message that waits where it was: it was marked, but not put on hold any more.
    pub(crate) fn clear_mark(&self, intent: &Intent) {
        let queue = if intent.was_on_hold() {
            Queue::Hold
        } else {
            Queue::Deferred
        };
        let Ok(id) = intent.id() else { return };
        if let Ok(Some(at)) = self.from.at(Place::Queue(queue), &id)
            && let Ok(Some(file)) = at.open()
        {
            self.unmark(&file, &at, intent);
        }
    }

    /// Removes the defer log of a message that is on hold: nobody else reads or writes it meanwhile.
    pub(crate) fn remove_log(&self, id: &QueueId) -> Result<(), Stop> {
        let Some(log) = self.place(Place::Log(Log::Defer), id)? else {
            return Ok(());
        };
        match self.fs.unlink(&log) {
            Ok(()) => {
                self.touched_from.add(&log);
                Ok(())
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(fail("cannot remove the defer log", &log.path, &e)),
        }
    }

    /// Gives a held message back to where it was: with its defer log, its time and its mode.
    pub(crate) fn release(&self, file: &File, hold: &At, intent: &Intent) -> Result<(), Stop> {
        let id = intent.id().map_err(|e| Stop::Fail(e.to_string()))?;
        let done = (|| {
            self.restore_log(&id, intent)?;
            self.fs.mode(file, &hold.path, intent.file.mode)?;
            self.fs
                .owner(file, &hold.path, intent.file.uid, intent.file.gid)?;
            if intent.was_on_hold() {
                return self.fs.times(file, &hold.path, intent.file.mtime);
            }
            let deferred = self
                .from
                .at_made(self.fs, Place::Queue(Queue::Deferred), &id)?;
            // Not without the mark: on hold, it is what tells that it is ours.
            let time = self.marked(intent.file.mtime.seconds);
            self.fs.times(file, &hold.path, time)?;
            self.fs.rename(hold, &deferred)?;
            self.unmark(file, &deferred, intent);
            self.touched_from.add(hold);
            self.touched_from.add(&deferred);
            Ok(())
        })();
        done.map_err(|e| {
            fail(
                "it is on hold in FROM and cannot be given back",
                &hold.path,
                &e,
            )
        })
    }

    fn restore_log(&self, id: &QueueId, intent: &Intent) -> io::Result<()> {
        let text = intent.defer_log();
        if text.is_empty() {
            return Ok(());
        }
        let at = self.from.at_made(self.fs, Place::Log(Log::Defer), id)?;
        let (log, rest) = match self.fs.create(&at, 0o600) {
            Ok(log) => (log, text.as_bytes()),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                let Some(log) = at.open_to_append()? else {
                    return Ok(());
                };
                let mut there = Vec::new();
                (&log).take(text.len() as u64 + 1).read_to_end(&mut there)?;
                match text.as_bytes().strip_prefix(&there[..]) {
                    // An interrupted undo has written the beginning of it.
                    Some(rest) => (log, rest),
                    // It was not removed yet.
                    None => return Ok(()),
                }
            }
            Err(e) => return Err(e),
        };
        let (uid, gid) = self.from.owner();
        self.fs.owner(&log, &at.path, uid, gid)?;
        self.fs.write(&log, &at.path, rest)?;
        self.touched_from.add(&at);
        Ok(())
    }

    /// Opens the file on hold that recovery has found.
    pub(crate) fn held(&self, track: &Track) -> Result<Held, Stop> {
        let id = track.intent.id().map_err(|e| Stop::Fail(e.to_string()))?;
        let hold = self.place(Place::Queue(Queue::Hold), &id)?;
        let gone = || Stop::Skip("it is no longer on hold".to_owned());
        let hold = hold.ok_or_else(gone)?;
        let opened = hold.open_with_stat();
        let opened = opened.map_err(|e| fail("cannot open", &hold.path, &e))?;
        let (file, stat) = opened.ok_or_else(gone)?;
        Ok(Held {
            n: track.intent.n,
            id,
            file,
            hold,
            stat,
        })
    }

    /// Puts on disk all that was renamed, made or removed since the last time.
    pub(crate) fn sync(&self) -> io::Result<()> {
        // Where a message goes, before where it comes from: on some disk there must always be a name for it.
        self.to.sync(self.fs, &self.touched_to)?;
        self.from.sync(self.fs, &self.touched_from)
    }
}

/// Why a message with such a log is left alone.
pub(crate) fn pending(log: Log) -> &'static str {
    match log {
        Log::Bounce => "a bounce to its sender is pending: its queue manager must send that first",
        Log::Trace => "a success notice to its sender is pending: its queue manager must send that",
        Log::Defer => "it has a defer log",
    }
}
