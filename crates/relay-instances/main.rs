//! relay-instances: which instance sends from which IP, and is its DNS in order?
//!
//! Config → instances → machine, DNS → findings → renderer: crate inventory knows what to ask the machine and the
//! DNS, `verdict` how `--check` puts it.

mod args;
mod detours;
mod mode;
mod verdict;

use std::path::Path;
use std::process::ExitCode;

use cli::{Context, Outcome};
use figures::instances::{Facts, Finding, Kind, Listing, findings};
use figures::verdict::Level;
use host::lookups::Questions;
use postfix::Problem;
use postfix::config::{Host, Instance};
use show::instances::{csv, json, table, text};

use args::{Args, Format};
use mode::Mode;

fn main() -> ExitCode {
    cli::run(work)
}

fn work(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    let mode = Mode::of(args);
    cx.takes_only(mode.name(), &[Mode::EITHER, mode.takes()])?;
    let host = host::instances::discover(cx.site());
    let chosen = host::instances::select_some(cx.site(), &host, &args.instances.instances)?;
    // All of them: two may claim the same, of which only one is asked for.
    // Of an image, only where it is shown: what master.cf lists is half of nothing without the machine.
    let with_services = args.wants_services() || cx.root().is_this_host();
    let found = host::machine::gather(cx.site(), host.value.instances(), with_services)?;
    let is_chosen = |instance: &Instance| chosen.iter().any(|other| std::ptr::eq(*other, instance));
    let (mut all, mut problems) = (Vec::new(), Vec::new());
    let mut shown = Vec::new();
    for (instance, (facts, own)) in host.value.instances().iter().zip(found) {
        if is_chosen(instance) {
            shown.push(all.len());
            problems.extend(own);
        }
        all.push(facts);
    }
    // Those of main.cf: of all instances where all are asked for, since one that cannot be read has no name.
    if chosen.len() == host.value.instances().len() {
        problems.extend_from_slice(&host.problems);
    } else {
        problems.extend(
            chosen
                .iter()
                .flat_map(|instance| instance.problems().to_vec()),
        );
    }
    let providers = host::tables::providers(cx.site())?;
    let mut of_names = Vec::new();
    if args.check_dns {
        let questions = Questions {
            servers: host::resolvers::servers(args.resolver)?,
            domain: args.domain.clone(),
            timeout: args.timeout.duration(),
        };
        host::lookups::ask(cx.site(), questions.clone(), &providers, &mut all, &shown);
        of_names = host::relay_names::look_at(cx.site(), questions, &providers, &all, &shown);
    }
    let mut findings = findings(&all);
    findings.extend(of_names);
    if args.check_dns {
        let unset = shown
            .iter()
            .filter_map(|&at| all.get(at)?.without_address());
        findings.extend(unset);
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    }
    let (filtered, of_filters) = filters(cx, &host.value)?;
    findings.extend(of_filters);
    let mut accepted = globset::GlobSetBuilder::new();
    for glob in &args.accept {
        accepted.add(glob.clone());
    }
    let accepted = accepted.build()?;
    for of in host.value.instances().iter().zip(&all) {
        if is_chosen(of.0) {
            findings.extend(detours::of(cx, of, &providers, &accepted));
        }
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    findings.retain(|finding| concerns(finding, &all, &shown));
    let instances: Vec<Facts> = shown
        .iter()
        .filter_map(|&at| all.get(at).cloned())
        .collect();
    let Mode::Listing(format) = mode else {
        let refused: Vec<&Problem> = host
            .value
            .instances()
            .iter()
            .flat_map(Instance::refusals)
            .collect();
        findings.extend(
            problems
                .iter()
                .map(|problem| unread(problem, refused.contains(&problem))),
        );
        let filtered = instances.iter().filter(|one| filtered.contains(&one.name));
        let filtered = filtered.count();
        let verdict = verdict::judge(cx, args, &instances, (&findings, filtered));
        return cx.verdict(&verdict);
    };
    if !cx.root().is_this_host() {
        cx.warn("--root: what is running on another host, and which of its interfaces has which address, is not known");
    }
    let marks = limits::Marks::read(cx.root(), cx.now());
    let directories: Vec<&Path> = chosen.iter().map(|i| i.config_directory()).collect();
    for line in marks.lines(&directories) {
        cx.warn(format!("{line}; relay-limit list shows more"));
    }
    let limits = marks.held(&directories);
    problems.extend(marks.problems);
    let listing = Listing {
        host: cx.host().to_owned(),
        time: cx.now(),
        zone: cx.zone(),
        instances,
        findings,
        limits,
        problems,
    };
    cx.print_with(|out| match format {
        Format::Table => {
            let drawn = table::draw_instances(&listing, args.wide, cx.table_style());
            out.extend_from_slice(drawn.as_bytes());
            Ok(())
        }
        Format::Text => text::write(out, &listing, args.wide),
        Format::Json => json::write(out, &listing),
        Format::Csv => csv::write(out, &listing),
    })?;
    cx.problems(&listing.problems);
    let is_unknown = |finding: &Finding| finding.level == Level::Unknown;
    if listing.findings.iter().any(is_unknown) {
        return Ok(Outcome::Partial);
    }
    Ok(Outcome::Done)
}

/// The instances at which 5xx blocks are deferred, and what is wrong with tables that are to do so.
fn filters(cx: &Context, host: &Host) -> anyhow::Result<(Vec<String>, Vec<Finding>)> {
    let reasons = host::tables::reasons(cx.site())?;
    let (mut in_force, mut found) = (Vec::new(), Vec::new());
    for instance in host.instances() {
        let name = instance.name().to_owned();
        match limits::filter::state(cx.root(), instance, &reasons) {
            limits::filter::State::None => {}
            limits::filter::State::InForce => in_force.push(name),
            limits::filter::State::Wrong(level, what) => found.push(Finding {
                level,
                kind: Kind::Configuration,
                text: format!("{name}: {what}"),
                instances: vec![name],
            }),
        }
    }
    Ok((in_force, found))
}

/// Is it about one of the instances that are shown?
fn concerns(finding: &Finding, all: &[Facts], shown: &[usize]) -> bool {
    let mut names = shown
        .iter()
        .filter_map(|&at| all.get(at))
        .map(|facts| &facts.name);
    names.any(|name| finding.instances.contains(name))
}

/// To a monitoring system, what could not be read is a finding like any other; with what is `refused`, Postfix does not
/// run.
fn unread(problem: &Problem, refused: bool) -> Finding {
    Finding {
        level: match refused {
            true => Level::Critical,
            false => Level::Unknown,
        },
        kind: Kind::Configuration,
        instances: Vec::new(),
        text: problem.to_string(),
    }
}
