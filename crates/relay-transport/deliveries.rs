//! The deliveries that `discover` looks at: which count, and what the logs have of them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use cli::Context;
use figures::bounds::OTHER_INSTANCES;
use host::logs::{Filter, Inputs, LogScope, Selection};
use knowledge::providers::Providers;
use postfix::config::{Host, Instance};
use postfix::log::{Event, Reading, Scope, Sink, Wanted};
use postfix::{Time, Window};
use transport::Route;
use transport::discover::{Traffic, ViaTheRest};

/// Names that are remembered: in another host's log, they may be made up without number.
const MOST_KNOWN: usize = 4096;

/// What decides whose deliveries count.
pub(crate) struct Rules {
    via: ViaTheRest,
    providers: Providers,
    /// Were instances named? Then all that they deliver counts.
    named: bool,
    /// There is no instance that is named for the rest: all count that are named for no other provider.
    looks_at_all: bool,
    /// syslog_name and name of each instance.
    syslog_names: Vec<(Vec<u8>, String)>,
}

impl Rules {
    /// At a `host` with the relays of `site`; `is_named`: instances were named.
    pub(crate) fn of(host: &Host, providers: &Providers, site: &str, is_named: bool) -> Self {
        let of_the_rest = |instance: &Instance| {
            providers.of_instance(instance.name()) == Some(providers.the_rest())
        };
        let names = |one: &Instance| (one.syslog_name().as_bytes().to_vec(), one.name().to_owned());
        Self {
            via: via_the_rest(providers, site, host),
            providers: providers.clone(),
            named: is_named,
            looks_at_all: !host.instances().iter().any(of_the_rest),
            syslog_names: host.instances().iter().map(names).collect(),
        }
    }

    fn is_of_the_rest(&self, tag: &[u8]) -> bool {
        if self.named {
            return true;
        }
        let known = self.syslog_names.iter().find(|(syslog, _)| syslog == tag);
        let provider = match known {
            Some((_, name)) => self.providers.of_instance(name),
            None => self.providers.of_instance(&String::from_utf8_lossy(tag)),
        };
        provider.map_or(self.looks_at_all, |id| id == self.providers.the_rest())
    }
}

/// Takes the deliveries of a log.
struct TrafficSink<'a> {
    filter: Filter<'a>,
    rules: Arc<Rules>,
    /// Instances met, and whether they are of the catch-all relay.
    known: HashMap<Vec<u8>, bool>,
    traffic: Traffic,
}

impl TrafficSink<'_> {
    fn is_of_the_rest(&mut self, instance: &[u8]) -> bool {
        if let Some(found) = self.known.get(instance) {
            return *found;
        }
        let found = self.rules.is_of_the_rest(instance);
        if self.known.len() < MOST_KNOWN {
            self.known.insert(instance.to_vec(), found);
        }
        found
    }
}

impl Sink for TrafficSink<'_> {
    fn event(&mut self, event: &Event<'_>) {
        let Event::Delivery(delivery) = event else {
            return;
        };
        let instance = self.filter.instance(b"", delivery.tag);
        // What anyone may have written is no evidence.
        if let Some(instance) = instance.filter(|i| **i != *OTHER_INSTANCES.as_bytes()) {
            let of_the_rest = self.is_of_the_rest(&instance);
            let rules = &self.rules;
            self.traffic
                .add(&rules.via, &rules.providers, of_the_rest, delivery);
        }
    }

    fn counts(&mut self, tag: &[u8], _: Option<Time>) -> bool {
        self.filter.wants(tag)
    }

    fn knows(&self, tag: &[u8]) -> bool {
        self.filter.knows(tag)
    }

    fn fork(&self) -> Option<Self> {
        Some(Self {
            filter: self.filter.clone(),
            rules: Arc::clone(&self.rules),
            known: self.known.clone(),
            traffic: Traffic::default(),
        })
    }

    fn join(&mut self, later: Self) {
        self.filter.join(later.filter);
        self.traffic.join(later.traffic);
    }
}

impl LogScope for TrafficSink<'_> {
    fn scope(&mut self, scope: Scope) {
        self.filter.scope(scope);
    }
}

/// What was read of the logs.
pub(crate) struct Deliveries {
    pub(crate) traffic: Traffic,
    /// Was no delivery counted?
    pub(crate) is_empty: bool,
    /// Is one of the instances met of the catch-all relay?
    pub(crate) has_the_rest: bool,
    /// Of each log.
    pub(crate) readings: Vec<Reading>,
    /// The instances that are in them, by their tags.
    pub(crate) seen: BTreeSet<Vec<u8>>,
}

/// Reads the logs.
///
/// # Errors
/// One cannot be read.
pub(crate) fn read(
    cx: &Context,
    inputs: &Inputs,
    window: Window,
    selection: &Selection<'_>,
    rules: &Arc<Rules>,
) -> anyhow::Result<Deliveries> {
    let mut sink = TrafficSink {
        filter: Filter::new(selection),
        rules: Arc::clone(rules),
        known: HashMap::new(),
        traffic: Traffic::default(),
    };
    let progress = cx.progress_bytes("reading logs", inputs.size());
    let advance = |bytes| progress.advance(bytes);
    let wanted = Wanted {
        relays: true,
        ..Wanted::default()
    };
    let options = cx.site().read_options(window.range(), wanted, &advance);
    let readings = inputs.read(&options, &mut sink)?;
    drop(progress);
    Ok(Deliveries {
        is_empty: sink.traffic.is_empty(),
        has_the_rest: sink.known.values().any(|of_the_rest| *of_the_rest),
        seen: sink.filter.seen(),
        traffic: sink.traffic,
        readings,
    })
}

/// The hosts that show whether a delivery goes through the catch-all relay: its name, and what the instances have
/// as relayhost; and the relays of all others.
fn via_the_rest(providers: &Providers, site: &str, host: &Host) -> ViaTheRest {
    let name =
        |id: &knowledge::providers::Provider| id.relay_at(site).to_ascii_lowercase().into_bytes();
    let rest = name(providers.get(providers.the_rest()));
    let mut others: BTreeSet<Vec<u8>> = providers.all().iter().map(name).collect();
    others.remove(&rest);
    let mut relays = BTreeSet::from([rest]);
    for instance in host.instances() {
        let relayhost = Route::parse(&format!("smtp:{}", instance.get("relayhost")));
        let hosts = relayhost.hops.into_iter().map(|hop| hop.host.into_bytes());
        relays.extend(hosts.filter(|host| !others.contains(host)));
    }
    ViaTheRest { relays, others }
}
