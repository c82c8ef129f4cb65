//! How fast the mailq drains: what the logs say of the last hour.

use std::collections::BTreeMap;

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
}

impl Sink for Done<'_> {
    fn event(&mut self, event: &Event<'_>) {
        let Event::Delivery(delivery) = event else {
            return;
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
    };
    let hour = Period {
        host: cx.host().to_owned(),
        zone: cx.zone(),
        since: since(cx),
        until: cx.now(),
    };
    let wanted = Wanted {
        times: true,
        delays: true,
        ..Wanted::default()
    };
    let Ok(sets) = log_sets(cx.site(), host, &selection, None) else {
        return;
    };
    let logs = DayLogs::read(cx.site(), &sets, &[hour], wanted, &mut counter);
    if !logs.problems.is_empty() || logs.readings.is_empty() {
        return;
    }
    let is_shared = |name: &str| instances.iter().filter(|i| i.syslog_name() == name).count() > 1;
    report.drained(|at| {
        let name = instances.get(at)?.syslog_name();
        let done = counter.done.get(name.as_bytes()).copied();
        (!is_shared(name)).then_some(done.unwrap_or(0))
    });
}
