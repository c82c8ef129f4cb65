//! `--format prom`: Prometheus text for node_exporter's textfile directory.
//!
//! Gauges, since a window's counts may fall from one run to the next. The labels are bounded: instances, providers,
//! classes of reasons; there are no others ([`has`]), since strangers choose their keys.

use std::collections::BTreeMap;
use std::io::{self, Write};

use figures::bounds::MOST_SERIES;
use figures::mail_stats::{Counts, Dimension, Figures, MailStats};
use knowledge::reasons::Class;
use legible::metrics::{bounded, gauge, label};

use crate::filtered;

/// Is this breakdown among the metrics? Of the others, strangers choose the keys.
pub fn has(by: Dimension) -> bool {
    NAMES.iter().any(|(dimension, _)| *dimension == by)
}

/// The breakdowns, and the metrics that they are.
const NAMES: [(Dimension, &str); 2] = [
    (Dimension::Provider, "relay_mail_provider_deliveries"),
    (Dimension::Reason, "relay_mail_reason_deliveries"),
];

/// How many series each instance has at most: with these breakdowns, with delays, with what filters did, where this
/// many providers are kept distinct.
pub fn most_series(by: &[Dimension], delays: bool, filtered: bool, providers: usize) -> usize {
    let rows = |dimension: &Dimension| match dimension {
        Dimension::Provider => 3 * providers,
        Dimension::Reason => 3 * Class::ALL.len(),
        _ => 0,
    };
    let rows: usize = by.iter().map(rows).sum();
    let delays = if delays { 16 } else { 0 };
    let filtered = if filtered { filtered::MOST_SERIES } else { 0 };
    5 + rows + delays + filtered
}

/// Writes the figures.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, stats: &MailStats) -> io::Result<()> {
    bounded(out, MOST_SERIES, |mut out| all(&mut out, stats))
}

fn all(out: &mut impl Write, stats: &MailStats) -> io::Result<()> {
    window(out, stats)?;
    completeness(out, stats)?;
    if stats.instances.is_empty() {
        return Ok(());
    }
    deliveries(out, stats)?;
    gauge(
        out,
        "relay_mail_expired",
        "Messages that expired in the queue in the window.",
    )?;
    each(stats, |name, figures| {
        writeln!(
            out,
            "relay_mail_expired{{postfix_instance=\"{name}\"}} {}",
            figures.expired
        )
    })?;
    gauge(
        out,
        "relay_mail_unparsed_lines",
        "Delivery lines in the window that could not be read.",
    )?;
    each(stats, |name, figures| {
        writeln!(
            out,
            "relay_mail_unparsed_lines{{postfix_instance=\"{name}\"}} {}",
            figures.unparsed
        )
    })?;
    complaints(out, stats)?;
    delays(out, stats)?;
    waiting(out, stats)?;
    for (dimension, metric_name) in NAMES {
        breakdown(out, stats, dimension, metric_name)?;
    }
    filtered::metrics(out, stats)
}

fn deliveries(out: &mut impl Write, stats: &MailStats) -> io::Result<()> {
    let what = match stats.count {
        figures::mail_stats::Count::Attempts => "Delivery attempts in the window, by result.",
        figures::mail_stats::Count::Recipients => {
            "Recipients in the window, by the result of the last delivery attempt."
        }
    };
    gauge(out, "relay_mail_deliveries", what)?;
    each(stats, |name, figures| {
        statuses(
            out,
            "relay_mail_deliveries",
            &format!("postfix_instance=\"{name}\""),
            figures.counts,
        )
    })
}

fn each(
    stats: &MailStats,
    mut show: impl FnMut(&str, &Figures) -> io::Result<()>,
) -> io::Result<()> {
    for instance in &stats.instances {
        show(&label(&instance.instance), &instance.figures)?;
    }
    Ok(())
}

fn statuses(out: &mut impl Write, name: &str, labels: &str, counts: Counts) -> io::Result<()> {
    for (status, count) in [
        ("sent", counts.sent),
        ("bounced", counts.bounced),
        ("deferred", counts.deferred),
    ] {
        writeln!(out, "{name}{{{labels},status=\"{status}\"}} {count}")?;
    }
    Ok(())
}

/// The window's bounds, those that it has.
fn window(out: &mut impl Write, stats: &MailStats) -> io::Result<()> {
    let bounds = [
        (
            "relay_mail_window_begin_timestamp_seconds",
            "Beginning of the window that was counted.",
            stats.since,
        ),
        (
            "relay_mail_window_end_timestamp_seconds",
            "End of the window that was counted.",
            stats.until,
        ),
    ];
    for (name, help, time) in bounds {
        if let Some(time) = time {
            gauge(out, name, help)?;
            writeln!(out, "{name} {}", time.micros() as f64 / 1e6)?;
        }
    }
    Ok(())
}

/// Whether all that was asked for is in the figures.
fn completeness(out: &mut impl Write, stats: &MailStats) -> io::Result<()> {
    let values = [
        (
            "relay_mail_complete",
            "Is all of the window in the figures? 0 where a log, or a part of one, could not be read.",
            u64::from(stats.missing().is_empty()),
        ),
        (
            "relay_mail_unattributed_lines",
            "Delivery lines that could not be read, and whose instance is not known.",
            stats.gaps.nobodys,
        ),
        (
            "relay_mail_lost_messages",
            "Messages that syslog daemons threw away for coming too fast, as far as they say so.",
            stats.gaps.lost,
        ),
    ];
    for (name, help, value) in values {
        gauge(out, name, help)?;
        writeln!(out, "{name} {value}")?;
    }
    Ok(())
}

/// What Postfix's programs say of themselves, without the text: a stranger may have written it.
fn complaints(out: &mut impl Write, stats: &MailStats) -> io::Result<()> {
    let name = "relay_mail_complaints";
    if stats.total.complaints.is_empty() {
        return Ok(());
    }
    gauge(
        out,
        name,
        "What Postfix's programs logged as a warning, an error, fatal or a panic in the window.",
    )?;
    each(stats, |instance, figures| {
        let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for row in &figures.complaints {
            let count = counts
                .entry((&row.service, row.severity.as_str()))
                .or_default();
            *count = count.saturating_add(row.count);
        }
        for ((service, severity), count) in counts {
            writeln!(
                out,
                "{name}{{postfix_instance=\"{instance}\",service=\"{}\",severity=\"{severity}\"}} {count}",
                label(service.as_bytes())
            )?;
        }
        Ok(())
    })
}

fn waiting(out: &mut impl Write, stats: &MailStats) -> io::Result<()> {
    if stats.instances.iter().all(|i| i.figures.waiting.is_none()) {
        return Ok(());
    }
    let name = "relay_mail_oldest_deferred_seconds";
    gauge(
        out,
        name,
        "Age of the oldest message that was deferred in the window, at its last try.",
    )?;
    each(stats, |instance, figures| match figures.waiting {
        Some(seconds) => writeln!(out, "{name}{{postfix_instance=\"{instance}\"}} {seconds}"),
        None => Ok(()),
    })
}

fn delays(out: &mut impl Write, stats: &MailStats) -> io::Result<()> {
    if stats.instances.iter().all(|i| i.figures.delays.is_none()) {
        return Ok(());
    }
    let name = "relay_mail_delay_seconds";
    gauge(
        out,
        name,
        "Delays of deliveries in the window that were sent: all, and Postfix's parts a, b, c, d.",
    )?;
    each(stats, |instance, figures| {
        let Some(delays) = figures.delays else {
            return Ok(());
        };
        let parts = delays
            .parts
            .into_iter()
            .flat_map(|parts| ["a", "b", "c", "d"].into_iter().zip(parts));
        for (part, quantiles) in [("all", delays.delay)].into_iter().chain(parts) {
            for (stat, seconds) in [
                ("median", quantiles.median),
                ("p95", quantiles.p95),
                ("max", quantiles.max),
            ] {
                writeln!(
                    out,
                    "{name}{{postfix_instance=\"{instance}\",part=\"{part}\",stat=\"{stat}\"}} {seconds}"
                )?;
            }
        }
        Ok(())
    })
}

fn breakdown(
    out: &mut impl Write,
    stats: &MailStats,
    dimension: Dimension,
    name: &str,
) -> io::Result<()> {
    if !stats.by.contains(&dimension) {
        return Ok(());
    }
    gauge(
        out,
        name,
        &format!("Deliveries in the window by {dimension}."),
    )?;
    each(stats, |instance, figures| {
        for row in figures
            .by
            .iter()
            .filter(|b| b.dimension == dimension)
            .flat_map(|b| &b.rows)
        {
            let labels = format!(
                "postfix_instance=\"{instance}\",{dimension}=\"{}\"",
                label(row.key.as_bytes())
            );
            statuses(out, name, &labels, row.counts)?;
        }
        Ok(())
    })
}
