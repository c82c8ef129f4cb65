//! Whom a provider's relay name lists: as the DNS has it, or else as this host's own instances do.

use std::net::IpAddr;

use cli::Context;
use dns::{Answer, Limits, Lookup, Resolver, Rtype};
use knowledge::providers::Providers;
use postfix::config::{Host, Instance};
use postfix::count;
use warmup::ratio::{self, RelayName};

use crate::args::{DnsArgs, Records, Traffic};

/// Time to live of records that do not exist yet, in seconds: an address that is taken out gets mail for as long.
const TTL: u32 = dns::checks::MAX_RELAY_TTL;

/// The relay name, and whether all of it could be found out.
pub(crate) struct RelayFound {
    pub(crate) relay: Option<RelayName>,
    pub(crate) is_whole: bool,
}

/// Finds the relay name of `instance`, which sends from `address`, with the addresses in it. What is not known is
/// warned of.
///
/// # Errors
/// No server to ask is known.
pub(crate) fn find(
    cx: &Context,
    host: &Host,
    instance: &Instance,
    address: Option<IpAddr>,
    traffic: &Traffic,
    (providers, dns): (&Providers, &DnsArgs),
) -> anyhow::Result<RelayFound> {
    let none = RelayFound {
        relay: None,
        is_whole: true,
    };
    let provider = providers.of_instance(instance.name());
    let of_provider = || {
        let facts = figures::instances::Facts::of(instance, None);
        let domain = dns.domain.clone().unwrap_or_else(|| facts.site_domain());
        Some(providers.get(provider?).relay_at(&domain))
    };
    let Some(name) = traffic.relay_name.clone().or_else(of_provider) else {
        let name = instance.name();
        cx.warn(format!(
            "{name} is not named for a provider: the plan has no A records; name those that direct its mail with \
             --relay-name NAME"
        ));
        return Ok(none);
    };
    let Some(address) = address else {
        cx.warn(format!(
            "the system chooses the address that {} sends from: the plan has no A records; set smtp_bind_address",
            instance.name()
        ));
        return Ok(none);
    };
    if let Some(other) = instance.bind_addresses().iter().find(|ip| **ip != address) {
        cx.warn(format!(
            "{} also sends from {other}: what the plan says about the records of {address} applies to those too",
            instance.name()
        ));
    }
    // One that is longer would keep an address in the name for as long after it is taken out.
    let ttl = |found: Option<u32>| traffic.ttl.unwrap_or(found.unwrap_or(TTL).min(TTL));
    if !traffic.old.is_empty() {
        if !traffic
            .old
            .iter()
            .any(|ip| ip.is_ipv4() == address.is_ipv4())
        {
            cx.warn(alone(&name, address));
        }
        let relay = RelayName::new(name, ttl(None), &traffic.old, address);
        return Ok(RelayFound {
            relay: Some(shared(cx, traffic, relay)),
            is_whole: true,
        });
    }
    let mut name = name;
    let (listed, found_ttl, is_whole) = match ask(&name, of_family(address), dns)? {
        Ok(answer) => {
            // Beside a CNAME record there can be no other: a server would refuse the whole zone.
            if let Some(target) = &answer.alias {
                let target = target.to_string();
                cx.warn(format!(
                    "{name} is a CNAME of {target}: the plan's records are those of {target}, and all names that lead \
                     there get them"
                ));
                // A CNAME leads on at its own name alone (RFC 1034, section 3.6.2), not below it.
                if traffic.records == Records::Srv {
                    cx.warn(format!(
                        "sending hosts whose map has smtp:{name} ask for SRV records of _smtp._tcp.{name}: without \
                         _smtp._tcp.{name}. IN CNAME _smtp._tcp.{target}. in the zone they send nothing to {address}"
                    ));
                }
                name = target;
            }
            (answer.addresses().collect(), answer.ttl(), true)
        }
        Err(why) => {
            let own = of_same_provider(host, instance, providers);
            cx.warn(format!(
                "{name}: {why}; assuming that it lists the {} of this host's other instances of the provider (use \
                 --old ADDR to name them)",
                count(own.len(), "address")
            ));
            (own, None, false)
        }
    };
    if is_whole && !listed.iter().any(|ip| *ip != address) {
        let other = match address {
            IpAddr::V4(_) => Rtype::AAAA,
            IpAddr::V6(_) => Rtype::A,
        };
        let others = ask(&name, other, dns)?;
        if others.is_ok_and(|answer| answer.addresses().next().is_some()) {
            cx.warn(alone(&name, address));
        }
    }
    if is_whole && traffic.records != Records::Mx {
        let exchangers = ask(&name, Rtype::MX, dns)?;
        if exchangers.is_ok_and(|answer| !answer.records.is_empty()) {
            let who = match traffic.records {
                Records::Srv => " and that do not ask for SRV records",
                _ => "",
            };
            cx.warn(format!(
                "{name} has MX records: sending hosts whose transport map has it without brackets{who} use these, not \
                 the plan's A records; use --records mx, or remove them"
            ));
        }
    }
    let relay = RelayName::new(name, ttl(found_ttl), &listed, address);
    Ok(RelayFound {
        relay: Some(shared(cx, traffic, relay)),
        is_whole,
    })
}

/// That the name's other addresses are of the other family.
fn alone(name: &str, address: IpAddr) -> String {
    let (own, others, family) = match address {
        IpAddr::V4(_) => ("A", "AAAA", "IPv4"),
        IpAddr::V6(_) => ("AAAA", "A", "IPv6"),
    };
    format!(
        "{name} has {others} records alone: beside these, an {own} record of {address} gets no share of the mail, but \
         all that hosts send by {family}, and nothing of the others"
    )
}

/// With the records that are to share the mail.
fn shared(cx: &Context, traffic: &Traffic, mut relay: RelayName) -> RelayName {
    relay.records = match traffic.records {
        Records::A => ratio::Records::Addresses,
        Records::Mx => ratio::Records::Exchangers,
        Records::Srv => ratio::Records::Services,
    };
    if relay.records != ratio::Records::Addresses && relay.old.is_empty() {
        cx.warn(format!(
            "--records {}: {} has no old address to share with: the plan uses A records",
            relay.records.as_str(),
            relay.name
        ));
        relay.records = ratio::Records::Addresses;
    }
    relay
}

/// The type of an address's record.
fn of_family(address: IpAddr) -> Rtype {
    match address {
        IpAddr::V4(_) => Rtype::A,
        IpAddr::V6(_) => Rtype::AAAA,
    }
}

/// Asks the zone's own servers, which know the whole time to live; or else whom there is.
fn ask(
    name: &str,
    rtype: Rtype,
    args: &DnsArgs,
) -> anyhow::Result<Result<std::sync::Arc<Answer>, String>> {
    let Some(asked) = dns::name(name) else {
        return Ok(Err("not a host name".to_owned()));
    };
    let questions = args.questions()?;
    let limits = Limits {
        total: questions.timeout,
        ..Limits::default()
    };
    let resolver = Resolver::new(questions.servers, limits);
    let found = resolver
        .ask_authority(&asked, rtype)
        .or_else(|_| resolver.ask(&asked, rtype));
    Ok(found.map_err(|why| why.to_string()))
}

fn of_same_provider(host: &Host, instance: &Instance, providers: &Providers) -> Vec<IpAddr> {
    let provider = providers.of_instance(instance.name());
    let others = host.instances().iter().filter(|other| {
        other.name() != instance.name()
            && provider.is_some()
            && providers.of_instance(other.name()) == provider
    });
    others.flat_map(Instance::bind_addresses).collect()
}
