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

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// nobody's user and group id.
const NOBODY: u32 = 65534;

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

/// Runs a shell script to its end as nobody in `directory`, and says whether it succeeded.
fn as_nobody(directory: &Path, script: &str) -> bool {
    let mut shell = Command::new("sh");
    shell.args(["-ec", script]).current_dir(directory);
    shell.uid(NOBODY).gid(NOBODY).stdin(Stdio::null());
    shell.status().unwrap().success()
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
