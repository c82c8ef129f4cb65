//! The files of a log, as they are now.

use crate::Time;
use std::fs::{File, Metadata};
use std::io::{self, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::mark::{Alike, Mark, SAMPLE, fingerprints};
use crate::log::open::{self, Compression, mtime};
use crate::log::siblings::siblings;
use crate::problem::Problem;

/// A file of the log. It is opened when it has to be.
#[derive(Debug)]
pub(super) struct LogFile {
    pub(super) path: PathBuf,
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) mtime: Time,
    opened: Option<Opened>,
}

/// An open file.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) compression: Compression,
    /// The first bytes of the text, uncompressed.
    pub(super) head: Vec<u8>,
}

/// The log and its rotated siblings, oldest first; what is not a regular file is left out.
pub(super) fn list(current: &Path) -> Result<Vec<LogFile>, Problem> {
    let mut files = Vec::new();
    for path in siblings(current)? {
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => files.push(LogFile::new(path, &metadata)),
            // A name that leads nowhere by now: another has its file, or it was to go.
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(unreadable(&path, &e)),
        }
    }
    Ok(files)
}

pub(super) fn unreadable(path: &Path, e: &io::Error) -> Problem {
    Problem::new(path, format!("cannot read this log: {e}"))
}

impl LogFile {
    fn new(path: PathBuf, metadata: &Metadata) -> Self {
        Self {
            path,
            device: metadata.dev(),
            inode: metadata.ino(),
            mtime: mtime(metadata),
            opened: None,
        }
    }

    /// What it is called, and what that leads to.
    pub(super) fn name(&self) -> (PathBuf, u64, u64) {
        (self.path.clone(), self.device, self.inode)
    }

    /// Opens it, if that was not done. Is it open? Not if its name leads to another file now.
    pub(super) fn open(&mut self) -> Result<bool, Problem> {
        if self.opened.is_none() {
            self.opened = self.try_open().map_err(|e| unreadable(&self.path, &e))?;
        }
        Ok(self.opened.is_some())
    }

    fn try_open(&self) -> io::Result<Option<Opened>> {
        let (mut file, metadata) = match open::open(&self.path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        if (metadata.dev(), metadata.ino()) != (self.device, self.inode) {
            return Ok(None);
        }
        let sample = usize::try_from(SAMPLE).unwrap_or(0);
        let first = open::head(&mut file, sample)?;
        let compression = Compression::of(&first);
        let head = match compression {
            Compression::None => first,
            _ => {
                let mut text = open::decoder(compression, first, &file)?;
                // A damaged archive may still have a beginning.
                open::head(&mut text, sample).unwrap_or_default()
            }
        };
        file.rewind()?;
        Ok(Some(Opened {
            file,
            compression,
            head,
        }))
    }

    /// The file, if it was opened.
    pub(super) fn opened(&self) -> Option<&Opened> {
        self.opened.as_ref()
    }

    /// The file, if it was opened.
    pub(super) fn take(&mut self) -> Option<Opened> {
        self.opened.take()
    }

    pub(super) fn is(&self, mark: &Mark) -> bool {
        (self.device, self.inode) == (mark.device, mark.inode)
    }
}

impl Opened {
    /// How alike this and a file that was read before are; nothing if they are different files.
    pub(super) fn alike(&self, mark: &Mark) -> io::Result<Option<Alike>> {
        if !mark.begins(&self.head) {
            return Ok(None);
        }
        // What an archive holds behind its beginning is seen when it is read.
        if mark.ended || self.compression != Compression::None {
            return Ok(Some(Alike::All));
        }
        let found = fingerprints(&self.file, mark.offset)?;
        Ok(Some(match found == Some((mark.head, mark.tail)) {
            true => Alike::All,
            false => Alike::Beginning,
        }))
    }
}
