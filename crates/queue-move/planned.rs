//! A plan as a value, with what an admin should know of it.

use std::collections::HashMap;

use knowledge::providers::domain_of;
use knowledge::reasons::{Cache, Reasons};
use postfix::queue::QueueId;
use transfer::plan::{Action, Item, Plan};

use crate::course::domain;

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

impl Planned {
    pub(crate) fn new(
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

/// Counts, the most first.
pub(crate) fn most_first(counts: HashMap<String, usize>) -> Vec<(String, usize)> {
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sorted
}
