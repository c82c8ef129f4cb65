//! Records of a queue file: one byte of type, the length in 7-bit groups, the data (global/record.c).

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::ctype::{atol, c_str};
use crate::{Position, Problem};

/// Something that records are read from, at any offset: a file, or bytes in memory.
pub trait Source {
    /// Reads into `buffer` from `offset` on, as pread(2) does; 0 at the end.
    ///
    /// # Errors
    /// Whatever the system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl Source for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }
}

impl Source for [u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = self.get(from..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }
}

/// What the first read of a file takes: the whole envelope of nearly all messages.
pub(super) const SHORT_READ: usize = 4096;
/// What it takes where size and times will do: the less is copied of files that the CPU's caches lack, the faster.
pub(super) const SHORT_READ_OF_TIMES: usize = 256;
/// What later reads take where an envelope goes on.
const LONG_READ: usize = 65_536;
/// The longest record that is kept. Postfix's own limit (`line_length_limit`) is 2048 bytes.
const LONGEST: u64 = 60_000;
/// Lengths are at most four groups of 7 bits: a fifth could not be distinguished from garbage.
const LENGTH_BYTES: usize = 4;

/// A record's place and type. Its data is read by [`Records::data`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// The type, an ASCII letter or sign (global/rec_type.h).
    pub(super) kind: u8,
    /// Offset of the type byte: what the queue manager and the defer log call the recipient's offset.
    pub(super) offset: u64,
    /// Offset of the data.
    data: u64,
    /// Length of the data, which lies inside the file.
    length: u64,
}

/// Why no record was read.
#[derive(Debug)]
pub(super) enum Stop {
    /// The file ends here, between two records.
    End,
    /// What is at `offset` is not a record; the text says why.
    Bad(u64, String),
}

impl Stop {
    fn bad(offset: u64, why: impl Into<String>) -> Self {
        Self::Bad(offset, why.into())
    }

    /// The same as a problem of `file`.
    pub(super) fn problem(self, file: &std::path::Path, end: &str) -> Problem {
        match self {
            Self::End => Problem::new(file, end),
            Self::Bad(at, why) => Problem::new(file, why).at(Position::Byte(at)),
        }
    }
}

/// Reads records in the order in which Postfix does, following pointers.
///
/// Each byte of a sound file is read at most once, so the work is bounded by the size of the file whatever its
/// pointers say; the memory, by one buffer.
pub(super) struct Records<'a, S: Source + ?Sized> {
    source: &'a S,
    size: u64,
    buffer: &'a mut Vec<u8>,
    short_read: usize,
    /// Where in the file the buffer's bytes are from.
    window: u64,
    next: u64,
    /// Start of the stretch that is being read, and the ends of those before it, by their starts.
    stretch: u64,
    read: BTreeMap<u64, u64>,
    /// How many more bytes a sound file could have.
    budget: u64,
}

impl<'a, S: Source + ?Sized> Records<'a, S> {
    /// Records of `source`, which is `size` bytes long. `buffer` is working memory, its contents are lost.
    pub(super) fn new(source: &'a S, size: u64, buffer: &'a mut Vec<u8>) -> Self {
        buffer.clear();
        Self {
            source,
            size,
            buffer,
            short_read: SHORT_READ,
            window: 0,
            next: 0,
            stretch: 0,
            read: BTreeMap::new(),
            budget: size,
        }
    }

    /// The same, with another number of bytes for the first read.
    pub(super) fn short_read(mut self, bytes: usize) -> Self {
        self.short_read = bytes;
        self
    }

    /// Where the next record starts.
    pub(super) fn position(&self) -> u64 {
        self.next
    }

    /// The next record. Pointers are followed, padding is skipped.
    pub(super) fn next(&mut self) -> Result<Record, Stop> {
        loop {
            let record = self.header()?;
            match record.kind {
                b'p' => self.follow(record)?,
                b'w' => {}
                _ => return Ok(record),
            }
        }
    }

    /// The data of `record`.
    pub(super) fn data(&mut self, record: &Record) -> Result<&[u8], Stop> {
        if record.length > LONGEST {
            let why = format!(
                "a record of type {} is {} bytes long, more than Postfix writes",
                record.kind.escape_ascii(),
                record.length
            );
            return Err(Stop::bad(record.offset, why));
        }
        self.bytes(record.data, record.length)
    }

    /// Does the marker that ends the message content stand at `offset`?
    pub(super) fn extracted_at(&mut self, offset: u64) -> bool {
        offset < self.size && self.bytes(offset, 2).is_ok_and(|marker| marker == b"X\0")
    }

    /// Goes on at `offset`, such as the end of the message content.
    pub(super) fn jump(&mut self, offset: u64) -> Result<(), Stop> {
        if offset > self.size {
            let why = format!("points to byte {offset}, beyond the end of the file");
            return Err(Stop::bad(self.next, why));
        }
        self.read.insert(self.stretch, self.next);
        let before = self.read.range(..=offset).next_back();
        if before.is_some_and(|(_, &end)| offset < end) {
            let why = format!("pointer loop: byte {offset} was read before");
            return Err(Stop::bad(self.next, why));
        }
        self.stretch = offset;
        self.next = offset;
        Ok(())
    }

    fn follow(&mut self, pointer: Record) -> Result<(), Stop> {
        let text = c_str(self.data(&pointer)?);
        match u64::try_from(atol(text)) {
            // A placeholder for a pointer that was never needed.
            Ok(0) if text.iter().all(|b| matches!(b, b' ' | b'0')) => Ok(()),
            Ok(target) if target > 0 => self.jump(target).map_err(|stop| match stop {
                Stop::Bad(_, why) => Stop::Bad(pointer.offset, why),
                Stop::End => Stop::End,
            }),
            _ => Err(Stop::bad(pointer.offset, "malformed pointer record")),
        }
    }

    /// The record at the current place, whatever its type.
    fn header(&mut self) -> Result<Record, Stop> {
        let offset = self.next;
        if offset >= self.size {
            return Err(Stop::End);
        }
        let wanted = self.size.saturating_sub(offset).min(5);
        let head = self.bytes(offset, wanted)?;
        let (&kind, lengths) = head
            .split_first()
            .ok_or_else(|| Stop::bad(offset, "cannot be read"))?;
        let mut length = 0_u64;
        let mut used = 0_usize;
        let mut more = true;
        for &byte in lengths.iter().take(LENGTH_BYTES) {
            let shift = u32::try_from(used).unwrap_or(0).saturating_mul(7);
            length |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            used = used.saturating_add(1);
            more = byte & 0x80 != 0;
            if !more {
                break;
            }
        }
        let shown = kind.escape_ascii();
        if more && used == LENGTH_BYTES {
            let why = format!("the length of a record of type {shown} is 2^28 or more");
            return Err(Stop::bad(offset, why));
        }
        let data = offset.saturating_add(1).saturating_add(used as u64);
        let end = data.saturating_add(length);
        if more || end > self.size {
            let why = format!("the file ends inside a record of type {shown}");
            return Err(Stop::bad(offset, why));
        }
        self.budget = self
            .budget
            .checked_sub(end.saturating_sub(offset))
            .ok_or_else(|| Stop::bad(offset, "pointer loop: more was read than the file holds"))?;
        self.next = end;
        Ok(Record {
            kind,
            offset,
            data,
            length,
        })
    }

    /// `length` bytes from `offset` on, all inside the file.
    fn bytes(&mut self, offset: u64, length: u64) -> Result<&[u8], Stop> {
        let end = offset.saturating_add(length);
        let have = self.window.saturating_add(self.buffer.len() as u64);
        if offset < self.window || end > have {
            // A long read pays where reading goes straight on; a pointer may lead anywhere next.
            let straight_on = (self.window..=have).contains(&offset) && offset > 0;
            let wanted = match straight_on {
                true => LONG_READ,
                false => self.short_read,
            };
            let wanted = usize::try_from(length).map_or(wanted, |length| wanted.max(length));
            self.fill(offset, wanted)?;
        }
        let start = usize::try_from(offset.saturating_sub(self.window)).unwrap_or(usize::MAX);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.buffer
            .get(start..start.saturating_add(length))
            .ok_or_else(|| Stop::bad(offset, "the file shrank while it was being read"))
    }

    fn fill(&mut self, offset: u64, wanted: usize) -> Result<(), Stop> {
        self.buffer.resize(wanted, 0);
        self.window = offset;
        let mut filled = 0_usize;
        while let Some(rest) = self.buffer.get_mut(filled..).filter(|r| !r.is_empty()) {
            match self
                .source
                .read_at(rest, offset.saturating_add(filled as u64))
            {
                Ok(0) => break,
                Ok(count) => filled = filled.saturating_add(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.buffer.clear();
                    return Err(Stop::bad(offset, format!("cannot be read: {error}")));
                }
            }
            // A short read of a queue file is its end: a second call would only confirm that.
            if self.window.saturating_add(filled as u64) >= self.size {
                break;
            }
        }
        self.buffer.truncate(filled);
        Ok(())
    }
}
