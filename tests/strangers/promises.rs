//! Each sentence of SECURITY.md has its test.

use std::fs;

use crate::repository;

#[test]
fn each_promise_names_a_test_that_there_is() {
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
            let mut links = tests
                .split("](")
                .skip(1)
                .map(|rest| rest.split(')').next().unwrap());
            assert!(tests.contains("]("), "no test: {promise}");
            assert!(links.all(|link| repository().join(link).exists()), "{line}");
            promises += 1;
        }
    }
    assert!(promises >= 17, "{promises}");
}
