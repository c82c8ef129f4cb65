//! The queries that the guide gives for day records and events, run by a real DuckDB (from PyPI; tests/run installs it)
//! on the bundled host's three days, and held against counts of the logs by regular expressions.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::tools::{sh, stats_in};

/// Runs each query of its standard input, with `;` between them; prints the rows of each as one line of JSON.
const RUN: &str = "
import duckdb, json, sys
for query in sys.stdin.read().split(';'):
    if query.strip():
        rows = duckdb.sql(query).fetchall()
        print(json.dumps(rows, default=str))
";

/// The zone of the fixture, whose lines have an offset of -04:00.
const ZONE: &str = "America/New_York";

const STATUSES: [&str; 3] = ["sent", "bounced", "deferred"];

/// One delivery line of the fixture, whose lines hold nothing odd: an expression is enough.
struct Line {
    day: String,
    instance: String,
    domain: String,
    status: String,
    reply: String,
}

fn lines(logs: &str) -> Vec<Line> {
    let delivery = Regex::new(
        r"(?m)^(\d{4}-\d\d-\d\d)T\S+ rustin (postfix[a-z-]*)/(?:smtp|local|error|retry|virtual|pipe|lmtp|discard)\[\d+\]: \w+: to=<[^>]*@([^>]+)>, .*?\bstatus=(\w+) \((.*)$",
    )
    .unwrap();
    let found = delivery.captures_iter(logs).map(|c| Line {
        day: c[1].to_owned(),
        instance: c[2].to_owned(),
        domain: c[3].to_owned(),
        status: c[4].to_owned(),
        reply: c[5].to_owned(),
    });
    found.filter(|l| STATUSES.contains(&&*l.status)).collect()
}

/// The queries in the guide, in its order.
fn queries() -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/many-hosts.md");
    let readme = fs::read_to_string(readme).unwrap();
    let blocks = readme.split("```sql\n").skip(1);
    blocks.map(|b| b.split("```").next().unwrap()).collect()
}

/// A Python that has DuckDB.
fn python() -> PathBuf {
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../venv/bin/python");
    assert!(
        made.exists(),
        "no Python with duckdb at {}: `tests/run --install` makes one",
        made.display()
    );
    made
}

#[test]
fn duckdb_runs_the_documented_queries() {
    let dir = TempDir::new().unwrap();
    let host = dir.path().join("host");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rustin");
    sh(&format!("cp -a {} {}", fixture.display(), host.display()));
    let root = host.to_str().unwrap();
    // Only what the logs themselves tell.
    fs::remove_dir_all(host.join("var/lib")).unwrap();
    for (day, status) in [("2026-09-17", 1), ("2026-09-18", 0), ("2026-09-19", 0)] {
        stats_in(ZONE, ["--root", root, "--save-day", "--date", day], b"").ended(status);
    }
    std::os::unix::fs::symlink(
        host.join("var/lib/relay-tools/days"),
        dir.path().join("days"),
    )
    .unwrap();
    let events = stats_in(ZONE, ["--root", root, "--events"], b"")
        .ended(0)
        .out;
    fs::write(dir.path().join("events.jsonl"), events).unwrap();

    let sql = dir.path().join("queries.sql");
    fs::write(&sql, queries()).unwrap();
    let ran = Command::new(python())
        .args(["-c", RUN])
        .current_dir(dir.path())
        .stdin(fs::File::open(&sql).unwrap())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{errors}");
    let answers: Vec<Value> = String::from_utf8(ran.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [per_day, blocked, domains] = &answers[..] else {
        panic!("the page has {} queries, not 3", answers.len());
    };

    let log = fs::read_to_string(host.join("var/log/mail.log")).unwrap();
    let older = fs::read_to_string(host.join("var/log/mail.log.1")).unwrap();
    let oldest = sh(&format!("gzip -dc {root}/var/log/mail.log.2.gz"));
    let current = lines(&log);
    let all = lines(&format!("{oldest}{older}{log}"));
    check_per_day(per_day, &all);
    check_blocked(blocked, &all);
    check_domains(domains, &current);
}

/// day, host, instance, total, percent bounced: of the whole days, which are the 18th and the 19th.
fn check_per_day(rows: &Value, all: &[Line]) {
    let mut expected: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    for day in ["2026-09-18", "2026-09-19"] {
        // The default instance has delivered nothing.
        expected.insert((day, "postfix"), (0, 0));
        for line in all.iter().filter(|l| l.day == day) {
            let (total, bounced) = expected.entry((day, &line.instance)).or_default();
            *total += 1;
            *bounced += u64::from(line.status == "bounced");
        }
    }
    assert_eq!(expected.len(), 12);
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), expected.len());
    for (row, ((day, instance), (total, bounced))) in rows.iter().zip(expected) {
        assert_eq!(row[0], day);
        assert_eq!(row[1], "rustin.mayfirst.example");
        assert_eq!(row[2], instance);
        assert_eq!(row[3], total);
        match row[4].as_f64() {
            Some(percent) => {
                assert!((percent - 100.0 * bounced as f64 / total as f64).abs() < 0.051);
            }
            None => assert_eq!(total, 0),
        }
    }
}

/// instance, address, code, refused: the replies that say `blocked using zen.spamhaus.org`, over all three days.
fn check_blocked(rows: &Value, all: &[Line]) {
    let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
    for line in all {
        if line.status != "sent"
            && line
                .reply
                .contains("Client host [216.66.23.44] blocked using")
        {
            *expected.entry(&line.instance).or_default() += 1;
        }
    }
    let mut expected: Vec<_> = expected.into_iter().collect();
    expected.sort_by_key(|(_, refused)| std::cmp::Reverse(*refused));
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(instance, refused)| json!([instance, "216.66.23.44", null, refused]))
        .collect();
    assert_eq!(rows.as_array().unwrap(), &expected);
}

/// instance, domain, bounced, total: of the current log, the ten with most bounces.
fn check_domains(rows: &Value, current: &[Line]) {
    let mut counts: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    for line in current {
        let (bounced, total) = counts.entry((&line.instance, &line.domain)).or_default();
        *bounced += u64::from(line.status == "bounced");
        *total += 1;
    }
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 10);
    for row in rows {
        let key = (row[0].as_str().unwrap(), row[1].as_str().unwrap());
        assert_eq!(
            (row[2].as_u64(), row[3].as_u64()),
            (Some(counts[&key].0), Some(counts[&key].1))
        );
    }
    let mut most: Vec<_> = counts.values().map(|(bounced, _)| *bounced).collect();
    most.sort_unstable_by(|a, b| b.cmp(a));
    let shown: Vec<_> = rows.iter().map(|row| row[2].as_u64().unwrap()).collect();
    assert_eq!(shown, most[..10]);
}
