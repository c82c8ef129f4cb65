//! What a move will do: the messages that are meant, and what an admin should know of it.

use std::collections::{HashMap, HashSet};

use cli::{Context, Failure};
use knowledge::providers::domain_of;
use knowledge::reasons::{Cache, Reasons};
use postfix::config::{Host, Instance};
use postfix::queue::{Message, Queue, QueueId, Selector, ShowqOptions};
use transfer::plan::{Action, Effects, Facts, Item, Plan, is_cross_device, judge, snapshot};
use transfer::preflight::{Asked, Objection, check, check_plan};
use transfer::{Left, Side};

use crate::args::Args;
use crate::outlook;
use crate::selected::{BUSY, Strangers, busy};
use crate::setup;
use crate::text::most_first;
use crate::unfinished::taken;

/// The queues that mail can be moved from.
const MOVABLE: [Queue; 2] = [Queue::Deferred, Queue::Hold];

/// What a move is about.
pub(crate) struct Course<'h> {
    pub(crate) host: &'h Host,
    pub(crate) from: &'h Instance,
    pub(crate) to: &'h Instance,
    pub(crate) from_side: Side,
    pub(crate) to_side: Side,
    pub(crate) to_runs: bool,
}

impl Course<'_> {
    /// What stands against a move between the two, whatever the mail.
    pub(crate) fn findings(
        &self,
        cx: &Context,
        cross_provider: bool,
        is_plan: bool,
    ) -> anyhow::Result<Vec<Objection>> {
        let providers = host::tables::providers(cx.site())?;
        let provider = |name: &str| {
            let id = providers.of_instance(name)?;
            Some(providers.get(id).name.clone())
        };
        let asked = Asked {
            root: cx.root(),
            host: self.host,
            provider: &provider,
            to_runs: self.to_runs,
            cross_provider,
            is_plan,
        };
        Ok(check(
            &asked,
            (self.from, &self.from_side),
            (self.to, &self.to_side),
        ))
    }
}

/// A plan, and what is to be known of it.
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    /// Ids that were asked for and are not there, and why.
    pub(crate) missing: Vec<(String, String)>,
    /// Messages that the queue manager has in hand now, and that are not moved for that.
    pub(crate) busy: usize,
    pub(crate) warnings: Vec<String>,
    /// Recipients by domain and by reason, the most first.
    pub(crate) domains: Vec<(String, usize)>,
    pub(crate) classes: Vec<(String, usize)>,
    /// What replies mean.
    pub(crate) reasons: Reasons,
    /// What of FROM's queue could not be read.
    pub(crate) unread: Vec<String>,
}

/// The domain of an address, in lower case; empty where it has none.
pub(crate) fn domain(address: &str) -> String {
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    domain.trim_end_matches('.').to_ascii_lowercase()
}

/// Makes the plan. What is part of an unfinished move is left to that.
pub(crate) fn plan(
    args: &Args,
    cx: &Context,
    course: &Course<'_>,
    mut findings: Vec<Objection>,
) -> anyhow::Result<Planned> {
    let selector = args.selectors.selector(cx, &[Queue::Deferred])?;
    let stray = |queue: &&Queue| !MOVABLE.contains(queue);
    if let Some(queue) = selector.queues.iter().find(stray) {
        let what = format!("mail in the {queue} queue cannot be moved");
        let hint = match queue {
            Queue::Corrupt => {
                "it is damaged: look at it with postcat, and requeue or delete it with postsuper"
            }
            Queue::Maildrop => "its pickup is about to take it; use --queue deferred or hold",
            _ => "the queue manager is working on it; use --queue deferred or hold",
        };
        return Err(Failure::new(what).hint(hint).into());
    }
    let progress = cx.progress_items("reading the queue", None);
    let spool = course.from_side.spool();
    // All that are pending count, not only those that showq(8) would list.
    let showq = ShowqOptions {
        duplicate_filter_limit: 0,
        ..ShowqOptions::of(course.from.parameters())
    };
    let mut found = snapshot(&spool, &MOVABLE, &selector, &showq)?;
    let absent = setup::absent(&course.from_side, &selector.queues);
    found.problems.extend(absent);
    let others = Strangers::find(&selector, args.part.whole, &mut found.messages);
    let busy = busy(&spool, args.selectors.selector(cx, &BUSY)?, &showq)?;
    drop(progress);
    let missing = missing(&selector, &found.messages, &course.from_side);
    let facts = Facts {
        from: &course.from_side,
        size_limit: size_limit(course.to),
        taken: &taken(cx, &course.from_side, &selector.queues)?,
    };
    let cross_device = is_cross_device(&spool, &course.to_side.spool());
    let is_plan = args.manner.dry_run && !cx.root().is_this_host();
    let (from, to) = (&course.from_side, &course.to_side);
    let cross_device = match cross_device {
        // What a copy of a host left out because it was empty: what it is in says as much.
        Err(e) if is_plan && e.kind() == std::io::ErrorKind::NotFound => {
            from.identity.0 != to.identity.0
        }
        known => known.map_err(|e| Failure::new("cannot move").because(e))?,
    };
    let mut plan = Plan {
        from: course.from_side.clone(),
        to: course.to_side.clone(),
        cross_device,
        items: judge(found.messages, facts, args.selectors.limit),
    };
    let moves = plan.items.iter_mut();
    let moves = moves.filter(|item| item.action == Action::Move);
    for (n, item) in (0..).zip(moves) {
        item.message.n = n;
    }
    findings.extend(check_plan(&plan));
    let mut warnings = warnings(cx, course, &plan, findings)?;
    warnings.extend(others.told(plan.moves().map(|item| &item.message.queue_id)));
    cx.problems(&found.problems);
    let reasons = host::tables::reasons(cx.site())?;
    let planned = Planned::new(plan, missing, warnings, reasons);
    let unread = found.problems.iter().map(ToString::to_string).collect();
    Ok(Planned {
        busy,
        unread,
        ..planned
    })
}

/// What is to be known before this mail is handed to TO: beside `findings`, what TO would do with these very messages.
///
/// # Errors
/// Something stands against it.
fn warnings(
    cx: &Context,
    course: &Course<'_>,
    plan: &Plan,
    mut findings: Vec<Objection>,
) -> anyhow::Result<Vec<String>> {
    findings.extend(outlook::look(cx, course, plan));
    if findings.iter().any(|finding| finding.refuses) {
        return Err(setup::refused(&findings));
    }
    let mut warnings: Vec<String> = findings
        .into_iter()
        .map(|finding| format!("{}; {}", finding.what, finding.way_out))
        .collect();
    warnings.extend(outlook::delays(cx, course, plan));
    Ok(warnings)
}

/// The plan of a `resume`: what TO has not got yet.
///
/// # Errors
/// Something stands against handing it to TO.
pub(crate) fn rest(
    cx: &Context,
    course: &Course<'_>,
    cross_device: bool,
    left: &[Left],
    mut findings: Vec<Objection>,
) -> anyhow::Result<Planned> {
    let plan = |is_meant: &dyn Fn(&Left) -> bool| Plan {
        from: course.from_side.clone(),
        to: course.to_side.clone(),
        cross_device,
        items: left
            .iter()
            .filter(|one| is_meant(one))
            .map(|one| Item {
                message: one.message.clone(),
                effects: Effects::default(),
                action: Action::Move,
            })
            .collect(),
    };
    // What is copied already needs no more room.
    findings.extend(check_plan(&plan(&|one| !one.is_copied)));
    let plan = plan(&|_| true);
    let warnings = warnings(cx, course, &plan, findings)?;
    let reasons = host::tables::reasons(cx.site())?;
    Ok(Planned::new(plan, Vec::new(), warnings, reasons))
}

impl Planned {
    fn new(
        plan: Plan,
        missing: Vec<(String, String)>,
        warnings: Vec<String>,
        reasons: Reasons,
    ) -> Self {
        let mut domains: HashMap<String, usize> = HashMap::new();
        let mut classes: HashMap<String, usize> = HashMap::new();
        // The same reply comes thousands of times.
        let mut known = Cache::default();
        for rcpt in plan.moves().flat_map(|item| &item.message.recipients) {
            *domains.entry(domain(&rcpt.address)).or_default() += 1;
            let class = match &rcpt.reason {
                None => "not tried yet".to_owned(),
                Some(reason) => {
                    let dsn = rcpt.dsn.as_deref().map(str::as_bytes);
                    let of = domain_of(rcpt.address.as_bytes());
                    let meant = known.classify(&reasons, reason.as_bytes(), dsn, of);
                    meant.class.to_string()
                }
            };
            *classes.entry(class).or_default() += 1;
        }
        Self {
            domains: most_first(domains),
            classes: most_first(classes),
            plan,
            missing,
            busy: 0,
            warnings,
            reasons,
            unread: Vec::new(),
        }
    }

    /// How many messages it is to move.
    pub(crate) fn count(&self) -> usize {
        self.plan.moves().count()
    }

    /// The queue ids of those, in the order of the journal.
    pub(crate) fn ids(&self) -> Vec<QueueId> {
        let moves = self.plan.moves();
        moves.map(|item| item.message.queue_id.clone()).collect()
    }

    /// Is anything that was asked for left out?
    pub(crate) fn leaves_out(&self) -> bool {
        let skip = |item: &Item| item.action != Action::Move;
        !self.missing.is_empty() || self.plan.items.iter().any(skip)
    }

    /// What the move changes for this mail.
    pub(crate) fn changes(&self) -> Vec<String> {
        let count = |is: &dyn Fn(&Item) -> bool| self.plan.moves().filter(|i| is(i)).count();
        let mut changes = vec![
            "each message gets a new queue id, which TO's pickup logs with the old one (orig_id)"
                .to_owned(),
            "arrival time is kept, but the expiry clock (maximal_queue_lifetime) starts again"
                .to_owned(),
            "TO's maps rewrite the addresses again; its bcc maps and header checks see the mail again"
                .to_owned(),
            "content_filter is TO's own".to_owned(),
        ];
        let mut add = |count: usize, what: &str| {
            if count > 0 {
                changes.push(format!("messages {what}: {count}"));
            }
        };
        add(
            count(&|item| item.effects.done_recipients > 0),
            "already delivered to some recipients, who do not get them again",
        );
        add(
            count(&|item| item.effects.filter),
            "that lose a FILTER action, or content_filter, recorded for them",
        );
        add(
            count(&|item| item.effects.redirect),
            "that lose a REDIRECT action, and go to their own recipients",
        );
        add(
            count(&|item| item.effects.smtputf8),
            "sent with SMTPUTF8, which Postfix forgets here (3.7 does), so that a server may refuse their addresses",
        );
        if self.plan.cross_device {
            changes.push(
                "the two spools are on different file systems: the files are copied".to_owned(),
            );
        }
        changes
    }
}

fn size_limit(to: &Instance) -> u64 {
    let limit = to.parameters().long("message_size_limit");
    let limit = limit.and_then(|limit| u64::try_from(limit).ok());
    limit.unwrap_or(0)
}

/// Ids that were asked for and are not there to be moved, and where they are.
fn missing(selector: &Selector<'_>, found: &[Message], from: &Side) -> Vec<(String, String)> {
    let Some(ids) = &selector.ids else {
        return Vec::new();
    };
    let spool = from.spool();
    let place = |id: &QueueId| {
        let is_there = |queue: &&Queue| spool.path(**queue, id).symlink_metadata().is_ok();
        let Some(queue) = Queue::ALL.iter().find(is_there) else {
            return format!("{} has no such message", from.instance);
        };
        match queue {
            Queue::Hold if !selector.wants_queue(Queue::Hold) => {
                "it was already on hold: use --queue hold to include it".to_owned()
            }
            queue if selector.wants_queue(*queue) => "the other selectors exclude it".to_owned(),
            queue => format!("it is in the {queue} queue"),
        }
    };
    let there: HashSet<&QueueId> = found.iter().map(|message| &message.file.id).collect();
    let mut missing: Vec<(String, String)> = ids
        .iter()
        .filter(|id| !there.contains(id))
        .map(|id| (id.as_str().to_owned(), place(id)))
        .collect();
    missing.sort();
    missing
}
