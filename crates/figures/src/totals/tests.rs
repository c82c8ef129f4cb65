//! Counters that only rise: added up, kept in a file, and bounded.

use postfix::Time;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use postfix::log::{Bookmark, Mark};

use super::*;
use crate::mail_stats::{Breakdown, Count, Frame, InstanceStats, Key, Row, Settings, Tally};
use knowledge::providers::Providers;

fn counts(sent: u64, bounced: u64, deferred: u64) -> Counts {
    Counts {
        sent,
        bounced,
        deferred,
    }
}

fn row(key: &str, counts: Counts) -> Row {
    Row {
        key: Key::Named(key.as_bytes().to_vec()),
        counts,
        codes: Vec::new(),
        ips: Vec::new(),
    }
}

fn nothing() -> MailStats {
    let settings = Settings {
        by: DIMENSIONS.to_vec(),
        count: Count::Attempts,
        delays: false,
        zone: postfix::Zone::named("UTC").unwrap(),
        instances: Vec::new(),
        most_instances: crate::bounds::MOST_INSTANCES,
        most_keys: crate::bounds::MOST_KEYS,
        providers: Arc::new(Providers::load(None).unwrap()),
        reasons: None,
    };
    Tally::new(Arc::new(settings)).finish(Frame::default())
}

/// Figures of one instance: two sent, one bounced, three deferred; four expired, five lines unread.
fn stats(instance: &[u8]) -> MailStats {
    let by = |dimension, rows| Breakdown { dimension, rows };
    let figures = Figures {
        counts: counts(2, 1, 3),
        expired: 4,
        unparsed: 5,
        put_off: None,
        complaints: Vec::new(),
        delays: None,
        waiting: None,
        by: vec![
            by(
                Dimension::Provider,
                vec![row("aol", counts(2, 0, 3)), row("other", counts(0, 1, 0))],
            ),
            by(
                Dimension::Reason,
                vec![
                    row("-", counts(2, 0, 0)),
                    row("blocked", counts(0, 1, 2)),
                    row("dns", counts(0, 0, 1)),
                ],
            ),
        ],
        filtered: None,
    };
    MailStats {
        instances: vec![InstanceStats {
            instance: instance.to_vec(),
            figures,
        }],
        ..nothing()
    }
}

fn totals() -> Totals {
    let mut totals = Totals::new(Time::from_seconds(1_789_776_000));
    totals.add(&stats(b"postfix-aol-a"), 12, |_| true);
    totals.add(&stats(b"postfix-aol-a"), 12, |_| true);
    let path = PathBuf::from(OsStr::from_bytes(b"/var/log/50%25\xff\xc3\xa9.log"));
    let mark = Mark {
        device: 1,
        inode: u64::MAX,
        offset: 77,
        head: u128::MAX,
        tail: 0xab,
        ended: false,
        last: Some(Time::from_micros(-5)),
    };
    let known = Bookmark {
        marks: vec![mark],
        seen: Some(Time::from_micros(9)),
        cursor: None,
    };
    totals.places.logs.insert(path, known);
    let journal = Bookmark {
        cursor: Some("s=2c8a;i=46;b=b6aa;m=b233;t=6615;x=3ce3".to_owned()),
        ..Bookmark::default()
    };
    totals.places.logs.insert(PathBuf::from("journal"), journal);
    totals.places.gaps = 3;
    totals.places.bytes = 4711;
    totals
}

#[test]
fn figures_add_up() {
    let one = &totals().instances["postfix-aol-a"];
    assert_eq!(one.counts, counts(4, 2, 6));
    assert_eq!((one.expired, one.unparsed), (8, 10));
    assert_eq!(one.providers["aol"], counts(4, 0, 6));
    let reasons: Vec<_> = one.reasons.iter().map(|(k, c)| (k.as_str(), *c)).collect();
    assert_eq!(
        reasons,
        [("blocked", counts(0, 2, 4)), ("dns", counts(0, 0, 2))]
    );
}

#[test]
fn a_file_brings_back_what_was_written() {
    let totals = totals();
    let json = totals.to_json().unwrap();
    assert!(json.ends_with(b"}\n"));
    assert_eq!(Totals::from_json(&json).unwrap(), totals);
}

#[test]
fn what_is_no_file_of_totals_says_why() {
    let json = String::from_utf8(totals().to_json().unwrap()).unwrap();
    let check = |text: &str, expected: &str| {
        let why = Totals::from_json(text.as_bytes()).unwrap_err();
        assert!(why.contains(expected), "{why}");
    };
    check("", "not of schema relay-tools/follow/1");
    check(
        "{\"schema\":\"relay-tools/follow/2\"}",
        "its schema is relay-tools/follow/2",
    );
    check("{\"logs\":[]}", "missing field `schema`");
    for cut in [json.len() / 4, json.len() / 2, json.len() - 3] {
        assert!(Totals::from_json(&json.as_bytes()[..cut]).is_err(), "{cut}");
    }
    check(
        &json.replacen("\"sent\":4", "\"sent\":5", 1),
        "do not add up",
    );
    check(
        &json.replace("\"bounced\":2", "\"bounced\":\"2\""),
        "invalid type",
    );
    check(&json.replace("%ff", "%fg"), "invalid path");
    check(
        &json.replace("000000ab", "000000xy"),
        "invalid position in a log",
    );
    let offset = "\"offset\":18446744073709551615";
    check(
        &json.replace("\"offset\":77", offset),
        "invalid position in a log",
    );
}

#[test]
fn lines_of_strangers_do_not_make_counters_without_end() {
    let mut totals = Totals::new(Time::EPOCH);
    let most = instances(5 + 3 * 12 + 2 * Class::ALL.len());
    assert!((40..80).contains(&most), "{most}");
    for n in 0..most + 50 {
        totals.add(&stats(format!("made-up-{n}").as_bytes()), 12, |_| false);
    }
    totals.add(&stats(b"postfix-aol-a"), 12, |name| name == "postfix-aol-a");
    totals.add(&stats(b"made-up-3"), 12, |_| false);
    assert_eq!(totals.instances.len(), most + 2);
    assert_eq!(
        totals.instances[OTHER_INSTANCES].counts,
        counts(100, 50, 150)
    );
    assert_eq!(totals.instances["postfix-aol-a"].counts, counts(2, 1, 3));
    assert_eq!(totals.instances["made-up-3"].counts, counts(4, 2, 6));
}
