//! The provider table's TOML.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use postfix::Problem;
use serde::Deserialize;
use toml::Spanned;

use super::{Index, Provider, ProviderId, THE_REST, Table};
use crate::toml_text;

const BUILT_IN: &str = include_str!("../../data/providers.toml");
const BUILT_IN_PATH: &str = "(compiled in) crates/knowledge/data/providers.toml";
const FORM: &str = "an entry is [[provider]] with name, domains, mx, relay and, to drop the compiled-in lists, replace \
    = true";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    provider: Vec<Spanned<ProviderEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderEntry {
    name: Spanned<String>,
    #[serde(default)]
    domains: Vec<Spanned<String>>,
    #[serde(default)]
    mx: Vec<Spanned<String>>,
    relay: Option<Spanned<String>>,
    #[serde(default)]
    replace: bool,
}

/// One file, with what an error needs.
struct Source<'a> {
    text: &'a str,
    path: &'a Path,
}

impl Source<'_> {
    fn problem(&self, span: Range<usize>, what: String) -> Problem {
        toml_text::problem(self.text, self.path, span.start, what)
    }
}

pub(super) fn load(added: Option<(&str, &Path)>) -> Result<Table, Problem> {
    let mut list = Vec::new();
    let built_in = Source {
        text: BUILT_IN,
        path: Path::new(BUILT_IN_PATH),
    };
    add(&mut list, &built_in)?;
    if let Some((text, path)) = added {
        add(&mut list, &Source { text, path })?;
    }
    index(list)
}

fn index(list: Vec<Provider>) -> Result<Table, Problem> {
    let mut the_rest = None;
    let mut domains = Index::default();
    let mut mx = Index::default();
    for (provider, at) in list.iter().zip(0u16..) {
        let id = ProviderId(at);
        if provider.name == THE_REST {
            the_rest = Some(id);
        }
        for name in &provider.domains {
            domains.insert(name.as_bytes(), id);
        }
        for name in &provider.mx {
            mx.insert(name.as_bytes(), id);
        }
    }
    let the_rest = the_rest.ok_or_else(|| {
        Problem::new(BUILT_IN_PATH, format!("the provider {THE_REST} is missing"))
    })?;
    Ok(Table {
        list,
        the_rest,
        domains,
        mx,
    })
}

/// Adds a file's entries to the list.
fn add(list: &mut Vec<Provider>, source: &Source<'_>) -> Result<(), Problem> {
    let file: File = toml_text::parse(source.text, source.path, FORM)?;
    if list.len() + file.provider.len() > usize::from(u16::MAX) {
        return Err(Problem::new(source.path, "more than 65535 providers"));
    }
    // Nobody claims what another entry of this file does: only what is from before it can be taken over.
    let earlier = list.len();
    // The names in this file, and the relay that it says for each.
    let mut names: HashMap<String, Option<String>> = HashMap::new();
    let mut domains: HashMap<String, String> = HashMap::new();
    let mut mx: HashMap<String, String> = HashMap::new();
    for entry in file.provider {
        let span = entry.span();
        let entry = entry.into_inner();
        let name = provider_name(source, &entry.name)?;
        let relay = entry.relay.map(|r| relay_host(source, r)).transpose()?;
        match names.get_mut(&name) {
            Some(_) if entry.replace => {
                let what = format!(
                    "provider {name} has an earlier entry, which replace = true would drop; put it in the first one"
                );
                return Err(source.problem(entry.name.span(), what));
            }
            Some(said) => one_relay(source, &name, said, relay.as_ref())?,
            None => {
                names.insert(name.clone(), relay.as_ref().map(|r| r.get_ref().clone()));
            }
        }
        let relay = relay.map(Spanned::into_inner);
        let new_domains = hosts(source, &entry.domains, &name, &mut domains)?;
        let new_mx = hosts(source, &entry.mx, &name, &mut mx)?;
        for other in list.iter_mut().take(earlier) {
            other.domains.retain(|d| !new_domains.contains(d));
            other.mx.retain(|m| !new_mx.contains(m));
        }
        match list.iter_mut().find(|p| p.name == name) {
            Some(known) => {
                if entry.replace {
                    known.domains.clear();
                    known.mx.clear();
                }
                known.domains.extend(new_domains);
                known.mx.extend(new_mx);
                if let Some(relay) = relay {
                    known.relay = relay;
                }
            }
            None => list.push(Provider {
                relay: relay.ok_or_else(|| {
                    let what = format!(
                        "provider {name} has no relay; name the host that takes its mail, such as relay = \
                         \"{name}.smtp.DOMAIN\""
                    );
                    source.problem(span, what)
                })?,
                name,
                domains: new_domains,
                mx: new_mx,
            }),
        }
    }
    Ok(())
}

fn provider_name(source: &Source<'_>, name: &Spanned<String>) -> Result<String, Problem> {
    let text = name.get_ref();
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    if text.is_empty() || !text.bytes().all(fits) {
        let what = format!(
            "`{text}` cannot be a provider's name; use lower-case letters, digits, - and _, as in postfix-NAME-a"
        );
        return Err(source.problem(name.span(), what));
    }
    Ok(text.clone())
}

/// A file's entries of one name may say one relay between them: `said` is what those before said.
fn one_relay(
    source: &Source<'_>,
    provider: &str,
    said: &mut Option<String>,
    relay: Option<&Spanned<String>>,
) -> Result<(), Problem> {
    let Some(relay) = relay else { return Ok(()) };
    let new = relay.get_ref();
    let first = said.get_or_insert_with(|| new.clone());
    if first == new {
        return Ok(());
    }
    let what = format!("provider {provider} has the relays {first} and {new}; keep one");
    Err(source.problem(relay.span(), what))
}

/// The host names of one list, lower-cased, without those that the provider has from this file already; `claims` knows
/// which provider of the file has which name.
fn hosts(
    source: &Source<'_>,
    names: &[Spanned<String>],
    provider: &str,
    claims: &mut HashMap<String, String>,
) -> Result<Vec<String>, Problem> {
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        let host = name.get_ref().to_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host).to_owned();
        if !is_host(&host) {
            let what = format!(
                "`{}` is not a domain name; list each in full, without @, * or a leading dot",
                name.get_ref()
            );
            return Err(source.problem(name.span(), what));
        }
        match claims.get(&host) {
            Some(other) if other == provider => continue,
            Some(other) => {
                let what = format!(
                    "{host} is in provider {other} and in provider {provider}; keep it in one"
                );
                return Err(source.problem(name.span(), what));
            }
            None => {
                claims.insert(host.clone(), provider.to_owned());
            }
        }
        found.push(host);
    }
    Ok(found)
}

fn is_host(name: &str) -> bool {
    !name.is_empty()
        && name.split('.').all(|label| {
            !label.is_empty()
                && label
                    .chars()
                    .all(|c| c.is_alphanumeric() || c == '-' || c == '_')
        })
}

fn relay_host(source: &Source<'_>, relay: Spanned<String>) -> Result<Spanned<String>, Problem> {
    if is_host(relay.get_ref()) {
        return Ok(relay);
    }
    let what = format!(
        "`{}` is not a host name; a relay looks like aol.smtp.DOMAIN, without brackets or port",
        relay.get_ref()
    );
    Err(source.problem(relay.span(), what))
}
