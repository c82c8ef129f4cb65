//! What the lines of a journal say.

use std::path::PathBuf;
use std::sync::Arc;

use postfix::queue::{Layout, Queue, QueueId, ShownRecipient, Spool};
use postfix::{Span, Time};
use serde::{Deserialize, Serialize};

use crate::fsops::Stat;
use crate::journal::log_mark::LogMark;
use crate::journal::summary::Last;

/// What every journal's first line says.
pub const SCHEMA: &str = "relay-tools/move/2";
/// What those of older versions say. They can be read, and their moves recovered.
const OLD_SCHEMA: &str = "relay-tools/move/1";

/// One of the two spools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// The instance's name.
    pub instance: String,
    /// Its configuration directory, as the host names it.
    pub config_directory: PathBuf,
    /// Its syslog_name.
    pub syslog_name: String,
    /// Its queue directory, as this machine names it.
    pub queue_directory: PathBuf,
    /// hash_queue_names, separated by blanks.
    pub hash_queue_names: String,
    /// hash_queue_depth.
    pub hash_queue_depth: usize,
    /// enable_long_queue_ids: may a file here have a long queue id? Where not, postsuper(1) gives it a short one.
    #[serde(default)]
    pub long_queue_ids: bool,
    /// User and group that own its mail.
    pub owner: (u32, u32),
    /// Device and inode of the queue directory.
    pub identity: (u64, u64),
}

impl Side {
    /// The queue directory with its layout.
    pub fn spool(&self) -> Spool {
        let layout = Layout::new(&self.hash_queue_names, self.hash_queue_depth);
        Spool::new(&self.queue_directory, layout)
    }
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`SCHEMA`].
    pub schema: String,
    /// The move's name: that of the file.
    #[serde(rename = "move")]
    pub name: String,
    /// Seconds since 1970 (UTC).
    pub started: i64,
    /// And the microseconds of that.
    #[serde(default)]
    pub started_microseconds: u32,
    /// Who started it.
    pub user: String,
    /// By which command.
    pub command: String,
    /// Where the mail is taken from.
    pub from: Side,
    /// Where it goes to.
    pub to: Side,
    /// Messages a minute, if it was not to be as fast as possible.
    #[serde(default)]
    pub rate: Option<u32>,
    /// Of a deletion: until when its messages are kept, seconds since 1970 (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_until: Option<i64>,
    /// Are the spools on two file systems, so that files are copied?
    pub cross_device: bool,
    /// What the names of files that this move has covered end with. Before, the nanoseconds of the modification time of
    /// files that the move holds.
    pub mark: u32,
    /// The id of the boot in which it was begun.
    #[serde(default)]
    pub boot: String,
    /// Where TO's log ended.
    pub log: Option<LogMark>,
}

impl Header {
    /// When it was started.
    pub fn started(&self) -> Time {
        let micros = Span::from_micros(self.started_microseconds.into());
        Time::from_seconds(self.started).plus(micros)
    }

    /// Of a deletion: until when its messages are kept.
    pub fn kept_until(&self) -> Option<Time> {
        self.keep_until.map(Time::from_seconds)
    }

    /// Is it of a version that this tool knows?
    pub(crate) fn is_known(&self) -> bool {
        self.schema == SCHEMA || self.is_old()
    }

    /// Was not even this line written whole? Then nothing was done, and nothing but the name is known.
    pub fn is_unwritten(&self) -> bool {
        self.schema.is_empty()
    }

    pub(crate) fn is_old(&self) -> bool {
        self.schema == OLD_SCHEMA
    }
}

/// A recipient that waits for delivery, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rcpt {
    /// The address, as showq(8) shows it.
    pub address: String,
    /// The address as first given, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orig_address: Option<String>,
    /// Why delivery was deferred, if the defer log knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Enhanced status code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dsn: Option<String>,
    /// The server that said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mta: Option<String>,
    /// What it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostic: Option<String>,
    /// Offset of the recipient's record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

impl From<&ShownRecipient> for Rcpt {
    fn from(shown: &ShownRecipient) -> Self {
        let deferral = shown.deferral.as_ref();
        Self {
            address: shown.address.clone(),
            orig_address: shown.orig_address.clone(),
            reason: deferral.map(|d| d.reason.clone()),
            dsn: deferral.map(|d| d.dsn.clone()),
            mta: deferral.and_then(|d| d.mta_name.clone()),
            diagnostic: deferral.and_then(|d| d.diagnostic_text.clone()),
            offset: deferral.and_then(|d| d.offset),
        }
    }
}

/// What is to be done with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Its number in this move.
    pub n: u32,
    /// Its queue id in FROM.
    pub queue_id: QueueId,
    /// The queue it is in: deferred or hold.
    pub queue: Queue,
    /// Its file.
    pub(crate) file: Stat,
    /// When it arrived, seconds since 1970 (UTC).
    pub arrival: i64,
    /// And the microseconds of that, which distinguish a message from others: it is kept when mail is requeued.
    #[serde(default)]
    pub arrival_microseconds: u32,
    /// Its size, as showq(8) counts it.
    pub size: u64,
    /// The sender; empty for the null sender (older versions wrote what showq(8) shows).
    pub sender: String,
    /// The recipients that wait for delivery.
    pub recipients: Vec<Rcpt>,
}

impl Intent {
    pub(crate) fn was_on_hold(&self) -> bool {
        self.queue == Queue::Hold
    }

    /// The defer log, as bounce(8) writes it (bounce_append_service.c) for what is known; empty if there was none.
    pub(crate) fn defer_log(&self) -> String {
        use std::fmt::Write as _;
        let mut log = String::new();
        for rcpt in &self.recipients {
            let Some(reason) = &rcpt.reason else { continue };
            log.push('\n');
            let shown = match rcpt.address.as_str() {
                "MAILER-DAEMON" => "",
                address => address,
            };
            let mut line = |name: &str, value: &str| {
                // Writing into a String does not fail.
                let _written = writeln!(log, "{name}={value}");
            };
            line("recipient", if shown.is_empty() { "<>" } else { shown });
            if let Some(original) = &rcpt.orig_address {
                line("original_recipient", original);
            }
            if let Some(offset) = rcpt.offset {
                line("offset", &offset.to_string());
            }
            line("status", rcpt.dsn.as_deref().unwrap_or("4.0.0"));
            line("action", "delayed");
            if let Some(text) = &rcpt.diagnostic {
                line("diag_type", "smtp");
                line("diag_text", text);
            }
            if let Some(name) = &rcpt.mta {
                line("mta_type", "dns");
                line("mta_mname", name);
            }
            line("reason", reason);
            log.push('\n');
        }
        log
    }
}

/// Bytes as they were in a file: as text, if they are that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Raw {
    Text(String),
    Bytes(Vec<u8>),
}

impl From<Vec<u8>> for Raw {
    fn from(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|e| Self::Bytes(e.into_bytes()), Self::Text)
    }
}

impl Raw {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// A file that was made in a spool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) n: u32,
    pub(crate) name: QueueId,
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

/// How a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It is, or was, in TO's maildrop. Of a deletion: it is kept, covered.
    Moved,
    /// It was left alone.
    Skipped,
    /// Something went wrong; `why` says where it is now.
    Failed,
    /// It is back where it was.
    Restored,
    /// Nothing reliable shows where it is, or whether what is there was delivered: to be shown until an
    /// admin has seen to it.
    Doubt,
}

impl Fate {
    /// Is nothing left to be done, or to be looked at?
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Moved | Self::Skipped | Self::Restored)
    }
}

/// How a message ended, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Its number in this move.
    pub n: u32,
    /// How.
    pub fate: Fate,
    /// Why it was not moved, and where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Its name in TO's maildrop, which pickup(8) logs as orig_id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<QueueId>,
}

/// What came of a canary: a few messages that went first, and were followed in TO's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// When that was known, seconds since 1970 (UTC).
    pub time: i64,
    /// Were the others to follow?
    pub passed: bool,
    /// By which TO's configuration is known again.
    pub config: String,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Line {
    Begin(Box<Header>),
    Intent(Arc<Intent>),
    /// All intents are written, so many.
    Planned(u32),
    /// Those are put on hold from here on: until now, nothing was done to them.
    Taking(Vec<u32>),
    /// The defer logs of those, where they were not as [`Intent::defer_log`] has them.
    Logs(Vec<(u32, Raw)>),
    /// These names in TO's maildrop are used in place of the queue ids, which are taken there.
    Named(Vec<Made>),
    /// Empty files were made in TO's maildrop, for pickup(8) to ignore.
    Copying(Vec<Made>),
    /// Those are complete and on disk.
    Copied(Vec<u32>),
    /// The sources of those are covered, on disk.
    Covered(Vec<u32>),
    /// What is said of those as covered is so no longer: they are about to get their names back.
    Uncovered(Vec<u32>),
    /// These files take the places of files in TO's maildrop that are withdrawn.
    Decoys(Vec<Made>),
    /// An empty file was made in FROM's hold queue, for a message on its way back: older versions.
    Returning(Made),
    /// It is complete and on disk: older versions.
    Returned(u32),
    /// Empty covered files were made in FROM's hold directory, for messages on their way back, under these names-to-be.
    ComingBack(Vec<Made>),
    /// Those are complete and on disk.
    CameBack(Vec<u32>),
    /// How messages ended.
    Ended(Vec<Ended>),
    /// `resume` (`true`) or `undo` has begun, at a time.
    Recover(bool, i64),
    /// Messages that went first have shown what TO does with them.
    Canary(Trial),
    /// Nothing is left to do.
    Finished(i64),
    /// An admin has closed it, at a time: who, and why.
    Closed(i64, String, String),
    /// What it has come to: the last line of a run that ends.
    Last(Last),
}
