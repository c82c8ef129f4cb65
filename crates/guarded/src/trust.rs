//! Who may have put a thing where it is.

use std::ffi::OsStr;
use std::fmt;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{FileType, Stat};
use rustix::process::{getegid, geteuid};

/// The sticky bit: who may write to the directory still removes and renames only what is his own.
const STICKY: u32 = 0o1000;

/// Why a path is not gone by, although it leads somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(String);

impl Refused {
    /// Of what the path names.
    pub(crate) fn it(why: &str) -> io::Error {
        io::Error::other(Self(format!("it {why}")))
    }

    /// Of what is on the way there.
    pub(crate) fn on_the_way(path: &Path, why: &str) -> io::Error {
        io::Error::other(Self(format!("{} {why}", escaped(path.as_os_str()))))
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// Is it that a path is not gone by, and not that something failed?
pub fn is_refused(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Refused>())
}

/// A name as it may be shown: in a directory of theirs, strangers choose names.
pub(crate) fn escaped(name: &OsStr) -> String {
    let text = name.to_string_lossy();
    match text.chars().any(char::is_control) {
        true => text.escape_debug().collect(),
        false => text.into_owned(),
    }
}

/// The name of a user, and the number: `prometheus (uid 113)`.
pub fn user(uid: u32) -> String {
    let known = nix::unistd::User::from_uid(uid.into()).ok().flatten();
    match known {
        Some(user) => format!("{} (uid {uid})", escaped(user.name.as_ref())),
        None => format!("uid {uid}"),
    }
}

/// Refuses to follow the link at `path`, by what lstat(2) says of it, if neither root nor the caller owns it.
///
/// # Errors
/// It is another's ([`is_refused`]).
pub fn follow(path: &Path, link: &Metadata) -> io::Result<()> {
    let uid = link.uid();
    if uid == 0 || uid == geteuid().as_raw() {
        return Ok(());
    }
    let why = format!("is a link owned by {}, which is not followed", user(uid));
    Err(Refused::on_the_way(path, &why))
}

/// Does it belong to root or to the caller?
pub(crate) fn is_ours(stat: &Stat) -> bool {
    stat.st_uid == 0 || stat.st_uid == geteuid().as_raw()
}

/// Can nobody but root and the caller put another thing in the place of what is ours in this directory?
pub(crate) fn is_safe(directory: &Stat) -> bool {
    is_ours(directory) && (directory.st_mode & STICKY != 0 || !is_others_to_write(directory))
}

/// May others than root and the caller write to it, by its mode?
pub(crate) fn is_others_to_write(stat: &Stat) -> bool {
    let by_group =
        stat.st_mode & 0o020 != 0 && stat.st_gid != 0 && stat.st_gid != getegid().as_raw();
    by_group || stat.st_mode & 0o002 != 0
}

pub(crate) fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}
