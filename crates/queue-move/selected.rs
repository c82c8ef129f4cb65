//! What the selectors take, and what they leave: recipients who are not named in messages that are, and mail that the
//! queue manager has in hand.

use std::collections::HashMap;

use cli::{Context, Failure};
use postfix::config::Instance;
use postfix::either;
use postfix::queue::{Message, Queue, QueueId, Selector, ShowqOptions, Spool};
use transfer::Side;
use transfer::plan::{Taken, snapshot};

use crate::course::domain;
use crate::planned::most_first;
use crate::unfinished::taken;

/// Where the queue manager is working on mail.
pub(crate) const BUSY: [Queue; 2] = [Queue::Incoming, Queue::Active];

/// Domains that are named.
const DOMAINS: usize = 5;

/// An instance, and the messages of it that are meant.
pub(crate) struct Chosen {
    pub(crate) instance: Instance,
    pub(crate) side: Side,
    pub(crate) messages: Vec<Message>,
    /// Those that are left alone, and why.
    pub(crate) skipped: Vec<(QueueId, String)>,
    /// The queue in which what belongs to unfinished moves and deletions is left alone.
    pub(crate) leaves_moves: Option<Queue>,
    /// What an admin should know before.
    pub(crate) notes: Vec<String>,
    /// What of the queue could not be read.
    pub(crate) unread: Vec<String>,
}

impl Chosen {
    pub(crate) fn ids(&self) -> Vec<QueueId> {
        let files = self.messages.iter().map(|message| &message.file);
        files.map(|file| file.id.clone()).collect()
    }

    /// Leaves out what belongs to unfinished moves and deletions: their journals say where their messages are.
    pub(crate) fn leave_moves(&mut self, cx: &Context, queue: Queue) -> anyhow::Result<()> {
        self.leaves_moves = Some(queue);
        let taken = taken(cx, &self.side, &[queue])?;
        let messages = std::mem::take(&mut self.messages);
        for message in messages {
            match part(&taken, &message) {
                Some(why) => self.skipped.push((message.file.id.clone(), why)),
                None => self.messages.push(message),
            }
        }
        Ok(())
    }

    /// The same once nobody else can begin one: what was begun after the plan was made counts. In the order of the
    /// messages, why each is left out.
    pub(crate) fn left_now(&self, cx: &Context) -> anyhow::Result<Vec<Option<String>>> {
        let taken = match self.leaves_moves {
            Some(queue) => taken(cx, &self.side, &[queue])?,
            None => Taken::default(),
        };
        Ok(self.messages.iter().map(|one| part(&taken, one)).collect())
    }

    pub(crate) fn failure(&self, e: std::io::Error) -> Failure {
        Failure::io("cannot work on", &self.side.queue_directory, e)
    }
}

fn part(taken: &Taken, message: &Message) -> Option<String> {
    let part = taken.part_of(message)?;
    Some(format!("it is part of {part}"))
}

/// Recipients whom the selectors do not name, in messages that are selected for others: their domains.
#[derive(Debug, Default)]
pub(crate) struct Strangers(HashMap<QueueId, Vec<String>>);

impl Strangers {
    /// Finds them. With `whole`, messages that have such are left out instead.
    pub(crate) fn find(selector: &Selector<'_>, whole: bool, messages: &mut Vec<Message>) -> Self {
        let mut found = Self::default();
        messages.retain(|message| {
            let recipients = message.recipients.iter();
            let others = recipients.filter(|rcpt| !selector.fits_recipient(rcpt));
            let others: Vec<String> = others.map(|rcpt| domain(&rcpt.address)).collect();
            if others.is_empty() {
                return true;
            }
            if !whole {
                found.0.insert(message.file.id.clone(), others);
            }
            !whole
        });
        found
    }

    /// What is to be known of those in these messages.
    pub(crate) fn note<'a>(&self, ids: impl Iterator<Item = &'a QueueId>) -> Option<String> {
        let (mut count, mut domains) = (0, HashMap::new());
        for others in ids.filter_map(|id| self.0.get(id)) {
            count += 1;
            for domain in others {
                *domains.entry(domain.clone()).or_insert(0) += 1;
            }
        }
        let all: usize = domains.values().sum();
        let domains = most_first(domains);
        let shown = domains.iter().take(DOMAINS);
        let shown: Vec<String> = shown
            .map(|(domain, count)| format!("{domain} ({count})"))
            .collect();
        let more = match domains.len() > DOMAINS {
            true => ", …",
            false => "",
        };
        (count > 0).then(|| {
            format!(
                "{count} of the messages also {} recipients that the selectors do not name, {all} in all, who go \
                 with {}: {}{more}; --whole leaves such messages out",
                either(count, "has", "have"),
                either(count, "it", "them"),
                shown.join(", ")
            )
        })
    }
}

/// How many of the messages that are meant the queue manager has in hand now.
///
/// # Errors
/// A queue cannot be read.
pub(crate) fn busy(
    spool: &Spool,
    selector: Selector<'_>,
    showq: &ShowqOptions,
) -> anyhow::Result<usize> {
    let wanted = Selector {
        queues: BUSY.to_vec(),
        ..selector
    };
    Ok(snapshot(spool, &BUSY, &wanted, showq)?.messages.len())
}
