//! The formats, and the figures in the one that is asked for.

use std::io;

use clap::ValueEnum;
use cli::Context;
use figures::distribution::Distribution;
use show::distribution::table::{Since, draw_distribution};
use show::distribution::{csv, json, prom, text};

/// The values of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables for people
    Table,
    /// INSTANCE:QUEUE:COUNT lines
    Text,
    /// One JSON object, schema relay-tools/mailq-distribution/1
    Json,
    /// Comma-separated values with a header
    Csv,
    /// Prometheus text format
    Prom,
}

/// Renders the figures, whole; a table shows the changes since those before, if asked to.
pub(crate) fn render(
    out: &mut Vec<u8>,
    format: Format,
    cx: &Context,
    distribution: &Distribution,
    since: Option<Since<'_>>,
) -> io::Result<()> {
    match format {
        Format::Table => {
            let drawn = draw_distribution(distribution, since, cx.table_style());
            out.extend_from_slice(drawn.as_bytes());
            Ok(())
        }
        Format::Text => text::write(out, distribution),
        Format::Json => json::write(out, distribution),
        Format::Csv => csv::write(out, distribution),
        Format::Prom => prom::write(out, distribution),
    }
}
