//! Configuration as a library user meets it: main.cf files and their meaning, hosts and their instances.

#[path = "config_cases/mod.rs"]
mod cases;

use std::path::Path;

use cases::{Case, EXPANSION, Expected, HOSTNAME, READING};
use postfix::config::{MainCf, Parameters};

fn check(case: &Case) {
    let parsed = MainCf::parse(Path::new("main.cf"), case.main_cf);
    let parameters = Parameters::new(parsed.value, Path::new("/etc/postfix-aol-a"), HOSTNAME);
    let value = parameters.expand(case.parameter);
    let value = value.map(|value| String::from_utf8_lossy(&value).into_owned());
    let shows = case.shows;
    match case.expected {
        Expected::Is(expected) => assert_eq!(value.as_deref(), Ok(expected), "{shows}"),
        Expected::IsBeside(expected) => {
            assert_eq!(value.as_deref(), Ok(expected), "{shows}");
            assert!(!parsed.problems.is_empty(), "{shows}: no problem told");
        }
        Expected::Fails | Expected::FailsHere => assert!(value.is_err(), "{shows}: {value:?}"),
    }
}

#[test]
fn main_cf_is_read_as_postfix_reads_it() {
    READING.iter().for_each(check);
}

#[test]
fn values_are_expanded_as_postfix_expands_them() {
    EXPANSION.iter().for_each(check);
}
