//! The plans that are kept.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use cli::{Context, Failure, Outcome, create_file, replace_file};
use guarded::{Links, Place};
use postfix::Problem;
use postfix::config::{Instance, Service, ServiceType};
use warmup::plan::{self, Plan};
use warmup::render::plan as render;

use crate::args::{By, Format, List, ListFormat, Show};

/// The most bytes of one.
const MOST_PLAN: u64 = 16 << 20;

/// The file of an instance's plan.
pub(crate) fn path(cx: &Context, instance: &str) -> PathBuf {
    let directory = cx.root().under(Path::new(plan::DIRECTORY));
    directory.join(plan::name(instance))
}

/// That there is a plan already.
pub(crate) fn exists(path: &Path) -> Failure {
    Failure::io("a plan is already saved", path, ErrorKind::AlreadyExists.into())
        .hint("use --replace to replace it and start counting days again, or --dry-run to only show the new one")
}

/// Saves a plan: in place of another only with `replace`.
///
/// # Errors
/// There is one, or it cannot be written.
pub(crate) fn save(cx: &Context, path: &Path, plan: &Plan, replace: bool) -> anyhow::Result<()> {
    let mut text = Vec::new();
    plan::write(&mut text, plan)?;
    let place = Place::make(cx.root().dir(), path, Links::Ours)
        .map_err(|e| Failure::io("cannot save the plan", path, e))?;
    if replace {
        return replace_file(&place, &text);
    }
    match create_file(&place, &text) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Err(exists(path).into()),
        Err(e) => Err(Failure::io("cannot save the plan", path, e).into()),
    }
}

/// The plan of an instance, if one is saved.
///
/// # Errors
/// It cannot be read, or is not a plan.
pub(crate) fn of(cx: &Context, instance: &str) -> anyhow::Result<Option<Plan>> {
    let path = path(cx, instance);
    match read(&path) {
        Ok(plan) => Ok(Some(plan.map_err(|problem| {
            Failure::new(problem.to_string()).hint("replace it with relay-warmup plan --replace")
        })?)),
        Err(e) if guarded::is_absent(&e) => Ok(None),
        Err(e) => Err(Failure::io("cannot read the plan", &path, e).into()),
    }
}

fn read(path: &Path) -> io::Result<Result<Plan, Problem>> {
    let text = guarded::read(path, MOST_PLAN)?;
    Ok(plan::read(path, &text))
}

/// What is set now: a parameter as main.cf has it, or `SERVICE/unix/process_limit` as master.cf has it; absent where
/// the default holds.
pub(crate) fn setting(cx: &Context, instance: &Instance, name: &str) -> Option<String> {
    match name.split_once('/') {
        Some((service, _)) => {
            let services = instance.services(cx.root()).value;
            let is_it = |s: &&Service| s.name == service && s.kind == ServiceType::Unix;
            let limit = services.services().iter().find(is_it)?.process_limit?;
            Some(limit.to_string())
        }
        None => {
            let value = instance.parameters().main_cf().value(name.as_bytes())?;
            Some(String::from_utf8_lossy(value).into_owned())
        }
    }
}

/// All saved plans, by instance, and what could not be read.
///
/// # Errors
/// The directory cannot be read. It is not an error if there is none.
pub(crate) fn all(cx: &Context) -> anyhow::Result<(Vec<Plan>, Vec<Problem>)> {
    let directory = cx.root().under(Path::new(plan::DIRECTORY));
    let cannot = |e| Failure::io("cannot read the plans", &directory, e);
    let Some(entries) = guarded::list(&directory).map_err(cannot)? else {
        return Ok(Default::default());
    };
    let entries = entries.map(|entry| Ok(entry?.path()));
    let mut paths: Vec<PathBuf> = entries.collect::<io::Result<_>>().map_err(cannot)?;
    // What has another ending, or begins with a dot, is being written or none of ours.
    let is_plan = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".json") && !name.starts_with('.')
    };
    paths.retain(is_plan);
    paths.sort();
    let (mut plans, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match read(&path) {
            Ok(Ok(plan)) => plans.push(plan),
            Ok(Err(problem)) => problems.push(problem),
            Err(e) => problems.push(Problem::new(&path, format!("cannot read it: {e}"))),
        }
    }
    Ok((plans, problems))
}

pub(crate) fn list(args: &List, cx: &Context) -> anyhow::Result<Outcome> {
    let (plans, problems) = all(cx)?;
    cx.print_with(|out| match args.format {
        ListFormat::Table => {
            let drawn = render::list(&plans, cx.zone(), cx.table_style());
            out.extend_from_slice(drawn.as_bytes());
            Ok(())
        }
        ListFormat::Jsonl => plans.iter().try_for_each(|plan| plan::write(out, plan)),
    })?;
    cx.problems(&problems);
    Ok(Outcome::Done)
}

pub(crate) fn show(args: &Show, cx: &Context) -> anyhow::Result<Outcome> {
    let plan = named(cx, &args.instance)?;
    if args.undo {
        if plan.order.before.is_empty() {
            let what = format!(
                "the plan of {} does not record the previous settings",
                plan.order.instance
            );
            return Err(Failure::new(what)
                .hint("it was made by an older version; make a new one with relay-warmup plan --replace before \
                    applying anything")
                .into());
        }
        cx.print_with(|out| render::undo(out, &plan, cx.width()))?;
        return Ok(Outcome::Done);
    }
    print(cx, &plan, (args.day, args.by), args.format, &[])?;
    Ok(Outcome::Done)
}

/// The plan that is meant, of an instance that is configured or was.
fn named(cx: &Context, name: &str) -> anyhow::Result<Plan> {
    let host = host::instances::discover(cx.site());
    let chosen = host.value.select(std::slice::from_ref(&name.to_owned()));
    let mut names: Vec<String> = match &chosen {
        Ok(chosen) => chosen.iter().map(|i| i.name().to_owned()).collect(),
        Err(_) => vec![name.to_owned(), format!("postfix-{name}")],
    };
    names.dedup();
    let mut found = Vec::new();
    for name in &names {
        found.extend(of(cx, name)?);
    }
    let (known, _) = all(cx)?;
    let known: Vec<&str> = known
        .iter()
        .map(|plan| plan.order.instance.as_str())
        .collect();
    let known = match known.as_slice() {
        [] => "there are no saved plans".to_owned(),
        names => format!("there are plans for {}", names.join(", ")),
    };
    match (found.pop(), found.is_empty()) {
        (Some(plan), true) => Ok(plan),
        (Some(_), false) => Err(
            Failure::new(format!("{name} matches more than one instance"))
                .hint("name the one whose plan to show")
                .into(),
        ),
        (None, _) => Err(
            Failure::new(format!("no plan is saved for {name}; {known}"))
                .hint("make one with relay-warmup plan INSTANCE --volume N/day")
                .into(),
        ),
    }
}

/// Shows a plan, and what to apply on a sending day. The table ends with the lines of `more`.
pub(crate) fn print(
    cx: &Context,
    plan: &Plan,
    (day, by): (u32, By),
    format: Format,
    more: &[String],
) -> anyhow::Result<()> {
    cx.print_with(|out| match format {
        Format::Table => {
            let rows = match by {
                By::Day => render::Rows::Day,
                By::Level => render::Rows::Level,
            };
            let drawn = render::table(plan, (day, rows), more, cx.table_style());
            out.extend_from_slice(drawn.as_bytes());
            Ok(())
        }
        Format::Text => render::text(out, plan, day),
        Format::Json => plan::write(out, plan),
        Format::Csv => render::csv(out, plan),
    })
}
