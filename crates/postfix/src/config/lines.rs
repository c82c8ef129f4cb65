//! Logical lines: what main.cf and master.cf are made of before their own grammar begins.
//!
//! As Postfix `src/util/readlline.c` (`readllines`) reads them: a line that begins with white space continues the
//! one before; blank lines and lines whose first visible character is `#` are skipped wherever they are, inside a
//! logical line too; the newline goes, the white space after it stays.

use std::path::Path;

use crate::{Parsed, Position, Problem};

/// One logical line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogicalLine {
    /// The physical line it begins at, from 1.
    pub line: u64,
    /// Its bytes, as far as Postfix sees them: up to the first NUL.
    pub text: Vec<u8>,
}

/// White space as Postfix's `ISSPACE` has it, vertical tab included.
pub(super) fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// `text` without white space at either end.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let start = text
        .iter()
        .position(|&b| !is_space(b))
        .unwrap_or(text.len());
    let end = text
        .iter()
        .rposition(|&b| !is_space(b))
        .map_or(start, |last| last.saturating_add(1));
    text.get(start..end).unwrap_or_default()
}

/// Splits the text of a main.cf, a master.cf or a table's source (postmap(1)) into logical lines. `path` is for the
/// problems.
pub fn logical_lines(path: &Path, input: &[u8]) -> Parsed<Vec<LogicalLine>> {
    let mut lines: Vec<LogicalLine> = Vec::new();
    for (number, physical) in (1..).zip(input.split(|&b| b == b'\n')) {
        match physical.iter().find(|&&b| !is_space(b)) {
            None | Some(b'#') => continue,
            Some(_) => {}
        }
        match (physical.first(), lines.last_mut()) {
            (Some(&first), Some(open)) if is_space(first) => open.text.extend_from_slice(physical),
            _ => lines.push(LogicalLine {
                line: number,
                text: physical.to_vec(),
            }),
        }
    }
    let mut problems = Vec::new();
    let mut report =
        |line, what: &str| problems.push(Problem::new(path, what).at(Position::Line(line)));
    lines.retain_mut(|line| {
        if line.text.first().is_some_and(|&b| is_space(b)) {
            report(line.line, "ignored: it begins with white space, but there is no line before that it could continue");
            return false;
        }
        if let Some(nul) = line.text.iter().position(|&b| b == 0) {
            report(line.line, "the text after a NUL byte is ignored");
            line.text.truncate(nul);
        }
        true
    });
    Parsed {
        value: lines,
        problems,
    }
}
