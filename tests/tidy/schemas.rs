//! docs/schemas.md names each schema and each metric that the code writes.

use std::collections::BTreeSet;

use serde_json::Value;
use testkit::tools;

use crate::files;

/// What begins with `start` in `text` and goes on with these characters.
fn words<'t>(text: &'t str, start: &str, goes_on: impl Fn(char) -> bool) -> Vec<&'t str> {
    let found = text.match_indices(start).map(|(at, _)| {
        let rest = &text[at..];
        let end = rest.find(|c| !goes_on(c)).unwrap_or(rest.len());
        &rest[..end]
    });
    found.collect()
}

#[test]
fn each_format_is_documented() {
    let page = files::text("docs/schemas.md".as_ref());
    let mut missing = BTreeSet::new();
    for path in files::rust() {
        let is_test = path.components().any(|c| c.as_os_str() == "tests");
        if !path.starts_with("crates") || is_test || path.ends_with("tests.rs") {
            continue;
        }
        let text = files::text(&path);
        let schema = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '/');
        for name in words(&text, "\"relay-tools/", |c| c == '"' || schema(c)) {
            let name = name.trim_matches('"');
            let (_, version) = name.rsplit_once('/').unwrap_or_default();
            if version.parse::<u32>().is_ok() && !page.contains(name) {
                missing.insert(format!("{name} ({})", path.display()));
            }
        }
        for name in words(&text, "\"relay_mail", |c| {
            c == '"' || c == '_' || c.is_ascii_lowercase()
        }) {
            let name = name.trim_matches('"');
            if !page.contains(&format!("`{name}`")) {
                missing.insert(format!("{name} ({})", path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "not in docs/schemas.md: {missing:#?}");
}

/// What the tools print of the bundled host, as JSON.
const PRINTED: [&[&str]; 13] = [
    &["mail-stats-print", "--format", "json"],
    &["mail-stats-print", "--format", "json", "--filtered"],
    &["mail-stats-print", "--events", "--date", "2026-09-19"],
    &["mailq-distribution", "--format", "json"],
    &["queue-report", "--format", "json", "aol-b"],
    &["queue-move", "history", "--format", "json"],
    &[
        "queue-move",
        "prune",
        "--older-than",
        "1d",
        "--dry-run",
        "--format",
        "json",
    ],
    &["relay-instances", "--format", "json"],
    &["relay-limit", "list", "--format", "json"],
    &["relay-limit", "history", "--format", "json"],
    &["relay-transport", "check", "--no-dns", "--format", "json"],
    &[
        "relay-transport",
        "print",
        "--domain",
        "smtp.example.org",
        "--relays",
        "all",
        "--format",
        "json",
    ],
    &["relay-warmup", "check", "--format", "json", "aol-a"],
];

/// The fields of an object, and those of the objects in its lists.
fn fields(value: &Value, depth: usize, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            found.extend(object.keys().cloned());
            for below in object
                .values()
                .filter(|below| depth < 1 || below.is_array())
            {
                fields(below, depth + 1, found);
            }
        }
        Value::Array(list) => list.iter().for_each(|one| fields(one, depth, found)),
        _ => {}
    }
}

#[test]
fn each_field_that_the_tools_print_is_documented() {
    let page = files::text("docs/schemas.md".as_ref());
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/rustin");
    let mut missing = BTreeSet::new();
    for command in PRINTED {
        let ran = tools::run(command[0], [&["--root", root], &command[1..]].concat());
        let objects: Vec<Value> = match serde_json::from_str(&ran.out) {
            Ok(one) => vec![one],
            Err(_) => ran
                .out
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect(),
        };
        assert!(!objects.is_empty(), "{command:?}: {}", ran.err);
        for object in &objects {
            let schema = object["schema"].as_str().unwrap();
            let rows = page.lines().filter(|line| {
                line.starts_with('|')
                    && line
                        .split('|')
                        .nth(1)
                        .is_some_and(|cell| cell.contains(&format!("`{schema}`")))
            });
            let rows: String = rows.collect();
            let mut found = BTreeSet::new();
            fields(object, 0, &mut found);
            found.remove("schema");
            found.retain(|field| {
                !rows.contains(&format!("`{field}`")) && !rows.contains(&format!("`{field}["))
            });
            missing.extend(found.into_iter().map(|field| format!("{schema}: {field}")));
        }
    }
    assert!(missing.is_empty(), "not in docs/schemas.md: {missing:#?}");
}
