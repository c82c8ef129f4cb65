//! `--merge`: the figures of day records, added up.

use std::sync::Arc;

use cli::{Context, Failure};
use figures::days::{DIMENSIONS, Days};
use figures::mail_stats::{Dimension, MailStats, Settings};
use host::logs::Selection;
use host::tables::Tables;
use postfix::Window;

use crate::args::{Args, Format};

/// The figures of the files that are named.
pub(crate) fn merged(
    args: &Args,
    cx: &Context,
    window: Window,
    selection: &Selection<'_>,
    tables: &Tables,
) -> anyhow::Result<MailStats> {
    let held = |by: &Dimension| {
        DIMENSIONS.contains(by) || matches!(by, Dimension::Instance | Dimension::Day)
    };
    if let Some(other) = args.by.iter().find(|by| !held(by)) {
        return Err(
            Failure::new(format!("--by {other}: day records do not tell it"))
                .hint("they tell instance, provider, reason, dsn, hour and day")
                .into(),
        );
    }
    let mut days = Days::default();
    for path in &args.days.merge {
        let text = std::fs::read(path).map_err(|e| Failure::io("cannot read", path, e))?;
        days.read(path, &text);
    }
    selection.check_all_seen(&days.instances())?;
    let settings = Arc::new(Settings {
        by: args.by.clone(),
        count: args.count.into(),
        delays: args.format != Format::Text,
        zone: cx.zone(),
        instances: selection.asked_for(),
        providers: Arc::clone(&tables.providers),
        reasons: None,
    });
    let merged = days.add_up(&settings, window.range(), args.top, |name| {
        selection.wants(name)
    });
    cx.note(format!("{} day records", merged.records));
    Ok(merged.stats)
}
