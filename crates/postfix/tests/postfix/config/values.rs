//! Configuration as a library user meets it: main.cf files and their meaning, hosts and their instances.

use std::path::Path;

use super::cases::{Case, EXPANSION, Expected, HOSTS, READING};
use postfix::config::{MainCf, MasterCf, Parameters};
use proptest::prelude::*;

fn check(case: &Case) {
    let parsed = MainCf::parse(Path::new("main.cf"), case.main_cf);
    let parameters = Parameters::new(parsed.value, Path::new("/etc/postfix-aol-a"), case.hostname);
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

#[test]
fn some_defaults_come_from_the_host_name() {
    HOSTS.iter().for_each(check);
}

proptest! {
    #[test]
    fn no_bytes_are_too_odd(main_cf in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let parsed = MainCf::parse(Path::new("main.cf"), &main_cf);
        let parameters = Parameters::new(parsed.value.clone(), Path::new("/etc/postfix"), "rustin");
        for name in parsed.value.names() {
            drop(parameters.expand(&String::from_utf8_lossy(name)));
        }
        drop(MasterCf::parse(Path::new("master.cf"), &main_cf));
    }

    /// Settings made of what the grammar is made of, so that most of them mean something.
    #[test]
    fn expansion_comes_to_an_end(
        values in proptest::collection::vec("([ab ]|\\$[a-h]|[$]?[{]|[}]|[?:(<>=!)]|==|level|3[.]6){0,24}", 8)
    ) {
        let lines = ('a'..='h').zip(&values).map(|(name, value)| format!("{name} = {value}\n"));
        let parsed = MainCf::parse(Path::new("main.cf"), lines.collect::<String>().as_bytes());
        let parameters = Parameters::new(parsed.value, Path::new("/etc/postfix"), "rustin");
        for name in 'a'..='h' {
            if let Ok(value) = parameters.expand(&name.to_string()) {
                prop_assert!(value.len() <= 1 << 20);
            }
        }
    }

    /// With nothing to expand, a value comes out as it went in.
    #[test]
    fn plain_text_stays(text in "[a-z0-9/=#.,: -]{0,80}") {
        let parsed = MainCf::parse(Path::new("main.cf"), format!("relayhost = {text}\n").as_bytes());
        let parameters = Parameters::new(parsed.value, Path::new("/etc/postfix"), "rustin");
        prop_assert_eq!(parameters.get("relayhost"), text.trim());
    }
}
