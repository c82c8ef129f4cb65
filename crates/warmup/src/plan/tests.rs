//! Plans, made and read back.

use std::path::Path;

use super::{Before, Order, Plan, read, write};
use crate::intake::OtherLimits;
use crate::ratio::RelayName;
use crate::schedule::Schedule;
use crate::settings::Mail;

/// A plan for postfix-aol-c, beside three old addresses, from 2026-11-24 on.
pub(crate) fn plan(volume: u64, total: u64) -> Plan {
    let old = ["192.0.2.41", "192.0.2.42", "192.0.2.43"].map(|ip| ip.parse().unwrap());
    let new = "192.0.2.44".parse().unwrap();
    let order = Order {
        instance: "postfix-aol-c".to_owned(),
        syslog_name: "postfix-aol-c".to_owned(),
        config_directory: "/etc/postfix-aol-c".to_owned(),
        host: "rustin".to_owned(),
        transport: "smtp".to_owned(),
        address: Some(new),
        relay: Some(RelayName::new(
            "aol.smtp.example.org".to_owned(),
            3600,
            &old,
            new,
        )),
        created: postfix::Time::from_seconds(1_795_510_800),
        start: "2026-11-24".parse().unwrap(),
        volume,
        total,
        mail: Mail::default(),
        clients: 1,
        replaces_old: true,
        others: OtherLimits {
            unit: 60,
            count: Some(50),
            processes: 100,
            rates: Vec::new(),
            exceptions: Some("$mynetworks".to_owned()),
        },
        before: vec![Before {
            name: "smtp_transport_rate_delay".to_owned(),
            value: None,
        }],
    };
    Plan::make(order, &Schedule::doubling()).unwrap()
}

#[test]
fn days_and_levels() {
    // 200, 400, 800, 1000: three days each.
    let plan = plan(1000, 4000);
    assert_eq!(plan.levels.len(), 4);
    assert_eq!(plan.days_of(0), (1, Some(3)));
    assert_eq!(plan.days_of(2), (7, Some(9)));
    assert_eq!(plan.days_of(3), (10, None));
    assert_eq!(plan.days(), 9);
    let levels: Vec<usize> = [1, 3, 4, 9, 10, 99].map(|day| plan.level_of(day)).into();
    assert_eq!(levels, [0, 0, 1, 2, 3, 3]);
    let days: Vec<(u32, usize)> = plan.sending_days().collect();
    assert_eq!(days.len(), 12);
    assert_eq!((days[0], days[3], days[11]), ((1, 0), (4, 1), (12, 3)));
    let date = plan.date_of(10);
    assert_eq!(date.to_string(), "2026-12-03");
    // The last level's cap is a quarter of all: no old address need be taken out.
    assert_eq!(plan.levels[3].ratio.unwrap().old, 3);
}

#[test]
fn a_plan_comes_back_from_its_file() {
    for plan in [plan(1000, 4000), plan(400_000, 400_000), plan(7, 7)] {
        let mut text = Vec::new();
        write(&mut text, &plan).unwrap();
        assert_eq!(read(Path::new("p.json"), &text).unwrap(), plan);
    }
}

#[test]
fn files_that_are_no_plan() {
    let mut text = Vec::new();
    write(&mut text, &plan(1000, 1000)).unwrap();
    let text = String::from_utf8(text).unwrap();
    let check = |from: &str, to: &str, expected: &str| {
        assert!(text.contains(from), "{text}");
        let changed = text.replacen(from, to, 1);
        let problem = read(Path::new("p.json"), changed.as_bytes()).unwrap_err();
        let problem = problem.to_string();
        assert!(
            problem.starts_with(&format!("p.json: {expected}")),
            "{problem}"
        );
    };
    check("plan/1", "plan/2", "schema relay-tools/warmup-plan/2, not");
    check("\"volume\"", "\"volumen\"", "not a plan of schema");
    check("\"cap\":400", "\"cap\":100", "a damaged plan: its levels");
    check(
        "\"rate_delay\":432",
        "\"rate_delay\":0",
        "a damaged plan: an empty level",
    );
    // Days that no calendar has, and records that no name holds.
    check(
        "\"days\":3",
        "\"days\":4294967295",
        "a damaged plan: an empty level",
    );
    check(
        "\"old_records\":3",
        "\"old_records\":18446744073709551615",
        "a damaged plan: an empty level",
    );
    check("2026-11-24\",\"vol", "2026-11-31\",\"vol", "start: ");
    assert!(read(Path::new("p.json"), &text.as_bytes()[..300]).is_err());
}
