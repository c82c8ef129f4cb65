//! relay-transport on the bundled hosts: beside counts that other programs make.

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Runs a command line.
fn run(line: &str, status: i32) -> String {
    let words = line.strip_prefix("relay-transport ").unwrap().split(' ');
    testkit::tools::run("relay-transport", words)
        .ended(status)
        .out
}

#[test]
fn deliveries_are_counted_as_awk_counts_them() {
    let script = r#"awk '/status=/ { match($0, /to=<[^>]*>/); split(substr($0, RSTART, RLENGTH - 1), to, "@")
        match($0, /status=[a-z]*/); n[to[2] " " substr($0, RSTART + 7, RLENGTH - 7)]++ }
        END { for (k in n) print k, n[k] }' "$ROOT/fixtures/hosted-domains/mail.log""#;
    let counted = testkit::tools::sh(&script.replace("$ROOT", ROOT));
    let count = |domain: &str, status: &str| -> u64 {
        let start = format!("{domain} {status} ");
        let line = counted.lines().find_map(|line| line.strip_prefix(&start));
        line.map_or(0, |n| n.parse().unwrap())
    };
    let csv = run(
        "relay-transport discover --log fixtures/hosted-domains/mail.log --domain smtp.mayfirst.example --format csv \
         --relays all",
        0,
    );
    let rows: Vec<Vec<&str>> = csv
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect())
        .collect();
    // Not the one that only looks like Outlook, nor one that has hosts of its own.
    let domains: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(
        domains,
        [
            "contoso.example",
            "union-local-12.example",
            "fabrikam.example",
            "earthlink.net",
            "museum.example"
        ]
    );
    for row in rows {
        for (field, status) in [(6, "sent"), (7, "bounced"), (8, "deferred")] {
            assert_eq!(
                row[field].parse(),
                Ok(count(row[0], status)),
                "{row:?} {status}"
            );
        }
    }
}
