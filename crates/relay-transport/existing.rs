//! Which of the relays that lines lead to exist: a line for a name that the DNS does not have makes mail come back
//! (5.4.4) that would have been delivered without it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use cli::Context;
use knowledge::providers::Provider;
use knowledge::toml_text;
use serde::Deserialize;
use transport::audit::{Asks, HostState, RelayHost, SharedBy};

use crate::args::MapArgs;
use crate::relay_hosts::{self, HostStates};
use crate::site::{OWN_TABLE, Relays, Table};

/// Whom to ask, and for how long.
pub(crate) struct Questions {
    pub(crate) servers: Vec<SocketAddr>,
    pub(crate) timeout: Duration,
}

/// Asks for the relays. What is left out is reported. `questions` is absent where this machine's DNS is not the one to
/// ask. `only` these are of interest, if not all are.
///
/// # Errors
/// The host's own provider table cannot be read.
pub(crate) fn known(
    cx: &Context,
    args: &MapArgs,
    table: &Table,
    site: &str,
    questions: Option<Questions>,
    only: Option<&BTreeSet<String>>,
) -> anyhow::Result<Relays> {
    let named = named_in(cx, args)?;
    let wanted = |provider: &&Provider| {
        let is_asked = |name: &String| name.eq_ignore_ascii_case(&provider.name);
        let is_asked = args.provider.is_empty() || args.provider.iter().any(is_asked);
        let is_of_interest = only.is_none_or(|only| only.contains(&provider.name));
        // Lines of its own are not all that lead to a relay: those of discover are for customers' domains.
        is_asked && is_of_interest && (only.is_some() || !provider.domains.is_empty())
    };
    let all: Vec<&Provider> = table.providers.all().iter().filter(wanted).collect();
    let host = |provider: &Provider| RelayHost {
        name: provider.relay_at(site).to_ascii_lowercase(),
        asks: match args.no_brackets {
            true => Asks::Exchangers,
            false => Asks::Addresses,
        },
    };
    let found = match questions {
        Some(questions) => {
            let hosts: BTreeSet<RelayHost> = all.iter().map(|provider| host(provider)).collect();
            relay_hosts::ask_all(cx, (questions.servers, questions.timeout), None, &hosts)
        }
        None => HostStates::default(),
    };
    let mut relays = Relays::default();
    let mut left_out = LeftOut::default();
    for provider in all {
        if is_given(args, provider, site) || named.contains(&provider.name) {
            continue;
        }
        match left_out.add(&found, host(provider)) {
            Some(Why::Missing) => relays.missing.insert(provider.name.clone()),
            Some(Why::Unknown) => relays.unknown.insert(provider.name.clone()),
            None => continue,
        };
    }
    relays.left_out = left_out.texts();
    relays.left_out.iter().for_each(|text| cx.warn(text));
    // A line with a port of its own asks for no SRV records of "smtp".
    let is_asked = |by: &SharedBy| *by == SharedBy::Mx || args.port.is_none();
    let shared = found.shared.into_iter().filter(|(_, by)| is_asked(by));
    relays.shared = shared.map(|(name, _)| name).collect();
    Ok(relays)
}

/// Does --relays have the provider's relay?
fn is_given(args: &MapArgs, provider: &Provider, site: &str) -> bool {
    let relay = provider.relay_at(site);
    let names = [&provider.name, &relay];
    args.relays
        .iter()
        .any(|given| given == "all" || names.iter().any(|own| own.eq_ignore_ascii_case(given)))
}

/// Why a relay's lines are left out.
enum Why {
    /// It is not there.
    Missing,
    /// Nobody said whether it is there.
    Unknown,
}

/// The relays whose lines are left out, with what was found of each.
#[derive(Default)]
struct LeftOut {
    /// Not in the DNS.
    gone: BTreeMap<String, String>,
    /// In the DNS, by records that prove no relay.
    doubtful: BTreeMap<String, String>,
    /// Not known.
    silent: BTreeMap<String, String>,
}

impl LeftOut {
    /// Takes `host` if its lines are to be left out by what was `found`.
    fn add(&mut self, found: &HostStates, host: RelayHost) -> Option<Why> {
        match (found.states.get(&host), found.doubts.get(&host.name)) {
            (Some(HostState::Missing(what)), _) => {
                self.gone.insert(host.name, what.clone());
                Some(Why::Missing)
            }
            (Some(HostState::Unknown(why)), _) => {
                self.silent.insert(host.name, why.clone());
                Some(Why::Unknown)
            }
            (_, Some(doubt)) => {
                self.doubtful.insert(host.name, doubt.to_string());
                Some(Why::Missing)
            }
            (Some(HostState::Found(_) | HostState::Offered(_)), None) => None,
            (None, None) => {
                let why = "not looked up, as another host's DNS may have other names";
                self.silent.insert(host.name, why.to_owned());
                Some(Why::Unknown)
            }
        }
    }

    /// A sentence for each kind.
    fn texts(&self) -> Vec<String> {
        let listed = |all: &BTreeMap<String, String>| {
            let all = all.iter().map(|(name, what)| format!("{name} ({what})"));
            all.collect::<Vec<_>>().join(", ")
        };
        let mut texts = Vec::new();
        if !self.gone.is_empty() {
            texts.push(format!(
                "left out, because their mail would bounce: the lines of {}; use --relays NAME for a relay that is not \
                 in the DNS yet",
                listed(&self.gone)
            ));
        }
        if !self.doubtful.is_empty() {
            texts.push(format!(
                "left out, because nothing shows that these are relays: the lines of {}; use --relays NAME for one that \
                 is",
                listed(&self.doubtful)
            ));
        }
        // Most often all of them for one reason.
        if let Some(why) = self.silent.values().next() {
            let names: Vec<&str> = self.silent.keys().map(String::as_str).collect();
            texts.push(format!(
                "left out, as the DNS did not say whether they exist: the lines of {} ({why}); use --relays NAME for \
                 those that do, or --relays all",
                names.join(", ")
            ));
        }
        texts
    }
}

#[derive(Deserialize)]
struct Own {
    #[serde(default)]
    provider: Vec<OwnProvider>,
}

#[derive(Deserialize)]
struct OwnProvider {
    name: String,
    relay: Option<String>,
}

/// The providers whose relay the host's own table names.
fn named_in(cx: &Context, args: &MapArgs) -> anyhow::Result<BTreeSet<String>> {
    host::tables::load_with(cx.site(), args.providers.as_deref(), OWN_TABLE, |own| {
        let Some((text, path)) = own else {
            return Ok(BTreeSet::new());
        };
        let parsed: Own = toml_text::parse(text, path, "a table of providers")?;
        let named = parsed
            .provider
            .into_iter()
            .filter(|provider| provider.relay.is_some());
        Ok(named.map(|provider| provider.name).collect())
    })
}
