//! What root does beside users who are not root, with such users at work: they are `nobody`, and another.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests, on files of their own"
)]

mod locks;
mod owners;
mod programs;
mod ways;

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// nobody's user and group id.
const NOBODY: u32 = 65534;

/// A directory that all may enter, and in it `theirs`, which is nobody's.
fn ground() -> tempfile::TempDir {
    let ground = tempfile::Builder::new()
        .prefix("ground-")
        .tempdir_in("/var/tmp")
        .unwrap();
    let all_may_enter = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(ground.path(), all_may_enter).unwrap();
    let theirs = ground.path().join("theirs");
    std::fs::create_dir(&theirs).unwrap();
    std::os::unix::fs::chown(&theirs, Some(NOBODY), Some(NOBODY)).unwrap();
    ground
}

/// Can these tests be another user? Only root can.
fn is_root() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root {
        eprintln!("SKIPPED: only root can be another user");
    }
    is_root
}

/// A shell script that nobody runs in `directory`.
fn theirs(directory: &Path, script: &str) -> Child {
    let mut shell = Command::new("sh");
    shell.args(["-ec", script]).current_dir(directory);
    shell.uid(NOBODY).gid(NOBODY).stdin(Stdio::null());
    shell.stdout(Stdio::piped()).spawn().unwrap()
}

/// The same, to its end.
fn as_nobody(directory: &Path, script: &str) {
    assert!(
        theirs(directory, script).wait().unwrap().success(),
        "{script}"
    );
}
