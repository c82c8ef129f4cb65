//! Limits as they are written, and what passes them.

use super::super::{Breakdown, Counts, Figures, Key};
use super::*;
use crate::judge::Rules;
use crate::mail_stats::Dimension;

/// An instance with these deliveries; of those that failed, so many because it is blocked.
fn instance(name: &str, sent: u64, bounced: u64, deferred: u64, blocked: u64) -> InstanceStats {
    let row = |class: Class, counts| Row {
        key: Key::Named(class.as_str().as_bytes().to_vec()),
        counts,
        codes: vec![("CON:B1".to_owned(), 2)],
        ips: vec![("192.0.2.41".parse().unwrap(), 2)],
    };
    let refused = |bounced| Counts {
        bounced,
        ..Counts::default()
    };
    InstanceStats {
        instance: name.as_bytes().to_vec(),
        figures: Figures {
            counts: Counts {
                sent,
                bounced,
                deferred,
            },
            expired: 0,
            unparsed: 0,
            put_off: None,
            complaints: Vec::new(),
            delays: None,
            waiting: None,
            by: vec![Breakdown {
                dimension: Dimension::Reason,
                rows: vec![
                    row(Class::RateLimited, refused(1)),
                    row(Class::Blocked, refused(blocked)),
                ],
            }],
            filtered: None,
        },
    }
}

/// As if limits were given: those of the rules do not count.
fn given() -> Limits {
    let rules = Rules::load(None).unwrap();
    Limits {
        given: Watched::ALL.to_vec(),
        ..Limits::new(rules)
    }
}

fn limits(watched: Watched, warn: &str, crit: &str) -> Limits {
    let read = |text: &str| -> Vec<Limit> {
        let words = text.split_whitespace();
        words.map(|word| word.parse().unwrap()).collect()
    };
    let thresholds = Thresholds::new(&read(warn), &read(crit)).unwrap();
    let mut limits = given();
    match watched {
        Watched::Blocked => limits.blocked = thresholds,
        Watched::Bounced => limits.bounced = thresholds,
        Watched::Deferred => limits.deferred = thresholds,
        Watched::Expired | Watched::Discarded => unreachable!("they have no options"),
    }
    limits
}

#[track_caller]
fn check(instances: &[InstanceStats], limits: &Limits, expected: &[(Level, &str)]) {
    let mut stats = super::super::tests::empty();
    stats.instances = instances.to_vec();
    let found = judge(&stats, limits);
    let found: Vec<_> = found.iter().map(|f| (f.level, f.text.as_str())).collect();
    assert_eq!(found, expected);
}

use Level::{Critical, Warning};

#[test]
fn limits_are_passed_above_not_at() {
    // 10 of 100.
    let aol = [instance("a", 80, 10, 10, 0)];
    let bounced = |warn, crit| limits(Watched::Bounced, warn, crit);
    check(&aol, &bounced("10", ""), &[]);
    check(
        &aol,
        &bounced("9", ""),
        &[(Warning, "a: 10 bounced, more than 9")],
    );
    check(
        &aol,
        &bounced("9", "10"),
        &[(Warning, "a: 10 bounced, more than 9")],
    );
    check(
        &aol,
        &bounced("5", "9"),
        &[(Critical, "a: 10 bounced, more than 9")],
    );
    check(&aol, &bounced("10%", ""), &[]);
    let expected = "a: 10.0% bounced (10 of 100), more than 9.9%";
    check(&aol, &bounced("9.9%", ""), &[(Warning, expected)]);
    let deferred = limits(Watched::Deferred, "", "0%");
    let expected = "a: 10.0% deferred (10 of 100), more than 0%";
    check(&aol, &deferred, &[(Critical, expected)]);
}

#[test]
fn a_number_and_a_rate_both_hold() {
    let aol = [instance("a", 80, 20, 0, 0)];
    let bounced = |warn, crit| limits(Watched::Bounced, warn, crit);
    let number = "a: 20 bounced, more than 19";
    check(&aol, &bounced("19 50%", ""), &[(Warning, number)]);
    check(&aol, &bounced("5%", "19"), &[(Critical, number)]);
    let rate = "a: 20.0% bounced (20 of 100), more than 5%";
    check(&aol, &bounced("30 5%", ""), &[(Warning, rate)]);
    check(&aol, &bounced("19 5%", ""), &[(Warning, rate)]);
}

#[test]
fn what_is_blocked_comes_with_the_code_and_the_address() {
    let aol = [instance("a", 0, 25, 0, 24)];
    let expected = "a: 24 blocked (CON:B1, 192.0.2.41), more than 20";
    check(
        &aol,
        &limits(Watched::Blocked, "", "20"),
        &[(Critical, expected)],
    );
    let expected = "a: 96.0% blocked (24 of 25, CON:B1, 192.0.2.41), more than 50%";
    check(
        &aol,
        &limits(Watched::Blocked, "50%", ""),
        &[(Warning, expected)],
    );
    check(&aol, &limits(Watched::Blocked, "24", ""), &[]);
}

#[test]
fn the_worst_comes_first() {
    let instances = [
        instance("a", 90, 5, 5, 1),
        instance("b", 0, 0, 0, 0),
        instance("c", 90, 9, 1, 3),
        instance("d", 50, 50, 0, 0),
    ];
    let limits = Limits {
        blocked: Thresholds::new(&[Limit::Count(0)], &[]).unwrap(),
        bounced: Thresholds::new(&[Limit::Rate(4.0)], &[Limit::Rate(20.0)]).unwrap(),
        deferred: Thresholds::new(&[Limit::Count(4)], &[]).unwrap(),
        min_volume: 0,
        idle: vec!["a".to_owned(), "b".to_owned()],
        ..given()
    };
    let expected = [
        (Critical, "d: 50.0% bounced (50 of 100), more than 20%"),
        (Warning, "c: 3 blocked (CON:B1, 192.0.2.41), more than 0"),
        (Warning, "a: 1 blocked (CON:B1, 192.0.2.41), more than 0"),
        (Warning, "b: no deliveries"),
        (Warning, "c: 9.0% bounced (9 of 100), more than 4%"),
        (Warning, "a: 5.0% bounced (5 of 100), more than 4%"),
        (Warning, "a: 5 deferred, more than 4"),
    ];
    check(&instances, &limits, &expected);
}

#[test]
fn little_mail_is_not_judged_and_no_mail_has_no_rate() {
    let few = [instance("a", 0, 3, 0, 3), instance("b", 0, 0, 0, 0)];
    let mut limits = limits(Watched::Bounced, "1%", "");
    check(
        &few,
        &limits,
        &[(Warning, "a: 100.0% bounced (3 of 3), more than 1%")],
    );
    limits.min_volume = 3;
    check(
        &few,
        &limits,
        &[(Warning, "a: 100.0% bounced (3 of 3), more than 1%")],
    );
    limits.min_volume = 4;
    check(&few, &limits, &[]);
    limits.idle = vec!["b".to_owned()];
    check(&few, &limits, &[(Warning, "b: no deliveries")]);
}

#[test]
fn limits_as_they_are_written() {
    let check = |text: &str, expected: Option<Limit>| {
        assert_eq!(text.parse::<Limit>().ok(), expected, "{text}");
    };
    check("20", Some(Limit::Count(20)));
    check("0", Some(Limit::Count(0)));
    check("5%", Some(Limit::Rate(5.0)));
    check("0.5%", Some(Limit::Rate(0.5)));
    check("100%", Some(Limit::Rate(100.0)));
    for junk in [
        "",
        "%",
        "-1",
        "+1",
        "1.5",
        "5,5%",
        "101%",
        "5 %",
        "5%%",
        "1e2",
        "inf%",
        "NaN%",
        ".5%",
        "1.2.3%",
        "99999999999999999999",
        "five",
    ] {
        check(junk, None);
    }
}

#[test]
fn limits_that_make_no_sense_together() {
    let check = |warn: &[Limit], crit: &[Limit], expected| {
        assert_eq!(Thresholds::new(warn, crit).err(), expected);
    };
    let (ten, five) = (Limit::Count(10), Limit::Count(5));
    check(&[five], &[ten], None);
    check(&[five], &[five], None);
    check(&[ten], &[five], Some(LimitError::NeverWarns));
    check(&[Limit::Rate(10.0)], &[five], None);
    check(
        &[Limit::Rate(5.5)],
        &[Limit::Rate(5.0)],
        Some(LimitError::NeverWarns),
    );
    check(&[five, Limit::Rate(5.0)], &[], None);
    check(&[], &[five, ten], Some(LimitError::Twice));
}

/// 21 of 100,000 blocked are nothing by the rules, whatever limit was given for bounces, and 21 of 900 (1.53 % at
/// least) are a warning, as in the daily report, whatever number 21 is.
#[test]
fn a_limit_replaces_the_rules_of_its_own_kind_alone() {
    let rules = Rules::load(None).unwrap();
    let mut limits = Limits {
        given: vec![Watched::Bounced],
        ..Limits::new(rules)
    };
    check(&[instance("a", 99_000, 1000, 0, 21)], &limits, &[]);
    let warned = "a: blocked 2.3% (21 of 900) (CON:B1, 192.0.2.41), more than 1.5% beyond chance";
    check(
        &[instance("a", 879, 21, 0, 21)],
        &limits,
        &[(Warning, warned)],
    );
    limits.given.push(Watched::Blocked);
    limits.blocked = Thresholds::new(&[], &["20".parse().unwrap()]).unwrap();
    let stats = [instance("a", 99_000, 1000, 0, 21)];
    let mut all = super::super::tests::empty();
    all.instances = stats.to_vec();
    assert_eq!(judge(&all, &limits)[0].level, Critical);
}
