//! `--filtered`: what filters did, counted beside the deliveries in the same pass.

use std::borrow::Cow;

use cli::{Context, Failure, Outcome};
use figures::bounds::OTHER_INSTANCES;
use figures::filtered::FilterTally;
use figures::mail_stats::MailStats;
use host::logs::{Inputs, LogScope, LogSource, Selection};
use postfix::log::{Event, Filtered, Reading, Scope, Sink, Wanted};
use postfix::{Time, count, either};

use crate::Run;
use crate::counting::Counting;

/// Counts deliveries, and what filters did, line after line, since what became of a message depends on their order: of
/// all instances, since a score may be of any, and two may have a message with the
/// same Message-Id.
struct Both<'a> {
    selection: &'a Selection<'a>,
    counting: Counting<'a>,
    filters: FilterTally,
    /// Are spamd's lines looked for in these logs?
    scans: bool,
}

impl Sink for Both<'_> {
    fn event(&mut self, event: &Event<'_>) {
        self.counting.event(event);
        match event {
            Event::Delivery(delivery) => {
                let instance = self.instance(delivery.host, delivery.tag);
                self.filters.delivery(&instance, delivery);
            }
            Event::Sender {
                host,
                tag,
                queue_id,
                time,
                inside,
                ..
            } => {
                let instance = self.instance(host, tag);
                self.filters.queued(&instance, queue_id, *time, *inside);
            }
            Event::Removed {
                host,
                tag,
                queue_id,
            } => {
                let instance = self.instance(host, tag);
                self.filters.removed(&instance, queue_id);
            }
            Event::Filtered(filtered) => self.filtered(filtered),
            _ => {}
        }
    }

    fn counts(&mut self, tag: &[u8], time: Option<Time>) -> bool {
        self.counting.counts(tag, time)
    }

    fn knows(&self, tag: &[u8]) -> bool {
        self.counting.knows(tag)
    }
}

impl<'a> Both<'a> {
    /// The instance of a host's `tag`, which is among the figures if it is asked for.
    fn instance<'t>(&mut self, host: &[u8], tag: &'t [u8]) -> Cow<'t, [u8]>
    where
        'a: 't,
    {
        let asked_for = self.counting.instance(host, tag);
        let named = || match self.selection.names.instance(tag) {
            name if self.selection.is_stray(name) => Cow::Borrowed(OTHER_INSTANCES.as_bytes()),
            name => Cow::Owned([name, b"@", host].concat()),
        };
        asked_for.unwrap_or_else(named)
    }

    fn filtered(&mut self, event: &Filtered<'_>) {
        match event {
            Filtered::Stop(stop) => {
                let instance = self.instance(stop.host, stop.tag);
                self.filters.stop(&instance, stop);
            }
            Filtered::Arrived {
                time,
                host,
                tag,
                queue_id,
                message_id,
            } => {
                let instance = self.instance(host, tag);
                self.filters.arrived(&instance, queue_id, *time, message_id);
            }
            Filtered::Scan(scan) if self.scans => self.filters.scan(scan),
            Filtered::Scan(_) => {}
            Filtered::Unparsed { tag: b"", .. } => {
                if self.scans {
                    self.filters.unparsed(None);
                }
            }
            Filtered::Unparsed { host, tag } => {
                let instance = self.instance(host, tag);
                self.filters.unparsed(Some(&instance));
            }
        }
    }
}

impl LogScope for Both<'_> {
    fn scope(&mut self, scope: Scope) {
        self.counting.scope(scope);
    }
}

/// Takes spamd's lines, and no others.
struct Scans(FilterTally);

impl Sink for Scans {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Filtered(Filtered::Scan(scan)) => self.0.scan(scan),
            Event::Filtered(Filtered::Unparsed { tag: b"", .. }) => self.0.unparsed(None),
            _ => {}
        }
    }
}

impl LogScope for Scans {
    fn scope(&mut self, _: Scope) {}
}

/// What was read.
pub(crate) struct LogsRead<'a> {
    pub(crate) counting: Counting<'a>,
    pub(crate) filters: Option<FilterTally>,
    pub(crate) readings: Vec<Reading>,
}

/// Reads the logs, and those of spamd.
pub(crate) fn read<'a>(
    run: &Run<'a>,
    inputs: &Inputs,
    wanted: Wanted,
    counting: Counting<'a>,
) -> anyhow::Result<LogsRead<'a>> {
    let (cx, selection) = (run.cx, run.selection);
    let log = &run.args.filters.spamd_log;
    if log.iter().any(|path| path.as_os_str() == "-") && inputs.is_stdin() {
        let failure = Failure::new("standard input cannot be both --log and --spamd-log");
        return Err(failure.into());
    }
    let wanted = Wanted {
        filtered: true,
        senders: true,
        times: true,
        ..wanted
    };
    let mut both = Both {
        selection,
        counting,
        filters: FilterTally::default(),
        scans: log.is_empty(),
    };
    let own = LogSource::Files(log.clone());
    let own = match log.is_empty() {
        true => None,
        false => Some(Inputs::choose(
            &own,
            cx.site(),
            run.host,
            selection,
            run.window,
        )?),
    };
    let both_sizes = match &own {
        Some(own) => inputs.size().zip(own.size()).map(|(a, b)| a + b),
        None => inputs.size(),
    };
    let progress = cx.progress_bytes("reading logs", both_sizes);
    let advance = |bytes| progress.advance(bytes);
    let options = cx.site().read_options(run.window.range(), wanted, &advance);
    let mut readings = inputs.read(&options, &mut both)?;
    let mut filters = both.filters;
    if let Some(own) = own {
        let mut scans = Scans(filters);
        readings.extend(own.read(&options, &mut scans)?);
        filters = scans.0;
    }
    Ok(LogsRead {
        counting: both.counting,
        filters: Some(filters),
        readings,
    })
}

/// Reports lines of filters that could not be read.
pub(crate) fn left_out(cx: &Context, stats: &MailStats) -> Outcome {
    let unparsed = stats.total.filtered.as_ref().map_or(0, |f| f.unparsed);
    if unparsed == 0 {
        return Outcome::Done;
    }
    cx.warn(format!(
        "{} about filters could not be read (cut short?) and {} not counted",
        count(unparsed, "line"),
        either(unparsed, "is", "are")
    ));
    Outcome::Partial
}
