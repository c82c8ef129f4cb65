//! What is said of instances that are ready, and of those that are not.

use super::*;

fn facts(elements: &[&str]) -> Facts {
    Facts {
        instance: "postfix-aol-b".to_owned(),
        aliases: Vec::new(),
        config_directory: "/etc/postfix-aol-b".into(),
        elements: elements.iter().map(|&e| e.to_owned()).collect(),
        raw: elements.join(", "),
        kinds: Some(["btree", "hash", "regexp"].map(str::to_owned).into()),
        default_kind: "hash".to_owned(),
        wants_patterns: false,
        file: FileState::There,
        opaque: Vec::new(),
        rejects_unlisted: true,
        overrides: Vec::new(),
        accepting: Accepting::default(),
    }
}

fn check(facts: &Facts, expected: &[(State, &str)]) {
    let steps = judge(facts);
    let found: Vec<(State, &str)> = steps.iter().map(|s| (s.state, s.what.as_str())).collect();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for ((state, what), (expected_state, part)) in found.iter().zip(expected) {
        assert_eq!(state, expected_state, "{what}");
        assert!(what.contains(part), "{what}");
    }
}

const OURS: &str = "hash:/etc/postfix-aol-b/relay-limit";

#[test]
fn what_stands_in_the_way() {
    use State::{Ok, ToDo, Wrong};
    let rest = [(Ok, "is there"), (Ok, "smtpd refuses")];
    let with_rest = |first| [first, rest[0], rest[1]];
    check(&facts(&[OURS, "hash:/etc/t"]), &with_rest((Ok, "first")));
    check(
        &facts(&["hash:/etc/t", OURS]),
        &with_rest((Wrong, "not first")),
    );
    check(
        &facts(&["hash:/etc/t"]),
        &with_rest((ToDo, "does not name")),
    );
    let proxied = format!("proxy:{OURS}");
    check(&facts(&[&proxied]), &with_rest((Wrong, "proxymap")));
    let texthash = "texthash:/etc/postfix-aol-b/relay-limit";
    check(&facts(&[texthash]), &with_rest((Wrong, "does not notice")));
    let lmdb = "lmdb:/etc/postfix-aol-b/relay-limit";
    check(
        &facts(&[lmdb]),
        &with_rest((Wrong, "has no tables of type lmdb")),
    );
    let opaque = vec![("regexp:/etc/r".to_owned(), "patterns".to_owned())];
    let of = Facts {
        opaque: opaque.clone(),
        rejects_unlisted: false,
        file: FileState::Missing,
        overrides: vec![("rewrite".to_owned(), "transport_maps".to_owned())],
        ..facts(&[OURS])
    };
    check(
        &of,
        &[
            (Ok, "first"),
            (ToDo, "not there"),
            (Wrong, "regexp:/etc/r"),
            (Wrong, "accepts mail"),
            (Wrong, "rewrite"),
        ],
    );
    let patterns = "regexp:/etc/postfix-aol-b/relay-limit";
    let of = Facts {
        opaque,
        ..facts(&[patterns])
    };
    check(
        &of,
        &[
            (Ok, "first"),
            (Ok, "there"),
            (Ok, "reloaded"),
            (Ok, "smtpd"),
        ],
    );
}

#[test]
fn the_line_keeps_what_is_there() {
    let check = |facts: Facts, expected: &str| {
        let kind = facts.kind().unwrap();
        assert_eq!(facts.line(&kind), expected);
    };
    check(
        facts(&[]),
        "transport_maps = hash:/etc/postfix-aol-b/relay-limit",
    );
    let raw = "$other, inline:{{a.example = smtp:}}";
    let kept = Facts {
        raw: raw.to_owned(),
        ..facts(&[])
    };
    check(
        kept,
        &format!("transport_maps = hash:/etc/postfix-aol-b/relay-limit, {raw}"),
    );
    // Debian 13 has no Berkeley DB in its default.
    let trixie = Facts {
        kinds: Some(vec!["lmdb".to_owned(), "cdb".to_owned()]),
        ..facts(&[])
    };
    check(
        trixie,
        "transport_maps = lmdb:/etc/postfix-aol-b/relay-limit",
    );
    let patterns = Facts {
        wants_patterns: true,
        ..facts(&[])
    };
    check(
        patterns,
        "transport_maps = regexp:/etc/postfix-aol-b/relay-limit",
    );
    let none = Facts {
        kinds: Some(vec!["static".to_owned()]),
        ..facts(&[])
    };
    assert_eq!(none.kind(), None);
    assert_eq!(judge(&none)[0].state, State::Wrong);
}

#[test]
fn a_map_of_another_kind_takes_the_place_of_ours() {
    let check = |raw: &str, expected: Option<&str>| {
        let facts = Facts {
            raw: raw.to_owned(),
            ..facts(&[])
        };
        let kind = MapKind::named("regexp").unwrap();
        let value = facts.value_with("hash:/etc/postfix-aol-b/relay-limit", &kind);
        assert_eq!(value.as_deref(), expected, "{raw}");
    };
    check(
        "hash:/etc/postfix-aol-b/relay-limit",
        Some("regexp:/etc/postfix-aol-b/relay-limit"),
    );
    check(
        "hash:/etc/postfix-aol-b/relay-limit-old,hash:/etc/postfix-aol-b/relay-limit, regexp:/x",
        Some(
            "hash:/etc/postfix-aol-b/relay-limit-old,regexp:/etc/postfix-aol-b/relay-limit, regexp:/x",
        ),
    );
    check("proxy:hash:/etc/postfix-aol-b/relay-limit", None);
    check("$ours, regexp:/x", None);
}
