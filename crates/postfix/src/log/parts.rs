//! A file in parts of whole lines, each read by a thread of its own.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};
use std::thread::ScopedJoinHandle;

use memchr::memchr;

use super::event::Sink;
use guarded::threads::thread;

/// A part of a file smaller than this is not worth a thread.
const WORTH_A_THREAD: u64 = 4 * 1024 * 1024;

/// Cuts `range` of a file into at most `most` parts that begin and end with lines.
pub(super) fn cut(
    file: &File,
    range: &Range<u64>,
    size: u64,
    most: usize,
) -> io::Result<Vec<Range<u64>>> {
    let start = align(file, range.start, size)?;
    let end = align(file, range.end, size)?.max(start);
    let length = end.saturating_sub(start);
    let worth = length.checked_div(WORTH_A_THREAD).unwrap_or(0);
    let parts = worth.clamp(1, u64::try_from(most.max(1)).unwrap_or(1));
    let step = length.checked_div(parts).unwrap_or(length);
    let mut ranges = Vec::new();
    let mut from = start;
    for part in 1..parts {
        let to = align(file, step.saturating_mul(part).saturating_add(start), size)?.min(end);
        ranges.push(from..to);
        from = to;
    }
    ranges.push(from..end);
    Ok(ranges)
}

/// Does both at the same time, the first on a thread of its own if one can be had.
pub(super) fn both<A: Send, B>(
    first: impl FnOnce() -> A + Send + Clone,
    second: impl FnOnce() -> B,
) -> (A, B) {
    std::thread::scope(|scope| {
        let running = thread().spawn_scoped(scope, first.clone()).ok();
        let second = second();
        let first = match running.map(ScopedJoinHandle::join) {
            Some(Ok(first)) => first,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => first(),
        };
        (first, second)
    })
}

/// Does `work` on each part with a fork of `sink`, at the same time, and joins the forks in the order of the parts. For
/// a sink that cannot be forked, one part after the other.
pub(super) fn each<S: Sink, P: Clone + Send, T: Send>(
    ranges: &[Range<P>],
    sink: &mut S,
    work: impl Fn(Range<P>, &mut S) -> T + Sync,
) -> Vec<T> {
    let forks: Option<Vec<_>> = match ranges {
        [_] => None,
        _ => {
            let fork = |range: &Range<P>| Some((range.clone(), sink.fork()?));
            ranges.iter().map(fork).collect()
        }
    };
    let Some(forks) = forks else {
        return ranges.iter().map(|r| work(r.clone(), sink)).collect();
    };
    let work = &work;
    let forks: Vec<_> = forks.into_iter().map(|f| Mutex::new(Some(f))).collect();
    let read = |fork| {
        let (range, mut fork) = taken(fork)?;
        Some((work(range, &mut fork), fork))
    };
    let read = &read;
    let results = std::thread::scope(|scope| {
        let start = |fork| (fork, thread().spawn_scoped(scope, move || read(fork)).ok());
        let running: Vec<_> = forks.iter().map(start).collect();
        let end = |(fork, thread): (_, Option<ScopedJoinHandle<'_, _>>)| match thread {
            Some(thread) => thread.join(),
            // None could be had.
            None => Ok(read(fork)),
        };
        running.into_iter().map(end).collect::<Vec<_>>()
    });
    let mut outcomes = Vec::new();
    for result in results {
        match result {
            Ok(Some((outcome, fork))) => {
                sink.join(fork);
                outcomes.push(outcome);
            }
            Ok(None) => {}
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    outcomes
}

fn taken<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// The first line start at or behind `offset`.
fn align(file: &File, offset: u64, size: u64) -> io::Result<u64> {
    if offset == 0 || offset >= size {
        return Ok(offset.min(size));
    }
    let mut at = offset.saturating_sub(1);
    let mut buffer = vec![0; 4096];
    while at < size {
        let read = file.read_at(&mut buffer, at)?;
        if read == 0 {
            break;
        }
        if let Some(end) = memchr(b'\n', buffer.get(..read).unwrap_or_default()) {
            let next = at
                .saturating_add(u64::try_from(end).unwrap_or(0))
                .saturating_add(1);
            return Ok(next.min(size));
        }
        at = at.saturating_add(u64::try_from(read).unwrap_or(0));
        at = behind_hole(file, buffer.get(..read).unwrap_or_default(), at);
    }
    Ok(size)
}

/// Where the file goes on at `at`, behind what was `read`: behind the hole, if there is one. A file may claim any
/// length without having it (copytruncate leaves such, and whoever may write to the directory), and a terabyte of zeros
/// takes minutes to read.
pub(super) fn behind_hole(file: &File, read: &[u8], at: u64) -> u64 {
    if read.first() != Some(&0) || read.last() != Some(&0) {
        return at;
    }
    match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(at)) {
        Ok(data) => data.max(at),
        Err(rustix::io::Errno::NXIO) => u64::MAX,
        Err(_) => at,
    }
}

/// The same backwards: where the data before `end` ends, behind which only zeros were `read`, not before `from`.
pub(super) fn before_hole(file: &File, read: &[u8], from: u64, end: u64) -> u64 {
    if read.first() != Some(&0) || read.last() != Some(&0) {
        return end;
    }
    let (mut at, mut last) = (from, from);
    while at < end {
        // Where holes are not known, there is none.
        let data = match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(at)) {
            Ok(data) => data.max(at),
            Err(rustix::io::Errno::NXIO) => break,
            Err(_) => return end,
        };
        if data >= end {
            break;
        }
        match rustix::fs::seek(file, rustix::fs::SeekFrom::Hole(data)) {
            Ok(hole) if hole > data => (at, last) = (hole, hole.min(end)),
            _ => return end,
        }
    }
    last
}

/// A stretch of a file, read by position: threads share the file.
pub(super) struct Slice<'a> {
    pub(super) file: &'a File,
    pub(super) at: u64,
    pub(super) end: u64,
}

impl Read for Slice<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let want = left.min(to.len());
        // A file that has shrunk meanwhile (copytruncate) simply ends.
        let read = self
            .file
            .read_at(to.get_mut(..want).unwrap_or_default(), self.at)?;
        let next = self.at.saturating_add(u64::try_from(read).unwrap_or(0));
        let next = behind_hole(self.file, to.get(..read).unwrap_or_default(), next);
        self.at = next.min(self.end);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_only_claims_to_have_is_not_read() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(b"one\n", 0).unwrap();
        file.write_all_at(b"two\n", 1 << 39).unwrap();
        let size = 1 << 40;
        file.set_len(size).unwrap();
        let mut slice = Slice {
            file: &file,
            at: 0,
            end: size,
        };
        let mut text = Vec::new();
        slice.read_to_end(&mut text).unwrap();
        assert!(text.len() < 1 << 20, "{}", text.len());
        text.retain(|&b| b != 0);
        assert_eq!(text, b"one\ntwo\n");
        assert_eq!(
            cut(&file, &(0..size), size, 4).unwrap().last().unwrap().end,
            size
        );
    }
}
