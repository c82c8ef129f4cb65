//! What the logs show of each domain that goes through the catch-all relay.

use std::collections::{BTreeSet, HashMap};

use figures::bounds::SOME_KEYS;
use figures::keyed::{Cell, Keyed};
use figures::mail_stats::Counts;
use knowledge::providers::{ProviderId, Providers, domain_of};
use postfix::log::Delivery;

use super::{Evidence, Judged, NewDomain, Open, REFUSED_LISTED};
use crate::Domain;

/// Which hosts say of a delivery that it goes through the catch-all relay, or does not.
#[derive(Debug, Clone, Default)]
pub struct ViaTheRest {
    /// What is handed to one of these hosts (in lower case) does, whoever sends it.
    pub relays: BTreeSet<Vec<u8>>,
    /// What is handed to one of these goes to a provider's own relay.
    pub others: BTreeSet<Vec<u8>>,
}

/// The deliveries of one domain.
#[derive(Debug, Clone, Default)]
struct DomainTraffic {
    counts: Counts,
    /// By the host that took or refused them: whose it is (`None`: nobody's that is known), how many, and the first
    /// such host.
    hosts: Vec<(Option<ProviderId>, u64, Vec<u8>)>,
}

/// Domains that are kept distinct: what the others have is counted, and nothing is said of them.
const MOST_DOMAINS: usize = SOME_KEYS * 16;

/// The deliveries of all domains.
#[derive(Debug, Clone)]
pub struct Traffic(Keyed<Vec<u8>, DomainTraffic>);

impl Default for Traffic {
    fn default() -> Self {
        Self(Keyed::new(MOST_DOMAINS))
    }
}

impl Traffic {
    /// Has nothing been counted?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts a delivery, if it goes through the catch-all relay. `is_of_the_rest`: it is an instance of that relay
    /// that sends it, or one that was asked for by name.
    pub fn add(
        &mut self,
        via: &ViaTheRest,
        providers: &Providers,
        is_of_the_rest: bool,
        delivery: &Delivery<'_>,
    ) {
        let Some(domain) = domain_of(delivery.recipient) else {
            return;
        };
        let relay = delivery.relay.filter(|relay| relay.address.is_some());
        let relay = relay.map(|relay| {
            let host = relay.host.strip_suffix(b".").unwrap_or(relay.host);
            host.to_ascii_lowercase()
        });
        let is_ours = |hosts: &BTreeSet<Vec<u8>>| relay.as_ref().is_some_and(|r| hosts.contains(r));
        let by_relay = is_ours(&via.relays);
        if is_ours(&via.others) || !(by_relay || is_of_the_rest) {
            return;
        }
        let seen = self.0.of(domain.to_ascii_lowercase().as_slice());
        seen.counts.add(delivery.status, delivery.repeat);
        // Our own relay says nothing of whose the domain is.
        if let Some(host) = relay.filter(|_| !by_relay) {
            let whose = providers.by_relay(&host);
            seen.add(whose, delivery.repeat, || host);
        }
    }

    /// Takes in what was seen in another part of the log.
    pub fn join(&mut self, other: Self) {
        self.0.merge(other.0);
    }

    /// Whose each domain is. Names of one domain (in letters and in ASCII, say) are put together.
    pub fn judge(self, providers: &Providers) -> Judged {
        let mut judged = Judged {
            indistinct: self.0.rest.counts.total(),
            ..Judged::default()
        };
        let mut domains: HashMap<Domain, DomainTraffic> = HashMap::new();
        let mut refused = Vec::new();
        for (name, seen) in self.0.into_cells() {
            match Domain::new(&name) {
                Ok(domain) => domains.entry(domain).or_default().merge(&seen),
                Err(why) => refused.push(format!("{}: {why}", postfix::escape(&name))),
            }
        }
        refused.sort();
        judged.refused_count = refused.len();
        refused.truncate(REFUSED_LISTED);
        judged.refused = refused;
        for (domain, seen) in domains {
            let counts = seen.counts;
            match providers.by_domain(domain.as_str().as_bytes()) {
                Some(provider) if provider != providers.the_rest() => {
                    judged.found.push(NewDomain {
                        domain,
                        provider,
                        by: Evidence::Table,
                        counts,
                    });
                }
                // The table says that it is one of the rest.
                Some(_) => judged.others += 1,
                None => match seen.whose() {
                    Some((Some(provider), host)) => judged.found.push(NewDomain {
                        domain,
                        provider,
                        by: Evidence::Relay(String::from_utf8_lossy(&host).into_owned()),
                        counts,
                    }),
                    Some((None, _)) => judged.others += 1,
                    None => judged.open.push(Open { domain, counts }),
                },
            }
        }
        super::sort(&mut judged.found);
        judged.open.sort_by(|a, b| {
            let by_volume = b.counts.total().cmp(&a.counts.total());
            by_volume.then_with(|| a.domain.cmp(&b.domain))
        });
        judged
    }
}

impl Cell for DomainTraffic {
    fn weight(&self) -> u64 {
        self.counts.total()
    }

    fn merge(&mut self, other: &Self) {
        self.counts += other.counts;
        for (whose, count, host) in &other.hosts {
            self.add(*whose, *count, || host.clone());
        }
    }
}

impl DomainTraffic {
    fn add(&mut self, whose: Option<ProviderId>, n: u64, host: impl FnOnce() -> Vec<u8>) {
        match self.hosts.iter_mut().find(|(known, ..)| *known == whose) {
            Some((_, count, _)) => *count = count.saturating_add(n),
            None => self.hosts.push((whose, n, host())),
        }
    }

    /// Whose hosts more than half of the deliveries went to that got as far as a host: a provider's, or some others'.
    fn whose(self) -> Option<(Option<ProviderId>, Vec<u8>)> {
        let all: u64 = self.hosts.iter().map(|(_, count, _)| count).sum();
        let (whose, count, host) = self.hosts.into_iter().max_by_key(|(_, count, _)| *count)?;
        let more_than_half = count > all / 2;
        Some((whose.filter(|_| more_than_half), host))
    }
}
