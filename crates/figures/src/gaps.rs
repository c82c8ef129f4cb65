//! What the logs lack that figures were counted from: without it, no figure can be called complete.

use postfix::Problem;

/// What is missing, beside the problems with whole logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps {
    /// The first delivery lines that could not be read: path, line, why, and the line's beginning.
    pub unread: Vec<Problem>,
    /// How many delivery lines could not be read of which it is not known whose they are. Those of an instance are
    /// among its figures.
    pub nobodys: u64,
    /// Lines that were counted as one delivery and may hold another: of each log the first, and how many there are.
    pub doubtful: Vec<Problem>,
    /// How many messages syslog daemons threw away, as far as they say so.
    pub lost: u64,
    /// Logs that begin behind the time that is asked for.
    pub late: Vec<Problem>,
    /// Logs without a line, of the time that was asked for.
    pub empty: Vec<Problem>,
}

impl Gaps {
    /// How many unread lines are shown, however many logs there are.
    const SHOWN: usize = 5;

    /// Adds those of another log.
    pub fn join(&mut self, other: Self) {
        self.unread.extend(other.unread);
        self.unread.truncate(Self::SHOWN);
        self.doubtful.extend(other.doubtful);
        self.nobodys = self.nobodys.saturating_add(other.nobodys);
        self.lost = self.lost.saturating_add(other.lost);
        self.late.extend(other.late);
        self.empty.extend(other.empty);
    }
}
