//! `--format text`: what the old script wrote, for the tools that read it.
//!
//! `INSTANCE:WORD:NUMBER` lines, a blank line after each instance. With breakdowns, each of their rows adds four lines
//! of six fields: `INSTANCE:by:DIMENSION:KEY:WORD:NUMBER`, so that `grep ':by:domain:aol\.com:'` and `awk -F:` work. In
//! names and keys, control characters are escaped, and a `:` is `\x3a`.

use std::io::{self, Write};

use postfix::escape;

use crate::filtered;
use figures::mail_stats::{Counts, MailStats};

/// Writes the figures.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, stats: &MailStats) -> io::Result<()> {
    for instance in &stats.instances {
        let name = field(&instance.instance);
        lines(out, &name, instance.figures.counts)?;
        for breakdown in &instance.figures.by {
            for row in &breakdown.rows {
                let key = field(&row.key.shown());
                let prefix = format!("{name}:by:{}:{key}", breakdown.dimension);
                lines(out, &prefix, row.counts)?;
            }
        }
        if let Some(filtered) = &instance.figures.filtered {
            filtered::lines(out, &name, filtered)?;
        }
        writeln!(out)?;
    }
    match &stats.unmatched {
        Some(scores) => filtered::unmatched(out, scores),
        None => Ok(()),
    }
}

fn lines(out: &mut impl Write, prefix: &str, counts: Counts) -> io::Result<()> {
    writeln!(out, "{prefix}:total:{}", counts.total())?;
    writeln!(out, "{prefix}:bounced:{}", counts.bounced)?;
    writeln!(out, "{prefix}:deferred:{}", counts.deferred)?;
    writeln!(out, "{prefix}:sent:{}", counts.sent)
}

pub(crate) fn field(text: &[u8]) -> String {
    escape(text).to_string().replace(':', "\\x3a")
}
