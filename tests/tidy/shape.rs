//! How a file may look: it can be read in one sitting, on a screen beside another, and says in its first line what it
//! is.

use std::path::Path;

use crate::files::{all, rust, text};

/// Lines of a file that is read from top to bottom.
const LINES: usize = 400;

/// Files that are looked up, not read; or that are made by a program.
fn is_data(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    path.starts_with("fixtures")
        || path.starts_with("man")
        || matches!(extension, Some("toml" | "lock" | "cf"))
}

/// Being split.
const LONG: [&str; 2] = ["README.md", "crates/warmup/src/status/tests.rs"];

#[test]
fn no_file_is_long() {
    let mut long = Vec::new();
    let is_long = |path: &Path| LONG.iter().any(|known| path == Path::new(known));
    for path in all().iter().filter(|path| !is_data(path) && !is_long(path)) {
        let lines = text(path).lines().count();
        if lines > LINES {
            long.push(format!("{}: {lines} lines", path.display()));
        }
    }
    assert!(long.is_empty(), "split by subject: {long:#?}");
}

#[test]
fn each_module_says_what_it_is() {
    let mut silent = Vec::new();
    for path in rust() {
        let text = text(&path);
        let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
        let head: Vec<&str> = lines.map(str::trim).collect();
        let first = head.split(|line| line.is_empty()).next().unwrap().join(" ");
        if !first.ends_with(['.', '?', ':']) {
            silent.push(path.display().to_string());
        }
    }
    assert!(silent.is_empty(), "no sentence at the top: {silent:#?}");
}
