//! Schedules by tables computed by hand, and what must hold for any of them.

use std::path::Path;

use proptest::prelude::*;

use super::{LIMITS, Level, Schedule, ScheduleError, parse};

fn check(schedule: &Schedule, volume: u64, expected: &[(u64, u32)]) {
    let levels = schedule.levels(volume).unwrap();
    let found: Vec<(u64, u32)> = levels.iter().map(|level| (level.cap, level.days)).collect();
    assert_eq!(found, expected);
}

#[test]
fn doubling_up_to_three_hundred_thousand() {
    // 25,600 doubled would be 51,200: above 50,000 only half may be added, which is 38,400; so 50,000.
    // 50,000 + 50 % = 75,000; 75,000 + 50 % = 112,500, but 100,000 is where +20 % begins, and 75,000 + 20 % is 90,000.
    // 100,000 + 20 % = 120,000; 144,000; 172,800 -> 172,000; 206,400 -> 206,000; 247,200 -> 247,000.
    // 247,000 + 20 % would be 296,400: above 250,000 only 10 %, which is 271,700 -> 271,000; and 298,100 -> 298,000.
    check(
        &Schedule::doubling(),
        300_000,
        &[
            (200, 3),
            (400, 3),
            (800, 3),
            (1600, 3),
            (3200, 3),
            (6400, 3),
            (12_800, 3),
            (25_600, 3),
            (50_000, 3),
            (75_000, 4),
            (100_000, 4),
            (120_000, 4),
            (144_000, 4),
            (172_000, 4),
            (206_000, 4),
            (247_000, 4),
            (271_000, 4),
            (298_000, 4),
            (300_000, 4),
        ],
    );
}

#[test]
fn gentle_up_to_two_thousand() {
    // 100, then half as much again: 150, 225, 337.5 -> 337, 505.5 -> 505, 757.5 -> 757, 1135.5 -> 1130, 1695 -> 1690.
    check(
        &Schedule::gentle(),
        2000,
        &[
            (100, 4),
            (150, 4),
            (225, 4),
            (337, 4),
            (505, 4),
            (757, 4),
            (1130, 4),
            (1690, 4),
            (2000, 4),
        ],
    );
}

#[test]
fn a_volume_below_the_first_level_is_the_only_one() {
    check(&Schedule::doubling(), 150, &[(150, 3)]);
    check(&Schedule::doubling(), 200, &[(200, 3)]);
    check(&Schedule::doubling(), 201, &[(200, 3), (201, 3)]);
}

fn read(text: &str) -> Result<Schedule, String> {
    parse(text, Path::new("s.toml")).map_err(|problem| problem.to_string())
}

#[test]
fn schedules_from_files() {
    let own = read("levels = [500, 900, 1500]\ndays = 5").unwrap();
    check(&own, 2000, &[(500, 5), (900, 5), (1500, 5), (2000, 5)]);
    check(&own, 1000, &[(500, 5), (900, 5), (1000, 5)]);
    let own = read("first = 1000\ngrow = [{ to = 2000, percent = 50 }, { percent = 10 }]").unwrap();
    check(
        &own,
        2500,
        &[
            (1000, 3),
            (1500, 3),
            (2000, 3),
            (2200, 3),
            (2420, 3),
            (2500, 3),
        ],
    );
    check(
        &read("first = 300").unwrap(),
        1200,
        &[(300, 3), (600, 3), (1200, 3)],
    );
}

#[test]
fn steps_that_are_too_great_are_refused_unless_they_are_meant() {
    let steep = read("levels = [100, 1000]").unwrap();
    assert_eq!(
        steep.levels(1000),
        Err(ScheduleError::Steep(100, 1000, 200))
    );
    let ends_early = read("levels = [100, 200]").unwrap();
    assert_eq!(
        ends_early.levels(60_000).unwrap_err().to_string(),
        "the step from 200 to 60000 a day is too large: at most 400 is allowed"
    );
    let meant = read("levels = [100, 1000]\nbeyond_limits = true\ndays = 1").unwrap();
    check(&meant, 1000, &[(100, 1), (1000, 1)]);
    assert_eq!(
        Schedule::gentle().levels(u64::MAX),
        Err(ScheduleError::Endless)
    );
}

#[test]
fn files_that_are_wrong() {
    let check = |text: &str, expected: &str| {
        let found = read(text).unwrap_err();
        assert!(found.starts_with(&format!("s.toml{expected}")), "{found}");
    };
    check("levels = [200, 100]", ": levels: 100 comes after 200");
    check("levels = []", ": levels: the first must be 1 or more");
    check("first = 0", ": first must be 1 or more");
    check(
        "first = 9\nlevels = [1]",
        ": it has both levels and first or grow",
    );
    check(
        "days = 3",
        ": it has neither levels nor first; a schedule has",
    );
    check(
        "first = 9\ndays = 2",
        ": days = 2: a level is held for 3 to 60",
    );
    check("first = 9\nspeed = 1", ", line 2: unknown field `speed`");
    check(
        "first = 9\ngrow = [{ to = 5, percent = 9 }]",
        ": grow: its last entry must have no `to`",
    );
    check(
        "first = 9\ngrow = [{ to = 5, percent = 9 }, { to = 4, percent = 9 }, { percent = 1 }]",
        ": grow: each `to` must be greater",
    );
    check("first = 9\ngrow = [{ percent = 0 }]", ": grow: percent = 0");
}

/// What every schedule must keep to: the steps that providers bear with, written down apart from the code's own table.
fn allowed(from: u64, to: u64) -> bool {
    let percent = match (from, to) {
        // Where a step begins counts, and where it ends: the slower of the two, or up to where the slower part begins.
        (0..50_000, 0..=50_000) => 100,
        (0..100_000, 0..=100_000) => 50,
        (0..=250_000, 0..=250_000) => 20,
        _ => 10,
    };
    // A step of one message is the smallest there is.
    to <= from + 1 || to as u128 * 100 <= from as u128 * (100 + percent)
}

proptest! {
    #[test]
    fn caps_rise_within_the_limits_and_end_at_the_volume(
        volume in 1u64..2_000_000,
        first in 1u64..100_000,
        gentle in any::<bool>(),
    ) {
        let schedule = if gentle { Schedule::gentle() } else { Schedule::doubling() };
        let levels = schedule.beginning_with(first).levels(volume).unwrap();
        prop_assert_eq!(levels.last().map(|l| l.cap), Some(volume));
        prop_assert!(levels.iter().all(|l: &Level| l.days == 3 || l.days == 4));
        for pair in levels.windows(2) {
            let (from, to) = (pair[0].cap, pair[1].cap);
            prop_assert!(from < to);
            prop_assert!(allowed(from, to), "{} to {}", from, to);
        }
        // And not slower than need be: every step but the last, and the rounding, uses what its own part allows.
        if !gentle {
            for pair in levels.windows(2).take(levels.len().saturating_sub(2)) {
                let least = (pair[0].cap as f64 * 1.1).floor() * 0.99;
                prop_assert!(pair[1].cap as f64 >= least.min(pair[0].cap as f64 + 1.0));
            }
        }
    }
}

#[test]
fn the_limits_are_sorted() {
    assert!(LIMITS.windows(2).all(|pair| pair[0].to < pair[1].to));
}
