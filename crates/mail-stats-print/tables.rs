//! The provider table and the rules for reasons: those compiled in, and the host's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cli::{Context, Failure};
use report::mail_stats::Dimension;
use report::providers::Providers;
use report::reasons::Reasons;

use crate::args::Args;

/// What replies and domains are looked up in.
pub struct Tables {
    pub providers: Arc<Providers>,
    /// Only if a reply's meaning is asked for.
    pub reasons: Option<Arc<Reasons>>,
}

/// Reads the host's own tables, if it has any, on top of those compiled in.
pub fn load(cx: &Context, args: &Args) -> anyhow::Result<Tables> {
    let own = |given: &Option<PathBuf>, default: &str| match given {
        Some(path) => read(path).map(|text| Some((path.clone(), text))),
        None => {
            let path = cx.root().under(Path::new(default));
            if path.exists() { read(&path).map(|text| Some((path, text))) } else { Ok(None) }
        }
    };
    let providers = match own(&args.providers, "/etc/relay-tools/providers.toml")? {
        Some((path, text)) => Providers::with_overrides(&text, &path)?,
        None => Providers::builtin(),
    };
    let wants_reasons = args.events || args.by.contains(&Dimension::Reason);
    let own = own(&args.reasons, "/etc/relay-tools/reasons.toml")?;
    let reasons = match (own, wants_reasons) {
        (Some((path, text)), _) => Some(Arc::new(Reasons::with_rules(&text, &path)?)),
        (None, true) => Some(Arc::new(Reasons::builtin())),
        (None, false) => None,
    };
    Ok(Tables { providers: Arc::new(providers), reasons })
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path)
        .map_err(|e| Failure::io("cannot read the table", path, e).into())
}
