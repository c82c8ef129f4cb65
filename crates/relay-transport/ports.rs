//! Does anything listen where the map leads to? A connection is made to each relay, and ended with QUIT.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use cli::Context;
use postfix::config::Instance;
use transport::Hop;
use transport::audit::{HostState, PortState, RelayHost};

use host::pool;

/// As many connections as are under way at a time.
const AT_A_TIME: usize = 16;
/// As many addresses of a relay as are tried.
const ADDRESSES: usize = 8;
const PATIENCE: Duration = Duration::from_secs(3);

/// Tries all `hops`, by the addresses that were `found`. Those without any are left out.
pub(crate) fn look_at(
    cx: &Context,
    instance: &Instance,
    hops: &BTreeSet<Hop>,
    found: &BTreeMap<RelayHost, HostState>,
) -> BTreeMap<Hop, PortState> {
    let usual = match instance.get("smtp_tcp_port") {
        port if port.is_empty() => "smtp".to_owned(),
        port => port,
    };
    let jobs: Vec<(&Hop, Vec<IpAddr>)> = hops
        .iter()
        .map(|hop| (hop, addresses(hop, found)))
        .filter(|(_, addresses)| !addresses.is_empty())
        .collect();
    let progress = cx.progress_items("connecting to the relays", u64::try_from(jobs.len()).ok());
    let tried = pool::each(jobs, AT_A_TIME, |(hop, addresses)| {
        let service = hop.port.as_deref().unwrap_or(&usual);
        let state = match port(service) {
            Some(port) => connect(&addresses, port),
            None => PortState::Unreached(format!("unknown service name {service}")),
        };
        progress.advance(1);
        (hop.clone(), state)
    });
    tried.into_iter().collect()
}

fn addresses(hop: &Hop, found: &BTreeMap<RelayHost, HostState>) -> Vec<IpAddr> {
    let bare = hop.host.strip_prefix("ipv6:").unwrap_or(&hop.host);
    if let Ok(address) = bare.parse() {
        return vec![address];
    }
    let host = RelayHost {
        name: hop.host.clone(),
        by_mx: !hop.is_bracketed,
    };
    match found.get(&host) {
        Some(HostState::Found(addresses)) => addresses.clone(),
        _ => Vec::new(),
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
fn connect(addresses: &[IpAddr], port: u16) -> PortState {
    let mut other = None;
    for address in addresses.iter().take(ADDRESSES) {
        match TcpStream::connect_timeout(&SocketAddr::new(*address, port), PATIENCE) {
            Ok(mut stream) => {
                // Politeness: whether it is heard makes no difference.
                let _quit = stream.write_all(b"QUIT\r\n");
                return PortState::Open;
            }
            Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(e) => other = Some(format!("{address}: {}", reason(&e))),
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
