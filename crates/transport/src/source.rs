//! A map's source text, as postmap reads it.

use std::collections::HashMap;
use std::path::Path;

use postfix::Parsed;
use postfix::config::logical_lines;

/// What a source text has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// Its entries, in order. Of those with one key, the first counts.
    pub entries: Vec<TableEntry>,
    /// Lines (from 1) that are not entries: a key without a value.
    pub malformed: Vec<u64>,
    /// Entries that do not count: the place of each, and of the one before it that does.
    pub repeated: Vec<(usize, usize)>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableEntry {
    /// The line (from 1) at which it begins.
    pub line: u64,
    /// The left-hand side, folded to lower case as in the map. What is not UTF-8 is replaced.
    pub key: String,
    /// The right-hand side.
    pub value: String,
}

impl Source {
    /// Reads a text. `path` names the file in the problems. Never fails, whatever the bytes.
    pub fn parse(path: &Path, text: &[u8]) -> Parsed<Self> {
        let Parsed {
            value: lines,
            problems,
        } = logical_lines(path, text);
        let mut source = Self::default();
        let mut known: HashMap<String, usize> = HashMap::new();
        for line in lines {
            let text = String::from_utf8_lossy(&line.text);
            let (key, value) = split(&text);
            if key.is_empty() || value.is_empty() {
                source.malformed.push(line.line);
                continue;
            }
            let key = key.to_lowercase();
            let at = source.entries.len();
            match known.get(&key) {
                Some(&first) => source.repeated.push((at, first)),
                None => {
                    known.insert(key.clone(), at);
                }
            }
            source.entries.push(TableEntry {
                line: line.line,
                key,
                value: value.to_owned(),
            });
        }
        Parsed {
            value: source,
            problems,
        }
    }
}

/// Key and value: the key ends at the first blank outside double quotes (Postfix `src/postmap/postmap.c`, `postmap`).
fn split(text: &str) -> (&str, &str) {
    let is_space = |c: char| c.is_ascii_whitespace() || c == '\u{b}';
    let mut quoted = false;
    let mut escaped = false;
    let end = text.char_indices().find(|&(_, c)| {
        if escaped {
            escaped = false;
            return false;
        }
        match c {
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            c => return is_space(c) && !quoted,
        }
        false
    });
    let end = end.map_or(text.len(), |(at, _)| at);
    let (key, value) = text.split_at(end);
    (key, value.trim_matches(is_space))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_as_postmap_reads_it() {
        // What postmap(1) of Postfix 3.7 makes of this text is compared in tests/relay_transport/check.
        let text = "# comment\naol.com smtp:[x]\nAOL.com  \t smtp:[y] \n\nfoo\n  bar\n.sub.example\ta:b\n\"q x\" \
            z:\nlonely\n* smtp:\nb\\ c d:\n";
        let source = Source::parse(Path::new("/etc/t"), text.as_bytes()).value;
        let found: Vec<(u64, &str, &str)> = source
            .entries
            .iter()
            .map(|e| (e.line, e.key.as_str(), e.value.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                (2, "aol.com", "smtp:[x]"),
                (3, "aol.com", "smtp:[y]"),
                (5, "foo", "bar"),
                (7, ".sub.example", "a:b"),
                (8, "\"q x\"", "z:"),
                (10, "*", "smtp:"),
                (11, "b\\ c", "d:"),
            ]
        );
        assert_eq!(source.malformed, [9]);
        assert_eq!(source.repeated, [(1, 0)]);
    }
}
