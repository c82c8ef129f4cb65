//! How warm-ups go, by the logs and the day records.

use std::path::Path;
use std::sync::Arc;

use cli::{Context, Failure, Outcome};
use figures::history::History;
use figures::judge::Sample;
use figures::verdict::{Level, Perf, Verdict as Answer};
use host::history;
use host::logs::{Preference, Selection};
use host::tables::Tables;
use postfix::config::{Host, Instance};
use postfix::{Day, Parsed, Problem, Time};
use warmup::limits::Limits;
use warmup::plan::Plan;
use warmup::render::status::{self as render, Standing as Shown};
use warmup::rules::Rules;
use warmup::status::{DayFigures, Status, Verdict};

use crate::args::{Format, Standing};
use crate::saved;

/// As far as a history is read back, in days: no warm-up takes longer.
const MAX_DAYS: u64 = 400;

/// An instance, and its plan if it has one.
type WithPlan<'a> = (&'a Instance, Option<Plan>);

/// Warm-ups, judged.
pub(crate) struct Judged {
    /// What there is to each.
    pub(crate) all: Vec<(Instance, Option<Plan>, Status)>,
    /// Of each, why its log may have anybody's lines, if so.
    pub(crate) open: Vec<Option<String>>,
    /// What could not be read.
    pub(crate) problems: Vec<Problem>,
}

/// Judges the warm-ups of these instances, or of all that have a plan, by these rules or the host's.
///
/// # Errors
/// No plan is saved, an instance is unknown, or a table is wrong.
pub(crate) fn judge(
    cx: &Context,
    names: &[String],
    rules: Option<&Path>,
    preference: Option<Preference>,
) -> anyhow::Result<Judged> {
    let rules = host::tables::load_with(
        cx.site(),
        rules,
        "/etc/relay-tools/warmup.toml",
        Rules::load,
    )?;
    let judge = host::tables::rules(cx.site())?;
    let host = host::instances::discover(cx.site());
    let mut problems = Vec::new();
    let asked = match names {
        [] => planned(cx, &host, &mut problems)?,
        names => named(cx, &host, names)?,
    };
    let today = history::today(cx.site());
    let read = read(cx, &host, &asked, preference, today, &rules)?;
    problems.extend(read.problems.iter().cloned());
    // What is not known of pauses ([`limits::pauses`]).
    problems.extend(limits::Marks::read(cx.root(), cx.now()).problems);
    problems.extend(asked.iter().flat_map(|(i, _)| i.problems().to_vec()));
    let all = asked.into_iter().map(|(instance, plan)| {
        let name = instance.syslog_name();
        let pauses = limits::pauses(cx.root(), instance.config_directory(), cx.now());
        let days = days_of(&read, name, &pauses, &judge);
        let status = Status::of(instance.name(), plan.as_ref(), &days, today, &rules);
        (instance.clone(), plan, status)
    });
    let all: Vec<(Instance, Option<Plan>, Status)> = all.collect();
    let open_to_others = |instance: &Instance| match preference {
        // journald says who wrote.
        Some(Preference::Journal) => None,
        _ => host::logs::open_to_others(cx.site(), &host.value, instance),
    };
    Ok(Judged {
        open: all.iter().map(|(one, ..)| open_to_others(one)).collect(),
        all,
        problems,
    })
}

pub(crate) fn run(args: &Standing, cx: &Context) -> anyhow::Result<Outcome> {
    let Judged { all, problems, .. } = judge(
        cx,
        &args.instances.instances,
        args.rules.as_deref(),
        args.log_source.preference(),
    )?;
    let shown = all.into_iter().map(|(instance, plan, status)| Shown {
        in_force: in_force(cx, &instance, plan.as_ref(), &status),
        status,
        plan,
    });
    let shown: Vec<Shown> = shown.collect();
    if args.check {
        return cx.verdict(&answer(&shown, &problems));
    }
    let now = (cx.now(), cx.zone());
    cx.print_with(|out| match args.format {
        Format::Table => {
            let drawn = render::table(&shown, args.days, cx.table_style());
            out.extend_from_slice(drawn.as_bytes());
            Ok(())
        }
        Format::Text => render::text(out, &shown),
        Format::Json => render::json(out, cx.host(), now, &shown, &problems),
        Format::Csv => render::csv(out, &shown),
    })?;
    cx.problems(&problems);
    let is_known = |one: &Shown| one.status.verdict != Verdict::Unknown;
    Ok(match shown.iter().all(is_known) {
        true => Outcome::Done,
        false => Outcome::Partial,
    })
}

/// The instances that have a plan. A plan whose instance is gone is a problem.
fn planned<'a>(
    cx: &Context,
    host: &'a Parsed<Host>,
    problems: &mut Vec<Problem>,
) -> anyhow::Result<Vec<WithPlan<'a>>> {
    let (plans, unread) = saved::all(cx)?;
    if plans.is_empty() && unread.is_empty() {
        return Err(Failure::new("no plan is saved on this host")
            .hint("make one with relay-warmup plan INSTANCE --volume N/day, or use relay-warmup status INSTANCE \
                without one")
            .into());
    }
    problems.extend(unread);
    let mut asked = Vec::new();
    for plan in plans {
        let name = &plan.order.instance;
        let mut instances = host.value.instances().iter();
        match instances.find(|instance| instance.name() == name) {
            Some(instance) => asked.push((instance, Some(plan))),
            None => {
                let what = format!("the instance {name} no longer exists; move the plan away");
                problems.push(Problem::new(saved::path(cx, name), what));
            }
        }
    }
    Ok(asked)
}

fn named<'a>(
    cx: &Context,
    host: &'a Parsed<Host>,
    names: &[String],
) -> anyhow::Result<Vec<WithPlan<'a>>> {
    let chosen = host::instances::select_some(cx.site(), host, names)?;
    let with_plan = |instance: &'a Instance| Ok((instance, saved::of(cx, instance.name())?));
    chosen.into_iter().map(with_plan).collect()
}

/// The days that the verdict may depend on.
fn read(
    cx: &Context,
    host: &Parsed<Host>,
    asked: &[WithPlan<'_>],
    preference: Option<Preference>,
    today: Day,
    rules: &Rules,
) -> anyhow::Result<History> {
    let back = |days: u64| today.minus(days);
    // Long enough to see that an address was idle.
    let usual = back(u64::from(rules.idle_days) + 1);
    let starts = asked.iter().map(|(_, plan)| {
        let start = plan.as_ref().map(|plan| plan.order.start);
        start.unwrap_or(usual).min(usual)
    });
    let first = starts.min().unwrap_or(usual).max(back(MAX_DAYS));
    let names: Vec<String> = asked.iter().map(|(i, _)| i.name().to_owned()).collect();
    if names.is_empty() {
        return Ok(History {
            days: Vec::new(),
            problems: Vec::new(),
        });
    }
    let selection = Selection::new(cx.site(), host, &names, false)?;
    let tables = Tables {
        providers: Arc::new(host::tables::providers(cx.site())?),
        reasons: Some(Arc::new(host::tables::reasons(cx.site())?)),
    };
    let days = history::days(cx.site(), first, today);
    history::read(cx.site(), host, &selection, preference, &days, &tables)
}

/// An instance's days, as far as anything is known of them. A day of which too many lines could not be read for any
/// verdict (judge.toml, `[unread]`) is not known whole.
fn days_of(
    history: &History,
    syslog_name: &str,
    pauses: &[(Time, Time)],
    judge: &figures::judge::Rules,
) -> Vec<DayFigures> {
    let known = history.days.iter().filter_map(|day| {
        let of = day.instance(syslog_name)?;
        let (since, until) = (day.day.since, day.day.until);
        let is_in = |&(from, to): &(Time, Time)| from < until && since < to;
        let (lines, read) = (of.figures.unparsed, of.figures.counts.total());
        let unread = Sample::new(lines, lines.saturating_add(read));
        let is_read = judge.unread_level(unread) != Level::Unknown;
        Some(DayFigures {
            paused: pauses.iter().any(is_in),
            ..DayFigures::new(day.day.day(), &of.figures, of.complete && is_read)
        })
    });
    known.collect()
}

fn in_force(
    cx: &Context,
    instance: &Instance,
    plan: Option<&Plan>,
    status: &Status,
) -> Option<bool> {
    let plan = plan?;
    let level = plan.levels.get(status.level?)?;
    let limits = Limits::of(instance, &instance.services(cx.root()).value);
    Some(plan.is_in_force(level, &limits))
}

fn answer(shown: &[Shown], problems: &[Problem]) -> Answer {
    let level = |verdict: Verdict| match verdict {
        Verdict::GoOn => Level::Ok,
        Verdict::Hold | Verdict::WarmAgain => Level::Warning,
        Verdict::StepBack => Level::Critical,
        Verdict::Unknown => Level::Unknown,
    };
    let mut worst = shown.iter().map(|s| level(s.status.verdict)).max();
    if !problems.is_empty() {
        worst = worst.max(Some(Level::Unknown));
    }
    let mut sorted: Vec<&Shown> = shown.iter().collect();
    sorted.sort_by_key(|shown| std::cmp::Reverse(level(shown.status.verdict)));
    let texts = sorted.iter().map(|shown| {
        let status = &shown.status;
        let why = match status.why.as_slice() {
            [] => String::new(),
            why => format!(" ({})", why.join("; ")),
        };
        format!("{}: {}{why}", status.instance, status.verdict.as_str())
    });
    let mut texts: Vec<String> = texts.collect();
    texts.extend(problems.first().map(ToString::to_string));
    Answer {
        level: worst.unwrap_or(Level::Unknown),
        text: texts.join("; "),
        perf: shown.iter().flat_map(perf).collect(),
    }
}

/// The figures of the last sending day.
fn perf(shown: &Shown) -> Vec<Perf> {
    let status = &shown.status;
    let label = |word: &str| format!("{}_{word}", status.instance);
    let mut perf = Vec::new();
    if let Some(cap) = shown.cap() {
        perf.push(Perf::count(label("cap"), cap as f64));
    }
    if let Some(last) = status.days.last() {
        let total = last.day.total();
        let share = |n: u64| (n as f64 * 10_000.0 / total as f64).round() / 100.0;
        perf.push(Perf::count(label("volume"), total as f64));
        for (word, n) in [
            ("deferred", last.day.deferred),
            ("bounced", last.day.bounced),
            ("blocked", last.day.blocked),
        ] {
            perf.push(Perf::count(label(word), share(n)).unit("%"));
        }
    }
    perf
}
