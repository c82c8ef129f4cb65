//! `--format jsonl`: the figures of `--format json`, one object a line: each instance, followed by each row of its
//! breakdowns. A row's line has the fields `by` and `key`, an instance's has neither. Where not all that was asked for
//! is in the figures, the last lines say why: they have `missing`, and no instance.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;

use super::json::{InstanceObject, RowObject, SCHEMA};
use figures::mail_stats::MailStats;
use legible::wire::{time, write_json};

/// Writes the figures.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, stats: &MailStats) -> io::Result<()> {
    let head = Head {
        schema: SCHEMA,
        host: &stats.host,
        since: stats.since.and_then(time),
        until: stats.until.and_then(time),
    };
    for instance in &stats.instances {
        let object = InstanceObject::without_rows(instance);
        line(
            out,
            &InstanceLine {
                head: &head,
                object,
            },
        )?;
        for breakdown in &instance.figures.by {
            for row in &breakdown.rows {
                let row = RowLine {
                    head: &head,
                    instance: String::from_utf8_lossy(&instance.instance),
                    by: breakdown.dimension.as_str(),
                    row: RowObject::new(breakdown.dimension, row),
                };
                line(out, &row)?;
            }
        }
    }
    for why in stats.missing() {
        line(
            out,
            &MissingLine {
                head: &head,
                missing: why,
            },
        )?;
    }
    Ok(())
}

fn line(out: &mut impl Write, object: &impl Serialize) -> io::Result<()> {
    write_json(out, object)?;
    writeln!(out)
}

#[derive(Serialize)]
struct Head<'a> {
    schema: &'static str,
    host: &'a str,
    since: Option<String>,
    until: Option<String>,
}

/// Why not all that was asked for is in the figures.
#[derive(Serialize)]
struct MissingLine<'a> {
    #[serde(flatten)]
    head: &'a Head<'a>,
    missing: String,
}

#[derive(Serialize)]
struct InstanceLine<'a> {
    #[serde(flatten)]
    head: &'a Head<'a>,
    #[serde(flatten)]
    object: InstanceObject<'a>,
}

#[derive(Serialize)]
struct RowLine<'a> {
    #[serde(flatten)]
    head: &'a Head<'a>,
    instance: Cow<'a, str>,
    by: &'static str,
    #[serde(flatten)]
    row: RowObject<'a>,
}
