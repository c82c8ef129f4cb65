//! What comes of a question.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use crate::{Name, Rtype};

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// The name of the host that has an address.
    Ptr(Name),
    /// The name of a server that knows a zone.
    Ns(Name),
    /// A mail exchanger and its preference.
    Mx(u16, Name),
    /// Where a service is offered (RFC 2782).
    Srv {
        /// The lowest are asked first.
        priority: u16,
        /// Its part of what goes to those of one priority, beside their weights.
        weight: u16,
        /// The TCP port there.
        port: u16,
        /// The host.
        host: Name,
    },
    /// Text, its strings joined (RFC 7208, section 3.3). Any bytes.
    Txt(Vec<u8>),
}

/// A record of the type that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// How long it may be kept, in seconds: the smallest of its own and of the CNAME records that led to it.
    pub ttl: u32,
    /// What it says.
    pub data: Data,
}

/// An answer; that the name does not exist, or no such record, is one too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The records, in the order of the answer; empty if there are none of that type.
    pub records: Vec<Record>,
    /// There is no such name at all (NXDOMAIN).
    pub no_such_name: bool,
    /// The name that the records are of, where CNAME records led to another than the one asked for.
    pub alias: Option<Name>,
    /// A server that knows the zone gave the answer itself, not one that remembers it.
    pub authoritative: bool,
}

impl Answer {
    /// The addresses among the records.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.records.iter().filter_map(|record| match record.data {
            Data::A(address) => Some(IpAddr::V4(address)),
            Data::Aaaa(address) => Some(IpAddr::V6(address)),
            _ => None,
        })
    }

    /// The smallest time to live among the records, in seconds.
    pub fn ttl(&self) -> Option<u32> {
        self.records.iter().map(|record| record.ttl).min()
    }
}

/// Why there is no answer. Nothing can be said then about what the DNS has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No server answered in time.
    Timeout,
    /// The time for all questions together is over.
    OutOfTime,
    /// A server answered that it cannot say: the word of RFC 1035 and its successors (`SERVFAIL`, `REFUSED`).
    Refused(String),
    /// What came back does not answer the question.
    Malformed,
    /// CNAME records lead on and on.
    TooManyAliases,
    /// The network said no.
    Network(String),
    /// No server of the zone could be asked for its own answer.
    NoAuthority,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("no answer in time"),
            Self::OutOfTime => f.write_str("not asked: the time for all lookups is over"),
            Self::Refused(code) => write!(f, "the server answered {code}"),
            Self::Malformed => f.write_str("the server's answer is invalid"),
            Self::TooManyAliases => f.write_str("too many CNAME records"),
            Self::Network(why) => f.write_str(why),
            Self::NoAuthority => f.write_str("none of the zone's own servers could be reached"),
        }
    }
}

/// Who asks the DNS.
pub trait Lookup: Sync {
    /// The records of a name and type.
    ///
    /// # Errors
    /// It could not be found out.
    fn ask(&self, name: &Name, rtype: Rtype) -> Result<Arc<Answer>, Failure>;

    /// The same, as a server of the zone itself gives it: with the whole time to live.
    ///
    /// # Errors
    /// It could not be found out.
    fn ask_authority(&self, name: &Name, rtype: Rtype) -> Result<Arc<Answer>, Failure>;
}
