//! One set of events, counted and shown in every format. The expectations are written by hand from the events.

mod events;

use std::sync::Arc;

use postfix::log::{Agent, Delays, Delivery, Relay, Status};
use postfix::{Problem, Zone};

use figures::mail_stats::{Count, Dimension, Frame, MailStats, Settings, Tally};
use knowledge::providers::Providers;
use knowledge::reasons::Reasons;
use legible::grid::TableStyle;

const REFUSED: &[u8] = b"host mta5.am0.yahoodns.net[192.0.2.99] refused to talk to me: 421 4.7.0 [TSS04] Messages from \
    198.51.100.7 temporarily deferred due to unexpected volume or user complaints";

fn delivery<'a>(recipient: &'a [u8], status: Status) -> Delivery<'a> {
    Delivery {
        // 2026-09-19T16:22:57.000123Z
        time: Some(postfix::Time::from_micros(1_789_834_977_000_123)),
        host: b"rustin",
        tag: b"postfix-aol-a",
        agent: Agent::Smtp,
        queue_id: b"4Q1X2",
        recipient,
        orig_recipient: None,
        relay: Some(Relay {
            host: b"mx-aol.mail.gm0.yahoodns.net",
            address: Some(b"192.0.2.99"),
            port: Some(25),
        }),
        delay: Some(1.5),
        delays: Some(Delays {
            a: 0.25,
            b: 0.0,
            c: 0.75,
            d: 0.5,
        }),
        dsn: Some(b"2.0.0"),
        status,
        reply: b"250 2.0.0 Ok",
        repeat: 1,
    }
}

fn settings(by: &[Dimension], delays: bool) -> Settings {
    Settings {
        by: by.to_vec(),
        count: Count::Attempts,
        delays,
        zone: Zone::named("America/New_York").unwrap(),
        instances: vec!["postfix-aol-b".to_owned()],
        most_instances: figures::bounds::MOST_INSTANCES,
        most_keys: figures::bounds::MOST_KEYS,
        providers: Arc::new(Providers::load(None).unwrap()),
        reasons: Some(Arc::new(Reasons::load(None).unwrap())),
    }
}

/// postfix-aol-a: three sent, one bounced, two deferred by one line; one expired, four lines unread. postfix-aol-b:
/// nothing.
fn stats(by: &[Dimension], delays: bool) -> MailStats {
    let mut tally = Tally::new(Arc::new(settings(by, delays)));
    for _ in 0..2 {
        tally.add(b"postfix-aol-a", &delivery(b"a@aol.com", Status::Sent));
    }
    tally.add(b"postfix-aol-a", &delivery(b"a@example.org", Status::Sent));
    let unknown = Delivery {
        dsn: Some(b"5.1.1"),
        reply: b"host mx.example[192.0.2.1] said: 550 5.1.1 User unknown",
        ..delivery(b"b@x:\x1b[31m\xe2\x80\xae\xff,\"y\"", Status::Bounced)
    };
    tally.add(b"postfix-aol-a", &unknown);
    let refused = Delivery {
        dsn: Some(b"4.7.0"),
        reply: REFUSED,
        repeat: 2,
        ..delivery(b"a@aol.com", Status::Deferred)
    };
    tally.add(b"postfix-aol-a", &refused);
    tally.expired(b"postfix-aol-a", 1);
    tally.unparsed(b"postfix-aol-a", 4);
    tally.finish(Frame {
        host: "rustin".to_owned(),
        since: Some(postfix::Time::from_seconds(1_789_776_000)),
        until: None,
        top: None,
        sources: Vec::new(),
        problems: vec![Problem::new("/var/log/mail.log", "cut \u{1b}short")],
        ..Frame::default()
    })
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The sample of the old script's output.
#[test]
fn the_default_text_is_what_the_old_script_wrote() {
    let mut tally = Tally::new(Arc::new(Settings {
        instances: Vec::new(),
        ..settings(&[], false)
    }));
    let mut add = |instance: &str, status, repeat| {
        let line = delivery(b"a@aol.com", status);
        tally.add(instance.as_bytes(), &Delivery { repeat, ..line });
    };
    add("postfix-therest-a", Status::Sent, 59635);
    add("postfix-therest-a", Status::Bounced, 22242);
    add("postfix-therest-a", Status::Deferred, 5404);
    add("postfix-aol-a", Status::Sent, 573);
    add("postfix-aol-a", Status::Bounced, 62);
    add("postfix-aol-a", Status::Deferred, 7);
    let stats = tally.finish(Frame::default());
    let expected = "postfix-aol-a:total:642\n\
                    postfix-aol-a:bounced:62\n\
                    postfix-aol-a:deferred:7\n\
                    postfix-aol-a:sent:573\n\
                    \n\
                    postfix-therest-a:total:87281\n\
                    postfix-therest-a:bounced:22242\n\
                    postfix-therest-a:deferred:5404\n\
                    postfix-therest-a:sent:59635\n\
                    \n";
    assert_eq!(written(|out| super::text::write(out, &stats)), expected);
}

#[test]
fn text_with_a_breakdown_has_six_fields_a_row() {
    let stats = stats(&[Dimension::Domain], false);
    let expected = r#"postfix-aol-a:total:6
postfix-aol-a:bounced:1
postfix-aol-a:deferred:2
postfix-aol-a:sent:3
postfix-aol-a:by:domain:aol.com:total:4
postfix-aol-a:by:domain:aol.com:bounced:0
postfix-aol-a:by:domain:aol.com:deferred:2
postfix-aol-a:by:domain:aol.com:sent:2
postfix-aol-a:by:domain:example.org:total:1
postfix-aol-a:by:domain:example.org:bounced:0
postfix-aol-a:by:domain:example.org:deferred:0
postfix-aol-a:by:domain:example.org:sent:1
postfix-aol-a:by:domain:x\x3a\x1b[31m\u{202e}\xff,"y":total:1
postfix-aol-a:by:domain:x\x3a\x1b[31m\u{202e}\xff,"y":bounced:1
postfix-aol-a:by:domain:x\x3a\x1b[31m\u{202e}\xff,"y":deferred:0
postfix-aol-a:by:domain:x\x3a\x1b[31m\u{202e}\xff,"y":sent:0

postfix-aol-b:total:0
postfix-aol-b:bounced:0
postfix-aol-b:deferred:0
postfix-aol-b:sent:0

"#;
    assert_eq!(written(|out| super::text::write(out, &stats)), expected);
}

#[test]
fn json() {
    let stats = stats(&[Dimension::Reason, Dimension::Domain], true);
    let expected = concat!(
        r#"{"schema":"relay-tools/mail-stats/1","host":"rustin","since":"2026-09-19T00:00:00Z","until":null,"count":"attempts","instances":["#,
        r#"{"instance":"postfix-aol-a","total":6,"sent":3,"bounced":1,"deferred":2,"expired":1,"unparsed":4,"#,
        r#""delays":{"delay":{"median":1.5,"p95":1.5,"max":1.5},"a":{"median":0.25,"p95":0.25,"max":0.25},"b":{"median":0.0,"p95":0.0,"max":0.0},"#,
        r#""c":{"median":0.75,"p95":0.75,"max":0.75},"d":{"median":0.5,"p95":0.5,"max":0.5}},"oldest_deferred_seconds":1.5,"#,
        r#""by":{"reason":[{"key":"-","total":3,"sent":3,"bounced":0,"deferred":0,"codes":[],"ips":[]},"#,
        r#"{"key":"rate-limited","total":2,"sent":0,"bounced":0,"deferred":2,"codes":[{"code":"TSS04","count":2}],"ips":[{"ip":"198.51.100.7","count":2}]},"#,
        r#"{"key":"bad-mailbox","total":1,"sent":0,"bounced":1,"deferred":0,"codes":[],"ips":[]}],"#,
        r#""domain":[{"key":"aol.com","total":4,"sent":2,"bounced":0,"deferred":2},{"key":"example.org","total":1,"sent":1,"bounced":0,"deferred":0},"#,
        r#"{"key":"x:\u001b[31m\u202e"#,
        "\u{fffd}",
        r#",\"y\"","total":1,"sent":0,"bounced":1,"deferred":0}]}},"#,
        r#"{"instance":"postfix-aol-b","total":0,"sent":0,"bounced":0,"deferred":0,"expired":0,"unparsed":0,"by":{"reason":[],"domain":[]}}],"#,
        r#""total":{"total":6,"sent":3,"bounced":1,"deferred":2,"expired":1,"unparsed":4,"#,
    );
    let found = written(|out| super::json::write(out, &stats));
    assert_eq!(&found[..expected.len()], expected);
    let end = "],\"problems\":[\"/var/log/mail.log: cut \\\\x1bshort\"]}\n";
    assert!(
        found
            .replace("]}},\"problems", "],\"problems")
            .ends_with(end),
        "{found}"
    );
    let whole: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!(
        whole["total"]["by"]["domain"],
        whole["instances"][0]["by"]["domain"]
    );
}

#[test]
fn jsonl() {
    let stats = stats(&[Dimension::Dsn], false);
    let head = r#"{"schema":"relay-tools/mail-stats/1","host":"rustin","since":"2026-09-19T00:00:00Z","until":null,"#;
    let lines = [
        r#""instance":"postfix-aol-a","total":6,"sent":3,"bounced":1,"deferred":2,"expired":1,"unparsed":4}"#,
        r#""instance":"postfix-aol-a","by":"dsn","key":"2.0.0","total":3,"sent":3,"bounced":0,"deferred":0}"#,
        r#""instance":"postfix-aol-a","by":"dsn","key":"4.7.0","total":2,"sent":0,"bounced":0,"deferred":2}"#,
        r#""instance":"postfix-aol-a","by":"dsn","key":"5.1.1","total":1,"sent":0,"bounced":1,"deferred":0}"#,
        r#""instance":"postfix-aol-b","total":0,"sent":0,"bounced":0,"deferred":0,"expired":0,"unparsed":0}"#,
        r#""missing":"/var/log/mail.log: cut \\x1bshort"}"#,
        r#""missing":"4 delivery lines could not be read"}"#,
    ];
    let expected: String = lines.iter().map(|line| format!("{head}{line}\n")).collect();
    assert_eq!(written(|out| super::jsonl::write(out, &stats)), expected);
}

#[test]
fn csv() {
    let stats = stats(&[Dimension::Domain], true);
    let expected = r#"instance,by,key,total,sent,bounced,deferred,expired,unparsed,delay_median,delay_p95,delay_max,a_median,a_p95,a_max,b_median,b_p95,b_max,c_median,c_p95,c_max,d_median,d_p95,d_max,code,blamed_ip,oldest_deferred
postfix-aol-a,,,6,3,1,2,1,4,1.5,1.5,1.5,0.25,0.25,0.25,0,0,0,0.75,0.75,0.75,0.5,0.5,0.5,,,1.5
postfix-aol-a,domain,aol.com,4,2,0,2,,,,,,,,,,,,,,,,,,,,
postfix-aol-a,domain,example.org,1,1,0,0,,,,,,,,,,,,,,,,,,,,
postfix-aol-a,domain,"x:\x1b[31m\u{202e}\xff,""y""",1,0,1,0,,,,,,,,,,,,,,,,,,,,
postfix-aol-b,,,0,0,0,0,0,0,,,,,,,,,,,,,,,,,,
,missing,/var/log/mail.log: cut \x1bshort,,,,,,,,,,,,,,,,,,,,,,,,
,missing,4 delivery lines could not be read,,,,,,,,,,,,,,,,,,,,,,,,
"#;
    assert_eq!(written(|out| super::csv::write(out, &stats)), expected);
}

#[test]
fn prom() {
    let by = [Dimension::Domain, Dimension::Provider];
    let mut stats = stats(&by, true);
    stats.instances[1].instance = b"x\"\\\n".to_vec();
    let expected = r#"# HELP relay_mail_window_begin_timestamp_seconds Beginning of the window that was counted.
# TYPE relay_mail_window_begin_timestamp_seconds gauge
relay_mail_window_begin_timestamp_seconds 1789776000
# HELP relay_mail_complete Is all of the window in the figures? 0 where a log, or a part of one, could not be read.
# TYPE relay_mail_complete gauge
relay_mail_complete 0
# HELP relay_mail_unattributed_lines Delivery lines that could not be read, and whose instance is not known.
# TYPE relay_mail_unattributed_lines gauge
relay_mail_unattributed_lines 0
# HELP relay_mail_lost_messages Messages that syslog daemons threw away for coming too fast, as far as they say so.
# TYPE relay_mail_lost_messages gauge
relay_mail_lost_messages 0
# HELP relay_mail_deliveries Delivery attempts in the window, by result.
# TYPE relay_mail_deliveries gauge
relay_mail_deliveries{postfix_instance="postfix-aol-a",status="sent"} 3
relay_mail_deliveries{postfix_instance="postfix-aol-a",status="bounced"} 1
relay_mail_deliveries{postfix_instance="postfix-aol-a",status="deferred"} 2
relay_mail_deliveries{postfix_instance="x\"\\\\\\n",status="sent"} 0
relay_mail_deliveries{postfix_instance="x\"\\\\\\n",status="bounced"} 0
relay_mail_deliveries{postfix_instance="x\"\\\\\\n",status="deferred"} 0
# HELP relay_mail_expired Messages that expired in the queue in the window.
# TYPE relay_mail_expired gauge
relay_mail_expired{postfix_instance="postfix-aol-a"} 1
relay_mail_expired{postfix_instance="x\"\\\\\\n"} 0
# HELP relay_mail_unparsed_lines Delivery lines in the window that could not be read.
# TYPE relay_mail_unparsed_lines gauge
relay_mail_unparsed_lines{postfix_instance="postfix-aol-a"} 4
relay_mail_unparsed_lines{postfix_instance="x\"\\\\\\n"} 0
# HELP relay_mail_delay_seconds Delays of deliveries in the window that were sent: all, and Postfix's parts a, b, c, d.
# TYPE relay_mail_delay_seconds gauge
relay_mail_delay_seconds{postfix_instance="postfix-aol-a",part="all",stat="median"} 1.5
relay_mail_delay_seconds{postfix_instance="postfix-aol-a",part="all",stat="p95"} 1.5
relay_mail_delay_seconds{postfix_instance="postfix-aol-a",part="all",stat="max"} 1.5
relay_mail_delay_seconds{postfix_instance="postfix-aol-a",part="a",stat="median"} 0.25
relay_mail_delay_seconds{postfix_instance="postfix-aol-a",part="a",stat="p95"} 0.25
relay_mail_delay_seconds{postfix_instance="postfix-aol-a",part="a",stat="max"} 0.25
relay_mail_delay_seconds{postfix_instance="postfix-aol-a",part="b",stat="median"} 0
relay_mail_delay_seconds{postfix_instance="postfix-aol-a",part="b",stat="p95"} 0
relay_mail_delay_seconds{postfix_instance="postfix-aol-a",part="b",stat="max"} 0
relay_mail_delay_seconds{postfix_instance="postfix-aol-a",part="c",stat="median"} 0.75
relay_mail_delay_seconds{postfix_instance="postfix-aol-a",part="c",stat="p95"} 0.75
relay_mail_delay_seconds{postfix_instance="postfix-aol-a",part="c",stat="max"} 0.75
relay_mail_delay_seconds{postfix_instance="postfix-aol-a",part="d",stat="median"} 0.5
relay_mail_delay_seconds{postfix_instance="postfix-aol-a",part="d",stat="p95"} 0.5
relay_mail_delay_seconds{postfix_instance="postfix-aol-a",part="d",stat="max"} 0.5
# HELP relay_mail_oldest_deferred_seconds Age of the oldest message that was deferred in the window, at its last try.
# TYPE relay_mail_oldest_deferred_seconds gauge
relay_mail_oldest_deferred_seconds{postfix_instance="postfix-aol-a"} 1.5
# HELP relay_mail_provider_deliveries Deliveries in the window by provider.
# TYPE relay_mail_provider_deliveries gauge
relay_mail_provider_deliveries{postfix_instance="postfix-aol-a",provider="aol",status="sent"} 3
relay_mail_provider_deliveries{postfix_instance="postfix-aol-a",provider="aol",status="bounced"} 1
relay_mail_provider_deliveries{postfix_instance="postfix-aol-a",provider="aol",status="deferred"} 2
"#;
    assert_eq!(written(|out| super::prom::write(out, &stats)), expected);
}

#[test]
fn tables() {
    let stats = stats(&[Dimension::Reason, Dimension::Instance], true);
    let expected = r"instance       total       sent    bounced    deferred  expired  unparsed
postfix-aol-a      6   3  50.0%   1  16.7%    2  33.3%        1         4
postfix-aol-b      0   0      -   0      -    0      -        0         0
TOTAL              6   3  50.0%   1  16.7%    2  33.3%        1         4

delays of sent         median   95%   max  a: before qmgr  b: in qmgr     c: connect   d: transmit  oldest deferred
postfix-aol-a    1.5s  1.5s  1.5s   0.25s / 0.25s     0s / 0s  0.75s / 0.75s  0.5s / 0.5s  1.5s
postfix-aol-b       -     -     -               -           -              -            -  -
TOTAL            1.5s  1.5s  1.5s   0.25s / 0.25s     0s / 0s  0.75s / 0.75s  0.5s / 0.5s  1.5s

by reason
instance       reason        total       sent    bounced   deferred  codes    blamed
postfix-aol-a  -                 3  3 100.0%   0   0.0%   0   0.0%
postfix-aol-a  rate-limited      2  0   0.0%   0   0.0%   2 100.0%  TSS04 2  198.51.100.7 2
postfix-aol-a  bad-mailbox       1  0   0.0%   1 100.0%   0   0.0%
TOTAL          -                 3  3 100.0%   0   0.0%   0   0.0%
TOTAL          rate-limited      2  0   0.0%   0   0.0%   2 100.0%  TSS04 2  198.51.100.7 2
TOTAL          bad-mailbox       1  0   0.0%   1 100.0%   0   0.0%

by instance
instance       total      sent   bounced   deferred
postfix-aol-a      6  3  50.0%  1  16.7%   2  33.3%
postfix-aol-b      0  0      -  0      -   0      -
";
    let found = super::table::draw_stats(&stats, TableStyle::default());
    let squeeze = |text: &str| {
        text.lines()
            .map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
    };
    assert_eq!(squeeze(&found), squeeze(expected));
    // Numbers end under each other.
    let counts: Vec<&str> = found.lines().take(4).collect();
    assert!(
        counts.iter().all(|line| line.len() == counts[0].len()),
        "{found}"
    );
}
