//! The figures in the format that is asked for.

use std::io::{self, Write};

use cli::Context;
use figures::mail_stats::MailStats;
use show::mail_stats::{csv, json, jsonl, prom, table, text};

use crate::args::Format;

/// Renders the figures.
pub(crate) fn render(
    out: &mut impl Write,
    format: Format,
    cx: &Context,
    stats: &MailStats,
) -> io::Result<()> {
    match format {
        Format::Text => text::write(out, stats),
        Format::Table => out.write_all(table::draw_stats(stats, cx.table_style()).as_bytes()),
        Format::Json => json::write(out, stats),
        Format::Jsonl => jsonl::write(out, stats),
        Format::Csv => csv::write(out, stats),
        Format::Prom => prom::write(out, stats),
    }
}
