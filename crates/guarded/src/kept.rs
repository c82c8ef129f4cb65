//! What is kept of a pipe that may say any amount.

use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

/// The beginning and the end of what a pipe says.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Bytes of each at most.
    half: usize,
    begin: Vec<u8>,
    end: Vec<u8>,
    is_cut: bool,
}

impl Kept {
    /// Nothing yet; `most` bytes at most.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            half: most / 2,
            begin: Vec::new(),
            end: Vec::new(),
            is_cut: false,
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        let room = self.half.saturating_sub(self.begin.len()).min(bytes.len());
        let (first, rest) = bytes.split_at(room);
        self.begin.extend_from_slice(first);
        self.end.extend_from_slice(rest);
        let over = self.end.len().saturating_sub(self.half);
        self.end.drain(..over);
        self.is_cut |= over > 0;
    }

    /// As text; a line ends where something is left out.
    pub(crate) fn text(&self) -> String {
        let between: &[u8] = if self.is_cut { b"\n" } else { b"" };
        let all = [&self.begin, between, &self.end].concat();
        String::from_utf8_lossy(&all).into_owned()
    }
}

/// Keeps what a pipe says until it is closed.
pub(crate) fn gather(mut pipe: impl Read, kept: &Mutex<Kept>) -> Option<()> {
    let mut block = [0; 4096];
    loop {
        let read = match pipe.read(&mut block) {
            Ok(0) => return Some(()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            read => read.ok()?,
        };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.add(block.get(..read).unwrap_or_default());
    }
}
