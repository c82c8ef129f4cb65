//! What a log is seen to be: whether any of its lines is Postfix's, when they were written, what is missing in it.

use std::ops::Range;

use memchr::memchr_iter;

use super::filtered;
use super::header;
use super::json;
use super::lost::Dropped;
use super::silence::Silences;
use super::unread::{Unread, UnreadLine, Why, sample};
use crate::Time;
use crate::problem::Position;

/// What was seen of a log, or of a part of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Is any line Postfix's?
    pub is_postfix: bool,
    /// How many lines that are not empty were looked at; only where none is Postfix's.
    pub lines: u64,
    /// The first of them, or its beginning: text of a file that may be anything.
    pub first_line: Vec<u8>,
    /// When its first and its last line were written, as far as lines that were looked at say so.
    pub times: Option<Range<Time>>,
    /// When there was no line in the window, as far as lines that were looked at say so.
    pub silences: Silences,
    /// How many deliveries were read.
    pub deliveries: u64,
    /// The delivery lines that could not be read.
    pub unread: Unread,
    /// How many events in a file of journald's entries are not Postfix's, by what journald noted of who sent them.
    pub strangers: u64,
    /// What its writers threw away.
    pub lost: LostMessages,
    /// Lines that were counted, and may hold another one.
    pub doubtful: Doubtful,
    /// How many lines of a log of JSON are no JSON objects, and where the first of them is.
    pub(super) broken: (u64, Option<Position>),
    /// How many zero bytes stand in the place of lines, and where the first of them is.
    pub(super) blank: (u64, Option<Position>),
}

/// So many zero bytes in a row nobody has logged: what stood there was not written when the host crashed.
const BLANK: usize = 8;

/// Delivery lines in which, in an address or in what the receiver said, another delivery line begins: two that were
/// torn into one, or a stranger who quotes a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doubtful {
    /// How many.
    pub lines: u64,
    /// The first of them.
    pub first: Option<UnreadLine>,
}

/// Messages that a syslog daemon threw away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LostMessages {
    /// How many times it says so.
    pub notices: u64,
    /// How many messages that were, as far as it says so.
    pub messages: u64,
    /// The first of what it said.
    pub first: Option<UnreadLine>,
}

impl Seen {
    /// Takes note of a line that should have been read.
    pub(super) fn unread(
        &mut self,
        at: Option<Position>,
        line: &[u8],
        why: Why<'_>,
        is_nobodys: bool,
    ) {
        self.unread.add(at, line, why, is_nobodys);
    }

    /// Notes a line in a log of JSON that is not JSON.
    pub(super) fn broken(&mut self, at: Position) {
        self.broken.0 = self.broken.0.saturating_add(1);
        self.broken.1.get_or_insert(at);
    }

    /// Looks for zero bytes in a block; `place` says where one of its bytes is. A log that begins with them
    /// (`is_front`) was emptied while its writer went on behind its old end (logrotate's copytruncate): nothing is
    /// missing there.
    pub(super) fn look_for_blanks(
        &mut self,
        block: &[u8],
        is_front: bool,
        place: impl Fn(usize) -> Position,
    ) {
        let mut from = 0_usize;
        while let Some(found) = memchr::memchr(0, block.get(from..).unwrap_or_default()) {
            let at = from.saturating_add(found);
            let run = block.get(at..).unwrap_or_default().iter();
            let length = run.take_while(|b| **b == 0).count();
            from = at.saturating_add(length);
            if length >= BLANK && !(at == 0 && is_front) {
                let length = u64::try_from(length).unwrap_or(u64::MAX);
                self.blank.0 = self.blank.0.saturating_add(length);
                self.blank.1.get_or_insert_with(|| place(at));
            }
        }
    }

    /// Takes note of the times of lines.
    pub(super) fn add_times(&mut self, times: Option<Range<Time>>) {
        self.times = match (self.times.take(), times) {
            (Some(a), Some(b)) => Some(a.start.min(b.start)..a.end.max(b.end)),
            (a, b) => a.or(b),
        };
    }

    /// The places of lines that are shown, in their order.
    pub(super) fn positions(&mut self) -> Vec<&mut Position> {
        let shown = self.unread.first.iter_mut().chain(&mut self.lost.first);
        let shown = shown.chain(&mut self.doubtful.first);
        let shown = shown.filter_map(|line| line.at.as_mut());
        let shown = shown.chain(&mut self.broken.1).chain(&mut self.blank.1);
        let mut shown: Vec<&mut Position> = shown.collect();
        shown.sort_unstable();
        shown
    }

    /// Takes note of a line that may say something else.
    pub(super) fn doubtful(&mut self, at: Position, line: &[u8], why: &str) {
        self.doubtful.lines = self.doubtful.lines.saturating_add(1);
        self.doubtful.first.get_or_insert_with(|| UnreadLine {
            at: Some(at),
            why: why.to_owned(),
            text: sample(line),
            is_headless: false,
        });
    }

    /// Takes note of messages that are not there.
    pub(super) fn lost(&mut self, at: Position, lost: &Dropped<'_>) {
        let messages = lost.messages.unwrap_or(0);
        self.lost.notices = self.lost.notices.saturating_add(1);
        self.lost.messages = self.lost.messages.saturating_add(messages);
        self.lost.first.get_or_insert_with(|| UnreadLine {
            at: Some(at),
            why: String::from_utf8_lossy(lost.program).into_owned(),
            text: sample(lost.text),
            is_headless: false,
        });
    }

    /// Looks for a line of Postfix's, until one is found; with `filtered`, one of spamd's will do.
    pub(super) fn look(&mut self, block: &[u8], filtered: bool) {
        if self.is_postfix {
            return;
        }
        for line in block.split(|b| *b == b'\n') {
            let line = line.trim_ascii_end();
            if line.is_empty() {
                continue;
            }
            if is_postfix(line) || filtered && is_spamd(line) {
                self.is_postfix = true;
                return;
            }
            if self.lines == 0 {
                self.first_line = sample(line);
            }
            self.lines = self.lines.saturating_add(1);
        }
    }

    /// All of the log has been read.
    pub(super) fn settle(&mut self) {
        self.unread.settle(self.deliveries);
    }

    /// Adds what was seen of a later part of the log.
    pub(super) fn join(&mut self, later: Self) {
        self.is_postfix |= later.is_postfix;
        if self.lines == 0 {
            self.first_line = later.first_line;
        }
        self.lines = self.lines.saturating_add(later.lines);
        self.deliveries = self.deliveries.saturating_add(later.deliveries);
        self.add_times(later.times);
        self.silences = self.silences.common(&later.silences);
        self.unread.join(later.unread);
        self.strangers = self.strangers.saturating_add(later.strangers);
        self.lost.join(later.lost);
        let doubtful = self.doubtful.lines.saturating_add(later.doubtful.lines);
        self.doubtful.lines = doubtful;
        self.doubtful.first = self.doubtful.first.take().or(later.doubtful.first);
        let join = |(mine, at): (u64, Option<Position>), (later, first)| {
            (mine.saturating_add(later), at.or(first))
        };
        self.broken = join(self.broken, later.broken);
        self.blank = join(self.blank, later.blank);
    }
}

impl LostMessages {
    fn join(&mut self, later: Self) {
        self.notices = self.notices.saturating_add(later.notices);
        self.messages = self.messages.saturating_add(later.messages);
        self.first = self.first.take().or(later.first);
    }
}

/// Is it a line of one of Postfix's programs?
fn is_postfix(line: &[u8]) -> bool {
    match json::is_object(line) {
        true => json::is_postfix(line),
        false => header::read(line).is_ok_and(|header| header::is_postfix(header.program)),
    }
}

fn is_spamd(line: &[u8]) -> bool {
    filtered::own_line(line).is_some()
        || header::read(line).is_ok_and(|header| header.program == b"spamd")
}

/// How many lines end in a stretch of text.
pub(super) fn line_ends(text: &[u8]) -> u64 {
    u64::try_from(memchr_iter(b'\n', text).count()).unwrap_or(u64::MAX)
}
