//! The figures in the format that is asked for.

use cli::Context;
use report::mail_stats::MailStats;
use report::render::{csv, json, jsonl, prom, table, text};

use crate::args::Format;

/// Renders the figures, whole: nothing is printed before they are complete.
pub fn render(format: Format, cx: &Context, stats: &MailStats) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::new();
    match format {
        Format::Text => text::write(&mut out, stats)?,
        Format::Table => out.extend(table::draw_stats(stats, cx.table_style()).into_bytes()),
        Format::Json => json::write(&mut out, stats)?,
        Format::Jsonl => jsonl::write(&mut out, stats)?,
        Format::Csv => csv::write(&mut out, stats)?,
        Format::Prom => prom::write(&mut out, stats)?,
    }
    Ok(out)
}
