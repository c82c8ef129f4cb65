//! relay-instances: which instance sends from which IP, and is its DNS in order?
//!
//! Config → instances → machine, DNS → findings → renderer: crate inventory knows what to ask the machine and the
//! DNS, `verdict` how `--check` puts it.

mod args;
mod detours;
mod mode;
mod output;
mod verdict;

use std::path::Path;
use std::process::ExitCode;

use cli::{Context, Outcome};
use figures::instances::{Facts, Finding, Kind, Listing, findings};
use figures::verdict::Level;
use host::lookups::Questions;
use knowledge::providers::Providers;
use postfix::config::{Host, Instance};
use postfix::{Parsed, Problem};

use args::Args;
use mode::Mode;
use output::Format;

fn main() -> ExitCode {
    cli::run(work)
}

fn work(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    let mode = Mode::of(args);
    cx.takes_only(mode.name(), &[Mode::EITHER, mode.takes()])?;
    let host = host::instances::discover(cx.site());
    let chosen = host::instances::select_some(cx.site(), &host, &args.instances.instances)?;
    let mut seen = HostFacts::gather(cx, args, &host, &chosen)?;
    let providers = host::tables::providers(cx.site())?;
    let of_dns = match args.check_dns {
        true => ask_dns(cx, args, &providers, &mut seen)?,
        false => Vec::new(),
    };
    let (filtered, of_filters) = filters(cx, &host.value)?;
    let mut findings = findings(&seen.all);
    findings.extend(of_dns);
    findings.extend(of_filters);
    findings.extend(of_detours(cx, args, &host.value, &providers, &seen)?);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    findings.retain(|finding| seen.is_concerned(finding));
    let instances: Vec<Facts> = seen.shown().cloned().collect();
    let problems = seen.problems;
    match mode {
        Mode::Check => {
            findings.extend(unread(&host.value, &problems));
            let filtered = instances.iter().filter(|one| filtered.contains(&one.name));
            let filtered = filtered.count();
            let verdict = verdict::judge(cx, args, &instances, (&findings, filtered));
            cx.verdict(&verdict)
        }
        Mode::Listing(format) => {
            let listing = Listing {
                host: cx.host().to_owned(),
                time: cx.now(),
                zone: cx.zone(),
                instances,
                findings,
                limits: Vec::new(),
                problems,
            };
            show(cx, args.wide, format, with_limits(cx, &chosen, listing))
        }
    }
}

/// What was read of the host.
struct HostFacts {
    /// All its instances: two may claim the same thing, of which only one is asked for.
    all: Vec<Facts>,
    /// Which of these are shown: their places in `all`.
    places: Vec<usize>,
    /// What could not be read of those that are shown.
    problems: Vec<Problem>,
}

impl HostFacts {
    fn gather(
        cx: &Context,
        args: &Args,
        host: &Parsed<Host>,
        chosen: &[&Instance],
    ) -> anyhow::Result<Self> {
        let instances = host.value.instances();
        // Of an image, only where it is shown: what master.cf lists is half of nothing without the machine.
        let with_services = args.wants_services() || cx.root().is_this_host();
        let found = host::machine::gather(cx.site(), instances, with_services)?;
        let mut seen = Self {
            all: Vec::new(),
            places: Vec::new(),
            problems: Vec::new(),
        };
        for (instance, (facts, own)) in instances.iter().zip(found) {
            if chosen.iter().any(|other| std::ptr::eq(*other, instance)) {
                seen.places.push(seen.all.len());
                seen.problems.extend(own);
            }
            seen.all.push(facts);
        }
        // Those of main.cf: of all instances where all are asked for, since one that cannot be read has no name.
        if chosen.len() == instances.len() {
            seen.problems.extend_from_slice(&host.problems);
        } else {
            let own = chosen.iter().flat_map(|one| one.problems().to_vec());
            seen.problems.extend(own);
        }
        Ok(seen)
    }

    fn shown(&self) -> impl Iterator<Item = &Facts> {
        self.places.iter().filter_map(|&at| self.all.get(at))
    }

    /// Is it about one of the instances that are shown?
    fn is_concerned(&self, finding: &Finding) -> bool {
        self.shown()
            .any(|facts| finding.instances.contains(&facts.name))
    }
}

/// Asks the DNS about the addresses and names of the instances that are shown: the answers stand with the facts. What
/// is found beyond these.
fn ask_dns(
    cx: &Context,
    args: &Args,
    providers: &Providers,
    seen: &mut HostFacts,
) -> anyhow::Result<Vec<Finding>> {
    let questions = Questions {
        servers: host::resolvers::servers(args.resolver)?,
        domain: args.domain.clone(),
        timeout: args.timeout.duration(),
    };
    let (all, places) = (&mut seen.all, &seen.places);
    host::lookups::ask(cx.site(), questions.clone(), providers, all, places);
    let mut found = host::relay_names::look_at(cx.site(), questions, providers, all, places);
    found.extend(seen.shown().filter_map(Facts::without_address));
    Ok(found)
}

/// Of the instances that are shown, the mail that they do not send as their transports say.
fn of_detours(
    cx: &Context,
    args: &Args,
    host: &Host,
    providers: &Providers,
    seen: &HostFacts,
) -> anyhow::Result<Vec<Finding>> {
    let mut accepted = globset::GlobSetBuilder::new();
    for glob in &args.accept {
        accepted.add(glob.clone());
    }
    let accepted = accepted.build()?;
    let all: Vec<(&Instance, &Facts)> = host.instances().iter().zip(&seen.all).collect();
    let shown = seen.places.iter().filter_map(|&at| all.get(at).copied());
    Ok(shown
        .flat_map(|of| detours::of(cx, of, providers, &accepted))
        .collect())
}

/// With the limits that relay-limit holds at the `chosen` instances. They are reported too.
fn with_limits(cx: &Context, chosen: &[&Instance], mut listing: Listing) -> Listing {
    if !cx.root().is_this_host() {
        cx.warn("--root: what is running on another host, and which of its interfaces has which address, is not known");
    }
    let marks = limits::Marks::read(cx.root(), cx.now());
    let directories: Vec<&Path> = chosen.iter().map(|i| i.config_directory()).collect();
    for line in marks.lines(&directories) {
        cx.warn(format!("{line}; relay-limit list shows more"));
    }
    listing.limits = marks.held(&directories);
    listing.problems.extend(marks.problems);
    listing
}

fn show(cx: &Context, is_wide: bool, format: Format, listing: Listing) -> anyhow::Result<Outcome> {
    cx.print_with(|out| output::render(out, format, cx, &listing, is_wide))?;
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

/// To a monitoring system, what could not be read is a finding like any other; with what is refused, Postfix does not
/// run.
fn unread(host: &Host, problems: &[Problem]) -> Vec<Finding> {
    let refused = host.instances().iter().flat_map(Instance::refusals);
    let refused: Vec<&Problem> = refused.collect();
    let finding = |problem: &Problem| Finding {
        level: match refused.contains(&problem) {
            true => Level::Critical,
            false => Level::Unknown,
        },
        kind: Kind::Configuration,
        instances: Vec::new(),
        text: problem.to_string(),
    };
    problems.iter().map(finding).collect()
}
