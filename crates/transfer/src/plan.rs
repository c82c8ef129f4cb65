//! What a move will do, as a value: `--dry-run` shows it, execution consumes it.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use postfix::Problem;
use postfix::queue::{
    Log, Message, Queue, QueueId, RecipientState, ScanError, ScanOptions, Selector, ShowqOptions,
    Spool,
};
use serde::Serialize;

use crate::fsops::{FileTime, Stat};
use crate::journal::{Intent, Journal, Rcpt, Side};
use crate::mover::EXPIRED;
use crate::steps::hold::pending;

/// What is to be done with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is moved.
    Move,
    /// It is left alone, for this reason.
    Skip(String),
}

/// What a move changes for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Effects {
    /// A FILTER action, or content_filter, that was recorded is dropped.
    pub filter: bool,
    /// A REDIRECT action that was recorded is dropped.
    pub redirect: bool,
    /// SMTPUTF8 was asked for by the sender. Requeueing forgets that (seen with Postfix 3.7; newer versions keep it,
    /// cleanup_envelope.c): addresses beyond ASCII are then sent to a server that was not warned of them.
    pub smtputf8: bool,
    /// Recipients that are delivered, bounced or canceled already: they stay so.
    pub done_recipients: usize,
}

/// A message of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// The message, as it will be written into the journal.
    pub message: Intent,
    /// What the move changes for it.
    pub effects: Effects,
    /// What is to be done with it.
    pub action: Action,
}

/// What a move will do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Where mail is taken from.
    pub from: Side,
    /// Where it goes to.
    pub to: Side,
    /// Are the spools on two file systems, so that files are copied?
    pub cross_device: bool,
    /// The messages, the oldest first.
    pub items: Vec<Item>,
}

impl Plan {
    /// Those that will be moved.
    pub fn moves(&self) -> impl Iterator<Item = &Item> {
        let moves = self.items.iter();
        moves.filter(|item| item.action == Action::Move)
    }

    /// How many are skipped, by reason.
    pub fn skips(&self) -> BTreeMap<&str, usize> {
        let mut skips = BTreeMap::new();
        for item in &self.items {
            if let Action::Skip(why) = &item.action {
                *skips.entry(why.as_str()).or_insert(0) += 1;
            }
        }
        skips
    }
}

/// The messages that are meant, and what was wrong on the way to them.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// What was found, the oldest first.
    pub messages: Vec<Message>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// Reads what `selector` means. A message that is taken by the queue manager in the meantime is not there.
///
/// # Errors
/// A queue cannot be read.
pub fn snapshot(
    spool: &Spool,
    queues: &[Queue],
    selector: &Selector<'_>,
    showq: &ShowqOptions,
) -> Result<Snapshot, ScanError> {
    let found = Mutex::new(Vec::new());
    let mut problems = Vec::new();
    for &queue in queues.iter().filter(|queue| selector.wants_queue(**queue)) {
        let tally = spool.scan_messages(queue, showq, &ScanOptions::default(), |message| {
            if selector.fits(&message) {
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                found.push(message);
            }
            ControlFlow::Continue(())
        })?;
        problems.extend(tally.problems);
    }
    let mut messages = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    messages.sort_by_cached_key(|m| (m.file.arrival_time(), m.file.id.clone()));
    // One that the queue manager moved from queue to queue meanwhile may have been seen twice.
    messages.dedup_by(|a, b| a.file.id == b.file.id);
    Ok(Snapshot { messages, problems })
}

/// What the judgement of a message needs to know of the two instances.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Where mail is taken from.
    pub from: &'a Side,
    /// TO's message_size_limit in bytes; 0: none.
    pub size_limit: u64,
    /// Messages that are part of unfinished moves, and of which.
    pub taken: &'a Taken,
}

/// Messages that are part of unfinished moves and deletions, and of which: by queue id, and by inode, for postsuper(1)
/// renames files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// By queue id.
    pub ids: HashMap<QueueId, String>,
    /// By the file's inode number, beside the size of the file.
    pub inodes: HashMap<(u64, u64), String>,
}

impl Taken {
    /// Takes in what an unfinished move or deletion has not settled.
    pub fn add(&mut self, journal: &Journal) {
        let name = &journal.header.name;
        let part = match journal.header.keep_until {
            Some(_) => format!("the interrupted deletion {name}: queue-move undo {name} first"),
            None => {
                format!("the unfinished move {name}: queue-move resume, undo or close {name} first")
            }
        };
        for (intent, end) in journal.intents().zip(journal.ends()) {
            if end.is_none_or(|end| !end.fate.is_settled()) {
                let file = (intent.file.inode, intent.file.size);
                self.ids.insert(intent.queue_id.clone(), part.clone());
                self.inodes.insert(file, part.clone());
            }
        }
    }

    /// The unfinished move or deletion that the message is part of, and what to do about that.
    pub fn part_of(&self, message: &Message) -> Option<&str> {
        let info = &message.file.info;
        let by_inode = self.inodes.get(&(info.inode, info.size));
        let found = self.ids.get(&message.file.id).or(by_inode);
        found.map(String::as_str)
    }
}

/// Bytes that requeueing adds to a queue file: a Received: header, times, attributes.
const GROWTH: u64 = 2048;

/// What is to be done with each message: the first `limit` of those that can be moved are.
pub fn judge(messages: Vec<Message>, facts: Facts<'_>, limit: Option<usize>) -> Vec<Item> {
    let spool = facts.from.spool();
    // These directories are empty nearly always.
    let logs: Vec<Log> = [Log::Bounce, Log::Trace]
        .into_iter()
        .filter(|log| !is_empty(&spool.dir().join(log.name())))
        .collect();
    let mut items = Vec::with_capacity(messages.len());
    let mut moves = 0;
    for message in messages {
        if limit.is_some_and(|limit| moves >= limit) {
            break;
        }
        let why = why_not(&message, facts, &spool, &logs);
        moves += usize::from(why.is_none());
        let action = why.map_or(Action::Move, Action::Skip);
        items.push(item(&message, action));
    }
    items
}

/// All of them, whatever is the matter with them: for a deletion.
pub fn all(messages: &[&Message]) -> Vec<Item> {
    let mut items: Vec<Item> = messages.iter().map(|one| item(one, Action::Move)).collect();
    for (n, item) in (0..).zip(&mut items) {
        item.message.n = n;
    }
    items
}

fn is_empty(dir: &Path) -> bool {
    std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none())
}

fn why_not(message: &Message, facts: Facts<'_>, spool: &Spool, logs: &[Log]) -> Option<String> {
    let file = &message.file;
    let envelope = &file.envelope;
    if let Some(part) = facts.taken.part_of(message) {
        return Some(format!("it is part of {part}"));
    }
    let why = if file.misplaced {
        "it is where Postfix does not see it: run postsuper -s first"
    } else if file.info.is_forced_expire() {
        EXPIRED
    } else if !envelope.complete {
        "its file is damaged: TO's pickup would delete it"
    } else if envelope.to_do().next().is_none() {
        "nothing is left to deliver"
    } else if file.info.uid != facts.from.owner.0 {
        "its file does not belong to mail_owner"
    } else if file.info.links != 1 {
        "its file has a second name"
    } else if facts.size_limit > 0 && file.info.size.saturating_add(GROWTH) > facts.size_limit {
        "it is too big for TO (message_size_limit), which would return it to the sender"
    } else {
        let log = logs.iter().find(|log| exists(spool, **log, &file.id))?;
        pending(*log)
    };
    Some(why.to_owned())
}

fn exists(spool: &Spool, log: Log, id: &QueueId) -> bool {
    std::fs::symlink_metadata(spool.log_path(log, id)).is_ok()
}

fn item(message: &Message, action: Action) -> Item {
    let file = &message.file;
    let envelope = &file.envelope;
    let info = &file.info;
    let done = |r: &&postfix::queue::Recipient| r.state != RecipientState::ToDo;
    Item {
        effects: Effects {
            filter: envelope.filter.is_some(),
            redirect: envelope.redirect.is_some(),
            smtputf8: envelope.smtputf8(),
            done_recipients: envelope.recipients.iter().filter(done).count(),
        },
        message: Intent {
            n: 0,
            queue_id: file.id.clone(),
            queue: file.queue,
            file: Stat {
                device: info.device,
                inode: info.inode,
                size: info.size,
                mode: info.mode,
                uid: info.uid,
                gid: info.gid,
                links: info.links,
                mtime: FileTime::of(info.mtime, 0),
            },
            arrival: file.arrival_time().seconds(),
            arrival_microseconds: envelope.arrival_microseconds,
            size: file.message_size(),
            sender: message.sender.address().to_owned(),
            recipients: message.recipients.iter().map(Rcpt::from).collect(),
        },
        action,
    }
}

/// Must files be copied from FROM's hold queue to TO's maildrop?
///
/// # Errors
/// One of the directories is not there; FROM's deferred and hold queues are on two file systems, or mounts.
pub fn is_cross_device(from: &Spool, to: &Spool) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let device = |dir: std::path::PathBuf| {
        let meta = std::fs::metadata(&dir);
        let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", dir.display()));
        meta.map(|meta| meta.dev()).map_err(named)
    };
    let is_cut = |one: std::path::PathBuf, other: std::path::PathBuf| {
        Ok::<_, io::Error>(
            device(one.clone())? != device(other.clone())? || guarded::at::is_apart(&one, &other)?,
        )
    };
    let hold = from.queue_dir(Queue::Hold);
    if is_cut(from.queue_dir(Queue::Deferred), hold.clone())? {
        return Err(io::Error::other(
            "FROM's deferred and hold queues are on different file systems, which Postfix does not support",
        ));
    }
    is_cut(hold, to.queue_dir(Queue::Maildrop))
}
