//! What a log line says about one delivery attempt.
//!
//! The grammar is that of Postfix `src/global/log_adhoc.c` (`log_adhoc`), which every delivery agent uses.

use super::attempt::{Delays, Relay, Status};
use super::complaint::Complaint;
use super::filtered::Filtered;
use super::lost::Dropped;
use super::unread::Why;
use crate::Time;

/// The delivery agents: the programs whose `to=<…>` lines are delivery attempts (master(8), DELIVERY AGENTS).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(
    missing_docs,
    reason = "each is the manual page of that name, section 8postfix"
)]
pub enum Agent {
    Smtp,
    Lmtp,
    Local,
    Virtual,
    Pipe,
    Error,
    Retry,
    Discard,
}

impl Agent {
    /// The agent that logs under this program name.
    pub fn from_service(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"smtp" => Self::Smtp,
            b"lmtp" => Self::Lmtp,
            b"local" => Self::Local,
            b"virtual" => Self::Virtual,
            b"pipe" => Self::Pipe,
            b"error" => Self::Error,
            b"retry" => Self::Retry,
            b"discard" => Self::Discard,
            _ => return None,
        })
    }

    /// The program name, as in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Lmtp => "lmtp",
            Self::Local => "local",
            Self::Virtual => "virtual",
            Self::Pipe => "pipe",
            Self::Error => "error",
            Self::Retry => "retry",
            Self::Discard => "discard",
        }
    }
}

/// One delivery line. Byte slices are the log's own bytes: strangers' text, not known to be UTF-8.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delivery<'a> {
    /// When; absent where the line's time could not be placed.
    pub time: Option<Time>,
    /// The host that logged the line; empty if the line has none.
    pub host: &'a [u8],
    /// The part of the tag before the program name: a syslog_name, perhaps with a service prefix
    /// (`postfix-aol-a`, `postfix-aol-a/submission`).
    pub tag: &'a [u8],
    /// Who delivered.
    pub agent: Agent,
    /// The queue id.
    pub queue_id: &'a [u8],
    /// `to=<…>`, without the brackets.
    pub recipient: &'a [u8],
    /// `orig_to=<…>`, without the brackets: the address before aliases and virtual maps.
    pub orig_recipient: Option<&'a [u8]>,
    /// `relay=`; only if it was asked for ([`super::Wanted::relays`]).
    pub relay: Option<Relay<'a>>,
    /// `delay=`, seconds since the message arrived; only if it was asked for ([`super::Wanted::delays`]).
    pub delay: Option<f64>,
    /// `delays=`; only if it was asked for.
    pub delays: Option<Delays>,
    /// `dsn=`: the enhanced status code (RFC 3463), as logged.
    pub dsn: Option<&'a [u8]>,
    /// `status=`.
    pub status: Status,
    /// The text in the parentheses after the status: the server's reply, or what Postfix says itself.
    pub reply: &'a [u8],
    /// How many times the line stands for: 1, or the N of `message repeated N times: [ … ]`.
    pub repeat: u64,
}

/// A message that the queue manager gave up on (qmgr(8): `from=<…>, status=expired, returned to sender`, one line a
/// message; Postfix `src/oqmgr/qmgr_active.c`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expired<'a> {
    /// When.
    pub time: Option<Time>,
    /// As [`Delivery::host`].
    pub host: &'a [u8],
    /// As [`Delivery::tag`].
    pub tag: &'a [u8],
    /// The queue id.
    pub queue_id: &'a [u8],
    /// The envelope sender.
    pub sender: &'a [u8],
    /// `force-expired`: by `postsuper -e`, not by age.
    pub forced: bool,
    /// How many times the line stands for.
    pub repeat: u64,
}

/// What a log says, a line at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event<'a> {
    /// A delivery attempt.
    Delivery(Delivery<'a>),
    /// A message given up.
    Expired(Expired<'a>),
    /// The queue manager takes a message up (`from=<…>, size=…`): who sent it.
    #[allow(missing_docs, reason = "as in Expired")]
    Sender {
        host: &'a [u8],
        tag: &'a [u8],
        queue_id: &'a [u8],
        sender: &'a [u8],
        /// When, if [`super::Wanted::filtered`] is asked for and the line itself is of the window.
        time: Option<Time>,
        /// Is it? It is handed on whatever the window.
        inside: bool,
    },
    /// pickup(8) has taken up a message that was put into maildrop again, and given it another queue id. Handed on
    /// whatever the window.
    #[allow(missing_docs, reason = "as in Expired")]
    Requeued {
        tag: &'a [u8],
        queue_id: &'a [u8],
        /// What it was called in maildrop.
        orig_id: &'a [u8],
    },
    /// smtpd(8) has a client (Postfix `src/smtpd/smtpd.c`: `connect from NAME[ADDRESS]`).
    #[allow(missing_docs, reason = "as in Expired")]
    Connected {
        host: &'a [u8],
        tag: &'a [u8],
        /// Its name, which its address has too; `unknown` where it has none such.
        name: &'a [u8],
        address: &'a [u8],
    },
    /// A filter stopped or scored mail.
    Filtered(Filtered<'a>),
    /// The message is done with (`QUEUEID: removed`).
    #[allow(missing_docs, reason = "as in Expired")]
    Removed {
        host: &'a [u8],
        tag: &'a [u8],
        queue_id: &'a [u8],
    },
    /// A delivery line that cannot be read, or one whose time is unknown where a window was asked for.
    #[allow(missing_docs, reason = "as in Expired")]
    Unparsed {
        host: &'a [u8],
        /// Empty where the line has none.
        tag: &'a [u8],
        time: Option<Time>,
        why: Why<'a>,
    },
    /// One of Postfix's programs complains.
    Complaint(Complaint<'a>),
    /// The log's writer threw messages away.
    Dropped(Dropped<'a>),
}

impl<'a> Event<'a> {
    /// The host and the tag of the line; nothing where it is of no program of Postfix's.
    pub fn origin(&self) -> Option<(&'a [u8], &'a [u8])> {
        match self {
            Self::Delivery(of) => Some((of.host, of.tag)),
            Self::Expired(of) => Some((of.host, of.tag)),
            Self::Complaint(of) => Some((of.host, of.tag)),
            Self::Sender { host, tag, .. }
            | Self::Removed { host, tag, .. }
            | Self::Connected { host, tag, .. }
            | Self::Unparsed { host, tag, .. } => Some((host, tag)),
            Self::Filtered(of) => of.origin(),
            Self::Requeued { tag, .. } => Some((b"", tag)),
            Self::Dropped(_) => None,
        }
    }
}

/// Takes the events of a log, in the order of its lines.
pub trait Sink: Send + Sized {
    /// The next event.
    fn event(&mut self, event: &Event<'_>);

    /// Are lines of this tag asked for? What cannot be read of them is then shown.
    fn counts(&mut self, _tag: &[u8], _time: Option<Time>) -> bool {
        true
    }

    /// May a tag that names no service be an instance's? Any program may bear such a name.
    fn knows(&self, tag: &[u8]) -> bool {
        tag.starts_with(b"postfix")
    }

    /// An empty sink of the same kind, for a later part of the log that another thread reads meanwhile. Nothing, as
    /// here, for a sink that needs the events one after the other.
    fn fork(&self) -> Option<Self> {
        None
    }

    /// Is there no use in reading on? (The output's reader has gone, say.)
    fn is_done(&self) -> bool {
        false
    }

    /// Takes in what a [`Sink::fork`] saw of a later part of the log.
    fn join(&mut self, _later: Self) {}
}
