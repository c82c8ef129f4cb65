//! Asks the DNS about all addresses of all instances at once.

use std::net::SocketAddr;
use std::time::Duration;

use crate::pool;
use crate::site::Site;
use dns::checks::{Check, CheckResult, CheckState, Relay};
use dns::{Limits, Resolver};
use figures::instances::{DnsCheck, DnsOutcome, Facts, Sender};
use knowledge::providers::Providers;

/// As many questions as are under way at a time.
const AT_A_TIME: usize = 64;

/// What to ask, and whom.
#[derive(Debug, Clone)]
pub struct Questions {
    /// The servers to ask, the first of them first.
    pub servers: Vec<SocketAddr>,
    /// The site's domain, if it is not to be derived from an instance's own names ([`Facts::site_domain`]).
    pub domain: Option<String>,
    /// The most time that all lookups together may take.
    pub timeout: Duration,
}

/// One check of one address: the places of its instance and of the address there.
struct Job {
    instance: usize,
    sender: usize,
    relay: Relay,
    check: Check,
}

/// Asks about the addresses of the instances at `shown`, and notes there what is found.
pub fn ask(
    site: &Site,
    questions: Questions,
    providers: &Providers,
    all: &mut [Facts],
    shown: &[usize],
) {
    let jobs = jobs(questions.domain.as_deref(), providers, all, shown);
    let limits = Limits {
        total: questions.timeout,
        ..Limits::default()
    };
    let progress = site.progress_items("querying the DNS", u64::try_from(jobs.len()).ok());
    let resolver = Resolver::new(questions.servers, limits);
    let mut found = pool::each(jobs, AT_A_TIME, |job| {
        let finding = job.relay.check(&resolver, job.check);
        progress.advance(1);
        (job.instance, job.sender, finding)
    });
    drop(progress);
    found.sort_by_key(|(instance, sender, finding)| (*instance, *sender, finding.check));
    for (instance, sender, finding) in found {
        if let Some(sender) = at(all, instance, sender) {
            sender.dns.push(shown_as(finding));
        }
    }
}

fn at(all: &mut [Facts], instance: usize, sender: usize) -> Option<&mut Sender> {
    all.get_mut(instance)?.senders.get_mut(sender)
}

/// All that is to be asked. An address of a loopback network has no place in the DNS.
fn jobs(
    domain: Option<&str>,
    providers: &Providers,
    all: &mut [Facts],
    shown: &[usize],
) -> Vec<Job> {
    let mut jobs = Vec::new();
    for &instance in shown {
        let Some(facts) = all.get_mut(instance) else {
            continue;
        };
        let domain = domain.map_or_else(|| facts.site_domain(), str::to_owned);
        let provider_name = providers
            .of_instance(&facts.name)
            .map(|id| providers.get(id).relay_at(&domain));
        for (at, sender) in facts.senders.iter_mut().enumerate() {
            if sender.address.is_loopback() {
                sender.dns.push(DnsCheck {
                    check: Check::Host.as_str(),
                    asked: String::new(),
                    outcome: DnsOutcome::Skipped,
                    detail: "a loopback address: no mail leaves the machine from there".to_owned(),
                    listed: 0,
                    records: Vec::new(),
                    alias: None,
                });
                continue;
            }
            let relay = Relay {
                helo: facts.helo_name.clone(),
                address: sender.address,
                provider_name: provider_name.clone(),
                domain: domain.clone(),
            };
            jobs.extend(Check::ALL.map(|check| Job {
                instance,
                sender: at,
                relay: relay.clone(),
                check,
            }));
        }
    }
    jobs
}

fn shown_as(finding: CheckResult) -> DnsCheck {
    let outcome = match finding.outcome {
        CheckState::Ok => DnsOutcome::Ok,
        CheckState::Wrong if finding.check.is_severe() => DnsOutcome::Wrong,
        CheckState::Wrong => DnsOutcome::Poor,
        CheckState::Unknown => DnsOutcome::Unknown,
        CheckState::Skipped => DnsOutcome::Skipped,
    };
    DnsCheck {
        check: finding.check.as_str(),
        asked: finding.asked,
        outcome,
        detail: finding.detail,
        listed: finding.listed,
        records: finding.records,
        alias: finding.alias,
    }
}
