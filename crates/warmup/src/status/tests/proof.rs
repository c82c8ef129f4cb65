//! What days prove, and what they do not.

use super::*;

#[test]
fn an_address_that_is_always_blocked_is_never_warm() {
    let days: Vec<DayFigures> = (1..=9).map(|n| day(n, 40).blocked(40)).collect();
    let status = of(Some(&plan(40, 40)), &days, 10);
    assert_eq!((status.verdict, status.is_warm), (Verdict::StepBack, false));
    // 49 of 49 double no cap.
    let days: Vec<DayFigures> = (1..=4).map(|n| day(n, 49).blocked(49)).collect();
    check(&days, 5, &[200; 4], Verdict::StepBack, 200);
}

#[test]
fn days_on_which_nothing_was_delivered_prove_nothing() {
    // Time-outs, and greylisting by a provider who never lets go.
    let deferred = |n, total| {
        let mut day = day(n, total);
        (day.sent, day.deferred) = (0, total);
        day
    };
    let days: Vec<DayFigures> = (1..=4).map(|n| deferred(n, 180)).collect();
    let status = check(&days, 5, &[200; 4], Verdict::Hold, 200);
    assert_eq!(
        status.why,
        [
            "2026-11-27: 100.0% deferred (180 of 180), more than 50%",
            "2026-11-27: nothing was delivered: the day proves nothing"
        ]
    );
    // Few messages that are tried again and again fill no cap.
    let mut busy = day(1, 190);
    (busy.sent, busy.deferred) = (120, 70);
    let days: Vec<DayFigures> = (1..=4)
        .map(|n| DayFigures {
            date: date(n),
            ..busy.clone()
        })
        .collect();
    let status = check(&days, 5, &[200; 4], Verdict::Hold, 200);
    let why =
        "2026-11-27: 120 delivered, less than 75% of 200: the day does not count for its level";
    assert_eq!(status.why, [why]);
    // Without a plan, too.
    assert_eq!(of(None, &[deferred(1, 7)], 2).verdict, Verdict::Hold);
}

#[test]
fn a_paused_day_neither_counts_nor_holds() {
    let paused = |n, total| DayFigures {
        paused: true,
        ..day(n, total)
    };
    // Full days but for the pause: the cap stays, and nothing is held against them.
    let days: Vec<DayFigures> = (1..=4).map(|n| paused(n, 190)).collect();
    let status = check(&days, 5, &[200; 4], Verdict::GoOn, 200);
    let why = "2026-11-27: paused by relay-limit: the day does not count for its level";
    assert_eq!(status.why[0], why);
    assert_eq!(status.held, 0);
    // Hardly anything was sent: no reason to hold either.
    check(&[paused(1, 3)], 2, &[200], Verdict::GoOn, 200);
    // A block on such a day is one.
    check(
        &[paused(1, 40).blocked(40)],
        2,
        &[200],
        Verdict::StepBack,
        200,
    );
}

#[test]
fn a_provider_who_always_asks_for_less_holds() {
    let days: Vec<DayFigures> = (1..=4).map(|n| day(n, 200).rate_limited(48)).collect();
    let status = check(&days, 5, &[200; 4], Verdict::Hold, 200);
    assert_eq!(
        status.why,
        ["2026-11-27: 24.0% rate-limited (48 of 200), more than 5%"]
    );
    let few: Vec<DayFigures> = (1..=4).map(|n| day(n, 40).rate_limited(10)).collect();
    assert_eq!(of(Some(&plan(40, 40)), &few, 5).verdict, Verdict::Hold);
}

#[test]
fn days_that_were_not_seen_are_no_verdict() {
    let rules = Rules::load(None).unwrap();
    let thousand = plan(1000, 1000);
    let of = |plan: Option<&Plan>, days: &[DayFigures], today| {
        let status = Status::of("postfix-aol-c", plan, days, date(today), &rules);
        (status.verdict, status.why.join("; "))
    };
    let missing = |which| {
        let why = format!(
            "{which} in no log and no record that could be read: what was sent then is not known"
        );
        (Verdict::Unknown, why)
    };
    // No history at all.
    assert_eq!(of(Some(&thousand), &[], 2), missing("2026-11-24 is"));
    assert_eq!(
        of(Some(&thousand), &[], 40),
        missing("30 days from 2026-12-03 to 2027-01-01 are")
    );
    assert_eq!(of(None, &[], 2).0, Verdict::Unknown);
    // Good days, and then none that is known.
    let good = [day(1, 200), day(2, 200)];
    assert_eq!(
        of(Some(&thousand), &good, 5),
        missing("2 days from 2026-11-26 to 2026-11-27 are")
    );
    assert_eq!(of(Some(&thousand), &good, 3).0, Verdict::GoOn);
    // Its lines are there, and none could be read.
    let unread = DayFigures {
        complete: false,
        unread: 41,
        ..day(2, 0)
    };
    assert_eq!(
        of(Some(&thousand), &[day(1, 200), unread.clone()], 3).1,
        "2026-11-25 is in the logs, but 41 delivery lines could not be read: what was sent then is not known"
    );
    assert_eq!(
        of(Some(&thousand), &[day(1, 200), unread], 4).1,
        "2 days from 2026-11-25 to 2026-11-26 are in no log and no record that could be read, or in 41 delivery lines \
         that could not: what was sent then is not known"
    );
    // What was seen and is bad stays bad.
    assert_eq!(
        of(Some(&thousand), &[day(1, 200).blocked(9)], 5).0,
        Verdict::StepBack
    );
    // Before the first day nothing has to be known.
    assert_eq!(of(Some(&thousand), &[], 1).0, Verdict::GoOn);
}

#[test]
fn more_than_the_cap_holds() {
    check(&[day(1, 220)], 2, &[200], Verdict::GoOn, 200);
    let status = check(&[day(1, 221)], 2, &[200], Verdict::Hold, 200);
    assert_eq!(
        status.why,
        ["2026-11-24: 221 attempts, but the cap is 200: is the rate limit applied?"]
    );
}

#[test]
fn a_level_that_nobody_used_is_not_left() {
    let mut days = vec![day(1, 149), day(2, 149), day(3, 149)];
    let status = check(&days, 4, &[200; 3], Verdict::Hold, 200);
    assert_eq!(
        status.why,
        ["2026-11-26: 149 delivered, less than 75% of 200: the day does not count for its level"]
    );
    days.extend([day(4, 150), day(5, 150), day(6, 150)]);
    check(&days, 7, &[200; 6], Verdict::GoOn, 400);
}

#[test]
fn today_is_judged_and_does_not_count() {
    let mut days = vec![day(1, 200), day(2, 200), day(3, 120).so_far()];
    let status = check(&days, 3, &[200; 3], Verdict::GoOn, 200);
    assert_eq!(status.held, 2);
    // Little so far is no little day.
    days[2] = day(3, 12).so_far();
    check(&days, 3, &[200; 3], Verdict::GoOn, 200);
    days[2] = day(3, 120).blocked(1).so_far();
    check(&days, 3, &[200; 3], Verdict::StepBack, 200);
    // Yesterday's block is not forgotten because this morning was quiet.
    let days = [day(1, 200).blocked(5), day(2, 60).so_far()];
    check(&days, 2, &[200; 2], Verdict::StepBack, 200);
}

#[test]
fn an_address_that_was_idle_is_warmed_again() {
    let mut days: Vec<DayFigures> = (1..=3).map(|n| day(n, 200)).collect();
    days.push(day(4, 400));
    // Day 4's cap was 400. Thirty days later it still is; then it is not.
    check(&days, 34, &[200, 200, 200, 400], Verdict::GoOn, 400);
    let status = check(&days, 35, &[200, 200, 200, 400], Verdict::WarmAgain, 200);
    assert_eq!(status.why, ["nothing was sent for 31 days, more than 30"]);
    // A gap in between leads back to the first level, too.
    days.push(day(35, 200));
    check(&days, 36, &[200, 200, 200, 400, 200], Verdict::GoOn, 200);
}

#[test]
fn the_volume_is_reached() {
    let caps = [200, 400, 800, 1000];
    let mut days: Vec<DayFigures> = (0..11).map(|n| day(n + 1, caps[n as usize / 3])).collect();
    let status = check(
        &days,
        12,
        &[200, 200, 200, 400, 400, 400, 800, 800, 800, 1000, 1000],
        Verdict::GoOn,
        1000,
    );
    assert_eq!(
        status.why,
        ["1000 a day, the last level: 2 of 3 sending days"]
    );
    days.push(day(12, 1000));
    let plan = plan(1000, 1000);
    let status = of(Some(&plan), &days, 13);
    assert!(status.is_warm);
    assert_eq!(
        status.why,
        ["the volume of 1000 a day is reached: the address is warm, and its limits can be removed"]
    );
}

#[test]
fn without_a_plan_and_without_days() {
    let plan = plan(1000, 1000);
    let check = |plan, days: &[DayFigures], today, verdict, why: &str| {
        let status = of(plan, days, today);
        assert_eq!(
            (status.verdict, status.why.join("; ").as_str()),
            (verdict, why)
        );
    };
    check(
        Some(&plan),
        &[],
        2,
        Verdict::GoOn,
        "no sending day yet since 2026-11-24",
    );
    check(
        Some(&plan),
        &[],
        40,
        Verdict::WarmAgain,
        "nothing was sent since 2026-11-24",
    );
    check(
        None,
        &[],
        2,
        Verdict::WarmAgain,
        "nothing was sent since 2026-11-24",
    );
    check(None, &[day(1, 200)], 2, Verdict::GoOn, "");
    check(
        None,
        &[day(1, 200).blocked(2)],
        2,
        Verdict::StepBack,
        "2026-11-24: 1.0% blocked (2 of 200), more than 0.5%",
    );
}
