//! What is found: the words that all who find something share.

use crate::mail_stats::check::Watched;
use crate::verdict::Level;

/// Who is meant where no instance is.
pub(super) const ALL: &str = "all instances";

/// Of each instance, so many shares are judged that it usually has some of.
pub(super) const KINDS: usize = 3;

/// Something that needs attention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How bad it is.
    pub level: Level,
    /// The instance: text from a log.
    pub instance: String,
    /// In a few words: `34.4% deferred`.
    pub what: String,
    /// The rest of it: how it was, and why. May hold codes, addresses: text from a log. May be empty.
    pub details: String,
}

/// What is found, with what it is sorted by: its kind, and how much of it there is.
pub(super) type Found = Vec<(u8, u64, Notice)>;

/// Of what kind a share is among findings: 0, 2, 4.
pub(super) fn rank(watched: Watched) -> u8 {
    2 * watched as u8
}
