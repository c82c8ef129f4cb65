//! A host's instances, one module a format.

pub mod csv;
pub mod json;
pub mod table;
#[cfg(test)]
mod tests;
pub mod text;

use figures::instances::{AddressPlace, Facts, Listen, RateLimits, Running, Sender};
use postfix::Time;
use postfix::Zone;

/// What stands where nothing is known.
const UNKNOWN: &str = "unknown";

/// `yes`, `no`, or that it is not known.
fn yes_no(value: Option<bool>) -> &'static str {
    match value {
        Some(true) => "yes",
        Some(false) => "no",
        None => UNKNOWN,
    }
}

fn is_running(running: &Running) -> Option<bool> {
    match running {
        Running::Yes { .. } => Some(true),
        Running::No => Some(false),
        Running::Unknown | Running::Failed(_) => None,
    }
}

/// The interface's name, with what is wrong about it.
fn place(sender: &Sender) -> String {
    match &sender.place {
        AddressPlace::Interface { name, is_up: true } => name.clone(),
        AddressPlace::Interface { name, is_up: false } => format!("{name} (DOWN)"),
        AddressPlace::Unusable { name, .. } => format!("{name} (UNUSABLE)"),
        AddressPlace::Missing => "MISSING".to_owned(),
        AddressPlace::Unknown => UNKNOWN.to_owned(),
    }
}

/// `192.0.2.41:25`, `[2001:db8::41]:25`.
fn endpoint(listen: &Listen) -> String {
    if listen.host.contains(':') && !listen.host.starts_with('[') {
        format!("[{}]:{}", listen.host, listen.port)
    } else {
        format!("{}:{}", listen.host, listen.port)
    }
}

/// Where it logs.
fn log(facts: &Facts) -> String {
    match &facts.maillog_file {
        Some(file) => file.to_string_lossy().into_owned(),
        None => "syslog".to_owned(),
    }
}

/// Time on the host's clock, to the minute.
fn clock(time: Time, zone: Zone) -> String {
    match zone.at(time) {
        Some(time) => time.format("%Y-%m-%d %H:%M").to_string(),
        None => UNKNOWN.to_owned(),
    }
}

/// `smtp, relay: 5 at a time, 50 recipients, 100 processes`: transports that are held back alike in one.
fn limits(all: &[RateLimits]) -> Vec<String> {
    let mut groups: Vec<(Vec<&str>, &RateLimits)> = Vec::new();
    for limits in all {
        match groups.iter_mut().find(|(_, first)| first.is_like(limits)) {
            Some((names, _)) => names.push(&limits.transport),
            None => groups.push((vec![&limits.transport], limits)),
        }
    }
    let lines = groups.into_iter().map(|(names, limits)| {
        let number = |value: &str, what: &str| match value {
            "0" => format!("any number of {what}"),
            value => format!("{value} {what}"),
        };
        let mut parts = vec![
            match limits.concurrency.as_str() {
                "0" => "any number at a time".to_owned(),
                value => format!("{value} at a time"),
            },
            number(&limits.recipients, "recipients"),
            number(&limits.processes, "processes"),
        ];
        let delays = [
            (&limits.rate_delay, "per destination"),
            (&limits.transport_rate_delay, "in total"),
        ];
        for (delay, of) in delays {
            let is_none = delay.trim_end_matches(|c: char| c.is_ascii_alphabetic()) == "0";
            if !is_none && !delay.is_empty() {
                parts.push(format!("one every {delay} {of}"));
            }
        }
        format!("{}: {}", names.join(", "), parts.join(", "))
    });
    lines.collect()
}
