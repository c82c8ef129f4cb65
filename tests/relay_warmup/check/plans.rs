//! How plans are kept, and which cannot be made.

use super::*;

#[test]
fn plans_are_kept_and_not_overwritten() {
    let host = host_or_skip!();
    host.instance("postfix-aol-a")
        .address([192, 0, 2, 41].into())
        .create();
    let file = "/var/lib/relay-tools/warmup/postfix-aol-a.json";
    let plan = |args: &[&str]| {
        tool(&host)
            .args(["plan", "192.0.2.41", "--old", "192.0.2.9"])
            .args(args)
            .run()
    };
    let ran = plan(&["--volume", "1000/day", "--dry-run"]).ok();
    assert!(ran.text().contains("not saved: --dry-run"), "{ran}");
    host.sh(&format!("test ! -e {file}"));
    assert_eq!(tool(&host).arg("list").run().ok().text().lines().count(), 1);
    let none = tool(&host).args(["show", "aol-a"]).run().exit(2);
    assert!(
        none.errors()
            .contains("no plan is saved for aol-a; there are no saved plans"),
        "{none}"
    );
    let none = tool(&host).args(["status", "--check"]).run().exit(3);
    assert_eq!(none.text(), "UNKNOWN: no plan is saved on this host\n");

    let ran = plan(&["--volume", "1000", "--start", "2026-11-24"]).ok();
    assert!(ran.text().contains(&format!("saved: {file}")), "{ran}");
    let saved = host.read(file);
    let again = plan(&["--volume", "9999"]).exit(2);
    assert_eq!(again.text(), "");
    assert!(
        again
            .errors()
            .contains(&format!("a plan is already saved: {file}")),
        "{again}"
    );
    assert!(again.errors().contains("--replace"), "{again}");
    assert_eq!(host.read(file), saved);
    plan(&["--volume", "9999", "--dry-run"]).ok();
    assert_eq!(host.read(file), saved);

    let told = |args: &[&str]| {
        let ran = plan(&[&["--volume", "1000", "-n"], args].concat());
        ran.ok().errors()
    };
    let past = told(&["--start", "2020-01-01"]);
    let said = "--start 2020-01-01 is in the past: the days since then count as they were, whatever limited them";
    assert!(past.contains(said), "{past}");
    let many = told(&["--clients", "201"]);
    let said = "--clients 201: with one recipient a day from each, more arrives than the 200 that may leave on the \
                first days; the rest waits";
    assert!(many.contains(said), "{many}");
    let few = told(&["--clients", "200", "--start", "2099-01-01"]);
    assert!(
        !few.contains("--clients") && !few.contains("--start"),
        "{few}"
    );

    // What is shown is what was saved.
    let shown = tool(&host)
        .args(["show", "aol-a", "--format", "json"])
        .run()
        .ok();
    assert_eq!(shown.stdout, saved);
    let text = tool(&host)
        .args(["show", "aol-a", "--day", "5", "--format", "text"])
        .run()
        .ok()
        .text();
    assert!(
        text.starts_with("# postfix-aol-a: sending days 4-6, 400 a day at most\n"),
        "{text}"
    );
    assert!(
        text.contains("-e 'smtp_transport_rate_delay = 216s'"),
        "{text}"
    );
    // 200, 400 and 800 for three sending days each, then 1000; a row a day, or a level.
    let rows = |by: &[&str]| -> Vec<[String; 3]> {
        let text = tool(&host).args(["show", "aol-a"]).args(by).run().ok();
        let text = text.text();
        let table = text.split("\n\n").nth(1).unwrap();
        let row = |line: &str| {
            let mut words = line.split_whitespace().map(str::to_owned);
            std::array::from_fn(|_| words.next().unwrap())
        };
        table.lines().skip(1).map(row).collect()
    };
    let by_day = rows(&[]);
    assert_eq!(by_day.len(), 10, "{by_day:?}");
    assert_eq!(by_day[0], ["1", "2026-11-24", "200"]);
    assert_eq!(by_day[2], ["3", "2026-11-26", "200"]);
    assert_eq!(by_day[3], ["4", "2026-11-27", "400"]);
    assert_eq!(by_day[9], ["10-", "2026-12-03", "1000"]);
    assert_eq!(
        rows(&["--by", "level"]),
        [
            ["1-3", "2026-11-24", "200"],
            ["4-6", "2026-11-27", "400"],
            ["7-9", "2026-11-30", "800"],
            ["10-", "2026-12-03", "1000"]
        ]
    );
    let json: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(json["days"].as_array().unwrap().len(), 12);
    assert_eq!(
        json["days"][3],
        serde_json::json!({"day": 4, "earliest": "2026-11-27", "level": 2, "cap": 400})
    );
    let list = tool(&host).arg("list").run().ok().text();
    let row: Vec<&str> = list.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(
        row[..7],
        [
            "postfix-aol-a",
            "192.0.2.41",
            "2026-11-24",
            "1000",
            "doubling",
            "4",
            "9"
        ]
    );

    plan(&["--volume", "9999", "--replace"]).ok();
    assert_ne!(host.read(file), saved);
    host.write(file, &saved[..100]);
    let damaged = tool(&host).args(["show", "aol-a"]).run().exit(2);
    assert!(
        damaged
            .errors()
            .contains("not a plan of schema relay-tools/warmup-plan/1"),
        "{damaged}"
    );
    let damaged = tool(&host).arg("list").run().exit(1);
    assert!(
        damaged.errors().contains("not a plan of schema"),
        "{damaged}"
    );
}

#[test]
fn plans_that_cannot_be_made() {
    let host = host_or_skip!();
    host.instance("postfix-aol-a").create();
    host.instance("postfix-aol-b").create();
    host.write("/etc/steep.toml", "levels = [100, 5000]\n");
    host.write("/etc/odd.toml", "levels = [100\n");
    let check = |args: &[&str], expected: &str| {
        let ran = tool(&host)
            .args(["plan", "--old", "192.0.2.9"])
            .args(args)
            .run()
            .exit(2);
        assert_eq!(ran.text(), "");
        assert!(ran.errors().contains(expected), "{ran}");
        // A path stands there once.
        for path in args.iter().filter(|arg| arg.starts_with('/')) {
            assert_eq!(ran.errors().matches(path).count(), 1, "{ran}");
        }
    };
    check(&["aol-x", "--volume", "9"], "postfix-aol-a, postfix-aol-b");
    check(
        &["aol-*", "--volume", "9"],
        "names several instances: postfix-aol-a, postfix-aol-b",
    );
    check(&["aol-a"], "--volume");
    check(&["aol-a", "--volume", "0/day"], "5000/day");
    check(&["aol-a", "--volume", "9/week"], "5000/day");
    check(
        &["aol-a", "--volume", "9", "--start", "2026-02-30"],
        "not a day: '2026-02-30'",
    );
    let by_schedule = |file: &str, more: &[&str], expected: &str| {
        let words = ["aol-a", "--volume", "9000", "--schedule", file];
        check(&[&words[..], more].concat(), expected);
    };
    by_schedule("/etc/none", &[], "cannot read the schedule: /etc/none");
    by_schedule(
        "/etc/steep.toml",
        &[],
        "the step from 100 to 5000 a day is too large: at most 200 is allowed",
    );
    by_schedule("/etc/odd.toml", &[], "/etc/odd.toml, line");
    by_schedule(
        "/etc/steep.toml",
        &["--first", "7"],
        "--first cannot be used with /etc/steep.toml",
    );
    // One percent at a time, where the hint helps.
    host.write("/etc/slow.toml", "first = 1\ngrow = [{ percent = 1 }]\n");
    by_schedule("/etc/slow.toml", &[], "it needs more than 500 steps");
    by_schedule("/etc/slow.toml", &[], "--first N/day begins with more;");
    let words = [
        "plan",
        "aol-a",
        "--old",
        "192.0.2.9",
        "-n",
        "--volume",
        "9000",
    ];
    let more = ["--schedule", "/etc/slow.toml", "--first", "5000/day"];
    tool(&host).args(words).args(more).run().ok();
    host.sh("test ! -e /var/lib/relay-tools/warmup");
    // Who may not write is told so, and nothing is shown as if it were saved.
    host.sh(&format!("install -m 755 {TOOL} /run/relay-warmup"));
    let ran = host
        .command("/run/relay-warmup")
        .args(["plan", "aol-a", "--volume", "9", "--old", "192.0.2.9"])
        .user("nobody")
        .run()
        .exit(2);
    assert_eq!(ran.text(), "");
    assert!(ran.errors().contains("/var/lib/relay-tools"), "{ran}");
}
