//! The clock, ^C, the progress bar, the mail log and TO's pickup, for the library that has none of them.

use std::cell::Cell;
use std::time::{Duration, Instant};

use cli::{Context, Interrupts, Progress};
use postfix::queue::QueueId;
use postfix::{Span, Time};
use transfer::{Ended, Fate, Side, Watch};

use crate::syslog::Syslog;

/// How long a pause lasts before ^C is asked for again.
const SLICE: Duration = Duration::from_millis(50);

pub(crate) struct MoveWatch<'a> {
    begun: Instant,
    start: Time,
    interrupts: Interrupts,
    progress: Progress,
    /// TO, if it is to be woken.
    wake: Option<&'a Side>,
    syslog: Syslog,
    /// The move, its messages' ids, and what it is said of them that they are.
    about: About<'a>,
    pub(crate) woken: Cell<bool>,
}

/// What the lines of the mail log are about.
pub(crate) struct About<'a> {
    pub(crate) name: &'a str,
    pub(crate) ids: &'a [QueueId],
    pub(crate) to: &'a str,
}

impl<'a> MoveWatch<'a> {
    pub(crate) fn new(
        cx: &Context,
        interrupts: Interrupts,
        wake: Option<&'a Side>,
        about: About<'a>,
    ) -> Self {
        Self {
            begun: Instant::now(),
            start: cx.now(),
            interrupts,
            progress: cx.progress_items("moving", Some(about.ids.len() as u64)),
            wake,
            syslog: Syslog::open(cx),
            about,
            woken: Cell::new(false),
        }
    }

    /// Wakes TO's pickup. It wakes by itself, too, every minute.
    pub(crate) fn wake(&self) {
        if let Some(side) = self.wake {
            self.woken.set(transfer::wake_pickup(side).is_ok());
        }
    }

    /// A line for the mail log, with the move's name.
    pub(crate) fn say(&self, text: &str) {
        self.syslog
            .say(self.now(), &format!("move {}: {text}", self.about.name));
    }

    /// How many of those nobody took.
    pub(crate) fn lost(&self) -> u64 {
        self.syslog.lost()
    }
}

impl Watch for MoveWatch<'_> {
    fn now(&self) -> Time {
        let since = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(0);
        self.start.plus(Span::from_micros(since))
    }

    fn interrupted(&self) -> bool {
        self.interrupts.came()
    }

    fn ended(&self, ended: &[Ended]) {
        self.progress.advance(ended.len() as u64);
        if ended.iter().any(|ended| ended.fate == Fate::Moved) {
            self.wake();
        }
        for ended in ended {
            let Some(id) = self.about.ids.get(ended.n as usize) else {
                continue;
            };
            match (ended.fate, &ended.name) {
                (Fate::Moved, Some(name)) if name == id => {
                    self.say(&format!("{id}: moved to {}", self.about.to));
                }
                (Fate::Moved, Some(name)) => {
                    self.say(&format!("{id}: moved to {} as {name}", self.about.to));
                }
                (Fate::Restored, _) => self.say(&format!("{id}: put back")),
                (Fate::Doubt, _) => self.say(&format!("{id}: in doubt")),
                _ => {}
            }
        }
    }

    fn pause(&self, span: Duration) {
        let until = Instant::now() + span;
        while !self.interrupted() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(SLICE));
        }
    }
}
