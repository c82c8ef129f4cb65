//! The journal, read through journalctl(1): its format is journald's own business.

use crate::Time;
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::event::Sink;
use super::read::{self, Options, Reading};
use crate::problem::Problem;

/// Reads the journal of this machine, or the one in `directory`. journalctl is told the window.
///
/// # Errors
///
/// journalctl cannot be started, or reads nothing and says why.
pub fn journal<S: Sink>(
    directory: Option<&Path>,
    options: &Options<'_>,
    sink: &mut S,
) -> Result<Reading, Problem> {
    let place = directory.unwrap_or(Path::new("journalctl"));
    if directory.is_some_and(|d| !d.is_dir()) {
        return Err(Problem::new(
            place,
            "there is no such directory to read a journal from",
        ));
    }
    let mut child = start(directory, options.window.as_ref())
        .map_err(|e| Problem::new(place, format!("cannot run journalctl: {e}")))?;
    let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(Problem::new(place, "cannot read what journalctl prints"));
    };
    let name = place.to_string_lossy();
    // Both pipes are read at the same time: a full one would stop journalctl.
    let (mut reading, told) = std::thread::scope(|scope| {
        let told = scope.spawn(|| std::io::read_to_string(errors).unwrap_or_default());
        let reading = read::stream(output, &name, options, sink);
        (reading, told.join().unwrap_or_default())
    });
    let status = child.wait();
    let told: Vec<&str> = told
        .lines()
        .filter(|l| !l.starts_with("-- ") && !l.is_empty())
        .collect();
    if status.as_ref().is_ok_and(|s| s.success()) {
        return Ok(reading);
    }
    let why = match (told.last(), status) {
        (Some(line), _) => (*line).to_owned(),
        (None, Ok(status)) => status.to_string(),
        (None, Err(e)) => e.to_string(),
    };
    let problem = Problem::new(place, format!("journalctl failed: {why}"));
    if reading.read == 0 {
        return Err(problem);
    }
    reading.problems.push(problem);
    Ok(reading)
}

fn start(directory: Option<&Path>, window: Option<&Range<Time>>) -> std::io::Result<Child> {
    let mut command = Command::new("journalctl");
    command.args(["--output=json", "--all", "--quiet", "--no-pager"]);
    if let Some(directory) = directory {
        command.arg("--directory").arg(directory);
    }
    if let Some(window) = window {
        // Whole seconds, a little more than asked for: each line is looked at again.
        if window.start > Time::EPOCH {
            command.arg(format!("--since=@{}", window.start.seconds()));
        }
        if window.end < Time::MAX {
            command.arg(format!(
                "--until=@{}",
                window.end.seconds().saturating_add(1)
            ));
        }
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}
