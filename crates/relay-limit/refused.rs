//! The refusals that rules count: in the logs of a time, or in what is new in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cli::Context;
use figures::days::Period;
use globset::GlobMatcher;
use host::history::{DayLogs, begins_late};
use host::logs::{Filter, LogScope, Selection, gaps, log_sets, read_new};
use knowledge::providers::{Providers, domain_of};
use knowledge::reasons::{Cache, Reasons};
use limits::react::{Event, Rules};
use postfix::config::Host;
use postfix::log::{self, Agent, Delivery, LogSet, Scope, Sink, Status, Wanted};
use postfix::{Parsed, Problem, Time};

use crate::recent::{self, Recent};

/// What rules are asked about.
pub(crate) struct Question<'a> {
    pub(crate) rules: &'a Rules,
    /// Of each rule, the pattern of its instances.
    pub(crate) patterns: &'a [Option<GlobMatcher>],
    pub(crate) providers: &'a Providers,
    pub(crate) reasons: Arc<Reasons>,
}

/// So many refusals are kept before those are left out that decide nothing.
const MANY: usize = 1 << 17;

#[derive(Clone)]
struct Counter<'a> {
    question: &'a Question<'a>,
    filter: Filter<'a>,
    /// The instances' names, by their syslog names; `None`: several have it.
    names: &'a BTreeMap<Vec<u8>, Option<String>>,
    /// Syslog names of several instances under which something was refused.
    shared: BTreeSet<Vec<u8>>,
    cache: Cache,
    key: u64,
    events: Vec<Event>,
    /// The time, where what counts is what the rules ask for at it.
    now: Option<Time>,
    /// With so many events, those are left out that decide nothing.
    most: usize,
}

impl Counter<'_> {
    /// Makes room, if need be.
    fn thin(&mut self) {
        let Some(now) = self.now.filter(|_| self.events.len() >= self.most) else {
            return;
        };
        self.events.sort_by_key(|event| event.at);
        self.question.rules.thin(&mut self.events, now);
        self.most = MANY.max(2 * self.events.len());
    }

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
                    recipient: recent::recipient(self.key, delivery.queue_id, delivery.recipient),
                });
            }
        }
    }
}

impl Counter<'_> {
    /// Nothing counted yet, of a later part of the logs.
    fn later(&self) -> Self {
        Self {
            events: Vec::new(),
            most: MANY,
            ..self.clone()
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
                Some(name) => {
                    self.add(&name, delivery);
                    self.thin();
                }
                None => {
                    self.shared.insert(instance.into_owned());
                }
            }
        }
    }

    fn counts(&mut self, tag: &[u8], _: Option<Time>) -> bool {
        self.filter.wants(tag)
    }

    fn knows(&self, tag: &[u8]) -> bool {
        self.filter.knows(tag)
    }

    fn fork(&self) -> Option<Self> {
        Some(self.later())
    }

    fn join(&mut self, later: Self) {
        self.filter.join(later.filter);
        self.events.extend(later.events);
        self.thin();
        self.shared.extend(later.shared);
    }
}

impl LogScope for Counter<'_> {
    fn scope(&mut self, scope: Scope) {
        self.filter.scope(scope);
    }
}

const WANTED: Wanted = Wanted {
    expired: false,
    relays: false,
    delays: false,
    times: true,
    senders: false,
    filtered: false,
    requeued: false,
    connects: false,
};

/// Counts the refusals in what `read` shows to the counter. They come back in the order of time, with what could not
/// be read.
fn count(
    cx: &Context,
    host: &Parsed<Host>,
    question: &Question<'_>,
    (key, now): (u64, Option<Time>),
    read: impl FnOnce(&[LogSet], &mut Counter<'_>) -> (usize, Vec<Problem>),
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
        key,
        events: Vec::new(),
        now,
        most: MANY,
    };
    let sets = log_sets(cx.site(), host, &selection, None)?;
    let (logs, mut problems) = read(&sets, &mut counter);
    if logs == 0 && problems.is_empty() {
        problems.push(Problem::new("/var/log", "no log was found"));
    }
    // The refusals of an instance whose configuration cannot be read are nobody's.
    problems.extend(host.problems.iter().cloned());
    problems.extend(counter.shared.iter().map(|name| {
        let name = String::from_utf8_lossy(name);
        let what = format!(
            "{name} is the syslog_name of several instances: whose refusals these are is not known, and none counts"
        );
        Problem::new("main.cf", what)
    }));
    let mut events = counter.events;
    events.sort_by_key(|event| event.at);
    Ok((events, problems))
}

/// What was seen of a time.
pub(crate) struct OfTime {
    /// The refusals, in its order.
    pub(crate) events: Vec<Event>,
    /// What could not be read of the logs.
    pub(crate) problems: Vec<Problem>,
    /// Why not all of the time is in the logs, if so.
    pub(crate) begins_late: Option<String>,
}

/// The refusals of this time.
pub(crate) fn of_time(
    cx: &Context,
    host: &Parsed<Host>,
    question: &Question<'_>,
    (since, until): (Time, Time),
) -> anyhow::Result<OfTime> {
    let time = Period {
        host: cx.host().to_owned(),
        zone: cx.zone(),
        since,
        until,
    };
    let key = recent::new_key();
    let mut late = None;
    let (mut events, problems) = count(cx, host, question, (key, None), |sets, counter| {
        let mut logs = DayLogs::read(cx.site(), sets, &[time], WANTED, counter);
        late = begins_late(cx.site(), logs.begin(), since);
        logs.problems.extend(gaps(&logs.readings).unread);
        (logs.readings.len(), logs.problems)
    })?;
    events.retain(|event| since <= event.at && event.at < until);
    Ok(OfTime {
        events,
        problems,
        begins_late: late,
    })
}

/// The refusals that are new since `recent`, whose places go on, or, of a log that was not read before, those from
/// `since` on; and what could not be read of the logs.
pub(crate) fn new(
    cx: &Context,
    host: &Parsed<Host>,
    question: &Question<'_>,
    recent: &mut Recent,
    since: Time,
) -> anyhow::Result<(Vec<Event>, Vec<Problem>)> {
    let (key, places) = (recent.key, &mut recent.places);
    let before = places.gaps;
    let now = Some(cx.now());
    let (events, mut problems) = count(cx, host, question, (key, now), |sets, counter| {
        let wanted = (WANTED, Some(since));
        match read_new(cx.site(), sets, wanted, places, counter, Counter::later) {
            Ok((readings, mut problems)) => {
                problems.extend(gaps(&readings).unread);
                (sets.len(), problems)
            }
            Err(problem) => (0, vec![problem]),
        }
    })?;
    if recent.places.gaps > before {
        let lasts = legible::human::age(question.rules.longest());
        let what = format!(
            "refusals may be missing in what the rules count for the next {lasts}: how many is not known"
        );
        problems.push(Problem::new(recent::path(cx), what));
    }
    Ok((events, problems))
}
