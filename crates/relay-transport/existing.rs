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
use crate::relay_hosts;
use crate::site::{OWN_TABLE, Table};

/// Whom to ask, and for how long.
pub(crate) struct Questions {
    pub(crate) servers: Vec<SocketAddr>,
    pub(crate) timeout: Duration,
}

/// What is known of the relays.
#[derive(Default)]
pub(crate) struct Relays {
    /// The providers, by name, whose relays are not there.
    pub(crate) missing: BTreeSet<String>,
    /// The relay names whose MX or SRV records share the mail among their own addresses, where lines can ask for them.
    pub(crate) shared: BTreeSet<String>,
    /// Of some relays it is not known whether they are there; their lines are kept.
    pub(crate) is_unknown: bool,
}

/// Asks for the relays. What is left out, and what could not be asked, is reported. `questions` is absent where this
/// machine's DNS is not the one to ask. `only` these are of interest, if not all are.
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
    let is_said = |provider: &Provider| {
        let relay = provider.relay_at(site);
        let is_it = |name: &String| {
            name == "all"
                || [&provider.name, &relay]
                    .iter()
                    .any(|own| own.eq_ignore_ascii_case(name))
        };
        args.relays.iter().any(is_it) || named.contains(&provider.name)
    };
    let wanted = |provider: &&Provider| {
        let is_asked = |name: &String| name.eq_ignore_ascii_case(&provider.name);
        let is_asked = args.provider.is_empty() || args.provider.iter().any(is_asked);
        let is_of_interest = only.is_none_or(|only| only.contains(&provider.name));
        // Lines of its own are not all that lead to a relay: those of discover are for customers' domains.
        is_asked && is_of_interest && (only.is_some() || !provider.domains.is_empty())
    };
    let all: Vec<&Provider> = table.providers.all().iter().filter(wanted).collect();
    let open: Vec<&Provider> = all.iter().filter(|p| !is_said(p)).copied().collect();
    let host = |provider: &Provider| RelayHost {
        name: provider.relay_at(site).to_ascii_lowercase(),
        asks: match args.no_brackets {
            true => Asks::Exchangers,
            false => Asks::Addresses,
        },
    };
    let Some(questions) = questions else {
        if !open.is_empty() {
            cx.note("the relays' names were not looked up in the DNS: use --relays to name those that exist");
        }
        return Ok(Relays::default());
    };
    let hosts: BTreeSet<RelayHost> = all.iter().map(|provider| host(provider)).collect();
    let found = relay_hosts::ask_all(cx, (questions.servers, questions.timeout), None, &hosts);
    let mut missing = BTreeSet::new();
    let (mut gone, mut unknown) = (BTreeMap::new(), BTreeMap::new());
    let mut doubtful: BTreeMap<String, String> = BTreeMap::new();
    for provider in open {
        let host = host(provider);
        match (found.states.get(&host), found.doubts.get(&host.name)) {
            (Some(HostState::Missing(what)), _) => {
                gone.insert(host.name, what.clone());
                missing.insert(provider.name.clone());
            }
            (Some(HostState::Unknown(why)), _) => {
                unknown.insert(host.name, why.clone());
            }
            (_, Some(doubt)) => {
                doubtful.insert(host.name, doubt.to_string());
                missing.insert(provider.name.clone());
            }
            _ => {}
        }
    }
    let listed = |all: &BTreeMap<String, String>| {
        let all = all.iter().map(|(name, what)| format!("{name} ({what})"));
        all.collect::<Vec<_>>().join(", ")
    };
    if !gone.is_empty() {
        cx.warn(format!(
            "left out, because their mail would bounce: the lines of {}; use --relays NAME for a relay that is not in \
             the DNS yet",
            listed(&gone)
        ));
    }
    if !doubtful.is_empty() {
        cx.warn(format!(
            "left out, because nothing shows that these are relays: the lines of {}; use --relays NAME for one that is",
            listed(&doubtful)
        ));
    }
    if let Some((name, why)) = unknown.iter().next() {
        let text = format!(
            "{} of the relays could not be looked up ({name}: {why}): mail for one that does not exist bounces; use \
             --relays to name those that do",
            unknown.len()
        );
        cx.warn(text);
    }
    // A line with a port of its own asks for no SRV records of "smtp".
    let is_asked = |by: &SharedBy| *by == SharedBy::Mx || args.port.is_none();
    let shared = found.shared.into_iter().filter(|(_, by)| is_asked(by));
    let shared = shared.map(|(name, _)| name).collect();
    Ok(Relays {
        missing,
        shared,
        is_unknown: !unknown.is_empty(),
    })
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
