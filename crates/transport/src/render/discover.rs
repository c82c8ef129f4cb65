//! Discovered domains: a table for people, lines of a map, entries of a provider table, one JSON object, CSV.
//!
//! Domains have been made harmless ([`crate::Domain`]); the hosts that show whose they are have not: they stand in
//! comments and cells alone, and are escaped there.

use std::collections::BTreeSet;
use std::io::{self, Write};

use ::csv::Writer;
use figures::mail_stats::Counts;
use knowledge::providers::{ProviderId, Providers};
use legible::grid::{Cell, Column, TableStyle, Tone};
use legible::narrow::draw;
use legible::wire::{csv_cell, write_json};
use postfix::{count, escape};
use serde::Serialize;

use crate::discover::{Evidence, NewDomain};
use crate::{Domain, Style};

/// The schema's name.
pub const SCHEMA: &str = "relay-tools/transport-discover/1";

/// All that is shown.
#[derive(Debug)]
pub struct Discovery<'a> {
    /// The provider table.
    pub providers: &'a Providers,
    /// The domain that relay names are made with.
    pub site: &'a str,
    /// How lines are written.
    pub style: &'a Style,
    /// The domains, those with most deliveries first.
    pub found: Vec<NewDomain>,
    /// How many domains neither the logs nor the DNS can place.
    pub open: usize,
    /// Where the logs are of.
    pub host: &'a str,
    /// The providers, by name, of whose relays it is not known whether they exist: their domains have no lines.
    pub unknown: &'a BTreeSet<String>,
    /// What is left out: lines, logs that could not be read, questions to the DNS. A sentence each.
    pub missing: Vec<String>,
}

impl Discovery<'_> {
    fn provider(&self, id: ProviderId) -> &str {
        &self.providers.get(id).name
    }

    /// The relay host, if its name can be one, and it is known to exist.
    fn relay(&self, id: ProviderId) -> Option<Domain> {
        if self.unknown.contains(self.provider(id)) {
            return None;
        }
        let relay = self.providers.get(id).relay_at(self.site);
        Domain::new(relay.as_bytes()).ok()
    }
}

/// How a domain's provider is known: `relay mx1.example`.
fn evidence(by: &Evidence) -> String {
    match by {
        Evidence::Table => "the table lists it".to_owned(),
        Evidence::Relay(host) => format!("relay {host}"),
        Evidence::Mx(host) => format!("mx {host}"),
    }
}

const COLUMNS: [Column; 7] = [
    Column::Number("deliveries"),
    Column::Number("sent"),
    Column::Number("bounced"),
    Column::Number("deferred"),
    Column::Name("domain"),
    Column::Text("provider"),
    Column::Name("known by"),
];

/// Draws a table, and below it the lines for a map and for a provider table.
///
/// # Errors
/// None that a buffer in memory has.
pub fn write_as_table(
    out: &mut impl Write,
    discovery: &Discovery<'_>,
    style: TableStyle,
) -> io::Result<()> {
    let rows = discovery.found.iter().map(|found| {
        let Counts {
            sent,
            bounced,
            deferred,
        } = found.counts;
        let mut row: Vec<Cell> = [found.counts.total(), sent, bounced, deferred]
            .map(|n| Cell::new(n.to_string()))
            .to_vec();
        row.push(Cell::new(found.domain.as_str()).tone(Tone::Strong));
        row.push(Cell::new(discovery.provider(found.provider)));
        row.push(Cell::new(evidence(&found.by)));
        row
    });
    out.write_all(draw(style, &COLUMNS, rows.collect()).as_bytes())?;
    if discovery.found.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    write_as_map(out, discovery)?;
    if discovery
        .found
        .iter()
        .any(|found| found.by != Evidence::Table)
    {
        writeln!(out)?;
        write_as_toml(out, discovery)?;
    }
    Ok(())
}

/// Writes lines of a map, each behind a comment that says how much mail it is about.
///
/// # Errors
/// Those of `out`.
pub fn write_as_map(out: &mut impl Write, discovery: &Discovery<'_>) -> io::Result<()> {
    writeln!(out, "# Lines for the transport map: transport(5).")?;
    for found in &discovery.found {
        let Some(relay) = discovery.relay(found.provider) else {
            continue;
        };
        let by = evidence(&found.by);
        writeln!(out, "# {}; {}", deliveries(found.counts), escape(&by))?;
        let value = discovery.style.value(relay.as_str());
        writeln!(out, "{} {value}", found.domain)?;
        if let Some(letters) = found.domain.in_letters() {
            writeln!(out, "{letters} {value}")?;
        }
    }
    Ok(())
}

/// `812 deliveries, 790 sent`.
fn deliveries(counts: Counts) -> String {
    format!(
        "{}, {} sent",
        count(counts.total(), "delivery"),
        counts.sent
    )
}

/// Writes entries for a provider table: those of its domains that it does not list, the provider with most deliveries
/// first.
///
/// # Errors
/// Those of `out`.
pub fn write_as_toml(out: &mut impl Write, discovery: &Discovery<'_>) -> io::Result<()> {
    let mut providers: Vec<(ProviderId, u64)> = Vec::new();
    let new = || {
        discovery
            .found
            .iter()
            .filter(|found| found.by != Evidence::Table)
    };
    for found in new() {
        let n = found.counts.total();
        match providers.iter_mut().find(|(id, _)| *id == found.provider) {
            Some((_, total)) => *total = total.saturating_add(n),
            None => providers.push((found.provider, n)),
        }
    }
    providers.sort_by_key(|&(_, total)| std::cmp::Reverse(total));
    writeln!(
        out,
        "# To append to /etc/relay-tools/providers.toml: entries of the same name are merged."
    )?;
    for (id, _) in providers {
        // The table's own reader lets through nothing that TOML would have to escape.
        writeln!(
            out,
            "[[provider]]\nname = \"{}\"\ndomains = [",
            discovery.provider(id)
        )?;
        for found in new().filter(|found| found.provider == id) {
            let by = evidence(&found.by);
            let domain = found.domain.as_str();
            writeln!(
                out,
                "  \"{domain}\", # {}; {}",
                deliveries(found.counts),
                escape(&by)
            )?;
        }
        writeln!(out, "]")?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    host: &'a str,
    domain: &'a str,
    found: Vec<FoundObject<'a>>,
    open: usize,
    /// Is all in it that was asked for? If not, `problems` says why.
    complete: bool,
    problems: &'a [String],
}

#[derive(Serialize)]
struct FoundObject<'a> {
    domain: &'a str,
    provider: &'a str,
    /// Null if the table's name for it cannot be a host's, or is not known to exist.
    relay: Option<String>,
    value: Option<String>,
    /// `table`, `relay` or `mx`.
    known_by: &'static str,
    known_by_host: Option<&'a str>,
    total: u64,
    sent: u64,
    bounced: u64,
    deferred: u64,
}

/// Writes one JSON object, and a newline.
///
/// # Errors
/// Those of `out`.
pub fn write_as_json(out: &mut impl Write, discovery: &Discovery<'_>) -> io::Result<()> {
    let found = discovery.found.iter().map(|found| {
        let relay = discovery.relay(found.provider);
        FoundObject {
            domain: found.domain.as_str(),
            provider: discovery.provider(found.provider),
            value: relay.as_ref().map(|r| discovery.style.value(r.as_str())),
            relay: relay.map(|r| r.as_str().to_owned()),
            known_by: found.by.as_str(),
            known_by_host: found.by.host(),
            total: found.counts.total(),
            sent: found.counts.sent,
            bounced: found.counts.bounced,
            deferred: found.counts.deferred,
        }
    });
    let document = Document {
        schema: SCHEMA,
        host: discovery.host,
        domain: discovery.site,
        found: found.collect(),
        open: discovery.open,
        complete: discovery.missing.is_empty(),
        problems: &discovery.missing,
    };
    write_json(out, &document)?;
    writeln!(out)
}

/// Writes CSV with a heading.
///
/// # Errors
/// Those of `out`.
pub fn write_as_csv(out: &mut impl Write, discovery: &Discovery<'_>) -> io::Result<()> {
    let mut csv = Writer::from_writer(out);
    csv.write_record([
        "domain",
        "provider",
        "relay",
        "known_by",
        "known_by_host",
        "total",
        "sent",
        "bounced",
        "deferred",
    ])?;
    for found in &discovery.found {
        let relay = discovery.relay(found.provider);
        let counts = found.counts;
        let mut fields: Vec<String> = [
            found.domain.as_str(),
            discovery.provider(found.provider),
            relay.as_ref().map_or("", Domain::as_str),
            found.by.as_str(),
            found.by.host().unwrap_or_default(),
        ]
        .map(csv_cell)
        .to_vec();
        let numbers = [counts.total(), counts.sent, counts.bounced, counts.deferred];
        fields.extend(numbers.map(|n| n.to_string()));
        csv.write_record(fields)?;
    }
    csv.flush()
}
