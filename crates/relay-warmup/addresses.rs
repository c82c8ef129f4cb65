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

/// Whose relay name is looked for, and by what.
pub(crate) struct Search<'a> {
    pub(crate) cx: &'a Context,
    pub(crate) host: &'a Host,
    pub(crate) instance: &'a Instance,
    pub(crate) traffic: &'a Traffic,
    pub(crate) providers: &'a Providers,
    pub(crate) dns: &'a DnsArgs,
}

/// The addresses that a name lists.
struct Listed {
    /// The name, or the one that it is a CNAME of.
    name: String,
    addresses: Vec<IpAddr>,
    ttl: Option<u32>,
    /// The DNS was asked; else they are assumed.
    is_known: bool,
}

impl Search<'_> {
    /// Finds the relay name of the instance, which sends from `address`, with the addresses in it. What is not known is
    /// warned of.
    ///
    /// # Errors
    /// No server to ask is known.
    pub(crate) fn find(&self, address: Option<IpAddr>) -> anyhow::Result<RelayFound> {
        let none = RelayFound {
            relay: None,
            is_whole: true,
        };
        let Some(name) = self.name() else {
            let name = self.instance.name();
            self.cx.warn(format!(
                "{name} is not named for a provider: the plan has no A records; name those that direct its mail with \
                 --relay-name NAME"
            ));
            return Ok(none);
        };
        let Some(address) = address else {
            self.cx.warn(format!(
                "the system chooses the address that {} sends from: the plan has no A records; set smtp_bind_address",
                self.instance.name()
            ));
            return Ok(none);
        };
        let mut all = self.instance.bind_addresses().into_iter();
        if let Some(other) = all.find(|ip| *ip != address) {
            self.cx.warn(format!(
                "{} also sends from {other}: what the plan says about the records of {address} applies to those too",
                self.instance.name()
            ));
        }
        let listed = match self.traffic.old.as_slice() {
            [] => {
                let listed = self.listed(name, address)?;
                if listed.is_known {
                    self.warn_of_other_records(&listed, address)?;
                }
                listed
            }
            old => {
                if !old.iter().any(|ip| ip.is_ipv4() == address.is_ipv4()) {
                    self.cx.warn(alone(&name, address));
                }
                Listed {
                    name,
                    addresses: old.to_vec(),
                    ttl: None,
                    is_known: true,
                }
            }
        };
        // One that is longer would keep an address in the name for as long after it is taken out.
        let ttl = self.traffic.ttl;
        let ttl = ttl.unwrap_or(listed.ttl.unwrap_or(TTL).min(TTL));
        let relay = RelayName::new(listed.name, ttl, &listed.addresses, address);
        Ok(RelayFound {
            relay: Some(shared(self.cx, self.traffic, relay)),
            is_whole: listed.is_known,
        })
    }

    /// As it is given, or the one of the provider that the instance is named for.
    fn name(&self) -> Option<String> {
        let of_provider = || {
            let provider = self.providers.of_instance(self.instance.name())?;
            let facts = figures::instances::Facts::of(self.instance, None);
            let domain = self.dns.domain.clone();
            let domain = domain.unwrap_or_else(|| facts.site_domain());
            Some(self.providers.get(provider).relay_at(&domain))
        };
        self.traffic.relay_name.clone().or_else(of_provider)
    }

    /// What `name` lists of the family of `address`: by the DNS, or else the addresses of this host's other instances
    /// of the provider.
    fn listed(&self, name: String, address: IpAddr) -> anyhow::Result<Listed> {
        let answer = match ask(&name, of_family(address), self.dns)? {
            Ok(answer) => answer,
            Err(why) => {
                let own = of_same_provider(self.host, self.instance, self.providers);
                self.cx.warn(format!(
                    "{name}: {why}; assuming that it lists the {} of this host's other instances of the provider (use \
                     --old ADDR to name them)",
                    count(own.len(), "address")
                ));
                return Ok(Listed {
                    name,
                    addresses: own,
                    ttl: None,
                    is_known: false,
                });
            }
        };
        // Beside a CNAME record there can be no other: a server would refuse the whole zone.
        let target = answer.alias.as_ref().map(ToString::to_string);
        if let Some(target) = &target {
            self.cx.warn(format!(
                "{name} is a CNAME of {target}: the plan's records are those of {target}, and all names that lead \
                 there get them"
            ));
            // A CNAME leads on at its own name alone (RFC 1034, section 3.6.2), not below it.
            if self.traffic.records == Records::Srv {
                self.cx.warn(format!(
                    "sending hosts whose map has smtp:{name} ask for SRV records of _smtp._tcp.{name}: without \
                     _smtp._tcp.{name}. IN CNAME _smtp._tcp.{target}. in the zone they send nothing to {address}"
                ));
            }
        }
        Ok(Listed {
            name: target.unwrap_or(name),
            addresses: answer.addresses().collect(),
            ttl: answer.ttl(),
            is_known: true,
        })
    }

    /// Warns of records of the name beside which those of the plan do not have the effect that it counts on.
    fn warn_of_other_records(&self, listed: &Listed, address: IpAddr) -> anyhow::Result<()> {
        let name = &listed.name;
        if !listed.addresses.iter().any(|ip| *ip != address) {
            let other = match address {
                IpAddr::V4(_) => Rtype::AAAA,
                IpAddr::V6(_) => Rtype::A,
            };
            let others = ask(name, other, self.dns)?;
            if others.is_ok_and(|answer| answer.addresses().next().is_some()) {
                self.cx.warn(alone(name, address));
            }
        }
        if self.traffic.records != Records::Mx {
            let exchangers = ask(name, Rtype::MX, self.dns)?;
            if exchangers.is_ok_and(|answer| !answer.records.is_empty()) {
                let who = match self.traffic.records {
                    Records::Srv => " and that do not ask for SRV records",
                    _ => "",
                };
                self.cx.warn(format!(
                    "{name} has MX records: sending hosts whose transport map has it without brackets{who} use these, \
                     not the plan's A records; use --records mx, or remove them"
                ));
            }
        }
        Ok(())
    }
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
