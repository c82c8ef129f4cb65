//! Opening a log: what it is, and its bytes, uncompressed.

use std::fs::{File, Metadata};
use std::io::{self, Cursor as IoCursor, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Mutex, PoisonError};

use super::lines::BLOCK;
use crate::time::{Span, Time};
use guarded::threads::thread;

/// How a log is stored, by its first bytes: the name may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Text.
    None,
    /// gzip (RFC 1952), any number of members.
    Gzip,
    /// xz, any number of streams.
    Xz,
    /// Zstandard (RFC 8878), any number of frames.
    Zstd,
    /// bzip2, any number of streams.
    Bzip2,
}

impl Compression {
    /// Recognizes it by the first six bytes (fewer, if there are no more).
    pub fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            _ => Self::None,
        }
    }
}

/// Opens a log file: a regular one, whatever has its name by now.
pub(super) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    checked(guarded::open(path).map_err(|e| match e.kind() {
        io::ErrorKind::IsADirectory => directory(),
        _ => e,
    })?)
}

/// Opens a log that was typed: a pipe, too, is what process substitution (`<(zcat …)`) gives.
pub(super) fn open_typed(path: &Path) -> io::Result<(File, Metadata)> {
    checked(guarded::open_typed(path)?)
}

/// When it was last written to.
pub(super) fn mtime(metadata: &Metadata) -> Time {
    let nanos = u64::try_from(metadata.mtime_nsec()).unwrap_or(0);
    Time::from_seconds(metadata.mtime()).plus(Span::from_micros(nanos.div_euclid(1000)))
}

fn directory() -> io::Error {
    io::Error::new(io::ErrorKind::IsADirectory, "it is a directory, not a log")
}

fn checked(file: File) -> io::Result<(File, Metadata)> {
    let metadata = file.metadata()?;
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Err(directory());
    }
    if kind.is_block_device() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a device, not a log",
        ));
    }
    Ok((file, metadata))
}

/// Reads up to `want` bytes from the front: enough to know the compression, or the first lines.
pub(super) fn head(reader: &mut impl Read, want: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let limit = u64::try_from(want).unwrap_or(u64::MAX);
    reader.take(limit).read_to_end(&mut head)?;
    Ok(head)
}

/// Memory that a file may ask for to be uncompressed: `xz -9` needs 65 MiB, and a head may claim 4 GiB. The others have
/// limits of their own (zstd 128 MiB, gzip and bzip2 less).
const MOST_XZ: u64 = 256 << 20;

/// The uncompressed bytes of `raw`, of which `head` has been read already.
pub(super) fn decoder<'a>(
    compression: Compression,
    head: Vec<u8>,
    raw: impl Read + Send + 'a,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    let whole = IoCursor::new(head).chain(raw);
    Ok(match compression {
        Compression::None => Box::new(whole),
        Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(
            io::BufReader::with_capacity(BLOCK, whole),
        )),
        Compression::Xz => {
            let flags = liblzma::stream::CONCATENATED;
            let stream = liblzma::stream::Stream::new_stream_decoder(MOST_XZ, flags)?;
            Box::new(liblzma::read::XzDecoder::new_stream(whole, stream))
        }
        Compression::Zstd => Box::new(zstd::Decoder::new(whole)?),
        Compression::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(whole)),
    })
}

/// Does a compressed log hold what the `plain` file begins with, or all of it: is it that file, as logrotate
/// compresses it? One that is being written ends in the middle of what its compressor makes; what it holds so far
/// decides.
///
/// # Errors
/// One of them cannot be read.
pub fn is_packed_of(packed: &Path, plain: &Path) -> io::Result<bool> {
    let (mut file, _) = open(packed)?;
    let head = head(&mut file, 6)?;
    let mut packed = decoder(Compression::of(&head), head, file)?;
    let (mut plain, _) = open(plain)?;
    let mut bytes = vec![0; BLOCK];
    let mut is_begun = false;
    loop {
        let read = match packed.read(&mut bytes) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(is_begun),
            read => read?,
        };
        is_begun |= read > 0;
        let part = bytes.get(..read).unwrap_or_default();
        let mut same = vec![0; read];
        match plain.read_exact(&mut same) {
            Ok(()) if same == part => {}
            Ok(()) => return Ok(false),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(e) => return Err(e),
        }
        if read == 0 {
            return Ok(true);
        }
    }
}

/// Counts the bytes that pass.
pub(super) struct Counted<'a, R> {
    pub(super) inner: R,
    pub(super) count: &'a AtomicU64,
    pub(super) progress: &'a (dyn Fn(u64) + Sync),
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(to)?;
        let bytes = u64::try_from(read).unwrap_or(u64::MAX);
        self.count.fetch_add(bytes, Ordering::Relaxed);
        (self.progress)(bytes);
        Ok(read)
    }
}

/// Decompresses in a thread of its own while `consume` reads: the parser does not wait for the inflater.
pub(super) fn ahead<T>(
    decoder: Box<dyn Read + Send + '_>,
    consume: impl FnOnce(&mut dyn Read) -> T,
) -> T {
    // A few blocks in flight; each is filled again once it has been read.
    let (full, blocks) = sync_channel::<io::Result<Vec<u8>>>(4);
    let (empty, spent) = sync_channel::<Vec<u8>>(6);
    let decoder = Mutex::new(Some(decoder));
    let take = || {
        decoder
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    };
    std::thread::scope(|scope| {
        let inflate = move || take().map(|mut decoder| fill(&mut decoder, &full, &spent));
        if thread().spawn_scoped(scope, inflate).is_err()
            && let Some(mut decoder) = take()
        {
            return consume(&mut decoder);
        }
        consume(&mut Ahead {
            blocks,
            empty,
            current: Vec::new(),
            at: 0,
            ended: false,
        })
    })
}

fn fill(decoder: &mut dyn Read, full: &SyncSender<io::Result<Vec<u8>>>, spent: &Receiver<Vec<u8>>) {
    loop {
        let mut block = match spent.try_recv() {
            Ok(block) => block,
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => vec![0; BLOCK],
        };
        block.resize(BLOCK, 0);
        let mut filled = 0_usize;
        let outcome = loop {
            match decoder.read(block.get_mut(filled..).unwrap_or_default()) {
                Ok(0) => break Ok(()),
                Ok(n) => filled = filled.saturating_add(n),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => break Err(e),
            }
            if filled == block.len() {
                break Ok(());
            }
        };
        let last = filled < block.len();
        block.truncate(filled);
        // A closed channel: the reader has had enough.
        if full.send(Ok(block)).is_err() {
            return;
        }
        if let Err(e) = outcome {
            full.send(Err(e)).ok();
            return;
        }
        if last {
            return;
        }
    }
}

struct Ahead {
    blocks: Receiver<io::Result<Vec<u8>>>,
    empty: SyncSender<Vec<u8>>,
    current: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Read for Ahead {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.current.len() && !self.ended {
            match self.blocks.recv() {
                Ok(block) => {
                    let spent = std::mem::replace(&mut self.current, block?);
                    self.at = 0;
                    self.empty.try_send(spent).ok();
                }
                Err(_) => self.ended = true,
            }
        }
        let rest = self.current.get(self.at..).unwrap_or_default();
        let count = rest.len().min(to.len());
        let (target, source) = (to.get_mut(..count), rest.get(..count));
        if let (Some(target), Some(source)) = (target, source) {
            target.copy_from_slice(source);
        }
        self.at = self.at.saturating_add(count);
        Ok(count)
    }
}
