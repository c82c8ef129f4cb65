//! The refusals that rules count, read from the logs of a time.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use cli::Context;
use figures::days::Period;
use globset::GlobMatcher;
use host::history::DayLogs;
use host::logs::{Filter, LogScope, Selection, log_sets};
use knowledge::providers::{Providers, domain_of};
use knowledge::reasons::{Cache, Reasons};
use limits::react::{Event, Rules};
use postfix::config::Host;
use postfix::log::{self, Agent, Delivery, Scope, Sink, Status, Wanted};
use postfix::{Parsed, Problem, Time};

/// What rules are asked about.
pub(crate) struct Question<'a> {
    pub(crate) rules: &'a Rules,
    /// Of each rule, the pattern of its instances.
    pub(crate) patterns: &'a [Option<GlobMatcher>],
    pub(crate) providers: &'a Providers,
    pub(crate) reasons: Arc<Reasons>,
}

#[derive(Clone)]
struct Counter<'a> {
    question: &'a Question<'a>,
    filter: Filter<'a>,
    /// The instances' names, by their syslog names; `None`: several have it.
    names: &'a BTreeMap<Vec<u8>, Option<String>>,
    /// Syslog names of several instances under which something was refused.
    shared: BTreeSet<Vec<u8>>,
    cache: Cache,
    /// The same in all threads.
    hasher: RandomState,
    events: Vec<Event>,
}

impl Counter<'_> {
    fn add(&mut self, name: &str, delivery: &Delivery<'_>) {
        let Some(at) = delivery.time else { return };
        let domain = domain_of(delivery.recipient).unwrap_or_default();
        // Whose it is, is said by the table of domains alone: anyone can point a domain of their own at a provider's
        // servers, or name their own servers like it.
        let Some(provider) = self.question.providers.by_domain(domain) else {
            return;
        };
        let provider = &self.question.providers.get(provider).name;
        let reasons = &self.question.reasons;
        let reason = self
            .cache
            .classify(reasons, delivery.reply, delivery.dsn, Some(domain));
        let counting = self
            .question
            .rules
            .counting(reason.code.as_deref(), reason.class);
        for (rule, what) in counting {
            let pattern = self.question.patterns.get(rule).and_then(Option::as_ref);
            let bare = name.strip_prefix("postfix-").unwrap_or(name);
            let is_there = |pattern: &GlobMatcher| pattern.is_match(name) || pattern.is_match(bare);
            if what
                .provider
                .as_ref()
                .is_none_or(|wanted| wanted == provider)
                && pattern.is_none_or(is_there)
            {
                self.events.push(Event {
                    at,
                    rule,
                    instance: name.to_owned(),
                    provider: provider.clone(),
                    recipient: self
                        .hasher
                        .hash_one((delivery.queue_id, delivery.recipient)),
                });
            }
        }
    }
}

impl Sink for Counter<'_> {
    fn event(&mut self, event: &log::Event<'_>) {
        if let log::Event::Delivery(delivery) = event
            && delivery.status != Status::Sent
            && matches!(delivery.agent, Agent::Smtp | Agent::Lmtp)
            && let Some(instance) = self.filter.instance(b"", delivery.tag)
            && let Some(name) = self.names.get(instance.as_ref())
        {
            match name.clone() {
                Some(name) => self.add(&name, delivery),
                None => {
                    self.shared.insert(instance.into_owned());
                }
            }
        }
    }

    fn fork(&self) -> Option<Self> {
        Some(Self {
            events: Vec::new(),
            ..self.clone()
        })
    }

    fn join(&mut self, later: Self) {
        self.filter.join(later.filter);
        self.events.extend(later.events);
        self.shared.extend(later.shared);
    }
}

impl LogScope for Counter<'_> {
    fn scope(&mut self, scope: Scope) {
        self.filter.scope(scope);
    }
}

/// The refusals of this time, in its order; and what could not be read of the logs.
pub(crate) fn read(
    cx: &Context,
    host: &Parsed<Host>,
    question: &Question<'_>,
    (since, until): (Time, Time),
) -> anyhow::Result<(Vec<Event>, Vec<Problem>)> {
    let selection = Selection::new(cx.site(), host, &[], false)?;
    let mut names: BTreeMap<Vec<u8>, Option<String>> = BTreeMap::new();
    for one in host.value.instances() {
        names
            .entry(one.syslog_name().as_bytes().to_vec())
            .and_modify(|name| *name = None)
            .or_insert_with(|| Some(one.name().to_owned()));
    }
    let mut counter = Counter {
        question,
        filter: Filter::new(&selection),
        names: &names,
        shared: BTreeSet::new(),
        cache: Cache::default(),
        hasher: RandomState::new(),
        events: Vec::new(),
    };
    let time = Period {
        host: cx.host().to_owned(),
        zone: cx.zone(),
        since,
        until,
    };
    let wanted = Wanted {
        expired: false,
        relays: false,
        delays: false,
        times: true,
        senders: false,
        filtered: false,
        requeued: false,
    };
    let sets = log_sets(cx.site(), host, &selection, None)?;
    let logs = DayLogs::read(cx.site(), &sets, &[time], wanted, &mut counter);
    let mut problems = logs.problems;
    if logs.readings.is_empty() && problems.is_empty() {
        problems.push(Problem::new("/var/log", "no log was found"));
    }
    problems.extend(counter.shared.iter().map(|name| {
        let name = String::from_utf8_lossy(name);
        let what = format!(
            "{name} is the syslog_name of several instances: whose refusals these are is not known, and none counts"
        );
        Problem::new("main.cf", what)
    }));
    let mut events = counter.events;
    events.retain(|event| since <= event.at && event.at < until);
    events.sort_by_key(|event| event.at);
    Ok((events, problems))
}
