//! Each sentence of SECURITY.md has its test.

use std::fs;

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
