//! What the tool shows, one module for each thing.

pub mod plan;
pub mod readiness;
pub mod status;

use chrono::SecondsFormat;
use postfix::{Zone, escape};
use report::render::grid::Cell;

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

/// A paragraph below a table: a heading, and lines that belong to it. Nothing without lines.
fn paragraph(text: &mut String, heading: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    text.push_str(&format!("\n{}\n", escape(heading)));
    for line in lines {
        text.push_str(&format!("  {}\n", escape(line)));
    }
}

/// A time in RFC 3339, on the clock of the host.
fn time(micros: i64, zone: Zone) -> Option<String> {
    let time = zone.at(micros.div_euclid(1_000_000))?;
    Some(time.to_rfc3339_opts(SecondsFormat::Secs, true))
}
