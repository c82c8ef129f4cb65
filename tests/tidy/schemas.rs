//! docs/schemas.md names each schema and each metric that the code writes.

use std::collections::BTreeSet;

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
