//! Whom a relay takes mail from: mynetworks (postconf(5)).

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// Does a list of networks have an address?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// Yes, by this element.
    Yes(String),
    /// No; by this element, if one says so (`!192.0.2.7`).
    No(Option<String>),
    /// It depends on this element, which is not to be looked into here.
    Unknown(String),
}

/// An element of the list, without the exclamation marks.
enum Element {
    Network(IpNet),
    /// A file, a table, a host name: what it says of an address, the list does not tell.
    Reference,
    /// Postfix refuses it, and with it all that it is asked.
    Broken,
}

/// Looks `address` up in a list as mynetworks has it, all `$name` expanded: from the left, the first element that has
/// it decides, and `!` turns its answer about (Postfix `src/util/match_list.c`).
pub fn listed(list: &str, address: IpAddr) -> Listed {
    let elements = list
        .split([',', ' ', '\t', '\r', '\n'])
        .filter(|element| !element.is_empty());
    // A reference that can only say yes does not matter where a later element says yes.
    let mut open: Option<(&str, bool)> = None;
    for element in elements {
        let pattern = element.trim_start_matches('!');
        let says_yes = (element.len() - pattern.len()).is_multiple_of(2);
        match read(pattern) {
            Element::Network(network) if network.contains(&address) => {
                return match open {
                    None if says_yes => Listed::Yes(element.to_owned()),
                    None => Listed::No(Some(element.to_owned())),
                    Some((_, true)) if says_yes => Listed::Yes(element.to_owned()),
                    Some((reference, _)) => Listed::Unknown(reference.to_owned()),
                };
            }
            Element::Network(_) => {}
            Element::Reference => {
                // A file may hold exclamation marks of its own.
                let only_yes = says_yes && !pattern.starts_with('/');
                open = match open {
                    Some((first, only)) => Some((first, only && only_yes)),
                    None => Some((element, only_yes)),
                };
            }
            Element::Broken => return Listed::Unknown(element.to_owned()),
        }
    }
    match open {
        Some((reference, _)) => Listed::Unknown(reference.to_owned()),
        None => Listed::No(None),
    }
}

fn read(pattern: &str) -> Element {
    if pattern.starts_with('/') {
        return Element::Reference;
    }
    let (address, length) = match pattern.strip_prefix('[') {
        Some(inner) => match inner.split_once(']') {
            Some((address, "")) => (address, None),
            Some((address, rest)) => match rest.strip_prefix('/') {
                Some(length) => (address, Some(length)),
                None => return Element::Broken,
            },
            None => return Element::Broken,
        },
        // type:table
        None if pattern.contains(':') => return Element::Reference,
        None => match pattern.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (pattern, None),
        },
    };
    let Ok(ip) = address.parse::<IpAddr>() else {
        // A host's name.
        return match length {
            Some(_) => Element::Broken,
            None => Element::Reference,
        };
    };
    let network = match length {
        None => IpNet::from(ip),
        Some(length) => {
            let digits = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
            let length = length.parse().ok().filter(|_| digits);
            match length.and_then(|length| IpNet::new(ip, length).ok()) {
                Some(network) => network,
                None => return Element::Broken,
            }
        }
    };
    // Postfix: "non-null host address bits".
    match network.trunc() == network {
        true => Element::Network(network),
        false => Element::Broken,
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yes(element) => write!(f, "listed by {element}"),
            Self::No(Some(element)) => write!(f, "excluded by {element}"),
            Self::No(None) => f.write_str("not listed"),
            Self::Unknown(element) => {
                write!(
                    f,
                    "not known: it depends on {element}, which is not looked into"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_looked_up() {
        // The same list elements are put to a real smtpd in tests/relay_transport/networks.rs.
        let check = |list: &str, address: &str, expected: Listed| {
            assert_eq!(listed(list, address.parse().unwrap()), expected, "{list}");
        };
        let yes = |element: &str| Listed::Yes(element.to_owned());
        let unknown = |element: &str| Listed::Unknown(element.to_owned());
        let no = || Listed::No(None);
        check("127.0.0.0/8 192.0.2.0/24", "192.0.2.7", yes("192.0.2.0/24"));
        check("127.0.0.0/8,192.0.2.7", "192.0.2.7", yes("192.0.2.7"));
        check("127.0.0.0/8 192.0.2.0/29", "192.0.2.8", no());
        check("", "192.0.2.7", no());
        check(
            "!192.0.2.7, 192.0.2.0/24",
            "192.0.2.7",
            Listed::No(Some("!192.0.2.7".to_owned())),
        );
        check("!192.0.2.7, 192.0.2.0/24", "192.0.2.8", yes("192.0.2.0/24"));
        check("!!192.0.2.7", "192.0.2.7", yes("!!192.0.2.7"));
        check(
            "[2001:db8::]/32 [::1]",
            "2001:db8::7",
            yes("[2001:db8::]/32"),
        );
        check("[2001:db8::]/32", "192.0.2.7", no());
        check("0.0.0.0/0", "2001:db8::7", no());
        check("192.0.2.0/24 /etc/nets", "192.0.2.7", yes("192.0.2.0/24"));
        check("/etc/nets 192.0.2.0/24", "192.0.2.7", unknown("/etc/nets"));
        check(
            "cidr:/etc/nets 192.0.2.0/24",
            "192.0.2.7",
            yes("192.0.2.0/24"),
        );
        check(
            "!cidr:/etc/nets 192.0.2.0/24",
            "192.0.2.7",
            unknown("!cidr:/etc/nets"),
        );
        check(
            "cidr:/etc/nets !192.0.2.7",
            "192.0.2.7",
            unknown("cidr:/etc/nets"),
        );
        check("cidr:/etc/nets", "192.0.2.7", unknown("cidr:/etc/nets"));
        check("localhost 192.0.2.8", "192.0.2.7", unknown("localhost"));
        check("192.0.2.1/24", "192.0.2.7", unknown("192.0.2.1/24"));
        check("192.0.2.0/33", "192.0.2.7", unknown("192.0.2.0/33"));
        check("192.0.2.0/+24", "192.0.2.7", unknown("192.0.2.0/+24"));
    }
}
