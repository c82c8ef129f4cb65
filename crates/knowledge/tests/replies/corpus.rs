//! The collection of replies, and how many of them are understood.

use std::net::IpAddr;

use knowledge::reasons::{Class, Reason, Reasons};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    reply: Vec<Reply>,
}

/// A reply, and what a reader takes it for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    /// As Postfix logs it between the parentheses.
    pub(crate) text: String,
    /// The line's `dsn=`.
    pub(crate) dsn: Option<String>,
    /// The best answer.
    pub(crate) class: String,
    /// Other answers that are right.
    #[serde(default)]
    pub(crate) also: Vec<String>,
    /// The provider's own code; `*` where it is not judged.
    pub(crate) code: Option<String>,
    /// The address that is blamed.
    pub(crate) ip: Option<IpAddr>,
}

/// The parts of the collection: those that rules may be written from, and the one that is only measured.
pub(crate) const PARTS: [(&str, &str); 3] = [
    ("decided", include_str!("decided.toml")),
    ("collected", include_str!("collected.toml")),
    ("held-out", include_str!("held-out.toml")),
];

/// The replies of a part.
pub(crate) fn part(name: &str) -> Vec<Reply> {
    let (_, text) = PARTS
        .iter()
        .find(|(part, _)| *part == name)
        .unwrap_or_else(|| panic!("no part {name}"));
    parse(name, text)
}

/// The replies of a file with the collection's form, named `name` in errors.
pub(crate) fn parse(name: &str, text: &str) -> Vec<Reply> {
    let file: File = toml::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
    file.reply
}

impl Reply {
    /// What the rules make of it.
    pub(crate) fn found(&self, reasons: &Reasons) -> Reason {
        reasons.classify(
            self.text.as_bytes(),
            self.dsn.as_deref().map(str::as_bytes),
            None,
        )
    }

    /// Is `class` the best answer?
    pub(crate) fn is_best(&self, class: Class) -> bool {
        self.class == class.as_str()
    }

    /// Is `class` the best answer, or another that is right?
    pub(crate) fn is_right(&self, class: Class) -> bool {
        self.is_best(class) || self.also.iter().any(|also| also == class.as_str())
    }

    /// Is the code right, or not judged?
    pub(crate) fn is_code_right(&self, code: Option<&str>) -> bool {
        self.code.as_deref() == Some("*") || self.code.as_deref() == code
    }
}
