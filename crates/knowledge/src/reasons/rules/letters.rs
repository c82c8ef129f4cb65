//! Which of many short runs of letters a text holds.
//!
//! Some ten thousand of them begin matches. An automaton of them all takes longer to build, at every start, than most
//! starts have to do with it; a look for their first bytes at each place of a reply is fast enough.

use std::ops::Range;

use hashbrown::HashMap;

use super::needs::{LETTERS_MIN, Run};

/// A run of letters, and its number.
pub(super) type Letter = (Run, usize);

/// Runs of letters, each with a number.
#[derive(Debug, Clone)]
pub(super) struct Letters {
    /// Sorted by the letters.
    all: Vec<Letter>,
    /// Where those are in `all` that begin with some bytes: those of two bytes, those of three, and longer ones by
    /// their first four.
    by_start: [HashMap<u32, Range<usize>>; 3],
}

impl Letters {
    /// `all` have [`LETTERS_MIN`] bytes and more; shorter ones are not found.
    pub(super) fn new(mut all: Vec<Letter>) -> Self {
        all.sort_unstable();
        all.dedup();
        let mut by_start: [HashMap<u32, Range<usize>>; 3] = Default::default();
        for (at, (letters, _)) in all.iter().enumerate() {
            let len = letters.bytes().len().min(LETTERS_MIN + 2);
            let map = len
                .checked_sub(LETTERS_MIN)
                .and_then(|n| by_start.get_mut(n));
            // Of those with the same start, none has another between.
            if let Some(map) = map {
                map.entry(start(&letters.bytes()[..len]))
                    .or_insert(at..at)
                    .end = at + 1;
            }
        }
        Self { all, by_start }
    }

    /// Calls `found` with the number of each run that `text` holds, once for each place.
    pub(super) fn each_in(&self, text: &[u8], mut found: impl FnMut(usize)) {
        for at in 0..text.len() {
            let rest = &text[at..];
            for (len, map) in (LETTERS_MIN..).zip(&self.by_start) {
                let some = rest.get(..len).and_then(|bytes| map.get(&start(bytes)));
                let some = some.and_then(|range| self.all.get(range.clone()));
                for (letters, number) in some.unwrap_or_default() {
                    if rest.starts_with(letters.bytes()) {
                        found(*number);
                    }
                }
            }
        }
    }
}

/// Four bytes at most, as one number.
fn start(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |all, byte| all << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::super::needs;
    use super::*;

    fn run(text: &str) -> Run {
        needs::of_word(text).unwrap()[0]
    }

    #[test]
    fn each_place_is_looked_at() {
        let all = ["ab", "abc", "abcd", "abcde", "abcdf", "bc", "zz"];
        let numbered = all.iter().enumerate();
        let letters = Letters::new(numbered.map(|(n, text)| (run(text), n)).collect());
        let check = |text: &str, expected: &[&str]| {
            let mut found = Vec::new();
            letters.each_in(text.as_bytes(), |n| found.push(all[n]));
            assert_eq!(found, expected, "{text}");
        };
        check("abcdf", &["ab", "abc", "abcd", "abcdf", "bc"]);
        check("xabxbc", &["ab", "bc"]);
        check("a", &[]);
        check("", &[]);
        check("zzz", &["zz", "zz"]);
    }
}
