//! Prometheus text: what promtool says of it, and what a metric's value is.
#![allow(clippy::unwrap_used, reason = "a test has nothing better to do")]

use std::io::Write;
use std::process::{Command, Stdio};

/// Is a program there? Where everything must be tested, it has to be; elsewhere what was not tested is reported.
pub fn is_there(program: &str, package: &str) -> bool {
    if Command::new(program).arg("--version").output().is_ok() {
        return true;
    }
    assert!(
        std::env::var_os(crate::REQUIRE).is_none_or(|value| value != "1"),
        "no {program}, which is in Debian's package {package}"
    );
    let line = format!("SKIPPED: no {program}, which is in Debian's package {package}\n");
    // Past libtest's capture.
    drop(std::io::stderr().write_all(line.as_bytes()));
    false
}

/// `promtool check metrics` has nothing to say about it.
#[track_caller]
pub fn promtool(text: &str) {
    if !is_there("promtool", "prometheus") {
        return;
    }
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let out = child.wait_with_output().unwrap();
    let told = [out.stdout, out.stderr].concat();
    assert!(
        out.status.success() && told.is_empty(),
        "{}\n{text}",
        String::from_utf8_lossy(&told)
    );
    assert!(text.is_empty() || text.ends_with('\n'));
}

/// The value of a metric with its labels, which must be there once.
#[track_caller]
pub fn value(text: &str, metric: &str) -> f64 {
    let mut found = text.lines().filter_map(|line| {
        let (name, value) = line.rsplit_once(' ')?;
        (name == metric).then(|| value.parse::<f64>().unwrap())
    });
    let value = found.next();
    assert!(
        value.is_some() && found.next().is_none(),
        "{metric} in {text}"
    );
    value.unwrap()
}
