//! What the tool shows, one module for each thing.

pub mod applied;
mod notes;
pub mod plan;
pub mod readiness;
pub mod status;

use std::io::{self, Write};

use chrono::SecondsFormat;
use legible::grid::Cell;
use legible::shell;
use legible::wire::write_json;
use legible::wrap::folded;
use postfix::{Problem, Time, Zone, escape};
use serde::Serialize;

/// A `-` where there is nothing.
fn cell(text: impl AsRef<[u8]>) -> Cell {
    match text.as_ref() {
        b"" => Cell::new("-"),
        text => Cell::new(text),
    }
}

/// A number, or a `-`.
fn number(value: Option<impl ToString>) -> Cell {
    cell(value.map_or_else(String::new, |value| value.to_string()))
}

/// A paragraph below a table: a heading, and lines to be pasted into a zone. Nothing without lines.
fn paragraph(text: &mut String, heading: &str, lines: &[String], width: Option<u16>) {
    lines_below(text, heading, lines, width, |line| format!("  {line}"));
}

/// The same of commands.
fn commands(text: &mut String, heading: &str, lines: &[String], width: Option<u16>) {
    lines_below(text, heading, lines, width, |line| {
        shell::folded("  ", line, width)
    });
}

/// The same of sentences.
fn sentences(text: &mut String, heading: &str, lines: &[String], width: Option<u16>) {
    lines_below(text, heading, lines, width, |line| {
        folded(&format!("  {line}"), width)
    });
}

fn lines_below(
    text: &mut String,
    heading: &str,
    lines: &[String],
    width: Option<u16>,
    shown: impl Fn(&str) -> String,
) {
    if lines.is_empty() {
        return;
    }
    let heading = folded(&escape(heading).to_string(), width);
    text.push_str(&format!("\n{heading}\n"));
    for line in lines {
        text.push_str(&format!("{}\n", shown(&escape(line).to_string())));
    }
}

#[derive(Serialize)]
struct Document<'a, T> {
    schema: &'static str,
    host: &'a str,
    /// RFC 3339, on the clock of the host.
    time: Option<String>,
    instances: Vec<T>,
    /// Was all seen that was asked for? If not, `problems` says why, and what is `unknown` in `instances`.
    complete: bool,
    problems: Vec<String>,
}

/// What is known of instances as one JSON object, as of `now`, and a newline. `is_known`: nothing in it is unknown.
fn document<T: Serialize>(
    out: &mut impl Write,
    schema: &'static str,
    host: &str,
    (now, zone): (Time, Zone),
    instances: impl Iterator<Item = T>,
    (is_known, problems): (bool, &[Problem]),
) -> io::Result<()> {
    let time = zone.at(now);
    let document = Document {
        schema,
        host,
        time: time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true)),
        instances: instances.collect(),
        complete: is_known && problems.is_empty(),
        problems: problems.iter().map(ToString::to_string).collect(),
    };
    write_json(out, &document)?;
    writeln!(out)
}
