//! Running the specimen (../examples/specimen.rs) as a process.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// The specimen's program file. `cargo test` builds the examples of the crate beside its tests.
pub(crate) fn specimen() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().unwrap().parent().unwrap();
    let path = built.join("examples/specimen");
    assert!(
        path.exists(),
        "{} is missing: cargo build -p cli --examples",
        path.display()
    );
    path
}

/// The specimen, in an environment that says nothing of colours, zones or backtraces.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(specimen());
    command.args(args);
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TZ", "CI"] {
        command.env_remove(name);
    }
    command.env("RUST_BACKTRACE", "1").env("TERM", "xterm");
    command
}

/// How a process ended, and what it said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub(crate) fn run(command: &mut Command) -> Ran {
    command.stdin(Stdio::null()).output().unwrap().into()
}

/// Runs the specimen with these arguments; all of what it does must be as expected.
#[track_caller]
pub(crate) fn check(args: &[&str], status: i32, stdout: &str, stderr: &str) {
    let expected = Ran {
        status: Some(status),
        stdout: stdout.to_owned(),
        stderr: stderr.to_owned(),
    };
    assert_eq!(run(&mut command(args)), expected, "{args:?}");
}
