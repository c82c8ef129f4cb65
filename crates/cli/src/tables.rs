//! The provider table and the rules for reasons: those compiled in, and the host's own over them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use postfix::Problem;
use report::providers::Providers;
use report::reasons::Reasons;

use crate::context::Context;
use crate::error::Failure;

/// What replies and domains are looked up in.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Whose a domain is.
    pub providers: Arc<Providers>,
    /// What a reply means; without them, every reason is `other`. Compiling the rules takes longer than counting a day's log.
    pub reasons: Option<Arc<Reasons>>,
}

/// The providers, /etc/relay-tools/providers.toml over those compiled in.
///
/// # Errors
/// That file cannot be read, or something is wrong in it.
pub fn providers(cx: &Context) -> anyhow::Result<Providers> {
    providers_with(cx, None)
}

/// As [`providers`], with the `given` file, which must be there, in place of the host's.
///
/// # Errors
/// As [`providers`].
pub fn providers_with(cx: &Context, given: Option<&Path>) -> anyhow::Result<Providers> {
    let own = own(cx, given, "/etc/relay-tools/providers.toml")?;
    Providers::load(borrowed(&own)).map_err(refused)
}

/// The rules for reasons, /etc/relay-tools/reasons.toml before those compiled in.
///
/// # Errors
/// That file cannot be read, or something is wrong in it.
pub fn reasons(cx: &Context) -> anyhow::Result<Reasons> {
    reasons_with(cx, None)
}

/// As [`reasons`], with the `given` file, which must be there, in place of the host's.
///
/// # Errors
/// As [`reasons`].
pub fn reasons_with(cx: &Context, given: Option<&Path>) -> anyhow::Result<Reasons> {
    let own = own(cx, given, "/etc/relay-tools/reasons.toml")?;
    Reasons::load(borrowed(&own)).map_err(refused)
}

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
        Err(e) if given.is_none() && e.kind() == ErrorKind::NotFound => Ok(None),
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
