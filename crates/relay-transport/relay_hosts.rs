//! Are the relay hosts in the DNS, or in /etc/hosts where the instance looks there?

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use cli::Context;
use cli::lookups::ResolverArgs;
use dns::{Limits, Lookup as _, Resolver, Rtype};
use postfix::config::Instance;
use transport::audit::{HostState, RelayHost};

use crate::pool;

/// As many questions as are under way at a time.
const AT_A_TIME: usize = 16;

/// Asks about all `hosts`.
pub(crate) fn look_up(
    cx: &Context,
    args: &ResolverArgs,
    instance: &Instance,
    hosts: &BTreeSet<RelayHost>,
) -> anyhow::Result<BTreeMap<RelayHost, HostState>> {
    let ways = instance.parameters().list("smtp_host_lookup");
    let native = ways.iter().any(|way| way == "native");
    let asks_dns = instance.get("smtp_dns_support_level") != "disabled";
    let known = match native {
        true => etc_hosts(cx),
        false => BTreeSet::new(),
    };
    let limits = Limits {
        total: args.timeout(),
        ..Limits::default()
    };
    let resolver = Resolver::new(args.servers()?, limits);
    let progress = cx.progress_items("asking the DNS", u64::try_from(hosts.len()).ok());
    let found = pool::each(hosts, AT_A_TIME, |host| {
        let state = match known.contains(&host.name) {
            true => HostState::Found,
            false if !asks_dns => HostState::Missing("not in /etc/hosts".to_owned()),
            false => ask(&resolver, host),
        };
        progress.advance(1);
        (host.clone(), state)
    });
    Ok(found.into_iter().collect())
}

/// A host is there if it has an address of either family; or a mail exchanger, where those are looked for.
fn ask(resolver: &Resolver, host: &RelayHost) -> HostState {
    let Some(name) = dns::name(&host.name) else {
        return HostState::Missing("no host name".to_owned());
    };
    let types: &[Rtype] = match host.by_mx {
        true => &[Rtype::A, Rtype::AAAA, Rtype::MX],
        false => &[Rtype::A, Rtype::AAAA],
    };
    let mut failed = None;
    let mut no_such_name = false;
    for &rtype in types {
        match resolver.ask(&name, rtype) {
            Ok(answer) if !answer.records.is_empty() => return HostState::Found,
            Ok(answer) => no_such_name |= answer.no_such_name,
            Err(why) => failed = Some(why.to_string()),
        }
    }
    match (failed, no_such_name) {
        (Some(why), _) => HostState::Unknown(why),
        (None, true) => HostState::Missing("no such name".to_owned()),
        (None, false) => HostState::Missing("has no address".to_owned()),
    }
}

/// The names in the /etc/hosts of the host looked at, in lower case.
fn etc_hosts(cx: &Context) -> BTreeSet<String> {
    let path = cx.root().under(Path::new("/etc/hosts"));
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let names = text.lines().flat_map(|line| {
        let line = line.split('#').next().unwrap_or_default();
        line.split_whitespace().skip(1)
    });
    names.map(str::to_ascii_lowercase).collect()
}
