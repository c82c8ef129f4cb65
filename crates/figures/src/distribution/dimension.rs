//! By what queued mail can be grouped.

use std::fmt;
use std::str::FromStr;

/// A breakdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// The recipient's domain, in lower case; `-` for an address without one.
    Domain,
    /// The recipient's provider, by that domain.
    Provider,
    /// The sender's domain, in lower case; `<>` for bounces.
    SenderDomain,
    /// The time since arrival, in the steps of qshape(1).
    Age,
}

impl Dimension {
    /// Every dimension.
    pub const ALL: &[Self] = &[Self::Domain, Self::Provider, Self::SenderDomain, Self::Age];

    /// Its name, as in the option and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::Provider => "provider",
            Self::SenderDomain => "sender-domain",
            Self::Age => "age",
        }
    }

    /// What its rows count. A message has one sender and one age, but as many domains as its recipients have; those who
    /// have got it already are not counted (as in qshape(1)).
    pub fn unit(self) -> &'static str {
        if self.counts_recipients() {
            "recipients"
        } else {
            "messages"
        }
    }

    /// Does a file have to be read as far as its recipients?
    pub fn counts_recipients(self) -> bool {
        matches!(self, Self::Domain | Self::Provider)
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no [`Dimension`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a breakdown; use {}", Dimension::ALL.iter().map(|d| d.as_str()).collect::<Vec<_>>().join(", "))]
pub struct UnknownDimension;

impl FromStr for Dimension {
    type Err = UnknownDimension;

    fn from_str(word: &str) -> Result<Self, UnknownDimension> {
        let known = Self::ALL.iter().find(|d| d.as_str() == word);
        known.copied().ok_or(UnknownDimension)
    }
}
