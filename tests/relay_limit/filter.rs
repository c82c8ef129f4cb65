//! Blocks that come as 5xx: the table defers exactly these, and what waits then is moved.

use std::time::Duration;

use testkit::{Answer, Host, Mail, host_or_skip};

use crate::hosts::relay_limit;

const PATIENCE: Duration = Duration::from_secs(180);

/// The table of aol-b.
const TABLE: &str = "/etc/postfix-aol-b/relay-limit-filter";

/// What relay-instances says of the table.
fn findings(host: &Host) -> Vec<String> {
    let tool = env!("CARGO_BIN_EXE_relay-instances");
    let json = host.command(tool).args(["aol-b", "--format", "json"]).run();
    let json: serde_json::Value = serde_json::from_str(&json.text()).unwrap();
    let all = json["findings"].as_array().unwrap().iter();
    let all = all.map(|one| format!("{} {}", one["severity"], one["text"]));
    all.filter(|text| text.contains("relay-limit-filter"))
        .collect()
}

/// What relay-instances --check says, and how bad it is.
fn checked(host: &Host, code: i32) -> String {
    let tool = host.command(env!("CARGO_BIN_EXE_relay-instances"));
    let ran = tool.args(["aol-b", "--check"]).run();
    assert_eq!(ran.code(), Some(code), "{ran}");
    ran.text()
}

#[test]
fn a_5xx_block_waits_and_is_moved_and_nothing_of_it_is_returned() {
    let host = host_or_skip!();
    let sink = host.sink();
    let relay = |name: &str| host.instance(name).relay_to(&sink).start();
    let aol_a = relay("postfix-aol-a");
    let aol_b = relay("postfix-aol-b");
    let blocked = aol_b.address().ip();
    sink.on_rcpt(move |rcpt| match rcpt.recipient.starts_with("nobody@") {
        true => Answer::text(550, "5.1.1 <nobody@aol.com>: user unknown"),
        false if rcpt.client.ip() == blocked => {
            Answer::text(550, "5.7.606 Access denied, banned sending IP [192.0.2.7].")
        }
        false => Answer::ok(),
    });
    // Absent: nothing is deferred.
    assert_eq!(findings(&host), Vec::<String>::new());
    let absent = checked(&host, 0);
    assert!(!absent.contains("5xx"), "{absent}");
    relay_limit(&host, &["filter", "aol-b", "--output", TABLE]).ok();
    let found = findings(&host);
    assert!(
        found[0].contains("WARNING") && found[0].contains("does not name"),
        "{found:?}"
    );
    let unused = checked(&host, 1);
    assert!(
        unused.contains("5xx blocks are returned at once"),
        "{unused}"
    );
    // As the table's own first lines say.
    let table = String::from_utf8(host.read(TABLE)).unwrap();
    let commands = table.lines().filter_map(|line| line.strip_prefix("# post"));
    for command in commands {
        host.sh(&format!("post{command}")).ok();
    }
    assert_eq!(findings(&host), Vec::<String>::new());
    let current = checked(&host, 0);
    assert!(
        current.contains("; 5xx blocks are deferred at 1"),
        "{current}"
    );

    let mail = |to: &str| Mail::new("news@lists.example.org", to);
    let to = ["joe@aol.com", "jane@aol.com", "jim@aol.com"];
    aol_b.submit(to.iter().map(|to| mail(to)).chain([mail("nobody@aol.com")]));
    // The three, and the notice of the fourth's return.
    aol_b.wait_for("deferred", 4);
    host.wait_for_log("dsn=4.7.606, status=deferred (host ");
    host.wait_for_log("said: 550 5.7.606 Access denied");
    // Who is not there comes back at once, as ever.
    host.wait_for_log("dsn=5.1.1, status=bounced");
    let moved = host.command(env!("CARGO_BIN_EXE_queue-move"));
    moved.args(["aol-b", "aol-a", "--yes"]).run().ok();
    host.wait_until(PATIENCE, "all to arrive", || {
        let arrived = sink.deliveries();
        let by_a = arrived
            .iter()
            .filter(|one| one.client.ip() == aol_a.address().ip());
        by_a.filter(|one| to.contains(&one.recipient.as_str()))
            .count()
            == 3
    });
    assert_eq!(host.mail_log().matches("status=bounced").count(), 1);

    host.sh(&format!("echo '# by hand' >>{TABLE}")).ok();
    let found = findings(&host);
    assert!(
        found[0].contains("not what the rules make now"),
        "{found:?}"
    );
    let stale = checked(&host, 1);
    assert!(
        stale.contains("not what the rules make now: relay-limit filter"),
        "{stale}"
    );
    host.sh(&format!("rm {TABLE}")).ok();
    let found = findings(&host);
    assert!(found[0].contains("CRITICAL"), "{found:?}");
    assert!(checked(&host, 2).contains("which is not there"));
}

/// Replies to which a table once had other answers where Postfix wrote of another command behind them.
const BY_COMMAND: [&str; 4] = [
    "bad IP profile",
    "because Bad IP",
    "SPAM_CLIENT",
    "550 retry time",
];

const COMMANDS: [&str; 5] = [
    "RCPT TO command",
    "MAIL FROM command",
    "DATA command",
    "end of DATA command",
    "EHLO command",
];

/// Collected replies, each as Postfix asks the table for it: the table defers what the rules call a block, or too much.
#[test]
fn the_table_is_near_to_the_rules() {
    let host = host_or_skip!();
    host.instance("postfix-aol-b").create();
    relay_limit(&host, &["filter", "aol-b", "--output", TABLE]).ok();
    let collected = include_str!("../../crates/knowledge/tests/replies/collected.toml");
    let collected: toml::Table = toml::from_str(collected).unwrap();
    let reasons = knowledge::reasons::Reasons::load(None).unwrap();
    let (mut keys, mut meant, mut replies) = (Vec::new(), Vec::new(), Vec::new());
    for reply in collected["reply"].as_array().unwrap() {
        let text = reply["text"].as_str().unwrap();
        let dsn = reply.get("dsn").and_then(toml::Value::as_str).unwrap_or("");
        let is_plain = text.bytes().all(|b| (b' '..=b'~').contains(&b));
        if !text.starts_with('5') || !dsn.starts_with('5') || !is_plain {
            continue;
        }
        let is_one = |part: &&str| text.contains(*part);
        let commands = match BY_COMMAND.iter().any(is_one) || replies.len() % 40 == 0 {
            true => &COMMANDS[..],
            false => &COMMANDS[..1],
        };
        for command in commands {
            let said =
                format!("host mx.dest.example[198.51.100.1] said: {text} (in reply to {command})");
            let class = reasons
                .classify(said.as_bytes(), Some(dsn.as_bytes()), None)
                .class;
            keys.push(format!("{dsn} {said}"));
            meant.push(matches!(class.as_str(), "blocked" | "rate-limited"));
        }
        replies.push(keys.len() - commands.len()..keys.len());
    }
    let asked = host
        .command("postmap")
        .args(["-q", "-", &format!("regexp:{TABLE}")]);
    let answers = asked.stdin(keys.join("\n") + "\n").run();
    assert_eq!(answers.errors(), "");
    let text = answers.text();
    let deferred: std::collections::BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter(|(_, answer)| answer.starts_with('4'))
        .map(|(key, _)| key)
        .collect();
    let wrong = |is_meant: bool| {
        let all = keys
            .iter()
            .zip(&meant)
            .filter(|(key, _)| key.ends_with("RCPT TO command)"))
            .filter(|(_, meant)| **meant == is_meant);
        let wrong = all
            .clone()
            .filter(|(key, _)| deferred.contains(key.as_str()) != is_meant);
        let wrong: Vec<&str> = wrong.map(|(key, _)| key.as_str()).collect();
        (wrong.len() * 100, all.count(), wrong)
    };
    let (missed, blocks, which) = wrong(true);
    assert!(
        blocks > 100 && missed <= blocks * 5,
        "{missed} {blocks}: {which:#?}"
    );
    // What was answered decides only where the rules say so, not by its own words.
    for reply in replies {
        let (keys, meant) = (&keys[reply.clone()], &meant[reply]);
        let found = keys.iter().map(|key| deferred.contains(key.as_str()));
        let found: Vec<bool> = found.collect();
        let is_one = |all: &[bool]| all.iter().all(|one| *one == all[0]);
        assert!(!is_one(meant) || is_one(&found), "{found:?}: {keys:#?}");
    }
    let (taken, others, which) = wrong(false);
    assert!(
        others > 400 && taken <= others * 2,
        "{taken} {others}: {which:#?}"
    );
}
