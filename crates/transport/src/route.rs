//! Where a map sends mail: `transport:nexthop` (transport(5), RESULT FORMAT).

use std::collections::BTreeSet;
use std::fmt;

/// How the lines of a map are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// The transport: a service of master.cf.
    pub transport: String,
    /// `[host]`: the host's own addresses are asked for, not its MX records.
    pub brackets: bool,
    /// Relay names whose MX or SRV records share the mail among their own addresses: without brackets in any case.
    pub shared: BTreeSet<String>,
    /// The port, if it is not SMTP's.
    pub port: Option<u16>,
}

impl Default for Style {
    /// `smtp:[aol.smtp.example.org]`: a relay's name has an address record for each of its relays, and Postfix spreads
    /// mail over them; MX records, of which there are none as a rule, need not be asked for.
    fn default() -> Self {
        Self {
            transport: "smtp".to_owned(),
            brackets: true,
            shared: BTreeSet::new(),
            port: None,
        }
    }
}

impl Style {
    /// The right-hand side of a line for this relay.
    pub fn value(&self, relay: &str) -> String {
        let host = if self.brackets && !self.shared.contains(relay) {
            format!("[{relay}]")
        } else {
            relay.to_owned()
        };
        match self.port {
            Some(port) => format!("{}:{host}:{port}", self.transport),
            None => format!("{}:{host}", self.transport),
        }
    }
}

/// A right-hand side, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The transport; empty: default_transport.
    pub transport: String,
    /// The hosts, in the order in which they are tried. Empty: the recipient's own domain, or relayhost.
    pub hops: Vec<Hop>,
}

/// One host of a right-hand side.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hop {
    /// The host's name or address, in lower case, without brackets or a dot at its end.
    pub host: String,
    /// In brackets: no MX records are asked for.
    pub is_bracketed: bool,
    /// A port or service name.
    pub port: Option<String>,
}

impl Route {
    /// Reads a right-hand side. Anything is one: what comes before the first colon is the transport (Postfix
    /// `src/trivial-rewrite/transport.c`, `parse_transport`).
    pub fn parse(value: &str) -> Self {
        let (transport, nexthop) = value.split_once(':').unwrap_or((value, ""));
        let hops = nexthop
            .split([',', ' ', '\t'])
            .filter(|hop| !hop.is_empty());
        Self {
            transport: transport.trim().to_owned(),
            hops: hops.map(Hop::parse).collect(),
        }
    }

    /// Does it lead to this host, and to no other?
    pub fn leads_to(&self, host: &str) -> bool {
        !self.hops.is_empty() && self.hops.iter().all(|hop| hop.host == host)
    }
}

impl Hop {
    fn parse(text: &str) -> Self {
        let (host, is_bracketed, rest) =
            match text.strip_prefix('[').and_then(|t| t.split_once(']')) {
                Some((host, rest)) => (host, true, rest),
                None => match text.rsplit_once(':') {
                    Some((host, _)) => (host, false, text.get(host.len()..).unwrap_or_default()),
                    None => (text, false, ""),
                },
            };
        let port = rest.strip_prefix(':').filter(|port| !port.is_empty());
        let host = host.strip_suffix('.').unwrap_or(host);
        Self {
            host: host.to_ascii_lowercase(),
            is_bracketed,
            port: port.map(str::to_owned),
        }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_bracketed {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        match &self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_hand_sides_are_read() {
        let check = |value: &str, transport: &str, hops: &[&str]| {
            let route = Route::parse(value);
            let found: Vec<String> = route.hops.iter().map(Hop::to_string).collect();
            assert_eq!(
                (route.transport.as_str(), found),
                (transport, hops.iter().map(|&h| h.to_owned()).collect()),
                "{value}"
            );
        };
        // The forms of transport(5) and smtp(8).
        check(
            "smtp:[aol.smtp.example.org]",
            "smtp",
            &["[aol.smtp.example.org]"],
        );
        check("smtp:bar.example:2025", "smtp", &["bar.example:2025"]);
        check(
            "relay:[gateway.Example.com.]:submission",
            "relay",
            &["[gateway.example.com]:submission"],
        );
        check(
            "smtp:[ipv6:2001:db8::1]:25",
            "smtp",
            &["[ipv6:2001:db8::1]:25"],
        );
        check(
            "smtp:a.example, [b.example]:26",
            "smtp",
            &["a.example", "[b.example]:26"],
        );
        check(":[mail.example]", "", &["[mail.example]"]);
        check("slow:", "slow", &[]);
        check(
            "error:5.1.2 no such domain",
            "error",
            &["5.1.2", "no", "such", "domain"],
        );
        check("local", "local", &[]);
        check(":", "", &[]);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let check = |style: Style, expected: &str| {
            let value = style.value("aol.smtp.example.org");
            assert_eq!(value, expected);
            assert!(Route::parse(&value).leads_to("aol.smtp.example.org"));
        };
        check(Style::default(), "smtp:[aol.smtp.example.org]");
        let relay = Style {
            transport: "relay".to_owned(),
            brackets: false,
            shared: BTreeSet::new(),
            port: None,
        };
        check(relay.clone(), "relay:aol.smtp.example.org");
        check(
            Style {
                shared: ["aol.smtp.example.org".to_owned()].into(),
                ..Style::default()
            },
            "smtp:aol.smtp.example.org",
        );
        check(
            Style {
                port: Some(587),
                ..relay.clone()
            },
            "relay:aol.smtp.example.org:587",
        );
        check(
            Style {
                port: Some(587),
                brackets: true,
                ..relay
            },
            "relay:[aol.smtp.example.org]:587",
        );
        assert!(
            !Route::parse("smtp:[aol.smtp.example.org], [b.example]")
                .leads_to("aol.smtp.example.org")
        );
        assert!(!Route::parse("smtp:").leads_to(""));
    }
}
