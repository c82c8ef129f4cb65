//! `--follow-state` with `--format prom`: counters as Prometheus text for node_exporter's textfile directory.
//!
//! Every class of reasons has its counters from the beginning, since rate() and increase() do not see the first event
//! of a counter that appears with it.

use postfix::Time;
use postfix::log::Severity;
use std::io::{self, Write};

use figures::bounds::MOST_SERIES;
use figures::mail_stats::Counts;
use figures::totals::{Totalled, Totals};
use knowledge::reasons::Class;
use legible::metrics::{bounded, gauge, label};

/// What one run found beside the totals.
#[derive(Debug, Clone, Copy, Default)]
pub struct Run {
    /// Logs or parts of them that could not be read in it.
    pub problems: usize,
}

/// Writes the totals.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, totals: &Totals, run: Run) -> io::Result<()> {
    bounded(out, MOST_SERIES, |mut out| all(&mut out, totals, run))
}

/// What there are most of comes last: it is what there may be no room for.
fn all(out: &mut impl Write, totals: &Totals, run: Run) -> io::Result<()> {
    deliveries(out, totals)?;
    each(
        out,
        totals,
        "relay_mail_expired_total",
        "Messages that expired in the queue.",
        |one| one.expired,
    )?;
    each(
        out,
        totals,
        "relay_mail_unparsed_lines_total",
        "Delivery lines that could not be read, and are not counted.",
        |one| one.unparsed,
    )?;
    reading(out, totals, run)?;
    providers(out, totals)?;
    reasons(out, totals)?;
    complaints(out, totals)
}

/// What was read of the logs, and when.
fn reading(out: &mut impl Write, totals: &Totals, run: Run) -> io::Result<()> {
    let seconds = |time: Time| time.micros() as f64 / 1e6;
    let counters = [
        (
            "relay_mail_log_gaps_total",
            "Times that lines may have been lost: a log was truncated, removed or changed.",
            totals.places.gaps,
        ),
        (
            "relay_mail_log_read_bytes_total",
            "Bytes of logs that were read.",
            totals.places.bytes,
        ),
    ];
    for (name, help, n) in counters {
        counter(out, name, help)?;
        writeln!(out, "{name} {n}")?;
    }
    let problems = u32::try_from(run.problems).unwrap_or(u32::MAX);
    let gauges = [
        (
            "relay_mail_log_problems",
            "What could not be read in the last run.",
            f64::from(problems),
        ),
        (
            "relay_mail_counting_since_timestamp_seconds",
            "When the counters began.",
            seconds(totals.since),
        ),
        (
            "relay_mail_last_run_timestamp_seconds",
            "When the logs were last read.",
            seconds(totals.updated),
        ),
    ];
    for (name, help, n) in gauges {
        gauge(out, name, help)?;
        writeln!(out, "{name} {n}")?;
    }
    Ok(())
}

fn complaints(out: &mut impl Write, totals: &Totals) -> io::Result<()> {
    let name = "relay_mail_complaints_total";
    if totals.instances.is_empty() {
        return Ok(());
    }
    counter(out, name, "What Postfix's programs say of themselves.")?;
    for (instance, one) in &totals.instances {
        let instance = label(instance.as_bytes());
        for severity in Severity::ALL.map(Severity::as_str) {
            let n = one.complaints.get(severity).copied().unwrap_or_default();
            writeln!(
                out,
                "{name}{{postfix_instance=\"{instance}\",severity=\"{severity}\"}} {n}"
            )?;
        }
    }
    Ok(())
}

fn counter(out: &mut impl Write, name: &str, help: &str) -> io::Result<()> {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter")
}

/// Counters of an instance that has none are left out, and so is the head of a metric without any.
fn each(
    out: &mut impl Write,
    totals: &Totals,
    name: &str,
    help: &str,
    value: impl Fn(&Totalled) -> u64,
) -> io::Result<()> {
    if totals.instances.is_empty() {
        return Ok(());
    }
    counter(out, name, help)?;
    for (instance, one) in &totals.instances {
        let instance = label(instance.as_bytes());
        writeln!(
            out,
            "{name}{{postfix_instance=\"{instance}\"}} {}",
            value(one)
        )?;
    }
    Ok(())
}

fn statuses(counts: Counts) -> [(&'static str, u64); 3] {
    [
        ("sent", counts.sent),
        ("bounced", counts.bounced),
        ("deferred", counts.deferred),
    ]
}

fn deliveries(out: &mut impl Write, totals: &Totals) -> io::Result<()> {
    let name = "relay_mail_deliveries_total";
    if totals.instances.is_empty() {
        return Ok(());
    }
    counter(out, name, "Delivery attempts, by result.")?;
    for (instance, one) in &totals.instances {
        let instance = label(instance.as_bytes());
        for (status, n) in statuses(one.counts) {
            writeln!(
                out,
                "{name}{{postfix_instance=\"{instance}\",status=\"{status}\"}} {n}"
            )?;
        }
    }
    Ok(())
}

fn providers(out: &mut impl Write, totals: &Totals) -> io::Result<()> {
    let name = "relay_mail_provider_deliveries_total";
    if totals.instances.values().all(|i| i.providers.is_empty()) {
        return Ok(());
    }
    let help = "Delivery attempts by the provider of the recipient's domain.";
    counter(out, name, help)?;
    for (instance, one) in &totals.instances {
        let instance = label(instance.as_bytes());
        for (provider, counts) in &one.providers {
            let provider = label(provider.as_bytes());
            for (status, n) in statuses(*counts) {
                writeln!(
                    out,
                    "{name}{{postfix_instance=\"{instance}\",provider=\"{provider}\",status=\"{status}\"}} {n}"
                )?;
            }
        }
    }
    Ok(())
}

fn reasons(out: &mut impl Write, totals: &Totals) -> io::Result<()> {
    let name = "relay_mail_reason_deliveries_total";
    if totals.instances.is_empty() {
        return Ok(());
    }
    let help = "Delivery attempts that failed, by what the server's reply means.";
    counter(out, name, help)?;
    for (instance, one) in &totals.instances {
        let instance = label(instance.as_bytes());
        for class in Class::ALL {
            let reason = class.as_str();
            let counts = one.reasons.get(reason).copied().unwrap_or_default();
            for (status, n) in statuses(counts).into_iter().skip(1) {
                writeln!(
                    out,
                    "{name}{{postfix_instance=\"{instance}\",reason=\"{reason}\",status=\"{status}\"}} {n}"
                )?;
            }
        }
    }
    Ok(())
}
