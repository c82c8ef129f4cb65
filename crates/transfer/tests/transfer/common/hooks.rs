//! What happens to a move on its way: nothing, a power cut, a disk that fails.

use std::cell::Cell;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use transfer::{Hook, Op, Watch};

use super::NOW;
use postfix::Time;

/// Nobody who listens, and a clock that stands still.
#[derive(Default)]
pub(crate) struct Idle {
    pub(crate) interrupted: Cell<bool>,
}

impl Watch for Idle {
    fn now(&self) -> Time {
        Time::from_seconds(NOW)
    }
    fn interrupted(&self) -> bool {
        self.interrupted.get()
    }
    fn ended(&self, _: &[transfer::Ended]) {}
    fn pause(&self, _: Duration) {}
}

/// The power is cut: a panic before or after the change number `at`, and before every later one.
pub(crate) struct Cut {
    pub(crate) at: usize,
    pub(crate) after: bool,
    pub(crate) count: AtomicUsize,
}

pub(crate) struct PowerCut;

impl Cut {
    pub(crate) fn new(at: usize, after: bool) -> Self {
        Self {
            at,
            after,
            count: AtomicUsize::new(0),
        }
    }

    fn cut() -> ! {
        std::panic::resume_unwind(Box::new(PowerCut))
    }
}

impl Hook for Cut {
    fn before(&self, _: Op, _: &Path) -> io::Result<()> {
        let number = self.count.fetch_add(1, SeqCst);
        if number > self.at || (number == self.at && !self.after) {
            Self::cut();
        }
        Ok(())
    }
    fn after(&self, _: Op, _: &Path) {
        if self.after && self.count.load(SeqCst) == self.at + 1 {
            Self::cut();
        }
    }
    fn is_durable(&self) -> bool {
        false
    }
}

/// Runs `work` until its end or the power cut. `None`: it was cut.
pub(crate) fn until_cut<T>(work: impl FnOnce() -> T) -> Option<T> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(done) => Some(done),
        Err(panic) if panic.is::<PowerCut>() => None,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// The change number `at`, or all from there on, fail.
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) lasting: bool,
    pub(crate) errno: i32,
    pub(crate) count: AtomicUsize,
    pub(crate) hit: AtomicBool,
}

impl Hook for Fault {
    fn before(&self, _: Op, _: &Path) -> io::Result<()> {
        let number = self.count.fetch_add(1, SeqCst);
        if number == self.at || (self.lasting && number > self.at) {
            self.hit.store(true, SeqCst);
            return Err(io::Error::from_raw_os_error(self.errno));
        }
        Ok(())
    }
    fn after(&self, _: Op, _: &Path) {}
    fn is_durable(&self) -> bool {
        false
    }
}

/// Nothing happens, and nobody waits for the disk.
pub(crate) struct Smooth;

impl Hook for Smooth {
    fn before(&self, _: Op, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn after(&self, _: Op, _: &Path) {}
    fn is_durable(&self) -> bool {
        false
    }
}

pub(crate) const NO_HOOK: Smooth = Smooth;

/// Says what was tried, whether the test harness shows what a test prints or not.
pub(crate) fn report(line: &str) {
    let line = format!("TRIED: {line}\n");
    drop(io::Write::write_all(&mut io::stderr(), line.as_bytes()));
}
