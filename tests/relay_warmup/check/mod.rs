//! relay-warmup check beside real Postfix: what it reads is what postconf says.

mod pasted;
mod plans;

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
        "pass a fully qualified host name that no other instance uses",
    );
    check(&host, "aol-a", "enabled", "pass postfix start starts it");
    let master = host
        .sh("cat /var/spool/postfix-aol-a/pid/master.pid")
        .text();
    let running = format!("pass as process {}", master.trim());
    check(&host, "aol-a", "running", &running);
    check(&host, "aol-b", "running", "fail it is not running");
    check(&host, "aol-a", "pickup", "pass on");
    let pickup =
        "fail no pickup service: mail from queue-move and sendmail would stay in the maildrop";
    check(&host, "aol-b", "pickup", pickup);
    check(&host, "aol-a", "syslog-name", "pass its own");

    a.set("multi_instance_enable", "no");
    let enabled = "fail postfix start does not start it: check multi_instance_enable, and multi_instance_directories \
    of the default instance";
    check(&host, "aol-a", "enabled", enabled);
    b.set("smtp_helo_name", "aol-a.example.org");
    check(
        &host,
        "aol-a",
        "helo",
        "fail postfix-aol-b uses the same name; each address needs its own",
    );
    a.set("smtp_helo_name", "aol-a");
    check(
        &host,
        "aol-a",
        "helo",
        "fail not a fully qualified host name",
    );
    b.set("syslog_name", "postfix-aol-a");
    check(
        &host,
        "aol-a",
        "syslog-name",
        "fail postfix-aol-b logs under it too: their mail cannot be distinguished",
    );
    a.set("syslog_name", "warm");
    check(
        &host,
        "aol-a",
        "syslog-name",
        "fail it is not the instance's name, postfix-aol-a",
    );
    a.set("smtp_bind_address", "127.0.0.1");
    let loopback = "fail a loopback address: no mail leaves the machine from there";
    check(&host, "aol-a", "address", loopback);
    check(
        &host,
        "aol-a",
        "ptr",
        "unknown a loopback address does not belong in the DNS",
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

/// The last step of that name counts, as in [`steps`].
#[test]
fn mail_that_leaves_by_another_address_is_not_ready() {
    let host = host_or_skip!();
    host.sh("for n in 44 45; do ip address add 192.0.2.$n/32 dev lo; done; ip -6 address add 2001:db8::5/128 dev lo \
        nodad");
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
    let or = ":address:do:or, so that mail only leaves by the other: ";
    let command = shown.lines().find_map(|line| Some(line.split_once(or)?.1));
    let expected = "postconf -c /etc/postfix-aol-c -e 'inet_protocols = ipv4'";
    assert_eq!(command, Some(expected), "{shown}");
    host.sh(expected).ok();
    assert_eq!(aol.postconf("inet_protocols"), "ipv4");
    check(&host, "aol-c", "address", "pass on lo");
    host.sh("postconf -c /etc/postfix-aol-c -P smtp/unix/smtp_bind_address=192.0.2.45");
    host.sh("ip address del 192.0.2.45/32 dev lo");
    check(&host, "aol-c", "address", "fail on no interface");
}

/// Each way to write a rate limit: what is found is what postconf says is in force.
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
    concurrency("fail 20 at a time to one domain; a new address should use at most 5");
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
        "pass 60s between deliveries to one domain, 1440 a day to each; domains together are not limited",
    );
    concurrency("pass 1 at a time to one domain, because of smtp_destination_rate_delay");
    cohort(
        "fail 1: with a rate limit, that few failed connections in a row defer all mail of a domain; postconf(5) asks \
         for 10 or more",
    );

    a.set("smtp_destination_rate_delay", "$smtp_own");
    a.set("smtp_own", "20");
    oracle("smtp_destination_rate_delay", "20");
    delay(
        "pass 20s between deliveries to one domain, 4320 a day to each; domains together are not limited",
    );
    a.set("smtp_destination_rate_delay", "0");
    a.set("smtp_transport_rate_delay", "432s");
    a.set("default_destination_rate_delay", "0s");
    a.set("smtp_destination_concurrency_limit", "1");
    delay("pass 432s between any two deliveries, 200 a day; transports without one: relay");
    concurrency("pass 1 at a time, whatever its domain, because of smtp_transport_rate_delay");
    a.set("default_destination_concurrency_failed_cohort_limit", "12");
    oracle("smtp_destination_concurrency_failed_cohort_limit", "12");
    cohort("pass 12 failed connections in a row until a domain's mail is deferred");
    a.set("smtp_destination_concurrency_failed_cohort_limit", "0");
    cohort("fail off: a provider that refuses every connection is tried again and again");

    // What postconf shows, and the queue manager would die of.
    a.set("smtp_transport_rate_delay", "soon");
    delay("fail \"soon\" is not a value that Postfix accepts");

    // The mail leaves by another transport.
    a.set("smtp_transport_rate_delay", "0");
    a.set("slow_transport_rate_delay", "30s");
    a.set("default_transport", "slow:[192.0.2.9]");
    check(
        &host,
        "aol-a",
        "rate-delay",
        "unknown master.cf has no SMTP client called slow: its rate limits are not known",
    );
    host.sh("postconf -c /etc/postfix-aol-a -M 'slow/unix=slow unix - - y - - smtp'");
    delay("pass 30s between any two deliveries, 2880 a day; transports without one: smtp, relay");
}
