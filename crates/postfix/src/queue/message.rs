//! A queued message as showq(8), and so `postqueue -j`, presents it.

use crate::Time;
use std::collections::HashSet;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use super::address::{printable, quote_822_local};
use super::bounce_log::{LogEntry, read_log};
use super::collect::{self, Extent};
use super::envelope::Envelope;
use guarded::at;

use super::file::{FileInfo, Opened, open_file};
use super::{Lifetimes, Log, Queue, QueueId, Sender, Spool};
use crate::config::Parameters;
use crate::{Parsed, Problem};

/// The most that is read of a defer log: entries for 200,000 recipients.
const LONGEST_LOG: u64 = 1 << 26;

/// The main.cf parameters that showq(8) obeys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShowqOptions {
    /// `smtputf8_enable`: may texts go beyond ASCII?
    pub smtputf8_enable: bool,
    /// `empty_address_recipient`: shown for the null sender.
    pub empty_address_recipient: String,
    /// `duplicate_filter_limit`: defer log recipients that are remembered, so as cannot be listed again; 0: all.
    pub duplicate_filter_limit: usize,
    /// How long mail is kept. (showq(8) itself does not look at that.)
    pub lifetimes: Lifetimes,
}

impl Default for ShowqOptions {
    fn default() -> Self {
        Self {
            smtputf8_enable: true,
            empty_address_recipient: "MAILER-DAEMON".to_owned(),
            duplicate_filter_limit: 1000,
            lifetimes: Lifetimes::default(),
        }
    }
}

impl ShowqOptions {
    /// What main.cf says about showing mail. What cannot be read is as Postfix has it by default.
    pub fn of(parameters: &Parameters) -> Self {
        let usual = Self::default();
        let limit = parameters.int("duplicate_filter_limit");
        Self {
            smtputf8_enable: parameters
                .bool("smtputf8_enable")
                .unwrap_or(usual.smtputf8_enable),
            empty_address_recipient: parameters.get("empty_address_recipient"),
            duplicate_filter_limit: limit
                .and_then(|limit| usize::try_from(limit).ok())
                .unwrap_or(usual.duplicate_filter_limit),
            lifetimes: Lifetimes::of(parameters),
        }
    }
}

/// A queue file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueFile {
    /// The queue it is in.
    pub queue: Queue,
    /// Its name.
    pub id: QueueId,
    /// Does it lie where `hash_queue_depth` does not put it, so that Postfix does not see it?
    pub misplaced: bool,
    /// What the file system says of it.
    pub info: FileInfo,
    /// What it says itself.
    pub envelope: Envelope,
}

impl QueueFile {
    /// When the message arrived: by the envelope, or the file's time where that has none.
    pub fn arrival_time(&self) -> Time {
        let arrival = self.envelope.arrival.filter(|&time| time > Time::EPOCH);
        arrival.unwrap_or(self.info.mtime)
    }

    /// Bytes of the content as showq(8) counts them, or of the file where it has no size record.
    pub fn message_size(&self) -> u64 {
        // Postfix 3.11 gives local submissions a preliminary size record.
        let preliminary = |offset: u64| self.queue == Queue::Maildrop && offset == 0;
        let size = self
            .envelope
            .size
            .filter(|size| !preliminary(size.data_offset));
        size.map_or(self.info.size, |size| size.data_size)
    }

    /// Of a deferred message: when it is tried again.
    pub fn next_attempt(&self) -> Option<Time> {
        (self.queue == Queue::Deferred).then_some(self.info.mtime)
    }
}

/// A message in a queue, as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The file; its [`FileInfo::is_forced_expire`] is `forced_expire` of `postqueue -j`.
    pub file: QueueFile,
    /// The sender.
    pub sender: Sender,
    /// The recipients to do: those of the defer log first.
    pub recipients: Vec<ShownRecipient>,
    /// When the queue manager gives it up: see [`Lifetimes::expiry`].
    pub expires: Time,
}

/// A recipient as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownRecipient {
    /// The address, quoted and printable.
    pub address: String,
    /// The address as the sender gave it, quoted and printable, where it is recorded.
    pub orig_address: Option<String>,
    /// Why the last attempt failed, if the defer log knows.
    pub deferral: Option<Deferral>,
}

/// Why delivery was deferred: the defer log's entry for a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferral {
    /// In words: `delay_reason` of `postqueue -j`.
    pub reason: String,
    /// Enhanced status code.
    pub dsn: String,
    /// The server that gave the reason, where there was one.
    pub mta_name: Option<String>,
    /// What the server said, where there was one.
    pub diagnostic_text: Option<String>,
    /// Offset of the recipient's record in the queue file.
    pub offset: Option<u64>,
}

impl Spool {
    /// The file `id` of `queue`. `None` without a problem: there is none now.
    pub fn read_file(&self, queue: Queue, id: &QueueId) -> Parsed<Option<QueueFile>> {
        match self.open(queue, id) {
            Opened::Vanished => Parsed::default(),
            Opened::Problem(problem) => failed(problem),
            Opened::File(file, info) => {
                let path = self.path(queue, id);
                let envelope =
                    collect::read(&file, info.size, &path, &mut Vec::new(), Extent::Whole);
                Parsed {
                    value: Some(QueueFile {
                        queue,
                        id: id.clone(),
                        misplaced: false,
                        info,
                        envelope: envelope.value,
                    }),
                    problems: envelope.problems,
                }
            }
        }
    }

    /// The message `id` in `queue`, as showq(8) would show it now.
    ///
    /// `None` without a problem: there is no such message, or it is still being written.
    pub fn message(
        &self,
        queue: Queue,
        id: &QueueId,
        options: &ShowqOptions,
    ) -> Parsed<Option<Message>> {
        let Parsed {
            value,
            mut problems,
        } = self.read_file(queue, id);
        let Some(file) = value.filter(|file| file.info.is_ready()) else {
            return Parsed {
                value: None,
                problems,
            };
        };
        match at::directory(self.dir()) {
            Ok(spool) => {
                let shown = present(file, self, &spool, options, &mut Vec::new());
                problems.extend(shown.problems);
                Parsed {
                    value: shown.value,
                    problems,
                }
            }
            Err(error) => failed(Problem::new(
                self.dir(),
                format!("cannot be opened: {error}"),
            )),
        }
    }
}

/// Makes of a file, and the defer log found below `dir`, what showq(8) does. `buffer` is working memory for reuse.
pub(super) fn present<D: AsFd>(
    file: QueueFile,
    spool: &Spool,
    dir: D,
    options: &ShowqOptions,
    buffer: &mut Vec<u8>,
) -> Parsed<Option<Message>> {
    let shown = |address: &[u8]| {
        let address = match address {
            b"" => options.empty_address_recipient.as_bytes(),
            address => address,
        };
        printable(&quote_822_local(address), options.smtputf8_enable)
    };
    let Some(sender) = file.envelope.sender.as_deref() else {
        return Parsed::default();
    };
    let sender = match sender {
        b"" => Sender::Null(shown(sender).into()),
        address => Sender::Addr(shown(address).into()),
    };
    let log = read_defer_log(&file.id, spool, dir, options, buffer);
    let limit = match options.duplicate_filter_limit {
        0 => usize::MAX,
        limit => limit,
    };
    let mut logged = HashSet::new();
    let mut recipients = Vec::new();
    for entry in log.value {
        if logged.len() < limit && !logged.contains(&entry.recipient) {
            logged.insert(entry.recipient.clone());
        }
        recipients.push(ShownRecipient::deferred(entry));
    }
    for recipient in file.envelope.to_do() {
        let address = shown(&recipient.address);
        if !logged.contains(&address) {
            recipients.push(ShownRecipient {
                address,
                orig_address: recipient.orig_address.as_deref().map(shown),
                deferral: None,
            });
        }
    }
    let expires = options.lifetimes.expiry(&file);
    Parsed {
        value: Some(Message {
            file,
            sender,
            recipients,
            expires,
        }),
        problems: log.problems,
    }
}

/// The entries of a message's defer log; none where there is no log.
fn read_defer_log<D: AsFd>(
    id: &QueueId,
    spool: &Spool,
    dir: D,
    options: &ShowqOptions,
    buffer: &mut Vec<u8>,
) -> Parsed<Vec<LogEntry>> {
    let name = spool.layout().path(Log::Defer.name(), id);
    let path = spool.dir().join(&name);
    match open_file(dir, &name, &path) {
        Opened::Vanished => Parsed::default(),
        Opened::Problem(problem) => failed(problem),
        Opened::File(file, info) => match read_whole(&file, info.size, buffer) {
            Ok(()) => read_log(buffer, true, options.smtputf8_enable, &path),
            Err(error) => failed(Problem::new(&path, format!("cannot be read: {error}"))),
        },
    }
}

/// Reads a file that was `size` bytes long a moment ago. What was appended since can wait.
fn read_whole(file: &File, size: u64, buffer: &mut Vec<u8>) -> std::io::Result<()> {
    let size = usize::try_from(size.min(LONGEST_LOG)).unwrap_or(usize::MAX);
    buffer.clear();
    buffer.resize(size, 0);
    let mut read = 0_usize;
    while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, read as u64)? {
            0 => break,
            count => read = read.saturating_add(count),
        }
    }
    buffer.truncate(read);
    Ok(())
}

fn failed<T: Default>(problem: Problem) -> Parsed<T> {
    Parsed {
        value: T::default(),
        problems: vec![problem],
    }
}

impl ShownRecipient {
    fn deferred(entry: LogEntry) -> Self {
        Self {
            address: entry.recipient,
            orig_address: entry.orig_recipient,
            deferral: Some(Deferral {
                reason: entry.reason,
                dsn: entry.status,
                mta_name: entry.mta_name,
                diagnostic_text: entry.diagnostic_text,
                offset: entry.offset,
            }),
        }
    }
}
