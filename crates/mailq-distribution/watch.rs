//! `--watch`: look again and again, and show what has changed.

use std::collections::HashSet;
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cli::{Context, Interrupts, Outcome};
use figures::distribution::Distribution;
use guarded::threads::thread;
use postfix::{Problem, Span, Time, count, escape};
use show::distribution::table::{Since, draw_distribution};

use crate::mode::Round;
use crate::output::Format;
use crate::output::render;
use crate::screen::{Screen, Wish, height};
use host::mailq::{Counted, Counting};

/// How long a key may wait while queues are read.
const ATTENTION: Duration = Duration::from_millis(20);

/// How long a signal or a change of the terminal's size may wait between rounds.
const IDLE: Duration = Duration::from_millis(200);

/// What is looked at, and how often.
pub(crate) struct Watch<'a> {
    pub(crate) cx: &'a Context,
    pub(crate) counting: &'a Counting<'a>,
    /// What is wrong from the start.
    pub(crate) problems: &'a [Problem],
    pub(crate) interval: Duration,
    pub(crate) begun: Instant,
}

impl Watch<'_> {
    /// Goes on until the user has seen enough.
    ///
    /// # Errors
    /// The queues may not be read, or the terminal cannot be had.
    pub(crate) fn run(&self, round: Round) -> anyhow::Result<Outcome> {
        // Box lines are for terminals that can place a cursor, too.
        if round == Round::Table && self.cx.table_style().boxes {
            self.on_screen()
        } else {
            self.printed(round)
        }
    }

    /// The time.
    fn now(&self) -> Time {
        let passed = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.cx.now().plus(Span::from_micros(passed))
    }

    /// Prints each round, until nobody reads any more.
    fn printed(&self, shown_as: Round) -> anyhow::Result<Outcome> {
        let format = match shown_as {
            Round::Table => Format::Table,
            Round::Json => Format::Json,
        };
        let mut out = self.cx.stream()?;
        let mut reported = HashSet::new();
        let mut before: Option<Distribution> = None;
        loop {
            let round = Instant::now();
            let go_on = || ControlFlow::Continue(());
            let counted = self.counting.look(self.now(), self.problems, &go_on)?;
            let distribution = counted.distribution;
            let mut text = Vec::new();
            if shown_as == Round::Table {
                let gap = if before.is_some() { "\n" } else { "" };
                writeln!(
                    text,
                    "{gap}{}",
                    self.heading(&distribution, "%Y-%m-%d %H:%M:%S")
                )?;
            }
            let since = Some(Since(before.as_ref()));
            render(&mut text, format, self.cx, &distribution, since)?;
            out.write_all(&text)?;
            out.flush()?;
            let mut new = distribution.problems.clone();
            new.retain(|problem| reported.insert(problem.to_string()));
            self.cx.problems(&new);
            before = Some(distribution);
            std::thread::sleep(self.interval.saturating_sub(round.elapsed()));
        }
    }

    /// Redraws the screen each round, until q or ^C is pressed or a signal comes.
    fn on_screen(&self) -> anyhow::Result<Outcome> {
        let interrupts = self.cx.catch_interrupts()?;
        let mut screen = Screen::enter(self.cx)?;
        screen.draw(&["reading the queues ... (q quits)".to_owned()])?;
        let mut before: Option<Distribution> = None;
        loop {
            let round = Instant::now();
            let Some(counted) = self.look(&mut screen, &interrupts)? else {
                break;
            };
            let shown = counted.distribution;
            let ended = self.show(&mut screen, &interrupts, &shown, before.as_ref(), round)?;
            before = Some(shown);
            if ended {
                break;
            }
        }
        drop(screen);
        if let Some(last) = before {
            self.cx.problems(&last.problems);
        }
        Ok(Outcome::Done)
    }

    /// Reads the queues; nothing if the user ends it meanwhile.
    fn look(
        &self,
        screen: &mut Screen,
        interrupts: &Interrupts,
    ) -> anyhow::Result<Option<Counted>> {
        let stop = AtomicBool::new(false);
        let go_on = || match stop.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let now = self.now();
        let looked = std::thread::scope(|scope| {
            let look = || self.counting.look(now, self.problems, &go_on);
            let Ok(reading) = thread().spawn_scoped(scope, look) else {
                // Keys are not looked at meanwhile.
                return Ok(look());
            };
            while !reading.is_finished() {
                if screen.wish(ATTENTION) == Wish::Quit || interrupts.came() {
                    stop.store(true, Ordering::Relaxed);
                    break;
                }
            }
            reading.join()
        });
        match looked {
            _ if stop.load(Ordering::Relaxed) => Ok(None),
            Ok(counted) => Ok(Some(counted?)),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Shows a round until the next is due. Has the user seen enough?
    fn show(
        &self,
        screen: &mut Screen,
        interrupts: &Interrupts,
        shown: &Distribution,
        before: Option<&Distribution>,
        round: Instant,
    ) -> anyhow::Result<bool> {
        let mut drawn_for = None;
        loop {
            let size = (self.cx.width(), height());
            if drawn_for != Some(size) {
                screen.draw(&self.lines(shown, before, size.1))?;
                drawn_for = Some(size);
            }
            let left = self.interval.saturating_sub(round.elapsed());
            if left.is_zero() {
                return Ok(false);
            }
            match screen.wish(left.min(IDLE)) {
                _ if interrupts.came() => return Ok(true),
                Wish::Quit => return Ok(true),
                Wish::Next => return Ok(false),
                Wish::None => {}
            }
        }
    }

    /// What fits on a screen of `height` lines: what is wrong is at its end, and what had to be left out is counted.
    fn lines(
        &self,
        shown: &Distribution,
        before: Option<&Distribution>,
        height: usize,
    ) -> Vec<String> {
        let seconds = self.interval.as_secs_f64();
        let heading = self.heading(shown, "%H:%M:%S");
        let mut lines = vec![format!("{heading}, every {seconds}s (q quits)")];
        let table = draw_distribution(shown, Some(Since(before)), self.cx.table_style());
        lines.extend(table.lines().map(str::to_owned));
        let problems = problems_line(&shown.problems);
        let room = height.saturating_sub(problems.iter().count());
        if lines.len() > room {
            let keep = room.saturating_sub(1);
            let more = lines.len().saturating_sub(keep);
            lines.truncate(keep);
            lines.push(format!("... {}", count(more, "more line")));
        }
        lines.extend(problems);
        lines
    }

    /// `rustin 12:22:57: 312 in the mailq`.
    fn heading(&self, shown: &Distribution, form: &str) -> String {
        let time = self.cx.zone().at(shown.time);
        let time = time.map_or_else(String::new, |time| time.format(form).to_string());
        let total = shown.total.counts.total();
        format!("{} {time}: {total} in the mailq", escape(&shown.host))
    }
}

/// How many problems there are, and the first of them.
fn problems_line(problems: &[Problem]) -> Option<String> {
    let first = problems.first()?;
    Some(format!("{}: {first}", count(problems.len(), "problem")))
}
