//! What tick says on a running host where something is missing: the table in docs/verdicts.md, row by row. The host's
//! Postfix need not run.

use std::fs;

use testkit::host_or_skip;

use crate::crash::stopped;
use crate::hosts::{pause_quickly, relay_limit};

const SECTION: &str = "\n## relay-limit tick, on a running host\n";

/// What is between backticks.
fn code(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn tick_says_what_the_table_has() {
    let host = host_or_skip!();
    let _aol_b = stopped(&host);
    relay_limit(&host, &pause_quickly("aol-b", "aol.com")).ok();
    let tick = relay_limit(&host, &["tick"]).ok();
    assert_eq!(format!("{}{}", tick.text(), tick.errors()), "");
    let kept = "/etc/postfix /etc/postfix-aol-b /var/lib/relay-tools /var/log/mail.log";
    host.sh(&format!("tar -cf /run/kept.tar {kept}"));
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verdicts.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, section) = page.split_once(SECTION).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let rows: Vec<&str> = rows.skip(2).collect();
    assert!(rows.len() > 4, "{section}");
    let mut wrong = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        host.sh(&code(cells[1]).concat());
        let ran = relay_limit(&host, &["tick"]);
        let all = format!("{}{}", ran.text(), ran.errors());
        let is_so = match cells[2].parse::<i32>() {
            Ok(status) => {
                ran.code() == Some(status) && code(cells[3]).iter().all(|word| all.contains(word))
            }
            Err(_) => ran.code() == Some(0) && all.is_empty(),
        };
        if !is_so {
            wrong.push(format!("{}: {:?} {all}", cells[0], ran.code()));
        }
        host.sh(&format!("rm -rf {kept}; tar -xf /run/kept.tar -C /"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What Postfix bears with in a main.cf makes nothing of its maps unknown.
#[test]
fn what_postfix_bears_with_is_no_unknown_limit() {
    let image = tempfile::tempdir().unwrap();
    let etc = image.path().join("etc/postfix");
    fs::create_dir_all(&etc).unwrap();
    fs::create_dir_all(image.path().join("var/log")).unwrap();
    fs::write(
        etc.join("main.cf"),
        "  # a comment\n  and a line\nmyhostname = relay1.example\n",
    )
    .unwrap();
    let root = image.path().to_str().unwrap();
    let ran = testkit::tools::run("relay-limit", ["--root", root, "list"]).ended(0);
    assert_eq!(ran.out, "nothing is in force\n", "{}", ran.err);
}

/// A power failure leaves zero bytes where lines were: nothing is known to be in force, and nothing is said to be well.
#[test]
fn a_journal_of_zero_bytes_is_not_an_empty_one() {
    let image = tempfile::tempdir().unwrap();
    let limits = image.path().join("var/lib/relay-tools/limits");
    fs::create_dir_all(&limits).unwrap();
    fs::create_dir_all(image.path().join("etc/postfix")).unwrap();
    fs::write(image.path().join("etc/postfix/main.cf"), "").unwrap();
    fs::write(limits.join("journal.jsonl"), [0; 4096]).unwrap();
    let root = image.path().to_str().unwrap();
    let run = |args: &[&str], status| {
        let args = [&["--root", root], args].concat();
        testkit::tools::run("relay-limit", args).ended(status)
    };
    let why =
        "journal.jsonl, line 1: this line of the journal cannot be read: 4096 bytes of it are zero";
    let list = run(&["list"], 1);
    assert_eq!(list.out, "nothing is known to be in force\n");
    assert!(list.err.contains(why), "{}", list.err);
    let check = run(&["list", "--check"], 3).out;
    assert!(
        check.starts_with("UNKNOWN: ") && check.contains(why),
        "{check}"
    );
    let json = run(&["list", "--format", "json"], 1).out;
    assert!(json.contains("\"complete\":false"), "{json}");
    let metrics = run(&["list", "--format", "prom"], 1).out;
    assert!(
        metrics.contains("relay_mail_limit_problems 1\n"),
        "{metrics}"
    );
    run(&["history"], 1);
}
