//! Does anything listen where the map leads to? A connection is made to each relay, and ended with QUIT.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};

use cli::Context;
use postfix::config::Instance;
use transport::Hop;
use transport::audit::{Asks, HostState, PortState, RelayHost};

use host::{pool, ports};

/// As many connections as are under way at a time.
const AT_A_TIME: usize = 16;
/// As many addresses of a relay as are tried.
const ADDRESSES: usize = 8;

/// Tries all `hops`, by what is looked up of them and was `found`. Those without any address are left out.
pub(crate) fn look_at(
    cx: &Context,
    instance: &Instance,
    hops: &BTreeSet<(Hop, Asks)>,
    found: &BTreeMap<RelayHost, HostState>,
) -> BTreeMap<(Hop, Asks), PortState> {
    let usual = match instance.get("smtp_tcp_port") {
        port if port.is_empty() => "smtp".to_owned(),
        port => port,
    };
    let jobs: Vec<_> = hops
        .iter()
        .map(|hop| (hop, addresses(hop, &usual, found)))
        .filter(|(_, addresses)| addresses.as_ref().map_or(true, |all| !all.is_empty()))
        .collect();
    let progress = cx.progress_items("connecting to the relays", u64::try_from(jobs.len()).ok());
    let tried = pool::each(jobs, AT_A_TIME, |(hop, addresses)| {
        let state = match addresses {
            Ok(addresses) => connect(&addresses),
            Err(why) => PortState::Unreached(why),
        };
        progress.advance(1);
        (hop.clone(), state)
    });
    tried.into_iter().collect()
}

/// Where to connect to.
///
/// # Errors
/// The port has a name that is not known.
fn addresses(
    (hop, asks): &(Hop, Asks),
    usual: &str,
    found: &BTreeMap<RelayHost, HostState>,
) -> Result<Vec<SocketAddr>, String> {
    let service = hop.port.as_deref().unwrap_or(usual);
    let at = |addresses: &[IpAddr]| match port(service) {
        Some(port) => Ok(addresses
            .iter()
            .map(|ip| SocketAddr::new(*ip, port))
            .collect()),
        None if addresses.is_empty() => Ok(Vec::new()),
        None => Err(format!("unknown service name {service}")),
    };
    let bare = hop.host.strip_prefix("ipv6:").unwrap_or(&hop.host);
    if let Ok(address) = bare.parse() {
        return at(&[address]);
    }
    let host = RelayHost {
        name: hop.host.clone(),
        asks: asks.clone(),
    };
    match found.get(&host) {
        Some(HostState::Found(addresses)) => at(addresses),
        Some(HostState::Offered(at)) => Ok(at.clone()),
        _ => Ok(Vec::new()),
    }
}

/// A number, or one of the names that a relay's port has in /etc/services.
fn port(service: &str) -> Option<u16> {
    match service {
        "smtp" => Some(25),
        "submission" => Some(587),
        "smtps" | "submissions" | "urd" => Some(465),
        "lmtp" => Some(24),
        number => number.parse().ok(),
    }
}

/// Open if one address takes the connection, refused if all refuse it.
fn connect(addresses: &[SocketAddr]) -> PortState {
    let mut other = None;
    for address in addresses.iter().take(ADDRESSES) {
        match ports::knock(address) {
            Ok(()) => return PortState::Open,
            Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(e) => other = Some(format!("{}: {}", address.ip(), reason(&e))),
        }
    }
    other.map_or(PortState::Refused, PortState::Unreached)
}

fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error ")
        .next()
        .unwrap_or_default()
        .to_owned()
}
