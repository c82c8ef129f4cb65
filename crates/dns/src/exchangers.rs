//! Where a name's mail exchangers lead, and the hosts of its SRV records.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::{Data, Failure, Lookup, Name, Rtype, name};

/// The hosts that records of a name lead to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exchangers {
    /// All of their addresses, of the type that was asked for.
    pub addresses: BTreeSet<IpAddr>,
    /// The MX or SRV records' time to live, in seconds; 0 where there are none.
    pub ttl: u32,
}

/// Looks up the mail exchangers of `name`, and their addresses of the type `rtype`. It has none where it has no MX
/// records.
///
/// # Errors
/// One of them could not be looked up.
pub fn exchangers(lookup: &dyn Lookup, name: &Name, rtype: Rtype) -> Result<Exchangers, Failure> {
    led_to(lookup, name, Rtype::MX, rtype)
}

/// Looks up the hosts of the SRV records for mail to `host` (`_smtp._tcp.HOST`), and their addresses of the type
/// `rtype`: where Postfix 3.8 and later sends its mail with `use_srv_lookup = smtp`.
///
/// # Errors
/// One of them could not be looked up.
pub fn services(lookup: &dyn Lookup, host: &Name, rtype: Rtype) -> Result<Exchangers, Failure> {
    match name(&format!("_smtp._tcp.{host}")) {
        Some(service) => led_to(lookup, &service, Rtype::SRV, rtype),
        None => Ok(Exchangers::default()),
    }
}

fn led_to(
    lookup: &dyn Lookup,
    name: &Name,
    by: Rtype,
    rtype: Rtype,
) -> Result<Exchangers, Failure> {
    let answer = lookup.ask(name, by)?;
    let mut found = Exchangers {
        ttl: answer.ttl().unwrap_or_default(),
        ..Exchangers::default()
    };
    for record in &answer.records {
        if let Data::Mx(_, host) | Data::Srv { host, .. } = &record.data {
            found.addresses.extend(lookup.ask(host, rtype)?.addresses());
        }
    }
    Ok(found)
}
