//! What Postfix complains about itself: `fatal:`, `panic:`, `error:`, `warning:` (Postfix `src/util/msg_output.c`).

use super::cursor::Cursor;
use super::delivery;
use crate::Time;

/// How bad it is, the worse the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// `warning:`: it goes on.
    Warning,
    /// `error:`: it goes on, without something.
    Error,
    /// `fatal:`: the program ends.
    Fatal,
    /// `panic:`: the program ends, for a reason that should not be.
    Panic,
}

impl Severity {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Warning, Self::Error, Self::Fatal, Self::Panic];

    /// The word, as in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
            Self::Panic => "panic",
        }
    }
}

/// A complaint of one of Postfix's programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Complaint<'a> {
    /// When; absent where the line's time could not be placed.
    pub time: Option<Time>,
    /// The host that logged the line; empty if the line has none.
    pub host: &'a [u8],
    /// As [`super::Delivery::tag`].
    pub tag: &'a [u8],
    /// The program: `master`, `smtpd`, `postfix-script`.
    pub service: &'a [u8],
    /// How bad it is.
    pub severity: Severity,
    /// What it says behind the word. A stranger's words may be part of it.
    pub text: &'a [u8],
    /// How many times the line stands for.
    pub repeat: u64,
}

/// The severity, the text and the repeats of a message that is a complaint: the word stands in front of all else.
pub(super) fn parse(message: &[u8]) -> Option<(Severity, &[u8], u64)> {
    if !matches!(message.first(), Some(b'w' | b'e' | b'f' | b'p' | b'm')) {
        return None;
    }
    let mut c = Cursor(message);
    let repeat = delivery::repeated(&mut c, delivery::MOST_STOPS).unwrap_or(1);
    let severity = Severity::ALL.into_iter().find(|severity| {
        let mut probe = c;
        let found = probe.eat(severity.as_str().as_bytes()) && probe.eat(b": ");
        if found {
            c = probe;
        }
        found
    })?;
    Some((severity, c.0, repeat))
}
