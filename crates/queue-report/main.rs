//! What is in a Postfix instance's mailq, and why is it stuck?
//!
//! Glue: `args` what is asked for, `mode` what that amounts to, `spools` which directories to read, `reading` how, then
//! either `streaming`, or figures and their rendering here.

mod args;
mod mode;
mod pace;
mod reading;
mod spools;
mod streaming;

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use cli::{Context, Failure, Outcome, Stream};
use figures::advice::Refusal;
use figures::held::Held;
use figures::instances::Trouble;
use figures::queue::{Dimension, Frame, Order, Report, Settings, Tally};
use host::pool::Shards;
use knowledge::reasons::Cache;
use legible::wrap::Folding;
use postfix::config::Instance;
use postfix::queue::{Queue, Selector};
use postfix::{Problem, Span, Time};
use show::queue::{csv, json, jsonl, table, text};

use args::Args;
use mode::{Listing, Mode, Whole};
use reading::read;
use spools::InstanceSpool;

/// Tallies that the threads of a scan fill: more than one, so that they seldom wait for each other.
const SHARDS: usize = 8;

fn main() -> ExitCode {
    cli::run(work)
}

/// The limits that hold of the instances, which are named on standard error, too.
fn limits_held(cx: &Context, instances: &[&Instance], problems: &mut Vec<Problem>) -> Vec<Held> {
    let marks = limits::Marks::read(cx.root(), cx.now());
    let directories: Vec<&Path> = instances.iter().map(|i| i.config_directory()).collect();
    for line in marks.lines(&directories) {
        cx.warn(format!("{line}; relay-limit list shows more"));
    }
    let held = marks.held(&directories);
    problems.extend(marks.problems);
    held
}

fn work(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    let mode = Mode::of(args);
    cx.takes_only(mode.name(), &mode.takes())?;
    let host = host::instances::discover(cx.site());
    let instances = host::instances::select_some(cx.site(), &host, &args.instances.instances)?;
    let names: Vec<&str> = instances.iter().map(|i| i.name()).collect();
    if mode == Mode::Messages(Listing::Ids) && instances.len() > 1 {
        let what = format!("--ids takes one instance, not {}", names.join(", "));
        return Err(Failure::new(what)
            .hint("postsuper works on one instance at a time; ids can repeat between instances")
            .into());
    }
    let (unfinished, damaged) = transfer::unfinished(cx.root(), &names);
    unfinished.iter().for_each(|one| cx.warn(one.warning()));
    damaged.iter().for_each(|error| cx.warn(error.to_string()));
    let selector = args.selectors.selector(cx, &Queue::SHOWN)?;
    let spools = spools::find(cx, &instances);
    let mut problems = host.problems.clone();
    let limits = limits_held(cx, &instances, &mut problems);
    // After the queues are read: who may not read them learns that first.
    let troubles;
    match mode {
        Mode::Messages(listing @ (Listing::Ids | Listing::Jsonl)) if !args.is_ordered() => {
            let (read, mut out) = streaming::stream(cx, &spools, &selector, listing)?;
            problems.extend(read.problems);
            troubles = host::machine::queue_troubles(cx.site(), &host.value, &instances);
            if listing == Listing::Jsonl {
                jsonl::missing(&mut out, &figures::instances::missing(&problems, &troubles))?;
            }
            out.finish()?;
        }
        _ => {
            let mut report = figures(args, mode, cx, &spools, &selector, problems)?;
            report.limits = limits;
            if mode.has_figures() && args.selects_all() {
                pace::add(cx, &host, &instances, &mut report);
            }
            troubles = host::machine::queue_troubles(cx.site(), &host.value, &instances);
            report.troubles = troubles.clone();
            // Not gathered first: it may be as big as the mailq.
            let mut out = cx.stream()?;
            render(&mut out, mode, cx, &report)?;
            out.finish()?;
            problems = report.problems;
        }
    }
    for trouble in &troubles {
        cx.warn(trouble.to_string());
    }
    cx.problems(&problems);
    Ok(match Trouble::any_unknown(&troubles) {
        true => Outcome::Partial,
        false => Outcome::Done,
    })
}

/// Until when what expires is counted: as asked for, or within the next hours.
fn expires_by(args: &Args, cx: &Context) -> Time {
    const SOON: Span = Span::from_seconds(12 * 3600);
    cx.now().plus(args.selectors.expires_within.unwrap_or(SOON))
}

/// What is to be made of the messages.
fn settings(
    args: &Args,
    mode: Mode,
    cx: &Context,
    spools: &[InstanceSpool],
) -> anyhow::Result<Settings> {
    let has_figures = mode.has_figures();
    Ok(Settings {
        instances: spools.iter().map(|spool| spool.instance.clone()).collect(),
        group_by: args
            .group_by
            .iter()
            .copied()
            .filter(|_| has_figures)
            .collect(),
        most_keys: figures::bounds::queued_keys(mode.top(args)),
        senders: has_figures,
        order: Order {
            sort: args.sort.unwrap_or_default(),
            reverse: args.reverse,
        },
        limit: mode.limit(args, cx.to_terminal()),
        // A table shows one, and a mailq may hold many.
        recipients: match mode {
            Mode::Messages(Listing::Ids) => 0,
            Mode::Figures(Whole::Table) => 1,
            _ => usize::MAX,
        },
        expires_by: expires_by(args, cx),
        recently: pace::since(cx),
        providers: Arc::new(host::tables::providers(cx.site())?),
        reasons: Arc::new(host::tables::reasons(cx.site())?),
    })
}

/// Reads the queues and makes the figures.
fn figures(
    args: &Args,
    mode: Mode,
    cx: &Context,
    spools: &[InstanceSpool],
    selector: &Selector<'_>,
    mut problems: Vec<Problem>,
) -> anyhow::Result<Report> {
    let settings = Arc::new(settings(args, mode, cx, spools)?);
    // All of them together are no more keys than memory has room for.
    let part = Arc::new(Settings {
        most_keys: figures::bounds::queued_keys(mode.top(args).or(Some(0))),
        ..Settings::clone(&settings)
    });
    let tallies = Shards::new(SHARDS, || Tally::new(Arc::clone(&part)));
    let corrupt = mode.has_figures() && args.selects_all();
    let read = read(cx, spools, selector, corrupt, |at, message| {
        tallies.with(|tally| tally.add(at, message, selector));
        ControlFlow::Continue(())
    })?;
    let mut tally = Tally::new(Arc::clone(&settings));
    for other in tallies.into_values() {
        tally.merge(other);
    }
    for (at, files) in read.corrupt.into_iter().enumerate() {
        tally.add_corrupt(at, files);
    }
    problems.extend(read.problems);
    let frame = Frame {
        host: cx.host().to_owned(),
        time: cx.now(),
        top: mode.top(args),
        problems,
    };
    let mut report = Report::new(&settings, frame, tally);
    if mode.has_figures() {
        report.advice = advice(cx, &settings, &report)?;
    }
    Ok(report)
}

/// What to do about what the groups say, where they are grouped by reason.
fn advice(cx: &Context, settings: &Settings, report: &Report) -> anyhow::Result<Vec<String>> {
    let Some(at) = report.by.iter().position(|by| *by == Dimension::Reason) else {
        return Ok(Vec::new());
    };
    // Of several instances, it is not known which one a group is of.
    let instance = match settings.instances.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    };
    let mut meant = Cache::default();
    let mut counts = BTreeMap::new();
    for group in &report.groups.rows {
        let words = group.key.get(at).map(String::as_bytes).unwrap_or_default();
        let reason = meant.classify(&settings.reasons, words, None, None);
        let refusal = Refusal {
            instance: instance.clone(),
            class: reason.class,
            code: reason.code.clone(),
        };
        *counts.entry(refusal).or_default() += group.recipients;
    }
    let table = host::tables::advice(cx.site())?;
    Ok(figures::advice::lines(&counts, &table))
}

fn render(out: &mut Stream, mode: Mode, cx: &Context, report: &Report) -> io::Result<()> {
    match mode {
        Mode::Figures(Whole::Table) => table::write(out, report, cx.zone(), cx.table_style()),
        Mode::Figures(Whole::Text) => {
            text::write(&mut Folding::new(out, cx.width()), report, cx.zone())
        }
        Mode::Figures(Whole::Json) => json::write(out, report),
        Mode::Messages(Listing::Jsonl) => jsonl::write(out, report),
        Mode::Messages(Listing::Csv) => csv::write(out, report),
        Mode::Messages(Listing::Ids) => {
            // One that was moved while the queues were read may be there twice.
            let mut met = HashSet::new();
            let mut entries = report.messages.iter().filter(|entry| met.insert(&entry.id));
            entries.try_for_each(|entry| writeln!(out, "{}", entry.id))
        }
    }
}
