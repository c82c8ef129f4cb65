//! SPF (RFC 7208): may this address send mail in the name of that domain?

mod evaluate;
mod macros;
mod record;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::{Data, Failure, Lookup, Name, Rtype};

pub use evaluate::check_host;

/// As many terms of a domain's records, all that they include taken together, as may ask the DNS (section 4.6.4).
pub const MAX_LOOKUPS: u32 = 10;

/// What the records say (section 2.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpfResult {
    /// It may.
    Pass,
    /// It may not.
    Fail,
    /// It probably may not.
    SoftFail,
    /// The domain does not say.
    Neutral,
    /// The domain has no SPF record.
    None,
    /// The records cannot be understood, or ask too much: why.
    PermError(String),
    /// A lookup failed: at which name, and why.
    TempError(String, Failure),
}

impl fmt::Display for SpfResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("pass"),
            Self::Fail => f.write_str("fail"),
            Self::SoftFail => f.write_str("softfail"),
            Self::Neutral => f.write_str("neutral"),
            Self::None => f.write_str("none"),
            Self::PermError(why) => write!(f, "permerror: {why}"),
            Self::TempError(name, why) => write!(f, "temperror: {name}: {why}"),
        }
    }
}

/// The SPF records of a domain, in order; of several, none counts (section 4.5). None where it cannot be asked.
pub fn records(lookup: &dyn Lookup, domain: &Name) -> Vec<String> {
    let answer = lookup.ask(domain, Rtype::TXT).unwrap_or_default();
    let texts = answer
        .records
        .iter()
        .filter_map(|record| match &record.data {
            Data::Txt(text) if record::is_spf(text) => {
                Some(String::from_utf8_lossy(text).into_owned())
            }
            _ => None,
        });
    let mut texts: Vec<String> = texts.collect();
    texts.sort_unstable();
    texts
}

/// The answer to [`check_host`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What the records say.
    pub result: SpfResult,
    /// The term that decided, as it is written in the record of the domain itself; `None` if no term fits.
    pub by: Option<String>,
    /// How many terms asked the DNS, of [`MAX_LOOKUPS`].
    pub lookups: u32,
}
