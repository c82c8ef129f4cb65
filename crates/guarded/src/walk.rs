//! From a path to a name in a directory that is held open.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, fstat, mkdirat, openat, readlinkat, statat};
use rustix::io::Errno;

use crate::trust::{Refused, escaped, file_type, is_ours, is_safe, user};

/// As many as the kernel follows.
const MOST_LINKS: u32 = 40;

/// What is done with a symbolic link on the way, or at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// It is refused. For jobs, whose paths are the same each time.
    Never,
    /// It is followed if only root or the caller can have put it there: they own it and every directory on the way to
    /// it, and nobody else may rename things in these. As an admin expects of /var/run and of a path typed by hand.
    Ours,
    /// It is followed if root or the caller owns it. For reading: a link of another's would have root show whatever
    /// file he likes (`main.cf -> /etc/shadow`).
    Owned,
}

/// What is done about directories on the way that are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// They are an error.
    Fail,
    /// The last one is made: more would be a slip in the path.
    MakeLast,
    /// They are made.
    Make,
    /// They are made, and the last one is for its owner alone.
    MakePrivate,
}

/// An open directory on the way.
#[derive(Debug, Clone)]
pub(crate) struct OpenDirectory {
    pub(crate) fd: Arc<OwnedFd>,
    /// Could nobody but root and the caller lead elsewhere so far?
    pub(crate) safe: bool,
}

impl OpenDirectory {
    fn enter(at: &OwnedFd, name: &OsStr, safe: bool) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Self::of(openat(at, name, flags, Mode::empty())?, safe)
    }

    fn of(fd: OwnedFd, safe: bool) -> io::Result<Self> {
        let safe = safe && is_safe(&fstat(&fd)?);
        let fd = Arc::new(fd);
        Ok(Self { fd, safe })
    }

    /// What has this name here; nothing of a name that nothing has.
    pub(crate) fn stat(&self, name: &OsStr) -> io::Result<Option<Stat>> {
        match statat(&*self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

/// What a link on the way leads to is not there: the disk is not mounted, say. Not the same as nothing.
#[derive(Debug)]
struct Nowhere(String);

impl Nowhere {
    fn at(there: &Path) -> io::Error {
        let there = escaped(there.as_os_str());
        let what = format!("a link leads to {there}, which does not exist");
        io::Error::new(io::ErrorKind::NotFound, Self(what))
    }
}

impl fmt::Display for Nowhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Nowhere {}

/// Is there nothing, and no link either that ought to lead to something?
pub fn is_absent(error: &io::Error) -> bool {
    let is_nowhere = error.get_ref().is_some_and(|inner| inner.is::<Nowhere>());
    error.kind() == io::ErrorKind::NotFound && !is_nowhere
}

/// How a path is gone by.
pub(crate) struct Walk<'a> {
    pub(crate) links: Links,
    /// The directory that nothing leads out of, if it is another host's image: an absolute link begins there.
    pub(crate) root: Option<&'a Path>,
    pub(crate) missing: Missing,
}

impl Walk<'_> {
    /// The directory that holds the last name of `path`, and that name: what has it is no link, or nothing has it.
    ///
    /// # Errors
    /// A directory on the way is missing or may not be entered, a link is not followed ([`Refused`]), or the path ends
    /// in no name.
    pub(crate) fn to(&self, path: &Path) -> io::Result<(OpenDirectory, OsString)> {
        let mut todo = components(path);
        let mut way = vec![self.first(path)?];
        // For messages: where the way has led so far.
        let mut seen: Vec<PathBuf> = vec![self.begin(path)];
        let mut left = MOST_LINKS;
        // How many of the next names are those of links.
        let mut of_links: usize = 0;
        while let Some(name) = todo.pop_front() {
            let is_of_link = of_links > 0;
            of_links = of_links.saturating_sub(1);
            let (Some(step), Some(here)) = (way.last().cloned(), seen.last().cloned()) else {
                return Err(io::ErrorKind::NotFound.into());
            };
            if name == "/" {
                way = vec![self.first(Path::new("/"))?];
                seen = vec![self.begin(Path::new("/"))];
                continue;
            }
            if name == ".." {
                match (way.len(), self.root) {
                    (1, Some(_)) => {}
                    (1, None) => {
                        way = vec![OpenDirectory::enter(&step.fd, "..".as_ref(), step.safe)?];
                        seen = vec![here.join("..")];
                    }
                    _ => {
                        way.pop();
                        seen.pop();
                    }
                }
                continue;
            }
            let there = here.join(&name);
            let stat = step.stat(&name)?;
            match stat {
                Some(stat) if file_type(&stat).is_symlink() => {
                    let target = self.target(&step, &name, &there)?;
                    left = left.checked_sub(1).ok_or(Errno::LOOP)?;
                    let mut next = components(&target);
                    of_links += next.len();
                    next.append(&mut todo);
                    todo = next;
                    continue;
                }
                // What is written through a link is made where it leads.
                None if is_of_link && self.links == Links::Owned => {
                    return Err(Nowhere::at(&there));
                }
                _ if todo.is_empty() => return Ok((step, name)),
                None if self.makes(todo.len()) => {
                    let is_private = self.missing == Missing::MakePrivate && todo.len() == 1;
                    let mode = if is_private { 0o700 } else { 0o755 };
                    match mkdirat(&*step.fd, name.as_os_str(), mode.into()) {
                        Ok(()) | Err(Errno::EXIST) => {}
                        Err(e) => return Err(e.into()),
                    }
                }
                _ => {}
            }
            way.push(OpenDirectory::enter(&step.fd, &name, step.safe)?);
            seen.push(there);
        }
        Err(io::ErrorKind::IsADirectory.into())
    }

    /// Where a link leads, if it may be followed.
    fn target(&self, step: &OpenDirectory, name: &OsStr, there: &Path) -> io::Result<PathBuf> {
        // What is looked at is what is followed, whatever takes the name meanwhile.
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let link = openat(&*step.fd, name, flags, Mode::empty())?;
        self.follow(step, &fstat(&link)?, there)?;
        let target = readlinkat(&link, "", Vec::new())?;
        Ok(OsString::from_vec(target.into_bytes()).into())
    }

    /// Is a missing directory made that `behind` names follow?
    fn makes(&self, behind: usize) -> bool {
        match self.missing {
            Missing::Fail => false,
            Missing::MakeLast => behind == 1,
            Missing::Make | Missing::MakePrivate => true,
        }
    }

    /// May a link be followed that is in the directory `step`?
    fn follow(&self, step: &OpenDirectory, link: &Stat, path: &Path) -> io::Result<()> {
        let why = match self.links {
            Links::Never => "is a link, which is not followed here".to_owned(),
            Links::Ours | Links::Owned if !is_ours(link) => {
                let owner = user(link.st_uid);
                format!("is a link owned by {owner}, which is not followed")
            }
            Links::Ours if !step.safe => {
                "is a link in a directory that others can change, and is not followed".to_owned()
            }
            Links::Ours | Links::Owned => return Ok(()),
        };
        Err(Refused::on_the_way(path, &why))
    }

    /// Where `path` begins. The directory of an image may itself be reached through links: it was typed.
    fn first(&self, path: &Path) -> io::Result<OpenDirectory> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        OpenDirectory::of(openat(CWD, self.begin(path), flags, Mode::empty())?, true)
    }

    fn begin(&self, path: &Path) -> PathBuf {
        match self.root {
            Some(root) => root.to_owned(),
            None if path.is_absolute() => PathBuf::from("/"),
            None => PathBuf::from("."),
        }
    }
}

/// The names of a path, `..` and a leading `/` among them.
fn components(path: &Path) -> VecDeque<OsString> {
    let wanted = path.components().filter(|c| *c != Component::CurDir);
    wanted.map(|c| c.as_os_str().to_owned()).collect()
}
