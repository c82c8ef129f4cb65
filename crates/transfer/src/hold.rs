//! hold, release and clean: what `postsuper -h` and `-H` do, but never over another file, and for selected mail alone.

use std::io;

use postfix::Time;
use postfix::queue::{Log, Queue, QueueId};

use crate::fsops::{FileTime, Fs, Stat};
use crate::job::{QueueFile, unfit};
use crate::journal::Side;
use crate::mover::{BEING_DELIVERED, TAKEN};
use crate::steps::hold::pending;
use crate::tree::{At, QueueDir, Touched, Tree};

/// Why a message is left alone whose file is another by now.
pub const NOT_IT: &str = "another message has its id now";

/// A message as it was seen: its queue id, and the inode of its file. The id may be given to another message later.
pub type SeenAs<'a> = (&'a QueueId, u64);

/// How it went with a message or log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemResult {
    /// Done.
    Done,
    /// Left alone, for this reason.
    Skipped(String),
    /// It could not be done, for this reason.
    Failed(String),
}

/// Requeues messages that are on hold, as `postsuper -r` does: into maildrop, due now, without their defer logs.
/// pickup(8) takes them as new mail with the old time of arrival. Not those that it would remove instead.
///
/// # Errors
/// The queue directory cannot be opened, or the names cannot be put on disk.
pub fn requeue(
    fs: Fs<'_>,
    side: &Side,
    messages: &[SeenAs<'_>],
    now: Time,
) -> io::Result<Vec<ItemResult>> {
    let tree = Tree::open(side.spool(), side.owner)?;
    let touched = Touched::default();
    let one = |&(id, inode): &SeenAs<'_>| -> io::Result<ItemResult> {
        let old = tree.at(QueueDir::Queue(Queue::Hold), id)?;
        let opened = old.as_ref().map(At::open_with_stat).transpose()?.flatten();
        let (Some(old), Some((file, stat))) = (old, opened) else {
            return Ok(ItemResult::Skipped(TAKEN.to_owned()));
        };
        if stat.inode != inode {
            return Ok(ItemResult::Skipped(NOT_IT.to_owned()));
        }
        if !stat.is_ready() {
            return Ok(ItemResult::Skipped("it is incomplete".to_owned()));
        }
        // An agent that had it open when it was put on hold goes on delivering it, and notes that in this file only.
        let file = QueueFile(file);
        if !file.lock() {
            return Ok(ItemResult::Skipped(BEING_DELIVERED.to_owned()));
        }
        if let Some(why) = unfit(&file, &stat) {
            return Ok(ItemResult::Skipped(why));
        }
        for log in [Log::Bounce, Log::Trace] {
            if let Some(at) = tree.at(QueueDir::Log(log), id)?
                && at.stat()?.is_some()
            {
                return Ok(ItemResult::Skipped(pending(log).to_owned()));
            }
        }
        fs.times(&file, &old.path, FileTime::of(now, 0))?;
        let new = tree.at_made(fs, QueueDir::Queue(Queue::Maildrop), id)?;
        fs.rename(&old, &new)?;
        touched.add(&old);
        touched.add(&new);
        // Now nobody looks for it by this id.
        if let Some(at) = tree.at(QueueDir::Log(Log::Defer), id)?
            && at.stat()?.is_some()
        {
            fs.unlink(&at)?;
            touched.add(&at);
        }
        Ok(ItemResult::Done)
    };
    let outcomes = messages
        .iter()
        .map(|message| one(message).unwrap_or_else(|e| not_done(&e, Queue::Maildrop)));
    let outcomes = outcomes.collect();
    tree.sync(fs, &touched)?;
    Ok(outcomes)
}

fn not_done(e: &io::Error, to: Queue) -> ItemResult {
    match e.kind() {
        io::ErrorKind::NotFound => ItemResult::Skipped(TAKEN.to_owned()),
        io::ErrorKind::AlreadyExists => {
            ItemResult::Skipped(format!("another message of that id is in the {to} queue"))
        }
        _ => ItemResult::Failed(e.to_string()),
    }
}

/// Renames messages from one queue of an instance to another.
///
/// # Errors
/// The queue directory cannot be opened, or the names cannot be put on disk.
pub fn shift(
    fs: Fs<'_>,
    side: &Side,
    messages: &[SeenAs<'_>],
    (from, to): (Queue, Queue),
) -> io::Result<Vec<ItemResult>> {
    let tree = Tree::open(side.spool(), side.owner)?;
    let touched = Touched::default();
    let mut outcomes = Vec::with_capacity(messages.len());
    for &(id, inode) in messages {
        let done = (|| {
            let gone = || io::Error::from(io::ErrorKind::NotFound);
            let old = tree.at(QueueDir::Queue(from), id)?.ok_or_else(gone)?;
            let stat = old.stat()?.ok_or_else(gone)?;
            if stat.inode != inode {
                return Ok(ItemResult::Skipped(NOT_IT.to_owned()));
            }
            if !stat.is_ready() {
                return Ok(ItemResult::Skipped("it is incomplete".to_owned()));
            }
            let new = tree.at_made(fs, QueueDir::Queue(to), id)?;
            fs.rename(&old, &new)?;
            touched.add(&old);
            touched.add(&new);
            Ok(ItemResult::Done)
        })();
        outcomes.push(done.unwrap_or_else(|e: io::Error| not_done(&e, to)));
    }
    tree.sync(fs, &touched)?;
    Ok(outcomes)
}

/// The permission bit by which the queue manager knows mail that is to be returned (MAIL_QUEUE_STAT_EXPIRE of
/// global/mail_queue.h, Postfix 3.5 and later).
const EXPIRE: u32 = 0o010;

/// Marks deferred messages as expired, as `postsuper -e` does: the next attempt returns them to their senders.
///
/// # Errors
/// The queue directory cannot be opened.
pub fn expire(fs: Fs<'_>, side: &Side, messages: &[SeenAs<'_>]) -> io::Result<Vec<ItemResult>> {
    let tree = Tree::open(side.spool(), side.owner)?;
    let one = |&(id, inode): &SeenAs<'_>| -> io::Result<ItemResult> {
        let at = tree.at(QueueDir::Queue(Queue::Deferred), id)?;
        let opened = at.as_ref().map(At::open_with_stat).transpose()?.flatten();
        let (Some(at), Some((file, stat))) = (at, opened) else {
            return Ok(ItemResult::Skipped(TAKEN.to_owned()));
        };
        if stat.inode != inode {
            return Ok(ItemResult::Skipped(NOT_IT.to_owned()));
        }
        fs.mode(&file, &at.path, stat.mode | EXPIRE)?;
        Ok(ItemResult::Done)
    };
    let done = messages.iter().map(one);
    Ok(done
        .map(|done| done.unwrap_or_else(|e| ItemResult::Failed(e.to_string())))
        .collect())
}

/// The queues that a message with a defer log may be in.
const WITH_LOG: [Queue; 4] = [Queue::Incoming, Queue::Active, Queue::Deferred, Queue::Hold];

/// Is the message in none of the queues? Looked for more than once, against the way that mail takes: it may be renamed
/// from one to another that was looked at before.
fn is_orphan(tree: &Tree, id: &QueueId) -> io::Result<bool> {
    for queue in WITH_LOG
        .iter()
        .chain(&WITH_LOG)
        .chain(WITH_LOG.iter().rev())
    {
        if let Some(at) = tree.at(QueueDir::Queue(*queue), id)?
            && at.stat()?.is_some()
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The defer logs whose message is in none of the queues: of all, or of `ids` alone.
///
/// # Errors
/// The queue directory cannot be read.
pub fn orphans(side: &Side, wanted: &dyn Fn(&QueueId) -> bool) -> io::Result<Vec<QueueId>> {
    let tree = Tree::open(side.spool(), side.owner)?;
    let mut found = Vec::new();
    let mut open = vec![(side.queue_directory.join(Log::Defer.name()), 0)];
    while let Some((dir, depth)) = open.pop() {
        for entry in std::fs::read_dir(&dir)? {
            let entry = entry?;
            let name = entry.file_name();
            let kind = entry.file_type()?;
            if kind.is_dir() && name.len() == 1 && depth < side.hash_queue_depth {
                open.push((entry.path(), depth + 1));
            } else if kind.is_file()
                && let Some(id) = name.to_str().and_then(QueueId::new)
                && wanted(&id)
                && is_orphan(&tree, &id)?
            {
                found.push(id);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Removes orphaned defer logs. A message that comes back meanwhile keeps its log.
///
/// # Errors
/// The queue directory cannot be opened, or the change cannot be put on disk.
pub fn clean(fs: Fs<'_>, side: &Side, ids: &[QueueId]) -> io::Result<Vec<ItemResult>> {
    let tree = Tree::open(side.spool(), side.owner)?;
    let touched = Touched::default();
    let mut outcomes = Vec::with_capacity(ids.len());
    for id in ids {
        let one = clean_one(fs, &tree, id, &touched);
        outcomes.push(one.unwrap_or_else(|e| ItemResult::Failed(e.to_string())));
    }
    tree.sync(fs, &touched)?;
    Ok(outcomes)
}

fn clean_one(fs: Fs<'_>, tree: &Tree, id: &QueueId, touched: &Touched) -> io::Result<ItemResult> {
    let gone = || Ok(ItemResult::Skipped("it is already gone".to_owned()));
    let Some(at) = tree.at(QueueDir::Log(Log::Defer), id)? else {
        return gone();
    };
    let Some(log) = at.open()? else {
        return gone();
    };
    let back = || Ok(ItemResult::Skipped("its message has come back".to_owned()));
    if !is_orphan(tree, id)? {
        return back();
    }
    let stat = Stat::of_file(&log)?;
    fs.unlink(&at)?;
    touched.add(&at);
    if is_orphan(tree, id)? {
        return Ok(ItemResult::Done);
    }
    // It came back in that very moment: so does its log, unless there is a new one.
    match fs.create(&at, stat.mode & 0o777) {
        Ok(new) => {
            fs.owner(&new, &at.path, stat.uid, stat.gid)?;
            fs.copy(&log, &new, &at.path)?;
            back()
        }
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => back(),
        Err(e) => Err(e),
    }
}
