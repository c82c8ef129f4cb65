//! Names in an open directory that another may own, and change under one's hands: a queue's, which is the mail owner's.
//!
//! Whatever is done with a name is done in that directory. A name has no slash, since a path could lead elsewhere; no
//! link is followed, at its end or on the way; no name is taken from a file that has it, but by [`exchange`].

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Component, Path};
use std::time::{Duration, Instant};

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect as connect_to, socket,
};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags, ResolveFlags, fstat};
use rustix::io::Errno;

use crate::trust::Refused;

/// How long until a socket whose backlog is full is tried again.
const PAUSE: Duration = Duration::from_millis(20);

/// A name in an open directory.
pub type Name<'a, D> = (&'a D, &'a OsStr);

/// Opens the directory that `path` leads to, by links too. For a queue directory, whose path main.cf says: only root
/// writes there.
///
/// # Errors
/// It does not exist, or reading it is not permitted.
pub fn directory(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

/// Opens what has a name in `directory`, with these flags; it need not be a file. A link is not followed (`LOOP`).
///
/// # Errors
/// Nothing has the name, the name is invalid, or opening it is not permitted.
pub fn open<D: AsFd, P: AsRef<Path>>(
    directory: D,
    name: P,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    let name = name.as_ref();
    must_be_name(name)?;
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(directory, name, flags, Mode::empty())
}

/// The same of a path below `directory`: no link is followed anywhere on it, and nothing leads out.
///
/// # Errors
/// As [`open`].
pub fn below<D: AsFd, P: AsRef<Path>>(
    directory: D,
    path: P,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    let (path, with) = (path.as_ref(), flags | OFlags::NOFOLLOW | OFlags::CLOEXEC);
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH;
    match rustix::fs::openat2(&directory, path, with, Mode::empty(), resolve) {
        // Kernels before 5.6, and sandboxes that do not know the call.
        Err(Errno::NOSYS) => step_by_step(directory, path, flags),
        opened => opened,
    }
}

/// [`below`] without openat2(2).
fn step_by_step<D: AsFd>(directory: D, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let is_way = |part: &Component<'_>| *part != Component::CurDir;
    let mut names = path.components().filter(is_way).peekable();
    let way = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut here = rustix::fs::openat(&directory, ".", way, Mode::empty())?;
    while let Some(name) = names.next() {
        let Component::Normal(name) = name else {
            return Err(Errno::XDEV);
        };
        if names.peek().is_none() {
            return open(&here, name, flags);
        }
        here = open(&here, name, way)?;
    }
    let flags = flags | OFlags::CLOEXEC;
    rustix::fs::openat(&here, ".", flags, Mode::empty())
}

/// Makes a file that nothing has the name of, open for reading and writing.
///
/// # Errors
/// Something has the name (`EXIST`), or the directory cannot be written to.
pub fn create<D: AsFd>((directory, name): Name<'_, D>, mode: u32) -> Result<File, Errno> {
    must_be_name(name)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(mode);
    rustix::fs::openat(directory, name, flags, mode).map(File::from)
}

/// Gives what has one name another, which nothing has.
///
/// # Errors
/// Something has it (`EXIST`); the file system cannot promise that (`INVAL`).
pub fn rename<D: AsFd>(from: Name<'_, D>, to: Name<'_, D>) -> Result<(), Errno> {
    renameat(from, to, RenameFlags::NOREPLACE)
}

/// Lets what has two names of one file system change places, in one step.
///
/// # Errors
/// Nothing has one of them; the file system cannot do it (`INVAL`).
pub fn exchange<D: AsFd>(one: Name<'_, D>, other: Name<'_, D>) -> Result<(), Errno> {
    renameat(one, other, RenameFlags::EXCHANGE)
}

fn renameat<D: AsFd>(from: Name<'_, D>, to: Name<'_, D>, flags: RenameFlags) -> Result<(), Errno> {
    must_be_name(from.1)?;
    must_be_name(to.1)?;
    rustix::fs::renameat_with(from.0, from.1, to.0, to.1, flags)
}

/// Can no file be renamed from one directory to the other? Between two file systems none can, nor between two mounts of
/// the
/// same one (bind mounts), which have the same device number. The kernel looks at that before it looks at the names,
/// and `.` can
/// be renamed nowhere: nothing is changed by asking (rename(2), `XDEV` and `BUSY`).
///
/// # Errors
/// One of the directories is not there.
pub fn is_apart(one: &Path, other: &Path) -> io::Result<bool> {
    let named = |path: &Path| {
        directory(path).map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))
    };
    let asked = rustix::fs::renameat(named(one)?, ".", named(other)?, ".");
    Ok(asked == Err(Errno::XDEV))
}

/// Removes a name, of anything but a directory.
///
/// # Errors
/// Nothing has it, or the directory cannot be written to.
pub fn unlink<D: AsFd>((directory, name): Name<'_, D>) -> Result<(), Errno> {
    must_be_name(name)?;
    rustix::fs::unlinkat(directory, name, AtFlags::empty())
}

/// Makes a directory that only its owner can enter.
///
/// # Errors
/// Something has the name (`EXIST`), or the directory cannot be written to.
pub fn make_directory<D: AsFd>(directory: D, name: &Path) -> Result<(), Errno> {
    must_be_name(name)?;
    rustix::fs::mkdirat(directory, name, Mode::from_raw_mode(0o700))
}

/// Gives what is open to a user and a group. It is for the caller to see that it is no file of another's that the
/// directory's owner has given a second name there: of one link, and the owner's already.
///
/// # Errors
/// Only root may.
pub fn give(file: &File, uid: u32, gid: u32) -> io::Result<()> {
    std::os::unix::fs::fchown(file, Some(uid), Some(gid))
}

/// Connects to the socket that has a name in `directory`. A server that does not accept lets others wait for ever: it
/// is waited for as long as `patience`.
///
/// # Errors
/// It is no socket, or nobody listens; its backlog is full (`WouldBlock`).
pub fn connect<D: AsFd>(
    (directory, name): Name<'_, D>,
    patience: Duration,
) -> io::Result<UnixStream> {
    let held = open(directory, name, OFlags::PATH)?;
    if FileType::from_raw_mode(fstat(&held)?.st_mode) != FileType::Socket {
        return Err(Refused::it("is not a socket"));
    }
    // The very socket that was looked at, whatever has its name now.
    let path = format!("/proc/self/fd/{}", held.as_raw_fd());
    let address = UnixAddr::new(path.as_str())?;
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    let begun = Instant::now();
    while let Err(e) = connect_to(socket.as_raw_fd(), &address) {
        if e != nix::errno::Errno::EAGAIN || begun.elapsed() >= patience {
            return Err(e.into());
        }
        std::thread::sleep(PAUSE);
    }
    Ok(UnixStream::from(socket))
}

/// A name, and not a path.
fn must_be_name(name: impl AsRef<Path>) -> Result<(), Errno> {
    let mut parts = name.as_ref().components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(only)), None) if only == name.as_ref().as_os_str() => Ok(()),
        _ => Err(Errno::INVAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// Opens `path` below a directory with `a/b/file`, `a/link -> b` and `out -> /etc`, both ways.
    fn check(path: &str, expected: Result<(), Errno>) {
        let ground = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(ground.path().join("a/b")).unwrap();
        std::fs::write(ground.path().join("a/b/file"), "").unwrap();
        symlink("b", ground.path().join("a/link")).unwrap();
        symlink("/etc", ground.path().join("out")).unwrap();
        symlink("a/b/file", ground.path().join("file")).unwrap();
        let directory = directory(ground.path()).unwrap();
        let flags = OFlags::RDONLY;
        let is = |opened: Result<OwnedFd, Errno>| opened.map(drop);
        assert_eq!(is(below(&directory, path, flags)), expected, "{path}");
        let stepped = step_by_step(&directory, Path::new(path), flags);
        assert_eq!(is(stepped).is_ok(), expected.is_ok(), "{path}, by steps");
    }

    #[test]
    fn no_link_is_followed_anywhere_below() {
        check("a/b/file", Ok(()));
        check("a/b", Ok(()));
        check(".", Ok(()));
        check("a/link/file", Err(Errno::LOOP));
        check("out/passwd", Err(Errno::LOOP));
        check("file", Err(Errno::LOOP));
        check("a/../../x", Err(Errno::XDEV));
        check("/etc/passwd", Err(Errno::XDEV));
        check("a/none", Err(Errno::NOENT));
    }

    #[test]
    fn directories_of_two_file_systems_are_apart() {
        let (here, there) = (
            tempfile::tempdir_in("/dev/shm"),
            tempfile::tempdir_in("/tmp"),
        );
        let (here, there) = (here.unwrap(), there.unwrap());
        std::fs::write(here.path().join("file"), "").unwrap();
        assert!(!is_apart(here.path(), here.path()).unwrap());
        assert!(here.path().join("file").exists());
        let device = |dir: &Path| std::os::unix::fs::MetadataExt::dev(&dir.metadata().unwrap());
        let differ = device(here.path()) != device(there.path());
        assert_eq!(is_apart(here.path(), there.path()).unwrap(), differ);
        is_apart(here.path(), Path::new("/nowhere")).unwrap_err();
    }

    #[test]
    fn a_path_is_no_name() {
        let ground = tempfile::tempdir().unwrap();
        std::fs::create_dir(ground.path().join("a")).unwrap();
        let directory = directory(ground.path()).unwrap();
        for name in ["a/b", "../b", "/tmp/b", "..", ".", "", "b/"] {
            let at = (&directory, OsStr::new(name));
            let (a, c) = ((&directory, OsStr::new("a")), (&directory, OsStr::new("c")));
            assert_eq!(create(at, 0o600).unwrap_err(), Errno::INVAL, "{name}");
            assert_eq!(unlink(at), Err(Errno::INVAL), "{name}");
            assert_eq!(rename(at, c), Err(Errno::INVAL), "{name}");
            assert_eq!(rename(a, at), Err(Errno::INVAL), "{name}");
            assert_eq!(exchange(a, at), Err(Errno::INVAL), "{name}");
            assert_eq!(
                make_directory(&directory, Path::new(name)),
                Err(Errno::INVAL),
                "{name}"
            );
        }
    }
}
