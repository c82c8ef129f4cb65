//! `resume` and `undo`: from the journal and what is on disk to one of the two ends. Both may be interrupted and run
//! again, in any order.
//!
//! The journal says what was meant; where a message is, its file says: found by its inode, and known for this move's
//! own by its mark. What to do then is `protocol.rs`'s to say.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use postfix::queue::Queue;

use crate::execute::{Pace, Watch, Work, run};
use crate::fsops::{Fs, Stat};
use crate::journal::{Ended, Fate, Journal, Line, Track, Writer};
use crate::mover::{Mover, RETRIED, Stop, fail};
use crate::observe::{adopt, in_pickups_hand, observe, rebase};
use crate::protocol::{Copy, End, Goal, Step, next};
use crate::tree::Place;

/// How long pickup(8) may have a message in hand while `undo` waits for it.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);
/// pickup(8) closes a file just before it removes it: a moment in which it shows in nobody's hand.
const SETTLE: Duration = Duration::from_secs(1);
/// Steps of one message, more than the protocol has.
const MOST_STEPS: usize = 20;

/// What TO's log says has become of a name in its maildrop: the new queue id, once its queue manager has the message.
pub type Accepted<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How recovery goes about it.
pub struct Recovery<'a> {
    /// The system calls.
    pub fs: Fs<'a>,
    /// Where it is to lead.
    pub goal: Goal,
    /// How fast, for what is moved.
    pub pace: Pace,
    /// What TO's log says.
    pub accepted: Accepted<'a>,
    /// Does TO run, so that its pickup may have mail in hand?
    pub to_runs: bool,
    /// Told and asked on the way.
    pub watch: &'a dyn Watch,
}

impl std::fmt::Debug for Recovery<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recovery")
            .field("goal", &self.goal)
            .finish_non_exhaustive()
    }
}

impl<'a> Recovery<'a> {
    /// Recovers a move. Every message of it has an end in the result, in its order, but for those that an interrupt
    /// left for the next time.
    ///
    /// # Errors
    /// The spools cannot be opened, or the journal cannot be written.
    pub fn run(&self, mut journal: Journal) -> io::Result<Vec<Ended>> {
        let mut writer = Writer::reopen(self.fs, &journal)?;
        let finish = self.goal == Goal::Finish;
        let now = self.watch.now();
        writer.commit(&[Line::Recover(finish, now)])?;
        let mut ends = Vec::new();
        if journal.planned {
            let mover = Mover::open(self.fs, &journal.header)?;
            rebase(&mut journal, &mover)?;
            ends = self.all(&mover, &mut writer, &mut journal)?;
            mover.sync()?;
        }
        ends.sort_by_key(|ended| ended.n);
        let mut lines = vec![Line::Ended(ends.clone())];
        let left = ends.len() < journal.tracks.len() && journal.planned;
        let failed = ends.iter().any(|ended| ended.fate == Fate::Failed);
        if !left && !failed {
            lines.push(Line::Finished(self.watch.now()));
        }
        writer.commit(&lines)?;
        Ok(ends)
    }

    fn all(
        &self,
        mover: &Mover<'a>,
        writer: &mut Writer<'a>,
        journal: &mut Journal,
    ) -> io::Result<Vec<Ended>> {
        let mut ends = Vec::new();
        let closed = self.close_all(mover, journal)?;
        let busy = self.settle(&closed);
        let mut fresh = Vec::new();
        for at in 0..journal.tracks.len() {
            if self.watch.interrupted() {
                break;
            }
            let track = &mut journal.tracks[at];
            let in_hand = track.copy.map_or_else(
                || (track.intent.file.device, track.intent.file.inode),
                |(device, inode, _)| (device, inode),
            );
            if busy.contains(&in_hand) {
                let why = "TO's pickup has it in hand; run queue-move undo again later";
                ends.push(ended(track, Fate::Failed, Some(why.to_owned())));
                continue;
            }
            match self.one(mover, writer, track) {
                Ok(Left::Work(held)) => fresh.push((at, held)),
                Ok(Left::Ended(end)) => {
                    self.watch.advanced(1);
                    ends.push(end);
                }
                Err(Failed::Message(why)) => ends.push(ended(track, Fate::Failed, Some(why))),
                Err(Failed::All(e)) => return Err(e),
            }
        }
        mover.sync()?;
        let works: Vec<Work<'_>> = fresh
            .iter()
            .map(|&(at, held)| Work {
                track: &journal.tracks[at],
                held,
            })
            .collect();
        ends.extend(run(mover, writer, &works, self.pace, self.watch)?);
        if self.goal == Goal::Finish && ends.iter().any(|end| end.fate == Fate::Moved) {
            self.watch.delivered();
        }
        Ok(ends)
    }

    /// Takes a message as far as it goes by itself.
    fn one(
        &self,
        mover: &Mover<'_>,
        writer: &mut Writer<'_>,
        track: &mut Track,
    ) -> Result<Left, Failed> {
        for _ in 0..MOST_STEPS {
            adopt(mover, track)?;
            let seen = observe(mover, track)?;
            let accepted = || (self.accepted)(&track.name);
            match next(seen, self.goal) {
                Step::End(end) => {
                    if end == End::Home {
                        mover.clear_mark(&track.intent);
                    }
                    let (fate, why) = self.told(end, track);
                    return Ok(Left::Ended(ended(track, fate, why)));
                }
                Step::Hold => return Ok(Left::Work(false)),
                Step::Send => {
                    // A power cut may bring back a name whose message TO has taken already.
                    if let Some(new) = accepted() {
                        let why = format!(
                            "TO has it as {new}, but it is on hold in FROM too: \
                             compare the two, then postsuper -d one of them"
                        );
                        return Err(Failed::Message(why));
                    }
                    return Ok(Left::Work(true));
                }
                Step::Return if accepted().is_some() => {
                    let new = accepted().unwrap_or_default();
                    let why = format!(
                        "TO has it as {new}, but its file is still in TO's maildrop, closed to pickup"
                    );
                    return Err(Failed::Message(why));
                }
                Step::DropSource => {
                    let held = mover.held(track)?;
                    mover.drop_source(&held)?;
                    mover.sync().map_err(Failed::All)?;
                }
                Step::Publish => {
                    let at = mover.target(&track.name)?;
                    let file = at.open().map_err(|e| fail("cannot open", &at.path, &e))?;
                    if let Some(file) = file {
                        mover.publish(&file, &at.path, self.watch.now())?;
                    }
                }
                Step::Close => {
                    // It was opened after all were closed: by another resume, which the lock does not allow.
                    return Err(Failed::Message("it is open to TO's pickup".to_owned()));
                }
                Step::DropTarget => {
                    let at = mover.target(&track.name)?;
                    mover.drop_copy(&at, true)?;
                    mover.sync().map_err(Failed::All)?;
                    track.copy = None;
                }
                Step::DropBack => {
                    let hold = mover.held(track)?.hold;
                    mover.drop_copy(&hold, false)?;
                    mover.sync().map_err(Failed::All)?;
                    track.back = None;
                }
                Step::OpenBack => {
                    let held = mover.held(track)?;
                    let done = self.fs.mode(&held.file, &held.hold.path, 0o700);
                    done.map_err(|e| fail("cannot open", &held.hold.path, &e))?;
                }
                Step::Return => give_back(mover, writer, track)?,
                Step::Release => {
                    let held = mover.held(track)?;
                    mover.release(&held.file, &held.hold, &track.intent)?;
                    return Ok(Left::Ended(ended(track, Fate::Restored, None)));
                }
            }
        }
        Err(Failed::Message("it does not come to rest".to_owned()))
    }

    fn told(&self, end: End, track: &Track) -> (Fate, Option<String>) {
        let was = track.ended.as_ref().map(|ended| ended.fate);
        let fate_or = |fate| was.unwrap_or(fate);
        match end {
            End::Moved => (Fate::Moved, None),
            End::Home if self.goal == Goal::Back => (Fate::Restored, None),
            End::Home | End::Retried => (Fate::Skipped, Some(RETRIED.to_owned())),
            End::HeldByOthers => {
                let why = "it is on hold, but not by this move";
                (Fate::Skipped, Some(why.to_owned()))
            }
            End::InDoubt => {
                let why = "an unfinished copy is all there is of it: left as it is";
                (Fate::Failed, Some(why.to_owned()))
            }
            End::Gone => match ((self.accepted)(&track.name), fate_or(Fate::Skipped)) {
                (Some(new), _) if self.goal == Goal::Back => {
                    let why = format!("TO has it already, as {new}: move it back from there");
                    (Fate::Skipped, Some(why))
                }
                (Some(_), _) | (None, Fate::Moved) if self.goal == Goal::Finish => {
                    (Fate::Moved, None)
                }
                (_, Fate::Moved) => {
                    let why = "TO has taken it already: move it back from there";
                    (Fate::Skipped, Some(why.to_owned()))
                }
                _ => {
                    let why = "it is no longer in FROM's deferred or hold queue, nor in TO's maildrop: \
                               a queue manager has taken it, or an admin";
                    (Fate::Skipped, Some(why.to_owned()))
                }
            },
        }
    }

    /// `undo`: closes all that lies open in TO's maildrop. The files, by device and inode.
    fn close_all(&self, mover: &Mover<'_>, journal: &Journal) -> io::Result<HashSet<(u64, u64)>> {
        let mut closed = HashSet::new();
        if self.goal == Goal::Finish {
            return Ok(closed);
        }
        for track in &journal.tracks {
            let Ok(seen) = observe(mover, track) else {
                continue;
            };
            let Ok(at) = mover.target(&track.name) else {
                continue;
            };
            if matches!(seen.target, Copy::Open | Copy::Closed)
                && let Some(file) = at.open()?
            {
                let stat = Stat::of_file(&file)?;
                if seen.target == Copy::Open {
                    mover.close(&file, &at.path)?;
                }
                closed.insert((stat.device, stat.inode));
            }
        }
        Ok(closed)
    }

    /// Waits until TO's pickup has none of the files in hand; those that it keeps.
    fn settle(&self, files: &HashSet<(u64, u64)>) -> HashSet<(u64, u64)> {
        if files.is_empty() || !self.to_runs {
            return HashSet::new();
        }
        let mut waited = Duration::ZERO;
        let mut busy = in_pickups_hand(files);
        while !busy.is_empty() && waited < PATIENCE {
            self.watch.pause(POLL);
            waited += POLL;
            busy = in_pickups_hand(files);
        }
        self.watch.pause(SETTLE);
        busy
    }
}

enum Left {
    /// To be moved; `true`: it is on hold already.
    Work(bool),
    Ended(Ended),
}

enum Failed {
    /// This message.
    Message(String),
    /// The journal, and so everything.
    All(io::Error),
}

impl From<Stop> for Failed {
    fn from((Stop::Skip(why) | Stop::Fail(why)): Stop) -> Self {
        Self::Message(why)
    }
}

fn ended(track: &Track, fate: Fate, why: Option<String>) -> Ended {
    Ended {
        n: track.intent.n,
        fate,
        why,
        name: (fate == Fate::Moved).then(|| track.name.clone()),
    }
}

/// From TO's maildrop back to FROM's hold queue.
fn give_back(mover: &Mover<'_>, writer: &mut Writer<'_>, track: &mut Track) -> Result<(), Failed> {
    let id = track.intent.id().map_err(Failed::All)?;
    let at = mover.target(&track.name)?;
    let hold = mover.from.at_made(mover.fs, Place::Queue(Queue::Hold), &id);
    let hold = hold.map_err(|e| fail("cannot open the hold queue for", &at.path, &e))?;
    let Some(file) = at.open().map_err(|e| fail("cannot open", &at.path, &e))? else {
        return Ok(());
    };
    if !mover.cross_device {
        let done = mover.fs.rename(&at, &hold);
        done.map_err(|e| fail("cannot move back to", &hold.path, &e))?;
        mover.touched_to.add(&at);
        mover.touched_from.add(&hold);
        return Ok(());
    }
    let copy = mover.fs.create(&hold, 0o600);
    let copy = copy.map_err(|e| fail("cannot make", &hold.path, &e))?;
    mover.touched_from.add(&hold);
    let stat = |file| Stat::of_file(file).map_err(|e| fail("cannot examine", &hold.path, &e));
    let made = stat(&copy)?;
    let line = Line::Returning(crate::journal::Made {
        n: track.intent.n,
        name: track.intent.queue_id.clone(),
        device: made.device,
        inode: made.inode,
    });
    writer.commit(&[line]).map_err(Failed::All)?;
    track.back = Some((made.device, made.inode, false));
    let owner = mover.from.owner();
    let size = stat(&file)?.size;
    if let Err(stop) = mover.fill(&file, size, &copy, &hold.path, owner) {
        // The one in TO's maildrop is complete.
        drop(mover.drop_copy(&hold, false));
        track.back = None;
        return Err(stop.into());
    }
    mover.sync().map_err(Failed::All)?;
    writer
        .commit(&[Line::Returned(track.intent.n)])
        .map_err(Failed::All)?;
    track.back = Some((made.device, made.inode, true));
    Ok(())
}
