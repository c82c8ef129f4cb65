//! Symbolic links and odd files, met below another root.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::io::Errno;

use crate::Root;

/// As many links as Linux follows (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// No main.cf or master.cf is larger; a sparse file of a terabyte may be.
const MAX_SIZE: u64 = 16 << 20;

/// `path` with every symbolic link followed, as the host itself names it: the same directory under two names has one
/// resolved path.
///
/// Links are followed as they would be on that host, so that an absolute one stays below the root.
///
/// # Errors
/// As from realpath(3): nothing there, not permitted, too many links; and a link that is neither root's nor the
/// caller's.
pub fn resolve(root: &Root, path: &Path) -> io::Result<PathBuf> {
    let mut pending: VecDeque<OsString> = names(path).collect();
    let mut resolved = PathBuf::from("/");
    let mut links = 0_usize;
    while let Some(name) = pending.pop_front() {
        if name == ".." {
            resolved.pop();
            continue;
        }
        let next = resolved.join(&name);
        let here = root.under(&next);
        let metadata = fs::symlink_metadata(&here)?;
        if !metadata.is_symlink() {
            resolved = next;
            continue;
        }
        // Of an image, whose users are not this machine's, no link leads out.
        if root.is_this_host() {
            guarded::follow(&here, &metadata)?;
        }
        links = links.saturating_add(1);
        if links > MAX_LINKS {
            return Err(Errno::LOOP.into());
        }
        let target = fs::read_link(&here)?;
        if target.is_absolute() {
            resolved = PathBuf::from("/");
        }
        for name in names(&target).collect::<Vec<_>>().into_iter().rev() {
            pending.push_front(name);
        }
    }
    Ok(resolved)
}

fn names(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    })
}

/// Reads a configuration file whole. Anything but a regular file is refused, without ever waiting: reading from a
/// FIFO or a device would block, or set something in motion.
pub(super) fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    refuse_odd(&fs::metadata(path)?)?;
    let file = guarded::open(path)?;
    // Another file may have taken its place.
    let metadata = file.metadata()?;
    refuse_odd(&metadata)?;
    let mut text = Vec::new();
    let read = file.take(MAX_SIZE).read_to_end(&mut text)?;
    if metadata.len() > MAX_SIZE || u64::try_from(read).is_ok_and(|n| n >= MAX_SIZE) {
        return Err(io::Error::other(
            "larger than 16 MiB, which no configuration file is",
        ));
    }
    Ok(text)
}

fn refuse_odd(metadata: &fs::Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    let what = if kind.is_file() {
        return Ok(());
    } else if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Err(io::Error::other(format!(
        "it is {what}, not a regular file"
    )))
}
