//! Bytes into lines, without looking at the lines that cannot matter.

use std::io::{self, Read};

use aho_corasick::{AhoCorasick, packed};
use memchr::{memchr, memchr3, memmem, memrchr};

/// How much is read at a time.
pub(super) const BLOCK: usize = 128 * 1024;

/// A longer line is cut here: its head says all that is asked of it, and memory stays bounded.
const LONGEST: usize = 4 * 1024 * 1024;

/// Finds the lines that hold one of a few literals.
#[derive(Debug, Clone)]
pub(super) enum Needles {
    /// Every line.
    All,
    /// One literal.
    One(Box<memmem::Finder<'static>>),
    /// Several, a vector at a time.
    Packed(packed::Searcher),
    /// Several, where the processor has no such vectors.
    Many(AhoCorasick),
}

impl Needles {
    /// Lines with any of `literals`; every line, if there are none.
    pub(super) fn new(literals: &[&'static str]) -> Self {
        match literals {
            [] => Self::All,
            [one] => Self::One(Box::new(memmem::Finder::new(*one))),
            many => match packed::Searcher::new(many) {
                Some(searcher) => Self::Packed(searcher),
                None => AhoCorasick::new(many).map_or(Self::All, Self::Many),
            },
        }
    }

    fn find(&self, text: &[u8]) -> Option<usize> {
        match self {
            Self::All => (!text.is_empty()).then_some(0),
            Self::One(finder) => finder.find(text),
            Self::Packed(searcher) => searcher.find(text).map(|m| m.start()),
            Self::Many(searcher) => searcher.find(text).map(|m| m.start()),
        }
    }

    /// Hands on each line of `block` that holds a literal, without its line end (LF or CR LF), where in the block it
    /// begins, and whether there is a zero byte or a carriage return in it, from its first literal on.
    pub(super) fn each(&self, block: &[u8], mut line: impl FnMut(usize, &[u8], bool)) {
        let mut rest = block;
        while let Some(hit) = self.find(rest) {
            let (before, after) = rest.split_at_checked(hit).unwrap_or((rest, b""));
            let start = memrchr(b'\n', before).map_or(0, |at| at.saturating_add(1));
            let (length, has_controls) = rest_of_line(after);
            let end = hit.saturating_add(length);
            let found = rest.get(start..end).unwrap_or_default();
            let at = block.len().saturating_sub(rest.len()).saturating_add(start);
            let found = found.strip_suffix(b"\r").unwrap_or(found);
            line(at, found, has_controls);
            rest = rest.get(end.saturating_add(1)..).unwrap_or_default();
        }
    }
}

/// How long the rest of a line is, and whether a zero byte is in it, or a carriage return that is not its end.
#[inline]
fn rest_of_line(text: &[u8]) -> (usize, bool) {
    match memchr3(b'\n', b'\r', 0, text) {
        None => (text.len(), false),
        Some(at) => match text.get(at..) {
            Some([b'\n', ..]) => (at, false),
            Some([b'\r', b'\n', ..]) => (at.saturating_add(1), false),
            _ => (memchr(b'\n', text).unwrap_or(text.len()), true),
        },
    }
}

/// Reads to the end, handing on blocks of whole lines, and where in all that is read they begin; a line over
/// [`LONGEST`] is handed on without its tail, but what follows so many zero bytes, of which copytruncate leaves any
/// number, is a line of its own. `block` says whether to go on.
///
/// An error of the reader comes back after all that was read before it has been handed on.
pub(super) fn blocks<R: Read>(
    mut reader: R,
    mut block: impl FnMut(u64, &[u8]) -> bool,
) -> io::Result<()> {
    let mut buffer = vec![0; BLOCK];
    let mut filled = 0_usize;
    let mut skipping = false;
    // Where the buffer begins.
    let mut at = 0_u64;
    let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    loop {
        if filled == buffer.len() {
            if filled >= LONGEST {
                let zeros = buffer.iter().take_while(|byte| **byte == 0).count();
                let taken = if zeros == 0 { filled } else { zeros };
                if !skipping && !block(at, buffer.get(..taken).unwrap_or_default()) {
                    return Ok(());
                }
                skipping |= zeros == 0;
                at = at.saturating_add(wide(taken));
                buffer.copy_within(taken..filled, 0);
                filled = filled.saturating_sub(taken);
            } else {
                buffer.resize(filled.saturating_mul(2), 0);
            }
        }
        let outcome = match reader.read(buffer.get_mut(filled..).unwrap_or_default()) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            outcome => outcome,
        };
        let read = *outcome.as_ref().unwrap_or(&0);
        if read == 0 {
            if !skipping {
                block(at, buffer.get(..filled).unwrap_or_default());
            }
            return outcome.map(drop);
        }
        let fresh = filled;
        filled = filled.saturating_add(read);
        let mut start = 0;
        if skipping {
            let Some(end) = memchr(b'\n', buffer.get(..filled).unwrap_or_default()) else {
                at = at.saturating_add(wide(filled));
                filled = 0;
                continue;
            };
            skipping = false;
            start = end.saturating_add(1);
        }
        // Only what is new can hold the last line end, unless the front was just cut off.
        let search_from = fresh.max(start);
        let tail = buffer.get(search_from..filled).unwrap_or_default();
        let end =
            memrchr(b'\n', tail).map_or(start, |n| search_from.saturating_add(n).saturating_add(1));
        let lines = buffer.get(start..end).unwrap_or_default();
        if end > start && !block(at.saturating_add(wide(start)), lines) {
            return Ok(());
        }
        buffer.copy_within(end..filled, 0);
        at = at.saturating_add(wide(end));
        filled = filled.saturating_sub(end);
        if buffer.len() > BLOCK && filled < BLOCK {
            buffer.truncate(BLOCK);
            buffer.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives out a few bytes at a time, so that lines fall across reads.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(to.len()).min(self.0.len());
            to[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn lines_of(text: &[u8], step: usize, needles: &Needles) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        blocks(Drip(text, step), |at, b| {
            needles.each(b, |start, l, _| {
                let from = usize::try_from(at).unwrap() + start;
                assert!(text[from..].starts_with(l));
                found.push(l.to_vec());
            });
            true
        })
        .unwrap();
        found
    }

    #[test]
    fn lines_are_whole_however_they_arrive() {
        let check = |text: &str, expected: &[&str]| {
            for step in [1, 2, 3, 7, 1000] {
                let found = lines_of(text.as_bytes(), step, &Needles::new(&["to=<"]));
                let found: Vec<_> = found.iter().map(|l| String::from_utf8_lossy(l)).collect();
                assert_eq!(found, expected, "{text:?} by {step}");
            }
        };
        check("", &[]);
        check("\n\n", &[]);
        check(
            "a to=<1>\nb\nc to=<2> to=<3>\r\n",
            &["a to=<1>", "c to=<2> to=<3>"],
        );
        check("b\n\nto=<1>", &["to=<1>"]);
        check("to=<1>\nto=<2>\nto", &["to=<1>", "to=<2>"]);
    }

    #[test]
    fn what_follows_many_zero_bytes_is_a_line() {
        for zeros in [LONGEST - 1, LONGEST, LONGEST + 1, LONGEST * 2 + 5] {
            let mut text = vec![0; zeros];
            text.extend(b"first to=<1>\nsecond to=<2>\n");
            let found = lines_of(&text, 100_000, &Needles::new(&["to=<"]));
            assert_eq!(found.len(), 2, "{zeros}");
            assert!(found[0].ends_with(b"\0first to=<1>") || found[0] == b"first to=<1>");
            assert_eq!(found[1], b"second to=<2>");
        }
    }

    #[test]
    fn a_very_long_line_is_cut_and_the_next_is_whole() {
        for length in [
            BLOCK - 1,
            BLOCK,
            BLOCK + 1,
            1 << 20,
            LONGEST - 3,
            LONGEST,
            LONGEST * 2 + 5,
        ] {
            let mut text = b"first to=<1> ".to_vec();
            text.resize(text.len() + length, b'x');
            text.extend(b"\nsecond to=<2>\n");
            let found = lines_of(&text, 100_000, &Needles::new(&["to=<"]));
            assert_eq!(found.len(), 2, "{length}");
            assert!(found[0].starts_with(b"first to=<1> x"));
            assert!(found[0].len() <= LONGEST);
            assert_eq!(found[1], b"second to=<2>");
        }
    }
}
