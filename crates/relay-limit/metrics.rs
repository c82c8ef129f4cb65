//! `list --format prom`: what holds, as gauges. The names of limits are left out: they would never end.

use std::collections::BTreeMap;
use std::io::{self, Write};

use figures::bounds::MOST_SERIES;
use legible::metrics::{bounded, gauge, label};
use limits::{Hold, Standing};

/// What holds, each with whether anything is wrong with it; `unread`: lines of the journal that could not be read.
pub(crate) fn write(
    out: &mut impl Write,
    limits: &[(&Standing, bool)],
    unread: usize,
) -> io::Result<()> {
    bounded(out, MOST_SERIES, |mut out| all(&mut out, limits, unread))
}

fn all(out: &mut impl Write, limits: &[(&Standing, bool)], unread: usize) -> io::Result<()> {
    gauge(
        out,
        "relay_mail_limit_problems",
        "What could not be read of the journal and of the instances, so that there may be more.",
    )?;
    writeln!(out, "relay_mail_limit_problems {unread}")?;
    let mut rows: BTreeMap<(String, &str), (u64, u64, i64)> = BTreeMap::new();
    for (one, is_troubled) in limits {
        let kind = match one.limit.hold {
            Hold::Pause(_) => "pause",
            Hold::Rate(_) => "rate",
        };
        let until = one.limit.until.map_or(0, |until| until.seconds());
        let row = rows
            .entry((label(one.limit.instance.as_bytes()), kind))
            .or_default();
        *row = (row.0 + 1, row.1 + u64::from(*is_troubled), row.2.max(until));
    }
    let each = |out: &mut dyn Write, name: &str, of: fn(&(u64, u64, i64)) -> i64| {
        rows.iter().try_for_each(|((instance, kind), row)| {
            let value = of(row);
            writeln!(
                out,
                "{name}{{postfix_instance=\"{instance}\",kind=\"{kind}\"}} {value}"
            )
        })
    };
    if rows.is_empty() {
        return Ok(());
    }
    gauge(
        out,
        "relay_mail_limits",
        "Pauses and rates that hold, or are being taken off.",
    )?;
    each(out, "relay_mail_limits", |row| {
        i64::try_from(row.0).unwrap_or(i64::MAX)
    })?;
    gauge(
        out,
        "relay_mail_limit_troubles",
        "Those with which something is wrong.",
    )?;
    each(out, "relay_mail_limit_troubles", |row| {
        i64::try_from(row.1).unwrap_or(i64::MAX)
    })?;
    gauge(
        out,
        "relay_mail_limit_until_timestamp_seconds",
        "When the last of them ends; 0 where none does by itself.",
    )?;
    each(out, "relay_mail_limit_until_timestamp_seconds", |row| row.2)
}
