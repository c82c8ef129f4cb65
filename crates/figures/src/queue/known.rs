//! Reasons that were seen before: a provider says the same to thousands.

use std::sync::Arc;

use hashbrown::HashMap;
use postfix::queue::Deferral;

use knowledge::providers::domain_of;
use knowledge::reasons::{Cache, Class, Reasons, fold, names_a_host};

/// How many are remembered.
const MOST: usize = 2048;

/// Why delivery was deferred. Shared by all recipients with the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// In words.
    pub reason: Box<str>,
    /// Enhanced status code.
    pub dsn: Box<str>,
    /// The kind of reason.
    pub class: Class,
    /// The provider's own code, such as `TSS04`.
    pub code: Option<Box<str>>,
}

/// Reasons made out and folded, the last few of them.
#[derive(Debug, Clone, Default)]
pub(super) struct FoldedReasons {
    /// By code, text and the recipient's domain, newlines (which none can hold) between.
    seen: HashMap<Vec<u8>, (Arc<Why>, Arc<str>)>,
    key: Vec<u8>,
    /// What replies mean that differ in an address alone.
    meant: Cache,
}

impl FoldedReasons {
    /// What a deferral means, and its reason folded.
    pub(super) fn of(
        &mut self,
        deferral: &Deferral,
        address: &str,
        rules: &Reasons,
    ) -> &(Arc<Why>, Arc<str>) {
        let domain = domain_of(address.as_bytes());
        self.key.clear();
        self.key.extend_from_slice(deferral.dsn.as_bytes());
        self.key.push(b'\n');
        self.key.extend_from_slice(deferral.reason.as_bytes());
        if names_a_host(deferral.reason.as_bytes()) {
            self.key.push(b'\n');
            self.key.extend_from_slice(domain.unwrap_or_default());
        }
        if self.seen.len() >= MOST && !self.seen.contains_key(self.key.as_slice()) {
            self.seen.clear();
        }
        let meant = &mut self.meant;
        self.seen.entry_ref(self.key.as_slice()).or_insert_with(|| {
            let dsn = Some(deferral.dsn.as_bytes()).filter(|dsn| !dsn.is_empty());
            let reply = deferral.reason.as_bytes();
            let meant = meant.classify(rules, reply, dsn, domain);
            let why = Why {
                reason: deferral.reason.as_str().into(),
                dsn: deferral.dsn.as_str().into(),
                class: meant.class,
                code: meant.code.as_deref().map(Into::into),
            };
            (Arc::new(why), fold(&deferral.reason).into())
        })
    }
}
