//! main.cf: names and their values, before any `$name` is expanded.

use std::collections::BTreeMap;
use std::path::Path;

use super::lines::{LogicalLine, is_space, logical_lines, trim};
use crate::{Parsed, Position, Problem};

/// The parameters that a main.cf sets, as written there.
///
/// Read as Postfix `src/util/dict.c` (`dict_load_fp`) reads it; where Postfix would give up at a line, that line is
/// a problem and the rest is read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MainCf(BTreeMap<Vec<u8>, Setting>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    value: Vec<u8>,
    line: u64,
}

impl MainCf {
    /// Reads a main.cf's text. `path` names the file in the problems. Never fails, whatever the bytes.
    pub fn parse(path: &Path, text: &[u8]) -> Parsed<Self> {
        let Parsed {
            value: lines,
            mut problems,
        } = logical_lines(path, text);
        let mut settings = BTreeMap::new();
        for LogicalLine { line, text } in lines {
            match split_nameval(&text) {
                // The last definition wins (Postfix warns where the values differ).
                Ok((name, value)) => {
                    settings.insert(
                        name.to_vec(),
                        Setting {
                            value: value.to_vec(),
                            line,
                        },
                    );
                }
                Err(why) => {
                    let start: String = String::from_utf8_lossy(&text).chars().take(60).collect();
                    let what =
                        format!("{why}: \"{start}\" (Postfix refuses to run with this line)");
                    problems.push(Problem::new(path, what).at(Position::Line(line)));
                }
            }
        }
        Parsed {
            value: Self(settings),
            problems,
        }
    }

    /// The value that is set for a parameter, unexpanded.
    pub fn value(&self, name: &[u8]) -> Option<&[u8]> {
        self.0.get(name).map(|setting| setting.value.as_slice())
    }

    /// The same, with this value for a parameter, as master.cf's `-o name=value` has it at `line`.
    pub(super) fn set(&mut self, name: &[u8], value: &[u8], line: u64) {
        let value = value.to_vec();
        self.0.insert(name.to_vec(), Setting { value, line });
    }

    /// The line (from 1) at which the definition that counts begins.
    pub fn line(&self, name: &[u8]) -> Option<u64> {
        self.0.get(name).map(|setting| setting.line)
    }

    /// The names that are set, in byte order.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.0.keys().map(Vec::as_slice)
    }
}

/// `name = value`, white space trimmed (Postfix `src/util/split_nameval.c`).
pub(super) fn split_nameval(text: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    let text = trim(text);
    let end = text
        .iter()
        .position(|&b| is_space(b) || b == b'=')
        .unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end).unwrap_or_default();
    if name.is_empty() {
        return Err("missing parameter name");
    }
    match trim(rest).split_first() {
        Some((b'=', value)) => Ok((name, trim(value))),
        _ => Err("missing '=' after the parameter name"),
    }
}
