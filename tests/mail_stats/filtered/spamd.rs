//! A real spamd and spamass-milter in front of two instances. Which score a message has is told by the header that the
//! sink got with it, and by the text of a rule that is there for the test; the tool reads the logs alone.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use testkit::{Host, Instance, Running};

use super::session::Session;
use super::{json, json_of_no_log, of};
use crate::TOOL;

/// SpamAssassin's own test string.
const GTUBE: &str = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";

/// Rules that give a message so many points more that it comes close to 5, from below or from above: for mail of the
/// host's own network a point is taken off.
const RULES: &str = "\
header KIT_LESS Subject =~ /points less/
score KIT_LESS 5.6
header KIT_MORE Subject =~ /points more/
score KIT_MORE 6.3
use_bayes 0
";

/// spamd, and the milter that rejects from 15 points on. They end with the host.
struct Filter {
    _running: [Running; 2],
}

fn start(host: &Host, spamd_log: &str) -> Filter {
    host.write("/etc/spamassassin/99_kit.cf", RULES);
    host.sh("mkdir -p /run/kit && chmod 777 /run/kit");
    let spamd = host
        .command("/usr/sbin/spamd")
        .args([
            "--local",
            "--nouser-config",
            "--username",
            "nobody",
            "--listen",
            "127.0.0.1:783",
        ])
        .args([
            "--max-children",
            "2",
            "--helper-home-dir",
            "/run/kit",
            "--syslog",
            spamd_log,
        ])
        .timeout(Duration::from_secs(600))
        .spawn();
    host.wait_until(testkit::PATIENCE, "spamd listens", || {
        host.command("spamc")
            .args(["-K", "-d", "127.0.0.1"])
            .run()
            .code()
            == Some(0)
    });
    let milter = host
        .command("/usr/sbin/spamass-milter")
        .args(["-p", "inet:8893@127.0.0.1", "-r", "15", "-u", "nobody"])
        .timeout(Duration::from_secs(600))
        .spawn();
    host.wait_until(testkit::PATIENCE, "spamass-milter listens", || {
        host.enter(|| std::net::TcpStream::connect("127.0.0.1:8893").is_ok())
    });
    Filter {
        _running: [spamd, milter],
    }
}

/// Sends a message, and tells the last code before QUIT's.
fn send(to: &Instance, id: Option<&str>, subject: &str, body: &str) -> u16 {
    let id = id.map_or_else(String::new, |id| format!("Message-Id: {id}\r\n"));
    // Of today: an old date has points of its own.
    let date = to.host().sh("date -R").text();
    let date = date.trim();
    let text = format!(
        "From: a@example.org\r\nTo: b@example.com\r\nDate: {date}\r\n{id}Subject: {subject}\r\n\r\n{body}"
    );
    let session = Session::helo("client.example.org")
        .mail("a@example.org")
        .rcpt("b@example.com")
        .data(&text);
    let codes = session.run(to);
    let codes = codes.strip_suffix(&[221]).unwrap_or(&codes);
    *codes.last().unwrap()
}

/// The scores of what the sink got from an instance, by whole points: from X-Spam-Status.
fn delivered(sink: &testkit::Sink, instance: &Instance) -> BTreeMap<i64, u64> {
    let mut scores = BTreeMap::new();
    for delivery in sink.deliveries() {
        if delivery.client.ip() == instance.address().ip() {
            let header = String::from_utf8_lossy(&delivery.message.header).into_owned();
            let score = header.split("score=").nth(1).expect(&header);
            let score: f64 = score.split(' ').next().unwrap().parse().unwrap();
            *scores.entry(score.floor() as i64).or_default() += 1;
        }
    }
    scores
}

/// The messages of each band that ended so: by the whole points that the band begins with.
fn outcomes(filtered: &Value, outcome: &str) -> BTreeMap<i64, u64> {
    let bands = filtered["scores"]["bands"].as_array().expect("scores");
    let counts = bands.iter().filter_map(|band| {
        let n = band[outcome].as_u64().filter(|n| *n > 0)?;
        Some((band["from"].as_f64().map_or(-1, |from| from as i64), n))
    });
    counts.collect()
}

fn check(host: &Host, spamd_log: &str, args: &[&str]) {
    let sink = host.sink();
    let _filter = start(host, spamd_log);
    host.write(
        "/etc/hold_spam",
        "/^X-Spam-Flag: YES/ HOLD spam is looked at\n",
    );
    let make = |name: &str| {
        host.instance(name)
            .relay_to(&sink)
            .param("smtpd_milters", "inet:127.0.0.1:8893")
            .param("smtpd_error_sleep_time", "0")
    };
    let a = make("postfix-in-a").start();
    // Here, what is marked as spam waits for the admin.
    let b = make("postfix-in-b")
        .param("milter_header_checks", "regexp:/etc/hold_spam")
        .start();
    for n in 0..3 {
        assert_eq!(
            send(&a, Some(&format!("<clean{n}@x>")), "news", "Hello."),
            250
        );
    }
    for n in 0..2 {
        assert_eq!(send(&a, Some(&format!("<gtube{n}@x>")), "buy", GTUBE), 550);
        assert_eq!(
            send(&a, Some(&format!("<less{n}@x>")), "points less", "Hello."),
            250
        );
    }
    assert_eq!(send(&a, Some("<more@x>"), "points more", "Hello."), 250);
    // The same Message-Id, and none, at both.
    assert_eq!(send(&a, Some("<twice@x>"), "news", "Hello."), 250);
    assert_eq!(send(&b, Some("<twice@x>"), "points more", "Hello."), 250);
    assert_eq!(send(&a, None, "news", "Hello."), 250);
    assert_eq!(send(&b, None, "news", GTUBE), 550);
    assert_eq!(
        send(&b, Some("<a,\"b@x> (odd)"), "points more", "Hello."),
        250
    );
    assert_eq!(send(&b, Some("<clean@x>"), "news", "Hello."), 250);
    // Of no instance.
    host.command("spamc")
        .args(["-d", "127.0.0.1", "-c"])
        .stdin("Message-Id: <stranger@x>\nSubject: x\n\nx\n")
        .run();
    a.wait_idle();
    b.wait_idle();
    sink.wait_accepted(9);
    assert_eq!(sink.accepted(), 9, "{}", host.mail_log());
    assert_eq!((a.count("hold"), b.count("hold")), (0, 2));
    let whole = || json(host, args);
    host.wait_until(testkit::PATIENCE, "all is logged", || {
        let found = whole();
        let of_all = outcomes(&found["total"]["filtered"], "messages");
        let delivered = outcomes(&found["total"]["filtered"], "delivered");
        of_all.values().sum::<u64>() == 15 && delivered.values().sum::<u64>() == 9
    });
    let found = whole();
    let (on_a, on_b) = (of(&found, "postfix-in-a"), of(&found, "postfix-in-b"));
    assert_eq!(outcomes(on_a, "delivered"), delivered(&sink, &a));
    assert_eq!(outcomes(on_b, "delivered"), delivered(&sink, &b));
    let gtube = |n| BTreeMap::from([(15, n)]);
    assert_eq!(outcomes(on_a, "rejected"), gtube(2));
    assert_eq!(outcomes(on_b, "rejected"), gtube(1));
    assert_eq!(outcomes(on_a, "held"), BTreeMap::new());
    assert_eq!(outcomes(on_b, "held").values().sum::<u64>(), 2);
    for other in ["discarded", "temporary", "bounced", "waiting", "unknown"] {
        assert_eq!(outcomes(on_a, other), BTreeMap::new(), "{other}");
        assert_eq!(outcomes(on_b, other), BTreeMap::new(), "{other}");
    }
    let score = |filtered: &Value, what: &str| filtered["scores"][what].as_u64().unwrap();
    // 2 by GTUBE, 1 by points; 1 by GTUBE, 2 by points.
    assert_eq!((score(on_a, "spam"), score(on_b, "spam")), (3, 3));
    assert_eq!((score(on_a, "clean"), score(on_b, "clean")), (7, 1));
    assert_eq!(
        (score(on_a, "just_below"), score(on_a, "just_above")),
        (2, 1)
    );
    assert_eq!(
        (score(on_b, "just_below"), score(on_b, "just_above")),
        (0, 2)
    );
    assert_eq!(
        found["unmatched_scores"]["bands"].as_array().unwrap().len(),
        13
    );
    let strangers = &found["unmatched_scores"];
    assert_eq!(
        strangers["clean"].as_u64().unwrap() + strangers["spam"].as_u64().unwrap(),
        1
    );
    assert_eq!(
        (&on_a["accepted"], &on_b["accepted"]),
        (&8.into(), &3.into())
    );
    let stops = super::stops(on_b);
    // The third one was rejected after all.
    let held = ("content-hold".to_owned(), "header".to_owned());
    assert_eq!(stops[&held], (3, 0));
    // Where an instance is named, the other's scores are not strangers'.
    let one = json(host, &[args, &["--", "in-b"]].concat());
    assert_eq!(of(&one, "postfix-in-b")["scores"], on_b["scores"]);
    assert_eq!(one["unmatched_scores"], Value::Null);
    // In a window, only what lies in it.
    let none = json_of_no_log(
        host,
        &[args, &["--since", "2001-01-01", "--until", "2001-01-02"]].concat(),
    );
    assert_eq!(none["total"]["filtered"]["scores"], Value::Null);
    let out = host
        .command(TOOL)
        .args(["--filtered", "--format", "prom"])
        .args(args);
    let prom = out.run().ok().text();
    let line = "relay_mail_scored{postfix_instance=\"postfix-in-a\",score=\">=15\",outcome=\"rejected\"} 2";
    assert!(prom.lines().any(|l| l == line), "{prom}");
    let checked = host
        .command("promtool")
        .args(["check", "metrics"])
        .stdin(prom)
        .run();
    assert_eq!((checked.code(), checked.errors()), (Some(0), String::new()));
}

#[test]
fn scores_are_joined_with_what_became_of_the_messages() {
    let host = testkit::host_or_skip!();
    check(&host, "mail", &[]);
    // The same log, put away by logrotate, and read by a window.
    host.sh("gzip -c /var/log/mail.log >/var/log/mail.log.2.gz; : >/var/log/mail.log");
    let found = json(&host, &["--since", "1h"]);
    assert_eq!(
        outcomes(of(&found, "postfix-in-a"), "rejected"),
        BTreeMap::from([(15, 2)])
    );
}

#[test]
fn the_same_with_times_that_lack_a_year() {
    let host = testkit::host_or_skip!(Host::builder().traditional_log());
    check(&host, "mail", &[]);
}

#[test]
fn the_same_with_a_log_of_spamds_own() {
    let host = testkit::host_or_skip!();
    check(
        &host,
        "/run/kit/spamd.log",
        &["--spamd-log", "/run/kit/spamd.log"],
    );
    // Postfix's log alone knows no scores.
    let found = json(&host, &[]);
    assert_eq!(found["total"]["filtered"]["scores"], Value::Null);
}
