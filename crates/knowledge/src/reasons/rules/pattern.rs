//! A file's patterns, and which of them a text holds.
//!
//! A reply holds the words of few patterns. One automaton over the letters that matches begin with says which those
//! are; only they are compiled, once, and run. So a pattern that no reply needs costs nothing, and a reply of random
//! words is no more than slow.

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::literal::Extractor;

/// What a pattern may grow to when compiled, in bytes.
const COMPILED_MAX: usize = 2 << 20;

/// What it may use while it runs, in bytes and in each thread.
const RUNNING_MAX: usize = 256 << 10;

/// How many beginnings a pattern may have; one with more is always run.
const LETTERS_MAX: usize = 2000;

/// A pattern of a rule.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// As it is written in its file.
    pub(super) written: String,
    /// As it is compiled: with the words put in.
    pub(super) expanded: String,
    pub(super) line: usize,
    /// In any case, and of characters rather than bytes.
    pub(super) is_admins: bool,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub(super) fn new(written: String, expanded: String, line: usize, is_admins: bool) -> Self {
        Self {
            written,
            expanded,
            line,
            is_admins,
            compiled: OnceLock::new(),
        }
    }

    /// Compiles it, unless that was done.
    ///
    /// # Errors
    /// It is not a regular expression, or too big.
    pub(super) fn build(&self) -> Result<Regex, regex::Error> {
        RegexBuilder::new(&self.expanded)
            .unicode(self.is_admins)
            .case_insensitive(self.is_admins)
            .size_limit(COMPILED_MAX)
            .dfa_size_limit(RUNNING_MAX)
            .build()
    }

    /// That a pattern compiles was seen when its file was read, or for those compiled in by a test.
    fn is_in(&self, text: &[u8]) -> bool {
        let compiled = self.compiled.get_or_init(|| self.build().ok());
        compiled.as_ref().is_some_and(|found| found.is_match(text))
    }

    /// What its matches begin with: a match begins with one of these letters. None where they cannot be told, or are
    /// too many or too short to be worth looking for.
    fn beginnings(&self) -> Option<Vec<Vec<u8>>> {
        let parsed = ParserBuilder::new()
            .unicode(self.is_admins)
            .utf8(false)
            .case_insensitive(self.is_admins)
            .build()
            .parse(&self.expanded)
            .ok()?;
        let found = Extractor::new().limit_total(LETTERS_MAX).extract(&parsed);
        let letters = found.literals()?;
        let is_short = letters.iter().any(|letter| letter.len() < 2);
        (!is_short).then(|| letters.iter().map(|l| l.as_bytes().to_vec()).collect())
    }
}

/// The patterns of a file.
#[derive(Debug, Clone)]
pub(super) struct Patterns {
    all: Vec<Pattern>,
    letters: AhoCorasick,
    /// Of each of the `letters`, the patterns that begin with it.
    whose: Vec<Vec<usize>>,
    /// Those that are always run.
    always: Vec<usize>,
}

impl Patterns {
    /// The patterns of a rule as they are compiled.
    pub(super) fn written(&self, range: &Range<usize>) -> impl Iterator<Item = &str> {
        let some = self.all.get(range.clone()).unwrap_or_default();
        some.iter().map(|pattern| pattern.expanded.as_str())
    }

    /// # Errors
    /// There are too many.
    pub(super) fn new(all: Vec<Pattern>) -> Result<Self, aho_corasick::BuildError> {
        let mut always = Vec::new();
        let mut letters: Vec<(Vec<u8>, usize)> = Vec::new();
        for (at, pattern) in all.iter().enumerate() {
            match pattern.beginnings() {
                Some(found) => letters.extend(found.into_iter().map(|letter| (letter, at))),
                None => always.push(at),
            }
        }
        letters.sort_unstable();
        letters.dedup();
        let mut whose: Vec<Vec<usize>> = Vec::new();
        let mut distinct: Vec<Vec<u8>> = Vec::new();
        for (letter, at) in letters {
            if distinct.last() == Some(&letter) {
                whose.last_mut().into_iter().for_each(|last| last.push(at));
            } else {
                distinct.push(letter);
                whose.push(vec![at]);
            }
        }
        Ok(Self {
            letters: AhoCorasick::new(distinct)?,
            whose,
            always,
            all,
        })
    }

    /// Which of them `text` holds: asked when a rule comes to it.
    pub(super) fn find<'a>(&'a self, text: &'a [u8]) -> Candidates<'a> {
        let mut is_worth = vec![false; self.all.len()];
        let letters = self.letters.find_overlapping_iter(text);
        let begun = letters.filter_map(|letter| self.whose.get(letter.pattern().as_usize()));
        for at in begun.flatten().chain(&self.always) {
            if let Some(is_worth) = is_worth.get_mut(*at) {
                *is_worth = true;
            }
        }
        Candidates {
            patterns: self,
            text,
            is_worth,
        }
    }
}

/// The patterns that a text may hold.
pub(super) struct Candidates<'a> {
    patterns: &'a Patterns,
    text: &'a [u8],
    /// Of each pattern, whether it is worth running.
    is_worth: Vec<bool>,
}

impl Candidates<'_> {
    /// The first of these patterns that the text holds.
    pub(super) fn first(&self, of: &Range<usize>) -> Option<&Pattern> {
        let all = self.patterns.all.get(of.clone())?.iter();
        let mut worth = all.zip(self.is_worth.get(of.clone())?);
        let found = worth.find(|(pattern, is_worth)| **is_worth && pattern.is_in(self.text))?;
        Some(found.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built_in() -> Patterns {
        super::super::load(None).unwrap().files.remove(0).patterns
    }

    #[test]
    fn the_compiled_in_patterns_compile() {
        for pattern in built_in().all {
            assert!(pattern.build().is_ok(), "line {}", pattern.line);
        }
    }

    /// Held against every pattern run on every text.
    #[test]
    fn no_pattern_that_a_text_holds_is_passed_over() {
        let patterns = built_in();
        let replies = include_str!("../../../tests/replies/decided.toml").to_lowercase();
        let mut held = 0;
        for text in replies.lines().filter(|line| line.starts_with("text = ")) {
            let found = patterns.find(text.as_bytes());
            for (at, pattern) in patterns.all.iter().enumerate() {
                let is_found = found.first(&(at..at + 1)).is_some();
                held += usize::from(is_found);
                assert_eq!(
                    is_found,
                    pattern.is_in(text.as_bytes()),
                    "{text}: {pattern:?}"
                );
            }
        }
        assert!(held > 1000, "{held}");
    }
}
