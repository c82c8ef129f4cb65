//! What the DNS said before, as long as it may be kept: a file of JSON.

use std::collections::BTreeMap;

use postfix::{Span, Time};
use serde::{Deserialize, Serialize};

use crate::Domain;

/// Mail exchangers: preference and host name, as the DNS has them: strangers' text.
pub type Exchangers = Vec<(u16, String)>;

/// The schema's name.
pub const CACHE_SCHEMA: &str = "relay-tools/mx-cache/1";

/// As many domains as are kept: those that may be kept longest.
pub const MAX_ENTRIES: usize = 50_000;

/// The longest that an answer is kept, in seconds (RFC 8767, section 4, has the same week).
const MAX_TTL: u32 = 7 * 86_400;

/// How long it is kept that a domain has no mail exchanger, in seconds: no record says it (RFC 2308 allows 3 hours).
const NEGATIVE_TTL: u32 = 3600;

/// The cache.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MxCache(BTreeMap<String, CachedMx>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct CachedMx {
    /// When it is over, in seconds since 1970 (UTC).
    until: i64,
    /// Empty: there is no cache.
    mx: Exchangers,
}

impl CachedMx {
    fn is_current(&self, now: Time) -> bool {
        Time::from_seconds(self.until) > now
    }
}

#[derive(Serialize, Deserialize)]
struct Document {
    schema: String,
    domains: BTreeMap<String, CachedMx>,
}

impl MxCache {
    /// Reads the file's text.
    ///
    /// # Errors
    /// It is not what [`MxCache::text`] writes: what is wrong.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(text).map_err(|e| e.to_string())?;
        match document.schema == CACHE_SCHEMA {
            true => Ok(Self(document.domains)),
            false => Err(format!("its schema is not {CACHE_SCHEMA}")),
        }
    }

    /// The file's text, without what is over at the time `now`.
    ///
    /// # Errors
    /// None that can be: JSON can say all of it.
    pub fn text(&self, now: Time) -> Result<Vec<u8>, serde_json::Error> {
        let mut current: Vec<(&String, &CachedMx)> = self
            .0
            .iter()
            .filter(|(_, entry)| entry.is_current(now))
            .collect();
        current.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.until));
        let document = Document {
            schema: CACHE_SCHEMA.to_owned(),
            domains: current
                .into_iter()
                .take(MAX_ENTRIES)
                .map(|(domain, entry)| (domain.clone(), entry.clone()))
                .collect(),
        };
        let mut text = serde_json::to_vec(&document)?;
        text.push(b'\n');
        Ok(text)
    }

    /// What is known of a domain at the time `now`.
    pub fn get(&self, domain: &Domain, now: Time) -> Option<&Exchangers> {
        let entry = self
            .0
            .get(domain.as_str())
            .filter(|entry| entry.is_current(now))?;
        Some(&entry.mx)
    }

    /// Keeps an answer that came at the time `now`; `ttl` is its smallest time to live, absent where it has no record.
    pub fn put(&mut self, domain: &Domain, mx: Exchangers, ttl: Option<u32>, now: Time) {
        let ttl = ttl.unwrap_or(NEGATIVE_TTL).min(MAX_TTL);
        let until = now.plus(Span::from_seconds(ttl.into())).seconds();
        self.0
            .insert(domain.as_str().to_owned(), CachedMx { until, mx });
    }
}
