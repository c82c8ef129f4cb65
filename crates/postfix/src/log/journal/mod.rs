//! The systemd journal, as journalctl(1) reads it: the format of its files is journald's own business.
//!
//! `ctl` runs journalctl, `export` cuts what it prints into entries, `trust` says whose entries are Postfix's own,
//! `intake` turns those into events, `follow` reads on from where an earlier run stopped.

mod ctl;
mod export;
mod follow;
mod intake;
mod trust;

use std::collections::BTreeSet;
use std::io::{self, BufReader, Read as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::event::Sink;
use super::parts;
use super::read::{Options, Reading};
use crate::problem::Problem;
use crate::time::{Span, Time};

use export::number;
use intake::Intake;

pub use trust::Trust;
pub(super) use trust::{Origin, Sender};

/// The number of syslog's facility `mail` (RFC 5424, 6.2.1).
pub const MAIL: u8 = 2;

/// The message by which journald says that it dropped others of a unit: its rate limit (systemd `sd-messages.h`,
/// `SD_MESSAGE_JOURNAL_DROPPED`).
const DROPPED: &str = "a596d6fe7bfa4994828e72309e95d61e";

/// More is no list of facilities, of which there are 24.
const MOST_FACILITIES: u64 = 1 << 20;

/// A shorter time is read by one journalctl.
const WORTH_SHARING: Span = Span::from_hours(1);

/// What went wrong, and where, once each.
type Problems = BTreeSet<(PathBuf, String)>;

/// A systemd journal, and what of it is a mail log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// The directory of its files; absent for this machine's own, in /var/log/journal and /run/log/journal.
    pub directory: Option<PathBuf>,
    /// The numbers of the syslog facilities that Postfix logs with (postconf(5), `syslog_facility`).
    pub facilities: BTreeSet<u8>,
    /// Whose entries count.
    pub trust: Trust,
}

impl Journal {
    /// What it is called in messages, and in [`Reading::path`].
    pub fn place(&self) -> &Path {
        self.directory.as_deref().unwrap_or(Path::new("journal"))
    }

    /// Hands on the events of the window in it. journalctl gets the window, and reads little else.
    ///
    /// # Errors
    ///
    /// journalctl cannot be started, or fails and says why.
    pub fn read<S: Sink>(&self, options: &Options<'_>, sink: &mut S) -> Result<Reading, Problem> {
        let whole = options.window.clone().unwrap_or(Time::EPOCH..Time::MAX);
        // Entries of after now are the last one's.
        let length = whole.end.min(options.now).since(whole.start);
        let is_one = options.threads < 2 || length < WORTH_SHARING;
        let (begins, found) = match is_one {
            // Two short runs of journalctl, at the same time.
            true => parts::both(
                || match &options.window {
                    Some(_) => self.begins(),
                    None => Ok(None),
                },
                || self.entries(options, std::slice::from_ref(&whole), sink),
            ),
            false => {
                let begins = self.begins()?;
                let shares = shares(&whole, begins, options);
                (Ok(begins), self.entries(options, &shares, sink))
            }
        };
        let (intake, problems) = found?;
        let problems = problems
            .into_iter()
            .map(|(path, what)| Problem::new(path, what));
        let mut reading = intake.report(options.zone, problems.collect());
        if let (Some(_), Some(begins)) = (&options.window, begins?) {
            reading
                .seen
                .add_times(Some(begins..begins.max(options.now)));
            // An hour without mail is not an hour without a log.
            reading.seen.is_postfix = true;
        }
        // No file could be read, or no entry: that is not an empty log.
        if reading.read == 0 && !reading.problems.is_empty() {
            return Err(reading.problems.swap_remove(0));
        }
        Ok(reading)
    }

    /// Hands on the events of several times, and what went wrong.
    fn entries<'a, S: Sink>(
        &'a self,
        options: &Options<'_>,
        times: &[Range<Time>],
        sink: &mut S,
    ) -> Result<(Intake<'a>, Problems), Problem> {
        let found = self.matching(options, times, &self.of_mail(), sink)?;
        let has_mail = self.directory.is_none() || found.0.has_mail;
        if has_mail || self.knows_mail()? {
            return Ok(found);
        }
        // Nothing of it has come to the sink.
        self.matching(options, times, &of_all(), sink)
    }

    /// Those of the entries that match.
    fn matching<'a, S: Sink>(
        &'a self,
        options: &Options<'_>,
        times: &[Range<Time>],
        matches: &[String],
        sink: &mut S,
    ) -> Result<(Intake<'a>, Problems), Problem> {
        // Most of the time that an entry takes is journalctl's: several of them share it.
        let outcomes = parts::each(times, sink, |window, sink| {
            let mut intake = Intake::new(self, options, window.clone());
            let arguments = [window_arguments(&window), matches.to_vec()].concat();
            let ran = ctl::run(self, &arguments, |output| intake.all(output, sink))?;
            Ok::<_, Problem>((intake, ran.problems.into_iter().chain(ran.value)))
        });
        let mut all = Intake::new(self, options, Time::EPOCH..Time::EPOCH);
        let mut problems = BTreeSet::new();
        for (n, outcome) in outcomes.into_iter().enumerate() {
            let (intake, found) = outcome?;
            problems.extend(found.map(|problem| (problem.path, problem.what)));
            match n {
                0 => all = intake,
                _ => all.add(intake),
            }
        }
        Ok((all, problems))
    }

    /// When its first entry was made, of whatever program: of what came before nothing is left; `None` for an
    /// empty journal.
    ///
    /// # Errors
    ///
    /// As for [`Journal::read()`].
    pub fn begins(&self) -> Result<Option<Time>, Problem> {
        self.first_of(&["--output-fields=MESSAGE_ID".to_owned()])
    }

    /// Is there no entry at all of this time, of whatever program? Then the host was down, or journald was.
    ///
    /// # Errors
    ///
    /// As for [`Journal::read()`].
    pub fn is_silent(&self, time: &Range<Time>) -> Result<bool, Problem> {
        let mut arguments = vec!["--output-fields=MESSAGE_ID".to_owned()];
        // Whole seconds inside of it.
        arguments.push(format!(
            "--since=@{}",
            time.start.seconds().saturating_add(1)
        ));
        arguments.push(format!("--until=@{}", time.end.seconds().saturating_sub(1)));
        Ok(self.first_of(&arguments)?.is_none())
    }

    /// When the last entry of mail was made; `None` if there is none.
    ///
    /// # Errors
    ///
    /// As for [`Journal::read()`].
    pub fn last(&self) -> Result<Option<Time>, Problem> {
        let mut arguments = vec!["--lines=1".to_owned(), "--reverse".to_owned()];
        arguments.extend(self.facilities.iter().map(facility));
        self.first_of(&arguments)
    }

    /// The time of the first entry that journalctl prints.
    fn first_of(&self, arguments: &[String]) -> Result<Option<Time>, Problem> {
        let ran = ctl::run(self, arguments, |output| {
            let mut first = None;
            let read = export::entries(BufReader::new(output), |entry| {
                first = entry.time;
                false
            });
            read.map(|()| first)
        })?;
        ran.value.map_err(|e| self.unread(&e))
    }

    /// What journalctl is asked for: the facilities of mail, and what journald says of its own rate limit. The entries
    /// of a journal that was made from other text may have no facility: then all are looked at.
    fn matches(&self) -> Result<Vec<String>, Problem> {
        Ok(match self.directory.is_none() || self.knows_mail()? {
            true => self.of_mail(),
            false => of_all(),
        })
    }

    fn of_mail(&self) -> Vec<String> {
        let mut arguments = of_all();
        arguments.extend(self.facilities.iter().map(facility));
        arguments.extend(["+".to_owned(), format!("MESSAGE_ID={DROPPED}")]);
        arguments
    }

    /// Has any of its entries one of the facilities of mail?
    fn knows_mail(&self) -> Result<bool, Problem> {
        let known = self.known_facilities()?;
        Ok(self.facilities.iter().any(|wanted| known.contains(wanted)))
    }

    /// The facilities of all its entries. journalctl finds them in an index.
    fn known_facilities(&self) -> Result<Vec<u8>, Problem> {
        let ran = ctl::run(self, &["--field=SYSLOG_FACILITY".to_owned()], |output| {
            io::read_to_string(output.take(MOST_FACILITIES))
        })?;
        let said = ran.value.map_err(|e| self.unread(&e))?;
        Ok(said
            .lines()
            .filter_map(|line| number(line.as_bytes()))
            .collect())
    }

    fn unread(&self, e: &io::Error) -> Problem {
        let what = format!("cannot read what journalctl prints: {e}");
        Problem::new(self.place(), what)
    }
}

/// The window in equal parts, one for each thread that may be used.
fn shares(whole: &Range<Time>, begins: Option<Time>, options: &Options<'_>) -> Vec<Range<Time>> {
    let from = whole.start.max(begins.unwrap_or(whole.start));
    let length = whole.end.min(options.now).since(from);
    if begins.is_none() || length < WORTH_SHARING {
        return vec![whole.clone()];
    }
    let parts = u64::try_from(options.threads).unwrap_or(u64::MAX);
    let share = length.micros().div_euclid(parts);
    let cut = |n: u64| from.plus(Span::from_micros(share.saturating_mul(n)));
    let share = |n: u64| {
        let next = n.saturating_add(1);
        let start = if n == 0 { whole.start } else { cut(n) };
        start..if next == parts { whole.end } else { cut(next) }
    };
    (0..parts).map(share).collect()
}

/// All entries.
fn of_all() -> Vec<String> {
    vec![format!("--output-fields={}", export::FIELDS)]
}

fn facility(number: &u8) -> String {
    format!("SYSLOG_FACILITY={number}")
}

/// Whole seconds, a little more than asked for: each entry is looked at again.
fn window_arguments(window: &Range<Time>) -> Vec<String> {
    let mut arguments = Vec::new();
    if window.start > Time::EPOCH {
        arguments.push(format!("--since=@{}", window.start.seconds()));
    }
    if window.end < Time::MAX {
        let until = window.end.seconds().saturating_add(1);
        arguments.push(format!("--until=@{until}"));
    }
    arguments
}
