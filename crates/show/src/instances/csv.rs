//! `--format csv`: an instance a row, with all that is known. Lists are separated by blanks, rate limits by `; `.
//! Where not all is known, the last rows say why in `findings`, behind `missing: `; they have no instance.

use std::io::{self, Write};

use ::csv::Writer;

use super::{endpoint, is_running, limits, log, place, yes_no};
use figures::held::Held;
use figures::instances::{DnsOutcome, Facts, Listing, Running};
use legible::wire::{csv_cell, time};

const HEADING: [&str; 20] = [
    "instance",
    "group",
    "enabled",
    "running",
    "running_since",
    "addresses",
    "interfaces",
    "helo_name",
    "queue_directory",
    "config_directory",
    "data_directory",
    "mail_owner",
    "syslog_name",
    "log",
    "listens",
    "rate_limits",
    "pickup",
    "dns",
    "findings",
    "limits",
];

/// Writes them.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, listing: &Listing) -> io::Result<()> {
    let mut csv = Writer::from_writer(out);
    csv.write_record(HEADING)?;
    for facts in &listing.instances {
        let record = record(facts, listing);
        csv.write_record(record.map(csv_cell))?;
    }
    for why in listing.missing() {
        let cell = |heading: &str| match heading {
            "findings" => csv_cell(format!("missing: {why}")),
            _ => String::new(),
        };
        csv.write_record(HEADING.map(cell))?;
    }
    csv.flush()
}

fn record(facts: &Facts, listing: &Listing) -> [String; 20] {
    let path = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let since = match facts.running {
        Running::Yes { since, .. } => time(since).unwrap_or_default(),
        _ => String::new(),
    };
    let senders = || facts.senders.iter();
    let joined = |all: Vec<String>, by: &str| all.join(by);
    let findings = listing
        .findings
        .iter()
        .filter(|finding| finding.instances.contains(&facts.name))
        .map(|finding| format!("{} {}", finding.level.as_str(), finding.text));
    [
        facts.name.clone(),
        facts.group.clone().unwrap_or_default(),
        yes_no(Some(facts.is_enabled)).to_owned(),
        yes_no(is_running(&facts.running)).to_owned(),
        since,
        joined(senders().map(|s| s.address.to_string()).collect(), " "),
        joined(senders().map(place).collect(), " "),
        facts.helo_name.clone(),
        path(&facts.queue.path),
        path(&facts.config_directory),
        path(&facts.data.path),
        facts.mail_owner.clone(),
        facts.syslog_name.clone(),
        log(facts),
        joined(facts.listens.iter().map(endpoint).collect(), " "),
        joined(limits(&facts.rate_limits), "; "),
        yes_no(facts.pickup).to_owned(),
        dns(facts),
        joined(findings.collect(), "; "),
        Held::words(&listing.limits, &facts.name),
    ]
}

/// The worst that the DNS has; empty if not asked.
fn dns(facts: &Facts) -> String {
    let rank = |outcome: DnsOutcome| match outcome {
        DnsOutcome::Skipped => 0,
        DnsOutcome::Ok => 1,
        DnsOutcome::Poor => 2,
        DnsOutcome::Unknown => 3,
        DnsOutcome::Wrong => 4,
    };
    let outcomes = facts.senders.iter().flat_map(|sender| &sender.dns);
    let worst = outcomes.map(|check| check.outcome).max_by_key(|o| rank(*o));
    worst.map_or_else(String::new, |outcome| outcome.as_str().to_owned())
}
