//! A provider's relay name as a whole: where else it leads than to the addresses that are known.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::{Data, Failure, Lookup, Name, Rtype, name, reverse_name};

/// A label that no zone has: what is found beside a name for it, too, is a wildcard's.
const NOBODY: &str = "relay-tools-no-such-name";

/// Can no other host be reached there? Such a record leads mail back to who sends it, or nowhere.
pub fn is_nobody(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => {
            let is_own = ip == std::net::Ipv4Addr::LOCALHOST;
            is_own
                || ip.octets()[0] == 0
                || ip.is_multicast()
                || ip.is_broadcast()
                || ip.is_link_local()
        }
        IpAddr::V6(ip) => {
            let of_v4 = ip.to_ipv4_mapped().map(IpAddr::V4);
            ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
                || ip.is_unicast_link_local()
                || of_v4.is_some_and(is_nobody)
        }
    }
}

/// All addresses of a name, in order.
///
/// # Errors
/// One of the two families could not be asked for.
pub fn addresses(lookup: &dyn Lookup, name: &Name) -> Result<BTreeSet<IpAddr>, Failure> {
    let mut found = BTreeSet::new();
    for rtype in [Rtype::A, Rtype::AAAA] {
        found.extend(lookup.ask(name, rtype)?.addresses());
    }
    Ok(found)
}

/// Has any other name beside this one the same addresses (RFC 4592)? Then they say nothing of it. Where that cannot be
/// found out, it is not so.
pub fn is_by_wildcard(lookup: &dyn Lookup, of: &str, found: &BTreeSet<IpAddr>) -> bool {
    let beside = of
        .split_once('.')
        .and_then(|(_, parent)| name(&format!("{NOBODY}.{parent}")));
    let beside = beside.map(|beside| addresses(lookup, &beside));
    !found.is_empty() && beside.is_some_and(|beside| beside.is_ok_and(|beside| beside == *found))
}

/// Does the address have a name below `domain` that leads back to it? Then somebody keeps it.
pub fn is_kept(lookup: &dyn Lookup, address: IpAddr, domain: &str) -> bool {
    let Some(reverse) = reverse_name(address) else {
        return false;
    };
    let Ok(answer) = lookup.ask(&reverse, Rtype::PTR) else {
        return false;
    };
    let end = format!(".{}", domain.trim_end_matches('.').to_ascii_lowercase());
    let mut names = answer
        .records
        .iter()
        .filter_map(|record| match &record.data {
            Data::Ptr(name) => Some(name),
            _ => None,
        });
    names.any(|name| {
        let is_own = name.to_string().to_ascii_lowercase().ends_with(&end);
        is_own && addresses(lookup, name).is_ok_and(|all| all.contains(&address))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_nobody() {
        let check = |address: &str, expected| {
            assert_eq!(is_nobody(address.parse().unwrap()), expected, "{address}");
        };
        for address in [
            "0.0.0.0",
            "127.0.0.1",
            "255.255.255.255",
            "224.0.0.1",
            "169.254.1.1",
            "::",
            "::1",
            "fe80::1",
            "::ffff:127.0.0.1",
        ] {
            check(address, true);
        }
        for address in ["192.0.2.1", "10.0.0.1", "127.0.9.1", "2001:db8::1"] {
            check(address, false);
        }
    }
}
