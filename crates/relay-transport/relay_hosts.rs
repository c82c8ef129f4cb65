//! Are the relay hosts in the DNS, or in /etc/hosts where the instance looks there?

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use cli::Context;
use cli::lookups::ResolverArgs;
use dns::{Answer, Data, Limits, Lookup as _, Resolver, Rtype};
use postfix::config::Instance;
use transport::audit::{HostState, RelayHost};

use host::pool;

/// As many questions as are under way at a time.
const AT_A_TIME: usize = 16;

/// What was found, and the names whose MX records share the mail among their own addresses.
pub(crate) type Found = (BTreeMap<RelayHost, HostState>, BTreeSet<String>);

/// Asks about all `hosts`.
pub(crate) fn look_up(
    cx: &Context,
    args: &ResolverArgs,
    instance: &Instance,
    hosts: &BTreeSet<RelayHost>,
) -> anyhow::Result<Found> {
    let whom = (args.servers()?, args.timeout());
    Ok(ask_all(cx, whom, Some(instance), hosts))
}

/// The same, of these servers within a time; as `instance` looks hosts up, or in either way.
pub(crate) fn ask_all(
    cx: &Context,
    (servers, total): (Vec<SocketAddr>, Duration),
    instance: Option<&Instance>,
    hosts: &BTreeSet<RelayHost>,
) -> Found {
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
        let (state, by_mx) = match known.get(&host.name) {
            Some(addresses) => (HostState::Found(addresses.clone()), false),
            None if !asks_dns => {
                let what = "not in /etc/hosts".to_owned();
                (HostState::Missing(what), false)
            }
            None => {
                let state = ask(&resolver, host);
                let by_mx = is_shared_by_mx(&resolver, host, &state);
                (state, by_mx)
            }
        };
        progress.advance(1);
        (host, state, by_mx)
    });
    let shared = found.iter().filter(|(_, _, by_mx)| *by_mx);
    let by_mx = shared.map(|(host, ..)| host.name.clone()).collect();
    let states = found
        .into_iter()
        .map(|(host, state, _)| (host.clone(), state));
    (states.collect(), by_mx)
}

/// Does a name that has addresses of its own have mail exchangers that lead to all of these? Exchangers that lead
/// elsewhere are for other mail.
fn is_shared_by_mx(resolver: &Resolver, host: &RelayHost, state: &HostState) -> bool {
    let (HostState::Found(own), false) = (state, host.by_mx) else {
        return false;
    };
    let Some(name) = dns::name(&host.name).filter(|_| !own.is_empty()) else {
        return false;
    };
    let answer = resolver.ask(&name, Rtype::MX);
    let exchangers = answer
        .map(|answer| of_exchangers(resolver, &answer))
        .unwrap_or_default();
    own.iter().all(|address| exchangers.contains(address))
}

/// A host is there if it has an address of either family; or a mail exchanger, where those are looked for.
fn ask(resolver: &Resolver, host: &RelayHost) -> HostState {
    let Some(name) = dns::name(&host.name) else {
        return HostState::Missing("not a host name".to_owned());
    };
    let types: &[Rtype] = match host.by_mx {
        // As smtp(8) does: a mail exchanger, or else the name's own addresses.
        true => &[Rtype::MX, Rtype::A, Rtype::AAAA],
        false => &[Rtype::A, Rtype::AAAA],
    };
    let mut failed = None;
    let mut no_such_name = false;
    let mut addresses = Vec::new();
    for &rtype in types {
        match resolver.ask(&name, rtype) {
            Ok(answer) if rtype == Rtype::MX && !answer.records.is_empty() => {
                return HostState::Found(of_exchangers(resolver, &answer));
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

/// The addresses of mail exchangers, as far as they are known.
fn of_exchangers(resolver: &Resolver, answer: &Answer) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    let exchangers = answer
        .records
        .iter()
        .filter_map(|record| match &record.data {
            Data::Mx(_, name) => Some(name),
            _ => None,
        });
    for exchanger in exchangers {
        for rtype in [Rtype::A, Rtype::AAAA] {
            let answer = resolver.ask(exchanger, rtype);
            addresses.extend(answer.iter().flat_map(|answer| answer.addresses()));
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
