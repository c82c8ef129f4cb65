//! Is a rate limit in force?

use figures::instances::Facts;

use super::{Step, StepState, postconf};
use crate::limits::{Limits, Value};
use crate::settings::COHORT_LIMIT;

/// As many deliveries to one destination at a time as a new address may make.
const MAX_CONCURRENCY: u64 = 5;

/// rate-delay, concurrency and failed-cohort-limit.
pub(super) fn steps(which: &Facts, limits: &Limits) -> Vec<Step> {
    match limits.is_client {
        Some(true) => vec![
            delay(which, limits),
            concurrency(which, limits),
            cohort(which, limits),
        ],
        Some(false) => {
            let found = format!(
                "master.cf has no SMTP client called {}: its rate limits are not known",
                limits.transport
            );
            vec![Step::new(
                "rate-delay",
                "default_transport",
                StepState::Unknown,
                found,
            )]
        }
        None => vec![Step::new(
            "rate-delay",
            "master.cf",
            StepState::Unknown,
            "it cannot be read",
        )],
    }
}

/// What Postfix itself would not run with.
fn refused(step: &'static str, value: &Value) -> Step {
    let found = format!("\"{}\" is not a value that Postfix accepts", value.text);
    Step::new(step, &value.name, StepState::Fail, found)
}

fn delay(which: &Facts, limits: &Limits) -> Step {
    let (total, each) = (&limits.transport_delay, &limits.destination_delay);
    for value in [total, each] {
        if value.value.is_none() {
            return refused("rate-delay", value);
        }
    }
    let others = match limits.unheld.as_slice() {
        [] => String::new(),
        some => format!("; transports without one: {}", some.join(", ")),
    };
    match (total.value.unwrap_or(0), each.value.unwrap_or(0)) {
        (0, 0) => {
            let found = format!("none: {} sends as fast as it can", limits.transport);
            Step::new("rate-delay", &total.name, StepState::Fail, found)
                .with(postconf(which, &total.name, "432s"))
                .with("432s allows 200 a day; relay-warmup plan has the delay for each day")
        }
        (0, delay) => {
            let found = format!(
                "{delay}s between deliveries to one domain, {} a day to each; domains together are not limited{others}",
                86_400 / delay
            );
            Step::pass("rate-delay", &each.name, found)
        }
        (delay, 0) => {
            let found = format!(
                "{delay}s between any two deliveries, {} a day{others}",
                86_400 / delay
            );
            Step::pass("rate-delay", &total.name, found)
        }
        (total_delay, each_delay) => {
            let found = format!(
                "{total_delay}s between any two deliveries, {} a day, and {each_delay}s more for those to one \
                 domain{others}",
                86_400 / total_delay
            );
            Step::pass("rate-delay", &total.name, found)
        }
    }
}

fn concurrency(which: &Facts, limits: &Limits) -> Step {
    let value = &limits.concurrency;
    let Some(set) = value.value else {
        return refused("concurrency", value);
    };
    if limits.transport_delay.is_set() {
        let name = &limits.transport_delay.name;
        let found = format!("1 at a time, whatever its domain, because of {name}");
        return Step::pass("concurrency", &value.name, found);
    }
    if limits.destination_delay.is_set() {
        let name = &limits.destination_delay.name;
        let found = format!("1 at a time to one domain, because of {name}");
        return Step::pass("concurrency", &value.name, found);
    }
    if (1..=MAX_CONCURRENCY).contains(&set) {
        let found = format!("{set} at a time to one domain");
        return Step::pass("concurrency", &value.name, found);
    }
    let found = match set {
        0 => "any number at a time".to_owned(),
        n => format!(
            "{n} at a time to one domain; a new address should use at most {MAX_CONCURRENCY}"
        ),
    };
    Step::new("concurrency", &value.name, StepState::Fail, found).with(postconf(
        which,
        &value.name,
        "1",
    ))
}

fn cohort(which: &Facts, limits: &Limits) -> Step {
    let value = &limits.cohort;
    let Some(set) = value.value else {
        return refused("failed-cohort-limit", value);
    };
    let wanted = u64::from(COHORT_LIMIT);
    let fail = |found: String| {
        Step::new("failed-cohort-limit", &value.name, StepState::Fail, found).with(postconf(
            which,
            &value.name,
            &wanted.to_string(),
        ))
    };
    match set {
        0 => fail(
            "off: a provider that refuses every connection is tried again and again".to_owned(),
        ),
        set if limits.is_single() && set < wanted => fail(format!(
            "{set}: with a rate limit, that few failed connections in a row defer all mail of a domain; postconf(5) \
             asks for {wanted} or more"
        )),
        set => Step::pass(
            "failed-cohort-limit",
            &value.name,
            match set {
                1 => "1 failed connection until a domain's mail is deferred".to_owned(),
                set => {
                    format!("{set} failed connections in a row until a domain's mail is deferred")
                }
            },
        ),
    }
}
