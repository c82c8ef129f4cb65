//! What is missing in the logs that were read: lines that could not be read, messages that were thrown away, logs of
//! something else, times that no log holds.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use figures::gaps::Gaps;
use postfix::log::{self, LogPlace, LogSet, LostMessages, Options, Reading};
use postfix::{Problem, Span, Time, count, either, escape};

use crate::site::Site;

/// A log may begin so much behind the time that is asked for, or a tenth of that time: lines do not come every minute.
const LATE: Span = Span::from_hours(1);

/// So long a log may be silent, and is still one that is written to.
const QUIET: Span = Span::from_days(1);

/// What is said of an empty log.
const NO_LINE: &str = "it has no line";

/// Is there no line in any of them? One log of several may well be empty: it has just been rotated.
fn are_empty(readings: &[Reading]) -> bool {
    let is_empty = |reading: &Reading| !reading.seen.is_postfix && reading.seen.lines == 0;
    readings.iter().all(is_empty)
}

/// Adds the problem that of a time that is asked for nothing is known, where no log has a line.
pub(super) fn find_empty(readings: &mut [Reading]) {
    if are_empty(readings)
        && let Some(first) = readings.first_mut()
        && first.problems.is_empty()
    {
        let what = format!("{NO_LINE}: nothing is known of the time that is asked for");
        first.problems.push(Problem::new(&first.path, what));
    }
}

/// What is missing in single lines of what was read.
pub fn gaps(readings: &[Reading]) -> Gaps {
    let mut gaps = Gaps::default();
    let are_empty = are_empty(readings);
    for reading in readings {
        let seen = &reading.seen;
        let unread = seen.unread.first.iter();
        let is_said = |problem: &Problem| problem.what.starts_with(NO_LINE);
        let is_told = !are_empty || reading.problems.iter().any(is_said);
        gaps.join(Gaps {
            unread: unread.map(|line| line.problem(&reading.path)).collect(),
            nobodys: seen.unread.nobodys,
            doubtful: Vec::from_iter(doubtful(reading)),
            lost: seen.lost.messages,
            late: reading.notes.clone(),
            empty: Vec::from_iter((!is_told).then(|| Problem::new(&reading.path, NO_LINE))),
        });
    }
    gaps
}

/// Lines that may hold another one. A receiver can make its answers look so: that decides nothing, and is only said.
fn doubtful(reading: &Reading) -> Option<Problem> {
    let all = &reading.seen.doubtful;
    let first = all.first.as_ref()?.problem(&reading.path);
    let more = match all.lines {
        0 | 1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    Some(Problem {
        what: format!("{}{more}", first.what),
        ..first
    })
}

/// For so long a log may be away while it is rotated.
const ROTATED: Span = Span::from_minutes(5);

/// What is wrong with a log whose current file is not there, `since` an earlier run or this one; that becomes when it
/// was first missed. Nothing can be read until a syslog daemon makes it again.
pub(crate) fn gone(place: &LogPlace, since: &mut Option<Time>, now: Time) -> Option<Problem> {
    let path = place.path();
    let is_file = matches!(place, LogPlace::File(_));
    let is_gone = || matches!(std::fs::metadata(path), Err(e) if e.kind() == ErrorKind::NotFound);
    if !is_file || !is_gone() {
        *since = None;
        return None;
    }
    let first = *since.get_or_insert(now);
    let what =
        "this log is not there; nothing new can be read until a syslog daemon makes it again";
    (now.since(first) >= ROTATED).then(|| Problem::new(path, what))
}

/// What is wrong with a log as a whole of which only what is new was read, `readings` of it. `strange` is what an
/// earlier run said of it, if it has not met a line of Postfix yet; it becomes what is to be said now.
pub(crate) fn followed(
    set: &LogSet,
    readings: &[Reading],
    strange: &mut Option<String>,
    is_first: bool,
) -> Vec<Problem> {
    let path = set.place.path();
    let mut problems: Vec<Problem> = Vec::new();
    problems.extend(readings.iter().filter_map(|r| lost(&r.path, &r.seen.lost)));
    let LogPlace::File(_) = set.place else {
        return problems;
    };
    let has_lines = readings.iter().any(|r| r.seen.lines > 0);
    if readings.iter().any(|r| r.seen.is_postfix) {
        *strange = None;
    } else if has_lines && (is_first || strange.is_some()) {
        let found = readings.iter().find_map(unknown);
        // What is kept has no text of a log in it.
        let told = |what: String| {
            what.split("; the first: ")
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        *strange = found.map(|problem| told(problem.what)).or(strange.take());
    } else if is_first && set.scope.is_named() {
        *strange = unused(path).map(|problem| problem.what).or(strange.take());
    }
    problems.extend(
        strange
            .as_ref()
            .map(|what| Problem::new(path, what.clone())),
    );
    problems
}

/// Warns of delivery lines that could not be read, `lines` of them, and shows the first, and of those that are in
/// doubt. Are there any of the former?
pub fn warn_unread(site: &Site, lines: u64, gaps: &Gaps) -> bool {
    for line in &gaps.doubtful {
        site.warn(line.to_string());
    }
    if lines == 0 {
        return false;
    }
    site.warn(format!(
        "{} could not be read and {} not counted",
        count(lines, "delivery line"),
        either(lines, "is", "are")
    ));
    for line in &gaps.unread {
        site.warn(line.to_string());
    }
    let shown = u64::try_from(gaps.unread.len()).unwrap_or(u64::MAX);
    if lines > shown && shown > 0 {
        site.warn(format!("and {} more", lines - shown));
    }
    true
}

/// Warns of logs that are empty, or begin late.
pub fn warn_empty(site: &Site, gaps: &Gaps) {
    for problem in gaps.empty.iter().chain(&gaps.late) {
        site.warn(problem.to_string());
    }
}

/// Adds to the problems of the readings of one log (its files, oldest first) what is missing in the log as a whole.
pub(super) fn find(readings: &mut [Reading], missing: impl Fn(&[Reading]) -> Vec<Missing>) {
    for reading in &mut *readings {
        reading
            .problems
            .extend(lost(&reading.path, &reading.seen.lost));
    }
    if readings.iter().any(|reading| reading.seen.is_postfix) {
        for missing in missing(readings) {
            match (readings.first_mut(), missing) {
                (Some(first), Missing::All(problem) | Missing::Part(problem)) => {
                    first.problems.push(problem);
                }
                (Some(first), Missing::Edge(note)) => first.notes.push(note),
                (None, _) => {}
            }
        }
        for reading in readings {
            let new = no_log(reading).filter(|problem| !reading.problems.contains(problem));
            reading.problems.extend(new);
        }
        return;
    }
    for reading in readings {
        reading.problems.extend(unknown(reading));
    }
}

/// The same for logs that are named one by one: each should be one.
pub(super) fn find_each(readings: &mut [Reading], missing: impl Fn(&[Reading]) -> Vec<Missing>) {
    let is_none = |reading: &Reading| !reading.seen.is_postfix;
    if !readings.iter().all(is_none) {
        for reading in readings.iter_mut().filter(|r| is_none(r)) {
            reading.problems.extend(unknown(reading));
        }
    }
    find(readings, missing);
}

/// What is wrong with a log of Postfix's own (`maillog_file`, of one instance or several) in which nobody has ever
/// written: Postfix itself does so as soon as it starts. The lines are elsewhere, then, or nowhere.
pub(crate) fn unused(current: &Path) -> Option<Problem> {
    let files = log::siblings(current).ok()?;
    let is_empty = |path: &PathBuf| std::fs::metadata(path).is_ok_and(|m| m.len() == 0);
    let what = format!(
        "{NO_LINE}, though maillog_file names it: is the postlog service in master.cf, and was Postfix started again?"
    );
    (!files.is_empty() && files.iter().all(is_empty)).then(|| Problem::new(current, what))
}

/// What is wrong with a file that has lines, none of which is Postfix's.
pub(crate) fn unknown(reading: &Reading) -> Option<Problem> {
    let seen = &reading.seen;
    if seen.is_postfix || seen.lines == 0 {
        return None;
    }
    let lines = match seen.lines {
        1 => "it has 1 line, which is no line of Postfix".to_owned(),
        n => format!("it has {n} lines, none is a line of Postfix"),
    };
    let hint = match seen.first_line.as_slice() {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            "; it is UTF-16: iconv -f UTF-16 -t UTF-8 makes a log of it"
        }
        line if line.contains(&0) => "; it is no text",
        _ => "",
    };
    let first = escape(&seen.first_line);
    Some(Problem::new(
        &reading.path,
        format!("{lines}{hint}; the first: {first}"),
    ))
}

/// What is wrong with a file among those of a log that has lines, none of which has a time. Others write into a log,
/// too: lines of theirs have one.
pub(crate) fn no_log(reading: &Reading) -> Option<Problem> {
    unknown(reading).filter(|_| reading.seen.times.is_none())
}

/// Messages that a syslog daemon threw away, and what keeps it from doing so.
pub fn lost(path: &Path, lost: &LostMessages) -> Option<Problem> {
    let first = lost.first.as_ref()?;
    let messages = match lost.messages {
        0 => "messages were".to_owned(),
        n => format!("{} {}", count(n, "message"), either(n, "was", "were")),
    };
    let hint = match first.why.contains("journal") {
        true => "RateLimitBurst=0 in /etc/systemd/journald.conf ends that",
        false => {
            "SysSock.RateLimit.Interval=\"0\" (imuxsock) or Ratelimit.Interval=\"0\" (imjournal) in rsyslog.conf ends \
             that"
        }
    };
    let what = format!(
        "{messages} thrown away for coming too fast, and what they said is not counted: {}: {} ({hint})",
        first.why,
        escape(&first.text)
    );
    Some(Problem {
        at: first.at,
        ..Problem::new(path, what)
    })
}

/// What of a window a log does not hold.
pub(super) enum Missing {
    /// All of it.
    All(Problem),
    /// A time in it that should have lines.
    Part(Problem),
    /// Its beginning, or its end.
    Edge(Problem),
}

/// A window that the log holds nothing of, or, where it is the host's `own`, not from its beginning on: what is not in
/// a file that the user names, the user knows. A log that is
/// one instance's (`is_ones`) is silent when that has nothing to do.
pub(super) fn outside(
    options: &Options<'_>,
    readings: &[Reading],
    is_own: bool,
    is_ones: bool,
) -> Option<Missing> {
    let window = options.window.as_ref()?;
    let times = readings.iter().filter_map(|r| r.seen.times.clone());
    let times = times.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))?;
    let path = &readings.last()?.path;
    let at = |time: Time| {
        let local = options.zone.at(time);
        local.map_or_else(|| "another time".to_owned(), |t| t.to_rfc3339())
    };
    let length = window.end.min(options.now).since(window.start);
    let late = LATE.min(Span::from_micros(length.micros() / 10));
    let until = window.end.min(options.now);
    // A night without a line is no log that has ended.
    let is_silent = window.start >= options.now || !is_ones && until.since(times.end) > QUIET;
    let has_ended = times.end < window.start && is_silent;
    if has_ended || times.start >= window.end {
        let which = match has_ended {
            true => format!("last line is of {}", at(times.end)),
            false => format!("first line is of {}", at(times.start)),
        };
        let what = format!("no log holds the time that is asked for: the {which}");
        return Some(Missing::All(Problem::new(path, what)));
    }
    let is_late = window.start > Time::EPOCH && times.start.since(window.start) > late;
    (is_own && is_late).then(|| {
        let start = at(times.start);
        let what =
            format!("not all of the time that is asked for is in the logs: they begin at {start}");
        Missing::Edge(Problem::new(path, what))
    })
}
