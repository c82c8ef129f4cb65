//! The map that the provider table asks for: `print`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use knowledge::providers::{Provider, Providers};

use crate::{Domain, Style};

/// The lines that a provider table asks for at a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    /// The domain that relay names are made with.
    pub site: String,
    /// How lines are written.
    pub style: Style,
    /// A line a domain, by domain.
    pub lines: BTreeMap<String, Line>,
    /// Whose lines there are, in the order of the table: name, relay host, number of domains.
    pub relays: Vec<(String, String, usize)>,
    /// Names of the table that no map can have, and why: `(provider, domain or relay, why)`.
    pub refused: Vec<(String, String, String)>,
}

/// Where one domain's mail goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The provider's name.
    pub provider: String,
    /// The relay host.
    pub relay: String,
    /// The right-hand side.
    pub value: String,
}

impl Map {
    /// The lines for those providers of the table that `wanted` says yes to. An international domain has two, since
    /// Postfix looks it up as the message has it: one in letters, one with A-labels.
    pub fn of(
        providers: &Providers,
        site: &str,
        style: Style,
        wanted: impl Fn(&Provider) -> bool,
    ) -> Self {
        let mut map = Self {
            site: site.to_owned(),
            lines: BTreeMap::new(),
            relays: Vec::new(),
            refused: Vec::new(),
            style,
        };
        for provider in providers.all().iter().filter(|p| wanted(p)) {
            map.add(provider);
        }
        map
    }

    fn add(&mut self, provider: &Provider) {
        if provider.domains.is_empty() {
            return;
        }
        let relay = provider.relay_at(&self.site);
        let relay = match Domain::new(relay.as_bytes()) {
            Ok(relay) => relay.as_str().to_owned(),
            Err(why) => {
                let refused = (provider.name.clone(), relay, why.to_string());
                self.refused.push(refused);
                return;
            }
        };
        let mut count = 0;
        for name in &provider.domains {
            let domain = match Domain::new(name.as_bytes()) {
                Ok(domain) => domain,
                Err(why) => {
                    let refused = (provider.name.clone(), name.clone(), why.to_string());
                    self.refused.push(refused);
                    continue;
                }
            };
            count += 1;
            let line = Line {
                provider: provider.name.clone(),
                value: self.style.value(&relay),
                relay: relay.clone(),
            };
            if let Some(letters) = domain.in_letters() {
                self.lines.insert(letters, line.clone());
            }
            self.lines.insert(domain.as_str().to_owned(), line);
        }
        if count > 0 {
            self.relays.push((provider.name.clone(), relay, count));
        }
    }

    /// Writes it as postmap reads it: sorted by domain, with a heading that says what made it (`made_by`: the command)
    /// and of what (`table`). The same table gives the same bytes: no date, no host.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write, made_by: &str, table: &str) -> io::Result<()> {
        writeln!(
            out,
            "# Which relay takes which domain's mail: see transport(5)."
        )?;
        writeln!(out, "# Made by {made_by}")?;
        writeln!(out, "# from the provider table: {table}.")?;
        writeln!(
            out,
            "# Do not edit: change that table and print this file again, then run postmap on it."
        )?;
        writeln!(out, "#")?;
        let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
        let name = widest(&mut self.relays.iter().map(|(name, ..)| name.len()));
        for (provider, relay, count) in &self.relays {
            let s = if *count == 1 { "" } else { "s" };
            writeln!(out, "# {provider:name$}  {relay}: {count} domain{s}")?;
        }
        let key = widest(&mut self.lines.keys().map(|key| key.chars().count()));
        for (domain, line) in &self.lines {
            writeln!(out, "{domain:key$} {}", line.value)?;
        }
        Ok(())
    }
}

/// What [`Map::write`] says of the table: that compiled in, and the host's own file over it.
pub fn table_name(own: Option<&Path>) -> String {
    let built_in = concat!("relay-tools ", env!("CARGO_PKG_VERSION"));
    match own {
        Some(path) => format!(
            "that of {built_in}, and {}",
            postfix::escape(path.as_os_str().as_encoded_bytes())
        ),
        None => format!("that of {built_in}"),
    }
}
