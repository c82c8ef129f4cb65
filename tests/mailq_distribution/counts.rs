//! mailq-distribution on small hosts whose mail was counted by hand.

use crate::image::{Image, image};
use serde_json::{Value, json};

const TEXT: &str = "\
postfix-aol-b:maildrop:0
postfix-aol-b:incoming:1
postfix-aol-b:active:1
postfix-aol-b:deferred:10
postfix-aol-b:hold:2
postfix-aol-b:corrupt:1
postfix-aol-b:total:15
postfix-aol-a:maildrop:0
postfix-aol-a:incoming:0
postfix-aol-a:active:0
postfix-aol-a:deferred:10
postfix-aol-a:hold:2
postfix-aol-a:corrupt:0
postfix-aol-a:total:12
postfix-msn-a:maildrop:4
postfix-msn-a:incoming:0
postfix-msn-a:active:0
postfix-msn-a:deferred:1
postfix-msn-a:hold:0
postfix-msn-a:corrupt:0
postfix-msn-a:total:5
";

#[test]
fn every_queue_is_counted_with_and_without_reading() {
    let image = image();
    for flags in [
        &["--format", "text"][..],
        &["--format", "text", "--counts-only"],
    ] {
        let ran = image.run(flags).ended(0);
        assert_eq!(
            (ran.out.as_str(), ran.err.as_str()),
            (TEXT, ""),
            "{flags:?}"
        );
    }
}

#[test]
fn the_fullest_instance_comes_first_and_the_total_last() {
    let ran = image().run(["--counts-only"]).ended(0);
    assert_eq!(
        ran.out,
        "\
instance       maildrop  incoming  active  deferred  hold  corrupt  total  share
postfix-aol-b         0         1       1        10     2        1     15   46.9% #####
postfix-aol-a         0         0       0        10     2        0     12   37.5% ####
postfix-msn-a         4         0       0         1     0        0      5   15.6% ##
TOTAL                 4         1       1        21     4        1     32  100.0% ##########
"
    );
}

#[test]
fn instances_are_named_in_any_way() {
    let image = image();
    let check = |args: &[&str], names: &[&str]| {
        let ran = image.json(args);
        let found: Vec<&str> = array(&ran["instances"])
            .iter()
            .map(|i| i["instance"].as_str().unwrap())
            .collect();
        assert_eq!(found, names, "{args:?}");
    };
    check(&["msn-a"], &["postfix-msn-a"]);
    check(
        &["/etc/postfix-aol-a/", "msn-a"],
        &["postfix-aol-a", "postfix-msn-a"],
    );
    check(&["aol-*"], &["postfix-aol-b", "postfix-aol-a"]);
    let ran = image.run(["nosuch"]).ended(2);
    assert_eq!(ran.out, "");
    assert!(
        ran.err
            .contains("postfix-aol-a, postfix-aol-b, postfix-msn-a"),
        "{}",
        ran.err
    );
}

#[test]
fn json_is_as_its_schema_says() {
    let image = image();
    let found = image.json(&["aol-a"]);
    // The oldest T record of the fixture, as postqueue -j has it; sizes likewise.
    let listed = image.postqueue("real-default");
    let arrivals = listed.iter().map(|m| m["arrival_time"].as_i64().unwrap());
    let oldest = arrivals.min().unwrap();
    let bytes: i64 = listed
        .iter()
        .map(|m| m["message_size"].as_i64().unwrap())
        .sum();
    let time = chrono::DateTime::parse_from_rfc3339(found["time"].as_str().unwrap()).unwrap();
    let figures = json!({
        "maildrop": 0, "incoming": 0, "active": 0, "deferred": 10, "hold": 2, "corrupt": 0, "total": 12,
        "bytes": bytes,
        "oldest_arrival": chrono::DateTime::from_timestamp(oldest, 0).unwrap()
            .to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
        "oldest_age_seconds": time.timestamp() - oldest,
        "unknown_ages": 0,
        // Five days after create_time, as postcat has it.
        "next_expiry": "2026-11-29T06:17:54Z",
    });
    let mut instance = figures.clone();
    instance["instance"] = "postfix-aol-a".into();
    instance["limits"] = json!([]);
    // Of an image, and where no file is opened, nobody looks for any.
    instance["troubles"] = Value::Null;
    assert_eq!(
        found,
        json!({
            "schema": "relay-tools/mailq-distribution/1", "host": "rustin", "time": found["time"],
            "instances": [instance], "total": figures, "problems": [],
            "complete": true, "missing": [],
        })
    );
    let counted = image.json(&["--counts-only"]);
    assert_eq!(counted["total"]["bytes"], Value::Null);
    assert_eq!(counted["total"]["oldest_arrival"], Value::Null);
    assert_eq!(counted["total"]["total"], 32);
}

#[test]
fn the_age_is_by_the_arrival_record_and_not_by_the_file() {
    let image = Image::new();
    image.instance("aol-a", "real-default");
    for file in image.files("aol-a") {
        testkit::tools::set_mtime(&file, 4_000_000_000);
    }
    let found = image.json(&["--by", "age"]);
    assert!(found["total"]["oldest_age_seconds"].as_u64().unwrap() > 0);
    assert!(
        found["total"]["oldest_arrival"]
            .as_str()
            .unwrap()
            .starts_with("2026-")
    );
}

#[test]
fn breakdowns_count_recipients_by_domain_and_messages_by_sender() {
    let image = Image::new();
    image.instance("aol-a", "real-default");
    let listed = image.postqueue("real-default");
    let recipients: usize = listed.iter().map(|m| array(&m["recipients"]).len()).sum();
    let found = image.json(&["--by", "domain", "--by", "provider,sender-domain,age"]);
    let by = &found["instances"][0]["by"];
    let sum = |by: &str| -> u64 {
        let rows = array(&found["total"]["by"][by]).iter();
        rows.map(|row| row["total"].as_u64().unwrap()).sum()
    };
    assert_eq!(sum("domain"), recipients as u64);
    assert_eq!(sum("provider"), recipients as u64);
    assert_eq!(sum("sender-domain"), 12);
    assert_eq!(sum("age"), 12);
    assert_eq!(
        found["units"],
        json!({"domain": "recipients", "provider": "recipients", "sender-domain": "messages", "age": "messages"})
    );
    // One recipient at aol.com in all the fixture, and she waits.
    let aol = array(&by["provider"])
        .iter()
        .find(|row| row["key"] == "aol");
    assert_eq!(aol.unwrap()["deferred"], 1);
    let ages: Vec<&str> = array(&by["age"])
        .iter()
        .map(|row| row["key"].as_str().unwrap())
        .collect();
    assert_eq!(
        ages,
        [
            "5", "10", "20", "40", "80", "160", "320", "640", "1280", "1280+"
        ]
    );
    let top = image.json(&["--by", "domain", "--top", "1"]);
    let top = array(&top["total"]["by"]["domain"]);
    assert_eq!((top.len(), &top[1]["key"]), (2, &json!("(other)")));
    assert_eq!(
        top[0]["total"].as_u64().unwrap() + top[1]["total"].as_u64().unwrap(),
        recipients as u64
    );
}

#[test]
fn text_and_csv_and_prom_have_the_same_breakdown() {
    let image = Image::new();
    image.instance("aol-a", "real-default");
    let text = image
        .run(["--by", "provider", "--format", "text"])
        .ended(0)
        .out;
    assert!(
        text.contains("\npostfix-aol-a:by:provider:aol:deferred:1\n"),
        "{text}"
    );
    let csv = image
        .run(["--by", "provider,age", "--format", "csv"])
        .ended(0)
        .out;
    let lines: Vec<&str> = csv.lines().collect();
    assert!(
        lines[0].starts_with("instance,by,key,maildrop,incoming,active,deferred,hold,corrupt,total,bytes,oldest_arrival,oldest_age_seconds,age_5,"),
        "{csv}"
    );
    assert!(
        lines[1].starts_with("postfix-aol-a,,,0,0,0,10,2,0,12,"),
        "{csv}"
    );
    assert!(
        lines
            .iter()
            .all(|l| l.matches(',').count() == lines[0].matches(',').count()),
        "{csv}"
    );
    let prom = image
        .run(["--by", "provider", "--format", "prom"])
        .ended(0)
        .out;
    let line = "relay_mailq_provider_recipients{postfix_instance=\"postfix-aol-a\",provider=\"aol\",queue=\"deferred\"} 1\n";
    assert!(prom.contains(line) && prom.ends_with('\n'), "{prom}");
}

/// Strangers choose domains, so metrics have none; a breakdown that was asked for is not left out in silence.
#[test]
fn a_breakdown_that_is_no_metric_is_refused() {
    for by in ["domain", "provider,sender-domain"] {
        let ran = image().run(["--by", by, "--format", "prom"]).ended(2);
        assert_eq!(ran.out, "");
        let said = format!(
            "--by {} cannot be used with --format prom",
            by.trim_start_matches("provider,")
        );
        assert!(ran.err.contains(&said), "{}", ran.err);
    }
}

#[test]
fn promtool_finds_nothing_wrong() {
    let prom = image()
        .run(["--by", "provider,age", "--format", "prom"])
        .ended(0)
        .out;
    testkit::prometheus::promtool(&prom);
}

fn array(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}
