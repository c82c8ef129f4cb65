//! By what deliveries can be grouped.

use std::fmt;
use std::str::FromStr;

/// A breakdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// The instance: one table over all of them.
    Instance,
    /// The host that logged the delivery, in lower case; `?` where the line has none.
    Host,
    /// The recipient's domain, in lower case.
    Domain,
    /// The recipient's provider, by domain, else by the relay ([`knowledge::providers::Providers::of`]).
    Provider,
    /// The host that took or refused the mail, in lower case; `none` where Postfix got as far as no host.
    Relay,
    /// The class of reasons; `-` for mail that was sent.
    Reason,
    /// The enhanced status code.
    Dsn,
    /// The sender's domain, in lower case; `<>` for bounces, `?` where the log does not show the sender.
    SenderDomain,
    /// The hour, `2026-09-19T12`. When clocks are set back, the hour that comes twice is one row.
    Hour,
    /// The day, `2026-09-19`.
    Day,
}

impl Dimension {
    /// Every dimension.
    pub const ALL: &[Self] = &[
        Self::Instance,
        Self::Host,
        Self::Domain,
        Self::Provider,
        Self::Relay,
        Self::Reason,
        Self::Dsn,
        Self::SenderDomain,
        Self::Hour,
        Self::Day,
    ];

    /// Its name, as in the option and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Host => "host",
            Self::Domain => "domain",
            Self::Provider => "provider",
            Self::Relay => "relay",
            Self::Reason => "reason",
            Self::Dsn => "dsn",
            Self::SenderDomain => "sender-domain",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// Is it a sequence in time: in order, and never cut to a top?
    pub fn is_time(self) -> bool {
        matches!(self, Self::Hour | Self::Day)
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
