//! The provider table and the rules for reasons: those compiled in, and the host's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cli::{Context, Failure};
use postfix::Problem;
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
    /// Reads the host's own tables, if it has any, on top of those compiled in. Rules that are there are checked even if
    /// they are not needed now.
    pub(crate) fn load(cx: &Context, args: &Args) -> anyhow::Result<Self> {
        let providers = own(
            cx,
            args.providers.as_deref(),
            "/etc/relay-tools/providers.toml",
        )?;
        let providers = Providers::load(borrowed(&providers)).map_err(refused)?;
        let rules = own(cx, args.reasons.as_deref(), "/etc/relay-tools/reasons.toml")?;
        let wanted = args.events || args.by.contains(&Dimension::Reason);
        let reasons = match wanted || rules.is_some() {
            true => Some(Arc::new(Reasons::load(borrowed(&rules)).map_err(refused)?)),
            false => None,
        };
        Ok(Self {
            providers: Arc::new(providers),
            reasons,
        })
    }

    /// The rules, compiled now if they were not asked for before.
    pub(crate) fn reasons(&self) -> anyhow::Result<Arc<Reasons>> {
        match &self.reasons {
            Some(reasons) => Ok(Arc::clone(reasons)),
            None => Ok(Arc::new(Reasons::load(None).map_err(refused)?)),
        }
    }
}

/// The host's own table: the file that is `given`, which must be there, or the usual one, if it is.
fn own(
    cx: &Context,
    given: Option<&Path>,
    usual: &str,
) -> anyhow::Result<Option<(String, PathBuf)>> {
    let path = match given {
        Some(path) => path.to_owned(),
        None => cx.root().under(Path::new(usual)),
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some((text, path))),
        Err(e) if given.is_none() && e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Failure::io("cannot read the table", &path, e).into()),
    }
}

fn borrowed(own: &Option<(String, PathBuf)>) -> Option<(&str, &Path)> {
    own.as_ref()
        .map(|(text, path)| (text.as_str(), path.as_path()))
}

fn refused(problem: Problem) -> anyhow::Error {
    Failure::new(problem.to_string())
        .hint("mend that file, or move it away")
        .into()
}
