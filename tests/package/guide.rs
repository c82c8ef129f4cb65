//! The commands on README.md and the pages of docs/ do what the pages say.
//!
//! A block that begins with ```` ```console ```` is run: each `$ COMMAND` in it, against a copy of the bundled host,
//! and what it prints is compared with the lines below it, where a line of `…` stands for any lines, and at a line's
//! end for the rest of it. `console lists` is run against
//! the bundled list server instead. A line `<!-- clock: TIME -->` in front of a block sets the tools' clock for it, and
//! `<!-- exit: N -->` says how its commands end (0 elsewhere).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// A quarter of an hour after the mail in the bundled host's queues arrived.
const CLOCK: &str = "2026-11-24T07:30:00Z";

/// A block of a page.
struct Block {
    line: usize,
    root: &'static str,
    clock: String,
    status: i32,
    /// Commands, each with the lines that it prints.
    steps: Vec<(String, Vec<String>)>,
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<PathBuf> {
    let mut pages = vec![repository().join("README.md")];
    for directory in ["docs", "docs/guide"] {
        let entries = fs::read_dir(repository().join(directory)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        pages.extend(paths.filter(|path| path.extension().is_some_and(|end| end == "md")));
    }
    pages.sort();
    pages
}

/// What stands between `<!-- KEY: ` and ` -->`.
fn note<'t>(line: &'t str, key: &str) -> Option<&'t str> {
    let rest = line.strip_prefix("<!-- ")?.strip_prefix(key)?;
    rest.strip_prefix(": ")?.strip_suffix(" -->")
}

fn blocks(text: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let (mut clock, mut status) = (CLOCK.to_owned(), 0);
    let mut is_open = false;
    for (line, n) in text.lines().zip(1..) {
        if let Some(time) = note(line, "clock") {
            clock = time.to_owned();
        } else if let Some(number) = note(line, "exit") {
            status = number.parse().unwrap();
        } else if let Some(kind) = line.strip_prefix("```") {
            if let Some(rest) = kind.strip_prefix("console") {
                let root = match rest.trim() {
                    "" => "rustin",
                    "lists" => "lists",
                    other => panic!("line {n}: no host called {other}"),
                };
                found.push(Block {
                    line: n,
                    root,
                    clock: std::mem::replace(&mut clock, CLOCK.to_owned()),
                    status: std::mem::take(&mut status),
                    steps: Vec::new(),
                });
                is_open = true;
            } else {
                is_open = false;
            }
        } else if is_open {
            let block = found.last_mut().unwrap();
            match (line.strip_prefix("$ "), block.steps.last_mut()) {
                (Some(command), _) => block.steps.push((command.to_owned(), Vec::new())),
                (None, Some((command, _))) if command.ends_with('\\') => {
                    command.pop();
                    command.push_str(line.trim_start());
                }
                (None, Some((_, lines))) => lines.push(line.to_owned()),
                (None, None) => panic!("line {n}: a console block begins with a command"),
            }
        }
    }
    found
}

/// A copy of a bundled host, with the modes and times that git does not keep.
fn copy_of(root: &str, to: &Path) {
    let from = repository().join("fixtures").join(root);
    let copied = Command::new("cp")
        .arg("-a")
        .arg(&from)
        .arg(to)
        .status()
        .unwrap();
    assert!(copied.success());
    let restore = to.join("restore");
    if restore.exists() {
        assert!(Command::new(restore).status().unwrap().success());
    }
}

/// Programs of the tools' names that run them against `root`.
fn shims(directory: &Path, root: &Path, clock: &str) {
    for tool in TOOLS {
        let shim = directory.join(tool);
        let real = testkit::tools::path(tool);
        let text = format!(
            "#!/bin/sh\nexec {} --root {} --clock={clock} \"$@\"\n",
            real.display(),
            root.display()
        );
        fs::write(&shim, text).unwrap();
        fs::set_permissions(&shim, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Does a line fit, where a `…` at the end stands for any rest?
fn is_like(printed: &str, expected: &str) -> bool {
    match expected.strip_suffix('…') {
        Some(beginning) => printed.starts_with(beginning),
        None => printed.trim_end() == expected.trim_end(),
    }
}

/// Do the lines fit, where `…` stands for any?
fn fits(printed: &[&str], expected: &[String]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first == "…" => {
            (0..=printed.len()).any(|n| fits(&printed[n..], rest))
        }
        Some((first, rest)) => match printed.split_first() {
            Some((line, below)) => is_like(line, first) && fits(below, rest),
            None => false,
        },
    }
}

fn run(page: &Path, block: &Block) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("host");
    copy_of(block.root, &root);
    let log = repository().join("fixtures/hosted-domains/mail.log");
    fs::copy(log, directory.path().join("mail.log")).unwrap();
    let programs = directory.path().join("bin");
    fs::create_dir(&programs).unwrap();
    shims(&programs, &root, &block.clock);
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut wrong = Vec::new();
    for (command, expected) in &block.steps {
        let ran = Command::new("bash")
            .args(["-c", &format!("{{ {command}\n}} 2>&1")])
            .current_dir(directory.path())
            .env("PATH", &path)
            .env("TZ", "America/New_York")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&ran.stdout);
        // An image is named by where it lies, which is another place in each test.
        let text = text.replace(&root.display().to_string(), "");
        let printed: Vec<&str> = text.lines().collect();
        let place = format!("{}:{}: {command}", page.display(), block.line);
        if !fits(&printed, expected) {
            wrong.push(format!("{place}\n{text}"));
        }
        if ran.status.code() != Some(block.status) {
            wrong.push(format!(
                "{place}: {:?}, not {}",
                ran.status.code(),
                block.status
            ));
        }
    }
    wrong
}

#[test]
fn each_command_does_what_the_page_says() {
    let mut wrong = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for block in blocks(&text) {
            wrong.extend(run(&page, &block));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_line_of_dots_stands_for_any_lines() {
    let check = |expected: &[&str], fitting: bool| {
        let expected: Vec<String> = expected.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(fits(&["a", "b", "c"], &expected), fitting, "{expected:?}");
    };
    check(&["a", "b", "c"], true);
    check(&["…"], true);
    check(&["a", "…", "c"], true);
    check(&["…", "b"], false);
    check(&["a", "b"], false);
    check(&["a", "b", "c", "…"], true);
    check(&["a", "x", "c"], false);
    check(&["a", "b…", "c…"], true);
    check(&["a", "x…", "c"], false);
}
