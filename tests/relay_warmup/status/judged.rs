//! Days that are counted by hand, and what follows from them.

use std::fs;

use serde_json::{Value, json};

use super::image::Image;

fn numbers(day: &Value) -> Vec<u64> {
    let fields = [
        "day",
        "cap",
        "volume",
        "sent",
        "deferred",
        "bounced",
        "blocked",
        "rate_limited",
    ];
    fields.map(|field| day[field].as_u64().unwrap()).into()
}

#[test]
fn a_warm_up_that_goes_well() {
    let mut image = Image::new();
    // The day before the plan does not count; neither does the one without traffic.
    image.day(7, 5, 0, 0, 0);
    image.day(6, 195, 3, 1, 1).day(5, 200, 0, 0, 0);
    image
        .day(3, 180, 2, 0, 0)
        .day(2, 390, 4, 0, 0)
        .day(1, 400, 0, 0, 0);
    image.day(0, 10, 0, 0, 0);
    image.write();
    image.plan(6);
    let status = image.json(&["aol-c"], 0);
    let days: Vec<Vec<u64>> = status["days"]
        .as_array()
        .unwrap()
        .iter()
        .map(numbers)
        .collect();
    assert_eq!(
        days,
        [
            [1, 200, 200, 195, 1, 4, 1, 1],
            [2, 200, 200, 200, 0, 0, 0, 0],
            [3, 200, 182, 180, 0, 2, 0, 0],
            [4, 400, 394, 390, 0, 4, 0, 0],
            [5, 400, 400, 400, 0, 0, 0, 0],
            [6, 400, 10, 10, 0, 0, 0, 0],
        ]
    );
    let dates: Vec<&str> = status["days"]
        .as_array()
        .unwrap()
        .iter()
        .map(|day| day["date"].as_str().unwrap())
        .collect();
    let expected: Vec<String> = [6, 5, 3, 2, 1, 0]
        .map(|ago| image.date(ago).to_string())
        .into();
    assert_eq!(dates, expected);
    assert_eq!(status["days"][5]["complete"], false);
    assert_eq!(
        status["days"][0]["codes"],
        serde_json::json!([
            {"code": "S3150", "count": 1}, {"code": "TSS04", "count": 1}
        ])
    );
    assert_eq!(status["verdict"], "go on");
    assert_eq!((&status["level"], &status["cap"]), (&2.into(), &400.into()));
    assert_eq!(status["days_at_level"], 2);
    // Nothing of the plan was applied.
    assert_eq!(status["in_force"], false);
    assert_eq!(
        status["to_apply"][0],
        "postconf -c /etc/postfix-aol-c -e 'smtp_transport_rate_delay = 216s'"
    );
    image.check(
        0,
        "OK: postfix-aol-c: go on (level 2, 400 a day: 2 of 3 sending days)",
        400,
        10,
        ["0", "0", "0"],
    );
    assert_eq!(image.ok(&["status", "--check", "-q"], 0), "");
    // Once the settings are in main.cf, there is nothing to be applied.
    let main_cf = image.path("etc/postfix-aol-c/main.cf");
    let text = fs::read_to_string(&main_cf).unwrap();
    let more = "smtp_transport_rate_delay = 216s\nsmtp_destination_recipient_limit = 2\n";
    fs::write(&main_cf, text + more).unwrap();
    let status = image.json(&[], 0);
    assert_eq!(status["in_force"], true);
    assert_eq!(status["to_apply"], serde_json::json!([]));
}

/// What relay-limit's journal says was paused, if only for an hour, does not count for its level.
#[test]
fn a_day_with_a_pause_does_not_count() {
    let mut image = Image::new();
    image.day(6, 200, 0, 0, 0).day(5, 200, 0, 0, 0);
    image
        .day(3, 200, 0, 0, 0)
        .day(2, 390, 0, 0, 0)
        .day(1, 400, 0, 0, 0);
    image.write();
    image.plan(6);
    let journal = image.path("var/lib/relay-tools/limits/journal.jsonl");
    fs::create_dir_all(journal.parent().unwrap()).unwrap();
    for (ago, counted) in [(None, 2), (Some(2), 1), (Some(1), 1)] {
        let lines = ago.map_or_else(String::new, |ago| {
            let time = |hour| image.date(ago).and_hms_opt(hour, 0, 0).unwrap().and_utc();
            let (begun, ended) = (time(10).timestamp(), time(11).timestamp());
            let begin = json!({
                "id": "c", "instance": "postfix-aol-c", "config_directory": "/etc/postfix-aol-c", "begun": begun,
                "until": ended, "by": "ada", "command": "relay-limit pause aol-c --for 1h", "reason": null,
                "hold": {"pause": {"scope": "all", "provider": null, "text": "paused by relay-limit", "flush": false}},
            });
            let begin = json!({"at": begun, "begin": begin});
            let end = json!({"at": ended, "end": {"id": "c", "how": "due", "by": "cron"}});
            format!("{begin}\n{end}\n")
        });
        fs::write(&journal, lines).unwrap();
        let status = image.json(&["aol-c"], 0);
        assert_eq!(status["verdict"], "go on", "{ago:?}");
        assert_eq!(status["days_at_level"], counted, "{ago:?}: {status}");
        let days = status["days"].as_array().unwrap().iter();
        let paused = days.filter(|day| day["paused"] == true);
        let paused: Vec<String> = paused
            .map(|day| day["date"].as_str().unwrap().to_owned())
            .collect();
        let expected: Vec<String> = ago.iter().map(|ago| image.date(*ago).to_string()).collect();
        assert_eq!(paused, expected);
    }
}

#[test]
fn blocks_step_back() {
    let mut image = Image::new();
    image
        .day(4, 200, 0, 0, 0)
        .day(3, 200, 0, 0, 0)
        .day(2, 200, 0, 0, 0);
    // 3 of 400.
    image.day(1, 397, 0, 3, 0);
    image.write();
    image.plan(4);
    let why = format!("{}: 0.8% blocked (3 of 400), more than 0.5%", image.date(1));
    image.check(
        2,
        &format!("CRITICAL: postfix-aol-c: step back ({why})"),
        200,
        400,
        ["0", "0.75", "0.75"],
    );
    let table = image.ok(&["status"], 0);
    assert!(
        table.starts_with(&format!("postfix-aol-c: STEP BACK\n  {why}\n\n")),
        "{table}"
    );
    let row = table.lines().find(|line| line.starts_with("  4")).unwrap();
    let words: Vec<&str> = row.split_whitespace().collect();
    let date = image.date(1).to_string();
    assert_eq!(
        words,
        [
            "4", &date, "400", "400", "100.0%", "0.0%", "0.8%", "0.8%", "0.0%", "S3150", "3"
        ]
    );
    assert!(table.contains("\nto keep to 200 a day:\n  postconf -c /etc/postfix-aol-c -e 'smtp_transport_rate_delay = \
        432s'\n"), "{table}");
    assert!(
        table.contains(
            "\nthe zone, for the same days:\n  aol.smtp.example.org. 600 IN A 192.0.2.41\n"
        ),
        "{table}"
    );
    // The site bears with more.
    let rules = image.path("etc/relay-tools/warmup.toml");
    fs::create_dir_all(rules.parent().unwrap()).unwrap();
    fs::write(&rules, "blocked = { hold = 0.6, step_back = 2 }\n").unwrap();
    assert_eq!(image.json(&[], 0)["verdict"], "hold");
    fs::write(&rules, "blocked = { hold = 1, step_back = 2 }\n").unwrap();
    assert_eq!(image.json(&[], 0)["verdict"], "go on");
    fs::write(&rules, "blocked = { hold = many }\n").unwrap();
    image.ok(&["status"], 2);
    let line = image.ok(&["status", "--check"], 3);
    assert!(
        line.contains("etc/relay-tools/warmup.toml, line 1: "),
        "{line}"
    );
}

#[test]
fn an_address_that_is_always_blocked_is_never_warm() {
    let mut image = Image::new();
    for ago in 1..=9 {
        image.day(ago, 0, 0, 40, 0);
    }
    image.write();
    image.plan_of("40/day", 9, &[]);
    let why = format!(
        "{}: 100.0% blocked (40 of 40), more than 0.5%",
        image.date(1)
    );
    let line = image.ok(&["status", "--check"], 2);
    let begin = format!("CRITICAL: postfix-aol-c: step back ({why}");
    assert!(line.starts_with(&begin), "{line}");
    let table = image.ok(&["status"], 0);
    assert!(table.starts_with("postfix-aol-c: STEP BACK\n"), "{table}");
    assert!(!table.contains("is warm"), "{table}");
}

#[test]
fn a_warm_address_is_not_held_to_anything() {
    let mut image = Image::new();
    for ago in 1..=3 {
        image.day(ago, 40, 0, 0, 0);
    }
    image.write();
    image.plan_of("40/day", 3, &[]);
    let table = image.ok(&["status"], 0);
    assert!(table.contains("its limits can be removed"), "{table}");
    assert!(!table.contains("to hold to"), "{table}");
}

#[test]
fn bounces_and_rate_limits_hold() {
    let mut image = Image::new();
    // 8 of 200 are 4 %.
    image.day(2, 192, 8, 0, 0);
    image.write();
    image.plan(2);
    let status = image.json(&[], 0);
    assert_eq!(status["verdict"], "hold");
    let why = format!("{}: 4.0% bounced (8 of 200), more than 3%", image.date(2));
    assert_eq!(status["why"], serde_json::json!([why]));
    image.ok(&["status", "--check"], 1);
    // The next day is better, but for 6 of 200 that were told to be slower, of whom there were none before.
    image.day(1, 194, 0, 0, 6).write();
    let status = image.json(&[], 0);
    assert_eq!(status["verdict"], "hold");
    let why = format!(
        "{}: 3.0% rate-limited (6 of 200), and 0.0% on the sending day before",
        image.date(1)
    );
    assert_eq!(status["why"], serde_json::json!([why]));
    assert_eq!(status["days_at_level"], 0);
    assert_eq!(
        status["days"][1]["codes"],
        serde_json::json!([{"code": "TSS04", "count": 6}])
    );
}

#[test]
fn idle_for_more_than_a_month() {
    let mut image = Image::new();
    for ago in [40, 39, 38, 31] {
        image.day(ago, 200, 0, 0, 0);
    }
    image.write();
    image.plan(40);
    image.check(
        1,
        "WARNING: postfix-aol-c: restart (nothing was sent for 31 days, more than 30)",
        200,
        200,
        ["0", "0", "0"],
    );
    // An instance without a plan, and without a delivery since the log began.
    let main_cf = fs::read_to_string(image.path("etc/postfix-aol-c/main.cf")).unwrap();
    let main_cf = main_cf.replace("aol-c", "aol-d").replace("2.44", "2.45");
    fs::create_dir(image.path("etc/postfix-aol-d")).unwrap();
    fs::write(image.path("etc/postfix-aol-d/main.cf"), main_cf).unwrap();
    let status = image.json(&["aol-d"], 0);
    assert_eq!(
        (&status["verdict"], &status["cap"]),
        (&"restart".into(), &Value::Null)
    );
    // One that sends every day, without a plan.
    let status = image.json(&["aol-a"], 0);
    assert_eq!(
        (&status["verdict"], &status["cap"]),
        (&"go on".into(), &Value::Null)
    );
}
