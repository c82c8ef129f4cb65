//! One file of a log whose days are read.

use std::path::Path;

use figures::days::Input;
use postfix::log::{self, LogPlace, Lost, Options, Reading};
use postfix::{Problem, Time};

use crate::logs::{Listed, LogScope, gaps};
use crate::site::Site;

/// A file of a log, or a journal.
#[derive(Debug)]
pub(super) struct File {
    pub(super) place: LogPlace,
    /// What was read of it; absent where it could not be.
    pub(super) input: Option<Input>,
    /// When the days began that it may hold lines of.
    pub(super) days: Vec<Time>,
    /// Why it is no log, though it could be opened.
    pub(super) nothing: Option<Problem>,
    /// What is wrong with it.
    pub(super) faults: Vec<String>,
    /// Messages that never came to be in it.
    pub(super) lost: Vec<Lost>,
}

/// Why there is nothing to read in a file.
fn nothing_in(reading: &Reading) -> Option<Problem> {
    if reading.size == Some(0) {
        return Some(Problem::new(&reading.path, "it is empty"));
    }
    gaps::no_log(reading)
}

impl File {
    /// One that was not read yet.
    pub(super) fn new(place: LogPlace, days: Vec<Time>) -> Self {
        Self {
            place,
            input: None,
            days,
            nothing: None,
            faults: Vec::new(),
            lost: Vec::new(),
        }
    }

    /// Hands on its events. Returns what was read of it, and what went wrong.
    pub(super) fn read<S: LogScope>(
        &mut self,
        site: &Site,
        options: &Options<'_>,
        listed: &Listed,
        is_one_day: bool,
        sink: &mut S,
    ) -> (Option<Reading>, Vec<Problem>) {
        let outcome = match &self.place {
            LogPlace::File(path) => log::read_file(path, options, sink),
            LogPlace::Journal(journal) => journal.read(options, sink),
        };
        let (reading, found) = match outcome {
            Ok(mut reading) => {
                listed.check(&mut reading);
                self.input = Some(input_of(site, &reading, is_one_day));
                self.nothing = nothing_in(&reading);
                self.lost = std::mem::take(&mut reading.lost);
                let mut found = std::mem::take(&mut reading.problems);
                found.extend(gaps::lost(&reading.path, &reading.seen.lost));
                (Some(reading), found)
            }
            Err(problem) => (None, vec![problem]),
        };
        let is_of_all = |problem: &&Problem| self.lost.iter().all(|l| l.problem != **problem);
        let of_all = found.iter().filter(is_of_all);
        self.faults.extend(of_all.map(ToString::to_string));
        (reading, found)
    }
}

/// The log, as the host names it. The bytes of many days say nothing of one.
fn input_of(site: &Site, reading: &Reading, one_day: bool) -> Input {
    let path = match reading.path.strip_prefix(site.root().dir()) {
        Ok(below) => Path::new("/").join(below),
        Err(_) => reading.path.clone(),
    };
    let bytes = reading.bytes.as_ref().filter(|_| one_day);
    Input {
        path: path.display().to_string(),
        bytes: bytes.map(|b| (b.start, b.end)),
    }
}
