//! Warm-ups of a few days, judged by hand.

use postfix::Day;

use super::{DayFigures, Status, Verdict};
use crate::plan::Plan;
use crate::plan::tests::plan;
use crate::rules::Rules;

mod proof;

fn date(day: u64) -> Day {
    // The plan's first day.
    let start: Day = "2026-11-24".parse().unwrap();
    start.plus(day - 1)
}

/// A day of `total` attempts, all delivered.
fn day(number: u64, total: u64) -> DayFigures {
    DayFigures {
        date: date(number),
        sent: total,
        bounced: 0,
        deferred: 0,
        blocked: 0,
        rate_limited: 0,
        codes: Vec::new(),
        complete: true,
        unread: 0,
        paused: false,
    }
}

impl DayFigures {
    fn bounced(mut self, n: u64) -> Self {
        self.sent -= n;
        self.bounced += n;
        self
    }

    fn blocked(self, n: u64) -> Self {
        let mut day = self.bounced(n);
        day.blocked += n;
        day
    }

    fn rate_limited(mut self, n: u64) -> Self {
        self.sent -= n;
        self.deferred += n;
        self.rate_limited += n;
        self
    }

    fn so_far(mut self) -> Self {
        self.complete = false;
        self
    }
}

/// The days, and between and after them those without a delivery, up to the day before `today`.
fn with_quiet_days(days: &[DayFigures], today: u64) -> Vec<DayFigures> {
    let mut all = days.to_vec();
    for number in 1..today {
        if days.iter().all(|day| day.date != date(number)) {
            all.push(day(number, 0));
        }
    }
    all.sort_by_key(|day| day.date);
    all
}

fn of(plan: Option<&Plan>, days: &[DayFigures], today: u64) -> Status {
    let rules = Rules::load(None).unwrap();
    let days = with_quiet_days(days, today);
    Status::of("postfix-aol-c", plan, &days, date(today), &rules)
}

/// Levels 200, 400, 800, 1000, three days each. The caps of the days, the verdict, and the next sending day's cap.
fn check(days: &[DayFigures], today: u64, caps: &[u64], verdict: Verdict, next: u64) -> Status {
    let plan = plan(1000, 1000);
    let status = of(Some(&plan), days, today);
    let found: Vec<u64> = status.days.iter().map(|d| d.level.unwrap().1).collect();
    assert_eq!(found, caps, "{status:#?}");
    assert_eq!(status.verdict, verdict, "{status:#?}");
    let level = status.level.unwrap();
    assert_eq!(plan.levels[level].level.cap, next, "{status:#?}");
    status
}

#[test]
fn good_days_lead_up() {
    let all = [
        day(1, 200),
        day(2, 190),
        day(3, 200),
        day(4, 400),
        day(5, 390),
        day(6, 300),
        day(7, 800),
    ];
    let status = check(&all[..2], 3, &[200, 200], Verdict::GoOn, 200);
    assert_eq!(status.why, ["level 1, 200 a day: 2 of 3 sending days"]);
    let status = check(&all[..3], 4, &[200; 3], Verdict::GoOn, 400);
    assert_eq!(
        status.why,
        ["level 2, 400 a day, from the next sending day on"]
    );
    check(
        &all,
        8,
        &[200, 200, 200, 400, 400, 400, 800],
        Verdict::GoOn,
        800,
    );
}

#[test]
fn days_without_traffic_do_not_count() {
    let days = [day(1, 200), day(2, 0), day(3, 0), day(4, 200), day(9, 200)];
    check(&days, 10, &[200; 3], Verdict::GoOn, 400);
}

#[test]
fn days_before_the_plan_do_not_count() {
    let mut early = day(1, 5000);
    early.date = "2026-11-23".parse().unwrap();
    check(&[early, day(1, 200)], 2, &[200], Verdict::GoOn, 200);
}

#[test]
fn a_day_that_is_held_does_not_count() {
    // 7 of 200 are 3.5 %; 6 of 200 are 3 %, and not more.
    let days = [day(1, 200).bounced(6), day(2, 200).bounced(7), day(3, 200)];
    let status = check(&days, 4, &[200; 3], Verdict::GoOn, 200);
    assert_eq!(status.held, 2);
    let status = check(&days[..2], 3, &[200; 2], Verdict::Hold, 200);
    assert_eq!(
        status.why,
        ["2026-11-25: 3.5% bounced (7 of 200), more than 3%"]
    );
    // 21 of 200 are 10.5 %.
    check(
        &[day(1, 200).bounced(21)],
        2,
        &[200],
        Verdict::StepBack,
        200,
    );
}

#[test]
fn a_block_steps_back_by_a_level() {
    let mut days: Vec<DayFigures> = (1..=3).map(|n| day(n, 200)).collect();
    // 2 of 400 are 0.5 %, and not more; 3 are 0.75 %.
    days.push(day(4, 400).blocked(2));
    check(&days, 5, &[200, 200, 200, 400], Verdict::GoOn, 400);
    days.push(day(5, 400).blocked(3));
    let status = check(&days, 6, &[200, 200, 200, 400, 400], Verdict::StepBack, 200);
    assert_eq!(
        status.why,
        ["2026-11-28: 0.8% blocked (3 of 400), more than 0.5%"]
    );
    // And then it needs three good days once more.
    days.extend([day(6, 200), day(7, 200), day(8, 200), day(9, 400)]);
    check(
        &days,
        10,
        &[200, 200, 200, 400, 400, 200, 200, 200, 400],
        Verdict::GoOn,
        400,
    );
    let lowest = check(&[day(1, 200).blocked(2)], 2, &[200], Verdict::StepBack, 200);
    assert!(lowest.why[1].starts_with("there is no lower level"));
}

#[test]
fn rate_limits_that_rise_hold() {
    // 1.5 %, then 2 %: a third more. 1.5 % again is no rise, and neither is 1 %.
    let days = [
        day(1, 200).rate_limited(3),
        day(2, 200).rate_limited(4),
        day(3, 200).rate_limited(3),
        day(4, 200).rate_limited(2),
    ];
    check(&days[..1], 2, &[200], Verdict::GoOn, 200);
    let status = check(&days[..2], 3, &[200; 2], Verdict::Hold, 200);
    assert_eq!(
        status.why,
        ["2026-11-25: 2.0% rate-limited (4 of 200), and 1.5% on the sending day before"]
    );
    check(&days, 5, &[200; 4], Verdict::GoOn, 400);
    // Above a quarter, without any day before.
    check(
        &[day(1, 200).rate_limited(51)],
        2,
        &[200],
        Verdict::StepBack,
        200,
    );
}

/// Expected: the lower end of the Wilson interval, by hand. 5 of 49: 4.4 %; 1 of 40: 0.44 %; 1 of 30: 0.59 %.
#[test]
fn few_attempts_are_judged_by_what_is_beyond_chance() {
    let check = |day: DayFigures, verdict, why: &str| {
        let status = of(Some(&plan(40, 40)), &[day], 2);
        assert_eq!(status.verdict, verdict, "{status:#?}");
        let why = format!("2026-11-24: {why}");
        assert!(status.why.contains(&why), "{status:#?}");
    };
    let all = "100.0% blocked (40 of 40), more than 0.5%";
    check(day(1, 40).blocked(40), Verdict::StepBack, all);
    check(
        day(1, 1).blocked(1),
        Verdict::StepBack,
        "100.0% blocked (1 of 1), more than 0.5%",
    );
    check(
        day(1, 30).blocked(1),
        Verdict::StepBack,
        "3.3% blocked (1 of 30), more than 0.5%",
    );
    // It may be chance: the day proves nothing.
    check(
        day(1, 40).blocked(1),
        Verdict::Hold,
        "2.5% blocked (1 of 40), more than 0.5%",
    );
    check(
        day(1, 49).bounced(5),
        Verdict::Hold,
        "10.2% bounced (5 of 49), more than 3%",
    );
    check(
        day(1, 40).bounced(12),
        Verdict::StepBack,
        "30.0% bounced (12 of 40), more than 10%",
    );
    check(
        day(1, 1).bounced(1),
        Verdict::Hold,
        "100.0% bounced (1 of 1), more than 3%",
    );
}
