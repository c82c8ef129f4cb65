//! Which instance is filling the mailq: how many messages are in which queue of which Postfix instance.
//!
//! Glue: `args` what is asked for, `host::mailq` which directories to read and how, `output` how to show the figures,
//! `check` how to judge them, `watch` how to go on, `screen` on what.

mod args;
mod check;
mod mode;
mod output;
mod screen;
mod watch;

use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use cli::{Context, Outcome};
use figures::distribution::Distribution;
use figures::instances::Trouble;
use figures::verdict::Level;
use host::mailq::Counting;
use postfix::Parsed;
use postfix::config::{Host, Instance};

use args::Args;
use check::Limits;
use mode::Mode;
use output::Format;
use watch::Watch;

fn main() -> ExitCode {
    cli::run(work)
}

fn work(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    let begun = Instant::now();
    let (mode, names) = Mode::of(args)?;
    cx.takes_only(mode.name(), &[mode.takes()])?;
    let limits = Limits::new(args)?;
    let host = host::instances::discover(cx.site());
    let instances = host::instances::select_some(cx.site(), &host, &names)?;
    let spools = host::mailq::find(cx.site(), &instances);
    let counting = Counting {
        spools: &spools,
        host: cx.host(),
        counts_only: args.counts_only,
        with_expiry: mode.reads_expiry() && !args.counts_only,
        by: args.by.clone(),
        top: Some(args.top(spools.len())),
        most_keys: figures::bounds::MOST_KEYS_IN_ALL,
        providers: Arc::new(host::tables::providers(cx.site())?),
    };
    if let Mode::Watch(round, interval) = mode {
        let watch = Watch {
            cx,
            counting: &counting,
            problems: &host.problems,
            interval,
            begun,
        };
        return watch.run(round);
    }
    let progress = cx.progress_items("reading queues", None);
    let each = || {
        progress.advance(1);
        ControlFlow::Continue(())
    };
    let counted = counting.look(cx.now(), &host.problems, &each)?;
    drop(progress);
    let Mode::Figures(format) = mode else {
        let unknown = unknown(&host, &names);
        let troubles = troubles(cx, &host.value, &instances);
        return cx.verdict(&limits.judge(&counted, &unknown, &troubles));
    };
    shown(
        args,
        cx,
        &host.value,
        &instances,
        counted.distribution,
        format,
    )
}

/// What else is wrong with the queues: what Postfix is held up by, and moves that are not finished.
fn troubles(cx: &Context, host: &Host, instances: &[&Instance]) -> Vec<Trouble> {
    let mut troubles = host::machine::queue_troubles(cx.site(), host, instances);
    let all: Vec<&str> = instances.iter().map(|i| i.name()).collect();
    let (unfinished, damaged) = transfer::unfinished(cx.root(), &all);
    troubles.extend(damaged.iter().map(|error| Trouble {
        instance: "queue-move".to_owned(),
        level: Level::Unknown,
        text: error.to_string(),
    }));
    troubles.extend(unfinished.iter().map(|one| Trouble {
        instance: one.header.from.instance.clone(),
        level: Level::Warning,
        text: one.warning(),
    }));
    troubles
}

/// Shows the figures once, with what limits hold and what troubles there are.
fn shown(
    args: &Args,
    cx: &Context,
    host: &Host,
    instances: &[&Instance],
    mut distribution: Distribution,
    format: Format,
) -> anyhow::Result<Outcome> {
    let marks = limits::Marks::read(cx.root(), cx.now());
    let directories: Vec<&Path> = instances.iter().map(|i| i.config_directory()).collect();
    for line in marks.lines(&directories) {
        cx.warn(format!("{line}; relay-limit list shows more"));
    }
    distribution.limits = marks.held(&directories);
    distribution.problems.extend(marks.problems);
    // No file is opened: this is for who wants the counts alone, and at once.
    if !args.counts_only && cx.root().is_this_host() {
        let found = host::machine::queue_troubles(cx.site(), host, instances);
        distribution.troubles = Some(found);
    }
    let troubles = distribution.troubles.as_deref().unwrap_or_default();
    for trouble in troubles {
        cx.warn(trouble.to_string());
    }
    let unknown: Vec<String> = distribution.unknown_ages().collect();
    for why in &unknown {
        cx.warn(why);
    }
    let render = |out: &mut Vec<u8>| output::render(out, format, cx, &distribution, None);
    match format {
        Format::Prom => cx.print_metrics_with(render)?,
        _ => cx.print_with(render)?,
    }
    cx.problems(&distribution.problems);
    Ok(
        match Trouble::any_unknown(troubles) || !unknown.is_empty() {
            true => Outcome::Partial,
            false => Outcome::Done,
        },
    )
}

/// What was asked for and cannot be looked at: instances whose configuration cannot be read, where all are meant.
fn unknown(host: &Parsed<Host>, names: &[String]) -> Vec<String> {
    let unreadable = host.value.unreadable().iter().filter(|_| names.is_empty());
    unreadable.map(|path| path.display().to_string()).collect()
}
