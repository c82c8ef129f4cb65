//! Recipients that smtpd accepts whatever a transport table says of them, because a table of aliases or canonical
//! addresses has them (Postfix `src/smtpd/smtpd_check.c`, check_rcpt_maps), and which of them lead to paused mail.
//!
//! They are refused by an access table of our own, which smtpd asks first: access(5).

use std::collections::{BTreeMap, BTreeSet};

use crate::limit::Scope;

/// The parameters whose tables make smtpd accept a recipient unseen.
pub const PARAMETERS: [&str; 3] = [
    "recipient_canonical_maps",
    "canonical_maps",
    "virtual_alias_maps",
];

/// The local part that stands for any, where a table has a whole domain.
const ANYBODY: &str = "relay-limit-probe";

/// What these tables say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aliases {
    /// Keys, in lower case, and what each stands for.
    entries: BTreeMap<String, Vec<String>>,
    /// The domain of an address without one (myorigin), and those for which a key without one counts (mydestination).
    origin: String,
    local: BTreeSet<String>,
    /// What may stand between a local part and its extension (recipient_delimiter).
    delimiters: String,
    /// Tables that cannot be listed.
    opaque: Vec<String>,
}

/// The recipients that a pause does not reach by a transport table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Led {
    /// They, as keys of an access table: `info@lists.example.org`, or a whole domain.
    pub keys: BTreeSet<String>,
    /// The scope's own domains, where a table that cannot be listed may have recipients of theirs.
    pub domains: Vec<String>,
    /// Tables of which it cannot be said which recipients of other domains they lead to paused mail.
    pub opaque: Vec<String>,
}

impl Aliases {
    /// No tables yet. `origin`: myorigin; `local`: the domains for which a key without a domain counts.
    pub fn new(origin: &str, local: impl IntoIterator<Item = String>) -> Self {
        let mut local: BTreeSet<String> = local.into_iter().map(|d| d.to_lowercase()).collect();
        local.insert(origin.to_lowercase());
        Self {
            origin: origin.to_lowercase(),
            local,
            ..Self::default()
        }
    }

    /// The same where these characters (recipient_delimiter) begin an extension.
    #[must_use]
    pub fn delimited_by(self, delimiters: &str) -> Self {
        Self {
            delimiters: delimiters.to_owned(),
            ..self
        }
    }

    /// Adds a table's entries.
    pub fn add(&mut self, entries: impl IntoIterator<Item = (String, String)>) {
        for (key, value) in entries {
            let values = value.split([',', ' ', '\t']).filter(|v| !v.is_empty());
            let all = self.entries.entry(key.to_lowercase()).or_default();
            all.extend(values.map(str::to_lowercase));
        }
    }

    /// Adds a table that cannot be listed.
    pub fn add_opaque(&mut self, table: &str) {
        self.opaque.push(table.to_owned());
    }

    /// Those that lead to mail of this scope.
    pub fn leading(&self, scope: &Scope) -> Led {
        let mut keys = BTreeSet::new();
        for key in self.entries.keys() {
            for (start, key) in self.recipients(key) {
                if self.leads(start, scope) {
                    keys.insert(key);
                }
            }
        }
        let domains = match scope {
            Scope::Domains(domains) if !self.opaque.is_empty() => domains.clone(),
            _ => Vec::new(),
        };
        Led {
            keys,
            domains,
            opaque: self.opaque.clone(),
        }
    }

    /// The addresses that a key stands for, and the keys of an access table for them.
    fn recipients(&self, key: &str) -> Vec<(String, String)> {
        match key.strip_prefix('@') {
            Some(domain) => vec![(format!("{ANYBODY}@{domain}"), domain.to_owned())],
            None if key.contains('@') => vec![(key.to_owned(), key.to_owned())],
            None => {
                let of = |domain: &String| format!("{key}@{domain}");
                let all = self.local.iter().map(of);
                all.map(|address| (address.clone(), address)).collect()
            }
        }
    }

    /// Does mail for this address, or a copy of it, end in the scope?
    fn leads(&self, start: String, scope: &Scope) -> bool {
        let mut known = BTreeSet::new();
        let mut left = vec![start];
        while let Some(address) = left.pop() {
            let values = self.lookup(&address).unwrap_or_default();
            // One that stands for itself is kept beside the others (cleanup_map1n.c).
            if (values.is_empty() || values.contains(&address)) && scope.covers(&address) {
                return true;
            }
            if known.insert(address) {
                left.extend(values);
            }
        }
        false
    }

    /// What an address is rewritten to; `None`: it stays. Asked for as Postfix asks: the address, the local part of a
    /// local domain, each without its extension too, the domain (canonical(5), virtual(5)).
    fn lookup(&self, address: &str) -> Option<Vec<String>> {
        let (local, domain) = address.rsplit_once('@')?;
        let plain = local.split(|c| self.delimiters.contains(c)).next();
        let plain = plain.filter(|plain| !plain.is_empty()).unwrap_or(local);
        let whole = [address.to_owned(), format!("{plain}@{domain}")];
        let is_local = self.local.contains(domain);
        let bare = [local, plain].map(str::to_owned);
        let bare = bare.into_iter().filter(|_| is_local);
        let mut keys = whole.into_iter().chain(bare).chain([format!("@{domain}")]);
        let found = keys.find_map(|key| self.entries.get(&key))?;
        let whole = |value: &String| match value.split_once('@') {
            Some(("", domain)) => format!("{local}@{domain}"),
            Some(_) => value.clone(),
            None => format!("{value}@{}", self.origin),
        };
        Some(found.iter().map(whole).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aliases(entries: &[(&str, &str)]) -> Aliases {
        let mut aliases = Aliases::new("Example.org", ["lists.example.org".to_owned()]);
        aliases = aliases.delimited_by("+");
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        aliases.add(entries.iter().map(own));
        aliases
    }

    fn check(entries: &[(&str, &str)], expected: &[&str]) {
        let scope = Scope::Domains(vec!["aol.com".to_owned()]);
        let led = aliases(entries).leading(&scope);
        assert_eq!(led.keys.iter().collect::<Vec<_>>(), expected, "{entries:?}");
    }

    #[test]
    fn recipients_that_lead_to_a_paused_domain() {
        check(&[("a@x.org", "b@gmail.com")], &[]);
        check(&[("A@x.org", "Joe@AOL.com")], &["a@x.org"]);
        check(&[("a@x.org", "b@gmail.com, joe@aol.com")], &["a@x.org"]);
        // By way of others, and round in a circle.
        let chain = [("a@x.org", "b@x.org"), ("b@x.org", "c@aol.com")];
        check(&chain, &["a@x.org", "b@x.org"]);
        check(&[("a@x.org", "b@x.org"), ("b@x.org", "a@x.org")], &[]);
        // An address that stands for itself, and one that leads away.
        check(&[("vip@aol.com", "vip@aol.com")], &["vip@aol.com"]);
        check(&[("vip@aol.com", "vip@gmail.com")], &[]);
        // A copy, beside the mail itself.
        check(&[("a@x.org", "a@x.org, joe@aol.com")], &["a@x.org"]);
        let copied = [("vip@aol.com", "vip@aol.com, b@gmail.com")];
        check(&copied, &["vip@aol.com"]);
        let extended = [("a@x.org", "joe+list@y.org"), ("joe@y.org", "j@aol.com")];
        check(&extended, &["a@x.org", "joe@y.org"]);
        // Whole domains.
        check(&[("@old.org", "@aol.com")], &["old.org"]);
        check(&[("@old.org", "joe@aol.com")], &["old.org"]);
        // A local part counts in every local domain; a value without one is of myorigin.
        let local = ["info@example.org", "info@lists.example.org"];
        check(&[("info", "joe@aol.com")], &local);
        check(
            &[("a@x.org", "joe"), ("joe@example.org", "j@aol.com")],
            &["a@x.org", "joe@example.org"],
        );
    }

    #[test]
    fn all_mail_and_tables_that_cannot_be_listed() {
        let mut aliases = aliases(&[("a@x.org", "b@gmail.com")]);
        let all = aliases.leading(&Scope::All);
        assert_eq!(all.keys.into_iter().collect::<Vec<_>>(), ["a@x.org"]);
        aliases.add_opaque("regexp:/etc/a");
        let led = aliases.leading(&Scope::Domains(vec!["aol.com".to_owned()]));
        assert!(led.keys.is_empty());
        assert_eq!(led.domains, ["aol.com"]);
        assert_eq!(led.opaque, ["regexp:/etc/a"]);
    }
}
