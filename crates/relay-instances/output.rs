//! The formats, and the listing in the one that is asked for.

use std::io;

use clap::ValueEnum;
use cli::Context;
use figures::instances::Listing;
use show::instances::{csv, json, table, text};

/// The values of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table for people
    Table,
    /// INSTANCE:WORD:VALUE lines, with a blank line after each instance
    Text,
    /// One JSON object, schema relay-tools/relay-instances/1
    Json,
    /// Comma-separated values with a header
    Csv,
}

/// Renders the listing, whole.
pub(crate) fn render(
    out: &mut Vec<u8>,
    format: Format,
    cx: &Context,
    listing: &Listing,
    is_wide: bool,
) -> io::Result<()> {
    match format {
        Format::Table => {
            let drawn = table::draw_instances(listing, is_wide, cx.table_style());
            out.extend_from_slice(drawn.as_bytes());
            Ok(())
        }
        Format::Text => text::write(out, listing, is_wide),
        Format::Json => json::write(out, listing),
        Format::Csv => csv::write(out, listing),
    }
}
