//! `--format text`: `INSTANCE:QUEUE:NUMBER` lines, and `INSTANCE:total:NUMBER` after them.
//!
//! With breakdowns, each of their rows adds lines of six fields: `INSTANCE:by:DIMENSION:KEY:QUEUE:NUMBER`. In names and
//! keys, control characters are escaped, and a `:` is `\x3a`. There are no lines for all instances together.

use std::io::{self, Write};

use crate::mail_stats::text::field;
use figures::distribution::{Counts, Distribution};

/// Writes the figures.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, distribution: &Distribution) -> io::Result<()> {
    for instance in &distribution.instances {
        let name = field(instance.instance.as_bytes());
        lines(out, &name, &instance.figures.counts)?;
        for breakdown in &instance.figures.by {
            for row in &breakdown.rows {
                let key = field(&row.key.shown());
                let prefix = format!("{name}:by:{}:{key}", breakdown.dimension);
                lines(out, &prefix, &row.counts)?;
            }
        }
    }
    Ok(())
}

fn lines(out: &mut impl Write, prefix: &str, counts: &Counts) -> io::Result<()> {
    for (queue, n) in counts.iter() {
        writeln!(out, "{prefix}:{queue}:{n}")?;
    }
    writeln!(out, "{prefix}:total:{}", counts.total())
}
