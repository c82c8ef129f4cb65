//! Flags of tools that query the DNS.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use postfix::Span;

use crate::quantity::parse_span;

/// Whom to ask of the DNS, and for how long: `--resolver`, `--timeout`.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "DNS options")]
pub struct ResolverArgs {
    /// Ask this resolver instead of those in /etc/resolv.conf
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = parse_server)]
    resolver: Option<SocketAddr>,

    /// The most time that all lookups together may take
    #[arg(long, value_name = "SPAN", default_value = "10s", value_parser = parse_timeout)]
    timeout: Span,
}

impl ResolverArgs {
    /// As [`host::resolvers::servers`].
    ///
    /// # Errors
    /// As [`host::resolvers::servers`].
    pub fn servers(&self) -> anyhow::Result<Vec<SocketAddr>> {
        host::resolvers::servers(self.resolver)
    }

    /// The most time that all lookups together may take.
    pub fn timeout(&self) -> Duration {
        self.timeout.duration()
    }
}

/// A server to ask, perhaps with a port: `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`. A
/// value parser for clap.
///
/// # Errors
/// Anything else.
pub fn parse_server(text: &str) -> Result<SocketAddr, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok((ip, 53).into());
    }
    text.parse().map_err(|_| {
        "not an address such as 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353".to_owned()
    })
}

/// A domain of two labels or more. A value parser for clap.
///
/// # Errors
/// Anything else.
pub fn parse_domain(text: &str) -> Result<String, String> {
    // The DNS knows names with any bytes; hosts have none of those.
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    match dns::name(text) {
        Some(name) if name.label_count() > 2 && text.bytes().all(is_plain) => Ok(name.to_string()),
        _ => Err("not a domain such as example.org".to_owned()),
    }
}

/// The most time that all lookups together may take, with a unit or in seconds: at most ten minutes. A value parser for
/// clap.
///
/// # Errors
/// No span of time, none at all, or a longer one.
pub fn parse_timeout(text: &str) -> Result<Span, String> {
    match parse_span(text) {
        Ok(Span::ZERO) => Err("must be more than zero".to_owned()),
        Ok(span) if span > Span::from_minutes(10) => Err("must be at most ten minutes".to_owned()),
        Ok(span) => Ok(span),
        Err(why) => Err(why.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_without_a_unit_is_one_of_seconds() {
        let check = |text: &str, expected: Option<Span>| {
            assert_eq!(parse_timeout(text).ok(), expected, "{text}");
        };
        check("2", Some(Span::from_seconds(2)));
        check("2s", Some(Span::from_seconds(2)));
        check("10m", Some(Span::from_minutes(10)));
        check("600", Some(Span::from_minutes(10)));
        check("601", None);
        check("0", None);
        check("99999999999", None);
        check("-2", None);
        check("2x", None);
    }
}
