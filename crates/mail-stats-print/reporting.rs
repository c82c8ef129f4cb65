//! `--format report`, `--format html`: a day of the host beside the days before.

use std::collections::BTreeMap;
use std::sync::Arc;

use cli::{Context, Failure, Outcome};
use figures::bounds::LISTED;
use figures::daily::{DAYS_JUDGED, Daily, Parts};
use figures::distribution::Distribution;
use figures::instances::Trouble;
use figures::verdict::Level;
use host::{history, mailq};
use postfix::config::{Host, Instance};
use postfix::{Day, Problem};
use show::daily::{self, mail::Envelope};

use crate::args::{Args, Page};
use crate::report_logs;
use crate::{Run, check, left_out};

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
    let read = report_logs::read(run, &days)?;
    let is_known = read.is_covered
        || read
            .history
            .last()
            .is_some_and(|day| !day.instances.is_empty());
    let mut problems = Vec::new();
    if !is_known {
        problems.push(unknown(args, date, read.history.problems.first())?);
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
        lives: match own {
            true => check::lives(run),
            false => BTreeMap::new(),
        },
        is_covered: read.is_covered,
        ends: read.ends,
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

/// That nothing is known about a day. A mail that does not come says less than one that says so.
///
/// # Errors
/// It is no mail.
fn unknown(args: &Args, date: Day, first: Option<&Problem>) -> anyhow::Result<Problem> {
    let why = first.map(|problem| format!(": {problem}"));
    let what = format!("nothing is known about {date}{}", why.unwrap_or_default());
    let hint = "no remaining log covers this day, and --save-day kept no record of it; choose another day with \
    --date";
    match args.report.is_mail() {
        true => Ok(Problem::new(history::DIRECTORY, format!("{what}; {hint}"))),
        false => Err(Failure::new(what).hint(hint).into()),
    }
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
    let mut refusals = check::refusals(run, &report.stats, is_noted);
    refusals.retain(|what, _| what.instance.is_some());
    let table = host::tables::advice(run.cx.site())?;
    Ok(figures::advice::lines(&refusals, &table))
}

/// That there is mail which could not be read, or which Postfix passes over.
fn damaged(spool: &mailq::InstanceSpool, problems: &[Problem]) -> Option<Trouble> {
    let of_it = problems.iter();
    let mut of_it = of_it.filter(|problem| problem.path.starts_with(spool.spool.dir()));
    let first = of_it.next()?;
    let text = match of_it.count() {
        0 => first.to_string(),
        more => format!("{first}; and {more} more queue files"),
    };
    Some(Trouble {
        instance: spool.instance.clone(),
        level: Level::Warning,
        text,
    })
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
            let mut distribution = counted.distribution;
            let mut troubles =
                host::machine::queue_troubles(cx.site(), &run.host.value, &run.selection.instances);
            let is_seen = |spool: &&mailq::InstanceSpool| {
                spool.same_as.is_none() && !counted.unreadable.contains(&spool.instance)
            };
            for spool in spools.iter().filter(is_seen) {
                troubles.extend(damaged(spool, &distribution.problems));
            }
            distribution.troubles = Some(troubles);
            problems.extend(distribution.problems.iter().cloned());
            unseen.extend(counted.unreadable);
            if spools.is_empty() {
                unseen.push("any instance: none is configured".to_owned());
            }
            Some(distribution)
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
