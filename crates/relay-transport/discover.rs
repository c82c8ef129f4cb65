//! `discover`: domains that go through the catch-all relay, though a provider hosts them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use cli::{Context, Outcome};
use figures::bounds::OTHER_INSTANCES;
use host::logs::{Filter, Inputs, LogScope, Selection, gaps, warn_empty, warn_unread};
use knowledge::providers::Providers;
use postfix::Time;
use postfix::config::Host;
use postfix::log::{Event, Reading, Scope, Sink, Wanted};
use postfix::{Problem, count, either, escape};
use transport::discover::{Evidence, Judged, NewDomain, Traffic, ViaTheRest, by_exchangers, sort};
use transport::render::discover::{self as render, Discovery};
use transport::{Route, Style};

use crate::args::{Discover, DiscoverFormat};
use crate::existing::{self, Questions};
use crate::mx;
use crate::site::{self, Table};

pub(crate) fn run(args: &Discover, cx: &Context) -> anyhow::Result<Outcome> {
    let window = args.window.window(cx.now(), cx.zone())?;
    let host = host::instances::discover(cx.site());
    let names = &args.instances.instances;
    let foreign = args.logs.source().is_named();
    let selection = Selection::new(cx.site(), &host, names, foreign)?;
    let table = Table::load(cx, &args.map)?;
    let site = site::domain(cx, &args.map, &host)?;
    site::known_providers(&args.map, &table)?;
    let inputs = Inputs::choose(&args.logs.source(), cx.site(), &host, &selection, window)?;
    let rules = Arc::new(Rules {
        via: via_the_rest(&table.providers, &site, &host.value),
        named: !names.is_empty(),
        looks_at_all: !host.value.instances().iter().any(|instance| {
            table.providers.of_instance(instance.name()) == Some(table.providers.the_rest())
        }),
        syslog_names: host
            .value
            .instances()
            .iter()
            .map(|i| (i.syslog_name().as_bytes().to_vec(), i.name().to_owned()))
            .collect(),
        providers: table.providers.clone(),
    });
    let (read, readings, seen) = read(cx, &inputs, window, &selection, &rules)?;
    selection.check_all_seen(&seen)?;
    let gaps = gaps(&readings);
    let unread = readings.iter().map(|r| r.seen.unread.lines);
    let unread = unread.fold(0, u64::saturating_add);
    let mut problems: Vec<Problem> = readings.into_iter().flat_map(|r| r.problems).collect();
    if !foreign {
        problems.extend(host.problems.iter().cloned());
    }
    let of_the_rest = read.known.iter().any(|(_, of_the_rest)| *of_the_rest);
    let is_empty = read.traffic.is_empty();
    let mut judged = read.traffic.judge(&rules.providers);
    // What is too small to be shown is not to be looked up either.
    judged.open.retain(|open| open.counts.total() >= args.min);
    let mut left_out = report(cx, &judged);
    warn_empty(cx.site(), &gaps);
    if warn_unread(cx.site(), unread, &gaps) {
        let what = format!("{} could not be read", count(unread, "delivery line"));
        left_out.push(what);
    }
    if is_empty && !of_the_rest {
        let what = nothing_seen(&seen);
        cx.warn(&what);
        // Instances that deliver, and were passed over.
        left_out.extend((!seen.is_empty()).then_some(what));
    }
    let mut found = judged.found;
    let mut open = judged.open.len();
    if args.mx.mx {
        let answers = mx::look_up(cx, &args.mx, &judged.open)?;
        left_out.extend(answers.missing);
        for domain in judged.open {
            let Some(exchangers) = answers.known.get(&domain.domain) else {
                continue;
            };
            open -= 1;
            if let Some((provider, host)) = by_exchangers(&rules.providers, exchangers) {
                found.push(NewDomain {
                    domain: domain.domain,
                    provider,
                    by: Evidence::Mx(host),
                    counts: domain.counts,
                });
            }
        }
        sort(&mut found);
    } else if open > 0 {
        cx.warn(format!(
            "the logs do not show which provider {open} {} belong to: use --mx to ask the DNS",
            if open == 1 { "domain" } else { "domains" }
        ));
    }
    found.retain(|found| is_wanted(args, &rules.providers, &site, found));
    found.truncate(args.top.unwrap_or(usize::MAX));
    // Logs that are named may be another host's, whose DNS is not this one's.
    let questions = match cx.root().is_this_host() && !foreign && !found.is_empty() {
        true => Some(Questions {
            servers: host::resolvers::servers(args.mx.resolver).unwrap_or_default(),
            timeout: args.mx.timeout.duration(),
        }),
        false => None,
    };
    let of_found = found
        .iter()
        .map(|found| rules.providers.get(found.provider).name.clone());
    let of_found: BTreeSet<String> = of_found.collect();
    let known = existing::known(cx, &args.map, &table, &site, questions, Some(&of_found))?;
    let name = |id| rules.providers.get(id).name.as_str();
    found.retain(|found| !known.missing.contains(name(found.provider)));
    left_out.extend(known.left_out);
    let style = Style {
        shared: known.shared,
        ..args.map.style()
    };
    let missing: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let discovery = Discovery {
        providers: &rules.providers,
        site: &site,
        style: &style,
        found,
        open,
        host: cx.host(),
        unknown: &known.unknown,
        missing: [missing, left_out].concat(),
    };
    show(args, cx, &discovery)?;
    cx.problems(&problems);
    Ok(match discovery.missing.is_empty() {
        true => Outcome::Done,
        false => Outcome::Partial,
    })
}

/// That no delivery was looked at, and whose there are.
fn nothing_seen(seen: &BTreeSet<Vec<u8>>) -> String {
    let names: Vec<String> = seen.iter().map(|name| escape(name).to_string()).collect();
    let whose = match names.as_slice() {
        [] => "no instance is in them".to_owned(),
        names => format!("they have {}", names.join(", ")),
    };
    format!(
        "the logs have no delivery of or to the relay for the rest: {whose}; relay-transport discover INSTANCE looks \
         at one by name"
    )
}

/// Is it asked for, and does it belong elsewhere at all? A provider's relay may be the catch-all relay.
fn is_wanted(args: &Discover, providers: &Providers, site: &str, found: &NewDomain) -> bool {
    let relay = |id| providers.get(id).relay_at(site).to_lowercase();
    if relay(found.provider) == relay(providers.the_rest()) {
        return false;
    }
    let name = &providers.get(found.provider).name;
    let is_named = |wanted: &String| wanted.eq_ignore_ascii_case(name);
    let of_provider = args.map.provider.is_empty() || args.map.provider.iter().any(is_named);
    of_provider && found.counts.total() >= args.min
}

fn show(args: &Discover, cx: &Context, discovery: &Discovery<'_>) -> anyhow::Result<()> {
    cx.print_with(|out| match args.format {
        DiscoverFormat::Table => render::write_as_table(out, discovery, cx.table_style()),
        DiscoverFormat::Map => render::write_as_map(out, discovery),
        DiscoverFormat::Toml => render::write_as_toml(out, discovery),
        DiscoverFormat::Json => render::write_as_json(out, discovery),
        DiscoverFormat::Csv => render::write_as_csv(out, discovery),
    })
}

/// Tells what of the logs is in no figure, a sentence each.
fn report(cx: &Context, judged: &Judged) -> Vec<String> {
    let mut missing = Vec::new();
    if judged.refused_count > 0 {
        let more = judged.refused_count - judged.refused.len();
        let more = match more {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        missing.push(format!(
            "left out, because a map cannot hold them: {}{more}",
            judged.refused.join(", ")
        ));
    }
    if judged.untold > 0 {
        missing.push(format!(
            "{} to rare domains {} not looked at: there are more domains than are kept distinct",
            count(judged.untold, "delivery"),
            either(judged.untold, "was", "were")
        ));
    }
    missing.iter().for_each(|text| cx.warn(text));
    missing
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

/// Names that are remembered: in another host's log, they may be made up without number.
const MOST_KNOWN: usize = 4096;

/// What decides whose deliveries count.
struct Rules {
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

/// Reads the logs: the deliveries, what was read of each, and the instances that are in them.
fn read<'a>(
    cx: &Context,
    inputs: &Inputs,
    window: postfix::Window,
    selection: &'a Selection<'a>,
    rules: &Arc<Rules>,
) -> anyhow::Result<(TrafficSink<'a>, Vec<Reading>, BTreeSet<Vec<u8>>)> {
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
    let seen = sink.filter.seen();
    Ok((sink, readings, seen))
}
