//! Names that strangers choose, in what other programs read.

use std::collections::BTreeSet;

use crate::image::{Image, delivery};

#[test]
fn no_cell_of_csv_is_a_formula() {
    let domains = [
        "=cmd|' /C calc'!A0.x",
        "+1+2.x",
        "-2+3.x",
        "@SUM(A1).x",
        "plain.x",
    ];
    let image =
        Image::new(domains.map(|domain| delivery("postfix-aol-a", domain, "sent", "250 ok")));
    let ran = image.stats(&["--by", "domain", "--format", "csv"]);
    let keys: BTreeSet<String> = csv(&ran.out)
        .into_iter()
        .map(|row| row[2].clone())
        .collect();
    assert!(
        keys.contains("'-2+3.x") && keys.contains("plain.x"),
        "{keys:?}"
    );
    for row in csv(&ran.out) {
        for cell in row {
            assert!(
                !cell.starts_with(['=', '+', '-', '@']) || cell.parse::<f64>().is_ok(),
                "{cell}"
            );
        }
    }
}

fn csv(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.records().map(|row| row.unwrap());
    rows.map(|row| row.iter().map(str::to_owned).collect())
        .collect()
}

#[test]
fn names_that_differ_are_never_one_series() {
    let mut log = Vec::new();
    for tag in [
        &b"x\xff"[..],
        b"x\xfe",
        b"x\\xff",
        "x\u{202e}".as_bytes(),
        br"x\u{202e}",
        br"x\\u{202e}",
        b"x\"",
        b"x\\\"",
    ] {
        log.extend_from_slice(b"2026-09-19T12:00:00Z rustin ");
        log.extend_from_slice(tag);
        log.extend_from_slice(
            b"/smtp[1]: 4F9A1: to=<u@x.y>, relay=none, delay=1, dsn=2.0.0, status=sent (ok)\n",
        );
    }
    let ran = testkit::tools::stats_with(
        ["--log", "-", "--format", "prom", "--by", "provider,reason"],
        &log,
    );
    let series = ran.out.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<&str> = series
        .map(|line| line.rsplit_once(' ').unwrap().0)
        .collect();
    assert!(names.len() > 40, "{}", ran.out);
    let unique: BTreeSet<&&str> = names.iter().collect();
    assert_eq!(unique.len(), names.len(), "{}", ran.out);
}

#[test]
fn a_name_does_not_make_a_row_that_nobody_can_read() {
    let names = [
        "x".repeat(2_000),
        format!("a{}.example", "\u{301}".repeat(2_000)),
        format!("{}.example", "\u{6f22}".repeat(800)),
        format!("{}.example", "\u{1f468}\u{1f3fd}".repeat(400)),
    ];
    let image = Image::new(
        names
            .iter()
            .map(|name| delivery("postfix-aol-a", name, "bounced", "550 no")),
    );
    for args in [
        &["--by", "domain", "--format", "table"][..],
        &["--by", "relay", "--format", "table"],
        &["--by", "reason", "--format", "table"],
        &["--format", "report", "--date", crate::image::DAY],
    ] {
        let ran = image.stats(args);
        for line in ran.out.lines() {
            assert!(line.chars().count() < 300, "{args:?}: {line}");
        }
    }
}
