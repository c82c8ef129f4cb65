//! mail-stats-print: how well is mail being delivered, per instance?
//!
//! Config → instances → logs → figures → renderer: `host::logs` knows whose lines are asked for and which logs to read,
//! `counting` what to do with an event, `output` how to show the figures, `check` how to judge them, `filtering` what
//! filters did, `saving` and `merging` how to keep them, `following` how to count on from run to run, `reporting` how a
//! day was, `report_logs` what is read for that.

mod args;
mod check;
mod check_args;
mod counting;
mod days_args;
mod explaining;
mod filter_args;
mod filtering;
mod follow_args;
mod follow_logs;
mod following;
mod merging;
mod mode;
mod output;
mod report_args;
mod report_logs;
mod reporting;
mod saving;
mod tables;

use std::process::ExitCode;
use std::sync::Arc;

use cli::{Context, Outcome};
use figures::bounds::OTHER_INSTANCES;
use figures::gaps::Gaps;
use figures::mail_stats::{Breakdown, Dimension, Frame, MailStats, Settings};
use host::logs::{Inputs, Selection, gaps, warn_empty, warn_unread};
use host::tables::Tables;
use postfix::Window;
use postfix::config::Host;
use postfix::log::{Reading, Wanted};
use postfix::{Parsed, count, either};
use show::mail_stats::events::Events;
use show::mail_stats::prom;

use args::{Args, Format, Shape};
use counting::{Counting, EventLines};
use filtering::LogsRead;
use mode::Mode;

fn main() -> ExitCode {
    cli::run(work)
}

fn work(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    let mode = Mode::of(args)?;
    cx.takes_only(mode.name(), &mode.takes(args))?;
    mode.has_breakdowns(args)?;
    let window = args.window(mode, cx)?;
    let host = host::instances::discover(cx.site());
    let names = &args.instances.instances;
    let selection = Selection::new(cx.site(), &host, names, args.names_its_logs())?;
    let tables = tables::load(cx, args, mode)?;
    let run = Run {
        args,
        cx,
        host: &host,
        selection: &selection,
        tables: &tables,
        window,
    };
    let outcome = match mode {
        Mode::Counts(format) => counts(&run, format)?,
        Mode::Events => events(&run)?,
        Mode::Check => return check::check(&run),
        Mode::Explain(reply) => return explaining::explain(args, cx, reply),
        Mode::Report(page) => return reporting::report(&run, page),
        Mode::SaveDay => saving::save(&run)?,
        Mode::Merge(format) => return show(&run, format, &merging::merged(&run, format)?),
        Mode::Follow(state, format) => following::follow(&run, state, format)?,
    };
    // Of another host's logs, this host's configuration says nothing.
    if !args.names_its_logs() && !matches!(mode, Mode::Counts(_)) {
        cx.problems(&host.problems);
    }
    Ok(outcome)
}

/// What a run is made of, whatever its mode.
pub(crate) struct Run<'a> {
    /// The flags.
    pub(crate) args: &'a Args,
    /// Where it runs.
    pub(crate) cx: &'a Context,
    /// The instances that are configured.
    pub(crate) host: &'a Parsed<Host>,
    /// Those that are asked for.
    pub(crate) selection: &'a Selection<'a>,
    /// What replies and domains are looked up in.
    pub(crate) tables: &'a Tables,
    /// The time that is asked for.
    pub(crate) window: Window,
}

impl Run<'_> {
    /// The logs that are to be read.
    ///
    /// # Errors
    /// As [`Inputs::choose`].
    pub(crate) fn inputs(&self) -> anyhow::Result<Inputs> {
        let source = self.args.logs.source();
        Inputs::choose(
            &source,
            self.cx.site(),
            self.host,
            self.selection,
            self.window,
        )
    }

    /// How attempts or recipients are counted.
    pub(crate) fn settings(
        &self,
        by: Vec<Dimension>,
        delays: bool,
        instances: Vec<String>,
    ) -> Settings {
        Settings {
            most_instances: self.most_instances(&by, delays),
            by,
            count: self.args.count.into(),
            delays,
            zone: self.cx.zone(),
            instances,
            most_keys: figures::bounds::keys(Some(self.args.top())),
            providers: Arc::clone(&self.tables.providers),
            reasons: self.tables.reasons.clone(),
        }
    }
}

impl Run<'_> {
    /// How many instances are kept distinct beside those that are asked for: as metrics, as many as their series allow.
    fn most_instances(&self, by: &[Dimension], delays: bool) -> usize {
        if self.selection.is_own() || self.args.format != Shape::Figures(Format::Prom) {
            return figures::bounds::MOST_INSTANCES;
        }
        let providers = self.tables.providers.all().len();
        let each = prom::most_series(by, delays, self.args.filters.filtered, providers);
        figures::bounds::instances(each)
    }
}

/// The figures of logs, in a format.
fn counts(run: &Run<'_>, format: Format) -> anyhow::Result<Outcome> {
    let delays = format != Format::Text;
    let settings = run.settings(run.args.by.clone(), delays, run.selection.asked_for());
    let mut stats = counted(run, settings)?;
    // Of another host's logs, this host's configuration says nothing.
    if !run.args.names_its_logs() {
        stats.problems.extend_from_slice(&run.host.problems);
    }
    show(run, format, &stats)
}

/// Prints the figures, in any format.
fn show(run: &Run<'_>, format: Format, stats: &MailStats) -> anyhow::Result<Outcome> {
    let cx = run.cx;
    let render = |out: &mut Vec<u8>| output::render(out, format, cx, stats);
    match format {
        Format::Prom => cx.print_metrics_with(render)?,
        _ => cx.print_with(render)?,
    }
    cx.problems(&stats.problems);
    for disputed in &stats.disputed {
        cx.note(format!(
            "{} {} {} by the server's words but {} by the enhanced status code (--events lists {}, --explain \
             says why)",
            count(disputed.attempts, "attempt"),
            either(disputed.attempts, "is", "are"),
            disputed.class,
            disputed.code_says,
            either(disputed.attempts, "it", "them")
        ));
    }
    if let Some(rows) = more_rows(run.args.top, stats) {
        cx.warn(rows);
    }
    warn_of_strays(cx, stats);
    let filters = filtering::left_out(cx, stats);
    warn_empty(cx.site(), &stats.gaps);
    Ok(match left_out(cx, stats.unread(), &stats.gaps) {
        Outcome::Done => filters,
        partial => partial,
    })
}

/// What to do about rows that nobody has asked to be left out.
fn more_rows(top: Option<usize>, stats: &MailStats) -> Option<String> {
    let of = |breakdown: &Breakdown| {
        let rows = breakdown
            .rows
            .last()
            .filter(|_| !breakdown.dimension.is_time());
        Some((rows?.key.others()?, breakdown.dimension))
    };
    let all = stats.instances.iter().flat_map(|one| &one.figures.by);
    let (rows, by) = all.filter_map(of).max_by_key(|(rows, _)| *rows)?;
    top.is_none().then(|| {
        format!("--by {by} has {rows} rows more, which are put into one: --top N shows N of them")
    })
}

/// Says what the row `(other)` is.
fn warn_of_strays(cx: &Context, stats: &MailStats) {
    let Some(of) = stats.others() else {
        return;
    };
    let events = of.figures.counts.total();
    let names = stats.strays.iter();
    let names: Vec<String> = names
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect();
    if !names.is_empty() {
        cx.warn(format!(
            "{} {} logged by names of no configured instance, such as {}: {} in the row {OTHER_INSTANCES}",
            count(events, "delivery"),
            either(events, "is", "are"),
            names.join(", "),
            either(events, "it is", "they are")
        ));
    }
}

/// The figures of the logs that are asked for.
pub(crate) fn counted(run: &Run<'_>, settings: Settings) -> anyhow::Result<MailStats> {
    let (cx, selection) = (run.cx, run.selection);
    let inputs = run.inputs()?;
    let settings = Arc::new(settings);
    let mut counting =
        Counting::new(selection, Arc::clone(&settings)).by_host(inputs.hosts(cx.site()));
    counting.skips_handed = run.args.skip_handed;
    let wanted = Wanted {
        expired: settings.delays,
        senders: counting.tally.wants_senders(),
        delays: settings.delays,
        relays: run.args.skip_handed
            || settings
                .by
                .iter()
                .any(|d| matches!(d, Dimension::Relay | Dimension::Provider)),
        times: settings.by.iter().any(|d| d.is_time()),
        ..Wanted::default()
    };
    let LogsRead {
        counting,
        filters,
        readings,
    } = if run.args.filters.filtered {
        filtering::read(run, &inputs, wanted, counting)?
    } else {
        let progress = cx.progress_bytes("reading logs", inputs.size());
        let advance = |bytes| progress.advance(bytes);
        let options = cx.site().read_options(run.window.range(), wanted, &advance);
        let readings = inputs.read(&options, &mut counting)?;
        LogsRead {
            counting,
            filters: None,
            readings,
        }
    };
    selection.check_all_seen(&counting.seen())?;
    report_readings(cx, &readings);
    let strays = counting.strays().to_vec();
    let (tally, hosts) = counting.finish();
    let rows = figures::bounds::rows(tally.instances());
    let mut stats = tally.finish(Frame {
        host: hosts
            .title(cx.host())
            .unwrap_or_else(|| cx.host().to_owned()),
        since: run.window.since,
        until: run.window.until,
        top: Some(run.args.top.unwrap_or(rows)),
        sources: inputs.sources(),
        gaps: gaps(&readings),
        problems: readings.into_iter().flat_map(|r| r.problems).collect(),
    });
    stats.strays = strays;
    if let Some(mut filters) = filters {
        filters.rename(|name| hosts.name(name));
        filters.finish(run.args.top, selection.takes_all(), &mut stats);
    }
    Ok(stats)
}

/// `--events`: one JSON object a delivery, while reading.
fn events(run: &Run<'_>) -> anyhow::Result<Outcome> {
    let (args, cx, selection) = (run.args, run.cx, run.selection);
    let inputs = run.inputs()?;
    let mut out = cx.stream()?;
    let reasons = match &run.tables.reasons {
        Some(reasons) => Arc::clone(reasons),
        None => Arc::new(host::tables::reasons(cx.site())?),
    };
    let providers = Arc::clone(&run.tables.providers);
    let events = Events::new(providers, reasons, args.with_recipients);
    let mut lines = EventLines::new(selection, inputs.hosts(cx.site()), events, &mut out);
    let wanted = Wanted {
        senders: args.with_recipients,
        delays: true,
        relays: true,
        times: true,
        ..Wanted::default()
    };
    let progress = cx.progress_bytes("reading logs", inputs.size());
    let advance = |bytes| progress.advance(bytes);
    let options = cx.site().read_options(run.window.range(), wanted, &advance);
    let readings = inputs.read(&options, &mut lines)?;
    drop(progress);
    let (unparsed, seen) = lines.finish()?;
    selection.check_all_seen(&seen)?;
    out.finish()?;
    report_readings(cx, &readings);
    for reading in &readings {
        cx.problems(&reading.problems);
    }
    let gaps = gaps(&readings);
    warn_empty(cx.site(), &gaps);
    Ok(left_out(cx, unparsed + gaps.nobodys, &gaps))
}

/// With `-v`: how much of each log was read.
pub(crate) fn report_readings(cx: &Context, readings: &[Reading]) {
    for reading in readings {
        let of = reading
            .size
            .map_or_else(String::new, |size| format!(" of {size}"));
        cx.note(format!(
            "{}: read {}{of} bytes",
            reading.path.display(),
            reading.read
        ));
        let strangers = reading.strangers.saturating_add(reading.seen.strangers);
        if strangers > 0 {
            cx.note(format!(
                "{}: {} {} not counted: neither Postfix nor root sent {}, and anyone can write to the journal",
                reading.path.display(),
                count(strangers, "event"),
                either(strangers, "is", "are"),
                either(strangers, "it", "them")
            ));
        }
    }
}

/// Warns of delivery lines that could not be read, `lines` of them.
pub(crate) fn left_out(cx: &Context, lines: u64, gaps: &Gaps) -> Outcome {
    match warn_unread(cx.site(), lines, gaps) {
        true => Outcome::Partial,
        false => Outcome::Done,
    }
}
