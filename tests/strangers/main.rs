//! The tools beside strangers: each promise of SECURITY.md, tried as the user from whom it protects.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests, on files of their own"
)]

mod besieged;
mod boot;
mod checks;
mod floods;
mod foreign;
mod forged;
mod image;
mod journals;
mod outputs;
mod places;
mod programs;
mod promises;
mod queues;
mod rows;
mod signals;
mod surroundings;
mod text;
mod units;
mod wedged;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Who is not root, by name: a local user, the owner of the metrics directory, and that of the mail (tests/run installs
/// the packages that make them).
const NOBODY: &str = "nobody";
const METRICS: &str = "prometheus";
const MAIL: &str = "postfix";

/// Every tool.
const TOOLS: [&str; 8] = [
    "mail-stats-print",
    "mailq-distribution",
    "queue-report",
    "queue-move",
    "relay-instances",
    "relay-limit",
    "relay-transport",
    "relay-warmup",
];

/// Can these tests be another user? Only root can.
fn is_root() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root {
        eprintln!("SKIPPED: only root can be another user");
    }
    is_root
}

/// The user and group id of a user.
#[track_caller]
fn ids(user: &str) -> (u32, u32) {
    let known = nix::unistd::User::from_name(user).unwrap();
    let known = known.unwrap_or_else(|| panic!("there is no user {user}: tests/run --install"));
    (known.uid.as_raw(), known.gid.as_raw())
}

/// A shell script of this user's in `directory`, which is not started yet.
fn theirs(user: &str, directory: &Path, script: &str) -> Command {
    let (uid, gid) = ids(user);
    let mut shell = Command::new("setpriv");
    shell.args([
        format!("--reuid={uid}"),
        format!("--regid={gid}"),
        "--clear-groups".to_owned(),
    ]);
    shell.args(["sh", "-ec", script]).current_dir(directory);
    shell.stdin(Stdio::null());
    shell
}

/// Runs such a script to its end, and says whether it succeeded.
fn as_user(user: &str, directory: &Path, script: &str) -> bool {
    theirs(user, directory, script).status().unwrap().success()
}

/// Gives a file or directory to this user.
fn give(path: &Path, user: &str) {
    let (uid, gid) = ids(user);
    std::os::unix::fs::lchown(path, Some(uid), Some(gid)).unwrap();
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
