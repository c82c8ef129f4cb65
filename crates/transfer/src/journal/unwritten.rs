//! A journal whose first line was never written whole: the disk was full, or the run was killed. Nothing was done.
//!
//! A move is begun when its whole plan is on disk, and not before. Whoever makes a journal has its file locked, so
//! that one that is just being begun is not taken for such a one and removed.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use guarded::Place;
use rustix::fs::FlockOperation;

use crate::fsops::Op;
use crate::journal::{Header, Journal, Side, Writer};
use crate::protocol::Goal;

/// What a first line begins with.
const BEGIN: &[u8] = br#"{"begin":"#;

/// Is this all that was written of a first line? What has a whole line, or begins otherwise, is no such thing.
pub(super) fn is_unwritten(text: &[u8]) -> bool {
    let is_begun = BEGIN.starts_with(text) || text.starts_with(BEGIN);
    !text.contains(&b'\n') && (is_begun || text.iter().all(|&b| b == 0))
}

/// A journal's text, and how many bytes the file has: zeros that go on for long are gigabytes of a hole, and say no
/// more than some of them.
pub(super) fn text_of(mut file: &File) -> io::Result<(Vec<u8>, u64)> {
    static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
    let (mut text, mut length) = (Vec::new(), 0);
    let mut block = vec![0; ZEROS.len()];
    loop {
        let read = match file.read(&mut block) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 {
            return Ok((text, length));
        }
        length += read as u64;
        if !text.ends_with(b"\0") || block[..read] != ZEROS[..read] {
            text.extend_from_slice(&block[..read]);
        }
    }
}

/// What is known of it: its name, and when it was made. The schema is empty.
pub(super) fn header(path: &Path, file: &File) -> io::Result<Header> {
    let name = path.file_stem().unwrap_or_default();
    let side = || Side {
        instance: "?".to_owned(),
        config_directory: "".into(),
        syslog_name: String::new(),
        queue_directory: "".into(),
        hash_queue_names: String::new(),
        hash_queue_depth: 1,
        long_queue_ids: false,
        owner: (0, 0),
        identity: (0, 0),
    };
    Ok(Header {
        schema: String::new(),
        name: name.to_string_lossy().into_owned(),
        started: file.metadata()?.mtime(),
        started_microseconds: 0,
        user: "?".to_owned(),
        command: String::new(),
        from: side(),
        to: side(),
        rate: None,
        keep_until: None,
        cross_device: false,
        mark: 0,
        boot: String::new(),
        log: None,
    })
}

/// Locks the file of a journal for its writer: `false` if somebody else has it, or has removed it.
pub(super) fn lock(file: &File) -> io::Result<bool> {
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file.metadata()?.nlink() > 0),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// Is it still such a journal, which nobody is beginning? It is locked then.
pub(super) fn locked(place: &Place) -> io::Result<Option<File>> {
    let file = place.reopen()?;
    if !lock(&file)? {
        return Ok(None);
    }
    let text = place.read(1 << 20)?;
    Ok(is_unwritten(&text).then_some(file))
}

impl Writer<'_> {
    /// Removes one that was not begun. What stays counts for nothing.
    pub(crate) fn discard(self) {
        let remove = || self.place.remove();
        drop(self.fs.hooked(Op::Unlink, &self.path, remove));
    }
}

impl Journal {
    /// One of which nothing but the header was made out yet: of its `read` bytes, `whole` are in whole lines.
    pub(super) fn new(path: &Path, header: Header, whole: u64, read: u64) -> Self {
        Self {
            path: path.to_owned(),
            header,
            planned: false,
            finished: false,
            closed: false,
            goal: Goal::Finish,
            trial: None,
            became: None,
            torn: whole < read,
            tracks: Vec::new(),
            length: whole,
            read,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_whole_or_another_s_is_not_taken_for_one() {
        for text in [
            "",
            "{",
            "{\"begin\":",
            "{\"begin\":{\"schema\":\"rel",
            "\0\0",
        ] {
            assert!(is_unwritten(text.as_bytes()), "{text}");
        }
        for text in [
            "damaged",
            "\n",
            "{\"begin\":{}}\n",
            "{\"planned\":1",
            "\0\0{\"planned\":1}\n",
        ] {
            assert!(!is_unwritten(text.as_bytes()), "{text}");
        }
    }
}
