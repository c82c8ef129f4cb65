//! Lines that look like a delivery and cannot be read: why, and where the first of them are.

use std::fmt;

use crate::escape::escape;
use crate::problem::{Position, Problem};

/// A delivery that `message repeated N times: [ … ]` stands for more often is taken for damaged, or made up: only lines
/// that are alike to the last letter are put together, queue id and delays too, and real logs have two to five. Anyone
/// who may write to syslog can write such a line.
pub(super) const MOST_DELIVERIES: u64 = 5;

/// Why a delivery line cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why<'a> {
    /// It does not begin with a time.
    NoTime,
    /// It has a clock's time near its beginning, but that is in no form that is known.
    Time,
    /// Behind its time there is no tag.
    NoTag,
    /// Its tag names no service.
    NoService,
    /// Its tag names a service that delivers nothing.
    Service,
    /// Its tag is not written as Postfix writes it.
    Tag,
    /// A delivery stands behind other words, or behind another program's tag: it may be quoted there.
    Quoted,
    /// It has a time that is no time of any year, where a window is asked for.
    Unplaced,
    /// Its time is yet to come, where a window is asked for that it is behind.
    Ahead,
    /// It ends before this field does.
    Cut(&'a [u8]),
    /// Its address holds what looks like the fields behind it.
    Address,
    /// It has no `status=`.
    NoStatus,
    /// `status=` is followed by no word that Postfix writes there.
    Status(&'a [u8]),
    /// It stands for more lines than there can be in a row.
    Repeated,
    /// journald noted no program and no unit of who sent it as root or as the mail owner.
    Sender,
    /// A delivery agent's entry in a log of JSON has no text.
    NoText,
    /// It begins as JSON does, and is no JSON object.
    NoJson,
    /// Something stands in front of its queue id.
    QueueId,
    /// It holds a control character, which Postfix never writes.
    Torn,
    /// Another line begins behind its tag.
    TwoLines,
}

impl Why<'_> {
    /// May the line be of a program that has nothing to do with Postfix, unless its tag is an instance's name?
    pub(super) fn may_be_foreign(self) -> bool {
        matches!(self, Self::NoService | Self::Service)
    }
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTime => f.write_str("no time in front"),
            Self::Time => f.write_str("its time is in no form that is known"),
            Self::NoTag => f.write_str("no tag NAME/SERVICE[PID]: behind the time"),
            Self::NoService => f.write_str(
                "its tag names no service (rsyslog writes it whole as %syslogtag%, not as %programname%)",
            ),
            Self::Service => f.write_str("its tag names no delivery agent of Postfix's"),
            Self::Tag => f.write_str("its tag is not NAME/SERVICE[PID]:"),
            Self::Quoted => f.write_str("other words stand in front of it"),
            Self::Unplaced => f.write_str("its time is not a date of any near year"),
            Self::Ahead => f.write_str("its time is yet to come"),
            Self::Cut(field) => write!(f, "cut in {}=", escape(field)),
            Self::Sender => f.write_str("it cannot be shown to be Postfix's: journald noted neither a unit nor a program"),
            Self::NoText => f.write_str("its text is left out (journalctl -o json needs -a)"),
            Self::NoJson => f.write_str("no whole JSON object"),
            Self::QueueId => f.write_str("no queue id behind the tag"),
            Self::Torn => f.write_str("a control character, which Postfix never writes"),
            Self::TwoLines => f.write_str("another line begins in the middle of it"),
            Self::Address => f.write_str("where its address ends cannot be told"),
            Self::NoStatus => f.write_str("no status="),
            Self::Status(word) => write!(f, "status={} is not a status", escape(word)),
            Self::Repeated => write!(f, "repeated more than {MOST_DELIVERIES} times"),
        }
    }
}

/// So many words may stand in front of a delivery's `to=`, its queue id among them.
const FEW_WORDS: usize = 3;

/// How many of a log's lines are shown; the rest is counted.
const SHOWN: usize = 3;

/// How many bytes of a line are shown.
const LONGEST: usize = 200;

/// The first of the lines that could not be read, and how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unread {
    /// How many there are of the instances that are asked for, and without a tag.
    pub lines: u64,
    /// How many of them have no tag that would say whose they are.
    pub nobodys: u64,
    /// How many lines have no head at all, neither time nor tag: half of a line, what a program wrote in several, what
    /// it quotes, or a log that was cut by columns. They are among the others only where they are most of the log's
    /// deliveries, since what stands in them anyone may have written.
    pub(super) headless: u64,
    /// The first few.
    pub first: Vec<UnreadLine>,
}

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadLine {
    /// Where it is: the number of the line, or the byte where lines could not be counted. A journal has no lines.
    pub at: Option<Position>,
    /// Why it cannot be read: one line for people. May hold the log's own bytes, escaped.
    pub why: String,
    /// The line, or its beginning: a stranger's text.
    pub text: Vec<u8>,
    /// Has it no head at all?
    pub(super) is_headless: bool,
}

impl Unread {
    /// Counts a line.
    pub(super) fn add(
        &mut self,
        at: Option<Position>,
        line: &[u8],
        why: Why<'_>,
        is_nobodys: bool,
    ) {
        let is_headless = is_nobodys && matches!(why, Why::NoTime | Why::Quoted);
        if is_headless {
            self.headless = self.headless.saturating_add(1);
        } else {
            self.lines = self.lines.saturating_add(1);
            self.nobodys = self.nobodys.saturating_add(u64::from(is_nobodys));
        }
        let alike = |line: &&UnreadLine| line.is_headless == is_headless;
        if self.first.iter().filter(alike).count() < SHOWN {
            self.first.push(UnreadLine {
                at,
                why: why.to_string(),
                text: sample(line),
                is_headless,
            });
        }
    }

    /// The log has been read: are lines without a head most of its deliveries, of which `read` could be read?
    pub(super) fn settle(&mut self, read: u64) {
        if self.headless > read {
            self.lines = self.lines.saturating_add(self.headless);
            self.nobodys = self.nobodys.saturating_add(self.headless);
        } else {
            self.first.retain(|line| !line.is_headless);
        }
        self.first.truncate(SHOWN);
    }

    /// Adds what was met in a later part of the log.
    pub(super) fn join(&mut self, later: Self) {
        self.lines = self.lines.saturating_add(later.lines);
        self.nobodys = self.nobodys.saturating_add(later.nobodys);
        self.headless = self.headless.saturating_add(later.headless);
        self.first.extend(later.first);
    }
}

impl UnreadLine {
    /// The same as a problem with the log of this path.
    pub fn problem(&self, path: &std::path::Path) -> Problem {
        let what = format!("{}: {}", self.why, escape(&self.text));
        Problem {
            at: self.at,
            ..Problem::new(path, what)
        }
    }
}

/// Does a line whose head cannot be read hold what Postfix writes of a delivery: `QUEUEID: to=` and ` status=`?
pub(super) fn looks_like_delivery(line: &[u8]) -> bool {
    let to = memchr::memmem::find(line, b": to=");
    let rest = to.and_then(|at| line.get(at..)).unwrap_or_default();
    memchr::memmem::find(rest, b" status=").is_some()
}

/// Does a message begin with what Postfix writes of a delivery, behind a word or two that are not its own? What a
/// receiver says stands further behind (`QUEUEID: host HOST[ADDRESS] said: …`).
pub(super) fn opens_like_delivery(message: &[u8]) -> bool {
    let has_status = |rest: &[u8]| memchr::memmem::find(rest, b" status=").is_some();
    // Whoever took the queue id away.
    if message.starts_with(b"to=<") {
        return has_status(message);
    }
    let Some((head, rest)) =
        memchr::memmem::find(message, b": to=<").and_then(|at| message.split_at_checked(at))
    else {
        return false;
    };
    // `HOST[ADDRESS]:25: subject_CN=…` is a certificate's text, a stranger's.
    let mut words = head.split(|b| *b == b' ');
    words.clone().count() <= FEW_WORDS
        && !words.any(|word| word.contains(&b'['))
        && has_status(rest)
}

/// Is there a `12:22:57` among the first few words of the line, a time whose date cannot be read?
pub(super) fn has_clock(line: &[u8]) -> bool {
    let is_clock = |word: &[u8]| match word {
        [h, hh, b':', m, mm, b':', s, ss, ..] => {
            [h, hh, m, mm, s, ss].iter().all(|b| b.is_ascii_digit())
        }
        _ => false,
    };
    let words = line.split(|b| matches!(b, b' ' | b'T'));
    words.take(5).any(is_clock)
}

/// The beginning of a line, and `…` where that is not all of it.
pub(super) fn sample(line: &[u8]) -> Vec<u8> {
    match line.split_at_checked(LONGEST) {
        Some((head, rest)) if !rest.is_empty() => [head, "…".as_bytes()].concat(),
        _ => line.to_vec(),
    }
}
