//! What a row of a breakdown is about.

use std::borrow::Cow;

/// What the deliveries of a row have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// This domain, class, …: bytes from a log, written by strangers.
    Named(Vec<u8>),
    /// They are not among the top: so many keys, as far as these were told apart.
    Others(usize),
}

/// Puts a name that a stranger chose in quotes if it could be read as that of [`Key::Others`]: no domain and no host
/// begins with a bracket of this kind.
pub(crate) fn make_distinct(name: &mut Vec<u8>) {
    if name.first() == Some(&b'(') {
        name.insert(0, b'"');
        name.push(b'"');
    }
}

impl Key {
    /// The name, or `(other)`: for programs, to which it is the same row each time.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Named(name) => name,
            Self::Others(_) => b"(other)",
        }
    }

    /// The name, or `(7 more)`: for people.
    pub fn shown(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Others(keys @ 1..) => format!("({keys} more)").into_bytes().into(),
            key => key.as_bytes().into(),
        }
    }

    /// How many keys it stands for, if that is known and they are others'.
    pub fn others(&self) -> Option<usize> {
        match self {
            Self::Others(keys @ 1..) => Some(*keys),
            _ => None,
        }
    }
}
