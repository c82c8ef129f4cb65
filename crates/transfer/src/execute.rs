//! Carrying out a plan: in batches, with everything on disk before the next begins.
//!
//! A batch goes through the steps of `protocol.rs` together, in their order: all are held, then all logs are removed,
//! then all are sent. Each message ends as moved, skipped or failed, and one that fails is given back.

use std::io;
use std::time::Duration;

use postfix::queue::{IdParts, QueueId};

use crate::journal::{Ended, Fate, Line, Made, Track, Writer};
use crate::mover::{Held, Mover, Stop, fail};

/// What an execution tells, and asks, on its way.
pub trait Watch {
    /// Seconds since 1970 (UTC), now.
    fn now(&self) -> i64;
    /// Is the work to be ended? Asked between messages that are independent of each other.
    fn interrupted(&self) -> bool;
    /// So many more messages have ended.
    fn advanced(&self, messages: usize);
    /// Waits. Returns early when interrupted.
    fn pause(&self, span: Duration);
    /// A batch is in TO's maildrop: its pickup may be woken.
    fn delivered(&self);
}

/// How fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Messages that go through the steps together.
    pub batch: usize,
    /// A pause after each batch.
    pub pause: Option<Duration>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            batch: 500,
            pause: None,
        }
    }
}

impl Pace {
    /// So many messages a minute, one at a time; from 600 on, some together.
    pub fn per_minute(rate: u32) -> Self {
        let rate = rate.max(1);
        let batch = rate.div_ceil(600);
        Self {
            batch: batch as usize,
            pause: Some(Duration::from_secs(60) * batch / rate),
        }
    }
}

/// Bytes that are copied in one batch, unless a single message has more.
const MOST_BYTES: u64 = 64 << 20;
/// Other names that are tried in TO's maildrop.
const OTHER_NAMES: u32 = 100;

/// A message that is to be moved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work<'t> {
    pub(crate) track: &'t Track,
    /// Has this move put it on hold already?
    pub(crate) held: bool,
}

/// Moves messages. Those that have not ended when this returns (it was interrupted) have not been touched.
///
/// # Errors
/// The journal cannot be written, or the directories cannot be put on disk: recovery must look at what is there.
pub(crate) fn run<'a>(
    mover: &mut Mover<'a>,
    journal: &mut Writer<'a>,
    works: &[Work<'_>],
    pace: Pace,
    watch: &dyn Watch,
) -> io::Result<Vec<Ended>> {
    let mut all = Vec::with_capacity(works.len());
    let mut rest = works;
    while !rest.is_empty() && !watch.interrupted() {
        let (batch, after) = rest.split_at(batch_size(mover, rest, pace.batch.max(1)));
        rest = after;
        let mut run = Batch {
            mover,
            journal,
            ended: Vec::with_capacity(batch.len()),
        };
        let moved = run.run(batch, watch.now())?;
        let ended = run.ended;
        watch.advanced(ended.len());
        all.extend(ended);
        if moved {
            watch.delivered();
        }
        if let Some(pause) = pace.pause
            && !rest.is_empty()
        {
            watch.pause(pause);
        }
    }
    Ok(all)
}

fn batch_size(mover: &Mover<'_>, works: &[Work<'_>], most: usize) -> usize {
    let mut bytes = 0_u64;
    let fits = |work: &&Work<'_>| {
        bytes = bytes.saturating_add(work.track.intent.file.size);
        !mover.cross_device || bytes <= MOST_BYTES
    };
    works.iter().take(most).take_while(fits).count().max(1)
}

struct Batch<'b, 'a> {
    mover: &'b mut Mover<'a>,
    journal: &'b mut Writer<'a>,
    ended: Vec<Ended>,
}

/// A held message and its name-to-be in TO's maildrop.
struct Ready<'t> {
    held: Held,
    track: &'t Track,
    name: String,
}

impl Batch<'_, '_> {
    /// Whether any message was moved.
    fn run(&mut self, batch: &[Work<'_>], now: i64) -> io::Result<bool> {
        let mut ready = Vec::with_capacity(batch.len());
        for work in batch {
            let n = work.track.intent.n;
            let held = if work.held {
                self.mover.held(work.track)
            } else {
                self.mover.hold(n, &work.track.intent)
            };
            match held {
                Ok(held) => ready.push(Ready {
                    held,
                    track: work.track,
                    name: work.track.name.clone(),
                }),
                Err(stop) => self.end(n, stop),
            }
        }
        let mut stripped = Vec::with_capacity(ready.len());
        for one in ready {
            match self.mover.remove_log(&one.held.id) {
                Ok(()) => stripped.push(one),
                Err(stop) => self.give_back(&one, stop),
            }
        }
        if self.mover.cross_device {
            self.copy(stripped, now)?;
        } else {
            self.send(stripped, now)?;
        }
        self.mover.sync()?;
        let moved = self.ended.iter().any(|ended| ended.fate == Fate::Moved);
        self.journal.commit(&[Line::Ended(self.ended.clone())])?;
        Ok(moved)
    }

    fn send(&mut self, ready: Vec<Ready<'_>>, now: i64) -> io::Result<()> {
        for mut one in ready {
            loop {
                match self.mover.send(&one.held, &one.name, now) {
                    Ok(true) => {
                        self.moved(&one);
                        break;
                    }
                    Ok(false) => {
                        let stat = one.held.stat;
                        if !self.rename(&mut one, (stat.device, stat.inode))? {
                            break;
                        }
                    }
                    Err(stop) => {
                        self.give_back(&one, stop);
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Finds another name than one that is taken in TO's maildrop; the journal knows it before the file has it.
    fn rename(&mut self, one: &mut Ready<'_>, file: (u64, u64)) -> io::Result<bool> {
        match self.free_name(&one.held.id, file.1) {
            Ok(name) => {
                self.journal.commit(&[Line::Named(vec![Made {
                    n: one.held.n,
                    name: name.clone(),
                    device: file.0,
                    inode: file.1,
                }])])?;
                one.name = name;
                Ok(true)
            }
            Err(stop) => {
                self.give_back(one, stop);
                Ok(false)
            }
        }
    }

    /// A queue id that no file in TO's maildrop has: the same but for the microseconds.
    fn free_name(&self, id: &QueueId, inode: u64) -> Result<String, Stop> {
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
            let at = self.mover.target(&name)?;
            let stat = at
                .stat()
                .map_err(|e| fail("cannot examine", &at.path, &e))?;
            if stat.is_none() {
                return Ok(name);
            }
        }
        Err(Stop::Fail("no name is free in TO's maildrop".to_owned()))
    }

    /// Copies a batch; see the table in `protocol.rs` for why in this order.
    fn copy(&mut self, ready: Vec<Ready<'_>>, now: i64) -> io::Result<()> {
        let mut begun = Vec::with_capacity(ready.len());
        for mut one in ready {
            loop {
                match self.mover.begin_copy(one.held.n, &one.name) {
                    Ok(Some((file, made))) => {
                        begun.push((one, file, made));
                        break;
                    }
                    Ok(None) => {
                        let stat = one.held.stat;
                        if !self.rename(&mut one, (stat.device, stat.inode))? {
                            break;
                        }
                    }
                    Err(stop) => {
                        self.give_back(&one, stop);
                        break;
                    }
                }
            }
        }
        let made = begun.iter().map(|(.., made)| made.clone()).collect();
        self.journal.commit(&[Line::Copying(made)])?;
        let mut copied = Vec::with_capacity(begun.len());
        for (one, file, _) in begun {
            let Ok(at) = self.mover.target(&one.name) else {
                continue;
            };
            let owner = self.mover.to.owner();
            let size = one.held.stat.size;
            match self
                .mover
                .fill(&one.held.file, size, &file, &at.path, owner)
            {
                Ok(()) => copied.push((one, file, at)),
                Err(stop) => match self.mover.drop_copy(&at, true) {
                    Ok(()) => self.give_back(&one, stop),
                    Err(_) => self.end(one.held.n, on_hold(&one, stop)),
                },
            }
        }
        self.mover.sync()?;
        let numbers = copied.iter().map(|(one, ..)| one.held.n).collect();
        self.journal.commit(&[Line::Copied(numbers)])?;
        let mut sourceless = Vec::with_capacity(copied.len());
        for (one, file, at) in copied {
            match self.mover.drop_source(&one.held) {
                Ok(()) => sourceless.push((one, file, at)),
                Err(stop) => match (stop, self.mover.drop_copy(&at, true)) {
                    // Somebody released or removed the source: the message is theirs again, the copy one too many.
                    (stop @ Stop::Skip(_), Ok(())) => self.end(one.held.n, stop),
                    (stop, Ok(())) => self.give_back(&one, stop),
                    (stop, Err(_)) => self.end(one.held.n, on_hold(&one, stop)),
                },
            }
        }
        self.mover.sync()?;
        for (one, file, at) in sourceless {
            match self.mover.publish(&file, &at.path, now) {
                Ok(()) => self.moved(&one),
                Err(stop) => self.end(one.held.n, stop),
            }
        }
        Ok(())
    }

    fn moved(&mut self, one: &Ready<'_>) {
        self.ended.push(Ended {
            n: one.held.n,
            fate: Fate::Moved,
            why: None,
            name: Some(one.name.clone()),
        });
    }

    fn end(&mut self, n: u32, stop: Stop) {
        let (fate, why) = match stop {
            Stop::Skip(why) => (Fate::Skipped, why),
            Stop::Fail(why) => (Fate::Failed, why),
        };
        self.ended.push(Ended {
            n,
            fate,
            why: Some(why),
            name: None,
        });
    }

    /// A held message that cannot be sent goes back to where it was.
    fn give_back(&mut self, one: &Ready<'_>, stop: Stop) {
        let stop = match stop {
            Stop::Skip(why) => Stop::Skip(why),
            Stop::Fail(why) => {
                match self
                    .mover
                    .release(&one.held.file, &one.held.hold, &one.track.intent)
                {
                    Ok(()) => Stop::Fail(format!("{why}; it is back where it was")),
                    Err(Stop::Skip(also) | Stop::Fail(also)) => {
                        Stop::Fail(format!("{why}; {also}"))
                    }
                }
            }
        };
        self.end(one.held.n, stop);
    }
}

fn on_hold(one: &Ready<'_>, stop: Stop) -> Stop {
    let (Stop::Skip(why) | Stop::Fail(why)) = stop;
    let path = one.held.hold.path.display();
    Stop::Fail(format!(
        "{why}; it is on hold: {path}; queue-move resume tries again"
    ))
}
