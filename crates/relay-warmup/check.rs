//! Is an instance ready?

use cli::{Context, Outcome};
use figures::instances::Facts;
use figures::verdict::{Level, Perf, Verdict};
use postfix::Problem;
use postfix::config::Instance;
use warmup::limits::Limits;
use warmup::readiness::{Readiness, StepState};
use warmup::render::readiness as render;

use crate::args::{Check, Format};

pub(crate) fn run(args: &Check, cx: &Context) -> anyhow::Result<Outcome> {
    let host = host::instances::discover(cx.site());
    let chosen = host::instances::select_some(cx.site(), &host, &args.instances.instances)?;
    let is_chosen = |instance: &Instance| chosen.iter().any(|other| std::ptr::eq(*other, instance));
    let (mut all, mut shown, mut problems): (Vec<Facts>, _, _) =
        (Vec::new(), Vec::new(), Vec::new());
    let found = host::machine::gather(cx.site(), host.value.instances(), true)?;
    for (instance, (facts, own)) in host.value.instances().iter().zip(found) {
        if is_chosen(instance) {
            shown.push(all.len());
            problems.extend(instance.problems().iter().cloned().chain(own));
        }
        all.push(facts);
    }
    // Of an instance that cannot be read it is not known whether it has the same name or address.
    let is_new = |problem: &&Problem| !problems.contains(problem);
    let of_others: Vec<Problem> = host.problems.iter().filter(is_new).cloned().collect();
    if !host.value.unreadable().is_empty() {
        problems.extend(of_others);
    }
    let providers = host::tables::providers(cx.site())?;
    host::lookups::ask(
        cx.site(),
        args.dns.questions()?,
        &providers,
        &mut all,
        &shown,
    );
    let ready = |(instance, at): (&&Instance, &usize)| {
        let limits = Limits::of(instance, &instance.services(cx.root()).value);
        Readiness::of(&all, &all[*at], &limits)
    };
    let ready: Vec<Readiness> = chosen.iter().zip(&shown).map(ready).collect();
    let mut level = ready.iter().map(|one| level(one.outcome())).max();
    if !problems.is_empty() {
        level = level.max(Some(Level::Unknown));
    }
    let level = level.unwrap_or(Level::Unknown);
    if args.check {
        return cx.verdict(&verdict(&ready, &problems));
    }
    let now = (cx.now(), cx.zone());
    cx.print_with(|out| match args.format {
        Format::Table => {
            out.extend_from_slice(render::table(&ready, cx.table_style()).as_bytes());
            Ok(())
        }
        Format::Text => render::text(out, &ready),
        Format::Json => render::json(out, cx.host(), now, &ready, &problems),
        Format::Csv => render::csv(out, &ready),
    })?;
    cx.problems(&problems);
    Ok(Outcome::Checked(level))
}

fn level(outcome: StepState) -> Level {
    match outcome {
        StepState::Pass => Level::Ok,
        StepState::Unknown => Level::Unknown,
        StepState::Fail => Level::Critical,
    }
}

fn verdict(all: &[Readiness], problems: &[Problem]) -> Verdict {
    let count = |outcome| all.iter().map(|one| one.count(outcome)).sum::<usize>();
    let of_step = |one: &Readiness, step: &warmup::readiness::Step| {
        let (instance, found) = (&one.instance, &step.found);
        (
            level(step.outcome),
            format!("{instance}: {} {}: {found}", step.step, step.of),
        )
    };
    let steps = all
        .iter()
        .flat_map(|one| one.steps.iter().map(move |step| of_step(one, step)));
    let well = || {
        let names: Vec<&str> = all.iter().map(|one| one.instance.as_str()).collect();
        format!("{} is ready to send", names.join(", "))
    };
    let perf = |label: &str, outcome| {
        Perf::count(
            label,
            u32::try_from(count(outcome)).map_or(f64::MAX, f64::from),
        )
    };
    let perf = vec![
        perf("passed", StepState::Pass),
        perf("failed", StepState::Fail),
        perf("unknown", StepState::Unknown),
    ];
    let unread = problems
        .iter()
        .map(|problem| (Level::Unknown, problem.to_string()));
    Verdict::of(steps.chain(unread).collect(), well, perf)
}
