//! Reading a whole file that is expected to be small.

use std::fs::{self, File, ReadDir};
use std::io::{self, Read as _};
use std::path::Path;

use crate::place::Place;
use crate::walk::{Links, is_absent};

/// Opens the regular file that `path` leads to, by links of root's and the caller's too, for reading; in an image, as
/// its host would ([`crate::confine`]). A FIFO does not make it wait.
///
/// # Errors
/// It does not exist, reading it is not permitted, or a link of another's is on the way ([`crate::is_refused`]).
pub fn open(path: &Path) -> io::Result<File> {
    Place::find(path, Links::Owned)?.open()
}

/// Opens what `path` leads to, a pipe too, for reading. Only for a path that was typed: what is not a file may be
/// waited for.
///
/// # Errors
/// It cannot be opened.
pub fn open_typed(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// What is in a directory; nothing where there is none.
///
/// # Errors
/// It cannot be read, or a link leads to a directory that does not exist.
pub fn list(directory: &Path) -> io::Result<Option<ReadDir>> {
    match fs::read_dir(directory) {
        Ok(entries) => Ok(Some(entries)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            match Place::find(directory, Links::Owned) {
                Err(e) if !is_absent(&e) => Err(e),
                _ => Ok(None),
            }
        }
        Err(e) => Err(e),
    }
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

impl Place {
    /// All of the regular file that is there, if it has at most `most` bytes.
    ///
    /// # Errors
    /// As [`Place::open`], or it has more.
    pub fn read(&self, most: u64) -> io::Result<Vec<u8>> {
        read_file(self.open()?, most)
    }
}
