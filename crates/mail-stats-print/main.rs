//! mail-stats-print: how well is mail being delivered, per instance?
//!
//! Config → instances → logs → figures → renderer: `host::logs` knows whose lines are asked for and which logs to read,
//! `counting` what to do with an event, `output` how to show the figures, `check` how to judge them,
//! `filtering` what filters did, `saving` and `merging` how to keep them, `following` how to count on from run to run, `reporting` how a day was.

mod args;
mod check;
mod check_args;
mod counting;
mod days_args;
mod filter_args;
mod filtering;
mod follow_args;
mod follow_lock;
mod following;
mod merging;
mod output;
mod report_args;
mod reporting;
mod saving;
mod tables;

use std::process::ExitCode;
use std::sync::Arc;

use cli::{Context, Failure, Outcome};
use figures::mail_stats::{Dimension, Frame, MailStats, Settings};
use host::logs::{Inputs, Selection};
use host::tables::Tables;
use postfix::Parsed;
use postfix::Window;
use postfix::config::Host;
use postfix::log::{Options, Reading, Wanted};
use show::mail_stats::events::Events;

use args::{Args, Format};
use counting::{Counting, Telling};
use filtering::Read;

fn main() -> ExitCode {
    cli::run(work)
}

fn work(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    let window = args.window(cx)?;
    let mut limits = args.check.limits()?;
    let host = host::instances::discover(cx.site());
    let selection = Selection::new(
        cx.site(),
        &host,
        &args.instances.instances,
        args.names_its_logs(),
    )?;
    let tables = tables::load(cx, args)?;
    if let Some(state) = &args.follow.follow_state {
        return following::follow(args, cx, state, &host, &selection, &tables);
    }
    if args.report.is_mail() && !args.format.is_report() {
        return Err(
            Failure::new("--mail-to and --print-mail are for the daily report")
                .hint("add --format report")
                .into(),
        );
    }
    if args.format.is_report() {
        return reporting::report(args, cx, window, &host, &selection, &tables);
    }
    if !args.days.merge.is_empty() {
        return show(
            args,
            cx,
            &merging::merged(args, cx, window, &selection, &tables)?,
        );
    }
    if args.days.save_day {
        let instances = check::expected(args, &selection);
        let sets = host::logs::log_sets(cx.site(), &host, &selection);
        let outcome = saving::save(cx, window, instances, &selection, &sets, &tables)?;
        cx.problems(&host.problems);
        return Ok(outcome);
    }
    let inputs = Inputs::choose(&args.logs.source(), cx.site(), &host, &selection, window)?;
    if args.check.check {
        if args.check.warn_idle {
            limits.idle = check::must_not_idle(args, &selection);
        }
        let stats = counted(args, cx, &host, window, &selection, &inputs, &tables)?;
        let unknown = check::unknown(args, &host.value);
        return cx.verdict(&check::verdict(&stats, &limits, unknown));
    }
    let outcome = if args.events {
        events(args, cx, window, &selection, &inputs, &tables)?
    } else {
        let stats = counted(args, cx, &host, window, &selection, &inputs, &tables)?;
        show(args, cx, &stats)?
    };
    // Of another host's logs, this host's configuration says nothing.
    if !args.names_its_logs() {
        cx.problems(&host.problems);
    }
    Ok(outcome)
}

/// Prints the figures, in any format.
fn show(args: &Args, cx: &Context, stats: &MailStats) -> anyhow::Result<Outcome> {
    cx.print_with(|out| output::render(out, args.format, cx, stats))?;
    cx.problems(&stats.problems);
    let filters = filtering::left_out(cx, stats);
    Ok(match left_out(cx, stats.total.unparsed) {
        Outcome::Done => filters,
        partial => partial,
    })
}

/// The figures.
fn counted(
    args: &Args,
    cx: &Context,
    host: &Parsed<Host>,
    window: Window,
    selection: &Selection<'_>,
    inputs: &Inputs,
    tables: &Tables,
) -> anyhow::Result<MailStats> {
    let by = args.breakdowns();
    let settings = Arc::new(Settings {
        count: args.count.into(),
        delays: args.format != Format::Text,
        zone: cx.zone(),
        instances: match args.check.check {
            true => check::expected(args, selection),
            false => selection.asked_for(),
        },
        providers: Arc::clone(&tables.providers),
        reasons: tables.reasons.clone(),
        by,
    });
    let mut counting = Counting::new(selection, Arc::clone(&settings));
    let wanted = Wanted {
        expired: args.format != Format::Text,
        senders: counting.tally.wants_senders(),
        delays: settings.delays,
        relays: settings
            .by
            .iter()
            .any(|d| matches!(d, Dimension::Relay | Dimension::Provider)),
        times: settings.by.iter().any(|d| d.is_time()),
        filtered: false,
    };
    let Read {
        counting,
        filters,
        readings,
    } = if args.filters.filtered {
        let wanted = (wanted, counting);
        filtering::read(args, cx, host, window, selection, inputs, wanted)?
    } else {
        let progress = cx.progress_bytes("reading logs", inputs.size());
        let advance = |bytes| progress.advance(bytes);
        let options = options(cx, window, wanted, &advance);
        let readings = inputs.read(&options, &mut counting)?;
        Read {
            counting,
            filters: None,
            readings,
        }
    };
    selection.check_all_seen(&counting.seen())?;
    tell_readings(cx, &readings);
    let mut stats = counting.tally.finish(Frame {
        host: cx.host().to_owned(),
        since: window.since,
        until: window.until,
        top: args.top,
        problems: readings.into_iter().flat_map(|r| r.problems).collect(),
    });
    if let Some(filters) = filters {
        filters.finish(args.top, selection.takes_all(), &mut stats);
    }
    Ok(stats)
}

/// `--events`: one JSON object a delivery, while reading.
fn events(
    args: &Args,
    cx: &Context,
    window: Window,
    selection: &Selection<'_>,
    inputs: &Inputs,
    tables: &Tables,
) -> anyhow::Result<Outcome> {
    let mut out = cx.stream()?;
    let reasons = match &tables.reasons {
        Some(reasons) => Arc::clone(reasons),
        None => Arc::new(host::tables::reasons(cx.site())?),
    };
    let events = Events::new(Arc::clone(&tables.providers), reasons, args.with_recipients);
    let mut telling = Telling::new(selection, events, &mut out);
    let wanted = Wanted {
        senders: args.with_recipients,
        delays: true,
        relays: true,
        times: true,
        ..Wanted::default()
    };
    let progress = cx.progress_bytes("reading logs", inputs.size());
    let advance = |bytes| progress.advance(bytes);
    // Events come in the order of lines.
    let options = Options {
        threads: 1,
        ..options(cx, window, wanted, &advance)
    };
    let readings = inputs.read(&options, &mut telling)?;
    drop(progress);
    let (unparsed, seen) = telling.finish()?;
    selection.check_all_seen(&seen)?;
    out.finish()?;
    tell_readings(cx, &readings);
    for reading in &readings {
        cx.problems(&reading.problems);
    }
    Ok(left_out(cx, unparsed))
}

fn options<'a>(
    cx: &Context,
    window: Window,
    wanted: Wanted,
    progress: &'a (dyn Fn(u64) + Sync),
) -> Options<'a> {
    Options {
        zone: cx.zone(),
        now: cx.now(),
        window: window.range(),
        wanted,
        // Who delivered a message must be known before its delivery is met.
        threads: if wanted.senders {
            1
        } else {
            std::thread::available_parallelism().map_or(1, usize::from)
        },
        progress,
    }
}

/// With `-v`: how much of each log was read.
fn tell_readings(cx: &Context, readings: &[Reading]) {
    for reading in readings {
        let of = reading
            .size
            .map_or_else(String::new, |size| format!(" of {size}"));
        cx.note(format!(
            "{}: read {}{of} bytes",
            reading.path.display(),
            reading.read
        ));
    }
}

fn left_out(cx: &Context, unparsed: u64) -> Outcome {
    if unparsed == 0 {
        return Outcome::Done;
    }
    let lines = if unparsed == 1 {
        "delivery line"
    } else {
        "delivery lines"
    };
    cx.warn(format!(
        "{unparsed} {lines} could not be read (cut short?) and are not counted"
    ));
    Outcome::Partial
}
