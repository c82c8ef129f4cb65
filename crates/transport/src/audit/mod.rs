//! Is the map in use, whole and right?
//!
//! The caller finds out what there is ([`Input`]): which tables main.cf names, what postmap says of them, what the DNS
//! says of the relays ([`hosts`] are those to ask about), whom the relays' own main.cf takes mail from. [`audit`]
//! judges.

mod detours;
mod facts;
mod live;
mod lookup;
mod networks;
mod ports;
mod relays;
mod routes;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use knowledge::providers::Providers;
use postfix::Parsed;

use crate::{Hop, Listed, Map, Source, TableName};

pub use detours::{Action, Detours, Filter, Fits, Readdressed};
pub use facts::{Asks, Doubt, HostState, PortState, RelayAnswers, RelayHost, SharedBy};
pub use live::{Live, Resolved};
pub use lookup::{PROBES, choose, questions};
pub use ports::recipient;
pub use relays::{asked, hosts};

/// What is looked at, in the order in which to fix it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// transport_maps names the map.
    InUse,
    /// The file that postmap makes is there, and no older than the text.
    Index,
    /// It has the entries that the text has.
    Entries,
    /// Every line of the text is an entry.
    Syntax,
    /// No key comes twice.
    Duplicates,
    /// No other table answers for an address of the map's domains before it does.
    Order,
    /// Every domain of every provider leads to its relay.
    Domains,
    /// Nothing takes their mail before the map is asked.
    Filters,
    /// Their recipients keep their addresses until then.
    Recipients,
    /// Postfix itself, where it runs, sends their mail there.
    Postfix,
    /// Every line is of a domain of a provider.
    Lines,
    /// The transports are in master.cf.
    Transports,
    /// The relay hosts are in the DNS.
    Relays,
    /// Something listens at their ports.
    Ports,
    /// The relays take mail from this server.
    Networks,
}

impl Check {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::InUse,
        Self::Index,
        Self::Entries,
        Self::Syntax,
        Self::Duplicates,
        Self::Order,
        Self::Domains,
        Self::Filters,
        Self::Recipients,
        Self::Postfix,
        Self::Lines,
        Self::Transports,
        Self::Relays,
        Self::Ports,
        Self::Networks,
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InUse => "in-use",
            Self::Index => "index",
            Self::Entries => "entries",
            Self::Syntax => "syntax",
            Self::Duplicates => "duplicates",
            Self::Order => "order",
            Self::Domains => "domains",
            Self::Filters => "filters",
            Self::Recipients => "recipients",
            Self::Postfix => "postfix",
            Self::Lines => "lines",
            Self::Transports => "transports",
            Self::Relays => "relays",
            Self::Ports => "ports",
            Self::Networks => "networks",
        }
    }
}

/// What came of it, the worse the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// There is nothing to look at, or nobody asked.
    Skipped,
    /// In order.
    Ok,
    /// To be fixed.
    Warning,
    /// It could not be found out.
    Unknown,
    /// Mail goes astray, or stays.
    Critical,
}

impl Grade {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Critical => "critical",
        }
    }
}

/// One thing found out. Texts may quote what others wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// What was looked at.
    pub check: Check,
    /// The result.
    pub outcome: Grade,
    /// What was found, and what to do where that is not plain.
    pub text: String,
    /// What it is about, one by one: domains, lines, hosts.
    pub items: Vec<String>,
}

impl AuditRow {
    fn new(check: Check, outcome: Grade, text: impl Into<String>) -> Self {
        Self {
            check,
            outcome,
            text: text.into(),
            items: Vec::new(),
        }
    }

    fn about(mut self, items: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.items = items.into_iter().map(Into::into).collect();
        self
    }
}

/// Entries of a table: keys and values.
pub type Entries = BTreeMap<String, String>;

/// What is known of one table of transport_maps.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its name.
    pub name: TableName,
    /// Its text.
    pub source: SourceState,
    /// The file that postmap makes of it.
    pub index: IndexState,
    /// The text's entries, as Postfix's own texthash reads them; `None` if it could not, or need not.
    pub in_source: Option<Entries>,
    /// The entries that Postfix sees; `None` for tables that cannot list them.
    pub entries: Option<Entries>,
    /// What it answers to the keys of [`questions`].
    pub answers: HashMap<String, String>,
    /// Why it could not be asked, if so.
    pub failed: Option<Failed>,
    /// Its rules that Postfix ignores, and why.
    pub dropped: Vec<String>,
}

/// Why a table could not be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// Postfix cannot, either: it defers the mail ("lookup failure").
    Broken(String),
    /// It cannot be asked from here; Postfix may do better.
    Unknown(String),
}

/// A service of master.cf that delivers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Service {
    /// The program: `smtp`, `error`.
    pub command: String,
    /// Its use_srv_lookup: the services of which it asks for SRV records (postconf(5); Postfix 3.8 and later).
    pub srv: Vec<String>,
    /// defer_transports has it: nothing is delivered by it but on demand (qmgr(8)).
    pub is_deferred: bool,
    /// Its allow_srv_lookup_fallback: without SRV records it asks for mail exchangers.
    pub falls_back: bool,
}

impl Service {
    /// Is it an SMTP client?
    pub fn is_smtp(&self) -> bool {
        matches!(self.command.as_str(), "smtp" | "lmtp")
    }

    /// How it looks up where a hop leads to.
    pub fn asks(&self, hop: &Hop) -> Asks {
        // The name or number after the host, or else smtp_tcp_port's "smtp", as it is written (`smtp_connect.c`).
        let service = hop.port.as_deref().unwrap_or("smtp");
        match hop.is_bracketed {
            true => Asks::Addresses,
            false if self.srv.iter().any(|own| own == service) => Asks::Services {
                service: service.to_owned(),
                falls_back: self.falls_back,
            },
            false => Asks::Exchangers,
        }
    }
}

/// A table's text.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceState {
    /// It has none.
    None,
    /// It is not there.
    Missing,
    /// It cannot be read: why.
    Unreadable(String),
    /// Its content.
    Read(Parsed<Source>),
}

/// The file that postmap makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexState {
    /// There is to be none.
    None,
    /// It is not there.
    Missing,
    /// It cannot be looked at: why.
    Unreadable(String),
    /// It was made before the text was changed, by this many seconds.
    Older(u64),
    /// It was made of the text as it is, by their times.
    Current,
}

/// What one relay says of an address of this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// The relay.
    pub relay: String,
    /// Where this server sends from.
    pub from: IpAddr,
    /// Whether its mynetworks has the address.
    pub listed: Listed,
    /// What in its restrictions refuses the mail before mynetworks is asked, if any: `smtpd_relay_restrictions:
    /// reject`.
    pub barred: Option<String>,
}

/// What is known of the relays' networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Networks {
    /// Nobody asked.
    NotAsked,
    /// It could not be found out: why.
    Unknown(String),
    /// What each relay says, and which of them could not be read and why.
    Known(Vec<Acceptance>, Vec<String>),
}

/// All that is known.
pub struct Input<'a> {
    /// The map that the provider table asks for.
    pub wanted: &'a Map,
    /// The provider table.
    pub providers: &'a Providers,
    /// The instance whose transport_maps it is.
    pub instance: &'a str,
    /// Elements of transport_maps that are not tables: without a type.
    pub broken: Vec<String>,
    /// The tables, in order.
    pub tables: Vec<Table>,
    /// Which of them is the map, if it is among them ([`choose`]).
    pub ours: Option<usize>,
    /// The map that was asked for by name.
    pub asked: Option<String>,
    /// Where mail goes for which no table has an answer, as a right-hand side: default_transport, and relayhost.
    pub fallback: String,
    /// A domain's line is for its subdomains, too (parent_domain_matches_subdomains).
    pub parents_match: bool,
    /// The transports of master.cf; `None` if it cannot be read.
    pub transports: Option<BTreeMap<String, Service>>,
    /// What becomes of mail before the tables are asked.
    pub detours: Detours,
    /// What Postfix itself says.
    pub live: Live,
    /// Is this line, by its key, one that the site has for other reasons?
    pub is_accepted: &'a dyn Fn(&str) -> bool,
    /// What the DNS says of [`hosts`]; `None` if nobody asked.
    pub hosts: Option<BTreeMap<RelayHost, HostState>>,
    /// Those of [`hosts`] whose MX or SRV records share the mail among their own addresses.
    pub shared: BTreeMap<String, SharedBy>,
    /// Those of [`hosts`] whose records prove no relay.
    pub doubts: BTreeMap<String, Doubt>,
    /// The result of connecting to [`asked`]; `None` if nobody tried.
    pub ports: Option<BTreeMap<(Hop, Asks), PortState>>,
    /// What the relays say.
    pub networks: Networks,
}

impl Input<'_> {
    fn our_table(&self) -> Option<&Table> {
        self.tables.get(self.ours?)
    }
}

/// Judges: a row or more for each check.
pub fn audit(input: &Input<'_>) -> Vec<AuditRow> {
    let mut rows = tables::in_use(input);
    if let Some(table) = input.our_table() {
        rows.extend(tables::judge(table));
        rows.extend(routes::order(input));
        rows.extend(routes::domains(input));
        rows.extend(detours::filters(input));
        rows.extend(detours::recipients(input));
        rows.extend(live::live(input));
        rows.extend(routes::lines(input, table));
        rows.extend(relays::transports(input, table));
        rows.extend(relays::relays(input, table));
        rows.extend(ports::ports(input, table));
    }
    rows.extend(networks::networks(input));
    rows
}
