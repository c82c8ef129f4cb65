//! One message that filters saw, and what became of it.

use super::join::Arrival;
use super::scores::Disposition;

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
    pub(super) fn outcome(&self) -> Disposition {
        match self {
            Self {
                delivered: true, ..
            } => Disposition::Delivered,
            Self {
                discarded: true, ..
            } => Disposition::Discarded,
            Self { rejected: true, .. } => Disposition::Rejected,
            Self {
                temporary: true, ..
            } => Disposition::Temporary,
            Self { bounced: true, .. } => Disposition::Bounced,
            Self { queued: true, .. } => Disposition::Waiting,
            Self { held: true, .. } => Disposition::Held,
            _ => Disposition::Unknown,
        }
    }

    /// Did it come to an end before it was in the queue?
    pub(super) fn is_over(&self) -> bool {
        self.discarded || self.rejected || self.temporary
    }
}
