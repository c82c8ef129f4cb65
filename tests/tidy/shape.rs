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

#[test]
fn no_file_is_long() {
    let mut long = Vec::new();
    for path in all().iter().filter(|path| !is_data(path)) {
        let lines = text(path).lines().count();
        if lines > LINES {
            long.push(format!("{}: {lines} lines", path.display()));
        }
    }
    assert!(long.is_empty(), "split by subject: {long:#?}");
}

/// Lines of a function that does something: a screen and a half. A test, or the model of a
/// move, may tell a longer story.
const FUNCTION: usize = 75;

#[test]
fn no_function_is_long() {
    let is_story = |path: &Path| {
        let names = ["tests", "tests.rs", "examples", "testkit", "model"];
        path.iter()
            .any(|part| names.iter().any(|name| part == *name))
    };
    let mut long = Vec::new();
    for path in rust().iter().filter(|path| !is_story(path)) {
        let text = text(path);
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| begins(line)) {
            // rustfmt puts its last brace below its first word.
            let indent = line.len() - line.trim_start().len();
            let end = format!("{}}}", &line[..indent]);
            let rest = lines[at..].iter();
            let len = rest.take_while(|line| **line != end).count() + 1;
            if len > FUNCTION && lines.get(at + len - 1).is_some() {
                long.push(format!("{}:{}: {len} lines", path.display(), at + 1));
            }
        }
    }
    assert!(long.is_empty(), "give its parts names: {long:#?}");
}

/// Is it the first line of a function with a body of more than one line?
fn begins(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().take(4).collect();
    words.contains(&"fn") && !line.trim_start().starts_with("//") && !line.ends_with([';', '}'])
}

/// Columns of a line.
const COLUMNS: usize = 120;

#[test]
fn no_line_is_long() {
    let mut long = Vec::new();
    for path in rust() {
        let text = text(&path);
        for (n, line) in (1..).zip(text.lines()) {
            // rustfmt breaks code: what it leaves longer is text that a program writes or reads, and so data.
            let is_comment = line.trim_start().starts_with("//");
            if line.chars().count() > COLUMNS && is_comment && !is_word(line) {
                long.push(format!("{}:{n}", path.display()));
            }
        }
    }
    assert!(long.is_empty(), "wrap: {long:#?}");
}

/// A comment that cannot be broken: a line of a log, or an address.
fn is_word(line: &str) -> bool {
    let words = line.trim_start().trim_start_matches('/');
    let longest = words.split(' ').map(str::len).max();
    longest.is_some_and(|longest| longest > COLUMNS / 2)
}

#[test]
fn no_module_is_named_by_its_path_and_no_dead_code_is_kept() {
    let mut wrong = Vec::new();
    let words = [["#[", "path"].concat(), ["allow(", "dead_code"].concat()];
    for path in rust() {
        let text = text(&path);
        let found = words.iter().filter(|word| text.contains(*word));
        wrong.extend(found.map(|word| format!("{}: {word}", path.display())));
    }
    // The corpus of the replies is a test's, which an example shows.
    wrong.retain(|found| !found.starts_with("crates/knowledge/examples/replies.rs: "));
    assert!(wrong.is_empty(), "{wrong:#?}");
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
