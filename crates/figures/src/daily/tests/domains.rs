//! Domains of no known provider that take nothing.

use super::*;
use crate::days::counted;

/// What is found where `dead` refused so much today, of 2,000 attempts at most, and other domains as much as on each of
/// the days before.
fn refused_by(dead: &[(&str, u64, u64)], usual: u64, before: &[u64]) -> Vec<String> {
    let providers = Arc::new(Providers::load(None).unwrap());
    let settings = Arc::new(Settings {
        by: DIMENSIONS.to_vec(),
        count: Count::Attempts,
        delays: false,
        zone: Zone::named("UTC").unwrap(),
        instances: Vec::new(),
        most_instances: crate::bounds::MOST_INSTANCES,
        most_keys: crate::bounds::MOST_KEYS,
        providers: Arc::clone(&providers),
        reasons: None,
    });
    let rest = providers.get(providers.the_rest()).name.clone();
    let of_day = |of: &Period, failed: u64, sent: u64| {
        let row = |key: &str| json!({"key": key, "sent": sent, "bounced": 0, "deferred": failed});
        let figures = json!({
            "total": sent + failed, "sent": sent, "bounced": 0, "deferred": failed,
            "by": {"provider": [row(&rest)], "reason": [row("connection")], "dsn": [row("x")], "hour": [row("x")]},
        });
        stored(of, "a", &figures)
    };
    let days: Vec<Period> = (0..=before.len() as u64).rev().map(day).collect();
    let failed: u64 = dead.iter().map(|(_, failed, _)| failed).sum();
    let sent: u64 = dead.iter().map(|(_, _, sent)| sent).sum();
    let (last, earlier) = days.split_last().unwrap();
    let today = of_day(last, failed + usual, 1800 + sent);
    let mut records: Vec<DayRecord> = earlier
        .iter()
        .zip(before)
        .map(|(day, failed)| of_day(day, *failed, 1800))
        .collect();
    records.push(today.clone());
    let mut of_today = counted(&today, &settings);
    let at = DIMENSIONS.iter().position(|d| *d == Dimension::Domain);
    let table = &mut of_today.tables[at.unwrap()];
    for (name, failed, sent) in dead {
        let counts = Counts {
            sent: *sent,
            deferred: *failed,
            ..Default::default()
        };
        table.insert(name.as_bytes().to_vec(), counts);
    }
    let mut tally = Tally::new(settings);
    tally.enter(of_today);
    let report = Daily::new(Parts {
        host: "rustin".to_owned(),
        now: last.until,
        counted: tally,
        history: History::new(days.clone(), records, Vec::new(), Vec::new()),
        unseen_queues: Vec::new(),
        busy: vec!["a".to_owned()],
        in_use: vec!["a".to_owned()],
        lives: BTreeMap::new(),
        is_covered: true,
        ends: None,
        rules: Rules::load(None).unwrap(),
        gaps: Gaps::default(),
        queue: None,
        problems: Vec::new(),
    });
    let found = report.unwrap().attention;
    let found = found.iter().filter(|of| of.instance.starts_with("to "));
    found
        .map(|of| format!("{}: {}; {}", of.instance, of.what, of.details))
        .collect()
}

#[test]
fn a_domain_that_refuses_everything_is_named() {
    let check = |dead: &[(&str, u64, u64)], usual, before: &[u64], expected: &[&str]| {
        assert_eq!(
            refused_by(dead, usual, before),
            expected,
            "{dead:?} {before:?}"
        );
    };
    let named = "to x.example: 100.0% refused or put off (50); nothing was taken there";
    let quiet = [10; 9];
    check(&[("x.example", 50, 0)], 10, &quiet, &[named]);
    // On the host's first day, too.
    check(&[("x.example", 50, 0)], 10, &[], &[named]);
    // The lower end of the Wilson interval: 90.1 % of 35 of 35, 89.8 % of 34 of 34; 91.3 % of 60 of 61.
    let few = "to x.example: 100.0% refused or put off (35); nothing was taken there";
    check(&[("x.example", 35, 0)], 10, &quiet, &[few]);
    check(&[("x.example", 34, 0)], 10, &quiet, &[]);
    let most = "to x.example: 98.4% refused or put off (60); nothing was taken there";
    check(&[("x.example", 60, 1)], 10, &quiet, &[most]);
    check(&[("x.example", 60, 6)], 10, &quiet, &[]);
    // A provider of its own is judged beside its days.
    check(&[("gmail.com", 50, 0)], 10, &quiet, &[]);
    let several = [
        ("x.example", 50, 0),
        ("y.example", 70, 0),
        ("z.example", 9, 0),
    ];
    let both = "to y.example: 100.0% refused or put off (70); and 1 domain more";
    check(&several, 10, &quiet, &[both]);
}

/// Domains that are gone are on every list.
#[test]
fn what_fails_every_day_is_usual() {
    let check = |usual, before: &[u64], expected: usize| {
        let found = refused_by(&[("x.example", 50, 0)], usual, before);
        assert_eq!(found.len(), expected, "{found:?}");
    };
    check(10, &[60; 9], 0);
    check(10, &[60], 0);
    check(10, &[10; 9], 1);
    // One day like it, long ago; two.
    check(10, &[10, 80, 10, 10, 10], 1);
    check(10, &[10, 80, 80, 10, 10], 0);
    // Half of it is new.
    check(10, &[35; 9], 1);
    check(10, &[36; 9], 0);
}

/// Where most of all fails, no domain is to blame.
#[test]
fn that_most_of_all_fails_is_no_domains_matter() {
    let found = refused_by(&[("x.example", 2000, 0)], 10, &[10; 9]);
    assert_eq!(found, [""; 0]);
}
