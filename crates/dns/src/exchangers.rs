//! Where a name's mail exchangers lead.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::{Data, Failure, Lookup, Name, Rtype};

/// The mail exchangers of a name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exchangers {
    /// All of their addresses, of the type that was asked for.
    pub addresses: BTreeSet<IpAddr>,
    /// The MX records' time to live, in seconds; 0 where there are none.
    pub ttl: u32,
}

/// Looks up the mail exchangers of `name`, and their addresses of the type `rtype`. It has none where it has no MX
/// records.
///
/// # Errors
/// One of them could not be looked up.
pub fn exchangers(lookup: &dyn Lookup, name: &Name, rtype: Rtype) -> Result<Exchangers, Failure> {
    let answer = lookup.ask(name, Rtype::MX)?;
    let mut found = Exchangers {
        ttl: answer.ttl().unwrap_or_default(),
        ..Exchangers::default()
    };
    for record in &answer.records {
        if let Data::Mx(_, host) = &record.data {
            found.addresses.extend(lookup.ask(host, rtype)?.addresses());
        }
    }
    Ok(found)
}
