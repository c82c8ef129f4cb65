//! How fast the mailq drains: what the logs say of the last hour.

use std::collections::{BTreeMap, BTreeSet};

use cli::Context;
use figures::days::Period;
use figures::queue::Report;
use host::history::DayLogs;
use host::logs::{Filter, LogScope, Selection, log_sets};
use postfix::config::{Host, Instance};
use postfix::log::{Event, Scope, Sink, Status, Wanted};
use postfix::{Parsed, Span, Time};

/// The window in which deliveries count as recent.
const HOUR: Span = Span::from_hours(1);

/// When that began.
pub(crate) fn since(cx: &Context) -> Time {
    cx.now().minus(HOUR)
}

/// Counts recipients who waited when the hour began and have been done with in it.
#[derive(Clone)]
struct Done<'a> {
    filter: Filter<'a>,
    since: Time,
    /// By syslog name.
    done: BTreeMap<Vec<u8>, u64>,
    /// Names under which mail has outlived its lifetime: how many recipients that had, the log does not say.
    expired: BTreeSet<Vec<u8>>,
}

impl Sink for Done<'_> {
    fn event(&mut self, event: &Event<'_>) {
        let delivery = match event {
            Event::Delivery(delivery) => delivery,
            Event::Expired(expired) => {
                if let Some(name) = self.filter.instance(b"", expired.tag) {
                    self.expired.insert(name.into_owned());
                }
                return;
            }
            _ => return,
        };
        let (Some(time), Some(delay)) = (delivery.time, delivery.delay) else {
            return;
        };
        let arrived = time.seconds() as f64 - delay;
        let is_done = delivery.status != Status::Deferred;
        if is_done
            && arrived < self.since.seconds() as f64
            && let Some(name) = self.filter.instance(b"", delivery.tag)
        {
            *self.done.entry(name.into_owned()).or_default() += delivery.repeat;
        }
    }

    fn fork(&self) -> Option<Self> {
        Some(Self {
            done: BTreeMap::new(),
            ..self.clone()
        })
    }

    fn join(&mut self, later: Self) {
        self.filter.join(later.filter);
        self.expired.extend(later.expired);
        for (name, more) in later.done {
            *self.done.entry(name).or_default() += more;
        }
    }
}

impl LogScope for Done<'_> {
    fn scope(&mut self, scope: Scope) {
        self.filter.scope(scope);
    }
}

/// Adds it to the report. Where the logs of the last hour cannot be read whole, nothing is estimated.
pub(crate) fn add(cx: &Context, host: &Parsed<Host>, instances: &[&Instance], report: &mut Report) {
    let names: Vec<String> = instances.iter().map(|i| i.name().to_owned()).collect();
    let Ok(selection) = Selection::new(cx.site(), host, &names, false) else {
        return;
    };
    let mut counter = Done {
        filter: Filter::new(&selection),
        since: since(cx),
        done: BTreeMap::new(),
        expired: BTreeSet::new(),
    };
    let hour = Period {
        host: cx.host().to_owned(),
        zone: cx.zone(),
        since: since(cx),
        until: cx.now(),
    };
    let wanted = Wanted {
        expired: true,
        times: true,
        delays: true,
        ..Wanted::default()
    };
    let Ok(sets) = log_sets(cx.site(), host, &selection, None) else {
        return;
    };
    let hours = std::slice::from_ref(&hour);
    let logs = DayLogs::read(cx.site(), &sets, hours, wanted, &mut counter);
    if !logs.problems.is_empty() || !logs.cover(cx.site(), &hour) {
        return;
    }
    let all = host.value.instances();
    let is_shared = |name: &str| all.iter().filter(|i| i.syslog_name() == name).count() > 1;
    report.drained(|at| {
        let name = instances.get(at)?.syslog_name();
        let done = counter.done.get(name.as_bytes()).copied();
        let is_known = !is_shared(name) && !counter.expired.contains(name.as_bytes());
        is_known.then_some(done.unwrap_or(0))
    });
}
