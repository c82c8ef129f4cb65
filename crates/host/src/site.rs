//! The host that is looked at, when, and who hears of what is met on the way.

use std::ffi::OsStr;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use postfix::log::{Options, Wanted};
use postfix::{Problem, Root, Time, Zone};

use crate::identity;

/// What is read of a host is reported to one of these while it is read. The shell puts it on standard error.
pub trait Reporter: fmt::Debug + Send + Sync {
    /// Something that the admin should know of, though the work goes on.
    fn warn(&self, text: &str);
    /// Something for those who want to follow the work (`-v`).
    fn note(&self, text: &str);
    /// What could not be read.
    fn problems(&self, problems: &[Problem]);
    /// Work begins that may take long: `total` of `unit`, if that is known.
    fn progress(&self, what: &str, unit: Unit, total: Option<u64>) -> Box<dyn Progress>;
}

/// What progress is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Files, messages, questions.
    Items,
}

/// How far long work has come. Dropping it ends the work.
pub trait Progress: Send + Sync {
    /// This many more are done.
    fn advance(&self, by: u64);
}

/// The host that is looked at, and the time of the look.
#[derive(Debug)]
pub struct Site {
    now: Time,
    root: Root,
    name: String,
    zone: Zone,
    syslog_zone: Zone,
    reporter: Arc<dyn Reporter>,
}

impl Site {
    /// The host below `root` at the time `now`. `tz` is the value of `TZ`, if that is set.
    pub fn new(root: Root, now: Time, tz: Option<&OsStr>, reporter: Arc<dyn Reporter>) -> Self {
        let zone = identity::zone(&root, tz);
        Self {
            now,
            name: identity::name(&root),
            zone,
            syslog_zone: identity::zone_of_syslogd(&root, tz, zone),
            root,
            reporter,
        }
    }

    /// The time of the look.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The root directory of the host.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The host's name, as its kernel has it; perhaps without a domain.
    pub fn host(&self) -> &str {
        &self.name
    }

    /// The host's time zone.
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// The zone that the host's syslog daemon takes a line's time to be in: `TZ` has no part in it.
    pub fn syslog_zone(&self) -> Zone {
        self.syslog_zone
    }

    /// How the host's logs are read: with as many threads as there are processors.
    pub fn read_options<'a>(
        &self,
        window: Option<Range<Time>>,
        wanted: Wanted,
        progress: &'a (dyn Fn(u64) + Sync),
    ) -> Options<'a> {
        Options {
            zone: self.zone,
            now: self.now,
            window,
            wanted,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            progress,
        }
    }

    /// As [`Reporter::warn`].
    pub fn warn(&self, text: impl AsRef<str>) {
        self.reporter.warn(text.as_ref());
    }

    /// As [`Reporter::note`].
    pub fn note(&self, text: impl AsRef<str>) {
        self.reporter.note(text.as_ref());
    }

    /// As [`Reporter::problems`].
    pub fn problems(&self, problems: &[Problem]) {
        self.reporter.problems(problems);
    }

    /// Work over bytes begins. See [`Reporter::progress`].
    pub fn progress_bytes(&self, what: &str, total: Option<u64>) -> Box<dyn Progress> {
        self.reporter.progress(what, Unit::Bytes, total)
    }

    /// Work over things begins. See [`Reporter::progress`].
    pub fn progress_items(&self, what: &str, total: Option<u64>) -> Box<dyn Progress> {
        self.reporter.progress(what, Unit::Items, total)
    }
}
