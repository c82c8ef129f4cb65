//! What a sink answers, and by which rules.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// What the sink does at a step of the dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Replies with a code and one line or more; after 421 the connection is closed.
    Text {
        /// 250, 451, 550, …
        code: u16,
        /// The lines' text, enhanced status code and all, sent as they are: control bytes too.
        lines: Vec<Vec<u8>>,
    },
    /// Closes the connection without a reply.
    Drop,
    /// Says nothing for as long as the client stays.
    Hang,
    /// Does something after a pause.
    After(Duration, Box<Self>),
}

impl Answer {
    /// `250 2.0.0 Ok`
    pub fn ok() -> Self {
        Self::text(250, "2.0.0 Ok")
    }

    /// `451 4.7.1 Try again later`
    pub fn later() -> Self {
        Self::text(451, "4.7.1 Try again later")
    }

    /// `550 5.1.1 No such user`
    pub fn no_such_user() -> Self {
        Self::text(550, "5.1.1 No such user")
    }

    /// A code with text; each LF in the text begins a new line of the reply.
    pub fn text(code: u16, text: impl AsRef<[u8]>) -> Self {
        let lines = text
            .as_ref()
            .split(|&byte| byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        Self::Text { code, lines }
    }

    /// The same after a pause.
    #[must_use]
    pub fn after(self, pause: Duration) -> Self {
        Self::After(pause, Box::new(self))
    }
}

/// A recipient that asks to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rcpt {
    /// The sender, without the angle brackets; empty for the null sender.
    pub sender: String,
    /// The recipient, without the angle brackets.
    pub recipient: String,
    /// What follows the address in the RCPT command: `NOTIFY=NEVER`, …
    pub params: String,
    /// Where the connection comes from: by its IP address, which instance it is.
    pub client: SocketAddr,
}

impl Rcpt {
    /// The part after the last `@`, in lower case.
    pub fn domain(&self) -> String {
        let (_, domain) = self.recipient.rsplit_once('@').unwrap_or_default();
        domain.to_ascii_lowercase()
    }
}

/// A message that asks to be answered at the end of DATA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// The recipients answered with 2xx.
    pub recipients: Vec<Rcpt>,
    /// The header, lines ended by CR LF.
    pub header: Vec<u8>,
}

/// What EHLO announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a keyword of EHLO's answer"
)]
pub struct Features {
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// DSN (RFC 3461).
    pub dsn: bool,
}

impl Default for Features {
    /// All of them.
    fn default() -> Self {
        Self {
            pipelining: true,
            eight_bit_mime: true,
            smtputf8: true,
            dsn: true,
        }
    }
}

/// The rules in force. Cloned for each use, so that a slow rule delays nobody else.
#[derive(Clone)]
pub(super) struct Rules {
    pub(super) connect: Answer,
    pub(super) features: Features,
    pub(super) rcpt: Arc<dyn Fn(&Rcpt) -> Answer + Send + Sync>,
    pub(super) data: Arc<dyn Fn(&Incoming) -> Answer + Send + Sync>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            connect: Answer::text(220, "sink.example.org ESMTP"),
            features: Features::default(),
            rcpt: Arc::new(|_| Answer::text(250, "2.1.5 Ok")),
            data: Arc::new(|_| Answer::text(250, "2.0.0 Ok: accepted")),
        }
    }
}
