//! What could not be read, beside what could.

use std::fmt;
use std::path::PathBuf;

use crate::escape::escape;

/// A place inside a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Position {
    /// A line, counted from 1.
    Line(u64),
    /// A byte offset, counted from 0.
    Byte(u64),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(n) => write!(f, "line {n}"),
            Self::Byte(n) => write!(f, "byte {n}"),
        }
    }
}

/// Something that could not be read, or is wrong: where, and what to know about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file or directory, as this machine names it.
    pub path: PathBuf,
    /// Where in the file, if that is known.
    pub at: Option<Position>,
    /// One line: what was tried and how it failed. May quote strangers' text; [`fmt::Display`] escapes it.
    pub what: String,
}

impl Problem {
    /// A problem with `path` as a whole. The `(os error 2)` that std puts behind an error's text is dropped.
    pub fn new(path: impl Into<PathBuf>, what: impl Into<String>) -> Self {
        let mut what = what.into();
        if let Some((before, behind)) = what.split_once(" (os error ")
            && let Some((number, rest)) = behind.split_once(')')
            && number.bytes().all(|b| b.is_ascii_digit())
        {
            what = format!("{before}{rest}");
        }
        Self {
            path: path.into(),
            at: None,
            what,
        }
    }

    /// The same, at a place in the file.
    #[must_use]
    pub fn at(mut self, at: Position) -> Self {
        self.at = Some(at);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use std::os::unix::ffi::OsStrExt;
        write!(f, "{}", escape(self.path.as_os_str().as_bytes()))?;
        if let Some(at) = self.at {
            write!(f, ", {at}")?;
        }
        write!(f, ": {}", escape(self.what.as_bytes()))
    }
}

/// What was understood, and what was not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parsed<T> {
    /// All that could be read.
    pub value: T,
    /// All that could not.
    pub problems: Vec<Problem>,
}

impl<T> Parsed<T> {
    /// A value read without any problem.
    pub fn clean(value: T) -> Self {
        Self {
            value,
            problems: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_one_line_for_people() {
        let check = |what: &str, expected: &str| {
            let problem = Problem::new("/etc/x", what).at(Position::Line(3));
            assert_eq!(problem.to_string(), expected);
        };
        check("No such file (os error 2)", "/etc/x, line 3: No such file");
        check(
            "No such file (os error 2) (it was named there)",
            "/etc/x, line 3: No such file (it was named there)",
        );
        check(
            "odd (os error x) text",
            "/etc/x, line 3: odd (os error x) text",
        );
        check("two\nlines\x1b[2J", "/etc/x, line 3: two\\nlines\\x1b[2J");
    }
}
