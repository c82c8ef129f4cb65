//! Each sentence of SECURITY.md has its test.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::repository;

#[test]
fn each_promise_names_the_tests_that_show_it() {
    let page = fs::read_to_string(repository().join("SECURITY.md")).unwrap();
    let mut promises = 0;
    let mut lines = page.lines();
    while lines.any(|line| line.starts_with("| what holds |")) {
        for line in lines
            .by_ref()
            .skip(1)
            .take_while(|line| line.starts_with('|'))
        {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
            let [promise, tests] = cells[..] else {
                panic!("{line}");
            };
            let links: Vec<(&str, &str)> = tests
                .split('[')
                .skip(1)
                .map(|link| link.split_once("](").unwrap())
                .map(|(name, rest)| (name, rest.split(')').next().unwrap()))
                .collect();
            assert!(!links.is_empty(), "no test: {promise}");
            for (name, path) in links {
                let text = fs::read_to_string(repository().join(path)).expect(path);
                assert!(is_test(&text, name), "{path} has no test {name}: {promise}");
            }
            promises += 1;
        }
    }
    assert!(promises >= 25, "{promises}");
}

/// How a test is another user: he runs a program, owns what is in the way, or is noted by journald as who wrote a line.
const AS_ANOTHER: [&str; 8] = [
    "as_user(",
    "as_nobody(",
    "theirs(",
    "setpriv",
    ".user(\"nobody\")",
    ".uid(",
    "as '",
    "Sender::user()",
];

/// Promises against users of the host that no such user need be at work for, by their beginnings.
const BY_NOBODY: [(&str, &str); 6] = [
    (
        "However many refusals he makes up",
        "refusals are lines, whoever wrote them: that his count, a promise above shows",
    ),
    (
        "And he can have a warm-up",
        "the lines are in the file: that he can have them there, a promise above shows",
    ),
    (
        "However many complaints",
        "the lines are in the file: that he can have them there, a promise above shows",
    ),
    (
        "What he lays in an image",
        "an image is files, whoever made them",
    ),
    (
        "A job that is ended",
        "only root ends what is root's: a timer, a person, a lack of memory",
    ),
    (
        "The zone that `TZ` names",
        "a process has its environment from who starts it",
    ),
];

/// Each promise against a user of the host has a test in which he is at work.
#[test]
fn each_promise_against_a_user_is_tried_as_that_user() {
    let page = fs::read_to_string(repository().join("SECURITY.md")).unwrap();
    let (_, of_users) = page.split_once("\n## A local user\n").unwrap();
    let (of_users, _) = of_users.split_once("\n## What is trusted\n").unwrap();
    let mut without = Vec::new();
    for line in of_users.lines().filter(|line| line.contains(".rs)")) {
        let (promise, tests) = line.trim_matches('|').split_once(" | ").unwrap();
        let is_tried = tests.split('[').skip(1).any(|link| {
            let (name, rest) = link.split_once("](").unwrap();
            let path = repository().join(rest.split(')').next().unwrap());
            is_as_another(&path, name)
        });
        let known = BY_NOBODY
            .iter()
            .find(|(begin, _)| promise.trim().starts_with(begin));
        if is_tried == known.is_some() {
            without.push(promise.trim());
        }
    }
    assert!(
        without.is_empty(),
        "no test is that user (or one is, and the list says none): {without:#?}"
    );
    for (begin, _) in BY_NOBODY {
        assert!(
            of_users.contains(&format!("\n| {begin}")),
            "is not there any more: {begin}"
        );
    }
}

/// Is another user at work in this test, or in a function or a script of the same file that it uses?
fn is_as_another(path: &Path, name: &str) -> bool {
    let text = fs::read_to_string(path).unwrap();
    let mut todo = vec![body(&text, name).unwrap()];
    let mut seen = BTreeSet::from([name]);
    while let Some(part) = todo.pop() {
        if AS_ANOTHER.iter().any(|mark| part.contains(mark)) {
            return true;
        }
        let words = part.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        for word in words.filter(|word| word.len() > 2) {
            if seen.insert(word) {
                let constant = text.split_once(&format!("const {word}: "));
                todo.extend(constant.and_then(|(_, rest)| rest.split(";\n").next()));
                todo.extend(body(&text, word));
            }
        }
    }
    false
}

/// The text of a function, from its name to the brace that closes it.
fn body<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let at = text.find(&format!("fn {name}("))?;
    let begin = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let indent: String = text[begin..].chars().take_while(|c| *c == ' ').collect();
    let rest = &text[at..];
    let end = rest.find(&format!("\n{indent}}}\n"))?;
    Some(&rest[..end])
}

/// What stands outside of the tables, and why no promise is missing there: it is none, or this test shows it.
const OTHERS: [(&str, &str); 16] = [
    (
        "The tools run as root, by hand and from timers, on hosts where others are at work: strangers who send \
         mail and answer it, users of the host, and daemons with users of their own.",
        "what the page is about",
    ),
    (
        "This page says what each of them can do, and what holds all the same.",
        "what the page is about",
    ),
    (
        "Behind each promise stands the test that shows it, run as that user where he is one of the host's; a \
         test holds that each promise has one.",
        "each_promise_names_the_tests_that_show_it",
    ),
    (
        "**To report a hole**: write to the maintainer that `dpkg -s relay-tools` names, not to a public \
         tracker; say the version (`mail-stats-print --version`) and what to type to see it.",
        "the maintainer's word",
    ),
    ("You get an answer within a week.", "the maintainer's word"),
    ("Only the newest release is fixed.", "the maintainer's word"),
    (
        "He chooses addresses, domains, names of servers, replies, headers, and how many of them there are.",
        "what he can do",
    ),
    (
        "He writes to syslog and to the journal, by any name, as much as he likes; he has directories of his \
         own, and may lock what he may read.",
        "what he can do: in_a_file_that_syslogd_writes_a_forged_line_counts",
    ),
    (
        "What remains where syslogd writes the log: a refusal that he also keeps out of it (a daemon that drops \
         lines when it gets too many) is not seen by a canary; and of mail that a move sends after its canary, \
         what is in TO's log is believed, but for what is in TO's deferred queue.",
        "what he can do",
    ),
    (
        "So: where users log in, let Postfix log to a file of its own (`maillog_file = /var/log/postfix.log`) or \
         to the journal.",
        "advice: in_a_file_that_postlogd_writes_there_is_none",
    ),
    (
        "How, and what each keeps out, is in [docs/guide/logs.md](docs/guide/logs.md).",
        "advice",
    ),
    (
        "`postfix` owns the queues, `prometheus` the directory that metrics are written to, and `nagios` runs \
         checks as root through sudo.",
        "what they can do",
    ),
    ("Each may be taken over.", "what they can do"),
    (
        "Who owns the queues can always lose the mail in them.",
        "what he can do",
    ),
    (
        "A line without arguments, or with `*`, would let it name any file of root's to `--log` or `--root`.",
        "sudo_lets_nagios_run_the_checks_and_nothing_else",
    ),
    (
        "`visudo -f /etc/sudoers.d/relay-tools` checks the file before it is used.",
        "sudo_lets_nagios_run_the_checks_and_nothing_else",
    ),
];

#[test]
fn no_promise_is_made_beside_the_tables() {
    let page = fs::read_to_string(repository().join("SECURITY.md")).unwrap();
    let (before, rest) = page.split_once("```sudoers").unwrap();
    let (_, after) = rest.split_once("```").unwrap();
    let text: Vec<&str> = before
        .lines()
        .chain(after.lines())
        .filter(|line| !line.starts_with(['#', '|']))
        .collect();
    let text = text.join(" ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    let mut sentences: Vec<&str> = text.split_inclusive(". ").map(str::trim).collect();
    for (known, _) in OTHERS {
        assert!(sentences.contains(&known), "is not there any more: {known}");
    }
    sentences.retain(|one| OTHERS.iter().all(|(known, _)| known != one));
    assert!(
        sentences.is_empty(),
        "to be put in a table, with a test: {sentences:#?}"
    );
}

/// Does the file have a test function of this name, which is run?
fn is_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let function = format!("fn {name}(");
    let at = lines.iter().position(|line| line.starts_with(&function));
    at.is_some_and(|at| {
        let above = lines[..at].iter().rev();
        let mut attributes =
            above.take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        let is_ignored = attributes
            .clone()
            .any(|line| line.starts_with("#[") && line.contains("ignore"));
        !is_ignored && attributes.any(|line| *line == "#[test]")
    })
}

/// Clippy holds all but crates/guarded to it (clippy.toml): what is let past is listed here.
#[test]
fn root_works_below_others_directories_through_one_module() {
    let mut allowed = Vec::new();
    let mut todo = vec![repository().join("crates")];
    while let Some(path) = todo.pop() {
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            let is_of_tests = ["tests", "testkit", "benches", "examples", "target"];
            if !is_of_tests.contains(&name) {
                let files = fs::read_dir(&path).unwrap();
                todo.extend(files.map(|file| file.unwrap().path()));
            }
        } else if name == "Cargo.toml" {
            let manifest = fs::read_to_string(&path).unwrap();
            let held = manifest.contains("[lints]\nworkspace = true");
            assert!(
                held,
                "{}: not held to the rules of the workspace",
                path.display()
            );
        } else if name == "clippy.toml" {
            assert!(path.ends_with("guarded/clippy.toml"), "{}", path.display());
        } else if name.ends_with(".rs") && name != "tests.rs" {
            let text = fs::read_to_string(&path).unwrap();
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            for (at, _) in lines
                .iter()
                .enumerate()
                .filter(|(_, line)| line.contains("disallowed_methods"))
            {
                let is_of_tests = lines[at.saturating_sub(3)..at]
                    .iter()
                    .any(|line| line.contains("cfg_attr(") || line.contains("cfg(test)"));
                if !is_of_tests {
                    allowed.push(path.strip_prefix(repository()).unwrap().to_owned());
                }
            }
        }
    }
    // One reads the clock, two write to /dev/log, and one asks relays.
    allowed.sort();
    let known = [
        "cli/src/clock.rs",
        "cli/src/syslog.rs",
        "host/src/asking.rs",
        "queue-move/syslog.rs",
    ];
    assert_eq!(allowed, known.map(|path| Path::new("crates").join(path)));
    let held = fs::read_to_string(repository().join("clippy.toml")).unwrap();
    for call in [
        "std::fs::rename",
        "std::fs::write",
        "std::fs::File::create",
        "std::fs::OpenOptions::new",
        "std::os::unix::fs::chown",
        "rustix::fs::openat",
        "rustix::fs::mkfifoat",
        "nix::fcntl::openat",
        "nix::fcntl::openat2",
        "nix::sys::socket::connect",
        "std::os::unix::net::UnixListener::bind",
        "std::process::Command::new",
        "csv::Writer::from_path",
    ] {
        assert!(held.contains(&format!("\"{call}\"")), "{call}");
    }
}
