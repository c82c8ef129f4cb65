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
use std::process::{Command, Output, Stdio};

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

/// The tools' commands in the blocks of a page that are not `console`: lines for cron, NRPE, an admin's shell.
fn other_commands(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let (mut is_block, mut is_open, mut is_continued) = (false, false, false);
    for (line, n) in text.lines().zip(1..) {
        if let Some(kind) = line.strip_prefix("```") {
            is_block = !is_block;
            is_open = is_block && kind.is_empty();
            continue;
        }
        if !is_open {
            continue;
        }
        let (part, goes_on) = match line.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        if is_continued {
            found.last_mut().unwrap().1.push_str(part.trim_start());
        } else {
            found.push((n, part.to_owned()));
        }
        is_continued = goes_on;
    }
    found
        .into_iter()
        .filter_map(|(n, line)| {
            let line = line.split(" #").next().unwrap();
            let starts = TOOLS.iter().filter_map(|tool| {
                let at = line.find(tool)?;
                let is_word = line[..at].chars().next_back();
                is_word.is_none_or(|c| c == ' ' || c == '/').then_some(at)
            });
            let command = &line[starts.min()?..];
            Some((n, command.trim().to_owned()))
        })
        .collect()
}

/// The map of relay-limit stands first in this instance's transport_maps, as after `relay-limit setup --apply`.
fn with_limits(root: &Path, instance: &str) {
    let main_cf = root.join("etc").join(instance).join("main.cf");
    let text = fs::read_to_string(&main_cf).unwrap();
    let map = format!("hash:/etc/{instance}/relay-limit");
    fs::write(&main_cf, format!("{text}transport_maps = {map}\n")).unwrap();
    fs::write(root.join("etc").join(instance).join("relay-limit"), "").unwrap();
    fs::write(root.join("etc").join(instance).join("relay-limit.db"), "").unwrap();
}

/// A shell in a copy of the bundled host, with a day's records.
struct Shell {
    directory: tempfile::TempDir,
    path: String,
}

impl Shell {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("host");
        copy_of("rustin", &root);
        let programs = directory.path().join("bin");
        fs::create_dir(&programs).unwrap();
        shims(&programs, &root, CLOCK);
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let shell = Self { directory, path };
        let ran = shell.run("mail-stats-print --save-day --date 2026-09-19");
        assert!(ran.status.success(), "{ran:?}");
        let days = shell.directory.path().join("days");
        fs::create_dir(&days).unwrap();
        for record in fs::read_dir(root.join("var/lib/relay-tools/days")).unwrap() {
            let record = record.unwrap().path();
            let name = record.file_name().unwrap().to_str().unwrap();
            let day = name.split('.').next().unwrap();
            fs::copy(&record, days.join(format!("{day}.rustin.jsonl"))).unwrap();
        }
        with_limits(&root, "postfix-aol-b");
        shell
    }

    /// Files are written here, and not where the pages have them; nobody is there to answer.
    fn run(&self, command: &str) -> Output {
        let place = regex::Regex::new(r"(--output|--follow-state) \S*/(\S+)").unwrap();
        let command = place.replace_all(command, "$1 $2");
        Command::new("timeout")
            .args(["60", "bash", "-c", &command])
            .current_dir(self.directory.path())
            .env("PATH", &self.path)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }
}

#[test]
fn each_other_command_is_taken_by_its_tool() {
    let shell = Shell::new();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for page in pages() {
        for (line, command) in other_commands(&fs::read_to_string(&page).unwrap()) {
            // README.md's first commands build; tests/run and CI do that. Moves need real Postfix: tests/queue_move.
            if command.contains("--root") || command.starts_with("queue-move aol") {
                continue;
            }
            let mut command = command;
            if command.starts_with("relay-limit pause") {
                command.push_str(" --last --dry-run");
            }
            let ran = shell.run(&command);
            let (text, errors) = (
                String::from_utf8_lossy(&ran.stdout),
                String::from_utf8_lossy(&ran.stderr),
            );
            let is_well = match command.contains("--check") {
                true => ["OK", "WARNING", "CRITICAL", "UNKNOWN"]
                    .iter()
                    .any(|word| text.starts_with(word)),
                false => matches!(ran.status.code(), Some(0 | 1)),
            };
            count += 1;
            let is_refused = ["Usage:", "panicked", "unknown instance", "No such file"]
                .iter()
                .any(|word| errors.contains(word));
            if !is_well || is_refused {
                let status = ran.status;
                wrong.push(format!(
                    "{}:{line}: {command}: {status}\n{text}{errors}",
                    page.display()
                ));
            }
        }
    }
    assert!(count >= 15, "{count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Each is understood, whatever the bundled host makes of it.
#[test]
fn each_example_of_the_manual_pages_is_taken_by_its_tool() {
    let shell = Shell::new();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for page in fs::read_dir(repository().join("man")).unwrap() {
        let page = page.unwrap().path();
        let text = fs::read_to_string(&page).unwrap();
        let text = text.replace("\\-", "-").replace("\\*(Aq", "'");
        let Some((_, examples)) = text.split_once("\n.SH EXAMPLES") else {
            continue;
        };
        let examples = examples.split("\n.SH").next().unwrap();
        for line in examples.lines().filter(|line| !line.starts_with('.')) {
            let Some(at) = TOOLS.iter().filter_map(|tool| line.find(tool)).min() else {
                continue;
            };
            // An example ends by itself; one that watches does not.
            let command = line[at..].replace("--watch", "--watch 1 | head -1");
            let ran = shell.run(&command);
            let errors = String::from_utf8_lossy(&ran.stderr);
            count += 1;
            let is_refused = ["--help'", "hint: to pass", "panicked"];
            if is_refused.iter().any(|word| errors.contains(word)) {
                wrong.push(format!("{}: {command}\n{errors}", page.display()));
            }
        }
    }
    assert!(count >= 60, "{count}");
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
