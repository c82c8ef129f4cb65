//! What is found: the words that all who find something share.

use crate::mail_stats::check::Watched;
use crate::verdict::Level;

/// Who is meant where no instance is.
pub(super) const ALL: &str = "all instances";

/// Of each instance, so many shares are judged that it usually has some of.
pub(super) const KINDS: usize = 3;

/// Something that needs attention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How bad it is.
    pub level: Level,
    /// The instance: text from a log.
    pub instance: String,
    /// In a few words: `34.4% deferred`.
    pub what: String,
    /// The rest of it: how it was, and why. May hold codes, addresses: text from a log. May be empty.
    pub details: String,
}

/// What is found, and how much of it there is.
pub(super) struct Found {
    pub(super) kind: Kind,
    pub(super) amount: u64,
    pub(super) notice: Notice,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A share of an instance's attempts, or of all of them.
    Share(Watched),
    /// The same of a provider, where no instance shows it.
    Provider(Watched),
    /// Domains that refuse everything.
    Domain,
    /// Hours in which next to nothing was sent.
    Hours,
    /// Far more or less than on the days before.
    Volume,
    /// An instance that should have delivered something.
    Silent,
    /// A provider that should have got something.
    LeftOut,
    /// What Postfix says of itself.
    Complaint,
    /// Lines that could not be read.
    Unread,
    /// Too much in the mailq, or for too long.
    Mailq,
    /// What Postfix stumbles over in a queue.
    Trouble,
    /// Mail that was sent, but hours late.
    Late,
}

impl Found {
    pub(super) fn new(kind: Kind, amount: u64, notice: Notice) -> Self {
        Self {
            kind,
            amount,
            notice,
        }
    }
}

impl Kind {
    /// The place among findings that are as bad: the first is 0.
    pub(super) fn place(self) -> u8 {
        match self {
            Self::Share(Watched::Blocked) | Self::Complaint => 0,
            Self::Silent | Self::Unread => 1,
            Self::Share(Watched::Bounced) => 2,
            Self::Provider(Watched::Bounced) | Self::Mailq => 3,
            Self::Share(Watched::Deferred) | Self::Hours => 4,
            Self::Provider(_) | Self::Domain => 5,
            Self::Share(Watched::Expired) => 6,
            Self::Volume => 7,
            Self::Share(Watched::Discarded) | Self::LeftOut | Self::Trouble => 8,
            Self::Late => 9,
        }
    }
}
