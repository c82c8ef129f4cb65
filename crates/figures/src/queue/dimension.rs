//! By what queued mail's recipients can be grouped.

use std::fmt;
use std::str::FromStr;

/// What the recipients of a group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// The instance that has the message.
    Instance,
    /// The queue that it is in.
    Queue,
    /// The recipient's provider, by the domain, else by the server that deferred it.
    Provider,
    /// The recipient's domain, in lower case.
    Domain,
    /// The server that put it off, in lower case.
    Relay,
    /// Why, without what differs from message to message: see [`knowledge::reasons::fold`].
    Reason,
    /// The class of the reason.
    ReasonClass,
    /// The enhanced status code.
    Dsn,
    /// The sender; `MAILER-DAEMON` for bounces.
    Sender,
    /// The sender's domain, in lower case; `<>` for bounces.
    SenderDomain,
}

impl Dimension {
    /// Every dimension.
    pub const ALL: &[Self] = &[
        Self::Instance,
        Self::Queue,
        Self::Provider,
        Self::Domain,
        Self::Relay,
        Self::Reason,
        Self::ReasonClass,
        Self::Dsn,
        Self::Sender,
        Self::SenderDomain,
    ];

    /// Its name, as in the option and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Queue => "queue",
            Self::Provider => "provider",
            Self::Domain => "domain",
            Self::Relay => "relay",
            Self::Reason => "reason",
            Self::ReasonClass => "reason-class",
            Self::Dsn => "dsn",
            Self::Sender => "sender",
            Self::SenderDomain => "sender-domain",
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no [`Dimension`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot group by this; use {}", Dimension::ALL.iter().map(|d| d.as_str()).collect::<Vec<_>>().join(", "))]
pub struct UnknownDimension;

impl FromStr for Dimension {
    type Err = UnknownDimension;

    fn from_str(word: &str) -> Result<Self, UnknownDimension> {
        let known = Self::ALL.iter().find(|d| d.as_str() == word);
        known.copied().ok_or(UnknownDimension)
    }
}
