//! `check`: is the map in use, whole and right?

use std::collections::BTreeMap;

use cli::{Context, Outcome};
use figures::verdict::{Level, Perf, Verdict};
use globset::GlobSetBuilder;
use postfix::Problem;
use postfix::config::{Instance, Parameters, ServiceType};
use transport::Hop;
use transport::audit::{
    self, Asks, AuditRow, Doubt, Grade, HostState, Input, Live, PortState, RelayHost, Service,
    SharedBy, Table, audit, choose,
};
use transport::render::audit as render;

use crate::args::{Check, CheckFormat};
use crate::site::{self, Table as ProviderTable};
use crate::{gather, networks, ports, relay_hosts, rewrite};

pub(crate) fn run(args: &Check, cx: &Context) -> anyhow::Result<Outcome> {
    let host = host::instances::discover(cx.site());
    let instance = host::instances::select_one(cx.site(), &host, &args.instance)?;
    let table = ProviderTable::load(cx, &args.map)?;
    let site = site::domain(cx, &args.map, &host)?;
    let wanted = site::map(cx, &args.map, &table, &site)?;
    let (routing, called) = rewrite::parameters(cx, instance);
    let parents = routing.list("parent_domain_matches_subdomains");
    let parents_match = parents.iter().any(|name| name == "transport_maps");
    let (tables, broken) = gather::tables(cx, instance, &routing, &wanted, parents_match);
    let ours = match &args.table {
        Some(asked) => tables.iter().position(|table| is_called(table, asked)),
        None => choose(&wanted, &tables, parents_match),
    };
    let transports = transports(cx, instance);
    let relays = match ours.and_then(|at| tables.get(at)) {
        Some(table) if !args.no_dns => Relays::look_at(cx, args, instance, table, &transports)?,
        _ => Relays::default(),
    };
    let live = match ours {
        Some(_) => rewrite::ask(cx, instance, &wanted, &tables),
        // What it would say of a map that is not in use says nothing, and it may be waited for.
        None => Live::NotAsked("no map is in use".to_owned()),
    };
    let accepted = accepted(args)?;
    let rows = audit(&Input {
        wanted: &wanted,
        providers: &table.providers,
        instance: &called,
        broken,
        tables,
        ours,
        asked: args.table.clone(),
        fallback: fallback(&routing),
        parents_match,
        transports,
        detours: host::detours::look_at(
            cx.root(),
            instance,
            &wanted.lines.keys().cloned().collect(),
        ),
        live,
        is_accepted: &|key| accepted.is_match(key),
        hosts: relays.hosts,
        shared: relays.shared,
        doubts: relays.doubts,
        ports: relays.ports,
        networks: networks::look_at(cx, args, instance, &table.providers)?,
    });
    show(args, cx, instance, &rows)
}

/// What was found of the relays that the map leads to; nothing where nobody asked ([`Input`]).
#[derive(Default)]
struct Relays {
    hosts: Option<BTreeMap<RelayHost, HostState>>,
    shared: BTreeMap<String, SharedBy>,
    doubts: BTreeMap<String, Doubt>,
    ports: Option<BTreeMap<(Hop, Asks), PortState>>,
}

impl Relays {
    /// Asks the DNS, and their ports.
    fn look_at(
        cx: &Context,
        args: &Check,
        instance: &Instance,
        table: &Table,
        transports: &Option<BTreeMap<String, Service>>,
    ) -> anyhow::Result<Self> {
        let hosts = audit::hosts(table, transports.as_ref());
        let found = relay_hosts::look_up(cx, &args.resolver, instance, &hosts)?;
        let hops = audit::asked(table, transports.as_ref());
        // An image's relays are not this machine's to connect to.
        let ports = cx.root().is_this_host().then(|| {
            let asks = args.ask_relays.then_some(table);
            ports::look_at(cx, instance, &hops, &found.states, asks)
        });
        Ok(Self {
            hosts: Some(found.states),
            shared: found.shared,
            doubts: found.doubts,
            ports,
        })
    }
}

fn is_called(table: &Table, asked: &str) -> bool {
    let name = &table.name;
    name.to_string() == asked
        || name.name == asked
        || format!("{}:{}", name.kind, name.name) == asked
}

fn accepted(args: &Check) -> anyhow::Result<globset::GlobSet> {
    let mut globs = GlobSetBuilder::new();
    for glob in &args.accept {
        globs.add(glob.clone());
    }
    Ok(globs.build()?)
}

/// The services of master.cf; `None` if it cannot be read.
fn transports(cx: &Context, instance: &Instance) -> Option<BTreeMap<String, Service>> {
    let services = instance.services(cx.root()).value;
    let deferred = instance.parameters().list("defer_transports");
    // Delivery agents are asked by their sockets in private/.
    let all = services
        .services()
        .iter()
        .filter(|service| service.kind == ServiceType::Unix);
    let all = all.map(|service| {
        let own = instance.parameters().of_service(service);
        let known = Service {
            command: service.command.clone(),
            srv: own.list("use_srv_lookup"),
            is_deferred: deferred.contains(&service.name),
            falls_back: own.bool("allow_srv_lookup_fallback") == Some(true),
        };
        (service.name.clone(), known)
    });
    let all: BTreeMap<String, Service> = all.collect();
    (!all.is_empty()).then_some(all)
}

/// Where mail goes that no table has an answer for, as a right-hand side.
fn fallback(routing: &Parameters) -> String {
    let transport = routing.get("default_transport");
    match routing.get("relayhost") {
        _ if transport.contains(':') => transport,
        relayhost => format!("{transport}:{relayhost}"),
    }
}

fn show(
    args: &Check,
    cx: &Context,
    instance: &Instance,
    rows: &[AuditRow],
) -> anyhow::Result<Outcome> {
    let problems = instance.problems();
    if args.check {
        return cx.verdict(&verdict(rows, problems));
    }
    let unread = problems.iter().map(|_| Grade::Unknown);
    let worst = rows.iter().map(|row| row.outcome).chain(unread).max();
    let worst = worst.unwrap_or(Grade::Unknown);
    cx.print_with(|out| match args.format {
        CheckFormat::Table => {
            let drawn = render::draw_audit(rows, cx.is_verbose(), cx.table_style());
            out.extend_from_slice(drawn.as_bytes());
            Ok(())
        }
        CheckFormat::Json => {
            let names = (cx.host(), instance.name());
            render::write_as_json(out, names, rows, worst, problems)
        }
        CheckFormat::Csv => render::write_as_csv(out, rows),
    })?;
    cx.problems(problems);
    Ok(Outcome::Checked(level(worst)))
}

/// The answer of `--check`: what could not be read is a finding like any other.
fn verdict(rows: &[AuditRow], problems: &[Problem]) -> Verdict {
    let unread = problems
        .iter()
        .map(|problem| (Level::Unknown, problem.to_string()));
    let found = rows
        .iter()
        .map(|row| (level(row.outcome), render::line(row)));
    let fine = || {
        let row = rows.iter().find(|row| row.check == audit::Check::Domains);
        row.map_or_else(|| "in order".to_owned(), |row| row.text.clone())
    };
    let perf = [Grade::Critical, Grade::Warning, Grade::Unknown].map(|outcome| {
        let n = rows.iter().filter(|row| row.outcome == outcome).count();
        Perf::count(
            outcome.as_str(),
            u32::try_from(n).map_or(f64::MAX, f64::from),
        )
    });
    Verdict::of(unread.chain(found).collect(), fine, perf.to_vec())
}

fn level(outcome: Grade) -> Level {
    match outcome {
        Grade::Skipped | Grade::Ok => Level::Ok,
        Grade::Warning => Level::Warning,
        Grade::Unknown => Level::Unknown,
        Grade::Critical => Level::Critical,
    }
}
