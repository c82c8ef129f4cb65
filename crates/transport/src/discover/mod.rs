//! Domains that go through the catch-all relay, though a provider hosts them: `discover`.
//!
//! [`Traffic`] counts what the logs show, a domain each; [`Traffic::judge`] says whose each domain is, by the table or
//! by the hosts that took its mail, and which domains only the DNS can place; [`by_exchangers`] reads its answer.

mod cache;
#[cfg(test)]
mod tests;
mod traffic;

use std::cmp::Reverse;

use figures::mail_stats::Counts;
use knowledge::providers::{ProviderId, Providers};

use crate::Domain;

pub use cache::{CACHE_SCHEMA, Exchangers, MAX_ENTRIES, MxCache};
pub use traffic::{Traffic, ViaTheRest};

/// How it is known whose a domain is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// The provider table lists it: the map in use lacks it.
    Table,
    /// This host took or refused most of its mail.
    Relay(String),
    /// This is its mail exchanger.
    Mx(String),
}

impl Evidence {
    /// Its word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Relay(_) => "relay",
            Self::Mx(_) => "mx",
        }
    }

    /// The host, if it is one. A stranger's text.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Table => None,
            Self::Relay(host) | Self::Mx(host) => Some(host),
        }
    }
}

/// A domain that belongs in the map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDomain {
    /// The domain.
    pub domain: Domain,
    /// Whose it is.
    pub provider: ProviderId,
    /// How that is known.
    pub by: Evidence,
    /// Its deliveries through the catch-all relay.
    pub counts: Counts,
}

/// A domain whose provider the logs do not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The domain.
    pub domain: Domain,
    /// Its deliveries.
    pub counts: Counts,
}

/// What the logs show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Judged {
    /// Domains that belong in the map.
    pub found: Vec<NewDomain>,
    /// Domains to ask the DNS about, those with most deliveries first.
    pub open: Vec<Open>,
    /// Domains that other hosts take the mail of.
    pub others: usize,
    /// Texts that are not domains, and why; a line each, the first [`REFUSED_LISTED`].
    pub refused: Vec<String>,
    /// How many there are of them.
    pub refused_count: usize,
    /// Deliveries to domains that are not kept distinct, because there are too many: the busiest are.
    pub indistinct: u64,
}

/// As many texts that are not domains as are reported.
pub const REFUSED_LISTED: usize = 10;

/// Puts those with most deliveries first.
pub fn sort(found: &mut [NewDomain]) {
    found.sort_by(|a, b| {
        let by_volume = Reverse(a.counts.total()).cmp(&Reverse(b.counts.total()));
        by_volume.then_with(|| a.domain.cmp(&b.domain))
    });
}

/// Whose the mail exchangers are, and the one that says so: Postfix goes to those of the smallest preference first, so
/// all of those must be one provider's. Names that no host can have are nobody's.
pub fn by_exchangers(
    providers: &Providers,
    exchangers: &Exchangers,
) -> Option<(ProviderId, String)> {
    let best = exchangers.iter().map(|(preference, _)| *preference).min()?;
    let mut whose = None;
    for (_, host) in exchangers
        .iter()
        .filter(|(preference, _)| *preference == best)
    {
        let host = Domain::new(host.as_bytes()).ok()?;
        let provider = providers.by_relay(host.as_str().as_bytes())?;
        match &whose {
            Some((first, _)) if *first != provider => return None,
            Some(_) => {}
            None => whose = Some((provider, host.as_str().to_owned())),
        }
    }
    whose
}
