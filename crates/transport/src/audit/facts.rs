//! What is known of the hosts that lines lead to.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// A host that lines lead to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RelayHost {
    /// Its name.
    pub name: String,
    /// What is looked up.
    pub asks: Asks,
}

/// What smtp(8) looks up of a host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asks {
    /// In brackets: its addresses alone.
    Addresses,
    /// Without: its mail exchangers, or else its addresses.
    Exchangers,
    /// The SRV records of a service at it.
    Services {
        /// `smtp`: `_smtp._tcp.HOST` is asked for.
        service: String,
        /// Without such records, mail exchangers.
        falls_back: bool,
    },
}

/// Records by which a relay name's own addresses share its mail in unequal parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharedBy {
    /// MX records: for all that ask for the name without brackets.
    Mx,
    /// SRV records of the service `smtp`: for those that ask for these.
    Srv,
}

/// What the DNS says of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostState {
    /// It has these addresses, or its mail exchangers have.
    Found(Vec<IpAddr>),
    /// Its SRV records lead to these.
    Offered(Vec<SocketAddr>),
    /// There is no such name, or nothing that mail could be sent to: what is missing.
    Missing(String),
    /// It could not be found out: why.
    Unknown(String),
}

/// The result of connecting to a relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortState {
    /// Something listens there.
    Open,
    /// Nothing does, at none of its addresses.
    Refused,
    /// No answer, or no way there from here: why.
    Unreached(String),
    /// It was asked for a recipient.
    Asked(RelayAnswers),
}

/// What a relay's addresses answered that were asked for a recipient; nothing, where all take it. `192.0.2.1: 554 …`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RelayAnswers {
    /// With 5xx: the mail comes back. Quotes others, as do the next two.
    pub bounces: Vec<String>,
    /// With 454, reject_unauth_destination's where it defers: this server is no client of theirs (postconf(5),
    /// defer_unauth_destination; `src/smtpd/smtpd_check.c`).
    pub denies: Vec<String>,
    /// With another 4xx, as in a pause.
    pub defers: Vec<String>,
    /// They could not be asked: why.
    pub unasked: Vec<String>,
}

/// Why the records of a relay name prove no relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// No other host can be at this address of it: `0.0.0.0`, `127.0.0.1`.
    Nobody(IpAddr),
    /// A wildcard has the same addresses for any name.
    Wildcard,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody(ip) => write!(f, "is {ip}, where no relay can be"),
            Self::Wildcard => f.write_str("by a wildcard alone, as any name"),
        }
    }
}
