//! The big mailbox providers: whose domain is this, whose mail host is that, which relay takes their mail.
//!
//! The table is TOML: `data/providers.toml` is compiled in, and the host's /etc/relay-tools/providers.toml adds to it.
//! Statistics, the guard of queue-move and the transport map all use this one table.

mod index;
mod load;

use std::path::Path;
use std::sync::OnceLock;

use postfix::Problem;

use index::Index;

/// One provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// As in instance names: `aol` for postfix-aol-b. Lower-case letters, digits, `-` and `_`.
    pub name: String,
    /// Recipient domains, lower case, in the order of the table.
    pub domains: Vec<String>,
    /// Mail exchanger names, lower case: each stands for itself and all names below it.
    pub mx: Vec<String>,
    /// The relay host, with `DOMAIN` for the site's own domain: `aol.smtp.DOMAIN`.
    pub relay: String,
}

impl Provider {
    /// The relay host at the site whose domain is `domain`: `aol.smtp.example.org`. The site may also be named by the
    /// domain that all its relays are in (`smtp.example.org`): labels that both have are there once.
    pub fn relay_at(&self, domain: &str) -> String {
        let Some(head) = self.relay.strip_suffix(".DOMAIN") else {
            return self.relay.replace("DOMAIN", domain);
        };
        let dots = domain.match_indices('.').map(|(at, _)| at);
        let mut shared = dots.filter_map(|at| {
            let labels = domain.get(..at)?;
            let own = head.strip_suffix(labels)?.strip_suffix('.')?;
            Some(format!("{own}.{domain}"))
        });
        shared
            .next_back()
            .unwrap_or_else(|| format!("{head}.{domain}"))
    }
}

/// A provider of one [`Providers`] table: its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ProviderId(u16);

impl ProviderId {
    /// The place in [`Providers::all`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The name of the provider that stands for everyone who is not in the table.
pub const THE_REST: &str = "therest";

/// The table. The compiled-in one is read when it is first asked: most counts need none.
#[derive(Debug, Clone)]
pub struct Providers(OnceLock<Table>);

#[derive(Debug, Clone, Default)]
struct Table {
    list: Vec<Provider>,
    the_rest: ProviderId,
    domains: Index,
    mx: Index,
}

impl Providers {
    /// The compiled-in table, with `added` (a text of the same form, and the path it came from) over it.
    ///
    /// # Errors
    /// The first thing wrong in `added`: TOML that does not parse, an unknown key, an invalid name or domain, a
    /// domain that two providers claim.
    pub fn load(added: Option<(&str, &Path)>) -> Result<Self, Problem> {
        let table = OnceLock::new();
        if added.is_some() {
            drop(table.set(load::load(added)?));
        }
        Ok(Self(table))
    }

    #[inline]
    fn table(&self) -> &Table {
        // That what is compiled in can be read, the tests have shown.
        self.0.get_or_init(|| load::load(None).unwrap_or_default())
    }

    /// Every provider, in the order of the table.
    pub fn all(&self) -> &[Provider] {
        &self.table().list
    }

    /// The entry of `id`.
    ///
    /// # Panics
    /// If `id` is of a longer table.
    pub fn get(&self, id: ProviderId) -> &Provider {
        &self.table().list[id.index()]
    }

    /// The provider called `name` (not case-sensitive).
    pub fn by_name(&self, name: &str) -> Option<ProviderId> {
        let at = self
            .table()
            .list
            .iter()
            .position(|p| p.name.eq_ignore_ascii_case(name))?;
        u16::try_from(at).ok().map(ProviderId)
    }

    /// Everyone who is not in the table.
    pub fn the_rest(&self) -> ProviderId {
        self.table().the_rest
    }

    /// The provider that lists exactly this recipient domain: neither case nor a trailing dot matters.
    pub fn by_domain(&self, domain: &[u8]) -> Option<ProviderId> {
        self.table().domains.get(without_dot(domain))
    }

    /// The provider of this mail exchanger (`mta7.am0.yahoodns.net`): it, or a name above it, is listed.
    pub fn by_relay(&self, host: &[u8]) -> Option<ProviderId> {
        let mut name = without_dot(host);
        loop {
            if let Some(id) = self.table().mx.get(name) {
                return Some(id);
            }
            let dot = memchr::memchr(b'.', name)?;
            name = &name[dot + 1..];
        }
    }

    /// Whose mail this is: by the recipient's domain, else by the host that took or refused it, else
    /// [`Providers::the_rest`].
    pub fn of(&self, domain: &[u8], relay: Option<&[u8]>) -> ProviderId {
        self.by_domain(domain)
            .or_else(|| relay.and_then(|host| self.by_relay(host)))
            .unwrap_or(self.table().the_rest)
    }

    /// The provider that an instance is named for: `aol` of postfix-aol-b, `therest` of postfix-therest-a. A leading
    /// `postfix-` is optional; the provider's name must end where the instance's does, or at a `-`, `_` or `.`.
    /// Where two names fit, the longer one decides. Nothing for an instance named otherwise, or `postfix` itself.
    pub fn of_instance(&self, instance: &str) -> Option<ProviderId> {
        let lower = instance.to_ascii_lowercase();
        let name = lower.strip_prefix("postfix-").unwrap_or(&lower);
        (0u16..)
            .zip(&self.table().list)
            .filter(|(_, p)| {
                name.strip_prefix(p.name.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_', '.']))
            })
            .max_by_key(|(_, p)| p.name.len())
            .map(|(at, _)| ProviderId(at))
    }
}

fn without_dot(name: &[u8]) -> &[u8] {
    name.strip_suffix(b".").unwrap_or(name)
}

/// The domain of an address: what follows its last `@` (a quoted local part may hold others). An address without one
/// is local mail, and has none.
pub fn domain_of(address: &[u8]) -> Option<&[u8]> {
    let at = memchr::memrchr(b'@', address)?;
    let domain = without_dot(&address[at + 1..]);
    (!domain.is_empty()).then_some(domain)
}

#[cfg(test)]
mod tests;
