//! What the zone has of a provider's relay name, and the lines to remove or to add. Nothing is changed.

use std::net::IpAddr;

use cli::Context;
use cli::lookups::ResolverArgs;
use dns::{Limits, Lookup as _, Resolver, Rtype};
use figures::instances::Facts;
use knowledge::providers::Providers;
use postfix::Span;
use postfix::config::Instance;

use crate::desk::readable;

/// The provider's relay name, and what the zone has of it.
pub(crate) struct ZoneName {
    pub(crate) name: String,
    /// Of the instance's addresses: which are listed, and for how many seconds resolvers keep that.
    pub(crate) listed: Vec<(IpAddr, u32)>,
    /// How many addresses the name has.
    pub(crate) addresses: usize,
}

/// What the zone's own servers say of the provider's relay name.
pub(crate) fn ask(
    resolver: &ResolverArgs,
    instance: &Instance,
    providers: &Providers,
) -> Result<ZoneName, String> {
    let Some(provider) = providers.of_instance(instance.name()) else {
        return Err(format!("{} is named for no provider", instance.name()));
    };
    let facts = Facts::of(instance, None);
    let name = providers.get(provider).relay_at(&facts.site_domain());
    let asked = dns::name(&name).ok_or_else(|| format!("{name} is not a host name"))?;
    let limits = Limits {
        total: resolver.timeout(),
        ..Limits::default()
    };
    let servers = resolver.servers().map_err(|e| e.to_string())?;
    let resolver = Resolver::new(servers, limits);
    let own = instance.bind_addresses();
    let mut zone = ZoneName {
        name,
        listed: Vec::new(),
        addresses: 0,
    };
    for rtype in [Rtype::A, Rtype::AAAA] {
        let answer = resolver.ask_authority(&asked, rtype);
        let answer = answer.map_err(|why| format!("{}: {why}", zone.name))?;
        let ttl = answer.ttl().unwrap_or(0);
        zone.addresses += answer.addresses().count();
        let listed = answer.addresses().filter(|ip| own.contains(ip));
        zone.listed.extend(listed.map(|ip| (ip, ttl)));
    }
    Ok(zone)
}

/// Which way the instance goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Out,
    In,
}

/// The zone's lines to remove or to add, and how long resolvers keep the name.
pub(crate) fn lines(
    cx: &Context,
    zone: &Result<ZoneName, String>,
    instance: &Instance,
    way: Way,
) -> Vec<String> {
    let zone = match zone {
        Ok(zone) => zone,
        Err(why) => return vec![format!("1. zone: not known, look at it by hand: {why}")],
    };
    let line = |ip: &IpAddr, ttl: u32| {
        let kind = if ip.is_ipv4() { "A" } else { "AAAA" };
        format!("     {}. {ttl} IN {kind} {ip}", zone.name)
    };
    match way {
        Way::Out if zone.listed.is_empty() => {
            vec![format!(
                "1. zone: {} does not list it (any more)",
                zone.name
            )]
        }
        Way::Out => {
            let ttl = zone.listed.iter().map(|(_, ttl)| *ttl).max().unwrap_or(0);
            let until = cx.now().plus(Span::from_seconds(u64::from(ttl)));
            let mut lines = vec!["1. remove from the zone, by hand:".to_owned()];
            lines.extend(zone.listed.iter().map(|(ip, ttl)| line(ip, *ttl)));
            lines.push(format!(
                "   removed now, resolvers hold it until {} (TTL {ttl} s)",
                readable(cx, until)
            ));
            if zone.addresses == zone.listed.len() {
                lines.push(format!("   it is the last address of {}", zone.name));
            }
            lines
        }
        Way::In => {
            let all = instance.bind_addresses();
            let missing = all
                .iter()
                .filter(|ip| !zone.listed.iter().any(|(listed, _)| listed == *ip));
            let missing: Vec<String> = missing.map(|ip| line(ip, 600)).collect();
            match missing.is_empty() {
                true => vec![format!("zone: {} lists it", zone.name)],
                false => [vec!["add to the zone, by hand:".to_owned()], missing].concat(),
            }
        }
    }
}
