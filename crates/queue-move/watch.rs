//! The clock, ^C and the progress bar, for the library that has none of them.

use std::cell::Cell;
use std::time::{Duration, Instant};

use cli::{Context, Interrupts, Progress};
use transfer::{Side, Watch};

/// How long a pause lasts before ^C is asked for again.
const SLICE: Duration = Duration::from_millis(50);

pub(crate) struct Told<'a> {
    begun: Instant,
    start: i64,
    interrupts: &'a Interrupts,
    progress: Option<Progress>,
    /// TO, if it is to be woken.
    wake: Option<&'a Side>,
    pub(crate) woken: Cell<bool>,
}

impl<'a> Told<'a> {
    pub(crate) fn new(
        cx: &Context,
        interrupts: &'a Interrupts,
        progress: Option<Progress>,
        wake: Option<&'a Side>,
    ) -> Self {
        Self {
            begun: Instant::now(),
            start: cx.now().micros(),
            interrupts,
            progress,
            wake,
            woken: Cell::new(false),
        }
    }
}

impl Watch for Told<'_> {
    fn now(&self) -> i64 {
        let since = i64::try_from(self.begun.elapsed().as_micros()).unwrap_or(0);
        self.start.saturating_add(since).div_euclid(1_000_000)
    }

    fn interrupted(&self) -> bool {
        self.interrupts.came()
    }

    fn advanced(&self, messages: usize) {
        if let Some(progress) = &self.progress {
            progress.advance(messages as u64);
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

    fn delivered(&self) {
        // It wakes by itself, too, every minute.
        if let Some(side) = self.wake {
            self.woken.set(transfer::wake_pickup(side).is_ok());
        }
    }
}
