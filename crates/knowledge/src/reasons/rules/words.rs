//! Words for what many patterns have in common: `{mailbox}` in a pattern stands for the pattern of that name.

use std::collections::BTreeMap;

use super::needs::{self, Named};
use crate::reasons::letters;

/// The words of a file, by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Words(BTreeMap<String, String>);

impl Words {
    /// `name` stands for any of `patterns`, which name no words themselves.
    pub(super) fn add(&mut self, name: &str, patterns: impl Iterator<Item = String>) {
        let alone: Vec<String> = patterns.map(|pattern| format!("(?:{pattern})")).collect();
        self.0.insert(name.to_owned(), alone.join("|"));
    }

    /// What a text must hold in which they are found.
    pub(super) fn needs(&self) -> Named {
        let all = self.0.iter();
        all.map(|(name, pattern)| (name.clone(), needs::of_word(pattern)))
            .collect()
    }

    /// The first word that `written` names and that is not there.
    pub(super) fn unknown<'a>(&self, written: &'a str) -> Option<&'a str> {
        let mut named = named(written).map(|(_, name)| name);
        named.find(|name| !self.0.contains_key(*name))
    }

    /// The pattern that is meant: words put in, and letters with accents made to find what logs hold in their place.
    pub(super) fn put_in(&self, written: &str) -> String {
        let mut out = String::with_capacity(written.len());
        let mut done = 0;
        for (at, name) in named(written) {
            let Some(word) = self.0.get(name) else {
                continue;
            };
            out.push_str(&letters::in_pattern(&written[done..at]));
            out.extend(["(?:", word, ")"]);
            done = at + name.len() + 2;
        }
        out.push_str(&letters::in_pattern(&written[done..]));
        out
    }
}

/// The words that `written` names, and where.
fn named(written: &str) -> impl Iterator<Item = (usize, &str)> {
    written.match_indices('{').filter_map(|(at, _)| {
        let inside = &written[at + 1..];
        let (name, _) = inside.split_once('}')?;
        // `\x{e9}` and `\p{greek}` are the expression's own.
        let is_own = ["\\x", "\\u", "\\p", "\\P"]
            .iter()
            .any(|own| written[..at].ends_with(own));
        (name.starts_with(|c: char| c.is_ascii_lowercase()) && !is_own).then_some((at, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_put_in() {
        let mut words = Words::default();
        words.add("box", ["mail", "post"].map(str::to_owned).into_iter());
        assert_eq!(
            words.put_in(r"\bno {box}é{2}"),
            r"\bno (?:(?:mail)|(?:post))[?e]{2}"
        );
        assert_eq!(words.unknown("{box} {case} \\x{e9}"), Some("case"));
    }
}
