//! No file is forgotten: each is a module of the crate or of the test executable that it stands in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::files::{rust, text};

/// Whether cargo starts to compile here. Files right in `tests` are executables, as directories with a main.rs are.
fn is_root(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    let parent = path.parent().unwrap().file_name().unwrap_or_default();
    ["main.rs", "lib.rs", "build.rs"].contains(&name)
        || ["tests", "examples", "benches", "fuzz_targets"].contains(&parent.to_str().unwrap())
            && !path.components().any(|part| part.as_os_str() == "src")
}

/// The module's name, and the directory whose files may declare it, as may the file named like the directory.
fn declared_in(path: &Path) -> (String, PathBuf) {
    let stem = path.file_stem().unwrap().to_str().unwrap();
    let directory = path.parent().unwrap();
    let (name, within) = match stem {
        "mod" => {
            let name = directory.file_name().unwrap().to_str().unwrap();
            (name, directory.parent().unwrap())
        }
        stem => (stem, directory),
    };
    (name.to_owned(), within.to_owned())
}

#[test]
fn each_file_is_compiled() {
    let texts: BTreeMap<PathBuf, String> = rust()
        .into_iter()
        .map(|path| (path.clone(), text(&path)))
        .collect();
    let mut forgotten = Vec::new();
    for path in texts.keys().filter(|path| !is_root(path)) {
        let (name, within) = declared_in(path);
        let declaration = format!("mod {name};");
        let is_declared = |text: &String| text.lines().any(|line| line.ends_with(&declaration));
        let may_declare = |(place, _): &(&PathBuf, &String)| {
            place.parent() == Some(&within) || **place == within.with_extension("rs")
        };
        let mut declaring = texts.iter().filter(may_declare);
        if !declaring.any(|(_, text)| is_declared(text)) {
            forgotten.push(path.display().to_string());
        }
    }
    assert!(forgotten.is_empty(), "in no `mod`: {forgotten:#?}");
}

/// Linking is what tests cost most: so a crate has one test executable, and the project one for each tool and each of a
/// few subjects.
#[test]
fn test_executables_are_few() {
    let mut executables: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for path in rust().into_iter().filter(|path| is_root(path)) {
        let mut above = path.ancestors();
        let tests = above.find(|above| above.file_name().is_some_and(|name| name == "tests"));
        if let Some(tests) = tests {
            executables.entry(tests.to_owned()).or_default().push(path);
        }
    }
    for (tests, executables) in executables {
        if tests == Path::new("tests") {
            let single: Vec<_> = executables
                .iter()
                .filter(|path| !path.ends_with("main.rs"))
                .collect();
            assert!(
                single.is_empty(),
                "make it a module of a tool's tests: {single:?}"
            );
        } else {
            assert_eq!(executables.len(), 1, "{executables:?}");
        }
    }
}
