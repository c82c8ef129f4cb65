//! Runs a tool of this project as a user would, and says how it went.
//!
//! The tools are those of the build that the test belongs to.
#![allow(clippy::unwrap_used, reason = "a test has nothing better to do")]

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

/// How a tool ended, and what it printed.
#[derive(Debug)]
pub struct Ran {
    /// The exit status; none if a signal ended it.
    pub status: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// What it printed, if it ended with `status` and said nothing that was not expected.
    #[track_caller]
    pub fn ended(self, status: i32) -> Self {
        assert_eq!(
            self.status,
            Some(status),
            "stdout: {}\nstderr: {}",
            self.out,
            self.err
        );
        self
    }
}

/// Where a tool of this build is: beside the directory that holds the test executables.
pub fn path(tool: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let build = test.ancestors().nth(2).unwrap();
    build.join(tool)
}

/// Runs a tool as from cron: no terminal anywhere, and nothing to read.
pub fn run<S: AsRef<OsStr>>(tool: &str, args: impl IntoIterator<Item = S>) -> Ran {
    run_with(Command::new(path(tool)).args(args), b"")
}

/// Runs a program that reads `input`.
pub fn run_with(command: &mut Command, input: &[u8]) -> Ran {
    let mut child = command
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let out = std::thread::scope(|scope| {
        // A tool that does not read its input to the end is not an error.
        scope.spawn(move || stdin.write_all(input).ok());
        child.wait_with_output().unwrap()
    });
    Ran {
        status: out.status.code(),
        out: String::from_utf8(out.stdout).unwrap(),
        err: String::from_utf8(out.stderr).unwrap(),
    }
}

/// Runs mail-stats-print with `input` on its standard input, in the zone UTC.
pub fn stats_with<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>, input: &[u8]) -> Ran {
    stats_in("UTC", args, input)
}

/// Runs mail-stats-print, in the zone UTC.
pub fn stats<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Ran {
    stats_with(args, b"")
}

/// Runs mail-stats-print in `zone`.
pub fn stats_in<S: AsRef<OsStr>>(
    zone: &str,
    args: impl IntoIterator<Item = S>,
    input: &[u8],
) -> Ran {
    let mut command = Command::new(path("mail-stats-print"));
    run_with(command.args(args).env("TZ", zone), input)
}

/// Sets a file's modification time, in seconds since 1970.
pub fn set_mtime(path: &Path, seconds: u64) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .unwrap();
}

/// Seconds since 1970 of an RFC 3339 time.
pub fn seconds(rfc3339: &str) -> u64 {
    chrono::DateTime::parse_from_rfc3339(rfc3339)
        .unwrap()
        .timestamp() as u64
}

/// What another program prints, which must succeed.
pub fn sh(script: &str) -> String {
    let out = Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).unwrap()
}
