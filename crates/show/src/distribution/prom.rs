//! `--format prom`: Prometheus text for node_exporter's textfile directory.
//!
//! The labels are bounded: instances, queues, providers, ages. There are no breakdowns by domain ([`has`]), since
//! strangers choose their keys.

use std::io::{self, Write};

use figures::bounds::MOST_SERIES;
use figures::distribution::{Dimension, Distribution, InstanceFigures};
use figures::instances::Trouble;
use figures::verdict::Level;
use legible::metrics::{bounded, gauge, label};
use postfix::Span;

/// Is this breakdown among the metrics? Of the others, strangers choose the keys.
pub fn has(by: Dimension) -> bool {
    NAMES.iter().any(|(dimension, _)| *dimension == by)
}

/// The breakdowns, and the metrics that they are.
const NAMES: [(Dimension, &str); 2] = [
    (Dimension::Provider, "relay_mailq_provider_recipients"),
    (Dimension::Age, "relay_mailq_age_messages"),
];

/// Writes the figures.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, distribution: &Distribution) -> io::Result<()> {
    bounded(out, MOST_SERIES, |mut out| all(&mut out, distribution))
}

fn all(out: &mut impl Write, distribution: &Distribution) -> io::Result<()> {
    completeness(out, distribution)?;
    if distribution.instances.is_empty() {
        return Ok(());
    }
    messages(out, distribution)?;
    each_instance(
        out,
        distribution,
        "relay_mailq_bytes",
        "Size of the messages in all queues.",
        |instance| instance.figures.bytes,
    )?;
    each_instance(
        out,
        distribution,
        "relay_mailq_oldest_age_seconds",
        "Age of the oldest message; 0 if there are none, absent if that is not known.",
        |instance| {
            let figures = &instance.figures;
            let is_none = figures.is_empty() && instance.is_whole;
            let none = (figures.bytes.is_some() && is_none).then_some(0);
            let oldest = figures.oldest.and_then(|time| distribution.age(time));
            oldest.map(Span::seconds).or(none)
        },
    )?;
    if distribution.with_expiry {
        next_expiry(out, distribution)?;
    }
    if let Some(all) = &distribution.troubles {
        troubles(out, distribution, all)?;
    }
    for (dimension, name) in NAMES {
        breakdown(out, distribution, dimension, name)?;
    }
    Ok(())
}

fn completeness(out: &mut impl Write, distribution: &Distribution) -> io::Result<()> {
    gauge(
        out,
        "relay_mailq_problems",
        "What could not be read: queues, so that figures may be too small, configurations, the journal of limits.",
    )?;
    writeln!(out, "relay_mailq_problems {}", distribution.problems.len())?;
    gauge(
        out,
        "relay_mailq_complete",
        "1 if all queues, configurations and limits could be read; 0 if figures may be too small, or limits missing.",
    )?;
    let complete = u64::from(distribution.missing().is_empty());
    writeln!(out, "relay_mailq_complete {complete}")
}

fn messages(out: &mut impl Write, distribution: &Distribution) -> io::Result<()> {
    gauge(out, "relay_mailq_messages", "Messages in the queue.")?;
    for instance in &distribution.instances {
        for (queue, n) in instance.figures.counts.iter() {
            let name = label(instance.instance.as_bytes());
            writeln!(
                out,
                "relay_mailq_messages{{postfix_instance=\"{name}\",queue=\"{queue}\"}} {n}"
            )?;
        }
    }
    Ok(())
}

fn next_expiry(out: &mut impl Write, distribution: &Distribution) -> io::Result<()> {
    gauge(
        out,
        "relay_mailq_next_expiry_seconds",
        "Time until the first message is returned to its sender unless it is delivered; negative if that is due at its \
         next attempt; +Inf if no message is waiting, absent if that is not known. Mail on hold does not count.",
    )?;
    let now = distribution.time.seconds();
    for instance in &distribution.instances {
        let name = label(instance.instance.as_bytes());
        let left = match instance.figures.next_expiry {
            Some(time) => time.seconds().saturating_sub(now).to_string(),
            None if instance.is_whole => "+Inf".to_owned(),
            // What could not be read may hold a message.
            None => continue,
        };
        writeln!(
            out,
            "relay_mailq_next_expiry_seconds{{postfix_instance=\"{name}\"}} {left}"
        )?;
    }
    Ok(())
}

/// What the instances' programs stumble over: a series for each level, so that an alert goes out when it is over.
fn troubles(out: &mut impl Write, distribution: &Distribution, all: &[Trouble]) -> io::Result<()> {
    gauge(
        out,
        "relay_mailq_troubles",
        "What the instance's programs stumble over in its queue: owners, file system, mail that nobody takes.",
    )?;
    for instance in &distribution.instances {
        let name = label(instance.instance.as_bytes());
        for level in [Level::Warning, Level::Critical, Level::Unknown] {
            let own = |t: &&Trouble| t.instance == instance.instance && t.level == level;
            let n = all.iter().filter(own).count();
            let level = level.as_str().to_ascii_lowercase();
            writeln!(
                out,
                "relay_mailq_troubles{{postfix_instance=\"{name}\",level=\"{level}\"}} {n}"
            )?;
        }
    }
    Ok(())
}

/// A number an instance, unless it was not asked for.
fn each_instance(
    out: &mut impl Write,
    distribution: &Distribution,
    name: &str,
    help: &str,
    value: impl Fn(&InstanceFigures) -> Option<u64>,
) -> io::Result<()> {
    let values = distribution.instances.iter().map(|i| (i, value(i)));
    let values: Vec<_> = values.filter_map(|(i, n)| Some((i, n?))).collect();
    if values.is_empty() {
        return Ok(());
    }
    gauge(out, name, help)?;
    for (instance, n) in values {
        let instance = label(instance.instance.as_bytes());
        writeln!(out, "{name}{{postfix_instance=\"{instance}\"}} {n}")?;
    }
    Ok(())
}

fn breakdown(
    out: &mut impl Write,
    distribution: &Distribution,
    dimension: Dimension,
    name: &str,
) -> io::Result<()> {
    if !distribution.by.contains(&dimension) {
        return Ok(());
    }
    let help = match dimension {
        Dimension::Age => {
            "Messages by age: older than the previous value, up to this many minutes."
        }
        _ => "Waiting recipients, by the provider of their domain.",
    };
    gauge(out, name, help)?;
    for instance in &distribution.instances {
        let name_label = label(instance.instance.as_bytes());
        let breakdowns = instance.figures.by.iter();
        for row in breakdowns
            .filter(|b| b.dimension == dimension)
            .flat_map(|b| &b.rows)
        {
            let key = label(row.key.as_bytes());
            for (queue, n) in row
                .counts
                .iter()
                .filter(|(queue, _)| *queue != postfix::queue::Queue::Corrupt)
            {
                writeln!(
                    out,
                    "{name}{{postfix_instance=\"{name_label}\",{dimension}=\"{key}\",queue=\"{queue}\"}} {n}"
                )?;
            }
        }
    }
    Ok(())
}
