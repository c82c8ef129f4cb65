//! What the formats make of odd instances.

use postfix::Zone;

use super::{csv, json, limits, table, text};
use figures::instances::specimen::right;
use figures::instances::{
    AddressPlace, DnsCheck, DnsOutcome, Facts, Listen, Listing, RateLimits, Running, findings,
};
use legible::grid::TableStyle;

fn listing(instances: Vec<Facts>) -> Listing {
    Listing {
        host: "rustin".to_owned(),
        time: postfix::Time::from_seconds(1_790_000_000),
        zone: Zone::named("UTC").unwrap(),
        findings: findings(&instances),
        instances,
        limits: Vec::new(),
        problems: Vec::new(),
    }
}

fn drawn(listing: &Listing, wide: bool) -> String {
    table::draw_instances(listing, wide, TableStyle::default())
}

#[test]
fn nothing_is_shown_as_a_dash_and_two_addresses_beside_each_other() {
    let mut a = right("postfix-aol-a", "192.0.2.1");
    let mut six = a.senders[0].clone();
    six.address = "2001:db8::1".parse().unwrap();
    six.place = AddressPlace::Interface {
        name: "eth1".to_owned(),
        is_up: false,
    };
    a.senders.push(six);
    a.listens.push(Listen {
        host: "2001:db8::1".to_owned(),
        port: "25".to_owned(),
        command: "smtpd".to_owned(),
    });
    let mut b = right("postfix", "192.0.2.2");
    b.group = None;
    b.senders.clear();
    b.running = Running::No;
    b.is_enabled = false;
    // 1,790,000,000 s after 1970 is 2026-09-21 14:13:20 UTC.
    assert_eq!(
        drawn(&listing(vec![a.clone(), b]), false),
        "instance       group  enabled  running since     bind address            interface          HELO \
         name                       queue directory\n\
         postfix-aol-a  relay  yes      2026-09-21 14:13  192.0.2.1, 2001:db8::1  eth0, eth1 (DOWN)  \
         postfix-aol-a.smtp.example.org  /var/spool/postfix-aol-a\n\
         postfix        -      no       no                -                       -                  \
         postfix.smtp.example.org        /var/spool/postfix\n\
         \n\
         severity  finding\n\
         CRITICAL  postfix-aol-a: 2001:db8::1 is on eth1, which is down\n"
    );
    let wide = drawn(&listing(vec![a]), true);
    assert!(wide.contains("  [2001:db8::1]:25  "), "{wide}");
}

#[test]
fn limits_that_are_alike_are_reported_together() {
    let of = |transport: &str, concurrency: &str, delay: &str, processes: &str| RateLimits {
        transport: transport.to_owned(),
        concurrency: concurrency.to_owned(),
        recipients: "50".to_owned(),
        rate_delay: delay.to_owned(),
        transport_rate_delay: "0s".to_owned(),
        processes: processes.to_owned(),
    };
    let all = [
        of("smtp", "5", "0s", "100"),
        of("slow", "1", "30s", "0"),
        of("relay", "5", "0s", "100"),
    ];
    assert_eq!(
        limits(&all),
        [
            "smtp, relay: 5 at a time, 50 recipients, 100 processes",
            "slow: 1 at a time, 50 recipients, any number of processes, one every 30s per destination",
        ]
    );
}

#[test]
fn hostile_text_is_harmless_in_every_format() {
    let bad = "a\x1b[2J\u{202e}\n:b,\"";
    let mut facts = right(bad, "192.0.2.1");
    facts.group = Some(bad.to_owned());
    facts.senders[0].dns.push(DnsCheck {
        check: "ptr",
        asked: bad.to_owned(),
        outcome: DnsOutcome::Wrong,
        detail: bad.to_owned(),
        listed: 0,
        records: Vec::new(),
        alias: None,
    });
    facts.senders[0].place = AddressPlace::Missing;
    let listing = listing(vec![facts]);
    let mut outputs = vec![drawn(&listing, true).into_bytes()];
    outputs.resize(4, Vec::new());
    text::write(&mut outputs[1], &listing, true).unwrap();
    csv::write(&mut outputs[2], &listing).unwrap();
    json::write(&mut outputs[3], &listing).unwrap();
    for output in outputs {
        let output = String::from_utf8(output).unwrap();
        let is_raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!output.contains(is_raw), "{output:?}");
        assert!(
            !output.lines().any(|line| line.starts_with(":b")),
            "{output:?}"
        );
    }
}

#[test]
fn json_says_null_of_what_is_not_known() {
    let mut facts = right("postfix-aol-a", "192.0.2.1");
    facts.running = Running::Unknown;
    facts.senders[0].place = AddressPlace::Unknown;
    facts.pickup = None;
    let mut out = Vec::new();
    json::write(&mut out, &listing(vec![facts])).unwrap();
    let expected = concat!(
        r#"{"schema":"relay-tools/relay-instances/1","host":"rustin","time":"2026-09-21T14:13:20Z","instances":["#,
        r#"{"instance":"postfix-aol-a","group":"relay","enabled":true,"running":null,"running_since":null,"pid":null,"#,
        r#""addresses":[{"address":"192.0.2.1","state":"unknown","interface":null}],"#,
        r#""helo_name":"postfix-aol-a.smtp.example.org","config_directory":"/etc/postfix-aol-a","#,
        r#""queue_directory":"/var/spool/postfix-aol-a","data_directory":"/var/lib/postfix-aol-a","mail_owner":"postfix","#,
        r#""syslog_name":"postfix-aol-a","maillog_file":null,"listens":[],"rate_limits":[],"pickup":null,"limits":[]}],"#,
        r#""findings":[],"complete":true,"missing":[],"problems":[]}"#,
        "\n"
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}
