//! The provider table and the rules for reasons.

use std::path::Path;
use std::sync::Arc;

use cli::Context;
use report::mail_stats::Dimension;
use report::providers::Providers;
use report::reasons::Reasons;

use crate::args::Args;

/// What replies and domains are looked up in.
pub(crate) struct Tables {
    pub(crate) providers: Arc<Providers>,
    /// Only if a reply's meaning is asked for: compiling the rules takes longer than counting a day's log.
    pub(crate) reasons: Option<Arc<Reasons>>,
}

impl Tables {
    /// Reads the host's own tables, if it has any, on top of those compiled in. Rules of the host are checked even if they
    /// are not needed now.
    pub(crate) fn load(cx: &Context, args: &Args) -> anyhow::Result<Self> {
        let providers = cli::tables::providers_with(cx, args.providers.as_deref())?;
        let own = cx.root().under(Path::new("/etc/relay-tools/reasons.toml"));
        let wanted = args.events
            || args.days.save_day
            || args.breakdowns().contains(&Dimension::Reason)
            || args.reasons.is_some()
            || own.exists();
        let reasons = match wanted {
            true => Some(Arc::new(cli::tables::reasons_with(
                cx,
                args.reasons.as_deref(),
            )?)),
            false => None,
        };
        Ok(Self {
            providers: Arc::new(providers),
            reasons,
        })
    }
}
