//! queue-report on fixtures/rustin, whose mail was counted by hand from what its maker sent (testkit's example
//! rustin_spools) and from what `postqueue -j` printed.

use std::path::Path;

use crate::image::{Image, assert_superset, parse, postqueue};
use serde_json::{Value, json};

const TSS04: &str = "451 4.7.0 [TSS04] Messages from IP temporarily deferred due to unexpected volume or user \
    complaints - IP; \
                     see https://postmaster.yahooinc.com/error-codes (in reply to RCPT TO command)";

#[test]
fn the_messages_are_those_of_postqueue() {
    let image = Image::rustin();
    for instance in [
        "postfix",
        "postfix-aol-a",
        "postfix-aol-b",
        "postfix-msn-a",
        "postfix-yahoo-a",
    ] {
        assert_superset(instance, image.messages(&[instance]), postqueue(instance));
    }
    let ran = image.run(["therest-a", "--format", "jsonl"]).ended(1);
    let mut ours = parse(&ran.out);
    ours.retain(|line| line.get("missing").is_none());
    let theirs = postqueue("postfix-therest-a");
    assert_superset("postfix-therest-a", ours, theirs);
}

#[test]
fn the_messages_of_every_other_committed_spool_too() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/spools");
    let mut seen = 0;
    for entry in std::fs::read_dir(&root).unwrap() {
        let path = entry.unwrap().path();
        if !path.join("spool").is_dir() {
            continue;
        }
        seen += 1;
        let image = Image::with_spool(&path);
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_sound = !path.join("problems").exists();
        let ran = image
            .run(["x", "--format", "jsonl"])
            .ended(i32::from(!is_sound));
        assert_eq!(ran.err.is_empty(), is_sound, "{name}: {}", ran.err);
        let theirs =
            parse(&std::fs::read_to_string(path.join("postqueue.json")).unwrap_or_default());
        let mut ours = parse(&ran.out);
        ours.retain(|line| line.get("missing").is_none());
        assert_eq!(ran.out.contains("{\"missing\":"), !is_sound, "{name}");
        // What lies at a wrong depth Postfix does not see, and we do; the problem says so.
        if ran.err.contains("hash_queue_depth") {
            ours.retain(|m| theirs.iter().any(|t| t["queue_id"] == m["queue_id"]));
        }
        assert_superset(name, ours, theirs);
    }
    assert!(seen > 40, "only {seen} spools found");
}

#[test]
fn the_summary() {
    let found = Image::rustin().json(0, &["aol-b"]);
    let summary = &found["instances"][0];
    let of = |name: &str| summary[name].clone();
    assert_eq!(found["schema"], "relay-tools/queue-report/1");
    assert_eq!(found["host"], "rustin.mayfirst.example");
    assert_eq!(of("instance"), "postfix-aol-b");
    assert_eq!(
        (of("deferred"), of("hold"), of("total")),
        (json!(18), json!(2), json!(20))
    );
    // 12 with one recipient, 4 of a list, one with three, one with one of three left, two on hold.
    assert_eq!(of("recipients"), 12 + 4 + 3 + 1 + 2);
    let theirs = postqueue("postfix-aol-b");
    let bytes: i64 = theirs
        .iter()
        .map(|m| m["message_size"].as_i64().unwrap())
        .sum();
    assert_eq!(of("bytes"), bytes);
    // 300 seconds (minimal_backoff_time) behind the attempt: the files' time.
    assert_eq!(of("next_attempt"), modes_time("postfix-aol-b/deferred"));
    assert_eq!(found["total"]["total"], 20);
    assert_eq!(found["problems"], json!([]));
    assert_eq!(found["messages"].as_array().unwrap().len(), 20);
}

/// The earliest time that `modes` has for the files below a directory.
fn modes_time(below: &str) -> String {
    let root = env!("CARGO_MANIFEST_DIR");
    let modes = std::fs::read_to_string(format!("{root}/fixtures/rustin/modes")).unwrap();
    let lines = modes.lines().filter(|line| line.contains(below));
    let time = lines
        .map(|line| line.split(' ').nth(1).unwrap().parse::<i64>().unwrap())
        .min();
    let time = chrono::DateTime::from_timestamp(time.unwrap(), 0).unwrap();
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

#[track_caller]
fn check_groups(args: &[&str], expected: &[(Value, u64, u64)]) {
    let found = Image::rustin().json(0, args);
    let rows = found["groups"]["rows"].as_array().unwrap();
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let count = |name: &str| row[name].as_u64().unwrap();
            (row["key"].clone(), count("recipients"), count("messages"))
        })
        .collect();
    assert_eq!(rows, expected, "{args:?}");
}

#[test]
fn groups() {
    let key = |domain: &str| json!({"provider": "aol", "domain": domain, "reason": TSS04});
    check_groups(
        &["aol-b"],
        &[
            (key("aol.com"), 20, 20),
            (key("aim.com"), 1, 1),
            (key("love.com"), 1, 1),
        ],
    );
    check_groups(&["aol-b", "--top", "1"], &[(key("aol.com"), 20, 20)]);
    check_groups(
        &["msn-a", "--group-by", "reason-class"],
        &[
            (json!({"reason-class": "rate-limited"}), 5, 5),
            (json!({"reason-class": "mailbox-full"}), 1, 1),
        ],
    );
    check_groups(
        &["msn-a", "yahoo-a", "aol-a", "--group-by", "instance,dsn"],
        &[
            (json!({"instance": "postfix-msn-a", "dsn": "4.7.650"}), 5, 5),
            (json!({"instance": "postfix-yahoo-a", "dsn": "4.3.2"}), 4, 4),
            (json!({"instance": "postfix-aol-a", "dsn": "4.2.2"}), 2, 2),
            (json!({"instance": "postfix-msn-a", "dsn": "4.2.2"}), 1, 1),
        ],
    );
    check_groups(
        &["msn-a", "--group-by", "sender-domain,relay,queue"],
        &[
            (
                json!({"sender-domain": "lists.peace.example", "relay": "msn-com.olc.protection.outlook.com", "queue": "deferred"}),
                3,
                3,
            ),
            (
                json!({"sender-domain": "unions.example", "relay": "msn-com.olc.protection.outlook.com", "queue": "deferred"}),
                2,
                1,
            ),
            (
                json!({"sender-domain": "<>", "relay": "msn-com.olc.protection.outlook.com", "queue": "deferred"}),
                1,
                1,
            ),
        ],
    );
    // Who was not tried yet has no reason.
    check_groups(
        &["-", "--group-by", "reason,sender"],
        &[(
            json!({"reason": "-", "sender": "root@rustin.mayfirst.example"}),
            1,
            1,
        )],
    );
    // Of a message's recipients, those count that are meant.
    check_groups(&["aol-b", "--domain", "aim.com"], &[(key("aim.com"), 1, 1)]);
}

#[test]
fn senders() {
    let found = Image::rustin().json(0, &["aol-b"]);
    let rows = found["senders"]["rows"].as_array().unwrap();
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row["sender"].as_str().unwrap(),
                row["messages"].as_u64().unwrap(),
                row["recipients"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("news@lists.peace.example", 14, 14),
        // Each recipient has an own sender address.
        ("members-bounces+*@lists.peace.example", 4, 4),
        ("office@unions.example", 2, 4),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn selectors() {
    let image = Image::rustin();
    let count = |args: &[&str]| image.ids(args).len();
    assert_eq!(count(&["aol-b"]), 20);
    assert_eq!(count(&["/etc/postfix-aol-b/"]), 20);
    assert_eq!(count(&["192.0.2.42"]), 20);
    assert_eq!(count(&["aol-b", "--queue", "hold"]), 2);
    assert_eq!(count(&["aol-b", "--domain", "love.com,aim.com"]), 1);
    assert_eq!(count(&["aol-b", "--provider", "aol"]), 20);
    assert_eq!(count(&["aol-b", "--provider", "yahoo"]), 0);
    assert_eq!(
        count(&["aol-b", "--sender", "members-bounces+*@lists.peace.example"]),
        4
    );
    assert_eq!(count(&["aol-b", "--recipient", "user1@aol.com"]), 2);
    assert_eq!(count(&["aol-b", "--reason", "tss04"]), 20);
    assert_eq!(count(&["msn-a", "--reason-class", "mailbox-full"]), 1);
    assert_eq!(count(&["msn-a", "--dsn", "4.7"]), 5);
    assert_eq!(count(&["msn-a", "--dsn", "4.7", "--domain", "msn.com"]), 0);
    assert_eq!(count(&["msn-a", "--sender", "<>"]), 1);
    // User n's message has about 2000 n bytes.
    assert_eq!(count(&["aol-b", "--larger-than", "20000"]), 3);
    assert_eq!(count(&["aol-b", "--smaller-than", "1k"]), 8);
    assert_eq!(count(&["aol-b", "--younger-than", "1s"]), 0);
    assert_eq!(count(&["aol-b", "--older-than", "1s"]), 20);
    assert_eq!(count(&["aol-b", "--limit", "3"]), 3);
    let some = image.ids(&["aol-b", "--queue", "hold"]);
    assert_eq!(count(&["aol-b", "--id", &some[0]]), 1);
    let mut both = image.ids(&["aol-b", "--id", &some.join(",")]);
    both.sort();
    assert_eq!(both, {
        let mut some = some;
        some.sort();
        some
    });
}

/// The queue manager moves it from deferred to active while one is read and the other was: it is in both for us.
#[test]
fn a_message_that_is_moved_meanwhile_is_one_id() {
    let image = Image::rustin();
    let held = image.ids(&["aol-b", "--queue", "hold"]);
    let spool = image.path("var/spool/postfix-aol-b");
    let deferred = spool.join("deferred").join(&held[0][..1]);
    std::fs::create_dir_all(&deferred).unwrap();
    std::fs::hard_link(spool.join("hold").join(&held[0]), deferred.join(&held[0])).unwrap();
    assert_eq!(image.messages(&["aol-b", "--id", &held[0]]).len(), 2);
    for order in [&[][..], &["--sort", "id"]] {
        let ids = image.ids(&[&["aol-b"], order].concat());
        assert_eq!(ids.iter().filter(|id| **id == held[0]).count(), 1);
        assert_eq!(ids.len(), 20);
    }
}

#[test]
fn orders() {
    let image = Image::rustin();
    let first = |args: &[&str]| {
        let args = [&["aol-b", "--format", "jsonl"], args].concat();
        parse(&image.run(args).ended(0).out)
    };
    let sizes = |list: &[Value]| {
        list.iter()
            .map(|m| m["message_size"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    let mut all: Vec<u64> = sizes(&postqueue("postfix-aol-b"));
    all.sort_unstable();
    let smallest = sizes(&first(&["--sort", "size", "--reverse", "--limit", "8"]));
    assert_eq!(smallest, all[..8]);
    all.reverse();
    assert_eq!(sizes(&first(&["--sort", "size"])), all);
    assert_eq!(sizes(&first(&["--sort", "size", "--limit", "2"])), all[..2]);
    let most = first(&["--sort", "recipients", "--limit", "1"]);
    assert_eq!(most[0]["recipients"].as_array().unwrap().len(), 3);
    let mut ids = image.ids(&["aol-b"]);
    ids.sort();
    assert_eq!(image.ids(&["aol-b", "--sort", "id"]), ids);
    let next = first(&["--sort", "next"]);
    let queue = |m: &Value| m["queue_name"].as_str().unwrap().to_owned();
    assert_eq!(next.iter().map(queue).position(|q| q == "hold"), Some(18));
    assert_eq!(first(&["--limit", "0"]), Vec::<Value>::new());
}

/// All of real-default arrived at 2026-11-24 06:17:53 UTC; 10 messages are deferred, 2 on hold.
#[test]
fn when_it_drains_is_estimated_from_the_last_hour_and_says_on_what_it_rests() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/spools/real-default");
    let image = Image::with_spool(&fixture);
    let listed = std::fs::read_to_string(fixture.join("postqueue.json")).unwrap();
    let waiting = parse(&listed)
        .iter()
        .filter(|m| m["queue_name"] == "deferred")
        .map(|m| m["recipients"].as_array().unwrap().len())
        .sum::<usize>();
    let line = |time: &str, delay: usize, status: &str| {
        format!(
            "2026-11-24T{time}:00+00:00 rustin postfix/smtp[99]: 4B5xyzzzzz: to=<a@example.com>, \
             relay=mx[192.0.2.1]:25, delay={delay}, delays=1/0/0/0, dsn=2.0.0, status={status} (250 ok)\n"
        )
    };
    let lines = [
        // Before the hour began.
        line("05:01", 9000, "sent"),
        line("06:30", 5, "sent"),
        line("08:01", 9000, "sent"),
        // In it.
        line("08:31", 9000, "sent"),
        line("08:32", 7200, "sent"),
        line("08:33", 9000, "bounced"),
        // One that is still there, and one that came in the hour and went through.
        line("08:34", 9000, "deferred"),
        line("08:35", 10, "sent"),
    ];
    std::fs::create_dir_all(image.path("var/log")).unwrap();
    std::fs::write(image.path("var/log/mail.log"), lines.concat()).unwrap();
    let clock = "--clock=2026-11-24T09:20:00Z";
    let report = image.json(0, &[clock, "x"]);
    let total = &report["total"];
    assert_eq!(total["last_hour"]["done"], 3, "{total}");
    assert_eq!(total["last_hour"]["came"], 0, "{total}");
    assert_eq!(total["drains_in_seconds"], waiting * 3600 / 3, "{total}");
    let said = image.run([clock, "x"]).out;
    let rests = "in the last hour 3 recipients who had waited were delivered or returned, and 0 came to wait";
    assert!(said.replace('\n', " ").contains(rests), "{said}");
    assert!(said.contains("drains in ~"), "{said}");
    // The journal says the same, where there is no such file.
    std::fs::rename(image.path("var/log/mail.log"), image.path("mail.log")).unwrap();
    assert_eq!(
        image.json(0, &[clock, "x"])["total"]["last_hour"],
        Value::Null
    );
    image.journal(&lines.concat());
    assert_eq!(image.json(0, &[clock, "x"])["total"], *total);
    std::fs::rename(image.path("mail.log"), image.path("var/log/mail.log")).unwrap();
    std::fs::remove_dir_all(image.path("var/log/journal")).unwrap();
    // While it still comes in faster than it goes, it does not drain.
    let came = image.json(0, &["--clock=2026-11-24T07:00:00Z", "x"]);
    assert_eq!(came["total"]["last_hour"]["came"], waiting, "{came}");
    assert_eq!(came["total"]["drains_in_seconds"], Value::Null, "{came}");
    // A part of the mailq says nothing of all, and neither does a log that is not there.
    let part = image.json(0, &[clock, "--queue", "deferred", "x"]);
    assert_eq!(part["total"]["last_hour"], Value::Null);
    // A log that begins within the hour does not say what was done before; of what expired, it does not say how much.
    let log = image.path("var/log/mail.log");
    std::fs::write(&log, lines[3..].concat()).unwrap();
    let late = image.json(0, &[clock, "x"]);
    assert_eq!(late["total"]["last_hour"], Value::Null);
    let expired = "2026-11-24T08:36:00+00:00 rustin postfix/qmgr[98]: 4B5xyzzzzz: from=<a@example.com>, \
                   status=expired, returned to sender\n";
    std::fs::write(&log, lines.concat() + expired).unwrap();
    let expired = image.json(0, &[clock, "x"]);
    assert_eq!(expired["total"]["last_hour"], Value::Null);
    std::fs::remove_file(image.path("var/log/mail.log")).unwrap();
    let none = image.json(0, &[clock, "x"]);
    assert_eq!(none["total"]["last_hour"], Value::Null);
}
