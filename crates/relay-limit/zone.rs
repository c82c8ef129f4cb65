//! What the zone has of a provider's relay name, and the lines to remove or to add. Nothing is changed.

use std::net::IpAddr;

use cli::Context;
use cli::lookups::ResolverArgs;
use dns::{Limits, Lookup as _, Resolver, Rtype};
use figures::instances::Facts;
use knowledge::providers::Providers;
use limits::Removal;
use postfix::Time;
use postfix::config::Instance;

use crate::desk::readable;

/// The time to live of a relay name's addresses, in seconds.
const TTL: u32 = 600;

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

/// A line of the zone.
fn line(zone: &ZoneName, ip: &IpAddr, ttl: u32) -> String {
    let kind = if ip.is_ipv4() { "A" } else { "AAAA" };
    format!("{}. {ttl} IN {kind} {ip}", zone.name)
}

/// What is to be removed from the zone, as it is `now`; nothing where the instance is not in it, or that is not known.
pub(crate) fn removal(zone: &Result<ZoneName, String>, now: Time) -> Option<Removal> {
    let zone = zone.as_ref().ok()?;
    Some(Removal {
        lines: zone
            .listed
            .iter()
            .map(|(ip, ttl)| line(zone, ip, *ttl))
            .collect(),
        ttl: zone.listed.iter().map(|(_, ttl)| *ttl).max()?,
        at: now,
    })
}

/// The zone's lines to remove, and how long resolvers hold them. `removal`: as it was first asked for.
pub(crate) fn out(
    cx: &Context,
    zone: &Result<ZoneName, String>,
    removal: Option<&Removal>,
    now: Time,
) -> Vec<String> {
    let Some(removal) = removal else {
        return vec![match zone {
            Ok(zone) => format!("1. zone: {} does not list it (any more)", zone.name),
            Err(why) => format!("1. zone: not known, look at it by hand: {why}"),
        }];
    };
    let mut lines = vec!["1. remove from the zone, by hand:".to_owned()];
    lines.extend(removal.lines.iter().map(|line| format!("     {line}")));
    lines.push(format!("   {}", held(cx, removal)));
    match zone {
        Err(why) => lines.push(format!("   whether it is removed is not known: {why}")),
        Ok(zone) if zone.listed.is_empty() => {
            lines.push(format!("   done: {} does not list it any more", zone.name));
        }
        Ok(zone) => {
            if zone.addresses == zone.listed.len() {
                lines.push(format!("   it is the last address of {}", zone.name));
            }
            if now > removal.held_until() {
                let ttl = zone.listed.iter().map(|(_, ttl)| *ttl).max();
                lines.push(format!(
                    "   NOT done: {} still lists it; once it is removed, resolvers hold it for {} s more",
                    zone.name,
                    ttl.unwrap_or(removal.ttl)
                ));
            }
        }
    }
    lines
}

/// How long resolvers hold what is removed.
pub(crate) fn held(cx: &Context, removal: &Removal) -> String {
    format!(
        "if removed at {}, resolvers hold it until {} (TTL {} s)",
        readable(cx, removal.at),
        readable(cx, removal.held_until()),
        removal.ttl
    )
}

/// The zone's lines to add, so that list servers come to the instance again.
pub(crate) fn back(zone: &Result<ZoneName, String>, instance: &Instance) -> Vec<String> {
    let zone = match zone {
        Ok(zone) => zone,
        Err(why) => return vec![format!("zone: not known, look at it by hand: {why}")],
    };
    let all = instance.bind_addresses();
    let missing = all
        .iter()
        .filter(|ip| !zone.listed.iter().any(|(listed, _)| listed == *ip));
    let missing: Vec<String> = missing
        .map(|ip| format!("     {}", line(zone, ip, TTL)))
        .collect();
    match missing.is_empty() {
        true => vec![format!("zone: {} lists it", zone.name)],
        false => [vec!["add to the zone, by hand:".to_owned()], missing].concat(),
    }
}
