//! Which command a reply answers: a fact that a rule may ask for, and never its words.

use std::str::FromStr;

/// The place in an SMTP session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// The greeting.
    Connect,
    /// HELO, EHLO, LHLO.
    Helo,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA or BDAT.
    Data,
    /// The end of the message.
    EndOfData,
    /// STARTTLS, AUTH, XFORWARD, RSET, QUIT.
    Other,
}

const NAMES: [(&str, Stage); 7] = [
    ("connect", Stage::Connect),
    ("helo", Stage::Helo),
    ("mail", Stage::Mail),
    ("rcpt", Stage::Rcpt),
    ("data", Stage::Data),
    ("end-of-data", Stage::EndOfData),
    ("other", Stage::Other),
];

impl Stage {
    /// From what is in `(in reply to …)`: `RCPT TO command` (Postfix, src/smtp/smtp_proto.c).
    pub(super) fn of_command(command: &[u8]) -> Self {
        let starts = |word: &str| command.starts_with(word.as_bytes());
        if starts("end of DATA") {
            return Self::EndOfData;
        }
        let words = [
            ("HELO", Self::Helo),
            ("EHLO", Self::Helo),
            ("LHLO", Self::Helo),
            ("MAIL", Self::Mail),
            ("RCPT", Self::Rcpt),
            ("DATA", Self::Data),
            ("BDAT", Self::Data),
        ];
        let found = words.iter().find(|(word, _)| starts(word));
        found.map_or(Self::Other, |(_, stage)| *stage)
    }
}

/// The text names no stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a stage of a session; use {}", NAMES.map(|(name, _)| name).join(", "))]
pub(super) struct UnknownStage;

impl FromStr for Stage {
    type Err = UnknownStage;

    fn from_str(word: &str) -> Result<Self, UnknownStage> {
        let known = NAMES.iter().find(|(name, _)| *name == word);
        known.map(|(_, stage)| *stage).ok_or(UnknownStage)
    }
}
