//! A log's rotated files: by their names, which of them are one log's, and in which order.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::cursor::Cursor;
use crate::problem::Problem;

/// The endings that compressors give; what is inside is recognized by content.
const PACKED: [&str; 4] = [".gz", ".xz", ".zst", ".bz2"];

/// A log and its rotated siblings, oldest first.
///
/// Known are the names of logrotate(8) (`mail.log.1`, `mail.log-20260919`, `mail-20260919.log`, compressed or not), of
/// savelog and newsyslog (`maillog.0.bz2`) and of `postfix logrotate` (`maillog.20260919-122257`, postconf(5)
/// `maillog_file_rotate_suffix`). Where a file is there both compressed and not, logrotate is at work: the compressed
/// one is not complete.
///
/// # Errors
///
/// The directory cannot be read.
pub fn siblings(current: &Path) -> Result<Vec<PathBuf>, Problem> {
    // Whoever owns the directory may lay links there that lead nowhere, or in a circle, and directories: none is a log,
    // and the others are read.
    find(current, |path| {
        fs::metadata(path).is_ok_and(|m| m.is_file())
    })
}

/// The same with what bears the name of a rotated log and is none, which lines are missing for: a directory, a pipe, a
/// link that leads nowhere. Who reads it is told so.
///
/// # Errors
///
/// As for [`siblings`].
pub fn all_siblings(current: &Path) -> Result<Vec<PathBuf>, Problem> {
    // What is not there at all was rotated just now.
    find(current, |path| fs::symlink_metadata(path).is_ok())
}

fn find(current: &Path, is_rotated: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>, Problem> {
    let (Some(directory), Some(name)) = (current.parent(), current.file_name()) else {
        return Err(Problem::new(current, "this is not the path of a log file"));
    };
    let problem = |e: io::Error| {
        Problem::new(
            directory,
            format!("cannot list the rotated logs in it: {e}"),
        )
    };
    let mut found: Vec<(Age, PathBuf)> = Vec::new();
    for entry in fs::read_dir(directory).map_err(problem)? {
        let entry = entry.map_err(problem)?;
        let path = entry.path();
        let Some(age) = age(name, &entry.file_name()) else {
            continue;
        };
        let is_log = match age {
            Age::Current => !blocks(&path),
            _ => is_rotated(&path),
        };
        if is_log {
            found.push((age, path));
        }
    }
    let plain: Vec<PathBuf> = found.iter().map(|(_, p)| p.clone()).collect();
    found.retain(|(_, path)| match path.extension() {
        Some(end)
            if PACKED
                .iter()
                .any(|p| p.as_bytes().get(1..) == Some(end.as_bytes())) =>
        {
            !plain.contains(&path.with_extension(""))
        }
        _ => true,
    });
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// Is it a pipe, a socket or a device? Opening one may wait for ever: a log that a user names may be one (process
/// substitution), a log that is only found may not.
pub fn blocks(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir())
}

/// Where in the order a file stands: dated ones by date, then numbered ones from the highest down, then the current.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    Dated(Vec<u8>),
    Numbered(std::cmp::Reverse<u64>),
    Current,
}

/// The age of `file`, if it is the log `current` or was rotated from it.
fn age(current: &OsStr, file: &OsStr) -> Option<Age> {
    let (current, mut file) = (current.as_bytes(), file.as_bytes());
    if current == file {
        return Some(Age::Current);
    }
    for packed in PACKED {
        file = file.strip_suffix(packed.as_bytes()).unwrap_or(file);
    }
    // logrotate's `extension .log` moves the ending after the date or the number.
    let behind = file.strip_prefix(current).or_else(|| {
        let dot = memchr::memrchr(b'.', current)?;
        let (stem, ending) = current.split_at_checked(dot)?;
        file.strip_prefix(stem)?.strip_suffix(ending)
    })?;
    let (separator, suffix) = behind.split_first()?;
    let mut number = Cursor(suffix);
    if let Some(n) = number.number(1, 4)
        && *separator == b'.'
        && number.0.is_empty()
    {
        return Some(Age::Numbered(std::cmp::Reverse(n)));
    }
    let digits: Vec<u8> = suffix.iter().copied().filter(u8::is_ascii_digit).collect();
    // One log a host: `mail-192.0.2.41.log`.
    let address = std::str::from_utf8(suffix).is_ok_and(|text| text.parse::<Ipv4Addr>().is_ok());
    let is_date = !address
        && matches!(separator, b'.' | b'-' | b'_')
        && (6..=24).contains(&digits.len())
        && suffix
            .iter()
            .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'T' | b':' | b'.'));
    is_date.then_some(Age::Dated(digits))
}

/// The files of the log `current` that should be between two others of it, which are neighbours among those that are
/// there, by their numbers: `mail.log.2` between `mail.log.3.gz` and `mail.log.1`. Dates say nothing of the kind.
pub fn gone_between(older: &Path, newer: &Path, current: Option<&PathBuf>) -> Vec<PathBuf> {
    let Some(current) = current else {
        return Vec::new();
    };
    let age = |path: &Path| age(current.file_name()?, path.file_name()?);
    let (last, next) = match (age(older), age(newer)) {
        (Some(Age::Numbered(older)), Some(Age::Numbered(newer))) => (older.0, newer.0),
        (Some(Age::Numbered(older)), Some(Age::Current)) => (older.0, 0),
        _ => return Vec::new(),
    };
    // Compressed or not, it is not there.
    let name = |number| PathBuf::from(format!("{}.{number}", current.display()));
    (next.saturating_add(1)..last).rev().map(name).collect()
}

/// The logs that were begun after this one was rotated, by their names, the nearest first. Whether dated or numbered
/// ones are newer, names do not say: a host has changed from one to the other, and the old ones stay.
pub(super) fn newer(path: &Path) -> Vec<PathBuf> {
    let Ok(path) = std::path::absolute(path) else {
        return Vec::new();
    };
    let Some(current) = current_of(&path) else {
        return Vec::new();
    };
    let is_dated = |one: &Path| {
        let age = age(current.file_name()?, one.file_name()?);
        Some(matches!(age, Some(Age::Dated(_))))
    };
    let all = siblings(&current).unwrap_or_default();
    let Some(at) = all.iter().position(|one| *one == path) else {
        return Vec::new();
    };
    let newer = all.into_iter().skip(at.saturating_add(1));
    newer
        .take_while(|one| *one == current || is_dated(one) == is_dated(&path))
        .collect()
}

/// What the log is called that is written to now, of which this one was rotated.
fn current_of(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.as_bytes();
    let unpacked = PACKED
        .iter()
        .find_map(|end| name.strip_suffix(end.as_bytes()));
    let name = unpacked.unwrap_or(name);
    // `mail.log.1`, and `mail-20260919.log` for logrotate's `extension .log`.
    let stem = |name: &[u8]| {
        let end = name
            .iter()
            .rposition(|b| !b.is_ascii_digit() && !matches!(b, b'-' | b'_' | b'T' | b':' | b'.'))?;
        name.get(..=end).map(<[u8]>::to_vec)
    };
    let inner = || {
        let (inner, ending) = name.split_at_checked(memchr::memrchr(b'.', name)?)?;
        Some([stem(inner)?.as_slice(), ending].concat())
    };
    let current = [stem(name), inner()].into_iter().flatten();
    let mut current = current.map(|current| path.with_file_name(OsStr::from_bytes(&current)));
    current.find(|current| {
        current != path
            && current
                .file_name()
                .zip(path.file_name())
                .is_some_and(|(a, b)| age(a, b).is_some())
    })
}

/// Does a file's name say that it is compressed?
pub fn is_packed(path: &Path) -> bool {
    let name = path.as_os_str().as_bytes();
    PACKED.iter().any(|end| name.ends_with(end.as_bytes()))
}

#[cfg(test)]
mod tests;
