//! What anyone may have written, on whatever day, is in no verdict.

use super::*;
use crate::bounds::OTHER_INSTANCES;

/// Ten small instances, of each of which too little is refused to be found; with what others wrote on each day.
fn ten(today: [u64; 4], before: [u64; 4], others: &[Counted]) -> Vec<String> {
    let days: Vec<Period> = (0..others.len() as u64).rev().map(day).collect();
    let names: Vec<String> = (0..10).map(|n| format!("i{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut records = Vec::new();
    for (at, (day, others)) in days.iter().zip(others).enumerate() {
        let of_day = if at + 1 < days.len() { before } else { today };
        records.extend(names.iter().map(|name| record(day, name, of_day)));
        records.extend(others.map(|others| record(day, OTHER_INSTANCES, others)));
    }
    found(&days, records, &names, 0)
}

#[test]
fn whatever_they_wrote_on_days_before_moves_no_mean() {
    for (today, before) in [
        ([96, 4, 0, 0], [100, 0, 0, 0]),
        ([97, 0, 0, 3], [100, 0, 0, 0]),
        ([900, 0, 0, 0], [100, 0, 0, 0]),
    ] {
        let alone = ten(today, before, &[None; 9]);
        assert!(!alone.is_empty(), "{alone:?}");
        for forged in [
            [1_000_000, 0, 0, 0],
            [0, 90_000, 9_000, 500],
            [0, 40, 0, 40],
        ] {
            let mut others = [Some(forged); 9];
            assert_eq!(ten(today, before, &others), alone, "{forged:?} on all days");
            others[8] = None;
            assert_eq!(ten(today, before, &others), alone, "{forged:?} before");
            let mut others = [None; 9];
            others[8] = Some(forged);
            assert_eq!(ten(today, before, &others), alone, "{forged:?} on the day");
        }
    }
}

/// One that was switched off has nothing to deliver; one that is to run, and has nothing, is reported.
#[test]
fn an_instance_that_is_switched_off_is_meant_to_be_silent() {
    let days: Vec<Period> = (0..9).rev().map(day).collect();
    let (last, before) = days.split_last().unwrap();
    let of = |name: &str, today: [u64; 4]| -> Vec<DayRecord> {
        let earlier = before.iter().map(|day| record(day, name, [1000, 0, 0, 0]));
        earlier.chain([record(last, name, today)]).collect()
    };
    let records = || [of("aol-a", [1000, 0, 0, 0]), of("aol-b", [0; 4])].concat();
    assert_eq!(found(&days, records(), &["aol-a"], 0), [""; 0]);
    // One that need not be busy, as the default instance beside others, and was, is missed too.
    for busy in [&["aol-a", "aol-b"][..], &["aol-a"]] {
        let told = found_in(&days, records(), (busy, &["aol-a", "aol-b"]), 0);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("no deliveries; 1000 a day before"),
            "{told:?}"
        );
    }
}

/// A list that is cut says of the rest only what was seen of it.
#[test]
fn what_is_not_listed_is_not_said_to_be_well_unless_it_was_seen() {
    let days: Vec<Period> = (0..9).rev().map(day).collect();
    let report = |today: [u64; 4], names: &[&str]| {
        let (last, before) = days.split_last().unwrap();
        let of = |name: &&str| {
            let name = (*name).to_owned();
            let earlier = before.iter().map(|day| record(day, &name, [100, 0, 0, 0]));
            let all = earlier.chain([record(last, &name, today)]);
            all.collect::<Vec<DayRecord>>()
        };
        let records = names.iter().flat_map(of).collect();
        daily(&days, records, (names, names), 0)
    };
    let names: Vec<String> = (0..10).map(|n| format!("i{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let well = report([100, 0, 0, 0], &names);
    assert!(!well.limited(5).unlisted_bad);
    // Too little to be found in any of them, and found in all.
    let all = report([97, 0, 0, 3], &names);
    assert_eq!(all.attention[0].instance, "all instances");
    assert!(all.limited(5).unlisted_bad);
    let unseen = |queues: &[&str], missing: &[&str]| {
        let mut report = well.clone();
        report.unseen_queues = queues.iter().map(|name| (*name).to_owned()).collect();
        let of = missing.iter().map(|name| (*name).to_owned()).collect();
        report.missing = vec![("its log was cut".to_owned(), of)];
        report.limited(5).unlisted_bad
    };
    assert!(unseen(&["i9"], &["i0"]) && unseen(&[], &["i9"]) && unseen(&[], &[]));
    assert!(!unseen(&["i0"], &["i0"]));
}
