//! One message that filters saw, and what became of it.

use super::join::Arrival;
use super::scores::Outcome;

/// What is known of one message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message {
    pub(super) instance: usize,
    pub(super) arrival: Arrival,
    pub(super) held: bool,
    pub(super) queued: bool,
    pub(super) discarded: bool,
    pub(super) rejected: bool,
    pub(super) temporary: bool,
    pub(super) delivered: bool,
    pub(super) bounced: bool,
}

impl Message {
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self {
                delivered: true, ..
            } => Outcome::Delivered,
            Self {
                discarded: true, ..
            } => Outcome::Discarded,
            Self { rejected: true, .. } => Outcome::Rejected,
            Self {
                temporary: true, ..
            } => Outcome::Temporary,
            Self { bounced: true, .. } => Outcome::Bounced,
            Self { queued: true, .. } => Outcome::Waiting,
            Self { held: true, .. } => Outcome::Held,
            _ => Outcome::Unknown,
        }
    }

    /// Did it come to an end before it was in the queue?
    pub(super) fn is_over(&self) -> bool {
        self.discarded || self.rejected || self.temporary
    }
}
