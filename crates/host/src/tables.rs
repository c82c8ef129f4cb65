//! The provider table and the rules for reasons: those compiled in, and the host's own over them.

use std::path::Path;
use std::sync::Arc;

use figures::judge::Rules;
use knowledge::advice::AdviceTable;
use knowledge::providers::Providers;
use knowledge::reasons::Reasons;
use postfix::Problem;

use crate::failure::Failure;
use crate::site::Site;

/// The most bytes of a table: many times what one comes to.
const MOST: u64 = 16 << 20;

/// What replies and domains are looked up in.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Whose a domain is.
    pub providers: Arc<Providers>,
    /// What a reply means; without them, every reason is `other`. Compiling the rules takes longer than counting a
    /// day's log.
    pub reasons: Option<Arc<Reasons>>,
}

/// The providers, /etc/relay-tools/providers.toml over those compiled in.
///
/// # Errors
/// That file cannot be read, or something is wrong in it.
pub fn providers(site: &Site) -> anyhow::Result<Providers> {
    providers_with(site, None)
}

/// As [`providers`], with the `given` file, which must be there, in place of the host's.
///
/// # Errors
/// As [`providers`].
pub fn providers_with(site: &Site, given: Option<&Path>) -> anyhow::Result<Providers> {
    load_with(
        site,
        given,
        "/etc/relay-tools/providers.toml",
        Providers::load,
    )
}

/// What to do about codes, /etc/relay-tools/advice.toml before what is compiled in.
///
/// # Errors
/// That file cannot be read, or something is wrong in it.
pub fn advice(site: &Site) -> anyhow::Result<AdviceTable> {
    load_with(
        site,
        None,
        "/etc/relay-tools/advice.toml",
        AdviceTable::load,
    )
}

/// The rules that figures are judged by, /etc/relay-tools/judge.toml over those compiled in.
///
/// # Errors
/// That file cannot be read, or something is wrong in it.
pub fn rules(site: &Site) -> anyhow::Result<Rules> {
    load_with(site, None, "/etc/relay-tools/judge.toml", Rules::load)
}

/// The rules for reasons, /etc/relay-tools/reasons.toml before those compiled in.
///
/// # Errors
/// That file cannot be read, or something is wrong in it.
pub fn reasons(site: &Site) -> anyhow::Result<Reasons> {
    reasons_with(site, None)
}

/// As [`reasons`], with the `given` file, which must be there, in place of the host's.
///
/// # Errors
/// As [`reasons`].
pub fn reasons_with(site: &Site, given: Option<&Path>) -> anyhow::Result<Reasons> {
    load_with(site, given, "/etc/relay-tools/reasons.toml", Reasons::load)
}

/// What `load` makes of a table's text and path: of the `given` file, which must be there, or else of the host's
/// `usual` one (`/etc/relay-tools/…`), if it has one.
///
/// # Errors
/// The file cannot be read, or something is wrong in it.
pub fn load_with<T>(
    site: &Site,
    given: Option<&Path>,
    usual: &str,
    load: impl FnOnce(Option<(&str, &Path)>) -> Result<T, Problem>,
) -> anyhow::Result<T> {
    let path = match given {
        Some(path) => path.to_owned(),
        None => site.root().under(Path::new(usual)),
    };
    let read = match given {
        Some(path) => guarded::read_typed_text(path, MOST),
        None => guarded::read_text(&path, MOST),
    };
    let own = match read {
        Ok(text) => Some(text),
        Err(e) if given.is_none() && guarded::is_absent(&e) => None,
        Err(e) => return Err(Failure::io("cannot read the table", &path, e).into()),
    };
    load(own.as_ref().map(|text| (text.as_str(), path.as_path()))).map_err(|problem| {
        Failure::new(problem.to_string())
            .hint("fix that file, or move it away")
            .into()
    })
}
