//! A file's patterns, and which of them a text holds.
//!
//! A reply holds the words of few patterns. The letters that matches begin with say which those are; only they are
//! compiled, once, and run. So a pattern that no reply needs costs nothing, and a reply of random
//! words is no more than slow.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use hashbrown::HashMap;
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::literal::Extractor;

use super::letters::{LETTERS_MIN, Letter, Letters};
use super::words::{Words, heads};

/// What a pattern may grow to when compiled, in bytes.
const COMPILED_MAX: usize = 2 << 20;

/// What it may use while it runs, in bytes and in each thread.
const RUNNING_MAX: usize = 256 << 10;

/// How many beginnings a pattern may have; one with more is always run.
const LETTERS_MAX: usize = 2000;

/// How many plain letters are enough to begin a match with: fewer are found in replies that the pattern is not for.
const PLAIN_MIN: usize = 6;

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

    /// What the matches of `part` of it begin with: a match begins with one of these letters. None where they cannot be
    /// told, or are too many or too short to be worth looking for.
    fn beginnings(&self, part: &str) -> Option<Vec<Vec<u8>>> {
        if !self.is_admins
            && let Some(letters) = plain_beginning(part)
        {
            return Some(vec![letters.as_bytes().to_vec()]);
        }
        let parsed = ParserBuilder::new()
            .unicode(self.is_admins)
            .utf8(false)
            .case_insensitive(self.is_admins)
            .build()
            .parse(&self.words.put_in(part))
            .ok()?;
        let found = Extractor::new().limit_total(LETTERS_MAX).extract(&parsed);
        let letters = found.literals()?;
        let is_short = letters.iter().any(|letter| letter.len() < LETTERS_MIN);
        (!is_short).then(|| letters.iter().map(|l| l.as_bytes().to_vec()).collect())
    }
}

/// What an alternative begins with where that is plain letters, which are read off without parsing it: at each start
/// there are some thousand of them.
fn plain_beginning(part: &str) -> Option<&str> {
    let bare = part.strip_prefix("\\b").unwrap_or(part);
    let is_plain = |c: char| c.is_ascii_lowercase() || c == ' ';
    let end = bare.find(|c| !is_plain(c)).unwrap_or(bare.len());
    let (letters, rest) = bare.split_at(end);
    let counted = rest.starts_with(['?', '*', '+', '{']);
    let letters = &letters[..end.saturating_sub(usize::from(counted))];
    (letters.len() >= PLAIN_MIN).then_some(letters)
}

/// The alternatives of a pattern: what is between its bars, but for those in groups and brackets.
pub(super) fn alternatives(pattern: &str) -> Vec<&str> {
    let (mut depth, mut in_bracket, mut escaped, mut start) = (0, false, false, 0);
    let mut all = Vec::new();
    for (at, c) in pattern.char_indices() {
        match c {
            _ if escaped => {
                escaped = false;
                continue;
            }
            '\\' => escaped = true,
            '[' => in_bracket = true,
            ']' => in_bracket = false,
            '(' if !in_bracket => depth += 1,
            ')' if !in_bracket => depth -= 1,
            '|' if !in_bracket && depth == 0 => {
                all.push(&pattern[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    all.push(&pattern[start..]);
    all
}

/// The patterns of a file.
#[derive(Debug, Clone)]
pub(super) struct Patterns {
    all: Vec<Pattern>,
    /// What heads begin with.
    letters: Letters,
    /// Of each head, the patterns that begin with it.
    heads: Vec<Vec<usize>>,
    /// Those that are always run.
    always: Vec<usize>,
}

impl Patterns {
    /// The patterns of a rule as they are compiled.
    pub(super) fn written(&self, range: &Range<usize>) -> impl Iterator<Item = String> {
        let some = self.all.get(range.clone()).unwrap_or_default();
        some.iter().map(Pattern::expanded)
    }

    pub(super) fn new(all: Vec<Pattern>) -> Self {
        let mut heads = Heads::default();
        let mut always = Vec::new();
        for (at, pattern) in all.iter().enumerate() {
            if !heads.add(pattern, at) {
                always.push(at);
            }
        }
        let (letters, heads) = heads.done();
        Self {
            letters: Letters::new(letters),
            heads,
            always,
            all,
        }
    }

    /// Which of them `text` holds: asked when a rule comes to it.
    pub(super) fn find<'a>(&'a self, text: &'a [u8]) -> Candidates<'a> {
        let mut is_worth = vec![false; self.all.len()];
        let mut is_begun = vec![false; self.heads.len()];
        self.letters.each_in(text, |head| {
            if !std::mem::replace(&mut is_begun[head], true) {
                self.heads[head].iter().for_each(|at| is_worth[*at] = true);
            }
        });
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

/// What patterns begin with, each head once however many begin with it.
#[derive(Default)]
struct Heads<'a> {
    /// By the head's text: which it is, or that its letters are not worth looking for.
    known: HashMap<&'a str, Option<usize>>,
    /// The patterns of each.
    whose: Vec<Vec<usize>>,
    /// A letter, and the head that begins with it.
    letters: Vec<Letter>,
}

impl<'a> Heads<'a> {
    /// Adds what `pattern`, which is number `at`, begins with. False if that cannot be told.
    fn add(&mut self, pattern: &'a Pattern, at: usize) -> bool {
        let mut found = Vec::new();
        for (head, whole) in heads(&pattern.written) {
            let Some(head) = self
                .head(pattern, head)
                .or_else(|| self.head(pattern, whole))
            else {
                return false;
            };
            found.push(head);
        }
        for head in found {
            self.whose[head].push(at);
        }
        true
    }

    /// The letters with their heads, and the heads' patterns.
    fn done(self) -> (Vec<Letter>, Vec<Vec<usize>>) {
        (self.letters, self.whose)
    }

    fn head(&mut self, pattern: &Pattern, text: &'a str) -> Option<usize> {
        if let Some(known) = self.known.get(text) {
            return *known;
        }
        let head = pattern.beginnings(text).map(|letters| {
            let head = self.whose.len();
            self.whose.push(Vec::new());
            self.letters
                .extend(letters.into_iter().map(|letter| (letter, head)));
            head
        });
        self.known.insert(text, head);
        head
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
}
