//! The text of the map that pauses stand in: our lines between marks, and everything else, which is kept.
//!
//! ```text
//! # relay-limit begin aol-b-20261124T093012Z until 2026-11-24T13:30:12Z
//! aol.com retry:4.7.0 paused by relay-limit until 2026-11-24 14:30 +0100: TSS04
//! # relay-limit end aol-b-20261124T093012Z
//! ```
//!
//! transport(5): a `retry:` destination makes smtpd answer 450, and keeps mail that waits. Ours stand in front: of
//! two entries with one key, postmap(1) takes the first. A line is ours by its right-hand side, wherever it stands;
//! the marks say which limit it is of.

use std::collections::BTreeSet;
use std::path::Path;

use postfix::Time;
use transport::{Source, TableEntry};

use crate::aliases::Aliases;
use crate::limit::{Limit, Scope};

/// What every answer of ours begins with. No mail server of others can say it first in a log: what they say stands
/// behind "host NAME said".
pub const MARK: &str = "paused by relay-limit";

/// The enhanced status code of our answers: "other or undefined security status" (RFC 3463), as providers use it to
/// refuse an address for a while.
const CODE: &str = "4.7.0";

const HEADING: &str =
    "# relay-limit(8): the lines between its marks are its own; any others are kept as they are.";
const BEGIN: &str = "# relay-limit begin ";
const END: &str = "# relay-limit end ";

/// What a line that begins with white space may continue, if it stands first: nobody's mail.
const GUARD: &str = "relay-limit.invalid";

/// How the lines of a map are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `aol.com`, for a table that postmap(1) makes.
    Keys,
    /// `/^(.*@)?aol\.com$/`, for regexp_table(5) and pcre_table(5).
    Patterns,
    /// `info@example.org 450 4.7.0 ...`, for access(5).
    Access,
}

/// What is written for one limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The limit.
    pub id: String,
    /// When it ends.
    pub until: Option<Time>,
    /// What Postfix answers.
    pub text: String,
    /// The left-hand sides, as keys: `aol.com`, `.aol.com`, `user@aol.com`, `*`.
    pub keys: Vec<String>,
}

/// What a map has between two marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The limit that the mark names.
    pub id: String,
    /// When it ends.
    pub until: Option<Time>,
    /// Its lines, which may have been edited.
    pub lines: Vec<u8>,
}

/// A map's text, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MapText {
    /// What stands between marks, in order.
    pub blocks: Vec<Marked>,
    /// All lines that are not ours, byte for byte.
    pub others: Vec<u8>,
}

impl MapText {
    /// Takes a text apart. Never fails, whatever the bytes.
    pub fn parse(text: &[u8]) -> Self {
        let mut map = Self::default();
        let mut is_open = false;
        for line in text.split_inclusive(|&b| b == b'\n') {
            let bare = line.strip_suffix(b"\n").unwrap_or(line);
            let mut place = &mut map.others;
            if let Some(rest) = bare.strip_prefix(BEGIN.as_bytes()) {
                map.blocks.push(mark(&String::from_utf8_lossy(rest)));
                is_open = true;
                continue;
            } else if bare.starts_with(END.as_bytes()) {
                is_open = false;
                continue;
            } else if bare == HEADING.as_bytes() {
                continue;
            } else if is_ours(bare) {
                // Outside of the marks, nobody knows whose it is: it goes.
                match map.blocks.last_mut().filter(|_| is_open) {
                    Some(block) => place = &mut block.lines,
                    None => continue,
                }
            }
            place.extend_from_slice(bare);
            place.push(b'\n');
        }
        map
    }

    /// The entries that are not ours. `path` is for messages.
    pub fn other_entries(&self, path: &Path) -> Vec<TableEntry> {
        Source::parse(path, &self.others).value.entries
    }
}

/// `ID until TIME`, or `ID until further notice`.
fn mark(text: &str) -> Marked {
    let (id, until) = text.split_once(" until ").unwrap_or((text, ""));
    Marked {
        id: id.trim().to_owned(),
        until: parse_time(until.trim()),
        lines: Vec::new(),
    }
}

/// Is this the right-hand side of a line of ours?
pub fn is_answer(value: &str) -> bool {
    let value = value.trim_start();
    let text = value
        .strip_prefix("retry:")
        .or_else(|| value.strip_prefix("450 "))
        .and_then(|value| value.strip_prefix(CODE));
    text.is_some_and(|text| text.trim_start().starts_with(MARK))
}

/// Is this a line of ours?
fn is_ours(line: &[u8]) -> bool {
    let line = String::from_utf8_lossy(line);
    let value = line.split_once([' ', '\t']).map(|(_, value)| value);
    !line.starts_with([' ', '\t', '#']) && value.is_some_and(is_answer)
}

/// What the map must say: a block a limit, those that last longest first; behind them what is `kept` of others'
/// blocks, of which the journal does not know, and what is not ours.
pub fn render(form: Form, blocks: &[Block], kept: &[Marked], others: &[u8]) -> Vec<u8> {
    let mut sorted: Vec<&Block> = blocks.iter().collect();
    sorted.sort_by_key(|block| {
        (
            std::cmp::Reverse(block.until.unwrap_or(Time::MAX)),
            block.id.clone(),
        )
    });
    let mut text = format!("{HEADING}\n");
    let mut known = BTreeSet::new();
    for block in sorted {
        text.push_str(&begin(&block.id, block.until));
        for key in block.keys.iter().filter(|key| known.insert((*key).clone())) {
            text.push_str(&line(form, key, &block.text));
        }
        text.push_str(&format!("{END}{}\n", block.id));
    }
    let mut text = text.into_bytes();
    for block in kept {
        text.extend_from_slice(begin(&block.id, block.until).as_bytes());
        text.extend_from_slice(&block.lines);
        text.extend_from_slice(format!("{END}{}\n", block.id).as_bytes());
    }
    if begins_with_more(others) {
        text.extend_from_slice(line(form, GUARD, MARK).as_bytes());
    }
    text.extend_from_slice(others);
    text
}

/// Does the first line that Postfix sees begin with white space, so that it is taken for more of the line before?
fn begins_with_more(text: &[u8]) -> bool {
    let is_space = |b: u8| b.is_ascii_whitespace() || b == 0x0b;
    let visible = text.split(|&b| b == b'\n').find_map(|line| {
        let first = line.iter().find(|&&b| !is_space(b))?;
        (*first != b'#').then_some(line)
    });
    visible.is_some_and(|line| line.first().is_some_and(|&b| is_space(b)))
}

fn begin(id: &str, until: Option<Time>) -> String {
    let until = until.map_or_else(|| "further notice".to_owned(), format_time);
    format!("{BEGIN}{id} until {until}\n")
}

fn line(form: Form, key: &str, text: &str) -> String {
    match form {
        Form::Keys => format!("{key}\tretry:{CODE} {text}\n"),
        Form::Access => format!("{key}\t450 {CODE} {text}\n"),
        Form::Patterns => {
            let pattern = match (key, key.strip_prefix('.')) {
                ("*", _) => "/^/".to_owned(),
                (_, Some(below)) => format!("/^(.*[@.])?[^@]+\\.{}$/", literal(below)),
                _ if key.contains('@') => format!("/^{}$/", literal(key)),
                _ => format!("/^(.*@)?{}$/", literal(key)),
            };
            // `$` would begin a reference to a part of the match.
            format!("{pattern}\tretry:{CODE} {}\n", text.replace('$', "$$"))
        }
    }
}

/// As a regular expression that only this text matches; the pattern's own delimiter among what is escaped.
fn literal(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_punctuation() && !matches!(c, '-' | '_' | '@') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The blocks for `limits`, which are to hold now. `elsewhere`: the keys of the other tables, and of the lines in
/// this map that are not ours. Postfix asks every table for the whole address before it asks any for the domain, and
/// for `*` last: so those that a limit means are paused by name.
///
/// Keys that no line can have come back beside the blocks.
pub fn blocks(limits: &[&Limit], elsewhere: &BTreeSet<String>) -> (Vec<Block>, Vec<String>) {
    blocks_of(limits, |scope| {
        let more = elsewhere.iter().filter(|key| scope.covers(key)).cloned();
        (scope.keys(), more.collect())
    })
}

/// The blocks of the access table for `limits`: the recipients that smtpd accepts whatever the other map says.
pub fn access_blocks(limits: &[&Limit], aliases: &Aliases) -> (Vec<Block>, Vec<String>) {
    blocks_of(limits, |scope| {
        let led = aliases.leading(scope);
        (led.domains, led.keys)
    })
}

/// The blocks for `limits`, with the keys that `of` gives for a scope: first those that any line can have.
fn blocks_of(
    limits: &[&Limit],
    of: impl Fn(&Scope) -> (Vec<String>, BTreeSet<String>),
) -> (Vec<Block>, Vec<String>) {
    let mut odd = Vec::new();
    let pauses = limits
        .iter()
        .filter_map(|limit| Some((limit, limit.pause()?)));
    let blocks = pauses.map(|(limit, pause)| {
        let (mut keys, more) = of(&pause.scope);
        for key in more {
            match is_plain(&key) {
                _ if keys.contains(&key) => {}
                true => keys.push(key),
                false => odd.push(key),
            }
        }
        Block {
            id: limit.id.clone(),
            until: limit.until,
            text: pause.text.clone(),
            keys,
        }
    });
    (blocks.collect(), odd)
}

/// A key that postmap(1) reads back as it is.
fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && !key.starts_with('#')
        && !key.contains(|c: char| {
            c.is_whitespace() || c.is_control() || matches!(c, '"' | '\\' | '\u{fffd}')
        })
}

/// What Postfix answers for a limit: no more than a line, and nothing that a terminal would take for more than text.
pub fn answer(until: Option<&str>, reason: Option<&str>) -> String {
    let mut text = MARK.to_owned();
    if let Some(until) = until {
        text.push_str(&format!(" until {until}"));
    }
    let plain = |c: char| match c {
        ' '..='~' => c,
        _ => '?',
    };
    let reason: String = reason
        .unwrap_or_default()
        .trim()
        .chars()
        .map(plain)
        .take(120)
        .collect();
    if !reason.is_empty() {
        text.push_str(": ");
        text.push_str(&reason);
    }
    text
}

/// RFC 3339, UTC, to the second.
fn format_time(time: Time) -> String {
    let time = chrono::DateTime::from_timestamp(time.seconds(), 0).unwrap_or_default();
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn parse_time(text: &str) -> Option<Time> {
    text.parse().ok()
}

#[cfg(test)]
mod tests;
