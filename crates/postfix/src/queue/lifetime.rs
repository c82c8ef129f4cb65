//! When Postfix gives a message up.

use super::QueueFile;
use crate::config::Parameters;
use crate::{Span, Time};

/// How long an instance keeps mail that it cannot deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// `maximal_queue_lifetime`.
    pub message: Span,
    /// `bounce_queue_lifetime`: of mail from the null sender.
    pub null_sender: Span,
}

/// Days that mail is kept by default.
const DEFAULT: Span = Span::from_seconds(5 * 86400);

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            message: DEFAULT,
            null_sender: DEFAULT,
        }
    }
}

impl Lifetimes {
    /// What main.cf says; five days, as by default, where that cannot be read.
    pub fn of(parameters: &Parameters) -> Self {
        let span = |name: &str| parameters.seconds(name).map_or(DEFAULT, Span::from_seconds);
        Self {
            message: span("maximal_queue_lifetime"),
            null_sender: span("bounce_queue_lifetime"),
        }
    }

    /// When the message expires: the first attempt that fails at that time, or later, returns it to its sender
    /// (qmgr_active.c, qmgr_active_done_3_generic). The clock runs from when this queue file was made, which is later
    /// than
    /// its arrival where it was requeued.
    pub fn expiry(&self, file: &QueueFile) -> Time {
        let span = match file.envelope.sender.as_deref() {
            Some(b"") => self.null_sender,
            _ => self.message,
        };
        let made = file.envelope.create_time.filter(|&time| time > Time::EPOCH);
        made.unwrap_or_else(|| file.arrival_time()).plus(span)
    }
}
