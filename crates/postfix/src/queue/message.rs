//! A queued message as showq(8), and so `postqueue -j`, presents it.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::address::{printable, quote_822_local};
use super::bounce_log::{LogEntry, read_log};
use super::envelope::{self, Envelope, Extent};
use super::file::{FileInfo, Opened};
use super::{Log, Queue, QueueId, Spool};
use crate::{Parsed, Problem};

/// The longest defer log that is read. The longest sound one has an entry for each recipient.
const LONGEST_LOG: u64 = 1 << 30;

/// The main.cf parameters that showq(8) obeys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShowqOptions {
    /// `smtputf8_enable`: may texts go beyond ASCII?
    pub smtputf8_enable: bool,
    /// `empty_address_recipient`: shown for the null sender.
    pub empty_address_recipient: String,
    /// `duplicate_filter_limit`: defer log recipients that are remembered, so as not to be listed again; 0: all.
    pub duplicate_filter_limit: usize,
}

impl Default for ShowqOptions {
    fn default() -> Self {
        Self {
            smtputf8_enable: true,
            empty_address_recipient: "MAILER-DAEMON".to_owned(),
            duplicate_filter_limit: 1000,
        }
    }
}

/// A message in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The queue it is in.
    pub queue: Queue,
    /// Its id.
    pub id: QueueId,
    /// When it arrived, seconds since 1970 (UTC): from the envelope, or the file's time where that has none.
    pub arrival_time: i64,
    /// Bytes of its content as showq(8) counts them, or of the file where there is no size record.
    pub message_size: u64,
    /// Has an admin asked for its return to the sender (`postsuper -e`)?
    pub forced_expire: bool,
    /// The sender, quoted and printable.
    pub sender: String,
    /// The recipients to do: those of the defer log first.
    pub recipients: Vec<ShownRecipient>,
    /// Of a deferred message: when it is tried again, seconds since 1970 (UTC).
    pub next_attempt: Option<i64>,
    /// The file.
    pub file: FileInfo,
    /// All that the file says.
    pub envelope: Envelope,
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

/// Why delivery was put off: the defer log's entry for a recipient.
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
    /// The message `id` in `queue`, as showq(8) would show it now.
    ///
    /// `None` without a problem: there is no such message, or it is still being written.
    pub fn message(
        &self,
        queue: Queue,
        id: &QueueId,
        options: &ShowqOptions,
    ) -> Parsed<Option<Message>> {
        let path = self.path(queue, id);
        let mut buffer = Vec::new();
        match self.open(queue, id) {
            Opened::File(file, info) => {
                self.read_message(queue, id, &path, &file, info, options, &mut buffer)
            }
            Opened::Vanished => Parsed::default(),
            Opened::Problem(problem) => Parsed {
                value: None,
                problems: vec![problem],
            },
        }
    }

    /// The same for a file that is open already. `buffer` is working memory for reuse.
    #[allow(clippy::too_many_arguments, reason = "all of them describe one file")]
    pub(super) fn read_message(
        &self,
        queue: Queue,
        id: &QueueId,
        path: &Path,
        file: &File,
        info: FileInfo,
        options: &ShowqOptions,
        buffer: &mut Vec<u8>,
    ) -> Parsed<Option<Message>> {
        if !info.is_ready() {
            return Parsed::default();
        }
        let Parsed {
            value: envelope,
            mut problems,
        } = envelope::read(file, info.size, path, buffer, Extent::Whole);
        let Some(sender) = &envelope.sender else {
            return Parsed {
                value: None,
                problems,
            };
        };
        let shown = |address: &[u8]| {
            let address = match address {
                b"" => options.empty_address_recipient.as_bytes(),
                address => address,
            };
            printable(&quote_822_local(address), options.smtputf8_enable)
        };
        let log = self.read_defer_log(id, options, buffer);
        problems.extend(log.problems);
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
        for recipient in envelope.to_do() {
            let address = shown(&recipient.address);
            if !logged.contains(&address) {
                recipients.push(ShownRecipient {
                    address,
                    orig_address: recipient.orig_address.as_deref().map(shown),
                    deferral: None,
                });
            }
        }
        let size_record = envelope.size.filter(|size| {
            // Postfix 3.11 gives local submissions a preliminary one.
            queue != Queue::Maildrop || size.data_offset > 0
        });
        let message = Message {
            queue,
            id: id.clone(),
            arrival_time: envelope.arrival.filter(|&t| t > 0).unwrap_or(info.mtime),
            message_size: size_record.map_or(info.size, |size| size.data_size),
            forced_expire: info.is_forced_expire(),
            sender: shown(sender),
            recipients,
            next_attempt: (queue == Queue::Deferred).then_some(info.mtime),
            file: info,
            envelope,
        };
        Parsed {
            value: Some(message),
            problems,
        }
    }

    /// The entries of a message's defer log; none where there is no log.
    fn read_defer_log(
        &self,
        id: &QueueId,
        options: &ShowqOptions,
        buffer: &mut Vec<u8>,
    ) -> Parsed<Vec<LogEntry>> {
        let path = self.log_path(Log::Defer, id);
        let problem = |problem| Parsed {
            value: Vec::new(),
            problems: vec![problem],
        };
        match self.open_log(Log::Defer, id) {
            Opened::Vanished => Parsed::default(),
            Opened::Problem(found) => problem(found),
            Opened::File(file, _) => {
                buffer.clear();
                match file.take(LONGEST_LOG).read_to_end(buffer) {
                    Ok(_) => read_log(buffer, true, options.smtputf8_enable, &path),
                    Err(error) => problem(Problem::new(&path, format!("cannot be read: {error}"))),
                }
            }
        }
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
