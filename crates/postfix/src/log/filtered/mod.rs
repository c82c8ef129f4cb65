//! What a log says of mail that a filter looked at: stopped on its way in, or scored by spamd.
//!
//! `stops` reads what smtpd(8), postscreen(8) and cleanup(8) say, `spamd` what SpamAssassin's daemon says. Each is read
//! by its own grammar, from the end that no stranger can write to.

mod spamd;
mod stops;

use super::cursor::Cursor;
use super::delivery;
use crate::Time;

pub(super) use spamd::{own_line, scanned};
pub(super) use stops::{FilterLine, cleanup, postscreen, smtpd};

/// A line of a filter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Filtered<'a> {
    /// Mail was stopped.
    Stop(Stop<'a>),
    /// cleanup(8) has the header of a message: `QUEUEID: message-id=…`. Handed on whatever the window, since what
    /// becomes of the message may lie in it.
    #[allow(missing_docs, reason = "as in Stop")]
    Arrived {
        time: Option<Time>,
        host: &'a [u8],
        tag: &'a [u8],
        queue_id: &'a [u8],
        /// As the header has it, brackets and all; empty where there is none.
        message_id: &'a [u8],
    },
    /// spamd has scored a message.
    Scan(Scan<'a>),
    /// A line of these that cannot be read; `tag` is empty where it is spamd's.
    #[allow(missing_docs, reason = "as in Stop")]
    Unparsed { host: &'a [u8], tag: &'a [u8] },
}

impl<'a> Filtered<'a> {
    /// The host and the tag of the line; nothing where it is spamd's.
    pub fn origin(&self) -> Option<(&'a [u8], &'a [u8])> {
        match self {
            Self::Stop(stop) => Some((stop.host, stop.tag)),
            Self::Arrived { host, tag, .. } => Some((host, tag)),
            Self::Unparsed { host, tag } => (!tag.is_empty()).then_some((host, tag)),
            Self::Scan(_) => None,
        }
    }
}

/// Mail was stopped on its way in, by smtpd(8), postscreen(8) or cleanup(8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop<'a> {
    /// When; absent where the line's time could not be placed.
    pub time: Option<Time>,
    /// As [`super::Delivery::host`].
    pub host: &'a [u8],
    /// As [`super::Delivery::tag`].
    pub tag: &'a [u8],
    /// The queue id; absent for `NOQUEUE`, where there was no message yet.
    pub queue_id: Option<&'a [u8]>,
    /// Is it of the whole message? A recipient or a connection that is refused may be one of several.
    pub whole: bool,
    /// Who stopped it, and how.
    pub kind: Kind,
    /// Where on its way.
    pub stage: Stage,
    /// Was the client asked to try again (`4xx`)?
    pub temporary: bool,
    /// The header that a check found, by name.
    pub header: Option<&'a [u8]>,
    /// The reply to the client, or the text of the rule. A stranger's words may be part of it.
    pub reason: &'a [u8],
    /// How many times the line stands for.
    pub repeat: u64,
}

/// Who stopped mail, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A milter: refused.
    MilterReject,
    /// A milter: accepted and thrown away.
    MilterDiscard,
    /// A milter: put on hold ("quarantine").
    MilterHold,
    /// An smtpd restriction or access(5) table: refused.
    Reject,
    /// An access(5) table: thrown away.
    Discard,
    /// An access(5) table: put on hold.
    Hold,
    /// header_checks(5), body_checks, milter_header_checks, or broken MIME: refused.
    ContentReject,
    /// The same: thrown away.
    ContentDiscard,
    /// The same: put on hold.
    ContentHold,
    /// A filter behind smtpd_proxy_filter: refused.
    ProxyReject,
    /// postscreen(8), in front of smtpd(8): refused.
    PostscreenReject,
}

impl Kind {
    /// All of them, in order.
    pub const ALL: [Self; 11] = [
        Self::MilterReject,
        Self::MilterDiscard,
        Self::MilterHold,
        Self::Reject,
        Self::Discard,
        Self::Hold,
        Self::ContentReject,
        Self::ContentDiscard,
        Self::ContentHold,
        Self::ProxyReject,
        Self::PostscreenReject,
    ];

    /// Its name: the log's word, with `content-` before it where cleanup's tables say it, and `postscreen-` where
    /// postscreen does.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MilterReject => "milter-reject",
            Self::MilterDiscard => "milter-discard",
            Self::MilterHold => "milter-hold",
            Self::Reject => "reject",
            Self::Discard => "discard",
            Self::Hold => "hold",
            Self::ContentReject => "content-reject",
            Self::ContentDiscard => "content-discard",
            Self::ContentHold => "content-hold",
            Self::ProxyReject => "proxy-reject",
            Self::PostscreenReject => "postscreen-reject",
        }
    }

    /// What became of the mail.
    pub fn action(self) -> Action {
        match self {
            Self::MilterReject
            | Self::Reject
            | Self::ContentReject
            | Self::ProxyReject
            | Self::PostscreenReject => Action::Reject,
            Self::MilterDiscard | Self::Discard | Self::ContentDiscard => Action::Discard,
            Self::MilterHold | Self::Hold | Self::ContentHold => Action::Hold,
        }
    }
}

/// What became of mail that was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// The client got a refusal.
    Reject,
    /// The client got an acceptance, and the mail is gone.
    Discard,
    /// It waits in the hold queue for the admin.
    Hold,
}

macro_rules! stages {
    ($($name:ident $text:literal,)*) => {
        /// Where on its way mail was stopped: the SMTP command (Postfix `src/smtpd/smtpd.h`, `SMTPD_AFTER_*` and
        /// `SMTPD_CMD_*`), or the part of its content (`src/cleanup/cleanup_message.c`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "named as Postfix names them")]
        pub enum Stage { $($name,)* }

        impl Stage {
            /// All of them, in the order of a session.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As in the log.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

stages! {
    Connect "CONNECT",
    Helo "HELO",
    Ehlo "EHLO",
    Starttls "STARTTLS",
    Auth "AUTH",
    Xclient "XCLIENT",
    Xforward "XFORWARD",
    Mail "MAIL",
    Rcpt "RCPT",
    DataContent "DATA content",
    Data "DATA",
    BdatContent "BDAT content",
    Bdat "BDAT",
    EndOfMessage "END-OF-MESSAGE",
    Vrfy "VRFY",
    Etrn "ETRN",
    Rset "RSET",
    Noop "NOOP",
    Help "HELP",
    Quit "QUIT",
    Unknown "UNKNOWN",
    Header "header",
    Body "body",
    Content "content",
    MimeError "mime-error",
}

/// What spamd said of one message. It says it in two lines; both are handed on, and the reader puts them together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scan<'a> {
    /// When.
    pub time: Option<Time>,
    /// Did it call it spam?
    pub spam: bool,
    /// The score: to a tenth in the first line, cut to a whole number in the second.
    pub score: f64,
    /// From which score on it is spam: `required_score`.
    pub threshold: f64,
    /// How many tenths of a second it took, and the message's size in bytes: in both lines alike.
    pub took: (u64, u64),
    /// Whose message it was, in the second line (`result:`): its Message-Id, or `(unknown)`.
    pub message_id: Option<&'a [u8]>,
}

/// Takes the queue id, or `NOQUEUE`, and the `: ` after it.
fn queue_id<'a>(c: &mut Cursor<'a>) -> Option<Option<&'a [u8]>> {
    let id = delivery::queue_id(c)?;
    Some((id != b"NOQUEUE").then_some(id))
}

#[cfg(test)]
mod tests;
