//! The provider table and the rules for reasons.

use std::path::Path;
use std::sync::Arc;

use cli::Context;
use figures::mail_stats::Dimension;
use host::tables::Tables;

use crate::args::Args;
use crate::mode::Mode;

/// Reads the host's own tables, if it has any, on top of those compiled in. Rules of the host are checked even if they
/// are not needed now.
pub(crate) fn load(cx: &Context, args: &Args, mode: Mode<'_>) -> anyhow::Result<Tables> {
    let providers = host::tables::providers_with(cx.site(), args.providers.as_deref())?;
    let own = cx.root().under(Path::new("/etc/relay-tools/reasons.toml"));
    let needs_them = match mode {
        Mode::Counts(_) => args.by.contains(&Dimension::Reason),
        Mode::Merge(_) | Mode::Explain(_) => false,
        Mode::Events | Mode::Check | Mode::Report(_) | Mode::SaveDay | Mode::Follow(..) => true,
    };
    let wanted = needs_them || args.reasons.is_some() || own.exists();
    let reasons = match wanted {
        true => Some(Arc::new(host::tables::reasons_with(
            cx.site(),
            args.reasons.as_deref(),
        )?)),
        false => None,
    };
    Ok(Tables {
        providers: Arc::new(providers),
        reasons,
    })
}
