//! A new plan.

use cli::{Context, Failure, Outcome};
use postfix::Day;
use postfix::config::Instance;
use warmup::intake::OtherLimits;
use warmup::limits::Limits;
use warmup::plan::{Before, Order, Plan};
use warmup::ratio::RelayName;
use warmup::schedule::{self, Schedule, ScheduleError};
use warmup::settings::Mail;

use crate::addresses::Search;
use crate::args::{self, Planning};
use crate::saved;

pub(crate) fn run(args: &Planning, cx: &Context) -> anyhow::Result<Outcome> {
    let start = args::start(&args.start, cx)?;
    let schedule = schedule_of(args)?;
    let host = host::instances::discover(cx.site());
    let instance = host::instances::select_one(cx.site(), &host, &args.instance)?;
    let path = saved::path(cx, instance.name());
    if !args.dry_run && !args.replace && path.exists() {
        return Err(saved::exists(&path).into());
    }
    let address = instance.bind_addresses().first().copied();
    let providers = host::tables::providers(cx.site())?;
    let search = Search {
        cx,
        host: &host.value,
        instance,
        traffic: &args.traffic,
        providers: &providers,
        dns: &args.dns,
    };
    let found = search.find(address)?;
    let order = order(args, cx, instance, start, found.relay);
    let mut plan = Plan::make(order, &schedule).map_err(|why| unplannable(&schedule, &why))?;
    plan.order.before = before(
        cx,
        instance,
        &plan,
        saved::of(cx, instance.name()).ok().flatten().as_ref(),
    );
    odd_orders(cx, &plan);
    if !args.dry_run {
        saved::save(cx, &path, &plan, args.replace)?;
    }
    let more = match args.dry_run {
        true => "not saved: --dry-run".to_owned(),
        false => format!("saved: {}", path.display()),
    };
    saved::print(cx, &plan, (1, args.by), args.format, &[more])?;
    cx.problems(instance.problems());
    Ok(match found.is_whole {
        true => Outcome::Done,
        false => Outcome::Partial,
    })
}

/// What the plan is made of; what stands `before` is added by the plan.
fn order(
    args: &Planning,
    cx: &Context,
    instance: &Instance,
    start: Day,
    relay: Option<RelayName>,
) -> Order {
    let old = relay.as_ref().map_or(0, |relay| relay.old.len());
    let equal = args.volume.saturating_mul(old as u64 + 1);
    Order {
        instance: instance.name().to_owned(),
        syslog_name: instance.syslog_name().to_owned(),
        config_directory: instance.config_directory().display().to_string(),
        host: cx.host().to_owned(),
        transport: transport(cx, instance),
        address: instance.bind_addresses().first().copied(),
        relay,
        created: cx.now(),
        start,
        volume: args.volume,
        total: args.traffic.total.unwrap_or(equal),
        mail: Mail {
            recipients: args.traffic.recipients,
            delivery_ms: args.traffic.delivery_time,
        },
        clients: args.traffic.clients,
        replaces_old: args.traffic.replace_old,
        others: OtherLimits::of(instance),
        before: Vec::new(),
    }
}

fn unplannable(schedule: &Schedule, why: &ScheduleError) -> Failure {
    let hint = match why {
        ScheduleError::Steep(..) => "beyond_limits = true in that file allows it; or smaller steps",
        ScheduleError::Endless => {
            "--first N/day begins with more; a file of your own may grow by more percent, or name the levels; or a \
             smaller --volume"
        }
    };
    Failure::new(format!("--schedule {}: {why}", schedule.name)).hint(hint)
}

/// What is set now of what the plan sets. Where an `earlier` plan may be in force, what was set before that one.
fn before(cx: &Context, instance: &Instance, plan: &Plan, earlier: Option<&Plan>) -> Vec<Before> {
    let known = earlier
        .map(|plan| plan.order.before.as_slice())
        .unwrap_or_default();
    let of = |name: String| match known.iter().find(|before| before.name == name) {
        Some(before) => before.clone(),
        None => Before {
            value: saved::setting(cx, instance, &name),
            name,
        },
    };
    plan.names().into_iter().map(of).collect()
}

/// What an admin may not have meant.
fn odd_orders(cx: &Context, plan: &Plan) {
    let order = &plan.order;
    if order.start < host::history::today(cx.site()) {
        cx.warn(format!(
            "--start {} is in the past: the days since then count as they were, whatever limited them",
            order.start
        ));
    }
    let lowest = plan
        .levels
        .first()
        .map_or(0, |level| level.settings.lets_out);
    if order.relay.is_some() && u64::from(order.clients) > lowest {
        cx.warn(format!(
            "--clients {}: with one recipient a day from each, more arrives than the {lowest} that may leave on the \
             first days; the rest waits",
            order.clients
        ));
    }
}

/// The SMTP client that the instance's mail leaves by.
fn transport(cx: &Context, instance: &Instance) -> String {
    let limits = Limits::of(instance, &instance.services(cx.root()).value);
    if limits.is_client == Some(false) {
        cx.warn(format!(
            "default_transport of {} is {}, and master.cf has no SMTP client of that name: the settings may have no \
             effect",
            instance.name(),
            limits.transport
        ));
    }
    limits.transport
}

fn schedule_of(args: &Planning) -> anyhow::Result<Schedule> {
    let schedule = match args.schedule.as_str() {
        "doubling" => Schedule::doubling(),
        "gentle" => Schedule::gentle(),
        file => {
            let path = std::path::Path::new(file);
            let text = guarded::read_typed_text(path, 1 << 20).map_err(|e| {
                Failure::io("cannot read the schedule", path, e)
                    .hint("use --schedule doubling, gentle, or a file")
            })?;
            schedule::parse(&text, path).map_err(|problem| {
                Failure::new(problem.to_string()).hint("see SCHEDULES in relay-warmup(8)")
            })?
        }
    };
    match args.first {
        Some(_) if schedule.is_listed() => Err(Failure::new(format!(
            "--first cannot be used with {}, whose levels have their own beginning",
            schedule.name
        ))
        .into()),
        Some(first) => Ok(schedule.beginning_with(first)),
        None => Ok(schedule),
    }
}
