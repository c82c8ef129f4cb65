//! The answer of `--check`.

use cli::Context;
use cli::check::{Level, Perf, Verdict};
use figures::instances::{DnsCheck, DnsOutcome, Facts, Finding, Running, Severity};

use crate::args::Args;

/// As many findings as the line tells, the worst first.
const MAX_TOLD: usize = 5;

/// Judges by the worst finding.
pub(crate) fn judge(
    cx: &Context,
    args: &Args,
    instances: &[Facts],
    findings: &[Finding],
) -> Verdict {
    let running = instances
        .iter()
        .filter(|facts| matches!(facts.running, Running::Yes { .. }))
        .count();
    let level = |finding: &Finding| match finding.severity {
        Severity::Warning => Level::Warning,
        Severity::Unknown => Level::Unknown,
        Severity::Critical => Level::Critical,
    };
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut worst = sorted.first().map_or(Level::Ok, |finding| level(finding));
    let mut told: Vec<String> = sorted
        .iter()
        .take(MAX_TOLD)
        .map(|finding| finding.text.clone())
        .collect();
    if sorted.len() > MAX_TOLD {
        told.push(format!("and {} more", sorted.len() - MAX_TOLD));
    }
    if !cx.root().is_this_host() {
        worst = worst.max(Level::Unknown);
        told.push("--root: what runs on another host is not known".to_owned());
    }
    let count = |severity: Severity| {
        let of_it = findings.iter().filter(|f| f.severity == severity);
        number(of_it.count())
    };
    let text = if told.is_empty() {
        let dns = match args.check_dns {
            true => in_order(instances),
            false => String::new(),
        };
        let instances = match instances.len() {
            1 => "1 instance".to_owned(),
            n => format!("{n} instances"),
        };
        format!("{instances}, {running} running: in order{dns}")
    } else {
        told.join("; ")
    };
    Verdict {
        level: worst,
        text,
        perf: vec![
            Perf::count("instances", number(instances.len())),
            Perf::count("running", number(running)),
            Perf::count("critical", count(Severity::Critical)),
            Perf::count("warning", count(Severity::Warning)),
            Perf::count("unknown", count(Severity::Unknown)),
        ],
    }
}

/// Of how many addresses the DNS is in order: all that were asked about.
fn in_order(instances: &[Facts]) -> String {
    let senders = instances.iter().flat_map(|facts| &facts.senders);
    let is_asked = |check: &DnsCheck| check.outcome != DnsOutcome::Skipped;
    let asked = senders.filter(|sender| sender.dns.iter().any(is_asked));
    match asked.count() {
        0 => "; there is no address to ask the DNS about".to_owned(),
        1 => ", and so is the DNS of 1 address".to_owned(),
        n => format!(", and so is the DNS of {n} addresses"),
    }
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
