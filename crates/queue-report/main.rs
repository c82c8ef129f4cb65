//! What is in a Postfix instance's mailq, and why is it stuck?
//!
//! Glue: `args` what is asked for, `spools` which directories to read, `reading` how, then either `streaming`, or figures and
//! their rendering here.

mod args;
mod reading;
mod spools;
mod streaming;

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;

use cli::{Context, Failure, Outcome, Stream};
use figures::queue::{Frame, Order, Report, Settings, Tally};
use postfix::queue::{Queue, Selector};
use show::queue::{csv, json, jsonl, table, text};

use args::{Args, Format};
use reading::{Shards, read};
use spools::InstanceSpool;

fn main() -> ExitCode {
    cli::run(work)
}

fn work(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    let host = host::instances::discover(cx.site());
    let instances = host::instances::select_some(cx.site(), &host, &args.instances.instances)?;
    if args.ids && instances.len() > 1 {
        let names: Vec<&str> = instances.iter().map(|i| i.name()).collect();
        let what = format!("--ids is for one instance, not for {}", names.join(", "));
        return Err(Failure::new(what)
            .hint("postsuper works on one instance; ids of several may be the same")
            .into());
    }
    let selector = args.selectors.selector(cx, &Queue::SHOWN)?;
    let spools = spools::find(cx, &instances);
    let mut problems = host.problems.clone();
    if args.is_streamed() {
        let read = streaming::stream(cx, &spools, &selector, args.ids)?;
        problems.extend(read.problems);
    } else {
        let report = figures(args, cx, &spools, &selector, problems)?;
        // Not gathered first: it may be as big as the mailq.
        let mut out = cx.stream()?;
        render(&mut out, args, cx, &report)?;
        out.finish()?;
        problems = report.problems;
    }
    cx.problems(&problems);
    Ok(Outcome::Done)
}

/// Reads the queues and makes the figures.
fn figures(
    args: &Args,
    cx: &Context,
    spools: &[InstanceSpool],
    selector: &Selector<'_>,
    mut problems: Vec<postfix::Problem>,
) -> anyhow::Result<Report> {
    let has_figures = args.has_figures();
    let settings = Arc::new(Settings {
        instances: spools.iter().map(|spool| spool.instance.clone()).collect(),
        group_by: args
            .group_by
            .iter()
            .copied()
            .filter(|_| has_figures)
            .collect(),
        senders: has_figures,
        order: Order {
            sort: args.sort.unwrap_or_default(),
            reverse: args.reverse,
        },
        limit: args.limit(cx.to_terminal()),
        // A table shows one, and a mailq may hold many.
        recipients: match args.format {
            _ if args.ids => 0,
            Format::Table => 1,
            _ => usize::MAX,
        },
        providers: Arc::new(host::tables::providers(cx.site())?),
        reasons: Arc::new(host::tables::reasons(cx.site())?),
    });
    let tallies = Shards::new(|| Tally::new(Arc::clone(&settings)));
    let corrupt = has_figures && args.selects_all();
    let read = read(cx, spools, selector, corrupt, |at, message| {
        tallies.with(|tally| tally.add(at, message, selector));
        ControlFlow::Continue(())
    })?;
    let mut tally = Tally::new(Arc::clone(&settings));
    for other in tallies.into_inner() {
        tally.merge(other);
    }
    for (at, files) in read.corrupt.into_iter().enumerate() {
        tally.add_corrupt(at, files);
    }
    problems.extend(read.problems);
    let frame = Frame {
        host: cx.host().to_owned(),
        time: cx.now(),
        top: args.top(),
        problems,
    };
    Ok(Report::new(&settings, frame, tally))
}

fn render(out: &mut Stream, args: &Args, cx: &Context, report: &Report) -> io::Result<()> {
    if args.ids {
        let mut entries = report.messages.iter();
        return entries.try_for_each(|entry| writeln!(out, "{}", entry.id));
    }
    match args.format {
        Format::Table => table::write(out, report, cx.zone(), cx.table_style()),
        Format::Text => text::write(out, report, cx.zone()),
        Format::Json => json::write(out, report),
        Format::Jsonl => jsonl::write(out, report),
        Format::Csv => csv::write(out, report),
    }
}
