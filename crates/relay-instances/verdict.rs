//! The answer of `--check`.

use cli::Context;
use figures::instances::{DnsCheck, DnsOutcome, Facts, Finding, Running};
use figures::verdict::{Level, Perf, Verdict};
use postfix::count;

use crate::args::Args;

/// Judges by the worst finding.
pub(crate) fn judge(
    cx: &Context,
    args: &Args,
    instances: &[Facts],
    (findings, filtered): (&[Finding], usize),
) -> Verdict {
    let running = instances
        .iter()
        .filter(|facts| matches!(facts.running, Running::Yes { .. }))
        .count();
    let mut found: Vec<(Level, String)> = findings
        .iter()
        .map(|finding| (finding.level, finding.text.clone()))
        .collect();
    if !cx.root().is_this_host() {
        let what = "--root: what is running on another host is not known";
        found.push((Level::Unknown, what.to_owned()));
    }
    let count = |level: Level| {
        let of_it = findings.iter().filter(|f| f.level == level);
        number(of_it.count())
    };
    let well = || {
        let dns = match args.check_dns {
            true => in_order(instances),
            false => String::new(),
        };
        let instances = postfix::count(instances.len(), "instance");
        let filter = match filtered {
            0 => String::new(),
            n => format!("; 5xx blocks are deferred at {n}"),
        };
        format!("{instances}, {running} running: in order{dns}{filter}")
    };
    let perf = vec![
        Perf::count("instances", number(instances.len())),
        Perf::count("running", number(running)),
        Perf::count("critical", count(Level::Critical)),
        Perf::count("warning", count(Level::Warning)),
        Perf::count("unknown", count(Level::Unknown)),
    ];
    Verdict::of(found, well, perf)
}

/// Of how many addresses the DNS is in order: all that were asked about.
fn in_order(instances: &[Facts]) -> String {
    let senders = instances.iter().flat_map(|facts| &facts.senders);
    let is_asked = |check: &DnsCheck| check.outcome != DnsOutcome::Skipped;
    let asked = senders.filter(|sender| sender.dns.iter().any(is_asked));
    match asked.count() {
        // Only loopback addresses.
        0 => "; it has no address that belongs in the DNS".to_owned(),
        n => format!(", and so is the DNS of {}", count(n, "address")),
    }
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
