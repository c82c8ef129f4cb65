//! relay-warmup check beside real Postfix: what it reads is what postconf says. And how plans are kept.

use std::collections::BTreeMap;

use crate::TOOL;
use serde_json::Value;
use testkit::{Cmd, Host, host_or_skip};

/// Where nobody answers: these tests ask nothing of the DNS, and do not wait for it.
const NO_DNS: [&str; 2] = ["--resolver", "127.0.53.99"];

fn tool(host: &Host) -> Cmd {
    host.command(TOOL).env("TZ", "UTC")
}

/// The steps of an instance, `RESULT FOUND` by their words.
fn steps(host: &Host, instance: &str) -> BTreeMap<String, String> {
    let ran = tool(host)
        .args(["check", "--format", "json"])
        .args(NO_DNS)
        .arg(instance)
        .run();
    let json: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(json["schema"], "relay-tools/warmup-check/1");
    let steps = json["instances"][0]["steps"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    steps
        .iter()
        .map(|step| {
            let found = format!("{} {}", text(&step["result"]), text(&step["found"]));
            (text(&step["step"]), found)
        })
        .collect()
}

#[track_caller]
fn check(host: &Host, instance: &str, step: &str, expected: &str) {
    let found = steps(host, instance);
    let found = found.get(step).map(String::as_str);
    assert_eq!(found, Some(expected), "{step}");
}

/// Ten lines of "address on an interface" to "own syslog_name", each of them right, then wrong.
#[test]
fn the_steps_that_need_no_dns() {
    let host = host_or_skip!();
    let a = host
        .instance("postfix-aol-a")
        .address([192, 0, 2, 41].into())
        .param("smtp_helo_name", "aol-a.example.org")
        .start();
    let b = host
        .instance("postfix-aol-b")
        .param("smtp_bind_address", "192.0.2.42")
        .param("smtp_helo_name", "aol-b.example.org")
        .without_service("pickup", "unix")
        .create();
    check(&host, "aol-a", "address", "pass on lo");
    check(&host, "aol-b", "address", "fail on no interface");
    check(
        &host,
        "aol-a",
        "helo",
        "pass a full host name, and no other instance's",
    );
    check(&host, "aol-a", "enabled", "pass postfix start starts it");
    let master = host
        .sh("cat /var/spool/postfix-aol-a/pid/master.pid")
        .text();
    let running = format!("pass as process {}", master.trim());
    check(&host, "aol-a", "running", &running);
    check(&host, "aol-b", "running", "fail it does not run");
    check(&host, "aol-a", "pickup", "pass on");
    let pickup =
        "fail no pickup service: mail of queue-move and sendmail would stay in the maildrop";
    check(&host, "aol-b", "pickup", pickup);
    check(&host, "aol-a", "syslog-name", "pass its own");

    a.set("multi_instance_enable", "no");
    let enabled = "fail postfix start leaves it out: multi_instance_enable, or multi_instance_directories of the default instance";
    check(&host, "aol-a", "enabled", enabled);
    b.set("smtp_helo_name", "aol-a.example.org");
    check(
        &host,
        "aol-a",
        "helo",
        "fail postfix-aol-b calls itself by the same name; an address is known by its own",
    );
    a.set("smtp_helo_name", "aol-a");
    check(&host, "aol-a", "helo", "fail no full host name of the DNS");
    b.set("syslog_name", "postfix-aol-a");
    check(
        &host,
        "aol-a",
        "syslog-name",
        "fail postfix-aol-b logs under it too: nobody can tell their mail apart",
    );
    a.set("syslog_name", "warm");
    check(
        &host,
        "aol-a",
        "syslog-name",
        "fail it is not the instance's name, postfix-aol-a",
    );
    a.set("smtp_bind_address", "127.0.0.1");
    let loopback = "fail a loopback address: no mail leaves the machine from it";
    check(&host, "aol-a", "address", loopback);
    check(
        &host,
        "aol-a",
        "ptr",
        "unknown a loopback address has no place in the DNS",
    );

    // What it says to do mends it.
    let to_do = |instance: &str, step: &str| -> String {
        let ran = tool(&host)
            .args(["check", "--format", "text", instance])
            .args(NO_DNS)
            .run()
            .text();
        let start = format!("postfix-{instance}:{step}:do:");
        let lines = ran.lines().filter_map(|line| line.strip_prefix(&start));
        lines.map(|line| format!("{line}\n")).collect()
    };
    b.set("syslog_name", "postfix-aol-b");
    for step in ["syslog-name", "enabled", "rate-delay"] {
        let commands = to_do("aol-a", step);
        assert!(!commands.is_empty(), "{step}");
        let commands: Vec<&str> = commands.lines().filter(|l| l.starts_with("post")).collect();
        host.sh(&commands.join("\n"));
        let found = steps(&host, "aol-a");
        assert!(found[step].starts_with("pass "), "{step}: {}", found[step]);
    }
    b.start();
    host.sh(&to_do("aol-b", "pickup"));
    check(&host, "aol-b", "pickup", "pass on");
    b.postfix("check").ok();
}

/// Each way to write a rate limit: what is found is what postconf says is in force.
/// The last step of that name counts, as in [`steps`].
#[test]
fn mail_that_leaves_by_another_address_is_not_ready() {
    let host = host_or_skip!();
    host.sh("for n in 44 45; do ip address add 192.0.2.$n/32 dev lo; done; ip -6 address add 2001:db8::5/128 dev lo nodad");
    let aol = host
        .instance("postfix-aol-c")
        .param("smtp_bind_address", "192.0.2.44")
        .param("inet_protocols", "all")
        .create();
    let own =
        "fail mail over IPv6 leaves from the host's own 2001:db8::5: smtp_bind_address6 is not set";
    check(&host, "aol-c", "address", own);
    let shown = tool(&host)
        .args(["check", "--format", "text", "aol-c"])
        .args(NO_DNS)
        .run()
        .text();
    assert!(
        shown.contains(":address:do:or, so that mail leaves by the other alone: postconf -c /etc/postfix-aol-c -e 'inet_protocols = ipv4'"),
        "{shown}"
    );
    aol.set("inet_protocols", "ipv4");
    check(&host, "aol-c", "address", "pass on lo");
    host.sh("postconf -c /etc/postfix-aol-c -P smtp/unix/smtp_bind_address=192.0.2.45");
    host.sh("ip address del 192.0.2.45/32 dev lo");
    check(&host, "aol-c", "address", "fail on no interface");
}

#[test]
fn rate_limits_are_read_as_postfix_reads_them() {
    let host = host_or_skip!();
    let a = host
        .instance("postfix-aol-a")
        .address([192, 0, 2, 41].into())
        .create();
    let delay = |expected: &str| check(&host, "aol-a", "rate-delay", expected);
    let concurrency = |expected: &str| check(&host, "aol-a", "concurrency", expected);
    let cohort = |expected: &str| check(&host, "aol-a", "failed-cohort-limit", expected);
    let oracle = |name: &str, expected: &str| assert_eq!(a.postconf(name), expected, "{name}");

    oracle("smtp_destination_concurrency_limit", "20");
    delay("fail none: smtp sends as fast as it can");
    concurrency("fail 20 at a time to one domain; a new address should make 5 at most");
    cohort("pass 1 failed connection until a domain's mail is deferred");

    a.set("default_destination_concurrency_limit", "3");
    oracle("smtp_destination_concurrency_limit", "3");
    concurrency("pass 3 at a time to one domain");
    a.set("smtp_destination_concurrency_limit", "0");
    concurrency("fail any number at a time");

    a.set("default_destination_rate_delay", "1m");
    oracle("smtp_destination_rate_delay", "1m");
    // relay is the other SMTP client of Debian's master.cf, and the default is its too.
    delay(
        "pass 60s between deliveries to one domain, 1440 a day to each; domains together are not held",
    );
    concurrency("pass 1 at a time to one domain: smtp_destination_rate_delay makes it so");
    cohort(
        "fail 1: with a rate limit, so few failed connections in a row defer all mail of a domain; postconf(5) asks for 10 or more",
    );

    a.set("smtp_destination_rate_delay", "$smtp_own");
    a.set("smtp_own", "20");
    oracle("smtp_destination_rate_delay", "20");
    delay(
        "pass 20s between deliveries to one domain, 4320 a day to each; domains together are not held",
    );
    a.set("smtp_destination_rate_delay", "0");
    a.set("smtp_transport_rate_delay", "432s");
    a.set("default_destination_rate_delay", "0s");
    a.set("smtp_destination_concurrency_limit", "1");
    delay("pass 432s between any two deliveries, 200 a day; transports without one: relay");
    concurrency("pass 1 at a time, whatever its domain: smtp_transport_rate_delay makes it so");
    a.set("default_destination_concurrency_failed_cohort_limit", "12");
    oracle("smtp_destination_concurrency_failed_cohort_limit", "12");
    cohort("pass 12 failed connections in a row until a domain's mail is deferred");
    a.set("smtp_destination_concurrency_failed_cohort_limit", "0");
    cohort("fail off: a provider that refuses every connection is tried on and on");

    // What postconf shows, and the queue manager would die of.
    a.set("smtp_transport_rate_delay", "soon");
    delay("fail \"soon\" is nothing that Postfix can read");

    // The mail leaves by another transport.
    a.set("smtp_transport_rate_delay", "0");
    a.set("slow_transport_rate_delay", "30s");
    a.set("default_transport", "slow:[192.0.2.9]");
    check(
        &host,
        "aol-a",
        "rate-delay",
        "unknown master.cf has no SMTP client called slow: what holds the mail back is not known",
    );
    host.sh("postconf -c /etc/postfix-aol-a -M 'slow/unix=slow unix - - y - - smtp'");
    delay("pass 30s between any two deliveries, 2880 a day; transports without one: smtp, relay");
}

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
            .contains("no plan is saved for aol-a; there are none"),
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
            .contains(&format!("a plan is saved already: {file}")),
        "{again}"
    );
    assert!(again.errors().contains("--replace"), "{again}");
    assert_eq!(host.read(file), saved);
    plan(&["--volume", "9999", "--dry-run"]).ok();
    assert_eq!(host.read(file), saved);

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
    };
    check(&["aol-x", "--volume", "9"], "postfix-aol-a, postfix-aol-b");
    check(
        &["aol-*", "--volume", "9"],
        "more than one instance: postfix-aol-a, postfix-aol-b",
    );
    check(&["aol-a"], "--volume");
    check(&["aol-a", "--volume", "0/day"], "5000/day");
    check(&["aol-a", "--volume", "9/week"], "5000/day");
    check(
        &["aol-a", "--volume", "9", "--start", "2026-02-30"],
        "no such day: '2026-02-30'",
    );
    let by_schedule = |file: &str, more: &[&str], expected: &str| {
        let words = ["aol-a", "--volume", "9000", "--schedule", file];
        check(&[&words[..], more].concat(), expected);
    };
    by_schedule("/etc/none", &[], "cannot read the schedule: /etc/none");
    by_schedule(
        "/etc/steep.toml",
        &[],
        "the step from 100 to 5000 a day is too great: 200 would be allowed",
    );
    by_schedule("/etc/odd.toml", &[], "/etc/odd.toml, line");
    by_schedule(
        "/etc/steep.toml",
        &["--first", "7"],
        "--first: the levels of /etc/steep.toml",
    );
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
