//! How far long work has come: a bar on a terminal's standard error, once it has taken over a second.

use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use host::Unit;

/// How long work may take before it is worth a bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// A progress bar. Silent unless standard error is a terminal, `-q` is not given, and the work lasts over a second;
/// cleared when it is dropped. Threads share it by reference; calls are cheap enough for every file, not for every
/// line.
pub struct Progress(Option<Watched>);

struct Watched {
    bar: Arc<Bar>,
    /// Shows the bar in a while, however long the work takes to advance at all. Dropping the sender calls it off.
    waiting: Option<(Sender<()>, JoinHandle<()>)>,
}

struct Bar {
    what: String,
    unit: Unit,
    bar: ProgressBar,
    screen: MultiProgress,
    shown: OnceLock<()>,
}

impl Progress {
    /// `screen`: the bars that are shown now; none where nothing is to be shown.
    pub(crate) fn new(
        screen: Option<&MultiProgress>,
        what: &str,
        unit: Unit,
        total: Option<u64>,
    ) -> Self {
        let Some(screen) = screen.filter(|_| io::stderr().is_terminal()) else {
            return Self(None);
        };
        let bar = ProgressBar::hidden();
        if let Some(total) = total {
            bar.set_length(total);
        } else {
            bar.unset_length();
        }
        let bar = Arc::new(Bar {
            what: postfix::escape(what).to_string(),
            unit,
            bar,
            screen: screen.clone(),
            shown: OnceLock::new(),
        });
        let (done, waits) = mpsc::channel();
        let shown = Arc::clone(&bar);
        let show = move || {
            if waits.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                shown.show();
            }
        };
        // Without a thread there is no bar, which is no reason to stop the work.
        let waiting = guarded::threads::thread().spawn(show).ok();
        Self(Some(Watched {
            bar,
            waiting: waiting.map(|thread| (done, thread)),
        }))
    }

    /// Is there anybody to see it? Where not, a tool can spare itself the counting.
    pub fn is_watched(&self) -> bool {
        self.0.is_some()
    }

    /// N more bytes or items are done.
    pub fn advance(&self, by: u64) {
        if let Some(watched) = &self.0 {
            watched.bar.bar.inc(by);
        }
    }

    /// N bytes or items are done in total.
    pub fn set(&self, done: u64) {
        if let Some(watched) = &self.0 {
            watched.bar.bar.set_position(done);
        }
    }

    /// The total, once it is known.
    pub fn set_total(&self, total: u64) {
        if let Some(watched) = &self.0 {
            watched.bar.bar.set_length(total);
        }
    }
}

impl host::Progress for Progress {
    fn advance(&self, by: u64) {
        Self::advance(self, by);
    }
}

impl Bar {
    fn show(&self) {
        self.shown.get_or_init(|| {
            let style = ProgressStyle::with_template(template(self.unit, self.bar.length()))
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .with_key("rate", rate)
                .progress_chars("=> ");
            self.bar.set_style(style);
            self.bar.set_message(self.what.clone());
            self.screen.add(self.bar.clone());
            self.bar.enable_steady_tick(Duration::from_millis(200));
        });
    }
}

fn rate(state: &ProgressState, out: &mut dyn fmt::Write) {
    // A bar that cannot be drawn is no reason to stop the work.
    let _written = write!(out, "{:.0}/s", state.per_sec());
}

fn template(unit: Unit, total: Option<u64>) -> &'static str {
    match (unit, total) {
        (Unit::Bytes, Some(_)) => {
            "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}, {eta} left"
        }
        (Unit::Bytes, None) => "{msg} {bytes} {bytes_per_sec}",
        (Unit::Items, Some(_)) => "{msg} [{bar:30}] {pos}/{len} {rate}, {eta} left",
        (Unit::Items, None) => "{msg} {pos} {rate}",
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(watched) = &mut self.0 {
            if let Some((done, thread)) = watched.waiting.take() {
                drop(done);
                drop(thread.join());
            }
            let bar = &watched.bar;
            bar.bar.finish_and_clear();
            if bar.shown.get().is_some() {
                bar.screen.remove(&bar.bar);
            }
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Progress").field(&self.is_watched()).finish()
    }
}
