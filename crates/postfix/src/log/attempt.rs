//! The parts of a delivery attempt, as a line of a log names them.

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// `status=sent`: handed to the next hop, or into a mailbox.
    Sent,
    /// `status=bounced`: refused for good; a bounce goes to the sender.
    Bounced,
    /// `status=deferred` (or `SOFTBOUNCE`, soft_bounce(5)): to be tried again.
    Deferred,
}

impl Status {
    /// The word, as in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Bounced => "bounced",
            Self::Deferred => "deferred",
        }
    }
}

/// `relay=`: where the mail went or should have gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relay<'a> {
    /// The host name before the bracket; `none`, `local`, `dovecot` … for agents that speak no SMTP.
    pub host: &'a [u8],
    /// The address (or socket path) inside the brackets.
    pub address: Option<&'a [u8]>,
    /// The port after the brackets.
    pub port: Option<u16>,
}

/// `delays=a/b/c/d`, each in seconds: before the queue manager, in it, connecting (DNS, HELO, TLS), transmitting
/// (postconf(5), delay_logging_resolution_limit).
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "named as Postfix names them")]
pub struct Delays {
    pub a: f64,
    pub b: f64,
    pub c: f64,
    pub d: f64,
}
