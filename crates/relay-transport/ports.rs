//! Does anything listen where the map leads to? A connection is made to each relay, and ended with QUIT; or it is asked
//! for a recipient, where that is wished.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use cli::Context;
use postfix::config::{From, Instance, Outlet};
use transport::Hop;
use transport::audit::{Asks, HostState, PortState, RelayAnswers, RelayHost, Table, recipient};

use host::asking::{self, Question, Said};
use host::{pool, ports};

/// As many connections as are under way at a time.
const AT_A_TIME: usize = 16;
/// As many addresses of a relay as are tried.
const ADDRESSES: usize = 8;
/// No address is tried any more after this, of all relays together: a monitoring system waits for a check.
const TOTAL: Duration = Duration::from_secs(60);

/// Tries all `hops`, by what is looked up of them and was `found`. Those without any address are left out. With a
/// table, each is asked whether it takes mail of a domain that the table leads there.
pub(crate) fn look_at(
    cx: &Context,
    instance: &Instance,
    hops: &BTreeSet<(Hop, Asks)>,
    found: &BTreeMap<RelayHost, HostState>,
    table: Option<&Table>,
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
    let end = Instant::now() + TOTAL;
    let tried = pool::each(jobs, AT_A_TIME, |(hop, addresses)| {
        let state = match (addresses, table) {
            (Ok(addresses), None) => connect(&addresses, end),
            (Ok(addresses), Some(table)) => ask(cx, instance, table, &hop.0, (&addresses, end)),
            (Err(why), _) => PortState::Unreached(why),
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

/// Is there time for one more?
///
/// # Errors
/// There is none.
fn in_time(end: Instant) -> io::Result<()> {
    match Instant::now() < end {
        true => Ok(()),
        false => {
            let what = format!("not tried, {} s after the first", TOTAL.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, what))
        }
    }
}

/// Open if one address takes the connection, refused if all refuse it.
fn connect(addresses: &[SocketAddr], end: Instant) -> PortState {
    let mut other = None;
    for address in addresses.iter().take(ADDRESSES) {
        match in_time(end).and_then(|()| ports::knock(address)) {
            Ok(()) => return PortState::Open,
            Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(e) => other = Some(format!("{}: {}", address.ip(), reason(&e))),
        }
    }
    other.map_or(PortState::Refused, PortState::Unreached)
}

/// Asks all addresses: mail goes to any of them. One that cannot be reached leaves it to the others.
fn ask(
    cx: &Context,
    instance: &Instance,
    table: &Table,
    hop: &Hop,
    (addresses, end): (&[SocketAddr], Instant),
) -> PortState {
    let unasked = |why: String| {
        PortState::Asked(RelayAnswers {
            unasked: vec![why],
            ..RelayAnswers::default()
        })
    };
    let client = match Client::of(cx, instance, table, hop) {
        Ok(client) => client,
        Err(why) => return unasked(why),
    };
    let (mut asked, mut others) = (RelayAnswers::default(), Vec::new());
    let (mut is_refused, mut answers) = (true, 0);
    for address in addresses.iter().take(ADDRESSES) {
        let ip = address.ip();
        let question = match client.question(ip) {
            Ok(Some(question)) => question,
            Ok(None) => continue,
            Err(why) => return unasked(why),
        };
        // What others have answered says nothing of it.
        if let Err(late) = in_time(end) {
            asked.unasked.push(format!("{ip}: {late}"));
            answers += 1;
            continue;
        }
        match asking::ask(address, &question) {
            Ok(said) => {
                answers += 1;
                client.note(&mut asked, ip, said);
            }
            Err(e) => {
                is_refused &= e.kind() == io::ErrorKind::ConnectionRefused;
                others.push(format!("{ip}: {}", reason(&e)));
            }
        }
    }
    if answers > 0 {
        return PortState::Asked(asked);
    }
    if others.is_empty() {
        return unasked("inet_protocols is without its addresses' family".to_owned());
    }
    match is_refused {
        true => PortState::Refused,
        false => PortState::Asked(RelayAnswers {
            unasked: others,
            ..RelayAnswers::default()
        }),
    }
}

/// The SMTP client whose questions are asked.
struct Client {
    outlet: Outlet,
    /// It shows a login or a certificate, which may change the answer.
    shows_more: bool,
    /// The recipient that relays are asked for.
    recipient: String,
}

impl Client {
    /// The one that mail leaves by of which `table` has a line to `hop`.
    ///
    /// # Errors
    /// Why there is none.
    fn of(cx: &Context, instance: &Instance, table: &Table, hop: &Hop) -> Result<Self, String> {
        let Some((domain, transport)) = recipient(table, hop) else {
            return Err("no domain's line leads there".to_owned());
        };
        let transport = match transport.as_str() {
            "" => instance.get("default_transport"),
            named => named.to_owned(),
        };
        let outlets = instance.outlets();
        let Some(outlet) = outlets.iter().find(|outlet| outlet.service == transport) else {
            return Err(format!("{transport} is not in master.cf"));
        };
        let services = instance.services(cx.root()).value;
        let service = services.services().iter().find(|s| s.name == transport);
        let shows_more = service.is_some_and(|service| {
            let own = instance.parameters().of_service(service);
            own.bool("smtp_sasl_auth_enable") == Some(true)
                || !own.get("smtp_tls_cert_file").is_empty()
        });
        Ok(Self {
            outlet: outlet.clone(),
            shows_more,
            recipient: format!("postmaster@{domain}"),
        })
    }

    /// What to ask at `ip`; `None` where it does not connect to that family.
    ///
    /// # Errors
    /// The address to connect from is invalid.
    fn question(&self, ip: IpAddr) -> Result<Option<Question>, String> {
        let from = match if ip.is_ipv4() {
            &self.outlet.v4
        } else {
            &self.outlet.v6
        } {
            From::Off => return Ok(None),
            From::Address(own) => Some(*own),
            From::System => None,
            From::Invalid(what) => return Err(what.clone()),
        };
        Ok(Some(Question {
            from,
            helo: self.outlet.helo_name.clone(),
            recipient: self.recipient.clone(),
        }))
    }

    /// Puts an answer to its kind.
    fn note(&self, asked: &mut RelayAnswers, ip: IpAddr, said: Said) {
        let Said::Refuses(code, text) = said else {
            return;
        };
        let (kind, text) = match code {
            530 | 538 => (&mut asked.unasked, format!("{text}: it wants TLS first")),
            _ if self.shows_more => {
                let text = format!("{text}: without login and certificate");
                (&mut asked.unasked, text)
            }
            500.. => (&mut asked.bounces, text),
            454 => (&mut asked.denies, text),
            _ => (&mut asked.defers, text),
        };
        kind.push(format!("{ip}: {text}"));
    }
}

fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error ")
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_tried_when_the_time_of_all_is_over() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let now = Instant::now();
        assert_eq!(connect(&[address], now + TOTAL), PortState::Open);
        let late = PortState::Unreached("127.0.0.1: not tried, 60 s after the first".to_owned());
        assert_eq!(connect(&[address; 9], now), late);
    }
}
