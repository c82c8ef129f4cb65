//! The figures in the format that is asked for.

use std::io;

use cli::Context;
use figures::distribution::Distribution;
use show::distribution::table::{Since, draw_distribution};
use show::distribution::{csv, json, prom, text};

use crate::args::Format;

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
