//! What an audit found: a table for people, one JSON object, CSV.

use std::io::{self, Write};

use ::csv::Writer;
use legible::grid::{Cell, Column, TableStyle, Tone};
use legible::narrow::draw;
use legible::wire::{csv_cell, write_json};
use serde::Serialize;

use crate::audit::{AuditRow, Grade};

/// The schema's name.
pub const SCHEMA: &str = "relay-tools/transport-check/1";

/// As many things as a row of the table names; the others are counted.
const NAMED: usize = 5;

const COLUMNS: [Column; 3] = [
    Column::Text("check"),
    Column::Text("result"),
    Column::Sentence("found"),
];

/// Draws a table. `whole`: with all that each row is about.
pub fn draw_audit(rows: &[AuditRow], whole: bool, style: TableStyle) -> String {
    let mut drawn = Vec::new();
    for row in rows {
        let (word, tone) = match row.outcome {
            Grade::Ok | Grade::Skipped => (row.outcome.as_str().to_owned(), Tone::Plain),
            // What needs fixing must be visible without colours too.
            Grade::Warning | Grade::Unknown => {
                (row.outcome.as_str().to_ascii_uppercase(), Tone::Warning)
            }
            Grade::Critical => (row.outcome.as_str().to_ascii_uppercase(), Tone::Bad),
        };
        drawn.push(vec![
            Cell::new(row.check.as_str()),
            Cell::new(word).tone(tone),
            Cell::new(&row.text),
        ]);
        let named = if whole { row.items.len() } else { NAMED };
        let mut below: Vec<String> = row
            .items
            .iter()
            .take(named)
            .map(|i| format!("  {i}"))
            .collect();
        let more = row.items.len().saturating_sub(named);
        if more > 0 {
            below.push(format!("  and {more} more (-v names all)"));
        }
        drawn.extend(
            below
                .into_iter()
                .map(|text| ["", "", text.as_str()].map(Cell::new).to_vec()),
        );
    }
    draw(style, &COLUMNS, drawn)
}

/// A row in one line: `12 of 187 domains of msn are in no table: …: live.fr, live.it and 10 more`.
pub fn line(row: &AuditRow) -> String {
    let named: Vec<&str> = row.items.iter().take(NAMED).map(String::as_str).collect();
    let more = match row.items.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    match named.is_empty() {
        true => row.text.clone(),
        false => format!("{} ({}{more})", row.text, named.join(", ")),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    host: &'a str,
    instance: &'a str,
    /// The worst of the checks: `ok`, `warning`, `unknown`, `critical`.
    result: &'static str,
    checks: Vec<RowObject<'a>>,
    /// Is all in it that was asked for? If not, `problems` says why.
    complete: bool,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct RowObject<'a> {
    check: &'static str,
    /// `skipped`, `ok`, `warning`, `unknown` or `critical`.
    result: &'static str,
    found: &'a str,
    items: &'a [String],
}

/// Writes one JSON object, and a newline.
///
/// # Errors
/// Those of `out`.
pub fn write_as_json(
    out: &mut impl Write,
    (host, instance): (&str, &str),
    rows: &[AuditRow],
    worst: Grade,
    problems: &[postfix::Problem],
) -> io::Result<()> {
    let checks = rows.iter().map(|row| RowObject {
        check: row.check.as_str(),
        result: row.outcome.as_str(),
        found: &row.text,
        items: &row.items,
    });
    let document = Document {
        schema: SCHEMA,
        host,
        instance,
        result: worst.as_str(),
        checks: checks.collect(),
        complete: problems.is_empty() && rows.iter().all(|row| row.outcome != Grade::Unknown),
        problems: problems.iter().map(ToString::to_string).collect(),
    };
    write_json(out, &document)?;
    writeln!(out)
}

/// Writes CSV with a heading: a line a thing that a row is about, or one for the row.
///
/// # Errors
/// Those of `out`.
pub fn write_as_csv(out: &mut impl Write, rows: &[AuditRow]) -> io::Result<()> {
    let mut csv = Writer::from_writer(out);
    csv.write_record(["check", "result", "found", "item"])?;
    for row in rows {
        let mut write = |item: &str| {
            let fields = [row.check.as_str(), row.outcome.as_str(), &row.text, item];
            csv.write_record(fields.map(csv_cell))
        };
        if row.items.is_empty() {
            write("")?;
        }
        for item in &row.items {
            write(item)?;
        }
    }
    csv.flush()
}
