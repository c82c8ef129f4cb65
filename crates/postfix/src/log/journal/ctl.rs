//! Running journalctl(1), and what it says beside the entries.
//!
//! It ends well, and says nothing, where a journal file cannot be opened or is damaged in the middle: what it could
//! read is all there is. Only among the debugging messages of its library (systemd
//! `src/libsystemd/sd-journal/sd-journal.c`) stands what is missing, so these are asked for.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::words::count;
use guarded::{Output, Program};

use super::Journal;
use crate::problem::Problem;

/// Where it is. Never looked for in PATH: the tools run as root.
const PROGRAMS: [&str; 2] = ["/usr/bin/journalctl", "/bin/journalctl"];

/// So much is kept of what it says: of the beginning, and of the end.
const MOST_SAID: usize = 256 * 1024;

/// How long it may take to find the next entry.
const PATIENCE: Duration = Duration::from_secs(120);

/// How many damaged files are named one by one.
const MOST_FILES: usize = 5;

/// The result of a run.
pub(super) struct Ran<T> {
    pub(super) value: T,
    /// What could not be read.
    pub(super) problems: Vec<Problem>,
}

/// Runs journalctl with these arguments, and hands what it prints to `consume`, which may leave off before the end.
///
/// # Errors
/// It cannot be started, or fails.
pub(super) fn run<T>(
    journal: &Journal,
    arguments: &[String],
    consume: impl FnOnce(&mut Output) -> T,
) -> Result<Ran<T>, Problem> {
    let place = journal.place();
    if journal.directory.as_ref().is_some_and(|d| !d.is_dir()) {
        let what = "there is no such directory to read a journal from";
        return Err(Problem::new(place, what));
    }
    // journalctl follows them, wherever they lead.
    if let Some(Err(e)) = journal.directory.as_deref().map(guarded::refuse_links) {
        return Err(Problem::new(
            place,
            format!("cannot read this journal: {e}"),
        ));
    }
    stream(place, program(journal, arguments), consume)
}

fn stream<T>(
    place: &Path,
    program: io::Result<Program>,
    consume: impl FnOnce(&mut Output) -> T,
) -> Result<Ran<T>, Problem> {
    let failed = |e| Problem::new(place, format!("cannot run journalctl: {e}"));
    let (value, ended) = program
        .and_then(|program| program.stream(consume))
        .map_err(failed)?;
    let said = ended.errors;
    // It was left before its end, or did not come to it: then the value says so.
    if ended.status.success() || ended.is_cut {
        let problems = missing(place, &said);
        let files = said.lines().any(|line| line.starts_with("File "));
        if problems.is_empty() && !files && !ended.is_cut {
            return Err(Problem::new(place, "there are no journal files here"));
        }
        return Ok(Ran { value, problems });
    }
    let last = said.lines().rfind(|line| !is_chatter(line));
    let why = last.map_or_else(|| ended.status.to_string(), str::to_owned);
    Err(Problem::new(place, format!("journalctl failed: {why}")))
}

fn program(journal: &Journal, arguments: &[String]) -> io::Result<Program> {
    let path = PROGRAMS.iter().map(Path::new).find(|path| path.exists());
    let path = path.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            "there is no /usr/bin/journalctl (package systemd)",
        )
    })?;
    let mut program = Program::new(path, PATIENCE)
        .envs([
            ("SYSTEMD_LOG_LEVEL", "debug"),
            ("SYSTEMD_LOG_TARGET", "console"),
            ("SYSTEMD_LOG_COLOR", "0"),
        ])
        .keep_errors(MOST_SAID)
        .args(["--output=export", "--quiet", "--no-pager", "--all"]);
    if let Some(directory) = &journal.directory {
        let directory = std::path::absolute(directory)?;
        program = program.arg("--directory").arg(directory);
    }
    Ok(program.args(arguments))
}

/// What says nothing of what is missing.
fn is_chatter(line: &str) -> bool {
    const CHATTER: [&str; 10] = [
        "--",
        "Considering ",
        "Root directory ",
        "Directory ",
        "File ",
        "Journal effective settings ",
        "Journal filter: ",
        "mmap cache statistics: ",
        "Hint: ",
        "Got invalid event from ",
    ];
    line.trim().is_empty() || CHATTER.iter().any(|begin| line.starts_with(begin))
}

/// The files that could not be read, or not to their end.
fn missing(place: &Path, said: &str) -> Vec<Problem> {
    let mut files: BTreeMap<PathBuf, String> = BTreeMap::new();
    let mut other = None;
    for line in said.lines().filter(|line| !is_chatter(line)) {
        match of_a_file(line) {
            // A file that was removed between being found and being opened: journald makes room so.
            Some((_, why)) if why.contains("No such file") => {}
            Some((file, why)) => {
                // Of one file, the first line has the reason.
                files.entry(file.into()).or_insert(why);
            }
            None if is_damage(line) => other = other.or(Some(line)),
            None => {}
        }
    }
    let more = files.len().saturating_sub(MOST_FILES);
    let problems = files.into_iter().take(MOST_FILES);
    let mut problems: Vec<Problem> = problems
        .map(|(file, why)| Problem::new(file, why))
        .collect();
    if more > 0 {
        let what = format!(
            "{} of this journal cannot be read",
            count(more, "more file")
        );
        problems.push(Problem::new(place, what));
    }
    if let (Some(line), true) = (other, problems.is_empty()) {
        let what = format!("this journal is damaged, and entries of it are missing: {line}");
        problems.push(Problem::new(place, what));
    }
    problems
}

/// A file, and what is said to be wrong with it.
fn of_a_file(line: &str) -> Option<(&str, String)> {
    if let Some(rest) = line.strip_prefix("Failed to open journal file ") {
        let (file, why) = rest.rsplit_once(": ")?;
        return Some((file, format!("cannot read this journal file: {why}")));
    }
    if let Some(rest) = line.strip_prefix("Can't iterate through ") {
        let (file, why) = rest.rsplit_once(", ignoring: ")?;
        let what = format!(
            "this journal file is damaged, and entries of it are missing ({why}); journalctl --verify --file={file} \
             says where"
        );
        return Some((file, what));
    }
    let rest = line.strip_prefix("Journal file ")?;
    let (file, why) = rest.split_once(" is truncated").map_or_else(
        || {
            rest.split_once(" corrupted")
                .map(|(file, _)| (file, "it is damaged"))
        },
        |(file, _)| Some((file, "it is cut short")),
    )?;
    Some((file, format!("cannot read this journal file: {why}")))
}

fn is_damage(line: &str) -> bool {
    ["Attempt to move to ", "Bad message", "corrupt"]
        .iter()
        .any(|sign| line.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What systemd 252 and 257 say of real damage.
    #[test]
    fn a_journalctl_that_does_not_answer_is_no_journal_without_files() {
        let program = |patience| Program::new("/bin/sleep", Duration::from_millis(patience));
        let read = |output: &mut Output| io::read_to_string(output);
        let place = Path::new("journal");
        let late = stream(place, Ok(program(50).arg("60")), read).unwrap();
        assert_eq!(late.value.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let none = stream(place, Ok(program(60_000).arg("0")), read).map(|_| ());
        assert!(none.unwrap_err().to_string().contains("no journal files"));
    }

    #[test]
    fn what_is_missing_is_found_among_what_is_said() {
        let check = |said: &str, expected: &[&str]| {
            let found = missing(Path::new("journalctl"), said);
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found.len(), expected.len(), "{found:?}");
            for (found, expected) in found.iter().zip(expected) {
                assert!(found.contains(expected), "{found}");
            }
        };
        let fine = "Considering root directory 'j'.\nRoot directory j added.\nFile j/system.journal added.\n\
            Journal effective settings seal=no keyed_hash=yes compress=ZSTD compress_threshold_bytes=8B\n\
            Journal filter: SYSLOG_FACILITY=2\nmmap cache statistics: 30257 context cache hit\n-- No entries --\n";
        check(fine, &[]);
        check(
            "Failed to open journal file j/system.journal: No data available\nJournal file j/system.journal is \
             truncated, ignoring file.\n",
            &["j/system.journal: cannot read this journal file: No data available"],
        );
        check(
            "Journal file j/a.journal corrupted, ignoring file.\n",
            &["j/a.journal: cannot read this journal file: it is damaged"],
        );
        check(
            "Attempt to move to object of unexpected type: 3864928\nCan't iterate through j/system.journal, ignoring: \
             Bad message\n",
            &[
                "j/system.journal: this journal file is damaged, and entries of it are missing (Bad message)",
            ],
        );
        check(
            "Attempt to move to data object at non-64-bit boundary: 104295437\n",
            &["journalctl: this journal is damaged"],
        );
        check(
            "Failed to open journal file /var/log/journal/x/system.journal: Permission denied\n",
            &[
                "/var/log/journal/x/system.journal: cannot read this journal file: Permission denied",
            ],
        );
        check(
            "Failed to open journal file j/old.journal: No such file or directory\n",
            &[],
        );
        let many: String = (0..9)
            .map(|n| format!("Journal file j/{n}.journal corrupted, ignoring file.\n"))
            .collect();
        check(&many, &["j/0", "j/1", "j/2", "j/3", "j/4", "4 more files"]);
    }
}
