//! What is remembered of one file.

use crate::Time;
use std::fs::File;
use std::hash::Hasher;
use std::io;
use std::os::unix::fs::FileExt;

use siphasher::sip128::{Hasher128, SipHasher13};

/// How many bytes a fingerprint is taken of: some lines, which hold times and queue ids.
pub(super) const SAMPLE: u64 = 1024;

/// How far a file was read, and how it is recognized among others. The text of the log is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Where it was last found: the device from stat(2).
    pub device: u64,
    /// The inode there.
    pub inode: u64,
    /// How many bytes were read, of the uncompressed text.
    pub offset: u64,
    /// Fingerprint of the first bytes: 1024, or as many as were read.
    pub head: u128,
    /// Fingerprint of the last bytes that were read: 1024, or as many as were read.
    pub tail: u128,
    /// Nothing can follow any more: it is an archive that was read to its end, or is older than the first run.
    pub ended: bool,
    /// The time of the last event in it, if times were asked for.
    pub last: Option<Time>,
}

/// How alike a file and one that was read before are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alike {
    /// They begin alike, but what was read is not all in it: a copy cut short, or an edited one.
    Beginning,
    /// All that was read is in it.
    All,
}

/// The fingerprint of `bytes`.
pub(super) fn fingerprint(bytes: &[u8]) -> u128 {
    let mut hasher = SipHasher13::new();
    hasher.write(bytes);
    hasher.finish128().as_u128()
}

/// The fingerprints of the beginning of a plain file, and of what comes before `offset`; nothing if it is shorter.
pub(super) fn fingerprints(file: &File, offset: u64) -> io::Result<Option<(u128, u128)>> {
    let length = offset.min(SAMPLE);
    let head = sample(file, 0, length)?;
    let tail = sample(file, offset.saturating_sub(length), length)?;
    Ok(head
        .zip(tail)
        .map(|(h, t)| (fingerprint(&h), fingerprint(&t))))
}

/// The bytes at `offset`; nothing if the file ends before.
fn sample(file: &File, offset: u64, length: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    match file.read_exact_at(&mut bytes, offset) {
        Ok(()) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(e) => Err(e),
    }
}

impl Mark {
    /// Of a file in which nothing new can come: the beginning of its text identifies it.
    pub(super) fn ended(device: u64, inode: u64, head: &[u8]) -> Self {
        let print = fingerprint(head);
        Self {
            device,
            inode,
            offset: u64::try_from(head.len()).unwrap_or(0),
            head: print,
            tail: print,
            ended: true,
            last: None,
        }
    }

    /// Does a text that begins with these bytes begin as this file did?
    pub(super) fn begins(&self, head: &[u8]) -> bool {
        let length = usize::try_from(self.offset.min(SAMPLE)).unwrap_or(usize::MAX);
        let head = head.get(..length);
        head.is_some_and(|head| fingerprint(head) == self.head)
    }
}
