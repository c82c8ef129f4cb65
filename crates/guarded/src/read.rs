//! Reading a whole file that is expected to be small.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use rustix::fs::{Mode, OFlags, fstat};

use crate::trust::{Refused, file_type};

/// Opens the regular file that `path` leads to, by links too, for reading. A FIFO does not make it wait.
///
/// # Errors
/// It does not exist, or reading it is not permitted.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    match file_type(&fstat(&file)?) {
        kind if kind.is_file() => Ok(file),
        kind if kind.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        _ => Err(Refused::it("is not a regular file")),
    }
}

/// Opens what `path` leads to, a pipe too, for reading. Only for a path that was typed: what is not a file may be
/// waited for.
///
/// # Errors
/// It cannot be opened.
pub fn open_typed(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// All of the regular file that `path` leads to, if it has at most `most` bytes.
///
/// # Errors
/// As [`open`], or it has more.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_file(open(path)?, most)
}

/// The same of a path that was typed: see [`open_typed`].
///
/// # Errors
/// As [`read`].
pub fn read_typed(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_file(open_typed(path)?, most)
}

/// The same as [`read`] of a text.
///
/// # Errors
/// As [`read`], or it is no UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    text(read(path, most)?)
}

/// The same as [`read_typed`] of a text.
///
/// # Errors
/// As [`read_text`].
pub fn read_typed_text(path: &Path, most: u64) -> io::Result<String> {
    text(read_typed(path, most)?)
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    let not_text = |_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8 text");
    String::from_utf8(bytes).map_err(not_text)
}

pub(crate) fn read_file(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len <= most) {
        return Ok(bytes);
    }
    let what = format!("larger than {most} bytes, which is taken for a mistake");
    Err(io::Error::new(io::ErrorKind::FileTooLarge, what))
}
