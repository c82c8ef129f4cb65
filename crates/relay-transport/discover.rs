//! `discover`: domains that go through the catch-all relay, though a provider hosts them.

use std::collections::BTreeSet;
use std::sync::Arc;

use cli::{Context, Outcome};
use host::logs::{Inputs, Selection, gaps, warn_empty, warn_unread};
use knowledge::providers::Providers;
use postfix::{Problem, count, either, escape};
use transport::Style;
use transport::discover::{Evidence, Judged, NewDomain, Open, by_exchangers, sort};
use transport::render::discover::{self as render, Discovery};

use crate::args::{Discover, DiscoverFormat};
use crate::deliveries::{self, Deliveries, Rules};
use crate::existing::{self, Questions};
use crate::mx;
use crate::site::{self, Relays, Table};

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
    let providers = &table.providers;
    let rules = Rules::of(&host.value, providers, &site, !names.is_empty());
    let mut read = deliveries::read(cx, &inputs, window, &selection, &Arc::new(rules))?;
    selection.check_all_seen(&read.seen)?;
    let traffic = std::mem::take(&mut read.traffic);
    let mut judged = traffic.judge(providers);
    // What is too small to be shown is not to be looked up either.
    judged.open.retain(|open| open.counts.total() >= args.min);
    let mut left_out = report(cx, &judged);
    left_out.extend(report_unread(cx, &read));
    let mut found = judged.found;
    let (open, not_looked_up) = add_by_mx(cx, args, providers, judged.open, &mut found)?;
    left_out.extend(not_looked_up);
    found.retain(|found| is_wanted(args, providers, &site, found));
    found.truncate(args.top.unwrap_or(usize::MAX));
    let relays = relays(cx, args, &table, &site, &found, foreign)?;
    let name = |id| providers.get(id).name.as_str();
    found.retain(|found| !relays.missing.contains(name(found.provider)));
    left_out.extend(relays.left_out);
    let mut problems: Vec<Problem> = read.readings.into_iter().flat_map(|r| r.problems).collect();
    if !foreign {
        problems.extend(host.problems.iter().cloned());
    }
    let missing: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let style = Style {
        shared: relays.shared,
        ..args.map.style()
    };
    let discovery = Discovery {
        providers,
        site: &site,
        style: &style,
        found,
        open,
        host: cx.host(),
        unknown: &relays.unknown,
        missing: [missing, left_out].concat(),
    };
    show(args, cx, &discovery)?;
    cx.problems(&problems);
    Ok(match discovery.missing.is_empty() {
        true => Outcome::Done,
        false => Outcome::Partial,
    })
}

/// Reports what the logs do not have: stretches of time, lines, deliveries through the catch-all relay. A text for each
/// that makes the result partial.
fn report_unread(cx: &Context, read: &Deliveries) -> Vec<String> {
    let mut left_out = Vec::new();
    let gaps = gaps(&read.readings);
    warn_empty(cx.site(), &gaps);
    let unread = read.readings.iter().map(|r| r.seen.unread.lines);
    let unread = unread.fold(0, u64::saturating_add);
    if warn_unread(cx.site(), unread, &gaps) {
        let what = format!("{} could not be read", count(unread, "delivery line"));
        left_out.push(what);
    }
    if read.is_empty && !read.has_the_rest {
        let what = nothing_seen(&read.seen);
        cx.warn(&what);
        // Instances that deliver, and were passed over.
        left_out.extend((!read.seen.is_empty()).then_some(what));
    }
    left_out
}

/// Asks the DNS, with --mx, whose the `open` domains are: those that a provider has are added to `found`. How many
/// remain open, and what could not be looked up; that has been reported.
fn add_by_mx(
    cx: &Context,
    args: &Discover,
    providers: &Providers,
    open: Vec<Open>,
    found: &mut Vec<NewDomain>,
) -> anyhow::Result<(usize, Vec<String>)> {
    let mut left = open.len();
    if !args.mx.mx {
        if left > 0 {
            cx.warn(format!(
                "the logs do not show which provider {left} {} belong to: use --mx to ask the DNS",
                if left == 1 { "domain" } else { "domains" }
            ));
        }
        return Ok((left, Vec::new()));
    }
    let answers = mx::look_up(cx, &args.mx, &open)?;
    for Open { domain, counts } in open {
        let Some(exchangers) = answers.known.get(&domain) else {
            continue;
        };
        left -= 1;
        if let Some((provider, host)) = by_exchangers(providers, exchangers) {
            found.push(NewDomain {
                domain,
                provider,
                by: Evidence::Mx(host),
                counts,
            });
        }
    }
    sort(found);
    Ok((left, answers.missing))
}

/// Which relays of the providers of the `found` domains exist.
fn relays(
    cx: &Context,
    args: &Discover,
    table: &Table,
    site: &str,
    found: &[NewDomain],
    foreign: bool,
) -> anyhow::Result<Relays> {
    // Logs that are named may be another host's, whose DNS is not this one's.
    let questions = match cx.root().is_this_host() && !foreign && !found.is_empty() {
        true => Some(Questions {
            servers: host::resolvers::servers(args.mx.resolver).unwrap_or_default(),
            timeout: args.mx.timeout.duration(),
        }),
        false => None,
    };
    let name = |found: &NewDomain| table.providers.get(found.provider).name.clone();
    let of_found: BTreeSet<String> = found.iter().map(name).collect();
    existing::known(cx, &args.map, table, site, questions, Some(&of_found))
}

/// That no delivery was looked at, and whose there are.
fn nothing_seen(seen: &BTreeSet<Vec<u8>>) -> String {
    let names: Vec<String> = seen.iter().map(|name| escape(name).to_string()).collect();
    let whose = match names.as_slice() {
        [] => "no instance is in them".to_owned(),
        names => format!("they have {}", names.join(", ")),
    };
    format!(
        "the logs have no delivery of or to the catch-all relay: {whose}; relay-transport discover INSTANCE looks \
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

/// Reports what of the logs is in no figure: a sentence each.
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
    if judged.indistinct > 0 {
        missing.push(format!(
            "{} to rare domains {} not looked at: there are more domains than are kept distinct",
            count(judged.indistinct, "delivery"),
            either(judged.indistinct, "was", "were")
        ));
    }
    missing.iter().for_each(|text| cx.warn(text));
    missing
}
