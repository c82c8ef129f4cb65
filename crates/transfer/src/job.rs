//! A message on its way through a run: what is known of it, and the files of it that are open.

use std::fs::File;

use rustix::fs::FlockOperation;

use crate::fsops::Stat;
use crate::journal::{Ended, Fate, Track};
use crate::mover::{BEING_DELIVERED, EXPIRED, GONE, HELD_AGAIN, Mover, Stop, fail, skip};
use crate::protocol::{Goal, Observation};
use crate::tree::At;

/// Where the files of a message are, as last seen or left.
#[derive(Debug, Default)]
pub(crate) struct Places {
    pub(crate) own: Option<At>,
    pub(crate) target: Option<At>,
    pub(crate) back: Option<At>,
    pub(crate) decoy: Option<At>,
}

/// Why a file is not to be requeued. What FROM's queue manager saves to its corrupt queue, or can make sense of all the
/// same, pickup removes for good; and of requeued mail nobody knows that `postsuper -e` was asked for. Reads all of it.
pub(crate) fn unfit(file: &File, stat: &Stat) -> Option<String> {
    if stat.is_forced_expire() {
        return Some(EXPIRED.to_owned());
    }
    let damage = postfix::queue::damage(file, stat.size)?;
    Some(format!(
        "its file is damaged: pickup would delete it ({damage})"
    ))
}

/// A message on its way through a run.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) track: Box<Track>,
    pub(crate) seen: Observation,
    pub(crate) places: Places,
    /// Where it is to go: back, too, if it cannot be moved.
    pub(crate) goal: Goal,
    /// The inode of its own file.
    pub(crate) inode: u64,
    /// Its own file, and the copy that is being made of it, while a batch has them open.
    pub(crate) own: Option<QueueFile>,
    pub(crate) copy: Option<File>,
    /// Why it goes back, where it was to be moved: as skipped or failed.
    pub(crate) because: Option<(Fate, String)>,
    /// On hold, does somebody have it locked? FROM is delivering it then.
    pub(crate) locked: bool,
    /// On hold, has FROM written to it since this move has marked it? A copy may lack what was delivered since.
    pub(crate) is_written: bool,
    /// Are its logs seen to?
    pub(crate) stripped: bool,
    /// Has its file been read, and would TO's pickup take it?
    pub(crate) sound: bool,
    /// How often it was looked at anew.
    pub(crate) looks: u8,
}

impl Job {
    /// A message that nothing has been done to.
    pub(crate) fn fresh(track: Box<Track>, cross_device: bool) -> Self {
        Self {
            seen: Observation::planned(cross_device),
            places: Places::default(),
            goal: Goal::Finish,
            inode: track.intent.file.inode,
            own: None,
            copy: None,
            because: None,
            locked: false,
            is_written: false,
            stripped: false,
            sound: false,
            looks: 0,
            track,
        }
    }

    pub(crate) fn n(&self) -> u32 {
        self.track.intent.n
    }

    /// The message's own file, open, and what it is now.
    pub(crate) fn open_own(&mut self) -> Result<(&QueueFile, Stat), Stop> {
        let gone = || Stop::Raced(GONE.to_owned());
        if self.own.is_none() {
            let at = self.places.own.as_ref().ok_or_else(gone)?;
            let opened = at.open().map_err(|e| fail("cannot open", &at.path, &e))?;
            self.own = opened.map(QueueFile);
        }
        let file = self.own.as_ref().ok_or_else(gone)?;
        let stat = Stat::of_file(file);
        let stat = stat.map_err(|e| Stop::Fail(format!("cannot examine an open file: {e}")))?;
        if stat.inode == self.inode {
            Ok((file, stat))
        } else {
            Err(gone())
        }
    }

    /// Its own file, on hold, locked until the batch lets go of it: FROM has it not in hand now, and cannot get it.
    /// Between the hold and this an admin may have released it, FROM may have begun to deliver it, and the admin may
    /// have put it on hold again: then a delivery agent has locked it still, or it has lost the mark.
    pub(crate) fn secure(&mut self, mover: &Mover<'_>) -> Result<(At, Stat), Stop> {
        let (file, _) = self.open_own()?;
        if !file.lock() {
            return Err(Stop::Raced(BEING_DELIVERED.to_owned()));
        }
        // Not before: what agents have done shows now, and they do no more.
        let gone = || Stop::Raced(GONE.to_owned());
        let at = self.places.own.clone().ok_or_else(gone)?;
        let stat = at.stat();
        let stat = stat.map_err(|e| fail("cannot examine", &at.path, &e))?;
        let stat = stat.filter(|stat| stat.inode == self.inode);
        let stat = stat.ok_or_else(gone)?;
        match mover.is_marked(&stat) {
            true => Ok((at, stat)),
            false => Err(Stop::Raced(HELD_AGAIN.to_owned())),
        }
    }

    /// Would TO take its own file, which is secured and was `stat`?
    pub(crate) fn must_be_fit(&mut self, stat: &Stat) -> Result<(), Stop> {
        if self.sound && !stat.is_forced_expire() {
            return Ok(());
        }
        let (file, stat) = self.open_own()?;
        if let Some(why) = unfit(file, &stat) {
            return skip(&why);
        }
        self.sound = true;
        Ok(())
    }

    /// Is its own file still where it was seen?
    pub(crate) fn check_own(&self) -> Result<&At, Stop> {
        let gone = || Stop::Raced(GONE.to_owned());
        let at = self.places.own.as_ref().ok_or_else(gone)?;
        check_inode(at, self.inode)?;
        Ok(at)
    }

    /// The inode of what is in TO.
    pub(crate) fn target_inode(&self) -> u64 {
        match (self.seen.cross_device, self.track.copy) {
            (true, Some(copy)) => copy.inode,
            (true, None) => 0,
            (false, _) => self.inode,
        }
    }

    /// What is in TO, if it is still where it was seen.
    pub(crate) fn check_target(&self) -> Result<&At, Stop> {
        let gone = || Stop::Raced("it has left TO's maildrop".to_owned());
        let at = self.places.target.as_ref().ok_or_else(gone)?;
        check_inode(at, self.target_inode())?;
        Ok(at)
    }

    /// Has nobody read what is in TO since it was opened to pickup, as far as that shows?
    pub(crate) fn is_target_unread(&self) -> bool {
        let target = self.places.target.as_ref();
        target.is_some_and(|at| at.is_unread(self.target_inode()))
    }

    pub(crate) fn ended(&self, fate: Fate, why: Option<String>) -> Ended {
        Ended {
            n: self.n(),
            fate,
            why,
            name: (fate == Fate::Moved).then(|| self.track.name.clone()),
        }
    }

    /// Lets go of what is open: a batch has only so many files.
    pub(crate) fn close(&mut self) {
        (self.own, self.copy) = (None, None);
    }
}

/// A queue file, open. Its lock goes with it, even where a process that is just being started has the descriptor too.
#[derive(Debug)]
pub(crate) struct QueueFile(pub(crate) File);

impl QueueFile {
    /// Locks it as delivery agents do. `false`: somebody else has locked it.
    pub(crate) fn lock(&self) -> bool {
        rustix::fs::flock(&self.0, FlockOperation::NonBlockingLockExclusive).is_ok()
    }
}

impl std::ops::Deref for QueueFile {
    type Target = File;
    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for QueueFile {
    fn drop(&mut self) {
        // Closing it does the rest.
        let _ = rustix::fs::flock(&self.0, FlockOperation::Unlock);
    }
}

/// Is the file of this inode there?
pub(crate) fn check_inode(at: &At, inode: u64) -> Result<(), Stop> {
    let stat = at.stat();
    let stat = stat.map_err(|e| fail("cannot examine", &at.path, &e))?;
    match stat {
        Some(stat) if stat.inode == inode => Ok(()),
        _ => Err(Stop::Raced(GONE.to_owned())),
    }
}
