//! DNS lookups with bounded time, and what a mail relay's records must say.
//!
//! - [`Resolver`] asks: a few tries over UDP, TCP where an answer is cut short, and never beyond its deadline.
//!   Questions that were asked before, by any thread, are answered from memory.
//! - [`Lookup`] is what asks; the judgements below take any, so that tests supply answers of their own.
//! - [`checks`]: is the DNS of a relay in order? [`spf`]: RFC 7208.
//!
//! Must not know Postfix, instances or providers, print, or choose whom to ask: servers and time limits are arguments.
//! That a server did not answer is a [`Failure`], never an empty answer.
//!
//! The wire format is crate `domain`'s. Its own clients need an async runtime; a relay's few dozen questions are asked
//! by plain sockets and threads. What servers say is strangers' text: it is kept as it came, and escaped where it is
//! shown.
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests, on files of their own")
)]

mod answer;
pub mod checks;
mod exchange;
pub mod exchangers;
mod resolv_conf;
mod resolver;
pub mod spf;
mod wire;
#[cfg(test)]
mod wire_tests;

pub use answer::{Answer, Data, Failure, Lookup, Record};
pub use domain::base::Rtype;
pub use resolv_conf::system_servers;
pub use resolver::{Limits, Resolver};

/// A domain name, absolute. Its `Display` form escapes what is not printable ASCII, and has no dot at its end.
pub type Name = domain::base::Name<Vec<u8>>;

/// The name that `text` is, whether a dot ends it or not; `None` if it cannot be one.
pub fn name(text: &str) -> Option<Name> {
    // A backslash would begin a zone file's escape, which neither main.cf nor an SPF record knows.
    if text.is_empty() || text.contains('\\') || text.contains('"') {
        return None;
    }
    text.parse().ok()
}

/// The name below in-addr.arpa or ip6.arpa whose PTR record names the host that has this address (RFC 1035, section
/// 3.5; RFC 3596, section 2.5).
pub fn reverse_name(address: std::net::IpAddr) -> Option<Name> {
    let reverse = Name::reverse_from_addr(address).ok()?;
    name(&reverse.to_string().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |text: &str, expected: Option<&str>| {
            let found = name(text).map(|name| name.to_string());
            assert_eq!(found.as_deref(), expected, "{text:?}");
        };
        check("aol-a.example.org", Some("aol-a.example.org"));
        check("aol-a.example.org.", Some("aol-a.example.org"));
        check("_spf.Example.org", Some("_spf.Example.org"));
        check("", None);
        check("a..b", None);
        check("a\\.b", None);
        check(&"a".repeat(64), None);
        check(&["a"; 128].join("."), None);
    }

    #[test]
    fn reverse_names() {
        let check = |address: &str, expected: &str| {
            let found = reverse_name(address.parse().unwrap()).unwrap();
            assert_eq!(found.to_string(), expected);
        };
        check("216.66.23.44", "44.23.66.216.in-addr.arpa");
        // The example of RFC 3596, section 2.5.
        check(
            "4321:0:1:2:3:4:567:89ab",
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa",
        );
    }
}
