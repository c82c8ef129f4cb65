//! What Prometheus gets: the tools' text and the rules, judged by Prometheus's own programs.

mod daemons;
mod end_to_end;

use std::collections::BTreeSet;
use std::process::Command;

use testkit::host_or_skip;
use testkit::prometheus::{is_there, promtool};
use testkit::tools::run;

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/dist/prometheus");

/// What mailq-distribution prints.
fn mailq(args: &[&str]) -> String {
    let ran = run("mailq-distribution", args);
    // What does not belong into a queue of the bundled host is told.
    assert!(matches!(ran.status, Some(0 | 1)), "{args:?}");
    ran.out
}

/// Every kind of Prometheus text that the tools have.
fn all_texts() -> Vec<String> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/rustin");
    let empty = tempfile::tempdir().unwrap();
    let log = empty.path().join("mail.log");
    std::fs::write(&log, "").unwrap();
    let log = log.to_str().unwrap();
    let state = empty.path().join("state");
    let other = empty.path().join("other");
    let stats = |args: &[&str]| {
        testkit::tools::stats([&["--format", "prom"], args].concat())
            .ended(0)
            .out
    };
    let follow = |state: &std::path::Path, args: &[&str]| {
        stats(&[&["--follow-state", state.to_str().unwrap()], args].concat())
    };
    vec![
        stats(&["--root", root]),
        stats(&["--root", root, "--by", "provider,reason", "--top", "3"]),
        stats(&["--root", root, "--count", "recipients", "--by", "provider"]),
        stats(&["--root", root, "--date", "2026-09-19", "--by", "reason"]),
        stats(&["--root", root, "--filtered"]),
        stats(&["--log", log]),
        follow(&state, &["--root", root]),
        follow(&state, &["--root", root]),
        follow(&other, &["--log", log]),
        mailq(&["--root", root, "--format", "prom"]),
        mailq(&["--root", root, "--format", "prom", "--counts-only"]),
        mailq(&[
            "--root",
            root,
            "--format",
            "prom",
            "--by",
            "provider,age",
            "--top",
            "2",
        ]),
        mailq(&["--root", root, "--format", "prom", "aol-b"]),
    ]
}

#[test]
fn promtool_has_nothing_to_say_about_any_text_of_the_tools() {
    for text in all_texts() {
        promtool(&text);
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            // No time behind the value: it would be that of the scrape, hours ago.
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert!(name.ends_with('}') || !name.contains(' '), "{line}");
        }
    }
}

#[test]
fn labels_are_bounded() {
    let allowed = [
        "postfix_instance",
        "status",
        "reason",
        "provider",
        "part",
        "stat",
        "queue",
        "age",
        "le",
        "level",
        "by",
        "severity",
    ];
    let label = regex::Regex::new(r#"[{,]([a-z_]+)=""#).unwrap();
    let mut found = BTreeSet::new();
    for text in all_texts() {
        found.extend(label.captures_iter(&text).map(|c| c[1].to_owned()));
    }
    assert!(found.contains("reason") && found.contains("queue"));
    let other: Vec<_> = found
        .iter()
        .filter(|l| !allowed.contains(&l.as_str()))
        .collect();
    assert!(other.is_empty(), "{other:?}");
}

fn promtool_on_rules(args: &[&str]) {
    if !is_there("promtool", "prometheus") {
        return;
    }
    let out = Command::new("promtool")
        .args(args)
        .current_dir(RULES)
        .output()
        .unwrap();
    let told = String::from_utf8([out.stdout, out.stderr].concat()).unwrap();
    assert!(out.status.success() && told.contains("SUCCESS"), "{told}");
}

#[test]
fn the_rules_are_well_formed() {
    promtool_on_rules(&[
        "check",
        "rules",
        "--lint=all",
        "--lint-fatal",
        "relay-tools.rules.yml",
    ]);
}

#[test]
fn the_rules_say_what_they_should() {
    promtool_on_rules(&["test", "rules", "relay-tools.test.yml"]);
}

/// One set of limits for the daily report, `--check` and the alerts.
#[test]
fn the_rules_limits_are_those_of_judge_toml() {
    let rules = std::fs::read_to_string(format!("{RULES}/relay-tools.rules.yml")).unwrap();
    let judge = figures::judge::Rules::load(None).unwrap();
    for (kind, limits) in [
        ("blocked", judge.blocked),
        ("bounced", judge.bounced),
        ("deferred", judge.deferred),
    ] {
        let (warning, critical) = (limits.warning / 100.0, limits.critical / 100.0);
        let share = format!("and postfix_instance:relay_mail_{kind}:at_least1h >");
        for limits in [format!("{warning} <= {critical}"), critical.to_string()] {
            let expected = format!("{share} {limits}\n");
            assert!(rules.contains(&expected), "{expected}");
        }
    }
}

#[test]
fn the_rules_ask_for_metrics_that_there_are() {
    let rules = std::fs::read_to_string(format!("{RULES}/relay-tools.rules.yml")).unwrap();
    let mut texts = all_texts().concat();
    // What stops mail can be seen on the host itself alone, not in an image of it.
    let host = host_or_skip!();
    host.instance("postfix-aol-a").start();
    let mailq = testkit::tools::path("mailq-distribution");
    texts += &host
        .command(mailq)
        .args(["--format", "prom", "aol-a"])
        .run()
        .ok()
        .text();
    let rules = rules
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let metric = regex::Regex::new(r"(?:^|[^:/\w])(relay_\w+)").unwrap();
    let mut asked = BTreeSet::new();
    for line in rules {
        asked.extend(metric.captures_iter(line).map(|c| c[1].to_owned()));
    }
    // Names of files are none.
    asked.retain(|name| !name.ends_with("mailq"));
    assert!(asked.len() >= 8, "{asked:?}");
    for name in asked {
        assert!(texts.contains(&format!("# TYPE {name} ")), "{name}");
    }
}
