//! What is shipped: the Debian package, and the manual pages.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests, on files of their own"
)]

mod debian;
mod guide;
mod install;
mod journald;
mod man;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// Where metrics are written, below a host's root.
const METRICS: &str = "var/lib/prometheus/node-exporter";

/// The Debian package, built once. Who works on a test of it may have it already (`RELAY_TOOLS_DEB`).
fn package() -> &'static Path {
    static PACKAGE: LazyLock<PathBuf> = LazyLock::new(|| {
        if let Some(built) = std::env::var_os("RELAY_TOOLS_DEB") {
            return built.into();
        }
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        // What the tests have built anyway; .ci/run makes the package that is shipped.
        let built = run(Command::new(project.join("dist/build-deb"))
            .args(["--profile", "dev"])
            .current_dir(project));
        built.lines().last().unwrap().into()
    });
    &PACKAGE
}

/// Runs a program of this machine; its stdout.
#[track_caller]
fn run(command: &mut Command) -> String {
    let ran = command.stdin(Stdio::null()).output().unwrap();
    let out = String::from_utf8_lossy(&ran.stdout).into_owned();
    let err = String::from_utf8_lossy(&ran.stderr);
    assert!(
        ran.status.success(),
        "{command:?}: {}\n{out}\n{err}",
        ran.status
    );
    out
}
