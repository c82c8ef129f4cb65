//! When a line was written, and whether that is in the window.

use crate::Time;

use super::extract::Extractor;
use super::header::Header;

/// When a line was written, as far as it matters.
pub(super) enum When {
    At(Time),
    NotAsked,
    Unknown,
    Outside,
    /// It is yet to come, and behind the window, unless that has no end.
    Ahead,
}

impl Extractor {
    /// When a line was written, as far as that is known, and whether it is one of the window.
    pub(super) fn placed(&mut self, header: &Header<'_>) -> (Option<Time>, bool) {
        match self.time(header) {
            When::At(time) => (Some(time), true),
            When::NotAsked | When::Unknown => (None, self.window.is_none()),
            When::Outside | When::Ahead => (None, false),
        }
    }

    pub(super) fn is_timed(&self) -> bool {
        self.wanted.times || self.window.is_some()
    }

    pub(super) fn time(&mut self, header: &Header<'_>) -> When {
        if !self.is_timed() {
            return When::NotAsked;
        }
        let Some(time) = header.stamp.and_then(|s| self.clock.place(s)) else {
            return When::Unknown;
        };
        self.met = Some(time).filter(|time| *time < self.future);
        match &self.window {
            // No end is asked for, but what is yet to come is no part of the last hour.
            Some(window) if time >= self.future && window.end == Time::MAX => When::Ahead,
            // When it was written, the lines before it say.
            Some(window) if time >= window.end && time >= self.future => match self.is_outside {
                true => When::Outside,
                false => When::Ahead,
            },
            Some(window) if time >= window.end => {
                self.past = self.past.saturating_add(1);
                self.is_outside = true;
                When::Outside
            }
            Some(window) if time < window.start => {
                self.is_outside = true;
                When::Outside
            }
            _ => {
                self.past = 0;
                self.is_outside = false;
                When::At(time)
            }
        }
    }
}
