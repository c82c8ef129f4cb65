//! `--format text`: everything in lines, nothing cut, for reading in a pager or a mail and for grep(1).
//!
//! A paragraph each for the summary, the groups, the senders and the messages. A message has a line of its own, and
//! below it one for each recipient. Control characters are escaped.

use std::fmt::Write as _;
use std::io::{self, Write};

use postfix::{Zone, escape};

use super::cells::{age_text, clock, due};
use super::table::{summary_line, unlisted_line};
use figures::queue::{ListedMessage, Report};
use legible::human;

/// Writes the report; times are in `zone`.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, report: &Report, zone: Zone) -> io::Result<()> {
    for instance in &report.instances {
        let line = summary_line(report, &instance.summary, zone);
        writeln!(out, "{}: {line}", escape(&instance.instance))?;
    }
    if report.instances.len() > 1 {
        writeln!(out, "TOTAL: {}", summary_line(report, &report.total, zone))?;
    }
    groups(out, report)?;
    senders(out, report)?;
    if !report.messages.is_empty() {
        writeln!(out, "\nmessages")?;
    }
    for entry in &report.messages {
        message(out, report, entry, zone)?;
    }
    if let Some(line) = unlisted_line(report) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn groups(out: &mut impl Write, report: &Report) -> io::Result<()> {
    if report.groups.rows.is_empty() {
        return Ok(());
    }
    let by: Vec<&str> = report.by.iter().map(|by| by.as_str()).collect();
    writeln!(out, "\nrecipients by {}", by.join(", "))?;
    for group in &report.groups.rows {
        let key: Vec<String> = group
            .key
            .iter()
            .map(|part| escape(part).to_string())
            .collect();
        writeln!(out, "{:>7} {}", group.recipients, key.join(" | "))?;
    }
    others(out, report.groups.others, report.groups.others_count)
}

fn senders(out: &mut impl Write, report: &Report) -> io::Result<()> {
    if report.senders.rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nmessages by sender")?;
    for sender in &report.senders.rows {
        writeln!(out, "{:>7} {}", sender.messages, escape(&sender.sender))?;
    }
    others(out, report.senders.others, report.senders.others_count)
}

fn others(out: &mut impl Write, rows: usize, count: u64) -> io::Result<()> {
    match rows {
        0 => Ok(()),
        rows => writeln!(out, "{count:>7} ({rows} more)"),
    }
}

fn message(
    out: &mut impl Write,
    report: &Report,
    entry: &ListedMessage,
    zone: Zone,
) -> io::Result<()> {
    let mut line = String::new();
    if report.instances.len() > 1 {
        // Writing to a String does not fail.
        let _written = write!(line, "{} ", escape(report.instance(entry)));
    }
    let _written = write!(
        line,
        "{} {} arrived {} ({}), {}, from <{}>",
        entry.id,
        entry.queue,
        clock(zone, entry.arrival, "%Y-%m-%d %H:%M:%S"),
        age_text(report, entry.arrival),
        human::size(entry.size),
        escape(&*entry.sender),
    );
    if let Some(next) = entry.next_attempt {
        let _written = write!(line, ", next attempt {}", due(report, next));
    }
    let _written = write!(line, ", expires {}", due(report, entry.expires));
    if entry.forced_expire {
        line.push_str(", to be returned at the next attempt");
    }
    writeln!(out, "{line}")?;
    for recipient in &entry.recipients {
        write!(out, "    to <{}>", escape(&*recipient.address))?;
        let orig = recipient.orig_address.as_deref();
        if let Some(orig) = orig.filter(|orig| *orig != &*recipient.address) {
            write!(out, " (original address <{}>)", escape(orig))?;
        }
        if let Some(why) = &recipient.why {
            write!(
                out,
                ": {} {}: {}",
                why.class,
                escape(&*why.dsn),
                escape(&*why.reason)
            )?;
        }
        writeln!(out)?;
    }
    Ok(())
}
