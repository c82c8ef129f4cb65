//! What a plan says is let out, measured on a real Postfix whose clock runs faster: every level of three plans, with
//! deliveries that take from a twentieth of a second to ten.
//!
//! libfaketime speeds up the clock of all of the instance's processes; what the sink sees in a second is then so many
//! seconds' worth. A backlog is put into the queue, so that what leaves is what the settings let out, and nothing else
//! holds.

use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use testkit::{Answer, Host, Instance, Mail, Sink, host_or_skip};

use crate::TOOL;

/// Debian's libfaketime.
fn faketime() -> String {
    format!(
        "/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1",
        std::env::consts::ARCH
    )
}

/// Rounds of deliveries that are timed, from the second on: the first may begin in the middle of a tick.
const ROUNDS: usize = 4;

/// About as long as it is to be in truth from one to the next, and one of several at a time is to take: long enough for
/// what a real delivery costs to be little of it.
const REAL: f64 = 0.7;

/// What a measurement may be more than what is so: the clock's ticks at both ends.
const NOISE: f64 = 1.05;

/// The most that may leave after a day of `earlier`: README's schedule, doubling.
fn most_after(earlier: f64) -> f64 {
    let parts = [
        (50_000.0, 2.0),
        (100_000.0, 1.5),
        (250_000.0, 1.2),
        (f64::MAX, 1.1),
    ];
    let of = |(to, factor): (f64, f64)| (earlier * factor).min(to);
    parts.map(of).into_iter().fold(earlier, f64::max)
}

fn plan(host: &Host, args: &[&str]) -> Vec<Value> {
    let words = [
        "plan",
        "aol-a",
        "-n",
        "--old",
        "192.0.2.9",
        "--format",
        "json",
    ];
    let ran = host
        .command(TOOL)
        .env("TZ", "UTC")
        .args(words)
        .args(args)
        .run()
        .ok();
    let json: Value = serde_json::from_slice(&ran.stdout).unwrap();
    json["levels"].as_array().unwrap().clone()
}

/// Puts a level's settings in force, with a clock that runs `speed` times as fast.
fn apply(instance: &Instance, level: &Value, speed: f64) {
    instance.stop();
    for (name, value) in level["settings"].as_object().unwrap() {
        instance.set(name, value.as_str().unwrap());
    }
    let limit = level["processes"]
        .as_u64()
        .map_or("-".to_owned(), |n| n.to_string());
    let limit = format!("smtp/unix/process_limit={limit}");
    instance.command("postconf").args(["-F", &limit]).run().ok();
    instance.set(
        "import_environment",
        &format!(
            "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C LD_PRELOAD={} {{ FAKETIME = +0 x{speed} }}",
            faketime()
        ),
    );
    instance.start();
}

/// Messages a day that leave, of a backlog.
fn outflow(instance: &Instance, sink: &Sink, at_a_time: usize, speed: f64) -> f64 {
    sink.clear();
    // So many, that there is one more waiting at any time.
    let timed = ROUNDS * at_a_time;
    let all = timed + at_a_time * 3;
    for n in 0..all {
        instance.sendmail(&Mail::new("news@example.org", &format!("u{n}@aol.example")));
    }
    instance.wait_until(testkit::PATIENCE, "deliveries to be timed", || {
        sink.accepted() > timed + at_a_time
    });
    let mut times: Vec<SystemTime> = sink
        .deliveries()
        .iter()
        .map(|delivery| delivery.when)
        .collect();
    times.sort();
    let (first, last) = (times[at_a_time], times[at_a_time + timed]);
    let took = last.duration_since(first).unwrap().as_secs_f64() * speed;
    instance.command("postsuper").args(["-d", "ALL"]).run();
    86_400.0 * timed as f64 / took
}

/// How often a level is measured where too little leaves: what the machine itself takes is speeded up, too.
const TRIES: usize = 3;

fn every_level_lets_out_what_its_plan_says(volume: &str, took: f64) {
    let host = host_or_skip!();
    let library = faketime();
    assert!(
        Path::new(&library).exists(),
        "no {library}: it is in Debian's package libfaketime (tests/run --install)"
    );
    let sink = host.sink();
    let a = host.instance("postfix-aol-a").relay_to(&sink).start();
    let delivery_time = took.to_string();
    let words = ["--volume", volume, "--delivery-time", &delivery_time];
    let levels = plan(&host, &words);
    assert!(levels.len() > 6, "{volume}");
    let mut before: Option<(f64, f64)> = None;
    for level in &levels {
        let number = |field: &str| level[field].as_f64().unwrap_or(0.0);
        let at_a_time = level["processes"].as_u64().unwrap_or(1);
        let speed = ((number("rate_delay") + took) / REAL)
            .clamp(1.0, 400.0)
            .round();
        apply(&a, level, speed);
        sink.on_data(move |_| Answer::ok().after(Duration::from_secs_f64(took / speed)));
        let (lets_out, at_most) = (number("lets_out"), number("lets_out_at_most"));
        let mut found = 0.0f64;
        for _ in 0..TRIES {
            found = found.max(outflow(
                &a,
                &sink,
                usize::try_from(at_a_time).unwrap(),
                speed,
            ));
            if found >= lets_out * 0.95 {
                break;
            }
        }
        assert!(found >= lets_out * 0.9, "{level}: {found}");
        assert!(found <= at_most * NOISE, "{level}: {found}");
        let taken = number("intake") * 86_400.0 / number("intake_seconds").max(1.0);
        assert!(taken <= found * 1.1, "{level}: {found}");
        // With a backlog, more may leave than is taken; in the long run it may not.
        let (may, leaves) = match level["held_by"].as_str() {
            Some("intake") => (lets_out, found.min(taken)),
            _ => (at_most, found),
        };
        assert!(may.max(leaves) <= number("cap") * NOISE, "{level}: {found}");
        if let Some((cap, earlier)) = before {
            let most = most_after(earlier).max(earlier * number("cap") / cap);
            assert!(
                leaves <= most * NOISE,
                "{level}: {earlier} and then {leaves}"
            );
        }
        // Too little may be the machine's fault.
        before = Some((number("cap"), leaves.max(lets_out)));
    }
}

#[test]
fn deliveries_of_a_twentieth_of_a_second() {
    every_level_lets_out_what_its_plan_says("50000", 0.05);
}

#[test]
fn deliveries_of_a_second() {
    every_level_lets_out_what_its_plan_says("20000", 1.0);
}

#[test]
fn deliveries_of_ten_seconds() {
    // Up to steps of a fifth.
    every_level_lets_out_what_its_plan_says("144000", 10.0);
}
