//! A file's patterns, and which of them a text holds.
//!
//! A reply holds the words of few patterns. The letters that matches need say which those are; only they are
//! compiled, once, and run. So a pattern that no reply needs costs nothing, and a reply of random
//! words is no more than slow.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use hashbrown::HashMap;
use regex::bytes::{Regex, RegexBuilder};

use super::letters::Letters;
use super::needs::{self, Need};
use super::words::Words;
use crate::reasons::letters;

/// What a pattern may grow to when compiled, in bytes.
const COMPILED_MAX: usize = 2 << 20;

/// What it may use while it runs, in bytes and in each thread.
const RUNNING_MAX: usize = 256 << 10;

/// A pattern of a rule.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// As it is written in its file.
    pub(super) written: String,
    pub(super) line: usize,
    /// In any case, and of characters rather than bytes.
    pub(super) is_admins: bool,
    words: Arc<Words>,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub(super) fn new(written: String, words: Arc<Words>, line: usize, is_admins: bool) -> Self {
        Self {
            written,
            line,
            is_admins,
            words,
            compiled: OnceLock::new(),
        }
    }

    /// As it is compiled: with the words put in.
    pub(super) fn expanded(&self) -> String {
        self.words.put_in(&self.written)
    }

    /// Compiles it.
    ///
    /// # Errors
    /// It is not a regular expression, or too big.
    pub(super) fn build(&self) -> Result<Regex, regex::Error> {
        RegexBuilder::new(&self.expanded())
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
}

/// The patterns of a file.
#[derive(Debug, Clone)]
pub(super) struct Patterns {
    all: Vec<Pattern>,
    /// What any of them needs, each need with its number.
    letters: Letters,
    /// By the number of its first need.
    alternatives: Vec<Vec<Alternative>>,
    /// Those that are always run.
    always: Vec<usize>,
}

#[derive(Debug, Clone)]
struct Alternative {
    /// Whose it is.
    pattern: usize,
    /// What it needs beside the first.
    others: Vec<usize>,
}

impl Patterns {
    /// The patterns of a rule as they are compiled.
    pub(super) fn written(&self, range: &Range<usize>) -> impl Iterator<Item = String> {
        let some = self.all.get(range.clone()).unwrap_or_default();
        some.iter().map(Pattern::expanded)
    }

    pub(super) fn new(all: Vec<Pattern>, words: &Words) -> Self {
        let named = words.needs();
        let mut numbers: HashMap<Need, usize> = HashMap::new();
        let mut alternatives: Vec<Vec<Alternative>> = Vec::new();
        let mut always = Vec::new();
        for (at, pattern) in all.iter().enumerate() {
            let needs = match pattern.is_admins {
                true => Vec::new(),
                false => needs::of_pattern(&letters::in_pattern(&pattern.written), &named),
            };
            if needs.is_empty() || needs.iter().any(Vec::is_empty) {
                always.push(at);
                continue;
            }
            for needs in needs {
                let mut number = |need: Need| {
                    let next = numbers.len();
                    *numbers.entry(need).or_insert(next)
                };
                let ids: Vec<usize> = needs.into_iter().map(&mut number).collect();
                alternatives.resize_with(numbers.len(), Vec::new);
                if let Some((first, others)) = ids.split_first() {
                    alternatives[*first].push(Alternative {
                        pattern: at,
                        others: others.to_vec(),
                    });
                }
            }
        }
        let runs = numbers.iter();
        let runs = runs.flat_map(|(need, number)| need.iter().map(|run| (*run, *number)));
        Self {
            letters: Letters::new(runs.collect()),
            alternatives,
            always,
            all,
        }
    }

    /// Which of them `text` holds: asked when a rule comes to it.
    pub(super) fn find<'a>(&'a self, text: &'a [u8]) -> Candidates<'a> {
        let mut is_worth = vec![false; self.all.len()];
        let mut is_met = vec![false; self.alternatives.len()];
        self.letters.each_in(text, |need| is_met[need] = true);
        for (alternatives, _) in self
            .alternatives
            .iter()
            .zip(&is_met)
            .filter(|(_, met)| **met)
        {
            for one in alternatives {
                is_worth[one.pattern] |= one.others.iter().all(|need| is_met[*need]);
            }
        }
        for at in &self.always {
            is_worth[*at] = true;
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
    use proptest::prelude::*;

    use super::*;
    use crate::reasons::mask::judge;

    fn built_in() -> &'static Patterns {
        &super::super::OWN.as_ref().unwrap().patterns
    }

    #[test]
    fn the_compiled_in_patterns_compile() {
        for pattern in &built_in().all {
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

    /// Every reply of the collection.
    fn replies() -> Vec<String> {
        let parts = [
            include_str!("../../../tests/replies/decided.toml"),
            include_str!("../../../tests/replies/collected.toml"),
            include_str!("../../../tests/replies/held-out.toml"),
            include_str!("../../../tests/replies/wordings.toml"),
        ];
        let lines = parts.iter().flat_map(|part| part.lines());
        let texts = lines.filter_map(|line| line.strip_prefix("text = "));
        texts.map(str::to_owned).collect()
    }

    /// Other letters for those of a text: in other cases, or what looks like them.
    fn respelt(text: &str, how: usize) -> String {
        let other = |c: char| match (how, c) {
            (0, c) => c.to_uppercase().collect(),
            (1, 'k' | 'K') => "\u{212a}".to_owned(),
            (1, 's') => "\u{17f}".to_owned(),
            (2, 'i' | 'I') => "\u{130}".to_owned(),
            (2, 'S') => "\u{1e9e}".to_owned(),
            (3, '\'') => "\u{2019}".to_owned(),
            (3, '-') => "\u{2013}".to_owned(),
            (3, ' ') => "\u{a0}".to_owned(),
            (4, 'e') => "\u{e9}".to_owned(),
            (4, 'a') => "\u{fffd}".to_owned(),
            (5, 'o') => "\u{43e}".to_owned(),
            (5, 'f') => "\u{ad}f".to_owned(),
            (_, c) => c.to_string(),
        };
        text.chars().map(other).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        /// The same of all replies, as rules see them, cut, put together and respelt.
        #[test]
        fn no_pattern_is_passed_over_however_a_reply_is_written(
            one in any::<prop::sample::Index>(),
            two in any::<prop::sample::Index>(),
            at in any::<prop::sample::Index>(),
            how in 0..7_usize,
            is_cut in any::<bool>(),
        ) {
            let replies = replies();
            let (one, two) = (one.get(&replies), two.get(&replies));
            let mut text = respelt(one, how);
            if is_cut {
                let at = at.index(text.len());
                let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                text.replace_range(at.., two);
            }
            let text = judge(&text, |_| false);
            let patterns = built_in();
            let found = patterns.find(text.as_bytes());
            for (at, pattern) in patterns.all.iter().enumerate() {
                let is_found = found.first(&(at..at + 1)).is_some();
                let is_in = pattern.is_in(text.as_bytes());
                prop_assert_eq!(is_found, is_in, "{}: {}", text, pattern.written);
            }
        }
    }
}
