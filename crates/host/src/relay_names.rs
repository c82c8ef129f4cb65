//! Where the providers' relay names lead, beside the addresses of this host's instances: old records, wildcards, ports
//! that nobody listens on.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use dns::checks::{addresses, is_by_wildcard, is_kept, is_nobody};
use dns::{Limits, Resolver, name};
use figures::instances::{DnsOutcome, Facts, Finding, Kind, Running};
use figures::verdict::Level;
use knowledge::providers::Providers;
use postfix::count;

use crate::lookups::Questions;
use crate::site::Site;
use crate::{pool, ports};

const SMTP: u16 = 25;
/// As many connections as are under way at a time.
const AT_A_TIME: usize = 16;

/// No address is tried any more after this, of all names together: a monitoring system waits for a check.
const TOTAL: Duration = Duration::from_secs(60);

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
    let resolver = Resolver::new(questions.servers.clone(), limits);
    let mut found = Vec::new();
    let mut to_be_tried = Vec::new();
    for relays in of_instances(questions.domain.as_deref(), providers, all, shown) {
        let Some(asked) = name(&relays.name) else {
            continue;
        };
        let listed = match addresses(&resolver, &asked) {
            Ok(listed) => listed,
            Err(why) => {
                let text = format!("may lead elsewhere, too: its addresses are not known ({why})");
                found.push(relays.finding(Level::Unknown, &text));
                continue;
            }
        };
        if listed.len() > MOST {
            let text = format!(
                "{} has more than {MOST} addresses: only the first {MOST} were looked at",
                relays.name
            );
            found.push(relays.finding(Level::Warning, &text));
        }
        if is_by_wildcard(&resolver, &relays.name, &listed) {
            let text = "is there by a wildcard alone, which has the same addresses for any name: give it records of its \
                        own";
            found.push(relays.finding(Level::Warning, text));
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
            found.push(relays.finding(Level::Critical, &text));
        }
        to_be_tried.push((relays, others));
    }
    // An image's relays are not this machine's to connect to.
    if site.root().is_this_host() {
        let limits = Limits {
            total: TOTAL,
            ..Limits::default()
        };
        // Of its own time: the first one's may be over by the time that a relay has not answered.
        let resolver = Resolver::new(questions.servers, limits);
        let end = Instant::now() + TOTAL;
        for (relays, others) in to_be_tried {
            let is_kept = |ip| is_kept(&resolver, ip, &relays.domain);
            found.extend(relays.tried(silent(others, all, is_kept, end)));
        }
    }
    found
}

impl Relays {
    fn finding(&self, level: Level, text: &str) -> Finding {
        Finding {
            level,
            kind: Kind::Dns,
            instances: self.instances.clone(),
            text: format!("{} {text}", self.name),
        }
    }

    /// What is found of the addresses where no mail is taken.
    fn tried(&self, tried: Vec<(IpAddr, Silent)>) -> Vec<Finding> {
        let (mut found, mut untried) = (Vec::new(), Vec::new());
        for (ip, silent) in tried {
            match silent {
                Silent::Untried => untried.push(ip),
                Silent::Because(text) => {
                    let line = record(&self.name, ip);
                    let text = format!("lists {ip}{text} take out: {line}");
                    found.push(self.finding(Level::Warning, &text));
                }
            }
        }
        if let Some(first) = untried.first() {
            let (n, seconds) = (count(untried.len(), "address"), TOTAL.as_secs());
            let text = format!(
                "lists {n} that were not tried, {seconds} s after the first of all names: {first}{}",
                if untried.len() > 1 { ", …" } else { "" }
            );
            found.push(self.finding(Level::Unknown, &text));
        }
        found
    }
}

/// Why an address does not count as one where mail is taken.
#[derive(Debug, PartialEq, Eq)]
enum Silent {
    /// The time of all was over.
    Untried,
    /// Its reason.
    Because(String),
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

/// Those of the addresses where no mail is taken, and why; or that were not tried until the `end`.
fn silent(
    listed: BTreeSet<IpAddr>,
    all: &[Facts],
    is_kept: impl Fn(IpAddr) -> bool + Sync,
    end: Instant,
) -> Vec<(IpAddr, Silent)> {
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
        if Instant::now() >= end {
            return Some((ip, Silent::Untried));
        }
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
        let text = match owner(ip) {
            Some(own) => format!(", of {}: {why}; start its smtpd there, or", own.name),
            None => {
                format!(", which no instance of this host has: {why}; if no relay has it any more,")
            }
        };
        Some((ip, Silent::Because(text)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_tried_when_the_time_of_all_is_over_is_unknown() {
        let listed: BTreeSet<IpAddr> = (1..=3).map(|n| IpAddr::from([192, 0, 2, n])).collect();
        let tried = silent(listed, &[], |_| true, Instant::now());
        assert_eq!(tried.len(), 3);
        let relays = Relays {
            name: "aol.smtp.example.org".to_owned(),
            domain: "example.org".to_owned(),
            instances: vec!["postfix-aol-a".to_owned()],
        };
        let found = relays.tried(tried);
        let found: Vec<(Level, &str)> = found.iter().map(|f| (f.level, f.text.as_str())).collect();
        let says = "aol.smtp.example.org lists 3 addresses that were not tried, 60 s after the first of all names: \
                    192.0.2.1, …";
        assert_eq!(found, [(Level::Unknown, says)]);
    }
}
