//! `--merge`: the figures of day records, added up.

use std::sync::Arc;

use cli::Failure;
use figures::days::{DIMENSIONS, Days};
use figures::mail_stats::{Dimension, MailStats, Settings};

use crate::Run;
use crate::args::Format;

/// The figures of the files that are named.
pub(crate) fn merged(run: &Run<'_>, format: Format) -> anyhow::Result<MailStats> {
    let (args, cx, selection) = (run.args, run.cx, run.selection);
    let held = |by: &Dimension| {
        DIMENSIONS.contains(by) || matches!(by, Dimension::Instance | Dimension::Day)
    };
    if let Some(other) = args.by.iter().find(|by| !held(by)) {
        return Err(
            Failure::new(format!("--by {other}: day records do not hold it"))
                .hint("day records can be broken down by instance, provider, reason, dsn, hour and day")
                .into(),
        );
    }
    let mut days = Days::default();
    for path in &args.days.merge {
        let text = guarded::read_typed(path, host::history::MOST_RECORDS)
            .map_err(|e| Failure::io("cannot read", path, e))?;
        days.read(path, &text);
    }
    selection.check_all_seen(&days.instances())?;
    let delays = format != Format::Text;
    let settings = run.settings(args.by.clone(), delays, selection.asked_for());
    let settings = Arc::new(Settings {
        reasons: None,
        ..settings
    });
    let merged = days.add_up(&settings, run.window.range(), Some(args.top()), |name| {
        selection.wants(name)
    });
    cx.note(postfix::count(merged.records, "day record"));
    Ok(merged.stats)
}
