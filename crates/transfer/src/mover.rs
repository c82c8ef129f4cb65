//! Both spools, open, and what all steps need: names, marks, and what must still be put on disk.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use postfix::queue::{IdParts, Queue, QueueId};
use postfix::{Span, Time};

use crate::fsops::{FileTime, Fs, Stat};
use crate::journal::Header;
use crate::tree::{At, DELETED, QueueDir, Touched, Tree};

/// A file on hold that has this permission bit is held by a move; Postfix itself never sets it, and does not mind it.
/// Where a file system keeps nanoseconds, a time with those of the move is the mark: setting it takes nothing away that
/// an admin may be setting at the same moment (`postsuper -e`).
const MARK: u32 = 0o1000;
/// A far future, which 32 bits can hold: what is closed must not look old to `postsuper -p`, which purges such after a
/// week.
const FAR_FUTURE: Time = Time::from_seconds(2_145_916_800);
/// Seconds behind that by which the decoys of all messages of all moves differ; 32 bits hold them too.
const DECOY_TIMES: u64 = 1_499_999;

/// Both spools, open, and what all steps need.
pub(crate) struct Mover<'a> {
    pub(crate) fs: Fs<'a>,
    pub(crate) from: Tree,
    pub(crate) to: Tree,
    pub(crate) cross_device: bool,
    /// What names of covered files end with, and the nanoseconds of the times of files that are held.
    mark: u32,
    /// Does FROM's file system keep nanoseconds? Seen with the first file that is marked.
    nanoseconds: OnceLock<bool>,
    /// Does TO give files long queue ids, and FROM?
    pub(crate) to_long: bool,
    pub(crate) from_long: bool,
    pub(crate) touched_from: Touched,
    pub(crate) touched_to: Touched,
}

/// Why a step was not done.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Somebody else was faster: look anew. The reason, if that changes nothing.
    Raced(String),
    /// Nothing is wrong: the message is not for this move.
    Skip(String),
    /// Something is.
    Fail(String),
}

impl Stop {
    /// The reason.
    pub(crate) fn why(self) -> String {
        let (Self::Raced(why) | Self::Skip(why) | Self::Fail(why)) = self;
        why
    }
}

/// A failure, of which kind: what was tried, where, the reason.
pub(crate) fn fail(tried: &str, path: &Path, error: &io::Error) -> Stop {
    Stop::Fail(format!("{tried}: {}: {error}", path.display()))
}

/// The same, but for a file that is not there any more, which is a race that was lost.
pub(crate) fn fail_or_raced(tried: &str, path: &Path, error: &io::Error) -> Stop {
    match error.kind() {
        io::ErrorKind::NotFound => Stop::Raced(GONE.to_owned()),
        _ => fail(tried, path, error),
    }
}

pub(crate) fn skip<T>(why: &str) -> Result<T, Stop> {
    Err(Stop::Skip(why.to_owned()))
}

/// Which requeueing would undo.
pub(crate) const EXPIRED: &str =
    "an admin has marked it to be returned to the sender (postsuper -e, -f)";
pub(crate) const GONE: &str = "somebody released or removed it while this move held it";
pub(crate) const HELD_AGAIN: &str =
    "somebody released it and put it on hold again while this move held it";
pub(crate) const BEING_DELIVERED: &str = "it is being delivered";
pub(crate) const TAKEN: &str = "the queue manager took it";
pub(crate) const LEFT: &str = "it left the deferred queue after the plan was made";
pub(crate) const RETRIED: &str = "it was tried again after the plan was made";

/// Was a message skipped because FROM's queue manager had it in hand just then? A later run may find it waiting.
pub fn is_passing(why: &str) -> bool {
    [TAKEN, LEFT, RETRIED, BEING_DELIVERED].contains(&why)
}

impl<'a> Mover<'a> {
    pub(crate) fn open(fs: Fs<'a>, header: &Header) -> io::Result<Self> {
        Ok(Self {
            fs,
            from: Tree::open(header.from.spool(), header.from.owner)?,
            to: Tree::open(header.to.spool(), header.to.owner)?,
            cross_device: header.cross_device,
            mark: header.mark,
            nanoseconds: OnceLock::new(),
            to_long: header.to.long_queue_ids,
            from_long: header.from.long_queue_ids,
            touched_from: Touched::default(),
            touched_to: Touched::default(),
        })
    }

    /// Does a move hold this file?
    pub(crate) fn is_marked(&self, stat: &Stat) -> bool {
        stat.mode & MARK != 0 || stat.mtime.nanoseconds == self.mark
    }

    /// Is the content of this marked file what it was when it was marked? Postfix notes in the file which recipients it
    /// has delivered to. `planned`: the second of its time then. A file that came back from TO is closed until then.
    pub(crate) fn is_untouched(&self, stat: &Stat, planned: Time) -> bool {
        stat.mtime.nanoseconds == self.mark || [planned, FAR_FUTURE].contains(&stat.mtime.second())
    }

    /// The permission bits of a file that this move holds, and that nobody else can get at now.
    pub(crate) fn marked(mode: u32) -> u32 {
        mode | MARK
    }

    /// Marks a file, giving it this time.
    pub(crate) fn mark(&self, file: &File, path: &Path, mode: u32, at: Time) -> io::Result<()> {
        let time = FileTime::of(at, self.mark);
        self.fs.times(file, path, time)?;
        let kept = match self.nanoseconds.get() {
            Some(kept) => *kept,
            None => {
                let kept = Stat::of_file(file)?.mtime.nanoseconds == self.mark;
                *self.nanoseconds.get_or_init(|| kept)
            }
        };
        if kept {
            return Ok(());
        }
        self.fs.mode(file, path, mode | MARK)
    }

    /// Takes the mark off. Not worth an error: nothing but this tool looks at it.
    pub(crate) fn unmark(&self, file: &File, path: &Path) {
        let Ok(stat) = Stat::of_file(file) else {
            return;
        };
        if stat.mtime.nanoseconds == self.mark {
            drop(self.set_time(file, path, stat.mtime.second()));
        }
        if stat.mode & MARK != 0 {
            drop(self.fs.mode(file, path, stat.mode & !MARK));
        }
    }

    /// Where FROM has the message under this name.
    pub(crate) fn in_from(&self, queue: Queue, id: &QueueId) -> Result<Option<At>, Stop> {
        let found = self.from.at(QueueDir::Queue(queue), id);
        found.map_err(|e| fail("cannot open the directory", self.from.spool().dir(), &e))
    }

    /// The place of a name in TO's maildrop.
    pub(crate) fn in_maildrop(&self, name: &QueueId) -> Result<At, Stop> {
        let dir = self.to.spool().queue_dir(Queue::Maildrop);
        let at = self.to.at(QueueDir::Queue(Queue::Maildrop), name);
        let at = at.map_err(|e| fail("cannot open the directory", &dir, &e))?;
        at.ok_or_else(|| Stop::Fail(format!("there is no {}", dir.display())))
    }

    /// The name under which something of the message `id` lies covered: no queue id, so that Postfix and postsuper(1)
    /// leave it alone.
    pub(crate) fn covered(&self, mut at: At, id: &QueueId) -> At {
        at.name = format!("{id}.{:x}", self.mark);
        at.path.set_file_name(&at.name);
        at
    }

    /// The covered place of a message in FROM's or TO's hold directory.
    pub(crate) fn cover(&self, in_to: bool, id: &QueueId) -> Result<At, Stop> {
        let tree = if in_to { &self.to } else { &self.from };
        let at = tree.at_made(self.fs, QueueDir::Queue(Queue::Hold), id);
        let dir = tree.spool().queue_dir(Queue::Hold);
        let at = at.map_err(|e| fail("cannot open the directory", &dir, &e))?;
        Ok(self.covered(at, id))
    }

    /// Where a deletion keeps the message.
    pub(crate) fn kept(&self, id: &QueueId) -> Result<Option<At>, Stop> {
        let kept = self.from.deleted(&format!("{id}.{:x}", self.mark));
        kept.map_err(|e| {
            fail(
                "cannot open the directory of deleted mail",
                self.from.spool().dir(),
                &e,
            )
        })
    }

    /// All that this deletion keeps, as a pattern of the shell.
    pub(crate) fn kept_pattern(&self) -> PathBuf {
        let dir = self.from.spool().dir().join(DELETED);
        dir.join(format!("*.{:x}", self.mark))
    }

    /// Does the name end as those of files do that this move has covered?
    pub(crate) fn is_covered_by_this(&self, name: &str) -> bool {
        name.rsplit_once('.')
            .is_some_and(|(_, mark)| mark == format!("{:x}", self.mark))
    }

    /// The time of the decoy that stands for message `n`. Inode numbers are used again, and what is taken for this
    /// decoy is
    /// removed, or its absence taken for pickup's doing: another move's, or another message's, must not be mistaken for
    /// it.
    fn decoy_time(&self, n: u32) -> Time {
        let number = (u64::from(self.mark) * 7_368_787 + u64::from(n)) % DECOY_TIMES;
        FAR_FUTURE.plus(Span::from_seconds(number + 1))
    }

    /// The decoy of message `n`, if it is there. Those of older versions all had the same time.
    pub(crate) fn decoy_at(&self, at: &At, n: u32) -> io::Result<Option<Stat>> {
        let times = [self.decoy_time(n), FAR_FUTURE];
        let stat = at.stat()?.filter(Stat::is_empty_and_closed);
        Ok(stat.filter(|stat| times.contains(&stat.mtime.second())))
    }

    /// The same where decoys are made: one that has not got its time yet is known by its name.
    pub(crate) fn begun_decoy_at(&self, at: &At) -> io::Result<Option<Stat>> {
        let is_covered = self.is_covered_by_this(&at.name);
        let stat = at.stat()?.filter(Stat::is_empty_and_closed);
        Ok(stat.filter(|_| is_covered))
    }

    /// Gives a decoy the time by which it is known.
    pub(crate) fn set_decoy(&self, file: &File, path: &Path, n: u32) -> io::Result<()> {
        self.set_time(file, path, self.decoy_time(n))
    }

    /// Makes an empty file for the owner of `at`'s spool alone, closed.
    pub(crate) fn make_closed(&self, at: &At) -> Result<(File, Stat), Stop> {
        let made = (|| {
            let file = self.fs.create(at, 0o600)?;
            let stat = Stat::of_file(&file)?;
            Ok((file, stat))
        })();
        made.map_err(|e: io::Error| fail("cannot make", &at.path, &e))
    }

    /// Sets the time so that what is closed is not purged.
    pub(crate) fn set_far(&self, file: &File, path: &Path) -> io::Result<()> {
        self.set_time(file, path, FAR_FUTURE)
    }

    pub(crate) fn set_time(&self, file: &File, path: &Path, at: Time) -> io::Result<()> {
        self.fs.times(file, path, FileTime::of(at, 0))
    }

    /// Copies a whole file and puts it on disk: closed, its owner's, not to be purged.
    pub(crate) fn fill(
        &self,
        from: &File,
        size: u64,
        to: &File,
        path: &Path,
        owner: (u32, u32),
    ) -> Result<(), Stop> {
        let done = (|| {
            self.fs.owner(to, path, owner.0, owner.1)?;
            let copied = self.fs.copy(from, to, path)?;
            if copied != size {
                return Err(io::Error::other(
                    "its size changed while it was being copied",
                ));
            }
            self.set_far(to, path)?;
            self.fs.sync(to, path)
        })();
        done.map_err(|e| fail("cannot copy to", path, &e))
    }

    pub(crate) fn touch_from(&self, at: &At) {
        self.touched_from.add(at);
    }

    pub(crate) fn touch_to(&self, at: &At) {
        self.touched_to.add(at);
    }

    /// Puts on disk all names that were made, changed or removed since the last time.
    pub(crate) fn sync(&self) -> io::Result<()> {
        // Where a message goes, before where it comes from: on some disk there must always be a name for it.
        self.to.sync(self.fs, &self.touched_to)?;
        self.from.sync(self.fs, &self.touched_from)
    }
}

/// The name that fits a file's inode, so that postsuper(1) leaves it when an instance starts (postsuper.c,
/// fix_queue_id): that of `id` with the inode in its place. `shift`: other microseconds, where that name is taken.
pub(crate) fn fitting(id: &QueueId, inode: u64, long: bool, shift: u32) -> QueueId {
    let other = |microseconds: u32| (microseconds + shift * 7919) % 1_000_000;
    QueueId::from_parts(match id.parts() {
        Some(IdParts::Long {
            seconds,
            microseconds,
            ..
        }) if long => IdParts::Long {
            seconds,
            microseconds: other(microseconds),
            inode,
        },
        Some(IdParts::Long { microseconds, .. } | IdParts::Short { microseconds, .. }) => {
            IdParts::Short {
                microseconds: other(microseconds),
                inode,
            }
        }
        None => IdParts::Short {
            microseconds: other(0),
            inode,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(id: &str, inode: u64, long: bool, expected: &str) {
        let id = QueueId::new(id).unwrap();
        assert_eq!(fitting(&id, inode, long, 0).as_str(), expected);
        let other = fitting(&id, inode, long, 1);
        assert_ne!(other.as_str(), expected);
        let fits = match other.parts().unwrap() {
            IdParts::Short { inode, .. } | IdParts::Long { inode, .. } => inode,
        };
        assert_eq!(fits, inode);
    }

    // As postsuper(1) of Postfix 3.7 renamed such files when their instance was started.
    #[test]
    fn names_fit_as_postsuper_wants_them() {
        check("3F2A51C04B", 0x32, false, "3F2A532");
        check("3F2A51C04B", 0x32, true, "3F2A532");
        check("4jYXfx4811zy", 0x32, false, "8E9B532");
        check("4jYXfx4811z11", 50, true, "4jYXfx4811zy");
        check("example_com", 0x32, false, "0000032");
    }
}
