//! Where the providers' relay names lead, beside the addresses of this host's instances: old records, wildcards, ports
//! that nobody listens on.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};

use dns::checks::{addresses, is_by_wildcard, is_kept, is_nobody};
use dns::{Limits, Resolver, name};
use figures::instances::{DnsOutcome, Facts, Finding, Kind, Running};
use figures::verdict::Level;
use knowledge::providers::Providers;

use crate::lookups::Questions;
use crate::site::Site;
use crate::{pool, ports};

const SMTP: u16 = 25;
/// As many connections as are under way at a time.
const AT_A_TIME: usize = 16;

/// Of more addresses of one name, none is connected to: no site has so many relays, but an answer may.
const MOST: usize = 64;

/// A relay name, and whose it is.
struct Relays {
    name: String,
    domain: String,
    /// The instances of its provider, by name.
    instances: Vec<String>,
}

/// What is wrong with the relay names of the instances at `shown`, of which the DNS has been asked before.
pub fn look_at(
    site: &Site,
    questions: Questions,
    providers: &Providers,
    all: &[Facts],
    shown: &[usize],
) -> Vec<Finding> {
    let limits = Limits {
        total: questions.timeout,
        ..Limits::default()
    };
    let resolver = Resolver::new(questions.servers, limits);
    let mut found = Vec::new();
    for relays in of_instances(questions.domain.as_deref(), providers, all, shown) {
        let Some(asked) = name(&relays.name) else {
            continue;
        };
        // What could not be asked is reported of each address.
        let Ok(listed) = addresses(&resolver, &asked) else {
            continue;
        };
        let finding = |level, text| Finding {
            level,
            kind: Kind::Dns,
            instances: relays.instances.clone(),
            text: format!("{} {text}", relays.name),
        };
        if listed.len() > MOST {
            let text = format!(
                "{} has more than {MOST} addresses: only the first {MOST} were looked at",
                relays.name
            );
            found.push(finding(Level::Warning, text));
        }
        if is_by_wildcard(&resolver, &relays.name, &listed) {
            let text = "is there by a wildcard alone, which has the same addresses for any name: give it records of its \
                        own"
            .to_owned();
            found.push(finding(Level::Warning, text));
        }
        let (nobody, others): (BTreeSet<IpAddr>, BTreeSet<IpAddr>) = listed
            .iter()
            .copied()
            .take(MOST)
            .partition(|ip| is_nobody(*ip));
        for ip in &nobody {
            let line = record(&relays.name, *ip);
            let text = format!(
                "lists {ip}, where no relay can be: mail is sent back to its sender's own host or \
                                nowhere; take out: {line}"
            );
            found.push(finding(Level::Critical, text));
        }
        // An image's relays are not this machine's to connect to.
        if site.root().is_this_host() {
            let silent = silent(others, all, |ip| is_kept(&resolver, ip, &relays.domain));
            found.extend(silent.into_iter().map(|(ip, text)| {
                let line = record(&relays.name, ip);
                finding(Level::Warning, format!("lists {ip}{text} take out: {line}"))
            }));
        }
    }
    found
}

fn record(name: &str, ip: IpAddr) -> String {
    let kind = if ip.is_ipv4() { "A" } else { "AAAA" };
    format!("{name}. IN {kind} {ip}")
}

/// The relay names that the DNS has answered for.
fn of_instances(
    domain: Option<&str>,
    providers: &Providers,
    all: &[Facts],
    shown: &[usize],
) -> Vec<Relays> {
    let mut found: BTreeMap<String, Relays> = BTreeMap::new();
    for facts in shown.iter().filter_map(|&at| all.get(at)) {
        let mut checks = facts.senders.iter().flat_map(|sender| &sender.dns);
        let is_known = checks.any(|check| {
            check.check == "provider"
                && !matches!(check.outcome, DnsOutcome::Unknown | DnsOutcome::Skipped)
        });
        let Some(id) = providers.of_instance(&facts.name).filter(|_| is_known) else {
            continue;
        };
        let domain = domain.map_or_else(|| facts.site_domain(), str::to_owned);
        let name = providers.get(id).relay_at(&domain);
        let relays = found.entry(name.clone()).or_insert(Relays {
            name,
            domain,
            instances: Vec::new(),
        });
        relays.instances.push(facts.name.clone());
    }
    found.into_values().collect()
}

/// Those of the addresses where no mail is taken, and why.
fn silent(
    listed: BTreeSet<IpAddr>,
    all: &[Facts],
    is_kept: impl Fn(IpAddr) -> bool + Sync,
) -> Vec<(IpAddr, String)> {
    let owner = |ip: IpAddr| {
        let mut owners = all
            .iter()
            .filter(|facts| facts.senders.iter().any(|s| s.address == ip));
        owners.next()
    };
    // Whether an instance runs is reported of it.
    let is_asked =
        |ip: &IpAddr| owner(*ip).is_none_or(|own| matches!(own.running, Running::Yes { .. }));
    let asked: Vec<IpAddr> = listed.into_iter().filter(is_asked).collect();
    let found = pool::each(asked, AT_A_TIME, |ip| {
        let why = match ports::knock(&SocketAddr::new(ip, SMTP)) {
            Ok(()) => return None,
            // No way there from here, as to IPv6 of a host without, or a firewall that lets in the list servers
            // alone: it says nothing of a relay that somebody keeps.
            Err(e)
                if e.kind() != ErrorKind::ConnectionRefused
                    && (owner(ip).is_none() || e.kind() == ErrorKind::NetworkUnreachable)
                    && is_kept(ip) =>
            {
                return None;
            }
            Err(e) if e.kind() == ErrorKind::ConnectionRefused => {
                "nothing listens on port 25 there".to_owned()
            }
            Err(e) => format!("there is no answer on port 25 ({})", reason(&e)),
        };
        Some((
            ip,
            match owner(ip) {
                Some(own) => format!(", of {}: {why}; start its smtpd there, or", own.name),
                None => format!(
                    ", which no instance of this host has: {why}; if no relay has it any more,"
                ),
            },
        ))
    });
    found.into_iter().flatten().collect()
}

fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error ")
        .next()
        .unwrap_or_default()
        .to_owned()
}
