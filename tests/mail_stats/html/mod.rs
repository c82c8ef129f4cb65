//! The daily report as an HTML page, in a real Chromium. The figures are those of the generator, or counted by hand.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::lists_host::{Lines, UNKNOWN, begins, host, rustin};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::tools::{sh, stats};

/// Ends the process when the test ends, however it does.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// What Chromium makes of the page: by width and colour scheme, and which addresses it asked for.
fn browse(page: &str) -> (Value, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("page.html"), page).unwrap();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let driver = Command::new("chromedriver")
        .arg(format!("--port={port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _driver = Driver(driver.expect("chromedriver is needed: tests/run --install"));
    testkit::wait_until(testkit::PATIENCE, "chromedriver to listen", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    let out = sh(&format!(
        "python3 tests/mail_stats/html/browser.py {port} {}",
        directory.path().display()
    ));
    (serde_json::from_str(&out).unwrap(), directory)
}

fn page_of_rustin() -> String {
    let ran = rustin(&["--format", "html"]);
    // Its spools hold two odd files.
    assert_eq!(ran.status, Some(1), "{}", ran.err);
    ran.out
}

#[test]
fn the_page_is_whole_in_a_browser() {
    let page = page_of_rustin();
    let (found, directory) = browse(&page);
    // Nothing but the page itself.
    let itself = format!("file://{}/page.html", directory.path().display());
    assert_eq!(found["asked"], json!([itself]));
    let seen = found["seen"].as_object().unwrap();
    assert_eq!(seen.len(), 4);
    for (name, look) in seen {
        assert_eq!(look["scripts"], 0, "{name}");
        assert_eq!(look["handlers"], 0, "{name}");
        assert_eq!(look["links"], json!([]), "{name}");
        let width: u64 = name.split('-').next().unwrap().parse().unwrap();
        assert_eq!(
            (&look["width"], &look["scroll"]),
            (&json!(width), &json!(width)),
            "{name}"
        );
        assert_eq!(look["overflowing"], json!([]), "{name}");
        assert_eq!(look["clipped"], json!([]), "{name}");
        // What is drawn is not shown once more in words, unless the drawing is left out.
        let (plain, undrawn) = (&look["plain"], &found["undrawn"]);
        let (plain, undrawn) = (plain.as_array().unwrap(), undrawn.as_array().unwrap());
        assert!(plain.len() > 5 && plain.len() == undrawn.len(), "{name}");
        assert!(
            plain.iter().all(|one| one[1] == "none"),
            "{name}: {plain:?}"
        );
        assert!(undrawn.iter().all(|one| one[1] == "block"), "{undrawn:?}");
        let picture = &look["picture"];
        assert_eq!(picture["width"], width, "{name}");
        assert!(
            picture["height"].as_u64().unwrap() > 1500,
            "{name}: {picture}"
        );
        assert!(
            picture["bytes"].as_u64().unwrap() > 100,
            "{name}: {picture}"
        );
        let text = look["text"].as_str().unwrap();
        let at = |what: &str| {
            text.find(what)
                .unwrap_or_else(|| panic!("{name}: no {what}"))
        };
        assert!(
            at("6 things need attention") < at("postfix-therest-a: "),
            "{name}"
        );
        assert!(at("postfix-therest-a: ") < at("Instances"), "{name}");
    }
    let look = &seen["1200-light"];
    let title = look["title"].as_str().unwrap();
    assert!(
        title.starts_with("rustin.mayfirst.example 2026-09-19: ATTENTION postfix-therest-a: "),
        "{title}"
    );
    assert_ne!(look["ground"], seen["1200-dark"]["ground"]);
    let brightness = |color: &Value| -> u64 {
        let numbers = color.as_str().unwrap().split(|c: char| !c.is_ascii_digit());
        numbers.filter_map(|n| n.parse::<u64>().ok()).take(3).sum()
    };
    for scheme in ["light", "dark"] {
        let look = &seen[&format!("390-{scheme}")];
        let (ground, ink) = (brightness(&look["ground"]), brightness(&look["ink"]));
        assert_eq!(ground > ink, scheme == "light");
        assert!(ground.abs_diff(ink) > 400, "{scheme}: {ground} {ink}");
    }
}

/// The generator's numbers: crates/testkit/examples/rustin_logs.rs.
#[test]
fn the_figures_of_the_page_are_those_of_the_logs() {
    let (found, _directory) = browse(&page_of_rustin());
    let look = &found["seen"]["1200-light"];
    let cells = |table: &str, row: &str| look["tables"][table][row].clone();
    let begin = |table: &str, row: &str, n: usize| {
        let cells = cells(table, row);
        json!(cells.as_array().unwrap_or_else(|| panic!("{table} {row}"))[..n])
    };
    let aol_b = cells("instances", "1 postfix-aol-b");
    assert_eq!(
        json!(aol_b.as_array().unwrap()[..4]),
        json!(["343", "58.6%", "7.0%", "34.4%"])
    );
    // 276 the day before; 252 + 70 + 289 + 280 + 272 + 268 + 276 = 1707 in seven days.
    assert_eq!(
        json!(aol_b.as_array().unwrap()[5..]),
        json!(["+24%", "+41%"])
    );
    assert_eq!(
        begin("instances", "5 TOTAL", 4),
        json!(["2444", "76.4%", "13.4%", "10.1%"])
    );
    assert_eq!(
        begin("beside", "4 day before", 4),
        json!(["276", "90.9%", "6.9%", "2.2%"])
    );
    assert_eq!(
        begin("mailq", "0 postfix-aol-b", 3),
        json!(["20", "18", "2"])
    );
    assert_eq!(
        cells("providers", "1 msn"),
        json!(["350", "88.6%", "11 (3.1%)", "29 (8.3%)", ""])
    );
    let limited = cells("reasons", "0 rate-limited");
    let count = limited[1].as_str().unwrap();
    assert_eq!(
        limited,
        json!([
            "0",
            count,
            format!("TSS04 {count}"),
            format!("216.66.23.44 {count}"),
            ""
        ])
    );
    // Eight days of three kinds; each as high as its share of the highest day, on which 343 fill the chart.
    let chart = look["charts"]["postfix-aol-b"].as_array().unwrap();
    let told: Vec<&str> = chart.iter().map(|part| part[0].as_str().unwrap()).collect();
    assert_eq!(told.len(), 24);
    assert_eq!(
        told[..3],
        [
            "2026-09-12: 230 sent (91.3%)",
            "2026-09-12: 16 bounced (6.3%)",
            "2026-09-12: 6 deferred (2.4%)"
        ]
    );
    assert_eq!(
        told[21..],
        [
            "2026-09-19: 201 sent (58.6%)",
            "2026-09-19: 24 bounced (7.0%)",
            "2026-09-19: 118 deferred (34.4%)"
        ]
    );
    let height = |at: usize| chart[at][1].as_f64().unwrap();
    let whole = height(21) + height(22) + height(23);
    let near = |a: f64, b: f64| assert!((a - b).abs() < 0.2, "{a} {b}");
    near(height(21) / whole, 201.0 / 343.0);
    near(height(23) / whole, 118.0 / 343.0);
    near(height(0), whole * 230.0 / 343.0);
    let colors: std::collections::BTreeSet<&str> =
        chart.iter().map(|part| part[2].as_str().unwrap()).collect();
    assert_eq!(colors.len(), 3);
    // For where nothing is drawn: what is drawn, in words, hidden here.
    let plain = &look["plain"][2];
    let in_words = "2026-09-12: 252, 2026-09-13: 70, 2026-09-14: 289, 2026-09-15: 280, 2026-09-16: 272, 2026-09-17: \
        268, \
                    2026-09-18: 276, 2026-09-19: 343";
    assert_eq!(plain, &json!([in_words, "none"]));
    // 24 hours, all of whose parts are all deliveries.
    let hours = look["hours"]
        .as_array()
        .unwrap()
        .iter()
        .map(|told| told.as_str().unwrap());
    let sum: u64 = hours
        .map(|told| told.split(' ').nth(1).unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(sum, 2444);
}

/// What strangers write is shown, and nothing of it is heeded.
#[test]
fn strangers_text_is_only_text() {
    // A bare > would end the address in the log.
    let evil = "x@<script}document.title=1</script}<img/src=x/onerror=alert(1)}.example";
    let bidi = "y@\u{202e}txt.<b.&amp;.example";
    let of = |to, from| Lines {
        to,
        from,
        status: "bounced",
        reply: UNKNOWN,
        n: 12,
        ..Lines::default()
    };
    let day = begins("18T00:00:00") + &of(bidi, evil).text() + &of(evil, "s@t.example").text();
    let root = host(&["postfix-a"], &day);
    let path = root.path().to_str().unwrap();
    let page = stats(["--root", path, "--format", "html", "--date", "2026-09-19"])
        .ended(0)
        .out;
    let (found, _directory) = browse(&page);
    assert_eq!(found["asked"].as_array().unwrap().len(), 1);
    let look = &found["seen"]["390-light"];
    assert_eq!(
        (&look["scripts"], &look["handlers"], &look["links"]),
        (&json!(0), &json!(0), &json!([]))
    );
    assert_eq!(look["scroll"], 390);
    let names: Vec<&String> = look["tables"]["domains"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert!(
        names.iter().any(|name| name
            .contains("<script}document.title=1</script}<img/src=x/onerror=alert(1)}.example")),
        "{names:?}"
    );
    assert!(
        names
            .iter()
            .any(|name| name.contains("\\u{202e}txt.<b.&amp;.example")),
        "{names:?}"
    );
    assert!(!page.contains('\u{202e}'));
}
