//! Who else takes a provider's mail, and what was delivered in the last hour.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use cli::Context;
use cli::lookups::ResolverArgs;
use dns::{Limits, Lookup as _, Resolver, Rtype};
use figures::days::Period;
use figures::instances::Facts;
use host::history::DayLogs;
use host::logs::{Filter, LogScope, Selection, log_sets};
use host::machine;
use knowledge::providers::{Providers, domain_of};
use limits::plan::{Sibling, Takes};
use limits::{Journal, Pause, Scope};
use postfix::config::{Host, Instance};
use postfix::log::{Delivery, Event, Sink, Status, Wanted};
use postfix::queue::Queue;
use postfix::{Parsed, Span, Time};

use crate::probe::{self, RcptAnswer};

/// The window that "the last hour" is.
const HOUR: Span = Span::from_hours(1);

/// What the logs say of the last hour.
#[derive(Debug, Default)]
pub(crate) struct LastHour {
    /// By syslog name: attempts that were sent, and that were not.
    attempts: BTreeMap<Vec<u8>, (u64, u64)>,
    /// Recipients of the instance that is to be paused, each message's once.
    recipients: u64,
    /// When the logs begin, if that was within the hour.
    pub(crate) begins: Option<Time>,
    /// Why not all of it is known.
    pub(crate) missing: Option<String>,
}

/// Counts them.
#[derive(Clone)]
struct Counter<'a> {
    filter: Filter<'a>,
    paused: &'a str,
    scope: &'a Scope,
    attempts: BTreeMap<Vec<u8>, (u64, u64)>,
    recipients: HashSet<Vec<u8>>,
}

impl Counter<'_> {
    fn add(&mut self, instance: &[u8], delivery: &Delivery<'_>) {
        let counts = self.attempts.entry(instance.to_owned()).or_default();
        match delivery.status {
            Status::Sent => counts.0 += 1,
            Status::Bounced | Status::Deferred => counts.1 += 1,
        }
        let domain = domain_of(delivery.recipient).unwrap_or_default();
        let domain = String::from_utf8_lossy(domain).to_lowercase();
        if instance == self.paused.as_bytes() && self.scope.covers(&domain) {
            let key = [delivery.queue_id, b" ", delivery.recipient].concat();
            self.recipients.insert(key);
        }
    }
}

impl Sink for Counter<'_> {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Delivery(delivery) = event
            && let Some(instance) = self.filter.instance(b"", delivery.tag)
        {
            let instance = instance.into_owned();
            self.add(&instance, delivery);
        }
    }

    fn fork(&self) -> Option<Self> {
        Some(Self {
            attempts: BTreeMap::new(),
            recipients: HashSet::new(),
            ..self.clone()
        })
    }

    fn join(&mut self, later: Self) {
        self.filter.join(later.filter);
        for (instance, (sent, other)) in later.attempts {
            let counts = self.attempts.entry(instance).or_default();
            *counts = (counts.0 + sent, counts.1 + other);
        }
        self.recipients.extend(later.recipients);
    }
}

impl LogScope for Counter<'_> {
    fn scope(&mut self, scope: postfix::log::Scope) {
        self.filter.scope(scope);
    }
}

/// Reads the last hour of the logs of `instances`, of which the first is the one to be paused.
pub(crate) fn last_hour(
    cx: &Context,
    host: &Parsed<Host>,
    instances: &[&Instance],
    scope: &Scope,
) -> anyhow::Result<LastHour> {
    let names: Vec<String> = instances.iter().map(|i| i.name().to_owned()).collect();
    let selection = Selection::new(cx.site(), host, &names, false)?;
    let mut counter = Counter {
        filter: Filter::new(&selection),
        paused: instances
            .first()
            .map_or("", |instance| instance.syslog_name()),
        scope,
        attempts: BTreeMap::new(),
        recipients: HashSet::new(),
    };
    let since = cx.now().minus(HOUR);
    let hour = Period {
        host: cx.host().to_owned(),
        zone: cx.zone(),
        since,
        until: cx.now(),
    };
    let wanted = Wanted {
        times: true,
        ..Wanted::default()
    };
    let sets = log_sets(cx.site(), host, &selection, None)?;
    let logs = DayLogs::read(cx.site(), &sets, &[hour], wanted, &mut counter);
    let missing = match logs.problems.first() {
        Some(problem) => Some(problem.to_string()),
        None if logs.readings.is_empty() => Some("no log was found".to_owned()),
        None => None,
    };
    Ok(LastHour {
        begins: logs.begin().filter(|begins| *begins > since),
        attempts: counter.attempts,
        recipients: u64::try_from(counter.recipients.len()).unwrap_or(u64::MAX),
        missing,
    })
}

impl LastHour {
    /// Recipients that the pause would have concerned.
    pub(crate) fn hourly(&self) -> Result<u64, String> {
        match &self.missing {
            Some(why) => Err(why.clone()),
            None => Ok(self.recipients),
        }
    }
}

/// The other instances of the provider that `instance` is named for.
pub(crate) fn instances<'h>(
    host: &'h Host,
    instance: &Instance,
    providers: &Providers,
) -> Vec<&'h Instance> {
    let Some(provider) = providers.of_instance(instance.name()) else {
        return Vec::new();
    };
    let others = host.instances().iter().filter(|other| {
        other.config_directory() != instance.config_directory()
            && providers.of_instance(other.name()) == Some(provider)
    });
    others.collect()
}

/// How each of them stands. `scope`: the mail that they are to take. `listed`: the addresses of the relay name, if they
/// are known.
pub(crate) fn standing(
    cx: &Context,
    siblings: &[&Instance],
    journal: &Journal,
    (scope, listed): (&Scope, &[IpAddr]),
    last_hour: &LastHour,
    now: Time,
) -> Vec<Sibling> {
    let spools = host::spools::find(cx.site(), siblings);
    let one = |(instance, spool): (&&Instance, &host::spools::FoundSpool)| {
        let hour = last_hour.attempts.get(instance.syslog_name().as_bytes());
        Sibling {
            name: instance.name().to_owned(),
            takes: match unlisted(instance, listed) {
                Some(why) => Takes::No(why),
                None => takes(cx, instance, journal, scope, now),
            },
            last_hour: hour
                .copied()
                .or(last_hour.missing.is_none().then_some((0, 0))),
            deferred: count(&spool.spool),
        }
    };
    siblings.iter().zip(&spools).map(one).collect()
}

fn takes(cx: &Context, instance: &Instance, journal: &Journal, scope: &Scope, now: Time) -> Takes {
    let paused = journal.limits.iter().find(|one| {
        let covers = |pause: &Pause| pause.scope.overlaps(scope);
        one.holds(now)
            && one.limit.config_directory == instance.config_directory()
            && one.limit.pause().is_some_and(covers)
    });
    if let Some(pause) = paused {
        return Takes::No(format!("paused ({})", pause.limit.id));
    }
    if !cx.root().is_this_host() {
        return Takes::Unknown("--root: whether it runs is not known".to_owned());
    }
    match machine::master(cx.root(), instance) {
        Ok(Some(_)) => answers(cx, instance, scope),
        Ok(None) => Takes::No("it is not running".to_owned()),
        Err(e) => Takes::Unknown(format!("cannot find out whether it is running: {e}")),
    }
}

/// Deferred messages, by their files; nothing where they cannot be counted.
fn count(spool: &postfix::queue::Spool) -> Option<u64> {
    spool
        .count(Queue::Deferred)
        .ok()
        .map(|tally| tally.messages)
}

/// The addresses that an instance sends from, and those at which it takes mail, as far as they are named.
fn addresses(instance: &Instance) -> Vec<IpAddr> {
    let mut all = instance.bind_addresses();
    let named = instance.parameters().list("inet_interfaces");
    all.extend(
        named
            .iter()
            .filter_map(|one| one.trim_matches(['[', ']']).parse::<IpAddr>().ok()),
    );
    all
}

/// Why no list server comes to an instance: the relay name has addresses, and not this instance's.
fn unlisted(instance: &Instance, listed: &[IpAddr]) -> Option<String> {
    let own = addresses(instance);
    let is_away =
        !listed.is_empty() && !own.is_empty() && !own.iter().any(|ip| listed.contains(ip));
    is_away.then(|| "the relay name does not list its address".to_owned())
}

/// Does its smtpd take mail? It may be switched off, or paused by hand. What refuses the probe alone, as relaying is
/// not for everybody, is no reason.
fn answers(cx: &Context, instance: &Instance, scope: &Scope) -> Takes {
    let key = match scope {
        Scope::All => "*",
        Scope::Domains(domains) => domains.first().map_or("*", String::as_str),
    };
    let address = probe::addresses(&[key.to_owned()], 0).swap_remove(0);
    let mut why = None;
    for server in probe::listeners(cx, instance) {
        match probe::ask(server, &address, limits::map::MARK) {
            RcptAnswer::Taken(_) => return Takes::Yes,
            RcptAnswer::Other(reply) if reply.starts_with('5') => return Takes::Yes,
            RcptAnswer::Refused(reply) | RcptAnswer::Other(reply) => {
                why = Some(format!("its smtpd at {server}: {reply}"));
            }
        }
    }
    let none = || Takes::Unknown("no smtpd of it was found to be asked".to_owned());
    why.map_or_else(none, Takes::No)
}

/// Of the relay name's addresses, those that are none of this host.
pub(crate) fn elsewhere(host: &Host, listed: &[IpAddr]) -> Vec<IpAddr> {
    let instances = host.instances().iter();
    let mut own: Vec<IpAddr> = instances.flat_map(addresses).collect();
    if let Ok(interfaces) = machine::Interfaces::read() {
        own.extend(interfaces.outward());
    }
    let mut all = listed.to_vec();
    all.retain(|ip| !own.contains(ip));
    all
}

/// The addresses of the provider's relay name.
pub(crate) fn listed(
    instance: &Instance,
    providers: &Providers,
    resolver: &ResolverArgs,
) -> Result<Vec<IpAddr>, String> {
    let Some(provider) = providers.of_instance(instance.name()) else {
        return Err("it was named for no provider".to_owned());
    };
    let facts = Facts::of(instance, None);
    let name = providers.get(provider).relay_at(&facts.site_domain());
    let Some(asked) = dns::name(&name) else {
        return Err(format!("{name} is not a host name"));
    };
    let limits = Limits {
        total: resolver.timeout(),
        ..Limits::default()
    };
    let servers = resolver.servers().map_err(|e| e.to_string())?;
    let resolver = Resolver::new(servers, limits);
    let mut found = Vec::new();
    for rtype in [Rtype::A, Rtype::AAAA] {
        let answer = resolver
            .ask(&asked, rtype)
            .map_err(|why| format!("{name}: {why}"))?;
        found.extend(answer.addresses());
    }
    found.sort();
    found.dedup();
    Ok(found)
}
