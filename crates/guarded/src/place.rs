//! A name in a directory that is held open: what may be there, or is to be.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, fstat, openat};
use rustix::io::Errno;

use crate::at;
use crate::image;
use crate::trust::{Refused, file_type, is_others_to_write, is_ours, user};
use crate::walk::{Links, Missing, OpenDirectory, Walk};

/// What has the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A FIFO, a device or a socket.
    Other,
}

/// Opens what this process has open already, if `path` says that (`/dev/stderr`, or the `/dev/fd/63` of a shell's
/// `>(gzip)`): it names no place in a directory.
///
/// # Errors
/// It is not open, or not for writing.
pub fn descriptor(path: &Path) -> Option<io::Result<File>> {
    let text = path.to_str()?;
    let number = match text {
        "/dev/stderr" => "2",
        text => ["/dev/fd/", "/proc/self/fd/"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))?,
    };
    let number: u32 = number.parse().ok()?;
    let path = format!("/proc/self/fd/{number}");
    Some(File::options().write(true).open(path))
}

/// A name in a directory that is held open. Whatever is done with it is done in that directory, whoever renames it
/// meanwhile, and no link is followed that takes the name.
#[derive(Debug, Clone)]
pub struct Place {
    pub(crate) step: OpenDirectory,
    pub(crate) name: OsString,
    path: PathBuf,
}

impl Place {
    /// Where `path` leads: on this machine, or, if it is below an image ([`crate::confine`]), in that.
    ///
    /// # Errors
    /// A directory on the way is missing or may not be entered; a link is not followed ([`crate::is_refused`]); the
    /// path ends in no name.
    pub fn find(path: &Path, links: Links) -> io::Result<Self> {
        Self::own(Path::new("/"), path, links, Missing::Fail)
    }

    /// The same for a file that a tool keeps, and the directory is made, with mode 0755, if only that is missing.
    ///
    /// # Errors
    /// As [`Place::find`], or the directory cannot be made.
    pub fn kept(path: &Path, links: Links) -> io::Result<Self> {
        Self::own(Path::new("/"), path, links, Missing::MakeLast)
    }

    /// Where `path` leads, which is a file of the tools' own below `root` (`/`, or a host's image). Directories that
    /// are missing are made. Nothing leads out of an image.
    ///
    /// # Errors
    /// As [`Place::find`], or a directory cannot be made.
    pub fn make(root: &Path, path: &Path, links: Links) -> io::Result<Self> {
        Self::own(root, path, links, Missing::Make)
    }

    /// The same, and if the directory of the file is missing, it is made for its owner alone.
    ///
    /// # Errors
    /// As [`Place::make`].
    pub fn private(root: &Path, path: &Path, links: Links) -> io::Result<Self> {
        Self::own(root, path, links, Missing::MakePrivate)
    }

    /// The same as [`Place::make`], and no directory is made.
    ///
    /// # Errors
    /// As [`Place::find`].
    pub fn below(root: &Path, path: &Path, links: Links) -> io::Result<Self> {
        Self::own(root, path, links, Missing::Fail)
    }

    fn own(root: &Path, path: &Path, links: Links, missing: Missing) -> io::Result<Self> {
        let image = match root == Path::new("/") {
            true => image::of(path),
            false => Some(root),
        };
        let inside = image.and_then(|root| path.strip_prefix(root).ok());
        let root = inside.and(image);
        let walk = Walk {
            links,
            root,
            missing,
        };
        Self::at(&walk, inside.unwrap_or(path), path)
    }

    fn at(walk: &Walk<'_>, inside: &Path, path: &Path) -> io::Result<Self> {
        let (step, name) = walk.to(inside)?;
        let path = path.to_owned();
        Ok(Self { step, name, path })
    }

    /// The path by which it was found, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same name with `ending` added, in the same directory.
    #[must_use]
    pub fn beside(&self, ending: &str) -> Self {
        let with = |name: &OsStr| {
            let mut name = name.to_owned();
            name.push(ending);
            name
        };
        Self {
            step: self.step.clone(),
            name: with(&self.name),
            path: PathBuf::from(with(self.path.as_os_str())),
        }
    }

    /// Another name in the same directory; without a slash.
    #[must_use]
    pub fn sibling(&self, name: &str) -> Self {
        Self {
            step: self.step.clone(),
            name: name.into(),
            path: self.path.with_file_name(name),
        }
    }

    /// What has the name, if anything has.
    ///
    /// # Errors
    /// The directory cannot be searched.
    pub fn kind(&self) -> io::Result<Option<Kind>> {
        let stat = self.step.stat(&self.name)?;
        Ok(stat.map(|stat| match file_type(&stat) {
            kind if kind.is_file() => Kind::File,
            kind if kind.is_dir() => Kind::Directory,
            _ => Kind::Other,
        }))
    }

    /// Opens the regular file that is there for reading.
    ///
    /// # Errors
    /// It does not exist, or reading it is not permitted.
    pub fn open(&self) -> io::Result<File> {
        self.regular(OFlags::RDONLY)
    }

    /// Opens the regular file that is there for adding to its end, or makes it with mode 0644.
    ///
    /// # Errors
    /// It may not be written to, or it is another's, who could have put it there ([`crate::is_refused`]).
    pub fn append(&self) -> io::Result<File> {
        let file = self.ours(OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE)?;
        if fstat(&file)?.st_size == 0 {
            rustix::fs::fchmod(&file, Mode::from_raw_mode(0o644))?;
        }
        Ok(file)
    }

    fn ours(&self, flags: OFlags) -> io::Result<File> {
        let file = self.regular(flags)?;
        let stat = fstat(&file)?;
        if !is_ours(&stat) {
            let why = format!("is a file of {}, and is not added to", user(stat.st_uid));
            return Err(Refused::it(&why));
        }
        if stat.st_nlink > 1 {
            return Err(Refused::it("has a second name, and is not added to"));
        }
        Ok(file)
    }

    /// Opens the regular file that is there for adding to its end.
    ///
    /// # Errors
    /// It does not exist, or as [`Place::append`].
    pub fn reopen(&self) -> io::Result<File> {
        self.ours(OFlags::WRONLY | OFlags::APPEND)
    }

    /// Makes the file, for its owner alone, open for reading and for writing.
    ///
    /// # Errors
    /// Something has the name (`AlreadyExists`), or the directory may not be written to.
    pub fn create(&self) -> io::Result<File> {
        Ok(at::create((&self.step.fd, &self.name), 0o600)?)
    }

    /// Removes what has the name, which is no directory.
    ///
    /// # Errors
    /// Nothing has it, or the directory may not be written to.
    pub fn remove(&self) -> io::Result<()> {
        Ok(at::unlink((&self.step.fd, &self.name))?)
    }

    /// Gives what has this name the name of `place`, in place of what has that.
    ///
    /// # Errors
    /// Nothing has this name, or a directory may not be written to. What had the other name has it still.
    pub fn rename_over(&self, place: &Self) -> io::Result<()> {
        let done = rustix::fs::renameat(&*self.step.fd, &self.name, &*place.step.fd, &place.name);
        Ok(done?)
    }

    /// Waits until the names in its directory are on disk.
    ///
    /// # Errors
    /// The file system cannot do that.
    pub fn sync_directory(&self) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(&*self.step.fd, ".", flags, Mode::empty())?;
        Ok(rustix::fs::fsync(directory)?)
    }

    /// Can nobody but root and the caller have led here, or put another thing in the place of what has this name?
    pub fn is_safe(&self) -> bool {
        self.step.safe
    }

    /// Is what is there a regular file that only root and the caller can have put there, and can write to? `named` is
    /// the path that whoever hears of it knows already.
    ///
    /// # Errors
    /// It is not ([`crate::is_refused`]), or there is none.
    pub(crate) fn vouch(&self, named: &Path) -> io::Result<()> {
        let stat = self.step.stat(&self.name)?.ok_or(Errno::NOENT)?;
        let why = match file_type(&stat) {
            kind if !kind.is_file() => "is not a regular file".to_owned(),
            _ if !is_ours(&stat) => {
                format!("belongs to {}, not to root (chown root)", user(stat.st_uid))
            }
            _ if is_others_to_write(&stat) => {
                "can be changed by others than root (chmod go-w)".to_owned()
            }
            _ if !self.step.safe => {
                "is in a directory that others than root can change (namei -l shows which)"
                    .to_owned()
            }
            _ => return Ok(()),
        };
        Err(match self.path == named {
            true => Refused::it(&why),
            false => Refused::on_the_way(&self.path, &why),
        })
    }

    /// Opens what is there and no regular file (a FIFO, a device), for writing; a FIFO waits for who reads it. Only
    /// where nobody but root and the caller can have put it there.
    ///
    /// # Errors
    /// It cannot be opened, or another may have put it there ([`crate::is_refused`]).
    pub fn stream(&self) -> io::Result<File> {
        let stat = self.step.stat(&self.name)?.ok_or(Errno::NOENT)?;
        if !(self.step.safe && is_ours(&stat)) {
            let why =
                "is not a regular file and others may have put it there; it is not written to";
            return Err(Refused::it(why));
        }
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = openat(&*self.step.fd, &self.name, flags, Mode::empty())?;
        Ok(File::from(opened))
    }

    /// Opens the regular file that is there, with these flags.
    pub(crate) fn regular(&self, flags: OFlags) -> io::Result<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = openat(&*self.step.fd, &self.name, flags, 0o600.into());
        let file = match opened {
            Ok(fd) => File::from(fd),
            Err(Errno::LOOP) => {
                let why = "is a link, which is not followed";
                return Err(Refused::it(why));
            }
            // A FIFO that nobody reads, a socket.
            Err(Errno::NXIO) => return Err(Refused::it("is not a regular file")),
            Err(e) => return Err(e.into()),
        };
        let stat = fstat(&file)?;
        match file_type(&stat) {
            kind if kind.is_file() => Ok(file),
            kind if kind.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            _ => Err(Refused::it("is not a regular file")),
        }
    }
}
