//! A map as JSON and CSV. As postmap reads it: [`Map::write`].

use std::io::{self, Write};

use ::csv::Writer;
use legible::wire::{csv_cell, write_json};
use serde::Serialize;

use crate::Map;

/// The schema's name.
pub const SCHEMA: &str = "relay-tools/transport-map/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    domain: &'a str,
    lines: Vec<LineObject<'a>>,
    /// Has each domain its line? If not, `problems` says why.
    complete: bool,
    problems: &'a [String],
}

#[derive(Serialize)]
struct LineObject<'a> {
    domain: &'a str,
    provider: &'a str,
    relay: &'a str,
    /// The right-hand side.
    value: &'a str,
}

/// Writes it as one JSON object, and a newline; with what was `left_out`, a sentence each.
///
/// # Errors
/// Those of `out`.
pub fn write_as_json(out: &mut impl Write, map: &Map, left_out: &[String]) -> io::Result<()> {
    let lines = map.lines.iter().map(|(domain, line)| LineObject {
        domain,
        provider: &line.provider,
        relay: &line.relay,
        value: &line.value,
    });
    let document = Document {
        schema: SCHEMA,
        domain: &map.site,
        lines: lines.collect(),
        complete: left_out.is_empty(),
        problems: left_out,
    };
    write_json(out, &document)?;
    writeln!(out)
}

/// Writes it as CSV with a heading.
///
/// # Errors
/// Those of `out`.
pub fn write_as_csv(out: &mut impl Write, map: &Map) -> io::Result<()> {
    let mut csv = Writer::from_writer(out);
    csv.write_record(["domain", "provider", "relay", "value"])?;
    for (domain, line) in &map.lines {
        let fields = [domain, &line.provider, &line.relay, &line.value];
        csv.write_record(fields.map(csv_cell))?;
    }
    csv.flush()
}
