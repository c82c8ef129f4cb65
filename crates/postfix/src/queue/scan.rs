//! Reading all files of some queues, many at a time.

use std::fs::File;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::collect::{self, Extent};
use super::envelope::Envelope;
use guarded::at;
use guarded::threads::thread;
use rustix::fs::{AtFlags, FileType};

use super::file::{FileInfo, Opened, open_file_in};
use super::message::{Message, QueueFile, ShowqOptions, present};
use super::names::{Directory, ScanError, Tally};
use super::{Queue, QueueId, Spool};
use crate::{Parsed, Problem};

/// Ids handed to a worker at a time.
const BATCH: usize = 64;
/// Batches that may wait: enough for the workers never to starve, few enough to bound memory and open directories.
const WAITING: usize = 64;

/// How much of each file a scan reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The size and the arrival time.
    Times,
    /// The sender too.
    Head,
    /// Recipients too.
    Envelope,
}

/// How a scan goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanOptions {
    /// Files being read at the same time, if there are as many batches. With a cold cache the disk is the limit, so
    /// more than there are cores.
    pub threads: NonZeroUsize,
}

impl Default for ScanOptions {
    fn default() -> Self {
        const THREADS: NonZeroUsize = NonZeroUsize::new(16).unwrap();
        Self { threads: THREADS }
    }
}

struct Batch {
    directory: Arc<Directory>,
    ids: Vec<QueueId>,
}

/// What a worker needs to make something of a file.
struct FileAt<'a> {
    queue: Queue,
    id: QueueId,
    misplaced: bool,
    path: &'a Path,
    spool: &'a OwnedFd,
}

impl Spool {
    /// Hands every file of `queue` to `each`, in no order, from several threads at once, until it says to stop.
    ///
    /// Files that are still being written are counted only. A file of the corrupt queue comes with an empty
    /// envelope. The tally says what was found, and what could not be read.
    ///
    /// # Errors
    /// See [`Self::count`].
    pub fn scan(
        &self,
        queue: Queue,
        detail: Detail,
        options: &ScanOptions,
        each: impl Fn(QueueFile) -> ControlFlow<()> + Sync,
    ) -> Result<Tally, ScanError> {
        let extent = match detail {
            Detail::Times => Extent::Times,
            Detail::Head => Extent::Head,
            Detail::Envelope => Extent::Whole,
        };
        self.scan_with(queue, options, each, |place, file, info, buffer| {
            let envelope = if queue == Queue::Corrupt {
                Parsed::<Envelope>::default()
            } else {
                collect::read(file, info.size, place.path, buffer, extent)
            };
            Parsed {
                value: Some(QueueFile {
                    queue,
                    id: place.id,
                    misplaced: place.misplaced,
                    info,
                    envelope: envelope.value,
                }),
                problems: envelope.problems,
            }
        })
    }

    /// Hands every message of `queue` to `each` as showq(8) would show it; otherwise like [`Self::scan`].
    ///
    /// A file without a sender is not a message, only a problem.
    ///
    /// # Errors
    /// See [`Self::count`].
    pub fn scan_messages(
        &self,
        queue: Queue,
        showq: &ShowqOptions,
        options: &ScanOptions,
        each: impl Fn(Message) -> ControlFlow<()> + Sync,
    ) -> Result<Tally, ScanError> {
        self.scan_with(queue, options, each, |place, file, info, buffer| {
            let envelope = collect::read(file, info.size, place.path, buffer, Extent::Whole);
            let file = QueueFile {
                queue: place.queue,
                id: place.id,
                misplaced: place.misplaced,
                info,
                envelope: envelope.value,
            };
            let mut shown = present(file, self, place.spool, showq, buffer);
            shown.problems.splice(0..0, envelope.problems);
            shown
        })
    }

    fn scan_with<T>(
        &self,
        queue: Queue,
        options: &ScanOptions,
        each: impl Fn(T) -> ControlFlow<()> + Sync,
        make: impl Fn(FileAt<'_>, &File, FileInfo, &mut Vec<u8>) -> Parsed<Option<T>> + Sync,
    ) -> Result<Tally, ScanError> {
        let spool =
            at::directory(self.dir()).map_err(|error| ScanError::new(self.dir().into(), error))?;
        let scan = Scan {
            of: self,
            queue,
            spool,
            stop: AtomicBool::new(false),
            each,
            make,
        };
        let mut tally = scan.run(options)?;
        tally.report_misplaced(self.queue_dir(queue));
        Ok(tally)
    }
}

/// What the workers of a scan share.
struct Scan<'a, E, M> {
    of: &'a Spool,
    queue: Queue,
    spool: OwnedFd,
    /// `each` wants no more.
    stop: AtomicBool,
    each: E,
    make: M,
}

impl<E: Sync, M: Sync> Scan<'_, E, M> {
    /// Walks the queue, and hands its files to workers: one is started for each batch until there are enough. An empty
    /// queue costs no thread, and a host has thousands of them.
    fn run<T>(&self, options: &ScanOptions) -> Result<Tally, ScanError>
    where
        E: Fn(T) -> ControlFlow<()>,
        M: Fn(FileAt<'_>, &File, FileInfo, &mut Vec<u8>) -> Parsed<Option<T>>,
    {
        let (send, receive) = sync_channel(WAITING);
        let receive = Mutex::new(receive);
        let mut tally = Tally::default();
        std::thread::scope(|scope| {
            let mut workers = Vec::new();
            let (mut own, mut is_short) = (Tally::default(), false);
            let walked = self
                .of
                .each_directory(self.queue, &mut tally, |directory, names, _| {
                    let directory = Arc::new(directory);
                    let mut ids = names.sorted().peekable();
                    while ids.peek().is_some() && !self.is_stopped() {
                        let batch = Batch {
                            directory: Arc::clone(&directory),
                            ids: ids.by_ref().take(BATCH).collect(),
                        };
                        if workers.len() < options.threads.get() && !is_short {
                            let run = || self.work(&mut || next(&receive));
                            let started = thread().spawn_scoped(scope, run);
                            is_short = started.is_err();
                            workers.extend(started);
                        }
                        if workers.is_empty() {
                            let mut batch = Some(batch);
                            own.add(self.work(&mut || batch.take()));
                        } else if !hand_out(&send, batch) {
                            return false;
                        }
                    }
                    !self.is_stopped()
                });
            drop(send);
            tally.add(own);
            for worker in workers {
                match worker.join() {
                    Ok(theirs) => tally.add(theirs),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            walked
        })?;
        Ok(tally)
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Reads all batches that there are.
    fn work<T>(&self, batches: &mut dyn FnMut() -> Option<Batch>) -> Tally
    where
        E: Fn(T) -> ControlFlow<()>,
        M: Fn(FileAt<'_>, &File, FileInfo, &mut Vec<u8>) -> Parsed<Option<T>>,
    {
        let mut tally = Tally::default();
        let mut buffer = Vec::new();
        while let Some(batch) = batches() {
            let mut path = batch.directory.path.join("id");
            for id in batch.ids {
                if self.is_stopped() {
                    break;
                }
                path.set_file_name(id.as_str());
                self.file(&batch.directory, id, &path, &mut buffer, &mut tally);
            }
        }
        tally
    }

    fn file<T>(
        &self,
        directory: &Directory,
        id: QueueId,
        path: &Path,
        buffer: &mut Vec<u8>,
        tally: &mut Tally,
    ) where
        E: Fn(T) -> ControlFlow<()>,
        M: Fn(FileAt<'_>, &File, FileInfo, &mut Vec<u8>) -> Parsed<Option<T>>,
    {
        let queue = self.queue;
        let misplaced = self
            .of
            .is_misplaced(queue, directory, id.as_str().as_bytes());
        let (file, info) = match open_file_in(&directory.fd, id.as_str(), path) {
            Opened::File(file, info) => (file, info),
            Opened::Vanished => {
                tally.vanished = tally.vanished.saturating_add(1);
                return;
            }
            Opened::Problem(problem) => {
                let is_message = is_message(queue, directory, id);
                tally.unopened = tally.unopened.saturating_add(is_message.into());
                return tally.problem(problem);
            }
        };
        if !info.is_ready() && queue != Queue::Corrupt {
            return not_ready(queue, path, info, tally);
        }
        tally.messages = tally.messages.saturating_add(1);
        tally.misplaced = tally.misplaced.saturating_add(misplaced.into());
        let place = FileAt {
            queue,
            id,
            misplaced,
            path,
            spool: &self.spool,
        };
        let made = (self.make)(place, &file, info, buffer);
        for problem in made.problems {
            tally.problem(problem);
        }
        if made
            .value
            .is_some_and(|value| (self.each)(value).is_break())
        {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// Is it one, as far as can be seen without opening it?
fn is_message(queue: Queue, directory: &Directory, id: QueueId) -> bool {
    let stat = rustix::fs::statat(&directory.fd, id.as_str(), AtFlags::SYMLINK_NOFOLLOW);
    stat.is_ok_and(|stat| {
        FileType::from_raw_mode(stat.st_mode).is_file()
            && (stat.st_mode & 0o700 == 0o700 || queue == Queue::Corrupt)
    })
}

/// A file without the permission bits of complete mail. It can be on its way only into maildrop or incoming.
fn not_ready(queue: Queue, path: &Path, info: FileInfo, tally: &mut Tally) {
    if matches!(queue, Queue::Maildrop | Queue::Incoming) {
        tally.being_written = tally.being_written.saturating_add(1);
    } else {
        let mode = info.mode;
        let what = format!("has mode {mode:04o} instead of 0700: Postfix ignores it");
        tally.problem(Problem::new(path, what));
    }
}

/// The next batch, or `None` when all were handed out.
fn next(batches: &Mutex<Receiver<Batch>>) -> Option<Batch> {
    batches
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .recv()
        .ok()
}

/// False if nobody works any more.
fn hand_out(batches: &SyncSender<Batch>, batch: Batch) -> bool {
    batches.send(batch).is_ok()
}
