//! A move: snapshot, plan, question, journal, execution, verification.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use cli::{Context, Failure, Outcome};
use postfix::Root;
use postfix::config::{Host, Instance};
use postfix::queue::{Queue, QueueId, Selector};
use transfer::plan::{Facts, Plan, is_cross_device, judge, snapshot};
use transfer::preflight::{Asked, Finding, check, check_plan};
use transfer::verify::log_mark;
use transfer::{Begin, Done, Fate, Fs, MOVES, NoHook, Side, carry_out};

use crate::args::{Args, Format};
use crate::output::{self, Shown, Told};
use crate::setup;
use crate::syslog::Syslog;
use crate::waiting;
use crate::watch;

/// The queues that mail can be moved from.
const MOVABLE: [Queue; 2] = [Queue::Deferred, Queue::Hold];

/// What a move is about.
struct Course<'h> {
    host: &'h Host,
    from: &'h Instance,
    to: &'h Instance,
    from_side: Side,
    to_side: Side,
    to_runs: bool,
}

pub(crate) fn run(args: &Args, cx: &Context, from: &str, to: &str) -> anyhow::Result<Outcome> {
    let host = host::instances::discover(cx.site());
    setup::tell(cx, &host.problems);
    let from = setup::one(cx, &host, from)?;
    let to = setup::one(cx, &host, to)?;
    let course = Course {
        host: &host.value,
        from,
        to,
        from_side: setup::spool_of(cx, from)?,
        to_side: setup::spool_of(cx, to)?,
        to_runs: setup::runs(cx, to)?,
    };
    if !args.manner.dry_run {
        setup::must_be_root()?;
    }
    let findings = findings(args, cx, &host.value, &course)?;
    if findings.iter().any(|finding| finding.refuses) {
        return Err(setup::refused(&findings));
    }
    // From here on, no other queue-move takes mail out of FROM.
    let locks = match args.manner.dry_run {
        true => None,
        false => Some(setup::lock(
            cx,
            &[(&course.from_side, true), (&course.to_side, false)],
        )?),
    };
    let (shown, outcome) = planned(args, cx, &course, findings)?;
    drop(locks);
    cx.print(output::render(args.manner.format, cx, &shown).as_bytes())?;
    Ok(outcome)
}

fn findings(
    args: &Args,
    cx: &Context,
    host: &Host,
    course: &Course<'_>,
) -> anyhow::Result<Vec<Finding>> {
    let providers = host::tables::providers(cx.site())?;
    let provider = |name: &str| {
        let id = providers.of_instance(name)?;
        Some(providers.get(id).name.clone())
    };
    let asked = Asked {
        root: cx.root(),
        host,
        provider: &provider,
        to_runs: course.to_runs,
        cross_provider: args.cross_provider,
    };
    Ok(check(
        &asked,
        (course.from, &course.from_side),
        (course.to, &course.to_side),
    ))
}

/// The plan, and what came of it.
fn planned(
    args: &Args,
    cx: &Context,
    course: &Course<'_>,
    mut findings: Vec<Finding>,
) -> anyhow::Result<(Shown, Outcome)> {
    let selector = args.selectors.selector(cx, &[Queue::Deferred])?;
    if let Some(queue) = selector
        .queues
        .iter()
        .find(|queue| !MOVABLE.contains(queue))
    {
        return Err(
            Failure::new(format!("mail in the {queue} queue cannot be moved"))
                .hint("its queue manager has it in hand; --queue deferred or hold")
                .into(),
        );
    }
    let progress = cx.progress_items("reading the queue", None);
    let spool = course.from_side.spool();
    let showq = setup::showq(course.from);
    let found = snapshot(&spool, &MOVABLE, &selector, &showq)?;
    drop(progress);
    let missing = missing(&selector, &found.messages, &course.from_side);
    let facts = Facts {
        from: &course.from_side,
        size_limit: size_limit(course.to),
    };
    let cross_device = is_cross_device(&spool, &course.to_side.spool());
    let cross_device = cross_device.map_err(|e| Failure::new("cannot move").because(e))?;
    let plan = Plan {
        from: course.from_side.clone(),
        to: course.to_side.clone(),
        cross_device,
        items: judge(found.messages, facts, args.selectors.limit),
    };
    findings.extend(check_plan(&plan));
    if findings.iter().any(|finding| finding.refuses) {
        return Err(setup::refused(&findings));
    }
    let mut warnings: Vec<String> = findings
        .into_iter()
        .map(|finding| format!("{}; {}", finding.what, finding.way_out))
        .collect();
    warnings.extend(same_domains(&plan, course));
    cx.problems(&found.problems);
    let reasons = host::tables::reasons(cx.site())?;
    let mut shown = Shown::new(plan, missing, warnings, args.manner.dry_run, &reasons);
    let any = shown.plan.moves().next().is_some();
    if args.manner.dry_run || !any {
        let skipped = shown.plan.items.len() + shown.missing.len() > 0;
        let partial = !args.manner.dry_run && skipped;
        let outcome = if partial {
            Outcome::Partial
        } else {
            Outcome::Done
        };
        return Ok((shown, outcome));
    }
    if !cx.is_quiet() || !args.manner.yes {
        output::to_stderr(cx, &shown);
    }
    if !args.manner.yes && !cx.confirm("Move it?", "--yes")? {
        return Err(Failure::new("nothing was changed: not confirmed").into());
    }
    let outcome = execute(args, cx, course, &mut shown)?;
    Ok((shown, outcome))
}

fn size_limit(to: &Instance) -> u64 {
    let limit = to.parameters().int("message_size_limit");
    limit
        .and_then(|limit| u64::try_from(limit).ok())
        .unwrap_or(0)
}

/// Ids that were asked for and are not there to be moved, and where they are.
fn missing(
    selector: &Selector<'_>,
    found: &[postfix::queue::Message],
    from: &Side,
) -> Vec<(String, String)> {
    let Some(ids) = &selector.ids else {
        return Vec::new();
    };
    let spool = from.spool();
    let place = |id: &QueueId| {
        let is_there = |queue: &&Queue| spool.path(**queue, id).symlink_metadata().is_ok();
        let queue = Queue::ALL.iter().find(is_there);
        let Some(queue) = queue else {
            return format!("{} has no such message", from.instance);
        };
        match queue {
            Queue::Hold if !selector.wants_queue(Queue::Hold) => {
                "it was on hold before: --queue hold means it too".to_owned()
            }
            queue if selector.wants_queue(*queue) => "the other selectors leave it out".to_owned(),
            queue => format!("it is in the {queue} queue"),
        }
    };
    let mut missing: Vec<(String, String)> = ids
        .iter()
        .filter(|id| !found.iter().any(|message| message.file.id == **id))
        .map(|id| (id.as_str().to_owned(), place(id)))
        .collect();
    missing.sort();
    missing
}

/// Does TO itself have deferred mail for the same domains?
fn same_domains(plan: &Plan, course: &Course<'_>) -> Option<String> {
    let spool = course.to_side.spool();
    let showq = setup::showq(course.to);
    // A warning only: where TO's queue cannot be read, there is none.
    let theirs = snapshot(&spool, &[Queue::Deferred], &Selector::default(), &showq).ok()?;
    let mut waiting: HashMap<String, usize> = HashMap::new();
    for recipient in theirs.messages.iter().flat_map(|m| &m.recipients) {
        *waiting
            .entry(output::domain(&recipient.address))
            .or_default() += 1;
    }
    let mut same = BTreeMap::new();
    for recipient in plan.moves().flat_map(|item| &item.message.recipients) {
        let domain = output::domain(&recipient.address);
        if let Some(count) = waiting.get(&domain) {
            same.insert(domain, *count);
        }
    }
    if same.is_empty() {
        return None;
    }
    let list: Vec<String> = same
        .iter()
        .take(5)
        .map(|(domain, count)| format!("{domain} ({count})"))
        .collect();
    let more = if same.len() > 5 { ", …" } else { "" };
    Some(format!(
        "{} is itself deferring mail for {}{more}; what is moved may wait there as it did here",
        course.to.name(),
        list.join(", ")
    ))
}

/// Carries the plan out, waits for TO's pickup, and tells the log.
fn execute(
    args: &Args,
    cx: &Context,
    course: &Course<'_>,
    shown: &mut Shown,
) -> anyhow::Result<Outcome> {
    let interrupts = cx.catch_interrupts()?;
    let count = shown.plan.moves().count();
    let now = cx.now().seconds();
    let log = setup::log_of(cx, course.host, course.to).and_then(|path| log_mark(&path));
    let begin = Begin {
        name: name(now, &shown.plan),
        started: now,
        started_microseconds: u32::try_from(cx.now().micros().rem_euclid(1_000_000)).unwrap_or(0),
        user: setup::user(),
        command: setup::command_line(),
        boot: setup::boot(),
        log: log.clone(),
    };
    let syslog = Syslog::open(cx);
    syslog.say(
        now,
        &format!(
            "move {}: {count} messages from {} to {}, by {}",
            begin.name,
            course.from.name(),
            course.to.name(),
            begin.user
        ),
    );
    let pace = setup::pace(args.pace.rate);
    let wake = course.to_runs.then_some(&course.to_side);
    let progress = cx.progress_items("moving", Some(count as u64));
    let told = watch::Told::new(cx, &interrupts, Some(progress), wake);
    let dir = moves_dir(cx.root());
    let done = carry_out(Fs::new(&NoHook), &dir, &shown.plan, begin, pace, &told);
    drop(told);
    let done = done.map_err(|e| {
        Failure::new(e.to_string()).hint("queue-move resume goes on, queue-move undo goes back")
    })?;
    shown.move_name = Some(done.name.clone());
    shown.told = Some(Told::of(&done));
    let told = watch::Told::new(cx, &interrupts, None, wake);
    if course.to_runs {
        if !args.pace.no_wait {
            let names = shown.moved_names();
            shown.verified(waiting::verify(cx, &course.to_side, log, &names, &told));
        }
    } else {
        let what = format!(
            "{}'s pickup will take the mail when it starts",
            course.to.name()
        );
        shown.notes.push(what);
    }
    say_ends(&syslog, &told, course, &done, shown);
    interrupted(cx, &done);
    Ok(match done.is_complete() && shown.all_moved() {
        true => Outcome::Done,
        false => Outcome::Partial,
    })
}

fn interrupted(cx: &Context, done: &Done) {
    let left = done.intents.len().saturating_sub(done.ended.len());
    if left > 0 {
        cx.warn(format!(
            "interrupted: {left} messages are where they were. To go on: queue-move resume {name}; \
             to go back: queue-move undo {name}",
            name = done.name
        ));
    }
}

fn say_ends(
    syslog: &Syslog,
    told: &watch::Told<'_>,
    course: &Course<'_>,
    done: &Done,
    shown: &Shown,
) {
    use transfer::Watch as _;
    for ended in done.ended.iter().filter(|ended| ended.fate == Fate::Moved) {
        if let Some(intent) = done.intents.get(ended.n as usize) {
            let text = format!("{}: moved to {}", intent.queue_id, course.to.name());
            syslog.say(told.now(), &text);
        }
    }
    let counts = shown.counts();
    syslog.say(
        told.now(),
        &format!(
            "move {}: {} moved, {} skipped, {} failed",
            done.name, counts.moved, counts.skipped, counts.failed
        ),
    );
}

/// Where the host's journals are, as this machine names it.
pub(crate) fn moves_dir(root: &Root) -> std::path::PathBuf {
    root.under(Path::new(MOVES))
}

/// `20261124-063122-postfix-aol-a-postfix-aol-b`, in UTC.
fn name(now: i64, plan: &Plan) -> String {
    let time = chrono::DateTime::from_timestamp(now, 0).unwrap_or_default();
    let plain = |name: &str| -> String {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '_'
            }
        };
        name.chars().take(60).map(plain).collect()
    };
    let (from, to) = (plain(&plan.from.instance), plain(&plan.to.instance));
    format!("{}-{from}-{to}", time.format("%Y%m%dT%H%M%SZ"))
}

/// The format that results are shown in, for the other modules.
pub(crate) fn is_json(format: Format) -> bool {
    format == Format::Json
}
