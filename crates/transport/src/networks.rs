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
    /// smtpd cannot say, and defers the mail: this element is broken, and why.
    Broken(String),
}

/// What an element that is not a network refers to: a file of such elements (`/etc/nets`), a table (`cidr:/etc/nets`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// The table has the address.
    Has,
    /// It has not.
    HasNot,
    /// The file's elements, which stand there in its place.
    Elements(String),
    /// It cannot be opened: why.
    Fails(String),
    /// It cannot be looked into from here.
    Unknown,
}

/// An element of the list, without the exclamation marks.
enum Element {
    Network(IpNet),
    /// A file, a table, a host name: what it says of an address, the list does not show.
    Reference,
    /// Postfix refuses it, and with it all that it is asked.
    Broken,
}

/// As many files within files as are followed.
const MAX_DEPTH: usize = 8;

/// Looks `address` up in a list as mynetworks has it, all `$name` expanded: from the left, the first element that has
/// it decides, and `!` turns its answer about (Postfix `src/util/match_list.c`). `look` says what is behind an element
/// that is no network; without it, those are not known, and neither is what comes of a broken one.
pub fn listed(list: &str, address: IpAddr, look: Option<&dyn Fn(&str) -> Reference>) -> Listed {
    // A reference that can only say yes does not matter where a later element says yes.
    let mut open: Option<(String, bool)> = None;
    let mut waiting: Vec<(String, usize)> = split(list, "", 0);
    while let Some((element, depth)) = waiting.pop() {
        let pattern = element.trim_start_matches('!');
        let says_yes = (element.len() - pattern.len()).is_multiple_of(2);
        let (has, reference) = match read(pattern) {
            Element::Network(network) => (network.contains(&address), None),
            Element::Broken => {
                let what = (element, "not a network that Postfix accepts".to_owned());
                return broken(what, open, look.is_some());
            }
            Element::Reference => match look.map_or(Reference::Unknown, |look| look(pattern)) {
                Reference::Has => (true, None),
                Reference::HasNot => (false, None),
                Reference::Elements(text) if depth < MAX_DEPTH => {
                    let marks = element.get(..element.len() - pattern.len());
                    waiting.extend(split(&text, marks.unwrap_or_default(), depth + 1));
                    continue;
                }
                Reference::Fails(why) => return broken((element, why), open, true),
                // A file may hold exclamation marks of its own.
                Reference::Elements(_) | Reference::Unknown => {
                    (false, Some(says_yes && !pattern.starts_with('/')))
                }
            },
        };
        if has {
            return match open {
                None if says_yes => Listed::Yes(element),
                None => Listed::No(Some(element)),
                Some((_, true)) if says_yes => Listed::Yes(element),
                Some((reference, _)) => Listed::Unknown(reference),
            };
        }
        if let Some(only_yes) = reference {
            open = match open {
                Some((first, only)) => Some((first, only && only_yes)),
                None => Some((element, only_yes)),
            };
        }
    }
    match open {
        Some((reference, _)) => Listed::Unknown(reference),
        None => Listed::No(None),
    }
}

/// The elements of a list, the last one first, with `marks` before each.
fn split(list: &str, marks: &str, depth: usize) -> Vec<(String, usize)> {
    let elements = list
        .split([',', ' ', '\t', '\r', '\n'])
        .filter(|element| !element.is_empty());
    let elements = elements.map(|element| (format!("{marks}{element}"), depth));
    elements.rev().collect()
}

/// A broken element stops smtpd only if none before it has the address.
fn broken(
    (element, why): (String, String),
    open: Option<(String, bool)>,
    is_certain: bool,
) -> Listed {
    match open {
        Some((reference, _)) => Listed::Unknown(reference),
        None if is_certain => Listed::Broken(format!("{element}: {why}")),
        None => Listed::Unknown(element),
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
            Self::Broken(what) => write!(f, "not known to the relay either: {what}"),
            Self::Unknown(element) => {
                write!(f, "not known: it depends on {element}, which is not read")
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
            assert_eq!(
                listed(list, address.parse().unwrap(), None),
                expected,
                "{list}"
            );
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

    #[test]
    fn files_and_tables_are_looked_into() {
        let look = |pattern: &str| match pattern {
            "/nets" => Reference::Elements("192.0.2.0/30 !192.0.2.9\n/more".to_owned()),
            "/more" => Reference::Elements("192.0.2.64/26\n".to_owned()),
            "/loop" => Reference::Elements("/loop".to_owned()),
            "cidr:/nets" => Reference::Has,
            "hash:/none" => Reference::Fails("gone".to_owned()),
            "mx.example.org" => Reference::Unknown,
            _ => Reference::HasNot,
        };
        let check = |list: &str, address: &str, expected: Listed| {
            let found = listed(list, address.parse().unwrap(), Some(&look));
            assert_eq!(found, expected, "{list}");
        };
        let yes = |element: &str| Listed::Yes(element.to_owned());
        let no = |element: &str| Listed::No(Some(element.to_owned()));
        check("/nets 192.0.2.0/24", "192.0.2.1", yes("192.0.2.0/30"));
        check("/nets 192.0.2.0/24", "192.0.2.9", no("!192.0.2.9"));
        check("/nets", "192.0.2.65", yes("192.0.2.64/26"));
        check("!/nets 192.0.2.0/24", "192.0.2.9", yes("!!192.0.2.9"));
        check("/nets", "192.0.2.32", Listed::No(None));
        check("!cidr:/nets 192.0.2.9", "192.0.2.9", no("!cidr:/nets"));
        check("hash:/x 192.0.2.9", "192.0.2.9", yes("192.0.2.9"));
        let gone = Listed::Broken("hash:/none: gone".to_owned());
        check("hash:/none 192.0.2.9", "192.0.2.9", gone.clone());
        check("192.0.2.9 hash:/none", "192.0.2.9", yes("192.0.2.9"));
        check("192.0.2.8 hash:/none", "192.0.2.9", gone);
        check(
            "mx.example.org hash:/none",
            "192.0.2.9",
            Listed::Unknown("mx.example.org".to_owned()),
        );
        check("/loop", "192.0.2.9", Listed::Unknown("/loop".to_owned()));
        assert!(matches!(
            listed("192.0.2.1/24", "192.0.2.9".parse().unwrap(), Some(&look)),
            Listed::Broken(_)
        ));
    }
}
