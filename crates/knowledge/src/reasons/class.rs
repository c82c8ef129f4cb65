//! The classes of reasons.

use std::fmt;
use std::str::FromStr;

macro_rules! classes {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal,)*) => {
        /// The kind of reason for which a delivery failed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Class { $($(#[doc = $doc])* $name,)* }

        impl Class {
            /// Every class.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name, as in rules files, tables and JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

classes! {
    /// There is no such mailbox.
    BadMailbox = "bad-mailbox",
    /// The mailbox is disabled, closed or abandoned.
    InactiveMailbox = "inactive-mailbox",
    /// The mailbox has no room.
    MailboxFull = "mailbox-full",
    /// There is no such domain, or it takes no mail.
    BadDomain = "bad-domain",
    /// What the message says, links to or carries.
    SpamContent = "spam-content",
    /// The sending host's reputation: a blocklist, or the provider's own list.
    Blocked = "blocked",
    /// Too much at a time.
    RateLimited = "rate-limited",
    /// Come back later: greylisting.
    Greylisted = "greylisted",
    /// The receiver's rules, the sender's address among them.
    Policy = "policy",
    /// SPF, DKIM, DMARC, reverse DNS, SMTP AUTH.
    Authentication = "authentication",
    /// The receiver takes the mail for a relaying attempt.
    Relaying = "relaying",
    /// The message is too big.
    MessageTooBig = "message-too-big",
    /// The server was not reached, or the connection was lost.
    Connection = "connection",
    /// A name could not be looked up for now.
    Dns = "dns",
    /// TLS is missing, or could not be set up or trusted.
    Tls = "tls",
    /// One side did not understand the other, or mail loops.
    Protocol = "protocol",
    /// The message became too old.
    Expired = "expired",
    /// Held back by ourselves (relay-limit): no one refused anything.
    Paused = "paused",
    /// None of these.
    Other = "other",
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no [`Class`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a reason class; use one of {}", names())]
pub struct UnknownClass;

fn names() -> String {
    let names: Vec<&str> = Class::ALL.iter().map(|c| c.as_str()).collect();
    names.join(", ")
}

impl FromStr for Class {
    type Err = UnknownClass;

    fn from_str(word: &str) -> Result<Self, UnknownClass> {
        let known = Self::ALL.iter().find(|c| c.as_str() == word);
        known.copied().ok_or(UnknownClass)
    }
}
