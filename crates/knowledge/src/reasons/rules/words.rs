//! Words for what many patterns have in common: `{mailbox}` in a pattern stands for the pattern of that name.

use std::collections::BTreeMap;

use super::pattern::alternatives;
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

/// What the matches of `written` begin with, as patterns that are shorter where that can be: for each alternative the
/// word that it begins with, or what stands before the first word, and the whole of it.
pub(super) fn heads(written: &str) -> impl Iterator<Item = (&str, &str)> {
    let all = alternatives(written).into_iter();
    all.map(|alternative| (head(alternative), alternative))
}

fn head(alternative: &str) -> &str {
    let bare = alternative.trim_start_matches("\\b");
    for (open, close) in [("{", "}"), ("(?:{", "})")] {
        let first = named(bare).next().filter(|(at, _)| at + 1 == open.len());
        let Some((at, name)) = first.filter(|_| bare.starts_with(open)) else {
            continue;
        };
        let end = at + 1 + name.len();
        let rest = bare[end..].strip_prefix(close);
        if rest.is_some_and(|rest| !may_be_missing(rest)) {
            return &bare[..end + close.len()];
        }
    }
    let cut = named(alternative).find(|(at, _)| is_outside(&alternative[..*at]));
    match cut {
        Some((at, _)) if at > 0 => &alternative[..at],
        _ => alternative,
    }
}

/// Does `rest` say that what stands before it may be missing?
fn may_be_missing(rest: &str) -> bool {
    let counted = rest.strip_prefix('{').unwrap_or_default();
    rest.starts_with(['?', '*']) || counted.starts_with(|c: char| c.is_ascii_digit() || c == ',')
}

/// Is the end of `before` in no group and no class?
fn is_outside(before: &str) -> bool {
    let (mut depth, mut in_class, mut escaped) = (0_usize, false, false);
    for c in before.chars() {
        match c {
            _ if escaped => {
                escaped = false;
                continue;
            }
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => depth += 1,
            ')' if !in_class => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    depth == 0 && !in_class
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pattern_begins_with() {
        let check = |written: &str, expected: &[&str]| {
            let found: Vec<&str> = heads(written).map(|(head, _)| head).collect();
            assert_eq!(found, expected, "{written}");
        };
        check(r"{box}{gap}\bfull\b", &["{box}"]);
        check(r"(?:{box}){gap}full|\b{full}", &["(?:{box})", "{full}"]);
        check(r"{box}?full", &[r"{box}?full"]);
        check(r"\bno {box}", &[r"\bno "]);
        check(r"(?:a|{box})c {gap}d", &[r"(?:a|{box})c "]);
        check(r"(?:{box}|a){gap}d", &["(?:{box}|a)"]);
        check(r"x{2,}y \p{greek}", &[r"x{2,}y \p{greek}"]);
        check(r"[{]{box}", &["[{]"]);
    }

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
