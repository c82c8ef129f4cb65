//! What the documentation names is there: each flag of a tool, each file of the project.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

use crate::files::{all, text};

/// Flags that pages name and that are another program's.
const OTHERS: [&str; 9] = [
    "--full",
    "--lines",
    "--no-pager",
    "--install",
    "--release",
    "--locked",
    "--bin",
    "--query",
    "--workspace",
];

/// What an admin reads or cron runs: pages, manual pages, and lines with commands.
fn documents() -> Vec<PathBuf> {
    let is_document = |path: &PathBuf| {
        let is_page = path.extension().is_some_and(|extension| extension == "md");
        let runs = ["dist/cron.d", "dist/default", "dist/systemd", "man"];
        is_page || runs.iter().any(|below| path.starts_with(below))
    };
    all().into_iter().filter(is_document).collect()
}

/// A document's text; a manual page's without what roff makes of it.
fn plain(path: &Path) -> String {
    let text = text(path);
    if !path.starts_with("man") {
        return text;
    }
    let fonts = Regex::new(r"\\f[BIRP]").unwrap();
    fonts.replace_all(&text, "").replace("\\-", "-")
}

/// The tools of Cargo.toml, and the flags that each takes: by itself, or behind a subcommand.
pub(crate) fn tools() -> BTreeMap<String, BTreeSet<String>> {
    let manifest = text(Path::new("Cargo.toml"));
    let mut lines = manifest.lines();
    let mut tools = BTreeMap::new();
    while lines.any(|line| line == "[[bin]]") {
        let name = lines.next().unwrap().strip_prefix("name = ").unwrap();
        let name = name.trim_matches('"').to_owned();
        let flags = flags_of(&name);
        tools.insert(name, flags);
    }
    assert!(tools.len() >= 8, "{tools:?}");
    tools
}

fn flags_of(tool: &str) -> BTreeSet<String> {
    let help = |args: &[&str]| {
        let out = Command::new(testkit::tools::path(tool)).args(args).output();
        String::from_utf8(out.unwrap().stdout).unwrap()
    };
    let own = help(&["--help"]);
    let commands = own.split("\nCommands:\n").nth(1).unwrap_or_default();
    let commands = commands
        .lines()
        .map_while(|line| line.split_whitespace().next());
    let mut texts: Vec<String> = commands.map(|command| help(&[command, "--help"])).collect();
    texts.push(own);
    texts
        .iter()
        .flat_map(|text| flags(text))
        .map(str::to_owned)
        .collect()
}

/// The long flags that a text names.
fn flags(text: &str) -> Vec<&str> {
    let flag = Regex::new(r"(?:^|[^-\w])(--[a-z][a-z0-9-]*[a-z0-9])").unwrap();
    let found = flag.captures_iter(text);
    found.map(|found| found.get(1).unwrap().as_str()).collect()
}

#[test]
fn each_flag_is_a_tools() {
    let tools = tools();
    let any: BTreeSet<&str> = tools.values().flatten().map(String::as_str).collect();
    let names: Vec<&str> = tools.keys().map(String::as_str).collect();
    // A command goes to the end of its line, of its pipe's part, or of its quotation.
    let command = Regex::new(&format!(r"\b({})( [^|;&`\n]*)", names.join("|"))).unwrap();
    let mut unknown = Vec::new();
    for path in documents() {
        let text = plain(&path).replace("\\\n", " ");
        let mut report = |what: &str| unknown.push(format!("{}: {what}", path.display()));
        for flag in flags(&text) {
            if !any.contains(flag) && !OTHERS.contains(&flag) {
                report(flag);
            }
        }
        // What is no command may name two tools and a flag of one: only pages with commands in quotes are clear enough.
        if path.starts_with("man") {
            continue;
        }
        for found in command.captures_iter(&text) {
            let known = &tools[&found[1]];
            for flag in flags(&found[2]).iter().filter(|flag| any.contains(*flag)) {
                if !known.contains(*flag) {
                    report(&format!("{} {flag}", &found[1]));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "no such flag: {unknown:#?}");
}

#[test]
fn each_file_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let name = r"(?:^|[\s`(\x22])((?:crates|tests|fixtures|dist|docs|man|fuzz|\.ci)/[\w./*-]*\w)";
    let name = Regex::new(&format!("(?m){name}")).unwrap();
    let link = Regex::new(r"\]\(([^)#:]+)(?:#[^)]*)?\)").unwrap();
    let mut missing = Vec::new();
    for path in documents() {
        let text = plain(&path);
        let mut check = |at: PathBuf| {
            // `crates/TOOL` and `docs/*` stand for several.
            let several = at.to_string_lossy().contains(['*'])
                || at
                    .components()
                    .any(|part| part.as_os_str().to_string_lossy().starts_with("TOOL"));
            if !several && !at.exists() {
                missing.push(format!("{}: {}", path.display(), at.display()));
            }
        };
        for found in name.captures_iter(&text) {
            check(root.join(&found[1]));
        }
        if path.extension().is_some_and(|extension| extension == "md") {
            let directory = root.join(&path);
            for found in link.captures_iter(&text) {
                check(directory.parent().unwrap().join(&found[1]));
            }
        }
    }
    assert!(missing.is_empty(), "no such file: {missing:#?}");
}
