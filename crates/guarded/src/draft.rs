//! A file that takes another's place once it is whole.

use std::ffi::OsString;
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir, Mode, OFlags, RenameFlags};
use rustix::fs::{fstat, fsync, openat, renameat, renameat_with, statat, unlinkat};
use rustix::io::Errno;

use crate::place::Place;
use crate::trust::file_type;

/// What temporary names begin with.
const PREFIX: &str = ".relay-tools-";
/// What has not been put in its place for so long, in seconds, never will be: who wrote it was killed.
const STALE_SECONDS: i64 = 3600;
/// So many names of a directory are looked at, which may be a stranger's.
const MOST_NAMES: usize = 10_000;

impl Place {
    /// A file that is to take this name, and the owner and the mode of the regular file that has it now.
    ///
    /// # Errors
    /// What has the name is not a regular file or may not be written to; the directory may not.
    pub fn draft(&self) -> io::Result<Draft> {
        Draft::of(self)
    }

    /// Gives the file this content, whole or not at all. See [`Place::draft`].
    ///
    /// # Errors
    /// It is as it was before.
    pub fn replace(&self, content: &[u8]) -> io::Result<()> {
        let mut draft = self.draft()?;
        draft.write_all(content)?;
        draft.put()
    }
}

/// The temporary name of a [`Draft`], to be removed should a signal end the tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    directory: Same,
    name: OsString,
}

/// An open directory: the very same one, and not one that is alike.
#[derive(Debug, Clone)]
struct Same(Arc<OwnedFd>);

impl PartialEq for Same {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Same {}

impl Leftover {
    /// Removes it. It is not an error if there is none.
    pub fn remove(&self) {
        unlinkat(&*self.directory.0, &self.name, AtFlags::empty()).ok();
    }
}

/// A file under a temporary name, which is removed unless the file is put in its place.
#[derive(Debug)]
pub struct Draft {
    place: Place,
    leftover: Option<Leftover>,
    file: File,
    /// Nothing has had the name.
    is_new: bool,
}

impl Draft {
    pub(crate) fn of(place: &Place) -> io::Result<Self> {
        // Not read, and not written to: a rename would replace even a file that must not be.
        let old = match place.regular(OFlags::WRONLY | OFlags::APPEND) {
            Ok(old) => Some(old.metadata()?),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        let (file, name) = create(&place.step.fd)?;
        // What is left of others is not worth an error.
        drop(sweep(&place.step.fd, &file));
        let draft = Self {
            place: place.clone(),
            leftover: Some(Leftover {
                directory: Same(Arc::clone(&place.step.fd)),
                name,
            }),
            file,
            is_new: old.is_none(),
        };
        if let Some(old) = old {
            // Owner first: a change of owner clears mode bits. Who may not give files away keeps them.
            let owner = (Some(old.uid()), Some(old.gid()));
            drop(std::os::unix::fs::fchown(&draft.file, owner.0, owner.1));
            let mode = std::fs::Permissions::from_mode(old.mode() & 0o777);
            draft.file.set_permissions(mode)?;
        }
        Ok(draft)
    }

    /// Lets everyone read the file, whatever the umask, unless it takes the place of one whose mode it has.
    ///
    /// # Errors
    /// The file system does not take it.
    pub fn share(&self) -> io::Result<()> {
        if !self.is_new {
            return Ok(());
        }
        let mode = std::fs::Permissions::from_mode(0o644);
        self.file.set_permissions(mode)
    }

    /// What is to be removed should the tool end before this does.
    pub fn leftover(&self) -> Option<Leftover> {
        self.leftover.clone()
    }

    /// Waits until what was written is on disk, so that [`Draft::put`] takes no time.
    ///
    /// # Errors
    /// The disk is full, say.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Gives the file its name, in place of what had it; it is on disk then.
    ///
    /// # Errors
    /// The disk is full, say: what had the name has it still.
    pub fn put(self) -> io::Result<()> {
        self.name(|at, from, to| renameat(at, from, at, to))
    }

    /// The same where nothing has the name yet.
    ///
    /// # Errors
    /// Something has it (`AlreadyExists`), and as [`Draft::put`].
    pub fn put_new(self) -> io::Result<()> {
        self.name(|at, from, to| {
            match renameat_with(at, from, at, to, RenameFlags::NOREPLACE) {
                // A file system that cannot do that: a second name never replaces either.
                Err(Errno::INVAL | Errno::NOSYS) => {
                    rustix::fs::linkat(at, from, at, to, AtFlags::empty())?;
                    unlinkat(at, from, AtFlags::empty())
                }
                done => done,
            }
        })
    }

    fn name(
        mut self,
        rename: impl FnOnce(&OwnedFd, &OsString, &OsString) -> Result<(), Errno>,
    ) -> io::Result<()> {
        self.file.sync_all()?;
        let at = &self.place.step.fd;
        if let Some(leftover) = &self.leftover {
            rename(at, &leftover.name, &self.place.name)?;
        }
        self.leftover = None;
        // Not every file system can sync a directory (EINVAL), and the file is in its place by now.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(at, ".", flags, Mode::empty()).and_then(fsync).ok();
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(leftover) = &self.leftover {
            leftover.remove();
        }
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A new file under a name that no other has, with the mode that the umask leaves.
fn create(directory: &OwnedFd) -> io::Result<(File, OsString)> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    loop {
        let random = RandomState::new().hash_one(std::process::id());
        let name = OsString::from(format!("{PREFIX}{random:016x}"));
        match openat(directory, &name, flags, 0o666.into()) {
            Ok(fd) => return Ok((File::from(fd), name)),
            Err(Errno::EXIST) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

/// Removes the temporary files of tools that were killed: one that is killed every minute must not fill the disk. They
/// may have been given away already.
fn sweep(directory: &OwnedFd, new: &File) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let names = Dir::new(openat(directory, ".", flags, Mode::empty())?)?;
    let now = fstat(new)?.st_mtime;
    for entry in names.take(MOST_NAMES) {
        let entry = entry?;
        let name = entry.file_name();
        if !name.to_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        let stat = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let is_stale = now.saturating_sub(stat.st_mtime) > STALE_SECONDS;
        if file_type(&stat).is_file() && is_stale {
            unlinkat(directory, name, AtFlags::empty())?;
        }
    }
    Ok(())
}
