//! What lasts, comes together, or ends: it is named on each of its days, and no longer.

use super::made::{Made, last, made};
use super::*;

/// Four weeks and the day itself, day 28, of instances as `of` says of each; nothing is known of it then otherwise.
fn month(
    names: &[&str],
    in_use: &[&str],
    of: impl Fn(&str, u64) -> Counted,
) -> Vec<(String, String)> {
    let days: Vec<Period> = (0..29).rev().map(day).collect();
    let mut records = Vec::new();
    for (at, day) in days.iter().enumerate() {
        for name in names {
            records.extend(of(name, at as u64).map(|of| record(day, name, of)));
        }
    }
    let found = daily(&days, records, (in_use, in_use), 0).attention;
    let found = found.into_iter();
    found.map(|of| (of.instance, of.what)).collect()
}

/// Of 1000, some are blocked, bounced or deferred for so many days. Each is marked on each of them, with its number.
#[test]
fn ten_days_are_ten_marks() {
    for (bad, what) in [
        ([200, 0, 800, 0], "80.0% deferred (800)"),
        ([700, 0, 300, 0], "30.0% deferred (300)"),
        ([800, 200, 0, 0], "20.0% bounced (200)"),
        ([970, 0, 0, 30], "30 blocked (3.0%)"),
    ] {
        for n in 1..=10 {
            let found = month(&["a"], &["a"], |_, at| {
                Some(if at > 28 - n { bad } else { [990, 5, 5, 0] })
            });
            let since = match n {
                1 => String::new(),
                2 => ", for the 2nd day".to_owned(),
                3 => ", for the 3rd day".to_owned(),
                n => format!(", for the {n}th day"),
            };
            // Blocks bounce, which may be named, too.
            let expected = ("a".to_owned(), format!("{what}{since}"));
            assert_eq!(found.first(), Some(&expected));
        }
        // And not on the day after.
        let over = |_: &str, at| {
            Some(if (18..28).contains(&at) {
                bad
            } else {
                [990, 5, 5, 0]
            })
        };
        assert_eq!(month(&["a"], &["a"], over), []);
    }
}

/// One instance is dead, another's address blocked, a third sends three times as much.
#[test]
fn each_of_several_is_named() {
    let names = ["a", "b", "c", "d", "e"];
    let found = month(&names, &names, |name, at| {
        Some(match (name, at) {
            ("a", 28) => [0, 0, 0, 0],
            ("b", 28) => [300, 0, 0, 700],
            ("c", 28) => [3000, 0, 0, 0],
            _ => [990, 5, 5, 0],
        })
    });
    let of = |name: &str, what: &str| {
        let is_it = |(of, found): &(String, String)| of == name && found.contains(what);
        assert!(found.iter().any(is_it), "{name}: {found:?}");
    };
    of("a", "no deliveries");
    of("b", "700 blocked (70.0%)");
    of("c", "3.0 times as many deliveries");
    assert!(
        !found.iter().any(|(of, _)| of == "d" || of == "e"),
        "{found:?}"
    );
}

/// An instance that was retired, or goes by another name since today, or a week.
#[test]
fn what_was_renamed_is_neither_dead_nor_more() {
    for since in [28, 21] {
        let found = month(&["other", "old", "new"], &["other", "new"], |name, at| {
            let is_it = name == "other" || (name == "new") == (at >= since);
            is_it.then_some([990, 5, 5, 0]).or(Some([0, 0, 0, 0]))
        });
        assert_eq!(found, []);
    }
    // While it is still in use, it is dead.
    let names = ["other", "old", "new"];
    let found = month(&names, &names, |name, at| {
        let is_it = name == "other" || (name == "new") == (at == 28);
        is_it.then_some([990, 5, 5, 0]).or(Some([0, 0, 0, 0]))
    });
    assert_eq!(found, [("old".to_owned(), "no deliveries".to_owned())]);
}

/// Days that no log holds are no days without mail, nor well: what lasts is counted by those that are known.
#[test]
fn a_gap_is_neither_well_nor_empty() {
    let gap = 20..26;
    let known = |at: u64, of| (!gap.contains(&at)).then_some(of);
    let well = month(&["a"], &["a"], |_, at| known(at, [990, 5, 5, 0]));
    assert_eq!(well, []);
    let bad = month(&["a"], &["a"], |_, at| {
        let of = if at > 17 {
            [200, 0, 800, 0]
        } else {
            [990, 5, 5, 0]
        };
        known(at, of)
    });
    assert_eq!(
        bad,
        [(
            "a".to_owned(),
            "80.0% deferred (800), for the 5th day".to_owned()
        )]
    );
}

/// 100 at the weekend, and 1010 on working days, of which 30 are put off; on the last day, a Saturday, so many, some of
/// which are known to have come before it.
#[test]
fn what_is_left_over_on_a_quiet_day_is_none_of_its_own() {
    let with = |deferred: u64, earlier: Option<u64>| {
        let days = last(28);
        let records = made(&days, |ago| {
            let is_weekend = day(ago).day().weekday().num_days_from_monday() > 4;
            let (sent, deferred) = match ago {
                0 => (100 - deferred, deferred),
                _ if is_weekend => (98, 2),
                _ => (980, 30),
            };
            Made {
                sent,
                deferred,
                recipients: Some(deferred),
                earlier: earlier.filter(|_| ago == 0),
                reason: "connection",
                ..Made::default()
            }
        });
        found(&days, records, &["a"], 0).len()
    };
    assert_eq!(with(30, Some(30)), 0);
    // Five of 75 are no wonder by themselves; twenty of 90 are.
    assert_eq!(with(30, Some(25)), 0);
    assert_eq!(with(30, Some(10)), 1);
    // As many as on Friday, and all of them new; or it is not known.
    assert_eq!(with(30, Some(0)), 1);
    assert_eq!(with(30, None), 1);
    assert_eq!(with(31, Some(31)), 1);
    // Most of it is no rest.
    assert_eq!(with(70, Some(70)), 1);
}
