//! The steps of a move that reach into TO's maildrop: renaming, or copying, opening, closing.

use std::fs::File;
use std::io;
use std::path::Path;

use postfix::queue::{Queue, QueueId};

use crate::fsops::Stat;
use crate::journal::Made;
use crate::mover::{Held, Mover, Stop, fail, skip};
use crate::tree::{At, Place};

/// A far future: a closed copy in maildrop must not look old to `postsuper -p`, which purges such after a week.
const FAR_FUTURE: i64 = 4_102_444_800;

const RELEASED: &str = "somebody has released or removed it while this move held it";

impl Mover<'_> {
    /// Is the file on hold still there, and ours?
    fn still_ours(&self, held: &Held) -> Result<(), Stop> {
        let there = held.hold.stat();
        let there = there.map_err(|e| fail("cannot examine", &held.hold.path, &e))?;
        match there {
            Some(there) if there.is_same_file(&held.stat) => Ok(()),
            _ => skip(RELEASED),
        }
    }

    /// One file system: renames it into TO's maildrop under `name`. `Ok(false)`: that name is taken.
    pub(crate) fn send(&self, held: &Held, name: &str, now: i64) -> Result<bool, Stop> {
        self.still_ours(held)?;
        let path = &held.hold.path;
        if held.stat.mode != 0o700 {
            let mode = self.fs.mode(&held.file, path, 0o700);
            mode.map_err(|e| fail("cannot set the mode of", path, &e))?;
        }
        let time = self.fs.times(&held.file, path, self.marked(now));
        time.map_err(|e| fail("cannot set the time of", path, &e))?;
        let to = self.target(name)?;
        match self.fs.rename(&held.hold, &to) {
            Ok(()) => {
                self.touched_from.add(&held.hold);
                self.touched_to.add(&to);
                Ok(true)
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(e) if e.kind() == io::ErrorKind::NotFound => skip(RELEASED),
            Err(e) => Err(fail("cannot move into", &to.path, &e)),
        }
    }

    /// The place of a name in TO's maildrop.
    pub(crate) fn target(&self, name: &str) -> Result<At, Stop> {
        let id = QueueId::new(name).ok_or_else(|| Stop::Fail("no queue id".to_owned()))?;
        let dir = self.to.spool().queue_dir(Queue::Maildrop);
        let at = self.to.at(Place::Queue(Queue::Maildrop), &id);
        let at = at.map_err(|e| fail("cannot open the directory", &dir, &e))?;
        at.ok_or_else(|| Stop::Fail(format!("there is no {}", dir.display())))
    }

    /// Between file systems: makes an empty, closed file in TO's maildrop. `Ok(None)`: that name is taken.
    pub(crate) fn begin_copy(&self, n: u32, name: &str) -> Result<Option<(File, At, Made)>, Stop> {
        let to = self.target(name)?;
        let file = match self.fs.create(&to, 0o600) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            Err(e) => return Err(fail("cannot make", &to.path, &e)),
        };
        self.touched_to.add(&to);
        let stat = Stat::of_file(&file).map_err(|e| fail("cannot examine", &to.path, &e))?;
        let made = Made {
            n,
            name: name.to_owned(),
            device: stat.device,
            inode: stat.inode,
        };
        Ok(Some((file, to, made)))
    }

    /// Fills a copy, and puts it on disk.
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
                return Err(io::Error::other("its size changed while it was copied"));
            }
            self.fs.times(to, path, self.marked(FAR_FUTURE))?;
            self.fs.sync(to, path)
        })();
        done.map_err(|e| fail("cannot copy to", path, &e))
    }

    /// Removes the source of a complete copy.
    pub(crate) fn drop_source(&self, held: &Held) -> Result<(), Stop> {
        self.still_ours(held)?;
        match self.fs.unlink(&held.hold) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => return skip(RELEASED),
            Err(e) => return Err(fail("cannot remove", &held.hold.path, &e)),
        }
        self.touched_from.add(&held.hold);
        Ok(())
    }

    /// Opens the copy in TO's maildrop: from here on, pickup(8) may take it.
    pub(crate) fn publish(&self, file: &File, path: &Path, now: i64) -> Result<(), Stop> {
        let done = (|| {
            self.fs.times(file, path, self.marked(now))?;
            self.fs.mode(file, path, 0o700)?;
            self.fs.sync(file, path)
        })();
        done.map_err(|e| {
            fail(
                "it lies in TO's maildrop, closed to pickup: cannot open",
                path,
                &e,
            )
        })
    }

    /// Closes what is in TO's maildrop, against `postsuper -p` too.
    pub(crate) fn close(&self, file: &File, path: &Path) -> io::Result<()> {
        self.fs.mode(file, path, 0o600)?;
        self.fs.times(file, path, self.marked(FAR_FUTURE))
    }

    /// Removes a copy of a message of which another complete one is there.
    pub(crate) fn drop_copy(&self, at: &At, in_to: bool) -> Result<(), Stop> {
        let done = self.fs.unlink(at);
        done.map_err(|e| fail("cannot remove", &at.path, &e))?;
        if in_to {
            self.touched_to.add(at);
        } else {
            self.touched_from.add(at);
        }
        Ok(())
    }
}
