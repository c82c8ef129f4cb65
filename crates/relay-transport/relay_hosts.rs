//! Are the relay hosts in the DNS, or in /etc/hosts where the instance looks there?

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use cli::Context;
use cli::lookups::ResolverArgs;
use dns::checks::{is_by_wildcard, is_nobody};
use dns::{Answer, Data, Limits, Lookup as _, Name, Resolver, Rtype};
use postfix::config::Instance;
use transport::audit::{Asks, Doubt, HostState, RelayHost, SharedBy};

use host::pool;

/// Where mail exchangers listen, if nothing else is said.
const SMTP_PORT: u16 = 25;

/// As many questions as are under way at a time.
const AT_A_TIME: usize = 16;

/// What was found.
#[derive(Default)]
pub(crate) struct HostStates {
    pub(crate) states: BTreeMap<RelayHost, HostState>,
    /// The names whose MX or SRV records share the mail among their own addresses.
    pub(crate) shared: BTreeMap<String, SharedBy>,
    /// The names whose records prove no relay.
    pub(crate) doubts: BTreeMap<String, Doubt>,
}

/// Is there an address that no relay can have, or has any other name the same?
fn doubt(resolver: &Resolver, host: &RelayHost, state: &HostState) -> Option<Doubt> {
    // It is meant to lead here.
    if host.name.eq_ignore_ascii_case("localhost") {
        return None;
    }
    let found: BTreeSet<IpAddr> = match state {
        HostState::Found(addresses) => addresses.iter().copied().collect(),
        HostState::Offered(at) => at.iter().map(SocketAddr::ip).collect(),
        HostState::Missing(_) | HostState::Unknown(_) => return None,
    };
    if let Some(ip) = found.iter().find(|ip| is_nobody(**ip)) {
        return Some(Doubt::Nobody(*ip));
    }
    is_by_wildcard(resolver, &host.name, &found).then_some(Doubt::Wildcard)
}

/// Asks about all `hosts`.
pub(crate) fn look_up(
    cx: &Context,
    args: &ResolverArgs,
    instance: &Instance,
    hosts: &BTreeSet<RelayHost>,
) -> anyhow::Result<HostStates> {
    let whom = (args.servers()?, args.timeout());
    Ok(ask_all(cx, whom, Some(instance), hosts))
}

/// The same, of these servers within a time; as `instance` looks hosts up, or in either way.
pub(crate) fn ask_all(
    cx: &Context,
    (servers, total): (Vec<SocketAddr>, Duration),
    instance: Option<&Instance>,
    hosts: &BTreeSet<RelayHost>,
) -> HostStates {
    let ways = instance.map(|instance| instance.parameters().list("smtp_host_lookup"));
    let native = ways.is_none_or(|ways| ways.iter().any(|way| way == "native"));
    let asks_dns =
        instance.is_none_or(|instance| instance.get("smtp_dns_support_level") != "disabled");
    let known = match native {
        true => etc_hosts(cx),
        false => BTreeMap::new(),
    };
    let limits = Limits {
        total,
        ..Limits::default()
    };
    let resolver = Resolver::new(servers, limits);
    let progress = cx.progress_items("querying the DNS", u64::try_from(hosts.len()).ok());
    let found = pool::each(hosts, AT_A_TIME, |host| {
        let (state, shared, doubt) = match known.get(&host.name) {
            Some(addresses) => (HostState::Found(addresses.clone()), None, None),
            None if !asks_dns => {
                let what = "not in /etc/hosts".to_owned();
                (HostState::Missing(what), None, None)
            }
            None => {
                let state = ask(&resolver, host);
                let shared = shared_by(&resolver, host, &state);
                let doubt = doubt(&resolver, host, &state);
                (state, shared, doubt)
            }
        };
        progress.advance(1);
        (host, state, shared, doubt)
    });
    let mut all = HostStates::default();
    for (host, state, shared, doubt) in found {
        let name = || host.name.clone();
        all.shared.extend(shared.map(|by| (name(), by)));
        all.doubts.extend(doubt.map(|doubt| (name(), doubt)));
        all.states.insert(host.clone(), state);
    }
    all
}

/// Does a name that has addresses of its own have mail exchangers, or hosts of its SRV records, that lead to all of
/// these? Such that lead elsewhere are for other mail. Of a name that is asked for by these records, nothing.
fn shared_by(resolver: &Resolver, host: &RelayHost, state: &HostState) -> Option<SharedBy> {
    let HostState::Found(own) = state else {
        return None;
    };
    let name = dns::name(&host.name).filter(|_| !own.is_empty())?;
    let leads_to_all = |name: &Name, rtype| {
        let there = resolver
            .ask(name, rtype)
            .map(|answer| leads_to(resolver, &answer));
        let there: BTreeSet<IpAddr> = there.iter().flatten().map(SocketAddr::ip).collect();
        own.iter().all(|address| there.contains(address))
    };
    if host.asks == Asks::Addresses {
        if leads_to_all(&name, Rtype::MX) {
            return Some(SharedBy::Mx);
        }
        // Without brackets, who does not ask for SRV records would send to exchangers of other mail.
        let mx = resolver.ask(&name, Rtype::MX);
        if !mx.is_ok_and(|answer| answer.records.is_empty()) {
            return None;
        }
    }
    let service = dns::name(&format!("_smtp._tcp.{}", host.name))?;
    leads_to_all(&service, Rtype::SRV).then_some(SharedBy::Srv)
}

/// A host is there if it has an address of either family; or a mail exchanger, where those are looked for.
fn ask(resolver: &Resolver, host: &RelayHost) -> HostState {
    let Some(name) = dns::name(&host.name) else {
        return HostState::Missing("not a host name".to_owned());
    };
    let types: &[Rtype] = match &host.asks {
        Asks::Addresses => &[Rtype::A, Rtype::AAAA],
        // As smtp(8) does: a mail exchanger, or else the name's own addresses.
        Asks::Exchangers => &[Rtype::MX, Rtype::A, Rtype::AAAA],
        Asks::Services {
            service,
            falls_back,
        } => match offered(resolver, &host.name, service) {
            Ok(at) if !at.is_empty() => return HostState::Offered(at),
            Ok(_) if !falls_back => {
                let what = "no SRV records, and allow_srv_lookup_fallback = no";
                return HostState::Missing(what.to_owned());
            }
            Ok(_) => &[Rtype::MX, Rtype::A, Rtype::AAAA],
            // Where that cannot be asked, smtp(8) waits.
            Err(why) => return HostState::Unknown(why.to_string()),
        },
    };
    let mut failed = None;
    let mut no_such_name = false;
    let mut addresses = Vec::new();
    for &rtype in types {
        match resolver.ask(&name, rtype) {
            Ok(answer) if rtype == Rtype::MX && !answer.records.is_empty() => {
                let addresses = leads_to(resolver, &answer);
                return HostState::Found(addresses.iter().map(SocketAddr::ip).collect());
            }
            Ok(answer) => {
                no_such_name |= answer.no_such_name;
                addresses.extend(answer.addresses());
            }
            Err(why) => failed = Some(why.to_string()),
        }
    }
    addresses.sort_unstable();
    match (failed, no_such_name) {
        _ if !addresses.is_empty() => HostState::Found(addresses),
        (Some(why), _) => HostState::Unknown(why),
        (None, true) => HostState::Missing("no such name".to_owned()),
        (None, false) => HostState::Missing("has no address".to_owned()),
    }
}

/// Where a service is offered for a host, by its SRV records (RFC 2782); nowhere where it has none.
fn offered(
    resolver: &Resolver,
    host: &str,
    service: &str,
) -> Result<Vec<SocketAddr>, dns::Failure> {
    match dns::name(&format!("_{service}._tcp.{host}")) {
        Some(name) => Ok(leads_to(
            resolver,
            resolver.ask(&name, Rtype::SRV)?.as_ref(),
        )),
        None => Ok(Vec::new()),
    }
}

/// The addresses of the hosts that MX and SRV records name, as far as they are known.
fn leads_to(resolver: &Resolver, answer: &Answer) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    let named = answer
        .records
        .iter()
        .filter_map(|record| match &record.data {
            Data::Mx(_, host) => Some((host, SMTP_PORT)),
            Data::Srv { port, host, .. } => Some((host, *port)),
            _ => None,
        });
    for (host, port) in named {
        for rtype in [Rtype::A, Rtype::AAAA] {
            let answer = resolver.ask(host, rtype);
            let found = answer.iter().flat_map(|answer| answer.addresses());
            addresses.extend(found.map(|address| SocketAddr::new(address, port)));
        }
    }
    // As the server has them, they come in another order each time.
    addresses.sort_unstable();
    addresses
}

/// The names in the /etc/hosts of the host looked at, in lower case, and their addresses.
fn etc_hosts(cx: &Context) -> BTreeMap<String, Vec<IpAddr>> {
    let path = cx.root().under(Path::new("/etc/hosts"));
    let text = guarded::read(&path, 16 << 20).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let mut names: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let Some(address) = words.next().and_then(|word| word.parse().ok()) else {
            continue;
        };
        for name in words {
            names
                .entry(name.to_ascii_lowercase())
                .or_default()
                .push(address);
        }
    }
    names
}
