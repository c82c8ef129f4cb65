//! The logs of the days that a report is made of, read in one pass.

use std::sync::Arc;

use cli::Context;
use figures::daily::DIMENSIONS;
use figures::days::{DayRecord, Period};
use figures::gaps::Gaps;
use figures::history::History;
use figures::mail_stats::Tally;
use host::history::{self, DayCounts, DayLogs, DaySettings};
use host::logs::{Hosts, Inputs, LogScope, gaps, log_sets};
use postfix::log::{self, Event, LogSet, Scope, Sink, Wanted};
use postfix::{Problem, Span, Time, Window};

use crate::counting::Counting;
use crate::{Run, check, report_readings};

/// Counts the attempts of all days, and more of the last one.
struct Both<'a> {
    days: DayCounts<'a>,
    last: Counting<'a>,
    /// The last day's begin. Nothing is read of after that day.
    since: Time,
    /// The time of the first delivery that was met, of any day.
    first: Option<Time>,
}

impl Sink for Both<'_> {
    fn event(&mut self, event: &Event<'_>) {
        self.days.event(event);
        let time = match event {
            Event::Delivery(delivery) => delivery.time,
            Event::Expired(expired) => expired.time,
            Event::Unparsed { time, .. } => *time,
            // Of any day: the message may be delivered on the last.
            Event::Complaint(complaint) => complaint.time,
            Event::Sender { .. }
            | Event::Removed { .. }
            | Event::Filtered(_)
            | Event::Requeued { .. }
            | Event::Connected { .. }
            | Event::Dropped(_) => None,
        };
        self.first = earlier(self.first, time);
        if time.is_none_or(|time| time >= self.since) {
            self.last.event(event);
        }
    }

    fn counts(&mut self, tag: &[u8], time: Option<Time>) -> bool {
        time.is_none_or(|time| time >= self.since) && self.last.counts(tag, time)
    }

    fn knows(&self, tag: &[u8]) -> bool {
        self.last.knows(tag)
    }

    fn fork(&self) -> Option<Self> {
        Some(Self {
            days: self.days.fork()?,
            last: self.last.fork()?,
            since: self.since,
            first: None,
        })
    }

    fn join(&mut self, later: Self) {
        self.days.join(later.days);
        self.last.join(later.last);
        self.first = earlier(self.first, later.first);
    }
}

/// The earlier of two times, as far as they are known.
fn earlier(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    one.into_iter().chain(other).min()
}

impl LogScope for Both<'_> {
    fn scope(&mut self, scope: Scope) {
        self.days.scope(scope.clone());
        self.last.scope(scope);
    }
}

/// What was read.
pub(crate) struct DaysRead {
    pub(crate) history: History,
    pub(crate) last: Tally,
    /// Whose lines were met.
    pub(crate) hosts: Hosts,
    pub(crate) gaps: Gaps,
    /// Do the logs hold the last day, whether a delivery is in it or not?
    pub(crate) is_covered: bool,
    /// The time of the last line of logs that were named: there may have been more.
    pub(crate) ends: Option<Time>,
}

/// One pass over the logs of all days.
pub(crate) fn read(run: &Run<'_>, days: &[Period]) -> anyhow::Result<DaysRead> {
    let (args, cx, selection) = (run.args, run.cx, run.selection);
    let asked = args.logs.own.preference();
    let own = match args.names_its_logs() {
        true => None,
        false => Some(log_sets(cx.site(), run.host, selection, asked)?),
    };
    let instances = check::expected(args, selection);
    let settings = run.settings(DIMENSIONS.to_vec(), true, instances.clone());
    let day_settings = DaySettings {
        zone: cx.zone(),
        instances,
        tables: run.tables.clone(),
        whole: false,
        hosts: match &own {
            Some(sets) => Hosts::of_own(cx.site(), sets),
            None => Hosts::of_any(),
        },
    };
    let both = Both {
        days: DayCounts::new(selection, days, &day_settings),
        last: Counting::new(selection, Arc::new(settings)).by_host(day_settings.hosts.clone()),
        since: days.last().map_or(Time::MIN, |day| day.since),
        first: None,
    };
    let wanted = Wanted {
        senders: true,
        delays: true,
        ..both.days.wanted()
    };
    match own {
        Some(sets) => Ok(read_own(run, days, &sets, wanted, both)),
        None => read_named(run, days, wanted, both),
    }
}

/// The host's own logs, beside what was saved of the days.
fn read_own(
    run: &Run<'_>,
    days: &[Period],
    sets: &[LogSet],
    wanted: Wanted,
    mut both: Both<'_>,
) -> DaysRead {
    let site = run.cx.site();
    let logs = DayLogs::read(site, sets, days, wanted, &mut both);
    report_readings(run.cx, &logs.readings);
    let is_covered = days.last().is_some_and(|day| logs.cover(site, day));
    let (last, hosts) = finished(&mut both.days, both.last);
    let counted = both.days.records(|day, name| logs.of(site, day, name));
    let wants = |name: &str| run.selection.wants(name.as_bytes());
    DaysRead {
        gaps: gaps(&logs.readings),
        history: history::combined(site, days, counted, logs, wants),
        last,
        hosts,
        is_covered,
        ends: None,
    }
}

/// Logs that the user names: of another host perhaps, of which nothing else is known.
fn read_named(
    run: &Run<'_>,
    days: &[Period],
    wanted: Wanted,
    mut both: Both<'_>,
) -> anyhow::Result<DaysRead> {
    let (cx, last) = (run.cx, days.last());
    // A pipe has no beginning to look at: what it holds of the day before shows that it holds all of the first day.
    let begin = days.first().map(|day| day.since.minus(Span::from_days(1)));
    let window = Window {
        since: begin,
        until: last.map(|day| day.until),
    };
    let source = run.args.logs.source();
    let inputs = Inputs::choose(&source, cx.site(), run.host, run.selection, window)?;
    let progress = cx.progress_bytes("reading logs", inputs.size());
    let advance = |bytes| progress.advance(bytes);
    let options = cx.site().read_options(window.range(), wanted, &advance);
    let readings = inputs.read_part(&options, &mut both)?;
    let end = last.and_then(|day| inputs.end_early(&(day.since..day.until), &options, &readings));
    drop(progress);
    run.selection.check_all_seen(&both.last.seen())?;
    report_readings(cx, &readings);
    let gaps = gaps(&readings);
    let times = readings.iter().filter(|r| r.seen.is_postfix);
    let times = times.filter_map(|r| r.seen.times.clone());
    let times = times.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end));
    let ends = times.as_ref().map(|times| times.end);
    let is_covered = last.zip(times).is_some_and(|(day, times)| {
        times.start <= day.since
            && day.since <= times.end
            && readings.iter().all(|r| r.problems.is_empty())
            && end.is_none()
    });
    let mut problems: Vec<Problem> = readings.into_iter().flat_map(|r| r.problems).collect();
    let begins = earlier(begins(cx, &inputs), both.first);
    let (last_tally, hosts) = finished(&mut both.days, both.last);
    let counted: Vec<DayRecord> = both.days.records(|day, _| {
        let over = (cx.now() < day.until).then(|| "the day was not over".to_owned());
        let late = history::begins_late(cx.site(), begins, day.since);
        let is_last = Some(day.since) == last.map(|last| last.since);
        let of_day = end.iter().filter(|_| is_last);
        let broken = problems.iter().chain(of_day).map(ToString::to_string);
        (
            Vec::new(),
            over.into_iter().chain(late).chain(broken).collect(),
        )
    });
    problems.extend(end);
    Ok(DaysRead {
        history: History::new(days.to_vec(), counted, Vec::new(), problems),
        last: last_tally,
        hosts,
        gaps,
        is_covered,
        ends,
    })
}

/// What was counted of the last day, with the names that instances have on any day.
fn finished(days: &mut DayCounts<'_>, last: Counting<'_>) -> (Tally, Hosts) {
    let mut hosts = days.hosts().clone();
    hosts.join(last.hosts());
    days.set_hosts(&hosts);
    let mut tally = last.tally;
    tally.rename(|name| hosts.name(name));
    (tally, hosts)
}

/// When the logs that are named begin.
fn begins(cx: &Context, inputs: &Inputs) -> Option<Time> {
    let files = match inputs {
        Inputs::Files(files) => files,
        Inputs::Journal(journal) => return journal.begins().ok().flatten(),
        Inputs::Host(_) => return None,
    };
    let regular = files.iter().filter(|path| path.is_file());
    regular
        .filter_map(|path| log::first_time(path, cx.zone()).ok().flatten())
        .min()
}
