//! `--format report`, `--format html`: a day of the host beside the days before.

use std::sync::Arc;

use cli::{Context, Failure, Outcome};
use figures::bounds::LISTED;
use figures::daily::{DAYS_JUDGED, DIMENSIONS, Daily, Parts};
use figures::days::{DayRecord, Period};
use figures::distribution::Distribution;
use figures::gaps::Gaps;
use figures::history::History;
use figures::mail_stats::Tally;
use host::history::{self, DayCounts, DayLogs, DaySettings};
use host::logs::{Hosts, Inputs, LogScope, gaps, log_sets};
use host::mailq;
use postfix::config::{Host, Instance};
use postfix::log::{self, Event, Scope, Sink, Wanted};
use postfix::{Problem, Span, Time, Window};
use show::daily::{self, mail::Envelope};

use crate::args::{Args, Page};
use crate::counting::Counting;
use crate::{Run, check, left_out, report_readings};

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
struct DaysRead {
    history: History,
    last: Tally,
    /// Whose lines were met.
    hosts: Hosts,
    gaps: Gaps,
    /// Do the logs hold the last day, whether a delivery is in it or not?
    is_covered: bool,
}

/// The report of the day that is asked for, printed as a `page`, or mailed.
pub(crate) fn report(run: &Run<'_>, page: Page) -> anyhow::Result<Outcome> {
    let (args, cx) = (run.args, run.cx);
    let report = daily(run)?;
    let style = args.report.style();
    if args.report.is_mail() {
        let envelope = envelope(args, cx, &run.host.value);
        let message = daily::mail::compose(&report, &envelope, style)?;
        match args.report.print_mail {
            true => cx.print(&message)?,
            false => cli::mail::hand_over(cx, &run.host.value, &args.report.mail_to, &message)?,
        }
    } else {
        let limited = (report.instances.len() > LISTED).then(|| report.limited(LISTED));
        let shown = limited.as_ref().unwrap_or(&report);
        let page = match page {
            Page::Html => daily::html::draw_page(shown)?,
            Page::Text => daily::text::draw_report(shown, style),
        };
        cx.print(page.as_bytes())?;
    }
    cx.problems(&report.problems);
    Ok(left_out(cx, report.stats.unread(), &report.stats.gaps))
}

/// Who the mail is from, and to whom. In its head, an address without a domain gets that which Postfix would give it.
fn envelope(args: &Args, cx: &Context, host: &Host) -> Envelope {
    let origin = cli::mail::origin(cx, host);
    let whole = |address: &String| match address.contains('@') {
        true => address.clone(),
        false => format!("{address}@{origin}"),
    };
    let (now, process) = (cx.now().micros(), std::process::id());
    Envelope {
        from: format!("root@{origin}"),
        to: args.report.mail_to.iter().map(whole).collect(),
        id: format!("mail-stats-print.{now}.{process}@{origin}"),
    }
}

fn daily(run: &Run<'_>) -> anyhow::Result<Daily> {
    let (args, cx, host, selection) = (run.args, run.cx, run.host, run.selection);
    let date = args.day(cx)?;
    let days = history::days(cx.site(), date.minus(DAYS_JUDGED as u64), date);
    let read = read(run, &days)?;
    let is_known = read.is_covered
        || read
            .history
            .last()
            .is_some_and(|day| !day.instances.is_empty());
    let mut problems = Vec::new();
    if !is_known {
        let problems_of = &read.history.problems;
        let why = problems_of.first().map(|problem| format!(": {problem}"));
        let what = format!("nothing is known about {date}{}", why.unwrap_or_default());
        let hint = "no remaining log covers this day, and --save-day kept no record of it; choose another day with \
        --date";
        // A mail that does not come says less than one that says so.
        if !args.report.is_mail() {
            return Err(Failure::new(what).hint(hint).into());
        }
        problems.push(Problem::new(history::DIRECTORY, format!("{what}; {hint}")));
    }
    let own = !args.names_its_logs();
    let mut unseen_queues = Vec::new();
    let queue = match own {
        true => queue(run, &mut problems, &mut unseen_queues),
        false => None,
    };
    if own {
        problems.extend(host.problems.iter().cloned());
    }
    // Nor its queue: what an instance is called, and where its mail is, stands in its main.cf.
    if own && selection.takes_all() {
        let unreadable = host.value.unreadable().iter();
        unseen_queues.extend(unreadable.map(|path| path.display().to_string()));
    }
    let parts = Parts {
        host: read
            .hosts
            .title(cx.host())
            .unwrap_or_else(|| cx.host().to_owned()),
        now: cx.now(),
        counted: read.last,
        history: read.history,
        busy: match own {
            true => check::must_not_idle(args, selection),
            false => Vec::new(),
        },
        in_use: match own {
            true => in_use(run),
            false => Vec::new(),
        },
        is_covered: read.is_covered,
        rules: host::tables::rules(cx.site())?,
        gaps: read.gaps,
        queue,
        unseen_queues,
        problems,
    };
    let mut report = Daily::new(parts).ok_or_else(|| Failure::new("no such day"))?;
    report.advice = advised(run, &report)?;
    Ok(report)
}

/// The instances that were not switched off: where postmulti manages them, one that neither runs nor is enabled was.
/// Elsewhere, being enabled says nothing.
fn in_use(run: &Run<'_>) -> Vec<String> {
    let default = run.host.value.default_instance();
    let is_managed = default.is_some_and(|default| {
        let others = default.parameters().paths("multi_instance_directories");
        !others.is_empty()
    });
    let runs = |i: &Instance| !matches!(host::machine::master(run.cx.root(), i), Ok(None));
    let configured = run.selection.instances.iter();
    let in_use = configured.filter(|i| !is_managed || i.is_enabled() || runs(i));
    in_use.map(|i| i.syslog_name().to_owned()).collect()
}

/// What to do about the refusals of the instances that need attention.
fn advised(run: &Run<'_>, report: &Daily) -> anyhow::Result<Vec<String>> {
    let is_noted = |name: &str| report.attention.iter().any(|of| of.instance == name);
    let mut refusals = check::refusals(run, &report.stats);
    refusals.retain(|what, _| what.instance.as_deref().is_some_and(is_noted));
    let table = host::tables::advice(run.cx.site())?;
    Ok(figures::advice::lines(&refusals, &table))
}

/// One pass over the logs of all days.
fn read(run: &Run<'_>, days: &[Period]) -> anyhow::Result<DaysRead> {
    let (args, cx, host, selection) = (run.args, run.cx, run.host, run.selection);
    let (first, last) = (days.first().map(|d| d.since), days.last());
    let window = Window {
        since: first,
        until: last.map(|day| day.until),
    };
    let own = match args.names_its_logs() {
        true => None,
        false => {
            let asked = args.logs.own.preference();
            Some(log_sets(cx.site(), host, selection, asked)?)
        }
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
    let mut both = Both {
        days: DayCounts::new(selection, days, &day_settings),
        last: Counting::new(selection, Arc::new(settings)).by_host(day_settings.hosts.clone()),
        since: last.map_or(Time::MIN, |day| day.since),
        first: None,
    };
    let wanted = Wanted {
        senders: true,
        delays: true,
        ..both.days.wanted()
    };
    let wants = |name: &str| selection.wants(name.as_bytes());
    if let Some(sets) = own {
        let logs = DayLogs::read(cx.site(), &sets, days, wanted, &mut both);
        report_readings(cx, &logs.readings);
        let is_covered = days.last().is_some_and(|day| logs.cover(cx.site(), day));
        let (last, hosts) = finished(&mut both.days, both.last);
        let counted = both.days.records(|day, name| logs.of(cx.site(), day, name));
        return Ok(DaysRead {
            history: history::combined(cx.site(), days, counted, logs.problems, wants),
            last,
            hosts,
            gaps: gaps(&logs.readings),
            is_covered,
        });
    }
    // A pipe has no beginning to look at: what it holds of the day before shows that it holds all of the first day.
    let window = Window {
        since: first.map(|since| since.minus(Span::from_days(1))),
        ..window
    };
    let inputs = Inputs::choose(&args.logs.source(), cx.site(), host, selection, window)?;
    let progress = cx.progress_bytes("reading logs", inputs.size());
    let advance = |bytes| progress.advance(bytes);
    let options = cx.site().read_options(window.range(), wanted, &advance);
    let readings = inputs.read_part(&options, &mut both)?;
    drop(progress);
    selection.check_all_seen(&both.last.seen())?;
    report_readings(cx, &readings);
    let gaps = gaps(&readings);
    let times = readings.iter().filter(|r| r.seen.is_postfix);
    let times = times.filter_map(|r| r.seen.times.clone());
    let times = times.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end));
    let is_covered = last.zip(times).is_some_and(|(day, times)| {
        times.start <= day.since
            && day.since <= times.end
            && readings.iter().all(|r| r.problems.is_empty())
    });
    let problems: Vec<Problem> = readings.into_iter().flat_map(|r| r.problems).collect();
    let begins = earlier(begins(cx, &inputs), both.first);
    let (last_tally, hosts) = finished(&mut both.days, both.last);
    let counted: Vec<DayRecord> = both.days.records(|day, _| {
        let over = (cx.now() < day.until).then(|| "the day was not over".to_owned());
        let late = history::begins_late(cx.site(), begins, day.since);
        let broken = problems.iter().map(ToString::to_string);
        (
            Vec::new(),
            over.into_iter().chain(late).chain(broken).collect(),
        )
    });
    Ok(DaysRead {
        history: History::new(days.to_vec(), counted, Vec::new(), problems),
        last: last_tally,
        hosts,
        gaps,
        is_covered,
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

/// What waits in the queues now. If they cannot be read, the report is still given; `unseen` says of which instances.
fn queue(
    run: &Run<'_>,
    problems: &mut Vec<Problem>,
    unseen: &mut Vec<String>,
) -> Option<Distribution> {
    let cx = run.cx;
    let spools = mailq::find(cx.site(), &run.selection.instances);
    let counting = mailq::Counting {
        spools: &spools,
        host: cx.host(),
        counts_only: false,
        with_expiry: false,
        by: Vec::new(),
        top: None,
        most_keys: figures::bounds::MOST_KEYS_IN_ALL,
        providers: Arc::clone(&run.tables.providers),
    };
    let progress = cx.progress_items("reading queues", None);
    let each = || {
        progress.advance(1);
        std::ops::ControlFlow::Continue(())
    };
    match counting.look(cx.now(), &[], &each) {
        Ok(counted) => {
            problems.extend(counted.distribution.problems.iter().cloned());
            unseen.extend(counted.unreadable);
            Some(counted.distribution)
        }
        Err(_) => {
            let first = spools.iter().find(|spool| spool.is_there);
            let path = first.map(|spool| spool.spool.dir().to_owned());
            let what =
                "the mailq is not shown: permission denied; only root can read Postfix's queues";
            problems.push(Problem::new(path.unwrap_or_default(), what));
            unseen.extend(spools.iter().map(|spool| spool.instance.clone()));
            None
        }
    }
}
